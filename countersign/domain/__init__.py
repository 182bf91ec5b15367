"""Pure functions and values: calendar, planner, evidence, receipts. No I/O but packaged tables."""
