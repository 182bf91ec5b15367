"""The ladder: rung after rung while nobody answers. A process drives it inside its own run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from temporalio import workflow

from workflows.bringing import Bringer
from workflows.desk import Desk, Woke
from workflows.steps import BY_HAND, IN_TIME, PlannedStep, StepState

with workflow.unsafe.imports_passed_through():
    from countersign.contracts.cases import EventDraft, Role, TaskDraft
    from countersign.contracts.notices import (
        ReceiptReport,
    )
    from countersign.domain.calendar import WorkCalendar
    from countersign.domain.courier import why_the_wait_ended
    from countersign.domain.evidence import EventKind
    from countersign.domain.planner import Reach, next_opening, plan, wait_end
    from countersign.domain.policy import (
        Audience,
        Channel,
        LadderPolicy,
        OnUnknown,
        Rung,
        SendingWindow,
        Wait,
    )


class Climbed(Enum):
    """How a climb ended."""

    EXHAUSTED = "exhausted"
    STOPPED = "stopped"


@dataclass(frozen=True)
class LadderStages:
    """The stage names that a process gives to the ladder's own situations.

    `by_hand` holds for each channel that HR carries out its stage and HR's time for it.
    """

    climbing: str
    by_hand: Mapping[Channel, tuple[str, Wait]]


@dataclass
class Ladder:
    """Climbs the rungs of one round.

    `stopped` says that somebody has answered; from then on nothing more is begun. `answered_by` names the
    instant until which the reader is asked to answer, printed in the notice. `releases` counts how often a
    stop of all sending was released.
    """

    desk: Desk
    round: int
    names: tuple[str, ...]
    rungs: tuple[Rung, ...]
    window: SendingWindow | None
    calendar: WorkCalendar
    reach: Reach
    stages: LadderStages
    stopped: Callable[[], bool]
    latest: datetime | None = None
    on_unknown: OnUnknown = OnUnknown.AT_LEAST_ONCE
    confidential: bool = False
    position: int = 0
    releases: int = 0
    steps: list[PlannedStep] = field(default_factory=list)
    bringer: Bringer = field(init=False)

    def __post_init__(self) -> None:
        """Set up what brings the messages."""
        self.bringer = Bringer(self)

    # -- the climb ----------------------------------------------------------------------------------------

    async def climb(self, start: datetime) -> Climbed:
        """Climb every rung from `start` on, until somebody answers or no rung is left."""
        self._plan_all(start)
        await self.desk.record(
            EventDraft(EventKind.PLAN_MADE, {"round": self.round, "steps": [s.show() for s in self.steps]})
        )
        while self.position < len(self.steps) and not self.stopped():
            step = self.current
            if step.skipped:
                self.position += 1
            elif await self._reached(step):
                await self._speak(step)
                await self._listen(step)
                if not self.stopped():
                    self.position += 1
            elif step.skipped and not step.passed_over:
                await self.replan(step.at, "a step was skipped")
        await self.fall_silent()
        return Climbed.STOPPED if self.stopped() else Climbed.EXHAUSTED

    @property
    def current(self) -> PlannedStep:
        """The step that the climb stands on."""
        return self.steps[self.position]

    def names_left(self) -> tuple[str, ...]:
        """Return the steps that can still be skipped: the current one and those ahead."""
        ahead = self.steps[self.position :]
        return tuple(s.name for s in ahead if s.state in {StepState.PLANNED, StepState.REACHED})

    def unspoken(self) -> list[PlannedStep]:
        """Return the steps that have not spoken yet and were not skipped.

        A rung that was reached but has brought nothing to anybody, such as a letter that was never posted,
        has not spoken either.
        """
        ahead = [step for step in self.steps[self.position :] if step.state is StepState.PLANNED]
        if self.position >= len(self.steps):
            return ahead
        step = self.current
        mute = step.state is StepState.REACHED and step.accepted_after is None and step.by_hand_at is None
        if mute and step.channels and workflow.patched("a-mute-rung-comes-again"):
            return [step, *ahead]
        return ahead

    async def fall_silent(self) -> None:
        """Wait for calls that are under way; begin no new one."""
        await self.bringer.fall_silent()

    async def _reached(self, step: PlannedStep) -> bool:
        """Wait until the step may speak. False means: look again, its date or its turn has changed."""
        await self._enter(self.stages.climbing, self._holder_before(step), step.at)
        woke = await self.desk.sleep(
            lambda: step.at, lambda: self.stopped() or step.skipped, f"rung {step.name}"
        )
        if woke is Woke.STOPPED:
            return False
        now = self.desk.now()
        opening, _ = next_opening(now, self.window, self.calendar, self.reach.zone)
        if opening > now and now > step.at:
            # The worker was away and came back outside the window: the step keeps its turn, not its date.
            await self.replan(opening, "came back outside the sending window", include_current=True)
            return False
        return True

    async def _speak(self, step: PlannedStep) -> None:
        """Send the step's notice over its channels; return when its wait may begin."""
        step.state = StepState.REACHED
        self.show()
        real_start = workflow.now() - self._lateness(step)
        await self.desk.record(EventDraft(EventKind.RUNG_REACHED, step.show() | {"round": self.round}))
        if not step.channels:
            step.state = StepState.NOTHING_SENT
            await self.desk.record(_nothing_sent(step, "no channel reaches the audience"))
            return
        prepared = await self.bringer.prepare(step, step.channels)
        if prepared.refused is not None:
            await self._stay_locked(step, prepared.refused)
            return
        step.last.update({d.channel: d for d in prepared.deliveries if d.channel in BY_HAND})
        calls = [d for d in prepared.deliveries if d.channel not in BY_HAND and not d.accepted]
        step.untried = len(calls)
        for call in calls:
            self.bringer.begin(step, call, real_start)
        by_hand = next((c for c in step.channels if c in BY_HAND), None)
        if by_hand is not None:
            await self._wait_for_hand(step, by_hand)
        elif calls:
            await self._wait_for_first(step)
        else:
            step.accepted_after = workflow.now() - real_start

    async def _stay_locked(self, step: PlannedStep, because: str) -> None:
        """Pass over a public notice that is not allowed yet; the next rung comes at once."""
        step.state = StepState.NOTHING_SENT
        await self.desk.record(_nothing_sent(step, because), alarm="public_notice_locked")
        await self.move_end(step, min(self.desk.now(), step.waits_until), because)

    async def _wait_for_first(self, step: PlannedStep) -> None:
        """Wait until one channel has accepted, all have failed for good, or the rung's time is over.

        The in-system inbox does not count here: it accepts always, also while nothing reaches the person.
        However short the rung, every channel is tried once.
        """

        def settled() -> bool:
            return step.accepted_after is not None or not step.open_deliveries or self.over(step)

        await workflow.wait_condition(lambda: settled() or not step.untried)
        await self.desk.sleep(
            lambda: None if step.held_back else _first_due(step),
            settled,
            f"first delivery of {step.name}",
        )

    async def _wait_for_hand(self, step: PlannedStep, channel: Channel) -> None:
        """Wait until HR records what only HR can do; raise an alarm when its time is over."""
        stage, wait = self.stages.by_hand[channel]
        due, _ = wait_end(step.at, wait, self.calendar, self.reach.zone)
        step.hand_due = due
        task = TaskDraft(f"{self.round}.{step.name}", BY_HAND[channel], Role.HR, due)
        await self._enter(stage, Role.HR, due, task=task)

        def recorded() -> bool:
            return step.by_hand_at is not None or self.over(step)

        if (
            await self.desk.sleep(lambda: step.hand_due, recorded, f"{BY_HAND[channel]} of {step.name} due")
            is Woke.DUE
        ):
            await self.desk.record(alarm=f"{BY_HAND[channel]}_overdue")
            await self.desk.sleep(lambda: None, recorded, "")

    async def _listen(self, step: PlannedStep) -> None:
        """Wait for an answer until the rung's time is over."""
        if self.stopped() or step.state is not StepState.REACHED:
            await self._after_silence(step)
            return
        begun = self._wait_begins(step)
        if begun is None:
            step.state = StepState.NOTHING_SENT
            await self.desk.record(_nothing_sent(step, "no channel accepted the message"))
            await self.move_end(step, min(self.desk.now(), step.waits_until), "nothing could be sent")
            return
        step.waits_from = begun
        await self.move_end(step, self.wait_end(step), "the wait began later than planned")
        await self._enter(self.stages.climbing, _HOLDERS[step.rung.audience], step.waits_until)
        summary = f"wait for an answer to {step.name}"
        await self.desk.sleep(
            lambda: step.waits_until,
            lambda: self.over(step) or self._letter_failed(step) is not None,
            summary,
        )
        because = self._letter_failed(step)
        if because is not None and not self.over(step) and workflow.patched("a-weak-letter-ends-its-wait"):
            # HR may have put the next step off; that word holds.
            now = self.desk.now().astimezone(step.at.tzinfo)
            await self.move_end(step, max(now, step.put_off_until or now), because)
            await self.desk.sleep(lambda: step.waits_until, lambda: self.over(step), summary)
        await self._after_silence(step)

    async def _after_silence(self, step: PlannedStep) -> None:
        if self.stopped():
            return
        if step.state is StepState.SKIPPED:
            await self.replan(self.desk.now(), "a step was skipped")
        elif step.state is StepState.REACHED:
            step.state = StepState.DONE
        self.desk.changed()

    # -- dates --------------------------------------------------------------------------------------------

    def _plan_all(self, start: datetime) -> None:
        planned = plan(LadderPolicy(self.rungs, self.window), self.calendar, start, self.reach)
        self.desk.state.provisional = planned.provisional
        self.steps = [
            PlannedStep(name, rung, s.at, s.waits_until, s.channels)
            for name, rung, s in zip(self.names, self.rungs, planned.steps, strict=True)
        ]
        self.show()

    async def replan(self, start: datetime, because: str, *, include_current: bool = False) -> None:
        """Plan the rest of the ladder again from `start` by the same planner, and record what moved."""
        await self._record_moves(self._plan_ahead(start, include_current=include_current), because)

    def _plan_ahead(self, start: datetime, *, include_current: bool = False) -> list[dict[str, Any]]:
        """Plan the steps that have not spoken yet from `start` on; return what moved."""
        first = self.position if include_current else self.position + 1
        ahead = [s for s in self.steps[first:] if s.state is StepState.PLANNED]
        planned = plan(
            LadderPolicy(tuple(s.rung for s in ahead), self.window), self.calendar, start, self.reach
        )
        moves = []
        for step, new in zip(ahead, planned.steps, strict=True):
            if (step.at, step.waits_until, step.channels) != (new.at, new.waits_until, new.channels):
                old = step.show()
                step.at, step.waits_until, step.channels = new.at, new.waits_until, new.channels
                moves.append(_move(old, step))
        self.desk.state.provisional = planned.provisional
        self.desk.changed()
        return moves

    async def adopt_calendar(self, calendar: WorkCalendar) -> None:
        """Plan again after a year was published: the running wait, then everything behind it."""
        self.calendar = calendar
        because = "a calendar year was published"
        if self.position >= len(self.steps):
            return
        step = self.current
        if step.state is StepState.PLANNED:
            await self.replan(step.at, because, include_current=True)
            return
        end = step.waits_until if step.waits_from is None else self.wait_end(step)
        if end == step.waits_until:
            await self.replan(end, because)
        else:
            await self.move_end(step, end, because)

    async def shift(self, by: timedelta) -> None:
        """Move the running wait after a pause, and everything behind it."""
        if self.position >= len(self.steps):
            return
        step = self.current
        if step.state is StepState.REACHED:
            if step.waits_from is not None:
                step.waits_from += by
            if step.hand_due is not None:
                step.hand_due += by
            end = step.waits_until + by
            await self.move_end(step, min(end, self.latest) if self.latest else end, "the case was paused")
        elif step.state is StepState.PLANNED and step.at < self.desk.now():
            await self.replan(self.desk.now(), "the case was paused", include_current=True)

    async def skip(self, name: str, event: EventDraft) -> None:
        """Pass over the named step; the one that is being waited for ends its wait now."""
        step = next(s for s in self.steps if s.name == name)
        step.state = StepState.SKIPPED
        self.show()
        await self.desk.record(event)
        # The climb may have ended while this was written.
        if self.position < len(self.steps) and step is not self.current:
            await self.replan(self.current.waits_until, "a step was skipped")
        self.desk.changed()

    async def jump(self, name: str, event: EventDraft) -> None:
        """Go to the named step now; everything between here and there is passed over."""
        target = next(i for i, step in enumerate(self.steps) if step.name == name)
        for step in self.steps[self.position : target]:
            if step.state in {StepState.PLANNED, StepState.REACHED}:
                step.state, step.passed_over = StepState.SKIPPED, True
        self.show()
        await self.desk.record(event)
        await self.replan(self.desk.now(), "HR went on to a later step", include_current=True)
        self.desk.changed()

    async def snooze(self, until: datetime, event: EventDraft) -> None:
        """Let nothing more happen before `until`: the running wait lasts, or the step comes, until then."""
        await self.desk.record(event)
        if self.position >= len(self.steps):
            return
        step, because = self.current, "HR put the next step off"
        until = until.astimezone(step.at.tzinfo)
        if step.state is StepState.PLANNED:
            await self.replan(until, because, include_current=True)
        elif step.hand_due is not None and step.waits_from is None:
            step.hand_due = until
            self.desk.changed()
        else:
            step.put_off_until = until
            await self.move_end(step, until, because)

    async def resend(self, event: EventDraft) -> None:
        """Bring the notice of the running step again, over every channel that it used; the wait stays."""
        step = self.current
        await self.desk.record(event)
        real_start = workflow.now()
        for channel, delivery in sorted(step.last.items()):
            if channel in step.taken:
                step.taken.discard(channel)
                again = await self.bringer.next_attempt(step, delivery, resent=True)
                self.bringer.begin(step, again, real_start, at_once=False)

    async def adopt_reach(self, reach: Reach, event: EventDraft) -> None:
        """Plan the steps that have not spoken again, with who can be reached now."""
        self.reach = reach
        await self.desk.record(event)
        if self.position >= len(self.steps):
            return
        step = self.current
        planned = step.state is StepState.PLANNED
        start = max(step.at, self.desk.now()) if planned else step.waits_until
        await self.replan(start, "HR planned again", include_current=planned)

    def take_report(self, report: ReceiptReport) -> None:
        """Take in what became of a message after it was accepted, or that its address is not the person's."""
        self.bringer.take_report(report)

    def released(self) -> None:
        """Try again what a stop of all sending has held."""
        self.releases += 1
        self.desk.changed()

    def can_snooze(self, until: datetime) -> bool:
        """Say whether `until` would put the next step off."""
        if self.position >= len(self.steps):
            return False
        step = self.current
        if step.state is StepState.PLANNED:
            return until > step.at
        end = step.hand_due if step.hand_due is not None and step.waits_from is None else step.waits_until
        return step.state is StepState.REACHED and until > end

    def names_ahead(self) -> tuple[str, ...]:
        """Return the steps that one can jump to: those behind the current one."""
        ahead = self.steps[self.position + 1 :]
        return tuple(s.name for s in ahead if s.state is StepState.PLANNED)

    def can_resend(self) -> bool:
        """Say whether the current step has sent something that can be sent again."""
        if self.position >= len(self.steps):
            return False
        step = self.current
        return step.state is StepState.REACHED and bool(step.taken)

    async def move_end(self, step: PlannedStep, end: datetime, because: str) -> None:
        """Set the end of the step's wait; when it moves, plan the rest from there."""
        if end == step.waits_until:
            self.show()
            return
        old = step.show()
        if self.desk.state.due_at == step.waits_until and step.waits_from is not None:
            self.desk.state.due_at = end
        step.waits_until = end
        self.desk.changed()
        # All dates move before anything is written: the wait may be over, and the climb go on, meanwhile.
        ahead = self._plan_ahead(end)
        await self._record_moves([_move(old, step)], because)
        await self._record_moves(ahead, because)

    async def _record_moves(self, moves: list[dict[str, Any]], because: str) -> None:
        self.show()
        if moves:
            body = {"because": because, "round": self.round, "changes": moves}
            await self.desk.record(EventDraft(EventKind.PLAN_CHANGED, body))

    def wait_end(self, step: PlannedStep) -> datetime:
        """Return when the step's wait ends, counted from the instant at which it began."""
        assert step.waits_from is not None  # noqa: S101  callers set it first
        end, _ = wait_end(step.waits_from, step.rung.wait, self.calendar, self.reach.zone)
        if self.latest is not None and end > self.latest and workflow.patched("no-wait-beyond-the-latest"):
            end = self.latest
        return end if step.put_off_until is None else max(end, step.put_off_until)

    def _wait_begins(self, step: PlannedStep) -> datetime | None:
        """Return the instant from which the wait counts; None when nothing was accepted or recorded."""
        if step.by_hand_at is not None:
            return max(step.by_hand_at, step.at)
        if step.accepted_after is None:
            return None
        return step.at if step.accepted_after <= IN_TIME else step.at + step.accepted_after

    def _letter_failed(self, step: PlannedStep) -> str | None:
        """Say why the step's letter is a weak result; None while it is none."""
        letter = step.last.get(Channel.COURIER)
        report = None if letter is None else self.bringer.report_of(letter)
        return None if report is None else why_the_wait_ended(report.code)

    def _lateness(self, step: PlannedStep) -> timedelta:
        """Return how long after its planned instant the step began, in real time."""
        clock = self.desk.state.clock
        return timedelta(0) if clock.lapse else max(self.desk.now() - step.at, timedelta(0))

    def _holder_before(self, step: PlannedStep) -> Role:
        """Say who has the ball until this step: whoever the step before was waiting for."""
        if self.position == 0:
            return Role.EMPLOYEE
        return _HOLDERS[self.steps[self.position - 1].rung.audience]

    def over(self, step: PlannedStep) -> bool:
        """Say whether nothing more is to be done for a step."""
        return self.stopped() or step.state in {StepState.SKIPPED, StepState.DONE, StepState.NOTHING_SENT}

    def show(self) -> None:
        """Put the steps where lists, pages and operators see them."""
        self.desk.state.steps = [step.show() for step in self.steps]

    async def _enter(self, stage: str, holder: Role, due: datetime, *, task: TaskDraft | None = None) -> None:
        self.show()
        state = self.desk.state
        if (state.stage, state.holder, state.due_at) != (stage, holder, due) or task is not None:
            await self.desk.move_to(stage, holder, due, task=task)


_HOLDERS = {
    Audience.EMPLOYEE: Role.EMPLOYEE,
    Audience.EMERGENCY_CONTACT: Role.EMPLOYEE,
    Audience.MANAGER: Role.MANAGER,
    Audience.HR: Role.HR,
    Audience.LEGAL: Role.LEGAL,
}
"""Who has the ball while a rung waits; a relative owes us nothing, the employee does."""


def _first_due(step: PlannedStep) -> datetime:
    """Return the instant at which a rung that nobody has accepted gives up."""
    return max(step.waits_until, step.at + IN_TIME, step.patience or step.at)


def _nothing_sent(step: PlannedStep, because: str) -> EventDraft:
    return EventDraft(EventKind.NOTICE_NOTHING_SENT, {"step": step.name, "because": because})


def _move(old: dict[str, Any], step: PlannedStep) -> dict[str, Any]:
    new = step.show()
    return {
        "step": step.name,
        "old_at": old["at"],
        "new_at": new["at"],
        "old_waits_until": old["waits_until"],
        "new_waits_until": new["waits_until"],
    }
