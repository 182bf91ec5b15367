"""The calculators: pure functions from inputs and tables to figures that explain themselves."""
