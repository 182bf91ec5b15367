"""The end of one employment in the books of a small company, and what happens to it without a process."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import select

from countersign.adapters.database.duty_book import DutyAct, ServedAct
from countersign.adapters.database.tables import (
    Case,
    ConsentRecord,
    Delivery,
    Departure,
    Duty,
    HandoverItem,
    Notice,
    Person,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.contracts.departures import DepartureOrder, EndOrder, StatutoryStanding
from countersign.domain.departure import DutyKind
from countersign.ids import new_id
from tests.support.company import EMAIL, NUMBER, PHONE, company
from tests.support.leaving import leaving

LAST = date(2026, 3, 31)


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 10, 1, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, day: date, hour: int = 9) -> None:
        """Set the local time of the branch."""
        self.now = datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=8)


class End:
    """One departure of the company's employee, and what happens to it."""

    def __init__(self, folder: Path, needs_notice: bool) -> None:
        self.clock = Watch()
        self.parts: Parts = company(folder, self.clock)
        self.id = leaving(self.parts, LAST)
        with self.parts.database.transaction() as session:
            departure = session.get_one(Departure, self.id)
            departure.noticed_on = date(2026, 3, 9)
            if needs_notice:
                departure.needs_notice, departure.kind = True, "absence"
                departure.ground = "worker_fault"
            session.add(departure)
            session.flush()
            self.parts.duty_book.open(session, departure)
            self.case = departure.statutory_case_id

    def standing(self) -> StatutoryStanding:
        return self.parts.database.write(
            lambda session: self.parts.duty_book.standing(
                session, session.get_one(Case, self.case), self.clock.now
            )
        )

    def end(self, on: date = LAST) -> None:
        order = EndOrder(self.case, self.clock.now, on)
        self.parts.database.write(lambda session: self.parts.duty_book.end(session, order))

    @property
    def order(self) -> DepartureOrder:
        return DepartureOrder(self.case, self.clock.now)

    def act(self, name: str, kind: DutyKind, **more: Any) -> DutyAct:
        role = Role.FINANCE if kind is DutyKind.WAGES else Role.HR
        key = hashlib.sha256(name.encode()).hexdigest()[:40]
        return DutyAct(key, self.id, kind, role, f"token:{role.value}", **more)

    def hands_over(self, on: date, name: str = "served", witness: str = "见证人甲") -> str:
        key = hashlib.sha256(name.encode()).hexdigest()[:40]
        act = ServedAct(key, self.id, Role.HR, "token:hr", on, witness)
        return self.parts.duty_book.served(act).state

    def duties(self) -> dict[str, Duty]:
        with self.parts.database.reading() as session:
            return {
                duty.kind: duty for duty in session.exec(select(Duty).where(Duty.departure_id == self.id))
            }

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        with self.parts.database.reading() as session:
            events, _ = self.parts.evidence.chain(session, self.case)
            return [dict(event.body) for event in events if event.kind in kinds]

    def rows(self, table: type[Any], **where: Any) -> list[Any]:
        with self.parts.database.reading() as session:
            return list(session.exec(select(table).filter_by(**where)))

    def notice(self, channel: str, step: str = "0.notice", **more: Any) -> str:
        """Put a message of the notice on its way; return the delivery."""
        with self.parts.database.transaction() as session:
            person = session.exec(select(Person).where(Person.number == NUMBER)).one()
            notice = Notice(
                id=new_id(),
                case_id=self.case,
                step=f"{step}{new_id()}" if session.exec(select(Notice.id)).first() else step,
                template="notice",
                audience=more.pop("audience", "employee"),
                person_id=person.id,
                language="zh-CN",
                title="解除劳动合同通知书",
                text="…",
                fingerprint="0" * 64,
                created_at=self.clock.now,
            )
            session.add(notice)
            session.flush()
            delivery = Delivery(
                id=new_id(),
                notice_id=notice.id,
                case_id=self.case,
                channel=channel,
                attempt=1,
                **{
                    "state": "sent",
                    "text": "…",
                    "created_at": self.clock.now,
                    "sent_at": self.clock.now,
                    **more,
                },
            )
            session.add(delivery)
            return delivery.id

    def signs_consent(self, on: date = date(2025, 1, 2), **named: Any) -> None:
        with self.parts.database.transaction() as session:
            person = session.exec(select(Person).where(Person.number == NUMBER)).one()
            session.add(
                ConsentRecord(
                    id=new_id(),
                    person_id=person.id,
                    signed_on=on,
                    file_sha256="0" * 64,
                    media_type="application/pdf",
                    size=1,
                    sha256="0" * 64,
                    recorded_by="test",
                    recorded_at=self.clock.now,
                    **{"e_delivery": True, "email": EMAIL, "mobile": PHONE, **named},
                )
            )

    def adds_item(self, reference: str, track: str = "equipment", state: str = "open", **more: Any) -> str:
        with self.parts.database.transaction() as session:
            item = HandoverItem(
                id=new_id(),
                departure_id=self.id,
                track=track,
                reference=reference,
                title=f"物品{reference}",
                due_on=LAST,
                state=state,
                listed_at=self.clock.now,
                **more,
            )
            session.add(item)
            return item.id
