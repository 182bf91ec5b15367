"""The stories whose histories are kept: every branch of the leave-return process once. Ids are invented."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

from countersign.adapters.dispatch import _YEAR
from countersign.contracts.cases import ActKind
from countersign.contracts.sending import OutcomeState
from countersign.domain.calendar import CalendarYear
from tests.support.company import failed
from tests.support.story import Story, at

Tell = Callable[[Story], Awaitable[None]]
MINUTE = timedelta(minutes=1)
FRIDAY_IN_THE_FESTIVAL = date(2026, 2, 20)
FIRST_NOTICE = "02-25 09:00"
SKIP_REMINDER = {"before_end": "skip"}


async def noticed(s: Story) -> None:
    """Start in the festival and go on until an hour after the first notice."""
    await s.start(FRIDAY_IN_THE_FESTIVAL, overdue=SKIP_REMINDER)
    await s.until(at(FIRST_NOTICE) + timedelta(hours=1))


async def silent_to_the_end(s: Story) -> None:
    await s.start(date(2026, 2, 25), overdue=SKIP_REMINDER)
    await s.until(at("03-12 12:00"))
    assert await s.act(ActKind.POSTED, happened_at=at("03-12 11:00").isoformat()) == "settled"
    await s.until(at("03-20 12:00"))
    assert await s.act(ActKind.VISITED, happened_at=at("03-20 11:00").isoformat()) == "settled"
    await s.until(at("04-20 12:00"))
    assert s.row()["outcome"] == "exhausted"


async def answered_by_link(s: Story) -> None:
    await s.start(date(2026, 2, 13))
    await s.until(at("02-24 10:00"))
    assert await s.answer(ActKind.ACKNOWLEDGED) == "accepted"
    assert await s.answer(ActKind.RETURNS_ON, on="2026-03-02") == "accepted"
    assert s.row()["outcome"] == "returns_on"


async def extension_granted(s: Story) -> None:
    await noticed(s)
    await s.answer(ActKind.EXTENSION_ASKED, on="2026-03-20")
    assert (await s.act(ActKind.EXTENSION_GRANTED, on="2026-02-20")).startswith("refused: on:")
    assert await s.act(ActKind.EXTENSION_GRANTED, on="2026-03-20") == "settled"
    await s.until(at("03-23 17:00"))
    assert await s.act(ActKind.BACK, on="2026-03-23") == "accepted"
    assert s.row()["outcome"] == "back"


async def extension_refused(s: Story) -> None:
    await noticed(s)
    await s.answer(ActKind.EXTENSION_ASKED, on="2026-03-20")
    assert await s.act(ActKind.EXTENSION_REFUSED, reason="no paper") == "settled"
    await s.until(at("03-02 10:00"))
    assert await s.answer(ActKind.RESIGNED) == "accepted"
    assert s.row()["outcome"] == "resigned"


async def objected_and_cancelled(s: Story) -> None:
    await noticed(s)
    await s.answer(ActKind.OBJECTED, reason="I came back on Tuesday")
    assert await s.act(ActKind.CANCEL, reason="that is so") == "accepted"
    assert s.row()["outcome"] == "cancelled"


async def paused_resumed_skipped(s: Story) -> None:
    await noticed(s)
    assert await s.act(ActKind.PAUSE, reason="in hospital") == "accepted"
    await s.until(at("03-03 10:00"))
    assert await s.act(ActKind.RESUME, reason="at home again") == "settled"
    assert await s.act(ActKind.SKIP, step="first_notice", reason="wrong text") == "settled"
    assert await s.act(ActKind.SKIP, step="emergency_contact", reason="has none") == "settled"
    await s.until(at("03-10 12:00"))
    assert s.stage() == "posting_due"


async def overdue_at_the_start(s: Story) -> None:
    await s.start(FRIDAY_IN_THE_FESTIVAL)
    assert s.stage() == "overdue_review"
    choices = {"before_end": "skip", "first_notice": "skip", "second_reminder": "run_now"}
    assert await s.act(ActKind.OVERDUE_DECIDED, choices=choices) == "settled"
    await s.until(at("03-03 12:00"))
    assert len(s.sent_at()) == 2


async def injury_held_for_grading(s: Story) -> None:
    await s.start(date(2026, 2, 24), kind="injury", overdue=SKIP_REMINDER)
    await s.until(at("03-10 12:00"))
    assert s.stage() == "grading_pending"
    assert await s.act(ActKind.GRADING_DONE) == "settled"
    await s.until(at("03-11 12:00"))
    assert len(s.sent_at()) == 2


async def calendar_adopted(s: Story) -> None:
    await s.start(date(2026, 12, 29), overdue=SKIP_REMINDER)
    await s.until(at("2026-12-31 10:00"))
    off = tuple(date(2027, 1, day) for day in (1, 2, 3, 4, 5))
    year = CalendarYear(2027, off, (), "an invented paper")
    body = _YEAR.dump_python(year, mode="json")
    s.parts.database.write(lambda session: s.parts.outbox.tell_calendar(session, year, body))
    await s.parts.dispatcher.drain_outbox()
    await s.settle()
    assert s.row()["provisional"] is False
    await s.until(at("2027-01-06 10:00"))
    assert len(s.sent_at()) == 4


async def channels_that_fail(s: Story) -> None:
    down = failed(OutcomeState.FAILED_TEMPORARY, "sms_connect_failed")
    lost = failed(OutcomeState.UNKNOWN, "timeout")
    s.parts.sms.answers += [down, lost]  # type: ignore[attr-defined]
    s.parts.mailer.answers += [failed(OutcomeState.FAILED_PERMANENT, "550")]  # type: ignore[attr-defined]
    await noticed(s)
    assert [line[12:] for line in s.sent_at()] == ["first_notice sms"]


STORIES: dict[str, tuple[str, Tell]] = {
    "silent_to_the_end": ("02-24 08:00", silent_to_the_end),
    "answered_by_link": ("02-09 08:00", answered_by_link),
    "extension_granted": ("02-24 08:00", extension_granted),
    "extension_refused": ("02-24 08:00", extension_refused),
    "objected_and_cancelled": ("02-24 08:00", objected_and_cancelled),
    "paused_resumed_skipped": ("02-24 08:00", paused_resumed_skipped),
    "overdue_at_the_start": ("03-03 10:00", overdue_at_the_start),
    "injury_held_for_grading": ("02-24 08:00", injury_held_for_grading),
    "calendar_adopted": ("2026-12-28 08:00", calendar_adopted),
    "channels_that_fail": ("02-24 08:00", channels_that_fail),
}
"""Each story with the instant at which its server's clock starts."""
