"""The responsibility clock of whole cases: database, bundle and replay give the same bytes."""

from datetime import date, timedelta
from pathlib import Path

from typer.testing import CliRunner

from countersign.adapters.database.stops import StopScope
from countersign.cli import app
from countersign.contracts.cases import ActKind
from countersign.domain.bundle import build_bundle
from countersign.domain.responsibility import ResponsibilityTable, Why, responsibility
from tests.support.replayed import replayed_chain
from tests.support.story import Story, at, story

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
MS = timedelta(milliseconds=1)
OFF = {"before_end": "skip"}


async def three_ways(s: Story, folder: Path) -> ResponsibilityTable:
    """Return the table of the database's chain, after comparing it with the bundle's and the replay's."""
    with s.parts.database.reading() as session:
        events, disclosures = s.parts.evidence.chain(session, s.case_id)
    table = responsibility(events, s.parts.calendar())
    replayed = await replayed_chain(await s.handle.fetch_history(), folder / "replayed")
    assert len(replayed) < len(events), "what people and providers wrote comes in no replay"
    assert responsibility(replayed, s.parts.calendar()).to_bytes() == table.to_bytes()
    bundle = folder / "case.zip"
    bundle.write_bytes(build_bundle(s.case_id, events, disclosures, redact=True))
    told = CliRunner().invoke(
        app, ["evidence", "clock", str(bundle)], env={"COUNTERSIGN_DATA_DIR": str(folder / "nothing")}
    )
    assert (told.exit_code, told.stdout_bytes) == (0, table.to_bytes() + b"\n")
    ends = [table.since, *(one.until for one in table.stretches)]
    assert ends == [*(one.since for one in table.stretches), table.until]
    assert table.total.elapsed == (table.until - table.since) // MS
    return table


def said(table: ResponsibilityTable) -> list[str]:
    """Return `<holder> <stage> <step> <hours held> <hours late>` of what lasted longer than a minute."""
    return [
        f"{one.holder} {one.stage} {one.step or '-'} {one.spans.elapsed * MS / HOUR:.0f} "
        f"{one.spans.late * MS / HOUR:.0f}"
        for one in table.stretches
        if one.until - one.since > MINUTE
    ]


async def test_a_stop_a_pause_over_a_weekend_and_a_letter_posted_late_are_told_apart(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(date(2026, 2, 20), overdue=OFF)
        stop = s.parts.stops.set(StopScope.COMPANY, None, "wrong text", "hr")
        # Off the hour: the time-skipping server cannot take a timer that fires while a task cancels it.
        await s.until(at("02-25 14:55"))
        s.parts.stops.release(stop.id, "hr", None)
        await s.parts.dispatcher.drain_outbox()
        await s.settle()
        await s.until(at("02-26 12:00"))
        assert await s.act(ActKind.PAUSE, reason="in hospital") == "accepted"
        await s.until(at("03-02 12:00"))
        assert await s.act(ActKind.RESUME, reason="at home again") == "settled"
        await s.until(at("03-20 12:00"))
        assert await s.act(ActKind.POSTED, happened_at=at("03-20 12:00").isoformat()) == "settled"
        await s.until(at("03-25 12:00"))
        assert await s.act(ActKind.BACK, on="2026-03-25") == "accepted"
        table = await three_ways(s, tmp_path)
    assert said(table) == [
        "employee return_day - 10 0",
        "employee ladder - 15 0",
        "employee ladder first_notice 174 0",
        "employee ladder second_reminder 120 0",
        "employee ladder emergency_contact 48 0",
        "hr posting_due paper_notice 213 165",
        "employee ladder paper_notice 120 0",
    ]
    notice = next(one for one in table.stretches if one.step == "first_notice")
    assert [(piece.why, piece.since.replace(microsecond=0)) for piece in notice.suspensions] == [
        (Why.SENDING_STOPPED, at("02-25 09:00")),
        (Why.PAUSED, at("02-26 12:00")),
    ]
    assert notice.deadline is not None
    assert [one.replace(microsecond=0) for one in (*notice.moved_from, notice.deadline)] == [
        at("02-28 14:55"),
        at("03-04 14:55"),
    ]
    # The stop from nine until five to three, and four days of the pause.
    assert abs(notice.spans.suspended * MS - timedelta(days=4, hours=5, minutes=55)) < SECOND
    posting = next(one for one in table.stretches if one.stage == "posting_due")
    assert posting.deadline is not None
    assert posting.deadline.replace(microsecond=0) == at("03-13 14:55")
    # Without the two weekends, of which one lies after the deadline.
    assert round(posting.spans.late_counted * MS / HOUR) == 165 - 48
    assert (table.outcome, table.by_holder["hr"]) == ("back", posting.spans)


async def test_a_review_that_hr_does_late_over_two_rounds_and_the_festival(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-09 08:00")) as s:
        await s.start(date(2026, 2, 12))
        await s.until(at("02-13 19:00"))
        assert s.stage() == "ladder"
        await s.until(at("02-14 10:00"))
        await s.answer(ActKind.EXTENSION_ASKED, on="2026-03-20")
        await s.until(at("02-26 10:00"))
        assert await s.act(ActKind.EXTENSION_REFUSED, reason="no paper") == "settled"
        await s.until(at("02-27 10:00"))
        await s.answer(ActKind.OBJECTED, reason="the paper was sent")
        await s.until(at("02-28 10:00"))
        assert await s.act(ActKind.OBJECTION_ANSWERED, reason="found it") == "settled"
        await s.until(at("03-02 10:00"))
        assert await s.answer(ActKind.RETURNS_ON, on="2026-03-03") == "accepted"
        table = await three_ways(s, tmp_path)
    reviews = [one for one in table.stretches if one.holder == "hr"]
    assert [one.stage for one in reviews] == ["extension_review", "objection_review"]
    late, in_time = reviews
    # Asked on Saturday the 14th, a working day; two working days later is the 25th, after the festival.
    assert late.deadline is not None
    assert late.deadline.date() == date(2026, 2, 25)
    hours = [round(ms * MS / HOUR) for ms in (late.spans.elapsed, late.spans.days_off, late.spans.late)]
    assert hours == [12 * 24, 9 * 24, 24]
    assert (round(in_time.spans.elapsed * MS / HOUR), in_time.spans.late) == (24, 0)
    assert table.by_holder["hr"] == late.spans + in_time.spans
