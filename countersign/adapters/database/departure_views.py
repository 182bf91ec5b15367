"""Departures as lists and programs read them: their facts, their cases, how far they are."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, or_, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.gate_book import gate_of
from countersign.adapters.database.queries import called, select_columns
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Branch,
    Case,
    Departure,
    Duty,
    HandoverItem,
    Person,
    Revocation,
)
from countersign.contracts.cases import Process
from countersign.domain.departure import ARTICLE, CLOSED_ITEMS, DepartureKind, Ground, ItemState
from countersign.domain.local_time import day_of

_SUCCESSOR = aliased(Person)


class DepartureState(StrEnum):
    """How far a departure is: still employed, the employment over, the file closed, or taken back."""

    LEAVING = "leaving"
    ENDED = "ended"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class DepartureViews:
    """Reads departures. Every method keeps to its scope."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def listed(
        self,
        scope: Scope,
        *,
        state: DepartureState | None = None,
        kind: DepartureKind | None = None,
        branch: str | None = None,
        search: str | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return departures, the newest first; `after` is the case id that the last page ended with.

        Who sees no grounds cannot ask for a `kind` either: it is left out.
        `branch` is the id of one, `search` a part of the leaver's name or number.
        """
        query = scope.within(_rows(), Departure.branch_id)
        for wanted, condition in (
            (kind if scope.grounds else None, Departure.kind == kind),
            (branch, Departure.branch_id == branch),
        ):
            if wanted is not None:
                query = query.where(condition)
        if after is not None:
            query = query.where(col(Departure.case_id) < after)
        if state is not None:
            query = query.where(*in_state(state))
        if search:
            query = query.where(called(search))
        with self._database.reading() as session:
            rows = session.exec(query.order_by(col(Departure.case_id).desc()).limit(limit)).all()
            open_items = _open_items(session, [departure.case_id for departure, *_ in rows])
            return [
                _seen(scope, _facts(row) | {"open_items": open_items.get(row[0].case_id, 0)}) for row in rows
            ]

    def one(self, scope: Scope, case_id: str) -> dict[str, Any] | None:
        """Return one departure with its cases and its standing; None where there is none in the scope."""
        with self._database.reading() as session:
            query = scope.within(_rows().where(Departure.case_id == case_id), Departure.branch_id)
            row = session.exec(query).first()
            if row is None:
                return None
            departure = row[0]
            more = {"cases": _cases(session, case_id), "standing": self._standing(session, departure)}
            return _seen(scope, _facts(row) | more)

    def _standing(self, session: Session, departure: Departure) -> dict[str, Any]:
        found = gate_of(session, departure)
        duties = session.exec(
            select(Duty)
            .where(Duty.departure_id == departure.case_id)
            .order_by(col(Duty.due_on), col(Duty.kind))
        )
        return {
            "items": _by_state(session, departure.case_id),
            "duties": [
                {"kind": one.kind, "state": one.state, "due_on": one.due_on, "done_at": one.done_at}
                for one in duties
            ],
            "accounts": {
                state: count
                for state, count in session.exec(
                    select(Revocation.state, func.count())
                    .where(Revocation.departure_id == departure.case_id)
                    .group_by(Revocation.state)
                )
            },
            "gate": {"open": found.open, "reasons": list(found.codes)},
        }


def _rows() -> Any:
    return (
        select_columns(Departure, Person, Branch.name, _SUCCESSOR.number, _SUCCESSOR.name)
        .join(Person, col(Person.id) == col(Departure.person_id))
        .join(Branch, col(Branch.id) == col(Departure.branch_id))
        .outerjoin(_SUCCESSOR, col(_SUCCESSOR.id) == col(Departure.successor_id))
    )


def days_of_their_own(session: Session, now: datetime) -> dict[str, date]:
    """Return the days of the departures whose cases run by a clock of their own, by offboarding case."""
    query = select(Case).where(Case.kind == Process.OFFBOARDING.value, col(Case.clock_factor) > 1)
    return {case.id: day_of(case_now(case, now)) for case in session.exec(query)}


def in_state(state: DepartureState) -> Sequence[Any]:
    """Return the conditions under which a departure is so far."""
    withdrawn, closed = col(Departure.withdrawn_at), col(Departure.closed_at)
    ended = col(Departure.ended_on)
    match state:
        case DepartureState.WITHDRAWN:
            return (withdrawn.is_not(None),)
        case DepartureState.CLOSED:
            return (closed.is_not(None), withdrawn.is_(None))
        case DepartureState.ENDED:
            return (ended.is_not(None), closed.is_(None), withdrawn.is_(None))
        case DepartureState.LEAVING:
            return (ended.is_(None), closed.is_(None), withdrawn.is_(None))


def state_of(departure: Departure) -> DepartureState:
    """Return how far a departure is."""
    if departure.withdrawn_at is not None:
        return DepartureState.WITHDRAWN
    if departure.closed_at is not None:
        return DepartureState.CLOSED
    return DepartureState.LEAVING if departure.ended_on is None else DepartureState.ENDED


def _facts(row: Any) -> dict[str, Any]:
    departure, person, branch, successor, successor_name = row
    return {
        "case": departure.case_id,
        "statutory_case": departure.statutory_case_id,
        "state": state_of(departure).value,
        "employee": {"number": person.number, "name": person.name},
        "branch": branch,
        "kind": departure.kind,
        "ground": departure.ground,
        "article": ARTICLE[Ground(departure.ground)],
        "proposed_by": departure.proposed_by,
        "needs_notice": departure.needs_notice,
        "noticed_on": departure.noticed_on,
        "last_day": departure.last_day,
        "successor": successor,
        "successor_name": successor_name,
        "served_on": departure.served_on,
        "ended_on": departure.ended_on,
        "closed_at": departure.closed_at,
        "withdrawn_at": departure.withdrawn_at,
        "created_at": departure.created_at,
    }


def _seen(scope: Scope, facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a departure without how and why somebody leaves, for who sees no grounds.

    The duties and the statutory case would tell it: which there are, and for what they wait.
    """
    if scope.grounds:
        return facts
    seen = facts | dict.fromkeys(OF_THE_GROUND)
    if "cases" in facts:
        seen["cases"] = [one for one in facts["cases"] if one["process"] != Process.STATUTORY]
        seen["standing"] = facts["standing"] | {"duties": []}
    return seen


OF_THE_GROUND = ("kind", "ground", "article", "proposed_by", "needs_notice", "noticed_on", "served_on")
"""The facts of a departure that say how and why somebody leaves."""


def _cases(session: Session, departure_id: str) -> list[dict[str, Any]]:
    query = (
        select(Case, Person)
        .join(Person, col(Person.id) == col(Case.person_id))
        .where(or_(col(Case.departure_id) == departure_id, col(Case.id) == departure_id))
        .order_by(col(Case.created_at), col(Case.id))
    )
    return [
        {
            "id": case.id,
            "process": case.kind,
            "person": {"number": person.number, "name": person.name},
            "state": case.state,
            "stage": case.stage,
            "holder": case.holder,
            "due_at": case.due_at,
            "outcome": case.outcome,
        }
        for case, person in session.exec(query)
    ]


def _by_state(session: Session, departure_id: str) -> dict[str, int]:
    query = (
        select(HandoverItem.state, func.count())
        .where(HandoverItem.departure_id == departure_id)
        .group_by(HandoverItem.state)
    )
    found: Mapping[str, int] = dict(session.exec(query).all())
    return {state.value: found.get(state.value, 0) for state in ItemState}


def _open_items(session: Session, departures: Sequence[str]) -> dict[str, int]:
    query = (
        select(HandoverItem.departure_id, func.count())
        .where(
            col(HandoverItem.departure_id).in_(departures),
            col(HandoverItem.state).not_in([state.value for state in CLOSED_ITEMS]),
        )
        .group_by(HandoverItem.departure_id)
    )
    return dict(session.exec(query).all())
