"""How accounts stand in rows and in the evidence: by an opaque id, with the name apart from it."""

from collections.abc import Iterable
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.tables import Account, ApiToken, Person
from countersign.domain.evidence import Sealed


def account_actor_id(account_id: str) -> str:
    """Return how an account is called where programs act as well, such as `account:01…`."""
    return f"account:{account_id}"


def account_actor(account: Account) -> dict[str, Any]:
    """Return how an account stands in the evidence: role, id, and the name, which is sealed."""
    return {"role": account.role, "id": account_actor_id(account.id), "name": Sealed(account.name)}


def account_names(session: Session, ids: Iterable[str | None]) -> dict[str, str]:
    """Return the names of accounts by id; what is none, such as `program`, is missing."""
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    return dict(session.exec(select(Account.id, Account.name).where(col(Account.id).in_(wanted))).all())


def account_name(session: Session, account_id: str) -> str:
    """Return the name of an account; what is none, such as `program`, is called as it is."""
    account = session.get(Account, account_id)
    return account_id if account is None else account.name


def actor_name(session: Session, actor: str) -> str:
    """Return who stands behind an actor: an account, a program's token by its name, or an employee."""
    kind, _, opaque = actor.rpartition(":")
    if kind == "account":
        known = account_name(session, opaque)
        return actor if known == opaque else known
    if kind.endswith("token") and (token := session.get(ApiToken, opaque)) is not None:
        return f"API · {token.name or opaque[-6:]}"
    if not kind and (person := session.get(Person, actor)) is not None:
        return person.name
    return actor
