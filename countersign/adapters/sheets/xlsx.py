"""A raw look at the sheets of .xlsx and .xlsm: extent, merged cells, errors, formulas without a value."""

import codecs
import re
import string
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.parsers import expat

from countersign.adapters.sheets.hidden import Scan
from countersign.adapters.sheets.table import column_letters


def read_xml(data: bytes) -> ElementTree.Element:
    """Parse a small part of a workbook; raises `ValueError` and `ParseError`."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("no office program writes a document type")
    return ElementTree.fromstring(data)  # noqa: S314  entities are refused above


def xlsx_sheet_ids(workbook: bytes) -> Iterator[str]:
    """Yield the relation of each sheet in the workbook's order."""
    for element in read_xml(workbook).iter():
        if element.tag.endswith("}sheet"):
            yield next(value for key, value in element.items() if key.endswith("}id"))


_CELL = re.compile(rb"<(?:[^\s<>/:]+:)?c[\s/>]")
_PLAIN_CELL = re.compile(
    rb"<(?:[^\s<>/:]+:)?c r=\"([A-Z]{1,3})([0-9]{1,7})\"(?: [a-zA-Z:]+=\"[^\"<>]*\")*(?: ?/()|)>"
)
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]*?ref=[\"']([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)[\"']")
_WORTH_A_LOOK = re.compile(rb"\st\s*=\s*[\"']e[\"']|<(?:\w+:)?f[\s/>]")


def scan_xlsx(xml: bytes) -> Scan:
    """Look at one sheet; raises `ValueError` and `ExpatError` for broken XML."""
    if not xml.lstrip().startswith((b"<", codecs.BOM_UTF8)) or b"<!DOCTYPE" in xml:
        raise ValueError("sheet XML in an encoding that no office program writes")
    scan = Scan()
    columns: set[bytes] = set()
    plain = 0
    for cell in _PLAIN_CELL.finditer(xml):
        plain += 1
        if cell[3] is None:
            columns.add(cell[1])
            scan.rows = max(scan.rows, int(cell[2]))
    scan.columns = max((_column_index(column) + 1 for column in columns), default=0)
    for first_column, first_row, last_column, last_row in _MERGED.findall(xml):
        scan.merged.append(
            (int(first_row) - 1, int(last_row) - 1, _column_index(first_column), _column_index(last_column))
        )
    # The exact pass is slow, and most tables need none: office programs write their cells plainly.
    if plain != sum(1 for _ in _CELL.finditer(xml)) or _WORTH_A_LOOK.search(xml):
        _scan_exactly(xml, scan)
    return scan


_LETTERS = string.ascii_letters


def _column_index(letters: bytes) -> int:
    index = 0
    for letter in letters.upper():
        index = index * 26 + letter - ord("A") + 1
    return index - 1


def _scan_exactly(xml: bytes, scan: Scan) -> None:
    row = column = 0
    place = kind = ""
    formula = value_seen = in_value = value_filled = content_seen = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, place, kind, formula, value_seen, in_value, value_filled, content_seen
        local = name.rpartition(":")[2]
        if local == "row":
            row, column = int(attributes.get("r", row + 1)), 0
        elif local == "c":
            place = attributes.get("r", f"{column_letters(column)}{row}")
            column = _column_index(place.rstrip("0123456789").encode()) + 1
            kind = attributes.get("t", "")
            formula = value_seen = value_filled = content_seen = False
        elif local == "f":
            formula = content_seen = True
        elif local == "v":
            in_value = value_seen = content_seen = True
        elif local == "is":
            content_seen = True

    def end(name: str) -> None:
        nonlocal in_value
        local = name.rpartition(":")[2]
        if local == "v":
            in_value = False
        elif local == "c":
            if content_seen:
                scan.reach(int(place.lstrip(_LETTERS) or row) - 1, column - 1)
            # A formula that yields the empty text is stored with type `str` and an empty value.
            valued = value_seen if kind == "str" else value_filled
            if kind == "e":
                scan.errors.append(place)
            elif formula and not valued:
                scan.unvalued.append(place)

    def text(content: str) -> None:
        nonlocal value_filled
        if in_value and content:
            value_filled = True

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    parser.Parse(xml, True)
