"""An employment ends: deliver the notice, issue the certificate on the last day, watch the 15-day duties.

This runs on dates, apart from the handover: nothing there can hold it back, not even a broken process.
"""

from datetime import datetime
from typing import ClassVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.looking import LookingCase

with workflow.unsafe.imports_passed_through():
    from activities.departures import DepartureActivities
    from countersign.contracts.cases import Act, ActKind, EventDraft, Process, Role, TaskDraft
    from countersign.contracts.departures import (
        HOLDER_OF_DUTY,
        DepartureOrder,
        EndOrder,
        Frozen,
        StatutoryInput,
        StatutoryOutcome,
        StatutoryResult,
        StatutoryStage,
        StatutoryStanding,
    )
    from countersign.domain.departure import DutyKind, DutyState
    from countersign.domain.duties import alarm_at, ends_on, instant_of_the_end, overdue_from
    from countersign.domain.evidence import EventKind
    from countersign.domain.leave_return import step_names
    from countersign.retries import DRAWING, RECORDING

CERTIFICATE, DEMAND = "certificate", "demand"
"""What the leaver is told on the last day: that the certificate is issued, and what is still open."""

_STEERED = frozenset({ActKind.PAUSE, ActKind.RESUME, ActKind.CANCEL})


@workflow.defn(name="Statutory")
class StatutoryWorkflow(LookingCase[StatutoryStanding]):
    """The end of one employment and the duties that the law ties to it."""

    closes: ClassVar[dict[ActKind, str]] = {}
    reviews: ClassVar[dict[ActKind, tuple[str, str]]] = {}
    verdicts = frozenset()
    alarms: ClassVar = {ActKind.OBJECTED: "termination_objected"}

    @workflow.init
    def __init__(self, case: StatutoryInput) -> None:
        """Lay out the case before the first act can arrive."""
        self.case = case
        self.frozen: Frozen | None = None
        self.alarmed: set[str] = set()
        standing = StatutoryStanding(case.last_day, case.needs_notice)
        self.sit_at(Process.STATUTORY, case, case.policy, StatutoryStage.BEFORE_LAST_DAY, standing)

    @workflow.run
    async def run(self, case: StatutoryInput) -> StatutoryResult:
        """Run the case as it stands on paper."""
        await self.open_case()
        await self.serve_the_notice()
        while not self.standing.withdrawn:
            await self.await_the_last_day()
            if self.standing.withdrawn:
                break
            await self.end_the_employment()
            if self.standing.ended_on is not None:
                break
        if not self.standing.withdrawn:
            await self.issue_the_certificate()
            await self.freeze_what_is_open()
            await self.tell_the_leaver()
            await self.await_the_duties()
        return await self.close()

    # -- the process on paper -----------------------------------------------------------------------------

    async def open_case(self) -> None:
        """Record the frozen policy and the planned last day."""
        frozen = {"policy": self.case.policy.name, "version": self.case.policy_version}
        made = {"last_day": self.case.last_day.isoformat(), "needs_notice": self.case.needs_notice}
        await self.desk.move_to(
            StatutoryStage.NOTICE if self.case.needs_notice else StatutoryStage.BEFORE_LAST_DAY,
            Role.HR,
            self.ends_at(),
            EventDraft(EventKind.POLICY_FROZEN, frozen),
            EventDraft(EventKind.PLAN_MADE, made),
        )
        await self.look()

    async def serve_the_notice(self) -> None:
        """Bring the employer's notice to the leaver, rung by rung, until it counts as delivered."""
        if not self.standing.needs_notice:
            return
        policy = self.case.policy
        if not self.answered():
            self.ladder = self.new_ladder(
                step_names(policy.ladder), policy.ladder.rungs, StatutoryStage.NOTICE
            )
            await self.ladder.climb(self.desk.now())
            self.round += 1
        if not self.answered():
            await self.desk.record(alarm="not_served")
            await self.ask_hr(StatutoryStage.NOT_SERVED, "not_served")
            await self.desk.sleep(lambda: None, self.answered, "")
        await self.settle_the_answer()

    async def await_the_last_day(self) -> None:
        """Wait for the day on which the employment ends; it may still be moved."""
        while not self.standing.withdrawn:
            if self.desk.now() >= self.ends_at():
                await self.look()  # the day may have been moved while nobody worked
                if self.desk.now() >= self.ends_at():
                    return
                continue
            await self.desk.move_to(StatutoryStage.BEFORE_LAST_DAY, Role.HR, self.ends_at())
            seen = self.standing
            await self.desk.sleep(
                self.ends_at,
                lambda seen=seen: self.standing != seen,  # type: ignore[misc]
                "the last day",
            )

    async def end_the_employment(self) -> None:
        """Put the end into the books: the employment has ended, its duties are due.

        What was withdrawn or moved while nobody looked ends nothing; then there is no end to be seen.
        """
        day = ends_on(self.standing.last_day, self.standing.served_on)
        await workflow.execute_local_activity_method(
            DepartureActivities.end_employment,
            EndOrder(self.case.case_id, self.desk.now(), day),
            summary="the employment ends",
            **RECORDING,
        )
        await self.look()
        if self.standing.ended_on is not None:
            await self.desk.move_to(StatutoryStage.DUTIES, Role.HR, self.next_due())

    async def issue_the_certificate(self) -> None:
        """Print and issue the certificate; a printer that fails is an alarm, and HR issues it by hand."""
        order = DepartureOrder(self.case.case_id, self.desk.now())
        try:
            await workflow.execute_activity_method(
                DepartureActivities.issue_certificate, order, summary="issue the certificate", **DRAWING
            )
        except ActivityError:
            await self.desk.record(alarm="certificate_failed")
        await self.look()

    async def freeze_what_is_open(self) -> None:
        """Freeze what is open into the override record, with the demand and the draft of an agreement."""
        order = DepartureOrder(self.case.case_id, self.desk.now())
        try:
            self.frozen = await workflow.execute_activity_method(
                DepartureActivities.freeze_open_items, order, summary="freeze what is open", **DRAWING
            )
        except ActivityError:
            await self.desk.record(alarm="freeze_failed")

    async def tell_the_leaver(self) -> None:
        """Send the certificate, and the demand where something is open."""
        steps = [CERTIFICATE]
        if self.frozen is not None and (self.frozen.items or self.frozen.balances):
            steps.append(DEMAND)
            await self.desk.record(alarm="left_with_open_items")
        await self.tell(tuple(steps), StatutoryStage.DUTIES, self.case.policy.told_channels)
        await self.settle_the_answer()

    async def await_the_duties(self) -> None:
        """Watch every duty until it is done; what is late or has failed is an alarm, never a stop."""
        while not self.fulfilled():
            await self.desk.move_to(StatutoryStage.DUTIES, Role.HR, self.next_due())
            await self.sound_alarms()
            seen = self.standing
            await self.desk.sleep(
                self.next_alarm,
                lambda seen=seen: self.standing != seen,  # type: ignore[misc]
                "the next duty",
            )
            await self.settle_the_answer()

    async def sound_alarms(self) -> None:
        """Raise what has become urgent, overdue or failed, each once."""
        now, zone = self.desk.now(), self.reach.zone
        for kind, due in self.standing.due.items():
            state = self.standing.duties[kind]
            if state is DutyState.DUE and now >= overdue_from(due, zone):
                await self._alarm(kind, "duty_overdue")
            elif state is DutyState.DUE and now >= alarm_at(kind, due, self.calendar, zone):
                await self._alarm(kind, "duty_urgent")
            elif state is DutyState.FAILED:
                await self._alarm(kind, "duty_failed")

    async def _alarm(self, kind: DutyKind, alarm: str) -> None:
        if f"{kind}.{alarm}" not in self.alarmed:
            self.alarmed.add(f"{kind}.{alarm}")
            await self.desk.record(alarm=alarm)

    async def close(self) -> StatutoryResult:
        """Record the outcome; nothing of this case is sent after this."""
        withdrawn = self.standing.withdrawn
        outcome = StatutoryOutcome.WITHDRAWN if withdrawn else StatutoryOutcome.FULFILLED
        ended_on = None if withdrawn else self.standing.ended_on
        result = await self.end(outcome.value, lambda at: StatutoryResult(outcome, at, ended_on))
        await self.keep_tasks()
        return result

    # -- the standing -------------------------------------------------------------------------------------

    async def read(self) -> StatutoryStanding:
        """Read whether the notice was delivered, and what became of each duty."""
        return await workflow.execute_local_activity_method(
            DepartureActivities.read_statutory,
            DepartureOrder(self.case.case_id, self.desk.now()),
            summary="what is due",
            **RECORDING,
        )

    def tasks(self) -> tuple[TaskDraft, ...]:
        """Return the duties that are due, for the lists of those who carry them out."""
        if self.standing.ended_on is None:
            return ()
        zone = self.reach.zone
        return tuple(
            TaskDraft(f"duty.{kind}", f"duty_{kind}", HOLDER_OF_DUTY[kind], overdue_from(due, zone))
            for kind, due in self.standing.due.items()
            if self.standing.duties[kind] is not DutyState.DONE
        )

    def nothing_to_send(self) -> bool:
        """Say whether nothing more need be sent: the notice counts as delivered, or the departure is off.

        What is told on the last day is told whatever was answered before.
        """
        if self.standing.ended_on is not None:
            return False
        return self.standing.withdrawn or self.standing.served_on is not None

    def fulfilled(self) -> bool:
        """Say whether every duty is done."""
        return all(state is DutyState.DONE for state in self.standing.duties.values())

    def ends_at(self) -> datetime:
        """Return the instant at which the employment ends, as it stands now."""
        day = ends_on(self.standing.last_day, self.standing.served_on)
        return instant_of_the_end(day, self.case.policy.certificate_at, self.reach.zone)

    def next_due(self) -> datetime | None:
        """Return when the next duty that is not done is late."""
        open_duties = [
            due for kind, due in self.standing.due.items() if self.standing.duties[kind] is not DutyState.DONE
        ]
        return overdue_from(min(open_duties), self.reach.zone) if open_duties else None

    def next_alarm(self) -> datetime | None:
        """Return the next instant at which a duty becomes urgent or late."""
        now, zone = self.desk.now(), self.reach.zone
        ahead = [
            at
            for kind, due in self.standing.due.items()
            if self.standing.duties[kind] is DutyState.DUE
            for at in (alarm_at(kind, due, self.calendar, zone), overdue_from(due, zone))
            if at > now
        ]
        return min(ahead, default=None)

    # -- what people do -----------------------------------------------------------------------------------

    async def heard(self, act: Act) -> None:
        """Look again after an answer: who answers the notice knows it. What was told later stops nothing."""
        await self.look()
        if self.standing.ended_on is not None:
            await self.settle_the_answer()

    async def settle_the_answer(self) -> None:
        """Let go of what the leaver answered: it is in the chain, and it stops no message of later."""
        if self.answer is not None:
            answer, self.answer = self.answer, None
            await self.desk.record(settled=(answer.id,))

    def why_no_steering(self, act: Act) -> str | None:
        """Say why an act cannot be taken now; None when it can. What runs on dates cannot be stopped."""
        if act.kind in _STEERED:
            return "state: what the law wants on dates cannot be stopped; record a duty as done or failed"
        if act.kind in {ActKind.BACK, ActKind.GRADING_DONE, ActKind.OVERDUE_DECIDED, ActKind.RETURNS_ON}:
            return f"act: nothing can be {act.kind.value} here"
        return super().why_no_steering(act)
