"""What is due by law at the ends of employments, read from the database alone: no process need run for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.duty_book import contract_of, planned_end
from countersign.adapters.database.engine import Database
from countersign.adapters.database.queries import select_columns
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.service_book import ServiceFact, found_service, service_facts
from countersign.adapters.database.tables import (
    ActRow,
    Branch,
    Case,
    Departure,
    Document,
    Duty,
    Employment,
    Person,
)
from countersign.contracts.cases import Role
from countersign.contracts.departures import HOLDER_OF_DUTY
from countersign.domain.certificate import term_words
from countersign.domain.departure import STATUTORY_PAPERS, DutyKind, DutyState
from countersign.domain.duties import BASIS, due_on
from countersign.domain.employment import PlannedEnd
from countersign.domain.local_time import day_in


@dataclass(frozen=True)
class DutyLine:
    """One duty of one departure; `case_id` is the offboarding case, `late_days` 0 while it is not late.

    `due_on` is None while the day of the end is not known. `reason` says why a duty failed.
    """

    case_id: str
    statutory_case_id: str
    number: str
    name: str = field(repr=False)
    branch: str
    kind: DutyKind
    basis: str
    holder: Role
    state: DutyState
    due_on: date | None
    late_days: int
    ordered_at: datetime | None
    done_at: datetime | None
    failed_at: datetime | None
    reference: str | None = field(repr=False)
    document_id: str | None
    reason: str | None = field(default=None, repr=False)

    @property
    def open(self) -> bool:
        """Say whether something is still to be done about it."""
        return self.state is not DutyState.DONE


@dataclass(frozen=True)
class ExitPaper:
    """A paper of the statutory case: the certificate, the demand, the draft of an agreement."""

    id: str
    kind: str
    sha256: str
    created_at: datetime


@dataclass(frozen=True)
class DepartureDuties:
    """The duties of one departure with what they rest on; `today` is the day of its case and branch.

    `contract` is the term of the contract as the certificate tells it, in Chinese and English.
    """

    case_id: str
    statutory_case_id: str
    number: str
    name: str = field(repr=False)
    person_id: str
    branch_id: str
    kind: str
    ground: str
    last_day: date
    needs_notice: bool
    served_on: date | None
    served_how: str | None
    ended_on: date | None
    contract: tuple[str, str]
    withdrawn: bool
    closed: bool
    today: date
    facts: tuple[ServiceFact, ...]
    duties: tuple[DutyLine, ...]
    papers: tuple[ExitPaper, ...]


class DutyReports:
    """Reads duties; every method keeps to the scope."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def open_duties(self, scope: Scope) -> list[DutyLine]:
        """Return every duty that is not done of employments that have ended or whose end is known.

        The latest come first. What depends on a notice that nobody has delivered is no duty yet.
        """
        lines = self._lines(scope)
        known = [one for one in lines if one.open and one.due_on is not None]
        return sorted(known, key=lambda one: (one.due_on, one.number, one.kind))

    def overdue(self, scope: Scope) -> list[DutyLine]:
        """Return every duty that is late on the day of its case, the latest first.

        It counts also where the process never ran: the day follows from the notice and the planned end.
        """
        return [one for one in self.open_duties(scope) if one.late_days > 0]

    def of_departure(self, scope: Scope, case_id: str) -> DepartureDuties | None:
        """Return the duties of one departure, by its offboarding case; None outside the scope."""
        with self._database.reading() as session:
            departure = scope.departure(session, case_id)
            if departure is None:
                return None
            person = session.get_one(Person, departure.person_id)
            employment = session.get_one(Employment, departure.employment_id)
            branch = session.get_one(Branch, departure.branch_id)
            case = session.get_one(Case, departure.statutory_case_id)
            today = _day_of(case, branch, self._clock())
            end, facts = _end(session, departure)
            rows = session.exec(select(Duty).where(Duty.departure_id == case_id)).all()
            lines = [
                replace(
                    _line(row, departure, person, branch, _due(row, end), today),
                    reason=_reason(row, None if row.act_id is None else session.get(ActRow, row.act_id)),
                )
                for row in rows
            ]
            return DepartureDuties(
                case_id=case_id,
                statutory_case_id=case.id,
                number=person.number,
                name=person.name,
                person_id=person.id,
                branch_id=branch.id,
                kind=departure.kind,
                ground=departure.ground,
                last_day=departure.last_day,
                needs_notice=departure.needs_notice,
                served_on=end.served_on,
                served_how=departure.served_how or _how(facts),
                ended_on=departure.ended_on,
                contract=term_words(contract_of(employment), employment.hired_on),
                withdrawn=departure.withdrawn_at is not None,
                closed=case.state == "closed",
                today=today,
                facts=tuple(facts),
                duties=tuple(sorted(lines, key=lambda one: list(DutyKind).index(one.kind))),
                papers=_papers(session, case.id),
            )

    def _lines(self, scope: Scope) -> list[DutyLine]:
        query = (
            select_columns(Duty, Departure, Person, Branch, Case, ActRow)
            .join(Departure, col(Departure.case_id) == col(Duty.departure_id))
            .join(Person, col(Person.id) == col(Departure.person_id))
            .join(Branch, col(Branch.id) == col(Departure.branch_id))
            .join(Case, col(Case.id) == col(Departure.statutory_case_id))
            .outerjoin(ActRow, col(ActRow.id) == col(Duty.act_id))
            .where(Duty.state != DutyState.DONE.value, col(Departure.withdrawn_at).is_(None))
        )
        query = scope.within(query, Departure.branch_id)
        now = self._clock()
        ends: dict[str, PlannedEnd] = {}
        lines = []
        with self._database.reading() as session:
            for duty, departure, person, branch, case, act in session.exec(query):
                if departure.case_id not in ends:
                    ends[departure.case_id], _ = _end(session, departure)
                due = _due(duty, ends[departure.case_id])
                line = _line(duty, departure, person, branch, due, _day_of(case, branch, now))
                lines.append(replace(line, reason=_reason(duty, act)))
        return lines


def _end(session: Session, departure: Departure) -> tuple[PlannedEnd, list[ServiceFact]]:
    """Return the end as the facts give it, found out anew where no process has kept it."""
    planned = planned_end(departure)
    if not departure.needs_notice:
        return planned, []
    facts = service_facts(session, departure)
    found = found_service(facts)
    if planned.served_on is not None or found is None:
        return planned, facts
    return PlannedEnd(planned.last_day, planned.ground, True, found[0].on), facts


def _how(facts: Sequence[ServiceFact]) -> str | None:
    found = found_service(facts)
    return None if found is None else found[0].how.value


def _due(duty: Duty, end: PlannedEnd) -> date | None:
    if duty.due_on is not None:
        return duty.due_on
    return None if end.ends_on is None else due_on(DutyKind(duty.kind), end.ends_on)


def _day_of(case: Case, branch: Branch, now: datetime) -> date:
    return day_in(case_now(case, now), branch.zone)


def _line(
    duty: Duty, departure: Departure, person: Person, branch: Branch, due: date | None, today: date
) -> DutyLine:
    kind, state = DutyKind(duty.kind), DutyState(duty.state)
    late = 0 if due is None or state is DutyState.DONE else max(0, (today - due).days)
    return DutyLine(
        case_id=departure.case_id,
        statutory_case_id=departure.statutory_case_id,
        number=person.number,
        name=person.name,
        branch=branch.name,
        kind=kind,
        basis=BASIS[kind],
        holder=HOLDER_OF_DUTY[kind],
        state=state,
        due_on=due,
        late_days=late,
        ordered_at=duty.ordered_at,
        done_at=duty.done_at,
        failed_at=duty.failed_at,
        reference=duty.reference,
        document_id=duty.document_id,
    )


def _reason(duty: Duty, act: ActRow | None) -> str | None:
    """Return why a duty failed, as it was said; None for one that did not, and after an erasure."""
    if act is None or duty.state != DutyState.FAILED.value:
        return None
    return act.words.get("reason")


def _papers(session: Session, case_id: str) -> tuple[ExitPaper, ...]:
    query = (
        select(Document)
        .where(Document.case_id == case_id, col(Document.kind).in_([kind.value for kind in STATUTORY_PAPERS]))
        .order_by(col(Document.created_at))
    )
    return tuple(ExitPaper(one.id, one.kind, one.sha256, one.created_at) for one in session.exec(query))


def duty_row(line: DutyLine) -> dict[str, Any]:
    """Return a duty as the API tells it; what an authority answered stays on the page of the departure."""
    return {
        "departure": line.case_id,
        "statutory_case": line.statutory_case_id,
        "employee": line.number,
        "name": line.name,
        "branch": line.branch,
        "duty": line.kind.value,
        "basis": line.basis,
        "holder": line.holder.value,
        "state": line.state.value,
        "due_on": line.due_on,
        "late_days": line.late_days,
        "ordered_at": line.ordered_at,
        "done_at": line.done_at,
        "failed_at": line.failed_at,
        "reason": line.reason,
        "document": line.document_id,
    }
