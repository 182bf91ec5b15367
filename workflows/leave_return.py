"""A leave ends: remind, wait for the day of return, climb the ladder until somebody answers, close."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.desk import Desk, DeskState
from workflows.ladder import Ladder, LadderStages

with workflow.unsafe.imports_passed_through():
    from countersign.contracts.cases import (
        ENDS_LADDER,
        Act,
        ActKind,
        ActReceipt,
        EventDraft,
        Process,
        Role,
        TaskDraft,
    )
    from countersign.contracts.leave_return import (
        LeaveKind,
        LeaveReturnInput,
        LeaveReturnResult,
        Outcome,
        Stage,
    )
    from countersign.contracts.notices import ReceiptReport, SendState
    from countersign.domain.calendar import CalendarYear, WorkCalendar
    from countersign.domain.clock import CaseClock
    from countersign.domain.evidence import EventKind
    from countersign.domain.leave_return import (
        REMINDER_STEP,
        LeaveDates,
        leave_dates,
        overdue_steps,
        reminder_rung,
        step_names,
    )
    from countersign.domain.planner import Reach, wait_end
    from countersign.domain.policy import Audience, Rung, Wait, WaitUnit

_CLOSES = {
    ActKind.BACK: Outcome.BACK,
    ActKind.RETURNS_ON: Outcome.RETURNS_ON,
    ActKind.RESIGNED: Outcome.RESIGNED,
    ActKind.CANCEL: Outcome.CANCELLED,
}
_REVIEWS = {
    ActKind.EXTENSION_ASKED: (Stage.EXTENSION_REVIEW, "extension_review"),
    ActKind.OBJECTED: (Stage.OBJECTION_REVIEW, "objection_review"),
}


@dataclass
class CaseFacts:
    """What one running case knows beyond its input."""

    ends_on: date
    calendar: WorkCalendar
    reach: Reach
    grading_pending: bool
    choices: dict[str, str] = field(default_factory=dict)
    answer: Act | None = None
    verdict: Act | None = None
    notice_is_due: bool = False
    round: int = 1


@workflow.defn(name="LeaveReturn")
class LeaveReturnWorkflow:
    """The return of one person from one leave."""

    @workflow.init
    def __init__(self, case: LeaveReturnInput) -> None:
        """Lay out the case before the first act can arrive."""
        self.case = case
        clock = CaseClock(case.clock.case, workflow.now(), case.clock.factor)
        self.desk = Desk(
            Process.LEAVE_RETURN,
            case.case_id,
            case.branch_id,
            DeskState(clock, Stage.BEFORE_END, case.ends_on),
        )
        self.facts = CaseFacts(
            case.ends_on, case.calendar, case.reach, case.grading_pending, dict(case.overdue)
        )
        self.ladder: Ladder | None = None

    @workflow.run
    async def run(self, case: LeaveReturnInput) -> LeaveReturnResult:
        """Run the case as it stands on paper."""
        await self.open_case()
        await self.decide_overdue_steps()
        while True:
            await self.hold_while_grading_is_pending()
            await self.remind_before_the_end()
            await self.await_the_day_of_return()
            await self.climb_the_ladder()
            while self.under_review():
                await self.review_answer()
                await self.climb_on_after_review()
                if self.starts_over():
                    break
            else:
                return await self.close()

    # -- the process on paper -----------------------------------------------------------------------------

    async def open_case(self) -> None:
        """Record what was decided at the start: the leave's dates and the frozen policy."""
        dates = self.dates()
        self.desk.state.provisional = dates.provisional
        target = {
            "notice_by": dates.target_by.isoformat(),
            "met": dates.target_met,
            "why": dates.target_why,
        }
        await self.desk.move_to(
            Stage.BEFORE_END,
            Role.EMPLOYEE,
            dates.back_until,
            EventDraft(
                EventKind.POLICY_FROZEN,
                {"policy": self.case.policy.name, "version": self.case.policy_version},
            ),
            EventDraft(
                EventKind.PLAN_MADE,
                {
                    "ends_on": self.facts.ends_on.isoformat(),
                    "remind_at": dates.remind_at.isoformat() if dates.remind_at else None,
                    "return_day": dates.return_day.isoformat(),
                    "notice_at": dates.notice_at.isoformat(),
                    "target": target,
                    "provisional": dates.provisional,
                },
            ),
        )

    async def decide_overdue_steps(self) -> None:
        """List what should have happened before this start; HR says of each: run now, or skip."""
        facts, case = self.facts, self.case
        overdue = overdue_steps(facts.ends_on, case.policy, facts.calendar, facts.reach, self.desk.now())
        # A reminder that is late needs nobody: it goes while the leave lasts, and not after it.
        if any(step.step not in facts.choices and step.step != REMINDER_STEP for step in overdue):
            listed = [{"step": s.step, "planned_at": s.planned_at.isoformat()} for s in overdue]
            await self.ask_hr(
                Stage.OVERDUE_REVIEW,
                "overdue_review",
                EventDraft(EventKind.RUNG_HELD, {"because": "overdue at the start", "overdue": listed}),
            )
            await self.desk.sleep(
                lambda: None,
                lambda: (
                    self.answered()
                    or all(s.step in facts.choices or s.step == REMINDER_STEP for s in overdue)
                ),
                "",
            )
        skipped = [step.step for step in overdue if facts.choices.get(step.step) == "skip"]
        await self.desk.record(*(_skipped(step, "overdue at the start") for step in skipped))

    async def hold_while_grading_is_pending(self) -> None:
        """Hold an injury case: before the grade is known pay goes on and nobody is called back."""
        if self.case.leave_kind is not LeaveKind.INJURY or not self.facts.grading_pending or self.answered():
            return
        held = EventDraft(EventKind.RUNG_HELD, {"because": "grading is pending"})
        await self.ask_hr(Stage.GRADING_PENDING, "grading", held)
        await self.desk.sleep(lambda: None, lambda: self.answered() or not self.facts.grading_pending, "")

    async def remind_before_the_end(self) -> None:
        """Remind the employee some days before the last day of leave."""
        dates, skipped = self.dates(), self.facts.choices.get(REMINDER_STEP) == "skip"
        if dates.remind_at is None or self.answered() or skipped:
            return
        if self.desk.now() >= dates.leave_over:
            reason = {"step": REMINDER_STEP, "because": "the leave is already over"}
            await self.desk.record(EventDraft(EventKind.NOTICE_NOTHING_SENT, reason))
            return
        at = max(dates.remind_at, self.desk.now())
        rung = reminder_rung(self.case.policy, at, dates.leave_over)
        self.ladder = self.new_ladder((REMINDER_STEP,), (rung,), Stage.BEFORE_END, latest=dates.leave_over)
        await self.ladder.climb(at)

    async def await_the_day_of_return(self) -> None:
        """Give HR and the punch clock the whole first working day to say: back."""
        if self.answered():
            return
        dates = self.dates()
        task = TaskDraft(f"{self.facts.round}.return_day", "return_day", Role.HR, dates.back_until)
        await self.desk.move_to(Stage.RETURN_DAY, Role.EMPLOYEE, dates.back_until, task=task)
        await self.desk.sleep(lambda: self.dates().back_until, self.answered, "day of return ends")

    async def climb_the_ladder(self) -> None:
        """Send the return notice and climb on until somebody answers."""
        if self.answered():
            return
        names = step_names(self.case.policy.ladder)
        pairs = zip(names, self.case.policy.ladder.rungs, strict=True)
        chosen = [(name, rung) for name, rung in pairs if self.facts.choices.get(name) != "skip"]
        self.facts.notice_is_due = True
        self.ladder = self.new_ladder(tuple(n for n, _ in chosen), tuple(r for _, r in chosen), Stage.LADDER)
        await self.ladder.climb(max(self.dates().back_until, self.desk.now()))

    async def review_answer(self) -> None:
        """Let HR decide on an extension or an objection; a newer answer of the employee ends the review."""
        facts, asked = self.facts, self.facts.answer
        assert asked is not None  # noqa: S101  only called while an answer is under review
        stage, task = _REVIEWS[asked.kind]
        facts.verdict = None
        await self.ask_hr(stage, task)
        await self.desk.sleep(
            lambda: None, lambda: facts.verdict is not None or facts.answer is not asked, ""
        )
        verdict = facts.verdict
        if facts.answer is not asked:
            facts.verdict = None
            if verdict is not None:
                await self.desk.record(settled=(verdict.id,))
            return
        assert verdict is not None  # noqa: S101  nothing else ends the wait
        facts.answer = None
        facts.round += 1
        if verdict.kind is ActKind.EXTENSION_GRANTED and verdict.on is not None:
            facts.choices, facts.notice_is_due = {}, False
            facts.ends_on = self.desk.state.ends_on = verdict.on
        else:
            facts.choices[REMINDER_STEP] = "skip"
        changed = {"because": verdict.kind.value, "ends_on": facts.ends_on.isoformat()}
        await self.desk.record(
            EventDraft(EventKind.PLAN_CHANGED, changed, verdict.id), settled=(asked.id, verdict.id)
        )

    async def climb_on_after_review(self) -> None:
        """Tell the employee what HR has decided, then go on with the rungs that are left, if any began."""
        if self.answered() or self.facts.verdict is None:
            return
        wait, left = _NO_WAIT, []
        if self.facts.notice_is_due and self.ladder is not None:
            wait, left = _TIME_TO_ANSWER, self.ladder.unspoken()
        name = self.facts.verdict.kind.value
        told = Rung(name, Audience.EMPLOYEE, self.case.policy.remind_channels, wait)
        self.ladder = self.new_ladder(
            (name, *(step.name for step in left)), (told, *(step.rung for step in left)), Stage.LADDER
        )
        await self.ladder.climb(self.desk.now())

    async def close(self) -> LeaveReturnResult:
        """Record the outcome; nothing of this case is sent after this."""
        answer, desk = self.facts.answer, self.desk
        outcome = Outcome.EXHAUSTED if answer is None else _CLOSES[answer.kind]
        if self.ladder is not None:
            await self.ladder.fall_silent()
        desk.state.closed, desk.state.outcome = True, outcome.value
        at = desk.now()
        closed = EventDraft(
            EventKind.CASE_CLOSED, {"outcome": outcome.value}, None if answer is None else answer.id
        )
        await desk.move_to(Stage.CLOSED, None, None, closed)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return LeaveReturnResult(outcome, at, answer.on if answer is not None else None)

    # -- what people do -----------------------------------------------------------------------------------

    @workflow.update(name="act")
    async def act(self, act: Act) -> ActReceipt:
        """Take in one human act; its row is committed already, this is where it has its effect."""
        if act.kind in ENDS_LADDER:
            # The newest answer counts; the one before it must not go on stopping messages.
            before, self.facts.answer = self.facts.answer, act
            self.desk.changed()
            settled = () if before is None else (before.id,)
            await self.desk.record(accepted=(act.id,), settled=settled)
        elif act.kind in _VERDICTS:
            self.facts.verdict = act
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
        self.facts.calendar = self.facts.calendar.with_year(year)
        self.desk.changed()
        if self.ladder is not None:
            await self.ladder.adopt_calendar(self.facts.calendar)
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
                self.facts.reach = act.reach
                event = EventDraft(EventKind.PLAN_CHANGED, {"because": "HR planned again"}, act.id)
                await (desk.record(event) if ladder is None else ladder.adopt_reach(act.reach, event))
                await desk.record(settled=(act.id,))
            case ActKind.POSTED | ActKind.VISITED if ladder is not None:
                step = ladder.current
                step.by_hand_at = (act.happened_at or act.at).astimezone(step.at.tzinfo)
                kind = EventKind.PAPER_POSTED if act.kind is ActKind.POSTED else EventKind.MANUAL_VISIT
                desk.changed()
                body = {"step": step.name, "happened_at": step.by_hand_at.isoformat()}
                await desk.record(EventDraft(kind, body, act.id), settled=(act.id,))
            case ActKind.GRADING_DONE:
                self.facts.grading_pending = False
                desk.changed()
                body = {"because": "grading is done"}
                await desk.record(EventDraft(EventKind.CASE_RESUMED, body, act.id), settled=(act.id,))
            case ActKind.OVERDUE_DECIDED:
                self.facts.choices.update(act.choices)
                desk.changed()
                await desk.record(settled=(act.id,))
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

    # -- state in words -----------------------------------------------------------------------------------

    def why_not(self, act: Act) -> str | None:
        """Say why an act cannot be taken now; None when it can."""
        stage, desk = self.desk.state.stage, self.desk.state
        tomorrow = self.desk.now() + timedelta(days=1)
        if desk.closed or (self.facts.answer is not None and self.facts.answer.kind in _CLOSES):
            return "closed: the case is already decided"
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
            case ActKind.POSTED if stage != Stage.POSTING_DUE:
                return "state: no paper notice waits to be posted"
            case ActKind.VISITED if stage != Stage.VISIT_DUE:
                return "state: no visit is due"
            case ActKind.POSTED | ActKind.VISITED if act.happened_at and act.happened_at > tomorrow:
                return "happened_at: lies in the future; give the time at which it was done"
            case ActKind.GRADING_DONE if not self.facts.grading_pending:
                return "state: no grading is pending"
            case ActKind.OVERDUE_DECIDED if stage != Stage.OVERDUE_REVIEW:
                return "state: no overdue step waits for a decision"
            case ActKind.EXTENSION_GRANTED | ActKind.EXTENSION_REFUSED if stage != Stage.EXTENSION_REVIEW:
                return "state: no extension was asked for"
            case ActKind.EXTENSION_GRANTED if act.on is None or act.on <= self.facts.ends_on:
                return "on: the new last day of leave must be after the present one"
            case ActKind.EXTENSION_GRANTED if act.on and act.on > self.facts.ends_on + _LONGEST_EXTENSION:
                return "on: the new last day of leave is more than five years away; check the year"
            case ActKind.OBJECTION_ANSWERED if stage != Stage.OBJECTION_REVIEW:
                return "state: no objection waits for an answer"
        return None

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

    def answered(self) -> bool:
        """Say whether somebody has answered and the answer is not settled yet."""
        return self.facts.answer is not None

    def starts_over(self) -> bool:
        """Say whether a review sends the case back to the leave's end: a new end, or an early answer."""
        return not self.answered() and not self.facts.notice_is_due

    def under_review(self) -> bool:
        """Say whether HR must decide before the case can go on or close."""
        return self.facts.answer is not None and self.facts.answer.kind in _REVIEWS

    def dates(self) -> LeaveDates:
        """Return the dates around the leave's end as the calendar stands now."""
        facts = self.facts
        return leave_dates(facts.ends_on, self.case.policy, facts.calendar, facts.reach.zone)

    async def ask_hr(self, stage: Stage, task: str, *events: EventDraft) -> None:
        """Give the ball to HR with a task and a due time."""
        facts = self.facts
        due, _ = wait_end(self.desk.now(), self.case.policy.review_due, facts.calendar, facts.reach.zone)
        draft = TaskDraft(f"{facts.round}.{task}.{self.desk.state.records}", task, Role.HR, due)
        await self.desk.move_to(stage, Role.HR, due, *events, task=draft)

    def new_ladder(
        self,
        names: tuple[str, ...],
        rungs: tuple[Rung, ...],
        stage: Stage,
        latest: datetime | None = None,
    ) -> Ladder:
        """Set up a ladder for this case."""
        policy = self.case.policy
        return Ladder(
            desk=self.desk,
            round=self.facts.round,
            names=names,
            rungs=rungs,
            window=policy.ladder.sending_window,
            calendar=self.facts.calendar,
            reach=self.facts.reach,
            stages=LadderStages(
                stage, Stage.POSTING_DUE, Stage.VISIT_DUE, policy.posting_due, policy.visit_due
            ),
            stopped=self.answered,
            latest=latest,
            on_unknown=policy.on_unknown,
            confidential=policy.confidential,
        )


_VERDICTS = frozenset({ActKind.EXTENSION_GRANTED, ActKind.EXTENSION_REFUSED, ActKind.OBJECTION_ANSWERED})
_LONGEST_EXTENSION = timedelta(days=5 * 366)
_LONGEST_SNOOZE = timedelta(days=366)
_NO_WAIT = Wait(0, WaitUnit.HOURS)
_TIME_TO_ANSWER = Wait(3, WaitUnit.CALENDAR_DAYS)


def _skipped(step: str, because: str) -> EventDraft:
    return EventDraft(EventKind.RUNG_SKIPPED, {"step": step, "because": because})
