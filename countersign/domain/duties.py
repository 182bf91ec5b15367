"""The clocks at the end of an employment: what is due when, and which article says so."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from countersign.domain.calendar import WorkCalendar
from countersign.domain.departure import DutyKind

DAYS_AFTER: Mapping[DutyKind, int] = MappingProxyType(
    {
        DutyKind.CERTIFICATE: 0,
        DutyKind.WAGES: 0,
        DutyKind.SOCIAL_INSURANCE: 15,
        DutyKind.FILE_TRANSFER: 15,
        DutyKind.UNEMPLOYMENT_LIST: 15,
    }
)
"""Natural days from the end of the employment, its own day not counted."""

BASIS: Mapping[DutyKind, str] = MappingProxyType(
    {
        DutyKind.CERTIFICATE: "劳动合同法50(1)",
        DutyKind.WAGES: "工资支付暂行规定9",
        DutyKind.SOCIAL_INSURANCE: "劳动合同法50(1)",
        DutyKind.FILE_TRANSFER: "劳动合同法50(1)",
        DutyKind.UNEMPLOYMENT_LIST: "社会保险法50",
    }
)
"""The article behind each duty."""

_MORNING = time(9)


def ends_on(last_day: date, served_on: date | None) -> date:
    """Return the day on which an employment ends: a notice that arrives later than planned moves it."""
    return last_day if served_on is None else max(last_day, served_on)


def instant_of_the_end(day: date, certificate_at: time, zone: str) -> datetime:
    """Return when the certificate of an employment that ends on `day` is issued."""
    return datetime.combine(day, certificate_at, ZoneInfo(zone))


def due_on(kind: DutyKind, ended_on: date) -> date:
    """Return the last day of a duty. It is not moved to a working day: late is late for the leaver."""
    return ended_on + timedelta(days=DAYS_AFTER[kind])


def overdue_from(due: date, zone: str) -> datetime:
    """Return the instant from which a duty is late."""
    return datetime.combine(due + timedelta(days=1), time(0), ZoneInfo(zone))


def alarm_at(kind: DutyKind, due: date, calendar: WorkCalendar, zone: str) -> datetime:
    """Return when a duty becomes urgent: the morning of the last working day on or before its last day.

    What is due at once has no such day; it is late or it is done.
    """
    if DAYS_AFTER[kind] == 0:
        return overdue_from(due, zone)
    day = calendar.last_working_day_on_or_before(due)
    return datetime.combine(day, _MORNING, ZoneInfo(zone))
