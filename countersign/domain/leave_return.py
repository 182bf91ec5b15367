"""The dates of a leave's end: reminder, day of return, start of the ladder, and the target for the notice."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from countersign.domain.calendar import WorkCalendar
from countersign.domain.planner import Plan, Reach, next_opening, plan
from countersign.domain.policy import (
    Audience,
    Channel,
    LadderPolicy,
    OnUnknown,
    Rung,
    Wait,
    WaitUnit,
    WindowDays,
)

REMINDER_STEP = "before_end"
REMINDER_WITHOUT_WINDOW = time(9)
_TWO_DAYS = Wait(2, WaitUnit.WORKING_DAYS)
_THREE_DAYS = Wait(3, WaitUnit.WORKING_DAYS)
_FIVE_DAYS = Wait(5, WaitUnit.WORKING_DAYS)


@dataclass(frozen=True)
class LeaveReturnPolicy:
    """A ladder and what surrounds it; data, resolved once at the start of a case.

    `remind_before` is None when no reminder is wanted. HR or a punch may say "back" until `back_by`
    (local time) on the first working day after the leave. `notice_target_days` counts calendar days from
    the last day of leave. The `*_due` waits say how long HR has for its own part. `on_unknown` says whether
    a message that may have left is sent again; `confidential` notices show their text only behind a second
    factor.
    """

    name: str
    ladder: LadderPolicy
    remind_before: Wait | None = _THREE_DAYS
    remind_channels: tuple[Channel, ...] = (Channel.PREFERRED, Channel.IN_SYSTEM)
    back_by: time = time(18)
    notice_target_days: int = 3
    posting_due: Wait = _TWO_DAYS
    visit_due: Wait = _THREE_DAYS
    review_due: Wait = _TWO_DAYS
    on_unknown: OnUnknown = OnUnknown.AT_LEAST_ONCE
    confidential: bool = False
    publication_due: Wait = _FIVE_DAYS


@dataclass(frozen=True)
class LeaveDates:
    """The instants that follow from a leave's last day (inclusive); all in the branch's zone.

    `target_met` is false when the notice cannot leave by `target_by`, the end of the target's last day;
    `target_why` then says which days stood in the way.
    """

    remind_at: datetime | None
    leave_over: datetime
    return_day: date
    back_until: datetime
    notice_at: datetime
    target_by: datetime
    target_met: bool
    target_why: str | None
    provisional: bool


def reminder_rung(policy: LeaveReturnPolicy, at: datetime, leave_over: datetime) -> Rung:
    """Return the reminder as a rung that goes at `at` and may be answered until the leave is over."""
    hours = max(int((leave_over - at).total_seconds()) // 3600, 0)
    return Rung(REMINDER_STEP, Audience.EMPLOYEE, policy.remind_channels, Wait(hours, WaitUnit.HOURS))


def leave_dates(ends_on: date, policy: LeaveReturnPolicy, calendar: WorkCalendar, zone: str) -> LeaveDates:
    """Return the dates around the end of a leave.

    The day of return is the first working day after `ends_on`. Nobody is admonished on that day: the
    notice goes at the first opening of the sending window after `back_until`.
    """
    tz = ZoneInfo(zone)
    window = policy.ladder.sending_window
    return_day, weak = calendar.add_working_days(ends_on, 1)
    back_until = datetime.combine(return_day, policy.back_by, tz)
    notice_at, weak_notice = next_opening(back_until, window, calendar, zone)
    remind_at, weak_reminder = _remind_at(ends_on, policy, calendar, zone)
    target_by = datetime.combine(ends_on + timedelta(days=policy.notice_target_days + 1), time(0), tz)
    met = notice_at < target_by
    return LeaveDates(
        remind_at=remind_at,
        leave_over=datetime.combine(ends_on + timedelta(days=1), time(0), tz),
        return_day=return_day,
        back_until=back_until,
        notice_at=notice_at,
        target_by=target_by - timedelta(seconds=1),
        target_met=met,
        target_why=None if met else _days_in_the_way(ends_on, notice_at.date(), calendar),
        provisional=weak or weak_notice or weak_reminder,
    )


def reminder_leaves(
    dates: LeaveDates, policy: LeaveReturnPolicy, calendar: WorkCalendar, zone: str, now: datetime
) -> datetime | None:
    """Return when the reminder of a case that starts `now` leaves; None when the leave is over by then."""
    if dates.remind_at is None:
        return None
    at, _ = next_opening(max(dates.remind_at, now), policy.ladder.sending_window, calendar, zone)
    return at if at < dates.leave_over else None


def _remind_at(
    ends_on: date, policy: LeaveReturnPolicy, calendar: WorkCalendar, zone: str
) -> tuple[datetime | None, bool]:
    wait = policy.remind_before
    if wait is None:
        return None, False
    window = policy.ladder.sending_window
    day, weak = ends_on, not calendar.is_published(ends_on)
    left = wait.value
    while left > 0:
        day -= timedelta(days=1)
        weak = weak or not calendar.is_published(day)
        left -= wait.unit is WaitUnit.CALENDAR_DAYS or calendar.is_working_day(day)
    # A reminder moves backwards out of a holiday, never forwards past the day it speaks of.
    while window is not None and window.days is WindowDays.WORKING and not calendar.is_working_day(day):
        day -= timedelta(days=1)
        weak = weak or not calendar.is_published(day)
    opens = window.opens if window is not None else REMINDER_WITHOUT_WINDOW
    return datetime.combine(day, opens, ZoneInfo(zone)), weak


def _days_in_the_way(ends_on: date, notice_on: date, calendar: WorkCalendar) -> str:
    """Return `holiday` when an official holiday lies between, else `weekend`."""
    day = ends_on + timedelta(days=1)
    while day < notice_on:
        if day.weekday() < 5 and not calendar.is_working_day(day):
            return "holiday"
        day += timedelta(days=1)
    return "weekend"


@dataclass(frozen=True)
class OverdueStep:
    """A step whose planned instant had passed when the case was started."""

    step: str
    planned_at: datetime


def step_names(ladder: LadderPolicy) -> tuple[str, ...]:
    """Return one unique name per rung: its own, with a number behind where the name is used twice."""
    seen: dict[str, int] = {}
    names = []
    for rung in ladder.rungs:
        seen[rung.name] = seen.get(rung.name, 0) + 1
        names.append(rung.name if seen[rung.name] == 1 else f"{rung.name}_{seen[rung.name]}")
    return tuple(names)


def overdue_steps(
    ends_on: date,
    policy: LeaveReturnPolicy,
    calendar: WorkCalendar,
    reach: Reach,
    now: datetime,
) -> tuple[OverdueStep, ...]:
    """Return the steps that should have happened before `now`, the reminder first."""
    dates = leave_dates(ends_on, policy, calendar, reach.zone)
    overdue = []
    if dates.remind_at is not None and dates.remind_at < now:
        overdue.append(OverdueStep(REMINDER_STEP, dates.remind_at))
    planned = plan(policy.ladder, calendar, dates.back_until, reach)
    for name, step in zip(step_names(policy.ladder), planned.steps, strict=True):
        if step.at < now:
            overdue.append(OverdueStep(name, step.at))
    return tuple(overdue)


def preview(
    ends_on: date,
    policy: LeaveReturnPolicy,
    calendar: WorkCalendar,
    reach: Reach,
    now: datetime,
    overdue: Mapping[str, str],
) -> tuple[LeaveDates, Plan]:
    """Return the dates and the ladder as they will run when the case starts at `now`.

    Steps that are overdue and chosen as `skip` are left out; the others run from `now` on.
    """
    dates = leave_dates(ends_on, policy, calendar, reach.zone)
    names = step_names(policy.ladder)
    rungs = tuple(
        rung for name, rung in zip(names, policy.ladder.rungs, strict=True) if overdue.get(name) != "skip"
    )
    start = max(dates.back_until, now)
    if not rungs:
        return dates, Plan((), start, (), dates.provisional)
    return dates, plan(replace(policy.ladder, rungs=rungs), calendar, start, reach)
