"""The desk of one running case: its clock, its waits, its book-keeping. Every process sits at one."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.cases import CaseActivities
    from countersign import search_attributes as attributes
    from countersign.contracts.cases import (
        CaseState,
        EventDraft,
        Process,
        Projection,
        RecordOrder,
        Role,
        TaskDraft,
    )
    from countersign.domain.clock import CaseClock
    from countersign.retries import RECORDING


class Woke(Enum):
    """Why a wait ended."""

    DUE = "due"
    STOPPED = "stopped"


@dataclass
class DeskState:
    """All that a desk remembers; plain values."""

    clock: CaseClock
    stage: str
    ends_on: date | None = None
    holder: Role | None = None
    due_at: datetime | None = None
    outcome: str | None = None
    paused_at: datetime | None = None
    provisional: bool = False
    records: int = 0
    changes: int = 0
    open_task: TaskDraft | None = None
    closed: bool = False
    steps: list[dict[str, Any]] = field(default_factory=list)


class Desk:
    """Keeps one case's clock and books.

    `record` is the only way to write: one local activity, one transaction, repeated under the same key until
    it is done. Writes are queued behind a lock so that an older projection never covers a newer one.
    """

    def __init__(self, process: Process, case_id: str, branch_id: str, state: DeskState) -> None:
        self.process, self.case_id, self.branch_id, self.state = process, case_id, branch_id, state
        self._writing = asyncio.Lock()

    # -- time ---------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Return the case's time."""
        return self.state.clock.at(workflow.now())

    def changed(self) -> None:
        """Wake every wait so that it looks again; called by whatever changes what a wait depends on."""
        self.state.changes += 1

    async def sleep(
        self, due: Callable[[], datetime | None], stopped: Callable[[], bool], summary: str
    ) -> Woke:
        """Wait until the instant `due()` or until `stopped()`; a due instant may move while we wait.

        While the case is paused nothing becomes due. `summary` is what operators read beside the timer.
        """
        state = self.state
        while not stopped():
            seen = state.changes
            instant = due() if state.paused_at is None else None
            if instant is None:
                await workflow.wait_condition(lambda seen=seen: state.changes != seen)  # type: ignore[misc]
                continue
            state.clock.limit = instant
            delay = state.clock.delay_until(instant, workflow.now())
            if delay.total_seconds() > 0:
                try:
                    await workflow.wait_condition(
                        lambda seen=seen: state.changes != seen,  # type: ignore[misc]
                        timeout=delay,
                        timeout_summary=f"{summary}, {instant:%Y-%m-%d %H:%M}",
                    )
                    continue
                except TimeoutError:
                    pass
            state.clock.arrive(instant, workflow.now())
            return Woke.DUE
        return Woke.STOPPED

    async def rest(self, real: timedelta, over: Callable[[], bool], summary: str) -> None:
        """Wait for a provider or a retry: real time, in time-lapse too; ends early when `over()`."""
        if real > timedelta(0):
            with contextlib.suppress(TimeoutError):
                await workflow.wait_condition(over, timeout=real, timeout_summary=summary)

    # -- books --------------------------------------------------------------------------------------------

    async def record(
        self,
        *events: EventDraft,
        accepted: tuple[str, ...] = (),
        settled: tuple[str, ...] = (),
        tasks: tuple[TaskDraft, ...] = (),
        alarm: str | None = None,
    ) -> None:
        """Write events, fates of acts, tasks and the present projection in one transaction."""
        async with self._writing:
            self.state.records += 1
            order = RecordOrder(
                case_id=self.case_id,
                key=f"{workflow.info().workflow_id}/{self.state.records}",
                at=self.now(),
                projection=self._projection(),
                events=events,
                tasks=tasks,
                accepted_acts=accepted,
                settled_acts=settled,
                alarm=alarm,
            )
            self._show()
            summary = ", ".join(event.kind.value for event in events) or state_words(self.state)
            await workflow.execute_local_activity_method(
                CaseActivities.record, order, summary=summary, **RECORDING
            )

    async def move_to(
        self,
        stage: str,
        holder: Role | None,
        due_at: datetime | None,
        *events: EventDraft,
        task: TaskDraft | None = None,
        settled: tuple[str, ...] = (),
        alarm: str | None = None,
    ) -> None:
        """Enter a stage: who holds the ball and until when. The task of the stage before is done by that."""
        state = self.state
        done = state.open_task
        tasks = () if done is None or (task is not None and done.key == task.key) else (_done(done),)
        state.stage, state.holder, state.due_at, state.open_task = stage, holder, due_at, task
        await self.record(*events, tasks=tasks + ((task,) if task else ()), settled=settled, alarm=alarm)

    def _projection(self) -> Projection:
        state = self.state
        if state.closed:
            shown = CaseState.CLOSED
        else:
            shown = CaseState.RUNNING if state.paused_at is None else CaseState.PAUSED
        clock = state.clock
        return Projection(
            state=shown,
            stage=state.stage,
            holder=state.holder,
            due_at=state.due_at,
            outcome=state.outcome,
            provisional=state.provisional,
            ends_on=state.ends_on,
            steps=tuple(dict(step) for step in state.steps),
            clock_case=clock.case if clock.lapse else None,
            clock_real=clock.real if clock.lapse else None,
            clock_limit=clock.limit if clock.lapse else None,
        )

    def _show(self) -> None:
        """Show operators where the case stands, in business words and without personal data."""
        state = self.state
        holder = state.holder.value if state.holder else "nobody"
        workflow.upsert_search_attributes(
            [
                attributes.PROCESS.value_set(self.process.value),
                attributes.BRANCH.value_set(self.branch_id),
                attributes.CASE_ID.value_set(self.case_id),
                attributes.STAGE.value_set(state.stage),
                attributes.HOLDER_ROLE.value_set(holder),
                attributes.DUE_AT.value_unset()
                if state.due_at is None
                else attributes.DUE_AT.value_set(state.due_at),
            ]
        )
        workflow.set_current_details(_details(state, holder))


def state_words(state: DeskState) -> str:
    """Return the stage in words."""
    return state.stage.replace("_", " ")


def _details(state: DeskState, holder: str) -> str:
    words = state_words(state)
    pause = f" · paused since {state.paused_at:%Y-%m-%d %H:%M}" if state.paused_at else ""
    due = f" · due {state.due_at:%Y-%m-%d %H:%M %z}" if state.due_at else ""
    lapse = " · **time-lapse**" if state.clock.lapse else ""
    lines = [f"**{words}** · waiting for {holder}{due}{pause}{lapse}", ""]
    if state.steps:
        lines += ["| step | at | waits until | channels | state |", "|---|---|---|---|---|"]
        lines += [
            f"| {s['step']} | {s['at']} | {s['waits_until']} | {', '.join(s['channels'])} | {s['state']} |"
            for s in state.steps
        ]
    return "\n".join(lines)


def _done(task: TaskDraft) -> TaskDraft:
    return TaskDraft(task.key, task.kind, task.holder, task.due_at, done=True)
