"""Stories about messages that do not arrive, are held, or are steered by HR."""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import select

from countersign.adapters.database.receipts import Receipt
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.stops import StopScope
from countersign.adapters.database.tables import Person
from countersign.contracts.cases import ActKind
from countersign.contracts.sending import OutcomeState
from countersign.domain.receipts import DeliveryState
from tests.support.company import EMAIL, PHONE, failed
from tests.support.story import Story, at, story

MINUTE = timedelta(minutes=1)
SCOPE = Scope()
ENDED = date(2026, 2, 20)
SKIP_REMINDER = {"before_end": "skip"}


def policy(*rungs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "delivery", "sending_window": WINDOW, "rungs": list(rungs), **more}


def rung(name: str, *channels: str, audience: str = "employee", days: int = 3) -> dict[str, Any]:
    wait = {"value": days, "unit": "calendar_days"}
    return {"name": name, "audience": audience, "channels": list(channels), "wait": wait}


WINDOW = {"days": "working", "from": "09:00", "to": "18:00"}
TEXT_THEN_RELATIVE = policy(
    rung("first_notice", "sms"),
    rung("emergency_contact", "sms", audience="emergency_contact"),
    rung("on_site_check", "in_system", audience="hr"),
)


async def noticed(s: Story, rules: dict[str, Any]) -> None:
    """Start a case whose first notice leaves on Wednesday 02-25 at 09:00."""
    await s.start(ENDED, policy=rules, overdue=SKIP_REMINDER)
    await s.until(at("02-25 09:00") + MINUTE)


async def report(s: Story, delivery: int, state: DeliveryState, code: str | None = None) -> None:
    """Let the carrier report on the n-th delivery, and let the report reach its case."""
    rows = [d["id"] for n in s.view()["notices"] for d in n["deliveries"] if d["channel"] != "in_system"]
    await asyncio.to_thread(s.parts.receipts.take, Receipt(state, rows[delivery], code=code))
    await s.parts.dispatcher.drain_outbox()
    await s.settle()


def step(s: Story, number: int) -> dict[str, Any]:
    return dict(s.row()["steps"][number])


async def test_a_dead_number_is_followed_by_mail_at_once_and_a_dead_mailbox_by_the_next_rung(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await noticed(s, TEXT_THEN_RELATIVE)
        assert s.sent_at() == ["02-25 09:00 first_notice sms"]
        await s.until(at("02-25 11:00"))
        await report(s, 0, DeliveryState.FAILED_PERMANENT, "30005")
        assert [line[6:] for line in s.sent_at()] == ["09:00 first_notice sms", "11:00 first_notice email"]
        # The wait counts from the message that could arrive; everything behind it moves along.
        assert step(s, 0)["waits_until"].startswith("2026-02-28T11:00")
        assert step(s, 0)["channels"] == ["sms", "email"]
        assert "another channel" in s.events("plan.changed")[1]["body"]["because"]
        await s.until(at("02-25 14:00"))
        await report(s, 1, DeliveryState.FAILED_PERMANENT, "mail_5.1.1")
        assert [line[6:] for line in s.sent_at()][2:] == ["14:00 emergency_contact sms"]
        assert [a["kind"] for a in s.parts.views.alarms(SCOPE, 10)].count("undelivered") == 2


async def test_a_mail_that_takes_the_place_of_a_dead_number_at_night_waits_for_the_morning(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await noticed(s, TEXT_THEN_RELATIVE)
        await s.until(at("02-25 22:00"))
        await report(s, 0, DeliveryState.FAILED_PERMANENT, "30005")
        assert s.mails == []
        await s.until(at("02-26 09:00") + MINUTE)
        assert s.sent_at()[1:] == ["02-26 09:00 first_notice email"]
        assert step(s, 0)["waits_until"].startswith("2026-03-01T09:00")


async def test_one_dead_channel_of_two_changes_nothing_while_the_other_lives(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await noticed(s, policy(rung("first_notice", "sms", "email"), rung("second_reminder", "sms")))
        before = s.row()["steps"]
        await report(s, 0, DeliveryState.FAILED_PERMANENT, "30005")
        assert s.row()["steps"] == before
        assert len(s.sent_at()) == 2


async def test_a_switched_off_phone_is_tried_three_times_before_the_mail_goes(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await noticed(s, TEXT_THEN_RELATIVE)
        for number, minutes in enumerate((10, 60, 180)):
            await report(s, number, DeliveryState.FAILED_TEMPORARY, "30003")
            assert len(s.sms) == number + 1
            await s.until(s.now + timedelta(minutes=minutes) + MINUTE)
            assert len(s.sms) == number + 2
        assert s.mails == []
        await report(s, 3, DeliveryState.FAILED_TEMPORARY, "30003")
        assert len(s.sms) == 4
        assert [mail.to for mail in s.mails] == [EMAIL]


async def test_a_late_delivered_after_all_is_believed_and_nothing_is_unsent(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await noticed(s, TEXT_THEN_RELATIVE)
        await report(s, 0, DeliveryState.FAILED_PERMANENT, "30005")
        await report(s, 0, DeliveryState.DELIVERED)
        states = [d["state"] for n in s.view()["notices"] for d in n["deliveries"]]
        assert states == ["delivered", "sent"]


async def test_not_me_moves_on_to_the_next_address_and_leaves_the_wrong_one_alone(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await noticed(s, policy(rung("first_notice", "sms"), rung("second_reminder", "sms", "email")))
        assert await s.answer(ActKind.NOT_ME) == "accepted"
        assert [mail.to for mail in s.mails] == [EMAIL]
        await s.until(at("03-06 12:00"))
        assert [sms.to for sms in s.sms] == [PHONE]
        assert "delivery.suppressed" in s.kinds()


async def test_a_relative_who_wants_no_messages_ends_that_rung(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        rules = policy(
            rung("emergency_contact", "sms", audience="emergency_contact"), rung("second_reminder", "email")
        )
        await noticed(s, rules)
        assert await s.answer(ActKind.NOT_ME) == "accepted"
        assert [line[6:] for line in s.sent_at()] == [
            "09:00 emergency_contact sms",
            "09:01 second_reminder email",
        ]


async def test_a_stop_of_all_sending_holds_everything_and_its_release_plans_again(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        stop = s.parts.stops.set(StopScope.COMPANY, None, "wrong template", "hr")
        await noticed(s, policy(rung("first_notice", "sms"), rung("second_reminder", "sms")))
        await s.until(at("03-03 10:00"))
        assert s.sms == []
        assert step(s, 0)["state"] == "reached"
        held = [e for e in s.events("notice.nothing_sent") if e["body"]["because"] == "sending_stopped"]
        days = {event["at"][:10] for event in held}
        assert len(held) == len(days) > 1
        assert s.parts.stops.all(None)[0].held == 1
        s.parts.stops.release(stop.id, "hr", None)
        await s.parts.dispatcher.drain_outbox()
        await s.settle()
        assert [line[:5] for line in s.sent_at()] == ["03-03"]
        assert step(s, 0)["waits_until"].startswith("2026-03-06T10:0")
        assert step(s, 1)["at"].startswith("2026-03-06T10:0")
        await s.until(at("03-06 10:05"))
        assert len(s.sms) == 2


async def test_a_stop_of_one_provider_lets_the_others_speak(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        s.parts.stops.set(StopScope.PROVIDER, "smtp", "the relay is listed as spam", "hr")
        # Four days, so that the wait ends on a Sunday: the test server loses a workflow task in which a timer
        # is moved at the very instant in which it fires.
        await noticed(s, policy(rung("first_notice", "sms", "email", days=4), rung("second_reminder", "sms")))
        assert s.sent_at() == ["02-25 09:00 first_notice sms"]
        await s.until(at("03-02 09:05"))
        assert [line[6:] for line in s.sent_at()] == ["09:00 first_notice sms", "09:00 second_reminder sms"]


async def test_the_second_message_of_a_day_waits_for_tomorrow_when_one_is_allowed(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00"), person_daily_cap=1) as s:
        await noticed(s, policy(rung("first_notice", "sms", "email"), rung("second_reminder", "sms")))
        assert len(s.sent_at()) == 1
        await s.until(at("02-26 08:59"))
        assert len(s.sent_at()) == 1
        await s.until(at("02-26 09:00") + MINUTE)
        assert len(s.sent_at()) == 2
        assert [a["kind"] for a in s.parts.views.alarms(SCOPE, 10)] == ["cap_of_person"]


async def test_hr_puts_the_next_step_off_and_it_comes_then(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await noticed(s, policy(rung("first_notice", "sms"), rung("second_reminder", "sms")))
        until = at("03-05 15:00").isoformat()
        refused = await s.act(ActKind.SNOOZE, until=at("02-26 09:00").isoformat(), reason="too early")
        assert refused.startswith("refused: until: must be later")
        assert await s.act(ActKind.SNOOZE, until=until, reason="in hospital until Thursday") == "settled"
        await s.until(at("03-05 14:59"))
        assert len(s.sms) == 1
        await s.until(at("03-05 15:00") + MINUTE)
        assert s.sent_at()[1:] == ["03-05 15:00 second_reminder sms"]
        assert s.events("rung.snoozed")[0]["body"]["reason"] == "in hospital until Thursday"


async def test_hr_goes_on_to_a_later_step_at_once(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        rules = policy(
            rung("first_notice", "sms"), rung("second_reminder", "sms"), rung("last_reminder", "sms", "email")
        )
        await noticed(s, rules)
        assert (await s.act(ActKind.JUMP, step="first_notice", reason="x")).startswith("refused: step:")
        assert await s.act(ActKind.JUMP, step="last_reminder", reason="the matter is urgent") == "settled"
        assert [line[6:] for line in s.sent_at()][1:] == [
            "09:01 last_reminder email",
            "09:01 last_reminder sms",
        ]
        assert [one["state"] for one in s.row()["steps"]] == ["skipped", "skipped", "reached"]
        await s.until(at("03-01 12:00"))
        assert s.row()["outcome"] == "exhausted"


async def test_a_jump_before_the_first_step_does_not_wait_for_it(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(
            ENDED, policy=policy(rung("first_notice", "sms"), rung("last", "email")), overdue=SKIP_REMINDER
        )
        await s.until(at("02-24 19:00"))
        assert s.stage() == "ladder"
        assert await s.act(ActKind.JUMP, step="last", reason="no phone any more") == "settled"
        await s.until(at("02-25 09:00") + MINUTE)
        assert s.sent_at() == ["02-25 09:00 last email"]


async def test_hr_sends_the_running_notice_again_and_the_wait_stays(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await noticed(s, policy(rung("first_notice", "sms"), rung("second_reminder", "sms")))
        before = step(s, 0)["waits_until"]
        await s.until(at("02-26 10:00"))
        assert await s.act(ActKind.RESEND, reason="the person lost the phone") == "settled"
        assert [line[:11] for line in s.sent_at()] == ["02-25 09:00", "02-26 10:00"]
        assert step(s, 0)["waits_until"] == before
        assert s.sms[0].delivery_code != s.sms[1].delivery_code
        kept = s.events("delivery.sending")
        assert [event["body"]["attempt"] for event in kept] == [1, 2]
        assert not any(event["body"]["possible_duplicate"] for event in kept)


async def test_hr_plans_again_after_the_contact_data_were_mended(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        _set_email(s, None)
        await noticed(s, policy(rung("first_notice", "sms"), rung("second_reminder", "email")))
        assert step(s, 1)["channels"] == []
        _set_email(s, "new.address@example.com")
        assert await s.act(ActKind.REPLAN, reason="the mail address is known now") == "settled"
        assert step(s, 1)["channels"] == ["email"]
        await s.until(at("03-02 09:00") + MINUTE)
        assert [mail.to for mail in s.mails] == ["new.address@example.com"]


async def test_a_policy_that_sends_at_most_once_leaves_an_unknown_end_to_hr(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        s.parts.mailer.answers += [failed(OutcomeState.UNKNOWN, "smtp_no_reply")]  # type: ignore[attr-defined]
        await noticed(s, policy(rung("first_notice", "email", "sms"), on_unknown="at_most_once"))
        await s.until(at("02-25 10:00"))
        assert len(s.mails) == 1
        assert [a["kind"] for a in s.parts.views.alarms(SCOPE, 10)] == ["unknown_end"]
        states = {d["channel"]: d["state"] for n in s.view()["notices"] for d in n["deliveries"]}
        assert states == {"email": "unknown", "sms": "sent"}


async def test_a_report_settles_a_message_that_may_have_left_before_it_is_looked_for(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        s.parts.sms.answers += [failed(OutcomeState.UNKNOWN, "sms_no_reply")]  # type: ignore[attr-defined]
        await s.start(ENDED, policy=TEXT_THEN_RELATIVE, overdue=SKIP_REMINDER)
        await s.until(at("02-25 09:00") + timedelta(seconds=30))
        assert [d["state"] for n in s.view()["notices"] for d in n["deliveries"]] == ["unknown"]
        await report(s, 0, DeliveryState.DELIVERED)
        assert s.events("delivery.settled")[0]["body"]["state"] == "delivered"
        await s.until(at("02-25 10:00"))
        assert len(s.sms) == 1


def _set_email(s: Story, email: str | None) -> None:
    with s.parts.database.transaction() as session:
        session.exec(select(Person)).one().email = email


async def test_a_provider_that_fails_for_hours_and_knows_of_nothing_gets_the_message_in_the_end(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        sms: Any = s.parts.sms
        sms.answers += [failed(OutcomeState.UNKNOWN, "sms_server_error")] * 8

        async def knows_of_nothing(*_: object) -> None:
            return None

        sms.find = knows_of_nothing
        await s.start(ENDED, policy=policy(rung("first_notice", "sms")), overdue=SKIP_REMINDER)
        await s.until(at("02-25 17:00"))
        attempts = [d for n in s.view()["notices"] for d in n["deliveries"]]
        assert [d["state"] for d in attempts] == ["unknown"] * 8 + ["sent"]
        assert [d["possible_duplicate"] for d in attempts] == [False] + [True] * 8
