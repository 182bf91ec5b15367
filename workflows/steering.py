"""What every process with a ladder shares: how people act in it, steer it, and are refused in words."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.desk import Desk, DeskState
from workflows.ladder import Ladder, LadderStages
from workflows.steps import PlannedStep

with workflow.unsafe.imports_passed_through():
    from countersign.contracts.cases import (
        Act,
        ActKind,
        ActReceipt,
        EventDraft,
        Process,
        Role,
        TaskDraft,
        ends,
    )
    from countersign.contracts.leave_return import ClockStart
    from countersign.contracts.notices import ReceiptReport, SendState
    from countersign.domain.calendar import CalendarYear, WorkCalendar
    from countersign.domain.clock import CaseClock
    from countersign.domain.evidence import EventKind
    from countersign.domain.outcome import outcome_sha256
    from countersign.domain.planner import Reach, wait_end
    from countersign.domain.policy import Audience, Channel, LadderPolicy, OnUnknown, Rung, Wait, WaitUnit

Ended = TypeVar("Ended")
"""What a process returns."""

TIME_TO_ANSWER = Wait(3, WaitUnit.CALENDAR_DAYS)
"""How long somebody has who was told what HR decided."""

_POSTING_DUE, _VISIT_DUE, _CLOSED = "posting_due", "visit_due", "closed"
_PUBLICATION_DUE = "publication_due"
_DONE_BY_HAND = {
    ActKind.POSTED: EventKind.PAPER_POSTED,
    ActKind.VISITED: EventKind.MANUAL_VISIT,
    ActKind.PUBLISHED: EventKind.PAPER_PUBLISHED,
}
_LONGEST_SNOOZE = timedelta(days=366)


class Terms(Protocol):
    """What of a policy concerns the ladder, whatever the process."""

    @property
    def ladder(self) -> LadderPolicy:
        """The rungs and the sending window."""

    @property
    def posting_due(self) -> Wait:
        """How long HR has to post a letter."""

    @property
    def visit_due(self) -> Wait:
        """How long HR has for a visit."""

    @property
    def publication_due(self) -> Wait:
        """How long HR has to publish a public notice."""

    @property
    def review_due(self) -> Wait:
        """How long HR has to decide."""

    @property
    def on_unknown(self) -> OnUnknown:
        """Whether a message that may have left goes again."""

    @property
    def confidential(self) -> bool:
        """Whether notices show their text only behind a second factor."""


class CaseInput(Protocol):
    """What of a case's input concerns the ladder, whatever the process."""

    @property
    def case_id(self) -> str:
        """The case."""

    @property
    def branch_id(self) -> str:
        """Its branch."""

    @property
    def calendar(self) -> WorkCalendar:
        """The working days as they were known at the start."""

    @property
    def reach(self) -> Reach:
        """Who could be reached at the start."""

    @property
    def clock(self) -> ClockStart:
        """Where the case's clock begins."""


class SteeredCase:
    """One case with its desk and its ladder, and everything that people and machines can tell it.

    A process says which answers close a case, which ones HR must review and how HR decides; `alarms` names
    the alarm of an answer that HR must hear of at once.
    """

    closes: ClassVar[Mapping[ActKind, str]]
    reviews: ClassVar[Mapping[ActKind, tuple[str, str]]]
    verdicts: ClassVar[frozenset[ActKind]]
    alarms: ClassVar[Mapping[ActKind, str]] = {}

    desk: Desk
    terms: Terms

    def sit_down(self, process: Process, case: CaseInput, terms: Terms, state: DeskState) -> None:
        """Lay out the case before the first act can arrive."""
        self.desk = Desk(process, case.case_id, case.branch_id, state)
        self.terms = terms
        self.calendar, self.reach = case.calendar, case.reach
        self.ladder: Ladder | None = None
        self.answer: Act | None = None
        self.verdict: Act | None = None
        self.round = 1

    # -- what people and machines tell --------------------------------------------------------------------

    @workflow.update(name="act")
    async def act(self, act: Act) -> ActReceipt:
        """Take in one human act; its row is committed already, this is where it has its effect."""
        if ends(self.desk.process, act.kind, act.role):
            # The newest answer counts; the one before it must not go on stopping messages.
            before, self.answer = self.answer, act
            self.desk.changed()
            settled = () if before is None else (before.id,)
            await self.desk.record(accepted=(act.id,), settled=settled, alarm=self.alarms.get(act.kind))
            await self.heard(act)
        elif act.kind in self.verdicts:
            self.verdict = act
            self.desk.changed()
        else:
            await self.steer(act)
        return ActReceipt(act.id, self.desk.state.stage, self.desk.now())

    @act.validator
    def may_act(self, act: Act) -> None:
        """Refuse what the case's state does not allow, in words."""
        reason = self.why_not(act)
        if reason is not None:
            raise ApplicationError(reason, type="refused", non_retryable=True)

    @workflow.update(name="adopt_calendar")
    async def adopt_calendar(self, year: CalendarYear) -> None:
        """Plan again with a calendar year that was published meanwhile."""
        self.calendar = self.calendar.with_year(year)
        self.desk.changed()
        if self.ladder is not None:
            await self.ladder.adopt_calendar(self.calendar)
        body = {"because": "a calendar year was published", "year": year.year, "paper": year.paper}
        await self.desk.record(EventDraft(EventKind.POLICY_MIGRATED, body))

    @workflow.signal(name="receipt")
    def receipt(self, report: ReceiptReport) -> None:
        """Take in what became of a message after it was accepted."""
        if self.ladder is not None:
            self.ladder.take_report(report)

    @workflow.signal(name="sending_released")
    def sending_released(self) -> None:
        """Try again what a stop of all sending has held."""
        if self.ladder is not None:
            self.ladder.released()

    @workflow.query(name="stage")
    def stage(self) -> str:
        """Tell the present stage."""
        return self.desk.state.stage

    async def heard(self, act: Act) -> None:
        """Do what a process does at once when somebody has answered."""

    # -- steering -----------------------------------------------------------------------------------------

    async def steer(self, act: Act) -> None:
        """Carry out an act that does not end the ladder."""
        desk, ladder = self.desk, self.ladder
        match act.kind:
            case ActKind.PAUSE:
                desk.state.paused_at = desk.now()
                desk.changed()
                await desk.record(EventDraft(EventKind.CASE_PAUSED, {}, act.id), accepted=(act.id,))
            case ActKind.RESUME:
                await self.resume(act)
            case ActKind.SKIP if ladder is not None and act.step is not None:
                await ladder.skip(act.step, EventDraft(EventKind.RUNG_SKIPPED, {"step": act.step}, act.id))
                await desk.record(settled=(act.id,))
            case ActKind.JUMP if ladder is not None and act.step is not None:
                await ladder.jump(act.step, EventDraft(EventKind.RUNG_JUMPED, {"step": act.step}, act.id))
                await desk.record(settled=(act.id,))
            case ActKind.SNOOZE if ladder is not None and act.until is not None:
                body = {"step": ladder.current.name, "until": act.until.isoformat()}
                await ladder.snooze(act.until, EventDraft(EventKind.RUNG_SNOOZED, body, act.id))
                await desk.record(settled=(act.id,))
            case ActKind.RESEND if ladder is not None:
                body = {"step": ladder.current.name}
                await ladder.resend(EventDraft(EventKind.RUNG_RESENT, body, act.id))
                await desk.record(settled=(act.id,))
            case ActKind.REPLAN if act.reach is not None:
                self.reach = act.reach
                event = EventDraft(EventKind.PLAN_CHANGED, {"because": "HR planned again"}, act.id)
                await (desk.record(event) if ladder is None else ladder.adopt_reach(act.reach, event))
                await desk.record(settled=(act.id,))
            case kind if kind in _DONE_BY_HAND and ladder is not None:
                step = ladder.current
                step.by_hand_at = (act.happened_at or act.at).astimezone(step.at.tzinfo)
                desk.changed()
                body = {"step": step.name, "happened_at": step.by_hand_at.isoformat()}
                await desk.record(EventDraft(_DONE_BY_HAND[kind], body, act.id), settled=(act.id,))
            case _:
                if act.kind is ActKind.NOT_ME and ladder is not None and act.delivery_id is not None:
                    # The address is wrong: for the ladder that is a message that was never delivered.
                    gone = ReceiptReport(act.delivery_id, SendState.FAILED_PERMANENT, "not_me")
                    ladder.take_report(gone)
                await desk.record(accepted=(act.id,))

    async def resume(self, act: Act) -> None:
        """Go on after a pause: the running wait is longer by it, everything behind is planned again."""
        desk, ladder = self.desk, self.ladder
        await desk.record(EventDraft(EventKind.CASE_RESUMED, {}, act.id))
        if ladder is not None and desk.state.paused_at is not None:
            # The waits move before the case wakes: else what became due meanwhile would go at once.
            await ladder.shift(desk.now() - desk.state.paused_at)
        desk.state.paused_at = None
        await desk.record(settled=(act.id,))
        desk.changed()

    # -- refusals -----------------------------------------------------------------------------------------

    def why_not(self, act: Act) -> str | None:
        """Say why an act cannot be taken now; None when it can."""
        if self.desk.state.closed or (self.answer is not None and self.answer.kind in self.closes):
            return "closed: the case is already decided"
        return self.why_no_steering(act)

    def why_no_steering(self, act: Act) -> str | None:
        """Say why a steering act cannot be taken now; None when it can, and for every other act."""
        stage, desk = self.desk.state.stage, self.desk.state
        tomorrow = self.desk.now() + timedelta(days=1)
        match act.kind:
            case ActKind.PAUSE if desk.paused_at is not None:
                return "state: the case is paused already"
            case ActKind.RESUME if desk.paused_at is None:
                return "state: the case is not paused"
            case ActKind.SKIP if act.step not in self.steps_left():
                return "step: name a step of the ladder that is not over yet"
            case ActKind.JUMP if self.ladder is None or act.step not in self.ladder.names_ahead():
                return "step: name a step of the ladder that is still to come"
            case ActKind.SNOOZE:
                return self.why_no_snooze(act.until)
            case ActKind.RESEND if self.ladder is None or not self.ladder.can_resend():
                return "state: the running step has sent nothing that could be sent again"
            case ActKind.REPLAN if act.reach is None:
                return "state: it is not known who can be reached"
            case ActKind.POSTED if stage != _POSTING_DUE:
                return "state: no paper notice waits to be posted"
            case ActKind.VISITED if stage != _VISIT_DUE:
                return "state: no visit is due"
            case ActKind.PUBLISHED if stage != _PUBLICATION_DUE:
                return "state: no public notice waits to be published"
            case kind if kind in _DONE_BY_HAND and act.happened_at and act.happened_at > tomorrow:
                return "happened_at: lies in the future; give the time at which it was done"
            case ActKind.POSTED | ActKind.PUBLISHED if self.before_its_notice(act.happened_at):
                return "happened_at: lies before the day on which this notice was made; check the date"
        return None

    def before_its_notice(self, happened_at: datetime | None) -> bool:
        """Say whether something was done with a paper that did not exist yet."""
        if happened_at is None or self.ladder is None:
            return False
        made = self.ladder.current.at
        return happened_at.astimezone(made.tzinfo).date() < made.date()

    def why_no_snooze(self, until: datetime | None) -> str | None:
        """Say why the next step cannot be put off until then."""
        if until is None or until > self.desk.now() + _LONGEST_SNOOZE:
            return "until: give a time within the next year"
        if self.ladder is None or not self.ladder.can_snooze(until):
            return "until: must be later than the time at which the next step comes anyway"
        return None

    def steps_left(self) -> tuple[str, ...]:
        """Return the names of the steps that can still be skipped."""
        return () if self.ladder is None else self.ladder.names_left()

    # -- answers, reviews, the end ------------------------------------------------------------------------

    def answered(self) -> bool:
        """Say whether somebody has answered and the answer is not settled yet."""
        return self.answer is not None

    def under_review(self) -> bool:
        """Say whether HR must decide before the case can go on or close."""
        return self.answer is not None and self.answer.kind in self.reviews

    async def await_verdict(self) -> Act | None:
        """Let HR decide on the answer under review; None when a newer answer ends the review."""
        asked = self.answer
        assert asked is not None  # noqa: S101  only called while an answer is under review
        stage, task = self.reviews[asked.kind]
        self.verdict = None
        await self.ask_hr(stage, task)
        await self.desk.sleep(lambda: None, lambda: self.verdict is not None or self.answer is not asked, "")
        verdict = self.verdict
        if self.answer is not asked:
            self.verdict = None
            if verdict is not None:
                await self.desk.record(settled=(verdict.id,))
            return None
        assert verdict is not None  # noqa: S101  nothing else ends the wait
        self.answer = None
        self.round += 1
        return verdict

    async def tell_verdict(
        self,
        verdict: Act,
        channels: tuple[Channel, ...],
        wait: Wait,
        left: Sequence[PlannedStep],
        stage: str,
    ) -> None:
        """Tell the employee what HR has decided, then climb the rungs that are left."""
        told = Rung(verdict.kind.value, Audience.EMPLOYEE, channels, wait)
        self.ladder = self.new_ladder(
            (told.name, *(step.name for step in left)), (told, *(step.rung for step in left)), stage
        )
        await self.ladder.climb(self.desk.now())

    async def ask_hr(self, stage: str, task: str, *events: EventDraft) -> None:
        """Give the ball to HR with a task and a due time."""
        due, _ = wait_end(self.desk.now(), self.terms.review_due, self.calendar, self.reach.zone)
        draft = TaskDraft(f"{self.round}.{task}.{self.desk.state.records}", task, Role.HR, due)
        await self.desk.move_to(stage, Role.HR, due, *events, task=draft)

    async def end(self, outcome: str, result: Callable[[datetime], Ended], alarm: str | None = None) -> Ended:
        """Record the outcome; nothing of this case is sent after this.

        Return what `result` makes of the case's time: the chain keeps its hash, so that whoever replays the
        history sees whether it ends as it did.
        """
        answer, desk = self.answer, self.desk
        if self.ladder is not None:
            await self.ladder.fall_silent()
        desk.state.closed, desk.state.outcome = True, outcome
        ended = result(desk.now())
        body = {"outcome": outcome, "outcome_sha256": outcome_sha256(ended)}
        closed = EventDraft(EventKind.CASE_CLOSED, body, None if answer is None else answer.id)
        await desk.move_to(_CLOSED, None, None, closed, alarm=alarm)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return ended

    # -- ladders ------------------------------------------------------------------------------------------

    def new_ladder(
        self,
        names: tuple[str, ...],
        rungs: tuple[Rung, ...],
        stage: str,
        latest: datetime | None = None,
    ) -> Ladder:
        """Set up a ladder for this case."""
        terms = self.terms
        return Ladder(
            desk=self.desk,
            round=self.round,
            names=names,
            rungs=rungs,
            window=terms.ladder.sending_window,
            calendar=self.calendar,
            reach=self.reach,
            stages=LadderStages(
                stage,
                {
                    Channel.COURIER: (_POSTING_DUE, terms.posting_due),
                    Channel.VISIT: (_VISIT_DUE, terms.visit_due),
                    Channel.PUBLIC_NOTICE: (_PUBLICATION_DUE, terms.publication_due),
                },
            ),
            stopped=self.answered,
            latest=latest,
            on_unknown=terms.on_unknown,
            confidential=terms.confidential,
        )


def opening_state(case: CaseInput, stage: str) -> DeskState:
    """Return what the desk of a case remembers at its start."""
    return DeskState(CaseClock(case.clock.case, workflow.now(), case.clock.factor), stage)
