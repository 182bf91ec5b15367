"""The questionnaire in the console and on `/me`: HR reads it, the report counts it, the policy holds it."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from countersign.adapters.database.tables import Case, Employment, Person, QuestionnaireReply
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.ids import new_id
from tests.support.asking import ANSWERS, ask, ended, reply
from tests.support.company import NUMBER, SHANGHAI, add_colleague, add_shanghai, company
from tests.support.console import Browser, browser
from tests.support.leaving import leaving
from tests.support.staff import staff

NOW = datetime(2026, 3, 20, 2, 0, tzinfo=UTC)
LAST_DAY = date(2026, 3, 31)
SECRET = ANSWERS["words"]
OTHERS = [
    role for role in Role if role not in {Role.HR, Role.EMERGENCY_CONTACT, Role.MACHINE, Role.INTEGRATOR}
]
WISH = {"employee": NUMBER, "last_day": "2026-04-15", "noticed_on": "2026-03-20", "successor": "E2001"}


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, lambda: NOW)


@pytest.fixture
def case(parts: Parts) -> str:
    found = leaving(parts, LAST_DAY)
    ask(parts, found)
    return found


# -- HR ---------------------------------------------------------------------------------------------------


async def test_hr_reads_the_answers_in_either_language(parts: Parts, case: str) -> None:
    async with browser(parts, Role.HR) as hr:
        await hr.get(f"/console/departures/{case}/questionnaire")
        assert "not answered yet" in hr.text
        reply(parts, case)
        await hr.get(f"/console/departures/{case}/questionnaire")
        for told in ("Pay and benefits", "2 of 5", SECRET, "Yes", "open until 2026-04-14"):
            assert told in hr.text, told
        reply(parts, case, None)
        await hr.get(f"/console/departures/{case}/questionnaire")
        assert "declined" in hr.text
        assert SECRET not in hr.page
    async with browser(parts, Role.HR, "zh", "zh-CN") as hr:
        reply(parts, case)
        await hr.get(f"/console/departures/{case}/questionnaire")
        assert "薪酬福利" in hr.text


@pytest.mark.parametrize("role", OTHERS)
async def test_nobody_else_finds_the_answers_anywhere(parts: Parts, case: str, role: Role) -> None:
    reply(parts, case)
    manager = "E2000"
    add_colleague(parts, manager)
    with parts.database.transaction() as session:
        leaver = session.exec(select(Person).where(Person.number == NUMBER)).one()
        leaver.manager_number = manager
    own = {"number": manager} if role in {Role.MANAGER, Role.EMPLOYEE} else {}
    async with browser(parts, role, **own) as other:
        assert (await other.get(f"/console/departures/{case}/questionnaire")).status_code in {403, 404}
        for path in (f"/console/departures/{case}", f"/console/cases/{case}", "/console/reports/exits"):
            await other.get(path)
            assert SECRET not in other.page
            assert "/questionnaire" not in other.page


async def test_hr_of_another_branch_finds_nothing(parts: Parts, case: str) -> None:
    reply(parts, case)
    add_shanghai(parts)
    async with browser(parts, Role.HR, branch=SHANGHAI) as hr:
        assert (await hr.get(f"/console/departures/{case}/questionnaire")).status_code == 404


async def test_hr_does_not_find_them_in_the_timeline_either(parts: Parts, case: str) -> None:
    reply(parts, case)
    async with browser(parts, Role.HR) as hr:
        await hr.get(f"/console/cases/{case}")
        assert "The questionnaire was answered or declined" in hr.text
        assert SECRET not in hr.page


# -- programs ---------------------------------------------------------------------------------------------


async def test_the_api_tells_hr_and_nobody_else(parts: Parts, case: str) -> None:
    reply(parts, case)
    add_shanghai(parts)
    path = f"/departures/{case}/questionnaire"
    async with staff(parts) as call:
        told = (await call(path)).json()
        assert (told["reply"], told["open"], told["open_until"]) == ("answered", True, "2026-04-14")
        assert {one["id"]: one["answer"] for one in told["questions"] if one["answer"]} == ANSWERS
        assert told["questions"][0]["options"][0]["text"] == {"zh-CN": "薪酬福利", "en": "Pay and benefits"}
        assert (await call(path, branch=SHANGHAI)).status_code == 404
        for role in (Role.FINANCE, Role.ADMINISTRATION, Role.LEGAL, Role.AUDITOR, Role.SYSTEM_ADMINISTRATOR):
            assert (await call(path, role=role)).status_code == 403
        assert SECRET not in (await call(f"/cases/{case}", role=Role.AUDITOR)).text
        with parts.database.transaction() as session:
            session.get_one(Case, case).frozen = {}
        assert (await call(path)).json()["asked"] is False


async def test_a_departure_that_is_started_asks_what_its_policy_asks(parts: Parts) -> None:
    add_colleague(parts, "E2001")
    async with staff(parts) as call:
        started = (await call("/departures", {**WISH, "kind": "resignation"})).json()
        asked = (await call(f"/departures/{started['case']}/questionnaire")).json()
        assert (asked["asked"], asked["open_until"], len(asked["questions"])) == (True, "2026-04-29", 8)
    found = reply(parts, started["case"], {"reason": "pay"})
    assert found.answers == {"reason": "pay"}


async def test_who_is_dismissed_is_not_asked(parts: Parts) -> None:
    add_colleague(parts, "E2001")
    async with staff(parts) as call:
        wish = {**WISH, "kind": "dismissal", "ground": "worker_fault", "reason": "旷工"}
        started = (await call("/departures", wish)).json()
        assert (await call(f"/departures/{started['case']}/questionnaire")).json()["asked"] is False


async def test_the_reminder_tells_of_it_where_somebody_is_asked(parts: Parts) -> None:
    add_colleague(parts, "E2001")
    async with staff(parts) as call:
        for kind, told in (("resignation", True), ("absence", False)):
            shown = (await call("/departures/previews", {**WISH, "kind": kind, "reason": "x"})).json()
            texts = " ".join(one["text"] for one in shown["texts"] if one["step"].startswith("reminder_"))
            assert ("离职问卷" in texts) is told, kind


# -- the report -------------------------------------------------------------------------------------------


def left(parts: Parts, many: int) -> None:
    for number in range(many):
        one, day = f"E30{number:02}", date(2026, 1, 5) + timedelta(days=number)
        person = add_colleague(parts, one)
        with parts.database.transaction() as session:
            session.add(Employment(id=new_id(), person_id=person, hired_on=date(2020, 1, 1)))
        found = leaving(parts, LAST_DAY, one)
        ask(parts, found)
        reply(parts, found, {**ANSWERS, "again": "no" if number else "yes"})
        ended(parts, found, day)


async def test_the_report_shows_nothing_of_four_and_the_figures_of_five(parts: Parts) -> None:
    left(parts, 4)
    async with browser(parts, Role.LEGAL) as reader, staff(parts) as call:
        path = "/console/reports/exits?from=2026-01-01&until=2026-03-20"
        await reader.get(path)
        assert "No complete group falls into these days" in reader.text
        assert "Pay and benefits" not in reader.text
        api = "/reports/exits?from=2026-01-01&until=2026-03-20"
        assert (await call(api)).json()["questionnaire"]["questions"] == []

        add_one_more(parts)
        await reader.get(path)
        assert "What is your main reason for leaving? · 5 people" in reader.text
        assert "counted for 5 people of one branch at a time" in reader.text
        assert SECRET not in reader.page
        told = {one["id"]: one for one in (await call(api)).json()["questionnaire"]["questions"]}
        assert told.keys() == {"reason", "manager", "again"}
        assert (told["manager"]["mean"], told["manager"]["counted"]) == (2.0, 5)
        assert told["again"]["counts"] == {"yes": 1, "no": 4}
        # The group lies partly outside: not even those of January are shown.
        assert (await call(f"{api[:-10]}2026-01-08")).json()["questionnaire"]["questions"] == []

        answer = await reader.get("/console/reports/exits/questionnaire.csv?from=2026-01-01&until=2026-03-20")
        rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
        assert ["What is your main reason for leaving?", "Pay and benefits", "5", "5", ""] in rows


def add_one_more(parts: Parts) -> None:
    person = add_colleague(parts, "E3999")
    with parts.database.transaction() as session:
        session.add(Employment(id=new_id(), person_id=person, hired_on=date(2020, 1, 1)))
    found = leaving(parts, LAST_DAY, "E3999")
    ask(parts, found)
    reply(parts, found, {**ANSWERS, "again": "no"})
    ended(parts, found, date(2026, 2, 20))


# -- signed in as oneself ---------------------------------------------------------------------------------


async def test_the_leaver_answers_on_their_own_pages_too(parts: Parts, case: str) -> None:
    async with browser(parts, Role.EMPLOYEE, "zhang", "zh-CN", number=NUMBER) as me:
        await me.get(f"/me/cases/{case}")
        path = f"/me/cases/{case}/questionnaire"
        assert path in me.page
        await me.get(path)
        assert "是否作答完全自愿" in me.text
        answer = await me.post(path, {"nonce": nonce(me), "q-words": "x"})
        assert answer.status_code == 422
        assert "请选择一项" in me.text
        await me.post(path, {"nonce": nonce(me), "q-reason": "pay", "q-manager": "3"})
        assert "您的回答已提交给人事" in me.text
    with parts.database.reading() as session:
        assert session.get_one(QuestionnaireReply, case).answers == {"reason": "pay", "manager": "3"}


async def test_somebody_else_who_is_signed_in_finds_no_such_page(parts: Parts, case: str) -> None:
    add_colleague(parts, "E2001")
    async with browser(parts, Role.EMPLOYEE, "other", number="E2001") as other:
        path = f"/me/cases/{case}/questionnaire"
        assert (await other.get(path)).status_code == 404
        assert (await other.post(path, {"reply": "declined", "nonce": "0" * 32})).status_code == 404
    with parts.database.reading() as session:
        assert session.get(QuestionnaireReply, case) is None


def nonce(me: Browser) -> str:
    found = re.search(r'name="nonce" value="(\w+)"', me.page)
    assert found is not None
    return found[1]


# -- the policy -------------------------------------------------------------------------------------------


async def test_the_policy_page_shows_the_questions(parts: Parts) -> None:
    async with browser(parts, Role.HR, language="zh-CN") as hr:
        await hr.get("/console/policies/offboarding_standard")
        for told in (
            "8 题；辞职、合同期满终止、协商解除；最后工作日后 14 天截止",
            "您离职的最主要原因是什么？",
            "薪酬福利",
        ):
            assert told in hr.text, told
        await hr.get("/console/policies/handover_standard")
        assert "离职问卷" not in hr.text


async def edit(hr: Browser, do: str, questions: str | None = None) -> Any:
    """Send the form of the editor as it is shown, with other questions."""
    path = "/console/policies/offboarding_standard/edit"
    page = (await hr.get(path)).text
    form: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]+>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if not name or name[1] == "csrf" or ('type="checkbox"' in tag and " checked" not in tag):
            continue
        form.setdefault(name[1], []).append(value[1] if value else "")
    for tag in re.findall(r"<select.*?</select>", page, re.DOTALL):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)" selected', tag)
        assert name is not None
        form[name[1]] = [value[1] if value else ""]
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL):
        form[name] = [text.replace("&#39;", "'").replace("&#34;", '"')]
    if questions is not None:
        form["questionnaire"] = [questions]
    return await hr.post(path, {**form, "do": do})


async def test_the_form_keeps_changes_and_empties_the_questionnaire(parts: Parts) -> None:
    async with browser(parts, Role.HR) as hr:
        await edit(hr, "check")
        assert "Nothing differs from version 1 yet." in hr.text

        await edit(hr, "save", "questions: [{id: a, kind: stars, zh: 问, en: Ask}]")
        assert 'question 1, kind: is the unknown kind of question "stars"' in hr.text

        one = "open_days: 3\nquestions: [{id: a, kind: text, zh: 问, en: Ask}]"
        await edit(hr, "check", one)
        assert "open until 3 days after the last day · Ask" in hr.text

        await edit(hr, "save", "")
        assert "Saved as version 2" in hr.text
        await edit(hr, "questions")
        assert "您离职的最主要原因是什么？" in hr.page
