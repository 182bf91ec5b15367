"""The time that the company itself lives by; a branch may lie in another zone, and its cases with it."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")


def day_of(at: datetime) -> date:
    """Return the company's date at an instant."""
    return at.astimezone(ZONE).date()


def day_in(at: datetime, zone: str) -> date:
    """Return the date of a zone at an instant."""
    return at.astimezone(ZoneInfo(zone)).date()


def to_the_minute(at: datetime) -> str:
    """Return an instant as the company's date and time, such as `2026-03-02 10:00`."""
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}"
