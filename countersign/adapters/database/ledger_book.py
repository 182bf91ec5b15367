"""The sub-ledger of employments in the database: bookings made once per key, undone by reversals alone."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from countersign.adapters.database.actors import account_actor
from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.ledger_views import (
    AgedDebt,
    StatementLine,
    aged_debts,
    movements,
    statement,
)
from countersign.adapters.database.looks import tell_departure
from countersign.adapters.database.tables import (
    Account,
    ApiToken,
    Case,
    Departure,
    Employment,
    Entry,
    LedgerAccount,
    Person,
    Posting,
    Settlement,
)
from countersign.contracts.cases import Process, Role
from countersign.contracts.ledger import PostingOrder
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.ledger import (
    OF_EMPLOYMENT,
    RECEIVABLES,
    AccountKind,
    Booking,
    Line,
    PostingKind,
    Voucher,
    balances_of,
    booking,
    overshoot,
    reversal,
    yuan,
)
from countersign.domain.local_time import day_of
from countersign.domain.refusal import Refusal
from countersign.ids import new_id

_SETTLES_IN_ORDER = (
    (PostingKind.WAGE_DUE, PostingKind.LEAVE_DUE, PostingKind.SEVERANCE_DUE),
    (PostingKind.WITHHOLDING,),
    (PostingKind.DEDUCTION,),
    (PostingKind.PAYMENT,),
)
"""What comes first among the lines of a settlement: nothing can be taken out of what is not due yet."""


class LedgerBook:
    """Books, undoes and reads postings. Every amount is integer fen, a positive balance a debit."""

    def __init__(self, database: Database, evidence: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock

    # -- writing ------------------------------------------------------------------------------------------

    def book(
        self, session: Session, wanted: Booking, reason: str = "", told: Mapping[str, Any] | None = None
    ) -> str:
        """Book inside the caller's transaction, once per key; return the posting's id.

        The chain of the booking's case gets its event, of a departure's case the offboarding chain; without a
        case that of the employment's open departure. Every case of that departure is told to look again.
        `reason` stands sealed in the event, `told` beside it. Raises `Refusal` for a key that holds other
        content, for more than is owed or due, and for severance while the gate is shut.
        """
        voucher = wanted.voucher
        known = session.exec(select(Posting).where(Posting.key == voucher.key)).first()
        if known is not None:
            return self._same(session, known, wanted)
        if voucher.case_id is not None and session.get(Case, voucher.case_id) is None:
            raise Refusal("case", "case: there is no such case; name the case that caused the posting")
        branch_id = self._branch_of(session, wanted)
        accounts = self._accounts(session, voucher.employment_id, branch_id, wanted.lines)
        self._hold(session, accounts)
        departure = open_departure(session, voucher.employment_id)
        self._refuse_too_much(session, wanted)
        self._refuse_severance(session, wanted, departure)
        now = self._clock()
        posting = Posting(
            id=new_id(),
            key=voucher.key,
            kind=wanted.kind.value,
            branch_id=branch_id,
            employment_id=voucher.employment_id,
            booked_on=voucher.booked_on,
            case_id=voucher.case_id,
            document_id=voucher.document_id,
            reverses_id=wanted.reverses_id,
            reference=voucher.reference,
            posted_by=voucher.posted_by,
            posted_at=now,
        )
        session.add(posting)
        session.flush()
        for position, line in enumerate(wanted.lines):
            account = accounts[line.account]
            entry = Entry(
                posting_id=posting.id, position=position, account_id=account.id, amount_fen=line.amount_fen
            )
            session.add(entry)
        session.flush()
        self._tell(session, posting, wanted, departure, reason, told or {})
        return posting.id

    def reverse(
        self,
        session: Session,
        posting_id: str,
        key: str,
        by: str,
        reason: str = "",
        booked_on: date | None = None,
        told: Mapping[str, Any] | None = None,
    ) -> str:
        """Undo a posting by one that reverses it; return the reversal's id. The same key again does nothing.

        It counts from `booked_on`, by default today, and never before the posting itself; `told` stands in
        the event beside the reason. Raises `Refusal` for what is not there, is undone already or undoes
        another one, and when what it would take away was paid meanwhile.
        """
        known = session.exec(select(Posting).where(Posting.key == key)).first()
        if known is not None and known.reverses_id == posting_id:
            return known.id
        posting = session.get(Posting, posting_id)
        if posting is None:
            raise Refusal("posting", "posting: there is no such posting; take its id from the ledger")
        if posting.reverses_id is not None:
            raise Refusal("posting", "posting: is a reversal itself; book anew what it has undone")
        if session.exec(select(Posting).where(Posting.reverses_id == posting_id)).first() is not None:
            raise Refusal("posting", "posting: was reversed before; nothing is left to be undone")
        voucher = Voucher(
            key,
            posting.employment_id,
            max(booked_on or day_of(self._clock()), posting.booked_on),
            by,
            posting.case_id,
            reference=posting.reference,
        )
        return self.book(session, reversal(voucher, _lines_of(session, posting_id), posting_id), reason, told)

    def post(self, order: PostingOrder) -> None:
        """Book what an order names, once per key and line; all of its lines or none.

        Of the kind `settlement`: every line that posts, under `<key>/<its place>`. Raises `Refusal`.
        """
        if order.kind != "settlement":
            raise ValueError(f"kind: {order.kind} is not known to the ledger; this worker knows settlement")
        self._database.write(lambda session: self._post_settlement(session, order))

    def _post_settlement(self, session: Session, order: PostingOrder) -> None:
        row = session.get(Settlement, order.source)
        if row is None or row.state != "confirmed":
            raise Refusal("settlement", "settlement: is not confirmed; confirm it before it is booked")
        departure = session.get_one(Departure, row.departure_id)
        lines = [(place, line) for place, line in enumerate(row.lines) if line.get("posts", True)]
        if not lines:
            return
        first = select(Posting.id).where(Posting.key == f"{order.key}/{lines[0][0]}")
        if session.exec(first).first() is not None:
            return
        day = self._settling_day(session, departure.employment_id, order.booked_on)
        for place, line in sorted(lines, key=lambda one: _turn(PostingKind(one[1]["kind"]))):
            voucher = Voucher(
                f"{order.key}/{place}",
                departure.employment_id,
                day,
                f"settlement:{row.id}",
                order.case_id,
                row.document_id,
                str(line["item"]),
            )
            self.book(session, _settled(voucher, line))

    @staticmethod
    def _settling_day(session: Session, employment_id: str, booked_on: date) -> date:
        # What a settlement clears stands in the books, so it cannot count before the last of it.
        known = select(Posting).where(Posting.employment_id == employment_id)
        last = session.exec(known.order_by(col(Posting.booked_on).desc()).limit(1)).first()
        return booked_on if last is None else max(last.booked_on, booked_on)

    def _same(self, session: Session, known: Posting, wanted: Booking) -> str:
        """Return the first posting of a key; another content under it is refused."""
        voucher = wanted.voucher
        first = (known.kind, known.employment_id, known.booked_on, known.reverses_id, known.case_id)
        again = (
            wanted.kind.value,
            voucher.employment_id,
            voucher.booked_on,
            wanted.reverses_id,
            voucher.case_id,
        )
        if first != again or _lines_of(session, known.id) != list(wanted.lines):
            raise Refusal("key", "key: this key holds another posting; use a key of its own for each posting")
        return known.id

    @staticmethod
    def _branch_of(session: Session, wanted: Booking) -> str:
        """Return whose company side is meant: that of the posting for a reversal, wherever they work now."""
        if wanted.reverses_id is not None:
            return session.get_one(Posting, wanted.reverses_id).branch_id
        employment = session.get(Employment, wanted.voucher.employment_id)
        if employment is None:
            raise Refusal("employment", "employment: there is no such employment; take it from the employee")
        return session.get_one(Person, employment.person_id).branch_id

    def _accounts(
        self, session: Session, employment_id: str, branch_id: str, lines: Sequence[Line]
    ) -> dict[AccountKind, LedgerAccount]:
        """Return the accounts of the lines, made where there is none yet."""
        found: dict[AccountKind, LedgerAccount] = {}
        for kind in dict.fromkeys(line.account for line in lines):
            own = kind in OF_EMPLOYMENT
            owner = employment_id if own else branch_id
            wanted = select(LedgerAccount).where(
                LedgerAccount.owner == owner, LedgerAccount.kind == kind.value
            )
            account = session.exec(wanted).first()
            if account is None:
                account = LedgerAccount(
                    id=new_id(),
                    owner=owner,
                    kind=kind.value,
                    employment_id=employment_id if own else None,
                    branch_id=branch_id,
                    created_at=self._clock(),
                )
                session.add(account)
                session.flush()
            found[kind] = account
        return found

    def hold(self, session: Session, employment_id: str, kind: AccountKind) -> None:
        """Keep an account of an employment until the transaction ends, for who decides by what it holds."""
        query = select(LedgerAccount).where(
            LedgerAccount.owner == employment_id, LedgerAccount.kind == kind.value
        )
        account = session.exec(query).first()
        if account is not None:
            self._hold(session, {kind: account})

    @staticmethod
    def _hold(session: Session, accounts: Mapping[AccountKind, LedgerAccount]) -> None:
        """Keep the employment's accounts until the transaction ends: of two at once the second begins anew.

        A mere lock would let the second go on with the balances that it saw before it waited; on PostgreSQL
        only a row that was written makes it start again.
        """
        for account_id in sorted(account.id for kind, account in accounts.items() if kind in OF_EMPLOYMENT):
            session.execute(
                update(LedgerAccount)
                .where(col(LedgerAccount.id) == account_id)
                .values(kind=LedgerAccount.kind)
                .execution_options(synchronize_session=False)
            )

    @staticmethod
    def _refuse_too_much(session: Session, wanted: Booking) -> None:
        """Refuse to take more out of an account of the employment than there is."""
        voucher = wanted.voucher
        before = movements(session, voucher.employment_id)
        for line in wanted.lines:
            of_it = [one for one in before if one.account is line.account]
            over = overshoot(line.account, of_it, line.amount_fen, voucher.booked_on)
            if over is None:
                continue
            what = "is owed" if line.account in RECEIVABLES else "is due to the employee"
            there = f"of {line.account.value} only {yuan(over.there_fen)} {what} on {over.on.isoformat()}"
            wants = yuan(abs(line.amount_fen))
            if wanted.reverses_id is not None:
                raise Refusal(
                    "posting", f"posting: {there}, not {wants}; reverse first what was paid on it since"
                )
            raise Refusal("amount_fen", f"amount_fen: {there}, not {wants}; correct amount or day")

    @staticmethod
    def _refuse_severance(session: Session, wanted: Booking, departure: Departure | None) -> None:
        """Refuse to pay severance while the gate is shut (劳动合同法50)."""
        severance = AccountKind.SEVERANCE_PAYABLE
        if wanted.kind is not PostingKind.PAYMENT or wanted.lines[0].account is not severance:
            return
        if departure is None:
            return
        from countersign.adapters.database.gate_book import gate_of  # the gate reads these balances itself

        if not gate_of(session, departure).open:
            raise Refusal(
                "account",
                "account: severance is paid when the handover is done (劳动合同法50) and the gate of the "
                "departure is open; see there what is missing",
            )

    def _tell(
        self,
        session: Session,
        posting: Posting,
        wanted: Booking,
        departure: Departure | None,
        reason: str,
        told: Mapping[str, Any],
    ) -> None:
        """Write the event, and let the cases of a departure look again."""
        case = _chain_of(session, posting.case_id, departure)
        if case is not None:
            body: dict[str, Any] = {
                "posting": posting.id,
                "posting_kind": posting.kind,
                "booked_on": posting.booked_on.isoformat(),
                "lines": [
                    {"account": line.account.value, "amount_fen": Sealed(str(line.amount_fen))}
                    for line in wanted.lines
                ],
                **told,
            }
            body |= {"document": posting.document_id} if posting.document_id else {}
            body |= {"reverses": posting.reverses_id} if posting.reverses_id else {}
            body |= {"reference": Sealed(posting.reference)} if posting.reference else {}
            body |= {"reason": Sealed(reason)} if reason else {}
            kind = EventKind.LEDGER_REVERSED if posting.reverses_id else EventKind.LEDGER_POSTED
            actor = actor_of_posting(session, posting.posted_by)
            at = case_now(case, self._clock())
            self._evidence.append(session, case, f"ledger/{posting.id}", at, kind, actor, body)
        if departure is not None:
            tell_departure(session, departure.case_id, self._clock(), of=(Process.OFFBOARDING,))

    # -- reading ------------------------------------------------------------------------------------------

    @staticmethod
    def balances(session: Session, employment_id: str, on: date | None = None) -> dict[AccountKind, int]:
        """Return every balance of an employment in fen at the end of a day, by default of all days.

        Receivables are positive (the employee owes), payables negative (the company owes).
        """
        return balances_of(movements(session, employment_id), on)

    def statement(self, employment_id: str, on: date | None = None) -> list[StatementLine]:
        """Return every line of an employment's accounts up to a day, the oldest first, with its balance."""
        with self._database.reading() as session:
            return statement(session, employment_id, on)

    def ageing(self, branch: str | None, on: date) -> list[AgedDebt]:
        """Return who owed what at the end of a day in a branch (None: everywhere), in fen by age."""
        with self._database.reading() as session:
            return aged_debts(session, branch, on)


def open_departure(session: Session, employment_id: str) -> Departure | None:
    """Return the departure of an employment that was neither withdrawn nor closed."""
    return session.exec(
        select(Departure).where(
            Departure.employment_id == employment_id,
            col(Departure.withdrawn_at).is_(None),
            col(Departure.closed_at).is_(None),
        )
    ).first()


def actor_of_posting(session: Session, posted_by: str) -> dict[str, Any]:
    """Return how whoever posted stands in the evidence; the names of accounts are sealed."""
    kind, _, opaque = posted_by.rpartition(":")
    if kind == "account" and (account := session.get(Account, opaque)) is not None:
        return account_actor(account)
    if kind == "token" and (token := session.get(ApiToken, opaque)) is not None:
        return {"role": token.role, "id": posted_by}
    if session.get(Person, posted_by) is not None:
        return {"role": Role.EMPLOYEE.value, "id": posted_by}
    return {"role": "machine", "id": posted_by}


def _chain_of(session: Session, case_id: str | None, departure: Departure | None) -> Case | None:
    """Return the case whose chain tells a posting: of a departure always that of the offboarding."""
    if case_id is not None:
        case = session.get_one(Case, case_id)
        return case if case.departure_id is None else session.get_one(Case, case.departure_id)
    return None if departure is None else session.get_one(Case, departure.case_id)


def _lines_of(session: Session, posting_id: str) -> list[Line]:
    rows = session.exec(
        select(LedgerAccount.kind, Entry.amount_fen)
        .join(LedgerAccount, col(LedgerAccount.id) == col(Entry.account_id))
        .where(Entry.posting_id == posting_id)
        .order_by(col(Entry.position))
    )
    return [Line(AccountKind(kind), amount) for kind, amount in rows]


def _turn(kind: PostingKind) -> int:
    return next(number for number, kinds in enumerate(_SETTLES_IN_ORDER) if kind in kinds)


def _settled(voucher: Voucher, line: Mapping[str, Any]) -> Booking:
    """Return the booking of one line of a settlement; what is deducted comes out of the wage that is due."""
    kind, account = PostingKind(line["kind"]), AccountKind(line["account"])
    source = None
    if kind is PostingKind.DEDUCTION:
        source = AccountKind(line.get("source") or AccountKind.WAGE_PAYABLE)
    return booking(kind, voucher, line["amount_fen"], account, source)
