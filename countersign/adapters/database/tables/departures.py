"""Departures: items and who confirms them, checklists, duties, what was frozen."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from countersign.adapters.database.tables.columns import instant, json_column


class Departure(SQLModel, table=True):
    """One exit of one employment: the facts that its cases share, changed by acts of people alone.

    `case_id` is its offboarding case, `statutory_case_id` the case of its statutory duties. `holds` is the
    employment's id until the departure is withdrawn, so that an employment has one at most. `last_day` is the
    agreed or planned last day, `noticed_on` the day on which somebody gave notice. `facts` is what the
    employer's notice rests on, in HR's words; only the leaver reads it. `served_on` is the day on
    which the employer's notice was delivered, where one is needed; `ended_on` the day on which the employment
    ended. `finance_confirmed_at` is when finance said that the ledger holds everything that is owed.
    """

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    statutory_case_id: str = Field(foreign_key="case_.id", unique=True)
    employment_id: str = Field(foreign_key="employment.id", index=True)
    holds: str | None = Field(default=None, unique=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    branch_id: str = Field(foreign_key="branch.id", index=True)
    kind: str = Field(index=True)
    ground: str
    proposed_by: str
    needs_notice: bool
    facts: str | None = None
    noticed_on: date
    last_day: date = Field(index=True)
    successor_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    served_on: date | None = None
    served_how: str | None = None
    ended_on: date | None = Field(default=None, index=True)
    finance_confirmed_at: datetime | None = instant(nullable=True)
    closed_at: datetime | None = instant(nullable=True)
    withdrawn_at: datetime | None = instant(nullable=True)
    created_by: str
    created_at: datetime = instant(index=True)


class Holding(SQLModel, table=True):
    """What an employee holds for the company: a work document, a customer, a piece of equipment.

    `reference` is its number in the system it comes from; `details` depends on the track (see
    `domain/holdings.py`). `receiver_id` is who shall take it over, where that is known already.
    """

    __table_args__ = (UniqueConstraint("track", "reference"),)

    id: str = Field(primary_key=True)
    track: str = Field(index=True)
    reference: str
    person_id: str = Field(foreign_key="person.id", index=True)
    title: str
    details: dict[str, Any] = json_column(dict)
    mandatory: bool = True
    value_fen: int | None = Field(default=None, sa_type=BigInteger)
    receiver_id: str | None = Field(default=None, foreign_key="person.id")
    source: str
    updated_at: datetime = instant()


class HandoverItem(SQLModel, table=True):
    """One thing to be handed over in one departure; closed when both sides have said so.

    `state` is `open`, `handed_over`, `accepted`, `disputed` or `not_applicable`. Equipment is received by
    administration when `receiver_id` is empty. `condition` is what the receiver found. `share_id` is the
    handover case of the receiver, who is asked there.
    """

    __tablename__ = "handover_item"
    __table_args__ = (UniqueConstraint("departure_id", "track", "reference"),)

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    share_id: str | None = Field(default=None, foreign_key="case_.id", index=True)
    track: str
    reference: str
    title: str
    details: dict[str, Any] = json_column(dict)
    mandatory: bool = True
    value_fen: int | None = Field(default=None, sa_type=BigInteger)
    receiver_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    due_on: date
    state: str = Field(default="open", index=True)
    condition: str | None = None
    handed_over_at: datetime | None = instant(nullable=True)
    accepted_at: datetime | None = instant(nullable=True)
    listed_at: datetime = instant()


class ItemConfirmation(SQLModel, table=True):
    """What one side said of one item in one act; only added to, never changed.

    `what` is `handed_over`, `accepted`, `disputed`, `settled`, `reassigned`, `split` or `not_applicable`;
    `side` is `leaver`, `receiver` or `company`. `person_id` is who said it, `acting_for` whom they stood in
    for. What they wrote stands in the act and, sealed, in the evidence.
    """

    __tablename__ = "item_confirmation"
    __table_args__ = (UniqueConstraint("item_id", "act_id", "what"),)

    id: str = Field(primary_key=True)
    item_id: str = Field(foreign_key="handover_item.id", index=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    act_id: str = Field(foreign_key="act.id", index=True)
    what: str
    side: str
    person_id: str | None = Field(default=None, foreign_key="person.id")
    acting_for: str | None = Field(default=None, foreign_key="person.id")
    receiver_id: str | None = Field(default=None, foreign_key="person.id")
    condition: str | None = None
    at: datetime = instant()


class ReceiverAbsence(SQLModel, table=True):
    """Who confirms for an absent receiver, from the first to the last day, both inclusive."""

    __tablename__ = "receiver_absence"

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    receiver_id: str = Field(foreign_key="person.id", index=True)
    delegate_id: str = Field(foreign_key="person.id", index=True)
    from_day: date
    until_day: date
    share_id: str | None = Field(default=None, foreign_key="case_.id")
    act_id: str
    created_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)


class Revocation(SQLModel, table=True):
    """One system in which the leaver's account must be shut: `open`, `done`, `failed` or `manual`."""

    __table_args__ = (UniqueConstraint("departure_id", "system"),)

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    system: str
    state: str = "open"
    reason: str | None = None
    changed_by: str | None = None
    changed_at: datetime | None = instant(nullable=True)


class PassedTask(SQLModel, table=True):
    """An approval or a task of the leaver's in another system that passes to somebody else.

    `state` is `open`, `moved` or `moved_back`; `holder_id` is who has it now.
    """

    __tablename__ = "passed_task"
    __table_args__ = (UniqueConstraint("departure_id", "system", "reference"),)

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    system: str
    reference: str
    title: str
    state: str = "open"
    holder_id: str = Field(foreign_key="person.id", index=True)
    listed_at: datetime = instant()
    moved_at: datetime | None = instant(nullable=True)


class Duty(SQLModel, table=True):
    """A statutory duty of one departure: `due`, then `done` or `failed`; nothing else can become of it.

    `due_on` is its last day, empty while the day on which the employment ends is not known. `ordered_at` is
    when it was set in motion (the drop order sent to the bureau), `reference` what the authority answered.
    """

    __table_args__ = (UniqueConstraint("departure_id", "kind"),)

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    case_id: str = Field(foreign_key="case_.id", index=True)
    kind: str
    due_on: date | None = Field(default=None, index=True)
    state: str = Field(default="due", index=True)
    ordered_at: datetime | None = instant(nullable=True)
    done_at: datetime | None = instant(nullable=True)
    failed_at: datetime | None = instant(nullable=True)
    reference: str | None = None
    document_id: str | None = None
    act_id: str | None = None


class ExitOverride(SQLModel, table=True):
    """What was open on the last day, frozen: the statutory duties went on although it was.

    One row for each item and each balance; `amount_fen` is what is claimed for it. `evidence_hash` is the
    hash of the event in the statutory chain that holds the list.
    """

    __tablename__ = "exit_override"
    __table_args__ = (UniqueConstraint("departure_id", "subject"),)

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    subject: str
    what: str
    item_id: str | None = Field(default=None, foreign_key="handover_item.id")
    amount_fen: int = Field(default=0, sa_type=BigInteger)
    rule: str
    decided_by: str
    reason: str
    evidence_hash: str
    at: datetime = instant()


class QuestionnaireReply(SQLModel, table=True):
    """What a leaver answered to the questionnaire of their departure; a later answer replaces it.

    `answers` holds values by the ids of the questions, which stand in the case's frozen policy; empty when
    the leaver `declined`. Whoever has said nothing has no row, and neither has anybody who was erased.
    """

    __tablename__ = "questionnaire_reply"

    departure_id: str = Field(primary_key=True, foreign_key="departure.case_id")
    declined: bool
    answers: dict[str, Any] = json_column(dict)
    first_at: datetime = instant()
    changed_at: datetime = instant()
