"""What the books say of departures over a span of days: how many, how long, who is late, what blocks them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.departure_views import days_of_their_own
from countersign.adapters.database.engine import Database
from countersign.adapters.database.gate_book import gates_of
from countersign.adapters.database.people import people_of
from countersign.adapters.database.queries import select_columns, some_at_once
from countersign.adapters.database.reports import Span
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Departure, Duty, Employment, HandoverItem, Person
from countersign.domain.departure import CLOSED_ITEMS, DutyState, EmploymentState, ItemState, Track
from countersign.domain.gate import Hand, Reason, hand_of
from countersign.domain.local_time import day_of


class Stretch(StrEnum):
    """A part of a departure whose days are measured, in the order in which they pass."""

    NOTICE_TO_END = "notice_to_end"
    TO_HAND_OVER = "to_hand_over"
    TO_ACCEPT = "to_accept"
    TO_CERTIFICATE = "to_certificate"
    TO_WAGES = "to_wages"
    TO_INSURANCE = "to_insurance"
    TO_FILE = "to_file"
    TO_LIST = "to_list"
    TO_CLOSE = "to_close"


_OF_DUTY = {
    "certificate": Stretch.TO_CERTIFICATE,
    "wages": Stretch.TO_WAGES,
    "social_insurance": Stretch.TO_INSURANCE,
    "file_transfer": Stretch.TO_FILE,
    "unemployment_list": Stretch.TO_LIST,
}


@dataclass(frozen=True)
class Exits:
    """How many departures of one kind and ground fall into the span: over, still ahead, taken back."""

    kind: str
    ground: str
    ended: int
    ahead: int
    withdrawn: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.ended + self.ahead + self.withdrawn


@dataclass(frozen=True)
class Duration:
    """How long a part took: in how many cases it is over, the median of its days, and the longest."""

    stretch: Stretch
    count: int
    days: float
    longest: float


@dataclass(frozen=True)
class LateItems:
    """What one holder is late with: how many items, and for how many days the oldest."""

    hand: Hand
    number: str | None
    name: str | None = field(repr=False)
    count: int
    oldest: date
    days: int


@dataclass(frozen=True)
class Shut:
    """In how many open departures one reason keeps the gate shut; `amount_fen` is what is owed in all."""

    reason: Reason
    departures: int
    items: int
    amount_fen: int


@dataclass(frozen=True)
class Suspended:
    """An employment that a system calls suspended, although the law knows it as going on."""

    number: str
    name: str = field(repr=False)
    since: date
    days: int


@dataclass(frozen=True)
class ExitReport:
    """Everything on the page of departures; what is open is as of `today`, the rest is about the span."""

    today: date
    exits: tuple[Exits, ...]
    durations: tuple[Duration, ...]
    late: tuple[LateItems, ...]
    gates: tuple[Shut, ...]
    open_departures: int
    suspended: tuple[Suspended, ...]


class ExitReports:
    """Reads the books of departures; every figure keeps to the scope."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, scope: Scope, span: Span, now: datetime) -> ExitReport:
        """Return the report of a span of days. A departure falls on the day of its end, or the planned."""
        today = day_of(now)
        with self._database.reading() as session:
            departures = _of_span(session, scope, span)
            still_open = _open(session, scope)
            return ExitReport(
                today=today,
                exits=_exits(departures),
                durations=_durations(session, departures),
                late=_late(session, scope, now),
                gates=_gates(session, still_open),
                open_departures=len(still_open),
                suspended=_suspended(session, scope, today),
            )


def _of_span(session: Session, scope: Scope, span: Span) -> list[Departure]:
    day = func.coalesce(Departure.ended_on, Departure.last_day)
    query = (
        select(Departure)
        .join(Person, col(Person.id) == col(Departure.person_id))
        .where(day >= span.first, day <= span.last)
    )
    return list(session.exec(scope.within(query, Departure.branch_id)))


def _open(session: Session, scope: Scope) -> list[Departure]:
    query = (
        select(Departure)
        .join(Person, col(Person.id) == col(Departure.person_id))
        .where(col(Departure.closed_at).is_(None), col(Departure.withdrawn_at).is_(None))
    )
    return list(session.exec(scope.within(query, Departure.branch_id)))


def _exits(departures: Iterable[Departure]) -> tuple[Exits, ...]:
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in departures:
        fate = "withdrawn" if one.withdrawn_at else "ended" if one.ended_on else "ahead"
        counts[one.kind, one.ground][fate] += 1
    found = [Exits(*which, each["ended"], each["ahead"], each["withdrawn"]) for which, each in counts.items()]
    return tuple(sorted(found, key=lambda one: (-one.total, one.kind, one.ground)))


def _durations(session: Session, departures: Sequence[Departure]) -> tuple[Duration, ...]:
    ended = {one.case_id: one for one in departures if one.withdrawn_at is None and one.ended_on is not None}
    spans: dict[Stretch, list[float]] = defaultdict(list)
    for one in ended.values():
        assert one.ended_on is not None  # noqa: S101  chosen by it
        spans[Stretch.NOTICE_TO_END].append(float((one.ended_on - one.noticed_on).days))
        if one.closed_at is not None:
            spans[Stretch.TO_CLOSE].append(max(float((day_of(one.closed_at) - one.ended_on).days), 0.0))
    for item in _rows(session, HandoverItem, ended):
        if item.handed_over_at is not None:
            spans[Stretch.TO_HAND_OVER].append((item.handed_over_at - item.listed_at) / timedelta(days=1))
            if item.accepted_at is not None:
                waited = item.accepted_at - item.handed_over_at
                spans[Stretch.TO_ACCEPT].append(max(waited / timedelta(days=1), 0))
    for duty in _rows(session, Duty, ended):
        ended_on = ended[duty.departure_id].ended_on
        if duty.state == DutyState.DONE.value and duty.done_at is not None and ended_on is not None:
            spans[_OF_DUTY[duty.kind]].append(max(float((day_of(duty.done_at) - ended_on).days), 0.0))
    return tuple(
        Duration(one, len(spans[one]), round(median(spans[one]), 1), round(max(spans[one]), 1))
        for one in Stretch
        if spans[one]
    )


def _rows(session: Session, table: Any, departures: Mapping[str, Departure]) -> Iterable[Any]:
    for some in some_at_once(departures):
        yield from session.exec(select(table).where(col(table.departure_id).in_(some)))


def _late(session: Session, scope: Scope, now: datetime) -> tuple[LateItems, ...]:
    """Return who is late with items, each by the day of its own case."""
    today, own = day_of(now), days_of_their_own(session, now)
    query = (
        select_columns(
            HandoverItem.departure_id,
            HandoverItem.track,
            HandoverItem.state,
            HandoverItem.receiver_id,
            Person.id,
            HandoverItem.due_on,
        )
        .join(Departure, col(Departure.case_id) == col(HandoverItem.departure_id))
        .join(Person, col(Person.id) == col(Departure.person_id))
        .where(col(Departure.withdrawn_at).is_(None), HandoverItem.due_on < max([today, *own.values()]))
        .where(col(HandoverItem.state).not_in([one.value for one in CLOSED_ITEMS]))
    )
    dues: dict[tuple[Hand, str | None], list[tuple[date, int]]] = defaultdict(list)
    rows = session.exec(scope.within(query, Departure.branch_id))
    for departure, track, state, receiver, leaver, due_on in rows:
        hand = hand_of(Track(track), ItemState(state), has_receiver=receiver is not None)
        days = (own.get(departure, today) - due_on).days
        if hand is not None and days > 0:
            who = {Hand.LEAVER: leaver, Hand.RECEIVER: receiver}.get(hand)
            dues[hand, who].append((due_on, days))
    people = people_of(session, {who for _, who in dues if who is not None})
    found = []
    for (hand, who), of_them in dues.items():
        person = people.get(who or "")
        number, name = (None, None) if person is None else (person.number, person.name)
        oldest, longest = min(due_on for due_on, _ in of_them), max(days for _, days in of_them)
        found.append(LateItems(hand, number, name, len(of_them), oldest, longest))
    return tuple(sorted(found, key=lambda one: (-one.days, -one.count, one.number or "")))


def _gates(session: Session, departures: Sequence[Departure]) -> tuple[Shut, ...]:
    cases: Counter[Reason] = Counter()
    items: Counter[Reason] = Counter()
    amounts: Counter[Reason] = Counter()
    for found_gate in gates_of(session, departures).values():
        cases.update({one.reason for one in found_gate.blockers})
        for one in found_gate.blockers:
            items[one.reason] += 0 if one.amount_fen else one.count
            amounts[one.reason] += one.amount_fen
    found = [Shut(one, cases[one], items[one], amounts[one]) for one in Reason if cases[one]]
    return tuple(sorted(found, key=lambda one: -one.departures))


def _suspended(session: Session, scope: Scope, today: date) -> tuple[Suspended, ...]:
    query = (
        select_columns(Person.number, Person.name, Employment.suspended_since)
        .join(Person, col(Person.id) == col(Employment.person_id))
        .where(col(Employment.suspended_since).is_not(None), Employment.state != EmploymentState.ENDED.value)
        .order_by(col(Employment.suspended_since), Person.number)
    )
    rows = session.exec(scope.within(query))
    return tuple(Suspended(number, name, since, (today - since).days) for number, name, since in rows)
