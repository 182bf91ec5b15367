"""Lists of employees: found by part of a name or number, filtered, counted, a page at a time."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.queries import called, select_columns
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Branch, Case, Person
from countersign.domain.paging import Listed, pager

PAGE = 50


@dataclass(frozen=True)
class PersonLine:
    """One employee in a list; `open_cases` counts what is not closed."""

    id: str
    number: str
    name: str
    branch: str
    department: str | None
    post: str | None
    open_cases: int


class PeopleLists:
    """Reads the roster; every method keeps to the scope."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def found(self, scope: Scope, part: str, limit: int) -> list[PersonLine]:
        """Return who has `part` in their name or number, by number."""
        query = _matching(scope, part, "").order_by(col(Person.number)).limit(limit)
        with self._database.reading() as session:
            return [PersonLine(*row) for row in session.exec(query)]

    def page(self, scope: Scope, part: str, branch: str, number: int) -> Listed[PersonLine]:
        """Return one page, counted from 1; a number beyond the last one gives the last one."""
        matching = _matching(scope, part, branch)
        with self._database.reading() as session:
            total = session.exec(select(func.count()).select_from(matching.subquery())).one()
            shown = pager(number, total, PAGE)
            query = matching.order_by(col(Person.number)).limit(PAGE).offset(shown.skip)
            lines = tuple(PersonLine(*row) for row in session.exec(query))
        return Listed(lines, total, shown)


def _matching(scope: Scope, part: str, branch: str) -> Any:
    open_cases = (
        select(func.count())
        .select_from(Case)
        .where(Case.person_id == Person.id, Case.state != "closed")
        .scalar_subquery()
    )
    columns = (Person.id, Person.number, Person.name, Branch.name, Person.department, Person.post)
    query = select_columns(*columns, open_cases).join(Branch, col(Branch.id) == col(Person.branch_id))
    if branch:
        query = query.where(Person.branch_id == branch)
    if part:
        query = query.where(called(part))
    return scope.within(query)
