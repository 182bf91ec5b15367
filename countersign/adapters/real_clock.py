"""The real clock."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the real time."""
    return datetime.now(UTC)
