"""The calculator `late_filing`: whether an accident was reported in time, and what the employer bears if not.

Work Injury Insurance Regulation art. 17(4): benefits and costs from the accident to a late filing fall on the
employer.
"""

from typing import Any, Self

from pydantic import model_validator

from countersign.domain.calculators.amounts import to_fen, yuan
from countersign.domain.calculators.explained import Item, Line, Payer, Result, Saying
from countersign.domain.calculators.injury_deadlines import (
    filing_term,
    refuse_disorder,
    refuse_early_extension,
)
from countersign.domain.calculators.inputs import Amount, CaseInput, Day, Flag
from countersign.domain.calculators.working_days import unpublished_year
from countersign.domain.calendar import WorkCalendar
from countersign.domain.tables.packs import STATUTORY, statutory, version_of

COSTS = Item(
    "costs_before_filing", "申请前发生的工伤待遇等费用", "Costs of the fund's kind before the filing"
)

UNINSURED = Saying(
    "uninsured",
    "without insurance the employer bears these costs whenever the filing was made ({basis})",
    "未参加工伤保险的，无论何时提出申请，上述费用均由用人单位负担（{basis_zh}）",
)


class LateFilingInput(CaseInput):
    """Inputs of `late_filing`: the days, and in yuan what is due by the fund's lists up to the filing."""

    accident: Day
    filed: Day
    fund_type_costs_before_filing: Amount
    insured: Flag
    extended_to: Day | None = None
    """To which day the authority has extended the employer's term for filing."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        refuse_disorder({"accident": self.accident, "filed": self.filed})
        refuse_early_extension(self.accident, self.extended_to)
        return self


def late_filing(case: LateFilingInput, calendar: WorkCalendar) -> dict[str, Any]:
    """Return `days` from accident to filing, `late`, `employer_bears` in yuan, and the last day that counted.

    A filing on the last day as rolled by the calendar, or as extended, is in time. Provisional when lateness
    rests on a calendar that is not published. Raises `ValueError` when the term ends after the year 9999.
    """
    result = Result()
    pack = statutory()
    term = filing_term(case.accident, case.extended_to, calendar)
    late = case.filed > term.rolled
    if case.filed > term.last_day:
        for year in term.unpublished:
            result.warn(unpublished_year(year))
    rule = pack.rule_by_name["late_filing" if case.insured else "uninsured"]
    basis = pack.basis(rule)
    if not case.insured:
        result.warn(UNINSURED.about(basis=basis.en, basis_zh=basis.zh))
    costs = to_fen(case.fund_type_costs_before_filing)
    payer = Payer.EMPLOYER if late or not case.insured else Payer.FUND
    formula = f"{case.fund_type_costs_before_filing}"
    result.add(Line(COSTS, formula, costs, payer, basis, rule.status, version_of(STATUTORY)))
    result.figures = {
        "days": (case.filed - case.accident).days,
        "late": late,
        "employer_bears": yuan(costs if payer is Payer.EMPLOYER else 0),
        "last_day": term.last_day.isoformat(),
        "rolled_last_day": term.rolled.isoformat(),
    }
    return result.to_json()
