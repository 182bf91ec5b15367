"""The ledger in the database: once per key, never more than is owed, undone by reversals, told the case."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import func, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from activities.ledger import LedgerActivities
from countersign.adapters.database.tables import (
    Departure,
    Entry,
    LedgerAccount,
    Outbox,
    Person,
    Posting,
    Settlement,
)
from countersign.bootstrap import Parts
from countersign.contracts.ledger import PostingOrder
from countersign.domain.ledger import (
    AccountKind,
    Age,
    Booking,
    PostingKind,
    Voucher,
    advance,
    booking,
    loan,
    repayment,
)
from countersign.domain.refusal import Refusal
from countersign.ids import new_id
from tests.support.company import BEIJING, NUMBER, SHANGHAI, add_shanghai, company
from tests.support.leaving import employment_id, leaving

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)
TODAY = date(2026, 3, 10)
LOAN, ADVANCE = AccountKind.LOAN, AccountKind.INSURANCE_ADVANCE


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, lambda: NOW)


def voucher(parts: Parts, key: str, on: date = TODAY, case_id: str | None = None) -> Voucher:
    return Voucher(key, employment_id(parts), on, "account:none", case_id)


def book(parts: Parts, wanted: Booking, reason: str = "") -> str:
    return parts.database.write(lambda session: parts.ledger.book(session, wanted, reason))


def reverse(parts: Parts, posting_id: str, key: str) -> str:
    return parts.database.write(
        lambda session: parts.ledger.reverse(session, posting_id, key, "account:none")
    )


def balance(parts: Parts, kind: AccountKind = LOAN, on: date | None = None) -> int:
    with parts.database.reading() as session:
        return parts.ledger.balances(session, employment_id(parts), on)[kind]


def counted(parts: Parts, table: type) -> int:
    with parts.database.reading() as session:
        return session.exec(select(func.count()).select_from(table)).one()


def test_the_same_key_books_once(parts: Parts) -> None:
    first = book(parts, loan(voucher(parts, "loan/1"), 500_00))
    assert book(parts, loan(voucher(parts, "loan/1"), 500_00)) == first
    assert (balance(parts), counted(parts, Posting), counted(parts, Entry)) == (500_00, 1, 2)


@pytest.mark.parametrize(
    "other",
    [
        lambda parts: loan(voucher(parts, "loan/1"), 500_01),
        lambda parts: advance(voucher(parts, "loan/1"), 500_00),
        lambda parts: loan(voucher(parts, "loan/1", date(2026, 3, 9)), 500_00),
    ],
)
def test_a_key_with_other_content_is_refused(parts: Parts, other: Callable[[Parts], Booking]) -> None:
    book(parts, loan(voucher(parts, "loan/1"), 500_00))
    with pytest.raises(Refusal, match="holds another posting"):
        book(parts, other(parts))
    assert balance(parts) == 500_00


def test_more_than_is_owed_is_refused_with_the_balance(parts: Parts) -> None:
    book(parts, loan(voucher(parts, "loan/1"), 500_00))
    with pytest.raises(
        Refusal, match=r"of loan only ¥500\.00 is owed on 2026-03-10, not ¥500\.01"
    ) as refused:
        book(parts, repayment(voucher(parts, "pay/1"), 500_01, LOAN))
    assert refused.value.field == "amount_fen"
    assert balance(parts) == 500_00


def test_two_payments_at_once_take_no_more_than_is_owed(parts: Parts) -> None:
    book(parts, loan(voucher(parts, "loan/1"), 500_00))
    both, owner = Barrier(2), employment_id(parts)

    def pay(key: str) -> bool:
        def work(session: object) -> None:
            wanted = Voucher(key, owner, TODAY, "account:none")
            parts.ledger.book(session, repayment(wanted, 300_00, LOAN))  # type: ignore[arg-type]

        both.wait()
        try:
            parts.database.write(work)
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(2) as two:
        assert sorted(two.map(pay, ("pay/1", "pay/2"))) == [False, True]
    assert balance(parts) == 200_00


def test_ten_at_once_under_one_key_book_once(parts: Parts) -> None:
    owner, all_of_them = employment_id(parts), Barrier(10)

    def lend(_: int) -> str:
        all_of_them.wait()
        return book(parts, loan(Voucher("loan/1", owner, TODAY, "account:none"), 100))

    with ThreadPoolExecutor(10) as many:
        assert len(set(many.map(lend, range(10)))) == 1
    assert (balance(parts), counted(parts, LedgerAccount)) == (100, 2)


def test_a_reversal_restores_the_balance_and_leaves_the_posting(parts: Parts) -> None:
    book(parts, loan(voucher(parts, "loan/1", date(2026, 2, 1)), 500_00))
    wrong = book(parts, loan(voucher(parts, "loan/2", date(2026, 2, 2)), 70_00))
    undone = reverse(parts, wrong, "undo/1")
    assert reverse(parts, wrong, "undo/1") == undone
    assert (balance(parts), balance(parts, on=date(2026, 3, 9))) == (500_00, 570_00)
    lines = parts.ledger.statement(employment_id(parts))
    assert [(line.amount_fen, line.balance_fen) for line in lines] == [
        (500_00, 500_00),
        (70_00, 570_00),
        (-70_00, 500_00),
    ]
    assert (lines[1].reversed_by, lines[2].reverses_id) == (undone, wrong)


def test_a_posting_is_reversed_once_and_a_reversal_never(parts: Parts) -> None:
    first = book(parts, loan(voucher(parts, "loan/1"), 500_00))
    undone = reverse(parts, first, "undo/1")
    with pytest.raises(Refusal, match="was reversed before"):
        reverse(parts, first, "undo/2")
    with pytest.raises(Refusal, match="is a reversal itself"):
        reverse(parts, undone, "undo/3")
    with pytest.raises(Refusal, match="no such posting"):
        reverse(parts, new_id(), "undo/4")


def test_a_reversal_after_a_transfer_gives_back_to_the_branch_that_had_paid(parts: Parts) -> None:
    paid = book(parts, advance(voucher(parts, "adv/1"), 1_053_00))
    add_shanghai(parts)
    with parts.database.transaction() as session:
        session.exec(select(Person).where(Person.number == NUMBER)).one().branch_id = SHANGHAI
    later = book(parts, advance(voucher(parts, "adv/2"), 900_00))
    reverse(parts, paid, "undo")
    with parts.database.reading() as session:
        company_side = session.exec(
            select(LedgerAccount.owner, func.sum(Entry.amount_fen))
            .join(Entry, col(Entry.account_id) == col(LedgerAccount.id))
            .where(col(LedgerAccount.employment_id).is_(None))
            .group_by(LedgerAccount.owner)
        ).all()
        branches = {one.id: one.branch_id for one in session.exec(select(Posting))}
    assert dict(company_side) == {BEIJING: 0, SHANGHAI: -900_00}
    assert (branches[paid], branches[later]) == (BEIJING, SHANGHAI)
    assert balance(parts, ADVANCE) == 900_00


def test_what_was_paid_since_must_be_reversed_first(parts: Parts) -> None:
    first = book(parts, loan(voucher(parts, "loan/1"), 500_00))
    paid = book(parts, repayment(voucher(parts, "pay/1"), 200_00, LOAN))
    with pytest.raises(Refusal, match="reverse first what was paid"):
        reverse(parts, first, "undo/1")
    reverse(parts, paid, "undo/2")
    reverse(parts, first, "undo/1")
    assert balance(parts) == 0


@pytest.mark.parametrize("table", ["posting", "entry"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {}={}", "DELETE FROM {}"])
def test_the_database_itself_lets_nobody_change_what_is_booked(parts: Parts, table: str, change: str) -> None:
    book(parts, loan(voucher(parts, "loan/1"), 500_00))
    column = {"posting": "kind", "entry": "amount_fen"}[table]
    with pytest.raises(DBAPIError, match=r"never changed|P0001"), parts.database.transaction() as session:
        session.connection().execute(text(change.format(table, column, column)))


def test_a_posting_of_a_departure_stands_sealed_in_its_chain_and_its_cases_look_again(parts: Parts) -> None:
    case_id = leaving(parts, TODAY)
    book(parts, loan(voucher(parts, "loan/1"), 1_234_56), "a reason of ours")
    with parts.database.reading() as session:
        events, opened = parts.evidence.chain(session, case_id)
        errands = session.exec(select(Outbox).where(Outbox.kind == "look")).all()
    (event,) = events
    assert (event.kind, event.body["posting_kind"]) == ("ledger.posted", "loan")
    assert "123456" not in str(event.body)
    assert {one.value for one in opened} >= {"123456", "-123456", "a reason of ours"}
    assert case_id in {errand.body["case"] for errand in errands}


def test_a_posting_of_the_statutory_case_stands_in_the_offboarding_chain(parts: Parts) -> None:
    case_id = leaving(parts, TODAY)
    with parts.database.reading() as session:
        statutory = session.get_one(Departure, case_id).statutory_case_id
    first = book(parts, loan(voucher(parts, "freeze/1", case_id=statutory), 100))
    reverse(parts, first, "undo/1")
    with parts.database.reading() as session:
        assert parts.evidence.chain(session, statutory)[0] == []
        kinds = [event.kind for event in parts.evidence.chain(session, case_id)[0]]
    assert kinds == ["ledger.posted", "ledger.reversed"]


def test_a_case_that_is_not_there_is_refused(parts: Parts) -> None:
    with pytest.raises(Refusal, match="no such case"):
        book(parts, loan(voucher(parts, "loan/1", case_id=new_id()), 100))


def test_severance_is_paid_when_the_gate_is_open(parts: Parts) -> None:
    case_id = leaving(parts, TODAY)
    due = AccountKind.SEVERANCE_PAYABLE
    book(parts, booking(PostingKind.SEVERANCE_DUE, voucher(parts, "due/1"), 9_000_00))
    book(parts, booking(PostingKind.WAGE_DUE, voucher(parts, "due/2"), 3_000_00))
    book(parts, booking(PostingKind.PAYMENT, voucher(parts, "pay/1"), 3_000_00, AccountKind.WAGE_PAYABLE))
    wanted = booking(PostingKind.PAYMENT, voucher(parts, "pay/2"), 9_000_00, due)
    with pytest.raises(Refusal, match="severance is paid when the handover is done"):
        book(parts, wanted)
    with parts.database.transaction() as session:
        session.get_one(Departure, case_id).closed_at = NOW
    book(parts, wanted)
    assert balance(parts, due) == 0


def test_debts_are_told_by_age_and_branch(parts: Parts) -> None:
    book(parts, loan(voucher(parts, "loan/1", date(2025, 12, 1)), 300_00))
    book(parts, loan(voucher(parts, "loan/2", date(2026, 3, 1)), 200_00))
    book(parts, repayment(voucher(parts, "pay/1"), 100_00, LOAN))
    book(parts, advance(voucher(parts, "adv/1", date(2026, 1, 20)), 50_00))
    told = [(debt.number, debt.account, dict(debt.by_age)) for debt in parts.ledger.ageing(None, TODAY)]
    assert told == [
        (NUMBER, ADVANCE, {Age.TO_30: 0, Age.TO_60: 50_00, Age.TO_90: 0, Age.OVER_90: 0}),
        (NUMBER, LOAN, {Age.TO_30: 200_00, Age.TO_60: 0, Age.TO_90: 0, Age.OVER_90: 200_00}),
    ]
    assert parts.ledger.ageing("01ANOTHER", TODAY) == []


# -- what a case orders -----------------------------------------------------------------------------------


def settled(parts: Parts, case_id: str, state: str = "confirmed") -> str:
    lines = [
        {"item": "loan", "kind": "deduction", "account": "loan", "amount_fen": 400_00, "posts": True},
        {"item": "wage", "kind": "wage_due", "account": "wage_payable", "amount_fen": 5_000_00},
        {"item": "hint", "kind": "payment", "account": "wage_payable", "amount_fen": 1, "posts": False},
        {"item": "net", "kind": "payment", "account": "wage_payable", "amount_fen": 4_600_00, "posts": True},
    ]
    with parts.database.transaction() as session:
        row = Settlement(
            id=new_id(),
            departure_id=case_id,
            version=1,
            inputs={},
            lines=lines,
            net_fen=4_600_00,
            state=state,
            made_by="account:none",
            made_at=NOW,
        )
        session.add(row)
        return row.id


def test_a_settlement_is_booked_line_by_line_once(parts: Parts) -> None:
    case_id = leaving(parts, TODAY)
    book(parts, loan(voucher(parts, "loan/1"), 400_00))
    order = PostingOrder("offboarding/x/settlement/1", case_id, "settlement", settled(parts, case_id), TODAY)
    activities = LedgerActivities(parts.ledger)
    activities.post(order)
    activities.post(order)
    with parts.database.reading() as session:
        keys = set(session.exec(select(Posting.key).where(Posting.case_id == case_id)))
    assert keys == {f"{order.key}/{place}" for place in (0, 1, 3)}
    assert (balance(parts), balance(parts, AccountKind.WAGE_PAYABLE)) == (0, 0)


def test_a_settlement_that_cannot_be_booked_whole_is_not_booked_at_all(parts: Parts) -> None:
    case_id = leaving(parts, TODAY)
    order = PostingOrder("offboarding/x/settlement/1", case_id, "settlement", settled(parts, case_id), TODAY)
    with pytest.raises(Refusal, match=r"of loan only ¥0\.00 is owed"):
        parts.ledger.post(order)
    assert counted(parts, Posting) == 0


def test_a_drafted_settlement_is_not_booked(parts: Parts) -> None:
    case_id = leaving(parts, TODAY)
    order = PostingOrder("k", case_id, "settlement", settled(parts, case_id, "drafted"), TODAY)
    with pytest.raises(Refusal, match="is not confirmed"):
        parts.ledger.post(order)


def test_a_settlement_counts_from_the_last_of_what_it_clears(parts: Parts) -> None:
    case_id = leaving(parts, TODAY)
    book(parts, loan(voucher(parts, "loan/1"), 400_00))
    early = PostingOrder("k", case_id, "settlement", settled(parts, case_id), date(2026, 3, 1))
    parts.ledger.post(early)
    assert balance(parts, on=TODAY) == 0
    assert balance(parts, on=date(2026, 3, 9)) == 0
