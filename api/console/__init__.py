"""The console: pages on which the people of the company work."""
