"""A file from being handed in to being applied or taken back: read, shown, checked again, written.

The preview writes nothing but itself. Applying looks at the present data once more; when these would now give
another result, the new preview is kept and nothing is applied.
"""

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from countersign.adapters.database.actors import account_actor
from countersign.adapters.database.import_runs import Run, RunState
from countersign.adapters.database.officers import Officer
from countersign.adapters.database.tables import Account, Branch, ImportRun
from countersign.adapters.error_workbook import Words, bare, error_workbook
from countersign.adapters.roster.changes import Change
from countersign.adapters.roster.undoing import Undoing
from countersign.adapters.sheets import InputFault, RowError, Sheet, read_table
from countersign.bootstrap import Parts
from countersign.domain.console_words import told_in
from countersign.imports.kinds import IMPORTS
from countersign.imports.outcomes import Outcome, Sender, Undo

ROWS_SHOWN = 200
"""So many rows of a preview are kept to be looked at; the counts are of all of them."""
_NAME_LENGTH = 120


class KnownFile(Exception):
    """The same bytes were handed in before, and were applied or still wait."""

    def __init__(self, run: Run) -> None:
        super().__init__("this file is known")
        self.run = run


class Bar(StrEnum):
    """Why somebody cannot apply a file now."""

    NOTHING_TO_DO = "nothing_to_do"
    FAULTS = "faults"
    NO_GOOD_ROWS = "no_good_rows"
    SECOND_PERSON = "second_person"


# --- handing in -------------------------------------------------------------------------------------------


def hand_in(parts: Parts, officer: Officer, kind: str, name: str, data: bytes) -> str:
    """Keep a file that can be read as a table; return the id of its run, to be previewed next.

    Raises `InputFault` for what is no table with rows, `KnownFile` for the same bytes again.
    """
    shown = _shown_name(name)
    if not read_table(data, shown).rows:
        raise InputFault(f"{shown}: holds only headers; write at least one row below them")
    run_id, is_new = parts.import_runs.add(kind, shown, parts.documents.keep(data), len(data), officer)
    known = None if is_new else parts.import_runs.find(run_id, officer.branch_id)
    if known is not None:
        raise KnownFile(known)
    return run_id


def _shown_name(name: str) -> str:
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[-_NAME_LENGTH:] or "file"


def preview(parts: Parts, run_id: str) -> None:
    """Look what a file would change and keep that."""
    run = parts.import_runs.find(run_id, None)
    if run is None or run.state is not RunState.READING:
        return
    try:
        outcome = IMPORTS[run.kind].outcome(parts, table(parts, run), _sender(parts, run), False)
    except InputFault as fault:
        refused = {"sentence": str(fault)}
        parts.import_runs.keep_result(run_id, RunState.READING, RunState.UNREADABLE, refused)
        return
    parts.import_runs.keep_result(run_id, RunState.READING, RunState.PREVIEWED, _result(outcome))


def table(parts: Parts, run: Run) -> Sheet:
    """Read a run's file again."""
    return read_table(parts.documents.read(run.sha256), run.file_name)


def _sender(parts: Parts, run: Run) -> Sender:
    with parts.database.reading() as session:
        branch = None if run.branch_id is None else session.get_one(Branch, run.branch_id).name
        account = session.get_one(Account, run.handed_in_by_id)
    return Sender(run.branch_id, branch, account_actor(account))


def _result(outcome: Outcome) -> dict[str, Any]:
    """Return what is kept of an outcome: counts, all faults, and the changes of the first rows."""
    shown: dict[int, None] = {}
    first = []
    for change in sorted(outcome.changes, key=lambda one: one.row):
        shown[change.row] = None
        if len(shown) > ROWS_SHOWN:
            break
        first.append(change.as_json())
    counts = {
        "rows": outcome.rows,
        "new": outcome.new,
        "changed": outcome.changed,
        "unchanged": outcome.unchanged,
        "refused": outcome.refused,
        "cases": outcome.cases,
        "faults": len(outcome.faults),
        "changes": len(outcome.changes),
    }
    return {
        "counts": counts,
        "faults": [[one.row, one.column, one.code, bare(one)] for one in outcome.faults],
        "warnings": outcome.warnings,
        "changes": first,
        "fingerprint": _fingerprint(outcome),
    }


def _fingerprint(outcome: Outcome) -> str:
    told = [
        [change.as_json() for change in outcome.changes],
        [fault.message for fault in outcome.faults],
        outcome.warnings,
        outcome.cases,
    ]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()


def faults_of(result: Mapping[str, Any]) -> list[RowError]:
    """Return the faults of a preview as they were found."""
    return [
        RowError(row, column, code, f"row {row}, {column}: {sentence}")
        for row, column, code, sentence in result.get("faults", ())
    ]


def mending_workbook(parts: Parts, run: Run, words: Words, language: str) -> bytes:
    """Return the file's rows with every fault in its cell, to mend and hand in again."""
    told = faults_of(run.result)
    return error_workbook(table(parts, run), told, words, lambda text: told_in(language, text))


# --- applying ---------------------------------------------------------------------------------------------


def bar(parts: Parts, run: Run, officer: Officer) -> Bar | None:
    """Say what keeps an officer from applying a preview; None when nothing does."""
    counts = run.counts
    if counts["refused"] and counts["refused"] == counts["rows"]:
        return Bar.NO_GOOD_ROWS
    if not counts["changes"]:
        return Bar.NOTHING_TO_DO
    if counts["faults"] and not run.result.get("good_rows"):
        return Bar.FAULTS
    if parts.settings.four_eyes_imports and run.handed_in_by_id == officer.account_id:
        return Bar.SECOND_PERSON
    return None


def choose_good_rows(parts: Parts, run: Run) -> bool:
    """Keep that the rows without a fault are to be applied alone; False when the file has moved on."""
    chosen = {**run.result, "good_rows": True}
    return parts.import_runs.keep_result(run.id, RunState.PREVIEWED, RunState.PREVIEWED, chosen)


def claim(parts: Parts, run: Run, officer: Officer) -> bool:
    """Take it upon oneself to apply a file; False when somebody was faster."""
    mine = {"applied_by": officer.account_id, "applied_at": parts.clock()}
    result = {**run.result, "differs": False}
    return parts.import_runs.keep_result(run.id, RunState.PREVIEWED, RunState.APPLYING, result, **mine)


def carry_out(parts: Parts, run_id: str) -> None:
    """Apply a file that was claimed, or show its preview anew when the data have changed meanwhile.

    After an interruption it goes on: what stands there already is not written twice.
    """
    run = parts.import_runs.find(run_id, None)
    if run is None or run.state is not RunState.APPLYING:
        return
    kind, sheet, sender = IMPORTS[run.kind], table(parts, run), _sender(parts, run)
    begun = parts.import_runs.undo_of(run_id) is not None
    if not begun:
        expected = kind.outcome(parts, sheet, sender, False)
        if _fingerprint(expected) != run.result["fingerprint"]:
            anew = {**_result(expected), "differs": True}
            nobody = {"applied_by": None, "applied_at": None}
            parts.import_runs.keep_result(run_id, RunState.APPLYING, RunState.PREVIEWED, anew, **nobody)
            return
        # Kept before the first row is written: an interrupted import can be taken back too.
        before = {"changes": [change.as_json() for change in expected.changes]}
        parts.import_runs.keep_result(run_id, RunState.APPLYING, RunState.APPLYING, run.result, undo=before)
    outcome = kind.outcome(parts, sheet, sender, True)
    more: dict[str, Any] = {}
    result = run.result
    if not begun:
        result = {**_result(outcome), "good_rows": run.result.get("good_rows", False)}
        more = {"undo": {"changes": [change.as_json() for change in outcome.changes]}}
    parts.import_runs.keep_result(run_id, RunState.APPLYING, RunState.APPLIED, result, **more)


# --- taking back ------------------------------------------------------------------------------------------


def undo_preview(parts: Parts, run_id: str) -> Undoing:
    """Say what could be taken back now; nothing is written."""
    take_back = _undo_of(parts, run_id)
    with parts.database.reading() as session:
        return take_back(parts, session, _kept(session, run_id), False, False)


def undo(parts: Parts, run_id: str, officer: Officer, *, part: bool) -> Undoing:
    """Take an applied file back in one transaction; raises `NotWhole` when that needs `part`."""
    way_back = _undo_of(parts, run_id)

    def take_back(session: Session) -> Undoing:
        row = session.get_one(ImportRun, run_id, with_for_update=True)
        if row.state not in (RunState.APPLIED, RunState.UNDONE_IN_PART):
            return Undoing(0, [])
        changes = _kept(session, run_id)
        told = way_back(parts, session, changes, True, part)
        stays = {one.number for one in told.stays}
        row.state = (RunState.UNDONE_IN_PART if stays else RunState.UNDONE).value
        row.result = {**row.result, "stays": [[one.row, one.number, one.sentence] for one in told.stays]}
        row.undo = {"changes": [one.as_json() for one in changes if one.key[0] in stays]}
        row.undone_by, row.undone_at = officer.account_id, parts.clock()
        session.add(row)
        return told

    return parts.database.write(take_back)


def _undo_of(parts: Parts, run_id: str) -> Undo:
    run = parts.import_runs.find(run_id, None)
    way_back = None if run is None else IMPORTS[run.kind].undo
    if way_back is None:
        raise LookupError("this kind of import is not taken back")
    return way_back


def _kept(session: Session, run_id: str) -> list[Change]:
    kept = session.get_one(ImportRun, run_id).undo or {"changes": []}
    return [Change.from_json(one) for one in kept["changes"]]


def shown_changes(run: Run) -> list[Change]:
    """Return the changes of the first rows of a preview."""
    return [Change.from_json(one) for one in run.result.get("changes", ())]
