"""Results that explain themselves: every line with its formula in numbers, payer, article and status."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from countersign.domain.calculators.amounts import yuan
from countersign.domain.calculators.figure_names import in_words
from countersign.domain.tables.basis import Basis
from countersign.domain.tables.cells import Status


class Payer(StrEnum):
    """Who pays a line."""

    FUND = "fund"
    EMPLOYER = "employer"
    WORKER = "worker"
    THIRD_PARTY = "third_party"
    NOBODY = "nobody"


_PAYERS = {
    Payer.FUND: Basis("工伤保险基金支付", "paid by the insurance fund"),
    Payer.EMPLOYER: Basis("用人单位支付", "paid by the employer"),
    Payer.WORKER: Basis("劳动者负担", "borne by the worker"),
    Payer.THIRD_PARTY: Basis("第三人承担", "borne by the third party"),
    Payer.NOBODY: Basis("", ""),
}


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """What a line is about: a key for programs, a name in each language for people."""

    key: str
    zh: str
    en: str


class Line(NamedTuple):
    """One line of a result; `fen` is None where the tables contradict each other.

    `formula` holds numbers and signs only, so that it reads alike in every language. `monthly` lines are paid
    every month and stand in no total. `table` names the pack and version on which the line rests.
    """

    item: Item
    formula: str
    fen: int | None
    payer: Payer
    basis: Basis
    status: Status
    table: str
    monthly: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the line with a sentence in each language."""
        amount = None if self.fen is None else yuan(self.fen)
        return {
            "item": self.item.key,
            "formula": self.formula,
            "amount": amount,
            "payer": self.payer,
            "basis": self.basis.zh,
            "status": self.status,
            "table": self.table,
            "monthly": self.monthly,
            "text": {"zh-CN": self._chinese(amount), "en": self._english(amount)},
        }

    def _chinese(self, amount: str | None) -> str:
        result = "无法确定" if amount is None else f"{amount} 元{'/月' if self.monthly else ''}"
        payer = _PAYERS[self.payer].zh
        return (
            f"{self.item.zh}：{self.formula} = {result}{'，' if payer else ''}{payer}"
            f"（{self.basis.zh}，{self.status}）"
        )

    def _english(self, amount: str | None) -> str:
        result = "not certain" if amount is None else f"{amount} yuan{' a month' if self.monthly else ''}"
        payer = _PAYERS[self.payer].en
        return (
            f"{self.item.en}: {self.formula} = {result}{', ' if payer else ''}{payer}"
            f" ({self.basis.en}; {self.status})"
        )


@dataclass(frozen=True, slots=True)
class Doubt:
    """A warning about one case: what is said, and the values that stand in it."""

    saying: "Saying"
    values: tuple[tuple[str, object], ...] = ()
    stamps: bool = False
    """Whether the result is provisional for this reason."""

    @property
    def code(self) -> str:
        """The code for programs."""
        return self.saying.code

    def to_json(self) -> dict[str, str]:
        """Return code and sentences."""
        values = dict(self.values)
        return {
            "code": self.saying.code,
            "message": self.saying.en.format(**values),
            "message_zh": self.saying.zh.format(**values),
        }


@dataclass(frozen=True, slots=True)
class Saying:
    """A warning with places for its values: `{wage}` in both languages."""

    code: str
    en: str
    zh: str
    stamps: bool = False

    def about(self, **values: object) -> Doubt:
        """Fill in the values."""
        return Doubt(self, tuple(values.items()), self.stamps)


@dataclass
class Result:
    """A result while it is made: figures by name, lines, doubts, and whether a weak cell was used."""

    figures: dict[str, Any] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    weak: bool = False
    open: bool = False
    """Whether a fact is still to come without which the result cannot be final."""

    def add(self, line: Line) -> int | None:
        """Add a line; returns its fen."""
        self.lines.append(line)
        self.weak = self.weak or line.status.weak
        return line.fen

    def warn(self, doubt: Doubt) -> None:
        """Add a warning, once a code and sentence."""
        if doubt not in self.doubts:
            self.doubts.append(doubt)

    def take(self, said: Iterable[Line | Doubt]) -> None:
        """Add lines and warnings as they come."""
        for one in said:
            if isinstance(one, Line):
                self.add(one)
            else:
                self.warn(one)

    def used(self, *statuses: Status) -> None:
        """Remember cells on which a figure without a line rests."""
        self.weak = self.weak or any(status.weak for status in statuses)

    @property
    def provisional(self) -> bool:
        """Say whether a weak cell or a doubt makes the result provisional."""
        return self.weak or any(doubt.stamps for doubt in self.doubts)

    def to_json(self) -> dict[str, Any]:
        """Return figures, lines, warnings and the stamp."""
        return {
            **self.figures,
            "provisional": self.provisional,
            "final": not (self.provisional or self.open or any(line.fen is None for line in self.lines)),
            "warnings": [doubt.to_json() for doubt in self.doubts],
            "lines": [line.to_json() for line in self.lines],
        }


def total(lines: Iterable[Line], payer: Payer | None = None) -> int | None:
    """Add the one-off lines, of one payer or of all; None when a line is not certain."""
    fen = 0
    for line in lines:
        if line.monthly or (payer is not None and line.payer is not payer):
            continue
        if line.fen is None:
            return None
        fen += line.fen
    return fen


def shown_yuan(fen: int | None) -> str | None:
    """Write fen as yuan, None as None."""
    return None if fen is None else yuan(fen)


_TOLD_APART = {"provisional", "final", "basis", "basis_en", "table"}


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int)


def explanation(result: Mapping[str, Any], language: str) -> list[str]:
    """Return a result as sentences: its figures, its lines, then its warnings.

    `language` is `zh-CN` or `en`.
    """
    chinese = language == "zh-CN"
    said = [
        in_words(name, value, chinese)
        for name, value in result.items()
        if name not in _TOLD_APART and _plain(value)
    ]
    rows = [row for name in ("lines", "deadlines") for row in result.get(name, [])]
    said += [row["text"][language] for row in rows]
    for row in result.get("by_grade", []):
        told = [in_words(name, value, chinese) for name, value in row.items()]
        said.append(("，" if chinese else ", ").join(told))
    said += [warning["message_zh" if chinese else "message"] for warning in result["warnings"]]
    if result["provisional"]:
        said.append(
            "暂定结果：使用了未经证实或尚未公布的数据。"
            if chinese
            else "Provisional: unconfirmed or unpublished data was used."
        )
    return said
