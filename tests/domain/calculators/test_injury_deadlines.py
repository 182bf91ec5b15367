"""Deadlines of a work injury: the published example, rolling, years, extension, order, provisional dates."""

from typing import Any

import pytest

from countersign.domain.calculators.injury_deadlines import InjuryDeadlinesInput, injury_deadlines
from countersign.domain.calendar import load_shipped_calendar
from countersign.domain.input_models import read_input
from countersign.domain.tables.packs import statutory
from countersign.domain.yaml_text import InputError

CALENDAR = load_shipped_calendar()


def run(**inputs: Any) -> dict[str, Any]:
    return injury_deadlines(read_input(InjuryDeadlinesInput, inputs, "case.yaml"), CALENDAR)


def by_name(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in result["deadlines"]}


EVERY_START = {
    "accident": "2026-01-08",
    "filed": "2026-01-20",
    "accepted": "2026-01-26",
    "appraisal_applied": "2026-03-02",
    "appraisal_concluded": "2026-04-10",
    "appraisal_received": "2026-04-15",
    "dispute_known": "2025-02-01",
}


def test_the_published_example() -> None:
    result = run(accident="2026-01-08")
    assert result["employer_last_day"] == "2026-02-07"
    assert result["rolled_last_day"] == "2026-02-09"
    assert result["alert_by"] == "2026-02-06"
    assert result["employee_last_day"] == "2027-01-08"
    assert [row["name"] for row in result["deadlines"]] == ["employer_filing", "employee_filing"]
    assert (result["provisional"], result["final"]) == (False, True)


def test_a_date_in_an_unpublished_year_marks_its_own_row_and_not_the_whole() -> None:
    result = run(accident="2026-01-08")
    rows = by_name(result)
    assert (rows["employer_filing"]["provisional"], rows["employee_filing"]["provisional"]) == (False, True)
    [warning] = result["warnings"]
    assert "2027" in warning["message"]
    assert "2027" in warning["message_zh"]


@pytest.mark.parametrize(
    ("accident", "provisional"),
    [("2026-12-01", False), ("2026-12-02", True), ("2026-12-05", True)],
)
def test_a_rolled_day_or_alert_in_an_unpublished_year_makes_the_result_provisional(
    accident: str, provisional: bool
) -> None:
    assert run(accident=accident)["provisional"] is provisional


def test_every_row_whose_start_is_given_is_listed_with_its_article() -> None:
    given = EVERY_START | {"dispute_known": "2026-02-02"}
    rows = by_name(run(**given))
    assert set(rows) == {cell.name for cell in statutory().deadlines}
    assert {name: (row["from"], row["last_day"]) for name, row in rows.items()} == {
        "employer_filing": ("2026-01-08", "2026-02-07"),
        "employee_filing": ("2026-01-08", "2027-01-08"),
        "acceptance": ("2026-01-20", "2026-02-04"),
        "decision": ("2026-01-26", "2026-03-27"),
        "decision_simple_case": ("2026-01-26", "2026-02-10"),
        "appraisal": ("2026-03-02", "2026-05-01"),
        "second_appraisal_request": ("2026-04-15", "2026-04-30"),
        "review_appraisal_earliest": ("2026-04-10", None),
        "arbitration": ("2026-02-02", "2027-02-02"),
    }
    assert rows["appraisal"]["rolled_last_day"] == "2026-05-06"
    assert rows["appraisal"]["alert_by"] == "2026-04-30"
    assert rows["appraisal"]["extended_last_day"] == "2026-05-31"
    assert rows["acceptance"]["status"] == "M-h"
    assert rows["decision"]["basis"] == "《工伤保险条例》第20条"
    assert rows["decision"]["basis_en"] == "Work Injury Insurance Regulation, art. 20"
    assert all(row["text"]["zh-CN"] and row["text"]["en"] for row in rows.values())


def test_a_review_has_a_first_day_after_a_full_year_and_no_last_one() -> None:
    row = by_name(run(accident="2025-01-08", appraisal_concluded="2025-04-10"))["review_appraisal_earliest"]
    assert row["first_day"] == "2026-04-11"
    assert (row["last_day"], row["rolled_last_day"], row["alert_by"]) == (None, None, None)
    assert row["provisional"] is False


@pytest.mark.parametrize(
    ("accident", "last"),
    [("2024-02-29", "2025-02-28"), ("2023-02-28", "2024-02-28"), ("2023-03-01", "2024-03-01")],
)
def test_a_year_ends_on_the_same_date_and_after_29_february_on_the_28th(accident: str, last: str) -> None:
    assert run(accident=accident)["employee_last_day"] == last


def test_an_extension_ends_on_the_day_that_the_authority_has_named() -> None:
    result = run(accident="2026-01-08", extended_to="2026-03-08")
    assert (result["employer_last_day"], result["rolled_last_day"]) == ("2026-03-08", "2026-03-08")
    assert result["alert_by"] == "2026-03-06"
    assert by_name(result)["employer_filing"]["last_day"] == "2026-03-08"
    assert "filing_extended" in [warning["code"] for warning in result["warnings"]]


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({}, "accident is missing"),
        (
            {"accident": "2026-01-08", "filed": "2026-01-07"},
            "filed is 2026-01-07, before the accident on 2026-01-08; correct one of the two",
        ),
        (
            {"accident": "2026-01-08", "filed": "2026-01-20", "accepted": "2026-01-19"},
            "accepted is 2026-01-19, before filed, which is 2026-01-20; correct one of the two",
        ),
        (
            {"accident": "2026-01-08", "accepted": "2026-01-01"},
            "accepted is 2026-01-01, before the accident on 2026-01-08; correct one of the two",
        ),
        (
            EVERY_START | {"dispute_known": "2026-02-01", "appraisal_received": "2026-04-09"},
            "appraisal_received is 2026-04-09, before appraisal_concluded, which is 2026-04-10; "
            "correct one of the two",
        ),
        (
            EVERY_START,
            "dispute_known is 2025-02-01, before the accident on 2026-01-08; correct one of the two",
        ),
        (
            {"accident": "2026-01-08", "extended_to": "2026-02-06"},
            "extended_to is 2026-02-06, before 2026-02-07, when the term from the accident on 2026-01-08 "
            "ends anyway; leave it out or correct it",
        ),
        ({"accident": "2026-13-08"}, "accident is 2026-13-08, a day that no calendar has"),
    ],
)
def test_a_bad_case_is_refused_in_one_sentence(inputs: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        run(**inputs)
    assert str(refusal.value) == f"case.yaml: {sentence}"


def test_what_happens_on_one_day_is_in_order_and_an_extension_may_end_where_the_term_does() -> None:
    result = run(accident="2026-01-08", filed="2026-01-08", accepted="2026-01-08", extended_to="2026-02-07")
    assert {row["from"] for row in result["deadlines"]} == {"2026-01-08"}
    # The day that the authority has named is not rolled, although it is a Saturday.
    assert result["rolled_last_day"] == "2026-02-07"


def test_a_term_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^accident is 9999-12-31; its term ends after the year 9999$"):
        run(accident="9999-12-31")
