"""What readers see of the sub-ledger: movements, a statement with running balances, debts by age."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.actors import actor_name
from countersign.adapters.database.queries import select_columns
from countersign.adapters.database.tables import Employment, Entry, LedgerAccount, Person, Posting
from countersign.domain.ledger import (
    OF_EMPLOYMENT,
    PAYABLES,
    RECEIVABLES,
    AccountKind,
    Age,
    Movement,
    PostingKind,
    ages,
)


@dataclass(frozen=True)
class StatementLine:
    """One line of an account of an employment; amounts in fen, debits (more is owed) positive.

    `balance_fen` is what the account held after it. `against` is the other account of the posting.
    `reversed_by` names the posting that has undone it, `reverses_id` the one that it undoes.
    """

    posting_id: str
    kind: PostingKind
    account: AccountKind
    against: AccountKind
    amount_fen: int
    balance_fen: int
    booked_on: date
    posted_at: datetime
    posted_by: str = field(repr=False)
    reference: str | None = field(repr=False)
    case_id: str | None
    document_id: str | None
    reverses_id: str | None
    reversed_by: str | None


@dataclass(frozen=True)
class AgedDebt:
    """What one employee owes on one receivable, in fen by age."""

    number: str
    name: str = field(repr=False)
    employment_id: str
    account: AccountKind
    by_age: Mapping[Age, int]

    @property
    def total_fen(self) -> int:
        """Return all of it."""
        return sum(self.by_age.values())


def movements(session: Session, employment_id: str) -> list[Movement]:
    """Return every line of an employment's own accounts, in no order."""
    rows = session.exec(
        select_columns(
            Entry.posting_id, LedgerAccount.kind, Entry.amount_fen, Posting.booked_on, Posting.reverses_id
        )
        .join(LedgerAccount, col(LedgerAccount.id) == col(Entry.account_id))
        .join(Posting, col(Posting.id) == col(Entry.posting_id))
        .where(LedgerAccount.employment_id == employment_id)
    )
    return [
        Movement(posting, AccountKind(kind), fen, day, undone) for posting, kind, fen, day, undone in rows
    ]


def all_balances(session: Session, employments: Sequence[str]) -> dict[str, dict[AccountKind, int]]:
    """Return every balance of employments in fen, as `balances_of` counts it; the database adds up."""
    found = {one: dict.fromkeys(RECEIVABLES + PAYABLES, 0) for one in employments}
    rows = session.exec(
        select_columns(LedgerAccount.employment_id, LedgerAccount.kind, func.sum(Entry.amount_fen))
        .join(Entry, col(Entry.account_id) == col(LedgerAccount.id))
        .where(col(LedgerAccount.employment_id).in_(employments))
        .group_by(LedgerAccount.employment_id, LedgerAccount.kind)
    )
    for employment_id, kind, fen in rows:
        found[employment_id][AccountKind(kind)] = int(fen)
    return found


def statement(session: Session, employment_id: str, on: date | None) -> list[StatementLine]:
    """Return the lines of an employment's accounts up to a day, by day and then as they were posted."""
    query = (
        select(Posting, Entry, LedgerAccount)
        .join(Entry, col(Entry.posting_id) == col(Posting.id))
        .join(LedgerAccount, col(LedgerAccount.id) == col(Entry.account_id))
        .where(Posting.employment_id == employment_id)
        .order_by(col(Posting.booked_on), col(Posting.posted_at), col(Posting.id), col(Entry.position))
    )
    rows = session.exec(query if on is None else query.where(col(Posting.booked_on) <= on)).all()
    accounts: dict[str, list[AccountKind]] = defaultdict(list)
    for posting, _, account in rows:
        accounts[posting.id].append(AccountKind(account.kind))
    undone = {posting.reverses_id: posting.id for posting, _, _ in rows if posting.reverses_id}
    names = {by: actor_name(session, by) for by in {posting.posted_by for posting, _, _ in rows}}
    balances: dict[AccountKind, int] = defaultdict(int)
    found = []
    for posting, entry, account in rows:
        kind = AccountKind(account.kind)
        if kind not in OF_EMPLOYMENT:
            continue
        balances[kind] += entry.amount_fen
        found.append(
            StatementLine(
                posting_id=posting.id,
                kind=PostingKind(posting.kind),
                account=kind,
                against=next(one for one in accounts[posting.id] if one is not kind),
                amount_fen=entry.amount_fen,
                balance_fen=balances[kind],
                booked_on=posting.booked_on,
                posted_at=posting.posted_at,
                posted_by=names[posting.posted_by],
                reference=posting.reference,
                case_id=posting.case_id,
                document_id=posting.document_id,
                reverses_id=posting.reverses_id,
                reversed_by=undone.get(posting.id),
            )
        )
    return found


def aged_debts(session: Session, branch: str | None, on: date) -> list[AgedDebt]:
    """Return every receivable that is not 0 at the end of a day, the oldest debts of each employee first."""
    query = (
        select_columns(
            Person.number,
            Person.name,
            LedgerAccount.employment_id,
            LedgerAccount.kind,
            Entry.posting_id,
            Entry.amount_fen,
            Posting.booked_on,
            Posting.reverses_id,
        )
        .join(Entry, col(Entry.account_id) == col(LedgerAccount.id))
        .join(Posting, col(Posting.id) == col(Entry.posting_id))
        .join(Employment, col(Employment.id) == col(LedgerAccount.employment_id))
        .join(Person, col(Person.id) == col(Employment.person_id))
        .where(
            col(LedgerAccount.kind).in_([kind.value for kind in RECEIVABLES]), col(Posting.booked_on) <= on
        )
    )
    if branch is not None:
        query = query.where(Person.branch_id == branch)
    grouped: dict[tuple[str, str, str, AccountKind], list[Movement]] = defaultdict(list)
    for number, name, employment, kind, posting, fen, day, undone in session.exec(query):
        account = AccountKind(kind)
        grouped[number, name, employment, account].append(Movement(posting, account, fen, day, undone))
    debts = [AgedDebt(*whose, ages(of_it, on)) for whose, of_it in grouped.items()]
    order = {kind: place for place, kind in enumerate(RECEIVABLES)}
    return sorted(
        (debt for debt in debts if debt.total_fen), key=lambda debt: (debt.number, order[debt.account])
    )
