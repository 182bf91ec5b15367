"""Texts from a browser: what is let in, what is refused in words, and what the checks find before saving."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from countersign.adapters import stored_text
from countersign.adapters.paper import Press
from countersign.adapters.rendering import Renderer, TemplateFault
from countersign.adapters.stored_text import LARGEST_OUTPUT, StoredTextFault, faults_of, render
from countersign.adapters.text_checks import Frame, check, example
from countersign.contracts.cases import Process
from countersign.domain.texts import Form, TextKey, allowed_in, passed_to

FRAME = Frame(
    "远山科技",
    {"name": "人事部", "phone": "010-5555 0100", "email": "hr@example.com"},
    "回执页 /n",
    "https://hr.example.cn",
)
PRESS = Press()
FIRST = TextKey("leave_return", "first_notice", "zh-CN", Form.TEXT)
FIRST_SMS = TextKey("leave_return", "first_notice", "zh-CN", Form.SMS)
GOOD_SMS = "{{ company }}：{% if link %}{{ link }}{% else %}{{ code }}{% endif %}"


def found(key: TextKey, source: str, *, links_pass: bool = False) -> list[tuple[int | None, str]]:
    checked = check(key, source, FRAME, PRESS, links_pass=links_pass)
    return [(fault.line, fault.sentence) for fault in checked.faults]


@pytest.mark.parametrize("process", list(Process))
def test_every_shipped_text_passes_the_checks_and_reads_the_same_from_the_sandbox(process: Process) -> None:
    renderer = Renderer(process.value)
    for key in renderer.keys():
        source = renderer.without_stored(key)
        assert source is not None
        assert found(key, source) == [], key.file
        values = example(key, FRAME)
        plain = renderer._env.get_template(key.file).render(values)
        assert render(source, values) == plain, key.file


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ ''.__class__ }}", "nothing like .__class__ is available"),
        ("{{ employee.__class__.__mro__ }}", "nothing like"),
        ("{{ ''['__class__'] }}", "only contact"),
        ("{{ employee|attr('__class__') }}", "there is no filter attr"),
        ("{{ contact['__class__'] }}", "only contact"),
        ("{{ {}.get.__globals__ }}", "nothing like .__globals__"),
        ("{{ {'a': 1}.get(employee.__class__) }}", "nothing like .__class__"),
        ("{{ employee.format(1) }}", "nothing can be called"),
        ("{{ '{0.__class__}'.format(employee) }}", "nothing can be called"),
        ("{{ cycler('a') }}", "nothing can be called"),
        ("{{ self }}", "there is no variable self"),
        ("{{ __name__ }}", "names that begin with _"),
        ("{{ answer_by.strftime('%9999999d') }}", "nothing can be called"),
        ("{{ answer_by.strftime(company) }}", "nothing can be called"),
        ("{% for n in range(1000000000) %}x{% endfor %}", "{% for %} is not available"),
        ("{% set x = 1 %}", "{% set %} is not available"),
        ("{% macro m() %}{% endmacro %}", "{% macro %} is not available"),
        ("{% include 'leave_return/zh-CN/mail.txt' %}", "{% include %} is not available"),
        ("{% extends 'x' %}", "{% extends %} is not available"),
        ("{% block a %}{% endblock %}", "{% block %} is not available"),
        ("{% with a = 1 %}{% endwith %}", "{% with %} is not available"),
        ("{{ 'a' * 1000000000 }}", "arithmetic and lists"),
        ("{{ 9 ** 9 ** 9 }}", "arithmetic and lists"),
        ("{{ [1, 2] }}", "arithmetic and lists"),
        ("{{ 'x'|center(1000000000) }}", "there is no filter center"),
        ("{{ employee|replace('', company) }}", "there is no filter replace"),
        ("{{ employee is callable }}", '"is callable" is not available'),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "nested too deeply"),
        ("{% if employee %}" * 300 + "{% endif %}" * 300, "nested too deeply"),
        ("a\x00b", "invisible control character"),
        ("x" * 10_001, "more than 10000 characters"),
        ("{% if employee %}", "cannot be read here"),
    ],
)
def test_what_could_reach_beyond_a_text_is_refused_in_words(source: str, told: str) -> None:
    faults = found(FIRST, f"标题\n{source}\n正文")
    assert faults, source[:60]
    assert told in faults[0][1]


def test_the_line_of_a_fault_is_named() -> None:
    assert found(FIRST, "标题\n正文\n{{ wrong }}") == [
        (3, "there is no variable wrong; choose one of the list")
    ]
    assert found(FIRST, "标题\n\n{{ employe }}")[0] == (
        3,
        "there is no variable employe; did you mean employee?",
    )
    assert found(FIRST, "标题\n正文\n\n{% if x }")[0][0] == 4


def test_what_the_syntax_lets_through_the_sandbox_still_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_text, "faults_of", lambda source: [])
    stored_text._compiled.cache_clear()
    with pytest.raises(StoredTextFault):
        render("{{ employee.__class__.__mro__ }}", {"employee": "x"})
    with pytest.raises(StoredTextFault):
        render("{% for n in range(1000000000) %}x{% endfor %}", {})
    with pytest.raises(StoredTextFault, match="larger than 20480 bytes"):
        render("{% for n in things %}xxxxxxxxxx{% endfor %}", {"things": [1] * 3000})
    stored_text._compiled.cache_clear()


def test_a_finished_text_has_a_largest_size_beyond_what_it_was_given() -> None:
    long = "长" * LARGEST_OUTPUT
    assert render("{{ text }}", {"text": long}) == long
    with pytest.raises(StoredTextFault, match="larger than"):
        render("{{ text }}" * 4, {"text": long})


def test_a_value_that_can_be_empty_must_stand_in_a_condition() -> None:
    faults = found(FIRST, "标题\n请在\n{{ answer_by|zh_moment }}前答复")
    assert faults[0][0] == 3
    assert faults[0][1].startswith("answer_by can be empty")
    assert found(FIRST, "标题\n请{% if answer_by %}在{{ answer_by|zh_moment }}前{% endif %}答复") == []
    both = "标题\n{% if answer_by or service_address %}好{% else %}{{ about_nothing }}{% endif %}"
    assert found(FIRST, both)[0][0] == 2
    assert found(FIRST, "标题\n{{ {'sick': '病假'}.get(leave_kind) }}")[0][1].startswith(
        "nothing is written here for the kind of leave injury"
    )


def test_a_message_must_hold_what_answers_it_and_fit_the_network() -> None:
    assert found(FIRST_SMS, GOOD_SMS) == []
    assert "{{ code }}" in found(FIRST_SMS, "{{ company }} 您好")[0][1]
    assert found(FIRST_SMS, "{{ company }} {{ link }}")[0][1].startswith("link can be empty")
    address = found(FIRST_SMS, f"{GOOD_SMS}\n详见 https://example.com")
    assert address == [(2, "text messages to +86 do not arrive with a web address; take it out")]
    assert found(FIRST_SMS, f"{GOOD_SMS}\n详见 https://example.com", links_pass=True) == []
    assert "in 9 segments" in found(FIRST_SMS, GOOD_SMS + "长" * 520)[0][1]
    mail = TextKey("leave_return", "mail", "zh-CN", Form.TEXT)
    assert [told for _, told in found(mail, "{{ code }}")] == [
        "the mail must hold {{ text }}, which is the notice itself"
    ]


def test_a_title_must_stand_in_the_first_line() -> None:
    assert found(FIRST, "\n标题\n正文") == [(1, "the first line is the title and must not be empty")]
    assert found(FIRST, "标题") == [
        (None, "below the title there is no text; write it from the second line on")
    ]
    assert found(FIRST, "长" * 101 + "\n正文")[0][1].startswith(
        "the first line is the title and has more than"
    )
    assert found(FIRST, "")[0][1].startswith("the text is empty")


def test_a_character_that_no_font_prints_is_named_with_its_line() -> None:
    assert found(FIRST, "标题\n正文\n好\U0001f600") == [
        (3, "no font here can print \U0001f600 (U+1F600); write it with other characters")
    ]
    mail = TextKey("leave_return", "mail", "zh-CN", Form.TEXT)
    assert found(mail, "{{ text }} {{ code }} \U0001f600") == []


@pytest.mark.parametrize(
    ("name", "form", "withheld"),
    [
        ("emergency_contact", Form.TEXT, "ends_on"),
        ("emergency_contact", Form.SMS, "number"),
        ("colleague_notice", Form.TEXT, "leave_kind"),
        ("colleague_notice", Form.TEXT, "service_address"),
        ("public_notice", Form.TEXT, "number"),
        ("mail", Form.TEXT, "leave_kind"),
        ("confidential", Form.SMS, "employee"),
        ("mail_confidential", Form.TEXT, "text"),
        ("a_name_of_their_own", Form.TEXT, "leave_kind"),
    ],
)
def test_a_text_tells_its_reader_nothing_that_is_not_meant_for_them(
    name: str, form: Form, withheld: str
) -> None:
    key = TextKey("leave_return", name, "zh-CN", form)
    assert withheld in passed_to(key)
    faults = found(key, f"标题\n{{{{ {withheld} }}}}")
    assert (2, f"{withheld} is not for whoever reads this text; take it out") in faults


def test_no_text_has_an_amount_a_wage_or_a_diagnosis() -> None:
    names = set().union(*(passed_to(key) for process in Process for key in Renderer(process.value).keys()))
    assert not [one for one in names for part in ("amount", "salary", "wage", "diagnos") if part in one]


def test_stored_texts_stand_over_the_folder_and_the_folder_over_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "leave_return/zh-CN").mkdir(parents=True)
    (tmp_path / FIRST.file).write_text("文件夹\n正文", "utf-8")
    stored: dict[TextKey, str] = {}
    renderer = Renderer("leave_return", tmp_path, stored.get)
    values: Mapping[str, Any] = example(FIRST, FRAME)
    assert renderer.notice("first_notice", "employee", "zh-CN", values).title == "文件夹"
    before = renderer.notice("first_notice", "employee", "zh-CN", values).version
    stored[FIRST] = "自己的\n{{ ends_on|zh_short }}"
    notice = renderer.notice("first_notice", "employee", "zh-CN", values)
    assert (notice.title, notice.text, notice.template) == ("自己的", "2月13日", FIRST.file)
    assert notice.version != before
    stored[FIRST] = "自己的\n{{ wrong }}"
    with pytest.raises(TemplateFault, match=r"leave_return/zh-CN/first_notice.txt, line 2: .*use a variable"):
        renderer.notice("first_notice", "employee", "zh-CN", values)
    stored[FIRST] = ""
    assert renderer.notice("first_notice", "employee", "zh-CN", values).title == "文件夹"


def test_what_is_sent_never_says_none() -> None:
    assert (
        render("{{ answer_by }}|{{ ends_on }}", {"answer_by": None, "ends_on": date(2026, 2, 3)})
        == "|2026-02-03"
    )


def test_every_allowed_variable_is_passed() -> None:
    for process in Process:
        for key in Renderer(process.value).keys():
            assert allowed_in(key) <= passed_to(key)
            assert set(example(key, FRAME)) == passed_to(key)
    assert faults_of("plain") == []
