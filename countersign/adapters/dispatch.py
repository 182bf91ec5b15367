"""What carries the database's orders to Temporal: starts, acts, calendar updates; and the watch over cases.

Everything here may be killed at any moment and may run in several processes: each errand is repeated under
the same id until the server has answered.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from countersign import search_attributes as attributes
from countersign.adapters.database.acts import Acts
from countersign.adapters.database.outbox import Errand, OpenCase, OutboxBook
from countersign.adapters.database.starts import AlreadyStarted, CannotStart, Starts, StartWish, SwitchedOff
from countersign.adapters.processes import STARTS
from countersign.contracts.cases import CaseState
from countersign.domain.calendar import CalendarYear
from countersign.domain.yaml_text import InputError
from workflows.steering import SteeredCase

_YEAR: TypeAdapter[CalendarYear] = TypeAdapter(CalendarYear)
_PATIENCE = timedelta(seconds=3)
_ENDED = {
    WorkflowExecutionStatus.TERMINATED: "terminated by an operator",
    WorkflowExecutionStatus.CANCELED: "cancelled by an operator",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.TIMED_OUT: "timed out",
}
log = logging.getLogger("countersign.dispatch")


class Dispatcher:
    """Carries errands. `connect` gives the Temporal client, or raises while the server is away."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Client]],
        task_queue: str,
        outbox: OutboxBook,
        acts: Acts,
        starts: Starts,
        clock: Callable[[], datetime],
    ) -> None:
        self._connect, self._task_queue = connect, task_queue
        self._outbox, self._acts, self._starts, self._clock = outbox, acts, starts, clock

    # -- one act, at once ---------------------------------------------------------------------------------

    async def carry(self, act_id: str, patience: timedelta = _PATIENCE) -> None:
        """Bring an act to its workflow, waiting at most `patience`; what is not done the drain repeats."""
        try:
            await asyncio.wait_for(self._carry(act_id), patience.total_seconds())
        except TimeoutError:
            log.info("act %s: recorded, the process has not answered yet", act_id)
        except Exception:
            log.warning("act %s: recorded, could not be brought to its process yet", act_id, exc_info=True)

    async def _carry(self, act_id: str) -> None:
        workflow_id, act, state = await asyncio.to_thread(self._acts.message, act_id)
        if state != "waiting":
            return
        client = await self._connect()
        handle = client.get_workflow_handle(workflow_id)
        try:
            _ = await handle.execute_update(SteeredCase.act, act, id=act_id)
        except WorkflowUpdateFailedError as failed:
            cause = failed.cause
            sentence = cause.message if isinstance(cause, ApplicationError) else "the case refused the act"
            # A case that was decided meanwhile makes the act late; any other refusal is the act's own fault.
            if not (sentence.startswith("closed") and await asyncio.to_thread(self._acts.close_late, act_id)):
                await asyncio.to_thread(self._acts.refuse, act_id, sentence)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            # Closed, or not started yet, or gone: only our own books can tell which.
            await asyncio.to_thread(self._acts.close_late, act_id)

    # -- the drain ----------------------------------------------------------------------------------------

    async def run(self, every: timedelta = timedelta(seconds=0.5), watch_every: int = 10) -> None:
        """Drain for ever, each job by itself: one that hangs or fails never holds up the others."""
        rest = every.total_seconds()
        await asyncio.gather(
            _repeat(self.drain_outbox, rest),
            _repeat(self.drain_acts, rest),
            _repeat(self.watch, rest * watch_every),
        )

    async def drain_acts(self) -> None:
        """Repeat acts that were committed but have not taken effect."""
        older = self._clock() - timedelta(seconds=2)
        waiting = await asyncio.to_thread(self._acts.waiting, older)
        # Side by side: while no worker answers, each of them takes its whole patience.
        await asyncio.gather(*(self.carry(act_id) for act_id in waiting))

    async def drain_outbox(self) -> None:
        """Carry out the errands that are due; a case that is to look many times looks once for all."""
        looked: set[str] = set()
        for errand in await asyncio.to_thread(self._outbox.due):
            try:
                if errand.kind == "look" and errand.body["case"] in looked:
                    # It was told after all of these were written, so it has seen them all.
                    await asyncio.to_thread(self._outbox.done, errand.id)
                    continue
                await self._run(errand)
                if errand.kind == "look":
                    looked.add(errand.body["case"])
            except CannotStart as fault:
                await asyncio.to_thread(self._outbox.failed, errand.id, fault.quiet, for_good=True)
            except (InputError, ValueError) as fault:
                await asyncio.to_thread(self._outbox.failed, errand.id, str(fault), for_good=True)
            except Exception as fault:  # whatever it is: one errand must not hold up those behind it
                await asyncio.to_thread(self._outbox.failed, errand.id, type(fault).__name__)

    async def _run(self, errand: Errand) -> None:
        if errand.kind == "leave_due":
            wish = StartWish(errand.body["leave"])
            try:
                await asyncio.to_thread(self._starts.start, wish, {"role": "machine", "id": "calendar"})
            except AlreadyStarted:
                pass
            except SwitchedOff:
                # Nobody need be told: that nothing starts there is what the switch is for.
                log.info("leave %s: not started, its process is switched off there", errand.body["leave"])
        elif errand.kind == "start_case":
            await self._start(errand.body["case"])
        elif errand.kind == "adopt_calendar":
            await self._adopt(errand)
        elif errand.kind == "tell_receipt":
            report = await asyncio.to_thread(self._outbox.report, errand.body)
            await self._signal(errand, "receipt", report)
        elif errand.kind == "tell_released":
            await self._signal(errand, "sending_released")
        elif errand.kind == "look":
            await self._signal(errand, "look")
        else:
            raise ValueError(f"an errand of the unknown kind {errand.kind}")
        await asyncio.to_thread(self._outbox.done, errand.id)

    async def _start(self, case_id: str) -> None:
        found = await asyncio.to_thread(self._outbox.case_start, case_id)
        process = STARTS[found.process]
        case = process.read(found.frozen)
        client = await self._connect()
        try:
            await client.start_workflow(
                process.workflow.run,
                case,
                id=found.workflow_id,
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                static_summary=process.summary(case),
                static_details=process.details(case),
                search_attributes=attributes.at_start(found.process.value, found.branch_id, case_id),
            )
        except WorkflowAlreadyStartedError:
            # The start had reached the server before we could note it.
            return

    async def _signal(self, errand: Errand, name: str, *args: object) -> None:
        """Tell a running case something; a case that has ended needs to know nothing any more."""
        workflow_id = await asyncio.to_thread(self._outbox.workflow_id, errand.body["case"])
        client = await self._connect()
        try:
            await client.get_workflow_handle(workflow_id).signal(name, args=args)
        except RPCError as error:
            state = await asyncio.to_thread(self._outbox.case_state, errand.body["case"])
            if error.status is not RPCStatusCode.NOT_FOUND or state == CaseState.STARTING.value:
                raise

    async def _adopt(self, errand: Errand) -> None:
        workflow_id = await asyncio.to_thread(self._outbox.workflow_id, errand.body["case"])
        client = await self._connect()
        handle = client.get_workflow_handle(workflow_id)
        year = _YEAR.validate_python(errand.body["year"])
        update = handle.execute_update(SteeredCase.adopt_calendar, year, id=errand.id)
        try:
            _ = await asyncio.wait_for(update, _PATIENCE.total_seconds())
        except RPCError as error:
            state = await asyncio.to_thread(self._outbox.case_state, errand.body["case"])
            # Not there: closed, then nothing is to be planned; or not started yet, then it is told later.
            if error.status is not RPCStatusCode.NOT_FOUND or state == CaseState.STARTING.value:
                raise

    # -- the watch ----------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Compare the cases we take for running with the server, a few at a time."""
        client = await self._connect()
        found_running = []
        for case in await asyncio.to_thread(self._outbox.least_checked):
            how = await self._how_ended(client, case)
            if how is None:
                found_running.append(case.case_id)
            else:
                await asyncio.to_thread(self._outbox.ended_outside, case.case_id, how)
        if found_running:
            await asyncio.to_thread(self._outbox.checked, found_running)

    async def _how_ended(self, client: Client, case: OpenCase) -> str | None:
        try:
            description = await client.get_workflow_handle(case.workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return "unknown to the Temporal server"
            raise
        return _ENDED.get(description.status) if description.status is not None else None


async def _repeat(job: Callable[[], Awaitable[None]], rest_s: float) -> None:
    while True:
        try:
            await job()
        except Exception as fault:
            log.warning("a job of the dispatcher: %s; it is tried again", type(fault).__name__)
        await asyncio.sleep(rest_s)
