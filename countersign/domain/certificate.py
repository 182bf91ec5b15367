"""What a certificate of the end of an employment says: the four contents of 实施条例24, and nothing besides.

It names no reason that could harm the leaver: an article stands in it only where it blames nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from countersign.domain.departure import Ground

_LAW_ZH, _LAW_EN = "《中华人民共和国劳动合同法》", "the Labour Contract Law of the People's Republic of China"

NEUTRAL: Mapping[Ground, tuple[str, str]] = {
    Ground.AGREEMENT: (f"依照{_LAW_ZH}第三十六条解除", f"dissolved under article 36 of {_LAW_EN}"),
    Ground.RESIGNATION: (f"依照{_LAW_ZH}第三十七条解除", f"dissolved under article 37 of {_LAW_EN}"),
    Ground.EMPLOYER_FAULT: (f"依照{_LAW_ZH}解除", f"dissolved under {_LAW_EN}"),
    Ground.WORKER_FAULT: (f"依照{_LAW_ZH}解除", f"dissolved under {_LAW_EN}"),
    Ground.NO_FAULT: (f"依照{_LAW_ZH}解除", f"dissolved under {_LAW_EN}"),
    Ground.LAYOFF: (f"依照{_LAW_ZH}解除", f"dissolved under {_LAW_EN}"),
    Ground.EXPIRY: (f"依照{_LAW_ZH}第四十四条终止", f"terminated under article 44 of {_LAW_EN}"),
}
"""How the end is called in Chinese and English: 终止 is an end by itself, 解除 one that somebody made."""


@dataclass(frozen=True)
class Tenure:
    """How long somebody worked for this employer: whole years, then whole months, then days."""

    years: int
    months: int
    days: int


def tenure(hired_on: date, ended_on: date) -> Tenure:
    """Return the time from the first to the last day, both counted. Raises `ValueError` for an end before."""
    if ended_on < hired_on:
        raise ValueError("the employment would end before it began; correct its first day")
    after = ended_on + timedelta(days=1)
    months = (after.year - hired_on.year) * 12 + after.month - hired_on.month
    if _month_on(hired_on, months) > after:
        months -= 1
    return Tenure(months // 12, months % 12, (after - _month_on(hired_on, months)).days)


def _month_on(first: date, months: int) -> date:
    """Return the same day so many months on; the first of the month after where a month has no such day."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    try:
        return date(year, month + 1, first.day)
    except ValueError:
        return date(year + (month == 11), (month + 1) % 12 + 1, 1)
