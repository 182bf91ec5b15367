"""Bringing a step's messages to people: try, fall back, wait out what holds them, hear how they ended."""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from temporalio import workflow

from workflows.steps import ADDRESSED, BY_HAND, IN_TIME, PlannedStep

with workflow.unsafe.imports_passed_through():
    from activities.notices import NoticeActivities
    from countersign.contracts.cases import EventDraft
    from countersign.contracts.notices import (
        ABSENT,
        NO_LIST,
        STOPPED,
        NextAttemptOrder,
        NoticeOrder,
        PreparedDelivery,
        PreparedNotice,
        ReceiptReport,
        SendOrder,
        SendResult,
        SendState,
    )
    from countersign.domain.evidence import EventKind
    from countersign.domain.planner import next_opening
    from countersign.domain.policy import Audience, Channel, OnUnknown
    from countersign.domain.receipts import may_retry
    from countersign.retries import (
        HELD_AGAIN_AFTER,
        MOST_UNKNOWN,
        RECORDING,
        SENDING,
        SETTLE_UNKNOWN_AFTER,
        STOPPED_AGAIN_AFTER,
        receipt_again_after,
        send_again_after,
    )

if TYPE_CHECKING:
    from workflows.ladder import Ladder

_ANSWERED = frozenset({"answered", "closed"})
"""Codes of an attempt that was stopped because nothing more is to be said."""


class Bringer:
    """Brings the deliveries of a ladder's steps, each beside whatever else the ladder does."""

    def __init__(self, ladder: "Ladder") -> None:
        self.ladder = ladder
        self._sending: list[asyncio.Task[None]] = []
        self._reports: dict[str, ReceiptReport] = {}

    async def fall_silent(self) -> None:
        """Wait for calls that are under way; begin no new one."""
        await asyncio.gather(*self._sending)
        self._sending.clear()

    def take_report(self, report: ReceiptReport) -> None:
        """Take in what became of a message after it was accepted, or that its address is not the person's."""
        self._reports[report.delivery_id] = report
        self.ladder.desk.changed()

    def report_of(self, delivery: PreparedDelivery) -> ReceiptReport | None:
        """Return the newest report on a delivery."""
        return self._reports.get(delivery.delivery_id)

    async def prepare(self, step: PlannedStep, channels: tuple[Channel, ...]) -> PreparedNotice:
        """Write the step's notice and lay out its deliveries; again with a channel adds that channel."""
        return await workflow.execute_local_activity_method(
            NoticeActivities.prepare_notice,
            NoticeOrder(
                case_id=self.ladder.desk.case_id,
                step=f"{self.ladder.round}.{step.name}",
                template=step.rung.name,
                audience=step.rung.audience,
                channels=channels,
                at=self.ladder.desk.now(),
                answer_by=None if step.channels[0] in BY_HAND else step.waits_until,
                confidential=self.ladder.confidential and step.rung.audience is Audience.EMPLOYEE,
            ),
            summary=f"write {step.name}",
            **RECORDING,
        )

    def begin(
        self, step: PlannedStep, delivery: PreparedDelivery, real_start: datetime, *, at_once: bool = True
    ) -> None:
        """Start to bring one delivery beside whatever else the rung does; unless `at_once`, in the window."""
        step.open_deliveries += 1
        step.last[delivery.channel] = delivery
        self._sending.append(asyncio.create_task(self._deliver(step, delivery, real_start, at_once)))

    async def _deliver(
        self, step: PlannedStep, delivery: PreparedDelivery, real_start: datetime, at_once: bool
    ) -> None:
        """Bring one delivery: until the rung is over, or until it has failed for good."""
        may_begin = at_once or await self._may_try_again(step, timedelta(0))
        failed = await self._until_failed(step, delivery, real_start) if may_begin else False
        last = step.open_deliveries == 1 and not any(c in BY_HAND for c in step.channels)
        # The last channel of the rung has failed: another one speaks at once, or the next rung does.
        if failed and last and not self.ladder.over(step) and workflow.patched("fallback-at-once"):
            await self._fall_back(step, real_start)
        step.open_deliveries -= 1
        if failed is not None:
            self.ladder.desk.changed()

    async def _until_failed(
        self, step: PlannedStep, delivery: PreparedDelivery, real_start: datetime
    ) -> bool | None:
        """Try a channel again and again while that makes sense; say whether another one should be used.

        None stands for a message that was accepted and not reported as failed while the rung lasted.
        """
        tries = unknowns = failures = 0
        answered = False
        while not self.ladder.over(step):
            if self._arrived(delivery):
                result = SendResult(SendState.ACCEPTED)
            else:
                result = await self._try(step, delivery, first=tries == 0)
            tries += 1
            resent = False
            if result.state is SendState.UNKNOWN and self._stays_in_doubt(result, unknowns):
                await self.ladder.desk.record(alarm="unknown_end")
                result = SendResult(SendState.ACCEPTED)
            if result.state is SendState.ACCEPTED:
                step.taken.add(delivery.channel)
                await self._accept(step, real_start)
                report = await self._bad_report(step, delivery)
                if report is None:
                    return None
                failures += 1
                again = report.state is SendState.FAILED_TEMPORARY and may_retry(report.code, failures)
                if not again:
                    break
                rest = receipt_again_after(failures)
            elif result.state is SendState.HELD:
                if not await self._wait_out(step, delivery.channel, result):
                    break
                continue
            elif result.state is SendState.UNKNOWN:
                rest, resent = timedelta(0), True
                if result.code == ABSENT:
                    # The provider's own list knows nothing of it: as good as not sent, however often.
                    rest = send_again_after(tries)
                else:
                    unknowns += 1
                if unknowns >= MOST_UNKNOWN:
                    break
            elif result.state is SendState.FAILED_TEMPORARY:
                rest = send_again_after(tries)
            else:
                answered = result.code in _ANSWERED
                break
            if not await self._may_try_again(step, rest):
                break
            if not self._arrived(delivery):
                delivery = await self.next_attempt(step, delivery, possible_duplicate=resent)
        if answered and workflow.patched("answer-on-its-way"):
            # The answer stands in the books and will arrive here: no rung may be given up before it does.
            await workflow.wait_condition(lambda: self.ladder.over(step))
        return not self.ladder.over(step) and not answered

    def _arrived(self, delivery: PreparedDelivery) -> bool:
        """Say whether a report has told meanwhile that a message did leave."""
        report = self._reports.get(delivery.delivery_id)
        return report is not None and report.state is SendState.ACCEPTED

    def _stays_in_doubt(self, result: SendResult, unknowns: int) -> bool:
        """Say whether a message that may have left is left alone: the wait runs as if it had arrived.

        That is what the policy says, or a second try over a channel without a list has ended like the first.
        """
        if self.ladder.on_unknown is OnUnknown.AT_MOST_ONCE:
            return True
        last = result.code != ABSENT and unknowns + 1 >= MOST_UNKNOWN
        return last and workflow.patched("doubt-counts-as-sent")

    async def next_attempt(
        self,
        step: PlannedStep,
        delivery: PreparedDelivery,
        *,
        possible_duplicate: bool = False,
        resent: bool = False,
    ) -> PreparedDelivery:
        """Lay out the attempt that follows one; it becomes the newest of its channel."""
        again = await workflow.execute_local_activity_method(
            NoticeActivities.next_attempt,
            NextAttemptOrder(
                self.ladder.desk.case_id,
                delivery.delivery_id,
                self.ladder.desk.now(),
                possible_duplicate,
                resent,
            ),
            summary=f"try {delivery.channel} again for {step.name}",
            **RECORDING,
        )
        step.last[again.channel] = again
        return again

    async def _accept(self, step: PlannedStep, real_start: datetime) -> None:
        """Note that a channel has taken the message; one that stands in for another begins the wait anew."""
        if step.fell_back and step.waits_from is not None:
            step.waits_from = self.ladder.desk.now().astimezone(step.at.tzinfo)
            await self.ladder.move_end(step, self.ladder.wait_end(step), "another channel had to be used")
        elif step.accepted_after is None:
            step.accepted_after = workflow.now() - real_start
        step.fell_back = False
        self.ladder.desk.changed()

    async def _bad_report(self, step: PlannedStep, delivery: PreparedDelivery) -> ReceiptReport | None:
        """Wait until a message that was accepted turns out to have failed; None: the rung is over first."""

        def failed() -> bool:
            report = self._reports.get(delivery.delivery_id)
            return report is not None and report.state is not SendState.ACCEPTED

        await workflow.wait_condition(lambda: failed() or self.ladder.over(step))
        return None if self.ladder.over(step) else self._reports.get(delivery.delivery_id)

    async def _fall_back(self, step: PlannedStep, real_start: datetime) -> None:
        """Use the person's next channel; without one the rung has nothing to wait for."""
        channel = next(
            (
                c
                for c in ADDRESSED
                if c not in step.channels and self.ladder.reach.resolve(step.rung.audience, c) is c
            ),
            None,
        )
        if step.waits_from is None:
            step.accepted_after = None
        if channel is None:
            if step.waits_from is not None:
                now = self.ladder.desk.now().astimezone(step.at.tzinfo)
                await self.ladder.move_end(step, now, "no channel could deliver the message")
            return
        step.channels, step.fell_back = (*step.channels, channel), True
        self.ladder.show()
        body = {"because": "a channel failed for good", "step": step.name, "channel": channel.value}
        await self.ladder.desk.record(EventDraft(EventKind.PLAN_CHANGED, body | {"round": self.ladder.round}))
        prepared = await self.prepare(step, (channel,))
        for call in prepared.deliveries:
            if call.channel is channel:
                self.begin(step, call, real_start, at_once=False)

    async def _try(self, step: PlannedStep, delivery: PreparedDelivery, *, first: bool) -> SendResult:
        order = SendOrder(
            self.ladder.desk.case_id, delivery.delivery_id, self.ladder.desk.now(), self._window_closes()
        )
        summary = f"{delivery.channel} to {step.rung.audience} for {step.name}"
        result = await workflow.execute_activity_method(
            NoticeActivities.send_notice, order, summary=summary, **SENDING
        )
        if result.state is SendState.UNKNOWN:
            await self.ladder.desk.rest(
                SETTLE_UNKNOWN_AFTER,
                lambda: self.ladder.stopped() or delivery.delivery_id in self._reports,
                f"settle {summary}",
            )
            result = await workflow.execute_activity_method(
                NoticeActivities.settle_unknown, order, summary=f"settle {summary}", **SENDING
            )
        asked = 0
        while result.code == NO_LIST and not self.ladder.over(step):
            # Nothing is known until the provider gives its list: no other channel and no answer waits for it.
            if first and not asked:
                step.untried -= 1
                self.ladder.desk.changed()
            asked += 1
            await self.ladder.desk.rest(
                send_again_after(asked),
                lambda: self.ladder.over(step) or delivery.delivery_id in self._reports,
                f"settle {summary}",
            )
            result = await workflow.execute_activity_method(
                NoticeActivities.settle_unknown, order, summary=f"settle {summary}", **SENDING
            )
        if first and not asked:
            step.untried -= 1
        return result

    async def _wait_out(self, step: PlannedStep, channel: Channel, held: SendResult) -> bool:
        """Wait until what holds an attempt may be over; False when the rung is over first."""
        if held.code == STOPPED:
            rest = STOPPED_AGAIN_AFTER
        elif held.not_before is not None:
            rest = self.ladder.desk.state.clock.delay_until(held.not_before, workflow.now())
        else:
            return await self._may_try_again(step, HELD_AGAIN_AFTER)
        seen = self.ladder.releases
        step.held_back.add(channel)
        self.ladder.desk.changed()
        await self.ladder.desk.rest(
            rest, lambda: self.ladder.over(step) or self.ladder.releases != seen, f"{step.name} is held back"
        )
        goes_on = await self._may_try_again(step, timedelta(0))
        step.held_back.discard(channel)
        step.patience = self.ladder.desk.now() + IN_TIME
        self.ladder.desk.changed()
        return goes_on

    async def _may_try_again(self, step: PlannedStep, rest: timedelta) -> bool:
        """Rest, then wait until the case runs and the window is open; False when the rung is over first."""
        await self.ladder.desk.rest(rest, lambda: self.ladder.over(step), f"next try of {step.name}")
        while not self.ladder.over(step):
            await workflow.wait_condition(
                lambda: self.ladder.desk.state.paused_at is None or self.ladder.over(step)
            )
            closed_for = self._closed_for()
            if closed_for <= timedelta(0):
                break
            await self.ladder.desk.rest(closed_for, lambda: self.ladder.over(step), "sending window opens")
        return not self.ladder.over(step)

    def _closed_for(self) -> timedelta:
        """Return how long the sending window stays closed; time-lapse has no nights."""
        if self.ladder.desk.state.clock.lapse:
            return timedelta(0)
        now = self.ladder.desk.now()
        return next_opening(now, self.ladder.window, self.ladder.calendar, self.ladder.reach.zone)[0] - now

    def _window_closes(self) -> datetime | None:
        """Return the real instant at which the open window closes; time-lapse has no nights."""
        if self.ladder.window is None or self.ladder.desk.state.clock.lapse:
            return None
        local = self.ladder.desk.now().astimezone(self.ladder.current.at.tzinfo)
        return local.replace(
            hour=self.ladder.window.closes.hour,
            minute=self.ladder.window.closes.minute,
            second=0,
            microsecond=0,
        )
