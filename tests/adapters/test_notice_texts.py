"""The texts of the leave-return notices: complete, short, and telling each reader no more than is meant."""

from datetime import date, datetime
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from countersign.adapters.rendering import LANGUAGES, NoticeText, Renderer, TemplateFault
from countersign.domain.sms_text import MAX_SEGMENTS, segments

READER = {
    "before_end": "employee",
    "first_notice": "employee",
    "second_reminder": "employee",
    "paper_notice": "employee",
    "public_notice": "employee",
    "extension_granted": "employee",
    "extension_refused": "employee",
    "objection_answered": "employee",
    "emergency_contact": "emergency_contact",
    "on_site_check": "hr",
    "colleague_notice": "manager",
}
BY_SMS = sorted(set(READER) - {"paper_notice", "public_notice", "on_site_check"})
KINDS = ("sick", "injury", "maternity", "annual", "personal", "other")
CODE = "7K2M-XW9T-B4QP"
LINK = f"https://hr.example.cn/n/{CODE}"

VARIABLES: dict[str, Any] = {
    "company": "远山科技",
    "branch": "北京分公司",
    "employee": "张伟",
    "number": "E1042",
    "recipient": "李娜",
    "leave_kind": "sick",
    "starts_on": date(2026, 1, 5),
    "ends_on": date(2026, 2, 13),
    "return_day": date(2026, 2, 14),
    "answer_by": datetime(2026, 2, 25, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai")),
    "contact": {"name": "人事部", "phone": "010-5555 0100"},
    "service_address": None,
    "e_delivery_consent_on": None,
    "consent_signed_on": None,
}
MORE = {
    "title": "返岗通知书",
    "text": "正文",
    "fingerprint": "9f3a" + "0" * 56 + "c2d4",
    "code": CODE,
    "portal": "回执页 /n",
    "link": LINK,
}
FILLED = {"service_address": "北京市海淀区某路 1 号", "e_delivery_consent_on": date(2025, 3, 1)}


@pytest.fixture
def renderer() -> Renderer:
    return Renderer("leave_return")


def text_of(renderer: Renderer, name: str, language: str, **more: Any) -> NoticeText:
    return renderer.notice(name, READER[name], language, VARIABLES | more)


@pytest.mark.parametrize(("name", "language", "kind"), list(product(READER, LANGUAGES, KINDS)))
def test_every_text_renders_from_the_variables_and_names_the_contact(
    renderer: Renderer, name: str, language: str, kind: str
) -> None:
    for more in ({}, FILLED, {"answer_by": None}):
        notice = text_of(renderer, name, language, leave_kind=kind, **more)
        assert notice.template == f"leave_return/{language}/{name}.txt"
        assert 4 < len(notice.title) < 60
        for needed in ("人事部", "010-5555 0100", "远山科技", "张伟"):
            assert needed in notice.text
        assert "None" not in notice.text
        assert "{" not in notice.text
        assert "\n\n\n" not in notice.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_notice_says_what_a_return_notice_must(renderer: Renderer, language: str) -> None:
    text = text_of(renderer, "first_notice", language, **FILLED).text
    zh = (
        "病假",
        "2026年1月5日",
        "2026年2月13日（星期五）",
        "2026年2月14日",
        "2026年2月25日（星期三）10:00",
        "诊断证明",
    )
    en = (
        "sick leave",
        "5 January 2026",
        "Friday, 13 February 2026",
        "14 February 2026",
        "10:00 (UTC+08:00) on Wednesday, 25 February 2026",
        "medical certificate",
    )
    for needed in (*(zh if language == "zh-CN" else en), "E1042", "北京分公司", "1. ", "2. ", "3. ", "4. "):
        assert needed in text
    assert (
        "不改变您的工资和社会保险" if language == "zh-CN" else "neither your pay nor your social insurance"
    ) in text


@pytest.mark.parametrize(("language", "kind"), list(product(LANGUAGES, KINDS)))
def test_a_public_notice_names_no_number_no_leave_and_no_address(
    renderer: Renderer, language: str, kind: str
) -> None:
    private = {"number": "NUMBER", "service_address": "ADDRESS", "starts_on": date(2019, 9, 9)}
    more = {"leave_kind": kind, "consent_signed_on": date(2018, 8, 8), "ends_on": date(2017, 7, 7)}
    notice = text_of(renderer, "public_notice", language, **FILLED | private | more)
    told = f"{notice.title} {notice.text}"
    for word in (
        "NUMBER",
        "ADDRESS",
        "2019",
        "2018",
        "2017",
        "2026",
        "假",
        "工伤",
        "leave",
        "sick",
        "injury",
    ):
        assert word not in told
    assert ("三十日" if language == "zh-CN" else "thirty days") in told.lower()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_signed_consent_is_named_with_its_day_and_a_date_alone_is_not_called_signed(
    renderer: Renderer, language: str
) -> None:
    day = {"consent_signed_on": date(2025, 3, 1)}
    said = {
        ("first_notice", "zh-CN"): "2025年3月1日（星期六）签署书面确认",
        ("first_notice", "en"): "agreed in writing on Saturday, 1 March 2025",
        ("paper_notice", "zh-CN"): "2025年3月1日（星期六）签署确认的送达地址",
        ("paper_notice", "en"): "confirmed in writing on Saturday, 1 March 2025",
    }
    for name in ("first_notice", "paper_notice"):
        words = said[name, language]
        assert words in text_of(renderer, name, language, **FILLED | day).text
        dated = text_of(renderer, name, language, **FILLED).text
        assert not any(word in dated for word in ("签署", "agreed in writing", "confirmed in writing"))


@pytest.mark.parametrize(("name", "language"), list(product(READER, LANGUAGES)))
def test_no_text_threatens_or_blames(renderer: Renderer, name: str, language: str) -> None:
    notice = text_of(renderer, name, language)
    for word in (
        "旷工",
        "后果",
        "否则",
        "处分",
        "解除",
        "开除",
        "dismiss",
        "absent without",
        "consequence",
        "must ",
    ):
        assert word not in f"{notice.title} {notice.text}"


@pytest.mark.parametrize(
    ("language", "audience"), list(product(LANGUAGES, ("emergency_contact", "manager", "hr")))
)
def test_others_learn_nothing_of_the_kind_of_leave(renderer: Renderer, language: str, audience: str) -> None:
    marked = VARIABLES | FILLED | {"leave_kind": "KIND", "starts_on": date(2019, 9, 9), "link": LINK} | MORE
    for name in (*READER, "a_rung_of_our_own"):
        notice = renderer.notice(name, audience, language, marked)
        told = f"{notice.title} {notice.text} {renderer.sms(name, audience, language, marked)}"
        for kind in ("KIND", "病假", "sick", "2019", "2025", "9月9日"):
            assert kind not in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_emergency_contact_is_only_asked_to_pass_on_a_call(renderer: Renderer, language: str) -> None:
    for name in ("emergency_contact", "second_reminder"):
        notice = renderer.notice(name, "emergency_contact", language, VARIABLES | FILLED)
        sms = renderer.sms(name, "emergency_contact", language, VARIABLES | FILLED | MORE)
        for told in (f"{notice.title} {notice.text}", sms):
            for word in ("假", "返岗", "月", "2026", "E1042", "北京", "海淀", "leave", "return", "February"):
                assert word not in told
        assert "010-5555 0100" in sms


@pytest.mark.parametrize(("name", "language", "with_link"), list(product(BY_SMS, LANGUAGES, (True, False))))
def test_every_sms_is_signed_short_and_bears_its_code(
    renderer: Renderer, name: str, language: str, with_link: bool
) -> None:
    more = MORE | {"link": LINK if with_link else None}
    for employee in ("张伟", "欧阳𬱖", "阿卜杜热合曼·买买提"):
        sms = renderer.sms(name, READER[name], language, VARIABLES | more | {"employee": employee})
        assert sms.startswith("【远山科技】")
        assert CODE in sms
        assert (LINK in sms) is with_link
        assert ("回执页 /n" in sms) is not with_link
        assert "010-5555 0100" in sms
        assert segments(sms) <= (2 if language == "zh-CN" else 5) < MAX_SEGMENTS
        assert "病" not in sms
        assert "sick" not in sms


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_bears_text_link_code_fingerprint_and_contact(renderer: Renderer, language: str) -> None:
    mail = renderer.mail(language, VARIABLES | MORE)
    for needed in (
        "返岗通知书",
        "正文",
        LINK,
        f" {CODE}" if language == "en" else f"：{CODE}",
        "9f3a0000…c2d4",
    ):
        assert needed in mail
    for needed in (str(MORE["fingerprint"]), "人事部", "010-5555 0100", "回执页 /n"):
        assert needed in mail


@pytest.mark.parametrize(
    ("name", "missing"), [("first_notice", "return_day"), ("second_reminder", "contact")]
)
def test_a_missing_variable_is_named(renderer: Renderer, name: str, missing: str) -> None:
    fewer = {key: value for key, value in VARIABLES.items() if key != missing}
    with pytest.raises(TemplateFault, match=rf"leave_return/zh-CN/{name}\.txt.*{missing}"):
        renderer.notice(name, "employee", "zh-CN", fewer)


def test_a_missing_template_is_named(renderer: Renderer) -> None:
    with pytest.raises(TemplateFault, match=r"leave_return/zh-CN/unknown\.txt does not exist"):
        renderer.notice("unknown", "nobody", "zh-CN", VARIABLES)


def test_a_text_of_the_installation_stands_before_the_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "leave_return" / "zh-CN"
    own.mkdir(parents=True)
    (own / "first_notice.txt").write_text("我司通知\n{{ employee }} {{ ends_on|zh_day }}\n", encoding="utf-8")
    notice = Renderer("leave_return", tmp_path).notice("first_notice", "employee", "zh-CN", VARIABLES)
    assert (notice.title, notice.text) == ("我司通知", "张伟 2026年2月13日（星期五）")
