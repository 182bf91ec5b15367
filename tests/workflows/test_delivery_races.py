"""Stories about reports, acts and retries that meet each other."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from countersign.adapters.database.stops import StopScope
from countersign.contracts.cases import ActKind
from countersign.contracts.sending import ChannelError, OutcomeState
from countersign.domain.receipts import DeliveryState
from tests.support.company import failed
from tests.support.story import at, story
from tests.workflows.test_delivery import (
    ENDED,
    SKIP_REMINDER,
    TEXT_THEN_RELATIVE,
    noticed,
    policy,
    report,
    rung,
    step,
)


async def test_the_last_step_can_be_skipped_while_its_message_is_tried_again(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        sms: Any = s.parts.sms
        sms.answers += [failed(OutcomeState.FAILED_TEMPORARY, "sms_not_connected")] * 40
        await noticed(s, policy(rung("first_notice", "sms")))
        assert await s.act(ActKind.SKIP, step="first_notice", reason="spoke on the phone") == "settled"
        assert s.row()["outcome"] == "exhausted"


async def test_a_message_settled_by_a_report_and_failed_by_the_next_one_is_followed_by_mail(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        sms: Any = s.parts.sms
        sms.answers += [failed(OutcomeState.UNKNOWN, "sms_no_reply")]
        await s.start(ENDED, policy=TEXT_THEN_RELATIVE, overdue=SKIP_REMINDER)
        await s.until(at("02-25 09:00") + timedelta(seconds=30))
        await report(s, 0, DeliveryState.SENT)
        await s.until(at("02-25 09:10"))
        await report(s, 0, DeliveryState.FAILED_PERMANENT, "30005")
        assert len(s.mails) == 1


async def test_a_message_that_arrived_after_a_passing_failure_is_not_sent_again(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await noticed(s, TEXT_THEN_RELATIVE)
        await report(s, 0, DeliveryState.FAILED_TEMPORARY, "30003")
        await report(s, 0, DeliveryState.DELIVERED)
        await s.until(s.now + timedelta(minutes=30))
        assert len(s.sms) == 1


async def test_an_answer_closes_the_case_while_the_provider_gives_no_list(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        sms: Any = s.parts.sms
        sms.answers += [failed(OutcomeState.UNKNOWN, "sms_no_reply")]

        async def no_list(*_: object) -> None:
            raise ChannelError("20003")

        sms.find = no_list
        await s.start(ENDED, policy=policy(rung("first_notice", "sms", "email")), overdue=SKIP_REMINDER)
        await s.until(at("02-25 09:05"))
        assert await s.act(ActKind.BACK, on="2026-02-25") == "accepted"
        await asyncio.sleep(3)
        await s.settle()
        assert s.row()["outcome"] == "back"


async def test_a_rung_ends_in_time_while_the_provider_gives_no_list(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        sms: Any = s.parts.sms
        sms.answers += [failed(OutcomeState.UNKNOWN, "sms_no_reply")]

        async def no_list(*_: object) -> None:
            raise ChannelError("20003")

        sms.find = no_list
        short = rung("first_notice", "sms") | {"wait": {"value": 1, "unit": "hours"}}
        await s.start(ENDED, policy=policy(short, rung("second", "email")), overdue=SKIP_REMINDER)
        await s.until(at("02-25 10:05"))
        assert len(s.mails) == 1


async def test_a_step_put_off_while_it_is_held_back_stays_put_off(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        stop = s.parts.stops.set(StopScope.COMPANY, None, "wrong template", "hr")
        await noticed(s, policy(rung("first_notice", "sms"), rung("second_reminder", "sms")))
        until = at("03-20 15:00").isoformat()
        assert await s.act(ActKind.SNOOZE, until=until, reason="in hospital") == "settled"
        s.parts.stops.release(stop.id, "hr", None)
        await s.parts.dispatcher.drain_outbox()
        await s.settle()
        assert len(s.sms) == 1
        assert step(s, 0)["waits_until"].startswith("2026-03-20T15:00")


async def test_a_snooze_shows_the_new_due_time(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await noticed(s, policy(rung("first_notice", "sms"), rung("second_reminder", "sms")))
        assert await s.act(ActKind.SNOOZE, until=at("03-20 15:00").isoformat(), reason="x") == "settled"
        assert str(s.row()["due_at"]).startswith("2026-03-20")


async def test_not_me_through_an_older_link_moves_the_running_step_on(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await noticed(s, policy(rung("first_notice", "sms"), rung("second_reminder", "sms")))
        await s.until(at("03-02 09:05"))
        assert len(s.sms) == 2
        assert await s.answer(ActKind.NOT_ME, delivery=0) == "accepted"
        await s.parts.dispatcher.drain_outbox()
        await s.settle()
        assert len(s.mails) == 1


async def test_sending_again_what_a_stop_still_holds_sends_it_once(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        stop = s.parts.stops.set(StopScope.COMPANY, None, "wrong template", "hr")
        await noticed(s, policy(rung("first_notice", "sms")))
        _ = await s.act(ActKind.RESEND, reason="nothing came")
        s.parts.stops.release(stop.id, "hr", None)
        await s.parts.dispatcher.drain_outbox()
        await s.settle()
        assert len(s.sms) == 1


async def test_what_may_have_left_under_at_most_once_does_not_drive_the_ladder_on(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        sms: Any = s.parts.sms
        sms.answers += [failed(OutcomeState.UNKNOWN, "sms_no_reply")]

        async def knows_of_nothing(*_: object) -> None:
            return None

        sms.find = knows_of_nothing
        rules = policy(
            rung("emergency_contact", "sms", audience="emergency_contact"),
            rung("second_reminder", "email"),
            on_unknown="at_most_once",
        )
        await noticed(s, rules)
        await s.until(at("02-25 10:00"))
        assert s.mails == []


async def test_a_reminder_that_leaves_late_does_not_delay_the_notice(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-09 08:00")) as s:
        stop = s.parts.stops.set(StopScope.COMPANY, None, "wrong template", "hr")
        await s.start(ENDED)
        await s.until(at("02-20 10:00"))
        s.parts.stops.release(stop.id, "hr", None)
        await s.parts.dispatcher.drain_outbox()
        await s.settle()
        await s.until(at("02-25 09:05"))
        assert s.stage() == "ladder", (s.stage(), s.row()["steps"])


async def test_a_letter_that_was_not_posted_comes_again_after_a_review(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        rules = policy(rung("first_notice", "sms"), rung("paper_notice", "courier"), rung("last", "sms"))
        await noticed(s, rules)
        await s.until(at("03-02 10:00"))
        assert s.stage() == "posting_due", s.stage()
        assert await s.answer(ActKind.OBJECTED) == "accepted"
        assert await s.act(ActKind.OBJECTION_ANSWERED, reason="no") == "settled"
        assert "paper_notice" in [one["step"] for one in s.row()["steps"]]
