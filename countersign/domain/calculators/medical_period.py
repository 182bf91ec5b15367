"""The calculator `medical_period`: for how many months a sick worker is protected, by years of work.

Provisions on the Medical Period for Illness or Non-work Injury (劳部发〔1994〕479号) art. 3 and 4.
"""

from typing import Any, Self

from pydantic import model_validator

from countersign.domain.calculators.amounts import plain
from countersign.domain.calculators.explained import Result, Saying
from countersign.domain.calculators.inputs import CaseInput, Years
from countersign.domain.tables.cells import MissingCell
from countersign.domain.tables.packs import STATUTORY, region_pack, statutory, version_of
from countersign.domain.tables.statutory import MedicalPeriod

# Its scale is in no table, and the national one is wrong there.
_OWN_SCALE = frozenset({"shanghai"})

REGION_NOT_GIVEN = Saying(
    "region_not_given",
    "this is the national scale; Shanghai has its own, so give region",
    "此为全国标准；上海另有规定，请填写 region",
)


class MedicalPeriodInput(CaseInput):
    """Inputs of `medical_period`: years of work in all and at this employer."""

    total_years: Years
    years_here: Years
    region: str | None = None

    @model_validator(mode="after")
    def _here_is_part_of_all(self) -> Self:
        if self.years_here > self.total_years:
            raise ValueError(
                f"years_here is {plain(self.years_here)}, more than total_years, which is "
                f"{plain(self.total_years)}; total_years counts the work at every employer"
            )
        return self


def medical_period(case: MedicalPeriodInput) -> dict[str, Any]:
    """Return `months` of protection and `window_months`, within which sick leave is added up.

    Raises `UnknownPack` for a region without tables and `MissingCell` for one whose own scale is in no table.
    """
    result = Result()
    if case.region is None:
        result.warn(REGION_NOT_GIVEN.about())
    else:
        region_pack(case.region)
        if case.region in _OWN_SCALE:
            raise MissingCell(
                f"there is no table of the medical period for region {case.region}, which has its own scale"
            )
    cell = next(row for row in statutory().medical_periods if _fits(row, case))
    basis = statutory().basis(cell)
    result.used(cell.status)
    result.figures = {
        "months": int(cell.value or 0),
        "window_months": cell.window,
        "basis": basis.zh,
        "basis_en": basis.en,
        "status": cell.status,
        "table": version_of(STATUTORY),
    }
    return result.to_json()


def _fits(row: MedicalPeriod, case: MedicalPeriodInput) -> bool:
    return (
        row.total_from <= case.total_years
        and (row.total_below is None or case.total_years < row.total_below)
        and row.here_from <= case.years_here
        and (row.here_below is None or case.years_here < row.here_below)
    )
