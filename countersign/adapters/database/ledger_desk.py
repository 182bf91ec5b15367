"""The ledger at the desk: whose it is, and postings that people and programs make by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from countersign.adapters.database.acts import StoredFile
from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.filing import file_document
from countersign.adapters.database.ledger_book import LedgerBook, actor_of_posting, open_departure
from countersign.adapters.database.ledger_views import StatementLine, movements, statement
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Branch, Case, Document, Employment, Person, Posting
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
)
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
    """A posting as somebody wants it; `account` where the kind leaves a choice."""

    kind: PostingKind
    amount_fen: int
    booked_on: date
    account: AccountKind | None = None
    reference: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Owner:
    """Whose ledger it is: one employment of an employee, with the case of its open departure."""

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
            _check_day(wanted.booked_on, owner)
            if wanted.kind not in BY_HAND:
                named = ", ".join(kind.value for kind in BY_HAND)
                raise Refusal("kind", f"kind: must be one of {named}; the others follow from acts in a case")
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

    def reverse(
        self, scope: Scope, posting_id: str, key: str, by: str, reason: str, booked_on: date | None = None
    ) -> str | None:
        """Undo a posting for a reason; return the reversal's id, None for none of this scope."""

        def work(session: Session) -> str | None:
            owner = self._owner_of(session, scope, posting_id)
            if owner is None:
                return None
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
        if person is None or not scope.covers(person, person.branch_id):
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
            number=person.number,
            name=person.name,
            branch_id=branch.id,
            branch=branch.name,
            employment_id=found.id,
            hired_on=found.hired_on,
            ended_on=found.ended_on,
            hirings=tuple(one.hired_on for one in hirings),
            departure_id=None if departure is None else departure.case_id,
            today=now.astimezone(ZoneInfo(branch.zone)).date(),
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
            kind="voucher",
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
