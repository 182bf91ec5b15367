"""Departures for people who look for work: filtered, sorted, a page at a time, with how far each one is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, and_, col, or_, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.departure_views import (
    DepartureState,
    days_of_their_own,
    in_state,
    state_of,
)
from countersign.adapters.database.engine import Database
from countersign.adapters.database.gate_book import gates_of
from countersign.adapters.database.queries import called, select_columns
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Branch, Case, Departure, Document, HandoverItem, Person
from countersign.domain.departure import CLOSED_ITEMS, Track
from countersign.domain.local_time import day_in, day_of
from countersign.domain.paging import Listed, pager

PAGE = 50
MOST_EXPORTED = 5_000


class DepartureSort(StrEnum):
    """What a list of departures is sorted by."""

    LAST_DAY = "last_day"
    NUMBER = "number"
    STARTED = "started"


OPEN = "open"
"""Of a list's states: neither closed nor withdrawn, whether the employment is over or not."""


@dataclass(frozen=True)
class DepartureFilter:
    """Which departures a list shows; empty texts mean all. `days` is how soon the last day is."""

    state: str = "leaving"
    kind: str = ""
    holder: str = ""
    branch: str = ""
    days: int = 0
    search: str = ""
    person_id: str = ""
    sort: DepartureSort = DepartureSort.LAST_DAY


@dataclass(frozen=True)
class TrackCount:
    """How many items of a track are closed, of how many."""

    track: Track
    closed: int
    all: int


@dataclass(frozen=True)
class DepartureLine:
    """One departure in a list; `days_left` is below 0 once the last day is over.

    `kind` is None for who sees no grounds.
    """

    case_id: str
    number: str
    name: str = field(repr=False)
    branch: str
    kind: str | None
    state: DepartureState
    last_day: date
    days_left: int
    ended_on: date | None
    holder: str | None
    tracks: tuple[TrackCount, ...]
    gate: tuple[str, ...]


class DepartureLists:
    """Reads departures; every method keeps to its scope."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, scope: Scope, wanted: DepartureFilter, number: int, now: datetime
    ) -> Listed[DepartureLine]:
        """Return one page, counted from 1; a number beyond the last one gives the last one."""
        with self._database.reading() as session:
            matching = _matching(session, _askable(scope, wanted), now)
            counting = _joined(select(func.count()).select_from(Departure)).where(*matching)
            total = session.exec(scope.within(counting, Departure.branch_id)).one()
            shown = pager(number, total, PAGE)
            query = scope.within(_rows().where(*matching), Departure.branch_id).order_by(*_order(wanted.sort))
            rows = session.exec(query.limit(PAGE).offset(shown.skip)).all()
            return Listed(_seen(scope, _lines(session, rows, now)), total, shown)

    def all(self, scope: Scope, wanted: DepartureFilter, now: datetime) -> tuple[DepartureLine, ...]:
        """Return every departure of a list, up to `MOST_EXPORTED`, for a file to take along."""
        with self._database.reading() as session:
            query = (
                _rows()
                .where(*_matching(session, _askable(scope, wanted), now))
                .order_by(*_order(wanted.sort))
            )
            query = scope.within(query, Departure.branch_id)
            return _seen(scope, _lines(session, session.exec(query.limit(MOST_EXPORTED)).all(), now))

    def of_case(self, case_id: str) -> str | None:
        """Return the departure that a case belongs to; None for all other cases."""
        with self._database.reading() as session:
            return session.exec(select(Case.departure_id).where(Case.id == case_id)).first()

    def branch_of(self, case_id: str) -> str:
        """Return the branch of a departure."""
        with self._database.reading() as session:
            return session.get_one(Departure, case_id).branch_id

    def home_of(self, case_id: str, document_id: str) -> str | None:
        """Return the case, of those of a departure, that holds a document."""
        with self._database.reading() as session:
            return session.exec(
                select(Document.case_id)
                .join(Case, col(Case.id) == col(Document.case_id))
                .where(Document.id == document_id, or_(Case.departure_id == case_id, Case.id == case_id))
            ).first()


def _askable(scope: Scope, wanted: DepartureFilter) -> DepartureFilter:
    """Return the filter without what the reader may not know: a list that it narrows would tell."""
    return wanted if scope.grounds else replace(wanted, kind="")


def _seen(scope: Scope, lines: tuple[DepartureLine, ...]) -> tuple[DepartureLine, ...]:
    return lines if scope.grounds else tuple(replace(one, kind=None) for one in lines)


def _joined(query: Any) -> Any:
    return (
        query.join(Person, col(Person.id) == col(Departure.person_id))
        .join(Branch, col(Branch.id) == col(Departure.branch_id))
        .join(Case, col(Case.id) == col(Departure.case_id))
    )


def _rows() -> Any:
    return _joined(select_columns(Departure, Person, Branch, Case).select_from(Departure))


def _matching(session: Session, wanted: DepartureFilter, now: datetime) -> list[Any]:
    """Return the conditions of what a list asks for."""
    exact = {Departure.kind: wanted.kind, Case.holder: wanted.holder, Departure.branch_id: wanted.branch}
    exact |= {Departure.person_id: wanted.person_id}
    found: list[Any] = [col(column) == value for column, value in exact.items() if value]
    if wanted.state == OPEN:
        found += [col(Departure.closed_at).is_(None), col(Departure.withdrawn_at).is_(None)]
    elif wanted.state:
        found += in_state(DepartureState(wanted.state))
    if wanted.days:
        found.append(_ends_within(session, timedelta(days=wanted.days), now))
    if wanted.search:
        found.append(or_(called(wanted.search), Departure.case_id == wanted.search.upper()))
    return found


def _ends_within(session: Session, span: timedelta, now: datetime) -> Any:
    """Return the condition that the last day is no farther away, each by its own case's day."""
    own = days_of_their_own(session, now)
    by_day: dict[date, list[str]] = {}
    for case_id, day in own.items():
        by_day.setdefault(day, []).append(case_id)
    return or_(
        and_(col(Departure.case_id).not_in(own), col(Departure.last_day) <= day_of(now) + span),
        *(
            and_(col(Departure.case_id).in_(cases), col(Departure.last_day) <= day + span)
            for day, cases in by_day.items()
        ),
    )


def _order(sort: DepartureSort) -> tuple[Any, ...]:
    return {
        DepartureSort.LAST_DAY: (col(Departure.last_day), col(Departure.case_id)),
        DepartureSort.NUMBER: (col(Person.number), col(Departure.case_id)),
        DepartureSort.STARTED: (col(Departure.case_id).desc(),),
    }[sort]


def _lines(session: Session, rows: Sequence[Any], now: datetime) -> tuple[DepartureLine, ...]:
    counted = _counted(session, [departure.case_id for departure, *_ in rows])
    gates = gates_of(session, [departure for departure, *_ in rows if _is_open(departure)])
    return tuple(
        DepartureLine(
            case_id=departure.case_id,
            number=person.number,
            name=person.name,
            branch=branch.name,
            kind=departure.kind,
            state=state_of(departure),
            last_day=departure.last_day,
            days_left=(departure.last_day - day_in(case_now(case, now), branch.zone)).days,
            ended_on=departure.ended_on,
            holder=None if case.state == "closed" else case.holder,
            tracks=counted.get(departure.case_id, ()),
            gate=gates[departure.case_id].codes if departure.case_id in gates else (),
        )
        for departure, person, branch, case in rows
    )


def _is_open(departure: Departure) -> bool:
    return departure.withdrawn_at is None and departure.closed_at is None


def _counted(session: Session, departures: Sequence[str]) -> Mapping[str, tuple[TrackCount, ...]]:
    query = (
        select_columns(HandoverItem.departure_id, HandoverItem.track, HandoverItem.state, func.count())
        .where(col(HandoverItem.departure_id).in_(departures))
        .group_by(col(HandoverItem.departure_id), col(HandoverItem.track), col(HandoverItem.state))
    )
    found: dict[str, dict[str, list[int]]] = {}
    for departure_id, track, state, count in session.exec(query):
        closed_all = found.setdefault(departure_id, {}).setdefault(track, [0, 0])
        closed_all[0] += count if state in CLOSED_ITEMS else 0
        closed_all[1] += count
    return {
        departure_id: tuple(TrackCount(one, *tracks[one.value]) for one in Track if one.value in tracks)
        for departure_id, tracks in found.items()
    }
