"""Dates as the texts write them, in Chinese and in English."""

from collections.abc import Callable, Mapping
from datetime import date, datetime

_ZH_WEEK, _EN_WEEK = "一二三四五六日", ("Mon", "Tues", "Wednes", "Thurs", "Fri", "Satur", "Sun")
_EN_MONTHS = "January February March April May June July August September October November December".split()


def zh_day(day: date) -> str:
    """Return `2026年2月13日（星期五）`."""
    return f"{zh_date(day)}（星期{_ZH_WEEK[day.weekday()]}）"


def zh_date(day: date) -> str:
    """Return `2026年2月13日`."""
    return f"{day.year}年{zh_short(day)}"


def zh_short(day: date) -> str:
    """Return `2月13日`."""
    return f"{day.month}月{day.day}日"


def zh_moment(at: datetime) -> str:
    """Return `2026年2月13日（星期五）10:00`, in the zone that `at` bears."""
    return f"{zh_day(at)}{at:%H:%M}"


def en_day(day: date) -> str:
    """Return `Friday, 13 February 2026`."""
    return f"{_EN_WEEK[day.weekday()]}day, {en_date(day)}"


def en_date(day: date) -> str:
    """Return `13 February 2026`."""
    return f"{day.day} {_EN_MONTHS[day.month - 1]} {day.year}"


def en_moment(at: datetime) -> str:
    """Return `10:00 (UTC+08:00) on Friday, 13 February 2026`, in the zone that `at` bears."""
    return f"{at:%H:%M} (UTC{at.isoformat()[-6:]}) on {en_day(at)}"


DATE_FILTERS: Mapping[str, Callable[..., str]] = {
    "zh_day": zh_day,
    "zh_short": zh_short,
    "zh_moment": zh_moment,
    "en_day": en_day,
    "en_moment": en_moment,
}
