"""A raw look at the tables of .ods: extent, merged cells, errors, formulas without a value."""

import io
from xml.etree import ElementTree

from countersign.adapters.sheets.hidden import Scan
from countersign.adapters.sheets.table import column_letters


def scan_ods(content: bytes) -> list[Scan]:
    """Look at every table of a document; raises `ValueError` and `ParseError`."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ValueError("no office program writes a document type")
    scans: list[Scan] = []
    row = column = row_repeat = 0
    # Entities are refused above.
    for event, element in ElementTree.iterparse(io.BytesIO(content), ("start", "end")):  # noqa: S314
        local = element.tag.rpartition("}")[2]
        if event == "start":
            if local == "table":
                scans.append(Scan())
                row = 0
            elif local == "table-row":
                column, row_repeat = 0, _repeat(element, "number-rows-repeated")
            continue
        if local == "table-row":
            row += row_repeat
            element.clear()
        elif local in ("table-cell", "covered-table-cell"):
            repeat = _repeat(element, "number-columns-repeated")
            _scan_ods_cell(scans[-1], element, (row, row_repeat, column, repeat))
            column += repeat
    return scans


def _repeat(element: ElementTree.Element, name: str) -> int:
    return int(_attribute(element, name) or 1)


def _attribute(element: ElementTree.Element, name: str, namespace: str = "") -> str | None:
    for key, value in element.items():
        if key.endswith(f"}}{name}") and namespace in key:
            return value
    return None


_ODS_ERRORS = ("#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "Err:")


def _scan_ods_cell(scan: Scan, element: ElementTree.Element, position: tuple[int, int, int, int]) -> None:
    row, rows, column, columns = position
    text = "".join(element.itertext()).strip()
    formula = _attribute(element, "formula") is not None
    typed = _attribute(element, "value-type", "office") is not None
    if text or typed or formula:
        scan.reach(row + rows - 1, column + columns - 1)
    place = f"{column_letters(column)}{row + 1}"
    if _attribute(element, "value-type", "calc") == "error" or (formula and text.startswith(_ODS_ERRORS)):
        scan.errors.append(place)
    elif formula and not typed:
        scan.unvalued.append(place)
    wide, high = _repeat(element, "number-columns-spanned"), _repeat(element, "number-rows-spanned")
    if wide > 1 or high > 1:
        scan.merged.append((row, row + high - 1, column, column + wide - 1))
