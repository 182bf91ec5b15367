"""The list of departures and the handover board: what they show, and what officers do there."""

import io
import re
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pikepdf
import pytest
from sqlmodel import select

from api.console.act_forms import offers
from countersign.adapters.database.case_pages import CasePage
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Departure,
    HandoverItem,
    Person,
    ReceiverAbsence,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.departure import Track
from countersign.domain.ledger import Voucher, loan
from countersign.ids import new_id
from tests.support.company import BEIJING, NAME, NUMBER, add_shanghai, company, unreached
from tests.support.console import Browser, browser
from tests.support.leaving import leaving

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
LAST_DAY = date(2026, 3, 9)
LISTED = (
    (Track.DOCUMENTS, "D-1", "open", True),
    (Track.CUSTOMERS, "C-1", "handed_over", True),
    (Track.CUSTOMERS, "C-2", "disputed", False),
    (Track.EQUIPMENT, "E-1", "handed_over", True),
)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return unreached(company(tmp_path, lambda: NOW))


@pytest.fixture
def case(parts: Parts) -> str:
    made = leaving(parts, LAST_DAY)
    with parts.database.transaction() as session:
        receivers = [
            Person(id=new_id(), number=number, name=name, branch_id=BEIJING)
            for number, name in (("E2000", "王接收"), ("E2001", "赵接手"))
        ]
        session.add_all(receivers)
        session.flush()
        share = Case(
            id=new_id(),
            kind="handover",
            workflow_id="ladder/share",
            person_id=receivers[0].id,
            branch_id=BEIJING,
            departure_id=made,
            policy_version="handover_standard@1",
            state="running",
            stage="waiting",
            created_at=NOW,
        )
        session.add(share)
        session.flush()
        for track, reference, state, mandatory in LISTED:
            equipment = track is Track.EQUIPMENT
            session.add(
                HandoverItem(
                    id=new_id(),
                    departure_id=made,
                    share_id=None if equipment else share.id,
                    track=track.value,
                    reference=reference,
                    title=f"标题 {reference}",
                    mandatory=mandatory,
                    receiver_id=None if equipment else receivers[0].id,
                    due_on=LAST_DAY,
                    state=state,
                    handed_over_at=NOW if state == "handed_over" else None,
                    listed_at=NOW,
                )
            )
    return made


def item(parts: Parts, reference: str) -> HandoverItem:
    with parts.database.reading() as session:
        return session.exec(select(HandoverItem).where(HandoverItem.reference == reference)).one()


async def do(page: Browser, case: str, act: str, *references: str, **fields: Any) -> Any:
    """Tick items on the board and press the button of an act."""
    await page.get(f"/console/departures/{case}?show=all")
    nonce = re.search(r'name="nonce" value="(\w+)"', page.page)
    assert nonce is not None
    files = fields.pop("files", None)
    form = {f"{act}-{name}": value for name, value in fields.items()}
    form |= {"act": act, "nonce": nonce[1], "items": [item(page.parts, one).id for one in references]}
    return await page.post(f"/console/departures/{case}/items", form, files=files)


# -- looking ----------------------------------------------------------------------------------------------


async def test_the_list_tells_the_last_day_how_far_it_is_and_what_keeps_the_gate_shut(
    parts: Parts, case: str
) -> None:
    async with browser(parts) as page:
        await page.get("/console/departures")
        for shown in (f"{NUMBER} {NAME}", "2026-03-09", "7 days left", "customers 0/2", "documents 0/1"):
            assert shown in page.text
        assert "work documents are not fully handed over" in page.text
        await page.get("/console/departures", state="withdrawn")
        assert NUMBER not in page.text
        assert "No departure matches" in page.text
        await page.get("/console/departures", q="nobody")
        assert NAME not in page.text
        answer = await page.client.get("/console/departures.csv")
        assert f"{case},{NUMBER}" in answer.text


async def test_the_board_shows_both_sides_the_dispute_the_gate_and_the_receivers(
    parts: Parts, case: str
) -> None:
    async with browser(parts) as page:
        answer = await page.get(f"/console/departures/{case}")
        assert answer.status_code == 200
        for shown in ("Why can this person not leave?", "标题 D-1", "1 disputed", "E2000 王接收"):
            assert shown in page.text
        assert "the employment has not ended" in page.text.lower()
        assert f"/console/departures/{case}/gate?seen=" in page.page
        await page.get(f"/console/departures/{case}", show="disputed")
        assert "标题 C-2" in page.text
        assert "标题 D-1" not in page.text


async def test_the_part_that_refreshes_itself_says_when_items_have_changed(parts: Parts, case: str) -> None:
    async with browser(parts) as page:
        await page.get(f"/console/departures/{case}")
        again = re.search(rf"/console/departures/{case}/gate\?seen=\w+", page.page)
        assert again is not None
        await page.get(again[0])
        assert "Items have changed" not in page.text
        with parts.database.transaction() as session:
            row = session.get_one(HandoverItem, item(parts, "D-1").id)
            row.state, row.handed_over_at = "handed_over", NOW
            session.add(row)
        await page.get(again[0])
        assert "Items have changed" in page.text


async def test_another_branch_and_unknown_cases_have_no_board(parts: Parts, case: str) -> None:
    add_shanghai(parts)
    async with browser(parts, branch="上海") as page:
        for path in (f"/console/departures/{case}", f"/console/departures/{case}/gate"):
            assert (await page.get(path)).status_code == 404
        await page.get("/console/departures")
        assert NUMBER not in page.text
        assert (await do_raw(page, case)).status_code == 404
    assert item(parts, "D-1").state == "open"


async def do_raw(page: Browser, case: str) -> Any:
    form = {"act": "not_applicable", "nonce": "n" * 12, "items": [item(page.parts, "D-1").id]}
    return await page.post(f"/console/departures/{case}/items", {**form, "not_applicable-words": "so"})


def test_what_runs_on_dates_offers_no_stop_and_a_departure_is_withdrawn_elsewhere() -> None:
    def offered(kind: str) -> set[str]:
        row = {"kind": kind, "state": "running", "stage": "gate", "steps": [], "notices": []}
        return {one.act.value for one in offers(cast(CasePage, SimpleNamespace(row=row, events=[])))}

    assert offered("statutory") == {"replan"}
    assert offered("offboarding") == {"replan", "pause"}
    assert offered("handover") == {"replan", "pause", "cancel"}


# -- acting -----------------------------------------------------------------------------------------------


async def test_items_are_passed_on_to_somebody_else_and_refused_for_the_leaver(
    parts: Parts, case: str
) -> None:
    async with browser(parts) as page:
        answer = await do(page, case, "reassigned", "D-1", receiver=NUMBER)
        assert answer.status_code == 422
        assert "is the person who leaves; name somebody else" in page.text
        answer = await do(page, case, "reassigned", "D-1", receiver="E2001")
        assert answer.status_code == 200, page.text
        assert "Done with 1 items: passed on." in page.text
    with parts.database.reading() as session:
        receiver = session.get_one(Person, item(parts, "D-1").receiver_id)
    assert receiver.number == "E2001"


async def test_all_of_a_part_is_what_the_filter_shows(parts: Parts, case: str) -> None:
    async with browser(parts) as page:
        await page.get(f"/console/departures/{case}?q=C-1")
        form = {"act": "reassigned", "nonce": "n" * 12, "tracks": ["customers"]}
        form |= {"reassigned-receiver": "E2001", "reassigned-words": "x"}
        answer = await page.post(f"/console/departures/{case}/items?q=C-1", form)
        assert answer.status_code == 200
    assert item(parts, "C-1").receiver_id != item(parts, "C-2").receiver_id


async def test_a_mandatory_item_is_taken_off_only_once_a_second_person_agrees(
    parts: Parts, case: str
) -> None:
    async with browser(parts) as page:
        await do(page, case, "not_applicable", "D-1", words="已由总部归档")
        assert "once a second person agrees" in page.text
        assert item(parts, "D-1").state == "open"
        found = re.search(r"/console/approvals/(\w+)", page.page)
        assert found is not None
        own = await page.post(f"/console/approvals/{found[1]}", {"decision": "agree", "reason": "ok"})
        assert own.status_code == 200
        assert item(parts, "D-1").state == "open"
    async with browser(parts, login="second") as other:
        await other.get(f"/console/approvals/{found[1]}")
        assert "已由总部归档" in other.text
        await other.post(f"/console/approvals/{found[1]}", {"decision": "agree", "reason": "看过了"})
    assert item(parts, "D-1").state == "not_applicable"


async def test_what_is_not_mandatory_is_taken_off_at_once(parts: Parts, case: str) -> None:
    async with browser(parts) as page:
        await do(page, case, "dispute_settled", "C-2", verdict="not_applicable", words="客户已注销")
    assert item(parts, "C-2").state == "not_applicable"


async def test_a_confirmation_on_paper_needs_the_paper(parts: Parts, case: str) -> None:
    async with browser(parts) as page:
        answer = await do(page, case, "paper", "D-1", side="leaver", words="没有手机")
        assert answer.status_code == 422
        assert "attach a photo or a scan" in page.text
        paper = {"paper-file": ("scan.pdf", _pdf(), "application/pdf")}
        answer = await do(page, case, "paper", "D-1", side="leaver", words="没有手机", files=paper)
        assert answer.status_code == 200, page.text
    assert item(parts, "D-1").state == "handed_over"


async def test_administration_takes_equipment_back_in_a_condition_and_nothing_else(
    parts: Parts, case: str
) -> None:
    async with browser(parts, Role.ADMINISTRATION) as page:
        answer = await do(page, case, "accepted", "E-1", condition="")
        assert answer.status_code == 422
        answer = await do(page, case, "accepted", "E-1", condition="worn")
        assert answer.status_code == 200, page.text
        assert (item(parts, "E-1").state, item(parts, "E-1").condition) == ("accepted", "worn")
        answer = await do(page, case, "reassigned", "D-1", receiver="E2001")
        assert answer.status_code == 422
    assert item(parts, "D-1").receiver_id == item(parts, "C-1").receiver_id


async def test_somebody_stands_in_for_an_absent_receiver_between_two_days(parts: Parts, case: str) -> None:
    async with browser(parts) as page:
        form = {"act": "delegated", "nonce": "n" * 12, "delegated-receiver": "E2000"}
        form |= {"delegated-delegate": "E2001", "delegated-from": "2026-03-02", "delegated-words": "休假"}
        for last in ("", "tomorrow", "9999-12-31"):
            wrong = await page.post(f"/console/departures/{case}/stand-ins", form | {"delegated-until": last})
            assert wrong.status_code == 422
            assert "give the first and the last day" in page.text
        right = await page.post(
            f"/console/departures/{case}/stand-ins", form | {"delegated-until": "2026-03-06"}
        )
        assert right.status_code == 200, page.text
        assert "赵接手 stands in" in page.text
    with parts.database.reading() as session:
        [absence] = session.exec(select(ReceiverAbsence)).all()
    assert (absence.from_day, absence.until_day) == (date(2026, 3, 2), date(2026, 3, 6))


async def test_the_board_names_the_successor_and_what_is_known_of_an_item(parts: Parts, case: str) -> None:
    with parts.database.transaction() as session:
        receiver = session.exec(select(Person).where(Person.number == "E2000")).one()
        session.get_one(Departure, case).successor_id = receiver.id
        customer = session.exec(select(HandoverItem).where(HandoverItem.reference == "C-1")).one()
        customer.details = {"contact_name": "刘经理", "follow_up": "待回访"}
    async with browser(parts) as page:
        await page.get(f"/console/departures/{case}?show=all")
        assert "Successor E2000 王接收" in page.text
        assert "contact person 刘经理 · follow-up 待回访" in page.text


async def test_the_same_form_twice_is_one_act(parts: Parts, case: str) -> None:
    async with browser(parts) as page:
        form = {"act": "reassigned", "nonce": "n" * 12, "items": [item(parts, "D-1").id]}
        form |= {"reassigned-receiver": "E2001", "reassigned-words": "x"}
        for _ in range(2):
            await page.post(f"/console/departures/{case}/items", form)
    with parts.database.reading() as session:
        assert len(session.exec(select(ActRow)).all()) == 1
        assert session.get_one(Departure, case).withdrawn_at is None


def _pdf() -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as made:
        made.add_blank_page()
        made.save(out)
    return out.getvalue()


async def test_what_is_disputed_stands_first_in_its_column(parts: Parts, case: str) -> None:
    async with browser(parts, Role.HR, language="en", branch=BEIJING) as page:
        await page.get(f"/console/departures/{case}")
        assert page.text.index("标题 C-2") < page.text.index("标题 C-1")


async def test_nothing_can_be_ticked_in_a_departure_that_was_withdrawn(parts: Parts, case: str) -> None:
    async with browser(parts, Role.HR, language="en", branch=BEIJING) as page:
        await page.get(f"/console/departures/{case}")
        assert 'name="items"' in page.page
        with parts.database.transaction() as session:
            session.get_one(Departure, case).withdrawn_at = NOW
        await page.get(f"/console/departures/{case}", show="all")
        assert "标题 C-2" in page.text
        assert 'name="items"' not in page.page
        assert "waits for" not in page.text


async def test_who_sees_no_money_is_not_told_of_which_kind_a_debt_is(parts: Parts, case: str) -> None:
    with parts.database.transaction() as session:
        owner = session.get_one(Departure, case).employment_id
    lent = loan(Voucher("lent", owner, NOW.date(), "test"), 5_000_00)
    parts.database.write(lambda session: parts.ledger.book(session, lent))
    for role, told in ((Role.HR, True), (Role.ADMINISTRATION, False)):
        async with browser(parts, role, language="en", branch=BEIJING, login=role.value) as page:
            await page.get(f"/console/departures/{case}")
            assert ("A loan is owed" in page.text) is told
            assert ("Money is still open" in page.text) is not told
            exported = await page.get("/console/departures.csv")
            assert ("a loan is owed" in exported.text) is told
            assert ("money is still open" in exported.text) is not told
