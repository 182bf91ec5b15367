"""The ledger at the desk: whose it is, and postings that people and programs make by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.acts import StoredFile
from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.equipment_money import DAMAGED, Claim, claims_of, next_key
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.filing import file_document
from countersign.adapters.database.ledger_book import LedgerBook, actor_of_posting, open_departure
from countersign.adapters.database.ledger_views import StatementLine, movements, statement
from countersign.adapters.database.own_departure import refuse_own
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Branch,
    Case,
    Departure,
    Document,
    Employment,
    HandoverItem,
    Person,
    Posting,
)
from countersign.domain.departure import Condition, ItemState, PaperKind, Track
from countersign.domain.evidence import Sealed
from countersign.domain.ledger import (
    RECEIVABLES,
    AccountKind,
    Age,
    PostingKind,
    Voucher,
    ages,
    balances_of,
    booking,
    equipment_charge,
    yuan,
)
from countersign.domain.local_time import day_in
from countersign.domain.refusal import Refusal
from countersign.ids import new_id

BY_HAND = (
    PostingKind.ADVANCE,
    PostingKind.LOAN,
    PostingKind.EQUIPMENT,
    PostingKind.OVERPAID_WAGE,
    PostingKind.REPAYMENT,
    PostingKind.DEDUCTION,
    PostingKind.PAYMENT,
)
"""The kinds that finance and its programs post; the others follow from acts in a case."""


@dataclass(frozen=True)
class HandPosting:
    """A posting as somebody wants it; `account` where the kind leaves a choice.

    `item` is the item of a handover whose damage is charged.
    """

    kind: PostingKind
    amount_fen: int
    booked_on: date
    account: AccountKind | None = None
    reference: str | None = field(default=None, repr=False)
    item: str | None = None


@dataclass(frozen=True)
class Owner:
    """Whose ledger it is: one employment of an employee, with the case of its open departure."""

    person_id: str
    number: str
    name: str = field(repr=False)
    branch_id: str
    branch: str
    employment_id: str
    hired_on: date
    ended_on: date | None
    hirings: tuple[date, ...]
    departure_id: str | None
    today: date


@dataclass(frozen=True)
class PersonLedger:
    """One employment's ledger at the end of a day; amounts in fen, positive what the employee owes."""

    owner: Owner
    on: date
    balances: dict[AccountKind, int]
    by_age: dict[AccountKind, dict[Age, int]]
    lines: list[StatementLine]

    @property
    def owed_fen(self) -> int:
        """Return what the employee owes, all receivables together."""
        return sum(fen for fen in self.balances.values() if fen > 0)

    @property
    def due_fen(self) -> int:
        """Return what the company owes the employee."""
        return -sum(fen for fen in self.balances.values() if fen < 0)


@dataclass(frozen=True)
class DamagedItem:
    """An item whose damage can be charged; `hired_on` names the employment, `value_fen` is the most."""

    id: str
    title: str = field(repr=False)
    reference: str
    value_fen: int | None
    hired_on: date


class LedgerDesk:
    """Reads and posts within a scope; outside of it nobody exists."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerBook,
        evidence: EvidenceLog,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._ledger, self._evidence = database, ledger, evidence
        self._clock = clock

    def read(
        self, scope: Scope, number: str, on: date | None = None, hired_on: date | None = None
    ) -> PersonLedger | None:
        """Return the ledger of an employee's newest employment, or of the one that began on `hired_on`."""
        with self._database.reading() as session:
            owner = self._owner(session, scope, number, hired_on)
            if owner is None:
                return None
            day = on or owner.today
            known = movements(session, owner.employment_id)
            by_age = {kind: ages([one for one in known if one.account is kind], day) for kind in RECEIVABLES}
            lines = statement(session, owner.employment_id, day)
            return PersonLedger(owner, day, balances_of(known, day), by_age, lines)

    def post(
        self,
        scope: Scope,
        number: str,
        wanted: HandPosting,
        key: str,
        by: str,
        hired_on: date | None = None,
        paper: StoredFile | None = None,
    ) -> str | None:
        """Book what somebody wants, once per key; return the posting's id, None for nobody of this scope.

        A paper is filed in the case of the open departure. Raises `Refusal`.
        """

        def work(session: Session) -> str | None:
            owner = self._owner(session, scope, number, hired_on)
            if owner is None:
                return None
            refuse_own(session, owner.person_id, by, "kind")
            _check_day(wanted.booked_on, owner)
            if wanted.kind not in BY_HAND:
                named = ", ".join(kind.value for kind in BY_HAND)
                raise Refusal("kind", f"kind: must be one of {named}; the others follow from acts in a case")
            if wanted.item is not None:
                return self._charge(session, owner, wanted, paper, by)
            known = session.exec(select(Posting).where(Posting.key == key)).first()
            document_id = known.document_id if known else self._file(session, owner, paper, by)
            voucher = Voucher(
                key,
                owner.employment_id,
                wanted.booked_on,
                by,
                document_id=document_id,
                reference=wanted.reference,
            )
            booked = booking(wanted.kind, voucher, wanted.amount_fen, wanted.account)
            return self._ledger.book(session, booked)

        return self._database.write(work)

    def damaged(self, scope: Scope, number: str, item_id: str) -> DamagedItem | None:
        """Return an item of an employee whose damage can be charged; None for none of this scope."""
        with self._database.reading() as session:
            found = _departure_of(session, item_id)
            if found is None:
                return None
            item, departure = found
            hired_on = session.get_one(Employment, departure.employment_id).hired_on
            owner = self._owner(session, scope, number, hired_on)
            if owner is None or owner.employment_id != departure.employment_id:
                return None
            return DamagedItem(item.id, item.title, item.reference, item.value_fen, hired_on)

    def _charge(
        self, session: Session, owner: Owner, wanted: HandPosting, paper: StoredFile | None, by: str
    ) -> str:
        """Charge the damage of an item, once and at most its value; return the posting's id."""
        if wanted.kind is not PostingKind.EQUIPMENT:
            raise Refusal("kind", "kind: damage is charged as equipment; choose that, or leave the item out")
        found = _departure_of(session, wanted.item)
        if found is None or found[1].employment_id != owner.employment_id:
            raise Refusal("item", "item: is no equipment of this employment; open the departure again")
        item, departure = found
        self._ledger.hold(session, owner.employment_id, AccountKind.EQUIPMENT)
        claim = claims_of(session, departure).get(item.id)
        if claim is not None and claim.why == DAMAGED and claim.amount_fen == wanted.amount_fen:
            return claim.posting_id
        _check_damage(item, departure, claim, wanted.amount_fen)
        voucher = Voucher(
            next_key(session, departure, DAMAGED, item.id),
            owner.employment_id,
            wanted.booked_on,
            by,
            departure.case_id,
            self._file(session, owner, paper, by),
            wanted.reference,
        )
        charge = equipment_charge(voucher, wanted.amount_fen)
        return self._ledger.book(session, charge, told={"item": item.id})

    def reverse(
        self, scope: Scope, posting_id: str, key: str, by: str, reason: str, booked_on: date | None = None
    ) -> str | None:
        """Undo a posting for a reason; return the reversal's id, None for none of this scope."""

        def work(session: Session) -> str | None:
            owner = self._owner_of(session, scope, posting_id)
            if owner is None:
                return None
            refuse_own(session, owner.person_id, by, "posting")
            if not reason.strip():
                raise Refusal("reason", "reason: is missing; say what was wrong with the posting")
            if booked_on is not None:
                _check_day(booked_on, owner)
            return self._ledger.reverse(session, posting_id, key, by, reason, booked_on or owner.today)

        return self._database.write(work)

    def line(self, scope: Scope, posting_id: str) -> tuple[Owner, list[StatementLine]] | None:
        """Return one posting's lines with their owner; None for none of this scope."""
        with self._database.reading() as session:
            owner = self._owner_of(session, scope, posting_id)
            if owner is None:
                return None
            found = statement(session, owner.employment_id, None)
            return owner, [one for one in found if one.posting_id == posting_id]

    def _owner_of(self, session: Session, scope: Scope, posting_id: str) -> Owner | None:
        posting = session.get(Posting, posting_id)
        if posting is None:
            return None
        employment = session.get_one(Employment, posting.employment_id)
        number = session.get_one(Person, employment.person_id).number
        return self._owner(session, scope, number, employment.hired_on)

    def _owner(self, session: Session, scope: Scope, number: str, hired_on: date | None) -> Owner | None:
        person = session.exec(select(Person).where(Person.number == number)).first()
        if person is None or not scope.covers_others(person):
            return None
        hirings = session.exec(
            select(Employment)
            .where(Employment.person_id == person.id)
            .order_by(col(Employment.hired_on).desc())
        ).all()
        found = next((one for one in hirings if hired_on in (None, one.hired_on)), None)
        if found is None:
            return None
        branch = session.get_one(Branch, person.branch_id)
        departure = open_departure(session, found.id)
        now = self._clock()
        if departure is not None:
            now = case_now(session.get_one(Case, departure.case_id), now)
        return Owner(
            person_id=person.id,
            number=person.number,
            name=person.name,
            branch_id=branch.id,
            branch=branch.name,
            employment_id=found.id,
            hired_on=found.hired_on,
            ended_on=found.ended_on,
            hirings=tuple(one.hired_on for one in hirings),
            departure_id=None if departure is None else departure.case_id,
            today=day_in(now, branch.zone),
        )

    def _file(self, session: Session, owner: Owner, paper: StoredFile | None, by: str) -> str | None:
        """File the voucher in the case of the departure."""
        if paper is None:
            return None
        if owner.departure_id is None:
            raise Refusal(
                "file",
                "file: papers are kept in a case, and there is none; give the voucher's number instead",
            )
        case = session.get_one(Case, owner.departure_id)
        document = Document(
            id=new_id(),
            case_id=case.id,
            sha256=paper.sha256,
            media_type=paper.media_type,
            size=paper.size,
            kind=PaperKind.VOUCHER.value,
            created_at=self._clock(),
        )
        about: dict[str, Any] = {"name": Sealed(paper.name)}
        at, actor = case_now(case, self._clock()), actor_of_posting(session, by)
        file_document(session, self._evidence, case, document, at, actor, about)
        return document.id


def _check_day(booked_on: date, owner: Owner) -> None:
    if booked_on > owner.today:
        raise Refusal("booked_on", "booked_on: lies ahead; give a day up to today")
    if booked_on < owner.hired_on:
        raise Refusal(
            "booked_on",
            f"booked_on: lies before the employment, which began on {owner.hired_on.isoformat()}; correct it",
        )


def _departure_of(session: Session, item_id: str | None) -> tuple[HandoverItem, Departure] | None:
    item = session.get(HandoverItem, item_id)
    if item is None or item.track != Track.EQUIPMENT.value:
        return None
    return item, session.get_one(Departure, item.departure_id)


def _check_damage(item: HandoverItem, departure: Departure, claim: Claim | None, amount_fen: int) -> None:
    accepted = item.accepted_at is not None and item.condition == Condition.DAMAGED.value
    if departure.withdrawn_at is not None or not accepted or item.state == ItemState.DISPUTED.value:
        raise Refusal(
            "item",
            f"item: {item.reference} does not stand as damaged, or that is disputed; look at the handover",
        )
    if claim is not None:
        raise Refusal(
            "amount_fen",
            f"amount_fen: {yuan(claim.amount_fen)} is claimed for this item already; reverse that posting "
            "first, then charge what the damage costs",
        )
    if item.value_fen is not None and amount_fen > item.value_fen:
        raise Refusal(
            "amount_fen",
            f"amount_fen: {yuan(amount_fen)} is more than the {yuan(item.value_fen)} that the item is worth; "
            "charge at most its value",
        )
