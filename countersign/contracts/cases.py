"""Values that every process sends to the recorder: events, tasks, the projection, and acts."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from countersign.domain.evidence import EventKind
from countersign.domain.planner import Reach


class Process(StrEnum):
    """The kinds of case."""

    LEAVE_RETURN = "leave_return"
    ACKNOWLEDGEMENT = "acknowledgement"
    OFFBOARDING = "offboarding"
    HANDOVER = "handover"
    STATUTORY = "statutory"


class CaseState(StrEnum):
    """Where a case is in its life; the outcome of a closed one stands beside it."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    CLOSED = "closed"


class Role(StrEnum):
    """Who can hold a task, act, or carry a token."""

    HR = "hr"
    FINANCE = "finance"
    ADMINISTRATION = "administration"
    MANAGER = "manager"
    EMPLOYEE = "employee"
    EMERGENCY_CONTACT = "emergency_contact"
    AUDITOR = "auditor"
    LEGAL = "legal"
    SYSTEM_ADMINISTRATOR = "system_administrator"
    INTEGRATOR = "integrator"
    MACHINE = "machine"


class ActKind(StrEnum):
    """What a person can do in a case. Frozen: values stand in histories; only additions are allowed."""

    RETURNS_ON = "returns_on"
    EXTENSION_ASKED = "extension_asked"
    OBJECTED = "objected"
    RESIGNED = "resigned"
    NOT_ME = "not_me"
    ACKNOWLEDGED = "acknowledged"
    BACK = "back"
    SKIP = "skip"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    POSTED = "posted"
    VISITED = "visited"
    GRADING_DONE = "grading_done"
    EXTENSION_GRANTED = "extension_granted"
    EXTENSION_REFUSED = "extension_refused"
    OBJECTION_ANSWERED = "objection_answered"
    OVERDUE_DECIDED = "overdue_decided"
    SNOOZE = "snooze"
    JUMP = "jump"
    RESEND = "resend"
    REPLAN = "replan"
    PUBLISHED = "published"
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    DISPUTE_SETTLED = "dispute_settled"
    REASSIGNED = "reassigned"
    NOT_APPLICABLE = "not_applicable"
    DELEGATED = "delegated"
    REVOKED = "revoked"
    TASKS_MOVED = "tasks_moved"
    BALANCES_CONFIRMED = "balances_confirmed"
    REPAYMENT_AGREED = "repayment_agreed"
    WAIVED = "waived"
    SETTLED = "settled"
    LAST_DAY_MOVED = "last_day_moved"
    WITHDRAWN = "withdrawn"
    SERVED = "served"
    DUTY_ORDERED = "duty_ordered"
    DUTY_DONE = "duty_done"
    DUTY_FAILED = "duty_failed"


OF_ITEMS = frozenset({ActKind.HANDED_OVER, ActKind.ACCEPTED, ActKind.DISPUTED})
"""What people say of items; until they have, a notice that asks for it waits, whatever else they answer."""

BOOKED = frozenset(
    {
        ActKind.HANDED_OVER,
        ActKind.ACCEPTED,
        ActKind.DISPUTED,
        ActKind.DISPUTE_SETTLED,
        ActKind.REASSIGNED,
        ActKind.NOT_APPLICABLE,
        ActKind.DELEGATED,
        ActKind.REVOKED,
        ActKind.TASKS_MOVED,
        ActKind.BALANCES_CONFIRMED,
        ActKind.REPAYMENT_AGREED,
        ActKind.WAIVED,
        ActKind.SETTLED,
        ActKind.LAST_DAY_MOVED,
        ActKind.SERVED,
        ActKind.DUTY_ORDERED,
        ActKind.DUTY_DONE,
        ActKind.DUTY_FAILED,
    }
)
"""Acts whose effect stands in the books, written in the transaction that took them in. A case that is told of
one reads its standing again; it decides nothing about them."""


ANSWERS = frozenset(
    {
        ActKind.RETURNS_ON,
        ActKind.EXTENSION_ASKED,
        ActKind.OBJECTED,
        ActKind.RESIGNED,
        ActKind.NOT_ME,
        ActKind.ACKNOWLEDGED,
    }
)
"""Acts of the person who holds a link; all others are acts of HR, an operator or a machine."""

_ENDS_LADDER = {
    Process.LEAVE_RETURN: frozenset(
        {
            ActKind.RETURNS_ON,
            ActKind.EXTENSION_ASKED,
            ActKind.OBJECTED,
            ActKind.RESIGNED,
            ActKind.BACK,
            ActKind.CANCEL,
        }
    ),
    Process.ACKNOWLEDGEMENT: frozenset({ActKind.ACKNOWLEDGED, ActKind.OBJECTED, ActKind.CANCEL}),
    Process.OFFBOARDING: frozenset({ActKind.WITHDRAWN}),
    Process.HANDOVER: frozenset({ActKind.CANCEL}),
    Process.STATUTORY: frozenset({ActKind.ACKNOWLEDGED, ActKind.OBJECTED}),
}


def ends_ladder(process: Process) -> frozenset[ActKind]:
    """Return the acts after which no further message of a case may leave until somebody has settled them."""
    return _ENDS_LADDER[process]


def ends(process: Process, kind: ActKind, role: Role) -> bool:
    """Say whether an act of this role ends the ladder: only the addressee confirms for the addressee.

    A manager who acknowledges the message about a silent colleague has confirmed that message alone.
    """
    return kind in ends_ladder(process) and (kind is not ActKind.ACKNOWLEDGED or role is Role.EMPLOYEE)


@dataclass(frozen=True)
class Act:
    """A human act as the workflow sees it: ids, dates and choices, never words or names.

    `at` is the case's time. `on` is the day of return or the new last day of leave; `step` names a rung;
    `choices` maps a step to `run_now` or `skip`; `happened_at` is when a letter was posted, a visit made or a
    public notice published.
    `until` ends a snooze; `reach` is who can be reached now, for planning again after contact data changed.
    """

    id: str
    kind: ActKind
    role: Role
    at: datetime
    on: date | None = None
    step: str | None = None
    happened_at: datetime | None = None
    delivery_id: str | None = None
    choices: dict[str, str] = field(default_factory=dict)
    until: datetime | None = None
    reach: Reach | None = None


@dataclass(frozen=True)
class ActReceipt:
    """What the workflow answers to an accepted act."""

    act_id: str
    stage: str
    at: datetime


@dataclass(frozen=True)
class EventDraft:
    """One event for the evidence chain; `body` holds ids, codes, instants and counts only.

    When `act_id` is given, the recorder adds the actor and the sealed words of that act.
    """

    kind: EventKind
    body: dict[str, Any] = field(default_factory=dict)
    act_id: str | None = None


@dataclass(frozen=True)
class TaskDraft:
    """A task that one role holds; opened once per key, done once."""

    key: str
    kind: str
    holder: Role
    due_at: datetime | None
    done: bool = False


@dataclass(frozen=True)
class Projection:
    """What lists and pages show of a case; `steps` is the plan with what became of each step."""

    state: CaseState
    stage: str
    holder: Role | None
    due_at: datetime | None
    outcome: str | None = None
    provisional: bool = False
    ends_on: date | None = None
    steps: tuple[dict[str, Any], ...] = ()
    clock_case: datetime | None = None
    clock_real: datetime | None = None
    clock_limit: datetime | None = None


@dataclass(frozen=True)
class RecordOrder:
    """One atomic write: events, tasks, fates of acts and the projection. Repeating a `key` writes nothing."""

    case_id: str
    key: str
    at: datetime
    projection: Projection
    events: tuple[EventDraft, ...] = ()
    tasks: tuple[TaskDraft, ...] = ()
    accepted_acts: tuple[str, ...] = ()
    settled_acts: tuple[str, ...] = ()
    alarm: str | None = None
