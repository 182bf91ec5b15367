"""Departures for people who look for work: filtered, sorted, a page at a time, with how far each one is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from countersign.adapters.database.departure_views import DepartureState, in_state, state_of
from countersign.adapters.database.engine import Database
from countersign.adapters.database.gate_book import gate_of
from countersign.adapters.database.queries import called, select_columns
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Branch, Case, Departure, Document, HandoverItem, Person
from countersign.domain.departure import CLOSED_ITEMS, Track
from countersign.domain.local_time import day_of
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
    """One departure in a list; `days_left` is below 0 once the last day is over."""

    case_id: str
    number: str
    name: str = field(repr=False)
    branch: str
    kind: str
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
            counting = _filtered(_joined(select(func.count()).select_from(Departure)), scope, wanted, now)
            total = session.exec(counting).one()
            shown = pager(number, total, PAGE)
            query = _filtered(_rows(), scope, wanted, now).order_by(*_order(wanted.sort))
            rows = session.exec(query.limit(PAGE).offset(shown.skip)).all()
            return Listed(_lines(session, rows, now), total, shown)

    def all(self, scope: Scope, wanted: DepartureFilter, now: datetime) -> tuple[DepartureLine, ...]:
        """Return every departure of a list, up to `MOST_EXPORTED`, for a file to take along."""
        with self._database.reading() as session:
            query = _filtered(_rows(), scope, wanted, now).order_by(*_order(wanted.sort))
            return _lines(session, session.exec(query.limit(MOST_EXPORTED)).all(), now)

    def open_of(self, scope: Scope, person_id: str) -> str | None:
        """Return the offboarding case of somebody's departure that was not withdrawn, the newest."""
        query = scope.within(
            select(Departure.case_id)
            .join(Person, col(Person.id) == col(Departure.person_id))
            .where(Departure.person_id == person_id, col(Departure.withdrawn_at).is_(None))
            .order_by(col(Departure.case_id).desc()),
            Departure.branch_id,
        )
        with self._database.reading() as session:
            found: str | None = session.exec(query.limit(1)).first()
            return found

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


def _joined(query: Any) -> Any:
    return (
        query.join(Person, col(Person.id) == col(Departure.person_id))
        .join(Branch, col(Branch.id) == col(Departure.branch_id))
        .join(Case, col(Case.id) == col(Departure.case_id))
    )


def _rows() -> Any:
    return _joined(select_columns(Departure, Person, Branch.name, Case).select_from(Departure))


def _filtered(query: Any, scope: Scope, wanted: DepartureFilter, now: datetime) -> Any:
    query = scope.within(query, Departure.branch_id)
    exact = {Departure.kind: wanted.kind, Case.holder: wanted.holder, Departure.branch_id: wanted.branch}
    exact |= {Departure.person_id: wanted.person_id}
    for column, value in exact.items():
        if value:
            query = query.where(col(column) == value)
    if wanted.state == OPEN:
        query = query.where(col(Departure.closed_at).is_(None), col(Departure.withdrawn_at).is_(None))
    elif wanted.state:
        query = query.where(*in_state(DepartureState(wanted.state)))
    if wanted.days:
        query = query.where(col(Departure.last_day) <= day_of(now) + timedelta(days=wanted.days))
    if wanted.search:
        query = query.where(or_(called(wanted.search), Departure.case_id == wanted.search.upper()))
    return query


def _order(sort: DepartureSort) -> tuple[Any, ...]:
    return {
        DepartureSort.LAST_DAY: (col(Departure.last_day), col(Departure.case_id)),
        DepartureSort.NUMBER: (col(Person.number), col(Departure.case_id)),
        DepartureSort.STARTED: (col(Departure.case_id).desc(),),
    }[sort]


def _lines(session: Session, rows: Sequence[Any], now: datetime) -> tuple[DepartureLine, ...]:
    today, counted = day_of(now), _counted(session, [departure.case_id for departure, *_ in rows])
    return tuple(
        DepartureLine(
            case_id=departure.case_id,
            number=person.number,
            name=person.name,
            branch=branch,
            kind=departure.kind,
            state=state_of(departure),
            last_day=departure.last_day,
            days_left=(departure.last_day - today).days,
            ended_on=departure.ended_on,
            holder=None if case.state == "closed" else case.holder,
            tracks=counted.get(departure.case_id, ()),
            gate=_why(session, departure),
        )
        for departure, person, branch, case in rows
    )


def _why(session: Session, departure: Departure) -> tuple[str, ...]:
    if departure.withdrawn_at is not None or departure.closed_at is not None:
        return ()
    return gate_of(session, departure).codes


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
