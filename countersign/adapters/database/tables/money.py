"""The sub-ledger of employments, repayment plans and settlements; money is integer fen."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from countersign.adapters.database.tables.columns import instant, json_column


class LedgerAccount(SQLModel, table=True):
    """One account of the sub-ledger: of an employment, or of a branch where `employment_id` is empty.

    `kind` says what it holds (see `domain/ledger.py`); `owner` is the employment's or the branch's id.
    """

    __tablename__ = "ledger_account"
    __table_args__ = (UniqueConstraint("owner", "kind"),)

    id: str = Field(primary_key=True)
    owner: str = Field(index=True)
    kind: str
    employment_id: str | None = Field(default=None, foreign_key="employment.id", index=True)
    branch_id: str = Field(foreign_key="branch.id", index=True)
    created_at: datetime = instant()


class Posting(SQLModel, table=True):
    """One booking; never changed and never deleted. A mistake is undone by a posting that reverses it.

    `key` makes it happen once: `<workflow-id>/<step>`, or the caller's own. `booked_on` is the day for which
    it counts. `case_id` is the case that caused it, `document_id` its voucher.
    """

    id: str = Field(primary_key=True)
    key: str = Field(unique=True)
    kind: str = Field(index=True)
    branch_id: str = Field(foreign_key="branch.id", index=True)
    employment_id: str = Field(foreign_key="employment.id", index=True)
    booked_on: date = Field(index=True)
    case_id: str | None = Field(default=None, foreign_key="case_.id", index=True)
    document_id: str | None = None
    reverses_id: str | None = Field(default=None, foreign_key="posting.id", unique=True)
    reference: str | None = None
    posted_by: str
    posted_at: datetime = instant(index=True)


class Entry(SQLModel, table=True):
    """One line of a posting: positive fen is a debit, negative a credit; a posting's lines add up to 0."""

    posting_id: str = Field(primary_key=True, foreign_key="posting.id")
    position: int = Field(primary_key=True)
    account_id: str = Field(foreign_key="ledger_account.id", index=True)
    amount_fen: int = Field(sa_type=BigInteger)


class RepaymentPlan(SQLModel, table=True):
    """An agreed plan by which a leaver pays what is owed; it opens the gate for that much.

    `instalments` holds `due_on` and `amount_fen`, which add up to `total_fen`.
    """

    __tablename__ = "repayment_plan"

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    total_fen: int = Field(sa_type=BigInteger)
    instalments: list[dict[str, Any]] = json_column(list)
    agreed_on: date
    document_id: str | None = None
    act_id: str
    created_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)


class Settlement(SQLModel, table=True):
    """The settlement sheet of a departure: what was asked, every line, the net sum; a new one replaces it.

    `state` is `drafted` or `confirmed`; confirming posts its lines.
    """

    __table_args__ = (UniqueConstraint("departure_id", "version"),)

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    version: int
    inputs: dict[str, Any] = json_column(dict)
    lines: list[dict[str, Any]] = json_column(list)
    net_fen: int = Field(sa_type=BigInteger)
    state: str = "drafted"
    document_id: str | None = None
    made_by: str
    made_at: datetime = instant()
    confirmed_by: str | None = None
    confirmed_at: datetime | None = instant(nullable=True)
