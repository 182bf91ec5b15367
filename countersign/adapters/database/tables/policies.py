"""Policies, calendars and texts of the company."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from countersign.adapters.database.tables.columns import instant, json_column


class StoredPolicy(SQLModel, table=True):
    """A ladder policy of one process by name and version; a running case carries its own copy."""

    name: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    process: str = "leave_return"
    body: dict[str, Any] = json_column(dict)
    created_by: str | None = None
    created_at: datetime = instant()


class PublishedYear(SQLModel, table=True):
    """A calendar year imported after release, over the shipped table."""

    year: int = Field(primary_key=True)
    body: dict[str, Any] = json_column(dict)
    imported_at: datetime = instant()


class PolicyChoice(SQLModel, table=True):
    """Which stored policy a process starts with in a branch; the branch `*` is the whole company."""

    __tablename__ = "policy_choice"

    branch_id: str = Field(primary_key=True)
    process: str = Field(primary_key=True)
    policy: str
    chosen_by: str
    chosen_at: datetime = instant()


class ProcessSwitch(SQLModel, table=True):
    """Whether a process may be started in a branch; the branch `*` is the whole company, no row means on."""

    __tablename__ = "process_switch"

    branch_id: str = Field(primary_key=True)
    process: str = Field(primary_key=True)
    switched_on: bool
    switched_by: str
    switched_at: datetime = instant()


class StoredTemplate(SQLModel, table=True):
    """A text of the company's own over a shipped one; the newest version counts, none is ever changed.

    `form` is how the file ends: `txt` for the text, `sms` for the short message. An empty body brings the
    shipped text back. `locked` ones are changed by nobody until they are unlocked.
    """

    __tablename__ = "stored_template"

    process: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    form: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    body: str = Field(sa_column=Column(Text, nullable=False))
    locked: bool = False
    created_by: str
    created_at: datetime = instant()
