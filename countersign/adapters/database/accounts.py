"""Who signs in to the console, how they prove it, and the browsers in which they are signed in."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session, col, select

from countersign.adapters.database.account_changes import Did, keep_change
from countersign.adapters.database.engine import Database
from countersign.adapters.database.officers import Officer, officer_of
from countersign.adapters.database.tables import (
    Account,
    Branch,
    ConsoleSession,
    Person,
    SignInCode,
)
from countersign.contracts.cases import Role
from countersign.domain.local_time import day_of
from countersign.ids import new_id

IDLE, LONGEST = timedelta(hours=2), timedelta(hours=12)
"""A browser is signed out after this long without a request, and at the latest after this long at all."""
ONE_TIME_LASTS = timedelta(days=3)
"""How long a one-time sign-in waits to be used."""
FIRST_LOGIN = "admin"
"""The account that the first start makes, so that somebody can make the others."""
SEEN_EVERY = timedelta(minutes=1)
SHORTEST_PASSWORD = 10
SIGN_IN_ROLES = (
    Role.HR,
    Role.FINANCE,
    Role.ADMINISTRATION,
    Role.MANAGER,
    Role.EMPLOYEE,
    Role.AUDITOR,
    Role.LEGAL,
    Role.SYSTEM_ADMINISTRATOR,
)
"""The roles that an account can have; emergency contacts come through links, programs with tokens."""


class AccountFault(ValueError):
    """What cannot be kept of an account; `field` names what to mend."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class SignedIn:
    """A browser's session: whose it is, the token its forms carry, and what is to be told once."""

    session_id: str
    csrf: str
    officer: Officer
    said: dict[str, Any] | None


@dataclass(frozen=True)
class OpenBrowser:
    """A browser in which an account is signed in; `agent` is what it calls itself."""

    session_id: str
    agent: str
    created_at: datetime
    seen_at: datetime


class Accounts:
    """Keeps accounts and sessions. Cookies, codes and passwords are kept as hashes only."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock
        self._passwords = PasswordHash((Argon2Hasher(),))
        # Checked when there is no such account, so that both answers take equally long.
        self._nobody = self._passwords.hash(secrets.token_hex(16))

    # -- accounts -----------------------------------------------------------------------------------------

    def create(
        self,
        login: str,
        name: str,
        role: Role,
        *,
        created_by: str,
        branch: str | None = None,
        number: str | None = None,
        password: str | None = None,
        **more: Any,
    ) -> str:
        """Return the id of a new account; raises `AccountFault` for what cannot be kept.

        `branch` is a branch's name or id, `number` the employee number of the person it belongs to.
        """
        if role not in SIGN_IN_ROLES:
            raise AccountFault("role", f"role: {role.value} cannot sign in; choose another role")
        if not login.strip() or not name.strip():
            missing = "login" if not login.strip() else "name"
            raise AccountFault(missing, f"{missing}: is missing; give it")
        if password is not None:
            check_password(password, login)

        def keep(session: Session) -> str:
            if session.exec(select(Account).where(Account.login == login.strip())).first() is not None:
                raise AccountFault("login", f"login: {login.strip()} is taken; choose another")
            person = person_for(session, role, number)
            account = Account(
                id=new_id(),
                login=login.strip(),
                name=name.strip(),
                role=role.value,
                branch_id=branch_named(session, branch),
                person_id=None if person is None else person.id,
                password_hash=None if password is None else self._passwords.hash(password),
                created_by=created_by,
                created_at=self._clock(),
                **more,
            )
            session.add(account)
            session.flush()
            where = None if account.branch_id is None else session.get_one(Branch, account.branch_id).name
            first = {"login": account.login, "role": account.role, "branch": where, "number": number}
            told = {key: (None, value) for key, value in first.items() if value}
            keep_change(session, account.id, created_by, account.created_at, Did.CREATED, told)
            return account.id

        return self._database.write(keep)

    def set_password(self, account_id: str, password: str, *, by_owner: bool, by: str | None = None) -> None:
        """Set a password and sign all browsers out; one that another person set must be changed at once.

        Sign-in links that were handed out before open nothing any more. `by` is who did it, else the owner.
        """

        def keep(session: Session) -> None:
            account = session.get_one(Account, account_id)
            check_password(password, account.login)
            account.password_hash = self._passwords.hash(password)
            account.must_change_password = not by_owner
            session.add(account)
            shut_out(session, account_id, self._clock())
            did = Did.PASSWORD_CHANGED if by_owner else Did.PASSWORD_GIVEN
            keep_change(session, account_id, by or account_id, self._clock(), did)

        self._database.write(keep)

    def disable(self, account_id: str) -> None:
        """Shut an account and sign it out everywhere, whoever is left; the console uses `Rights.shut`."""

        def keep(session: Session) -> None:
            account = session.get_one(Account, account_id)
            account.disabled_at = account.disabled_at or self._clock()
            session.add(account)
            shut_out(session, account_id, self._clock())
            keep_change(session, account_id, "program", self._clock(), Did.SHUT)

        self._database.write(keep)

    def set_language(self, account_id: str, language: str) -> None:
        """Keep in which language an account reads."""

        def keep(session: Session) -> None:
            account = session.get_one(Account, account_id)
            account.language = language
            session.add(account)

        self._database.write(keep)

    def is_password(self, account_id: str, password: str) -> bool:
        """Say whether an account has this password."""
        with self._database.reading() as session:
            kept = session.get_one(Account, account_id).password_hash
        return self._passwords.verify(password, kept or self._nobody) and kept is not None

    def by_login(self, login: str) -> str | None:
        """Return the id of the open account of that login."""
        with self._database.reading() as session:
            found = session.exec(
                select(Account.id).where(Account.login == login.strip(), col(Account.disabled_at).is_(None))
            )
            return found.first()

    def digest_of(self, account_id: str) -> tuple[str | None, bool]:
        """Return an account's address, and whether it wants the daily digest."""
        with self._database.reading() as session:
            account = session.get_one(Account, account_id)
            return account.email, account.digest

    def set_digest(self, account_id: str, email: str | None, *, wanted: bool) -> None:
        """Keep an account's address and whether it wants the daily digest."""

        def keep(session: Session) -> None:
            account = session.get_one(Account, account_id)
            account.email, account.digest = email, wanted
            session.add(account)

        self._database.write(keep)

    # -- signing in ---------------------------------------------------------------------------------------

    def check(self, login: str, password: str) -> str | None:
        """Return the id of the account that this login and password open; None for all that is wrong."""
        with self._database.reading() as session:
            account = session.exec(select(Account).where(Account.login == login.strip())).first()
        kept = None if account is None else account.password_hash
        right, better = self._passwords.verify_and_update(password, kept or self._nobody)
        if account is None or kept is None or not right or account.disabled_at is not None:
            return None
        if better is not None:
            self._database.write(lambda session: self._rehash(session, account.id, better))
        return account.id

    def _rehash(self, session: Session, account_id: str, better: str) -> None:
        account = session.get_one(Account, account_id)
        account.password_hash = better
        session.add(account)

    def new_one_time(self, account_id: str, lasts: timedelta, *, then_password: bool = False) -> str:
        """Return a code that signs an account in once.

        With `then_password` the old password and every open browser end, and whoever signs in with the code
        sets a password before anything else.
        """
        code = secrets.token_urlsafe(24)

        def keep(session: Session) -> None:
            now = self._clock()
            if then_password:
                account = session.get_one(Account, account_id)
                account.password_hash, account.must_change_password = None, True
                session.add(account)
                shut_out(session, account_id, now)
            add_code(session, account_id, code, now, lasts)

        self._database.write(keep)
        return code

    def use_one_time(self, code: str) -> str | None:
        """Spend a one-time code; return the account that it opens, None when it opens nothing any more."""

        def spend(session: Session) -> str | None:
            now = self._clock()
            found = session.exec(select(SignInCode).where(SignInCode.code_hash == hash_of(code))).first()
            if found is None or found.account_id is None or found.used_at or found.expires_at < now:
                return None
            if session.get_one(Account, found.account_id).disabled_at is not None:
                return None
            found.used_at = now
            session.add(found)
            return found.account_id

        return self._database.write(spend)

    # -- sessions -----------------------------------------------------------------------------------------

    def open(self, account_id: str, agent: str) -> str:
        """Sign a browser in; return the value of its cookie."""
        cookie = secrets.token_urlsafe(32)

        def keep(session: Session) -> None:
            now = self._clock()
            session.add(
                ConsoleSession(
                    id=hash_of(cookie),
                    account_id=account_id,
                    csrf=secrets.token_urlsafe(24),
                    agent=agent[:200],
                    created_at=now,
                    seen_at=now,
                )
            )

        self._database.write(keep)
        return cookie

    def recognise(self, cookie: str, *, by_itself: bool = False) -> SignedIn | None:
        """Return who is signed in with a cookie; None when it is unknown, ended or too old.

        A request that a page made `by_itself` keeps nobody signed in, and leaves what is to be told to the
        next page.
        """
        now = self._clock()
        with self._database.reading() as session:
            row = session.get(ConsoleSession, hash_of(cookie))
            if row is None or row.ended_at is not None:
                return None
            if now - row.seen_at > IDLE or now - row.created_at > LONGEST:
                return None
            account = session.get_one(Account, row.account_id)
            if account.disabled_at is not None:
                return None
            officer = officer_of(session, account, day_of(now))
        if not by_itself and (now - row.seen_at > SEEN_EVERY or row.said is not None):
            self._database.write(lambda session: self._seen(session, row.id))
        return SignedIn(row.id, row.csrf, officer, row.said)

    def _seen(self, session: Session, session_id: str) -> None:
        row = session.get_one(ConsoleSession, session_id)
        row.seen_at, row.said = self._clock(), None
        session.add(row)

    def say(self, session_id: str, text: str, values: dict[str, Any], *, good: bool) -> None:
        """Keep a sentence that the next page of this browser tells once."""

        def keep(session: Session) -> None:
            row = session.get_one(ConsoleSession, session_id)
            row.said = {"text": text, "values": values, "good": good}
            session.add(row)

        self._database.write(keep)

    def browsers(self, account_id: str) -> list[OpenBrowser]:
        """Return where an account is signed in now, the last seen first."""
        now = self._clock()
        query = (
            select(ConsoleSession)
            .where(
                ConsoleSession.account_id == account_id,
                col(ConsoleSession.ended_at).is_(None),
                col(ConsoleSession.seen_at) >= now - IDLE,
                col(ConsoleSession.created_at) >= now - LONGEST,
            )
            .order_by(col(ConsoleSession.seen_at).desc())
        )
        with self._database.reading() as session:
            return [
                OpenBrowser(row.id, row.agent, row.created_at, row.seen_at) for row in session.exec(query)
            ]

    def close(self, session_id: str) -> None:
        """Sign one browser out."""

        def end(session: Session) -> None:
            row = session.get(ConsoleSession, session_id)
            if row is not None and row.ended_at is None:
                row.ended_at = self._clock()
                session.add(row)

        self._database.write(end)

    def officer(self, account_id: str) -> Officer | None:
        """Return an account as an officer; None for one that is not there or shut."""
        with self._database.reading() as session:
            account = session.get(Account, account_id)
            if account is None or account.disabled_at is not None:
                return None
            return officer_of(session, account, day_of(self._clock()))


def check_password(password: str, login: str) -> None:
    """Raise `AccountFault` for a password that is too short or is the login itself."""
    if len(password) < SHORTEST_PASSWORD:
        raise AccountFault(
            "password", f"password: must have at least {SHORTEST_PASSWORD} characters; choose a longer one"
        )
    if login.strip().lower() in password.lower():
        raise AccountFault("password", "password: must not contain the login; choose another")


def shut_out(session: Session, account_id: str, now: datetime) -> None:
    """Sign an account out everywhere, and let no sign-in link of it work any more."""
    sessions = select(ConsoleSession).where(
        ConsoleSession.account_id == account_id, col(ConsoleSession.ended_at).is_(None)
    )
    for one in session.exec(sessions):
        one.ended_at = now
        session.add(one)
    codes = select(SignInCode).where(SignInCode.account_id == account_id, col(SignInCode.used_at).is_(None))
    for code in session.exec(codes):
        code.used_at = now
        session.add(code)


def add_code(session: Session, account_id: str, code: str, now: datetime, lasts: timedelta) -> None:
    """Keep a code that signs an account in once, of which only the hash is kept."""
    session.add(
        SignInCode(
            id=new_id(),
            code_hash=hash_of(code),
            account_id=account_id,
            created_at=now,
            expires_at=now + lasts,
        )
    )


def branch_named(session: Session, named: str | None) -> str | None:
    """Return the id of a branch by its name or id; None for the whole company; raises `AccountFault`."""
    if not named:
        return None
    found = session.exec(select(Branch).where((Branch.name == named) | (Branch.id == named))).first()
    if found is None:
        raise AccountFault("branch", f"branch: there is no branch {named}; choose one from the list")
    return found.id


def person_for(session: Session, role: Role, number: str | None) -> Person | None:
    """Return whose employee number an account is given; raises `AccountFault` where a role needs one."""
    if not number or not number.strip():
        if role in (Role.MANAGER, Role.EMPLOYEE):
            raise AccountFault("number", "number: this role needs the employee number it belongs to")
        return None
    found = session.exec(select(Person).where(Person.number == number.strip())).first()
    if found is None:
        raise AccountFault("number", f"number: nobody has the employee number {number.strip()}")
    return found


def hash_of(secret: str) -> str:
    """Return what is kept of a secret that is random enough: its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()
