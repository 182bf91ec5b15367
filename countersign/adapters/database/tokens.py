"""API tokens and remembered answers of POSTs."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import ApiToken, Branch, Idempotency
from countersign.contracts.cases import Role
from countersign.ids import new_id


@dataclass(frozen=True)
class Caller:
    """Who calls the API: a token with a role, for one branch or for all."""

    token_id: str
    role: Role
    branch_id: str | None


@dataclass(frozen=True)
class Remembered:
    """The answer already given under an idempotency key; `same_request` is false when the body differs."""

    status: int
    answer: dict[str, Any]
    same_request: bool


class Tokens:
    """Makes and recognises tokens; only their SHA-256 is kept."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def create(self, role: Role, branch: str | None) -> str:
        """Return a new token; raises `LookupError` for an unknown branch."""

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
                created_at=self._clock(),
            )
            session.add(row)
            return token

        return self._database.write(keep)

    def recognise(self, token: str) -> Caller | None:
        """Return whose token it is; None for unknown and revoked ones."""
        with self._database.reading() as session:
            row = session.exec(select(ApiToken).where(ApiToken.token_hash == _hash(token))).first()
            if row is None or row.revoked_at is not None:
                return None
            return Caller(row.id, Role(row.role), row.branch_id)

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
