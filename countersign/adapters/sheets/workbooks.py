"""What a file is, by its content, and the rows of the one sheet that counts."""

import codecs
import io
import re
from typing import Any

import python_calamine

from countersign.adapters.sheets.compound_files import ole_scans
from countersign.adapters.sheets.hidden import Scan, damaged, encrypted, refuse_hidden_faults
from countersign.adapters.sheets.table import Grid, InputFault, cell_of, cell_text
from countersign.adapters.sheets.text_files import csv_rows
from countersign.adapters.sheets.zipped import zip_scans

MAX_CELLS = 10_000_000

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|meta|table|body|style|div)\b", re.IGNORECASE)


def grid_of(data: bytes, source: str) -> Grid:
    """Return the raw rows of a file; raises `InputFault` for what is no single table."""
    if not data.strip():
        raise InputFault(f"{source}: is empty")
    if data.startswith(b"PK"):
        return _workbook(data, zip_scans(data, source), source)
    if data.startswith(OLE_MAGIC):
        return _workbook(data, ole_scans(data, source), source)
    head = data.removeprefix(codecs.BOM_UTF8).lstrip()[:2000]
    if head.startswith(b"<"):
        raise InputFault(_markup(head, source))
    return Grid(csv_rows(data, source))


def _markup(head: bytes, source: str) -> str:
    if _HTML.search(head):
        return (
            f"{source}: is a web page (HTML) with the name of a spreadsheet; open it in Excel or WPS and "
            "save it as .xlsx"
        )
    if b"Excel.Sheet" in head or b"office:spreadsheet" in head:
        return f"{source}: is an XML spreadsheet of 2003; open it in Excel or WPS and save it as .xlsx"
    return f"{source}: is an XML file and no spreadsheet; open it in Excel or WPS and save it as .xlsx"


def _workbook(data: bytes, scans: list[Scan], source: str) -> Grid:
    for scan in scans:
        if scan.rows * scan.columns > MAX_CELLS:
            raise InputFault(
                f"{source}: its cells spread over {scan.rows} rows and {scan.columns} columns; "
                "delete what stands far outside the table, or split the file"
            )
    try:
        book = python_calamine.load_workbook(io.BytesIO(data))
        visible = [
            index
            for index, sheet in enumerate(book.sheets_metadata)
            if sheet.typ is python_calamine.SheetTypeEnum.WorkSheet
            and sheet.visible is python_calamine.SheetVisibleEnum.Visible
        ]
        grids = [(index, list(book.get_sheet_by_index(index).iter_rows())) for index in visible]
    except python_calamine.PasswordError:
        raise InputFault(encrypted(source)) from None
    except BaseException as error:
        # A broken file can make the reader panic, which arrives outside `Exception`.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise InputFault(damaged(source)) from None
        raise
    if len(scans) != len(book.sheets_metadata):
        raise InputFault(damaged(source))
    # A sheet of nothing but error cells looks empty to the reader.
    filled = [(i, rows) for i, rows in grids if scans[i].errors or scans[i].unvalued or any(map(any, rows))]
    if not filled:
        raise InputFault(f"{source}: holds no visible sheet with a table")
    index, rows = filled[0]
    scan = scans[index]
    refuse_hidden_faults(scan, source)
    _refuse_second_table(rows, [others for _, others in filled[1:]], source)
    return Grid(rows, scan.merged)


def _refuse_second_table(rows: list[list[Any]], others: list[list[list[Any]]], source: str) -> None:
    def first_row(table: list[list[Any]]) -> list[str]:
        cells = ([cell_text(c) for c in map(cell_of, row) if c is not None] for row in table)
        return next((row for row in cells if row), [])

    if any(first_row(other) == first_row(rows) for other in others):
        raise InputFault(f"{source}: two sheets hold the same headers; put all rows into the first sheet")
