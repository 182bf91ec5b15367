"""What the house itself has to carry: errands out, reports in, alarms."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from countersign.adapters.database.tables.columns import instant, json_column


class Installation(SQLModel, table=True):
    """Facts of the data directory: `mode` is `real` or `time-lapse`, from its first start."""

    key: str = Field(primary_key=True)
    value: str


class Outbox(SQLModel, table=True):
    """What must still reach Temporal: workflow starts and calendar updates."""

    id: str = Field(primary_key=True)
    kind: str
    subject: str = Field(unique=True)
    body: dict[str, Any] = json_column(dict)
    due_at: datetime = instant(index=True)
    done_at: datetime | None = instant(nullable=True, index=True)
    tries: int = 0
    last_error: str | None = None


class Inbox(SQLModel, table=True):
    """Raw machine reports (receipts, replies), deduplicated; processed after the answer has gone out."""

    id: str = Field(primary_key=True)
    source: str
    dedup: str = Field(unique=True)
    raw: dict[str, Any] = json_column(dict)
    received_at: datetime = instant()
    done_at: datetime | None = instant(nullable=True, index=True)
    result: str | None = None


class Punch(SQLModel, table=True):
    """A clock-in pushed by an attendance system."""

    __table_args__ = (UniqueConstraint("person_id", "at"),)

    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    at: datetime = instant()
    received_at: datetime = instant()


class Alarm(SQLModel, table=True):
    """Something a person of the company must know; said in words.

    `told_at` is when telling it to the configured targets was over, `tell_tries` how often one refused it.
    """

    id: str = Field(primary_key=True)
    case_id: str | None = Field(default=None, index=True)
    kind: str
    sentence: str
    at: datetime = instant(index=True)
    told_at: datetime | None = instant(nullable=True, index=True)
    tell_tries: int = 0


class AlarmTold(SQLModel, table=True):
    """One alarm and one target: told in `message` at `told_at`, else to be told at `next_at` or later.

    `target` is a hash of the target's address, since the address itself is a secret.
    """

    alarm_id: str = Field(primary_key=True, foreign_key="alarm.id")
    target: str = Field(primary_key=True)
    tries: int = 0
    next_at: datetime = instant()
    told_at: datetime | None = instant(nullable=True, index=True)
    message: str | None = None


class Idempotency(SQLModel, table=True):
    """Answers already given to a POST with this key by this token."""

    token_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_sha256: str
    status: int
    answer: dict[str, Any] = json_column(dict)
    created_at: datetime = instant()
