"""What every kind of import is made of: who hands in, what comes of it, and how one is described."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlmodel import Session

from countersign.adapters.roster.changes import Change
from countersign.adapters.roster.undoing import Undoing
from countersign.adapters.sheets import RowError, Sheet
from countersign.bootstrap import Parts


@dataclass(frozen=True)
class Sender:
    """For whom a file is taken in: the one branch (None: the company), and who stands in the evidence."""

    branch_id: str | None
    branch: str | None
    actor: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """What an import does, or would do: every row of the file is new, changed, unchanged or refused.

    `cases` counts the cases that will be started or planned again.
    """

    rows: int
    new: int
    changed: int
    refused: int
    faults: list[RowError]
    warnings: list[str]
    cases: int
    changes: list[Change] = field(repr=False)

    @property
    def unchanged(self) -> int:
        """How many rows say what stands there already."""
        return self.rows - self.new - self.changed - self.refused


Undo = Callable[[Parts, Session, Iterable[Change], bool, bool], Undoing]
"""Takes changes back in a transaction: whether to write, and whether a part will do. Raises `NotWhole`."""


@dataclass(frozen=True)
class Import:
    """One kind of file: its empty template, how it is applied, and how that is shown before.

    `outcome` takes in the rows without a fault when told to write, and else only says what would be. What
    holds for the `whole_company` is no branch's own. `undo` takes an import back; None where nothing can.
    """

    template: Callable[[], bytes]
    apply: Callable[[Parts, Path, bool, bool], dict[str, Any]]
    outcome: Callable[[Parts, Sheet, Sender, bool], Outcome]
    whole_company: bool = False
    undo: Undo | None = None


def refused_rows(sheet: Sheet, faults: list[RowError]) -> int:
    """Count the rows with a fault; one among the headers refuses every row."""
    rows = {fault.row for fault in faults}
    return len(sheet.rows) if sheet.header_row in rows else len(rows)


def rejected(error: RowError) -> dict[str, Any]:
    """Return a fault as the command line and the API tell it."""
    return {"row": error.row, "column": error.column, "code": error.code, "message": error.message}
