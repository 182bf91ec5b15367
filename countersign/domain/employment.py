"""What an employment is on a day, whatever a contract system calls it, and when its words are an alarm.

The end follows the delivered notice or the agreed date, never a handover; "suspended" ends nothing.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from countersign.domain.departure import EmploymentState, Ground
from countersign.domain.duties import ends_on


@dataclass(frozen=True)
class PlannedEnd:
    """A departure that was not withdrawn.

    `served_on` is the day of the delivered notice, where one is needed.
    """

    last_day: date
    ground: Ground
    needs_notice: bool = False
    served_on: date | None = None

    @property
    def ends_on(self) -> date | None:
        """The day of the end; None while a notice is needed and not delivered."""
        if self.needs_notice and self.served_on is None:
            return None
        return ends_on(self.last_day, self.served_on)


@dataclass(frozen=True)
class EmploymentFacts:
    """What the books hold of one employment; `says` is the state that the company's systems name.

    `suspended_since` is the day from which one of them calls it suspended, `leave_since` the first day of a
    leave that runs now.
    """

    hired_on: date
    says: EmploymentState = EmploymentState.ACTIVE
    ended_on: date | None = None
    ground: Ground | None = None
    suspended_since: date | None = None
    leave_since: date | None = None
    planned: PlannedEnd | None = None


@dataclass(frozen=True)
class TrueState:
    """What an employment is, since when, and of an ended one on which ground.

    `ends_on` is the day of an end that is known and lies ahead. `called_suspended_since` is set while a
    system calls it suspended, which changes nothing.
    """

    state: EmploymentState
    since: date
    ground: Ground | None = None
    ends_on: date | None = None
    called_suspended_since: date | None = None


class SuspendedWhy(StrEnum):
    """Why calling an employment suspended is an alarm."""

    ENDED = "ended"
    NOTICE_DELIVERED = "notice_delivered"
    TOO_LONG = "too_long"


_OWN_WORDS = frozenset({EmploymentState.ABSENT, EmploymentState.AWAITING_RETURN})


def has_left(ended_on: date | None, today: date) -> bool:
    """Say whether an employment that ends on a day is over: it is so from that day on, at any hour of it."""
    return ended_on is not None and ended_on <= today


def true_state(facts: EmploymentFacts, today: date) -> TrueState:
    """Return what an employment is on a day; it is ended from the day of its end on."""
    end, ground = _end(facts)
    if end is not None and has_left(end, today):
        return TrueState(EmploymentState.ENDED, end, ground, called_suspended_since=facts.suspended_since)
    state, since = EmploymentState.ACTIVE, facts.hired_on
    if facts.leave_since is not None and facts.leave_since <= today:
        state, since = EmploymentState.ON_LEAVE, facts.leave_since
    elif facts.says in _OWN_WORDS:
        state = facts.says
    return TrueState(state, since, None, end, facts.suspended_since)


def suspended_alarm(facts: EmploymentFacts, today: date, after_days: int) -> SuspendedWhy | None:
    """Say why the word "suspended" is an alarm on a day; None when nobody says it, or not for long.

    It must be a passing thing: after `after_days` days, after a delivered notice or an end it is an error.
    """
    since = facts.suspended_since
    if since is None:
        return None
    if true_state(facts, today).state is EmploymentState.ENDED:
        return SuspendedWhy.ENDED
    planned = facts.planned
    if planned is not None and planned.served_on is not None and planned.served_on <= today:
        return SuspendedWhy.NOTICE_DELIVERED
    return SuspendedWhy.TOO_LONG if today - since > timedelta(days=after_days) else None


def _end(facts: EmploymentFacts) -> tuple[date | None, Ground | None]:
    if facts.ended_on is not None:
        return facts.ended_on, facts.ground
    if facts.planned is None:
        return None, None
    return facts.planned.ends_on, facts.planned.ground
