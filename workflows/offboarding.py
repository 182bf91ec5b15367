"""Somebody leaves: hand over on three tracks, settle what is owed, and close when the gate opens."""

from datetime import datetime
from typing import ClassVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.looking import LookingCase

with workflow.unsafe.imports_passed_through():
    from activities.departures import DepartureActivities
    from activities.ledger import LedgerActivities
    from countersign.contracts.cases import Act, ActKind, EventDraft, Process, Role, TaskDraft
    from countersign.contracts.departures import (
        DepartureOrder,
        OffboardingInput,
        OffboardingOutcome,
        OffboardingResult,
        OffboardingStage,
        OffboardingStanding,
    )
    from countersign.contracts.ledger import PostingOrder
    from countersign.domain.evidence import EventKind
    from countersign.domain.leave_return import step_names
    from countersign.domain.local_time import day_in
    from countersign.domain.offboarding import (
        Asks,
        Reminder,
        last_day_over,
        overdue_reminders,
        reminders,
    )
    from countersign.domain.policy import Audience, Rung, Wait, WaitUnit
    from countersign.retries import POSTING, RECORDING

_NOT_HERE = frozenset({ActKind.CANCEL, ActKind.BACK, ActKind.GRADING_DONE, ActKind.RETURNS_ON})


@workflow.defn(name="Offboarding")
class OffboardingWorkflow(LookingCase[OffboardingStanding]):
    """The handover and the settlement of one departure. What the law wants on dates runs elsewhere."""

    closes: ClassVar = {ActKind.WITHDRAWN: OffboardingOutcome.WITHDRAWN}
    reviews: ClassVar[dict[ActKind, tuple[str, str]]] = {}
    verdicts = frozenset()

    @workflow.init
    def __init__(self, case: OffboardingInput) -> None:
        """Lay out the case before the first act can arrive."""
        self.case = case
        self.choices = dict(case.overdue)
        self.told: set[str] = set()
        self.silent = False
        self.refused: set[str] = set()
        self.asked_for = case.last_day
        standing = OffboardingStanding(case.last_day)
        self.sit_at(Process.OFFBOARDING, case, case.policy, OffboardingStage.BEFORE_LAST_DAY, standing)

    @workflow.run
    async def run(self, case: OffboardingInput) -> OffboardingResult:
        """Run the case as it stands on paper."""
        await self.open_case()
        await self.decide_overdue_steps()
        while not await self.closed_in_the_books():
            await self.remind_before_the_last_day()
            await self.ask_the_silent_leaver()
            await self.wait_at_the_gate()
        return await self.close()

    # -- the process on paper -----------------------------------------------------------------------------

    async def open_case(self) -> None:
        """Record the frozen policy and the dates that follow from the last day."""
        planned = {one.step: one.at.isoformat() for one in self.reminders()}
        frozen = {"policy": self.case.policy.name, "version": self.case.policy_version}
        made = {"last_day": self.case.last_day.isoformat(), "reminders": planned}
        await self.desk.move_to(
            OffboardingStage.BEFORE_LAST_DAY,
            Role.EMPLOYEE,
            self.last_day_over(),
            EventDraft(EventKind.POLICY_FROZEN, frozen),
            EventDraft(EventKind.PLAN_MADE, made),
        )
        await self.look()

    async def decide_overdue_steps(self) -> None:
        """List the reminders that a late start has missed; HR says of each: run now, or skip.

        Nothing waits for that beyond the last day or an open gate; what is undecided then is passed over.
        """
        if self.asks_at_once():
            return
        zone, now = self.reach.zone, self.desk.now()
        overdue = overdue_reminders(self.case.last_day, self.case.policy, self.calendar, zone, now)
        if any(one.step not in self.choices for one in overdue):
            listed = [{"step": one.step, "planned_at": one.at.isoformat()} for one in overdue]
            held = EventDraft(EventKind.RUNG_HELD, {"because": "overdue at the start", "overdue": listed})
            await self.ask_hr(OffboardingStage.OVERDUE_REVIEW, "overdue_review", held)
            ends = workflow.patched("an-undecided-late-start-ends")
            await self.desk.sleep(
                lambda: self.last_day_over() if ends else None,
                lambda: (
                    self.gone()
                    or all(one.step in self.choices for one in overdue)
                    or (ends and self.may_close())
                ),
                "the last day ends",
            )
        skipped = [one.step for one in overdue if self.choices.get(one.step, "skip") == "skip"]
        self.told.update(skipped)
        because = "overdue at the start"
        await self.desk.record(
            *(EventDraft(EventKind.RUNG_SKIPPED, {"step": s, "because": because}) for s in skipped)
        )

    async def remind_before_the_last_day(self) -> None:
        """Tell the leaver on the policy's days what is left and what is owed, as long as anything is."""
        while not self.gone() and not self.asks_at_once():
            self.heed_a_moved_day()
            due = next((one for one in self.reminders() if one.step not in self.told), None)
            if due is None or self.desk.now() >= self.last_day_over():
                return
            if await self._wait_until(due.at):
                await self._remind(await self._newest_due() or due)

    async def _wait_until(self, at: datetime) -> bool:
        """Wait for the day of a reminder; False when the last day was moved meanwhile, or all is over."""
        if self.desk.now() < at:
            stage, due = OffboardingStage.BEFORE_LAST_DAY, self.last_day_over()
            await self.desk.move_to(stage, self.standing.holder or Role.EMPLOYEE, due)
            await self.desk.sleep(lambda: at, lambda: self.gone() or self._moved(), "reminder before the end")
        return not self.gone() and not self._moved()

    async def _newest_due(self) -> Reminder | None:
        """Pass over the reminders that a newer one makes idle: all say what is left, none says it twice."""
        now = self.desk.now()
        due = [one for one in self.reminders() if one.step not in self.told and one.at <= now]
        if len(due) < 2 or not workflow.patched("the-newest-reminder-speaks"):
            return None
        idle = [one.step for one in due[:-1]]
        self.told.update(idle)
        because = "a later reminder says the same"
        await self.desk.record(
            *(EventDraft(EventKind.RUNG_SKIPPED, {"step": step, "because": because}) for step in idle)
        )
        return due[-1]

    async def _remind(self, due: Reminder) -> None:
        self.told.add(due.step)
        if self.nothing_to_ask():
            reason = {"step": due.step, "because": "nothing is left to hand over or to pay"}
            await self.desk.record(EventDraft(EventKind.NOTICE_NOTHING_SENT, reason))
            return
        now = self.desk.now()
        later = [one.at for one in self.reminders() if one.step not in self.told and one.at > now]
        until = min([*later, self.last_day_over()])
        hours = max(int((until - now).total_seconds()) // 3600, 0)
        rung = Rung(
            due.step, Audience.EMPLOYEE, self.case.policy.remind_channels, Wait(hours, WaitUnit.HOURS)
        )
        stage = OffboardingStage.BEFORE_LAST_DAY
        self.ladder = self.new_ladder((due.step,), (rung,), stage, latest=until)
        await self.ladder.climb(now)
        self.round += 1

    async def ask_the_silent_leaver(self) -> None:
        """Climb the ladder while the leaver has something to hand over or to pay and says nothing."""
        if self.silent or self.gone():
            return
        if not self.asks_at_once():
            await self._wait_for_the_last_day()
        self.asked_for = self.standing.last_day
        if self.answered():
            return
        rungs = self.case.policy.ladder.rungs
        self.ladder = self.new_ladder(step_names(self.case.policy.ladder), rungs, OffboardingStage.HANDOVER)
        await self.ladder.climb(self.desk.now())
        self.round += 1
        if not self.answered():
            self.silent = True
            await self.desk.record(alarm="handover_silent")

    async def _wait_for_the_last_day(self) -> None:
        """Leave the leaver in peace until the last day is over; everybody else goes on."""
        while not self.gone() and self.desk.now() < self.last_day_over():
            if self._moved():
                await self.remind_before_the_last_day()
                continue
            stage = OffboardingStage.BEFORE_LAST_DAY
            await self.desk.move_to(stage, self.standing.holder or Role.EMPLOYEE, self.last_day_over())
            await self.desk.sleep(
                self.last_day_over,
                lambda: self.gone() or self.may_close() or self._moved(),
                "the last day ends",
            )
            if self.may_close():
                return

    async def wait_at_the_gate(self) -> None:
        """Wait until the gate opens; who has the ball is whoever keeps it shut."""
        while not self.may_close() and (self.silent or self.nothing_to_ask()):
            await self.desk.move_to(OffboardingStage.GATE, self.standing.holder or Role.HR, None)
            seen = self.standing
            await self.desk.sleep(lambda: None, lambda seen=seen: self.gone() or self.standing != seen, "")  # type: ignore[misc]

    async def closed_in_the_books(self) -> bool:
        """Close the file in the books; False while the gate is shut, also when it has shut since the look."""
        if not self.may_close():
            return False
        order = DepartureOrder(self.case.case_id, self.desk.now())
        closed = await workflow.execute_local_activity_method(
            DepartureActivities.close_departure, order, summary="close the departure", **RECORDING
        )
        if closed is False:
            await self.look()
        return closed is not False

    async def close(self) -> OffboardingResult:
        """Tell the outcome: nothing of this case is sent after this."""
        if self.gone():
            await self.tell_who_stays()
        outcome = OffboardingOutcome.WITHDRAWN if self.gone() else OffboardingOutcome.COMPLETED
        result = await self.end(outcome.value, lambda at: OffboardingResult(outcome, at))
        await self.keep_tasks()
        return result

    async def tell_who_stays(self) -> None:
        """Tell the leaver that the departure is off and the employment goes on."""
        if not workflow.patched("a-withdrawal-is-told"):
            return
        if not self.standing.withdrawn:
            await self.look()
        if not self.standing.unheard:
            await self.tell_of_the_withdrawal(self.case.policy.remind_channels)

    # -- the standing -------------------------------------------------------------------------------------

    async def read(self) -> OffboardingStanding:
        """Read items, balances and the gate."""
        return await workflow.execute_local_activity_method(
            DepartureActivities.read_offboarding,
            DepartureOrder(self.case.case_id, self.desk.now()),
            summary="what is open",
            **RECORDING,
        )

    async def noticed(self, before: OffboardingStanding) -> None:
        """Book what was settled; record that the gate has opened or is shut for other reasons."""
        for settlement in self.standing.to_post:
            await self.post(settlement)
        gate = self.standing.gate
        if gate == before.gate:
            return
        if gate:
            body = {"reasons": list(gate)}
            await self.desk.record(EventDraft(EventKind.GATE_BLOCKED, body))
        elif not self.standing.withdrawn:
            await self.desk.record(EventDraft(EventKind.GATE_OPENED, {}))

    async def post(self, settlement: str) -> None:
        """Book a confirmed settlement; its key makes it happen once, whatever dies on the way."""
        key = f"{workflow.info().workflow_id}/settlement/{settlement}"
        day = day_in(self.desk.now(), self.reach.zone)
        try:
            await workflow.execute_activity_method(
                LedgerActivities.post,
                PostingOrder(key, self.case.case_id, "settlement", settlement, day),
                summary="book the settlement",
                **POSTING,
            )
        except ActivityError:
            # The ledger says no: a debt was paid in between, say. Finance hears of it once; the case goes on.
            if settlement not in self.refused:
                self.refused.add(settlement)
                await self.desk.record(alarm="settlement_not_booked")
        self.standing = await self.read()

    def tasks(self) -> tuple[TaskDraft, ...]:
        """Return what finance, administration and HR have to do before the gate can open."""
        if self.gone():
            return ()
        due = self.last_day_over()
        return tuple(
            TaskDraft(f"gate.{kind}", kind, holder, due) for kind, holder in self.standing.tasks.items()
        )

    def nothing_to_send(self) -> bool:
        """Say whether the leaver need not be asked: nothing is left, the last day has moved, or it is off."""
        return super().nothing_to_send() or self.standing.withdrawn or self.nothing_to_ask() or self._moved()

    def gone(self) -> bool:
        """Say whether the departure was withdrawn."""
        return self.answer is not None or self.standing.withdrawn

    def nothing_to_ask(self) -> bool:
        """Say whether the leaver has handed over everything and owes nothing that is not planned."""
        return self.standing.with_leaver == 0 and not self.standing.owes

    def may_close(self) -> bool:
        """Say whether the case may close: the gate is open, or the departure is off."""
        return self.gone() or not self.standing.gate

    def asks_at_once(self) -> bool:
        """Say whether this kind of departure asks at once instead of before and after the last day."""
        return self.case.policy.template(self.case.kind).asks is Asks.AT_ONCE

    def heed_a_moved_day(self) -> None:
        """Begin the reminders anew when the last day was moved; those of the past are not made good."""
        if self._moved():
            self.asked_for = self.standing.last_day
            self.told = {one.step for one in self.reminders() if one.at < self.desk.now()}

    def _moved(self) -> bool:
        return self.asked_for != self.standing.last_day

    def reminders(self) -> tuple[Reminder, ...]:
        """Return the reminders as the last day and the calendar stand now."""
        return reminders(self.standing.last_day, self.case.policy, self.calendar, self.reach.zone)

    def last_day_over(self) -> datetime:
        """Return when the last day ends."""
        return last_day_over(self.standing.last_day, self.reach.zone)

    # -- what people do -----------------------------------------------------------------------------------

    async def steer(self, act: Act) -> None:
        """Carry out an act that does not end the case."""
        if act.kind is ActKind.OVERDUE_DECIDED:
            self.choices.update(act.choices)
            self.desk.changed()
            await self.desk.record(settled=(act.id,))
        else:
            await super().steer(act)

    def why_no_steering(self, act: Act) -> str | None:
        """Say why an act cannot be taken now; None when it can."""
        if act.kind in _NOT_HERE:
            return f"act: nothing can be {act.kind.value} in a departure; withdraw it if nobody leaves"
        if act.kind is ActKind.OVERDUE_DECIDED and self.desk.state.stage != OffboardingStage.OVERDUE_REVIEW:
            return "state: no overdue step waits for a decision"
        return super().why_no_steering(act)
