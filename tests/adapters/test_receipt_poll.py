"""Asking for reports that never came, of the stand-in provider, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from countersign.adapters.database.tables import Delivery
from countersign.adapters.receipt_poll import ReceiptPoll
from countersign.adapters.sms_routes import RoutedSms
from countersign.adapters.twilio_sms import TwilioSms
from countersign.contracts.sending import OutcomeState, SendOutcome
from countersign.domain.destinations import SmsProvider
from countersign.ports import SendTicket
from countersign.sandbox.faults import SmsFault
from countersign.sandbox.server import Sandbox, SandboxSettings, sandbox
from tests.support.outgoing import Outgoing, outgoing

ACCOUNT, TOKEN, SENDER = "AC" + "0" * 32, "a-token-for-tests", "+15005550006"
AFTER = timedelta(minutes=30)
ARRIVES, NO_SUCH_NUMBER, SILENT = "+85291234567", "+85290030005", "+85290030999"


@dataclass
class Post:
    """A company whose texts go to the stand-in, which loses every report."""

    out: Outgoing
    stand_in: Sandbox
    sms: RoutedSms
    poll: ReceiptPoll

    async def send(self, number: str) -> tuple[str, SendOutcome]:
        """Let a text leave for a number; return its delivery and what the provider answered."""
        delivery = self.out.lay_out(self.out.other_person(number, number))
        ticket = self.out.begin(delivery)
        assert isinstance(ticket, SendTicket)
        outcome = await self.sms.send(ticket.message)  # type: ignore[arg-type]
        order = self.out.order(delivery)
        await asyncio.to_thread(self.out.parts.sendings.finish_sending, order, "worker-1", outcome)
        return delivery, outcome

    async def comes_to(self, status: str) -> None:
        """Wait until the newest text stands so at the provider."""
        async with asyncio.timeout(5):
            # The stand-in lives in another task and has no event to wait for.
            while self.stand_in.sms.store.newest()[0].status != status:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def ask(self, **later: float) -> int:
        self.out.later(**later)
        return await self.poll.run()


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    here = SandboxSettings(tmp_path / "sandbox", 0, 0, ACCOUNT, TOKEN, step_seconds=0.01)
    async with sandbox(here) as stand_in:
        stand_in.sms.faults.switch_on(SmsFault.LOSE_CALLBACKS)
        with outgoing(tmp_path / "data") as out:
            # What was sent bears the stand-in's time, so the company lives in it too.
            out.now = datetime.now(UTC)
            way = TwilioSms(ACCOUNT, TOKEN, SENDER, stand_in.url, timeout_s=5)
            sms = RoutedSms({"": SmsProvider.TWILIO}, {SmsProvider.TWILIO: way})
            poll = ReceiptPoll(out.parts.sendings, out.parts.receipts, sms, lambda: out.now, AFTER)
            yield Post(out, stand_in, sms, poll)
            await sms.aclose()


async def test_a_lost_report_is_asked_for_and_kept_like_one_that_came(post: Post) -> None:
    delivery, _ = await post.send(ARRIVES)
    await post.comes_to("delivered")
    assert await post.ask(minutes=30) == 0
    assert post.out.state(delivery) == "sent"
    assert await post.ask(seconds=1) == 1
    row = post.out.row(Delivery, delivery)
    assert (row.state, row.settled_at) == ("delivered", post.out.now)
    assert len(post.out.events("delivery.delivered", row.case_id)) == 1
    assert await post.ask(hours=1) == 0
    assert post.out.row(Delivery, delivery).polls == 1


async def test_a_failure_that_nobody_reported_is_found_with_its_code(post: Post) -> None:
    delivery, _ = await post.send(NO_SUCH_NUMBER)
    await post.comes_to("undelivered")
    assert await post.ask(minutes=31) == 1
    row = post.out.row(Delivery, delivery)
    assert (row.state, row.error_code) == ("failed_permanent", "30005")
    assert row.sentence
    assert post.out.alarms() == ["undelivered"]


async def test_a_carrier_that_never_reports_is_asked_ever_more_seldom_and_then_no_more(post: Post) -> None:
    delivery, _ = await post.send(SILENT)
    await post.comes_to("sent")
    begun, asked = post.out.now, []
    for _ in range(1200):
        before = post.out.row(Delivery, delivery).polls
        assert await post.ask(minutes=10) == 0
        if post.out.row(Delivery, delivery).polls > before:
            asked.append((post.out.now - begun) // timedelta(minutes=10))
        if len(asked) == 4:
            break
    assert asked == [4, 7, 13, 25]  # 30 minutes and a step, then 30, 60 and 120 minutes after the last
    post.out.change(Delivery, delivery, polls=9, ask_at=None)
    await post.ask(days=30)
    assert post.out.row(Delivery, delivery).polls == 9
    assert post.out.state(delivery) == "sent"


async def test_a_text_whose_answer_was_lost_is_found_in_the_list_and_settled(post: Post) -> None:
    post.stand_in.sms.faults.switch_on(SmsFault.DROP_REPLY_AFTER_ACCEPT)
    delivery, outcome = await post.send(SILENT)
    assert outcome.state is OutcomeState.UNKNOWN
    assert (post.out.state(delivery), post.out.row(Delivery, delivery).provider_id) == ("unknown", None)
    await post.comes_to("sent")
    assert await post.ask(minutes=31) == 0
    row = post.out.row(Delivery, delivery)
    assert (row.state, row.provider_id) == ("sent", post.stand_in.sms.store.newest()[0].sid)
    assert [one["state"] for one in post.out.events("delivery.settled", row.case_id)] == ["sent"]


async def test_a_text_that_never_left_is_not_made_out_to_have_left(post: Post) -> None:
    post.stand_in.sms.faults.switch_on(SmsFault.ERROR_500)
    delivery, outcome = await post.send(ARRIVES)
    assert outcome.state is OutcomeState.UNKNOWN
    assert await post.ask(minutes=31) == 0
    assert post.out.state(delivery) == "unknown"
    assert post.out.row(Delivery, delivery).polls == 1


async def test_a_provider_that_is_away_holds_up_nothing_and_is_asked_again(post: Post) -> None:
    first, _ = await post.send(ARRIVES)
    second, _ = await post.send(NO_SUCH_NUMBER)
    await post.comes_to("undelivered")
    post.stand_in.sms.faults.switch_on(SmsFault.DOWN)
    assert await post.ask(minutes=31) == 0
    assert [post.out.row(Delivery, one).polls for one in (first, second)] == [1, 1]
    post.stand_in.sms.faults.clear()
    assert await post.ask(minutes=30) == 2
    assert [post.out.state(one) for one in (first, second)] == ["delivered", "failed_permanent"]


async def test_a_text_that_the_provider_has_forgotten_keeps_the_others_from_nothing(post: Post) -> None:
    forgotten, _ = await post.send(ARRIVES)
    await post.comes_to("delivered")
    post.out.change(Delivery, forgotten, provider_id="SM" + "0" * 32)
    known, _ = await post.send(NO_SUCH_NUMBER)
    await post.comes_to("undelivered")
    assert await post.ask(minutes=31) == 1
    assert [post.out.state(one) for one in (forgotten, known)] == ["sent", "failed_permanent"]
