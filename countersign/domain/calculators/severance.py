"""The calculator `severance`: economic compensation at the end of the employment, doubled when unlawful.

Labour Contract Law art. 47 and 87, Implementing Regulation art. 27: months of service times the average wage
of the last twelve months, not below the minimum wage, capped at a multiple of the local average.
"""

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, model_validator

from countersign.domain.calculators.amounts import in_yuan, plain, to_fen, yuan
from countersign.domain.calculators.explained import Item, Line, Payer, Result, Saying
from countersign.domain.calculators.inputs import Amount, CaseInput, Day, Flag, Wage, Years, above_zero
from countersign.domain.tables.packs import STATUTORY, statutory, version_of
from countersign.domain.tables.statutory import Constant

AVERAGE = Item("average", "月平均工资", "Average monthly wage")
FLOOR_WAGE = Item("floor_wage", "最低工资", "Minimum wage")
CAPPED_WAGE = Item("capped_wage", "封顶月工资", "Capped monthly wage")
SEVERANCE = Item("severance", "经济补偿", "Economic compensation")
UNLAWFUL = Item("severance", "违法解除或终止赔偿金", "Compensation for an unlawful end")

CAP_NOT_CHECKED = Saying(
    "cap_not_checked",
    "local_avg is not given; whether the wage lies above {multiple} times the local average was not checked",
    "未提供 local_avg，未核对月工资是否高于当地月平均工资的 {multiple} 倍",
)
CAPPED = Saying(
    "wage_capped",
    "the wage of {wage} lies above {multiple} times the local average {local_avg}; it counts as {capped}, "
    "for at most {most} months",
    "月工资 {wage} 元高于当地月平均工资 {local_avg} 元的 {multiple} 倍，按 {capped} 元计算，最多 {most} 个月",
)
RAISED = Saying(
    "wage_raised",
    "the average wage of {wage} lies below the minimum wage; it counts as {min_wage}",
    "月平均工资 {wage} 元低于最低工资，按 {min_wage} 元计算",
)
EARLIER_SERVICE = Saying(
    "earlier_service",
    "service before {day} is in the months here; it counts by the rules of that time: check it ({basis})",
    "此处月数包含 {day} 以前的工作年限，该部分应适用当时的规定，请核对（{basis_zh}）",
)

LAST_DAY = Saying(
    "left_is_not_counted",
    "the service is counted to {left}, without that day; if it was the last day of work, give {next}: "
    "it makes {months} months",
    "工作年限计算至 {left}（不含当日）；如该日为最后工作日，请填写 {next}，应按 {months} 个月计算",
)

_MONTHS_A_YEAR = 12


def _half_months(value: object) -> Decimal:
    months = above_zero(value)
    if months * 2 % 1:
        raise ValueError(f"is {plain(months)}; it must be a multiple of 0.5")
    return months


class SeveranceInput(CaseInput):
    """Inputs of `severance`: wages in yuan a month, and the service in one of three ways.

    `left` is the day to which the service is counted: from 2009-11 to 2014-03 are four years and four months.
    """

    monthly_wage: Wage
    hired: Day | None = None
    left: Day | None = None
    service_years: Years | None = None
    months: Annotated[Decimal, BeforeValidator(_half_months)] | None = None
    bonus_12_months: Amount | None = None
    """What was paid beside the monthly wage in the last twelve months, in all."""
    local_avg: Wage | None = None
    min_wage: Wage | None = None
    unlawful: Flag = False

    @model_validator(mode="after")
    def _one_service(self) -> Self:
        if (self.hired is None) != (self.left is None):
            lacking, given = ("hired", "left") if self.hired is None else ("left", "hired")
            raise ValueError(f"{lacking} is missing; {given} needs it")
        given_ways = [
            name for name in ("hired", "service_years", "months") if getattr(self, name) is not None
        ]
        if not given_ways:
            raise ValueError("months is missing; give hired and left, or service_years, or months")
        if len(given_ways) > 1:
            raise ValueError(
                f"{given_ways[1]} is given beside {given_ways[0]}; "
                "keep one of: hired and left, service_years, months"
            )
        if self.hired is not None and self.left is not None and self.left < self.hired:
            raise ValueError(
                f"left is {self.left}, before hired, which is {self.hired}; correct one of the two"
            )
        return self


def severance(case: SeveranceInput) -> dict[str, Any]:
    """Return `months` and `amount`; `average` with a bonus, `capped_wage` where the cap applies."""
    result = Result()
    months = _months(result, case)
    wage = _average(result, case)
    wage, months, cap = _clamped(result, case, wage, months)
    yearly, pack = _cell("severance_months_a_year"), statutory()
    shown_wage = f"{wage:.2f}" if wage == in_yuan(to_fen(wage)) else plain(wage)
    formula, amount = f"{shown_wage} × {plain(months)}", wage * months
    item, cell = SEVERANCE, cap or yearly
    if case.unlawful:
        twice = _cell("unlawful_multiple")
        formula, amount = f"{formula} × {plain(_number(twice))}", amount * _number(twice)
        item, cell = UNLAWFUL, twice
    fen = to_fen(amount)
    result.add(Line(item, formula, fen, Payer.EMPLOYER, pack.basis(cell), cell.status, version_of(STATUTORY)))
    result.figures |= {"months": plain(months), "amount": yuan(fen)}
    return result.to_json()


def _cell(name: str) -> Constant:
    return statutory().by_name[name]


def _number(cell: Constant) -> Decimal:
    return cell.value or Decimal(0)


def _months(result: Result, case: SeveranceInput) -> Decimal:
    if case.months is not None:
        return case.months
    if case.service_years is not None:
        years, rest = divmod(case.service_years, 1)
        return _counted(years, rest * _MONTHS_A_YEAR, more=False)
    if case.hired is None or case.left is None:
        raise ValueError("months is missing; give hired and left, or service_years, or months")
    earlier = statutory().rule_by_name["earlier_service"]
    if earlier.from_ is not None and case.hired < earlier.from_:
        basis = statutory().basis(earlier)
        result.used(earlier.status)
        result.warn(EARLIER_SERVICE.about(day=earlier.from_, basis=basis.en, basis_zh=basis.zh))
    months = _served(case.hired, case.left)
    if case.left < date.max and _served(case.hired, case.left + timedelta(days=1)) > months:
        counted = _served(case.hired, case.left + timedelta(days=1))
        result.warn(LAST_DAY.about(left=case.left, next=case.left + timedelta(days=1), months=plain(counted)))
    return months


def _served(hired: date, left: date) -> Decimal:
    whole, more = _months_between(hired, left)
    years_of_service, rest_months = divmod(whole, _MONTHS_A_YEAR)
    return _counted(Decimal(years_of_service), Decimal(rest_months), more=more)


def _counted(years: Decimal, rest_months: Decimal, *, more: bool) -> Decimal:
    """Count a month for each year, one for a rest of half a year or more, a half for a shorter one.

    `more` says that days are left beyond the months of the rest.
    """
    yearly, half = _number(_cell("severance_months_a_year")), _number(_cell("severance_half_year_months"))
    if rest_months >= _number(_cell("severance_half_year_from_months")):
        return (years + 1) * yearly
    return years * yearly + (half if rest_months or more else 0)


def _months_between(first: date, last: date) -> tuple[int, bool]:
    """Count full months and whether days are left; the 31st of a shorter month is its last day.

    Civil Code art. 202.
    """
    months = (last.year - first.year) * _MONTHS_A_YEAR + last.month - first.month
    same_day = min(first.day, monthrange(last.year, last.month)[1])
    if last.day >= same_day:
        return months, last.day > same_day
    return months - 1, True


def _average(result: Result, case: SeveranceInput) -> Decimal:
    """Return the average wage with the bonus, rounded to fen before it is multiplied."""
    if case.bonus_12_months is None:
        return case.monthly_wage
    window = _cell("severance_window_months")
    count = _number(window)
    fen = to_fen((case.monthly_wage * count + case.bonus_12_months) / count)
    _add_wage(result, AVERAGE, f"{case.monthly_wage} + {case.bonus_12_months} ÷ {plain(count)}", fen, window)
    result.figures["average"] = yuan(fen)
    return in_yuan(fen)


def _clamped(
    result: Result, case: SeveranceInput, wage: Decimal, months: Decimal
) -> tuple[Decimal, Decimal, Constant | None]:
    """Apply minimum wage and cap; returns wage, months, and the cell of the cap where it was applied."""
    if case.min_wage is not None and wage < case.min_wage:
        fen = to_fen(case.min_wage)
        formula = f"max({yuan(to_fen(wage))}, {case.min_wage})"
        _add_wage(result, FLOOR_WAGE, formula, fen, _cell("severance_window_months"))
        result.warn(RAISED.about(wage=yuan(to_fen(wage)), min_wage=yuan(fen)))
        wage = in_yuan(fen)
    multiple = _cell("severance_cap_multiple")
    if case.local_avg is None:
        result.warn(CAP_NOT_CHECKED.about(multiple=plain(_number(multiple))))
        return wage, months, None
    if wage <= case.local_avg * _number(multiple):
        return wage, months, None
    capped = to_fen(case.local_avg * _number(multiple))
    most = _number(_cell("severance_cap_years")) * _number(_cell("severance_months_a_year"))
    _add_wage(result, CAPPED_WAGE, f"{case.local_avg} × {plain(_number(multiple))}", capped, multiple)
    result.warn(
        CAPPED.about(
            wage=yuan(to_fen(wage)),
            multiple=plain(_number(multiple)),
            local_avg=case.local_avg,
            capped=yuan(capped),
            most=plain(most),
        )
    )
    result.figures["capped_wage"] = yuan(capped)
    return in_yuan(capped), min(months, most), multiple


def _add_wage(result: Result, item: Item, formula: str, fen: int, cell: Constant) -> None:
    result.add(
        Line(
            item,
            formula,
            fen,
            Payer.NOBODY,
            statutory().basis(cell),
            cell.status,
            version_of(STATUTORY),
            monthly=True,
        )
    )
