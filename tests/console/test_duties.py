"""The pages of statutory duties: what is late, what it rests on, and recording what became of it."""

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import select

from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Duty, Employment, Person
from countersign.contracts.cases import Role
from tests.support.company import EMAIL, NUMBER, SHANGHAI, add_colleague, add_shanghai
from tests.support.console import browser
from tests.support.ending import LAST, End

NONCE = "0123456789abcdef"


@pytest.fixture
def end(tmp_path: Path) -> Callable[[bool], End]:
    return lambda needs_notice: End(tmp_path, needs_notice)


async def test_late_duties_stand_first_with_their_days_article_and_holder(end: Callable[[bool], End]) -> None:
    leaver = end(False)
    leaver.clock.on(date(2026, 4, 2))
    async with browser(leaver.parts, Role.LEGAL) as seen:
        await seen.get("/console/duties")
        assert "2 late" in seen.text
        assert f"2026-03-31 2 days late {NUMBER}" in seen.text
        assert "工资支付暂行规定9" in seen.text
        await seen.get("/console/duties", which="late")
        assert "transfer of the personal file" not in seen.text
        assert "wages paid" in seen.text


async def test_the_list_without_duties_says_when_some_appear(end: Callable[[bool], End]) -> None:
    leaver = end(True)
    async with browser(leaver.parts, Role.AUDITOR) as seen:
        await seen.get("/console/duties")
        assert "No duty is open." in seen.text
        assert "No system calls an employment suspended." in seen.text


async def test_another_branch_sees_none_of_it(end: Callable[[bool], End]) -> None:
    leaver = end(False)
    add_shanghai(leaver.parts)
    async with browser(leaver.parts, Role.HR, branch=SHANGHAI) as seen:
        await seen.get("/console/duties")
        assert NUMBER not in seen.text
        assert (await seen.get(f"/console/departures/{leaver.id}/duties")).status_code == 404


async def test_hr_records_the_drop_with_its_number_and_once(end: Callable[[bool], End]) -> None:
    leaver = end(False)
    leaver.clock.on(LAST)
    page = f"/console/departures/{leaver.id}/duties"
    form = {"nonce": NONCE, "social_insurance-word": "done"}
    async with browser(leaver.parts) as seen:
        refused = await seen.post(f"{page}/social_insurance", form)
        assert refused.status_code == 422
        assert "confirmation number" in seen.text
        assert leaver.duties()["social_insurance"].state == "due"
        filled = {**form, "social_insurance-reference": "京社 2026-0042"}
        for _ in range(2):
            assert (await seen.post(f"{page}/social_insurance", filled)).status_code == 200
            assert "Recorded as done: social insurance drop." in seen.text
        assert "京社 2026-0042" in seen.text
        assert "1 of 5 done" in seen.text
    assert len(leaver.events("duty.done")) == 1


async def test_what_was_typed_stays_where_a_reason_is_missing(end: Callable[[bool], End]) -> None:
    leaver = end(False)
    async with browser(leaver.parts, language="zh-CN") as seen:
        form = {"nonce": NONCE, "file_transfer-word": "failed", "file_transfer-reference": "京档 7"}
        answer = await seen.post(f"/console/departures/{leaver.id}/duties/file_transfer", form)
        assert answer.status_code == 422
        assert "请说明未办成的原因" in seen.text
        assert 'value="京档 7"' in seen.page


async def test_why_a_duty_failed_stands_beside_it_in_every_list_until_it_is_done(
    end: Callable[[bool], End],
) -> None:
    leaver = end(False)
    leaver.clock.on(date(2026, 4, 20))
    page, why = f"/console/departures/{leaver.id}/duties", "窗口停机，未受理"
    said = {"nonce": NONCE, "file_transfer-word": "failed", "file_transfer-reason": why}
    async with browser(leaver.parts) as seen:
        await seen.post(f"{page}/file_transfer", said)
        for path in (page, "/console/duties", "/console/duties.csv?which=late"):
            assert why in (await seen.get(path)).content.decode(), path
        table = (await seen.get("/console/duties.csv")).content.decode()
        assert table.count(NUMBER) == 5
        assert (await seen.get("/console/duties.doc")).status_code == 404
        done = {"nonce": NONCE, "file_transfer-word": "done", "file_transfer-reference": "EMS 1"}
        await seen.post(f"{page}/file_transfer", done)
        assert why not in seen.text
    assert [one.reason for one in leaver.parts.duty_reports.overdue(Scope())] == [None] * 4


async def test_wages_are_recorded_by_finance_alone(end: Callable[[bool], End]) -> None:
    leaver = end(False)
    leaver.clock.on(LAST)
    page = f"/console/departures/{leaver.id}/duties"
    form = {"nonce": NONCE, "wages-word": "done", "wages-reference": "BANK-1"}
    async with browser(leaver.parts) as hr:
        await hr.get(page)
        assert "Record: wages paid" not in hr.text
        assert (await hr.post(f"{page}/wages", form)).status_code == 422
        assert "belongs to finance" in hr.text
    async with browser(leaver.parts, Role.FINANCE) as finance:
        await finance.get(page)
        assert "Record: wages paid" in finance.text
        assert "Record: social insurance drop" not in finance.text
        await finance.post(f"{page}/wages", form)
        assert "Recorded as done: wages paid." in finance.text


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "This form is incomplete"),
        ({"nonce": NONCE}, "Choose what became of the duty"),
        ({"nonce": NONCE, "file_transfer-word": "blocked"}, "Choose what became of the duty"),
        ({"nonce": NONCE, "file_transfer-word": "done", "file_transfer-reference": "x" * 201}, "At most 200"),
    ],
)
async def test_a_form_that_says_nothing_or_too_much_is_refused(
    end: Callable[[bool], End], form: dict[str, str], words: str
) -> None:
    leaver = end(False)
    leaver.clock.on(LAST)
    async with browser(leaver.parts) as seen:
        answer = await seen.post(f"/console/departures/{leaver.id}/duties/file_transfer", form)
        assert answer.status_code == 422
        assert words in seen.text
    assert leaver.duties()["file_transfer"].state == "due"


async def test_a_duty_that_nobody_knows_is_not_there(end: Callable[[bool], End]) -> None:
    leaver = end(False)
    async with browser(leaver.parts) as seen:
        path = f"/console/departures/{leaver.id}/duties/blocked"
        assert (await seen.post(path, {"nonce": NONCE})).status_code == 404


async def test_the_page_says_why_a_message_is_no_delivery_and_takes_one_in_person(
    end: Callable[[bool], End],
) -> None:
    leaver = end(True)
    leaver.notice("email", address=EMAIL, state="delivered", settled_at=leaver.clock.now)
    leaver.clock.on(date(2026, 3, 12))
    page = f"/console/departures/{leaver.id}"
    async with browser(leaver.parts) as seen:
        await seen.get(f"{page}/duties")
        assert "notice not delivered, nothing has ended" in seen.text
        assert "has not agreed to in a signed paper" in seen.text
        assert "Record: " not in seen.text
        form = {"nonce": NONCE, "service-on": "2026-03-13", "service-witness": "李见证"}
        assert (await seen.post(f"{page}/service", form)).status_code == 422
        assert "Lies in the future" in seen.text
        assert 'value="李见证"' in seen.page
        assert (await seen.post(f"{page}/service", {**form, "service-on": "2026-03-12"})).status_code == 200
        assert "counts as delivered on 2026-03-12" in seen.text
        assert "handed over in person" in seen.text
        assert "ends on 2026-03-31" in seen.text
    assert leaver.duties()["wages"].due_on == LAST


async def test_a_file_that_is_no_picture_is_refused_at_its_field(end: Callable[[bool], End]) -> None:
    leaver = end(True)
    async with browser(leaver.parts) as seen:
        form = {"nonce": NONCE, "service-on": "2026-03-09", "service-witness": "李见证"}
        files = {"service-file": ("virus.exe", b"MZ", "application/octet-stream")}
        answer = await seen.post(f"/console/departures/{leaver.id}/service", form, files=files)
        assert answer.status_code == 422
        assert 'href="#service-file"' in seen.page


async def test_the_papers_of_the_end_can_be_opened_by_who_reads_cases(end: Callable[[bool], End]) -> None:
    leaver = end(False)
    leaver.clock.on(LAST)
    leaver.end()
    leaver.parts.duty_book.certify(leaver.order)
    async with browser(leaver.parts) as seen:
        await seen.get(f"/console/departures/{leaver.id}/duties")
        document = leaver.duties()["certificate"].document_id
        path = f"/console/cases/{leaver.case}/documents/{document}"
        assert path in seen.page
        assert (await seen.get(path)).content.startswith(b"%PDF")


@pytest.mark.parametrize(("role", "told"), [(Role.HR, True), (Role.MANAGER, False)])
async def test_the_page_of_a_person_tells_the_true_state_and_the_ground_to_readers_alone(
    end: Callable[[bool], End], role: Role, told: bool
) -> None:
    leaver = end(False)
    with leaver.parts.database.transaction() as session:
        employment = session.exec(select(Employment)).one()
        employment.suspended_since = date(2026, 3, 1)
        session.add(employment)
    if role is Role.MANAGER:
        _lead(leaver)
    leaver.clock.on(LAST)
    async with browser(leaver.parts, role, number="E9001" if role is Role.MANAGER else None) as seen:
        await seen.get(f"/console/people/{NUMBER}")
        assert "ended since 2026-03-31" in seen.text
        assert ("notice by the employee" in seen.text) is told
        assert "called suspended by a system since 2026-03-01, but it has ended" in seen.text


async def test_suspended_employments_are_listed_with_the_truth(end: Callable[[bool], End]) -> None:
    leaver = end(False)
    leaver.parts.employments.call(
        Scope(), NUMBER, date(2026, 3, 1), {"role": "integrator", "id": "token:contracts"}
    )
    async with browser(leaver.parts) as seen:
        await seen.get("/console/duties")
        assert "2026-03-01 active until 2026-03-31 too long" in seen.text
        await seen.get("/console/alarms")
        assert "Employment called suspended" in seen.text


def _lead(leaver: End) -> None:
    add_colleague(leaver.parts, "E9001")
    with leaver.parts.database.transaction() as session:
        person = session.exec(select(Person).where(Person.number == NUMBER)).one()
        person.manager_number = "E9001"
        session.add(person)


def taken(leaver: End) -> list[tuple[str, str]]:
    """Return who has taken the list, as the chain of the leaver's statutory case tells it."""
    with leaver.parts.database.reading() as session:
        events, _ = leaver.parts.evidence.chain(session, leaver.case)
        return [(one.actor["role"], one.body["kind"]) for one in events if one.kind == "document.viewed"]


LIST = "/console/duties/unemployment-list"


async def test_hr_takes_the_list_for_the_bureau_and_the_chain_tells_of_it_once_a_day(
    end: Callable[[bool], End],
) -> None:
    leaver = end(False)
    with leaver.parts.database.transaction() as session:
        person = session.exec(select(Person).where(Person.number == NUMBER)).one()
        person.id_number = "11010519491231002X"
        phone = person.phone
    leaver.clock.on(LAST)
    asked = {"from": "2026-03-31", "until": "2026-03-01", "state": "open"}
    async with browser(leaver.parts) as hr:
        await hr.get("/console/duties")
        assert "List for unemployment benefits" in hr.text
        table = (await hr.post(f"{LIST}.csv", asked)).content.decode("utf-8-sig")
        assert NUMBER not in table, "the employment has not ended yet"
        assert taken(leaver) == []
        leaver.end()
        for _ in range(2):
            answer = await hr.post(f"{LIST}.csv", asked)
        (line,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
        assert line["Number"] == NUMBER
        assert line["ID number"] == "11010519491231002X"
        assert line["Employment ended on"] == LAST.isoformat()
        assert (line["Legal ground"], line["Article"]) == ("notice by the employee", "劳动合同法37")
        assert (line["Phone"].strip("'"), line["E-mail"], line["Due"]) == (phone, EMAIL, "2026-04-15")
        assert taken(leaver) == [("hr", "unemployment_list")]
        sheet = (await hr.post(f"{LIST}.xlsx", asked)).content
        assert b"spreadsheetml" in sheet or sheet.startswith(b"PK")
        other = await hr.post(f"{LIST}.csv", {**asked, "from": "2026-03-30", "until": "2026-03-30"})
        assert NUMBER not in other.content.decode()
        with leaver.parts.database.transaction() as session:
            duty = session.exec(select(Duty).where(Duty.kind == "unemployment_list")).one()
            duty.state = "done"
        assert NUMBER not in (await hr.post(f"{LIST}.csv", asked)).content.decode()
        everybody = await hr.post(f"{LIST}.csv", {**asked, "state": "all"})
        assert NUMBER in everybody.content.decode()
        await hr.post(f"{LIST}.csv", {**asked, "until": "someday"})
        assert "give two days that exist" in hr.text
        assert (await hr.post(f"{LIST}.doc", asked)).status_code == 404


@pytest.mark.parametrize("role", [Role.FINANCE, Role.ADMINISTRATION, Role.LEGAL, Role.AUDITOR])
async def test_nobody_but_hr_takes_the_list_for_the_bureau(end: Callable[[bool], End], role: Role) -> None:
    leaver = end(False)
    leaver.clock.on(LAST)
    leaver.end()
    async with browser(leaver.parts, role) as seen:
        await seen.get("/console/duties")
        assert "List for unemployment benefits" not in seen.text
        answer = await seen.post(f"{LIST}.csv", {"from": "2026-03-01", "until": "2026-03-31"})
        assert answer.status_code == 403
    assert taken(leaver) == []


async def test_the_list_for_the_bureau_keeps_to_the_branch(end: Callable[[bool], End]) -> None:
    leaver = end(False)
    leaver.clock.on(LAST)
    leaver.end()
    add_shanghai(leaver.parts)
    asked = {"from": "2026-03-01", "until": "2026-03-31"}
    async with browser(leaver.parts, Role.HR, branch=SHANGHAI) as seen:
        assert NUMBER not in (await seen.post(f"{LIST}.csv", asked)).content.decode()
    async with browser(leaver.parts, Role.HR, "company") as seen:
        chosen = {**asked, "branch": SHANGHAI}
        assert NUMBER not in (await seen.post(f"{LIST}.csv", chosen)).content.decode()
    assert taken(leaver) == []
