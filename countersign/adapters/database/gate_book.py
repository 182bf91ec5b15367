"""The gate of a departure, read from the books each time it is asked for, and what its case sees of it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Self

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.heard import has_heard
from countersign.adapters.database.ledger_views import all_balances
from countersign.adapters.database.queries import select_columns, some_at_once
from countersign.adapters.database.repayment_plans import NO_PLAN, PlanCover, plan_covers
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Case,
    Departure,
    Duty,
    HandoverItem,
    PassedTask,
    Person,
    Posting,
    Revocation,
    Settlement,
)
from countersign.contracts.cases import CaseState, Process, Role
from countersign.contracts.departures import OffboardingStanding
from countersign.domain.checklists import UNSHUT
from countersign.domain.departure import (
    CLOSED_ITEMS,
    DutyKind,
    DutyState,
    Ground,
    ItemState,
    ProposedBy,
    Track,
)
from countersign.domain.gate import Gate, GateFacts, Hand, OpenItems, OtherCase, Reason, gate, hand_of
from countersign.domain.ledger import AccountKind
from countersign.domain.severance_grounds import entitlement

ROLE_OF_HAND: Mapping[Hand, Role] = MappingProxyType(
    {
        Hand.LEAVER: Role.EMPLOYEE,
        Hand.RECEIVER: Role.EMPLOYEE,
        Hand.ADMINISTRATION: Role.ADMINISTRATION,
        Hand.FINANCE: Role.FINANCE,
        Hand.HR: Role.HR,
        Hand.CALENDAR: Role.HR,
    }
)
"""Whom lists name as the holder of the ball; a receiver has a case of their own where they are asked."""

REASON_OF_ACCOUNT: Mapping[AccountKind, Reason] = MappingProxyType(
    {
        AccountKind.INSURANCE_ADVANCE: Reason.INSURANCE_ADVANCE,
        AccountKind.WAGE_OVERPAID: Reason.WAGE,
        AccountKind.LOAN: Reason.LOAN,
        AccountKind.EQUIPMENT: Reason.EQUIPMENT_OWED,
    }
)

_NOT_ABOUT_THE_LEAVER = frozenset({Process.ACKNOWLEDGEMENT.value})
"""Processes that merely tell somebody something; that a circular is unread keeps nobody from leaving."""


@dataclass(frozen=True)
class GateView:
    """The gate of one departure, with what a reader needs to know whose it is; `at` is the case's time."""

    case_id: str
    number: str
    branch_id: str
    last_day: date
    ended_on: date | None
    withdrawn: bool
    closed: bool
    at: datetime
    gate: Gate


class GateBook:
    """Answers why somebody cannot leave."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def why(self, case_id: str) -> GateView | None:
        """Return the gate of an offboarding case as it is now; None where there is no such departure."""
        with self._database.reading() as session:
            departure = session.get(Departure, case_id)
            return None if departure is None else self._view(session, departure)

    def of_employee(self, number: str, scope: Scope) -> GateView | None:
        """Return the gate of an employee's newest departure, unless withdrawn; None outside the scope."""
        with self._database.reading() as session:
            person = session.exec(select(Person).where(Person.number == number)).first()
            if person is None:
                return None
            departure = session.exec(
                select(Departure)
                .where(Departure.person_id == person.id, col(Departure.withdrawn_at).is_(None))
                .order_by(col(Departure.created_at).desc())
            ).first()
            if departure is None or not scope.covers_departure(session, departure):
                return None
            return self._view(session, departure)

    def _view(self, session: Session, departure: Departure) -> GateView:
        person = session.get_one(Person, departure.person_id)
        at = case_now(session.get_one(Case, departure.case_id), self._clock())
        return GateView(
            case_id=departure.case_id,
            number=person.number,
            branch_id=departure.branch_id,
            last_day=departure.last_day,
            ended_on=departure.ended_on,
            withdrawn=departure.withdrawn_at is not None,
            closed=departure.closed_at is not None,
            at=at,
            gate=gate_of(session, departure),
        )


def gate_of(session: Session, departure: Departure) -> Gate:
    """Return the gate of one departure."""
    return gates_of(session, [departure])[departure.case_id]


def gates_of(session: Session, departures: Sequence[Departure]) -> dict[str, Gate]:
    """Return the gates of departures by their offboarding cases, in as many queries as for one of them."""
    by_case = {one.case_id: one for one in departures}
    found: dict[str, Gate] = {}
    for some in some_at_once(by_case):
        books = _Books.read(session, [by_case[one] for one in some])
        found |= {one: gate(books.facts_of(by_case[one])) for one in some}
    return found


def offboarding_standing(session: Session, case: Case) -> OffboardingStanding:
    """Return what the offboarding process decides by."""
    departure = session.get_one(Departure, case.id)
    books = _Books.read(session, [departure])
    found = gate(books.facts_of(departure))
    items = books.items[case.id]
    unclosed = [one for one in items if one.state not in CLOSED_ITEMS]
    by_track = {track.value: sum(one.count for one in unclosed if one.track is track) for track in Track}
    return OffboardingStanding(
        last_day=departure.last_day,
        withdrawn=departure.withdrawn_at is not None,
        open_items={track: count for track, count in by_track.items() if count},
        all_items=sum(one.count for one in items),
        with_leaver=sum(one.count for one in items if one.mandatory and one.state is ItemState.OPEN),
        owes=found.owed_fen > 0,
        gate=found.codes,
        holder=None if found.hand is None else ROLE_OF_HAND[found.hand],
        tasks=_tasks(session, departure, found, unclosed),
        to_post=books.to_post(departure),
        unheard=departure.withdrawn_at is not None and not has_heard(session, departure, departure.person_id),
    )


def is_booked(session: Session, case_id: str, settlement: Settlement) -> bool:
    """Say whether a settlement is in the ledger, also when it was undone there; one of zeros always is."""
    return settlement.id in _booked(session, _settlements(session, [case_id]))


def postings_of(session: Session, case_id: str, settlement: Settlement):  # type: ignore[no-untyped-def]
    """Return the query for the postings of a settlement: their keys begin with that of its order."""
    employment_id = session.get_one(Departure, case_id).employment_id
    key = f"{_order_of(session.get_one(Case, case_id).workflow_id, settlement)}/"
    return select(Posting).where(
        Posting.employment_id == employment_id, col(Posting.key).startswith(key, autoescape=True)
    )


# -- facts ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Items:
    """How many items of a departure are alike."""

    track: Track
    state: ItemState
    mandatory: bool
    has_receiver: bool
    count: int


@dataclass(frozen=True)
class _Books:
    """What the books hold of some departures that their gates follow from, by offboarding case.

    `settlements` stand in the order of their versions, `booked` are the ids of those in the ledger.
    """

    items: Mapping[str, list[_Items]]
    owed: Mapping[str, Mapping[Reason, int]]
    plans: Mapping[str, PlanCover]
    insurance_dropped: frozenset[str]
    settlements: Mapping[str, list[Settlement]]
    booked: frozenset[str]
    others: Mapping[str, tuple[OtherCase, ...]]

    @classmethod
    def read(cls, session: Session, departures: Sequence[Departure]) -> Self:
        """Read them, in one query for each kind of fact."""
        ids = [one.case_id for one in departures]
        sheets = _settlements(session, ids)
        settlements: dict[str, list[Settlement]] = {one: [] for one in ids}
        for sheet, _ in sheets:
            settlements[sheet.departure_id].append(sheet)
        return cls(
            items=_items(session, ids),
            owed=_owed(session, departures),
            plans=plan_covers(session, departures),
            insurance_dropped=_insurance_dropped(session, ids),
            settlements=settlements,
            booked=_booked(session, sheets),
            others=_other_cases(session, departures),
        )

    def facts_of(self, departure: Departure) -> GateFacts:
        """Return what the gate of one of them follows from."""
        case_id = departure.case_id
        plan = self.plans.get(case_id, NO_PLAN)
        return GateFacts(
            # Written on the day itself, by the clock of the statutory case: no other clock is asked again.
            ended=departure.ended_on is not None,
            items=tuple(_of_track(track, self.items[case_id]) for track in Track),
            owed=self.owed[case_id],
            planned_fen=plan.covered_fen,
            plan_waits=not plan.signed,
            finance_confirmed=departure.finance_confirmed_at is not None,
            social_insurance_confirmed=case_id in self.insurance_dropped,
            settlement_waits=self._settlement_waits(departure),
            others=self.others[case_id],
        )

    def _settlement_waits(self, departure: Departure) -> bool:
        """Say whether money still waits for a settlement.

        It does while the newest one is not booked, and where the end gives severance until one is.
        """
        newest = self.settlements[departure.case_id][-1:]
        if newest:
            return newest[0].id not in self.booked
        return entitlement(Ground(departure.ground), ProposedBy(departure.proposed_by)).due

    def to_post(self, departure: Departure) -> tuple[str, ...]:
        """Return the ids of settlements that were confirmed and are not in the ledger."""
        if departure.withdrawn_at is not None:
            return ()
        confirmed = (one.id for one in self.settlements[departure.case_id] if one.state == "confirmed")
        return tuple(one for one in confirmed if one not in self.booked)


def _items(session: Session, departures: Sequence[str]) -> dict[str, list[_Items]]:
    has_receiver = col(HandoverItem.receiver_id).is_not(None)
    alike = (HandoverItem.track, HandoverItem.state, HandoverItem.mandatory, has_receiver)
    rows = session.exec(
        select_columns(HandoverItem.departure_id, *alike, func.count())
        .where(col(HandoverItem.departure_id).in_(departures))
        .group_by(HandoverItem.departure_id, *alike)
    )
    found: dict[str, list[_Items]] = {one: [] for one in departures}
    for departure_id, track, state, mandatory, received, count in rows:
        found[departure_id].append(
            _Items(Track(track), ItemState(state), bool(mandatory), bool(received), count)
        )
    return found


def _of_track(track: Track, items: Iterable[_Items]) -> OpenItems:
    by_hand: Counter[Hand | None] = Counter()
    disputed = 0
    for one in items:
        if one.track is not track or not one.mandatory:
            continue
        if one.state is ItemState.DISPUTED:
            disputed += one.count
        else:
            by_hand[hand_of(track, one.state, has_receiver=one.has_receiver)] += one.count
    return OpenItems(
        track,
        with_leaver=by_hand[Hand.LEAVER],
        with_receiver=by_hand[Hand.RECEIVER],
        with_administration=by_hand[Hand.ADMINISTRATION],
        with_hr=by_hand[Hand.HR],
        disputed=disputed,
    )


def _owed(session: Session, departures: Sequence[Departure]) -> dict[str, dict[Reason, int]]:
    balances = all_balances(session, [one.employment_id for one in departures])
    return {
        one.case_id: {
            reason: balances[one.employment_id][account] for account, reason in REASON_OF_ACCOUNT.items()
        }
        for one in departures
    }


def _insurance_dropped(session: Session, departures: Sequence[str]) -> frozenset[str]:
    rows = session.exec(
        select(Duty.departure_id).where(
            col(Duty.departure_id).in_(departures),
            Duty.kind == DutyKind.SOCIAL_INSURANCE.value,
            Duty.state == DutyState.DONE.value,
        )
    )
    return frozenset(rows)


def _settlements(session: Session, departures: Sequence[str]) -> list[tuple[Settlement, str]]:
    """Return the settlements of departures by version, each with the workflow id of its case."""
    query = (
        select(Settlement, Case.workflow_id)
        .join(Case, col(Case.id) == col(Settlement.departure_id))
        .where(col(Settlement.departure_id).in_(departures))
        .order_by(col(Settlement.version))
    )
    return list(session.exec(query))


def _booked(session: Session, sheets: Iterable[tuple[Settlement, str]]) -> frozenset[str]:
    """Return the ids of those that are in the ledger; what posts nothing is there once it is confirmed."""
    confirmed = [(sheet, workflow) for sheet, workflow in sheets if sheet.state == "confirmed"]
    posts = {
        _order_of(workflow, sheet): sheet
        for sheet, workflow in confirmed
        if any(line.get("posts", True) for line in sheet.lines)
    }
    found = {sheet.id for sheet, _ in confirmed} - {sheet.id for sheet in posts.values()}
    if posts:
        query = (
            select(Posting.key)
            .join(Departure, col(Departure.employment_id) == col(Posting.employment_id))
            .where(col(Departure.case_id).in_({sheet.departure_id for sheet in posts.values()}))
        )
        orders = {key.rpartition("/")[0] for key in session.exec(query)}
        found |= {sheet.id for order, sheet in posts.items() if order in orders}
    return frozenset(found)


def _order_of(workflow_id: str, settlement: Settlement) -> str:
    """Return the key of the order that books a settlement; each of its lines adds its place."""
    return f"{workflow_id}/settlement/{settlement.id}"


def _other_cases(session: Session, departures: Sequence[Departure]) -> dict[str, tuple[OtherCase, ...]]:
    by_person: dict[str, list[Case]] = {one.person_id: [] for one in departures}
    query = select(Case).where(col(Case.person_id).in_(by_person), Case.state != CaseState.CLOSED.value)
    for case in session.exec(query.order_by(col(Case.id))):
        if case.kind not in _NOT_ABOUT_THE_LEAVER:
            by_person[case.person_id].append(case)
    return {
        one.case_id: tuple(
            OtherCase(case.kind, case.id)
            for case in by_person[one.person_id]
            if case.departure_id != one.case_id
        )
        for one in departures
    }


def _tasks(
    session: Session, departure: Departure, found: Gate, unclosed: Iterable[_Items]
) -> dict[str, Role]:
    """Return what waits in the company, by the kind of the task, with the role that holds it."""
    equipment = [one for one in unclosed if one.track is Track.EQUIPMENT and not one.has_receiver]
    waiting = {
        "finance_balances": (Role.FINANCE, departure.finance_confirmed_at is None),
        "equipment": (Role.ADMINISTRATION, any(one.state is not ItemState.DISPUTED for one in equipment)),
        "gate_settlement": (Role.FINANCE, Reason.SETTLEMENT.value in found.codes),
        "plan_paper": (Role.FINANCE, Reason.PLAN_UNSIGNED.value in found.codes),
        "disputes": (Role.HR, any(one.state is ItemState.DISPUTED for one in unclosed)),
        "revocations": (Role.ADMINISTRATION, _any(session, Revocation, departure, UNSHUT)),
        "passed_tasks": (Role.HR, _any(session, PassedTask, departure, ("open",))),
    }
    return {kind: role for kind, (role, waits) in waiting.items() if waits}


def _any(
    session: Session,
    table: type[Revocation] | type[PassedTask],
    departure: Departure,
    states: tuple[str, ...],
) -> bool:
    query = select(table.id).where(col(table.departure_id) == departure.case_id, col(table.state).in_(states))
    return session.exec(query.limit(1)).first() is not None
