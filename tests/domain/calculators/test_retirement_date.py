"""Retirement under the gradually raised age: first and last month of every step, and its ends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.calculators.retirement_date import RetirementDateInput, retirement_date
from countersign.domain.input_models import read_input
from countersign.domain.yaml_text import InputError


def run(category: str, born: str) -> dict[str, Any]:
    return retirement_date(read_input(RetirementDateInput, {"category": category, "born": born}, "case.yaml"))


@pytest.mark.parametrize(
    ("category", "born", "delay", "retires"),
    [
        ("male", "1964-12", 0, "2024-12"),
        ("male", "1965-01", 1, "2025-02"),
        ("male", "1965-04", 1, "2025-05"),
        ("male", "1965-05", 2, "2025-07"),
        ("male", "1976-08", 35, "2039-07"),
        ("male", "1976-09", 36, "2039-09"),
        ("male", "1990-01", 36, "2053-01"),
        ("female_55", "1969-12", 0, "2024-12"),
        ("female_55", "1970-01", 1, "2025-02"),
        ("female_55", "1981-09", 36, "2039-09"),
        ("female_50", "1974-12", 0, "2024-12"),
        ("female_50", "1975-01", 1, "2025-02"),
        ("female_50", "1975-03", 2, "2025-05"),
        ("female_50", "1984-10", 59, "2039-09"),
        ("female_50", "1984-11", 60, "2039-11"),
        ("female_50", "2000-12", 60, "2055-12"),
        ("male", "1965-01-31", 1, "2025-02"),
    ],
)
def test_the_delay_and_the_month_at_every_edge(category: str, born: str, delay: int, retires: str) -> None:
    result = run(category, born)
    assert (result["delay_months"], result["retires"]) == (delay, retires)
    assert not result["provisional"]
    assert result["table"].startswith("statutory ")


@pytest.mark.parametrize(
    ("category", "born", "sentence"),
    [
        ("man", "1965-01", 'category is the unknown category "man"; known: male, female_55, female_50'),
        ("male", "65-01", "born must be a date written YYYY-MM-DD or YYYY-MM"),
    ],
)
def test_a_bad_case_is_refused_in_one_sentence(category: str, born: str, sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        run(category, born)
    assert str(refusal.value) == f"case.yaml: {sentence}"


def test_a_month_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^born is 9950-01; the month of retirement lies after the year 9999$"
    ):
        run("male", "9950-01")


@given(st.sampled_from(["male", "female_55", "female_50"]), st.integers(1930 * 12, 2030 * 12))
def test_who_is_born_later_never_retires_earlier(category: str, month: int) -> None:
    first, second = (f"{number // 12}-{number % 12 + 1:02d}" for number in (month, month + 1))
    assert run(category, first)["retires"] <= run(category, second)["retires"]
