"""What the processes ask of the world: one class per capability, ports injected."""
