"""A courier's list of what became of letters, from a file: every fault of every row is named first."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import xlsxwriter  # type: ignore[import-untyped]

from countersign.adapters.database.letters import CourierReport, Letters, NoSuchLetter, ReportRefused
from countersign.adapters.sheets import Cell, DestroyedNumber, RowError, Sheet, cell_text
from countersign.domain.courier import CourierState, tracking_number
from countersign.domain.yaml_text import shown

_T = TypeVar("_T")

_COLUMNS = {"tracking_number": "运单号", "state": "状态", "at": "时间", "words": "说明"}
_FIELD_OF = {name: name for name in _COLUMNS} | {header: name for name, header in _COLUMNS.items()}
_REQUIRED = ("tracking_number", "state", "at")
_STATES = {
    "运输中": CourierState.IN_TRANSIT,
    "在途": CourierState.IN_TRANSIT,
    "签收": CourierState.SIGNED,
    "本人签收": CourierState.SIGNED,
    "他人代收": CourierState.SIGNED_BY_OTHER,
    "他人签收": CourierState.SIGNED_BY_OTHER,
    "拒收": CourierState.REFUSED,
    "地址有误": CourierState.ADDRESS_WRONG,
    "退回": CourierState.RETURNED,
} | {state.value: state for state in CourierState}
_WORDS_LIMIT = 2000
_YEARS = range(2000, 2201)
_ACTOR = {"role": "hr", "id": "import"}


@dataclass(frozen=True)
class CourierImport:
    """What an import did: `applied` rows stand in the evidence, `known` of them had stood there before."""

    rows: int
    applied: int
    known: int
    rejected: list[RowError]


def import_courier(letters: Letters, sheet: Sheet, *, dry_run: bool, accept_good_rows: bool) -> CourierImport:
    """Take in a courier's list, or say everything that is wrong with it.

    Columns `运单号, 状态, 时间, 说明` (`tracking_number, state, at, words`); 说明 may be left out. A time
    without an offset is in the zone of the branch that posted the letter. One refused row applies nothing
    unless `accept_good_rows`; a wrong header never applies anything. The same row again changes nothing.
    """
    columns, errors = _read_headers(sheet)
    if errors:
        return CourierImport(len(sheet.rows), 0, 0, errors)
    reports: list[CourierReport] = []
    for row in sheet.rows:
        cells = {columns[header]: cell for header, cell in row.cells.items()}
        read = _Row(row.number, cells, letters).report()
        if isinstance(read, CourierReport):
            reports.append(read)
        else:
            errors += read
    if dry_run or (errors and not accept_good_rows):
        return CourierImport(len(sheet.rows), 0, 0, errors)
    taken = [letters.take(report, None, _ACTOR) for report in reports]
    return CourierImport(len(sheet.rows), len(taken), sum(not one.new for one in taken), errors)


def _error(row: int, name: str, code: str, sentence: str) -> RowError:
    return RowError(row, _COLUMNS[name], code, f"row {row}, {_COLUMNS[name]}: {sentence}")


def _read_headers(sheet: Sheet) -> tuple[dict[str, str], list[RowError]]:
    columns: dict[str, str] = {}
    errors = []
    for header in sheet.headers:
        name = _FIELD_OF.get(header) or _FIELD_OF.get(header.casefold())
        if name is None or name in columns.values():
            known = ", ".join(_COLUMNS.values())
            message = (
                f"row {sheet.header_row}, {header}: the column is unknown or stands twice; known: {known}"
            )
            errors.append(RowError(sheet.header_row, header, "unknown_column", message))
        else:
            columns[header] = name
    errors += [
        _error(sheet.header_row, name, "missing", f"the column is missing; add it (in English: {name})")
        for name in _REQUIRED
        if name not in columns.values()
    ]
    return columns, errors


@dataclass(frozen=True)
class _Row:
    """One row on its way to a report. Numbers lead to people: no refusal repeats one."""

    number: int
    cells: dict[str, Cell]
    letters: Letters

    def report(self) -> CourierReport | list[RowError]:
        """Return the report, or everything that is wrong with the row."""
        errors = [
            _error(self.number, name, "missing", "the cell is empty; fill it or delete the row")
            for name in _REQUIRED
            if name not in self.cells
        ]
        number = self._read("tracking_number", "bad_number", _number, errors)
        state = self._read("state", "bad_choice", _state, errors)
        words = self._read("words", "bad_text", _words, errors)
        zone = None if number is None else self.letters.zone_of(number, None)
        if number is not None and zone is None:
            sentence = "no posted letter bears this number; record it with the posting first"
            errors.append(_error(self.number, "tracking_number", "unknown_number", sentence))
        at = self._read("at", "bad_date", lambda cell: _instant(cell, zone or "Asia/Shanghai"), errors)
        if errors or number is None or state is None or at is None:
            return errors
        report = CourierReport(number, state, at, words)
        try:
            self.letters.check(report, None)
        except (NoSuchLetter, ReportRefused) as refusal:
            return [_error(self.number, "at", "bad_date", str(refusal).partition(": ")[2])]
        return report

    def _read(self, name: str, code: str, read: Callable[[Cell], _T], errors: list[RowError]) -> _T | None:
        cell = self.cells.get(name)
        if cell is None:
            return None
        try:
            return read(cell)
        except ValueError as fault:
            errors.append(_error(self.number, name, code, str(fault)))
            return None


def _number(cell: Cell) -> str:
    if isinstance(cell, DestroyedNumber):
        raise ValueError(
            "has lost its last digits in the table; format the column as text and write it again"
        )
    return tracking_number(cell_text(cell))


def _state(cell: Cell) -> CourierState:
    text = cell_text(cell)
    state = _STATES.get(text) or _STATES.get(text.casefold())
    if state is None:
        raise ValueError(f"is the unknown state {shown(text)}; known: {', '.join(_STATES)}")
    return state


def _words(cell: Cell) -> str:
    text = cell_text(cell)
    if len(text) > _WORDS_LIMIT:
        raise ValueError(f"holds more than {_WORDS_LIMIT} characters; shorten it")
    return text


def _instant(cell: Cell, zone: str) -> datetime:
    """Return a moment; a day alone is none, since the chain tells which report came first."""
    told = cell if isinstance(cell, datetime) else _written(cell_text(cell))
    if told is None:
        raise ValueError("is no date with a time; write it like 2026-03-02 15:04")
    if told.year not in _YEARS:
        raise ValueError(f"lies in the year {told.year}; check the date")
    return told if told.tzinfo is not None else told.replace(tzinfo=ZoneInfo(zone))


def _written(text: str) -> datetime | None:
    text = text.replace("/", "-").replace("年", "-").replace("月", "-").replace("日", "")
    if len(text) <= len("2026-03-02"):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def courier_template() -> bytes:
    """Return an empty list (.xlsx) with the headers and, on a second sheet, aliases and an example."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    letters = book.add_worksheet("快递")
    letters.set_column(0, 1, 24, text)
    letters.set_column(2, 2, 20, moment)
    letters.set_column(3, 3, 48, text)
    letters.write_row(0, 0, _COLUMNS.values(), bold)
    letters.freeze_panes(1, 0)
    notes = book.add_worksheet("说明")
    notes.set_column(0, 3, 40)
    notes.write_row(0, 0, ("列", "English", "示例 / example", "可填 / allowed"), bold)
    for row, (name, example, allowed) in enumerate(_EXAMPLES, start=1):
        notes.write_row(row, 0, (_COLUMNS[name], name, example, allowed))
    book.close()
    return content.getvalue()


_EXAMPLES = (
    ("tracking_number", "EA123456789CN", "8–30 letters and digits, as text"),
    ("state", "他人代收", ", ".join(_STATES)),
    ("at", "2026-03-02 15:04", "date and time; without an offset in the zone of the branch"),
    ("words", "门卫代收", "the courier's own words; may be empty"),
)
