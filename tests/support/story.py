"""Stories about people: a case on a time-skipping server, told in dates, messages and answers."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import col, select
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from countersign.adapters.database.acts import NewAct
from countersign.adapters.database.circulars import CircularWish
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.starts import StartWish
from countersign.adapters.database.tables import Case, Person
from countersign.adapters.processes import WORKFLOWS
from countersign.bootstrap import Parts
from countersign.contracts.cases import ActKind, Role
from countersign.domain.departure import DepartureKind
from tests.support.company import NUMBER, add_leave, company
from tests.support.in_hand import in_hand
from tests.support.time_skipping import time_skipping_env
from workflows.sandbox import runner

SHANGHAI = ZoneInfo("Asia/Shanghai")
HR = {"role": "hr", "id": "token:test"}
_WORDS = ("reason", "courier", "tracking_number", "where")


def at(text: str) -> datetime:
    """Return a local instant: `02-13 10:00` in 2026, or a full date."""
    text = text if text[4] == "-" else f"2026-{text}"
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


_LONGEST_LEAP = timedelta(days=3)
_LEAP_OF_A_DEPARTURE = timedelta(days=1)


@dataclass
class Story:
    """One case with its company.

    `now` is the server's clock as last looked at. Cases of the `broken` kinds never come to rest.
    """

    env: WorkflowEnvironment
    parts: Parts
    now: datetime
    case_id: str = ""
    circular_id: str = ""
    departure_id: str = ""
    statutory_id: str = ""
    broken: frozenset[str] = frozenset()
    acts: int = 0

    @property
    def sms(self) -> list[Any]:
        return [message for _, message in self.parts.sms.sent]  # type: ignore[attr-defined]

    @property
    def mails(self) -> list[Any]:
        return [message for _, message in self.parts.mailer.sent]  # type: ignore[attr-defined]

    def sent_at(self) -> list[str]:
        """Return `<local time> <step> <channel>` of every message that left, in order."""
        rows = [
            (delivery["sent_at"], f"{notice['step'].partition('.')[2]} {delivery['channel']}")
            for notice in self.view()["notices"]
            for delivery in notice["deliveries"]
            if delivery["sent_at"] is not None and delivery["channel"] != "in_system"
        ]
        return [f"{when.astimezone(SHANGHAI):%m-%d %H:%M} {what}" for when, what in sorted(rows)]

    async def start(self, ends_on: date, kind: str = "sick", **wish: Any) -> None:
        leave = add_leave(self.parts, ends_on, kind)
        self.case_id = self.parts.starts.start(StartWish(leave, **wish), HR)
        await self.parts.dispatcher.drain_outbox()
        await self.settle()

    async def circulate(self, addressees: Sequence[str], **wish: Any) -> dict[str, str]:
        """Send a circular; return the cases by employee number. The story goes on with the first of them."""
        told = CircularWish("防火须知", "仓库内禁止吸烟。\n请阅读并确认。", tuple(addressees), **wish)
        made = await asyncio.to_thread(self.parts.circulars.create, told, None, HR, f"test/{self.acts}")
        self.acts += 1
        await self.parts.dispatcher.drain_outbox()
        self.circular_id = made.circular_id
        cases = {one["employee"]["number"]: one["case"] for one in self.circular()["addressees"]}
        for self.case_id in cases.values():
            await self.settle()
        self.case_id = cases[addressees[0]]
        return cases

    async def depart(self, kind: str, last_day: date, number: str = NUMBER, **wish: Any) -> None:
        """Start a departure; the story goes on with its offboarding case."""
        from countersign.adapters.database.departures import DepartureWish

        told = DepartureWish(employee=number, kind=DepartureKind(kind), last_day=last_day, **wish)
        made = await asyncio.to_thread(self.parts.departures.start, told, HR)
        self.acts += 1
        self.departure_id, self.statutory_id = made.case_id, made.statutory_case_id
        self.case_id = self.statutory_id if "offboarding" in self.broken else self.departure_id
        await self.settle()

    async def told(self, change: Callable[[], object]) -> None:
        """Let somebody change the books, and the cases hear of it."""
        await asyncio.to_thread(change)
        await self.settle()

    @contextmanager
    def looking_at(self, case_id: str) -> Iterator[None]:
        """Tell the story of another case for a while."""
        before, self.case_id = self.case_id, case_id
        try:
            yield
        finally:
            self.case_id = before

    def share_of(self, number: str) -> str:
        """Return the newest handover case of a receiver."""
        with self.parts.database.reading() as session:
            found = select(Case.id).join(Person, col(Person.id) == col(Case.person_id))
            mine = found.where(Person.number == number, Case.kind == "handover").order_by(col(Case.id))
            return session.exec(mine).all()[-1]

    def circular(self) -> dict[str, Any]:
        found = self.parts.circular_views.read(self.circular_id, None)
        assert found is not None
        return found

    def alarms(self) -> list[str]:
        """Return the kinds of alarms so far, the oldest first."""
        return [alarm["kind"] for alarm in reversed(self.parts.views.alarms(Scope(), 100))]

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.env.client.get_workflow_handle(self.row()["workflow_id"])

    def row(self) -> dict[str, Any]:
        with self.parts.database.reading() as session:
            return session.get_one(Case, self.case_id).model_dump()

    def cases(self) -> list[dict[str, Any]]:
        """Return the rows of every case there is, by age."""
        with self.parts.database.reading() as session:
            return [case.model_dump() for case in session.exec(select(Case).order_by(col(Case.id)))]

    def view(self) -> dict[str, Any]:
        found = self.parts.views.case(Scope(), self.case_id)
        assert found is not None
        return found

    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.view()["timeline"]]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.view()["timeline"] if event["kind"] == kind]

    def stage(self) -> str:
        return str(self.view()["stage"])

    async def until(self, instant: datetime) -> None:
        """Let the server's time pass until `instant`."""
        # What happens in weeks can be more than one call to the server lasts on a busy machine.
        leap = _LEAP_OF_A_DEPARTURE if self.departure_id else _LONGEST_LEAP
        while (left := instant - await self.env.get_current_time()) > timedelta(0):
            await self.env.sleep(min(left, leap))
            if self.departure_id:
                await self.settle()  # its cases tell each other things on the way
        await self.settle()

    async def settle(self) -> None:
        """Wait in real time until nothing moves any more."""
        last: object = None
        for _ in range(200):
            self.now = await self.env.get_current_time()
            if self.departure_id:
                await self.parts.dispatcher.drain_outbox()
            cases = self.cases()
            seen = (
                len(self.sms),
                len(self.mails),
                len(self.kinds()),
                [(case["stage"], case["steps"]) for case in cases],
            )
            if seen == last and self.row()["stage"] != "starting" and await self._rests(cases):
                return
            last = seen
            await asyncio.sleep(0.12)
        raise AssertionError("the case never came to rest")

    async def _rests(self, cases: Sequence[Mapping[str, Any]]) -> bool:
        # A leap that overtakes a workflow task fires timers which that task cancels: the server then refuses
        # the task, and never gives it out again.
        going = [case for case in cases if case["state"] != "closed" and case["kind"] not in self.broken]
        running = [case["workflow_id"] for case in going]
        return not any([await in_hand(self.env.client.get_workflow_handle(one)) for one in running])

    async def act(self, kind: ActKind, **body: Any) -> str:
        """Do an act of HR; return what became of it."""
        return await self._act(kind, Role.HR, body, None)

    async def answer(self, kind: ActKind, delivery: int = 0, **body: Any) -> str:
        """Answer as the employee, through the link of the n-th delivery that has one."""
        links = [
            d["id"]
            for n in self.view()["notices"]
            for d in n["deliveries"]
            if d["channel"] in ("sms", "email")
        ]
        return await self._act(kind, Role.EMPLOYEE, body, links[delivery])

    async def _act(self, kind: ActKind, role: Role, body: dict[str, Any], link: str | None) -> str:
        self.acts += 1
        words = {name: body.pop(name) for name in _WORDS if name in body}
        told = hashlib.sha256(f"{kind}{self.acts}".encode()).hexdigest()[:40]
        audience = "employee" if role is Role.EMPLOYEE else None
        new = NewAct(told, self.case_id, kind, role, "test", body, words, link, audience)
        taken = await asyncio.to_thread(self.parts.acts.take, new)
        if taken.state == "waiting":
            await self.parts.dispatcher.carry(taken.id, timedelta(seconds=10))
        view = self.parts.acts.must_view(taken.id)
        await self.settle()
        return view.state if view.sentence is None else f"{view.state}: {view.sentence}"


@asynccontextmanager
async def story(
    folder: Path, begins: datetime, *, workflows: Sequence[type] = WORKFLOWS, **settings: Any
) -> AsyncIterator[Story]:
    """Yield a company whose clock stands at `begins`, with a worker that serves its cases."""
    async with time_skipping_env(begins) as env:
        told: list[Story] = []
        parts = company(folder / "data", lambda: told[0].now, **settings)
        parts._client = env.client
        told.append(Story(env, parts, await env.get_current_time()))
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(4) as threads:
            async with Worker(
                env.client,
                task_queue=parts.settings.task_queue,
                workflows=workflows,
                activities=parts.activities(),
                activity_executor=threads,
                workflow_runner=runner(),
            ):
                yield told[0]
        parts.database.close()
