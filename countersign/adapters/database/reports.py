"""What the books say over a span of days: where cases stand, how they ended, what arrived in time."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.queries import select_columns
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Branch, Case, Delivery, Notice, Person
from countersign.contracts.cases import Process
from countersign.domain.leave_return import REMINDER_STEP
from countersign.domain.local_time import ZONE

TARGET = timedelta(days=3)
"""The company's target for a return notice: so long after the last day of leave, that day excluded."""


@dataclass(frozen=True)
class Span:
    """Days from `first` to `last`, both inclusive, where the company counts its days."""

    first: date
    last: date

    @property
    def begins(self) -> datetime:
        """The first instant inside."""
        return datetime.combine(self.first, time(0), ZONE)

    @property
    def ends(self) -> datetime:
        """The first instant behind."""
        return datetime.combine(self.last + timedelta(days=1), time(0), ZONE)


@dataclass(frozen=True)
class Standing:
    """How many open cases of a process stand at a stage in a branch, and how many of them are overdue."""

    kind: str
    stage: str
    branch: str
    count: int
    overdue: int


@dataclass(frozen=True)
class Ending:
    """How many cases of a process ended in one way, and after how many days: the median."""

    kind: str
    outcome: str
    count: int
    days: float


@dataclass(frozen=True)
class Arrival:
    """How many messages over a channel are in one state; `why` says it of failures."""

    channel: str
    state: str
    why: str | None
    count: int


@dataclass(frozen=True)
class Timely:
    """Return notices of leaves that ended inside the span: in time, late, and not sent by now."""

    in_time: int
    late: int
    missing: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.in_time + self.late + self.missing


@dataclass(frozen=True)
class Report:
    """Everything on the page of reports."""

    standing: tuple[Standing, ...]
    endings: tuple[Ending, ...]
    arrivals: tuple[Arrival, ...]
    answered_after: tuple[tuple[str, int], ...]
    notices: Timely


class Reports:
    """Reads the projection; every figure keeps to the scope."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, scope: Scope, span: Span, now: datetime) -> Report:
        """Return the report of a span of days; what stands where is as of now."""
        with self._database.reading() as session:
            closed = _closed(session, scope, span)
            return Report(
                standing=_standing(session, scope, now),
                endings=_endings(closed),
                arrivals=_arrivals(session, scope, span),
                answered_after=_answered_after(closed),
                notices=_timely(session, scope, span, now),
            )


def in_time(ended_on: date, sent_at: datetime) -> bool:
    """Say whether a notice left within the target after a leave's last day."""
    return sent_at < datetime.combine(ended_on + timedelta(days=1), time(0), ZONE) + TARGET


def _standing(session: Session, scope: Scope, now: datetime) -> tuple[Standing, ...]:
    late = func.count().filter(col(Case.due_at) < now)
    query = (
        select_columns(Case.kind, Case.stage, Branch.name, func.count(), late)
        .join(Person, col(Person.id) == col(Case.person_id))
        .join(Branch, col(Branch.id) == col(Case.branch_id))
        .where(Case.state != "closed")
        .group_by(Case.kind, Case.stage, Branch.name)
        .order_by(Case.kind, Case.stage, Branch.name)
    )
    return tuple(Standing(*row) for row in session.exec(scope.within(query, Case.branch_id)))


def _closed(session: Session, scope: Scope, span: Span) -> list[Any]:
    query = (
        select_columns(Case.kind, Case.outcome, Case.created_at, Case.closed_at, Case.steps)
        .join(Person, col(Person.id) == col(Case.person_id))
        .where(col(Case.closed_at) >= span.begins, col(Case.closed_at) < span.ends)
    )
    return list(session.exec(scope.within(query, Case.branch_id)))


def _endings(closed: Iterable[Any]) -> tuple[Ending, ...]:
    days: dict[tuple[str, str], list[float]] = {}
    for kind, outcome, created_at, closed_at, _ in closed:
        days.setdefault((kind, outcome), []).append((closed_at - created_at) / timedelta(days=1))
    found = [Ending(*which, len(spans), round(median(spans), 1)) for which, spans in days.items()]
    return tuple(sorted(found, key=lambda one: (-one.count, one.kind, one.outcome)))


def _answered_after(closed: Iterable[Any]) -> tuple[tuple[str, int], ...]:
    """Return after which step people answered; before the first one it is the reminder, or nothing at all."""
    after: Counter[str] = Counter()
    for kind, outcome, _, _, steps in closed:
        if kind == Process.LEAVE_RETURN.value and outcome in {"returns_on", "back", "resigned"}:
            reached = [step["rung"] for step in steps if step["state"] != "planned"]
            after[reached[-1] if reached else REMINDER_STEP] += 1
    return tuple(after.most_common())


def _arrivals(session: Session, scope: Scope, span: Span) -> tuple[Arrival, ...]:
    query = (
        select_columns(Delivery.channel, Delivery.state, Delivery.sentence, func.count())
        .join(Case, col(Case.id) == col(Delivery.case_id))
        .join(Person, col(Person.id) == col(Case.person_id))
        .where(col(Delivery.created_at) >= span.begins, col(Delivery.created_at) < span.ends)
        .group_by(Delivery.channel, Delivery.state, Delivery.sentence)
    )
    counts: Counter[tuple[str, str, str | None]] = Counter()
    for channel, state, why, count in session.exec(scope.within(query, Case.branch_id)):
        counts[channel, state, why if state.startswith("failed") else None] += count
    found = [Arrival(*which, count) for which, count in counts.items()]
    return tuple(sorted(found, key=lambda one: (one.channel, -one.count, one.state)))


def _timely(session: Session, scope: Scope, span: Span, now: datetime) -> Timely:
    first = (
        select(col(Notice.case_id).label("case_id"), func.min(Delivery.sent_at).label("at"))
        .join(Delivery, col(Delivery.notice_id) == col(Notice.id))
        .where(Notice.audience == "employee", Notice.step != REMINDER_STEP)
        .where(col(Delivery.state).in_(["sent", "delivered", "unknown"]))
        .group_by(col(Notice.case_id))
        .subquery()
    )
    query = (
        select_columns(Case.ends_on, Case.state, first.c.at)
        .join(Person, col(Person.id) == col(Case.person_id))
        .outerjoin(first, first.c.case_id == Case.id)
        .where(Case.kind == Process.LEAVE_RETURN.value)
        .where(col(Case.ends_on) >= span.first, col(Case.ends_on) <= span.last)
    )
    counts: Counter[str] = Counter()
    for ends_on, state, sent_at in session.exec(scope.within(query, Case.branch_id)):
        if sent_at is not None:
            counts["in_time" if in_time(ends_on, sent_at) else "late"] += 1
        elif state != "closed" and not in_time(ends_on, now):
            counts["missing"] += 1  # whoever came back or answered before needs no notice
    return Timely(counts["in_time"], counts["late"], counts["missing"])
