"""What can be imported, and how each kind of file is taken in."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, func, select

from countersign.adapters.calendar_file import CalendarRejected, calendar_of, calendar_template, read_calendar
from countersign.adapters.courier_file import courier_template, import_courier
from countersign.adapters.database.tables import Case
from countersign.adapters.roster import import_roster, roster_template
from countersign.adapters.roster.changes import Change, How, Of
from countersign.adapters.roster.undoing import Undoing, undo_import
from countersign.adapters.sheets import Sheet, read_sheet
from countersign.bootstrap import Parts
from countersign.contracts.cases import CaseState
from countersign.domain.calendar import CalendarYear
from countersign.domain.departure import Track
from countersign.domain.local_time import day_of
from countersign.imports.holdings import holdings_kind
from countersign.imports.leavers import leavers_kind
from countersign.imports.outcomes import Import, Outcome, Sender, refused_rows, rejected


def import_file(
    parts: Parts, kind: str, file: Path, *, dry_run: bool, accept_good_rows: bool
) -> dict[str, Any]:
    """Import a file; raises `InputError` for a file that cannot be read as a table."""
    return IMPORTS[kind].apply(parts, file, dry_run, accept_good_rows)


# --- employees --------------------------------------------------------------------------------------------


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
        "rejected": [rejected(error) for error in result.rejected],
        "cases": result.cases,
        "warnings": list(result.warnings),
    }


def _employees_outcome(parts: Parts, sheet: Sheet, sender: Sender, write: bool) -> Outcome:
    result = import_roster(
        parts.database,
        sheet,
        dry_run=not write,
        accept_good_rows=True,
        now=parts.clock(),
        schedule=lambda session, leave_id, _person: parts.starts.schedule(session, leave_id),
        only_branch=sender.branch,
    )
    made = {one.key[0] for one in result.changes if one.of is Of.PERSON and one.how is How.NEW}
    touched = {one.row for one in result.changes}
    new = {one.row for one in result.changes if one.of is not Of.BRANCH and one.key[0] in made}
    return Outcome(
        rows=result.rows,
        new=len(new),
        changed=len(touched - new),
        refused=refused_rows(sheet, result.rejected),
        faults=result.rejected,
        warnings=result.warnings,
        cases=result.cases,
        changes=result.changes,
    )


def _undo_employees(
    parts: Parts, session: Session, changes: Iterable[Change], write: bool, part: bool
) -> Undoing:
    reschedule = parts.starts.schedule if write else None
    return undo_import(session, changes, today=day_of(parts.clock()), reschedule=reschedule, part=part)


# --- calendar ---------------------------------------------------------------------------------------------


def _calendar(parts: Parts, file: Path, dry_run: bool, accept_good_rows: bool) -> dict[str, Any]:
    year = read_calendar(file)
    rows = len(year.off) + len(year.work)
    moved = 0 if dry_run else _publish(parts, year)
    return {
        "rows": rows,
        "applied": 0 if dry_run else rows,
        "rejected": [],
        "year": year.year,
        "cases_planned_again": moved,
    }


def _publish(parts: Parts, year: CalendarYear) -> int:
    """Store a published year and order every open case to plan again."""
    return parts.calendar_book.publish((year,))


def _calendar_outcome(parts: Parts, sheet: Sheet, _sender: Sender, write: bool) -> Outcome:
    try:
        read = calendar_of(sheet)
    except CalendarRejected as refusal:
        # A year is one thing: with a part of its days it would be wrong.
        return Outcome(refusal.rows, 0, 0, refusal.rows, refusal.rejected, [], 0, [])
    known = next((one for one in parts.calendar().years if one.year == read.year.year), None)
    changes = _moved_days(known, read.year, read.rows)
    if write:
        cases = _publish(parts, read.year)
    else:
        with parts.database.reading() as session:
            query = select(func.count(col(Case.id))).where(Case.state != CaseState.CLOSED.value)
            cases = session.exec(query).one()
    new = sum(one.how is How.NEW for one in changes)
    changed = sum(one.how is How.CHANGED for one in changes)
    return Outcome(len(sheet.rows), new, changed, 0, [], [], cases, changes)


def _moved_days(known: CalendarYear | None, year: CalendarYear, rows: Mapping[date, int]) -> list[Change]:
    before, after = _kinds(known), _kinds(year)
    changes = []
    for day in sorted(before.keys() | after.keys()):
        old, new = before.get(day), after.get(day)
        if old != new:
            how = How.NEW if old is None else How.GONE if new is None else How.CHANGED
            changes.append(Change(rows.get(day, 0), Of.DAY, (day.isoformat(),), how, {"kind": (old, new)}))
    return changes


def _kinds(year: CalendarYear | None) -> dict[date, str]:
    return {} if year is None else dict.fromkeys(year.off, "off") | dict.fromkeys(year.work, "work")


# --- courier ----------------------------------------------------------------------------------------------


def _courier(parts: Parts, file: Path, dry_run: bool, accept_good_rows: bool) -> dict[str, Any]:
    """Take in what a courier says of letters; the same row again changes nothing."""
    result = import_courier(
        parts.letters, read_sheet(file), dry_run=dry_run, accept_good_rows=accept_good_rows
    )
    return {
        "rows": result.rows,
        "applied": result.applied,
        "known": result.known,
        "rejected": [rejected(error) for error in result.rejected],
    }


def _courier_outcome(parts: Parts, sheet: Sheet, sender: Sender, write: bool) -> Outcome:
    letters, branch_id = parts.letters, sender.branch_id
    looked_at = import_courier(letters, sheet, dry_run=True, accept_good_rows=True, branch_id=branch_id)
    changes = [
        Change(
            row,
            Of.LETTER,
            (report.tracking_number, report.state.value, report.at.isoformat()),
            How.NEW,
            {"state": (None, report.state.value), "at": (None, report.at.isoformat())},
        )
        for row, report in looked_at.reports.items()
        if not letters.knows(report, branch_id)
    ]
    if write:
        for report in looked_at.reports.values():
            letters.take(report, branch_id, sender.actor)
    faults = looked_at.rejected
    return Outcome(looked_at.rows, len(changes), 0, refused_rows(sheet, faults), faults, [], 0, changes)


IMPORTS: dict[str, Import] = {
    "employees": Import(roster_template, _employees, _employees_outcome, undo=_undo_employees),
    "documents": holdings_kind(Track.DOCUMENTS),
    "customers": holdings_kind(Track.CUSTOMERS),
    "assets": holdings_kind(Track.EQUIPMENT),
    "leavers": leavers_kind(),
    "calendar": Import(calendar_template, _calendar, _calendar_outcome, whole_company=True),
    "courier": Import(courier_template, _courier, _courier_outcome),
}
