"""What officers do in a case: offered where it is possible, done once, refused in words, told with names."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from api.console.acting import read_wish
from api.v1.models import NEEDS, StaffAct
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import ActRow, Delegation
from countersign.contracts.cases import CaseState, EventDraft, Role
from countersign.domain.evidence import EventKind
from tests.support.company import BEIJING, NUMBER, add_shanghai
from tests.support.console import Browser, browser, open_account
from tests.support.running_case import Running, running
from tests.support.story import at, story


def acts(case: Running) -> list[ActRow]:
    with case.parts.database.reading() as session:
        return list(session.exec(select(ActRow).order_by(col(ActRow.recorded_at))))


def offered(page: str) -> list[str]:
    return re.findall(r'id="act-(\w+)"', page)


async def form(hr: Browser, case: Running, kind: str, **fields: Any) -> dict[str, Any]:
    """Open the page and fill the form of an act."""
    await hr.get(f"/console/cases/{case.case_id}")
    told = {f"{kind}-{name}": value for name, value in fields.items()}
    hidden = {name: re.search(rf'name="{name}" value="([^"]*)"', hr.page) for name in ("nonce", "seen")}
    return {"act": kind, **{name: found[1] for name, found in hidden.items() if found}, **told}


async def test_only_what_the_stage_allows_is_offered(tmp_path: Path) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.HR) as hr:
        await hr.get(f"/console/cases/{case.case_id}")
        assert offered(hr.page) == ["back", "snooze", "skip", "jump", "replan", "pause", "cancel"]
        case.move("extension_review")
        await hr.get(f"/console/cases/{case.case_id}")
        assert offered(hr.page)[:2] == ["extension_granted", "extension_refused"]
        case.state = CaseState.PAUSED
        case.move("posting_due")
        await hr.get(f"/console/cases/{case.case_id}")
        assert offered(hr.page)[0] == "posted"
        assert {"resume"} <= set(offered(hr.page))
        assert "pause" not in offered(hr.page)
        case.close()
        await hr.get(f"/console/cases/{case.case_id}")
        assert offered(hr.page) == []
        assert "The case is closed" in hr.text


async def test_the_steps_to_choose_from_are_those_still_to_come(tmp_path: Path) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.HR) as hr:
        await hr.get(f"/console/cases/{case.case_id}")

        def choices(name: str) -> list[str]:
            select_ = re.search(rf'<select id="{name}".*?</select>', hr.page, re.DOTALL)
            assert select_ is not None
            return re.findall(r'value="(\w+)"', select_[0])

        assert choices("skip-step") == ["second_reminder", "emergency_contact", "paper_notice"]
        assert choices("jump-step") == ["emergency_contact", "paper_notice"]


async def test_an_act_is_done_in_the_officers_name_and_the_page_says_so(tmp_path: Path) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.HR, name="李娜") as hr:
        sent = await form(hr, case, "pause", reason="等待工会意见")
        answer = await hr.post(f"/console/cases/{case.case_id}/acts", sent)
        assert answer.status_code == 200
        assert "Done: Pause the case." in hr.text
        assert "HR 李娜" in hr.text
        assert "等待工会意见" in hr.text
    (act,) = acts(case)
    assert (act.actor, act.role, act.kind) == (f"account:{hr.account_id}", "hr", "pause")


async def test_the_same_form_sent_twice_is_one_act(tmp_path: Path) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.HR) as hr:
        sent = await form(hr, case, "pause", reason="once")
        for _ in range(2):
            await hr.post(f"/console/cases/{case.case_id}/acts", sent)
            assert "Done: Pause the case." in hr.text
        assert len(acts(case)) == len(case.carried) == 1
        await hr.post(f"/console/cases/{case.case_id}/acts", {**sent, "pause-reason": "another"})
        assert "this form was sent before with other content" in hr.text
    assert len(acts(case)) == 1


async def test_what_is_missing_is_told_at_its_field_and_what_was_typed_is_kept(tmp_path: Path) -> None:
    case = running(tmp_path)
    case.move("posting_due")
    async with browser(case.parts, Role.HR) as hr:
        sent = await form(hr, case, "posted", happened_at="2026-03-02T09:30", courier="EMS & Co")
        answer = await hr.post(f"/console/cases/{case.case_id}/acts", sent)
        assert answer.status_code == 422
        assert acts(case) == []
        assert "Tracking number: posted needs the field tracking_number" in hr.text
        assert 'value="EMS &amp; Co"' in hr.page
        assert 'value="2026-03-02T09:30"' in hr.page
        assert re.search(r'id="act-posted" open', hr.page)
        answer = await hr.post(
            f"/console/cases/{case.case_id}/acts", {**sent, "posted-tracking_number": "EA123456789CN"}
        )
        assert answer.status_code == 200
    (act,) = acts(case)
    assert act.body["happened_at"] == "2026-03-02T09:30:00+08:00"
    assert act.words == {"courier": "EMS & Co", "tracking_number": "EA123456789CN"}


async def test_a_form_of_a_chinese_page_is_refused_in_chinese(tmp_path: Path) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.HR, language="zh-CN") as hr:
        sent = await form(hr, case, "pause", reason="")
        await hr.post(f"/console/cases/{case.case_id}/acts", sent)
        assert "理由：缺少，请填写" in hr.text


async def test_a_stale_page_is_told_who_was_faster(tmp_path: Path) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.HR, "first", name="李娜") as first:
        async with browser(case.parts, Role.HR, "second", name="王芳") as second:
            mine = await form(first, case, "pause", reason="a")
            stale = await form(second, case, "pause", reason="my own words")
            await first.post(f"/console/cases/{case.case_id}/acts", mine)
            case.refusal = "state: the case is paused already"
            answer = await second.post(f"/console/cases/{case.case_id}/acts", stale)
            assert answer.status_code == 422
            assert "Already done by HR 李娜 at 2026-03-02 10:00: Step put off." in second.text
            assert "my own words" in second.page


async def test_a_refusal_of_the_process_is_told_in_its_own_words(tmp_path: Path) -> None:
    case = running(tmp_path)
    case.refusal = "until: must be later than the time at which the next step comes anyway"
    async with browser(case.parts, Role.HR) as hr:
        sent = await form(hr, case, "snooze", until="2026-03-03T09:00", reason="later")
        answer = await hr.post(f"/console/cases/{case.case_id}/acts", sent)
        assert answer.status_code == 422
        assert "must be later than the time at which the next step comes anyway" in hr.text


async def test_an_act_on_a_case_that_closed_meanwhile_is_told(tmp_path: Path) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.HR) as hr:
        sent = await form(hr, case, "pause", reason="late")
        case.close()
        answer = await hr.post(f"/console/cases/{case.case_id}/acts", sent)
        assert answer.status_code == 422
        assert "The case was already closed at 2026-03-02 10:00" in hr.text
    assert [act.state for act in acts(case)] == ["late"]


async def test_what_needs_a_second_person_is_asked_for_and_not_done(tmp_path: Path) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.HR, name="李娜", branch=BEIJING) as hr:
        sent = await form(hr, case, "cancel", reason="started by mistake")
        for _ in range(2):
            await hr.post(f"/console/cases/{case.case_id}/acts", sent)
        assert "Waits for a second person: Cancel the case. Asked by 李娜 at 2026-03-02 10:00." in hr.text
    assert acts(case) == []
    (asked,) = case.parts.approvals.waiting(Scope(BEIJING))
    assert asked.body == {"act": "cancel", "body": {}}
    assert asked.words == {"reason": "started by mistake"}


async def test_without_the_rule_nobody_is_asked(tmp_path: Path) -> None:
    case = running(tmp_path, two_person_acts=())
    async with browser(case.parts, Role.HR) as hr:
        await hr.post(f"/console/cases/{case.case_id}/acts", await form(hr, case, "cancel", reason="mistake"))
    assert [act.kind for act in acts(case)] == ["cancel"]


async def test_both_names_stand_in_the_chain_when_an_officer_stands_in(tmp_path: Path) -> None:
    case = running(tmp_path)
    absent = open_account(case.parts, Role.HR, "absent", name="王芳")
    async with browser(case.parts, Role.HR, name="李娜") as hr:
        day = case.parts.clock().date()
        with case.parts.database.transaction() as session:
            row = Delegation(
                id="d",
                absent_id=absent,
                delegate_id=hr.account_id,
                from_day=day,
                until_day=day,
                created_by="test",
                created_at=case.parts.clock(),
            )
            session.add(row)
        sent = await form(hr, case, "pause", reason="for her")
        assert "for 王芳, who is away" in hr.text
        await hr.post(f"/console/cases/{case.case_id}/acts", {**sent, "acting_for": absent})
        assert "HR 李娜 (for 王芳)" in hr.text
        sent = await form(hr, case, "replan", reason="x")
        await hr.post(f"/console/cases/{case.case_id}/acts", {**sent, "acting_for": "0" * 26})
    assert [act.acting_for for act in acts(case)] == [absent, None]


async def test_each_overdue_step_is_decided(tmp_path: Path) -> None:
    case = running(tmp_path)
    listed = [
        {"step": step, "planned_at": "2026-02-10T09:00:00+08:00"} for step in ("before_end", "first_notice")
    ]
    case.move(
        "overdue_review",
        EventDraft(EventKind.RUNG_HELD, {"because": "overdue at the start", "overdue": listed}),
    )
    async with browser(case.parts, Role.HR) as hr:
        sent = await form(hr, case, "overdue_decided")
        assert "overdue_decided-choices-first_notice" in hr.page
        assert "choices-before_end" not in hr.page
        await hr.post(
            f"/console/cases/{case.case_id}/acts", {**sent, "overdue_decided-choices-first_notice": "skip"}
        )
    assert [act.body for act in acts(case)] == [{"choices": {"first_notice": "skip"}}]


async def test_nobody_acts_in_a_case_of_another_branch(tmp_path: Path) -> None:
    case = running(tmp_path)
    add_shanghai(case.parts)
    async with browser(case.parts, Role.HR, branch="上海") as hr:
        sent = {"act": "pause", "nonce": "n" * 32, "pause-reason": "x"}
        answer = await hr.post(f"/console/cases/{case.case_id}/acts", sent)
        assert answer.status_code == 404
    assert acts(case) == []


async def test_a_running_case_takes_the_act_of_one_officer_and_refuses_the_late_one(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-09 09:30")) as told:
        await told.start(date(2026, 2, 13))
        await told.until(at("02-25 10:00"))
        path = f"/console/cases/{told.case_id}"
        case = Running(told.parts, told.case_id)
        async with browser(told.parts, Role.HR, "first", name="李娜") as first:
            async with browser(told.parts, Role.HR, "second", name="王芳") as second:
                early = await form(first, case, "snooze", until="2026-02-25T11:00", reason="too early")
                answer = await first.post(f"{path}/acts", early)
                assert answer.status_code == 422
                assert "must be later than the time at which the next step comes anyway" in first.text
                stale = await form(second, case, "pause", reason="the same thought")
                await first.post(f"{path}/acts", await form(first, case, "pause", reason="等待工会意见"))
                assert "Done: Pause the case." in first.text
                assert "resume" in offered(first.page)
                answer = await second.post(f"{path}/acts", stale)
                assert answer.status_code == 422
                assert "Already done by HR 李娜 at 2026-02-25 10:00: Case paused." in second.text
        (paused,) = told.events("case.paused")
        assert paused["actor"] == {"role": "hr", "id": f"account:{first.account_id}", "name": "李娜"}
        assert paused["body"]["reason"] == "等待工会意见"


@pytest.mark.parametrize("act", NEEDS)
def test_a_form_names_every_field_that_an_act_needs(act: StaffAct) -> None:
    request, faults = read_wish(act, {})
    assert request is None
    assert set(NEEDS[act]) <= set(faults)
    assert NUMBER not in str(faults)
