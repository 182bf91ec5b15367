"""The late fee: a part of the unpaid amount for each day, not capped, exact at any length."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.calculators.late_fee import LateFeeInput, late_fee
from countersign.domain.input_models import read_input
from countersign.domain.yaml_text import InputError


def run(unpaid: object, days: object) -> dict[str, Any]:
    return late_fee(read_input(LateFeeInput, {"unpaid": unpaid, "days": days}, "case.yaml"))


@pytest.mark.parametrize(
    ("unpaid", "days", "fee"),
    [
        ("12000.00", 90, "540.00"),
        ("12000.00", 0, "0.00"),
        ("0", 90, "0.00"),
        ("10", 1, "0.01"),
        ("9.99", 1, "0.00"),
        ("999999999999.99", 99999, "49999499999999.50"),
    ],
)
def test_the_fee_is_exact_and_rounded_half_up(unpaid: str, days: int, fee: str) -> None:
    result = run(unpaid, days)
    assert result["late_fee"] == fee
    [line] = result["lines"]
    assert (line["amount"], line["payer"], line["basis"]) == (fee, "employer", "《社会保险法》第86条")
    assert line["table"].startswith("statutory ")


def test_a_fee_above_the_principal_stands_but_is_provisional() -> None:
    at_principal, above = run("12000", 2000), run("12000", 2001)
    assert (at_principal["late_fee"], at_principal["warnings"], at_principal["provisional"]) == (
        "12000.00",
        [],
        False,
    )
    assert (above["late_fee"], above["provisional"]) == ("12006.00", True)
    assert [warning["code"] for warning in above["warnings"]] == ["above_principal"]


@pytest.mark.parametrize(
    ("unpaid", "days", "sentence"),
    [
        ("-1", 1, "unpaid is -1; it must not be negative"),
        ("1", -1, "days must be a whole number that is not negative"),
        ("1", "1.5", "days must be a whole number that is not negative"),
        ("1", 100_000, "days is 100000; at most 99999 days can be counted"),
    ],
)
def test_a_bad_case_is_refused_in_one_sentence(unpaid: str, days: object, sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        run(unpaid, days)
    assert str(refusal.value) == f"case.yaml: {sentence}"


@given(st.integers(0, 10**11), st.integers(0, 4000), st.integers(0, 4000))
def test_two_terms_bring_what_one_of_their_length_does(fen: int, first: int, second: int) -> None:
    unpaid = str(Decimal(fen).scaleb(-2))
    apart = Decimal(run(unpaid, first)["late_fee"]) + Decimal(run(unpaid, second)["late_fee"])
    # Each of the two is rounded by at most half a fen, and so is their sum.
    assert abs(Decimal(run(unpaid, first + second)["late_fee"]) - apart) <= Decimal("0.01")
