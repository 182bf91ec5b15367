"""A late filing: the published example, the last day that counts, who bears the costs."""

from typing import Any

import pytest

from countersign.domain.calculators.late_filing import LateFilingInput, late_filing
from countersign.domain.calendar import load_shipped_calendar
from countersign.domain.input_models import read_input
from countersign.domain.yaml_text import InputError

CALENDAR = load_shipped_calendar()
CASE: dict[str, Any] = {
    "accident": "2026-03-01",
    "filed": "2026-05-15",
    "fund_type_costs_before_filing": "40000.00",
    "insured": True,
}


def run(**changes: Any) -> dict[str, Any]:
    return late_filing(read_input(LateFilingInput, CASE | changes, "case.yaml"), CALENDAR)


def test_the_published_example() -> None:
    result = run()
    assert (result["days"], result["late"], result["employer_bears"]) == (75, True, "40000.00")
    [line] = result["lines"]
    assert (line["payer"], line["basis"]) == ("employer", "《工伤保险条例》第17条第4款")
    assert not result["provisional"]


@pytest.mark.parametrize(
    ("accident", "filed", "late"),
    [
        ("2026-03-01", "2026-03-31", False),
        ("2026-03-01", "2026-04-01", True),
        # The thirtieth day, 7 February 2026, is a Saturday.
        ("2026-01-08", "2026-02-07", False),
        ("2026-01-08", "2026-02-09", False),
        ("2026-01-08", "2026-02-10", True),
        ("2026-03-01", "2026-03-01", False),
    ],
)
def test_the_rolled_last_day_is_in_time_and_the_next_is_late(accident: str, filed: str, late: bool) -> None:
    result = run(accident=accident, filed=filed)
    assert result["late"] is late
    assert result["employer_bears"] == ("40000.00" if late else "0.00")
    assert result["lines"][0]["payer"] == ("employer" if late else "fund")


def test_an_extension_counts_to_its_day_exactly() -> None:
    # 9 May 2026 is a working Saturday, 10 May a Sunday that nothing rolls.
    assert run(filed="2026-05-10", extended_to="2026-05-10")["late"] is False
    assert run(filed="2026-05-11", extended_to="2026-05-10")["late"] is True


@pytest.mark.parametrize(("filed", "late"), [("2026-03-05", False), ("2026-05-15", True)])
def test_without_insurance_the_employer_bears_the_costs_anyway(filed: str, late: bool) -> None:
    result = run(filed=filed, insured=False)
    assert (result["late"], result["employer_bears"]) == (late, "40000.00")
    assert [warning["code"] for warning in result["warnings"]] == ["uninsured"]
    assert result["lines"][0]["basis"] == "《工伤保险条例》第62条第2款"


@pytest.mark.parametrize(("filed", "provisional"), [("2027-01-04", False), ("2027-01-05", True)])
def test_lateness_that_rests_on_an_unpublished_year_is_provisional(filed: str, provisional: bool) -> None:
    # The thirtieth day is 4 January 2027 itself: up to it no calendar is needed.
    assert run(accident="2026-12-05", filed=filed)["provisional"] is provisional


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"filed": "2026-02-28"},
            "filed is 2026-02-28, before the accident on 2026-03-01; correct one of the two",
        ),
        (
            {"extended_to": "2026-03-30"},
            "extended_to is 2026-03-30, before 2026-03-31, when the term from the accident on 2026-03-01 "
            "ends anyway; leave it out or correct it",
        ),
        ({"insured": "yes"}, "insured must be true or false"),
        (
            {"fund_type_costs_before_filing": "-1"},
            "fund_type_costs_before_filing is -1; it must not be negative",
        ),
    ],
)
def test_a_bad_case_is_refused_in_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        run(**changes)
    assert str(refusal.value) == f"case.yaml: {sentence}"
