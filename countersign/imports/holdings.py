"""Documents, customers and equipment from files: one list for each track."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlmodel import Session

from countersign.adapters.database.holding_book import HoldingChange, HoldingsRefused
from countersign.adapters.holdings_file import HoldingsRead, holdings_template, read_holdings
from countersign.adapters.holdings_undo import field_text, undo_holdings
from countersign.adapters.roster.changes import Change, Fields, How, Of
from countersign.adapters.roster.undoing import Undoing
from countersign.adapters.sheets import RowError, Sheet, read_sheet
from countersign.bootstrap import Parts
from countersign.domain.departure import Track
from countersign.domain.holdings import HoldingWish
from countersign.imports.outcomes import Import, Outcome, Sender, refused_rows, rejected

ROWS_PER_TRANSACTION = 500
_SOURCE = "import"


def holdings_kind(track: Track) -> Import:
    """Return how a list of one track is taken in."""
    return Import(
        partial(holdings_template, track),
        partial(_apply, track),
        partial(_outcome, track),
        undo=_undo,
    )


def _apply(track: Track, parts: Parts, file: Path, dry_run: bool, accept_good_rows: bool) -> dict[str, Any]:
    sheet = read_sheet(file)
    looked = _look(parts, sheet, track, None)
    writes = not dry_run and (accept_good_rows or not looked.faults)
    faults = looked.faults + (_write(parts, looked, None) if writes else [])
    return {
        "rows": len(sheet.rows),
        "applied": len(sheet.rows) - refused_rows(sheet, faults) if writes else 0,
        "changed": len(looked.changes) if writes else 0,
        "rejected": [rejected(error) for error in faults],
    }


def _outcome(track: Track, parts: Parts, sheet: Sheet, sender: Sender, write: bool) -> Outcome:
    looked = _look(parts, sheet, track, sender.branch_id)
    faults = looked.faults
    if write:
        faults = faults + _write(parts, looked, sender.branch_id)
    new = sum(one.how is How.NEW for one in looked.changes)
    changed = len(looked.changes) - new
    return Outcome(len(sheet.rows), new, changed, refused_rows(sheet, faults), faults, [], 0, looked.changes)


@dataclass(frozen=True)
class _Looked:
    """What a file would do: the holdings of its good rows, their changes, and all faults."""

    read: HoldingsRead
    good: dict[int, HoldingWish] = field(repr=False)
    faults: list[RowError]
    changes: list[Change]


def _look(parts: Parts, sheet: Sheet, track: Track, branch_id: str | None) -> _Looked:
    read = read_holdings(sheet, track)
    rows = list(read.wishes)
    looked = parts.holdings.look(list(read.wishes.values()), branch_id)
    faults = read.rejected + [
        read.in_row(rows[place], fault) for place, found in looked.faults.items() for fault in found
    ]
    bad = {fault.row for fault in faults}
    good = {row: wish for row, wish in read.wishes.items() if row not in bad}
    changes = [
        _change(rows[place], one)
        for place, one in looked.changes.items()
        if one.changed and rows[place] in good
    ]
    return _Looked(read, good, sorted(faults, key=lambda one: one.row), changes)


def _write(parts: Parts, looked: _Looked, branch_id: str | None) -> list[RowError]:
    """Write good rows, some hundred at once; what has become wrong meanwhile is left out and returned."""
    faults: list[RowError] = []
    for some in _some(looked.good):
        rows = some
        while rows:
            try:
                parts.holdings.put([looked.good[row] for row in rows], _SOURCE, branch_id)
                break
            except HoldingsRefused as refusal:
                wrong = {rows[place]: found for place, found in refusal.faults.items()}
                faults += [looked.read.in_row(row, one) for row, found in wrong.items() for one in found]
                rows = [row for row in rows if row not in wrong]
    return faults


def _some(wishes: dict[int, HoldingWish]) -> Iterator[list[int]]:
    rows = list(wishes)
    for at in range(0, len(rows), ROWS_PER_TRANSACTION):
        yield rows[at : at + ROWS_PER_TRANSACTION]


def _change(row: int, one: HoldingChange) -> Change:
    before = one.before or {}
    fields: Fields = {
        name: (field_text(before.get(name)), field_text(value))
        for name, value in one.after.items()
        if (value is not None if one.before is None else before.get(name) != value)
    }
    how = How.NEW if one.before is None else How.CHANGED
    return Change(row, Of.HOLDING, (one.reference, one.track.value), how, fields)


def _undo(_parts: Parts, session: Session, changes: Iterable[Change], write: bool, part: bool) -> Undoing:
    return undo_holdings(session, changes, write=write, part=part)
