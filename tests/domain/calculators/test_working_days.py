"""The calculator for terms in working days, by the published examples."""

from typing import Any

import pytest

from countersign.domain.calculators.kinds import calculate
from countersign.domain.calendar import load_shipped_calendar
from countersign.domain.yaml_text import InputError, load_text

CALENDAR = load_shipped_calendar()


def working_days_from_text(text: str, source: str) -> dict[str, Any]:
    return calculate("working_days", load_text(text, source), source, CALENDAR)


@pytest.mark.parametrize(
    ("start", "count", "deadline"),
    [
        ("2025-09-26", 3, "2025-09-30"),
        ("2026-02-13", 3, "2026-02-25"),
        ("2026-02-13", "3", "2026-02-25"),
        ("2026-02", 1, "2026-02-02"),
        ("2026-02-15", 0, "2026-02-15"),
    ],
)
def test_a_term_in_published_years_is_final(start: str, count: int | str, deadline: str) -> None:
    assert calculate("working_days", {"start": start, "working_days": count}, "case", CALENDAR) == {
        "deadline": deadline,
        "provisional": False,
        "final": True,
        "warnings": [],
        "lines": [],
    }


def test_a_term_that_runs_into_2027_is_provisional_and_says_so() -> None:
    result = working_days_from_text("start: 2026-12-30\nworking_days: 3\n", "case.yaml")
    assert result["deadline"] == "2027-01-04"
    assert result["provisional"] is True
    [warning] = result["warnings"]
    assert warning["code"] == "provisional_calendar"
    assert "2027" in warning["message"]


def test_json_is_read_like_yaml() -> None:
    text = '{\n\t"start": "2025-09-26",\n\t"working_days": 3\n}'
    assert working_days_from_text(text, "case.json")["deadline"] == "2025-09-30"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("start: 2026-02-13", "case.yaml: working_days is missing"),
        ("working_days: 3", "case.yaml: start is missing"),
        ("{start: 2026-02-13, working_days: 3, zone: x}", 'case.yaml: the file holds the unknown key "zone"'),
        (
            "{start: 2026-02-30, working_days: 3}",
            "case.yaml: start is 2026-02-30, a day that no calendar has",
        ),
        ("{start: 13.02.2026, working_days: 3}", "case.yaml: start must be a date"),
        ("{start: 20260213, working_days: 3}", "case.yaml: start must be a date"),
        ("{start: 2026-02-13, working_days: -1}", "case.yaml: working_days must be a whole number"),
        ("{start: 2026-02-13, working_days: 1.5}", "case.yaml: working_days must be a whole number"),
        ("{start: 2026-02-13, working_days: true}", "case.yaml: working_days must be a whole number"),
        ("{start: 2026-02-13, working_days: 9999999}", "case.yaml: working_days is 9999999, more than 5000"),
        ("{start: 9999-12-20, working_days: 30}", "case.yaml: working_days ends after the year 9999"),
        ("[1, 2]", "case.yaml: the file must be a mapping"),
        ("", "case.yaml: the file must be a mapping"),
    ],
)
def test_bad_input_is_refused_with_the_field_named(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        working_days_from_text(text, "case.yaml")
    assert str(refusal.value).startswith(sentence)
    assert "\n" not in str(refusal.value)
