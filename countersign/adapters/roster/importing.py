"""The import of a roster: every fault of every row is named, and only then is anything written."""

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from itertools import islice
from zoneinfo import ZoneInfo

from countersign.adapters.database.engine import Database
from countersign.adapters.roster.agreement import (
    Known,
    branch_regions,
    by_number,
    check_branch,
    check_managers,
    check_people,
)
from countersign.adapters.roster.changes import Change, Of
from countersign.adapters.roster.lines import Headers, Line, read_headers, read_lines
from countersign.adapters.roster.writing import PersonOrder, Schedule, write_people
from countersign.adapters.sheets import RowError, Sheet

PEOPLE_PER_TRANSACTION = 100


@dataclass(frozen=True)
class ImportResult:
    """What an import did; rows = applied + rejected rows when the good rows were written.

    `applied` counts rows that now stand in the database and is 0 in a dry run and where nothing was
    written. `cases` counts the leaves handed to `schedule`, or in a dry run those that would be.
    `warnings` are sentences without personal data. `changes` tell record by record what is written, or in a
    dry run what would be.
    """

    rows: int
    applied: int
    rejected: list[RowError]
    cases: int
    warnings: list[str]
    changes: list[Change] = field(default_factory=list, repr=False)


def import_roster(
    database: Database,
    sheet: Sheet,
    *,
    dry_run: bool,
    accept_good_rows: bool,
    now: datetime,
    schedule: Schedule,
    only_branch: str | None = None,
) -> ImportResult:
    """Write a roster into the database, or say everything that is wrong with it.

    A person is known by the 工号. A column that the file lacks leaves the database's value, an empty cell
    clears it. One refused row writes nothing unless `accept_good_rows`; a wrong header never writes
    anything. People are written whole, a hundred per transaction. `now` is an aware instant; what has
    passed is told in the branch's zone. A leave that is new or ends on another day, and is over for at
    most 30 days, is handed to `schedule` inside its transaction; an older one gives a warning.
    `only_branch` is the name of the one branch whose rows are taken; None takes all.
    """
    headers, header_errors = read_headers(sheet)
    lines = read_lines(sheet, headers)
    with database.reading() as session:
        known = Known.read(session)
    regions = branch_regions(lines, known, headers)

    def today(line: Line) -> date:
        place = regions.get(line.values.branch or "")
        return now.astimezone(ZoneInfo(place.zone if place else "Asia/Shanghai")).date()

    people = by_number(lines)
    check_people(people, headers, known, today)
    if only_branch is not None:
        check_branch(lines, headers, known, only_branch)
    check_managers(people, headers, known, accept_good_rows)
    rejected = header_errors + [error for line in lines for error in line.errors]
    result = ImportResult(len(lines), 0, rejected, 0, [])
    if header_errors or (rejected and not accept_good_rows):
        return result
    orders = [
        PersonOrder(
            number, tuple(good), headers.present, regions[good[0].values.branch or ""], today(good[0])
        )
        for number, all_lines in people.items()
        if (good := [line for line in all_lines if line.good])
    ]
    return _write(database, orders, result, headers, schedule, dry_run)


def _write(
    database: Database,
    orders: list[PersonOrder],
    result: ImportResult,
    headers: Headers,
    schedule: Schedule,
    dry_run: bool,
) -> ImportResult:
    refused = list(result.rejected)
    # In a dry run every chunk finds the same new branch again.
    warnings: dict[str, None] = {}
    changes: dict[tuple[Of, tuple[str, ...]], Change] = {}
    cases = applied = 0
    remaining = iter(orders)
    while chunk := list(islice(remaining, PEOPLE_PER_TRANSACTION)):
        if dry_run:
            with database.reading() as session:
                written = write_people(session, chunk, headers, None)
        else:
            written = database.write(partial(write_people, chunk=chunk, headers=headers, schedule=schedule))
            applied += sum(len(order.lines) for order in chunk) - len(written.refused)
        cases += written.cases
        refused += written.refused
        warnings |= dict.fromkeys(written.warnings)
        for one in written.ledger:
            changes.setdefault((one.of, one.key), one)
    return ImportResult(result.rows, applied, refused, cases, list(warnings), list(changes.values()))
