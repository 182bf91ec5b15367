from datetime import UTC, date, datetime
from typing import Any

import pytest

from countersign.domain.destinations import SmsProvider, capability_of
from countersign.domain.sms_templates import (
    PARAMETER_LIMIT,
    PARAMETERS,
    RegisteredText,
    RegisteredTexts,
    TemplateRefused,
    fill,
    missing_template,
    registered_texts,
)
from countersign.domain.yaml_text import InputError

FILE = """
leave_return:
  first_notice:
    zh-CN:
      code: SMS_154950909
      text: ${employee}您好，假期于${ends_on}结束，${answer_by}前到${portal}输入${code}，找${contact_name}。
    en:
      code: SMS_154950910
      text: >
        Dear ${employee}, your leave ended on ${ends_on}. Enter ${code} at ${portal}
        by ${answer_by}.
"""
VARIABLES: dict[str, Any] = {
    "company": "远山科技",
    "branch": "北京",
    "employee": "张伟",
    "number": "E1042",
    "recipient": "张伟",
    "starts_on": date(2026, 1, 5),
    "ends_on": date(2026, 2, 13),
    "return_day": date(2026, 2, 24),
    "leaver": "李娜",
    "last_day": date(2026, 3, 31),
    "answer_by": datetime(2026, 2, 27, 18, 0, tzinfo=UTC),
    "contact": {"name": "人事部", "phone": "010-5555 0100", "email": "hr@example.com"},
    "portal": "回执页 /n",
    "title": "返岗通知书",
    "code": "7K2M-XW9T-B4QP",
}


def texts() -> RegisteredTexts:
    return registered_texts(FILE, "sms.yaml")


def one(text: str, language: str = "zh-CN") -> RegisteredText:
    return RegisteredText("leave_return.first_notice.zh-CN", language, "SMS_1", text)


def found(language: str = "zh-CN") -> RegisteredText:
    text = texts().find("leave_return", ["first_notice"], language)
    assert text is not None
    return text


def test_the_recorded_text_is_the_signature_and_the_approved_text_with_the_values_of_the_parameters() -> None:
    filled = fill(found(), VARIABLES, "远山科技")
    assert filled.text == (
        "【远山科技】张伟您好，假期于2月13日结束，2月27日18:00前到回执页 /n输入7K2M-XW9T-B4QP，找人事部。"
    )
    assert filled.template.code == "SMS_154950909"
    assert filled.template.parameters == (
        ("employee", "张伟"),
        ("ends_on", "2月13日"),
        ("answer_by", "2月27日18:00"),
        ("portal", "回执页 /n"),
        ("code", "7K2M-XW9T-B4QP"),
        ("contact_name", "人事部"),
    )


def test_an_english_text_has_english_dates_and_one_line() -> None:
    filled = fill(found("en"), VARIABLES, None)
    assert filled.text == (
        "Dear 张伟, your leave ended on 2026-02-13. Enter 7K2M-XW9T-B4QP at 回执页 /n by 18:00 on 2026-02-27."
    )


def test_every_variable_that_may_stand_in_a_text_has_a_value_in_a_notice() -> None:
    text = "".join(f"${{{name}}}；" for name in PARAMETERS)
    assert tuple(name for name, _ in fill(one(text), VARIABLES, None).template.parameters) == PARAMETERS


def test_a_variable_that_stands_twice_is_one_parameter() -> None:
    filled = fill(one("${code}，再说一遍${code}"), VARIABLES, None)
    assert filled.text == "7K2M-XW9T-B4QP，再说一遍7K2M-XW9T-B4QP"
    assert filled.template.parameters == (("code", "7K2M-XW9T-B4QP"),)


def test_a_value_that_looks_like_a_variable_is_not_filled_again() -> None:
    filled = fill(one("${employee} ${code}"), VARIABLES | {"employee": "${code}"}, None)
    assert filled.text == "${code} 7K2M-XW9T-B4QP"


def test_neither_names_nor_codes_stand_in_the_repr() -> None:
    told = repr(fill(found(), VARIABLES, "远山科技"))
    assert "张伟" not in told
    assert "7K2M" not in told


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"answer_by": None}, r"\$\{answer_by\} has no value"),
        ({"employee": " "}, r"\$\{employee\} has no value"),
        ({"contact": {}}, r"\$\{contact_name\} has no value"),
        ({"employee": "张" * (PARAMETER_LIMIT + 1)}, r"36 characters long, the provider takes 35"),
        ({"portal": "https://hr.example.cn/n"}, r"\$\{portal\} is a link"),
        ({"portal": "WWW.example.cn"}, r"\$\{portal\} is a link"),
    ],
)
def test_a_value_that_the_provider_would_refuse_is_refused_with_its_place(
    variables: dict[str, Any], problem: str
) -> None:
    with pytest.raises(TemplateRefused, match=problem) as caught:
        fill(found(), VARIABLES | variables, None)
    assert "leave_return.first_notice.zh-CN" in str(caught.value)


def test_a_value_of_the_greatest_length_is_taken() -> None:
    longest = "张" * PARAMETER_LIMIT
    assert longest in fill(found(), VARIABLES | {"employee": longest}, None).text


def test_the_best_of_several_names_is_found_and_never_another_language_or_process() -> None:
    known = texts()
    assert known.find("leave_return", ["my_rung", "first_notice"], "zh-CN") == found()
    assert known.find("leave_return", ["my_rung"], "zh-CN") is None
    assert known.find("leave_return", ["first_notice"], "de") is None
    assert known.find("offboarding", ["first_notice"], "zh-CN") is None
    assert RegisteredTexts().find("leave_return", ["first_notice"], "zh-CN") is None


def entry(**change: str) -> str:
    fields = {"code": "SMS_1", "text": "码${code}"} | change
    lines = "".join(f"      {name}: {value}\n" for name, value in fields.items())
    return f"leave_return:\n  first_notice:\n    zh-CN:\n{lines}"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("- a", "sms.yaml: the file must be a mapping"),
        ("leave_return: text", "sms.yaml: leave_return must be a mapping"),
        ("1: {}", 'sms.yaml: the file holds the key "1"; put it in quotes'),
        ("leave_return:\n  first_notice: [a]", "leave_return.first_notice must be a mapping"),
        (entry(code="first"), 'first_notice.zh-CN.code is "first"; write the provider\'s code, like SMS_'),
        (entry(text="码${code}${name}"), 'zh-CN.text uses the unknown variable "name"; known: company'),
        (entry(text="没有码"), "zh-CN.text has no ${code}; without it nobody can answer"),
        (entry(text="【远山】${code}"), "zh-CN.text holds 【 or 】; leave the signature out"),
        (entry(note="x"), 'holds the unknown key "note"; known keys: code, text'),
        ("leave_return:\n  first_notice:\n    zh-CN:\n      code: SMS_1", "zh-CN.text is missing"),
        ("a: [", "sms.yaml, line 1: not valid YAML"),
    ],
)
def test_a_faulty_declaration_is_refused_with_file_place_and_remedy(content: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        registered_texts(content, "sms.yaml")
    assert sentence in str(caught.value)
    assert "sms.yaml" in str(caught.value)


PLACE = "leave_return.second_reminder.zh-CN"


def gap(provider: SmsProvider, number: str, text: RegisteredText | None) -> tuple[str, bool] | None:
    capability = capability_of(provider, number)
    assert capability is not None
    missing = missing_template("second_reminder", PLACE, provider, capability, text)
    return None if missing is None else (missing.sentence, missing.blocks)


def test_a_step_without_a_registered_text_is_refused_where_the_call_names_the_text() -> None:
    missing = gap(SmsProvider.ALIYUN, "+8613800138000", None)
    assert missing is not None
    sentence, blocks = missing
    assert blocks
    assert sentence == (
        "step second_reminder: SMS through aliyun needs a text registered with the provider, and none is "
        f"declared for {PLACE}, so nothing can be sent; have the text approved and declare it in the file "
        "named by sms_templates_file"
    )


def test_where_registration_is_out_of_sight_a_missing_text_only_warns() -> None:
    missing = gap(SmsProvider.TWILIO, "+8613800138000", None)
    assert missing is not None
    assert not missing[1]
    assert "carriers may filter" in missing[0]


def test_nothing_is_missing_with_a_text_or_where_none_is_needed() -> None:
    assert gap(SmsProvider.ALIYUN, "+8613800138000", found()) is None
    assert gap(SmsProvider.TWILIO, "+8613800138000", found()) is None
    assert gap(SmsProvider.TWILIO, "+85291234567", None) is None
