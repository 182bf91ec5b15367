"""Schema migrations; each one is small, goes both ways, and keeps the data."""
