"""The calculator `working_days`: the last day of a term that counts working days."""

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator

from countersign.domain.calendar import WorkCalendar
from countersign.domain.input_models import InputModel, day_or_month, read_input, whole_number
from countersign.domain.planner import provisional_warning
from countersign.domain.yaml_text import InputError, load_text


class _Case(InputModel):
    start: Annotated[date, BeforeValidator(day_or_month)]
    working_days: Annotated[int, BeforeValidator(whole_number)]


def working_days_from_text(text: str, source: str, calendar: WorkCalendar) -> dict[str, Any]:
    """Read a case file (YAML or JSON) and compute it; raises `InputError`."""
    return working_days(load_text(text, source), source, calendar)


def working_days(inputs: object, source: str, calendar: WorkCalendar) -> dict[str, Any]:
    """Find the last day of a term of `working_days` that begins with the day after `start`.

    `inputs` is `{start, working_days}`; 0 working days end on the start. Gives `{"deadline": "YYYY-MM-DD",
    "provisional": bool, "warnings": [{"code", "message"}]}`. Raises `InputError` naming `source` and
    field. The first day is not counted: Civil Code art. 201.
    """
    case = read_input(_Case, inputs, source)
    try:
        deadline, unpublished = calendar.working_term_end(case.start, case.working_days)
    except OverflowError:
        raise InputError(f"{source}: working_days ends after the year 9999; give fewer") from None
    warnings = [provisional_warning(year) for year in unpublished]
    return {
        "deadline": deadline.isoformat(),
        "provisional": bool(unpublished),
        "warnings": [{"code": str(one.code), "message": one.message} for one in warnings],
    }
