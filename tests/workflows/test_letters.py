"""Stories about letters that come back, and about the public notice that may speak only after them."""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from countersign.adapters.database.letters import CourierReport
from countersign.adapters.database.receipts import Receipt
from countersign.contracts.cases import ActKind
from countersign.domain.courier import CourierState
from countersign.domain.receipts import DeliveryState
from tests.support.story import HR, Story, at, story

MINUTE = timedelta(minutes=1)
NUMBER = "EA123456789CN"
ENDED = date(2026, 2, 28)


def rung(name: str, *channels: str, days: int = 5) -> dict[str, Any]:
    wait = {"value": days, "unit": "calendar_days"}
    return {"name": name, "audience": "employee", "channels": list(channels), "wait": wait}


def policy(*rungs: dict[str, Any]) -> dict[str, Any]:
    return {"name": "letters", "remind_before": None, "rungs": list(rungs)}


LETTER, TEXT = rung("paper_notice", "courier"), rung("second_reminder", "sms")
PUBLIC = rung("announced", "public_notice", days=30)


async def posted(s: Story, rules: dict[str, Any]) -> None:
    """Start a case whose letter is due on Monday 03-02 at 18:00 and posted on Tuesday at 10:00."""
    await s.start(ENDED, policy=rules)
    await s.until(at("03-02 18:00") + MINUTE)
    await s.until(at("03-03 10:00"))
    early = await s.act(ActKind.POSTED, happened_at=at("03-01 23:59").isoformat())
    assert early.startswith("refused: happened_at: lies before the day on which this notice was made")
    done = {"happened_at": at("03-03 10:00").isoformat(), "courier": "EMS", "tracking_number": NUMBER}
    assert await s.act(ActKind.POSTED, **done) == "settled"


async def reported(s: Story, state: CourierState, words: str | None = None) -> None:
    """Let the courier report what has just happened, and let the report reach its case."""
    report = CourierReport(NUMBER, state, s.now, words)
    await asyncio.to_thread(s.parts.letters.take, report, None, HR)
    await s.parts.dispatcher.drain_outbox()
    if s.row()["state"] != "closed":
        # A query is answered behind the signal: on a busy machine nothing may have moved before it.
        await s.handle.query("stage")
    await s.settle()


def states(s: Story) -> dict[str, str]:
    return {step["step"]: step["state"] for step in s.row()["steps"]}


def letter(s: Story) -> dict[str, Any]:
    found = [d for n in s.view()["notices"] for d in n["deliveries"] if d["channel"] == "courier"]
    return dict(found[0])


async def test_a_refused_letter_brings_the_next_rung_at_once(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-02 08:00")) as s:
        await posted(s, policy(LETTER, TEXT))
        (event,) = s.events("paper.posted")
        assert event["body"]["says"] == "handed to the courier"
        assert (event["body"]["tracking_number"], event["body"]["courier"]) == (NUMBER, "EMS")
        assert event["body"]["delivery"] == letter(s)["id"]
        assert s.row()["steps"][0]["waits_until"].startswith("2026-03-08T10:00")
        await s.until(at("03-04 14:59"))
        assert s.sms == []
        await s.until(at("03-04 15:00"))
        await reported(s, CourierState.REFUSED, "收件人拒收")
        assert [line[12:] for line in s.sent_at()][1:] == ["second_reminder sms"]
        assert s.sent_at()[1].startswith("03-04 15:00")
        assert states(s) == {"paper_notice": "done", "second_reminder": "reached"}
        assert s.events("plan.changed")[-1]["body"]["because"] == "the letter was refused"
        (refused,) = s.events("paper.refused")
        assert (refused["body"]["says"], refused["body"]["words"]) == ("refused (weak)", "收件人拒收")
        assert (letter(s)["state"], letter(s)["says"]) == ("failed_permanent", "refused (weak)")
        assert s.alarms() == ["weak_letter"]


async def test_a_letter_in_transit_and_signed_for_changes_no_date_and_a_neighbour_s_name_ends_the_wait(
    tmp_path: Path,
) -> None:
    async with story(tmp_path, at("03-02 08:00")) as s:
        await posted(s, policy(LETTER, TEXT))
        steps, changes = s.row()["steps"], len(s.events("plan.changed"))
        await s.until(at("03-04 09:00"))
        await reported(s, CourierState.IN_TRANSIT)
        assert (s.row()["steps"], len(s.events("plan.changed"))) == (steps, changes)
        assert (letter(s)["state"], s.alarms()) == ("sent", [])
        await reported(s, CourierState.SIGNED_BY_OTHER, "邻居代收")
        assert [line[12:] for line in s.sent_at()][1:] == ["second_reminder sms"]
        assert letter(s)["says"] == "signed for by somebody else (weak)"
        because = s.events("plan.changed")[-1]["body"]["because"]
        assert because == "the letter was signed for by somebody else"


async def test_a_signed_letter_lets_its_wait_run_to_the_end(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-02 08:00")) as s:
        await posted(s, policy(LETTER, TEXT))
        await s.until(at("03-04 09:00"))
        await reported(s, CourierState.SIGNED)
        # What comes behind a signature is kept, and takes nothing back.
        await reported(s, CourierState.RETURNED)
        assert (letter(s)["state"], letter(s)["says"]) == ("delivered", "signed for (says the courier)")
        await s.until(at("03-08 09:59"))
        assert s.sms == []
        await s.until(at("03-08 10:00") + MINUTE)
        assert len(s.sms) == 1


async def test_a_weak_letter_after_an_answer_changes_nothing_but_the_chain(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-02 08:00")) as s:
        await posted(s, policy(TEXT | {"wait": {"value": 0, "unit": "hours"}}, LETTER, rung("last", "email")))
        await s.until(at("03-04 09:00"))
        await s.answer(ActKind.OBJECTED, reason="why")
        before = (s.row()["steps"], s.stage(), len(s.sent_at()))
        await reported(s, CourierState.RETURNED)
        assert (s.row()["steps"], s.stage(), len(s.sent_at())) == before
        assert s.kinds()[-1] == "paper.returned"
        await s.act(ActKind.CANCEL, reason="settled")
        await reported(s, CourierState.ADDRESS_WRONG)
        assert s.kinds()[-1] == "paper.returned"
        assert s.row()["outcome"] == "cancelled"


async def test_a_snoozed_wait_holds_although_the_letter_comes_back(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-02 08:00")) as s:
        await posted(s, policy(LETTER, TEXT))
        assert (
            await s.act(ActKind.SNOOZE, until=at("03-12 09:00").isoformat(), reason="in hospital")
            == "settled"
        )
        await s.until(at("03-04 09:00"))
        await reported(s, CourierState.RETURNED)
        await s.until(at("03-12 08:59"))
        assert s.sms == []
        await s.until(at("03-12 09:00") + MINUTE)
        assert len(s.sms) == 1


async def dead(s: Story) -> None:
    """Let the carrier and the mail server report that nothing can arrive."""
    rows = [(d["id"], d["channel"]) for n in s.view()["notices"] for d in n["deliveries"]]
    for delivery, channel in rows:
        if channel in {"sms", "email"}:
            code = "30005" if channel == "sms" else "mail_5.1.1"
            receipt = Receipt(DeliveryState.FAILED_PERMANENT, delivery, code=code)
            await asyncio.to_thread(s.parts.receipts.take, receipt)
    await s.parts.dispatcher.drain_outbox()
    await s.settle()


async def test_a_public_notice_stays_locked_until_letter_and_text_have_failed(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-02 08:00")) as s:
        await posted(s, policy(rung("first_notice", "sms", days=0), LETTER, PUBLIC, rung("last", "email")))
        await s.until(at("03-04 15:00"))
        await reported(s, CourierState.RETURNED)
        # The letter came back, but nobody has reported the text as failed: passed over, the next rung speaks.
        assert states(s)["announced"] == "nothing_sent"
        (locked,) = s.events("notice.nothing_sent")
        assert locked["body"]["because"].startswith(
            "public notice is locked: the text message has not failed"
        )
        assert s.alarms()[-1] == "public_notice_locked"
        assert [line[12:] for line in s.sent_at()][-1] == "last email"
        assert s.sent_at()[-1].startswith("03-04 15:00")
        assert "published" not in str(s.view()["notices"])


async def test_thirty_days_after_publication_the_ladder_ends(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-02 08:00")) as s:
        await posted(s, policy(rung("first_notice", "sms", "email", days=0), LETTER, PUBLIC))
        await dead(s)
        await s.until(at("03-04 15:00"))
        await reported(s, CourierState.RETURNED)
        assert s.stage() == "publication_due"
        assert [task["kind"] for task in s.view()["tasks"] if task["done_at"] is None] == ["publication"]
        refused = await s.act(ActKind.POSTED, happened_at=s.now.isoformat())
        assert refused == "refused: state: no paper notice waits to be posted"
        await s.until(at("03-05 09:00"))
        early = await s.act(ActKind.PUBLISHED, happened_at=at("03-03 08:00").isoformat(), where="人民法院报")
        assert early.startswith("refused: happened_at: lies before")
        published = {"happened_at": at("03-05 08:00").isoformat(), "where": "人民法院报"}
        assert await s.act(ActKind.PUBLISHED, **published) == "settled"
        (event,) = s.events("paper.published")
        assert (event["body"]["says"], event["body"]["where"]) == ("published (says HR)", "人民法院报")
        (text,) = [n for n in s.view()["notices"] if n["step"].endswith("announced")]
        assert text["deliveries"][0]["says"] == "published (says HR)"
        await s.until(at("04-04 07:59"))
        assert s.row()["state"] == "running"
        await s.until(at("04-04 08:00") + MINUTE)
        assert (s.row()["state"], s.row()["outcome"]) == ("closed", "exhausted")
