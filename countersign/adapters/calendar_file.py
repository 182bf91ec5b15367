"""A published calendar year from a file: the days that the State Council's paper moves."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic_core import PydanticCustomError

from countersign.adapters.roster import read_day
from countersign.adapters.sheets import (
    Cell,
    Columns,
    DestroyedNumber,
    InputFault,
    RowError,
    Sheet,
    cell_text,
    read_sheet,
)
from countersign.domain.calendar import CalendarYear
from countersign.domain.yaml_text import shown

_COLUMNS = Columns({"date": "日期", "kind": "类型", "paper": "文号"}, ("date", "kind", "paper"))
_KINDS = {"休": "off", "off": "off", "班": "work", "work": "work"}
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SATURDAY = 5


class CalendarRejected(InputFault):
    """A calendar file that is refused: `rows` is how many it has, `rejected` everything that is wrong."""

    def __init__(self, source: str, rows: int, rejected: list[RowError]) -> None:
        more = f" (and {len(rejected) - 1} more)" if len(rejected) > 1 else ""
        super().__init__(f"{source}: {rejected[0].message}{more}")
        self.rows, self.rejected = rows, rejected


@dataclass(frozen=True)
class ReadYear:
    """A year as a file tells it, and the row in which each of its days stands."""

    year: CalendarYear
    rows: dict[date, int]


def read_calendar(path: Path) -> CalendarYear:
    """Read the days off and the make-up working days of one year from CSV or a workbook.

    Columns `日期, 类型, 文号` (`date, kind, paper`); 类型 is 休 (`off`) or 班 (`work`). 文号 names the
    published paper and is the same wherever it is written, at least once. A 休 may fall on a weekend; a 班
    must, and a year whose every 休 is a weekend day is no published calendar. Raises `InputFault` for a
    file that is no table, `CalendarRejected` with every fault of every row otherwise.
    """
    return calendar_of(read_sheet(path)).year


def calendar_of(sheet: Sheet) -> ReadYear:
    """Read a table like `read_calendar`."""
    columns, errors = _COLUMNS.read(sheet)
    if errors:
        raise CalendarRejected(sheet.source, len(sheet.rows), errors)
    if not sheet.rows:
        raise InputFault(f"{sheet.source}: holds no days; write one day off or make-up working day per row")
    days: dict[date, tuple[int, str]] = {}
    papers: dict[str, int] = {}
    for row in sheet.rows:
        cells = {columns[header]: cell for header, cell in row.cells.items()}
        errors += _read_row(row.number, cells, days, papers)
    if not errors:
        errors += _check_year(days, papers)
    if errors:
        raise CalendarRejected(sheet.source, len(sheet.rows), errors)
    year = CalendarYear(
        year=next(iter(days)).year,
        off=tuple(sorted(day for day, (_, kind) in days.items() if kind == "off")),
        work=tuple(sorted(day for day, (_, kind) in days.items() if kind == "work")),
        paper=next(iter(papers)),
    )
    return ReadYear(year, {day: row for day, (row, _) in days.items()})


def _read_row(
    row: int, cells: dict[str, Cell], days: dict[date, tuple[int, str]], papers: dict[str, int]
) -> Iterator[RowError]:
    for name in ("date", "kind"):
        if name not in cells:
            yield _COLUMNS.error(row, name, "missing", "the cell is empty; fill it or delete the row")
    if "paper" in cells:
        paper = cell_text(cells["paper"])
        if papers and paper not in papers:
            sentence = f"differs from the paper in row {next(iter(papers.values()))}; a year has one paper"
            yield _COLUMNS.error(row, "paper", "conflict", sentence)
        else:
            papers.setdefault(paper, row)
    kind = cell_text(cells["kind"]).casefold() if "kind" in cells else None
    if kind is not None and kind not in _KINDS:
        yield _COLUMNS.error(
            row, "kind", "bad_choice", f"is the unknown kind {shown(kind)}; known: 休, off, 班, work"
        )
        kind = None
    day = yield from _read_date(row, cells)
    if day is not None and kind is not None:
        yield from _take_day(row, day, _KINDS[kind], days)


def _read_date(row: int, cells: dict[str, Cell]) -> Generator[RowError, None, date | None]:
    cell = cells.get("date")
    if cell is None:
        return None
    if isinstance(cell, DestroyedNumber):
        yield _COLUMNS.error(
            row, "date", "destroyed_number", "is a number of more than 15 digits and no date"
        )
        return None
    try:
        return read_day(cell)
    except PydanticCustomError as refusal:
        yield _COLUMNS.error(row, "date", refusal.type, refusal.message())
        return None


def _take_day(row: int, day: date, kind: str, days: dict[date, tuple[int, str]]) -> Iterator[RowError]:
    if day in days:
        first, first_kind = days[day]
        if first_kind == kind:
            yield _COLUMNS.error(
                row, "date", "duplicate", f"{day} already stands in row {first}; delete one of the two"
            )
        else:
            yield _COLUMNS.error(
                row, "kind", "conflict", f"{day} is 休 and 班 at once (rows {first} and {row})"
            )
        return
    days[day] = (row, kind)
    if kind == "work" and day.weekday() < _SATURDAY:
        sentence = (
            f"{day} is a {_WEEKDAYS[day.weekday()]} and a working day anyway; 班 is for weekend days only"
        )
        yield _COLUMNS.error(row, "kind", "conflict", sentence)


def _check_year(days: dict[date, tuple[int, str]], papers: dict[str, int]) -> Iterator[RowError]:
    first_day, (first_row, _) = next(iter(days.items()))
    for day, (row, _) in days.items():
        if day.year != first_day.year:
            sentence = (
                f"{day} lies in another year than row {first_row} ({first_day.year}); one year per file"
            )
            yield _COLUMNS.error(row, "date", "conflict", sentence)
    if not papers:
        yield _COLUMNS.error(
            first_row, "paper", "missing", "no row names the published paper; write its number"
        )
    if not any(kind == "off" and day.weekday() < _SATURDAY for day, (_, kind) in days.items()):
        sentence = "no day off falls on Monday to Friday; weekends are off anyway, so this is no holiday list"
        yield _COLUMNS.error(first_row, "kind", "conflict", sentence)


def calendar_template() -> bytes:
    """Return an empty calendar (.xlsx) with the headers and, on a second sheet, aliases and an example."""
    return _COLUMNS.template("日历", ((16, "yyyy-mm-dd"), (28, ""), (28, "")), _NOTES)


_NOTES = (
    ("date", "2026-10-01", "2026-02-13, 2026/2/13, 2026年2月13日, 20260213"),
    ("kind", "休", "休 / off, 班 / work"),
    ("paper", "国办发明电〔YYYY〕N号", "one paper per file"),
)
