"""Starting one case: found by name or number, looked at, started once, refused in words."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlmodel import select

from countersign.adapters.database.tables import (
    Case,
    DisclosureRow,
    EventRow,
    Outbox,
    Person,
    ProcessSwitch,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from tests.support.company import (
    CONTACT_PHONE,
    EMAIL,
    NAME,
    NUMBER,
    PHONE,
    add_colleague,
    add_leave,
    add_shanghai,
    company,
)
from tests.support.console import Browser, browser

NOW = datetime(2026, 2, 2, 2, tzinfo=UTC)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, lambda: NOW)


def other_branch(parts: Parts) -> str:
    """Put another branch into the company; return its name."""
    add_shanghai(parts)
    return "上海"


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def cases(parts: Parts) -> list[Case]:
    with parts.database.reading() as session:
        return list(session.exec(select(Case)).all())


async def started(hr: Browser, leave: str, **choices: str) -> int:
    """Look at a leave and start what was shown; return the status of the last answer."""
    await hr.post(f"/console/start/leave/{leave}", {**choices, "do": "look"})
    form = {**choices, "do": "start", "shown": hidden(hr.page, "shown")}
    return (await hr.post(f"/console/start/leave/{leave}", form)).status_code


async def test_somebody_is_found_by_part_of_name_or_number_with_their_leaves(parts: Parts) -> None:
    leave = add_leave(parts, date(2026, 2, 13))
    add_colleague(parts, "F7")
    async with browser(parts) as hr:
        for part in (NUMBER.lower(), NAME[:2]):
            await hr.get("/console/start", q=part)
            assert f"{NUMBER} {NAME}" in hr.text
            assert f"/console/start/leave/{leave}" in hr.page
            assert "F7" not in hr.text
        await hr.get("/console/start", q="nobody at all")
        assert "Nobody here has this" in hr.text


async def test_without_a_search_the_leaves_that_end_about_now_are_there(parts: Parts) -> None:
    soon = add_leave(parts, date(2026, 2, 13))
    far = add_leave(parts, date(2026, 5, 13), kind="annual")
    async with browser(parts) as hr:
        await hr.get("/console/start")
        assert soon in hr.page
        assert far not in hr.page


async def test_the_preview_shows_days_masked_addresses_texts_and_what_is_missing(parts: Parts) -> None:
    leave = add_leave(parts, date(2026, 2, 13))
    async with browser(parts) as hr:
        await hr.get(f"/console/start/leave/{leave}")
        text = hr.text
        assert "2026-02-13 Fri" in text
        # Saturday the 14th is worked before the spring festival, which ends with the 23rd.
        assert "2026-02-14 Sat 18:00" in text
        assert "2026-02-24 Tue 09:00" in text
        assert "+86138****8000" in text
        assert "z***@example.com" in text
        for address in (PHONE, PHONE[3:], EMAIL, CONTACT_PHONE):
            assert address not in hr.page
        assert "The emergency contact has not agreed to be written to" in text
        assert "消息" in text or "通知" in text, "the texts themselves stand in the page"
    assert cases(parts) == []


async def test_a_start_makes_one_case_with_the_name_of_the_officer_sealed(parts: Parts) -> None:
    leave = add_leave(parts, date(2026, 2, 13))
    async with browser(parts, login="li") as hr:
        assert await started(hr, leave) == 200
        (case,) = cases(parts)
        assert "The case was started." in hr.text
        assert case.id in hr.page
    with parts.database.reading() as session:
        event = session.exec(select(EventRow).where(EventRow.kind == "case.started")).one()
        assert f"account:{hr.account_id}" in event.line
        assert "li name" not in event.line
        sealed = session.exec(select(DisclosureRow).where(DisclosureRow.path == "/actor/name")).one()
        assert sealed.value == "li name"
        assert len(session.exec(select(Outbox).where(Outbox.kind == "start_case")).all()) == 1


async def test_a_double_click_starts_once_and_both_lead_to_the_case(parts: Parts) -> None:
    leave = add_leave(parts, date(2026, 2, 13))
    async with browser(parts) as hr:
        await hr.get(f"/console/start/leave/{leave}")
        form = {"do": "start", "shown": hidden(hr.page, "shown")}
        hr.client.follow_redirects = False
        first = await hr.post(f"/console/start/leave/{leave}", form)
        second = await hr.post(f"/console/start/leave/{leave}", form)
        (case,) = cases(parts)
        for answer in (first, second):
            assert answer.status_code == 303
            assert answer.headers["location"] == f"/console/cases/{case.id}"
        await hr.get(f"/console/start/leave/{leave}")
        assert "has its case already" in hr.text
        assert f"/console/cases/{case.id}" in hr.page
        assert 'value="start"' not in hr.page


async def test_other_choices_than_those_shown_are_shown_again_and_kept(parts: Parts) -> None:
    leave = add_leave(parts, date(2026, 1, 20))
    async with browser(parts) as hr:
        await hr.get(f"/console/start/leave/{leave}")
        assert "first asks HR" in hr.text
        form = {"do": "start", "shown": hidden(hr.page, "shown"), "overdue.first_notice": "skip"}
        answer = await hr.post(f"/console/start/leave/{leave}", form)
        assert answer.status_code == 422
        assert cases(parts) == []
        assert "Look at it again" in hr.text
        assert re.search(r'value="skip" selected', hr.page)
        form["shown"] = hidden(hr.page, "shown")
        assert (await hr.post(f"/console/start/leave/{leave}", form)).status_code != 422
    (case,) = cases(parts)
    assert case.frozen["overdue"] == {"first_notice": "skip"}


async def test_an_address_that_changed_since_the_preview_is_shown_first(parts: Parts) -> None:
    leave = add_leave(parts, date(2026, 2, 13))
    async with browser(parts) as hr:
        await hr.get(f"/console/start/leave/{leave}")
        form = {"do": "start", "shown": hidden(hr.page, "shown")}
        with parts.database.transaction() as session:
            session.exec(select(Person).where(Person.number == NUMBER)).one().phone = "+8613700137000"
        assert (await hr.post(f"/console/start/leave/{leave}", form)).status_code == 422
        assert "+86137****7000" in hr.text
        assert cases(parts) == []


async def test_an_injury_says_that_it_waits_for_the_assessment_until_that_is_done(parts: Parts) -> None:
    leave = add_leave(parts, date(2026, 2, 13), kind="injury")
    async with browser(parts) as hr:
        await hr.get(f"/console/start/leave/{leave}")
        assert "until the assessment of working capacity is recorded" in hr.text
        await started(hr, leave, grading="done")
    (case,) = cases(parts)
    assert case.frozen["grading_pending"] is False


async def test_where_the_process_is_switched_off_the_page_says_so_and_starts_nothing(parts: Parts) -> None:
    leave = add_leave(parts, date(2026, 2, 13))
    with parts.database.transaction() as session:
        session.add(
            ProcessSwitch(
                branch_id="*", process="leave_return", switched_on=False, switched_by="x", switched_at=NOW
            )
        )
    async with browser(parts, language="zh-CN") as hr:
        await hr.get(f"/console/start/leave/{leave}")
        assert "分支“北京”已停用返岗流程" in hr.text
        assert 'value="start"' not in hr.page
        await hr.post(f"/console/start/leave/{leave}", {"do": "start", "shown": "x"})
    assert cases(parts) == []


async def test_an_unknown_policy_is_refused_in_words_and_kept_out(parts: Parts) -> None:
    leave = add_leave(parts, date(2026, 2, 13))
    async with browser(parts, language="zh-CN") as hr:
        answer = await hr.post(f"/console/start/leave/{leave}", {"do": "start", "policy": "nonsense"})
        assert answer.status_code == 422
        assert "没有名为 'nonsense' 的策略" in hr.text
    assert cases(parts) == []


async def test_a_leave_of_another_branch_does_not_exist(parts: Parts) -> None:
    leave = add_leave(parts, date(2026, 2, 13))
    elsewhere = other_branch(parts)
    async with browser(parts, Role.HR, branch=elsewhere) as hr:
        assert (await hr.get(f"/console/start/leave/{leave}")).status_code == 404
        assert (await hr.post(f"/console/start/leave/{leave}", {"do": "start"})).status_code == 404
        await hr.get("/console/start", q=NUMBER)
        assert NAME not in hr.text
    assert cases(parts) == []


# -- circulars --------------------------------------------------------------------------------------------


async def test_a_text_is_previewed_then_sent_once_to_everybody_named(parts: Parts) -> None:
    add_colleague(parts, "F7")
    form = {"title": "Handbook", "text": "Read it.", "addressees": f"{NUMBER}, F7", "do": "look"}
    async with browser(parts) as hr:
        await hr.get("/console/start/circular")
        form["key"] = hidden(hr.page, "key")
        await hr.post("/console/start/circular", form)
        assert "Addressees: 2" in hr.text
        assert cases(parts) == []
        form |= {"do": "start", "shown": hidden(hr.page, "shown")}
        await hr.post("/console/start/circular", form)
        assert "0 of 2 confirmed" in hr.text
        assert "The text goes to 2 people" in hr.text
        await hr.post("/console/start/circular", form)
        assert "0 of 2 confirmed" in hr.text
    assert len(cases(parts)) == 2


async def test_a_text_that_was_changed_after_the_preview_is_shown_again(parts: Parts) -> None:
    form = {"title": "Handbook", "text": "Read it.", "addressees": NUMBER, "do": "look", "key": "k"}
    async with browser(parts) as hr:
        await hr.post("/console/start/circular", form)
        form |= {"do": "start", "shown": hidden(hr.page, "shown"), "text": "Read it now."}
        assert (await hr.post("/console/start/circular", form)).status_code == 422
        assert "Look at it again" in hr.text
        assert "Read it now." in hr.text
    assert cases(parts) == []


async def test_what_is_wrong_with_a_text_is_said_at_its_field_and_everything_is_kept(parts: Parts) -> None:
    async with browser(parts) as hr:
        answer = await hr.post("/console/start/circular", {"text": "Kept words", "addressees": "X1 X2"})
        assert answer.status_code == 422
        assert "Title: write in a few words" in hr.text
        assert "Kept words" in hr.text
        assert "X1" in hr.text
        form = {"title": "T", "text": "Kept words", "addressees": "X1 X2"}
        answer = await hr.post("/console/start/circular", form)
        assert answer.status_code == 422
        assert "Nobody here has the employee number or id X1, X2" in hr.text


async def test_addressees_of_another_branch_are_nobody(parts: Parts) -> None:
    elsewhere = other_branch(parts)
    form = {"title": "T", "text": "x", "addressees": NUMBER, "do": "look"}
    async with browser(parts, branch=elsewhere) as hr:
        await hr.post("/console/start/circular", form)
        assert f"Nobody here has the employee number or id {NUMBER}" in hr.text
