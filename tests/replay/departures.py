"""Stories of departures whose histories are kept: offboarding, one receiver, the statutory duties."""

from datetime import date

from countersign.contracts.cases import ActKind
from countersign.domain.departure import DutyKind
from countersign.domain.ledger import AccountKind, advance, repayment
from tests.replay.stories import MINUTE
from tests.support.company import add_colleague
from tests.support.departing import Leaving, add_holdings
from tests.support.story import Story, at

BEGINS = "03-09 10:00"
SUCCESSOR = "E2001"
LAST_DAY, NOTICED_ON = date(2026, 4, 10), date(2026, 3, 9)


async def resigns(s: Story) -> Leaving:
    """Let an employee with four things to hand over resign."""
    add_colleague(s.parts, "E9000")
    add_colleague(s.parts, SUCCESSOR, manager_number="E9000")
    add_holdings(s.parts)
    await s.depart("resignation", LAST_DAY, noticed_on=NOTICED_ON, successor=SUCCESSOR)
    return Leaving(s)


async def vanishes(s: Story) -> Leaving:
    """Let a manager be dismissed who does not come any more."""
    add_colleague(s.parts, SUCCESSOR)
    add_holdings(s.parts)
    today = date(2026, 3, 9)
    await s.depart("absence", today, noticed_on=today, successor=SUCCESSOR)
    return Leaving(s)


# -- offboarding ------------------------------------------------------------------------------------------


async def settled_and_closed(s: Story) -> None:
    await Leaving(s).books(advance, "738.00")
    leaving = await resigns(s)
    await leaving.hands_over()
    await leaving.takes_over(SUCCESSOR)
    await leaving.takes_back("IT-1")
    await s.until(at("04-10 12:00"))
    await leaving.settles(final_wage="8000.00", min_wage="2420", min_wage_excludes_personal_si=True)
    await leaving.finance_confirms(insurance_advance="738.00")
    await leaving.all_duties()
    await leaving.books(repayment, "738.00", AccountKind.INSURANCE_ADVANCE)
    assert leaving.outcome(s.departure_id) == "completed"


async def silent_leaver(s: Story) -> None:
    await vanishes(s)
    await s.until(at("03-17 12:00"))
    assert s.stage() == "posting_due"
    assert await s.act(ActKind.POSTED, happened_at=at("03-17 11:00").isoformat()) == "settled"
    await s.until(at("03-30 12:00"))
    assert s.stage() == "gate"


async def late_start(s: Story) -> None:
    add_colleague(s.parts, SUCCESSOR)
    add_holdings(s.parts)
    await s.depart("resignation", date(2026, 3, 20), noticed_on=date(2026, 2, 17), successor=SUCCESSOR)
    assert s.stage() == "overdue_review"
    choices = {"reminder_30": "skip", "reminder_14": "run_now"}
    assert await s.act(ActKind.OVERDUE_DECIDED, choices=choices) == "settled"
    await s.until(at("03-13 12:00"))


async def two_overdue_reminders(s: Story) -> None:
    add_colleague(s.parts, SUCCESSOR)
    add_holdings(s.parts)
    await s.depart("resignation", date(2026, 3, 20), noticed_on=date(2026, 2, 17), successor=SUCCESSOR)
    choices = {"reminder_30": "run_now", "reminder_14": "run_now"}
    assert await s.act(ActKind.OVERDUE_DECIDED, choices=choices) == "settled"
    await s.until(at("03-13 12:00"))


async def moved_and_withdrawn(s: Story) -> None:
    leaving = await resigns(s)
    await s.until(at("03-12 12:00"))
    await leaving.moves_the_last_day(date(2026, 4, 30))
    await s.until(at("04-01 12:00"))
    await leaving.withdraws()
    assert leaving.outcome(s.departure_id) == "withdrawn"


# -- a receiver -------------------------------------------------------------------------------------------


async def confirmed_in_two_steps(s: Story) -> None:
    leaving = await resigns(s)
    s.case_id = s.share_of(SUCCESSOR)
    await leaving.hands_over("DOC-1")
    await leaving.takes_over(SUCCESSOR)
    await leaving.hands_over("DOC-2", "C-1")
    await leaving.takes_over(SUCCESSOR)
    assert s.row()["outcome"] == "confirmed"


async def told_of_the_withdrawal(s: Story) -> None:
    leaving = await resigns(s)
    await leaving.hands_over("DOC-1")
    s.case_id = s.share_of(SUCCESSOR)
    await leaving.withdraws()
    assert s.row()["outcome"] == "withdrawn"


async def silent_receiver(s: Story) -> None:
    leaving = await resigns(s)
    s.case_id = s.share_of(SUCCESSOR)
    await leaving.hands_over()
    await s.until(at("03-25 12:00"))
    assert s.stage() == "silent"


# -- the statutory duties ---------------------------------------------------------------------------------


async def served_by_hand_and_fulfilled(s: Story) -> None:
    leaving = await vanishes(s)
    s.case_id = s.statutory_id
    await s.until(at("03-11 12:00"))
    await leaving.served(date(2026, 3, 11))
    await leaving.all_duties()
    assert s.row()["outcome"] == "fulfilled"


async def acknowledged_by_link(s: Story) -> None:
    await vanishes(s)
    s.case_id = s.statutory_id
    await s.until(at("03-09 10:00") + MINUTE)
    assert await s.answer(ActKind.ACKNOWLEDGED) == "settled"
    assert s.stage() == "duties"


async def late_duty(s: Story) -> None:
    leaving = await resigns(s)
    s.case_id = s.statutory_id
    await s.until(at("04-10 12:00"))
    for kind in (DutyKind.WAGES, DutyKind.FILE_TRANSFER, DutyKind.UNEMPLOYMENT_LIST):
        await leaving.duty(kind)
    await s.until(at("04-27 12:00"))
    await leaving.duty(DutyKind.SOCIAL_INSURANCE)
    assert s.row()["outcome"] == "fulfilled"


STORIES = {
    "offboarding": {
        "settled_and_closed": (BEGINS, settled_and_closed),
        "silent_leaver": (BEGINS, silent_leaver),
        "late_start": (BEGINS, late_start),
        "two_overdue_reminders": (BEGINS, two_overdue_reminders),
        "moved_and_withdrawn": (BEGINS, moved_and_withdrawn),
    },
    "handover": {
        "confirmed_in_two_steps": (BEGINS, confirmed_in_two_steps),
        "told_of_the_withdrawal": (BEGINS, told_of_the_withdrawal),
        "silent_receiver": (BEGINS, silent_receiver),
    },
    "statutory": {
        "served_by_hand_and_fulfilled": (BEGINS, served_by_hand_and_fulfilled),
        "acknowledged_by_link": (BEGINS, acknowledged_by_link),
        "late_duty": (BEGINS, late_duty),
    },
}
"""The stories of each process of a departure: when they begin, and what happens."""
