"""What officers try on departures that are not theirs to decide, and forms that are sent twice."""

import re
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, SQLModel, select

from countersign.adapters.database.checklists import ListedTask
from countersign.adapters.database.tables import (
    ActRow,
    Approval,
    Case,
    Departure,
    Employment,
    HandoverItem,
    Holding,
    Person,
    Posting,
    Revocation,
)
from countersign.adapters.database.tokens import Tokens
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.departure import Track
from countersign.domain.ledger import Voucher, loan
from countersign.ids import new_id
from tests.console.test_imports import apply, hand_in
from tests.support.company import BEIJING, NUMBER, add_colleague, all_of, company, unreached
from tests.support.console import Browser, browser
from tests.support.leaving import employment_id, leaving

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
LAST_DAY = date(2026, 3, 31)
OWN = "this is about yourself; somebody else has to do it"
HELD = (
    (Track.DOCUMENTS, "D-1", "投标底稿"),
    (Track.CUSTOMERS, "C-1", "华东大客户"),
    (Track.EQUIPMENT, "E-1", "电脑"),
)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return unreached(company(tmp_path, lambda: NOW))


@pytest.fixture
def case(parts: Parts) -> str:
    made = leaving(parts, LAST_DAY)
    voucher = Voucher("loan", employment_id(parts), NOW.date(), "account:none")

    def held(session: Session) -> None:
        parts.ledger.book(session, loan(voucher, 9_000_00))
        departure = session.get_one(Departure, made)
        departure.needs_notice, departure.ground = True, "worker_fault"
        session.add(departure)
        session.flush()
        parts.duty_book.open(session, departure)
        for track, reference, title in HELD:
            session.add(
                HandoverItem(
                    id=new_id(),
                    departure_id=made,
                    track=track.value,
                    reference=reference,
                    title=title,
                    details={} if track is Track.EQUIPMENT else {"phone": "13811112222"},
                    due_on=LAST_DAY,
                    listed_at=NOW,
                )
            )

    parts.database.write(held)
    return made


def nonce(page: Browser) -> str:
    found = re.search(r'name="nonce" value="([^"]+)"', page.page)
    assert found is not None
    return found[1]


# -- who leaves decides nothing about it ------------------------------------------------------------------

SENT: tuple[tuple[Role, str, dict[str, str]], ...] = (
    (Role.HR, "{case}/withdrawal", {"reason": "我不走了"}),
    (Role.HR, "{case}/last-day", {"reason": "晚点", "on": "2026-05-31"}),
    (Role.HR, "{case}/service", {"service-on": "2026-04-01", "service-witness": "门卫"}),
    (Role.HR, "{case}/duties/wages", {"wages-word": "failed", "wages-reason": "没钱"}),
    (
        Role.FINANCE,
        "{case}/waiver",
        {"waiver_account": "loan", "waiver_amount": "10", "waiver_reason": "算了"},
    ),
    (
        Role.FINANCE,
        "{case}/waiver",
        {"waiver_account": "loan", "waiver_amount": "9000", "waiver_reason": "算了"},
    ),
    (Role.FINANCE, "{case}/duties/wages", {"wages-word": "ordered", "wages-reference": "1"}),
    (Role.FINANCE, "{case}/settlement", {"do": "draft", "final_wage": "99999"}),
    (
        Role.FINANCE,
        "{case}/plan",
        {"plan_total": "9000", "plan_agreed_on": "2026-03-02", "plan_instalments": "2030-01-01 9000"},
    ),
)


@pytest.mark.parametrize(("role", "path", "form"), SENT)
async def test_who_leaves_decides_nothing_of_their_own_departure_as_an_officer(
    parts: Parts, case: str, role: Role, path: str, form: dict[str, str]
) -> None:
    with parts.database.reading() as session:
        before = session.get_one(Departure, case).model_dump()
    async with browser(parts, role, number=NUMBER) as page:
        await page.post(f"/console/departures/{path.format(case=case)}", {"nonce": new_id(), **form})
        assert "about yourself" in page.text
    assert all_of(parts, ActRow) == all_of(parts, Approval) == []
    with parts.database.reading() as session:
        assert session.get_one(Departure, case).model_dump() == before


async def test_who_leaves_books_nothing_in_their_own_ledger_and_undoes_nothing(
    parts: Parts, case: str
) -> None:
    (posting,) = all_of(parts, Posting)
    async with browser(parts, Role.FINANCE, number=NUMBER) as page:
        paid = {"kind": "repayment", "account": "loan", "amount": "9000", "booked_on": "2026-03-02"}
        ledger = f"/console/people/{NUMBER}/ledger"
        for path, form in ((ledger, paid), (f"{ledger}/{posting.id}", {"reason": "错了"})):
            answer = await page.post(path, {**form, "nonce": new_id()})
            assert (answer.status_code, "about yourself" in page.text) == (404, True)
    assert all_of(parts, Posting) == [posting]


async def test_who_leaves_does_not_start_their_own_departure(parts: Parts) -> None:
    with parts.database.transaction() as session:
        session.add(Person(id=new_id(), number="E2001", name="赵接手", branch_id=BEIJING))
    wish = {
        "employee": NUMBER,
        "kind": "mutual",
        "proposed_by": "employer",
        "last_day": "2026-04-15",
        "noticed_on": "2026-03-02",
        "successor": "E2001",
    }
    async with browser(parts, Role.HR, number=NUMBER) as page:
        for form in (wish, {**wish, "do": "start", "shown": "0" * 64}):
            await page.post("/console/start/departure", form)
            assert OWN in page.text.lower()
    assert all_of(parts, Departure) == []


async def test_who_leaves_does_not_agree_to_giving_up_their_own_debt(parts: Parts, case: str) -> None:
    waiver = {"waiver_account": "loan", "waiver_amount": "9000", "waiver_reason": "照顾", "nonce": new_id()}
    async with browser(parts, Role.FINANCE) as finance:
        await finance.post(f"/console/departures/{case}/waiver", waiver)
    (asked,) = all_of(parts, Approval)
    async with browser(parts, Role.HR, number=NUMBER) as own:
        answer = await own.post(f"/console/approvals/{asked.id}", {"decision": "agree", "reason": "同意"})
        assert (answer.status_code, "about yourself" in own.text) == (404, True)
    assert all_of(parts, Approval)[0].decided_at is None
    async with browser(parts, Role.HR, "other") as other:
        await other.post(f"/console/approvals/{asked.id}", {"decision": "agree", "reason": "同意"})
    assert all_of(parts, Approval)[0].approved is True


# -- who sees what ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.ADMINISTRATION, Role.FINANCE])
async def test_administration_and_finance_see_equipment_and_no_customer_nor_document(
    parts: Parts, case: str, role: Role
) -> None:
    async with browser(parts, role) as page:
        for query in ("", "?show=all", "?track=customers", "?q=华东", "?show=all&track=documents"):
            await page.get(f"/console/departures/{case}{query}")
            assert "华东大客户" not in page.page
            assert "投标底稿" not in page.page
            assert "13811112222" not in page.page
        await page.get(f"/console/departures/{case}")
        assert "电脑" in page.page
        assert ("9,000.00" in page.page) == (role is Role.FINANCE)
    async with browser(parts, Role.HR) as hr:
        await hr.get(f"/console/departures/{case}?show=all")
        assert "华东大客户" in hr.page


# -- a form that is sent again ----------------------------------------------------------------------------


async def test_a_form_that_was_changed_and_sent_again_says_nothing_of_what_did_not_happen(
    parts: Parts, case: str
) -> None:
    path = f"/console/departures/{case}/last-day"
    async with browser(parts) as hr:
        await hr.get(path)
        form = {"nonce": nonce(hr), "reason": "协商", "on": "2026-04-30"}
        await hr.post(path, form)
        await hr.post(path, form)
        assert len(all_of(parts, ActRow)) == 1
        await hr.post(path, {**form, "on": "2026-05-31"})
        assert "The last day is now 2026-05-31" in hr.text
    with parts.database.reading() as session:
        assert session.get_one(Departure, case).last_day == date(2026, 5, 31)


async def test_two_presses_of_a_waiver_give_up_the_debt_once_and_ask_nobody(parts: Parts, case: str) -> None:
    limit = parts.settings.waiver_limit_fen // 100
    path = f"/console/departures/{case}/waiver"
    async with browser(parts, Role.FINANCE) as finance:
        await finance.get(path)
        form = {"waiver_account": "loan", "waiver_amount": str(limit), "waiver_reason": "照顾"}
        form["nonce"] = nonce(finance)
        await finance.post(path, form)
        await finance.post(path, form)
    assert len(all_of(parts, ActRow)) == 1
    assert all_of(parts, Approval) == []


async def test_items_ticked_after_going_back_are_another_act(parts: Parts, case: str) -> None:
    with parts.database.transaction() as session:
        session.add(Person(id=new_id(), number="E2001", name="赵接手", branch_id=BEIJING))
    ids = {one.reference: one.id for one in all_of(parts, HandoverItem)}
    async with browser(parts) as hr:
        await hr.get(f"/console/departures/{case}")
        form = {"act": "reassigned", "nonce": nonce(hr), "reassigned-receiver": "E2001"}
        for reference in ("C-1", "D-1", "D-1"):
            await hr.post(f"/console/departures/{case}/items", {**form, "items": ids[reference]})
    assert all(one.receiver_id for one in all_of(parts, HandoverItem) if one.reference in ("C-1", "D-1"))
    assert len(all_of(parts, ActRow)) == 2


# -- after erasure ----------------------------------------------------------------------------------------

MARKS = ("华东大客户", "13811112222", "投标底稿", "理由标记", "凭证标记", "任务标记", "87654")


def everything(parts: Parts) -> str:
    with parts.database.reading() as session:
        return "\n".join(
            f"{table.name}: {tuple(row)!r}"
            for table in SQLModel.metadata.sorted_tables
            for row in session.execute(table.select())
        )


async def test_what_is_erased_stands_in_no_table_and_breaks_no_page(parts: Parts, case: str) -> None:
    items = tuple(one.id for one in all_of(parts, HandoverItem))
    asked = {
        "waiver_account": "loan",
        "waiver_amount": "9000",
        "waiver_reason": "理由标记",
        "nonce": new_id(),
    }
    plan = {
        "plan_total": "9000",
        "plan_agreed_on": "2026-03-02",
        "plan_instalments": "2030-01-01 9000",
        "nonce": new_id(),
    }
    async with browser(parts, Role.FINANCE) as finance:
        await finance.post(f"/console/departures/{case}/waiver", asked)
        await finance.post(f"/console/departures/{case}/plan", plan)
        wage = {"do": "draft", "final_wage": "87654", "tax": "0"}
        await finance.post(f"/console/departures/{case}/settlement", wage)
        await finance.get(f"/console/departures/{case}/money")
        assert await finance.post(
            f"/console/departures/{case}/settlement/1/confirm", {"nonce": nonce(finance)}
        )
    async with browser(parts) as hr:
        await hr.get(f"/console/departures/{case}")
        form = {"act": "not_applicable", "nonce": nonce(hr), "items": list(items)}
        await hr.post(f"/console/departures/{case}/items", {**form, "not_applicable-words": "理由标记"})
        task = ListedTask("OA", "T-1", "任务标记")
        parts.checklists.list_tasks(case, [task], {"role": "hr", "id": "token:hr"})
        revoked = {"system": "OA", "state": "failed", "reason": "理由标记", "nonce": new_id()}
        with parts.database.transaction() as session:
            session.add(Revocation(id=new_id(), departure_id=case, system="OA"))
        await hr.post(f"/console/departures/{case}/revocations", revoked)
        failed = {"wages-word": "ordered", "wages-reference": "凭证标记", "nonce": new_id()}
        await hr.post(f"/console/departures/{case}/duties/wages", failed)
        await hr.post(
            f"/console/departures/{case}/last-day",
            {"nonce": new_id(), "reason": "理由标记", "on": "2026-04-30"},
        )
        before = everything(parts)
        assert [mark for mark in MARKS if mark not in before] == ["凭证标记"]
        with parts.database.transaction() as session:
            for one in session.exec(select(Case)):
                one.state, one.closed_at = "closed", NOW
            session.get_one(Departure, case).closed_at = NOW
        statutory = all_of(parts, Departure)[0].statutory_case_id
        for erased in (case, statutory):
            parts.eraser.erase(erased, {"role": "hr", "id": "token:hr"}, "期满")
        left = everything(parts)
        assert [mark for mark in MARKS if mark in left] == []
        for path in (
            "",
            "?show=all",
            "/money",
            "/duties",
            "/checklists",
            "/loss",
            "/settlement/1/sheet",
            "/gate",
        ):
            answer = await hr.get(f"/console/departures/{case}{path}")
            assert answer.status_code in {200, 404}, path
        assert (await hr.get("/console/departures?state=all")).status_code == 200
        assert (await hr.get("/console/reports/exits")).status_code == 200
        token = Tokens(parts.database, parts.clock).create(Role.HR, None)
        said = {"Authorization": f"Bearer {token}"}
        for path in ("", "/items", "/gate", "/duties", "/settlements", "/settlements/1/sheet", "/checklists"):
            answer = await hr.client.get(f"/api/v1/departures/{case}{path}", headers=said)
            assert answer.status_code in {200, 404}, path
    async with browser(parts, Role.FINANCE, "finance2") as finance:
        assert (await finance.get(f"/console/departures/{case}/money")).status_code == 200


# -- files ------------------------------------------------------------------------------------------------


async def test_a_list_in_which_the_officer_stands_starts_the_others_and_says_so(tmp_path: Path) -> None:
    alone = company(tmp_path / "alone", lambda: NOW, four_eyes_imports=False)
    add_colleague(alone, "E2")
    add_colleague(alone, "E3")
    with alone.database.transaction() as session:
        person = session.exec(select(Person).where(Person.number == "E3")).one()
        session.add(Employment(id=new_id(), person_id=person.id, hired_on=date(2020, 1, 1)))
    listed = "\n".join(
        ["工号,离职类型,最后工作日,提出日期,接收人工号"]
        + [f"{number},辞职,2026-04-10,2026-03-01,E2" for number in (NUMBER, "E3")]
    )
    async with browser(alone, number=NUMBER) as hr:
        page = await hand_in(hr, listed.encode("gb18030"), kind="leavers")
        answer = await apply(hr, page)
        assert answer.status_code < 500, answer.text
    numbers = {one.person_id for one in all_of(alone, Departure)}
    assert numbers <= {person.id}


ODD_CELLS = (
    "=1+1",
    '=HYPERLINK("http://x","y")',
    "<script>alert(1)</script>",
    "😀",
    "@SUM(1)",
    "-1",
)


@pytest.mark.parametrize("cell", ODD_CELLS)
async def test_a_strange_title_is_shown_as_it_is_and_never_runs(tmp_path: Path, cell: str) -> None:
    alone = company(tmp_path / "alone", lambda: NOW, four_eyes_imports=False)
    quoted = '"' + cell.replace('"', '""') + '"'
    listed = f"资产编号,资产名称,型号,使用人工号,价值(元),必须归还(是/否)\nZ-1,{quoted},,{NUMBER},,"
    async with browser(alone) as hr:
        page = await hand_in(hr, listed.encode(), kind="assets")
        await apply(hr, page)
        assert [one.title for one in all_of(alone, Holding)] == [cell]
        case = leaving(alone, LAST_DAY)
        with alone.database.transaction() as session:
            held: dict[str, Any] = {"reference": "Z-1", "title": cell, "due_on": LAST_DAY, "listed_at": NOW}
            session.add(HandoverItem(id=new_id(), departure_id=case, track="equipment", **held))
        await hr.get(f"/console/departures/{case}")
        assert "<script>alert" not in hr.page
        assert cell in unescape(hr.page)
