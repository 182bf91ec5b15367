"""Severance: judgments and examples to the fen, the service in three ways, cap and floor."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.calculators.severance import SeveranceInput, severance
from countersign.domain.input_models import read_input
from countersign.domain.yaml_text import InputError


def run(**inputs: Any) -> dict[str, Any]:
    return severance(read_input(SeveranceInput, inputs, "case.yaml"))


def codes(result: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in result["warnings"]]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (
            {"monthly_wage": "5917.27", "hired": "2009-11", "left": "2014-03"},
            {"months": "4.5", "amount": "26627.72"},
        ),
        (
            {"monthly_wage": "11674.17", "months": "16.5", "unlawful": True},
            {"months": "16.5", "amount": "385247.61"},
        ),
        (
            {"monthly_wage": "4325", "bonus_12_months": "12967.39", "service_years": "7.58"},
            {"average": "5405.62", "months": "8", "amount": "43244.96"},
        ),
        (
            {"monthly_wage": "40000", "service_years": "8", "local_avg": "12434"},
            {"capped_wage": "37302.00", "months": "8", "amount": "298416.00"},
        ),
        (
            {"monthly_wage": "40000", "service_years": "20", "local_avg": "12434"},
            {"capped_wage": "37302.00", "months": "12", "amount": "447624.00"},
        ),
        (
            {"monthly_wage": "40000", "months": 20, "local_avg": "12434", "unlawful": True},
            {"capped_wage": "37302.00", "months": "12", "amount": "895248.00"},
        ),
        (
            {"monthly_wage": "2000", "min_wage": "2540", "months": "1.5"},
            {"months": "1.5", "amount": "3810.00"},
        ),
    ],
)
def test_published_examples_come_out_to_the_fen(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    result = run(**inputs)
    assert {key: result[key] for key in expected} == expected
    assert not result["provisional"]


@pytest.mark.parametrize(
    ("hired", "left", "months"),
    [
        ("2020-01-01", "2020-01-01", "0"),
        ("2020-01-01", "2020-01-02", "0.5"),
        ("2020-01-01", "2020-06-30", "0.5"),
        ("2020-01-01", "2020-07-01", "1"),
        ("2020-01-01", "2021-01-01", "1"),
        ("2020-01-01", "2021-01-02", "1.5"),
        ("2020-08-31", "2021-02-27", "0.5"),
        ("2020-08-31", "2021-02-28", "1"),
        ("2020-08-31", "2021-03-01", "1"),
        ("2020-02-29", "2021-02-28", "1"),
    ],
)
def test_half_a_year_counts_a_month_and_a_shorter_rest_half_of_one(
    hired: str, left: str, months: str
) -> None:
    assert run(monthly_wage=1, hired=hired, left=left)["months"] == months


@pytest.mark.parametrize(
    ("years", "months"),
    [("0", "0"), ("0.01", "0.5"), ("0.49", "0.5"), ("0.5", "1"), ("1", "1"), ("1.25", "1.5")],
)
def test_service_in_years_is_rounded_the_same_way(years: str, months: str) -> None:
    assert run(monthly_wage=1, service_years=years)["months"] == months


def test_the_average_is_rounded_before_it_is_multiplied() -> None:
    # 0.01 / 12 each month: unrounded, 100 months would come to 0.08 more.
    result = run(monthly_wage="1000", bonus_12_months="0.01", months=100)
    assert (result["average"], result["amount"]) == ("1000.00", "100000.00")


def test_a_wage_at_the_cap_is_not_capped_and_its_months_are_not_limited() -> None:
    result = run(monthly_wage="37302", months=20, local_avg="12434")
    assert "capped_wage" not in result
    assert (result["months"], result["amount"]) == ("20", "746040.00")


def test_without_a_local_average_the_result_says_that_the_cap_was_not_checked() -> None:
    assert codes(run(monthly_wage=1, months=1)) == ["cap_not_checked"]
    assert codes(run(monthly_wage=1, months=1, local_avg=1)) == []


def test_service_before_2008_is_counted_and_told() -> None:
    before = run(monthly_wage=1, hired="2007-12-31", left="2020-01", local_avg=1)
    assert codes(before) == ["earlier_service"]
    assert not before["provisional"]
    assert "2008-01-01" in before["warnings"][0]["message"]
    assert codes(run(monthly_wage=1, hired="2008-01-02", left="2020-01", local_avg=1)) == []


def test_a_last_day_of_work_that_would_make_more_months_is_told() -> None:
    result = run(monthly_wage=1, hired="2020-01-01", left="2020-06-30", local_avg=1)
    assert result["months"] == "0.5"
    assert codes(result) == ["left_is_not_counted"]
    assert "give 2020-07-01: it makes 1 months" in result["warnings"][0]["message"]
    assert run(monthly_wage=1, hired="2020-01-01", left="2020-07-01", local_avg=1)["months"] == "1"


def test_a_wage_with_more_than_two_decimals_is_rounded_once_at_the_end() -> None:
    assert run(monthly_wage="5917.275", months="4.5")["amount"] == "26627.74"


def test_an_unlawful_end_cites_its_own_article_and_every_line_names_its_table() -> None:
    [line] = run(monthly_wage=100, months=2, unlawful=True, local_avg=100)["lines"]
    assert (line["formula"], line["amount"], line["payer"]) == ("100.00 × 2 × 2", "400.00", "employer")
    assert line["basis"] == "《劳动合同法》第87条"
    assert line["table"].startswith("statutory ")


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({}, "months is missing; give hired and left, or service_years, or months"),
        ({"hired": "2020-01"}, "left is missing; hired needs it"),
        ({"left": "2020-01"}, "hired is missing; left needs it"),
        (
            {"months": 1, "service_years": 1},
            "months is given beside service_years; keep one of: hired and left, service_years, months",
        ),
        ({"months": "0.7"}, "months is 0.7; it must be a multiple of 0.5"),
        ({"months": 0}, "months is 0; it must be above 0"),
        (
            {"hired": "2020-02", "left": "2020-01"},
            "left is 2020-01-01, before hired, which is 2020-02-01; correct one of the two",
        ),
    ],
)
def test_a_bad_case_is_refused_in_one_sentence(inputs: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        run(monthly_wage=5000, **inputs)
    assert str(refusal.value) == f"case.yaml: {sentence}"


DAYS = st.dates(date(2008, 1, 1), date(2060, 1, 1))


@given(DAYS, st.integers(0, 5000), st.integers(0, 400), st.integers(1, 10_000_000))
def test_longer_service_never_brings_less(hired: date, served: int, more: int, fen: int) -> None:
    wage = str(Decimal(fen).scaleb(-2))
    amounts = [
        Decimal(run(monthly_wage=wage, hired=str(hired), left=str(hired + timedelta(days=days)))["amount"])
        for days in (served, served + more)
    ]
    assert amounts[0] <= amounts[1]
