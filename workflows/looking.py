"""A case whose facts stand in the books: people and other cases change them there, and it looks again."""

import asyncio
from typing import Generic, TypeVar

from temporalio import workflow

from workflows.steering import CaseInput, SteeredCase, Terms, opening_state

with workflow.unsafe.imports_passed_through():
    from countersign.contracts.cases import BOOKED, Act, Process, TaskDraft
    from countersign.domain.offboarding import WITHDRAWN_STEP
    from countersign.domain.policy import Audience, Channel, Rung, Wait, WaitUnit

_NO_WAIT = Wait(0, WaitUnit.HOURS)

Standing = TypeVar("Standing")
"""What such a case reads from the books."""


class LookingCase(SteeredCase, Generic[Standing]):
    """One case that decides by a standing read from the books.

    Whatever changes the standing says `look`, by a signal or by an act that is booked already; the case reads
    again and every wait looks at what it read. So nothing is counted twice, whatever comes how often.
    """

    standing: Standing

    def sit_at(self, process: Process, case: CaseInput, terms: Terms, stage: str, standing: Standing) -> None:
        """Lay out the case before the first act can arrive."""
        self.standing = standing
        self.open_tasks: dict[str, TaskDraft] = {}
        self.telling_withdrawal = False
        self._looking = asyncio.Lock()
        self.sit_down(process, case, terms, opening_state(case, stage))

    async def read(self) -> Standing:
        """Read the standing from the books."""
        raise NotImplementedError

    def tasks(self) -> tuple[TaskDraft, ...]:
        """Return what waits in the company as the case stands, for the lists of those who do it."""
        return ()

    async def noticed(self, before: Standing) -> None:
        """Do what a changed standing asks for at once."""

    async def look(self) -> None:
        """Read the standing again, keep the tasks of the company in step, and wake every wait."""
        async with self._looking:
            before, self.standing = self.standing, await self.read()
            await self.keep_tasks()
            if self.standing != before:
                await self.noticed(before)
            self.desk.changed()

    async def keep_tasks(self) -> None:
        """Open the tasks that have come up, close those that are done."""
        wanted = {task.key: task for task in (() if self.desk.state.closed else self.tasks())}
        done = tuple(
            TaskDraft(task.key, task.kind, task.holder, task.due_at, done=True)
            for key, task in self.open_tasks.items()
            if key not in wanted
        )
        new = tuple(task for key, task in wanted.items() if self.open_tasks.get(key) != task)
        self.open_tasks = wanted
        if done or new:
            await self.desk.record(tasks=(*done, *new))

    async def tell(self, steps: tuple[str, ...], stage: str, channels: tuple[Channel, ...]) -> None:
        """Send messages to whom the case is about; none of them waits for an answer."""
        rungs = tuple(Rung(step, Audience.EMPLOYEE, channels, _NO_WAIT) for step in steps)
        self.ladder = self.new_ladder(steps, rungs, stage)
        await self.ladder.climb(self.desk.now())
        self.round += 1

    async def tell_of_the_withdrawal(self, channels: tuple[Channel, ...]) -> None:
        """Tell that the departure is off: the last message, whatever was answered, and no pause holds it."""
        if self.answer is not None:
            # An act that ends the case stops every message; this one is its consequence.
            await self.desk.record(settled=(self.answer.id,))
        self.telling_withdrawal = True
        self.desk.state.paused_at = None  # nobody can resume what is withdrawn
        await self.tell((WITHDRAWN_STEP,), self.desk.state.stage, channels)

    def answered(self) -> bool:
        """Say whether nothing need be sent now; that a departure is off is told in any case."""
        return not self.telling_withdrawal and self.nothing_to_send()

    def nothing_to_send(self) -> bool:
        """Say whether nothing need be sent now, as the case stands."""
        return super().answered()

    @workflow.signal(name="look")
    async def look_again(self) -> None:
        """Look at the books again: something of this case has changed there."""
        await self.look()

    async def steer(self, act: Act) -> None:
        """Carry out an act that does not end the ladder; of a booked one only take notice."""
        if act.kind in BOOKED:
            await self.look()
            await self.desk.record(settled=(act.id,))
        else:
            await super().steer(act)
