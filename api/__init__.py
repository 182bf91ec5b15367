"""What people and programs can do over HTTP."""
