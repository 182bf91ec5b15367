"""Frozen values that cross a workflow boundary; they only ever grow."""
