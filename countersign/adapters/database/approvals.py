"""The two-person rule: what one officer asks for and another one must agree to before it happens."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from countersign.adapters.database.actors import account_names
from countersign.adapters.database.engine import Database
from countersign.adapters.database.officers import Officer
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Account, Approval
from countersign.contracts.cases import Role
from countersign.ids import new_id


class AlreadyDecided(Exception):
    """Somebody else was faster; says who and when."""

    def __init__(self, by: str, at: datetime, *, approved: bool) -> None:
        super().__init__("already decided")
        self.by, self.at, self.approved = by, at, approved


class OwnRequest(Exception):
    """Whoever asked cannot be the one who agrees."""


@dataclass(frozen=True)
class Asked:
    """A request as pages show it; undecided while `decided_at` is None."""

    id: str
    kind: str
    subject: str
    branch_id: str | None
    body: dict[str, Any]
    words: dict[str, str] = field(repr=False)
    asked_by_id: str = ""
    asked_by: str = field(repr=False, default="")
    asked_at: datetime | None = None
    decided_by_id: str | None = None
    decided_by: str | None = field(repr=False, default=None)
    decided_at: datetime | None = None
    approved: bool | None = None
    reason: str | None = field(repr=False, default=None)


class Approvals:
    """Keeps requests. What was agreed to is carried out by whoever knows the kind."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def ask(
        self,
        kind: str,
        subject: str,
        officer: Officer,
        *,
        branch_id: str | None,
        body: Mapping[str, Any],
        words: Mapping[str, str],
    ) -> str:
        """Keep a request; the same one again, while undecided, is the same request. Return its id."""

        def keep(session: Session) -> str:
            same = select(Approval).where(
                Approval.kind == kind, Approval.subject == subject, col(Approval.decided_at).is_(None)
            )
            for known in session.exec(same):
                if known.body == dict(body) and known.asked_by == officer.account_id:
                    return known.id
            row = Approval(
                id=new_id(),
                kind=kind,
                subject=subject,
                branch_id=branch_id,
                body=dict(body),
                words=dict(words),
                asked_by=officer.account_id,
                asked_at=self._clock(),
            )
            session.add(row)
            return row.id

        return self._database.write(keep)

    def decide(
        self,
        approval_id: str,
        officer: Officer,
        *,
        approved: bool,
        reason: str,
        carry_out: Callable[[Session, Asked], None] | None = None,
    ) -> Asked:
        """Settle a request; raises `OwnRequest` or `AlreadyDecided`.

        `carry_out` runs in the same transaction, so that nothing is agreed to without happening. Whoever
        asked can take a request back, which is a refusal, and cannot agree to it.
        """

        def settle(session: Session) -> Asked:
            row = session.get_one(Approval, approval_id, with_for_update=True)
            if row.decided_at is not None and row.decided_by is not None:
                by = session.get_one(Account, row.decided_by).name
                raise AlreadyDecided(by, row.decided_at, approved=bool(row.approved))
            if approved and row.asked_by == officer.account_id:
                raise OwnRequest
            row.decided_by, row.decided_at = officer.account_id, self._clock()
            row.approved, row.reason = approved, reason
            session.add(row)
            session.flush()
            (settled,) = _all_asked(session, [row])
            if carry_out is not None:
                carry_out(session, settled)
            return settled

        return self._database.write(settle)

    def find(self, approval_id: str, scope: Scope) -> Asked | None:
        """Return a request that lies inside a scope."""
        query = _inside(select(Approval).where(Approval.id == approval_id), scope)
        with self._database.reading() as session:
            row = session.exec(query).first()
            if row is None:
                return None
            (found,) = _all_asked(session, [row])
            return found

    def waiting(self, scope: Scope, limit: int = 200) -> list[Asked]:
        """Return what nobody has decided, the oldest first."""
        query = select(Approval).where(col(Approval.decided_at).is_(None)).order_by(col(Approval.asked_at))
        query = _inside(query, scope)
        with self._database.reading() as session:
            return _all_asked(session, session.exec(query.limit(limit)).all())

    def undecided(self, scope: Scope, *, but_of: str | None = None) -> int:
        """Return how many requests nobody has decided, without those that `but_of` has asked for."""
        query = select(func.count()).select_from(Approval).where(col(Approval.decided_at).is_(None))
        query = _inside(query, scope)
        if but_of is not None:
            query = query.where(Approval.asked_by != but_of)
        with self._database.reading() as session:
            found: int = session.exec(query).one()
            return found

    def decided(self, scope: Scope, limit: int = 20) -> list[Asked]:
        """Return what was decided last, the newest first."""
        query = _inside(select(Approval).where(col(Approval.decided_at).is_not(None)), scope)
        with self._database.reading() as session:
            rows = session.exec(query.order_by(col(Approval.decided_at).desc()).limit(limit)).all()
            return _all_asked(session, rows)

    def others(self, asked: Asked, roles: Collection[Role]) -> int:
        """Return how many open accounts in these roles, other than who asked, could decide a request."""
        query = select(func.count()).where(
            col(Account.role).in_([role.value for role in roles]),
            col(Account.disabled_at).is_(None),
            Account.id != asked.asked_by_id,
            or_(col(Account.branch_id).is_(None), Account.branch_id == asked.branch_id),
        )
        with self._database.reading() as session:
            return session.exec(query).one()

    def of(self, subject: str) -> list[Asked]:
        """Return every request about one subject, the oldest first."""
        query = select(Approval).where(Approval.subject == subject).order_by(col(Approval.asked_at))
        with self._database.reading() as session:
            return _all_asked(session, session.exec(query).all())


def _inside(query: Any, scope: Scope) -> Any:
    """Return a query without requests of other branches and without those about one's own departure."""
    if scope.branch_id is not None:
        query = query.where(Approval.branch_id == scope.branch_id)
    return scope.without_own(query, col(Approval.subject))


def _all_asked(session: Session, rows: Sequence[Approval]) -> list[Asked]:
    names = account_names(session, (by for row in rows for by in (row.asked_by, row.decided_by)))
    return [_asked(row, names) for row in rows]


def _asked(row: Approval, names: Mapping[str, str]) -> Asked:
    return Asked(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        branch_id=row.branch_id,
        body=dict(row.body),
        words=dict(row.words),
        asked_by_id=row.asked_by,
        asked_by=names[row.asked_by],
        asked_at=row.asked_at,
        decided_by_id=row.decided_by,
        decided_by=names.get(row.decided_by or ""),
        decided_at=row.decided_at,
        approved=row.approved,
        reason=row.reason,
    )
