"""Cases: what runs, what was done in it, and the papers it holds."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from countersign.adapters.database.tables.columns import instant, json_column


class Case(SQLModel, table=True):
    """The projection of one running process: what lists and pages read while no worker runs.

    `next_at` is when the next message is planned to leave by itself. `departure_id` is the offboarding case
    that a case belongs to, of that case itself its own id.
    """

    __tablename__ = "case_"

    id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    workflow_id: str = Field(unique=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    branch_id: str = Field(foreign_key="branch.id", index=True)
    leave_id: str | None = Field(default=None, foreign_key="leave.id", unique=True)
    circular_id: str | None = Field(default=None, foreign_key="circular.id", index=True)
    departure_id: str | None = Field(default=None, foreign_key="case_.id", index=True)
    policy_version: str
    frozen: dict[str, Any] = json_column(dict)
    state: str = Field(index=True)
    stage: str
    holder: str | None = None
    due_at: datetime | None = instant(nullable=True, index=True)
    next_at: datetime | None = instant(nullable=True, index=True)
    outcome: str | None = None
    provisional: bool = False
    ends_on: date | None = None
    steps: list[dict[str, Any]] = json_column(list)
    clock_factor: int = 1
    clock_case: datetime | None = instant(nullable=True)
    clock_real: datetime | None = instant(nullable=True)
    clock_limit: datetime | None = instant(nullable=True)
    created_at: datetime = instant(index=True)
    closed_at: datetime | None = instant(nullable=True)
    checked_at: datetime | None = instant(nullable=True, index=True)


class Task(SQLModel, table=True):
    """Something one holder must do by a time."""

    __tablename__ = "task"
    __table_args__ = (UniqueConstraint("case_id", "key"),)

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="case_.id", index=True)
    key: str
    kind: str
    holder: str = Field(index=True)
    due_at: datetime | None = instant(nullable=True)
    opened_at: datetime = instant()
    done_at: datetime | None = instant(nullable=True)


class RecordedStep(SQLModel, table=True):
    """Keys of record orders already carried out: the twin of an order writes nothing."""

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    key: str = Field(primary_key=True)


class CaseLink(SQLModel, table=True):
    """A case that inherits another case's evidence, with the other chain's head at that time."""

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    other_id: str = Field(primary_key=True, foreign_key="case_.id")
    length: int
    head: str
    at: datetime = instant()


class Circular(SQLModel, table=True):
    """A text that each of several addressees must confirm; every addressee has a case of their own.

    `confirmed` counts the addressees who have; `request_key` is that of the request that made it, so that the
    same request makes nothing twice.
    """

    id: str = Field(primary_key=True)
    branch_id: str | None = Field(default=None, foreign_key="branch.id", index=True)
    title: str
    text: str = Field(sa_column=Column(Text, nullable=False))
    sensitive: bool = False
    confirmed: int = 0
    request_key: str | None = Field(default=None, unique=True)
    created_by: str
    created_at: datetime = instant()


class ActRow(SQLModel, table=True):
    """A human answer or action, committed before anything else: the receipt and the stop.

    `actor` is a person, a link, `token:<id>` or `account:<id>`; `acting_for` the account stood in for.
    """

    __tablename__ = "act"
    __table_args__ = (Index("ix_act_case_state", "case_id", "state"),)

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="case_.id")
    kind: str
    role: str
    actor: str
    acting_for: str | None = None
    link_id: str | None = None
    audience: str | None = None
    body: dict[str, Any] = json_column(dict)
    words: dict[str, str] = json_column(dict)
    shown_sha256: str | None = None
    fingerprint: str
    at: datetime = instant()
    recorded_at: datetime = instant()
    state: str = Field(default="waiting", index=True)
    sentence: str | None = None


class Document(SQLModel, table=True):
    """A file that was handed in or printed; its bytes lie under their SHA-256 in the data directory.

    `kind` is `paper` for the page of a notice, which `notice_id` names.
    """

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="case_.id", index=True)
    act_id: str | None = Field(default=None, index=True)
    notice_id: str | None = Field(default=None, index=True)
    sha256: str
    media_type: str
    size: int
    kind: str
    created_at: datetime = instant()


class LegalHold(SQLModel, table=True):
    """A ban on erasing a case's personal values, from its placing until its release.

    The reason stands in the evidence alone, sealed in `hold.placed`.
    """

    __tablename__ = "legal_hold"

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="case_.id", index=True)
    placed_by: str
    placed_at: datetime = instant()
    released_by: str | None = None
    released_at: datetime | None = instant(nullable=True)
