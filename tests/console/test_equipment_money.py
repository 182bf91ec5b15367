"""Equipment that costs something on the pages: who decides, what is given up, a charge that has its limit."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from countersign.adapters.database.approvals import Asked
from countersign.adapters.database.tables import Departure, HandoverItem, Posting
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.contracts.departures import DepartureOrder
from countersign.domain.ledger import AccountKind
from tests.support.company import NUMBER, company, unreached
from tests.support.console import browser
from tests.support.ending import LAST
from tests.support.leaving import employment_id, leaving

NOW = datetime(2026, 4, 2, 2, 0, tzinfo=UTC)
VALUE = 8_000_00


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return unreached(company(tmp_path, lambda: NOW))


def listed(parts: Parts, **more: Any) -> tuple[str, str]:
    """Put a laptop into the handover of somebody who left; return the case and the item."""
    case = leaving(parts, LAST, ended_on=LAST)
    with parts.database.transaction() as session:
        item = HandoverItem(
            id="01KITEM0000000000000000000",
            departure_id=case,
            track="equipment",
            reference="IT-1",
            title="笔记本电脑",
            value_fen=VALUE,
            due_on=LAST,
            listed_at=NOW,
            **more,
        )
        session.add(item)
    return case, item.id


def freeze(parts: Parts, case: str) -> None:
    with parts.database.reading() as session:
        statutory = session.get_one(Departure, case).statutory_case_id
    parts.duty_book.freeze(DepartureOrder(statutory, NOW))


def owed(parts: Parts) -> int:
    with parts.database.reading() as session:
        return parts.ledger.balances(session, employment_id(parts))[AccountKind.EQUIPMENT]


async def test_finance_charges_damage_from_the_money_page_up_to_the_value(parts: Parts) -> None:
    more = {"state": "accepted", "condition": "damaged", "handed_over_at": NOW, "accepted_at": NOW}
    case, item = listed(parts, **more)
    form = f"/console/people/{NUMBER}/ledger?item={item}"
    async with browser(parts, Role.FINANCE) as finance:
        await finance.get(f"/console/departures/{case}/money")
        assert "damaged: finance decides" in finance.text
        assert f"{form}#charge" in finance.page
        await finance.get(form)
        assert "at most its value, ¥8,000.00" in finance.text
        asked = {"kind": "equipment", "booked_on": "2026-04-02", "nonce": "12345678"}
        refused = await finance.post(form, {**asked, "amount": "8000.01"})
        assert refused.status_code == 422
        assert "¥8,000.01 is more than the ¥8,000.00 that the item is worth" in finance.text
        done = await finance.post(form, {**asked, "amount": "1200"})
        assert (done.status_code, owed(parts)) == (200, 1_200_00)
        await finance.get(f"/console/departures/{case}/money")
        assert "¥1,200.00 claimed" in finance.text
        assert "damaged: finance decides" not in finance.text


async def test_an_item_that_is_nobodys_here_has_no_form(parts: Parts) -> None:
    listed(parts)
    async with browser(parts, Role.FINANCE) as finance:
        answer = await finance.get(f"/console/people/{NUMBER}/ledger?item=01KNOTHING")
        assert answer.status_code == 404


async def test_the_board_says_what_is_given_up_before_it_is_pressed_and_a_second_person_agrees(
    parts: Parts,
) -> None:
    case, item = listed(parts, mandatory=False)
    freeze(parts, case)
    assert owed(parts) == VALUE
    async with browser(parts, Role.HR) as hr:
        await hr.get(f"/console/departures/{case}")
        assert "Off the list, it is given up" in hr.text
        assert "IT-1 ¥8,000.00" in hr.text
        wish = {"act": "not_applicable", "items": item, "nonce": "12345678", "not_applicable-words": "旧"}
        await hr.post(f"/console/departures/{case}/items", wish)
    assert owed(parts) == VALUE
    (asked,) = parts.approvals.of(case)
    assert isinstance(asked, Asked)
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR) as second:
        await second.get(f"/console/approvals/{asked.id}")
        assert "A claim of ¥8,000.00 is given up with them." in second.text
        await second.post(f"/console/approvals/{asked.id}", {"decision": "agree", "reason": "同意"})
    assert owed(parts) == 0


async def test_what_came_back_after_it_was_paid_is_told_on_the_money_page(parts: Parts) -> None:
    from countersign.domain.ledger import Voucher, repayment

    case, _ = listed(parts)
    freeze(parts, case)
    paid = repayment(Voucher("paid", employment_id(parts), NOW.date(), "test"), 500_00, AccountKind.EQUIPMENT)
    parts.database.write(lambda session: parts.ledger.book(session, paid))
    async with browser(parts, Role.ADMINISTRATION) as administration:
        wish = {"act": "accepted", "accepted-condition": "worn", "nonce": "12345678"}
        await administration.post(
            f"/console/departures/{case}/items", {**wish, "items": "01KITEM0000000000000000000"}
        )
    async with browser(parts, Role.FINANCE) as finance:
        await finance.get(f"/console/departures/{case}/money")
        assert "paid for before it came back or was given up" in finance.text
        assert "¥8,000.00 claimed, ¥500.00 of it paid, deducted or waived." in finance.text
    with parts.database.reading() as session:
        assert len(session.exec(select(Posting)).all()) == 2


async def test_a_settlement_takes_a_fifth_of_the_wage_and_says_what_stays_a_claim(parts: Parts) -> None:
    case, _ = listed(parts)
    freeze(parts, case)
    wage = {"do": "preview", "final_wage": "8000", "min_wage": "2540", "min_wage_excludes_personal_si": "yes"}
    async with browser(parts, Role.FINANCE) as finance:
        path = f"/console/departures/{case}"
        refused = await finance.post(f"{path}/settlement", {**wage, "deduct_equipment": "1600.01"})
        assert refused.status_code == 422
        assert "more than 20 % of the month's wage of 8000.00, which is 1600.00" in finance.text
        await finance.post(f"{path}/settlement", {**wage, "deduct_equipment": "1600"})
        assert "Stays owed: equipment to be paid for ¥6,400.00" in finance.text
        small = {**wage, "final_wage": "2600", "deduct_equipment": "500"}
        refused = await finance.post(f"{path}/settlement", small)
        assert refused.status_code == 422
        assert "minimum wage" in finance.text
