"""The calculator `injury_formula_subsidy`: the employment subsidy of a province that uses a formula.

The years from the worker's age to the life expectancy, times a factor of the grade, times the local average:
the rule that (2015)漳民终字第979号 applied for Fujian.
"""

from decimal import Decimal
from typing import Any, Self

from pydantic import model_validator

from countersign.domain.calculators.amounts import plain, to_fen, yuan
from countersign.domain.calculators.explained import Line, Payer, Result
from countersign.domain.calculators.injury_items import EMPLOYMENT_SUBSIDY
from countersign.domain.calculators.inputs import CaseInput, Grade, Wage, Years
from countersign.domain.tables.cells import weakest
from countersign.domain.tables.packs import region_pack, version_of
from countersign.domain.tables.regional import Subsidy, SubsidyBase


class InjuryFormulaSubsidyInput(CaseInput):
    """Inputs of `injury_formula_subsidy`: ages in years, the local average wage in yuan a month."""

    region: str
    grade: Grade
    life_expectancy: Years
    age: Years
    local_avg: Wage

    @model_validator(mode="after")
    def _alive(self) -> Self:
        if self.age > self.life_expectancy:
            raise ValueError(
                f"age is {plain(self.age)}, above life_expectancy, which is {plain(self.life_expectancy)}; "
                "the formula has no years left to count"
            )
        return self


def injury_formula_subsidy(case: InjuryFormulaSubsidyInput) -> dict[str, Any]:
    """Return `employment_subsidy` in yuan, which the employer pays.

    Raises `UnknownPack`, `MissingCell` for a grade without a factor, `ValueError` for a region with a table.
    """
    pack = region_pack(case.region)
    rule = next((row for row in pack.subsidy_rules if row.subsidy is Subsidy.EMPLOYMENT), None)
    if rule is not None and rule.value is not SubsidyBase.FORMULA:
        raise ValueError(
            f"region is {case.region}, whose employment subsidy follows no formula; use the calculator injury"
        )
    rule, number = pack.subsidy(Subsidy.EMPLOYMENT, case.grade)
    factor = number.value or Decimal(0)
    fen = to_fen((case.life_expectancy - case.age) * case.local_avg * factor)
    result = Result()
    result.add(
        Line(
            EMPLOYMENT_SUBSIDY,
            f"({plain(case.life_expectancy)} − {plain(case.age)}) × {case.local_avg} × {plain(factor)}",
            fen,
            Payer.EMPLOYER,
            pack.injury_basis(),
            weakest([rule.status, number.status]),
            version_of(pack.region),
        )
    )
    result.figures["employment_subsidy"] = yuan(fen)
    return result.to_json()
