"""The evidence chains and their anchors; rows are only ever added."""

from datetime import datetime

from sqlalchemy import Column, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from countersign.adapters.database.tables.columns import instant


class EventRow(SQLModel, table=True):
    """The evidence chain; written only by `EvidenceLog.append`, edited by nobody."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("case_id", "key"),)

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    seq: int = Field(primary_key=True)
    key: str
    kind: str = Field(index=True)
    line: str = Field(sa_column=Column(Text, nullable=False))
    hash: str


class DisclosureRow(SQLModel, table=True):
    """A sealed value's salt and text; deleting the row erases the value, the chain still verifies."""

    __tablename__ = "disclosure"

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    seq: int = Field(primary_key=True)
    path: str = Field(primary_key=True)
    salt: str
    value: str = Field(sa_column=Column(Text, nullable=False))


class Anchor(SQLModel, table=True):
    """A statement about the chains that had grown: what is kept, and stamped, out of this database's reach.

    `line` is the anchor as it stands in the anchor file, canonical JSON; `hash` that of its statement.
    """

    seq: int = Field(primary_key=True)
    at: datetime = instant()
    hash: str
    line: str = Field(sa_column=Column(Text, nullable=False))


class AnchoredHead(SQLModel, table=True):
    """How far a chain reached when it was anchored; one row for each anchor that covers it."""

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    length: int = Field(primary_key=True)
    anchor_seq: int = Field(foreign_key="anchor.seq", index=True)


class CaseHistory(SQLModel, table=True):
    """The history of a closed case's process; its bytes lie under their SHA-256 among the documents.

    Without a hash there is none: the Temporal server no longer knew the process when it was asked.
    """

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    workflow_id: str
    run_id: str
    sha256: str | None = None
    kept_at: datetime = instant()
