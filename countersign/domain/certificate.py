"""What a certificate of the end of an employment says: the four contents of 实施条例24, and nothing besides.

It names no reason that could harm the leaver: an article stands in it only where it blames nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from countersign.domain.date_words import en_date, zh_date
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


class ContractType(StrEnum):
    """How long a contract is made for (劳动合同法12)."""

    FIXED = "fixed"
    OPEN_ENDED = "open_ended"
    TASK = "task"


@dataclass(frozen=True)
class ContractTerm:
    """The term of a labour contract as it was agreed; only a fixed one has `ends_on`."""

    type: ContractType
    starts_on: date
    ends_on: date | None = None


def contract_term(type_: str | None, starts_on: date | None, ends_on: date | None) -> ContractTerm | None:
    """Return the term that the books hold; None while they do not hold all of it."""
    if type_ is None or starts_on is None:
        return None
    kind = ContractType(type_)
    if kind is ContractType.FIXED and ends_on is None:
        return None
    return ContractTerm(kind, starts_on, ends_on)


def term_words(term: ContractTerm | None, hired_on: date) -> tuple[str, str]:
    """Return the term in Chinese and English; what is not on record is left to the contract itself."""
    if term is None:
        return (
            f"自{zh_date(hired_on)}起，期限以劳动合同约定为准",
            f"from {en_date(hired_on)} on, for the term agreed in the contract",
        )
    first_zh, first_en = zh_date(term.starts_on), en_date(term.starts_on)
    if term.ends_on is not None:
        return f"{first_zh}起至{zh_date(term.ends_on)}止", f"{first_en} to {en_date(term.ends_on)}"
    if term.type is ContractType.TASK:
        return (
            f"以完成一定工作任务为期限，自{first_zh}起",
            f"until a task is completed, from {first_en} on",
        )
    return f"无固定期限，自{first_zh}起", f"open-ended, from {first_en} on"


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
