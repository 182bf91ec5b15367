"""Policies in the console: the editor, versions, and what each branch starts with."""

from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from api.console.policy_form import dues, form_of
from api.console.policy_words import SETTINGS, PolicyWords
from countersign.adapters.database.circulars import CircularWish
from countersign.adapters.database.policy_book import COMPANY, is_on, policy_for
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.starts import CannotStart, StartWish
from countersign.adapters.database.tables import Alarm, Case, Outbox, StoredPolicy
from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from countersign.contracts.cases import Process, Role
from countersign.domain.console_words import told_in
from countersign.domain.policies import MODELS, READERS, refusals, written_out
from countersign.domain.policy_changes import changes
from countersign.domain.yaml_text import load_text, written
from tests.support.company import BEIJING, NUMBER, SHANGHAI, add_leave, add_shanghai, company
from tests.support.console import Browser, browser, open_account, plain

LEAVE, TEXT = Process.LEAVE_RETURN, Process.ACKNOWLEDGEMENT
STANDARD = "leave_return_standard"
EDIT = f"/console/policies/{STANDARD}/edit"
HR = {"role": "hr", "id": "test"}


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    made = company(tmp_path, utc_now)
    add_shanghai(made)
    return made


class _Fields(HTMLParser):
    """Collects what a browser would send for the editor's form."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._inside = False
        self._select = self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = found.get("id") == "policy"
        if not self._inside:
            return
        name = found.get("name", "")
        if tag == "input" and (found.get("type") != "checkbox" or "checked" in found):
            self.sent.setdefault(name, []).append(found.get("value", ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and (self._select not in self.sent or "selected" in found):
            self.sent[self._select] = [found.get("value", "")]
        elif tag == "textarea":
            self._area = name
            self.sent[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.sent[self._area][0] += data


def form_on(hr: Browser) -> dict[str, Any]:
    """Return the fields of the editor on the page, as a browser would send them."""
    reader = _Fields()
    reader.feed(hr.page)
    assert reader.sent, hr.text
    del reader.sent["csrf"]
    return {name: values if len(values) > 1 else values[0] for name, values in reader.sent.items()}


def newest(parts: Parts, name: str = STANDARD) -> StoredPolicy:
    with parts.database.reading() as session:
        rows = session.exec(select(StoredPolicy).where(StoredPolicy.name == name)).all()
    return max(rows, key=lambda row: row.version)


def shipped(process: Process) -> dict[str, Any]:
    text = (Path("countersign/policies") / f"{process.value}_standard.yaml").read_text("utf-8")
    body = load_text(text, "shipped")
    assert isinstance(body, dict)
    return body


def odd_policy() -> dict[str, Any]:
    """Return a policy in which nothing stands at its usual value."""
    return {
        "name": STANDARD,
        "remind_before": None,
        "remind_channels": ["email", "sms"],
        "back_by": "17:30:15",
        "notice_target_days": 9,
        "posting_due": {"value": 4, "unit": "calendar_days"},
        "visit_due": {"value": 6, "unit": "calendar_days"},
        "review_due": {"value": 7, "unit": "calendar_days"},
        "publication_due": {"value": 8, "unit": "calendar_days"},
        "on_unknown": "at_most_once",
        "confidential": True,
        "rungs": [
            {
                "name": "first_notice",
                "audience": "employee",
                "channels": ["email", "sms"],
                "wait": {"value": 48, "unit": "hours"},
            },
            {
                "name": "letter",
                "audience": "employee",
                "channels": ["courier"],
                "wait": {"value": 5, "unit": "working_days"},
            },
            {
                "name": "in_public",
                "audience": "employee",
                "channels": ["public_notice"],
                "wait": {"value": 30, "unit": "calendar_days"},
            },
        ],
    }


# -- the form and the file say the same ---------------------------------------------------------------------


@pytest.mark.parametrize("process", [LEAVE, TEXT])
def test_the_form_of_a_shipped_policy_reads_as_its_yaml_does(process: Process) -> None:
    read = READERS[process.value]
    form = form_of(process, written_out(process.value, shipped(process)))
    assert read(form.mapping(), "form") == read(shipped(process), "yaml")


def test_the_form_keeps_every_setting_that_is_not_at_its_usual_value() -> None:
    read = READERS[LEAVE.value]
    assert read(form_of(LEAVE, written_out(LEAVE.value, odd_policy())).mapping(), "form") == read(
        odd_policy(), "yaml"
    )


@pytest.mark.parametrize("process", [LEAVE, TEXT])
def test_every_setting_of_a_policy_has_a_field_a_name_and_chinese(process: Process) -> None:
    form, chinese = form_of(process, written_out(process.value, shipped(process))), PolicyWords("zh-CN")
    for name in MODELS[process.value].model_fields:
        assert form.field_of(name) != "policy", name
        assert name in SETTINGS
        assert not chinese.setting(name).isascii(), name


async def test_a_change_in_the_form_is_stored_as_the_yaml_that_says_it(parts: Parts) -> None:
    async with browser(parts, Role.HR, name="李娜") as hr:
        await hr.get(EDIT)
        sent = form_on(hr)
        await hr.post(EDIT, {**sent, "rungs-1-value": "5", "do": "save"})
        assert "Saved as version 2" in hr.text
    stored, wanted = newest(parts), shipped(LEAVE)
    wanted["rungs"][1]["wait"]["value"] = 5
    assert stored.version == 2
    assert READERS[LEAVE.value](stored.body, "stored") == READERS[LEAVE.value](wanted, "yaml")
    first = next(one for one in parts.stored_policies.versions(STANDARD, Scope()) if one.version == 1)
    assert first.body == shipped(LEAVE)
    assert parts.stored_policies.versions(STANDARD, Scope())[0].by == "李娜"


async def test_the_yaml_tab_stores_what_the_reader_takes_and_turns_into_the_form(parts: Parts) -> None:
    async with browser(parts) as hr:
        await hr.get(EDIT, **{"as": "yaml"})
        sent = form_on(hr)
        await hr.post(EDIT, {**sent, "yaml": written(odd_policy()), "do": "form"})
        assert form_on(hr)["back_by"] == "17:30:15"
        await hr.post(EDIT, {**sent, "yaml": written(odd_policy()), "do": "save"})
    assert READERS[LEAVE.value](newest(parts).body, "stored") == READERS[LEAVE.value](odd_policy(), "yaml")


async def test_an_unsaved_form_turns_into_yaml_with_everything_typed(parts: Parts) -> None:
    async with browser(parts) as hr:
        await hr.get(EDIT)
        await hr.post(EDIT, {**form_on(hr), "rungs-0-value": "eleven", "do": "yaml"})
        assert "value: eleven" in form_on(hr)["yaml"]
    assert newest(parts).version == 1


async def test_row_buttons_change_the_rows_and_keep_what_was_typed(parts: Parts) -> None:
    async with browser(parts) as hr:
        await hr.get(EDIT)
        await hr.post(EDIT, {**form_on(hr), "back_by": "half past", "do": "add"})
        sent = form_on(hr)
        assert (sent["rows"], sent["rungs-5-name"], sent["back_by"]) == ("6", "", "half past")
        await hr.post(EDIT, {**sent, "do": "remove:0"})
        sent = form_on(hr)
        assert (sent["rows"], sent["rungs-0-name"]) == ("5", "second_reminder")
        await hr.post(EDIT, {**sent, "do": "down:0"})
        sent = form_on(hr)
        assert (sent["rungs-0-name"], sent["rungs-1-name"]) == ("emergency_contact", "second_reminder")
        await hr.post(EDIT, {**sent, "do": "up:1"})
        sent = form_on(hr)
        assert sent["rungs-0-name"] == "second_reminder"
        await hr.post(EDIT, {**sent, "do": "earlier:0:in_system"})
        assert form_on(hr)["rungs-0-channels"] == ["sms", "in_system", "email"]
        assert form_on(hr)["back_by"] == "half past"
    assert newest(parts).version == 1


async def test_saving_without_a_change_makes_no_version(parts: Parts) -> None:
    async with browser(parts) as hr:
        await hr.get(EDIT)
        answer = await hr.post(EDIT, {**form_on(hr), "do": "save"})
        assert answer.status_code == 422
        assert "Nothing differs from version 1" in hr.text
    assert newest(parts).version == 1


# -- refusals -----------------------------------------------------------------------------------------------


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"rungs-1-value": "three"}, "rungs-1-value", "第 2 步，等待：须为整数"),
    ({"rungs-1-value": ""}, "rungs-1-value", "第 2 步，等待：未填写"),
    ({"rungs-0-name": ""}, "rungs-0-name", "第 1 步，步骤名称：为空，请填写"),
    ({"rungs-0-name": "First notice"}, "rungs-0-name", "第 1 步，步骤名称：只能用小写字母"),
    ({"rungs-0-name": "second_reminder"}, "rungs", "名称 second_reminder 重复"),
    ({"rungs-0-channels": "pigeon"}, "rungs-0-channels", '第 1 步，渠道：没有 "pigeon" 这个渠道'),
    ({"rungs-0-channels": []}, "rungs-0", "第 1 步：没有渠道"),
    ({"rungs-3-channels": ["courier", "visit"]}, "rungs-3", "第 4 步：快递和上门不能放在同一步"),
    ({"sending_window-from": "07:00"}, "rungs-2", "第 3 步：夜间和休息日不打扰紧急联系人"),
    ({"sending_window-from": "19:00"}, "sending_window-from", "发送时段：开始时间须早于结束时间"),
    ({"back_by": "25:00"}, "back_by", '返岗登记截止时间："25:00" 不是存在的时间'),
    ({"notice_target_days": "900"}, "notice_target_days", "不能大于 366"),
    ({"posting_due-value": "9999"}, "policy", "有期限超过 3660 天"),
    ({"review_due-unit": "hours"}, "review_due-value", "须以自然日或工作日计"),
    ({"confidential": "perhaps"}, "confidential", "保密：须为 true 或 false"),
    ({"on_unknown": "thrice"}, "on_unknown", '没有 "thrice" 这个选项'),
    ({"rows": "0"}, "policy", "没有步骤"),
]


async def test_a_refusal_stands_at_its_field_in_chinese_and_what_was_typed_is_kept(parts: Parts) -> None:
    async with browser(parts, language="zh-CN") as hr:
        await hr.get(EDIT)
        sent = form_on(hr)
        for typed, field, told in REFUSED:
            answer = await hr.post(EDIT, {**sent, **typed, "do": "save"})
            assert answer.status_code == 422, typed
            assert f'<a href="#{field}">' in hr.page, typed
            assert f'id="{field}"' in hr.page, typed
            assert told in hr.text, typed
            kept = form_on(hr)
            assert all(kept.get(name) == value for name, value in typed.items() if value), typed
    assert newest(parts).version == 1


async def test_a_setting_that_no_code_reads_cannot_be_saved(parts: Parts) -> None:
    async with browser(parts, language="zh-CN") as hr:
        await hr.get(EDIT, **{"as": "yaml"})
        sent = form_on(hr)
        extra = f"{sent['yaml']}escalate_to_board: true\n"
        answer = await hr.post(EDIT, {**sent, "yaml": extra, "do": "save"})
        assert answer.status_code == 422
        assert '含有系统不认识的设置项 "escalate_to_board"' in hr.text
        assert "escalate_to_board: true" in form_on(hr)["yaml"]
        await hr.post(EDIT, {**sent, "yaml": "name: [", "do": "save"})
        assert "不是有效的 YAML" in hr.text
        await hr.post(EDIT, {**sent, "yaml": sent["yaml"].replace(STANDARD, "another"), "do": "save"})
        assert f"策略名称：此策略名为 {STANDARD}" in hr.text
        await hr.post(EDIT, {**sent, "yaml": f"name: x\nrungs: [{'x, ' * 5000}]", "do": "save"})
        assert len(hr.text) < 20_000
        await hr.post(EDIT, {**sent, "yaml": "just words", "do": "save"})
        assert "须为“键: 值”的形式" in hr.text
    assert newest(parts).version == 1


def test_every_reason_to_refuse_a_policy_has_chinese() -> None:
    good = written_out(LEAVE.value, shipped(LEAVE))
    letter = {
        "name": "x",
        "audience": "employee",
        "channels": ["courier"],
        "wait": {"value": 1, "unit": "hours"},
    }

    def public(**more: Any) -> dict[str, Any]:
        return letter | {"channels": ["public_notice"], "wait": {"value": 30, "unit": "calendar_days"}} | more

    bad: list[tuple[str, Any]] = [
        (LEAVE.value, []),
        (LEAVE.value, good | {"x": 1}),
        (LEAVE.value, {"rungs": good["rungs"]}),
        (LEAVE.value, good | {"name": 5}),
        (LEAVE.value, good | {"name": "\ud800"}),
        (LEAVE.value, good | {"name": "n" * 101}),
        (LEAVE.value, good | {"rungs": "x"}),
        (LEAVE.value, good | {"rungs": [letter | {"name": f"r{n}"} for n in range(51)]}),
        (LEAVE.value, good | {"back_by": 18}),
        (LEAVE.value, good | {"remind_channels": ["courier"]}),
        (LEAVE.value, good | {"notice_target_days": -1}),
        (LEAVE.value, good | {"posting_due": {"value": -1, "unit": "x"}}),
        (LEAVE.value, good | {"on_unknown": []}),
        (LEAVE.value, good | {"sending_window": {"days": "x", "from": "9", "to": "18:00"}}),
        (LEAVE.value, good | {"rungs": [letter | {"audience": "x"}]}),
        (LEAVE.value, good | {"rungs": [letter | {"wait": {"value": 4000, "unit": "working_days"}}]}),
        (LEAVE.value, good | {"rungs": [letter | {"name": "before_end"}]}),
        (LEAVE.value, good | {"rungs": [letter, public(name="y", channels=["public_notice", "sms"])]}),
        (LEAVE.value, good | {"rungs": [letter, public(name="y", wait={"value": 3, "unit": "hours"})]}),
        (LEAVE.value, good | {"rungs": [public()]}),
        (TEXT.value, {"name": "x", "rungs": [letter | {"audience": "hr"}]}),
        (
            TEXT.value,
            {"name": "x", "rungs": [letter, letter | {"name": "y", "audience": "emergency_contact"}]},
        ),
        (TEXT.value, {"name": "x", "rungs": [letter, public(name="y")]}),
    ]
    for process, mapping in bad:
        found = refusals(process, mapping)
        assert found, mapping
        for refused in found:
            assert told_in("zh-CN", refused.reason) != refused.reason, refused


# -- saving at the same time --------------------------------------------------------------------------------


async def test_a_policy_that_was_saved_meanwhile_is_not_overwritten_unseen(parts: Parts) -> None:
    async with browser(parts) as mine:
        await mine.get(EDIT)
        sent = form_on(mine)
        other = open_account(parts, Role.HR, "other", name="王芳")
        theirs = written_out(LEAVE.value, shipped(LEAVE)) | {"back_by": "16:00"}
        parts.stored_policies.save(STANDARD, theirs, 1, other)
        answer = await mine.post(EDIT, {**sent, "rungs-1-value": "5", "do": "save"})
        assert answer.status_code == 422
        assert "王芳 saved version 2 at" in mine.text
        assert "The return can be recorded until: 18:00 → 16:00" in mine.text
        kept = form_on(mine)
        assert (kept["rungs-1-value"], kept["back_by"]) == ("5", "18:00")
        assert newest(parts).version == 2
        await mine.post(EDIT, {**kept, "do": "save"})
        assert "Saved as version 3" in mine.text
    assert newest(parts).body["back_by"] == "18:00"


# -- copies -------------------------------------------------------------------------------------------------


async def test_a_copy_gets_a_name_of_its_own_and_leaves_the_first_alone(parts: Parts) -> None:
    new = "/console/policies/new"
    async with browser(parts) as hr:
        await hr.get(new, **{"from": STANDARD})
        sent = form_on(hr)
        for name in ("", STANDARD, "new", "北京", "a/b"):
            answer = await hr.post(new, {**sent, "name": name, "do": "save"})
            assert answer.status_code == 422, name
            assert 'href="#name"' in hr.page
        await hr.post(new, {**sent, "name": "beijing_return", "back_by": "17:00", "do": "save"})
        assert "Saved under the new name beijing_return" in hr.text
    copy = newest(parts, "beijing_return")
    assert (copy.version, copy.process, copy.body["back_by"]) == (1, LEAVE.value, "17:00")
    assert newest(parts).version == 1


# -- what a policy does -------------------------------------------------------------------------------------


async def test_the_page_lists_every_step_and_term_with_the_dates_that_a_start_would_have(
    parts: Parts,
) -> None:
    leave = add_leave(parts, ends_on=date(2027, 3, 5))
    async with browser(parts, Role.AUDITOR) as reader:
        await reader.get(f"/console/policies/{STANDARD}", day="2027-03-05")
        shown = reader.text
    policy = newest(parts)
    planned = parts.starts.preview(StartWish(leave)).plan
    for step in planned.steps:
        assert f"{step.at:%Y-%m-%d %H:%M}" in shown, step
    for name in dues(LEAVE):
        assert PolicyWords("en").setting(name) in shown
    assert "does not happen with this ladder" in shown  # no rung of it is published
    assert len(planned.steps) == len(policy.body["rungs"])
    assert "Copy under a new name" not in shown


async def test_an_unsaved_policy_is_previewed_with_a_real_person(parts: Parts) -> None:
    leave = add_leave(parts, ends_on=date(2027, 3, 5))
    draft = written_out(LEAVE.value, shipped(LEAVE))
    draft["rungs"][0] |= {"channels": ["email"], "wait": {"value": 9, "unit": "calendar_days"}}
    planned = parts.starts.preview(StartWish(leave, draft)).plan
    assert planned.steps != parts.starts.preview(StartWish(leave)).plan.steps
    async with browser(parts) as hr:
        await hr.get(EDIT)
        typed = {**form_on(hr), "rungs-0-channels": ["email"], "rungs-0-value": "9"}
        await hr.post(EDIT, {**typed, "person": NUMBER, "do": "preview"})
        assert "For this person" in hr.text
        assert "张标记伟" in hr.text
        for step in planned.steps:
            assert f"{step.at:%Y-%m-%d %H:%M}" in hr.text, step
        assert form_on(hr)["rungs-0-value"] == "9"
        answer = await hr.post(EDIT, {**typed, "person": "nobody", "do": "preview"})
        assert answer.status_code == 422
        assert "nobody here has this name or number" in hr.text
    assert newest(parts).version == 1
    with parts.database.reading() as session:
        assert session.exec(select(Case)).first() is None


async def test_a_policy_of_texts_is_previewed_with_a_real_person(parts: Parts) -> None:
    edit = "/console/policies/acknowledgement_standard/edit"
    async with browser(parts) as hr:
        await hr.get(edit)
        await hr.post(edit, {**form_on(hr), "person": NUMBER, "do": "preview"})
        assert "For this person" in hr.text
        assert "This is a sample text" in hr.text


async def test_two_versions_are_compared_in_words(parts: Parts) -> None:
    account = open_account(parts, Role.HR, "first")
    body = written_out(LEAVE.value, shipped(LEAVE))
    body["rungs"][1]["wait"] = {"value": 1, "unit": "calendar_days"}
    del body["rungs"][3]
    body["rungs"].append(body["rungs"].pop(0))
    parts.stored_policies.save(STANDARD, body | {"on_unknown": "at_most_once"}, 1, account)
    async with browser(parts, Role.LEGAL) as reader:
        await reader.get(f"/console/policies/{STANDARD}", **{"from": "1", "to": "2"})
        for told in (
            "When it is unknown whether a message left: send it again: at least once, a duplicate is "
            "possible → leave it to HR: at most once",
            "Step paper notice is gone",
            "Step second reminder, Wait: 3 working days → 1 calendar day",
            "Step first notice has moved from place 1 to place 4",
        ):
            assert told in reader.text


def test_a_new_step_is_told_and_equal_policies_differ_in_nothing() -> None:
    body = written_out(LEAVE.value, shipped(LEAVE))
    assert changes(body, body) == ()
    more = body | {"rungs": [*body["rungs"], {**body["rungs"][0], "name": "once_more"}]}
    (added,) = changes(body, more)
    assert PolicyWords("zh-CN").change(added).startswith("新增步骤“once more”（第 6 步）")


async def test_running_cases_on_older_versions_are_listed(parts: Parts) -> None:
    case = parts.starts.start(StartWish(add_leave(parts, ends_on=date(2027, 3, 5))), HR)
    account = open_account(parts, Role.HR, "first")
    body = written_out(LEAVE.value, shipped(LEAVE)) | {"back_by": "17:00"}
    parts.stored_policies.save(STANDARD, body, 1, account)
    async with browser(parts) as hr:
        await hr.get("/console/policies")
        assert "+ 1 on older versions" in hr.text
        await hr.get(f"/console/policies/{STANDARD}")
        assert f"/console/cases/{case}" in hr.page
    async with browser(parts, login="shanghai", branch="上海") as elsewhere:
        await elsewhere.get(f"/console/policies/{STANDARD}")
        assert case not in elsewhere.page


# -- branches -----------------------------------------------------------------------------------------------


def chosen(parts: Parts, branch: str, process: Process, policy: str | None, on: bool | None) -> None:
    place = parts.policy_book.place(branch, process)
    assert place is not None
    parts.policy_book.choose(place, place.seal, policy, on, "somebody")


def copy_of(parts: Parts, name: str, **more: Any) -> None:
    body = written_out(LEAVE.value, shipped(LEAVE)) | {"name": name} | more
    parts.stored_policies.create(name, LEAVE, body, "somebody")


def test_a_start_takes_the_branchs_policy_then_the_companys_then_the_shipped_one(parts: Parts) -> None:
    leave = add_leave(parts, ends_on=date(2027, 3, 5))

    def version() -> str:
        return parts.starts.preview(StartWish(leave)).policy_version

    assert version() == f"{STANDARD}@1"
    copy_of(parts, "of_the_company")
    chosen(parts, COMPANY, LEAVE, "of_the_company", None)
    assert version() == "of_the_company@1"
    copy_of(parts, "of_beijing")
    chosen(parts, BEIJING, LEAVE, "of_beijing", None)
    assert version() == "of_beijing@1"
    assert parts.starts.preview(StartWish(leave, STANDARD)).policy_version == f"{STANDARD}@1"
    with parts.database.reading() as session:
        assert policy_for(session, LEAVE, SHANGHAI) == "of_the_company"
        assert policy_for(session, TEXT, BEIJING) == "acknowledgement_standard"
    chosen(parts, BEIJING, LEAVE, None, None)
    assert version() == "of_the_company@1"


def test_a_switched_off_process_starts_neither_by_hand_nor_for_a_circular(parts: Parts) -> None:
    leave = add_leave(parts, ends_on=date(2027, 3, 5))
    chosen(parts, COMPANY, LEAVE, None, False)
    chosen(parts, BEIJING, TEXT, None, False)
    shown = parts.starts.preview(StartWish(leave))
    assert [field for field, _ in shown.blocks] == ["process"]
    with pytest.raises(CannotStart, match="leave_return is switched off in the branch 北京") as refused:
        parts.starts.start(StartWish(leave), HR)
    assert refused.value.field == "process"
    with pytest.raises(CannotStart, match="acknowledgement is switched off in the branch 北京"):
        parts.circulars.create(CircularWish("a", "b", (NUMBER,)), None, HR, "key")
    chosen(parts, BEIJING, LEAVE, None, True)
    assert parts.starts.start(StartWish(leave), HR)
    with parts.database.reading() as session:
        assert not is_on(session, LEAVE, SHANGHAI)


async def test_a_leave_that_comes_due_where_its_process_is_off_starts_nothing_and_alarms_nobody(
    parts: Parts,
) -> None:
    leave = add_leave(parts, ends_on=utc_now().date())
    parts.database.write(lambda session: parts.starts.schedule(session, leave))
    chosen(parts, BEIJING, LEAVE, None, False)
    await parts.dispatcher.drain_outbox()
    with parts.database.reading() as session:
        assert session.exec(select(Case)).all() == []
        assert session.exec(select(Alarm)).all() == []
        assert session.exec(select(Outbox)).one().done_at is not None


def test_leaves_that_wait_follow_the_policy_that_their_branch_has_now(parts: Parts) -> None:
    leave = add_leave(parts, ends_on=date(2027, 3, 5))
    parts.database.write(lambda session: parts.starts.schedule(session, leave))

    def due() -> datetime:
        with parts.database.reading() as session:
            return session.exec(select(Outbox)).one().due_at

    before = due()
    copy_of(parts, "early", remind_before={"value": 10, "unit": "calendar_days"})
    assert due() == before
    chosen(parts, BEIJING, LEAVE, "early", None)
    assert due().date() == date(2027, 2, 23)
    earlier = newest(parts, "early").body | {"remind_before": {"value": 11, "unit": "calendar_days"}}
    parts.stored_policies.save("early", earlier, 1, "somebody")
    assert due() < before - timedelta(days=5)
    chosen(parts, BEIJING, LEAVE, None, None)
    assert due() == before


def cell(parts: Parts, branch: str, process: Process = LEAVE) -> dict[str, str]:
    """Return the hidden fields of a cell of the matrix as it stands now."""
    place = parts.policy_book.place(branch, process)
    assert place is not None
    return {"branch": branch, "process": process.value, "seal": place.seal}


async def test_hr_of_a_branch_changes_its_own_choice_and_nothing_of_the_company(parts: Parts) -> None:
    copy_of(parts, "of_beijing")
    branches = "/console/policies/branches"
    async with browser(parts, name="赵敏", branch="北京") as hr:
        await hr.post(branches, {**cell(parts, BEIJING), "policy": "of_beijing", "switch": "off"})
        assert "policy chosen by 赵敏" in hr.text
        assert "switched by 赵敏" in hr.text
        assert "上海" not in hr.text
        for other in (SHANGHAI, COMPANY):
            answer = await hr.post(branches, {**cell(parts, other), "policy": "of_beijing", "switch": ""})
            assert answer.status_code == 404
        assert (await hr.get(EDIT)).status_code == 403
        assert (await hr.post(EDIT, {"do": "save"})).status_code == 403
        assert (await hr.post("/console/policies/new", {"from": STANDARD})).status_code == 403
        await hr.get(f"/console/policies/{STANDARD}")
        assert "Copy under a new name" not in hr.text
    with parts.database.reading() as session:
        assert policy_for(session, LEAVE, BEIJING) == "of_beijing"
        assert not is_on(session, LEAVE, BEIJING)
        assert policy_for(session, LEAVE, SHANGHAI) == STANDARD
    assert newest(parts).version == 1


async def test_a_choice_that_somebody_changed_meanwhile_is_refused_with_their_name(parts: Parts) -> None:
    copy_of(parts, "of_beijing")
    other = open_account(parts, Role.HR, "other", name="王芳")
    async with browser(parts) as hr:
        seen = cell(parts, BEIJING)
        place = parts.policy_book.place(BEIJING, LEAVE)
        assert place is not None
        parts.policy_book.choose(place, place.seal, "of_beijing", None, other)
        answer = await hr.post("/console/policies/branches", {**seen, "policy": "", "switch": "off"})
        assert answer.status_code == 422
        assert "Changed meanwhile by 王芳 at" in hr.text
        answer = await hr.post(
            "/console/policies/branches",
            {**cell(parts, BEIJING), "policy": "acknowledgement_standard", "switch": ""},
        )
        assert answer.status_code == 422
        assert "no such policy for this process" in hr.text
    with parts.database.reading() as session:
        assert policy_for(session, LEAVE, BEIJING) == "of_beijing"
        assert is_on(session, LEAVE, BEIJING)


async def test_a_name_that_no_policy_has_is_a_page_that_is_not_there(parts: Parts) -> None:
    async with browser(parts) as hr:
        for path in ("nothing", "nothing/edit", "new?from=nothing", "a%00b"):
            assert (await hr.get(f"/console/policies/{path}")).status_code == 404
            assert "There is no such page here" in plain(hr.page)
