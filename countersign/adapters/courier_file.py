"""A courier's list of what became of letters, from a file: every fault of every row is named first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from countersign.adapters.database.letters import CourierReport, Letters, NoSuchLetter, ReportRefused
from countersign.adapters.sheets import Cell, Columns, DestroyedNumber, InputFault, RowError, Sheet, cell_text
from countersign.domain.courier import CourierState, tracking_number
from countersign.domain.yaml_text import shown

_T = TypeVar("_T")

_COLUMNS = Columns(
    {"tracking_number": "运单号", "state": "状态", "at": "时间", "words": "说明"},
    ("tracking_number", "state", "at"),
)
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
    """What an import did: `applied` rows stand in the evidence, `known` of them had stood there before.

    `reports` are the rows without a fault, by their place in the file.
    """

    rows: int
    applied: int
    known: int
    rejected: list[RowError]
    reports: dict[int, CourierReport] = field(default_factory=dict, repr=False)


def import_courier(
    letters: Letters,
    sheet: Sheet,
    *,
    dry_run: bool,
    accept_good_rows: bool,
    branch_id: str | None = None,
) -> CourierImport:
    """Take in a courier's list, or say everything that is wrong with it.

    Columns `运单号, 状态, 时间, 说明` (`tracking_number, state, at, words`); 说明 may be left out. A time
    without an offset is in the zone of the branch that posted the letter. One refused row applies nothing
    unless `accept_good_rows`; a wrong header never applies anything. The same row again changes nothing.
    `branch_id` is the branch whose letters alone are known. Raises `InputFault` for a list without rows.
    """
    columns, errors = _COLUMNS.read(sheet)
    if errors:
        return CourierImport(len(sheet.rows), 0, 0, errors)
    if not sheet.rows:
        raise InputFault(f"{sheet.source}: holds no reports; write one report of a letter per row")
    reports: dict[int, CourierReport] = {}
    for row in sheet.rows:
        cells = {columns[header]: cell for header, cell in row.cells.items()}
        read = _Row(row.number, cells, letters, branch_id).report()
        if isinstance(read, CourierReport):
            reports[row.number] = read
        else:
            errors += read
    if dry_run or (errors and not accept_good_rows):
        return CourierImport(len(sheet.rows), 0, 0, errors, reports)
    taken = [letters.take(report, branch_id, _ACTOR) for report in reports.values()]
    known = sum(not one.new for one in taken)
    return CourierImport(len(sheet.rows), len(taken), known, errors, reports)


@dataclass(frozen=True)
class _Row:
    """One row on its way to a report. Numbers lead to people: no refusal repeats one."""

    number: int
    cells: dict[str, Cell]
    letters: Letters
    branch_id: str | None

    def report(self) -> CourierReport | list[RowError]:
        """Return the report, or everything that is wrong with the row."""
        errors = [
            _COLUMNS.error(self.number, name, "missing", "the cell is empty; fill it or delete the row")
            for name in _COLUMNS.required
            if name not in self.cells
        ]
        number = self._read("tracking_number", "bad_number", _number, errors)
        state = self._read("state", "bad_choice", _state, errors)
        words = self._read("words", "bad_text", _words, errors)
        zone = None if number is None else self.letters.zone_of(number, self.branch_id)
        if number is not None and zone is None:
            sentence = "no posted letter bears this number; record it with the posting first"
            errors.append(_COLUMNS.error(self.number, "tracking_number", "unknown_number", sentence))
        at = self._read("at", "bad_date", lambda cell: _instant(cell, zone or "Asia/Shanghai"), errors)
        if errors or number is None or state is None or at is None:
            return errors
        report = CourierReport(number, state, at, words)
        try:
            self.letters.check(report, self.branch_id)
        except (NoSuchLetter, ReportRefused) as refusal:
            return [_COLUMNS.error(self.number, "at", "bad_date", str(refusal).partition(": ")[2])]
        return report

    def _read(self, name: str, code: str, read: Callable[[Cell], _T], errors: list[RowError]) -> _T | None:
        cell = self.cells.get(name)
        if cell is None:
            return None
        try:
            return read(cell)
        except ValueError as fault:
            errors.append(_COLUMNS.error(self.number, name, code, str(fault)))
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
    widths = ((24, "@"), (24, "@"), (20, "yyyy-mm-dd hh:mm"), (48, "@"))
    return _COLUMNS.template("快递", widths, _EXAMPLES)


_EXAMPLES = (
    ("tracking_number", "EA123456789CN", "8–30 letters and digits, as text"),
    ("state", "他人代收", ", ".join(_STATES)),
    ("at", "2026-03-02 15:04", "date and time; without an offset in the zone of the branch"),
    ("words", "门卫代收", "the courier's own words; may be empty"),
)
