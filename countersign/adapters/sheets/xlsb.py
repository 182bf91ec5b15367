"""A raw look at the sheets of .xlsb ([MS-XLSB]): extent, merged cells, errors."""

import struct
from collections.abc import Iterator

from countersign.adapters.sheets.hidden import Scan
from countersign.adapters.sheets.table import column_letters

# Record numbers of [MS-XLSB] 2.3.
_BRT_ROW, _BRT_ERROR, _BRT_FORMULA_ERROR, _BRT_RICH_TEXT, _BRT_SHEET, _BRT_MERGED = 0, 3, 11, 62, 156, 176
_BRT_CELLS = frozenset({*range(2, 12), _BRT_RICH_TEXT})


def _xlsb_records(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield each record's number and where its content starts."""
    at = 0
    while at < len(data):
        record = data[at]
        at += 1
        if record & 0x80:
            record = record & 0x7F | (data[at] & 0x7F) << 7
            at += 1
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift == 28:
                break
        yield record, at
        at += size


def xlsb_sheet_ids(workbook: bytes) -> Iterator[str]:
    """Yield the relation of each sheet in the workbook's order."""
    for record, at in _xlsb_records(workbook):
        if record == _BRT_SHEET:
            (length,) = struct.unpack_from("<I", workbook, at + 8)
            yield workbook[at + 12 : at + 12 + 2 * length].decode("utf-16-le")


def scan_xlsb(data: bytes) -> Scan:
    """Look at one sheet; raises `struct.error` and `IndexError` for broken records."""
    scan = Scan()
    row = 0
    for record, at in _xlsb_records(data):
        if record == _BRT_ROW:
            (row,) = struct.unpack_from("<I", data, at)
        elif record in _BRT_CELLS:
            (column,) = struct.unpack_from("<I", data, at)
            scan.reach(row, column)
            if record in (_BRT_ERROR, _BRT_FORMULA_ERROR):
                scan.errors.append(f"{column_letters(column)}{row + 1}")
        elif record == _BRT_MERGED:
            scan.merged.append(struct.unpack_from("<IIII", data, at))
    return scan
