"""A list of people who leave, from a file: who, how, on which last day, told when, and who takes over."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic_core import PydanticCustomError

from countersign.adapters.database.departure_terms import DepartureWish
from countersign.adapters.roster import read_day
from countersign.adapters.sheets import (
    Cell,
    Columns,
    DestroyedNumber,
    InputFault,
    RowError,
    Sheet,
    cell_text,
)
from countersign.domain.departure import ARTICLE, GROUNDS, DepartureKind, Ground
from countersign.domain.yaml_text import shown

_T = TypeVar("_T")
COLUMNS = Columns(
    {
        "number": "工号",
        "kind": "离职类型",
        "ground": "离职原因依据",
        "last_day": "最后工作日",
        "noticed_on": "提出日期",
        "successor": "接收人工号",
    },
    ("number", "kind", "last_day", "noticed_on"),
    {
        "离职依据": "ground",
        "最后工作日期": "last_day",
        "receiver": "successor",
        "receiver_number": "successor",
    },
)
KINDS: Mapping[str, DepartureKind] = {
    "辞职": DepartureKind.RESIGNATION,
    "辞退": DepartureKind.DISMISSAL,
    "合同到期": DepartureKind.CONTRACT_END,
    "协商一致": DepartureKind.MUTUAL,
    "擅自离岗": DepartureKind.ABSENCE,
} | {kind.value: kind for kind in DepartureKind}
_GROUND_WORDS: Mapping[str, Ground] = {
    "协商一致": Ground.AGREEMENT,
    "本人辞职": Ground.RESIGNATION,
    "单位过错": Ground.EMPLOYER_FAULT,
    "本人过错": Ground.WORKER_FAULT,
    "严重违纪": Ground.WORKER_FAULT,
    "无过失性辞退": Ground.NO_FAULT,
    "经济性裁员": Ground.LAYOFF,
    "合同期满": Ground.EXPIRY,
}
GROUND_WORDS: Mapping[str, Ground] = (
    dict(_GROUND_WORDS)
    | {f"第{article.removeprefix('劳动合同法')}条": ground for ground, article in ARTICLE.items()}
    | {article: ground for ground, article in ARTICLE.items()}
    | {ground.value: ground for ground in Ground}
)
"""How a list may name a ground: in words, by its article, or by its name in the API."""


@dataclass(frozen=True)
class LeaversRead:
    """What a file says: the departures of rows without a fault, by row, and everything that is wrong."""

    columns: Columns
    wishes: dict[int, DepartureWish] = field(repr=False)
    rejected: list[RowError]


def read_leavers(sheet: Sheet) -> LeaversRead:
    """Read a list of leavers; `离职原因依据` and `接收人工号` may be left out.

    Somebody who stands twice is refused where they stand again. Raises `InputFault` for a list without rows.
    """
    columns, errors = COLUMNS.read(sheet)
    own = COLUMNS.as_written(columns)
    if errors:
        return LeaversRead(own, {}, errors)
    if not sheet.rows:
        raise InputFault(f"{sheet.source}: holds nobody; write one leaver per row")
    wishes: dict[int, DepartureWish] = {}
    first: dict[str, int] = {}
    for row in sheet.rows:
        cells = {columns[header]: cell for header, cell in row.cells.items()}
        wish, found = _Row(row.number, own, cells).read()
        if wish is not None and wish.employee in first:
            sentence = f"stands in row {first[wish.employee]} already; keep one of the two"
            found = [own.error(row.number, "number", "duplicate", sentence)]
        elif wish is not None:
            first[wish.employee] = row.number
            wishes[row.number] = wish
        errors += found
    return LeaversRead(own, wishes, errors)


@dataclass(frozen=True)
class _Row:
    """One row on its way to a departure. Numbers lead to people: no refusal repeats one."""

    number: int
    columns: Columns
    cells: Mapping[str, Cell]
    errors: list[RowError] = field(default_factory=list)

    def read(self) -> tuple[DepartureWish | None, list[RowError]]:
        """Return what is to be started, or everything that is wrong with the row."""
        for name in self.columns.required:
            if name not in self.cells:
                self._refuse(name, "missing", "the cell is empty; fill it or delete the row")
        number = self._read("number", "bad_text", cell_text)
        successor = self._read("successor", "bad_text", cell_text)
        kind = self._read("kind", "bad_choice", _kind)
        ground = self._read("ground", "bad_choice", _ground)
        last_day = self._read("last_day", "bad_date", read_day)
        noticed_on = self._read("noticed_on", "bad_date", read_day)
        if kind is not None and ground is not None and ground not in GROUNDS[kind]:
            known = ", ".join(ARTICLE[one] for one in GROUNDS[kind])
            self._refuse(
                "ground", "conflict", f"does not belong to this kind of departure; possible: {known}"
            )
        if self.errors or number is None or kind is None or last_day is None or noticed_on is None:
            return None, self.errors
        return DepartureWish(number, kind, last_day, noticed_on, ground, successor=successor), []

    def _read(self, name: str, code: str, read: Callable[[Cell], _T]) -> _T | None:
        cell = self.cells.get(name)
        if cell is None:
            return None
        if isinstance(cell, DestroyedNumber):
            sentence = "has lost its last digits in the table; format the column as text and write it again"
            self._refuse(name, "destroyed_number", sentence)
            return None
        try:
            return read(cell)
        except PydanticCustomError as fault:
            self._refuse(name, fault.type, fault.message())
        except ValueError as fault:
            self._refuse(name, code, str(fault))
        return None

    def _refuse(self, name: str, code: str, sentence: str) -> None:
        self.errors.append(self.columns.error(self.number, name, code, sentence))


def _kind(cell: Cell) -> DepartureKind:
    text = cell_text(cell)
    kind = KINDS.get(text) or KINDS.get(text.casefold())
    if kind is None:
        raise ValueError(f"is the unknown kind {shown(text)}; known: {', '.join(KINDS)}")
    return kind


def _ground(cell: Cell) -> Ground:
    text = cell_text(cell)
    ground = GROUND_WORDS.get(text) or GROUND_WORDS.get(text.replace(" ", "").casefold())
    if ground is None:
        raise ValueError(f"is the unknown ground {shown(text)}; known: {', '.join(GROUND_WORDS)}")
    return ground


def leavers_template() -> bytes:
    """Return an empty list (.xlsx) with the headers and, on a second sheet, aliases and an example."""
    widths = ((16, "@"), (16, "@"), (20, "@"), (16, "yyyy-mm-dd"), (16, "yyyy-mm-dd"), (16, "@"))
    return COLUMNS.template("离职", widths, _EXAMPLES)


_EXAMPLES = (
    ("number", "E1042", "employee number"),
    ("kind", "辞职", ", ".join(KINDS)),
    ("ground", "劳动合同法37", ", ".join(GROUND_WORDS) + "; empty means the usual one of the kind"),
    ("last_day", "2026-04-10", "a day from today on"),
    ("noticed_on", "2026-03-11", "the day on which somebody gave notice, or both agreed"),
    ("successor", "E1050", "employee number of who takes over; may be empty"),
)
