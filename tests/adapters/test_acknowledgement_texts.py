"""The frames around a text to be confirmed: short, with a code, and telling colleagues what is meant only."""

from itertools import product

import pytest

from countersign.adapters.rendering import LANGUAGES, Renderer
from countersign.domain.sms_text import MAX_SEGMENTS, segments
from tests.adapters.test_notice_texts import CODE, LINK, MORE, VARIABLES

READER = {
    "first_notice": "employee",
    "second_reminder": "employee",
    "objection_answered": "employee",
    "confidential": "employee",
    "colleague_notice": "manager",
}
ABOUT = VARIABLES | MORE | {"title": "防火须知", "text": "MARKED", "about": "防火须知", "template": "x"}


@pytest.fixture
def renderer() -> Renderer:
    return Renderer("acknowledgement")


@pytest.mark.parametrize(("name", "language", "with_link"), list(product(READER, LANGUAGES, (True, False))))
def test_every_sms_is_signed_short_and_bears_its_code_and_nothing_of_the_text(
    renderer: Renderer, name: str, language: str, with_link: bool
) -> None:
    told = ABOUT | {"link": LINK if with_link else None, "employee": "阿卜杜热合曼·买买提"}
    sms = renderer.sms(name, READER[name], language, told)
    assert sms.startswith("【远山科技】")
    assert CODE in sms
    assert (LINK in sms) is with_link
    assert "010-5555 0100" in sms
    assert segments(sms) <= (2 if language == "zh-CN" else 5) < MAX_SEGMENTS
    for word in ("MARKED", "防火", "假", "leave", "返岗"):
        assert word not in sms


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_bears_the_text_and_speaks_of_an_objection_only_after_one(
    renderer: Renderer, language: str
) -> None:
    plain, answered = (
        renderer.mail(language, ABOUT | {"template": template})
        for template in ("first_notice", "objection_answered")
    )
    objection = "异议" if language == "zh-CN" else "objection"
    assert (objection in plain, objection in answered) == (False, True)
    for mail in (plain, answered):
        for needed in ("防火须知", "MARKED", LINK, CODE, str(MORE["fingerprint"]), "010-5555 0100"):
            assert needed in mail
        assert "\n\n\n" not in mail


@pytest.mark.parametrize(("language", "about"), list(product(LANGUAGES, ("防火须知", None))))
def test_a_colleague_learns_who_is_silent_and_of_a_confidential_text_not_even_the_title(
    renderer: Renderer, language: str, about: str | None
) -> None:
    for name in ("manager", "first_notice", "anything"):
        notice = renderer.notice(name, "manager", language, ABOUT | {"about": about})
        assert notice.template == f"acknowledgement/{language}/colleague_notice.txt"
        assert "张伟" in notice.text
        assert ("防火须知" in notice.text) is (about is not None)
        assert "MARKED" not in notice.text
