"""Countersign: a durable process engine for HR processes that must be provable."""
