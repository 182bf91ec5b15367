"""One table out of a workbook or CSV file, as people and HR systems really send them.

A gate stands before the reader: it tells by content what a file is, refuses archives that inflate without
measure, and looks for what the reader would hide - error cells, formulas without a value and merged cells
all come out of it as empty cells.
"""

from pathlib import Path

from countersign.adapters.sheets.columns import Columns
from countersign.adapters.sheets.table import (
    MAX_INFLATED_BYTES,
    Cell,
    DestroyedNumber,
    InputFault,
    RowError,
    Sheet,
    SheetRow,
    cell_text,
    column_letters,
    table_of,
    tidy,
)
from countersign.adapters.sheets.workbooks import grid_of

__all__ = [
    "Cell",
    "Columns",
    "DestroyedNumber",
    "InputFault",
    "RowError",
    "Sheet",
    "SheetRow",
    "cell_text",
    "column_letters",
    "read_sheet",
    "read_table",
    "tidy",
]


def read_sheet(path: Path) -> Sheet:
    """Read the first visible sheet with content of .xlsx, .xls, .xlsb, .ods, or a CSV in UTF-8 or GB18030.

    What the file is, its content says, not its name. The first row with content holds the headers. Text is
    NFKC-normalised, stripped, and runs of white space in it are one space; numbers are exact decimals.
    Raises `InputFault` for files that are no table, and for whole-table faults: error cells, formulas
    without a stored value, merged cells, a totals row, missing or doubled headers, a second table.
    """
    source = path.name
    try:
        if path.stat().st_size > MAX_INFLATED_BYTES:
            raise InputFault(f"{source}: is larger than 200 MB; split it into several files")
        data = path.read_bytes()
    except OSError as error:
        raise InputFault(f"{source}: cannot be read ({error.strerror or error})") from None
    return read_table(data, source)


def read_table(data: bytes, source: str) -> Sheet:
    """Read a file's bytes like `read_sheet`; `source` is the name that refusals say."""
    return table_of(grid_of(data, source), source)
