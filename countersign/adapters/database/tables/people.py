"""The company: branches, people, employments, leaves, signed consents."""

from datetime import date, datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from countersign.adapters.database.tables.columns import instant


class Branch(SQLModel, table=True):
    """A branch of the company: whose region's tables and calendar apply."""

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    region: str
    zone: str = "Asia/Shanghai"


class Person(SQLModel, table=True):
    """An employee with the ways to reach them; `number` is the 工号."""

    id: str = Field(primary_key=True)
    number: str = Field(unique=True)
    name: str
    id_number: str | None = None
    phone: str | None = None
    email: str | None = None
    preferred_channel: str | None = None
    language: str = "zh-CN"
    branch_id: str = Field(foreign_key="branch.id", index=True)
    department: str | None = None
    post: str | None = None
    manager_number: str | None = None
    service_address: str | None = None
    e_delivery_consent_on: date | None = None


class Employment(SQLModel, table=True):
    """One employment of a person; a person can have several.

    `state` is what the company's systems say; whether it has ended follows from `ended_on`, the day of the
    delivered notice or the agreed date. `suspended_since` is set while somebody calls it suspended.
    The contract's own term is that of the contract in force: `contract_type` is `fixed`, `open_ended` or
    `task`, None while nobody has told it; only a fixed one has `contract_ends_on`.
    """

    __table_args__ = (UniqueConstraint("person_id", "hired_on"),)

    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    hired_on: date
    ended_on: date | None = None
    state: str = "active"
    ended_ground: str | None = None
    suspended_since: date | None = None
    contract_type: str | None = None
    contract_starts_on: date | None = None
    contract_ends_on: date | None = None


class EmergencyContact(SQLModel, table=True):
    """Whom to call when an employee does not answer; told as little as possible."""

    person_id: str = Field(primary_key=True, foreign_key="person.id")
    name: str
    relation: str | None = None
    phone: str | None = None
    consent_on: date | None = None


class Leave(SQLModel, table=True):
    """A leave; its last day is inclusive."""

    __table_args__ = (UniqueConstraint("person_id", "kind", "starts_on"),)

    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    kind: str
    starts_on: date
    ends_on: date


class ConsentRecord(SQLModel, table=True):
    """A signed paper on which a person named the addresses for service; never changed, the newest counts.

    `sha256` is the hash of the canonical content, which holds `file_sha256`; the signed paper's bytes lie
    under that hash in the data directory. `mobile` is E.164.
    """

    __tablename__ = "consent_record"

    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    service_address: str | None = None
    mobile: str | None = None
    email: str | None = None
    e_delivery: bool
    signed_on: date
    file_sha256: str
    media_type: str
    size: int
    sha256: str
    recorded_by: str
    recorded_at: datetime = instant()
