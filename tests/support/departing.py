"""What people do in a departure, for stories: the leaver, receivers, HR, finance, administration."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.acts import ActView, NewAct
from countersign.adapters.database.balances import By
from countersign.adapters.database.duty_book import DutyAct, ServedAct
from countersign.adapters.database.handover_book import HandoverAct
from countersign.adapters.database.settlements import Drafter
from countersign.adapters.database.tables import (
    Case,
    Departure,
    Document,
    Duty,
    Employment,
    ExitOverride,
    HandoverItem,
    Holding,
    Notice,
    Person,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import ActKind, Role
from countersign.domain.departure import Condition, DutyKind
from countersign.domain.handover import Side, Speaker
from countersign.domain.ledger import AccountKind, Booking, Voucher
from countersign.ids import new_id
from tests.support.company import NUMBER
from tests.support.story import SHANGHAI, Story

HELD = (
    ("documents", "DOC-1", "供应商合同", None),
    ("documents", "DOC-2", "项目归档", None),
    ("customers", "C-1", "华东客户", None),
    ("equipment", "IT-1", "笔记本电脑", 8_000_00),
)
"""What the leaver of a story holds: track, reference, title, value."""


def add_holdings(parts: Parts, number: str = NUMBER, held: Any = HELD) -> None:
    """Let an employee hold things."""
    with parts.database.transaction() as session:
        person = session.exec(select(Person).where(Person.number == number)).one()
        for track, reference, title, value in held:
            session.add(
                Holding(
                    id=new_id(),
                    track=track,
                    reference=reference,
                    person_id=person.id,
                    title=title,
                    value_fen=value,
                    source="test",
                    updated_at=parts.clock(),
                )
            )


@dataclass
class Leaving:
    """One departure of a story, and everybody who acts in it."""

    s: Story
    said: int = 0

    def _id(self) -> str:
        self.said += 1
        return hashlib.sha256(f"leaving{self.said}".encode()).hexdigest()[:40]

    @property
    def parts(self) -> Parts:
        return self.s.parts

    async def do(self, change: Callable[[], ActView]) -> str:
        """Do an act in the books and bring it to its case; return what became of it."""
        view = await asyncio.to_thread(change)
        if view.state == "waiting":
            await self.parts.dispatcher.carry(view.id, timedelta(seconds=10))
        view = self.parts.acts.must_view(view.id)
        await self.s.settle()
        return view.state

    # -- the two sides ------------------------------------------------------------------------------------

    def person(self, number: str) -> str:
        with self.parts.database.reading() as session:
            return session.exec(select(Person.id).where(Person.number == number)).one()

    async def hands_over(self, *references: str, number: str = NUMBER) -> str:
        """Let the leaver hand over items, or everything."""
        person = self.person(number)
        act = HandoverAct(
            self._id(),
            self.s.departure_id,
            Speaker.LEAVER,
            Side.LEAVER,
            Role.EMPLOYEE,
            person,
            person_id=person,
            items=self.ids(*references),
        )
        return await self.do(lambda: self.parts.handover_book.hand_over(act))

    async def takes_over(self, number: str, *references: str) -> str:
        """Let a receiver accept items, or everything that was handed over to them."""
        person = self.person(number)
        act = HandoverAct(
            self._id(),
            self.s.departure_id,
            Speaker.RECEIVER,
            Side.RECEIVER,
            Role.EMPLOYEE,
            person,
            person_id=person,
            items=self.ids(*references),
        )
        return await self.do(lambda: self.parts.handover_book.accept(act))

    async def disputes(self, number: str, *references: str) -> str:
        """Let a receiver say that items are not what they should be."""
        person = self.person(number)
        act = HandoverAct(
            self._id(),
            self.s.departure_id,
            Speaker.RECEIVER,
            Side.RECEIVER,
            Role.EMPLOYEE,
            person,
            person_id=person,
            items=self.ids(*references),
            words="与清单不符",
        )
        return await self.do(lambda: self.parts.handover_book.dispute(act))

    async def takes_back(self, *references: str, condition: Condition = Condition.UNDAMAGED) -> str:
        """Let administration take equipment back."""
        act = HandoverAct(
            self._id(),
            self.s.departure_id,
            Speaker.ADMINISTRATION,
            Side.RECEIVER,
            Role.ADMINISTRATION,
            "token:administration",
            items=self.ids(*references),
        )
        return await self.do(lambda: self.parts.handover_book.accept(act, condition))

    def ids(self, *references: str) -> tuple[str, ...]:
        return tuple(item.id for item in self.items() if item.reference in references)

    def items(self) -> list[HandoverItem]:
        with self.parts.database.reading() as session:
            mine = select(HandoverItem).where(HandoverItem.departure_id == self.s.departure_id)
            return list(session.exec(mine.order_by(col(HandoverItem.reference))))

    def states(self) -> dict[str, str]:
        return {item.reference: item.state for item in self.items()}

    # -- the company --------------------------------------------------------------------------------------

    async def duty(self, kind: DutyKind, reference: str = "2026-0001", **more: Any) -> str:
        """Let somebody record a duty as done."""
        role = Role.FINANCE if kind is DutyKind.WAGES else Role.HR
        act = DutyAct(
            self._id(), self.s.departure_id, kind, role, f"token:{role.value}", reference=reference, **more
        )
        return await self.do(lambda: self.parts.duty_book.done(act))

    async def all_duties(self) -> None:
        """Let the company do everything that the law wants."""
        for kind in DutyKind:
            if self.duties()[kind] != "done":
                assert await self.duty(kind) == "settled", kind

    async def served(self, on: date) -> str:
        """Let HR record that the notice was handed over in person."""
        act = ServedAct(self._id(), self.s.departure_id, Role.HR, "token:hr", on, "门卫")
        return await self.do(lambda: self.parts.duty_book.served(act))

    def duties(self) -> dict[str, str]:
        with self.parts.database.reading() as session:
            mine = select(Duty).where(Duty.departure_id == self.s.departure_id)
            return {duty.kind: duty.state for duty in session.exec(mine)}

    def due(self) -> dict[str, date | None]:
        with self.parts.database.reading() as session:
            mine = select(Duty).where(Duty.departure_id == self.s.departure_id)
            return {duty.kind: duty.due_on for duty in session.exec(mine)}

    def done_at(self, kind: DutyKind) -> datetime | None:
        with self.parts.database.reading() as session:
            mine = select(Duty).where(Duty.departure_id == self.s.departure_id, Duty.kind == kind.value)
            return session.exec(mine).one().done_at

    # -- money --------------------------------------------------------------------------------------------

    async def books(self, make: Callable[..., Booking], yuan: str, *more: Any) -> None:
        """Let finance book one thing; an amount in yuan."""
        self.said += 1
        employment = self.departure().employment_id if self.s.departure_id else self._employment()
        day = self.s.now.astimezone(SHANGHAI).date()
        voucher = Voucher(f"test/{self.said}", employment, day, "token:finance")
        wanted = make(voucher, int(Decimal(yuan) * 100), *more)
        await self.change(lambda session: self.parts.ledger.book(session, wanted))

    async def settles(self, **wish: Any) -> str:
        """Let finance draft the settlement and confirm it."""
        by = Drafter(Role.FINANCE, "token:finance", {"role": "finance", "id": "token:finance"})
        case = self.s.departure_id
        version = await asyncio.to_thread(self.parts.settlements.draft, case, wish, by)
        return await self.do(lambda: self.parts.settlements.confirm(case, version, self._id(), by))

    async def finance_confirms(self, **owed: str) -> str:
        """Let finance say that the ledger holds everything; what is owed in yuan by account."""
        by = By(self._id(), self.s.departure_id, Role.FINANCE, "token:finance")
        seen = {AccountKind(kind): int(Decimal(yuan) * 100) for kind, yuan in owed.items()}
        return await self.do(lambda: self.parts.balances.confirm(by, seen))

    async def withdraws(self) -> str:
        """Let HR take the departure back."""
        new = NewAct(
            self._id(), self.s.departure_id, ActKind.WITHDRAWN, Role.HR, "token:hr", {}, {"reason": "留任"}
        )
        return await self.do(lambda: self.parts.booked_acts.take(new, self.parts.departures.withdraw_effect))

    async def moves_the_last_day(self, on: date) -> str:
        """Let HR agree another last day."""
        moved, body, words = ActKind.LAST_DAY_MOVED, {"on": on.isoformat()}, {"reason": "协商"}
        new = NewAct(self._id(), self.s.departure_id, moved, Role.HR, "token:hr", body, words)
        return await self.do(
            lambda: self.parts.booked_acts.take(new, self.parts.departures.move_last_day_effect)
        )

    def balances(self) -> dict[str, int]:
        """Return the balances in fen that are not 0."""
        with self.parts.database.reading() as session:
            found = self.parts.ledger.balances(session, self.departure().employment_id)
        return {kind.value: fen for kind, fen in found.items() if fen}

    def _employment(self) -> str:
        with self.parts.database.reading() as session:
            return session.exec(select(Employment.id).join(Person).where(Person.number == NUMBER)).one()

    # -- how it stands ------------------------------------------------------------------------------------

    def departure(self) -> Departure:
        with self.parts.database.reading() as session:
            return session.get_one(Departure, self.s.departure_id)

    def employment(self) -> Employment:
        with self.parts.database.reading() as session:
            return session.get_one(Employment, self.departure().employment_id)

    def overrides(self) -> list[ExitOverride]:
        with self.parts.database.reading() as session:
            mine = select(ExitOverride).where(ExitOverride.departure_id == self.s.departure_id)
            return list(session.exec(mine.order_by(col(ExitOverride.subject))))

    def papers(self) -> list[str]:
        """Return the kinds of the papers that the statutory case holds, in order of making."""
        with self.parts.database.reading() as session:
            mine = select(Document).where(Document.case_id == self.s.statutory_id)
            found = session.exec(mine.order_by(col(Document.created_at), col(Document.id)))
            return [one.kind for one in found if one.kind != "paper"]

    def why(self) -> list[str]:
        """Return the codes of what keeps the gate shut."""
        found = self.parts.gate_book.why(self.s.departure_id)
        assert found is not None
        return [blocker.reason.value for blocker in found.gate.blockers]

    def told(self, step: str) -> list[str]:
        """Return the texts of the notices of the offboarding case whose step begins so, one at least."""
        with self.parts.database.reading() as session:
            mine = select(Notice).where(Notice.case_id == self.s.departure_id)
            found = [one.text for one in session.exec(mine) if one.step.partition(".")[2].startswith(step)]
        assert found
        return found

    def outcome(self, case_id: str) -> str | None:
        with self.parts.database.reading() as session:
            return session.get_one(Case, case_id).outcome

    async def change(self, work: Callable[[Session], object]) -> None:
        """Let somebody write into the books, and the cases hear of it."""
        if self.s.departure_id:
            await self.s.told(lambda: self.parts.database.write(work))
        else:
            await asyncio.to_thread(self.parts.database.write, work)
