"""What can be imported, and how each kind of file is taken in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from countersign.adapters.calendar_file import calendar_template, read_calendar
from countersign.adapters.courier_file import courier_template, import_courier
from countersign.adapters.database.tables import PublishedYear
from countersign.adapters.roster import import_roster, roster_template
from countersign.adapters.sheets import RowError, read_sheet
from countersign.bootstrap import Parts
from countersign.domain.calendar import CalendarYear

_YEAR: TypeAdapter[CalendarYear] = TypeAdapter(CalendarYear)


@dataclass(frozen=True)
class Import:
    """One kind of file: its empty template and how it is applied."""

    template: Callable[[], bytes]
    apply: Callable[[Parts, Path, bool, bool], dict[str, Any]]


def import_file(
    parts: Parts, kind: str, file: Path, *, dry_run: bool, accept_good_rows: bool
) -> dict[str, Any]:
    """Import a file; raises `InputError` for a file that cannot be read as a table."""
    return IMPORTS[kind].apply(parts, file, dry_run, accept_good_rows)


def _employees(parts: Parts, file: Path, dry_run: bool, accept_good_rows: bool) -> dict[str, Any]:
    result = import_roster(
        parts.database,
        read_sheet(file),
        dry_run=dry_run,
        accept_good_rows=accept_good_rows,
        now=parts.clock(),
        schedule=lambda session, leave_id, _person: parts.starts.schedule(session, leave_id),
    )
    return {
        "rows": result.rows,
        "applied": result.applied,
        "rejected": [_rejected(error) for error in result.rejected],
        "cases": result.cases,
        "warnings": list(result.warnings),
    }


def _calendar(parts: Parts, file: Path, dry_run: bool, accept_good_rows: bool) -> dict[str, Any]:
    """Store a published year and order every case with provisional dates to plan again."""
    year = read_calendar(file)
    body = _YEAR.dump_python(year, mode="json")
    rows = len(year.off) + len(year.work)

    def keep(session: Session) -> int:
        session.merge(PublishedYear(year=year.year, body=body, imported_at=parts.clock()))
        return parts.outbox.tell_calendar(session, year, body)

    moved = 0 if dry_run else parts.database.write(keep)
    return {
        "rows": rows,
        "applied": 0 if dry_run else rows,
        "rejected": [],
        "year": year.year,
        "cases_planned_again": moved,
    }


def _courier(parts: Parts, file: Path, dry_run: bool, accept_good_rows: bool) -> dict[str, Any]:
    """Take in what a courier says of letters; the same row again changes nothing."""
    result = import_courier(
        parts.letters, read_sheet(file), dry_run=dry_run, accept_good_rows=accept_good_rows
    )
    return {
        "rows": result.rows,
        "applied": result.applied,
        "known": result.known,
        "rejected": [_rejected(error) for error in result.rejected],
    }


def _rejected(error: RowError) -> dict[str, Any]:
    return {"row": error.row, "column": error.column, "code": error.code, "message": error.message}


IMPORTS: dict[str, Import] = {
    "employees": Import(roster_template, _employees),
    "calendar": Import(calendar_template, _calendar),
    "courier": Import(courier_template, _courier),
}
