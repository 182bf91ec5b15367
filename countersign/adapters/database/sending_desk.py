"""What the page about sending shows: stops with the names of those who set them, and what is held now."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.actors import actor_name
from countersign.adapters.database.engine import Database
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.send_gate import left_on
from countersign.adapters.database.stops import StopScope, StopView
from countersign.adapters.database.tables import (
    Branch,
    Case,
    Delivery,
    Notice,
    Person,
    SendingStop,
)


@dataclass(frozen=True)
class StopLine:
    """A stop in force: what it holds, named, since when, and by whom."""

    id: str
    scope: StopScope
    named: str
    set_at: datetime
    set_by: str = field(repr=False)


@dataclass(frozen=True)
class HeldLine:
    """One message that waits: of which case, to whom, by which channel, why, and since when it is ready."""

    case_id: str
    number: str
    name: str = field(repr=False)
    audience: str
    channel: str
    why: str
    since: datetime


class SendingDesk:
    """Reads for people who look after sending."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def in_force(self, branch_id: str | None) -> list[StopLine]:
        """Return the stops that touch a branch (None: any), the oldest first.

        One read of an index while nothing is stopped: every page asks.
        """
        with self._database.reading() as session:
            rows = session.exec(
                select(SendingStop)
                .where(col(SendingStop.released_at).is_(None))
                .order_by(col(SendingStop.set_at))
            ).all()
            touching = [row for row in rows if _touches(row, branch_id)]
            if not touching:
                return []
            people = {row.set_by: actor_name(session, row.set_by) for row in touching}
            branches = _branches(session)
        return [
            StopLine(
                row.id,
                StopScope(row.scope),
                branches.get(row.subject or "", row.subject or ""),
                row.set_at,
                people[row.set_by],
            )
            for row in touching
        ]

    def names(self, stops: Iterable[StopView], more: Iterable[str] = ()) -> Mapping[str, str]:
        """Return the names of who set and released these stops, and of `more`, by how they are kept."""
        actors = {actor for stop in stops for actor in (stop.set_by, stop.released_by) if actor}
        with self._database.reading() as session:
            return {actor: actor_name(session, actor) for actor in actors | set(more)}

    def branches(self, branch_id: str | None) -> Mapping[str, str]:
        """Return the names of a branch, or of all, by id."""
        with self._database.reading() as session:
            return {one: name for one, name in _branches(session).items() if branch_id in (None, one)}

    def held_why(self, scope: Scope) -> Mapping[str, int]:
        """Return how many messages wait for which reason."""
        query = _held(select(Delivery.held_why, func.count())).group_by(col(Delivery.held_why))
        with self._database.reading() as session:
            found = session.exec(scope.within(query, Case.branch_id)).all()
        return {why: count for why, count in sorted(found, key=lambda pair: -pair[1])}

    def held(self, scope: Scope, why: str | None, limit: int, skip: int = 0) -> list[HeldLine]:
        """Return messages that wait, the longest first."""
        query = _held(select(Delivery, Notice, Person)).order_by(col(Delivery.id)).limit(limit).offset(skip)
        if why:
            query = query.where(col(Delivery.held_why) == why)
        with self._database.reading() as session:
            return [
                HeldLine(
                    delivery.case_id,
                    person.number,
                    person.name,
                    notice.audience,
                    delivery.channel,
                    delivery.held_why,
                    delivery.created_at,
                )
                for delivery, notice, person in session.exec(scope.within(query, Case.branch_id))
            ]

    def left_today(self, day: date) -> int:
        """Return how many messages left, or may have, on a day."""
        with self._database.reading() as session:
            return session.exec(left_on(day)).one()


def _held(query: Any) -> Any:
    """Return a query of messages that are not owed to a closed case and wait for something."""
    return (
        query.select_from(Delivery)
        .join(Notice, col(Notice.id) == col(Delivery.notice_id))
        .join(Case, col(Case.id) == col(Delivery.case_id))
        .join(Person, col(Person.id) == col(Case.person_id))
        .where(col(Delivery.held_why).is_not(None), Delivery.state == "pending", Case.state != "closed")
    )


def _touches(stop: SendingStop, branch_id: str | None) -> bool:
    return branch_id is None or stop.scope != StopScope.BRANCH or stop.subject == branch_id


def _branches(session: Session) -> dict[str, str]:
    return {branch.id: branch.name for branch in session.exec(select(Branch).order_by(col(Branch.name)))}
