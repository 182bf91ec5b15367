"""Values of the three processes of a departure. They stand in histories for months: fields are only added."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from countersign.contracts.cases import Role
from countersign.contracts.leave_return import ClockStart
from countersign.domain.calendar import WorkCalendar
from countersign.domain.departure import DepartureKind, DutyKind, DutyState
from countersign.domain.offboarding import HandoverPolicy, OffboardingPolicy, StatutoryPolicy
from countersign.domain.planner import Reach


class OffboardingStage(StrEnum):
    """Where an offboarding case stands, in the words of operators and HR."""

    OVERDUE_REVIEW = "overdue_review"
    BEFORE_LAST_DAY = "before_last_day"
    HANDOVER = "handover"
    POSTING_DUE = "posting_due"
    VISIT_DUE = "visit_due"
    PUBLICATION_DUE = "publication_due"
    GATE = "gate"
    CLOSED = "closed"


class OffboardingOutcome(StrEnum):
    """How an offboarding case ended."""

    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"
    ENDED_OUTSIDE = "ended_outside"


class HandoverStage(StrEnum):
    """Where the case of one receiver stands."""

    ANNOUNCED = "announced"
    WAITING = "waiting"
    CONFIRMING = "confirming"
    SILENT = "silent"
    POSTING_DUE = "posting_due"
    VISIT_DUE = "visit_due"
    PUBLICATION_DUE = "publication_due"
    CLOSED = "closed"


class HandoverOutcome(StrEnum):
    """How the case of one receiver ended; `released` is a share that passed to somebody else or fell away."""

    CONFIRMED = "confirmed"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    ENDED_OUTSIDE = "ended_outside"


class StatutoryStage(StrEnum):
    """Where the statutory duties of a departure stand."""

    NOTICE = "notice"
    NOT_SERVED = "not_served"
    BEFORE_LAST_DAY = "before_last_day"
    DUTIES = "duties"
    POSTING_DUE = "posting_due"
    VISIT_DUE = "visit_due"
    PUBLICATION_DUE = "publication_due"
    CLOSED = "closed"


class StatutoryOutcome(StrEnum):
    """How the statutory case of a departure ended."""

    FULFILLED = "fulfilled"
    WITHDRAWN = "withdrawn"
    ENDED_OUTSIDE = "ended_outside"


HOLDER_OF_DUTY: Mapping[DutyKind, Role] = {
    DutyKind.CERTIFICATE: Role.HR,
    DutyKind.WAGES: Role.FINANCE,
    DutyKind.SOCIAL_INSURANCE: Role.HR,
    DutyKind.FILE_TRANSFER: Role.HR,
    DutyKind.UNEMPLOYMENT_LIST: Role.HR,
}
"""Who carries out each duty."""


# -- what starts a case -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class OffboardingInput:
    """Everything an offboarding case needs to know, frozen at its start; `overdue` decides late steps."""

    case_id: str
    employment_id: str
    person_id: str
    branch_id: str
    kind: DepartureKind
    last_day: date
    policy: OffboardingPolicy
    policy_version: str
    calendar: WorkCalendar
    reach: Reach
    clock: ClockStart
    overdue: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HandoverInput:
    """Everything the case of one receiver needs to know; `person_id` is the receiver."""

    case_id: str
    departure_id: str
    person_id: str
    branch_id: str
    last_day: date
    policy: HandoverPolicy
    policy_version: str
    calendar: WorkCalendar
    reach: Reach
    clock: ClockStart


@dataclass(frozen=True)
class StatutoryInput:
    """Everything the statutory case of a departure needs to know, frozen at its start."""

    case_id: str
    departure_id: str
    employment_id: str
    person_id: str
    branch_id: str
    kind: DepartureKind
    last_day: date
    needs_notice: bool
    policy: StatutoryPolicy
    policy_version: str
    calendar: WorkCalendar
    reach: Reach
    clock: ClockStart


# -- what a case reads from the books ---------------------------------------------------------------------


@dataclass(frozen=True)
class OffboardingStanding:
    """How a departure stands.

    `open_items` counts by track what is not closed; `with_leaver` what the leaver has still to hand over;
    `owes` says that something is owed without a plan. `gate` holds the codes of what keeps the case from
    closing, empty when the gate is open; `holder` has the ball. `tasks` maps the kind of a task that waits in
    the company to who holds it. `to_post` names settlements that were confirmed and are not booked yet.
    `unheard` says that the leaver never heard of a departure that was withdrawn.
    """

    last_day: date
    withdrawn: bool = False
    open_items: dict[str, int] = field(default_factory=dict)
    all_items: int = 0
    with_leaver: int = 0
    owes: bool = False
    gate: tuple[str, ...] = ()
    holder: Role | None = None
    tasks: dict[str, Role] = field(default_factory=dict)
    to_post: tuple[str, ...] = ()
    unheard: bool = False


@dataclass(frozen=True)
class ShareStanding:
    """How one receiver's share stands.

    `to_accept` was handed over and waits for the receiver, `open` was not handed over yet, `confirmed` was
    accepted. `over` says that nothing is expected of this receiver any more; `withdrawn` that nobody leaves,
    `unheard` then that this receiver never heard that somebody would.
    """

    last_day: date
    to_accept: int = 0
    open: int = 0
    confirmed: int = 0
    over: bool = False
    withdrawn: bool = False
    unheard: bool = False


@dataclass(frozen=True)
class StatutoryStanding:
    """How the end of an employment stands.

    `served_on` is the day on which the notice counts as delivered, perhaps still to come (30 days after a
    publication); `ended_on` is set when the end is in the books. `duties` and `due` hold the
    state and the last day of each duty.
    """

    last_day: date
    needs_notice: bool
    served_on: date | None = None
    served_how: str | None = None
    ended_on: date | None = None
    withdrawn: bool = False
    duties: dict[DutyKind, DutyState] = field(default_factory=dict)
    due: dict[DutyKind, date] = field(default_factory=dict)


# -- what a case orders -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class DepartureOrder:
    """Do one thing in the books of a departure, once; `at` is the case's time."""

    case_id: str
    at: datetime


@dataclass(frozen=True)
class EndOrder:
    """Put the end of an employment into the books: on which day, and what `at` says in the evidence."""

    case_id: str
    at: datetime
    ended_on: date


@dataclass(frozen=True)
class Frozen:
    """What was open on the last day: how many items and balances stand in the override record."""

    items: int
    balances: int


@dataclass(frozen=True)
class OffboardingResult:
    """The end of an offboarding case."""

    outcome: OffboardingOutcome
    at: datetime


@dataclass(frozen=True)
class HandoverResult:
    """The end of the case of one receiver."""

    outcome: HandoverOutcome
    at: datetime


@dataclass(frozen=True)
class StatutoryResult:
    """The end of the statutory case; `ended_on` is the day on which the employment ended."""

    outcome: StatutoryOutcome
    at: datetime
    ended_on: date | None = None
