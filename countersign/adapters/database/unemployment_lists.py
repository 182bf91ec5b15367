"""The list for the bureau: whose employment has ended, when, by which article, and how they are reached."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.queries import select_columns
from countersign.adapters.database.reports import Span
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Branch, Case, Departure, Duty, Person
from countersign.domain.departure import ARTICLE, DutyKind, DutyState, Ground
from countersign.domain.evidence import EventKind
from countersign.domain.local_time import day_in


@dataclass(frozen=True)
class Unemployed:
    """One person of the list; `due_on` is the last day for telling the bureau."""

    number: str
    name: str = field(repr=False)
    id_number: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    email: str | None = field(repr=False)
    address: str | None = field(repr=False)
    branch: str
    ended_on: date
    ground: Ground
    state: DutyState
    due_on: date | None

    @property
    def article(self) -> str:
        """Return the article by which the employment ended."""
        return ARTICLE[self.ground]


class UnemploymentLists:
    """Hands the list out; that somebody has taken it stands in the chain of everybody who is in it."""

    def __init__(self, database: Database, evidence: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock

    def take(
        self, scope: Scope, span: Span, actor: Mapping[str, Any], *, only_open: bool
    ) -> list[Unemployed]:
        """Return whose employment ended within a span, by day; with `only_open` whom the bureau lacks.

        It is told once for each reader, person and day.
        """
        query = (
            select_columns(Departure, Person, Branch, Duty, Case)
            .join(Person, col(Person.id) == col(Departure.person_id))
            .join(Branch, col(Branch.id) == col(Departure.branch_id))
            .join(Duty, col(Duty.departure_id) == col(Departure.case_id))
            .join(Case, col(Case.id) == col(Departure.statutory_case_id))
            .where(
                Duty.kind == DutyKind.UNEMPLOYMENT_LIST.value,
                col(Departure.withdrawn_at).is_(None),
                col(Departure.ended_on).between(span.first, span.last),
            )
            .order_by(col(Departure.ended_on), col(Person.number))
        )
        if only_open:
            query = query.where(Duty.state != DutyState.DONE.value)

        def work(session: Session) -> list[Unemployed]:
            found = []
            rows = session.exec(scope.within(query, Departure.branch_id))
            for departure, person, branch, duty, case in rows:
                found.append(_line(departure, person, branch, duty))
                self._tell(session, case, branch, actor)
            return found

        return self._database.write(work)

    def _tell(self, session: Session, case: Case, branch: Branch, actor: Mapping[str, Any]) -> None:
        kind = DutyKind.UNEMPLOYMENT_LIST.value
        now = case_now(case, self._clock())
        key = f"viewed/{kind}/{actor['id']}/{day_in(now, branch.zone)}"
        self._evidence.append(session, case, key, now, EventKind.DOCUMENT_VIEWED, actor, {"kind": kind})


def _line(departure: Departure, person: Person, branch: Branch, duty: Duty) -> Unemployed:
    assert departure.ended_on is not None  # noqa: S101  the query asks for a day within a span
    return Unemployed(
        person.number,
        person.name,
        person.id_number,
        person.phone,
        person.email,
        person.service_address,
        branch.name,
        departure.ended_on,
        Ground(departure.ground),
        DutyState(duty.state),
        duty.due_on,
    )
