"""Files that were handed in, and starts of many cases at once."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from countersign.adapters.database.tables.columns import instant, json_column


class ImportedFile(SQLModel, table=True):
    """A file that an early release applied; `ImportRun` keeps files since, and nothing reads these rows."""

    sha256: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    rows: int
    imported_at: datetime = instant()


class ImportRun(SQLModel, table=True):
    """A file that was handed in: previewed, applied by a second person where that is asked for, undone.

    The bytes lie under `sha256` among the documents. `undo` holds what the rows were before.
    """

    __tablename__ = "import_run"

    id: str = Field(primary_key=True)
    kind: str
    file_name: str
    sha256: str
    size: int
    branch_id: str | None = Field(default=None, foreign_key="branch.id", index=True)
    state: str = Field(index=True)
    result: dict[str, Any] = json_column(dict)
    undo: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    handed_in_by: str = Field(foreign_key="account.id")
    handed_in_at: datetime = instant(index=True)
    applied_by: str | None = Field(default=None, foreign_key="account.id")
    applied_at: datetime | None = instant(nullable=True)
    undone_by: str | None = Field(default=None, foreign_key="account.id")
    undone_at: datetime | None = instant(nullable=True)


class BulkStart(SQLModel, table=True):
    """Many cases started at one wish; carried out row by row, also over a restart.

    An empty `policy` takes the one of each branch. `overdue` is said of every step whose date has passed:
    `run_now` or `skip`; without it each case asks.
    """

    __tablename__ = "bulk_start"

    id: str = Field(primary_key=True)
    policy: str
    branch_id: str | None = Field(default=None, foreign_key="branch.id", index=True)
    overdue: str | None = None
    asked_by: str = Field(foreign_key="account.id")
    asked_at: datetime = instant(index=True)
    done_at: datetime | None = instant(nullable=True, index=True)


class BulkStartRow(SQLModel, table=True):
    """One leave of a bulk start and what became of it: `waiting`, `started` or `refused` with a sentence."""

    __tablename__ = "bulk_start_row"

    bulk_id: str = Field(primary_key=True, foreign_key="bulk_start.id")
    position: int = Field(primary_key=True)
    leave_id: str = Field(foreign_key="leave.id")
    state: str = "waiting"
    case_id: str | None = None
    sentence: str | None = None
