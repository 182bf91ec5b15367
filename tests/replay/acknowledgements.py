"""Stories of the acknowledgement process whose histories are kept. Ids are invented."""

from datetime import timedelta

from countersign.contracts.cases import ActKind
from tests.replay.stories import Tell
from tests.support.company import NUMBER, add_colleague
from tests.support.story import Story, at

MINUTE = timedelta(minutes=1)
BEGINS = "03-02 08:00"


async def asked(s: Story) -> None:
    """Send a circular to one employee and go on until an hour after the first notice."""
    await s.circulate([NUMBER])
    await s.until(at("03-02 10:00"))


async def silent_to_the_end(s: Story) -> None:
    add_colleague(s.parts, "E9000")
    add_colleague(s.parts, "E2001", manager_number="E9000")
    await s.circulate(["E2001"])
    await s.until(at("03-12 12:00"))
    assert s.row()["outcome"] == "exhausted"


async def confirmed_by_link(s: Story) -> None:
    await asked(s)
    assert await s.answer(ActKind.ACKNOWLEDGED) == "accepted"
    assert s.row()["outcome"] == "acknowledged"


async def objected_and_answered(s: Story) -> None:
    await asked(s)
    assert await s.answer(ActKind.OBJECTED) == "accepted"
    assert await s.act(ActKind.OBJECTION_ANSWERED, reason="spoken to") == "settled"
    await s.until(at("03-05 12:00"))
    assert await s.answer(ActKind.ACKNOWLEDGED) == "accepted"
    assert s.row()["outcome"] == "acknowledged"


async def not_me_then_steered(s: Story) -> None:
    await asked(s)
    assert await s.answer(ActKind.NOT_ME) == "accepted"
    assert await s.act(ActKind.PAUSE, reason="on a journey") == "accepted"
    await s.until(at("03-04 10:00"))
    assert await s.act(ActKind.RESUME, reason="here again") == "settled"
    assert await s.act(ActKind.RESEND, reason="mail was lost") == "settled"
    assert await s.act(ActKind.JUMP, step="second_reminder", reason="urgent") == "settled"
    assert await s.act(ActKind.CANCEL, reason="withdrawn") == "accepted"
    assert s.row()["outcome"] == "cancelled"


STORIES: dict[str, tuple[str, Tell]] = {
    "silent_to_the_end": (BEGINS, silent_to_the_end),
    "confirmed_by_link": (BEGINS, confirmed_by_link),
    "objected_and_answered": (BEGINS, objected_and_answered),
    "not_me_then_steered": (BEGINS, not_me_then_steered),
}
"""Each story with the instant at which its server's clock starts."""
