"""What a policy will do, setting by setting: every timer that runs, with its date, from the planner's plan.

What stands here is what a case does: the dates of the rungs come from the planner that runs them, and the
waits around them are counted as the running case counts them. A setting that no rung uses has no date.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from countersign.domain.calendar import WorkCalendar
from countersign.domain.leave_return import LeaveDates, LeaveReturnPolicy, preview
from countersign.domain.offboarding import OffboardingPolicy, last_day_over, reminders
from countersign.domain.planner import AudienceReach, Plan, Reach, Step, plan, wait_end
from countersign.domain.policies import Policy
from countersign.domain.policy import Audience, Channel, Wait

EVERYBODY_REACHED = {one: AudienceReach((Channel.SMS, Channel.EMAIL)) for one in Audience}
"""A rehearsal without a person: everybody has a phone and an e-mail address."""


@dataclass(frozen=True)
class Timer:
    """One setting and when it takes effect; `at` is None where nothing in this ladder uses it.

    `setting` is its place in the policy, such as `rungs[1]` or `posting_due`; `until` is when its wait ends.
    `step` names the rung that sets it off.
    """

    setting: str
    at: datetime | None
    until: datetime | None = None
    step: str | None = None
    audience: Audience | None = None
    channels: tuple[Channel, ...] = ()


def timers(
    policy: Policy,
    planned: Plan,
    dates: LeaveDates | None,
    calendar: WorkCalendar,
    zone: str,
) -> tuple[Timer, ...]:
    """Return every timer of a policy; `dates` are those of the leave, None where there is no leave."""
    found: list[Timer] = []
    if isinstance(policy, LeaveReturnPolicy) and dates is not None:
        found += _around_the_leave(policy, dates)
    for number, step in enumerate(planned.steps):
        until = step.waits_until if step.channels else None
        found.append(Timer(f"rungs[{number}]", step.at, until, step.rung, step.audience, step.channels))
    by_hand = (
        ("posting_due", Channel.COURIER, policy.posting_due),
        ("visit_due", Channel.VISIT, policy.visit_due),
        ("publication_due", Channel.PUBLIC_NOTICE, policy.publication_due),
    )
    for setting, channel, wait in by_hand:
        users = [step for step in planned.steps if channel in step.channels]
        found += [_due(setting, step, wait, calendar, zone) for step in users] or [Timer(setting, None)]
    first = next((step for step in planned.steps if step.channels), None)
    review = "review_due"
    found.append(
        Timer(review, None) if first is None else _due(review, first, policy.review_due, calendar, zone)
    )
    return tuple(found)


def _around_the_leave(policy: LeaveReturnPolicy, dates: LeaveDates) -> list[Timer]:
    reminder = Timer(
        "remind_before",
        dates.remind_at,
        dates.leave_over if dates.remind_at else None,
        audience=Audience.EMPLOYEE,
        channels=policy.remind_channels,
    )
    return [reminder, Timer("back_by", dates.back_until), Timer("notice_target_days", dates.target_by)]


def _due(setting: str, step: Step, wait: Wait, calendar: WorkCalendar, zone: str) -> Timer:
    until, _ = wait_end(step.at, wait, calendar, zone)
    return Timer(setting, step.at, until, step.rung)


def anybody(zone: str) -> Reach:
    """Return the reach of a rehearsal without a person."""
    return Reach(EVERYBODY_REACHED, True, zone)


@dataclass(frozen=True)
class Rehearsal:
    """A policy played through on paper, with everybody reached; `provisional` as the plan says."""

    timers: tuple[Timer, ...]
    provisional: bool


def rehearse(policy: Policy, day: date, calendar: WorkCalendar, zone: str) -> Rehearsal:
    """Play a policy through for a leave or an employment that ends on `day`, or a text sent that morning.

    Of a departure what is shown is a kind that asks after the last day.
    """
    morning = datetime.combine(day, time(9), ZoneInfo(zone))
    dates = None
    before: list[Timer] = []
    if isinstance(policy, LeaveReturnPolicy):
        dates, planned = preview(day, policy, calendar, anybody(zone), morning, {})
    elif isinstance(policy, OffboardingPolicy):
        before = _before_the_last_day(policy, day, calendar, zone)
        planned = plan(policy.ladder, calendar, last_day_over(day, zone), anybody(zone))
    else:
        planned = plan(policy.ladder, calendar, morning, anybody(zone))
    provisional = planned.provisional or (dates is not None and dates.provisional)
    return Rehearsal((*before, *timers(policy, planned, dates, calendar, zone)), provisional)


def _before_the_last_day(
    policy: OffboardingPolicy, day: date, calendar: WorkCalendar, zone: str
) -> list[Timer]:
    return [
        Timer(
            "remind_days", one.at, step=one.step, audience=Audience.EMPLOYEE, channels=policy.remind_channels
        )
        for one in reminders(day, policy, calendar, zone)
    ]
