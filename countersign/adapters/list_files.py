"""Lists to take along: the same rows as a workbook or as CSV that Excel opens rightly."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime

import xlsxwriter  # type: ignore[import-untyped]

from countersign.domain.local_time import ZONE, to_the_minute

Value = str | int | date | datetime | None
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def workbook(headers: Sequence[str], rows: Iterable[Sequence[Value]], sheet: str) -> bytes:
    """Return an .xlsx with one sheet; instants are local, texts are never taken for formulas."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        page = book.add_worksheet(sheet[:31])
        bold = book.add_format({"bold": True})
        day, moment = (book.add_format({"num_format": f}) for f in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm"))
        page.write_row(0, 0, headers, bold)
        page.freeze_panes(1, 0)
        widths = [len(header) * 2 for header in headers]
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                if isinstance(value, datetime):
                    page.write_datetime(number, column, value.astimezone(ZONE).replace(tzinfo=None), moment)
                elif isinstance(value, date):
                    page.write_datetime(number, column, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001
                elif isinstance(value, int):
                    page.write_number(number, column, value)
                elif value is not None:
                    page.write_string(number, column, value)
                widths[column] = max(widths[column], min(len(_text(value)) + 2, 60))
        for column, width in enumerate(widths):
            page.set_column(column, column, width)
        page.autofilter(0, 0, 0, len(headers) - 1)
    return out.getvalue()


def csv_file(headers: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """Return CSV in UTF-8 with the mark by which Excel knows it.

    A text that a spreadsheet would take for a formula gets an apostrophe: what people typed must run nowhere.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(headers)
    for row in rows:
        writer.writerow([_harmless(value) if isinstance(value, str) else _text(value) for value in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text


def _text(value: Value) -> str:
    if isinstance(value, datetime):
        return to_the_minute(value)
    return "" if value is None else str(value)
