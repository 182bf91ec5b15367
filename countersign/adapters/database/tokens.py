"""API tokens and remembered answers of POSTs."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.account_changes import Did, keep_change
from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Account, ApiToken, Branch, Idempotency
from countersign.contracts.cases import Role
from countersign.ids import new_id


@dataclass(frozen=True)
class Caller:
    """Who calls the API: a token with a role, for one branch or for all.

    `person_id` is the employee whose account made the token; about themselves it opens nothing either.
    """

    token_id: str
    role: Role
    branch_id: str | None
    person_id: str | None = None


@dataclass(frozen=True)
class Remembered:
    """The answer already given under an idempotency key; `same_request` is false when the body differs."""

    status: int
    answer: dict[str, Any]
    same_request: bool


@dataclass(frozen=True)
class TokenView:
    """A token as administrators see it: never the token itself."""

    id: str
    name: str | None = field(repr=False)
    role: Role
    branch: str | None
    made_by: str | None = field(repr=False)
    created_at: datetime
    revoked_at: datetime | None


class Tokens:
    """Makes and recognises tokens; only their SHA-256 is kept."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def create(
        self, role: Role, branch: str | None, *, name: str | None = None, created_by: str | None = None
    ) -> str:
        """Return a new token; raises `LookupError` for an unknown branch.

        `created_by` is the account that asked for it, None for the command line.
        """

        def keep(session: Session) -> str:
            branch_id = None
            if branch is not None:
                found = session.exec(
                    select(Branch).where((Branch.name == branch) | (Branch.id == branch))
                ).first()
                if found is None:
                    raise LookupError(f"--branch: no branch is named {branch!r}; import a roster first")
                branch_id = found.id
            token = f"cs_{secrets.token_urlsafe(32)}"
            row = ApiToken(
                id=new_id(),
                token_hash=_hash(token),
                role=role.value,
                branch_id=branch_id,
                name=name,
                created_by=created_by,
                created_at=self._clock(),
            )
            session.add(row)
            if created_by is not None:
                self._tell(session, row, created_by, Did.TOKEN_MADE)
            return token

        return self._database.write(keep)

    def recognise(self, token: str) -> Caller | None:
        """Return whose token it is; None for unknown and revoked ones."""
        with self._database.reading() as session:
            row = session.exec(select(ApiToken).where(ApiToken.token_hash == _hash(token))).first()
            if row is None or row.revoked_at is not None:
                return None
            maker = None if row.created_by is None else session.get(Account, row.created_by)
            return Caller(row.id, Role(row.role), row.branch_id, None if maker is None else maker.person_id)

    def listed(self, branch_id: str | None) -> list[TokenView]:
        """Return the tokens of a branch, or all, those that work first, then the newest first."""
        query = (
            select(ApiToken, Branch, Account)
            .outerjoin(Branch, col(Branch.id) == col(ApiToken.branch_id))
            .outerjoin(Account, col(Account.id) == col(ApiToken.created_by))
            .order_by(col(ApiToken.revoked_at).is_not(None), col(ApiToken.created_at).desc())
        )
        if branch_id is not None:
            query = query.where(ApiToken.branch_id == branch_id)
        with self._database.reading() as session:
            return [
                TokenView(
                    id=row.id,
                    name=row.name,
                    role=Role(row.role),
                    branch=None if branch is None else branch.name,
                    made_by=None if maker is None else maker.name,
                    created_at=row.created_at,
                    revoked_at=row.revoked_at,
                )
                for row, branch, maker in session.exec(query)
            ]

    def revoke(self, token_id: str, branch_id: str | None, by: str) -> bool:
        """Let a token open nothing any more; False when it was revoked before.

        `by` is the account that does it. Raises `LookupError` for one that is not there or of another branch.
        """

        def keep(session: Session) -> bool:
            row = session.get(ApiToken, token_id, with_for_update=True)
            if row is None or branch_id not in (None, row.branch_id):
                raise LookupError("token: there is none here")
            if row.revoked_at is not None:
                return False
            row.revoked_at = self._clock()
            session.add(row)
            self._tell(session, row, by, Did.TOKEN_REVOKED)
            return True

        return self._database.write(keep)

    def _tell(self, session: Session, row: ApiToken, by: str, did: Did) -> None:
        fields = {"token": (None, row.name), "role": (None, row.role)}
        keep_change(session, by, by, self._clock(), did, fields)

    def remembered(self, caller: Caller, key: str, request_sha256: str) -> Remembered | None:
        """Return the answer that a POST with this key got."""
        with self._database.reading() as session:
            row = session.get(Idempotency, (caller.token_id, key))
            if row is None:
                return None
            return Remembered(row.status, dict(row.answer), row.request_sha256 == request_sha256)

    def remember(
        self, caller: Caller, key: str, request_sha256: str, status: int, answer: dict[str, Any]
    ) -> None:
        """Keep the answer of a POST under its key; the first one stays."""

        def keep(session: Session) -> None:
            if session.get(Idempotency, (caller.token_id, key)) is None:
                session.add(
                    Idempotency(
                        token_id=caller.token_id,
                        key=key,
                        request_sha256=request_sha256,
                        status=status,
                        answer=answer,
                        created_at=self._clock(),
                    )
                )

        self._database.write(keep)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
