"""A list of what employees hold, from a file: every fault of every row is named."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from countersign.adapters.sheets import (
    Cell,
    Columns,
    DestroyedNumber,
    InputFault,
    RowError,
    Sheet,
    cell_text,
)
from countersign.domain.departure import Track
from countersign.domain.holdings import (
    DETAILS,
    HEADERS,
    OTHER_HEADERS,
    REQUIRED,
    HoldingFault,
    HoldingWish,
    fen_of_yuan,
    short_enough,
    yes_or_no,
)

_T = TypeVar("_T")
COLUMNS: Mapping[Track, Columns] = {
    track: Columns(headers, REQUIRED, OTHER_HEADERS) for track, headers in HEADERS.items()
}
_SHEETS = {Track.DOCUMENTS: "工作文件", Track.CUSTOMERS: "客户", Track.EQUIPMENT: "资产"}
_EXAMPLES: Mapping[str, tuple[str, str]] = {
    "reference": ("W-2026-014", "its number in the system it comes from, as text"),
    "title": ("", "up to 200 characters"),
    "holder": ("E1042", "employee number of who holds it"),
    "receiver": ("E1050", "employee number of who shall take it over; may be empty"),
    "mandatory": ("是", "是 or 否; empty means 是"),
    "location": ("文件柜 A-3 / 共享盘 销售部", "where it lies; may be empty"),
    "kind": ("合同", "what it is; may be empty"),
    "contact_name": ("刘洋", "with whom one speaks there; may be empty"),
    "contact_way": ("13800138000", "telephone or e-mail, as text; may be empty"),
    "follow_up": ("报价已发，待回复", "how far one is; may be empty"),
    "model": ("ThinkPad T14", "may be empty"),
    "serial_number": ("PF3A1B2C", "as text; may be empty"),
    "condition": ("九成新", "in which condition it was given out; may be empty"),
    "value": ("6500.00", "yuan, at most two decimals; may be empty"),
}
_TITLES = {
    Track.DOCUMENTS: "年度采购合同",
    Track.CUSTOMERS: "某某商贸有限公司",
    Track.EQUIPMENT: "笔记本电脑",
}


@dataclass(frozen=True)
class HoldingsRead:
    """What a file says: by row the holdings that can be told at all, and everything that is wrong.

    A row with a fault in a lesser cell stands in both, so that its people are looked up all the same.
    """

    columns: Columns
    wishes: dict[int, HoldingWish] = field(repr=False)
    rejected: list[RowError]

    def in_row(self, row: int, fault: HoldingFault) -> RowError:
        """Return what is wrong with a holding as a fault of the row that it stands in."""
        return self.columns.error(row, fault.field, fault.code, fault.sentence)


def read_holdings(sheet: Sheet, track: Track) -> HoldingsRead:
    """Read a list of one track; a header in English or Chinese, in any order.

    A missing column and an empty cell say the same: nothing is known of that, and a holding is mandatory.
    A number that stands twice is refused where it stands again. Raises `InputFault` for a list without rows.
    """
    columns, errors = COLUMNS[track].read(sheet)
    own = COLUMNS[track].as_written(columns)
    if errors:
        return HoldingsRead(own, {}, errors)
    if not sheet.rows:
        raise InputFault(f"{sheet.source}: holds nothing; write one holding per row")
    wishes: dict[int, HoldingWish] = {}
    first: dict[str, int] = {}
    for row in sheet.rows:
        cells = {columns[header]: cell for header, cell in row.cells.items()}
        wish, found = _Row(row.number, track, own, cells).read()
        errors += found
        if wish is not None and wish.reference in first:
            sentence = f"stands in row {first[wish.reference]} already; keep one of the two"
            errors.append(own.error(row.number, "reference", "duplicate", sentence))
        elif wish is not None:
            first[wish.reference] = row.number
            wishes[row.number] = wish
    return HoldingsRead(own, wishes, errors)


@dataclass(frozen=True)
class _Row:
    """One row on its way to a holding. Numbers lead to people: no refusal repeats one."""

    number: int
    track: Track
    columns: Columns
    cells: Mapping[str, Cell]
    errors: list[RowError] = field(default_factory=list)

    def read(self) -> tuple[HoldingWish | None, list[RowError]]:
        """Return the holding where its number, name and holder are told, and all that is wrong."""
        for name in REQUIRED:
            if name not in self.cells:
                self._refuse(name, "missing", "the cell is empty; fill it or delete the row")
        reference, title = self._text("reference"), self._text("title")
        holder, receiver = self._text("holder"), self._text("receiver")
        details = {name: text for name in DETAILS[self.track] if (text := self._text(name)) is not None}
        mandatory = self._read("mandatory", "bad_choice", lambda cell: yes_or_no(_word(cell)))
        value = self._read("value", "bad_amount", lambda cell: fen_of_yuan(cell_text(cell)))
        if reference is None or title is None or holder is None:
            return None, self.errors
        told = HoldingWish(
            track=self.track,
            reference=reference,
            holder=holder,
            title=title,
            details=details,
            mandatory=mandatory is not False,
            value_fen=value,
            receiver=receiver,
        )
        return told, self.errors

    def _text(self, name: str) -> str | None:
        return self._read(name, "bad_text", lambda cell: short_enough(name, cell_text(cell)))

    def _read(self, name: str, code: str, read: Callable[[Cell], _T]) -> _T | None:
        cell = self.cells.get(name)
        if cell is None:
            return None
        if isinstance(cell, DestroyedNumber):
            self._refuse(name, "destroyed_number", _DESTROYED)
            return None
        try:
            return read(cell)
        except ValueError as fault:
            self._refuse(name, code, str(fault))
            return None

    def _refuse(self, name: str, code: str, sentence: str) -> None:
        self.errors.append(self.columns.error(self.number, name, code, sentence))


_DESTROYED = "has lost its last digits in the table; format the column as text and write it again"


def _word(cell: Cell) -> str:
    return cell_text(cell).casefold()


def holdings_template(track: Track) -> bytes:
    """Return an empty list (.xlsx) of one track with the headers and, on a second sheet, examples."""
    names = tuple(HEADERS[track])
    widths = [(14 if name in ("mandatory", "value") else 24, "@") for name in names]
    examples = {**_EXAMPLES, "title": (_TITLES[track], _EXAMPLES["title"][1])}
    return COLUMNS[track].template(_SHEETS[track], widths, [(name, *examples[name]) for name in names])
