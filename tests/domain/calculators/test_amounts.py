"""Amounts: half up to the fen, once a line; up to a unit where a region's rule says so."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.calculators.amounts import in_yuan, plain, to_fen, to_fen_by_unit, yuan


@pytest.mark.parametrize(
    ("exact", "fen"), [("0.005", 1), ("0.015", 2), ("0.025", 3), ("2.0049999", 200), ("26627.715", 2662772)]
)
def test_half_a_fen_is_rounded_up_and_never_to_even(exact: str, fen: int) -> None:
    assert to_fen(Decimal(exact)) == fen


@pytest.mark.parametrize(
    ("exact", "unit", "up", "fen"),
    [
        ("34.101", "0.1", True, 3420),
        ("34.10", "0.1", True, 3410),
        ("34.15", "0.1", False, 3420),
        ("34.105", "0.01", False, 3411),
    ],
)
def test_a_unit_of_ten_fen_is_rounded_as_the_region_says(exact: str, unit: str, up: bool, fen: int) -> None:
    assert to_fen_by_unit(Decimal(exact), Decimal(unit), up=up) == fen


@given(st.integers(-(10**15), 10**15))
def test_fen_are_written_and_read_back_without_loss(fen: int) -> None:
    assert Decimal(yuan(fen)) * 100 == fen
    assert to_fen(in_yuan(fen)) == fen
    assert yuan(fen)[-3] == "."


@pytest.mark.parametrize(
    ("number", "text"), [("8.0", "8"), ("4.50", "4.5"), ("100", "100"), ("0.0005", "0.0005")]
)
def test_numbers_stand_without_trailing_zeros(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text
