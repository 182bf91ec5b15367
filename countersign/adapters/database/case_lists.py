"""Lists of cases for people who look for work: filtered, sorted, counted, a page at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy import case as sql_case
from sqlmodel import col, or_, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.queries import called, select_columns
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Branch, Case, Person, Task
from countersign.domain.checklists import GIVE_BACK
from countersign.domain.deadlines import DeadlineKind, deadline_kind
from countersign.domain.local_time import ZONE
from countersign.domain.paging import Listed, pager

PAGE = 50
MOST_EXPORTED = 20_000


class Sort(StrEnum):
    """What a list is sorted by."""

    DUE = "due"
    STARTED = "started"
    NUMBER = "number"
    NEXT = "next"


class Show(StrEnum):
    """What the first screen lists."""

    MINE = "mine"
    OVERDUE = "overdue"
    OTHERS = "others"
    TODAY = "today"


@dataclass(frozen=True)
class CaseFilter:
    """Which cases a list shows; empty texts mean all. `due` is `overdue`, `today` or `week`."""

    kind: str = ""
    state: str = ""
    stage: str = ""
    holder: str = ""
    branch: str = ""
    due: str = ""
    search: str = ""
    person_id: str = ""
    sort: Sort = Sort.DUE


@dataclass(frozen=True)
class CaseLine:
    """One case in a list; `next_step` is the first planned step of its ladder.

    `departure_id` is the departure that it belongs to, if any.
    """

    id: str
    kind: str
    number: str
    name: str
    branch: str
    state: str
    stage: str
    holder: str | None
    due_at: datetime | None
    next_at: datetime | None
    next_step: Mapping[str, Any] | None
    outcome: str | None
    provisional: bool
    created_at: datetime
    closed_at: datetime | None
    departure_id: str | None = None

    @property
    def deadline(self) -> DeadlineKind:
        """Whose word the due time is."""
        return deadline_kind(self.stage)


@dataclass(frozen=True)
class TaskLine:
    """One open task with its case."""

    case: CaseLine
    id: str
    kind: str
    due_at: datetime | None
    opened_at: datetime

    @property
    def deadline(self) -> DeadlineKind:
        """Whose word the due time is."""
        return deadline_kind(self.kind)


@dataclass(frozen=True)
class Counted:
    """How many cases stand at one place."""

    kind: str
    stage: str
    count: int
    overdue: int


@dataclass(frozen=True)
class Summary:
    """The figures on top of the first screen."""

    mine: int
    overdue: int
    others: int
    today: int


class CaseLists:
    """Reads the projection; every method keeps to the scope."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, scope: Scope, wanted: CaseFilter, number: int, now: datetime) -> Listed[CaseLine]:
        """Return one page, counted from 1; a number beyond the last one gives the last one."""
        with self._database.reading() as session:
            counting = (
                select(func.count()).select_from(Case).join(Person, col(Person.id) == col(Case.person_id))
            )
            total = session.exec(_filtered(counting, scope, wanted, now)).one()
            shown = pager(number, total, PAGE)
            query = _filtered(_of_cases(_columns()), scope, wanted, now).order_by(*_order(wanted.sort))
            lines = tuple(_line(row) for row in session.exec(query.limit(PAGE).offset(shown.skip)))
        return Listed(lines, total, shown)

    def all(self, scope: Scope, wanted: CaseFilter, now: datetime) -> Iterator[CaseLine]:
        """Yield every case of a list, up to `MOST_EXPORTED`, for a file to take along."""
        with self._database.reading() as session:
            query = _filtered(_of_cases(_columns()), scope, wanted, now).order_by(*_order(wanted.sort))
            yield from [_line(row) for row in session.exec(query.limit(MOST_EXPORTED))]

    def summary(self, scope: Scope, roles: frozenset[str], now: datetime) -> Summary:
        """Return how many tasks these roles have; of all open cases, how many are late, wait, speak today."""
        mine = col(Case.holder).in_(sorted(roles))
        cases = scope.within(
            select(
                func.sum(sql_case((col(Case.due_at) < now, 1), else_=0)),
                func.sum(sql_case((mine, 0), else_=1)),
                func.sum(sql_case((col(Case.next_at) < end_of_day(now), 1), else_=0)),
            )
            .select_from(Case)
            .join(Person, col(Person.id) == col(Case.person_id))
            .where(Case.state != "closed"),
            Case.branch_id,
        )
        tasks = scope.within(_of_tasks(select(func.count()).select_from(Task), roles), Case.branch_id)
        with self._database.reading() as session:
            late, others, today = session.exec(cases).one()
            return Summary(session.exec(tasks).one(), int(late or 0), int(others or 0), int(today or 0))

    def stages(self, scope: Scope, now: datetime) -> list[Counted]:
        """Return how many open cases stand at each stage, the fullest first."""
        late = func.sum(sql_case((col(Case.due_at) < now, 1), else_=0))
        query = scope.within(
            select(Case.kind, Case.stage, func.count(), late)
            .join(Person, col(Person.id) == col(Case.person_id))
            .where(Case.state != "closed")
            .group_by(col(Case.kind), col(Case.stage)),
            Case.branch_id,
        )
        with self._database.reading() as session:
            rows = [
                Counted(kind, stage, count, int(over or 0))
                for kind, stage, count, over in session.exec(query)
            ]
        return sorted(rows, key=lambda one: (-one.count, one.kind, one.stage))

    def tasks(self, scope: Scope, roles: frozenset[str], limit: int) -> list[TaskLine]:
        """Return the open tasks of these roles, the most urgent first."""
        query = _of_tasks(_columns(Task.id, Task.kind, Task.due_at, Task.opened_at).select_from(Task), roles)
        query = scope.within(query, Case.branch_id)
        query = query.order_by(col(Task.due_at).asc().nulls_last(), col(Task.id)).limit(limit)
        with self._database.reading() as session:
            return [TaskLine(_line(row), *row[-4:]) for row in session.exec(query)]

    def waiting(
        self, scope: Scope, roles: frozenset[str], show: Show, now: datetime, limit: int
    ) -> list[CaseLine]:
        """Return the open cases that are late, wait for others, or speak today, the most urgent first."""
        query = scope.within(_of_cases(_columns()).where(Case.state != "closed"), Case.branch_id)
        if show is Show.OVERDUE:
            query = query.where(col(Case.due_at) < now)
        elif show is Show.OTHERS:
            query = query.where(or_(col(Case.holder).is_(None), col(Case.holder).not_in(sorted(roles))))
        elif show is Show.TODAY:
            query = query.where(col(Case.next_at) < end_of_day(now))
        query = query.order_by(*_order(Sort.NEXT if show is Show.TODAY else Sort.DUE))
        with self._database.reading() as session:
            return [_line(row) for row in session.exec(query.limit(limit))]

    def branches(self, scope: Scope) -> list[tuple[str, str]]:
        """Return id and name of every branch inside the scope."""
        query = select(Branch.id, Branch.name).order_by(col(Branch.name))
        if scope.branch_id is not None:
            query = query.where(Branch.id == scope.branch_id)
        with self._database.reading() as session:
            return list(session.exec(query))


def end_of_day(now: datetime) -> datetime:
    """Return the first instant of tomorrow where the company's day is counted."""
    today = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=1)


def _columns(*more: Any) -> Any:
    return select_columns(
        Case.id,
        Case.kind,
        Person.number,
        Person.name,
        Branch.name,
        Case.state,
        Case.stage,
        Case.holder,
        Case.due_at,
        Case.next_at,
        Case.steps,
        Case.outcome,
        Case.provisional,
        Case.created_at,
        Case.closed_at,
        Case.departure_id,
        *more,
    )


def _of_cases(query: Any) -> Any:
    return (
        query.select_from(Case)
        .join(Person, col(Person.id) == col(Case.person_id))
        .join(Branch, col(Branch.id) == col(Case.branch_id))
    )


def to_be_done() -> ColumnElement[bool]:
    """Return what holds of tasks that somebody still has to do: also one that a withdrawal leaves behind."""
    return or_(Case.state != "closed", Task.kind == GIVE_BACK)


def _of_tasks(query: Any, roles: frozenset[str]) -> Any:
    return (
        query.join(Case, col(Case.id) == col(Task.case_id))
        .join(Person, col(Person.id) == col(Case.person_id))
        .join(Branch, col(Branch.id) == col(Case.branch_id))
        .where(col(Task.done_at).is_(None), to_be_done(), col(Task.holder).in_(sorted(roles)))
    )


def _line(row: Any) -> CaseLine:
    ahead = [step for step in row[10] if step["state"] == "planned"]
    values: list[Any] = [*row[:10], ahead[0] if ahead else None, *row[11:16]]
    return CaseLine(*values)


def _filtered(query: Any, scope: Scope, wanted: CaseFilter, now: datetime) -> Any:
    query = scope.within(query, Case.branch_id)
    exact = {Case.kind: wanted.kind, Case.stage: wanted.stage, Case.holder: wanted.holder}
    exact |= {Case.branch_id: wanted.branch, Case.person_id: wanted.person_id}
    for column, value in exact.items():
        if value:
            query = query.where(col(column) == value)
    if wanted.state == "open":
        query = query.where(Case.state != "closed")
    elif wanted.state:
        query = query.where(Case.state == wanted.state)
    ends = {"overdue": now, "today": end_of_day(now), "week": end_of_day(now) + timedelta(days=6)}
    if wanted.due in ends:
        query = query.where(Case.state != "closed", col(Case.due_at) < ends[wanted.due])
    if wanted.search:
        part = wanted.search
        query = query.where(or_(called(part), Case.id == part.upper()))
    return query


def _order(sort: Sort) -> tuple[Any, ...]:
    return {
        Sort.DUE: (col(Case.due_at).asc().nulls_last(), col(Case.id)),
        Sort.STARTED: (col(Case.id).desc(),),
        Sort.NUMBER: (col(Person.number), col(Case.id)),
        Sort.NEXT: (col(Case.next_at).asc().nulls_last(), col(Case.id)),
    }[sort]
