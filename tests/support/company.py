"""A small company for tests: a real database, real texts, and channels that record what they were given."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlmodel import select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import (
    Branch,
    EmergencyContact,
    Employment,
    Leave,
    Person,
)
from countersign.bootstrap import Parts
from countersign.contracts.sending import MailMessage, OutcomeState, SendOutcome, SmsCapability, SmsMessage
from countersign.ids import new_id
from countersign.settings import Settings
from tests.support.schema import lay_out

BEIJING = "01BEIJING00000000000000000"
SHANGHAI = "01SHANGHAI0000000000000000"
NAME, NUMBER, PHONE = "张标记伟", "E1042", "+8613800138000"
EMAIL, ADDRESS = "zhang.marked@example.com", "北京市标记路 1 号"
CONTACT_NAME, CONTACT_PHONE = "李标记娜", "+8613900139000"
MARKED = (NAME, NUMBER, PHONE, PHONE[3:], EMAIL, ADDRESS, CONTACT_NAME, CONTACT_PHONE, CONTACT_PHONE[3:])
"""Personal data that must stand in no history, log, id or metric."""

OPENED: list[Database] = []
"""The databases of this test's companies; they are closed after it, also when it fails."""


@dataclass
class RecordingSms:
    """Keeps what it was told to send, and answers as it is told."""

    clock: Callable[[], datetime]
    sent: list[tuple[datetime, SmsMessage]] = field(default_factory=list)
    answers: list[SendOutcome] = field(default_factory=list)

    async def send(self, message: SmsMessage) -> SendOutcome:
        outcome = self.answers.pop(0) if self.answers else _accepted(f"SM{len(self.sent)}")
        if outcome.state in {OutcomeState.SENT, OutcomeState.UNKNOWN}:
            self.sent.append((self.clock(), message))
        return outcome

    def provider_of(self, to: str) -> str:
        return "twilio"

    async def find(
        self,
        to: str,
        delivery_code: str,
        since: datetime,
        delivery_id: str | None = None,
        provider: str | None = None,
    ) -> str | None:
        for number, (_, message) in enumerate(self.sent):
            if message.to == to and delivery_code in message.text:
                return f"SM{number}"
        return None

    def capabilities(self, e164: str) -> SmsCapability:
        return SmsCapability(link_ok=False, reply_ok=False)

    async def aclose(self) -> None:
        return


@dataclass
class RecordingMailer:
    """Keeps what it was told to send, and answers as it is told."""

    clock: Callable[[], datetime]
    sent: list[tuple[datetime, MailMessage]] = field(default_factory=list)
    answers: list[SendOutcome] = field(default_factory=list)

    async def send(self, message: MailMessage) -> SendOutcome:
        outcome = self.answers.pop(0) if self.answers else _accepted(None)
        if outcome.state in {OutcomeState.SENT, OutcomeState.UNKNOWN}:
            self.sent.append((self.clock(), message))
        return outcome


def _accepted(provider_id: str | None) -> SendOutcome:
    return SendOutcome(OutcomeState.SENT, provider_id, None, "accepted")


def failed(state: OutcomeState, code: str) -> SendOutcome:
    """Return an outcome for the answers of a recording channel."""
    return SendOutcome(state, None, code, f"the test says {code}")


def company(folder: Path, clock: Callable[[], datetime], **settings: object) -> Parts:
    """Return parts over a fresh database with one branch and one employee.

    On SQLite it lies in `folder`; on PostgreSQL it is the test's own, so that one test can have one company.
    """
    parts = Parts(Settings(data_dir=folder, _env_file=None, **settings), clock)  # type: ignore[arg-type,call-arg]
    folder.mkdir(parents=True, exist_ok=True)
    OPENED.append(parts.database)
    lay_out(parts.database)
    parts.__dict__["sms"], parts.__dict__["mailer"] = RecordingSms(clock), RecordingMailer(clock)
    with parts.database.transaction() as session:
        session.add(Branch(id=BEIJING, name="北京", region="beijing"))
        session.flush()
        person = Person(
            id=new_id(),
            number=NUMBER,
            name=NAME,
            phone=PHONE,
            email=EMAIL,
            preferred_channel="sms",
            branch_id=BEIJING,
            service_address=ADDRESS,
            e_delivery_consent_on=date(2025, 1, 2),
        )
        session.add(person)
        session.flush()
        session.add(
            Employment(
                id=new_id(),
                person_id=person.id,
                hired_on=date(2024, 1, 2),
                contract_type="fixed",
                contract_starts_on=date(2024, 1, 2),
                contract_ends_on=date(2027, 1, 1),
            )
        )
        session.add(
            EmergencyContact(person_id=person.id, name=CONTACT_NAME, relation="spouse", phone=CONTACT_PHONE)
        )
    return parts


def add_shanghai(parts: Parts) -> None:
    """Open a second branch."""
    with parts.database.transaction() as session:
        session.add(Branch(id=SHANGHAI, name="上海", region="shanghai"))


def add_leave(parts: Parts, ends_on: date, kind: str = "sick", starts_on: date | None = None) -> str:
    """Put a leave of the employee into the roster; return its id."""
    from sqlmodel import select

    with parts.database.transaction() as session:
        person = session.exec(select(Person).where(Person.number == NUMBER)).one()
        leave = Leave(
            id=new_id(),
            person_id=person.id,
            kind=kind,
            starts_on=starts_on or date(ends_on.year - 1, 12, 1),
            ends_on=ends_on,
        )
        session.add(leave)
        return leave.id


def add_colleague(parts: Parts, number: str, **more: object) -> str:
    """Put another employee into the roster, with invented contact data of their own; return the id."""
    with parts.database.transaction() as session:
        known = {"name": f"同事{number}", "branch_id": BEIJING, "preferred_channel": "email"}
        contact = {"phone": f"+86137{number[1:]:0>8}", "email": f"{number.lower()}@example.com"}
        person = Person(id=new_id(), number=number, **{**known, **contact, **more})
        session.add(person)
        return person.id


def add_holdings(
    parts: Parts,
    number: str = NUMBER,
    *,
    documents: int = 0,
    customers: int = 0,
    equipment: int = 0,
    receiver: str | None = None,
) -> list[str]:
    """Put holdings of an employee into the books, so many of each track; return their numbers.

    Documents and customers go to the receiver of that number; equipment goes back to administration.
    """
    from countersign.domain.departure import Track
    from countersign.domain.holdings import HoldingWish

    made = []
    for track, count, letter in (
        (Track.DOCUMENTS, documents, "W"),
        (Track.CUSTOMERS, customers, "K"),
        (Track.EQUIPMENT, equipment, "Z"),
    ):
        own = track is Track.EQUIPMENT
        wishes = [
            HoldingWish(
                track=track,
                reference=f"{letter}-{number}-{place}",
                holder=number,
                title=f"标记物{place}",
                value_fen=place * 1000_00 if own else None,
                receiver=None if own else receiver,
            )
            for place in range(1, count + 1)
        ]
        parts.holdings.put(wishes, "test", None)
        made += [wish.reference for wish in wishes]
    return made


def unreached(parts: Parts) -> Parts:
    """Let acts be carried to no process, for tests in which none runs; what they do in the books is done."""

    async def nowhere(*_: Any) -> None:
        """Carry an act to no process: there is none here."""

    parts.dispatcher.carry = nowhere  # type: ignore[method-assign,assignment]
    return parts


def all_of(parts: Parts, table: type[Any]) -> list[Any]:
    """Return every row of a table."""
    with parts.database.reading() as session:
        return list(session.exec(select(table)))
