"""Messages: what leaves, over which channel, and what came of it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from countersign.adapters.database.tables.columns import instant


class Notice(SQLModel, table=True):
    """What is said to one recipient, with fixed content and fingerprint.

    `letterhead` is what its page says around the text; kept, so that it is printed the same at any time.
    """

    __table_args__ = (UniqueConstraint("case_id", "step"),)

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="case_.id", index=True)
    step: str
    template: str
    audience: str
    person_id: str = Field(index=True)
    language: str
    title: str
    text: str = Field(sa_column=Column(Text, nullable=False))
    fingerprint: str
    answer_by: datetime | None = instant(nullable=True)
    sensitive: bool = False
    letterhead: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    created_at: datetime = instant()


class Delivery(SQLModel, table=True):
    """One attempt to bring a notice over one channel. Facts beside the state have their own times.

    `day` is the branch's date on which the message left, counted against the caps; `held_why` says what keeps
    it from leaving now. `ask_at` is the real time from which the provider may be asked about it again. What
    HR carries out has `by_hand_at`, when it was done; a letter also its courier, the number to trace it by,
    and the last result of the courier.
    """

    __table_args__ = (UniqueConstraint("notice_id", "channel", "attempt"),)

    id: str = Field(primary_key=True)
    notice_id: str = Field(foreign_key="notice.id", index=True)
    case_id: str = Field(foreign_key="case_.id", index=True)
    channel: str
    attempt: int
    state: str = Field(index=True)
    address: str | None = None
    subject: str | None = None
    text: str = Field(sa_column=Column(Text, nullable=False))
    code: str | None = None
    provider_id: str | None = Field(default=None, index=True)
    error_code: str | None = None
    sentence: str | None = None
    possible_duplicate: bool = False
    sms_template: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    token: str | None = None
    created_at: datetime = instant()
    sending_at: datetime | None = instant(nullable=True)
    sent_at: datetime | None = instant(nullable=True)
    settled_at: datetime | None = instant(nullable=True)
    fetched_at: datetime | None = instant(nullable=True)
    fetches: int = 0
    acknowledged_at: datetime | None = instant(nullable=True)
    provider: str | None = None
    day: date | None = Field(default=None, index=True)
    held_why: str | None = Field(default=None, index=True)
    ask_at: datetime | None = instant(nullable=True)
    polls: int = 0
    opened_at: datetime | None = instant(nullable=True)
    identity_confirmed_at: datetime | None = instant(nullable=True)
    by_hand_at: datetime | None = instant(nullable=True)
    courier: str | None = None
    tracking_number: str | None = Field(default=None, index=True)
    courier_result: str | None = None


class Link(SQLModel, table=True):
    """The no-login link of one delivery; only a keyed hash of its code is kept. Its id is the delivery's."""

    id: str = Field(primary_key=True, foreign_key="delivery.id")
    case_id: str = Field(foreign_key="case_.id", index=True)
    notice_id: str = Field(foreign_key="notice.id", index=True)
    person_id: str
    key_id: str
    code_hash: str = Field(unique=True)
    expires_at: datetime = instant()
    revoked_at: datetime | None = instant(nullable=True)
    revoked_why: str | None = None


class Suppression(SQLModel, table=True):
    """An address that nothing more of this case may be sent to."""

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    address: str = Field(primary_key=True)
    reason: str
    created_at: datetime = instant()


class OptOut(SQLModel, table=True):
    """An address whose holder told the provider or us to stop a channel; holds for the whole company."""

    address: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    reason: str
    created_at: datetime = instant()


class SendingStop(SQLModel, table=True):
    """A switch that holds all sending of the company, of a branch or over a provider until released.

    `scope` is `company`, `branch` or `provider`; `subject` the branch's id or the provider's name.
    """

    id: str = Field(primary_key=True)
    scope: str
    subject: str | None = None
    reason: str
    set_by: str
    set_at: datetime = instant()
    released_by: str | None = None
    released_at: datetime | None = instant(nullable=True, index=True)


class ProviderHealth(SQLModel, table=True):
    """Since when a provider has failed without a success in between, and whether somebody was told."""

    provider: str = Field(primary_key=True)
    failing_since: datetime | None = instant(nullable=True)
    alarmed_at: datetime | None = instant(nullable=True)


class IdentityCheck(SQLModel, table=True):
    """The second factor of one link: tries left, the one-time code sent, and when it was passed."""

    link_id: str = Field(primary_key=True, foreign_key="link.id")
    tries: int = 0
    locked_at: datetime | None = instant(nullable=True)
    confirmed_at: datetime | None = instant(nullable=True)
    method: str | None = None
    code_hash: str | None = None
    code_expires_at: datetime | None = instant(nullable=True)
    codes_sent: int = 0


class ChannelAcknowledgement(SQLModel, table=True):
    """Who took responsibility, once, for a way out that carries personal data out of the country."""

    channel: str = Field(primary_key=True)
    reason: str
    acknowledged_by: str
    acknowledged_at: datetime = instant()
