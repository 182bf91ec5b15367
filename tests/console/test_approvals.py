"""What a second person must agree to: who may decide, what it sets off, and what stands in the evidence."""

from datetime import timedelta
from pathlib import Path

from countersign.adapters.database.scope import Scope
from countersign.contracts.cases import Role
from tests.support.company import BEIJING, NAME, NUMBER, SHANGHAI, add_shanghai
from tests.support.console import browser, open_account
from tests.support.running_case import NOW, Running, running

WHY = "the leave was entered twice"
AGREED = {"decision": "agree", "reason": "I have seen both papers"}
REFUSED = {"decision": "refuse", "reason": "only one paper is there"}


def ask(case: Running, account_id: str, act: str = "cancel", **body: str) -> str:
    """Ask for an act on the case as an account; return the request's id."""
    officer = case.parts.accounts.officer(account_id)
    assert officer is not None
    return case.parts.approvals.ask(
        "act",
        case.case_id,
        officer,
        branch_id=BEIJING,
        body={"act": act, "body": body},
        words={"reason": WHY},
    )


def overrides(case: Running) -> list[dict[str, object]]:
    events = case.parts.views.chain(Scope(), case.case_id)
    assert events is not None
    return [
        {"body": event.body, "actor": event.actor} for event in events if event.kind == "override.recorded"
    ]


async def test_the_page_says_what_whom_why_and_who_asks_and_agreeing_carries_it_out(tmp_path: Path) -> None:
    case = running(tmp_path)
    asker = open_account(case.parts, Role.HR, "asker", name="李娜", branch=BEIJING)
    approval = ask(case, asker)
    async with browser(case.parts, Role.HR, "second", name="王芳", branch=BEIJING) as second:
        await second.get("/console/approvals")
        assert f"Cancel the case {NUMBER} {NAME}" in second.text
        assert f"{WHY} 李娜" in second.text
        await second.get(f"/console/approvals/{approval}")
        for told in (NUMBER, NAME, "北京", WHY, "李娜", "2026-03-02 10:00"):
            assert told in second.text, told
        await second.post(f"/console/approvals/{approval}", AGREED)
        assert "Agreed. The case goes on with it." in second.text
        assert "in effect" in second.text
        await second.get("/console/approvals")
        assert "Nothing waits for a second person." in second.text
    assert case.carried == [approval]
    act = case.parts.acts.must_view(approval)
    assert (act.kind.value, act.words) == ("cancel", {"reason": WHY})
    (override,) = overrides(case)
    body = override["body"]
    assert isinstance(body, dict)
    assert body["asked_by"] == f"account:{asker}"
    assert body["approved_by"] == f"account:{second.account_id}"
    assert case.kinds()[-2:] == ["override.recorded", "rung.snoozed"]


async def test_names_and_reasons_stand_sealed_and_the_asker_is_the_actor(tmp_path: Path) -> None:
    case = running(tmp_path)
    asker = open_account(case.parts, Role.HR, "asker", name="李娜", branch=BEIJING)
    approval = ask(case, asker)
    async with browser(case.parts, Role.HR, "second", name="王芳", branch=BEIJING) as second:
        await second.post(f"/console/approvals/{approval}", AGREED)
        found = case.parts.views.case(Scope(), case.case_id)
    assert found is not None
    chain = str(overrides(case))
    for personal in ("李娜", "王芳", WHY, AGREED["reason"]):
        assert personal not in chain
    opened = next(event for event in found["timeline"] if event["kind"] == "override.recorded")
    assert opened["body"]["asked_by_name"] == "李娜"
    assert opened["body"]["approved_by_name"] == "王芳"
    assert opened["body"]["reason"] == AGREED["reason"]
    done = next(event for event in found["timeline"] if event["kind"] == "rung.snoozed")
    assert done["actor"]["id"] == f"account:{asker}"


async def test_nobody_agrees_to_their_own_request_and_everybody_can_take_it_back(tmp_path: Path) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.HR, "asker", branch=BEIJING) as asker:
        approval = ask(case, asker.account_id)
        await asker.get(f"/console/approvals/{approval}")
        assert "Agree and carry out" not in asker.text
        await asker.post(f"/console/approvals/{approval}", AGREED)
        assert "You asked for this yourself; a second person must agree to it." in asker.text
        assert not case.carried
        assert overrides(case) == []
        assert len(case.parts.approvals.waiting(Scope(BEIJING))) == 1
        await asker.post(f"/console/approvals/{approval}", REFUSED)
        assert "Taken back. Nothing was done." in asker.text
        assert "(taken back)" in asker.text
    assert not case.parts.approvals.waiting(Scope(BEIJING))


async def test_the_second_to_decide_is_told_who_was_faster(tmp_path: Path) -> None:
    case = running(tmp_path)
    first = ask(case, open_account(case.parts, Role.HR, "asker", branch=BEIJING))
    async with (
        browser(case.parts, Role.HR, "wang", name="王芳", branch=BEIJING) as wang,
        browser(case.parts, Role.SYSTEM_ADMINISTRATOR, "zhao", name="赵磊") as zhao,
    ):
        await wang.post(f"/console/approvals/{first}", AGREED)
        for form in (AGREED, REFUSED):
            await zhao.post(f"/console/approvals/{first}", form)
            assert "王芳 agreed to this already, at 2026-03-02 10:00." in zhao.text
        other = ask(case, zhao.account_id, "pause")
        await wang.post(f"/console/approvals/{other}", REFUSED)
        assert "Refused. Nothing was done." in wang.text
        await wang.post(f"/console/approvals/{other}", AGREED)
        assert "王芳 refused this already, at 2026-03-02 10:00." in wang.text
    assert case.carried == [first]
    assert len(overrides(case)) == 1


async def test_a_decision_without_a_reason_or_a_choice_is_shown_again(tmp_path: Path) -> None:
    case = running(tmp_path)
    approval = ask(case, open_account(case.parts, Role.HR, "asker", branch=BEIJING))
    async with browser(case.parts, Role.HR, "second", branch=BEIJING) as second:
        for form, sentence in [
            ({"decision": "agree", "reason": " "}, "Give your reason"),
            ({"decision": "perhaps", "reason": "kept words"}, "Choose whether you agree or refuse."),
            ({"decision": "agree", "reason": "x" * 501}, "longer than 500 characters"),
        ]:
            answer = await second.post(f"/console/approvals/{approval}", form)
            assert answer.status_code == 422
            assert sentence in second.text
            assert form["reason"].strip() in second.page
    assert not case.carried


async def test_what_the_case_no_longer_allows_is_said(tmp_path: Path) -> None:
    case = running(tmp_path)
    asker = open_account(case.parts, Role.HR, "asker", branch=BEIJING)
    async with browser(case.parts, Role.HR, "second", branch=BEIJING) as second:
        case.refusal = "act: this step is over"
        approval = ask(case, asker, "pause")
        await second.post(f"/console/approvals/{approval}", AGREED)
        assert "Agreed, but the case does not allow it any more: act: this step is over" in second.text
        late = ask(case, asker)
        case.close()
        await second.get(f"/console/approvals/{late}")
        assert "The case is closed: agreeing changes nothing any more." in second.text
        await second.post(f"/console/approvals/{late}", AGREED)
        assert "already decided by" in second.text


async def test_a_request_of_somebody_who_was_shut_out_cannot_be_agreed_to(tmp_path: Path) -> None:
    case = running(tmp_path)
    asker = open_account(case.parts, Role.HR, "asker", branch=BEIJING)
    approval = ask(case, asker)
    case.parts.accounts.disable(asker)
    async with browser(case.parts, Role.HR, "second", branch=BEIJING) as second:
        await second.post(f"/console/approvals/{approval}", AGREED)
        assert "Whoever asked for this may no longer do it." in second.text
        assert len(case.parts.approvals.waiting(Scope(BEIJING))) == 1
        assert not case.carried
        assert overrides(case) == []
        await second.post(f"/console/approvals/{approval}", REFUSED)
        assert "Refused. Nothing was done." in second.text


async def test_another_branch_does_not_see_a_request_and_readers_do_not_decide(tmp_path: Path) -> None:
    case = running(tmp_path)
    add_shanghai(case.parts)
    approval = ask(case, open_account(case.parts, Role.HR, "asker", branch=BEIJING))
    async with browser(case.parts, Role.HR, "far", branch=SHANGHAI) as far:
        assert (await far.get(f"/console/approvals/{approval}")).status_code == 404
        assert (await far.post(f"/console/approvals/{approval}", AGREED)).status_code == 404
        await far.get("/console/approvals")
        assert WHY not in far.text
    async with browser(case.parts, Role.AUDITOR, "auditor") as auditor:
        await auditor.get(f"/console/approvals/{approval}")
        assert "HR or a system administrator decides this." in auditor.text
        assert (await auditor.post(f"/console/approvals/{approval}", AGREED)).status_code == 403
    assert len(case.parts.approvals.waiting(Scope(BEIJING))) == 1


async def test_the_page_says_when_nobody_else_could_decide(tmp_path: Path) -> None:
    case = running(tmp_path)
    alone = "Nobody else here may decide this"
    async with browser(case.parts, Role.HR, "only", branch=BEIJING) as only:
        approval = ask(case, only.account_id)
        await only.get(f"/console/approvals/{approval}")
        assert alone in only.text
        assert "COUNTERSIGN_TWO_PERSON_ACTS" in only.text
        open_account(case.parts, Role.AUDITOR, "auditor")
        shut = open_account(case.parts, Role.HR, "shut", branch=BEIJING)
        case.parts.accounts.disable(shut)
        assert alone in (await only.get(f"/console/approvals/{approval}")).text
        open_account(case.parts, Role.HR, "head")
        assert alone not in (await only.get(f"/console/approvals/{approval}")).text
        await only.get("/console/settings")
        assert "1 waiting" in only.text


async def test_an_act_of_a_delegate_names_both_in_the_evidence(tmp_path: Path) -> None:
    case = running(tmp_path)
    absent = open_account(case.parts, Role.HR, "absent", name="李娜", branch=BEIJING)
    asker = open_account(case.parts, Role.HR, "asker", name="孙丽", branch=BEIJING)
    officer = case.parts.accounts.officer(asker)
    assert officer is not None
    approval = case.parts.approvals.ask(
        "act",
        case.case_id,
        officer,
        branch_id=BEIJING,
        body={"act": "cancel", "body": {}, "acting_for": absent},
        words={"reason": WHY},
    )
    async with browser(case.parts, Role.HR, "second", branch=BEIJING) as second:
        await second.post(f"/console/approvals/{approval}", AGREED)
    found = case.parts.views.case(Scope(), case.case_id)
    assert found is not None
    actor = next(event for event in found["timeline"] if event["kind"] == "rung.snoozed")["actor"]
    assert (actor["name"], actor["for"]["name"]) == ("孙丽", "李娜")


async def test_erasing_a_case_takes_the_words_of_its_requests(tmp_path: Path) -> None:
    case = running(tmp_path, lambda: NOW + timedelta(days=1))
    approval = ask(case, open_account(case.parts, Role.HR, "asker", branch=BEIJING))
    async with browser(case.parts, Role.HR, "second", branch=BEIJING) as second:
        await second.post(f"/console/approvals/{approval}", REFUSED)
    case.close()
    case.parts.eraser.erase(case.case_id, {"role": "system_administrator", "id": "token:t"}, "asked for")
    kept = case.parts.approvals.find(approval, Scope())
    assert kept is not None
    assert (kept.words, kept.reason, kept.approved) == ({}, None, False)
