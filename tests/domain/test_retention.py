"""How long a closed case is kept: terms by kind, the statutory minimum, the last day."""

from datetime import date

import pytest

from countersign.contracts.cases import Process
from countersign.domain.retention import DEFAULT_YEARS, Keeps, keeps_words, kept_until, retention_years
from countersign.settings import Settings


def test_every_kind_of_case_has_a_term_of_five_years_unless_the_company_says_otherwise() -> None:
    assert set(DEFAULT_YEARS) == {process.value for process in Process}
    assert retention_years({}) == {process.value: 5 for process in Process}
    assert retention_years({"acknowledgement": 2}) == {**DEFAULT_YEARS, "acknowledgement": 2}


@pytest.mark.parametrize(
    ("configured", "sentence"),
    [
        ({"leave_return": 1}, "leave_return says 1; give 2 to 100 years"),
        ({"leave_return": 101}, "leave_return says 101"),
        ({"payroll": 5}, "'payroll' is no kind of case; known: leave_return, acknowledgement"),
    ],
)
def test_a_term_below_the_statutory_minimum_is_refused_in_words(
    configured: dict[str, int], sentence: str
) -> None:
    with pytest.raises(ValueError, match=r"^retention_years: ") as refused:
        retention_years(configured)
    assert sentence in str(refused.value)
    with pytest.raises(ValueError, match="retention_years: "):
        Settings(retention_years=configured, _env_file=None)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("closed_on", "years", "last"),
    [
        (date(2026, 3, 2), 5, date(2031, 3, 2)),
        (date(2028, 2, 29), 2, date(2030, 2, 28)),
        (date(2028, 2, 29), 4, date(2032, 2, 29)),
    ],
)
def test_the_last_day_is_the_same_day_years_later(closed_on: date, years: int, last: date) -> None:
    assert kept_until(closed_on, years) == last


def test_what_keeps_a_case_is_said_in_both_languages() -> None:
    for keeps in Keeps:
        assert keeps_words(keeps, "zh-CN") != keeps_words(keeps, "en")
