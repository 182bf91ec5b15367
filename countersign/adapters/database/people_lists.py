"""Lists of employees: found by part of a name or number, filtered, counted, a page at a time."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import col, or_, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Branch, Case, Person

PAGE = 50
_select: Any = select  # the typed one takes four columns


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


@dataclass(frozen=True)
class PeoplePage:
    """One page of a list: its lines, how many there are in all, and which page of how many."""

    lines: tuple[PersonLine, ...]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // PAGE))


class PeopleLists:
    """Reads the roster; every method keeps to the scope."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def found(self, scope: Scope, part: str, limit: int) -> list[PersonLine]:
        """Return who has `part` in their name or number, by number."""
        query = _matching(scope, part, "").order_by(col(Person.number)).limit(limit)
        with self._database.reading() as session:
            return [PersonLine(*row) for row in session.exec(query)]

    def page(self, scope: Scope, part: str, branch: str, number: int) -> PeoplePage:
        """Return one page, counted from 1; a number beyond the last one gives the last one."""
        matching = _matching(scope, part, branch)
        with self._database.reading() as session:
            total = session.exec(select(func.count()).select_from(matching.subquery())).one()
            number = min(max(number, 1), max(1, -(-total // PAGE)))
            query = matching.order_by(col(Person.number)).limit(PAGE).offset((number - 1) * PAGE)
            lines = tuple(PersonLine(*row) for row in session.exec(query))
        return PeoplePage(lines, total, number)


def _matching(scope: Scope, part: str, branch: str) -> Any:
    open_cases = (
        select(func.count())
        .select_from(Case)
        .where(Case.person_id == Person.id, Case.state != "closed")
        .scalar_subquery()
    )
    columns = (Person.id, Person.number, Person.name, Branch.name, Person.department, Person.post)
    query = _select(*columns, open_cases).join(Branch, col(Branch.id) == col(Person.branch_id))
    if branch:
        query = query.where(Person.branch_id == branch)
    if part:
        query = query.where(
            or_(
                col(Person.name).icontains(part, autoescape=True),
                col(Person.number).icontains(part, autoescape=True),
            )
        )
    return scope.within(query)
