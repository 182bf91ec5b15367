"""Takes an import of a roster back: each person whole or not at all, and only what nothing has built upon."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from countersign.adapters.database.tables import (
    Branch,
    EmergencyContact,
    Employment,
    Leave,
    Outbox,
    Person,
)
from countersign.adapters.roster.changes import Change, How, Of, plain, roster_field
from countersign.adapters.roster.columns import COLUMNS
from countersign.adapters.roster.writing import DAYS_AFTER_WHICH_NO_CASE_STARTS

_AT_ONCE = 500
_DATES = {
    "e_delivery_consent_on",
    "ended_on",
    "ends_on",
    "consent_on",
    "contract_starts_on",
    "contract_ends_on",
}
_REMOVED_FIRST = (Of.CONTACT, Of.LEAVE, Of.EMPLOYMENT, Of.PERSON)


@dataclass(frozen=True)
class Stays:
    """Why what a row wrote is not taken back; `number` is the employee number or the branch's name."""

    row: int
    number: str = field(repr=False)
    sentence: str


@dataclass(frozen=True)
class Undoing:
    """What was taken back, or would be: people and branches, and those that stay as they are."""

    done: int
    stays: list[Stays]


class NotWhole(Exception):
    """Not everything can be taken back, and nobody has said to take back the rest."""

    def __init__(self, undoing: Undoing) -> None:
        super().__init__("some rows cannot be taken back")
        self.undoing = undoing


Reschedule = Callable[[Session, str], None]
"""Called with the transaction and the id of a leave that ends again when it did before."""


def undo_import(
    session: Session,
    changes: Iterable[Change],
    *,
    today: date,
    reschedule: Reschedule | None,
    part: bool = False,
) -> Undoing:
    """Take changes back within the transaction; without `reschedule` only say what would be.

    What the import made is removed where nothing refers to it, what it changed is put back where it still
    holds what the import wrote. `today` is the branch's date: leaves that are long over start no case.
    Raises `NotWhole`, with nothing taken back, where something stays and `part` was not wished.
    """
    units: dict[tuple[bool, str], list[Change]] = defaultdict(list)
    for change in changes:
        units[change.of is Of.BRANCH, change.key[0]].append(change)
    people = {number: found for (branch, number), found in units.items() if not branch}
    records = _Records.read(session, people)
    stays = {number: why for number, found in people.items() if (why := _hindrance(records, found))}
    _keep_superiors(session, people, stays)
    going = {number: found for number, found in people.items() if number not in stays}
    branches = {name: found[0] for (branch, name), found in units.items() if branch}
    leaving = {number for number, found in going.items() if _made(found)}
    moving = {number: found for number, found in going.items() if number not in leaving}
    kept = {
        name: why
        for name, change in branches.items()
        if (why := _branch_hindrance(session, change, leaving, moving))
    }
    told = [Stays(people[number][0].row, number, why) for number, why in stays.items()]
    told += [Stays(branches[name].row, name, why) for name, why in kept.items()]
    undoing = Undoing(len(going) + len(branches) - len(kept), sorted(told, key=lambda one: one.row))
    if reschedule is not None:
        if undoing.stays and not part:
            raise NotWhole(undoing)
        _take_back(session, records, going, today, reschedule)
        for name, change in branches.items():
            if name not in kept:
                _take_branch_back(session, change)
        session.flush()
    return undoing


# --- what stands in the way -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Records:
    """The records as they are now, by kind and key, and what refers to people and leaves."""

    found: dict[tuple[Of, tuple[str, ...]], Any]
    branch_names: dict[str, str]
    used_people: frozenset[str]
    used_leaves: frozenset[str]

    @cached_property
    def of_person(self) -> dict[str, list[tuple[Of, tuple[str, ...]]]]:
        """The keys of each person's records, by employee number."""
        keys: dict[str, list[tuple[Of, tuple[str, ...]]]] = defaultdict(list)
        for key in self.found:
            keys[key[1][0]].append(key)
        return keys

    @classmethod
    def read(cls, session: Session, numbers: Iterable[str]) -> "_Records":
        found: dict[tuple[Of, tuple[str, ...]], Any] = {}
        used_people: set[str] = set()
        used_leaves: set[str] = set()
        wanted = list(numbers)
        for at in range(0, len(wanted), _AT_ONCE):
            some = col(Person.number).in_(wanted[at : at + _AT_ONCE])
            people = {one.id: one for one in session.exec(select(Person).where(some))}
            number = {id_: one.number for id_, one in people.items()}
            found |= {(Of.PERSON, (one.number,)): one for one in people.values()}
            for job in session.exec(select(Employment).where(col(Employment.person_id).in_(people))):
                found[Of.EMPLOYMENT, (number[job.person_id], job.hired_on.isoformat())] = job
            for contact in session.exec(
                select(EmergencyContact).where(col(EmergencyContact.person_id).in_(people))
            ):
                found[Of.CONTACT, (number[contact.person_id],)] = contact
            leaves = list(session.exec(select(Leave).where(col(Leave.person_id).in_(people))))
            for leave in leaves:
                found[Of.LEAVE, (number[leave.person_id], leave.kind, leave.starts_on.isoformat())] = leave
            used_people |= _referred(session, "person_id", "person.id", list(people), _OWN)
            used_leaves |= _referred(session, "leave_id", "leave.id", [one.id for one in leaves], frozenset())
        names = {one.id: one.name for one in session.exec(select(Branch))}
        return cls(found, names, frozenset(used_people), frozenset(used_leaves))


_OWN = frozenset({"employment", "emergencycontact", "leave"})
"""What belongs to a person and is looked at by itself."""


def _referred(session: Session, name: str, target: str, ids: Sequence[str], own: frozenset[str]) -> set[str]:
    """Return those ids that some table refers to, by a foreign key or by the name of the column."""
    found: set[str] = set()
    for table in SQLModel.metadata.sorted_tables:
        for column in table.columns:
            keys = {key.target_fullname for key in column.foreign_keys}
            if table.name not in own and (column.name == name or target in keys):
                found |= {
                    row[0] for row in session.connection().execute(select(column).where(column.in_(ids)))
                }
    return found


def _hindrance(records: _Records, changes: list[Change]) -> str | None:
    """Say why a person's part of the import cannot be taken back; None when it can."""
    number = changes[0].key[0]
    person = records.found.get((Of.PERSON, (number,)))
    if person is None:
        return "the person is no longer there"
    if _made(changes):
        if person.id in records.used_people:
            return "a case, a paper, an account or a message refers to this person since"
        made = {(change.of, change.key) for change in changes}
        if any(key not in made for key in records.of_person[number]):
            return "a leave, an employment or a contact was added to this person since"
    for change in changes:
        why = _record_hindrance(records, change)
        if why is not None:
            return why
    return None


def _record_hindrance(records: _Records, change: Change) -> str | None:
    record = records.found.get((change.of, change.key))
    if change.how is How.GONE:
        return None if record is None else "another emergency contact was written down since"
    if record is None:
        return "a record that the import wrote was removed since"
    if change.of is Of.LEAVE and record.id in records.used_leaves:
        return "a case was started for this leave since"
    for name, (_, new) in change.fields.items():
        if _present(records, record, name) != new:
            return f"{COLUMNS.get(roster_field(change.of, name), name)} was changed since"
    return None


def _present(records: _Records, record: Any, name: str) -> str | None:
    if name == "branch":
        return records.branch_names[record.branch_id]
    return plain(getattr(record, name))


def _made(changes: list[Change]) -> bool:
    return any(change.of is Of.PERSON and change.how is How.NEW for change in changes)


def _keep_superiors(session: Session, people: dict[str, list[Change]], stays: dict[str, str]) -> None:
    """Keep those whose removal would leave somebody with a superior who is not there."""
    made = [number for number, changes in people.items() if _made(changes)]
    if not made:
        return
    below = select(Person.number, Person.manager_number).where(col(Person.manager_number).is_not(None))
    subordinates: dict[str, list[str]] = defaultdict(list)
    for number, manager in session.exec(below):
        subordinates[manager or ""].append(number)
    left = -1
    while left != len(stays):
        left = len(stays)
        for number in made:
            if number not in stays and any(
                one in stays or not _lets_go(people.get(one, [])) for one in subordinates[number]
            ):
                stays[number] = "somebody else has this person as their superior"


def _lets_go(changes: list[Change]) -> bool:
    """Say whether taking the changes back removes a person or gives them the superior of before."""
    return _made(changes) or any(
        change.of is Of.PERSON and "manager_number" in change.fields for change in changes
    )


def _branch_hindrance(
    session: Session, change: Change, leaving: set[str], moving: dict[str, list[Change]]
) -> str | None:
    branch = session.exec(select(Branch).where(Branch.name == change.key[0])).first()
    if branch is None:
        return "the branch is no longer there"
    if change.how is How.CHANGED:
        changed = any(plain(getattr(branch, name)) != new for name, (_, new) in change.fields.items())
        return "the branch was changed since" if changed else None
    out = leaving | {
        number
        for number, changes in moving.items()
        if any(one.of is Of.PERSON and "branch" in one.fields for one in changes)
    }
    inside = set(session.exec(select(Person.number).where(Person.branch_id == branch.id)))
    used = _referred(session, "branch_id", "branch.id", [branch.id], frozenset({"person"}))
    return "somebody or something belongs to this branch" if inside - out or used else None


# --- taking back ------------------------------------------------------------------------------------------


def _take_back(
    session: Session,
    records: _Records,
    going: dict[str, list[Change]],
    today: date,
    reschedule: Reschedule,
) -> None:
    changes = [change for found in going.values() for change in found]
    for change in changes:
        if change.how is How.CHANGED:
            _put_back(session, records, change)
        elif change.how is How.GONE:
            person = records.found[Of.PERSON, (change.key[0],)]
            told: dict[str, Any] = {name: _value(name, old) for name, (old, _) in change.fields.items()}
            session.add(EmergencyContact(person_id=person.id, **told))
    for of in _REMOVED_FIRST:
        for change in changes:
            if change.of is of and change.how is How.NEW:
                record = records.found[of, change.key]
                if of is Of.LEAVE:
                    _drop_order(session, record.id)
                session.delete(record)
        # Children go first; the session does not know the foreign keys.
        session.flush()
    for change in changes:
        if change.of is Of.LEAVE and change.how is How.CHANGED:
            leave = records.found[Of.LEAVE, change.key]
            if today - leave.ends_on > timedelta(days=DAYS_AFTER_WHICH_NO_CASE_STARTS):
                _drop_order(session, leave.id)
            else:
                reschedule(session, leave.id)


def _put_back(session: Session, records: _Records, change: Change) -> None:
    record = records.found[change.of, change.key]
    for name, (old, _) in change.fields.items():
        if name == "branch":
            home = session.exec(select(Branch).where(Branch.name == old)).one()
            record.branch_id = home.id
        else:
            setattr(record, name, _value(name, old))
    session.add(record)


def _value(name: str, kept: str | None) -> str | date | None:
    return date.fromisoformat(kept) if kept is not None and name in _DATES else kept


def _drop_order(session: Session, leave_id: str) -> None:
    """Take back the order to start a case, if it is still to be carried out."""
    for order in session.exec(
        select(Outbox).where(Outbox.subject == f"leave/{leave_id}", col(Outbox.done_at).is_(None))
    ):
        session.delete(order)


def _take_branch_back(session: Session, change: Change) -> None:
    branch = session.exec(select(Branch).where(Branch.name == change.key[0])).one()
    if change.how is How.NEW:
        session.delete(branch)
        return
    for name, (old, _) in change.fields.items():
        setattr(branch, name, old)
    session.add(branch)
