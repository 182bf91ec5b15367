"""Who changed what of an account, and when: only ever added to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.tables import Account, AccountChange
from countersign.ids import new_id


class Did(StrEnum):
    """What was done to an account, or by it to what it may hand out."""

    CREATED = "created"
    EDITED = "edited"
    SHUT = "shut"
    OPENED = "opened"
    SIGNED_OUT = "signed_out"
    LINK_MADE = "link_made"
    PASSWORD_GIVEN = "password_given"  # noqa: S105  what was done, no password
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    DELEGATE_APPOINTED = "delegate_appointed"
    DELEGATE_ENDED = "delegate_ended"
    TOKEN_MADE = "token_made"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105


@dataclass(frozen=True)
class Change:
    """One change as pages show it; `fields` are name, old and new value, `by` a name or a program."""

    did: Did
    at: datetime
    by: str = field(repr=False)
    fields: tuple[tuple[str, Any, Any], ...] = field(default=(), repr=False)


def keep_change(
    session: Session,
    account_id: str,
    by: str,
    at: datetime,
    did: Did,
    fields: Mapping[str, tuple[Any, Any]] | None = None,
) -> None:
    """Add one change inside the caller's transaction; `by` is an account's id or a program's name."""
    changed = {name: [old, new] for name, (old, new) in (fields or {}).items()}
    session.add(
        AccountChange(
            id=new_id(),
            account_id=account_id,
            changed_by=by,
            changed_at=at,
            what={"did": did.value, "fields": changed},
        )
    )


def changes_of(session: Session, account_id: str, limit: int = 200) -> list[Change]:
    """Return what was changed of an account, the latest first."""
    rows = session.exec(
        select(AccountChange, Account.name)
        .outerjoin(Account, col(Account.id) == col(AccountChange.changed_by))
        .where(AccountChange.account_id == account_id)
        .order_by(col(AccountChange.changed_at).desc(), col(AccountChange.id).desc())
        .limit(limit)
    )
    return [
        Change(
            did=Did(row.what["did"]),
            at=row.changed_at,
            by=name or row.changed_by,
            fields=tuple((key, old, new) for key, (old, new) in row.what["fields"].items()),
        )
        for row, name in rows
    ]
