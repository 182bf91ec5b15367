"""The gate of a departure, read from the books each time it is asked for, and what its case sees of it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.ledger_book import LedgerBook
from countersign.adapters.database.queries import select_columns
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Case,
    Departure,
    Duty,
    Entry,
    HandoverItem,
    LedgerAccount,
    PassedTask,
    Person,
    Posting,
    RepaymentPlan,
    Revocation,
    Settlement,
)
from countersign.contracts.cases import CaseState, Process, Role
from countersign.contracts.departures import OffboardingStanding
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
from countersign.domain.ledger import PAYS_A_DEBT, RECEIVABLES, AccountKind
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
            if departure is None or not scope.covers(person, departure.branch_id):
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
    """Return the gate of a departure on a day (of its branch)."""
    return gate(facts_of(session, departure))


def facts_of(session: Session, departure: Departure) -> GateFacts:
    """Read what the gate follows from, in one query for each kind of fact."""
    items = _items(session, departure.case_id)
    return GateFacts(
        # Written on the day itself, by the clock of the statutory case: no other clock is asked again.
        ended=departure.ended_on is not None,
        items=tuple(_of_track(track, items) for track in Track),
        owed=_owed(session, departure),
        planned_fen=planned_fen(session, departure),
        finance_confirmed=departure.finance_confirmed_at is not None,
        social_insurance_confirmed=_insurance_dropped(session, departure),
        settlement_waits=settlement_waits(session, departure),
        others=_other_cases(session, departure),
    )


def offboarding_standing(session: Session, case: Case) -> OffboardingStanding:
    """Return what the offboarding process decides by."""
    departure = session.get_one(Departure, case.id)
    found = gate_of(session, departure)
    items = _items(session, case.id)
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
        to_post=to_post(session, departure),
    )


def settlement_waits(session: Session, departure: Departure) -> bool:
    """Say whether money still waits for a settlement.

    It does while the newest one is not booked, and where the end gives severance until one is.
    """
    newest = _settlements(session, departure.case_id)[-1:]
    if newest:
        return not is_booked(session, departure.case_id, newest[0])
    return entitlement(Ground(departure.ground), ProposedBy(departure.proposed_by)).due


def to_post(session: Session, departure: Departure) -> tuple[str, ...]:
    """Return the ids of settlements that were confirmed and are not in the ledger."""
    if departure.withdrawn_at is not None:
        return ()
    confirmed = (one for one in _settlements(session, departure.case_id) if one.state == "confirmed")
    return tuple(one.id for one in confirmed if not is_booked(session, departure.case_id, one))


def is_booked(session: Session, case_id: str, settlement: Settlement) -> bool:
    """Say whether a settlement is in the ledger, also when it was undone there; one of zeros always is."""
    if settlement.state != "confirmed":
        return False
    if not any(line.get("posts", True) for line in settlement.lines):
        return True
    return session.exec(postings_of(session, case_id, settlement).limit(1)).first() is not None


def postings_of(session: Session, case_id: str, settlement: Settlement):  # type: ignore[no-untyped-def]
    """Return the query for the postings of a settlement: their keys begin with that of its order."""
    workflow_id = session.get_one(Case, case_id).workflow_id
    key = f"{workflow_id}/settlement/{settlement.id}/"
    return select(Posting).where(col(Posting.key).startswith(key, autoescape=True))


def planned_fen(session: Session, departure: Departure) -> int:
    """Return how much of what is owed agreed plans still cover: their sum less what was paid since."""
    plans = session.exec(
        select(RepaymentPlan).where(
            RepaymentPlan.departure_id == departure.case_id, col(RepaymentPlan.ended_at).is_(None)
        )
    ).all()
    if not plans:
        return 0
    since = min(plan.created_at for plan in plans)
    reversed_ones = select(Posting.reverses_id).where(col(Posting.reverses_id).is_not(None))
    paid = session.exec(
        select(func.sum(Entry.amount_fen))
        .join(LedgerAccount, col(LedgerAccount.id) == col(Entry.account_id))
        .join(Posting, col(Posting.id) == col(Entry.posting_id))
        .where(
            Posting.employment_id == departure.employment_id,
            col(Posting.kind).in_([kind.value for kind in PAYS_A_DEBT]),
            col(Posting.posted_at) >= since,
            col(Posting.id).not_in(reversed_ones),
            col(LedgerAccount.kind).in_([kind.value for kind in RECEIVABLES]),
        )
    ).one()
    return max(sum(plan.total_fen for plan in plans) + int(paid or 0), 0)


# -- facts ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Items:
    """How many items of a departure are alike."""

    track: Track
    state: ItemState
    mandatory: bool
    has_receiver: bool
    count: int


def _items(session: Session, departure_id: str) -> list[_Items]:
    has_receiver = col(HandoverItem.receiver_id).is_not(None)
    rows = session.exec(
        select_columns(
            HandoverItem.track, HandoverItem.state, HandoverItem.mandatory, has_receiver, func.count()
        )
        .where(HandoverItem.departure_id == departure_id)
        .group_by(HandoverItem.track, HandoverItem.state, HandoverItem.mandatory, has_receiver)
    )
    return [
        _Items(Track(track), ItemState(state), bool(mandatory), bool(received), count)
        for track, state, mandatory, received, count in rows
    ]


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


def _owed(session: Session, departure: Departure) -> dict[Reason, int]:
    balances = LedgerBook.balances(session, departure.employment_id)
    return {reason: balances.get(account, 0) for account, reason in REASON_OF_ACCOUNT.items()}


def _insurance_dropped(session: Session, departure: Departure) -> bool:
    state = session.exec(
        select(Duty.state).where(
            Duty.departure_id == departure.case_id, Duty.kind == DutyKind.SOCIAL_INSURANCE.value
        )
    ).first()
    return state == DutyState.DONE.value


def _settlements(session: Session, departure_id: str) -> list[Settlement]:
    rows = session.exec(
        select(Settlement).where(Settlement.departure_id == departure_id).order_by(col(Settlement.version))
    )
    return list(rows)


def _other_cases(session: Session, departure: Departure) -> tuple[OtherCase, ...]:
    rows = session.exec(
        select(Case)
        .where(Case.person_id == departure.person_id, Case.state != CaseState.CLOSED.value)
        .order_by(col(Case.id))
    )
    return tuple(
        OtherCase(case.kind, case.id)
        for case in rows
        if case.departure_id != departure.case_id and case.kind not in _NOT_ABOUT_THE_LEAVER
    )


def _tasks(
    session: Session, departure: Departure, found: Gate, unclosed: Iterable[_Items]
) -> dict[str, Role]:
    """Return what waits in the company, by the kind of the task, with the role that holds it."""
    equipment = [one for one in unclosed if one.track is Track.EQUIPMENT and not one.has_receiver]
    waiting = {
        "finance_balances": (Role.FINANCE, departure.finance_confirmed_at is None),
        "equipment": (Role.ADMINISTRATION, any(one.state is not ItemState.DISPUTED for one in equipment)),
        "gate_settlement": (Role.FINANCE, Reason.SETTLEMENT.value in found.codes),
        "disputes": (Role.HR, any(one.state is ItemState.DISPUTED for one in unclosed)),
        "revocations": (Role.ADMINISTRATION, _any(session, Revocation, departure, ("open", "failed"))),
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
