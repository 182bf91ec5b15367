"""The switch that stops all sending: of the company, a branch, or over a provider, until it is released."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from countersign.adapters.database.cases import raise_alarm
from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Branch, Case, Delivery, Outbox, SendingStop
from countersign.contracts.notices import STOPPED
from countersign.ids import new_id


class StopScope(StrEnum):
    """What a stop holds."""

    COMPANY = "company"
    BRANCH = "branch"
    PROVIDER = "provider"


@dataclass(frozen=True)
class StopView:
    """A stop as it is shown; `held` counts the messages that wait for its release."""

    id: str
    scope: StopScope
    subject: str | None
    reason: str
    set_by: str
    set_at: datetime
    released_by: str | None
    released_at: datetime | None
    held: int


class Stops:
    """Sets and releases stops. `providers` are the names that can be stopped."""

    def __init__(self, database: Database, providers: tuple[str, ...], clock: Callable[[], datetime]) -> None:
        self._database, self.providers, self._clock = database, providers, clock

    def set(self, scope: StopScope, subject: str | None, reason: str, actor: str) -> StopView:
        """Hold all sending from now on; the same stop again returns the one that holds already.

        Raises `LookupError` with one sentence for a branch or provider that does not exist.
        """
        return self._database.write(lambda session: self._set(session, scope, subject, reason, actor))

    def _set(
        self, session: Session, scope: StopScope, subject: str | None, reason: str, actor: str
    ) -> StopView:
        if scope is StopScope.BRANCH and (subject is None or session.get(Branch, subject) is None):
            raise LookupError("subject: there is no branch with this id")
        if scope is StopScope.PROVIDER and subject not in self.providers:
            known = ", ".join(self.providers)
            raise LookupError(f"subject: no provider has this name; known: {known}")
        if scope is StopScope.COMPANY and subject is not None:
            raise LookupError("subject: a stop of the whole company names nothing; leave it out")
        holding = session.exec(
            select(SendingStop).where(
                SendingStop.scope == scope.value,
                col(SendingStop.subject) == subject if subject else col(SendingStop.subject).is_(None),
                col(SendingStop.released_at).is_(None),
            )
        ).first()
        if holding is not None:
            return self._view(session, holding)
        stop = SendingStop(
            id=new_id(),
            scope=scope.value,
            subject=subject,
            reason=reason,
            set_by=actor,
            set_at=self._clock(),
        )
        session.add(stop)
        raise_alarm(session, STOPPED, self._clock(), None, _of(stop))
        return self._view(session, stop)

    def release(self, stop_id: str, actor: str, branch_id: str | None) -> StopView | None:
        """Let sending go on, and tell every case that was held; None for a stop outside the scope."""

        def keep(session: Session) -> StopView | None:
            stop = session.get(SendingStop, stop_id)
            if stop is None or not _visible(stop, branch_id):
                return None
            if stop.released_at is None:
                stop.released_at, stop.released_by = self._clock(), actor
                raise_alarm(session, "sending_released", self._clock(), None, _of(stop))
                self._tell(session, stop)
            return self._view(session, stop)

        return self._database.write(keep)

    def all(self, branch_id: str | None) -> list[StopView]:
        """Return stops that touch a branch (all for the company), those that hold first, then the newest."""
        with self._database.reading() as session:
            rows = session.exec(
                select(SendingStop).order_by(
                    col(SendingStop.released_at).is_not(None), col(SendingStop.id).desc()
                )
            )
            return [
                self._view(session, stop)
                for stop in rows
                if stop.scope != StopScope.BRANCH or branch_id in (None, stop.subject)
            ]

    def _tell(self, session: Session, stop: SendingStop) -> None:
        """Order the dispatcher to wake every case that holds a message; another stop may hold it again."""
        for case_id in session.exec(_holding(Delivery.case_id).distinct()):
            subject = f"released/{stop.id}/{case_id}"
            body = {"case": case_id}
            session.add(
                Outbox(id=new_id(), kind="tell_released", subject=subject, body=body, due_at=self._clock())
            )

    def _view(self, session: Session, stop: SendingStop) -> StopView:
        held = _holding(Delivery.id)
        if stop.scope == StopScope.BRANCH:
            held = held.where(Case.branch_id == stop.subject)
        elif stop.scope == StopScope.PROVIDER:
            held = held.where(Delivery.provider == stop.subject)
        waiting = 0 if stop.released_at else len(session.exec(held).all())
        return StopView(
            id=stop.id,
            scope=StopScope(stop.scope),
            subject=stop.subject,
            reason=stop.reason,
            set_by=stop.set_by,
            set_at=stop.set_at,
            released_by=stop.released_by,
            released_at=stop.released_at,
            held=waiting,
        )


def _holding(what: str) -> SelectOfScalar[str]:
    """Return the query of messages that a stop keeps back; nothing is owed to a case that has closed."""
    return (
        select(what)
        .select_from(Delivery)
        .join(Case, col(Case.id) == col(Delivery.case_id))
        .where(Delivery.held_why == STOPPED, Delivery.state == "pending", Case.state != "closed")
    )


def _visible(stop: SendingStop, branch_id: str | None) -> bool:
    """Say whether somebody of a branch may release a stop: their branch's own only."""
    return branch_id is None or (stop.scope == StopScope.BRANCH and stop.subject == branch_id)


def _of(stop: SendingStop) -> str:
    return f"({stop.scope}{f' {stop.subject}' if stop.scope == StopScope.PROVIDER else ''})"
