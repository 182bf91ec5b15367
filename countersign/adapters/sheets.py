"""One table out of a workbook or CSV file, as people and HR systems really send them.

A gate stands before the reader: it tells by content what a file is, refuses archives that inflate without
measure, and looks for what the reader would hide - error cells, formulas without a value and merged cells
all come out of it as empty cells.
"""

import codecs
import csv
import io
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

import python_calamine
import xlsxwriter  # type: ignore[import-untyped]

from countersign.domain.yaml_text import InputError, shown

MAX_INFLATED_BYTES = 200 * 1024 * 1024
MAX_INFLATION = 200
MAX_CELLS = 10_000_000

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAX_EXACT = 10**15
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"))
_SPACES = re.compile(r"\s+")
_SHORTENED_NUMBER = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+[0-9]+")
_TOTALS = {"合计", "总计", "共计", "total", "totals", "grandtotal", "sum"}
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|meta|table|body|style|div)\b", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")


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


@dataclass(frozen=True)
class Columns:
    """The columns that a list can have: their names in English, each with the header it bears.

    `required` are those that a list must have; a header may be written in either language.
    """

    headers: Mapping[str, str]
    required: tuple[str, ...]

    def error(self, row: int, name: str, code: str, sentence: str) -> RowError:
        """Return why the cell of a row in the column `name` is refused."""
        return RowError(row, self.headers[name], code, f"row {row}, {self.headers[name]}: {sentence}")

    def read(self, sheet: Sheet) -> tuple[dict[str, str], list[RowError]]:
        """Return the name of each header of a table, and what is wrong with its headers."""
        known = {name: name for name in self.headers} | {head: name for name, head in self.headers.items()}
        found: dict[str, str] = {}
        errors = []
        for header in sheet.headers:
            name = known.get(header) or known.get(header.casefold())
            if name is None or name in found.values():
                message = (
                    f"row {sheet.header_row}, {header}: the column is unknown or stands twice; "
                    f"known: {', '.join(self.headers.values())}"
                )
                errors.append(RowError(sheet.header_row, header, "unknown_column", message))
            else:
                found[header] = name
        errors += [
            self.error(
                sheet.header_row, name, "missing", f"the column is missing; add it (in English: {name})"
            )
            for name in self.required
            if name not in found.values()
        ]
        return found, errors

    def template(
        self, title: str, widths: Sequence[tuple[int, str]], notes: Sequence[tuple[str, str, str]]
    ) -> bytes:
        """Return an empty list (.xlsx): the headers and, on a second sheet, aliases and examples.

        `widths` gives each column its width in characters and the format of its cells (empty for none);
        `notes` are rows of name, example, and what may be filled in.
        """
        content = io.BytesIO()
        book = xlsxwriter.Workbook(content, {"in_memory": True})
        bold = book.add_format({"bold": True})
        page = book.add_worksheet(title)
        for column, (width, form) in enumerate(widths):
            page.set_column(column, column, width, book.add_format({"num_format": form}) if form else None)
        page.write_row(0, 0, self.headers.values(), bold)
        page.freeze_panes(1, 0)
        told = book.add_worksheet("说明")
        told.set_column(0, 3, 40)
        told.write_row(0, 0, ("列", "English", "示例 / example", "可填 / allowed"), bold)
        for row, (name, example, allowed) in enumerate(notes, start=1):
            told.write_row(row, 0, (self.headers[name], name, example, allowed))
        book.close()
        return content.getvalue()


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
    return _table(_grid(data, source), source)


def cell_text(cell: Cell) -> str:
    """Write a cell as text: a whole number as its digits, a date as YYYY-MM-DD."""
    if isinstance(cell, Decimal):
        return str(int(cell)) if cell == cell.to_integral_value() else format(cell, "f")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return cell.seen if isinstance(cell, DestroyedNumber) else str(cell)


def tidy(text: str) -> str:
    """Return text as it is compared: NFKC, without invisible marks, one space for any white space."""
    if not text.isascii():
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


# --- from a grid to a table -----------------------------------------------------------------------------


@dataclass
class _Grid:
    """Rows of raw values from the file's first row and column on, and its merged ranges (from 0)."""

    rows: Iterable[list[Any]]
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def _table(grid: _Grid, source: str) -> Sheet:
    rows = enumerate(([_cell(value) for value in row] for row in grid.rows), start=1)
    header_row, header_cells = next(((n, row) for n, row in rows if _filled(row)), (0, []))
    if not header_row:
        raise InputFault(f"{source}: holds no table; the first row must hold the headers")
    _refuse_merged(grid.merged, header_row, source)
    headers = _headers(header_cells, header_row, source)
    taken = []
    for number, row in rows:
        if not _filled(row):
            continue
        _refuse_totals(row, number, source)
        for index, cell in enumerate(row):
            if cell is not None and (index >= len(headers) or not headers[index]):
                place = f"{column_letters(index)}{number}"
                raise InputFault(f"{source}: cell {place} holds a value, but its column has no header")
        cells = {header: cell for header, cell in zip(headers, row, strict=False) if cell is not None}
        taken.append(SheetRow(number, cells))
    return Sheet(source, header_row, tuple(header for header in headers if header), tuple(taken))


def _filled(row: list[Cell | None]) -> bool:
    return any(cell is not None for cell in row)


def _cell(value: Any) -> Cell | None:
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


# --- what kind of file it is ----------------------------------------------------------------------------


def _grid(data: bytes, source: str) -> _Grid:
    if not data.strip():
        raise InputFault(f"{source}: is empty")
    if data.startswith(b"PK"):
        return _workbook(data, _zip_scans(data, source), source)
    if data.startswith(_OLE):
        return _workbook(data, _ole_scans(data, source), source)
    head = data.removeprefix(codecs.BOM_UTF8).lstrip()[:2000]
    if head.startswith(b"<"):
        if _HTML.search(head):
            what = "is a web page (HTML) with the name of a spreadsheet"
        elif b"Excel.Sheet" in head or b"office:spreadsheet" in head:
            what = "is an XML spreadsheet of 2003"
        else:
            what = "is an XML file and no spreadsheet"
        raise InputFault(f"{source}: {what}; open it in Excel or WPS and save it as .xlsx")
    return _Grid(_csv_rows(data, source))


def _csv_rows(data: bytes, source: str) -> list[list[str]]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputFault(f"{source}: is text in UTF-16; save it as CSV UTF-8")
    if data.startswith(b"%PDF") or _CONTROL.search(data):
        raise InputFault(f"{source}: is not a spreadsheet; hand in .xlsx, .xls, .xlsb, .ods or .csv")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError:
            raise InputFault(
                f"{source}: is text in neither UTF-8 nor GB18030; save it as CSV UTF-8"
            ) from None
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        raise InputFault(
            f"{source}: line {reader.line_num} is not valid CSV ({error}); look for an open quotation mark"
        ) from None


@dataclass
class _Scan:
    """What a raw look at one sheet found; `rows` and `columns` reach to the last cell with content."""

    rows: int = 0
    columns: int = 0
    errors: list[str] = field(default_factory=list)
    unvalued: list[str] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)

    def reach(self, row: int, column: int) -> None:
        """Take a cell with content, counted from 0, into the extent."""
        self.rows, self.columns = max(self.rows, row + 1), max(self.columns, column + 1)


def _workbook(data: bytes, scans: list[_Scan], source: str) -> _Grid:
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
        raise InputFault(_encrypted(source)) from None
    except BaseException as error:
        # A broken file can make the reader panic, which arrives outside `Exception`.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise InputFault(_damaged(source)) from None
        raise
    if len(scans) != len(book.sheets_metadata):
        raise InputFault(_damaged(source))
    # A sheet of nothing but error cells looks empty to the reader.
    filled = [(i, rows) for i, rows in grids if scans[i].errors or scans[i].unvalued or any(map(any, rows))]
    if not filled:
        raise InputFault(f"{source}: holds no visible sheet with a table")
    index, rows = filled[0]
    scan = scans[index]
    _refuse_hidden_faults(scan, source)
    _refuse_second_table(rows, [others for _, others in filled[1:]], source)
    return _Grid(rows, scan.merged)


def _refuse_hidden_faults(scan: _Scan, source: str) -> None:
    if scan.errors:
        one = len(scan.errors) == 1
        raise InputFault(
            f"{source}: {_cells(scan.errors)} {'holds an error' if one else 'hold errors'} such as #N/A; "
            "write the value there"
        )
    if scan.unvalued:
        one = len(scan.unvalued) == 1
        raise InputFault(
            f"{source}: {_cells(scan.unvalued)} {'holds a formula' if one else 'hold formulas'} without a "
            "stored value; open the file in Excel or WPS and save it again, or paste the values"
        )


def _cells(places: list[str]) -> str:
    named = ", ".join(places[:5])
    more = f" and {len(places) - 5} more" if len(places) > 5 else ""
    return f"{'cell' if len(places) == 1 else 'cells'} {named}{more}"


def _refuse_second_table(rows: list[list[Any]], others: list[list[list[Any]]], source: str) -> None:
    def first_row(table: list[list[Any]]) -> list[str]:
        cells = ([cell_text(c) for c in map(_cell, row) if c is not None] for row in table)
        return next((row for row in cells if row), [])

    if any(first_row(other) == first_row(rows) for other in others):
        raise InputFault(f"{source}: two sheets hold the same headers; put all rows into the first sheet")


def _encrypted(source: str) -> str:
    return f"{source}: is protected with a password; save it without one"


def _damaged(source: str) -> str:
    return f"{source}: is damaged or was cut off on the way; save it again in Excel or WPS, or send it again"


# --- zipped workbooks: .xlsx, .xlsb, .ods ---------------------------------------------------------------


def _zip_scans(data: bytes, source: str) -> list[_Scan]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _refuse_bomb(archive, len(data), source)
            parts = {name.replace("\\", "/").lower(): name for name in archive.namelist()}
            if "xl/workbook.bin" in parts:
                return [_scan_xlsb(part) for part in _sheet_parts(archive, parts, "xl/workbook.bin")]
            if "xl/workbook.xml" in parts:
                return [_scan_xlsx(part) for part in _sheet_parts(archive, parts, "xl/workbook.xml")]
            if "content.xml" in parts and b"spreadsheet" in archive.read("mimetype")[:100]:
                if b"encryption-data" in archive.read(parts.get("meta-inf/manifest.xml", "content.xml")):
                    raise InputFault(_encrypted(source))
                return _scan_ods(archive.read(parts["content.xml"]))
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, IndexError, struct.error,
            NotImplementedError, ElementTree.ParseError, expat.ExpatError) as error:  # fmt: skip
        if isinstance(error, InputFault):
            raise
        raise InputFault(_damaged(source)) from None
    except RuntimeError:
        # The standard library's word for an archive entry that wants a password.
        raise InputFault(_encrypted(source)) from None
    raise InputFault(f"{source}: is an archive or document, but no spreadsheet; hand in the table inside")


def _refuse_bomb(archive: zipfile.ZipFile, packed: int, source: str) -> None:
    """Inflate every entry once; entries that lie about their size fail their checksum here."""
    limit = min(MAX_INFLATED_BYTES, MAX_INFLATION * packed)
    if sum(entry.file_size for entry in archive.infolist()) > limit:
        raise InputFault(
            f"{source}: unpacks to more than 200 MB or {MAX_INFLATION} times its size; "
            "no honest table does; copy the table into a new workbook"
        )
    for entry in archive.infolist():
        with archive.open(entry) as stream:
            while stream.read(1 << 20):
                pass


def _sheet_parts(archive: zipfile.ZipFile, parts: dict[str, str], workbook: str) -> Iterator[bytes]:
    """Yield the bytes of each sheet in the workbook's order."""
    folder, _, name = workbook.rpartition("/")
    targets = {
        element.get("Id"): element.get("Target", "")
        for element in _xml(archive.read(parts[f"{folder}/_rels/{name}.rels"])).iter()
    }
    read = _xlsb_sheet_ids if workbook.endswith(".bin") else _xlsx_sheet_ids
    for relation in read(archive.read(parts[workbook])):
        target = targets[relation].replace("\\", "/")
        place = target.lstrip("/") if target.startswith("/") else f"{folder}/{target.removeprefix('./')}"
        yield archive.read(parts[place.lower()])


def _xml(data: bytes) -> ElementTree.Element:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("no office program writes a document type")
    return ElementTree.fromstring(data)  # noqa: S314  entities are refused above


def _xlsx_sheet_ids(workbook: bytes) -> Iterator[str]:
    for element in _xml(workbook).iter():
        if element.tag.endswith("}sheet"):
            yield next(value for key, value in element.items() if key.endswith("}id"))


_CELL_WITH_CONTENT = re.compile(rb"<(?:\w+:)?c\s(?:[^<>]*\s)?r=[\"']([A-Z]+)([0-9]+)[\"'][^<>]*(?<!/)>")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]*?ref=[\"']([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)[\"']")
_WORTH_A_LOOK = re.compile(rb"\st\s*=\s*[\"']e[\"']|<(?:\w+:)?f[\s/>]")


def _scan_xlsx(xml: bytes) -> _Scan:
    if not xml.lstrip().startswith((b"<", codecs.BOM_UTF8)) or b"<!DOCTYPE" in xml:
        raise ValueError("sheet XML in an encoding that no office program writes")
    scan = _Scan()
    columns: set[bytes] = set()
    for column, row in _CELL_WITH_CONTENT.findall(xml):
        columns.add(column)
        scan.rows = max(scan.rows, int(row))
    scan.columns = max((_column_index(column) + 1 for column in columns), default=0)
    for first_column, first_row, last_column, last_row in _MERGED.findall(xml):
        scan.merged.append(
            (int(first_row) - 1, int(last_row) - 1, _column_index(first_column), _column_index(last_column))
        )
    # The exact pass is slow, and most tables need none.
    if _WORTH_A_LOOK.search(xml):
        _scan_formulas(xml, scan)
    return scan


def _column_index(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - ord("A") + 1
    return index - 1


def _scan_formulas(xml: bytes, scan: _Scan) -> None:
    row = column = 0
    place = kind = ""
    formula = value_seen = in_value = value_filled = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, place, kind, formula, value_seen, in_value, value_filled
        local = name.rpartition(":")[2]
        if local == "row":
            row, column = int(attributes.get("r", row + 1)), 0
        elif local == "c":
            place = attributes.get("r", f"{column_letters(column)}{row}")
            column = _column_index(place.rstrip("0123456789").encode()) + 1
            kind = attributes.get("t", "")
            formula = value_seen = value_filled = False
        elif local == "f":
            formula = True
        elif local == "v":
            in_value = value_seen = True

    def end(name: str) -> None:
        nonlocal in_value
        local = name.rpartition(":")[2]
        if local == "v":
            in_value = False
        elif local == "c":
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


def _xlsb_sheet_ids(workbook: bytes) -> Iterator[str]:
    for record, at in _xlsb_records(workbook):
        if record == _BRT_SHEET:
            (length,) = struct.unpack_from("<I", workbook, at + 8)
            yield workbook[at + 12 : at + 12 + 2 * length].decode("utf-16-le")


def _scan_xlsb(data: bytes) -> _Scan:
    scan = _Scan()
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


def _scan_ods(content: bytes) -> list[_Scan]:
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ValueError("no office program writes a document type")
    scans: list[_Scan] = []
    row = column = row_repeat = 0
    # Entities are refused above.
    for event, element in ElementTree.iterparse(io.BytesIO(content), ("start", "end")):  # noqa: S314
        local = element.tag.rpartition("}")[2]
        if event == "start":
            if local == "table":
                scans.append(_Scan())
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


def _scan_ods_cell(scan: _Scan, element: ElementTree.Element, position: tuple[int, int, int, int]) -> None:
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


# --- .xls: BIFF records in a compound file ([MS-XLS], [MS-CFB]) -----------------------------------------

_END_OF_CHAIN, _OLE_STREAM = 0xFFFFFFFA, 2
_BIFF_FORMULA, _BIFF_EOF, _BIFF_FILEPASS, _BIFF_SHEET, _BIFF_BOOLERR, _BIFF_MERGED, _BIFF_BOF = (
    0x06, 0x0A, 0x2F, 0x85, 0x205, 0xE5, 0x809,
)  # fmt: skip


def _ole_scans(data: bytes, source: str) -> list[_Scan]:
    try:
        streams = _ole_streams(data)
        if "EncryptedPackage" in streams:
            raise InputFault(_encrypted(source))
        book = streams.get("Workbook") or streams.get("Book")
        if book is None:
            raise InputFault(
                f"{source}: is an old Office file, but no workbook; hand in .xlsx, .xls, .xlsb, .ods or .csv"
            )
        return _scan_xls(book, source)
    except (struct.error, IndexError):
        raise InputFault(_damaged(source)) from None


def _ole_streams(data: bytes) -> dict[str, bytes]:
    sector = 1 << struct.unpack_from("<H", data, 30)[0]
    directory, _, cutoff, mini_table, _, difat, difat_count = struct.unpack_from("<IIIIIII", data, 48)
    if sector not in (512, 4096):
        raise IndexError("no compound file has such sectors")

    def block(number: int) -> bytes:
        piece = data[(number + 1) * sector : (number + 2) * sector]
        if not piece:
            raise IndexError("a sector lies behind the end of the file")
        return piece

    table_sectors = list(struct.unpack_from("<109I", data, 76))
    for _ in range(difat_count):
        if difat >= _END_OF_CHAIN:
            break
        *more, difat = struct.unpack(f"<{sector // 4}I", block(difat))
        table_sectors += more
    links = [
        link
        for number in table_sectors
        if number < _END_OF_CHAIN
        for (link,) in struct.iter_unpack("<I", block(number))
    ]
    mini_links = [link for (link,) in struct.iter_unpack("<I", _chain(mini_table, links, block))]
    entries = _chain(directory, links, block)
    # The first entry is the root, whose own chain holds the short streams.
    root = _chain(struct.unpack_from("<I", entries, 116)[0], links, block)

    def mini_block(number: int) -> bytes:
        return root[number * 64 : (number + 1) * 64]

    streams: dict[str, bytes] = {}
    for at in range(128, len(entries), 128):
        name_size, kind = struct.unpack_from("<HB", entries, at + 64)
        start, size = struct.unpack_from("<II", entries, at + 116)
        if kind == _OLE_STREAM:
            name = entries[at : at + max(name_size - 2, 0)].decode("utf-16-le", "replace")
            short = size < cutoff
            chain = _chain(start, mini_links, mini_block) if short else _chain(start, links, block)
            streams[name] = chain[:size]
    return streams


def _chain(start: int, links: list[int], block: Callable[[int], bytes]) -> bytes:
    pieces = []
    number = start
    while number < _END_OF_CHAIN:
        pieces.append(block(number))
        number = links[number]
        if len(pieces) > len(links):
            raise IndexError("the chain of sectors is a ring")
    return b"".join(pieces)


def _scan_xls(book: bytes, source: str) -> list[_Scan]:
    starts = []
    for record, at, _ in _biff_records(book, 0):
        if record == _BIFF_FILEPASS:
            raise InputFault(_encrypted(source))
        if record == _BIFF_SHEET:
            starts.append(struct.unpack_from("<I", book, at)[0])
    return [_scan_xls_sheet(book, start) for start in starts]


def _biff_records(book: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, start and size of each record of one substream, charts inside it included."""
    at, depth = start, 0
    while at < len(book):
        record, size = struct.unpack_from("<HH", book, at)
        depth += (record == _BIFF_BOF) - (record == _BIFF_EOF)
        if record == _BIFF_EOF and depth <= 0:
            return
        if depth == 1:
            yield record, at + 4, size
        at += 4 + size


def _scan_xls_sheet(book: bytes, start: int) -> _Scan:
    scan = _Scan()
    for record, at, _ in _biff_records(book, start):
        if record == _BIFF_BOOLERR:
            row, column, _, _, is_error = struct.unpack_from("<HHHBB", book, at)
        elif record == _BIFF_FORMULA:
            row, column, _, kind, _, marker = struct.unpack_from("<HHHB5sH", book, at)
            is_error = marker == 0xFFFF and kind == 2
        elif record == _BIFF_MERGED:
            (count,) = struct.unpack_from("<H", book, at)
            scan.merged += [struct.unpack_from("<HHHH", book, at + 2 + 8 * n) for n in range(count)]
            continue
        else:
            continue
        if is_error:
            scan.errors.append(f"{column_letters(column)}{row + 1}")
    return scan
