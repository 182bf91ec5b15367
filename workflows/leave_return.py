"""A leave ends: remind, wait for the day of return, climb the ladder until somebody answers, close."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from temporalio import workflow

from workflows.steering import TIME_TO_ANSWER, SteeredCase, opening_state

with workflow.unsafe.imports_passed_through():
    from countersign.contracts.cases import (
        Act,
        ActKind,
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
    from countersign.domain.evidence import EventKind
    from countersign.domain.leave_return import (
        REMINDER_STEP,
        LeaveDates,
        leave_dates,
        overdue_steps,
        reminder_rung,
        step_names,
    )
    from countersign.domain.policy import Wait, WaitUnit

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
    grading_pending: bool
    choices: dict[str, str] = field(default_factory=dict)
    notice_is_due: bool = False


@workflow.defn(name="LeaveReturn")
class LeaveReturnWorkflow(SteeredCase):
    """The return of one person from one leave."""

    closes, reviews = _CLOSES, _REVIEWS
    verdicts = frozenset({ActKind.EXTENSION_GRANTED, ActKind.EXTENSION_REFUSED, ActKind.OBJECTION_ANSWERED})

    @workflow.init
    def __init__(self, case: LeaveReturnInput) -> None:
        """Lay out the case before the first act can arrive."""
        self.case = case
        self.facts = CaseFacts(case.ends_on, case.grading_pending, dict(case.overdue))
        state = opening_state(case, Stage.BEFORE_END)
        state.ends_on = case.ends_on
        self.sit_down(Process.LEAVE_RETURN, case, case.policy, state)

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
                await self.climb_on_after_review(await self.review_answer())
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
        overdue = overdue_steps(facts.ends_on, case.policy, self.calendar, self.reach, self.desk.now())
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
        task = TaskDraft(f"{self.round}.return_day", "return_day", Role.HR, dates.back_until)
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

    async def review_answer(self) -> Act | None:
        """Let HR decide on an extension or an objection; a newer answer of the employee ends the review."""
        facts, asked = self.facts, self.answer
        verdict = await self.await_verdict()
        if verdict is None or asked is None:
            return None
        if verdict.kind is ActKind.EXTENSION_GRANTED and verdict.on is not None:
            facts.choices, facts.notice_is_due = {}, False
            facts.ends_on = self.desk.state.ends_on = verdict.on
        else:
            facts.choices[REMINDER_STEP] = "skip"
        changed = {"because": verdict.kind.value, "ends_on": facts.ends_on.isoformat()}
        await self.desk.record(
            EventDraft(EventKind.PLAN_CHANGED, changed, verdict.id), settled=(asked.id, verdict.id)
        )
        return verdict

    async def climb_on_after_review(self, verdict: Act | None) -> None:
        """Tell the employee what HR has decided, then go on with the rungs that are left, if any began."""
        if self.answered() or verdict is None:
            return
        wait, left = _NO_WAIT, []
        if self.facts.notice_is_due and self.ladder is not None:
            wait, left = TIME_TO_ANSWER, self.ladder.unspoken()
        await self.tell_verdict(verdict, self.case.policy.remind_channels, wait, left, Stage.LADDER)

    async def close(self) -> LeaveReturnResult:
        """Record the outcome; nothing of this case is sent after this."""
        answer = self.answer
        outcome = Outcome.EXHAUSTED if answer is None else _CLOSES[answer.kind]
        on = None if answer is None else answer.on
        return await self.end(outcome.value, lambda at: LeaveReturnResult(outcome, at, on))

    # -- what people do -----------------------------------------------------------------------------------

    async def steer(self, act: Act) -> None:
        """Carry out an act that does not end the ladder."""
        desk = self.desk
        match act.kind:
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
                await super().steer(act)

    # -- state in words -----------------------------------------------------------------------------------

    def why_no_steering(self, act: Act) -> str | None:
        """Say why an act cannot be taken now; None when it can."""
        stage = self.desk.state.stage
        match act.kind:
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
            case kind if kind in self.verdicts and self.verdict is not None:
                return "state: HR has decided already"
            case ActKind.OBJECTION_ANSWERED if stage != Stage.OBJECTION_REVIEW:
                return "state: no objection waits for an answer"
        return super().why_no_steering(act)

    def starts_over(self) -> bool:
        """Say whether a review sends the case back to the leave's end: a new end, or an early answer."""
        return not self.answered() and not self.facts.notice_is_due

    def dates(self) -> LeaveDates:
        """Return the dates around the leave's end as the calendar stands now."""
        return leave_dates(self.facts.ends_on, self.case.policy, self.calendar, self.reach.zone)


_LONGEST_EXTENSION = timedelta(days=5 * 366)
_NO_WAIT = Wait(0, WaitUnit.HOURS)


def _skipped(step: str, because: str) -> EventDraft:
    return EventDraft(EventKind.RUNG_SKIPPED, {"step": step, "because": because})
