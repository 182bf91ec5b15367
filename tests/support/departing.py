"""What people do in a departure, for stories: the leaver, receivers, HR, finance, administration."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.acts import ActView
from countersign.adapters.database.duty_book import DutyAct, ServedAct
from countersign.adapters.database.handover_book import HandoverAct
from countersign.adapters.database.tables import (
    Case,
    Departure,
    Document,
    Duty,
    Employment,
    ExitOverride,
    HandoverItem,
    Holding,
    Person,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.departure import Condition, DutyKind
from countersign.domain.handover import Side, Speaker
from countersign.ids import new_id
from tests.support.company import NUMBER
from tests.support.story import Story

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

    def outcome(self, case_id: str) -> str | None:
        with self.parts.database.reading() as session:
            return session.get_one(Case, case_id).outcome

    async def change(self, work: Callable[[Session], object]) -> None:
        """Let somebody write into the books, and the cases hear of it."""
        await self.s.told(lambda: self.parts.database.write(work))
