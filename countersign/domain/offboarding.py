"""The policies of a departure: how the leaver is asked, how receivers are, and how the end itself is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from countersign.domain.calendar import WorkCalendar
from countersign.domain.departure import DepartureKind, Track
from countersign.domain.planner import next_opening
from countersign.domain.policy import Channel, LadderPolicy, OnUnknown, SendingWindow, Wait, WaitUnit
from countersign.domain.questionnaire import Questionnaire

_TWO_DAYS = Wait(2, WaitUnit.WORKING_DAYS)
_THREE_DAYS = Wait(3, WaitUnit.WORKING_DAYS)
_FIVE_DAYS = Wait(5, WaitUnit.WORKING_DAYS)
_TOLD_OVER = (Channel.SMS, Channel.EMAIL, Channel.IN_SYSTEM)
_REMINDS_WITHOUT_WINDOW = time(9)

WITHDRAWN_STEP = "departure_withdrawn"
"""The message that a departure is off, to the leaver and to everybody who was to take over."""


class Asks(StrEnum):
    """When the ladder for a silent leaver begins: with the case, or when the last day is over."""

    AT_ONCE = "at_once"
    AFTER_LAST_DAY = "after_last_day"


@dataclass(frozen=True)
class KindTemplate:
    """What belongs to one kind of departure: its tracks, the systems to shut, and when silence counts."""

    tracks: tuple[Track, ...] = tuple(Track)
    systems: tuple[str, ...] = ()
    asks: Asks = Asks.AFTER_LAST_DAY


@dataclass(frozen=True)
class OffboardingPolicy:
    """How the leaver is asked for the handover and for what is owed; data, resolved once at the start.

    `remind_days` are the days before the last day on which the leaver is told what is left. `kinds` holds the
    template of each kind of departure. `questionnaire` is what a leaver may answer; None asks nothing.
    """

    name: str
    ladder: LadderPolicy
    remind_days: tuple[int, ...] = (30, 14, 7, 3)
    remind_channels: tuple[Channel, ...] = (Channel.PREFERRED, Channel.IN_SYSTEM)
    kinds: Mapping[DepartureKind, KindTemplate] = field(default_factory=dict)
    posting_due: Wait = _TWO_DAYS
    visit_due: Wait = _THREE_DAYS
    review_due: Wait = _TWO_DAYS
    on_unknown: OnUnknown = OnUnknown.AT_LEAST_ONCE
    confidential: bool = False
    publication_due: Wait = _FIVE_DAYS
    questionnaire: Questionnaire | None = None

    def template(self, kind: DepartureKind) -> KindTemplate:
        """Return the template of a kind; one that the policy does not name has the plain one."""
        return self.kinds.get(kind, KindTemplate())

    def asked(self, kind: DepartureKind) -> Questionnaire | None:
        """Return what those are asked who leave in this way; None when it is nothing."""
        questions = self.questionnaire
        return questions if questions is not None and kind in questions.kinds else None


@dataclass(frozen=True)
class HandoverPolicy:
    """How one receiver is asked to confirm what was handed over; data, resolved once at the start."""

    name: str
    ladder: LadderPolicy
    posting_due: Wait = _TWO_DAYS
    visit_due: Wait = _THREE_DAYS
    review_due: Wait = _TWO_DAYS
    on_unknown: OnUnknown = OnUnknown.AT_LEAST_ONCE
    confidential: bool = False
    publication_due: Wait = _FIVE_DAYS


@dataclass(frozen=True)
class StatutoryPolicy:
    """How the employer's notice is delivered, and how the leaver is told on the last day.

    The ladder is that of the notice; it is climbed only where the law wants one. The certificate is issued
    at `certificate_at` (local time) of the last day; `told_channels` carry it.
    """

    name: str
    ladder: LadderPolicy
    certificate_at: time = time(9)
    told_channels: tuple[Channel, ...] = _TOLD_OVER
    posting_due: Wait = _TWO_DAYS
    visit_due: Wait = _THREE_DAYS
    review_due: Wait = _TWO_DAYS
    on_unknown: OnUnknown = OnUnknown.AT_LEAST_ONCE
    confidential: bool = False
    publication_due: Wait = _FIVE_DAYS


@dataclass(frozen=True)
class Reminder:
    """One reminder before the last day; `step` is unique, such as `reminder_14`."""

    step: str
    at: datetime


def reminders(
    last_day: date, policy: OffboardingPolicy, calendar: WorkCalendar, zone: str
) -> tuple[Reminder, ...]:
    """Return the reminders before a last day, the earliest first, each moved into the sending window."""
    found = []
    for days in sorted(set(policy.remind_days), reverse=True):
        day = datetime.combine(last_day - timedelta(days=days), _opens(policy.ladder), ZoneInfo(zone))
        at, _ = next_opening(day, policy.ladder.sending_window, calendar, zone)
        if at < last_day_over(last_day, zone):
            found.append(Reminder(f"reminder_{days}", at))
    return tuple(found)


def overdue_reminders(
    last_day: date, policy: OffboardingPolicy, calendar: WorkCalendar, zone: str, now: datetime
) -> tuple[Reminder, ...]:
    """Return the reminders whose time had passed when the case began."""
    return tuple(one for one in reminders(last_day, policy, calendar, zone) if one.at < now)


def last_day_over(last_day: date, zone: str) -> datetime:
    """Return the instant at which a last day is over in a zone."""
    return datetime.combine(last_day + timedelta(days=1), time(0), ZoneInfo(zone))


def _opens(ladder: LadderPolicy) -> time:
    window: SendingWindow | None = ladder.sending_window
    return window.opens if window is not None else _REMINDS_WITHOUT_WINDOW
