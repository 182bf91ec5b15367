"""What people read: notices, pages, catalogues. Data, read through importlib.resources."""
