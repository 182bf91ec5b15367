"""The processes, deterministic: one file per process, and the ladder and desk they share."""
