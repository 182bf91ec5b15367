"""Who may what: system administrators read, change, shut and open accounts, and every change is kept."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from countersign.adapters.database.account_changes import Change, Did, changes_of, keep_change
from countersign.adapters.database.accounts import (
    AccountFault,
    add_code,
    branch_named,
    person_for,
    shut_out,
)
from countersign.adapters.database.engine import Database
from countersign.adapters.database.officers import Officer
from countersign.adapters.database.queries import holds
from countersign.adapters.database.tables import Account, Branch, Person
from countersign.contracts.cases import Role

LINK_LASTS = timedelta(days=3)
PAGE_SIZE = 50


class AccountState(StrEnum):
    """Whether an account can be used."""

    OPEN = "open"
    SHUT = "shut"


@dataclass(frozen=True)
class AccountWish:
    """How an account shall be; `branch` is a branch's id or name, `number` an employee number."""

    name: str = field(repr=False)
    role: Role
    branch: str | None
    number: str | None
    email: str | None = field(repr=False)
    language: str
    edits_templates: bool


@dataclass(frozen=True)
class AccountView:
    """An account as its administrators see it."""

    id: str
    login: str
    name: str = field(repr=False)
    role: Role
    branch_id: str | None
    branch: str | None
    number: str | None
    email: str | None = field(repr=False)
    language: str
    edits_templates: bool
    must_change_password: bool
    has_password: bool
    signs_in_elsewhere: bool
    created_at: datetime
    disabled_at: datetime | None


class Rights:
    """Changes accounts for an administrator, who sees their own branch's alone when they are bound to one."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    # -- reading ------------------------------------------------------------------------------------------

    def accounts(
        self,
        branch_id: str | None,
        *,
        search: str = "",
        role: str = "",
        state: str = "",
        page: int = 1,
    ) -> tuple[list[AccountView], int]:
        """Return a page of accounts by name, and how many there are of them in all."""
        wanted = _wanted(branch_id, search, role, state)
        query = _joined().where(*wanted).order_by(col(Account.name), col(Account.login))
        with self._database.reading() as session:
            rows = session.exec(query.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)).all()
            total = session.exec(
                select(func.count())
                .select_from(Account)
                .outerjoin(Person, col(Person.id) == col(Account.person_id))
                .where(*wanted)
            ).one()
            return [_view(*row) for row in rows], total

    def counts(self, branch_id: str | None) -> dict[str, int]:
        """Return how many open accounts each role has."""
        query = (
            select(Account.role, func.count())
            .where(*_wanted(branch_id, "", "", AccountState.OPEN.value))
            .group_by(Account.role)
            .order_by(Account.role)
        )
        with self._database.reading() as session:
            return dict(session.exec(query).all())

    def find(self, account_id: str, branch_id: str | None) -> AccountView | None:
        """Return an account; None for one that is not there or of another branch."""
        with self._database.reading() as session:
            row = session.exec(_joined().where(Account.id == account_id)).first()
            return None if row is None or branch_id not in (None, row[0].branch_id) else _view(*row)

    def changes(self, account_id: str) -> list[Change]:
        """Return what was changed of an account, the latest first."""
        with self._database.reading() as session:
            return changes_of(session, account_id)

    def branches(self, branch_id: str | None) -> list[tuple[str, str]]:
        """Return ids and names of the branches that an administrator of this branch can give."""
        query = select(Branch.id, Branch.name).order_by(Branch.name)
        if branch_id is not None:
            query = query.where(Branch.id == branch_id)
        with self._database.reading() as session:
            return [(key, name) for key, name in session.exec(query)]

    # -- changing -----------------------------------------------------------------------------------------

    def check_new(self, wish: AccountWish, by: Officer) -> None:
        """Raise `AccountFault` for what an administrator must not make, or what cannot be."""
        with self._database.reading() as session:
            _check_wish(session, wish, by)

    def edit(self, account_id: str, wish: AccountWish, by: Officer) -> bool:
        """Change an account; False when it is as wished already. Raises `AccountFault` for what cannot be.

        Nobody changes rights of their own, and one system administrator of the whole company stays.
        """

        def keep(session: Session) -> bool:
            account = _locked(session, account_id)
            person = _check_wish(session, wish, by)
            new: dict[str, Any] = {
                "name": wish.name.strip(),
                "role": wish.role.value,
                "branch_id": branch_named(session, wish.branch),
                "person_id": None if person is None else person.id,
                "email": (wish.email or "").strip() or None,
                "language": wish.language,
                "edits_templates": wish.edits_templates,
            }
            changed = {key: (getattr(account, key), value) for key, value in new.items()}
            changed = {key: pair for key, pair in changed.items() if pair[0] != pair[1]}
            own = set(changed) & {"role", "branch_id", "person_id", "edits_templates"}
            if own and account.id == by.account_id:
                raise AccountFault(
                    _FIELDS.get(min(own), min(own)),
                    "role: nobody changes their own rights; ask another system administrator",
                )
            if not changed:
                return False
            before = _administrators(session)
            told = _in_words(session, changed)
            for key, value in new.items():
                setattr(account, key, value)
            session.add(account)
            session.flush()
            _keep_administrators(session, before)
            keep_change(session, account_id, by.account_id, self._clock(), Did.EDITED, told)
            return True

        return self._database.write(keep)

    def shut(self, account_id: str, by: Officer) -> bool:
        """Shut an account and sign it out everywhere; False when it was shut before."""

        def keep(session: Session) -> bool:
            account = _locked(session, account_id)
            if account.disabled_at is not None:
                return False
            if account_id == by.account_id:
                raise AccountFault(
                    "account", "account: nobody shuts their own; ask another system administrator"
                )
            before = _administrators(session)
            account.disabled_at = self._clock()
            session.add(account)
            session.flush()
            _keep_administrators(session, before)
            shut_out(session, account_id, self._clock())
            keep_change(session, account_id, by.account_id, self._clock(), Did.SHUT)
            return True

        return self._database.write(keep)

    def open(self, account_id: str, by: Officer) -> bool:
        """Open a shut account again; False when it was open."""

        def keep(session: Session) -> bool:
            account = _locked(session, account_id)
            if account.disabled_at is None:
                return False
            account.disabled_at = None
            session.add(account)
            keep_change(session, account_id, by.account_id, self._clock(), Did.OPENED)
            return True

        return self._database.write(keep)

    def sign_out(self, account_id: str, by: Officer) -> None:
        """Sign an account out everywhere; sign-in links that were handed out stop working too."""

        def keep(session: Session) -> None:
            shut_out(session, account_id, self._clock())
            keep_change(session, account_id, by.account_id, self._clock(), Did.SIGNED_OUT)

        self._database.write(keep)

    def new_link(self, account_id: str, by: Officer, *, then_password: bool) -> str:
        """Return the code of a new sign-in link; password, open browsers and earlier links end.

        With `then_password` whoever signs in with it sets a password before anything else.
        """
        code = secrets.token_urlsafe(24)

        def keep(session: Session) -> None:
            account = _locked(session, account_id)
            if account.disabled_at is not None:
                raise AccountFault("account", "account: is shut; open it first")
            if account_id == by.account_id:
                raise AccountFault("account", "account: change your own password on the page of your account")
            now = self._clock()
            account.password_hash, account.must_change_password = None, then_password
            session.add(account)
            shut_out(session, account_id, now)
            add_code(session, account_id, code, now, LINK_LASTS)
            keep_change(session, account_id, by.account_id, now, Did.LINK_MADE)

        self._database.write(keep)
        return code


_FIELDS = {"branch_id": "branch", "person_id": "number"}


def _wanted(branch_id: str | None, search: str, role: str, state: str) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if branch_id is not None:
        wanted.append(col(Account.branch_id) == branch_id)
    if role:
        wanted.append(col(Account.role) == role)
    if state == AccountState.OPEN:
        wanted.append(col(Account.disabled_at).is_(None))
    if state == AccountState.SHUT:
        wanted.append(col(Account.disabled_at).is_not(None))
    if search:
        wanted.append(holds(search, Account.name, Account.login, Person.number))
    return wanted


def _joined() -> Any:
    return (
        select(Account, Branch, Person)
        .outerjoin(Branch, col(Branch.id) == col(Account.branch_id))
        .outerjoin(Person, col(Person.id) == col(Account.person_id))
    )


def _view(account: Account, branch: Branch | None, person: Person | None) -> AccountView:
    return AccountView(
        id=account.id,
        login=account.login,
        name=account.name,
        role=Role(account.role),
        branch_id=account.branch_id,
        branch=None if branch is None else branch.name,
        number=None if person is None else person.number,
        email=account.email,
        language=account.language,
        edits_templates=account.edits_templates,
        must_change_password=account.must_change_password,
        has_password=account.password_hash is not None,
        signs_in_elsewhere=account.oidc_subject is not None,
        created_at=account.created_at,
        disabled_at=account.disabled_at,
    )


def _locked(session: Session, account_id: str) -> Account:
    found = session.get(Account, account_id, with_for_update=True)
    if found is None:
        raise LookupError("account: there is no such account")
    return found


def _check_wish(session: Session, wish: AccountWish, by: Officer) -> Person | None:
    if not wish.name.strip():
        raise AccountFault("name", "name: is missing; give it")
    branch_id = branch_named(session, wish.branch)
    if by.branch_id not in (None, branch_id):
        raise AccountFault("branch", "branch: you can only give your own branch; choose it")
    person = person_for(session, wish.role, wish.number)
    if person is not None and branch_id not in (None, person.branch_id):
        raise AccountFault(
            "number", f"number: {person.number} works in another branch; choose that branch, or none"
        )
    return person


def _administrators(session: Session) -> tuple[int, int]:
    """Return how many open system administrators there are, and how many of them for the whole company.

    Their rows are locked, so that two of them cannot shut one another at the same moment.
    """
    query = (
        select(Account)
        .where(Account.role == Role.SYSTEM_ADMINISTRATOR.value, col(Account.disabled_at).is_(None))
        .order_by(Account.id)
        .with_for_update()
    )
    found = session.exec(query).all()
    return len(found), sum(one.branch_id is None for one in found)


def _keep_administrators(session: Session, before: tuple[int, int]) -> None:
    for had, has in zip(before, _administrators(session), strict=True):
        if had > 0 and has == 0:
            raise AccountFault(
                "role",
                "role: this is the last system administrator; give another open account that role first",
            )


def _in_words(session: Session, changed: Mapping[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
    """Return changes as they are kept: branches by name, people by their number."""
    told: dict[str, tuple[Any, Any]] = {}
    for key, (old, new) in changed.items():
        told[_FIELDS.get(key, key)] = (_named(session, key, old), _named(session, key, new))
    return told


def _named(session: Session, key: str, value: Any) -> Any:
    if value is not None and key == "branch_id":
        return session.get_one(Branch, value).name
    if value is not None and key == "person_id":
        return session.get_one(Person, value).number
    return value
