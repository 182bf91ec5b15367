"""The calculator `working_days`: the last day of a term that counts working days.

The day on which the term begins is not counted: Civil Code art. 201.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator

from countersign.domain.calculators.explained import Doubt, Result, Saying
from countersign.domain.calculators.inputs import CaseInput, Day
from countersign.domain.calendar import WorkCalendar
from countersign.domain.input_models import whole_number
from countersign.domain.planner import provisional_warning

_PROVISIONAL_ZH = "{year} 年的放假安排尚未公布：暂以周一至周五为工作日，公布并导入后日期会变动"


_LONGEST = 5000
"""Twenty years: no term of the law is nearly as long."""


def _term(value: object) -> int:
    days = whole_number(value)
    if days > _LONGEST:
        raise ValueError(f"is {days}, more than {_LONGEST}; check it")
    return days


class WorkingDaysInput(CaseInput):
    """Inputs of `working_days`: 0 working days end on the start."""

    start: Day
    working_days: Annotated[int, BeforeValidator(_term)]


def working_days(case: WorkingDaysInput, calendar: WorkCalendar) -> dict[str, Any]:
    """Return `deadline`; provisional when the term touches a year without a published calendar."""
    result = Result()
    try:
        deadline, unpublished = calendar.working_term_end(case.start, case.working_days)
    except OverflowError:
        raise ValueError("working_days ends after the year 9999; give fewer") from None
    for year in unpublished:
        result.warn(unpublished_year(year))
    result.figures["deadline"] = deadline.isoformat()
    return result.to_json()


def unpublished_year(year: int) -> Doubt:
    """Say in both languages that a date rests on a year whose calendar is not published."""
    warning = provisional_warning(year)
    return Saying(str(warning.code), warning.message, _PROVISIONAL_ZH, stamps=True).about(year=year)
