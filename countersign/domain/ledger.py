"""The sub-ledger of an employment: accounts, bookings of two sides that add up to nothing, balances, ages.

Money is integer fen. A positive amount is a debit, a negative one a credit. Nothing here stores anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from countersign.domain.refusal import Refusal

MOST_FEN = 100_000_000_00
"""The largest amount of one booking: 100 million yuan. What is larger was typed in the wrong unit."""


class AccountKind(StrEnum):
    """The chart of accounts: what an employee owes, what the company owes, and the company's own side."""

    INSURANCE_ADVANCE = "insurance_advance"
    LOAN = "loan"
    EQUIPMENT = "equipment"
    WAGE_OVERPAID = "wage_overpaid"
    WAGE_PAYABLE = "wage_payable"
    SEVERANCE_PAYABLE = "severance_payable"
    LEAVE_PAYABLE = "leave_payable"
    BANK = "bank"
    PAYROLL = "payroll"
    INSURANCE_PAID = "insurance_paid"
    WRITE_OFF = "write_off"
    EXPENSE = "expense"
    RECOVERY_INCOME = "recovery_income"


RECEIVABLES = (
    AccountKind.INSURANCE_ADVANCE,
    AccountKind.WAGE_OVERPAID,
    AccountKind.LOAN,
    AccountKind.EQUIPMENT,
)
"""What an employee owes the company: these balances are debits, never below 0."""
PAYABLES = (AccountKind.WAGE_PAYABLE, AccountKind.LEAVE_PAYABLE, AccountKind.SEVERANCE_PAYABLE)
"""What the company owes an employee: these balances are credits, never above 0."""
OF_EMPLOYMENT = frozenset(RECEIVABLES + PAYABLES)
"""The accounts that each employment has of its own; all others belong to its branch."""


class PostingKind(StrEnum):
    """What a booking is about."""

    ADVANCE = "advance"
    LOAN = "loan"
    EQUIPMENT = "equipment"
    OVERPAID_WAGE = "overpaid_wage"
    WAGE_DUE = "wage_due"
    LEAVE_DUE = "leave_due"
    SEVERANCE_DUE = "severance_due"
    WITHHOLDING = "withholding"
    DEDUCTION = "deduction"
    PAYMENT = "payment"
    REPAYMENT = "repayment"
    WRITE_OFF = "write_off"
    REVERSAL = "reversal"


FIXED: Mapping[PostingKind, tuple[AccountKind, AccountKind]] = MappingProxyType(
    {
        PostingKind.ADVANCE: (AccountKind.INSURANCE_ADVANCE, AccountKind.INSURANCE_PAID),
        PostingKind.LOAN: (AccountKind.LOAN, AccountKind.BANK),
        PostingKind.EQUIPMENT: (AccountKind.EQUIPMENT, AccountKind.RECOVERY_INCOME),
        PostingKind.OVERPAID_WAGE: (AccountKind.WAGE_OVERPAID, AccountKind.PAYROLL),
        PostingKind.WAGE_DUE: (AccountKind.EXPENSE, AccountKind.WAGE_PAYABLE),
        PostingKind.LEAVE_DUE: (AccountKind.EXPENSE, AccountKind.LEAVE_PAYABLE),
        PostingKind.SEVERANCE_DUE: (AccountKind.EXPENSE, AccountKind.SEVERANCE_PAYABLE),
    }
)
"""Debit and credit of the kinds that always touch the same two accounts."""

PAYS_A_DEBT: Mapping[PostingKind, AccountKind] = MappingProxyType(
    {
        PostingKind.DEDUCTION: AccountKind.PAYROLL,
        PostingKind.REPAYMENT: AccountKind.BANK,
        PostingKind.WRITE_OFF: AccountKind.WRITE_OFF,
    }
)
"""Kinds that credit a receivable, and the account that they debit unless another one is named."""

PAYS_OUT: Mapping[PostingKind, AccountKind] = MappingProxyType(
    {PostingKind.PAYMENT: AccountKind.BANK, PostingKind.WITHHOLDING: AccountKind.PAYROLL}
)
"""Kinds that debit a payable, and the account that they credit."""

DEDUCTED_FROM = frozenset({AccountKind.PAYROLL, *PAYABLES})
"""From what a debt can be deducted: a wage that payroll pays out, or what is due in this ledger."""


@dataclass(frozen=True)
class Line:
    """One side of a booking; `amount_fen` is positive for a debit, negative for a credit, never 0."""

    account: AccountKind
    amount_fen: int


@dataclass(frozen=True)
class Voucher:
    """What every booking says beside its lines: whose it is, for which day, by whom, out of which case.

    `key` makes it happen once. `posted_by` is `account:<id>`, `token:<id>` or the name of a program.
    `reference` is the number of the voucher in the system that it comes from.
    """

    key: str
    employment_id: str
    booked_on: date
    posted_by: str
    case_id: str | None = None
    document_id: str | None = None
    reference: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Booking:
    """A booking whose lines add up to 0. Raises `Refusal` for one that could not stand in the books."""

    kind: PostingKind
    voucher: Voucher
    lines: tuple[Line, ...]
    reverses_id: str | None = None

    def __post_init__(self) -> None:
        """Check what has to hold of every booking, whoever makes it."""
        if not self.voucher.key.strip():
            raise Refusal("key", "key: is missing; name what makes this posting happen once")
        amounts = [line.amount_fen for line in self.lines]
        if any(type(one) is not int or one == 0 or abs(one) > MOST_FEN for one in amounts):
            raise Refusal("amount_fen", _AMOUNT)
        if len(amounts) < 2 or sum(amounts) != 0:
            raise Refusal("lines", "lines: debits and credits differ; give lines that add up to 0")
        if (self.kind is PostingKind.REVERSAL) != (self.reverses_id is not None):
            raise Refusal("kind", "kind: a reversal names the posting that it undoes, and nothing else does")


_AMOUNT = (
    f"amount_fen: must be a whole number of fen from 1 to {MOST_FEN} (100 million yuan); correct the amount"
)


def booking(
    kind: PostingKind,
    voucher: Voucher,
    amount_fen: int,
    account: AccountKind | None = None,
    source: AccountKind | None = None,
) -> Booking:
    """Return the booking of one kind over `amount_fen` (1 or more).

    `account` is the receivable that a deduction, a repayment or a write-off lowers, or the payable that a
    payment or a withholding lowers; the other kinds have none to choose. `source` is what a deduction is
    taken from: payroll, or a payable of this ledger. Raises `Refusal`.
    """
    if type(amount_fen) is not int or not 0 < amount_fen <= MOST_FEN:
        raise Refusal("amount_fen", _AMOUNT)
    debit, credit = _sides(kind, account, source)
    return Booking(kind, voucher, (Line(debit, amount_fen), Line(credit, -amount_fen)))


def _sides(
    kind: PostingKind, account: AccountKind | None, source: AccountKind | None
) -> tuple[AccountKind, AccountKind]:
    if kind is PostingKind.REVERSAL:
        raise Refusal("kind", "kind: a posting is reversed by its own id; name the posting to be reversed")
    if source is not None and (kind is not PostingKind.DEDUCTION or source not in DEDUCTED_FROM):
        raise Refusal(
            "source",
            "source: a deduction is taken from payroll, wage_payable, leave_payable or severance_payable; "
            "other postings have no source",
        )
    if kind in FIXED:
        return _fixed(kind, account)
    if kind in PAYS_A_DEBT:
        return source or PAYS_A_DEBT[kind], _one_of(RECEIVABLES, account)
    return _one_of(PAYABLES, account), PAYS_OUT[kind]


def _fixed(kind: PostingKind, account: AccountKind | None) -> tuple[AccountKind, AccountKind]:
    sides = FIXED[kind]
    if account is not None and account not in OF_EMPLOYMENT.intersection(sides):
        raise Refusal(
            "account", f"account: a posting of the kind {kind.value} has its own account; leave this out"
        )
    return sides


def _one_of(accounts: Sequence[AccountKind], account: AccountKind | None) -> AccountKind:
    if account not in accounts:
        named = ", ".join(one.value for one in accounts)
        raise Refusal("account", f"account: must be one of {named}; say which balance becomes less")
    return account  # type: ignore[return-value]


def advance(voucher: Voucher, amount_fen: int) -> Booking:
    """Return the booking of an employee's share of social insurance that the company has paid."""
    return booking(PostingKind.ADVANCE, voucher, amount_fen)


def loan(voucher: Voucher, amount_fen: int) -> Booking:
    """Return the booking of money lent to an employee."""
    return booking(PostingKind.LOAN, voucher, amount_fen)


def equipment_charge(voucher: Voucher, amount_fen: int) -> Booking:
    """Return the booking of what an employee owes for equipment that did not come back."""
    return booking(PostingKind.EQUIPMENT, voucher, amount_fen)


def overpaid_wage(voucher: Voucher, amount_fen: int) -> Booking:
    """Return the booking of wages that were paid and not earned."""
    return booking(PostingKind.OVERPAID_WAGE, voucher, amount_fen)


def deduction(
    voucher: Voucher, amount_fen: int, account: AccountKind, source: AccountKind = AccountKind.PAYROLL
) -> Booking:
    """Return the booking of a debt that is deducted from a wage."""
    return booking(PostingKind.DEDUCTION, voucher, amount_fen, account, source)


def repayment(voucher: Voucher, amount_fen: int, account: AccountKind) -> Booking:
    """Return the booking of a debt that the employee has paid back."""
    return booking(PostingKind.REPAYMENT, voucher, amount_fen, account)


def payment(voucher: Voucher, amount_fen: int, account: AccountKind) -> Booking:
    """Return the booking of what was paid out to the employee."""
    return booking(PostingKind.PAYMENT, voucher, amount_fen, account)


def write_off(voucher: Voucher, amount_fen: int, account: AccountKind) -> Booking:
    """Return the booking of a debt that the company gives up."""
    return booking(PostingKind.WRITE_OFF, voucher, amount_fen, account)


def reversal(voucher: Voucher, lines: Iterable[Line], reverses_id: str) -> Booking:
    """Return the booking that undoes another one: the same accounts, each with the opposite amount."""
    undone = tuple(Line(line.account, -line.amount_fen) for line in lines)
    return Booking(PostingKind.REVERSAL, voucher, undone, reverses_id)


def yuan(fen: int) -> str:
    """Return fen of 0 or more as a sentence has it, such as `¥1,234.50`."""
    return f"¥{fen // 100:,}.{fen % 100:02d}"


# -- balances ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Movement:
    """One line in the books: `posting_id` names its posting, `reverses_id` the one that it undoes."""

    posting_id: str
    account: AccountKind
    amount_fen: int
    booked_on: date
    reverses_id: str | None = None


def balances_of(movements: Iterable[Movement], on: date | None = None) -> dict[AccountKind, int]:
    """Return the balance in fen of every account of an employment at the end of a day, by default of all.

    A positive balance is owed by the employee, a negative one is owed to them.
    """
    found = dict.fromkeys(RECEIVABLES + PAYABLES, 0)
    for one in movements:
        if one.account in found and (on is None or one.booked_on <= on):
            found[one.account] += one.amount_fen
    return found


def owed(balances: Mapping[AccountKind, int]) -> dict[AccountKind, int]:
    """Return what an employee owes, by receivable, in fen; what is 0 is left out."""
    return {kind: balances[kind] for kind in RECEIVABLES if balances.get(kind, 0) > 0}


def payable(balances: Mapping[AccountKind, int]) -> dict[AccountKind, int]:
    """Return what the company owes an employee, by payable, in positive fen; what is 0 is left out."""
    return {kind: -balances[kind] for kind in PAYABLES if balances.get(kind, 0) < 0}


@dataclass(frozen=True)
class Overshoot:
    """A day on which an account would hold less than nothing, and how much of it there was in fen."""

    on: date
    there_fen: int


def overshoot(
    account: AccountKind, movements: Iterable[Movement], amount_fen: int, booked_on: date
) -> Overshoot | None:
    """Return the first day on which a booking would take more out of an account than there is; else None.

    `movements` are the lines of that account so far. A booking for a past day is judged on every day since.
    """
    sign = 1 if account in RECEIVABLES else -1
    if account not in OF_EMPLOYMENT or amount_fen * sign > 0:
        return None
    by_day: dict[date, int] = {booked_on: 0}
    for one in movements:
        by_day[one.booked_on] = by_day.get(one.booked_on, 0) + sign * one.amount_fen
    there = 0
    for day in sorted(by_day):
        there += by_day[day]
        if day >= booked_on and there + sign * amount_fen < 0:
            return Overshoot(day, there)
    return None


# -- ages -------------------------------------------------------------------------------------------------


class Age(StrEnum):
    """How long something has been owed, in natural days."""

    TO_30 = "0-30"
    TO_60 = "31-60"
    TO_90 = "61-90"
    OVER_90 = "over-90"


_LIMITS = ((30, Age.TO_30), (60, Age.TO_60), (90, Age.TO_90))


def age_of(days: int) -> Age:
    """Return the bucket of a debt that is `days` old."""
    return next((age for limit, age in _LIMITS if days <= limit), Age.OVER_90)


def ages(movements: Iterable[Movement], on: date) -> dict[Age, int]:
    """Return the balance of one receivable at the end of a day, in fen, by age of what is still owed.

    Whatever is paid goes to the oldest debt first. A posting that was reversed by then counts as never made:
    neither is an advance paid by its own reversal, nor does a repayment that bounced make a debt younger.
    """
    found = dict.fromkeys(Age, 0)
    for debt, covered in paid_off(one for one in movements if one.booked_on <= on):
        found[age_of((on - debt.booked_on).days)] += debt.amount_fen - covered
    return found


def paid_off(movements: Iterable[Movement]) -> list[tuple[Movement, int]]:
    """Return the debts on one receivable that stand, the oldest first, each with what covers it in fen.

    Whatever is paid, deducted or given up goes to the oldest debt first, of one day to that booked first.
    What was reversed counts as never made.
    """
    known = list(movements)
    undone = {one.reverses_id for one in known if one.reverses_id is not None}
    real = [one for one in known if one.reverses_id is None and one.posting_id not in undone]
    debts = [one for one in real if one.amount_fen > 0]
    debts.sort(key=lambda one: (one.booked_on, one.posting_id))
    paid = -sum(one.amount_fen for one in real if one.amount_fen < 0)
    found = []
    for debt in debts:
        covered = min(paid, debt.amount_fen)
        paid -= covered
        found.append((debt, covered))
    return found
