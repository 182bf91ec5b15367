"""A table handed back with its faults: the same rows, faulty cells in colour with what to do as a comment.

The first sheet keeps rows and headers as they were, so that it can be mended and handed in again.
"""

import io
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from countersign.adapters.sheets import Cell, RowError, Sheet, cell_text

_COMMENTS = 5000
"""Beyond so many, office programs open a file slowly; the second sheet has them all."""
_DIGITS = 15


@dataclass(frozen=True)
class Words:
    """What the workbook says: the names of its two sheets, and the headers of the list of faults."""

    table: str
    faults: str
    headers: tuple[str, str, str, str]


def error_workbook(
    sheet: Sheet, faults: Sequence[RowError], words: Words, told: Callable[[str], str]
) -> bytes:
    """Return an .xlsx of the table and its faults; `told` gives a fault's sentence to the reader."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        _Table(book, sheet, words.table).draw(faults, told)
        _list(book, faults, words, told)
    return out.getvalue()


def bare(fault: RowError) -> str:
    """Return a fault's sentence without its place."""
    return fault.message.removeprefix(f"row {fault.row}, {fault.column}: ")


class _Table:
    """The rows as they were, each in the line that it has in the file."""

    def __init__(self, book: Any, sheet: Sheet, name: str) -> None:
        self._sheet, self._page = sheet, book.add_worksheet(name)
        self._plain = _formats(book, {})
        self._wrong = _formats(book, {"bg_color": "#FFD9D6", "font_color": "#9C0006"})
        self._header = book.add_format({"bold": True, "num_format": "@"})
        self._wrong_header = book.add_format({"bold": True, "bg_color": "#FFD9D6"})

    def draw(self, faults: Sequence[RowError], told: Callable[[str], str]) -> None:
        """Write headers, rows and comments."""
        wrong: dict[tuple[int, str], list[str]] = defaultdict(list)
        for fault in faults:
            wrong[fault.row, fault.column].append(told(bare(fault)))
        top = self._sheet.header_row
        columns = {header: index for index, header in enumerate(self._sheet.headers)}
        self._page.set_column(0, max(len(columns) - 1, 0), 18)
        self._page.freeze_panes(top, 0)
        for header, column in columns.items():
            style = self._wrong_header if (top, header) in wrong else self._header
            self._page.write_string(top - 1, column, header, style)
        for row in self._sheet.rows:
            for header, column in columns.items():
                bad = (row.number, header) in wrong
                self._write(row.number - 1, column, row.cells.get(header), bad=bad)
        for (row_number, header), sentences in list(wrong.items())[:_COMMENTS]:
            if header in columns:
                self._page.write_comment(
                    row_number - 1, columns[header], "\n".join(sentences), {"x_scale": 2, "author": ""}
                )

    def _write(self, row: int, column: int, cell: Cell | None, *, bad: bool) -> None:
        text, day, moment = self._wrong if bad else self._plain
        if cell is None:
            if bad:
                self._page.write_blank(row, column, None, text)
        elif isinstance(cell, datetime):
            midnight = cell.time() == time(0)
            self._page.write_datetime(row, column, cell.replace(tzinfo=None), day if midnight else moment)
        elif isinstance(cell, date):
            self._page.write_datetime(row, column, cell, day)
        elif isinstance(cell, Decimal) and not bad and len(cell.as_tuple().digits) <= _DIGITS:
            self._page.write_number(row, column, cell)
        else:
            self._page.write_string(row, column, cell_text(cell), text)


def _formats(book: Any, style: dict[str, str]) -> tuple[Any, Any, Any]:
    """Return the formats of texts, days and moments."""
    forms = ("@", "yyyy-mm-dd", "yyyy-mm-dd hh:mm")
    text, day, moment = (book.add_format({**style, "num_format": form}) for form in forms)
    return text, day, moment


def _list(book: Any, faults: Sequence[RowError], words: Words, told: Callable[[str], str]) -> None:
    page = book.add_worksheet(words.faults)
    page.set_column(0, 0, 8)
    page.set_column(1, 2, 20)
    page.set_column(3, 3, 90)
    bold = book.add_format({"bold": True})
    page.write_row(0, 0, words.headers, bold)
    page.freeze_panes(1, 0)
    for number, fault in enumerate(faults, start=1):
        page.write_number(number, 0, fault.row)
        for column, text in enumerate((fault.column, fault.code, told(bare(fault))), start=1):
            page.write_string(number, column, text)
