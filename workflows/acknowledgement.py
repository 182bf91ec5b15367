"""A text must be confirmed: climb the ladder until the addressee has confirmed it or objects, close."""

from temporalio import workflow

from workflows.steering import TIME_TO_ANSWER, SteeredCase, opening_state

with workflow.unsafe.imports_passed_through():
    from countersign.contracts.acknowledgement import (
        AcknowledgementInput,
        AcknowledgementOutcome,
        AcknowledgementResult,
        AcknowledgementStage,
    )
    from countersign.contracts.cases import Act, ActKind, EventDraft, Process, Role
    from countersign.domain.evidence import EventKind
    from countersign.domain.policy import Channel

_TOLD_OVER = (Channel.PREFERRED, Channel.IN_SYSTEM)
"""How somebody who objected learns that HR has answered."""

_CLOSES = {
    ActKind.ACKNOWLEDGED: AcknowledgementOutcome.ACKNOWLEDGED,
    ActKind.CANCEL: AcknowledgementOutcome.CANCELLED,
}
_REVIEWS = {ActKind.OBJECTED: (AcknowledgementStage.OBJECTION_REVIEW, "objection_review")}
_ALARMS = {ActKind.OBJECTED: "circular_refused"}
_NOT_OURS = frozenset(
    {
        ActKind.RETURNS_ON,
        ActKind.EXTENSION_ASKED,
        ActKind.RESIGNED,
        ActKind.BACK,
        ActKind.GRADING_DONE,
        ActKind.EXTENSION_GRANTED,
        ActKind.EXTENSION_REFUSED,
        ActKind.OVERDUE_DECIDED,
    }
)


@workflow.defn(name="Acknowledgement")
class AcknowledgementWorkflow(SteeredCase):
    """The confirmation of one text by one addressee."""

    closes, reviews, alarms = _CLOSES, _REVIEWS, _ALARMS
    verdicts = frozenset({ActKind.OBJECTION_ANSWERED})

    @workflow.init
    def __init__(self, case: AcknowledgementInput) -> None:
        """Lay out the case before the first act can arrive."""
        self.case = case
        state = opening_state(case, AcknowledgementStage.LADDER)
        self.sit_down(Process.ACKNOWLEDGEMENT, case, case.policy, state)

    @workflow.run
    async def run(self, case: AcknowledgementInput) -> AcknowledgementResult:
        """Run the case as it stands on paper."""
        await self.open_case()
        await self.climb_the_ladder()
        while self.under_review():
            await self.review_objection()
        return await self.close()

    # -- the process on paper -----------------------------------------------------------------------------

    async def open_case(self) -> None:
        """Record what was decided at the start: the frozen policy."""
        frozen = {"policy": self.case.policy.name, "version": self.case.policy_version}
        await self.desk.move_to(
            AcknowledgementStage.LADDER, Role.EMPLOYEE, None, EventDraft(EventKind.POLICY_FROZEN, frozen)
        )

    async def climb_the_ladder(self) -> None:
        """Send the text, and climb on until the addressee answers."""
        if self.answered():
            return
        rungs = self.case.policy.ladder.rungs
        names = tuple(rung.name for rung in rungs)
        self.ladder = self.new_ladder(names, rungs, AcknowledgementStage.LADDER)
        await self.ladder.climb(self.desk.now())

    async def review_objection(self) -> None:
        """Let HR answer an objection, tell the addressee, and go on with what is left of the ladder."""
        asked = self.answer
        verdict = await self.await_verdict()
        if verdict is None or asked is None:
            return
        changed = EventDraft(EventKind.PLAN_CHANGED, {"because": verdict.kind.value}, verdict.id)
        await self.desk.record(changed, settled=(asked.id, verdict.id))
        if self.answered():
            return
        left = [] if self.ladder is None else self.ladder.unspoken()
        await self.tell_verdict(verdict, _TOLD_OVER, TIME_TO_ANSWER, left, AcknowledgementStage.LADDER)

    async def close(self) -> AcknowledgementResult:
        """Record the outcome; a ladder that nobody has answered is an alarm."""
        answer = self.answer
        outcome = AcknowledgementOutcome.EXHAUSTED if answer is None else _CLOSES[answer.kind]
        alarm = "exhausted" if answer is None else None
        return await self.end(outcome.value, lambda at: AcknowledgementResult(outcome, at), alarm)

    # -- state in words -----------------------------------------------------------------------------------

    def why_not(self, act: Act) -> str | None:
        """Say why an act cannot be taken now; None when it can."""
        if act.kind in _NOT_OURS:
            return f"act: nothing can be {act.kind.value} where a text is to be confirmed"
        if (
            act.kind is ActKind.OBJECTION_ANSWERED
            and self.desk.state.stage != AcknowledgementStage.OBJECTION_REVIEW
        ):
            return super().why_not(act) or "state: no objection waits for an answer"
        return super().why_not(act)
