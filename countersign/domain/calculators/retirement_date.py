"""The calculator `retirement_date`: the month of retirement under the gradually raised age.

Decision on Gradually Raising the Retirement Age of 2024-09-13: one month later for each few months of birth,
up to a limit.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from countersign.domain.calculators.explained import Result
from countersign.domain.calculators.inputs import CaseInput, Day
from countersign.domain.input_models import one_of
from countersign.domain.tables.packs import STATUTORY, statutory, version_of
from countersign.domain.tables.statutory import RetirementPace

_MONTHS_A_YEAR = 12
_LAST_YEAR = 9999


class Category(StrEnum):
    """Who retires at which age before the delay: men at 60, women at 55 or at 50 by their post."""

    MALE = "male"
    FEMALE_55 = "female_55"
    FEMALE_50 = "female_50"


class RetirementDateInput(CaseInput):
    """Inputs of `retirement_date`: the category and the month of birth."""

    category: Annotated[Category, BeforeValidator(one_of(Category, "category"))]
    born: Day


def retirement_date(case: RetirementDateInput) -> dict[str, Any]:
    """Return `delay_months` and `retires`, a month; who reached the age before the decision is not delayed.

    Raises `ValueError` when the month lies after the year 9999.
    """
    row = next(row for row in statutory().retirement if row.category == case.category)
    reached = (case.born.year + row.base_age) * _MONTHS_A_YEAR + case.born.month - 1
    delay = _delay(row, reached)
    year, month = divmod(reached + delay, _MONTHS_A_YEAR)
    if year > _LAST_YEAR:
        raise ValueError(
            f"born is {case.born:%Y-%m}; the month of retirement lies after the year {_LAST_YEAR}"
        )
    basis = statutory().basis(row)
    result = Result()
    result.used(row.status)
    result.figures = {
        "delay_months": delay,
        "retires": f"{year:04d}-{month + 1:02d}",
        "basis": basis.zh,
        "basis_en": basis.en,
        "status": row.status,
        "table": version_of(STATUTORY),
    }
    return result.to_json()


def _delay(row: RetirementPace, reached: int) -> int:
    """Count the months of delay: the first one applies from the very first month of the decision."""
    if row.from_ is None or not row.value:
        return 0
    since = reached - (row.from_.year * _MONTHS_A_YEAR + row.from_.month - 1)
    return 0 if since < 0 else min(row.cap_months, since // int(row.value) + 1)
