"""Messages on their way out of a small company, one call at a time and without a process that drives them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from countersign.adapters.database.acts import NewAct
from countersign.adapters.database.starts import StartWish
from countersign.adapters.database.tables import ActRow, Alarm, Branch, Delivery, EventRow, Leave, Person
from countersign.bootstrap import Parts
from countersign.contracts.cases import ActKind, Role
from countersign.contracts.notices import NoticeOrder, SendOrder, SendResult, SendState
from countersign.contracts.sending import OutcomeState, SendOutcome
from countersign.domain.policy import Audience, Channel
from countersign.ids import new_id
from countersign.ports import SendTicket
from tests.support.company import BEIJING, add_leave, company

NOW = datetime(2026, 2, 24, 2, tzinfo=UTC)
"""10:00 in Beijing."""

HR = {"role": "hr", "id": "token:test"}
SHANGHAI_BRANCH = "01SHANGHAI0000000000000000"
OTHER_PHONE = "+8613700137000"


@dataclass
class Outgoing:
    """A company with one case. `now` is the real time; it stands still until a test moves it."""

    parts: Parts = field(init=False)
    now: datetime = NOW
    case_id: str = ""
    steps: int = 0

    def later(self, **how: float) -> datetime:
        self.now += timedelta(**how)
        return self.now

    # -- cases ----------------------------------------------------------------------------------------------

    def case_of(self, leave_id: str) -> str:
        return self.parts.starts.start(StartWish(leave_id), HR)

    def second_case(self, day: int = 10) -> str:
        """Start another case of the same person, of a leave that began on that day of February."""
        return self.case_of(add_leave(self.parts, date(2026, 2, 18), "personal", date(2026, 2, day)))

    def other_person(self, number: str = "E2", phone: str = OTHER_PHONE, branch: str = BEIJING) -> str:
        """Start a case of somebody else; return it."""
        with self.parts.database.transaction() as session:
            person = Person(
                id=new_id(),
                number=number,
                name="王标记强",
                phone=phone,
                preferred_channel="sms",
                branch_id=branch,
            )
            session.add(person)
            session.flush()
            leave = Leave(
                id=new_id(),
                person_id=person.id,
                kind="sick",
                starts_on=date(2026, 2, 1),
                ends_on=date(2026, 2, 20),
            )
            session.add(leave)
        return self.case_of(leave.id)

    def other_branch(self, zone: str = "Asia/Shanghai") -> str:
        with self.parts.database.transaction() as session:
            session.add(Branch(id=SHANGHAI_BRANCH, name="上海", region="shanghai", zone=zone))
        return SHANGHAI_BRANCH

    # -- messages -------------------------------------------------------------------------------------------

    def lay_out(
        self,
        case_id: str = "",
        channel: Channel = Channel.SMS,
        audience: Audience = Audience.EMPLOYEE,
        confidential: bool = False,
        template: str = "first_notice",
    ) -> str:
        """Prepare a notice of a new step; return its delivery."""
        self.steps += 1
        order = NoticeOrder(
            case_id or self.case_id,
            f"1.{self.steps}.{template}",
            template,
            audience,
            (channel,),
            self.now,
            None,
            confidential,
        )
        return self.parts.notices.prepare(order).deliveries[0].delivery_id

    def order(self, delivery_id: str) -> SendOrder:
        return SendOrder(self.row(Delivery, delivery_id).case_id, delivery_id, self.now)

    def begin(self, delivery_id: str, token: str = "worker-1") -> SendTicket | SendResult:
        return self.parts.sendings.begin_sending(self.order(delivery_id), token)

    def held(self, delivery_id: str) -> SendResult:
        """Try to send what must not leave now."""
        result = self.begin(delivery_id)
        assert isinstance(result, SendResult), "the message left"
        assert result.state is SendState.HELD, result
        return result

    def suppressed(self, delivery_id: str) -> str | None:
        """Try to send what must never leave; return why not."""
        result = self.begin(delivery_id)
        assert isinstance(result, SendResult), "the message left"
        assert result.state is SendState.SUPPRESSED, result
        return result.code

    def finish(
        self,
        delivery_id: str,
        state: OutcomeState = OutcomeState.SENT,
        code: str | None = None,
        provider_id: str | None = None,
        token: str | None = "worker-1",
    ) -> None:
        says = None if code is None else f"the test says {code}"
        outcome = SendOutcome(state, provider_id, code, says or "accepted")
        self.parts.sendings.finish_sending(self.order(delivery_id), token, outcome)

    def send(self, delivery_id: str = "", provider_id: str = "SM1") -> str:
        """Let a message leave; the provider accepts it. Return its delivery."""
        delivery_id = delivery_id or self.lay_out()
        ticket = self.begin(delivery_id)
        assert isinstance(ticket, SendTicket), ticket
        self.finish(delivery_id, provider_id=provider_id)
        return delivery_id

    def fail(self, delivery_id: str, state: OutcomeState, code: str) -> None:
        """Let an attempt begin and end without the provider's word that it took the message."""
        ticket = self.begin(delivery_id)
        assert isinstance(ticket, SendTicket), ticket
        self.finish(delivery_id, state, code)

    # -- what people do -------------------------------------------------------------------------------------

    def act(self, kind: ActKind, role: Role = Role.HR, case_id: str = "", **more: Any) -> str:
        new = NewAct(new_id(), case_id or self.case_id, kind, role, "test", **more)
        return self.parts.acts.take(new).id

    # -- what was kept --------------------------------------------------------------------------------------

    def row(self, kind: type[Any], key: Any) -> Any:
        with self.parts.database.reading() as session:
            return session.get_one(kind, key)

    def rows(self, kind: type[Any]) -> list[Any]:
        with self.parts.database.reading() as session:
            return list(session.exec(select(kind)))

    def change(self, kind: type[Any], key: Any, **values: Any) -> None:
        with self.parts.database.transaction() as session:
            row = session.get_one(kind, key)
            for name, value in values.items():
                setattr(row, name, value)

    def state(self, delivery_id: str) -> str:
        return str(self.row(Delivery, delivery_id).state)

    def events(self, kind: str, case_id: str = "") -> list[dict[str, Any]]:
        """Return the bodies of a case's events of one kind."""
        with self.parts.database.reading() as session:
            rows = session.exec(
                select(EventRow)
                .where(EventRow.kind == kind, EventRow.case_id == (case_id or self.case_id))
                .order_by(col(EventRow.seq))
            )
            return [json.loads(row.line)["body"] for row in rows]

    def alarms(self) -> list[str]:
        return [alarm.kind for alarm in sorted(self.rows(Alarm), key=lambda alarm: alarm.id)]

    def acts(self) -> list[ActRow]:
        return self.rows(ActRow)


@contextmanager
def outgoing(folder: Path, **settings: object) -> Iterator[Outgoing]:
    """Yield a company with one case of a leave that is over."""
    made = Outgoing()
    made.parts = company(folder, lambda: made.now, **settings)
    made.case_id = made.case_of(add_leave(made.parts, date(2026, 2, 20)))
    yield made
    made.parts.database.close()
