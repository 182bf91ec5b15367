"""The editor of texts: who may change one, what is checked, and that written notices stay as they are."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from api.console.text_words import MEANINGS, NAMES
from api.console.texts import differences
from api.language import catalogue
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.starts import StartWish
from countersign.adapters.database.tables import Case, Leave, Notice, StoredTemplate
from countersign.adapters.database.template_book import SavedMeanwhile, TextLocked
from countersign.adapters.rendering import Renderer
from countersign.bootstrap import Parts
from countersign.contracts.cases import Process, Role
from countersign.contracts.notices import NoticeOrder
from countersign.domain.policy import Audience, Channel
from countersign.domain.texts import Form, TextKey, passed_to
from tests.support.company import EMAIL, NAME, NUMBER, PHONE, add_leave, add_shanghai, company
from tests.support.console import browser, open_account

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
FIRST = TextKey("leave_return", "first_notice", "zh-CN", Form.TEXT)
PATH = "/console/texts/leave_return/first_notice/zh-CN/txt"
OWN = "我们的返岗通知\n{{ employee }}您好，返岗日为{{ return_day|zh_day }}。"


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    one = company(tmp_path, lambda: NOW, sms_prices={"+86": "0.045"})
    add_leave(one, date(2026, 12, 11), starts_on=date(2026, 11, 2))
    return one


def kept(parts: Parts) -> list[StoredTemplate]:
    with parts.database.reading() as session:
        return list(session.exec(select(StoredTemplate).order_by(col(StoredTemplate.version))))


async def test_the_list_shows_every_text_with_who_changed_or_locked_it(parts: Parts) -> None:
    officer = parts.accounts.officer(open_account(parts, Role.HR, "writer", edits_templates=True))
    assert officer is not None
    parts.template_book.save(FIRST, OWN, 0, officer)
    parts.template_book.lock(TextKey("leave_return", "mail", "en", Form.TEXT), 0, officer, locked=True)
    async with browser(parts, Role.AUDITOR) as auditor:
        await auditor.get("/console/texts")
        assert "154 texts, 1 changed, 1 locked." in auditor.text
        assert "version 1 writer name" in auditor.text
        assert auditor.page.count('href="/console/texts/') == 154
        answer = await auditor.get(PATH)
        assert "Save as a new version" not in answer.text
        assert "我们的返岗通知" in auditor.page


async def test_saving_makes_a_version_for_new_notices_and_leaves_written_ones(parts: Parts) -> None:
    case = started(parts)
    before = prepared(parts, case, "first_notice.1")
    async with browser(parts, Role.HR, edits_templates=True) as hr:
        await hr.post(f"{PATH}/save", {"body": OWN.replace("\n", "\r\n"), "based_on": "0"})
        assert "Version 1 is saved." in hr.text
        assert "Version 1 by hr name" in hr.text
    assert [(one.version, one.body) for one in kept(parts)] == [(1, OWN)]
    after = prepared(parts, case, "first_notice.2")
    with parts.database.reading() as session:
        first, second = session.get_one(Notice, before), session.get_one(Notice, after)
    assert first.title == "返岗通知书"
    assert (second.title, second.text) == (
        "我们的返岗通知",
        f"{NAME}您好，返岗日为2026年12月14日（星期一）。",
    )
    assert second.fingerprint != first.fingerprint


def started(parts: Parts) -> str:
    with parts.database.reading() as session:
        leave = session.exec(select(Leave.id)).one()
    return parts.starts.start(StartWish(leave), {"role": "hr", "id": "t"})


def prepared(parts: Parts, case: str, step: str) -> str:
    order = NoticeOrder(
        case_id=case,
        step=step,
        template="first_notice",
        audience=Audience.EMPLOYEE,
        channels=(Channel.IN_SYSTEM,),
        answer_by=None,
        at=NOW,
    )
    return parts.notices.prepare(order).notice_id


async def test_a_text_with_a_fault_is_not_saved_and_what_was_typed_stays(parts: Parts) -> None:
    wrong = "标题\n{{ empleyee }}\n{{ ''.__class__ }}"
    async with browser(parts, Role.HR, language="zh-CN", edits_templates=True) as hr:
        answer = await hr.post(f"{PATH}/save", {"body": wrong, "based_on": "0"})
        assert answer.status_code == 422
        assert "第 3 行 : 模板中不能使用 .__class__" in hr.text
        assert "{{ empleyee }}" in hr.page
        await hr.post(f"{PATH}/check", {"body": "标题\n{{ empleyee }}"})
        assert "没有变量 empleyee；是否想写 employee？" in hr.text
        part = await hr.client.post(
            f"{PATH}/check",
            data={"csrf": re.findall(r'name="csrf" value="([^"]+)"', hr.page)[0], "body": OWN},
            headers={"hx-request": "true"},
        )
        assert part.text.lstrip().startswith("<p>")
        assert "未发现问题" in part.text
        answer = await hr.post(f"{PATH}/save", {"body": OWN + "\x00", "based_on": "0"})
        assert answer.status_code == 422
    assert kept(parts) == []


async def test_changing_texts_is_a_right_of_its_own(parts: Parts) -> None:
    async with browser(parts, Role.HR) as hr:
        await hr.get(PATH)
        assert "Changing texts is a right of its own." in hr.text
        assert "Save as a new version" not in hr.text
        for what in ("save", "shipped", "lock"):
            answer = await hr.post(f"{PATH}/{what}", {"body": OWN, "based_on": "0", "locked": "yes"})
            assert answer.status_code == 403, what
        answer = await hr.post(f"{PATH}/check", {"body": OWN})
        assert answer.status_code == 200
    async with browser(parts, Role.LEGAL, edits_templates=True) as legal:
        answer = await legal.post(f"{PATH}/save", {"body": OWN, "based_on": "0"})
        assert answer.status_code == 403
    assert kept(parts) == []


async def test_who_saves_over_somebody_else_is_told_and_may_save_again(parts: Parts) -> None:
    officer = parts.accounts.officer(open_account(parts, Role.HR, "faster", edits_templates=True))
    assert officer is not None
    async with browser(parts, Role.HR, edits_templates=True) as hr:
        parts.template_book.save(FIRST, OWN + "快", 0, officer)
        answer = await hr.post(f"{PATH}/save", {"body": OWN + "慢", "based_on": "0"})
        assert answer.status_code == 422
        assert "faster name saved version 1 at 2026-11-20 10:00." in hr.text
        assert OWN.splitlines()[1] + "慢" in hr.page
        assert 'name="based_on" value="1"' in hr.page
        await hr.post(f"{PATH}/save", {"body": OWN + "慢", "based_on": "1"})
        assert "Version 2 is saved." in hr.text
        answer = await hr.post(f"{PATH}/save", {"body": OWN + "慢", "based_on": "2"})
        assert "Nothing was changed" in hr.text
    assert [one.body[-1] for one in kept(parts)] == ["快", "慢"]
    with pytest.raises(SavedMeanwhile):
        parts.template_book.save(FIRST, OWN, 1, officer)


async def test_the_shipped_text_comes_back_as_a_version(parts: Parts) -> None:
    async with browser(parts, Role.HR, edits_templates=True) as hr:
        await hr.post(f"{PATH}/save", {"body": OWN, "based_on": "0"})
        await hr.post(f"{PATH}/shipped", {"based_on": "1"})
        assert "The shipped text is in use again, as version 2." in hr.text
        await hr.get(f"{PATH}?compare=1")
        assert "What differs from version 1" in hr.text
        assert "− 我们的返岗通知" in hr.text
        assert "+ 返岗通知书" in hr.text
    assert parts.template_book.body(FIRST) is None
    assert [one.body for one in kept(parts)] == [OWN, ""]


async def test_a_locked_text_refuses_changes_until_it_is_unlocked(parts: Parts) -> None:
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR) as administrator:
        await administrator.post(f"{PATH}/lock", {"locked": "yes", "based_on": "0"})
        assert "The text is locked." in administrator.text
    async with browser(parts, Role.HR, edits_templates=True) as hr:
        await hr.get(PATH)
        assert "Save as a new version" not in hr.text
        answer = await hr.post(f"{PATH}/save", {"body": OWN, "based_on": "1"})
        assert answer.status_code == 422
        assert "system_administrator name locked this text at 2026-11-20 10:00." in hr.text
        answer = await hr.post(f"{PATH}/lock", {"locked": "no", "based_on": "0"})
        assert answer.status_code == 422
        await hr.post(f"{PATH}/lock", {"locked": "no", "based_on": "1"})
        await hr.post(f"{PATH}/save", {"body": OWN, "based_on": "2"})
        assert "Version 3 is saved." in hr.text
        officer = parts.accounts.officer(hr.account_id)
    assert officer is not None
    parts.template_book.lock(FIRST, 3, officer, locked=True)
    with pytest.raises(TextLocked):
        parts.template_book.save(FIRST, "", 4, officer)
    assert parts.template_book.body(FIRST) == OWN


async def test_the_preview_shows_page_mail_and_paper_of_a_real_person(parts: Parts) -> None:
    async with browser(parts, Role.HR, edits_templates=True) as hr:
        await hr.post(f"{PATH}/check", {"body": OWN, "person": NUMBER})
        assert f"What {NAME} would get" in hr.text
        assert f"{NAME}您好，返岗日为2026年12月14日（星期一）。" in hr.text
        assert f"Mail → {EMAIL}" in hr.text
        assert f"SMS → {PHONE}" in hr.text
        assert "¥0.0" in hr.text
        answer = await hr.post(f"{PATH}/paper", {"body": OWN, "person": NUMBER})
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")
        answer = await hr.post(f"{PATH}/paper", {"body": OWN, "person": "E9999"})
        assert answer.status_code == 422
        assert "No employee of yours has this number." in hr.text
    with parts.database.reading() as session:
        assert session.exec(select(Notice)).all() == []
    assert kept(parts) == []


async def test_a_person_of_another_branch_is_nobody(parts: Parts) -> None:
    add_shanghai(parts)
    async with browser(parts, Role.HR, branch="上海") as hr:
        await hr.post(f"{PATH}/check", {"body": OWN, "person": NUMBER})
        assert "No employee of yours has this number." in hr.text
        assert NAME not in hr.text


@pytest.mark.parametrize("process", list(Process))
def test_every_text_can_be_previewed_and_is_named(parts: Parts, process: Process) -> None:
    for key in parts.renderers[process].keys():
        sample = parts.text_previews.sample(key, parts.renderers, Scope(), NUMBER)
        assert sample is not None
        assert [one.problem for one in sample.shown] == [None] * len(sample.shown), key.file
        assert key.name in NAMES
        assert (sample.paper is not None) == (key.form is Form.TEXT and not key.is_mail)


@pytest.mark.parametrize("process", list(Process))
def test_the_list_of_variables_is_what_a_text_is_really_given(parts: Parts, process: Process) -> None:
    given: dict[TextKey, set[str]] = {}

    class Listening(Renderer):
        def _render(self, source: Any, variables: Mapping[str, Any]) -> str:
            language, name = source.file.split("/")[1:]
            stem, _, form = name.rpartition(".")
            given[TextKey(process.value, stem, language, Form(form))] = set(variables)
            return super()._render(source, variables)

    listening = {one: Listening(one.value) for one in Process}
    for key in parts.renderers[process].keys():
        parts.text_previews.sample(key, listening, Scope(), NUMBER)
    assert given
    for key, names in given.items():
        assert names == passed_to(key), key.file
        assert names <= set(MEANINGS)


def test_differences_are_lines_with_two_around_them() -> None:
    before = "\n".join("abcdefgh")
    assert differences(before, before) == []
    assert differences(before, before.replace("e", "E\nF")) == [
        (" ", "c"),
        (" ", "d"),
        ("-", "e"),
        ("+", "E"),
        ("+", "F"),
        (" ", "f"),
        (" ", "g"),
    ]
    assert differences("--- a\nx", "x") == [("-", "--- a"), (" ", "x")]


async def test_unknown_texts_are_not_found(parts: Parts) -> None:
    async with browser(parts, Role.HR, edits_templates=True) as hr:
        for path in (
            "x/y/zh-CN/txt",
            "leave_return/first_notice/zh-CN/html",
            "leave_return/..%2Fmail/en/txt",
        ):
            answer = await hr.get(f"/console/texts/{path}")
            assert answer.status_code == 404, path
        assert catalogue("zh-CN").say(NAMES["mail"]) == "各类通知的邮件外框"
    with parts.database.reading() as session:
        assert session.exec(select(Case)).all() == []
