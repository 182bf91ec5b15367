"""The calculator `annual_leave_exit`: pay for annual leave that was not taken when the employment ends.

Measures on Paid Annual Leave in Enterprises art. 11 and 12: days in proportion to the year, whole days only,
and never taken back where more was used.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from countersign.domain.calculators.amounts import plain, to_fen, yuan
from countersign.domain.calculators.explained import Item, Line, Payer, Result, Saying
from countersign.domain.calculators.inputs import CaseInput, Count, Wage
from countersign.domain.input_models import whole_number
from countersign.domain.tables.cells import weakest
from countersign.domain.tables.packs import STATUTORY, statutory, version_of

EXTRA_PAY = Item(
    "extra_pay_200", "未休年休假工资报酬（另付部分）", "Pay for unused annual leave beside the wage"
)
TOTAL_PAY = Item("total_300", "未休年休假工资报酬（含正常工资）", "Pay for unused annual leave with the wage")

USED_MORE = Saying(
    "used_more",
    "{used} days were used and {prorated} are due until the end; the difference is not taken back ({basis})",
    "已休 {used} 天，多于折算应休的 {prorated} 天，多休部分不再扣回（{basis_zh}）",
)

_LONGEST_YEAR = 366


def _days_of_a_year(value: object) -> int:
    days = whole_number(value)
    if days > _LONGEST_YEAR:
        raise ValueError(f"is {days}; a year has at most {_LONGEST_YEAR} days")
    return days


DaysOfAYear = Annotated[int, BeforeValidator(_days_of_a_year)]


class AnnualLeaveExitInput(CaseInput):
    """Inputs of `annual_leave_exit`: days of leave a year, days of this year until the end, days taken.

    `avg_wage_ex_overtime` is the average monthly wage in yuan of the twelve months before, without overtime.
    """

    entitlement: DaysOfAYear
    elapsed_days: DaysOfAYear
    used: Count
    avg_wage_ex_overtime: Wage


def annual_leave_exit(case: AnnualLeaveExitInput) -> dict[str, Any]:
    """Return `prorated` and `payable_days` in days, `extra_pay_200` and `total_300` in yuan."""
    pack = statutory()
    year, divisor = pack.by_name["leave_year_days"], pack.by_name["monthly_paid_days"]
    result = Result()
    # What remains below a whole day is not paid (art. 12); a leap year does not add to the year's leave.
    prorated = min(case.entitlement, case.entitlement * case.elapsed_days // int(year.value or 1))
    payable = max(0, prorated - case.used)
    if case.used > prorated:
        basis = pack.basis(year)
        result.warn(USED_MORE.about(used=case.used, prorated=prorated, basis=basis.en, basis_zh=basis.zh))
    result.used(year.status)
    result.figures = {"prorated": prorated, "payable_days": payable}
    for item, name, payer in (
        (EXTRA_PAY, "unused_leave_extra_ratio", Payer.EMPLOYER),
        # The whole contains the wage of those days, which is paid as wage: nobody owes it once more.
        (TOTAL_PAY, "unused_leave_total_ratio", Payer.NOBODY),
    ):
        ratio = pack.by_name[name]
        times, paid_days = ratio.value or Decimal(0), divisor.value or Decimal(1)
        fen = to_fen(case.avg_wage_ex_overtime * payable * times / paid_days)
        formula = f"{case.avg_wage_ex_overtime} ÷ {plain(paid_days)} × {payable} × {plain(times)}"
        status = weakest([ratio.status, divisor.status])
        result.add(Line(item, formula, fen, payer, pack.basis(ratio), status, version_of(STATUTORY)))
        result.figures[item.key] = yuan(fen)
    return result.to_json()
