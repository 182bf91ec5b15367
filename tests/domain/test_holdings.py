"""What employees hold: amounts in yuan read exactly, yes and no, numbers that stand twice, new superiors."""

import pytest

from countersign.domain.checklists import new_superiors
from countersign.domain.departure import Track
from countersign.domain.holdings import (
    DETAILS,
    HEADERS,
    OTHER_HEADERS,
    REQUIRED,
    doubled,
    fen_of_yuan,
    short_enough,
    yes_or_no,
)


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("0", 0),
        ("6500", 650_000),
        ("6500.5", 650_050),
        ("6,500.50", 650_050),
        ("¥1,234,567.89", 123_456_789),
        ("0.29元", 29),
        ("RMB 12.300", 1_230),
        ("100000000000", 10**13),
    ],
)
def test_an_amount_in_yuan_is_read_to_the_fen(text: str, fen: int) -> None:
    assert fen_of_yuan(text) == fen


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no amount"),
        ("-5", "no amount"),
        ("1.2万", "no amount"),
        ("65,00", "no amount"),
        ("6500.505", "parts of a fen"),
        ("0.30000000000000004", "parts of a fen"),
        ("100000000000.01", "beyond all measure"),
    ],
)
def test_what_is_no_amount_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        fen_of_yuan(text)


@pytest.mark.parametrize(
    ("text", "meant"), [("是", True), (" Yes", True), ("否", False), ("n", False), ("0", False)]
)
def test_yes_and_no_are_read_in_both_languages(text: str, meant: bool) -> None:
    assert yes_or_no(text) is meant


def test_anything_between_yes_and_no_is_refused() -> None:
    with pytest.raises(ValueError, match="neither 是 nor 否"):
        yes_or_no("也许")


def test_a_text_that_is_too_long_is_refused_with_its_limit() -> None:
    assert short_enough("title", "x" * 200)
    with pytest.raises(ValueError, match="more than 200 characters"):
        short_enough("title", "x" * 201)
    with pytest.raises(ValueError, match="more than 500 characters"):
        short_enough("follow_up", "x" * 501)


def test_a_number_that_stands_again_points_to_where_it_stood_first() -> None:
    assert doubled(["a", "b", "a", "c", "a"]) == {2: 0, 4: 0}


def test_every_track_has_its_headers_and_no_header_means_two_columns() -> None:
    for track in Track:
        assert {*REQUIRED, *DETAILS[track], "mandatory"} <= set(HEADERS[track])
        assert len(set(HEADERS[track].values())) == len(HEADERS[track])
        assert not set(OTHER_HEADERS) & set(HEADERS[track].values())


def test_reports_pass_to_the_successor_and_nobody_is_above_oneself() -> None:
    above = {"L": "BOSS", "S": "X", "X": "L", "A": "L", "BOSS": None}
    # S reports to X, who reports to the leaver: under S both would stand above each other.
    assert new_superiors(["X", "A"], "L", "S", above) == {"X": "BOSS", "A": "S"}


def test_a_successor_from_the_own_team_reports_to_the_leavers_superior() -> None:
    above = {"L": "BOSS", "S": "L", "A": "L", "BOSS": None}
    assert new_superiors(["S", "A"], "L", "S", above) == {"S": "BOSS", "A": "S"}
    assert new_superiors(["S"], "L", "S", {"L": None, "S": "L"}) == {"S": None}


def test_a_circle_among_superiors_ends_the_search() -> None:
    assert new_superiors(["A"], "L", "S", {"L": None, "S": "T", "T": "S", "A": "L"}) == {"A": "S"}
