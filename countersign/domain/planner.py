"""The planner: from a policy, a calendar, a start and a reach to the dates of every rung.

One pure function serves the preview, the what-if and the running case, so the three cannot differ. Each
rung depends on the one before only through `waits_until`: planning the later rungs from that instant
gives the same steps again, which is how a running case plans the rest after a date has moved.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

from countersign.domain.calendar import WorkCalendar
from countersign.domain.policy import (
    Audience,
    Channel,
    LadderPolicy,
    Rung,
    SendingWindow,
    Wait,
    WaitUnit,
    WindowDays,
)

_ADDRESSED = (Channel.SMS, Channel.EMAIL)
_ON_PAPER = (Channel.COURIER, Channel.VISIT)
_INSTEAD_OF_PREFERRED = (Channel.SMS, Channel.EMAIL, Channel.IN_SYSTEM)


@dataclass(frozen=True)
class AudienceReach:
    """Which channels have an address for one audience.

    Only `sms` and `email` are looked up in `channels`; the others follow from the audience alone.
    `preferred` counts for the employee only, whose preference holds for every audience.
    """

    channels: tuple[Channel, ...] = ()
    preferred: Channel | None = None


@dataclass(frozen=True)
class Reach:
    """How each audience of a case can be reached; channel names only, never a name or an address.

    An audience that is left out has no address. `zone` is the IANA zone of the branch.
    """

    audiences: Mapping[Audience, AudienceReach]
    has_service_address: bool
    zone: str

    def reaches(self, audience: Audience, channel: Channel) -> bool:
        """Say whether a concrete channel can reach the audience."""
        if channel in _ADDRESSED:
            return channel in self.audiences.get(audience, AudienceReach()).channels
        if channel is Channel.IN_SYSTEM:
            return audience is not Audience.EMERGENCY_CONTACT
        return channel is not Channel.PREFERRED and audience is Audience.EMPLOYEE

    def resolve(self, audience: Audience, channel: Channel) -> Channel | None:
        """Turn `preferred` into a concrete channel; None when the channel cannot reach the audience."""
        candidates: tuple[Channel | None, ...] = (channel,)
        if channel is Channel.PREFERRED:
            employee = self.audiences.get(Audience.EMPLOYEE, AudienceReach())
            candidates = (employee.preferred, *_INSTEAD_OF_PREFERRED)
        return next((one for one in candidates if one and self.reaches(audience, one)), None)


class PlanWarningCode(StrEnum):
    """What can be doubtful about a plan."""

    UNREACHABLE_CHANNEL = "unreachable_channel"
    NO_SERVICE_ADDRESS = "no_service_address"
    EMPTY_RUNG = "empty_rung"
    PROVISIONAL_CALENDAR = "provisional_calendar"


@dataclass(frozen=True)
class PlanWarning:
    """A doubt about a plan: a code for programs, a sentence without personal data for people."""

    code: PlanWarningCode
    message: str


@dataclass(frozen=True)
class Step:
    """One planned rung; `channels` are concrete, instants carry the zone of the branch."""

    rung: str
    at: datetime
    audience: Audience
    channels: tuple[Channel, ...]
    waits_until: datetime


@dataclass(frozen=True)
class Plan:
    """The earliest dates of a ladder: one step for each rung, in order."""

    steps: tuple[Step, ...]
    exhausted_at: datetime
    warnings: tuple[PlanWarning, ...]
    provisional: bool


def plan(policy: LadderPolicy, calendar: WorkCalendar, start: datetime, reach: Reach) -> Plan:
    """Plan every rung of the policy from `start` on.

    A rung that no channel can serve stays as a step without channels and without a wait. Raises
    `ValueError` when `start` has no offset and when a rung ends after the year 9999.
    """
    try:
        instant = _local(start, reach.zone)
    except OverflowError:
        raise ValueError("the start lies outside the years 1 to 9999") from None
    steps: list[Step] = []
    warnings: list[PlanWarning] = []
    unpublished: set[int] = set()
    for rung in policy.rungs:
        channels, doubts = _serve(rung, reach)
        try:
            at, years = _opening(instant, policy.sending_window, calendar, reach.zone)
            unpublished.update(years)
            instant = at
            if channels:
                instant, years = _end(at, rung.wait, calendar, reach.zone)
                unpublished.update(years)
        except OverflowError:
            raise ValueError(f'rung "{rung.name}" ends after the year 9999; shorten its wait') from None
        steps.append(Step(rung.name, at, rung.audience, channels, instant))
        warnings.extend(doubts)
    warnings.extend(provisional_warning(year) for year in sorted(unpublished))
    return Plan(tuple(steps), instant, tuple(warnings), bool(unpublished))


def wait_end(instant: datetime, wait: Wait, calendar: WorkCalendar, zone: str) -> tuple[datetime, bool]:
    """Find when a wait that begins at `instant` ends, in the zone, and whether that is provisional.

    Days end at the same local time; hours are elapsed hours. The end is not moved into a sending window.
    Raises `ValueError` for an instant without offset and `OverflowError` beyond the year 9999.
    """
    end, unpublished = _end(_local(instant, zone), wait, calendar, zone)
    return end, bool(unpublished)


def next_opening(
    instant: datetime, window: SendingWindow | None, calendar: WorkCalendar, zone: str
) -> tuple[datetime, bool]:
    """Find the first instant not before `instant` at which the window is open, and whether provisional.

    No window is always open. Raises as `wait_end` does.
    """
    opening, unpublished = _opening(_local(instant, zone), window, calendar, zone)
    return opening, bool(unpublished)


def provisional_warning(year: int) -> PlanWarning:
    """Say that a date rests on a year whose calendar is not published."""
    return PlanWarning(
        PlanWarningCode.PROVISIONAL_CALENDAR,
        f"the working-day calendar of {year} is not published: Monday to Friday count as working days, "
        f"and the dates change when the calendar of {year} is imported",
    )


def _serve(rung: Rung, reach: Reach) -> tuple[tuple[Channel, ...], list[PlanWarning]]:
    kept: list[Channel] = []
    warnings: list[PlanWarning] = []
    for channel in dict.fromkeys(rung.channels):
        concrete = reach.resolve(rung.audience, channel)
        if concrete is None:
            warnings.append(
                PlanWarning(
                    PlanWarningCode.UNREACHABLE_CHANNEL,
                    f'rung "{rung.name}": {channel} cannot reach {rung.audience} and is left out',
                )
            )
        elif concrete not in kept:
            kept.append(concrete)
    if not reach.has_service_address and any(channel in _ON_PAPER for channel in kept):
        warnings.append(
            PlanWarning(
                PlanWarningCode.NO_SERVICE_ADDRESS,
                f'rung "{rung.name}": the employee has no service address on record',
            )
        )
    if not kept:
        warnings.append(
            PlanWarning(
                PlanWarningCode.EMPTY_RUNG,
                f'rung "{rung.name}": no channel is left, so it sends nothing and does not wait',
            )
        )
    return tuple(kept), warnings


def _end(local: datetime, wait: Wait, calendar: WorkCalendar, zone: str) -> tuple[datetime, tuple[int, ...]]:
    if wait.unit is WaitUnit.WORKING_DAYS:
        last_day, unpublished = calendar.working_term_end(local.date(), wait.value)
        return _at(last_day, local.time(), zone), unpublished
    if wait.unit is WaitUnit.CALENDAR_DAYS:
        end = _at(local.date() + timedelta(days=wait.value), local.time(), zone)
    else:
        end = _local(local.astimezone(UTC) + timedelta(hours=wait.value), zone)
    return end, calendar.unpublished_years(end.date(), end.date())


def _opening(
    local: datetime, window: SendingWindow | None, calendar: WorkCalendar, zone: str
) -> tuple[datetime, tuple[int, ...]]:
    today = local.date()
    if window is None:
        return local, calendar.unpublished_years(today, today)
    every_day = window.days is WindowDays.ALL
    if every_day or calendar.is_working_day(today):
        if local.time() < window.opens:
            return _at(today, window.opens, zone), calendar.unpublished_years(today, today)
        if local.time() < window.closes:
            return local, calendar.unpublished_years(today, today)
    day = today + timedelta(days=1) if every_day else calendar.next_working_day_after(today)
    first_that_matters = day if every_day else today
    return _at(day, window.opens, zone), calendar.unpublished_years(first_that_matters, day)


def _local(instant: datetime, zone: str) -> datetime:
    if instant.utcoffset() is None:
        raise ValueError("an instant without an offset from UTC cannot be planned from")
    return instant.astimezone(_zone(zone))


def _at(day: date, clock: time, zone: str) -> datetime:
    local = datetime.combine(day, clock, tzinfo=_zone(zone))
    # By way of UTC, a local time that a clock change leaves out becomes the one that follows it.
    return local.astimezone(UTC).astimezone(local.tzinfo)


@cache
def _zone(name: str) -> tzinfo:
    # Inside Temporal's sandbox a call of ZoneInfo itself gives a proxy that datetime refuses.
    return ZoneInfo.no_cache(name)
