"""A table as it is read: cells with exact values, rows by header; and what is no table, in words."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from countersign.domain.yaml_text import InputError, shown

MAX_INFLATED_BYTES = 200 * 1024 * 1024

MAX_ROWS = 200_000
"""Rows of one table: each is looked at as a whole before anything is written."""

_MAX_EXACT = 10**15
_SPACES = re.compile(r"\s+")
_CONTROL = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if not _SPACES.match(chr(code))]
_INVISIBLE = dict.fromkeys(
    map(ord, (*_CONTROL, *"\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"))
)
_SHORTENED_NUMBER = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+[0-9]+")
_TOTALS = {"合计", "总计", "共计", "total", "totals", "grandtotal", "sum"}


class InputFault(InputError):
    """A file that cannot be taken as a whole; one sentence with file, place and remedy."""


@dataclass(frozen=True)
class RowError:
    """Why one cell of a file is refused: its row in the file (from 1), its header, a code, a sentence."""

    row: int
    column: str
    code: str
    message: str


@dataclass(frozen=True)
class DestroyedNumber:
    """A number of more than 15 digits in a numeric cell: the file no longer holds its last digits."""

    seen: str


Cell = str | Decimal | bool | date | datetime | time | timedelta | DestroyedNumber


@dataclass(frozen=True)
class SheetRow:
    """One row: its number in the file (from 1) and its cells by header; empty cells are not in it."""

    number: int
    cells: dict[str, Cell]


@dataclass(frozen=True)
class Sheet:
    """A table: the file's base name, the row of the headers (from 1), headers, and rows with any content."""

    source: str
    header_row: int
    headers: tuple[str, ...]
    rows: tuple[SheetRow, ...]


def cell_text(cell: Cell) -> str:
    """Write a cell as text: a whole number as its digits, a date as YYYY-MM-DD."""
    if isinstance(cell, Decimal):
        return str(int(cell)) if cell == cell.to_integral_value() else format(cell, "f")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return cell.seen if isinstance(cell, DestroyedNumber) else str(cell)


def tidy(text: str) -> str:
    """Return text as it is compared: NFKC, without invisible characters, one space for any space.

    Some programs fill their fields with U+0000, which no database keeps and no paper prints.
    """
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFKC", text.translate(_INVISIBLE))
    return _SPACES.sub(" ", text).strip()


def column_letters(index: int) -> str:
    """Return a column's letters; 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


@dataclass
class Grid:
    """Rows of raw values from the file's first row and column on, and its merged ranges (from 0)."""

    rows: Iterable[list[Any]]
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def table_of(grid: Grid, source: str) -> Sheet:
    """Take the headers and the rows with content out of a grid; raises `InputFault`."""
    rows = enumerate(([cell_of(value) for value in row] for row in grid.rows), start=1)
    header_row, header_cells = next(((n, row) for n, row in rows if _filled(row)), (0, []))
    if not header_row:
        raise InputFault(f"{source}: holds no table; the first row must hold the headers")
    _refuse_merged(grid.merged, header_row, source)
    headers = _headers(header_cells, header_row, source)
    taken: list[SheetRow] = []
    for number, row in rows:
        if not _filled(row):
            continue
        _refuse_totals(row, number, source)
        for index, cell in enumerate(row):
            if cell is not None and (index >= len(headers) or not headers[index]):
                place = f"{column_letters(index)}{number}"
                raise InputFault(f"{source}: cell {place} holds a value, but its column has no header")
        if len(taken) == MAX_ROWS:
            raise InputFault(f"{source}: holds more than {MAX_ROWS} rows; split it into several files")
        cells = {header: cell for header, cell in zip(headers, row, strict=False) if cell is not None}
        taken.append(SheetRow(number, cells))
    return Sheet(source, header_row, tuple(header for header in headers if header), tuple(taken))


def _filled(row: list[Cell | None]) -> bool:
    return any(cell is not None for cell in row)


def cell_of(value: Any) -> Cell | None:
    """Return what a raw value means; None for what counts as empty."""
    if isinstance(value, str):
        text = tidy(value) if value else ""
        if not text:
            return None
        return DestroyedNumber(text) if _SHORTENED_NUMBER.fullmatch(text) else text
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        # The shortest decimal that reads back as the same float is what was typed.
        return DestroyedNumber(f"{value:.15g}") if abs(value) >= _MAX_EXACT else Decimal(repr(value))
    if isinstance(value, datetime | date | time | timedelta):
        return value
    return None


def _headers(row: list[Cell | None], number: int, source: str) -> list[str]:
    headers = ["" if cell is None else cell_text(cell) for cell in row]
    seen: dict[str, int] = {}
    for index, header in enumerate(headers):
        if header and header in seen:
            raise InputFault(
                f"{source}: row {number}, columns {column_letters(seen[header])} and {column_letters(index)} "
                f"have the same header {shown(header)}; keep one of them"
            )
        seen[header] = index
    return headers


def _refuse_merged(merged: list[tuple[int, int, int, int]], header_row: int, source: str) -> None:
    for first_row, last_row, first_column, last_column in sorted(merged):
        if (first_row, first_column) == (last_row, last_column):
            continue
        place = f"{column_letters(first_column)}{first_row + 1}:{column_letters(last_column)}{last_row + 1}"
        if first_row < header_row:
            raise InputFault(
                f"{source}: row {first_row + 1} has merged cells ({place}) where the headers stand; "
                "unmerge them and give every column one header in the first row"
            )
        raise InputFault(
            f"{source}: row {first_row + 1} has merged cells ({place}), of which only the first holds the "
            "value; unmerge them and fill every row"
        )


def _refuse_totals(row: list[Cell | None], number: int, source: str) -> None:
    first = next(cell for cell in row if cell is not None)
    if isinstance(first, str) and first.replace(" ", "").rstrip(":").casefold() in _TOTALS:
        raise InputFault(f"{source}: row {number} is a totals row ({shown(first)}); delete it")
