"""The sub-ledger: every booking adds up to nothing, reversals restore, ages follow the oldest debt first."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.ledger import (
    FIXED,
    MOST_FEN,
    OF_EMPLOYMENT,
    PAYABLES,
    RECEIVABLES,
    AccountKind,
    Age,
    Booking,
    Line,
    Movement,
    PostingKind,
    Voucher,
    advance,
    age_of,
    ages,
    balances_of,
    booking,
    deduction,
    equipment_charge,
    loan,
    overpaid_wage,
    overshoot,
    owed,
    payable,
    payment,
    repayment,
    reversal,
    write_off,
)
from countersign.domain.refusal import Refusal

FIRST = date(2026, 1, 1)


def voucher(key: str = "k/1", on: date = FIRST) -> Voucher:
    return Voucher(key, "employment", on, "account:1")


_CHOICES = st.one_of(
    st.sampled_from([(kind, None) for kind in FIXED]),
    st.tuples(
        st.sampled_from([PostingKind.DEDUCTION, PostingKind.REPAYMENT, PostingKind.WRITE_OFF]),
        st.sampled_from(RECEIVABLES),
    ),
    st.tuples(st.sampled_from([PostingKind.PAYMENT, PostingKind.WITHHOLDING]), st.sampled_from(PAYABLES)),
)
_STEPS = st.lists(
    st.one_of(
        st.tuples(_CHOICES, st.integers(1, 5_000_00), st.integers(0, 200)),
        st.integers(0, 40),
    ),
    max_size=40,
)
"""Bookings of any kind and amount on any day, and the places of earlier ones that are undone."""


def played(steps: list[object]) -> list[Booking]:
    """Book what the rules allow of these steps, and return it; each reversal on the day of its posting."""
    made: list[Booking] = []
    known: list[Movement] = []

    def take(wanted: Booking) -> None:
        for line in wanted.lines:
            of_it = [one for one in known if one.account is line.account]
            if overshoot(line.account, of_it, line.amount_fen, wanted.voucher.booked_on) is not None:
                return
        made.append(wanted)
        known.extend(moved(wanted, len(made)))

    undone: set[int] = set()
    for step in steps:
        if isinstance(step, int):
            wanted = [n for n, one in enumerate(made, 1) if not one.reverses_id and n not in undone]
            if step < len(wanted):
                number = wanted[step]
                first = made[number - 1]
                before = len(made)
                key = voucher(f"undo/{number}", first.voucher.booked_on + timedelta(days=step))
                take(reversal(key, first.lines, str(number)))
                undone |= {number} if len(made) > before else set()
        else:
            (kind, account), fen, day = step  # type: ignore[misc]
            take(booking(kind, voucher(f"k/{len(made)}", FIRST + timedelta(days=day)), fen, account))
    return made


def moved(wanted: Booking, number: int) -> list[Movement]:
    on, undone = wanted.voucher.booked_on, wanted.reverses_id
    return [Movement(str(number), line.account, line.amount_fen, on, undone) for line in wanted.lines]


def in_the_books(made: list[Booking]) -> list[Movement]:
    return [line for number, one in enumerate(made, 1) for line in moved(one, number)]


@given(_STEPS)
def test_any_sequence_of_bookings_and_reversals_adds_up_to_nothing(steps: list[object]) -> None:
    assert sum(one.amount_fen for one in in_the_books(played(steps))) == 0


@given(_STEPS, st.integers(0, 260))
def test_on_no_day_does_anybody_owe_less_than_nothing(steps: list[object], day: int) -> None:
    balances = balances_of(in_the_books(played(steps)), FIRST + timedelta(days=day))
    assert all(balances[kind] >= 0 for kind in RECEIVABLES)
    assert all(balances[kind] <= 0 for kind in PAYABLES)


@given(_STEPS)
def test_undoing_everything_from_the_last_to_the_first_restores_every_balance(steps: list[object]) -> None:
    made = [one for one in played(steps) if not one.reverses_id]
    known = in_the_books(made)
    for number in range(len(made), 0, -1):
        before = balances_of(in_the_books(made[: number - 1]))
        known += moved(reversal(voucher(f"r/{number}"), made[number - 1].lines, str(number)), 1000 + number)
        assert balances_of(known) == before
    assert set(balances_of(known).values()) <= {0}


@given(_STEPS, st.integers(0, 260))
def test_a_balance_on_a_day_is_what_was_booked_until_then(steps: list[object], day: int) -> None:
    on, made = FIRST + timedelta(days=day), played(steps)
    until_then = [one for one in made if one.voucher.booked_on <= on]
    assert balances_of(in_the_books(made), on) == balances_of(in_the_books(until_then))


@given(_STEPS, st.integers(0, 400))
def test_the_ages_of_a_debt_add_up_to_its_balance(steps: list[object], day: int) -> None:
    on, known = FIRST + timedelta(days=day), in_the_books(played(steps))
    for kind in RECEIVABLES:
        by_age = ages([one for one in known if one.account is kind], on)
        assert sum(by_age.values()) == balances_of(known, on)[kind]
        assert all(fen >= 0 for fen in by_age.values())


@pytest.mark.parametrize(
    ("made", "debit", "credit"),
    [
        (advance(voucher(), 100), AccountKind.INSURANCE_ADVANCE, AccountKind.INSURANCE_PAID),
        (loan(voucher(), 100), AccountKind.LOAN, AccountKind.BANK),
        (equipment_charge(voucher(), 100), AccountKind.EQUIPMENT, AccountKind.RECOVERY_INCOME),
        (overpaid_wage(voucher(), 100), AccountKind.WAGE_OVERPAID, AccountKind.PAYROLL),
        (deduction(voucher(), 100, AccountKind.LOAN), AccountKind.PAYROLL, AccountKind.LOAN),
        (
            deduction(voucher(), 100, AccountKind.LOAN, AccountKind.WAGE_PAYABLE),
            AccountKind.WAGE_PAYABLE,
            AccountKind.LOAN,
        ),
        (repayment(voucher(), 100, AccountKind.EQUIPMENT), AccountKind.BANK, AccountKind.EQUIPMENT),
        (write_off(voucher(), 100, AccountKind.LOAN), AccountKind.WRITE_OFF, AccountKind.LOAN),
        (payment(voucher(), 100, AccountKind.WAGE_PAYABLE), AccountKind.WAGE_PAYABLE, AccountKind.BANK),
        (booking(PostingKind.WAGE_DUE, voucher(), 100), AccountKind.EXPENSE, AccountKind.WAGE_PAYABLE),
        (booking(PostingKind.LEAVE_DUE, voucher(), 100), AccountKind.EXPENSE, AccountKind.LEAVE_PAYABLE),
        (
            booking(PostingKind.SEVERANCE_DUE, voucher(), 100),
            AccountKind.EXPENSE,
            AccountKind.SEVERANCE_PAYABLE,
        ),
        (
            booking(PostingKind.WITHHOLDING, voucher(), 100, AccountKind.WAGE_PAYABLE),
            AccountKind.WAGE_PAYABLE,
            AccountKind.PAYROLL,
        ),
    ],
)
def test_every_kind_debits_and_credits_its_accounts(
    made: Booking, debit: AccountKind, credit: AccountKind
) -> None:
    assert made.lines == (Line(debit, 100), Line(credit, -100))


@pytest.mark.parametrize("fen", [0, -1, MOST_FEN + 1, 1.5, True, "100"])
def test_an_amount_that_is_no_positive_number_of_fen_is_refused(fen: object) -> None:
    with pytest.raises(Refusal, match="whole number of fen") as refused:
        loan(voucher(), fen)  # type: ignore[arg-type]
    assert refused.value.field == "amount_fen"


def test_lines_that_differ_are_refused() -> None:
    lines = (Line(AccountKind.LOAN, 100), Line(AccountKind.BANK, -99))
    with pytest.raises(Refusal, match="add up to 0"):
        Booking(PostingKind.LOAN, voucher(), lines)


@pytest.mark.parametrize(
    ("kind", "account", "source", "field"),
    [
        (PostingKind.REPAYMENT, None, None, "account"),
        (PostingKind.REPAYMENT, AccountKind.WAGE_PAYABLE, None, "account"),
        (PostingKind.PAYMENT, AccountKind.LOAN, None, "account"),
        (PostingKind.LOAN, AccountKind.EQUIPMENT, None, "account"),
        (PostingKind.LOAN, AccountKind.BANK, None, "account"),
        (PostingKind.DEDUCTION, AccountKind.LOAN, AccountKind.BANK, "source"),
        (PostingKind.REPAYMENT, AccountKind.LOAN, AccountKind.PAYROLL, "source"),
        (PostingKind.REVERSAL, None, None, "kind"),
    ],
)
def test_an_account_on_the_wrong_side_is_refused(
    kind: PostingKind, account: AccountKind | None, source: AccountKind | None, field: str
) -> None:
    with pytest.raises(Refusal) as refused:
        booking(kind, voucher(), 100, account, source)
    assert refused.value.field == field


def test_a_booking_without_a_key_is_refused() -> None:
    with pytest.raises(Refusal, match="happen once"):
        loan(voucher(" "), 100)


def test_a_repayment_before_the_loan_is_named_with_its_day() -> None:
    known = [Movement("1", AccountKind.LOAN, 500, date(2026, 3, 5))]
    early = overshoot(AccountKind.LOAN, known, -100, date(2026, 3, 1))
    assert early is not None
    assert (early.on, early.there_fen) == (date(2026, 3, 1), 0)
    assert overshoot(AccountKind.LOAN, known, -500, date(2026, 3, 5)) is None
    late = overshoot(AccountKind.LOAN, known, -501, date(2026, 3, 6))
    assert late is not None
    assert (late.on, late.there_fen) == (date(2026, 3, 6), 500)


def test_the_company_side_can_be_overdrawn() -> None:
    assert overshoot(AccountKind.BANK, [], -100, FIRST) is None
    assert AccountKind.BANK not in OF_EMPLOYMENT


@pytest.mark.parametrize(
    ("days", "age"),
    [
        (0, Age.TO_30),
        (30, Age.TO_30),
        (31, Age.TO_60),
        (60, Age.TO_60),
        (61, Age.TO_90),
        (90, Age.TO_90),
        (91, Age.OVER_90),
    ],
)
def test_a_debt_ages_by_natural_days(days: int, age: Age) -> None:
    assert age_of(days) is age


def test_a_payment_goes_to_the_oldest_debt() -> None:
    known = [
        Movement("1", AccountKind.LOAN, 300, date(2026, 1, 1)),
        Movement("2", AccountKind.LOAN, 200, date(2026, 3, 20)),
        Movement("3", AccountKind.LOAN, -250, date(2026, 4, 1)),
    ]
    assert ages(known, date(2026, 4, 10)) == {Age.TO_30: 200, Age.TO_60: 0, Age.TO_90: 0, Age.OVER_90: 50}


def test_a_reversed_advance_is_not_paid_by_its_reversal() -> None:
    known = [
        Movement("1", AccountKind.LOAN, 300, date(2026, 1, 1)),
        Movement("2", AccountKind.LOAN, 300, date(2026, 4, 1)),
        Movement("3", AccountKind.LOAN, -300, date(2026, 4, 2), reverses_id="2"),
    ]
    assert ages(known, date(2026, 4, 10))[Age.OVER_90] == 300


def test_a_repayment_that_bounced_leaves_the_debt_as_old_as_it_was() -> None:
    known = [
        Movement("1", AccountKind.LOAN, 300, date(2026, 1, 1)),
        Movement("2", AccountKind.LOAN, -300, date(2026, 4, 1)),
        Movement("3", AccountKind.LOAN, 300, date(2026, 4, 5), reverses_id="2"),
    ]
    assert ages(known, date(2026, 4, 3)) == dict.fromkeys(Age, 0)
    assert ages(known, date(2026, 4, 10))[Age.OVER_90] == 300


def test_what_is_owed_and_what_is_due_are_told_apart() -> None:
    balances = {AccountKind.LOAN: 500, AccountKind.EQUIPMENT: 0, AccountKind.WAGE_PAYABLE: -800}
    assert owed(balances) == {AccountKind.LOAN: 500}
    assert payable(balances) == {AccountKind.WAGE_PAYABLE: 800}
