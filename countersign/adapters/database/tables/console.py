"""Who signs in to the console, what they may do, and what two of them agree to."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from countersign.adapters.database.tables.columns import instant, json_column


class ApiToken(SQLModel, table=True):
    """A bearer token; only its SHA-256 is kept. No branch means the whole company."""

    id: str = Field(primary_key=True)
    token_hash: str = Field(unique=True)
    role: str
    branch_id: str | None = None
    name: str | None = None
    created_by: str | None = None
    created_at: datetime = instant()
    revoked_at: datetime | None = instant(nullable=True)


class Account(SQLModel, table=True):
    """Somebody who signs in to the console: one role, for one branch or the whole company.

    `person_id` ties it to an employee: a manager sees the people who report to that number, an employee
    themselves. `oidc_subject` is `<issuer>|<subject>`; without a password hash only that, or a one-time
    sign-in, lets them in. `edits_templates` is the separate right to change what leaves the house. `digest`
    wishes for a mail in the morning, `digested_on` is the day of the last one.
    """

    id: str = Field(primary_key=True)
    login: str = Field(unique=True)
    name: str
    role: str = Field(index=True)
    branch_id: str | None = Field(default=None, foreign_key="branch.id", index=True)
    person_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    email: str | None = None
    language: str = "zh-CN"
    password_hash: str | None = None
    must_change_password: bool = False
    oidc_subject: str | None = Field(default=None, unique=True)
    edits_templates: bool = False
    digest: bool = True
    digested_on: date | None = None
    created_by: str
    created_at: datetime = instant()
    disabled_at: datetime | None = instant(nullable=True)


class ConsoleSession(SQLModel, table=True):
    """A signed-in browser; its id is the SHA-256 of the cookie. `said` is told once on the next page."""

    __tablename__ = "console_session"

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    csrf: str
    agent: str = ""
    said: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    created_at: datetime = instant()
    seen_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True, index=True)


class SignInCode(SQLModel, table=True):
    """A way in that works once: a link handed out, or a code sent to a phone; only hashes are kept."""

    __tablename__ = "sign_in_code"

    id: str = Field(primary_key=True)
    code_hash: str = Field(index=True)
    account_id: str | None = Field(default=None, foreign_key="account.id", index=True)
    person_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    tries: int = 0
    created_at: datetime = instant()
    expires_at: datetime = instant()
    used_at: datetime | None = instant(nullable=True)


class OidcRequest(SQLModel, table=True):
    """A sign-in on its way to the company's identity provider and back.

    `id` is the SHA-256 of its state and of a secret that the browser keeps.
    """

    __tablename__ = "oidc_request"

    id: str = Field(primary_key=True)
    nonce: str
    verifier: str
    goes_to: str
    expires_at: datetime = instant()


class Delegation(SQLModel, table=True):
    """Who stands in for whom, from the first to the last day, both inclusive, in the branch's zone."""

    id: str = Field(primary_key=True)
    absent_id: str = Field(foreign_key="account.id", index=True)
    delegate_id: str = Field(foreign_key="account.id", index=True)
    from_day: date
    until_day: date
    created_by: str
    created_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)


class Approval(SQLModel, table=True):
    """Something that a second person must agree to before it happens.

    `kind` says what carries it out, `subject` is the case, import or other row that it is about, `body` what
    was asked for, `words` what people wrote. Undecided while `decided_at` is empty.
    """

    id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    subject: str = Field(index=True)
    branch_id: str | None = Field(default=None, foreign_key="branch.id", index=True)
    body: dict[str, Any] = json_column(dict)
    words: dict[str, str] = json_column(dict)
    asked_by: str = Field(foreign_key="account.id")
    asked_at: datetime = instant(index=True)
    decided_by: str | None = Field(default=None, foreign_key="account.id")
    decided_at: datetime | None = instant(nullable=True, index=True)
    approved: bool | None = None
    reason: str | None = None


class AccountChange(SQLModel, table=True):
    """What somebody changed of an account's rights; only added to, never changed.

    `changed_by` is an account's id, or what else made the account (`cli`); `what` is `did` with the fields
    that changed, each with its old and new value. No secret stands in it.
    """

    __tablename__ = "account_change"

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    changed_by: str
    changed_at: datetime = instant()
    what: dict[str, Any] = json_column(dict)


class SavedFilter(SQLModel, table=True):
    """A list's filters under a name of the account's own; `query` is the part of the address after `?`."""

    __tablename__ = "saved_filter"
    __table_args__ = (UniqueConstraint("account_id", "page", "name"),)

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    page: str
    name: str
    query: str
