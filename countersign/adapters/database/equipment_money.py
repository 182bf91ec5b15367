"""Equipment in the ledger: claimed when it is missing, no longer claimed when it is back or given up."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.cases import case_now, raise_alarm
from countersign.adapters.database.ledger_book import LedgerBook
from countersign.adapters.database.ledger_views import movements
from countersign.adapters.database.tables import ActRow, Case, Departure, HandoverItem, Posting
from countersign.domain.departure import Condition, ItemState, Track
from countersign.domain.equipment import Money, money_of
from countersign.domain.handover import What
from countersign.domain.ledger import AccountKind, PostingKind, Voucher, equipment_charge, paid_off
from countersign.domain.refusal import Refusal

FREEZE, MISSING, DAMAGED = "freeze", "missing", "damaged"
"""Why an item is claimed, as it stands in the key of its posting: `<workflow id>/<why>/<item id>`."""

PAID_BEFORE = "equipment_paid_before"
"""The alarm for what is claimed no longer and was paid, deducted or given up before."""


@dataclass(frozen=True)
class Claim:
    """The posting in force for one item, in fen; `covered_fen` of it is paid, deducted or given up.

    `why` is `freeze`, `missing` or `damaged`, `key` the posting's.
    """

    posting_id: str
    key: str
    why: str
    amount_fen: int
    covered_fen: int = 0


def claims_of(session: Session, departure: Departure) -> dict[str, Claim]:
    """Return by item what is claimed for equipment of a departure and was not reversed."""
    beginnings = _beginnings(session, departure)
    undone = select(Posting.reverses_id).where(col(Posting.reverses_id).is_not(None))
    rows = session.exec(
        select(Posting.id, Posting.key).where(
            Posting.employment_id == departure.employment_id,
            Posting.kind == PostingKind.EQUIPMENT.value,
            col(Posting.id).not_in(undone),
        )
    ).all()
    keys = {posting_id: key for posting_id, key in rows if key.startswith(beginnings)}
    if not keys:
        return {}
    lines = movements(session, departure.employment_id)
    found = {}
    for debt, covered in paid_off(one for one in lines if one.account is AccountKind.EQUIPMENT):
        key = keys.get(debt.posting_id)
        if key is not None:
            why, item_id = _parts_of(key, beginnings)
            found[item_id] = Claim(debt.posting_id, key, why, debt.amount_fen, covered)
    return found


def claimable_fen(item: HandoverItem) -> int:
    """Return what an item is claimed for at the end, in fen: the value of equipment nobody says is back.

    Where the leaver says so, or a receiver, the company's own silence makes nobody a debtor.
    """
    back = item.state == ItemState.HANDED_OVER.value or item.accepted_at is not None
    return 0 if back or item.track != Track.EQUIPMENT.value else item.value_fen or 0


def next_key(session: Session, departure: Departure, why: str, item_id: str) -> str:
    """Return the key of a claim on an item that has none in force; a second one is numbered."""
    first = f"{session.get_one(Case, departure.case_id).workflow_id}/{why}/{item_id}"
    used = session.exec(
        select(Posting.id).where(
            col(Posting.key).startswith(first, autoescape=True), Posting.kind == PostingKind.EQUIPMENT.value
        )
    ).all()
    return f"{first}/{len(used) + 1}" if used else first


class EquipmentMoney:
    """Books what follows from acts about items, in the transaction of the act."""

    def __init__(self, ledger: LedgerBook, clock: Callable[[], datetime]) -> None:
        self._ledger, self._clock = ledger, clock

    def follow(
        self,
        session: Session,
        departure: Departure,
        row: ActRow,
        what: What,
        items: Iterable[HandoverItem],
        told: Mapping[str, Any],
    ) -> None:
        """Claim, or stop claiming, what an act has said of items that stand as they do after it.

        `told` stands in the events of the ledger beside the item, such as who has approved it. What is
        covered already, also in part, is not reversed: an alarm hands that to finance.
        """
        wanted = _wanted(what, items)
        if not wanted:
            return
        self._ledger.hold(session, departure.employment_id, AccountKind.EQUIPMENT)
        claims = claims_of(session, departure)
        case = session.get_one(Case, departure.case_id)
        on = branch_day(session, case.branch_id, case_now(case, self._clock()))
        left = False
        for item, money in wanted:
            claim, more = claims.get(item.id), {**told, "act": row.id, "item": item.id}
            if money is not Money.CLAIM:
                left |= claim is not None and not self._take_back(session, claim, money, row, on, more)
            elif claim is None and item.value_fen:
                key = next_key(session, departure, MISSING, item.id)
                voucher = Voucher(key, departure.employment_id, on, row.actor, case.id)
                charge = equipment_charge(voucher, item.value_fen)
                self._ledger.book(session, charge, row.words.get("words", ""), more)
        if left:
            raise_alarm(session, PAID_BEFORE, row.at, case.id)

    def _take_back(
        self, session: Session, claim: Claim, money: Money, row: ActRow, on: date, told: Mapping[str, Any]
    ) -> bool:
        """Reverse a claim that nothing covers yet; say whether it was reversed."""
        if claim.covered_fen:
            return False
        key, reason = f"{claim.key}/{money.value}", row.words.get("words", "")
        because = {"because": money.value, **told}
        try:
            self._ledger.reverse(session, claim.posting_id, key, row.actor, reason, on, told=because)
        except Refusal:
            # The account would hold less than nothing on some day: what came back is a fact all the same.
            return False
        return True


def _wanted(what: What, items: Iterable[HandoverItem]) -> list[tuple[HandoverItem, Money]]:
    found = []
    for item in items:
        condition = Condition(item.condition) if item.condition else None
        money = money_of(what, ItemState(item.state), condition)
        if money is not None and item.track == Track.EQUIPMENT.value:
            found.append((item, money))
    return found


def _beginnings(session: Session, departure: Departure) -> tuple[str, ...]:
    offboarding = session.get_one(Case, departure.case_id).workflow_id
    statutory = session.get_one(Case, departure.statutory_case_id).workflow_id
    return (f"{statutory}/{FREEZE}/", f"{offboarding}/{MISSING}/", f"{offboarding}/{DAMAGED}/")


def _parts_of(key: str, beginnings: tuple[str, ...]) -> tuple[str, str]:
    """Return why an item is claimed and its id; what follows numbers the claims."""
    beginning = next(one for one in beginnings if key.startswith(one))
    return beginning.split("/")[-2], key.removeprefix(beginning).partition("/")[0]
