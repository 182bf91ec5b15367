"""A list of leavers: every row that can be started is a departure, started once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.departure_terms import DepartureWish
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.starts import CannotStart
from countersign.adapters.database.tables import Departure, Person
from countersign.adapters.leavers_file import LeaversRead, leavers_template, read_leavers
from countersign.adapters.rendering import TemplateFault
from countersign.adapters.roster.changes import Change, Fields, How, Of
from countersign.adapters.sheets import RowError, Sheet, read_sheet
from countersign.bootstrap import Parts
from countersign.domain.policy_file import CaseFileError
from countersign.domain.refusal import Refusal
from countersign.imports.outcomes import Import, Outcome, Sender, refused_rows, rejected

_ACTOR = {"role": "hr", "id": "import"}
_REFUSALS = (Refusal, CannotStart, CaseFileError, TemplateFault)
_UNKNOWN = "no employee here has this number; correct it, or import the person first"
_COLUMN_OF = {"employee": "number", "successor": "successor", "kind": "kind", "ground": "ground"} | {
    "last_day": "last_day",
    "noticed_on": "noticed_on",
}
"""In which column a fault of a departure's field is mended; all others concern the person."""


def leavers_kind() -> Import:
    """Return how a list of leavers is taken in. A departure is withdrawn in its case, not by the file."""
    return Import(leavers_template, _apply, _outcome)


def _apply(parts: Parts, file: Path, dry_run: bool, accept_good_rows: bool) -> dict[str, Any]:
    sheet = read_sheet(file)
    looked = _look(parts, sheet, None)
    writes = not dry_run and (accept_good_rows or not looked.faults)
    faults = looked.faults + (_start(parts, looked, _ACTOR, None) if writes else [])
    return {
        "rows": len(sheet.rows),
        "applied": len(sheet.rows) - refused_rows(sheet, faults) if writes else 0,
        "known": len(looked.known),
        "cases": len(looked.new) if writes or dry_run else 0,
        "rejected": [rejected(error) for error in faults],
    }


def _outcome(parts: Parts, sheet: Sheet, sender: Sender, write: bool) -> Outcome:
    looked = _look(parts, sheet, sender.branch_id)
    faults = looked.faults + (_start(parts, looked, sender.actor, sender.branch_id) if write else [])
    changes = [_change(row, looked.wishes[row]) for row in looked.new]
    refused = refused_rows(sheet, faults)
    return Outcome(len(sheet.rows), len(changes), 0, refused, faults, [], len(changes), changes)


@dataclass(frozen=True)
class _Looked:
    """What a list would start: the good rows, those that stand already, and everything that is wrong."""

    read: LeaversRead
    wishes: dict[int, DepartureWish] = field(default_factory=dict, repr=False)
    known: set[int] = field(default_factory=set)
    faults: list[RowError] = field(default_factory=list)

    @property
    def new(self) -> list[int]:
        """The rows that start a departure."""
        return [row for row in self.wishes if row not in self.known]


def _look(parts: Parts, sheet: Sheet, branch_id: str | None) -> _Looked:
    read = read_leavers(sheet)
    looked = _Looked(read, faults=list(read.rejected))
    with parts.database.reading() as session:
        people = _people(session, [wish.employee for wish in read.wishes.values()])
        leaving = _leaving(session, people)
    for row, wish in read.wishes.items():
        person = people.get(wish.employee)
        if person is None or branch_id not in (None, person.branch_id):
            looked.faults.append(read.columns.error(row, "number", "unknown_person", _UNKNOWN))
        elif (person.id, wish.kind.value, wish.last_day) in leaving:
            looked.wishes[row] = wish
            looked.known.add(row)
        else:
            _try(parts, looked, row, wish, branch_id)
    looked.faults.sort(key=lambda one: one.row)
    return looked


def _try(parts: Parts, looked: _Looked, row: int, wish: DepartureWish, branch_id: str | None) -> None:
    """Look what a row would start; nothing is written."""
    try:
        blocks = parts.departures.preview(wish, Scope(branch_id)).blocks
    except _REFUSALS as refusal:
        looked.faults.append(_in_row(looked.read, row, _about(refusal), str(refusal)))
        return
    looked.faults.extend(_in_row(looked.read, row, name, sentence) for name, sentence in blocks)
    if not blocks:
        looked.wishes[row] = wish


def _start(parts: Parts, looked: _Looked, actor: Mapping[str, Any], branch_id: str | None) -> list[RowError]:
    """Start the departures of good rows, each by itself; one that stands already stays as it is."""
    faults = []
    for row in looked.new:
        try:
            parts.departures.start(looked.wishes[row], actor, Scope(branch_id))
        except _REFUSALS as refusal:
            faults.append(_in_row(looked.read, row, _about(refusal), str(refusal)))
    return faults


def _about(refusal: Exception) -> str:
    """Return what a refusal is about; a text that cannot be written is about nobody's cell."""
    return str(getattr(refusal, "field", "employee"))


def _in_row(read: LeaversRead, row: int, about: str, sentence: str) -> RowError:
    return read.columns.error(row, _COLUMN_OF.get(about, "number"), "refused", sentence)


def _people(session: Session, numbers: list[str]) -> dict[str, Person]:
    found: dict[str, Person] = {}
    for at in range(0, len(numbers), 500):
        some = select(Person).where(col(Person.number).in_(numbers[at : at + 500]))
        found |= {one.number: one for one in session.exec(some)}
    return found


def _leaving(session: Session, people: Mapping[str, Person]) -> set[tuple[str, str, date]]:
    """Return the departures of these people that were not withdrawn: who, of which kind, the last day."""
    ids = [one.id for one in people.values()]
    found: set[tuple[str, str, date]] = set()
    for at in range(0, len(ids), 500):
        some = select(Departure).where(
            col(Departure.person_id).in_(ids[at : at + 500]), col(Departure.holds).is_not(None)
        )
        found |= {(one.person_id, one.kind, one.last_day) for one in session.exec(some)}
    return found


def _change(row: int, wish: DepartureWish) -> Change:
    told = {
        "departure_kind": wish.kind.value,
        "ground": None if wish.ground is None else wish.ground.value,
        "last_day": wish.last_day.isoformat(),
        "noticed_on": wish.noticed_on.isoformat(),
        "successor": wish.successor,
    }
    fields: Fields = {name: (None, value) for name, value in told.items() if value is not None}
    return Change(row, Of.DEPARTURE, (wish.employee,), How.NEW, fields)
