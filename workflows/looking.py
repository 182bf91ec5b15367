"""A case whose facts stand in the books: people and other cases change them there, and it looks again."""

import asyncio
from typing import Generic, TypeVar

from temporalio import workflow

from workflows.steering import CaseInput, SteeredCase, Terms, opening_state

with workflow.unsafe.imports_passed_through():
    from countersign.contracts.cases import BOOKED, Act, Process, TaskDraft

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
