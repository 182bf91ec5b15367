"""Values of the leave-return process. They stand in histories for months: fields are only ever added."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from countersign.domain.calendar import WorkCalendar
from countersign.domain.leave_return import LeaveReturnPolicy
from countersign.domain.planner import Reach


class LeaveKind(StrEnum):
    """Kinds of leave that end with a return to work."""

    SICK = "sick"
    INJURY = "injury"
    MATERNITY = "maternity"
    ANNUAL = "annual"
    PERSONAL = "personal"
    OTHER = "other"


class Stage(StrEnum):
    """Where a leave-return case stands, in the words of operators and HR."""

    OVERDUE_REVIEW = "overdue_review"
    BEFORE_END = "before_end"
    GRADING_PENDING = "grading_pending"
    RETURN_DAY = "return_day"
    LADDER = "ladder"
    POSTING_DUE = "posting_due"
    VISIT_DUE = "visit_due"
    PUBLICATION_DUE = "publication_due"
    EXTENSION_REVIEW = "extension_review"
    OBJECTION_REVIEW = "objection_review"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a leave-return case ended."""

    BACK = "back"
    RETURNS_ON = "returns_on"
    RESIGNED = "resigned"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"
    ENDED_OUTSIDE = "ended_outside"


@dataclass(frozen=True)
class ClockStart:
    """Where the case's clock begins: the case's instant and the time-lapse factor (1 is real time)."""

    case: datetime
    factor: int = 1


@dataclass(frozen=True)
class LeaveReturnInput:
    """Everything a leave-return case needs to know, frozen at its start: opaque ids, dates and policy."""

    case_id: str
    leave_id: str
    person_id: str
    branch_id: str
    leave_kind: LeaveKind
    ends_on: date
    policy: LeaveReturnPolicy
    policy_version: str
    calendar: WorkCalendar
    reach: Reach
    clock: ClockStart
    grading_pending: bool = False
    overdue: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LeaveReturnResult:
    """The end of a leave-return case."""

    outcome: Outcome
    at: datetime
    returns_on: date | None = None
