"""How long a closed case keeps its personal values, by its kind, and what keeps it longer.

The term is the company's; the statutory minimum is not: the text of an ended labour contract is kept for two
years at least (劳动合同法 art. 50 para. 3), and what was said about the employment is kept no shorter.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

MINIMUM_YEARS = 2
MOST_YEARS = 100

DEFAULT_YEARS = {"leave_return": 5, "acknowledgement": 5, "offboarding": 5, "handover": 5, "statutory": 5}
"""The shipped terms in years after the closing, by kind of case."""


class Keeps(StrEnum):
    """What keeps the values of a closed case."""

    TERM = "term"
    HOLD = "hold"
    HEIR_OPEN = "heir_open"
    HEIR_TERM = "heir_term"


_WORDS = {
    Keeps.TERM: {
        "zh-CN": "保存期限尚未届满",
        "en": "its term is not over yet",
    },
    Keeps.HOLD: {
        "zh-CN": "本案或继承其证据的案件处于法律保全中",
        "en": "it, or a case that inherits its evidence, is under legal hold",
    },
    Keeps.HEIR_OPEN: {
        "zh-CN": "继承其证据的案件尚未结案",
        "en": "a case that inherits its evidence is still open",
    },
    Keeps.HEIR_TERM: {
        "zh-CN": "继承其证据的案件保存期限尚未届满",
        "en": "the term of a case that inherits its evidence is not over yet",
    },
}


def keeps_words(keeps: Keeps, language: str) -> str:
    """Return the words for what keeps a case, in `zh-CN` or `en`."""
    return _WORDS[keeps][language]


def retention_years(configured: Mapping[str, int]) -> dict[str, int]:
    """Return the term in years of every kind of case: the shipped ones with the company's put over them.

    Raises `ValueError` with one sentence for a kind that does not exist and for a term below the minimum.
    """
    for kind, years in configured.items():
        if kind not in DEFAULT_YEARS:
            known = ", ".join(DEFAULT_YEARS)
            raise ValueError(f"retention_years: {kind[:40]!a} is no kind of case; known: {known}")
        if not MINIMUM_YEARS <= years <= MOST_YEARS:
            raise ValueError(
                f"retention_years: {kind} says {years}; give {MINIMUM_YEARS} to {MOST_YEARS} years, since "
                f"the text of an ended labour contract must be kept for {MINIMUM_YEARS} (劳动合同法 art. 50)"
            )
    return DEFAULT_YEARS | dict(configured)


def kept_until(closed_on: date, years: int) -> date:
    """Return the last day on which the values must still be there: the same day, `years` later.

    What is closed on 29 February is kept until 28 February of a year without that day; the day of closing
    itself is not counted (民法典 art. 201, 202).
    """
    year = closed_on.year + years
    try:
        return closed_on.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
