"""What somebody who starts cases looks up: people, their leaves, which of them have a case, and policies."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.policy_book import policy_for
from countersign.adapters.database.queries import called, select_columns
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Branch, Case, Leave, Person, StoredPolicy
from countersign.contracts.cases import Process

MOST_LEAVES = 1000
"""As many leaves can be started at once."""

_MOST_FOUND, _AT_ONCE = 20, 400
_SOON = timedelta(days=14)
_BETWEEN_NUMBERS = re.compile(r"[\s,;，；、]+")


@dataclass(frozen=True)
class LeaveLine:
    """A leave with its employee; `case_id` is the case that was started for it."""

    id: str
    kind: str
    starts_on: date
    ends_on: date
    person_id: str
    number: str
    name: str = field(repr=False)
    department: str | None
    branch_id: str
    branch: str
    case_id: str | None


@dataclass(frozen=True)
class PersonLeaves:
    """An employee with their leaves, the one that ends last first."""

    id: str
    number: str
    name: str = field(repr=False)
    department: str | None
    branch: str
    leaves: tuple[LeaveLine, ...]


@dataclass(frozen=True)
class LeaveFilter:
    """Which leaves without a case are wanted; None leaves a side open."""

    branch_id: str | None = None
    kind: str | None = None
    ends_from: date | None = None
    ends_to: date | None = None


class StartDesk:
    """Reads. Every method that takes a scope keeps to it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def people(self, scope: Scope, part: str) -> list[PersonLeaves]:
        """Return the first people with `part` in their number or name, exact numbers first."""
        query = select(Person, Branch.name).join(Branch, col(Branch.id) == col(Person.branch_id))
        if part:
            query = query.where(called(part))
        order = (col(Person.number) != part, col(Person.number))
        with self._database.reading() as session:
            found = session.exec(scope.within(query).order_by(*order).limit(_MOST_FOUND)).all()
            of = _by_person(session, [person.id for person, _ in found])
        return [
            PersonLeaves(p.id, p.number, p.name, p.department, branch, tuple(of.get(p.id, ())))
            for p, branch in found
        ]

    def ending_soon(self, scope: Scope, today: date) -> list[LeaveLine]:
        """Return the leaves without a case that end in the next two weeks or ended in the last two."""
        return self.without_case(scope, LeaveFilter(None, None, today - _SOON, today + _SOON), 10)

    def without_case(self, scope: Scope, wanted: LeaveFilter, limit: int) -> list[LeaveLine]:
        """Return leaves without a case, the first to end first."""
        query = scope.within(_lines().where(col(Case.id).is_(None)))
        for value, condition in (
            (wanted.branch_id, Person.branch_id == wanted.branch_id),
            (wanted.kind, Leave.kind == wanted.kind),
        ):
            if value is not None:
                query = query.where(condition)
        if wanted.ends_from is not None:
            query = query.where(col(Leave.ends_on) >= wanted.ends_from)
        if wanted.ends_to is not None:
            query = query.where(col(Leave.ends_on) <= wanted.ends_to)
        with self._database.reading() as session:
            rows = session.exec(query.order_by(col(Leave.ends_on), col(Person.number)).limit(limit))
            return [_line(row) for row in rows]

    def leave(self, scope: Scope, leave_id: str) -> LeaveLine | None:
        """Return one leave; None when there is none inside the scope."""
        return next(iter(self.leaves(scope, [leave_id])), None)

    def leaves(self, scope: Scope, leave_ids: Sequence[str]) -> list[LeaveLine]:
        """Return those of these leaves that lie inside the scope, in the order given, each once."""
        found: dict[str, LeaveLine] = {}
        with self._database.reading() as session:
            for some in _slices(list(dict.fromkeys(leave_ids))):
                for row in session.exec(scope.within(_lines().where(col(Leave.id).in_(some)))):
                    line = _line(row)
                    found[line.id] = line
        return [found[one] for one in dict.fromkeys(leave_ids) if one in found]

    def last_leaves(self, scope: Scope, numbers: Sequence[str]) -> dict[str, LeaveLine | None]:
        """Return for each employee number the leave that ends last; None for people without any.

        Numbers of nobody in the scope are left out.
        """
        known: dict[str, LeaveLine | None] = {}
        with self._database.reading() as session:
            for some in _slices(numbers):
                people = scope.within(select(Person).where(col(Person.number).in_(some)))
                numbered = {person.id: person.number for person in session.exec(people)}
                of = _by_person(session, list(numbered))
                known |= {number: next(iter(of.get(one, ())), None) for one, number in numbered.items()}
        return known

    def branches(self, scope: Scope) -> list[tuple[str, str]]:
        """Return id and name of the branches of the scope."""
        query = select(Branch).order_by(col(Branch.name))
        if scope.branch_id is not None:
            query = query.where(Branch.id == scope.branch_id)
        with self._database.reading() as session:
            return [(one.id, one.name) for one in session.exec(query)]

    def policies(self, process: Process, branch_id: str | None) -> tuple[str, list[str]]:
        """Return the policy that a branch (None: the company) starts with, and the names of all."""
        names = select(StoredPolicy.name).where(StoredPolicy.process == process.value).distinct()
        with self._database.reading() as session:
            chosen = policy_for(session, process, branch_id)
            return chosen, sorted({*session.exec(names), chosen}, key=lambda name: (name != chosen, name))


def numbers_in(text: str) -> list[str]:
    """Return the employee numbers of a pasted list, each once; commas, blanks and lines divide them."""
    return list(dict.fromkeys(one for one in _BETWEEN_NUMBERS.split(text) if one))


def _lines() -> Any:
    return (
        select_columns(Leave, Person, Branch.name, Case.id)
        .join(Person, col(Person.id) == col(Leave.person_id))
        .join(Branch, col(Branch.id) == col(Person.branch_id))
        .outerjoin(Case, col(Case.leave_id) == col(Leave.id))
    )


def _line(row: Any) -> LeaveLine:
    leave, person, branch, case_id = row
    return LeaveLine(
        id=leave.id,
        kind=leave.kind,
        starts_on=leave.starts_on,
        ends_on=leave.ends_on,
        person_id=person.id,
        number=person.number,
        name=person.name,
        department=person.department,
        branch_id=person.branch_id,
        branch=branch,
        case_id=case_id,
    )


def _by_person(session: Session, person_ids: Sequence[str]) -> dict[str, list[LeaveLine]]:
    found: dict[str, list[LeaveLine]] = {}
    for some in _slices(person_ids):
        query = _lines().where(col(Leave.person_id).in_(some))
        for row in session.exec(query.order_by(col(Leave.ends_on).desc(), col(Leave.id).desc())):
            line = _line(row)
            found.setdefault(line.person_id, []).append(line)
    return found


def _slices(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE))
