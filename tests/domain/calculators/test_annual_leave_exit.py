"""Unused annual leave at the end: the published example, whole days only, nothing taken back."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.calculators.annual_leave_exit import AnnualLeaveExitInput, annual_leave_exit
from countersign.domain.input_models import read_input
from countersign.domain.yaml_text import InputError

CASE = {"entitlement": 10, "elapsed_days": 181, "used": 2, "avg_wage_ex_overtime": "8700"}


def run(**changes: Any) -> dict[str, Any]:
    return annual_leave_exit(read_input(AnnualLeaveExitInput, CASE | changes, "case.yaml"))


def test_the_published_example_comes_out_to_the_fen() -> None:
    result = run()
    assert result["prorated"] == 4
    assert result["payable_days"] == 2
    assert result["extra_pay_200"] == "1600.00"
    assert result["total_300"] == "2400.00"
    assert result["warnings"] == []
    assert not result["provisional"]


@pytest.mark.parametrize(
    ("entitlement", "elapsed", "prorated"),
    [(5, 0, 0), (5, 72, 0), (5, 73, 1), (15, 364, 14), (15, 365, 15), (15, 366, 15), (366, 366, 366)],
)
def test_only_whole_days_count_and_a_leap_year_adds_none(
    entitlement: int, elapsed: int, prorated: int
) -> None:
    assert run(entitlement=entitlement, elapsed_days=elapsed, used=0)["prorated"] == prorated


def test_leave_taken_beyond_the_share_is_not_taken_back() -> None:
    result = run(used=7)
    assert (result["payable_days"], result["extra_pay_200"], result["total_300"]) == (0, "0.00", "0.00")
    [warning] = result["warnings"]
    assert warning["code"] == "used_more"
    assert "7 days were used and 4 are due" in warning["message"]


def test_each_amount_is_divided_exactly_and_rounded_once() -> None:
    # 100 / 21.75 = 4.5977…: rounded days would give 9.20 and 13.80.
    result = run(elapsed_days=365, used=9, avg_wage_ex_overtime=100)
    assert (result["extra_pay_200"], result["total_300"]) == ("9.20", "13.79")
    extra, whole = result["lines"]
    assert (extra["formula"], extra["payer"]) == ("100 ÷ 21.75 × 1 × 2", "employer")
    assert (whole["payer"], whole["table"][:10]) == ("nobody", "statutory ")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"elapsed_days": 367}, "elapsed_days is 367; a year has at most 366 days"),
        ({"entitlement": 400}, "entitlement is 400; a year has at most 366 days"),
        ({"used": -1}, "used must be a whole number that is not negative"),
        ({"avg_wage_ex_overtime": 0}, "avg_wage_ex_overtime is 0; it must be above 0"),
    ],
)
def test_a_bad_case_is_refused_in_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        run(**changes)
    assert str(refusal.value) == f"case.yaml: {sentence}"


@given(st.integers(0, 366), st.integers(0, 366), st.integers(0, 400))
def test_nothing_is_ever_negative_or_above_the_entitlement(entitlement: int, elapsed: int, used: int) -> None:
    result = run(entitlement=entitlement, elapsed_days=elapsed, used=used)
    assert 0 <= result["payable_days"] <= result["prorated"] <= entitlement
    assert Decimal(result["extra_pay_200"]) >= 0
