"""Somebody takes over: tell the receiver what is coming, ask until everything handed over is confirmed."""

from datetime import datetime
from typing import ClassVar

from temporalio import workflow

from workflows.looking import LookingCase

with workflow.unsafe.imports_passed_through():
    from activities.departures import DepartureActivities
    from countersign.contracts.cases import Act, ActKind, EventDraft, Process, Role
    from countersign.contracts.departures import (
        DepartureOrder,
        HandoverInput,
        HandoverOutcome,
        HandoverResult,
        HandoverStage,
        ShareStanding,
    )
    from countersign.domain.evidence import EventKind
    from countersign.domain.leave_return import step_names
    from countersign.domain.offboarding import last_day_over
    from countersign.domain.policy import Channel
    from countersign.retries import RECORDING

ANNOUNCED = "announcement"
"""The first message to a receiver, before anything is handed over."""

_TOLD_OVER = (Channel.PREFERRED, Channel.IN_SYSTEM)


@workflow.defn(name="Handover")
class HandoverWorkflow(LookingCase[ShareStanding]):
    """What one receiver takes over in one departure."""

    closes: ClassVar = {ActKind.CANCEL: HandoverOutcome.CANCELLED}
    reviews: ClassVar[dict[ActKind, tuple[str, str]]] = {}
    verdicts = frozenset()

    @workflow.init
    def __init__(self, case: HandoverInput) -> None:
        """Lay out the case before the first act can arrive."""
        self.case = case
        self.announcing, self.silent_about = True, 0
        standing = ShareStanding(case.last_day)
        self.sit_at(Process.HANDOVER, case, case.policy, HandoverStage.ANNOUNCED, standing)

    @workflow.run
    async def run(self, case: HandoverInput) -> HandoverResult:
        """Run the case as it stands on paper."""
        await self.open_case()
        await self.announce()
        while not self.over():
            await self.wait_for_something_to_accept()
            await self.ask_until_it_is_confirmed()
            await self.leave_a_silent_receiver_to_hr()
        return await self.close()

    # -- the process on paper -----------------------------------------------------------------------------

    async def open_case(self) -> None:
        """Record the frozen policy."""
        frozen = {"policy": self.case.policy.name, "version": self.case.policy_version}
        event = EventDraft(EventKind.POLICY_FROZEN, frozen)
        await self.desk.move_to(HandoverStage.ANNOUNCED, Role.EMPLOYEE, self.last_day_over(), event)
        await self.look()

    async def announce(self) -> None:
        """Tell the receiver at once what will come, by when, and where to confirm it."""
        await self.tell((ANNOUNCED,), HandoverStage.ANNOUNCED, _TOLD_OVER)
        self.announcing = False

    async def wait_for_something_to_accept(self) -> None:
        """Wait until the leaver has handed something over, or the last day is over without it."""
        while not self.over() and not self.something_waits():
            if self.waiting() == 0:
                self.silent_about = 0  # what HR was left with is confirmed: the receiver is asked as before
            last_day, over = self.standing.last_day, self.last_day_over()
            if not self.silent_about:
                await self.desk.move_to(HandoverStage.WAITING, Role.EMPLOYEE, over)
            # Once the last day is over nothing becomes due by itself: what is left is disputed, say.
            due = None if self.silent_about or self.desk.now() >= over else over
            await self.desk.sleep(
                lambda due=due: due,  # type: ignore[misc]
                lambda day=last_day: (  # type: ignore[misc]
                    self.over()
                    or self.something_waits()
                    or self.spoke_after_all()
                    or self.standing.last_day != day
                ),
                "the leaver hands over",
            )

    async def ask_until_it_is_confirmed(self) -> None:
        """Climb the ladder while something waits for the receiver."""
        if self.over() or not self.something_waits():
            return
        rungs = self.case.policy.ladder.rungs
        self.ladder = self.new_ladder(step_names(self.case.policy.ladder), rungs, HandoverStage.CONFIRMING)
        await self.ladder.climb(self.desk.now())
        self.round += 1

    async def leave_a_silent_receiver_to_hr(self) -> None:
        """Give the ball to HR when the ladder ended without a word; something new begins a new one."""
        if self.answered():
            return
        self.silent_about = self.waiting()
        await self.desk.record(alarm="receiver_silent")
        await self.ask_hr(HandoverStage.SILENT, "receiver_silent")

    async def close(self) -> HandoverResult:
        """Record the outcome; nothing of this case is sent after this."""
        outcome = self.outcome()
        # Who was never told that somebody leaves need not learn now that they wanted to.
        off = outcome is HandoverOutcome.WITHDRAWN and not self.standing.unheard
        if off and workflow.patched("a-withdrawal-is-told"):
            await self.tell_of_the_withdrawal(_TOLD_OVER)
        result = await self.end(outcome.value, lambda at: HandoverResult(outcome, at))
        await self.keep_tasks()
        return result

    # -- the standing -------------------------------------------------------------------------------------

    async def read(self) -> ShareStanding:
        """Read what waits for this receiver."""
        return await workflow.execute_local_activity_method(
            DepartureActivities.read_share,
            DepartureOrder(self.case.case_id, self.desk.now()),
            summary="what waits for the receiver",
            **RECORDING,
        )

    def something_waits(self) -> bool:
        """Say whether the receiver can do something: accept what came, or say that nothing came in time."""
        waits = self.waiting()
        return waits > 0 and waits != self.silent_about

    def spoke_after_all(self) -> bool:
        """Say whether a receiver whom HR was left with has confirmed everything meanwhile."""
        return self.silent_about > 0 and self.waiting() == 0

    def waiting(self) -> int:
        """Count what the receiver can do something about now."""
        late = self.desk.now() >= self.last_day_over()
        return self.standing.to_accept + (self.standing.open if late else 0)

    def nothing_to_send(self) -> bool:
        """Say whether nothing need be sent now."""
        return self.over() or (not self.announcing and not self.something_waits())

    def over(self) -> bool:
        """Say whether nothing is expected of this receiver any more."""
        return self.answer is not None or self.standing.over or self.standing.withdrawn

    def outcome(self) -> HandoverOutcome:
        """Return how the case ends."""
        if self.answer is not None:
            return HandoverOutcome.CANCELLED
        if self.standing.withdrawn:
            return HandoverOutcome.WITHDRAWN
        return HandoverOutcome.CONFIRMED if self.standing.confirmed else HandoverOutcome.RELEASED

    def last_day_over(self) -> datetime:
        """Return when the leaver's last day ends."""
        return last_day_over(self.standing.last_day, self.reach.zone)

    # -- what people do -----------------------------------------------------------------------------------

    def why_no_steering(self, act: Act) -> str | None:
        """Say why an act cannot be taken now; None when it can."""
        if act.kind in {ActKind.BACK, ActKind.GRADING_DONE, ActKind.OVERDUE_DECIDED, ActKind.RETURNS_ON}:
            return f"act: nothing can be {act.kind.value} where things are taken over"
        return super().why_no_steering(act)
