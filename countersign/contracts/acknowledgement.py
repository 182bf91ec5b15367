"""Values of the acknowledgement process. They stand in histories for months: fields are only ever added."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from countersign.contracts.leave_return import ClockStart
from countersign.domain.acknowledgement import AcknowledgementPolicy
from countersign.domain.calendar import WorkCalendar
from countersign.domain.planner import Reach


class AcknowledgementStage(StrEnum):
    """Where the case of one addressee stands, in the words of operators and HR."""

    LADDER = "ladder"
    POSTING_DUE = "posting_due"
    VISIT_DUE = "visit_due"
    PUBLICATION_DUE = "publication_due"
    OBJECTION_REVIEW = "objection_review"
    CLOSED = "closed"


class AcknowledgementOutcome(StrEnum):
    """How the case of one addressee ended."""

    ACKNOWLEDGED = "acknowledged"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"
    ENDED_OUTSIDE = "ended_outside"


@dataclass(frozen=True)
class AcknowledgementInput:
    """Everything the case of one addressee needs to know, frozen at its start: opaque ids and policy."""

    case_id: str
    circular_id: str
    person_id: str
    branch_id: str
    policy: AcknowledgementPolicy
    policy_version: str
    calendar: WorkCalendar
    reach: Reach
    clock: ClockStart


@dataclass(frozen=True)
class AcknowledgementResult:
    """The end of the case of one addressee."""

    outcome: AcknowledgementOutcome
    at: datetime
