"""The questionnaire for leavers on a phone without JavaScript: found, answered, changed, taken back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlmodel import select

from api.app import create_app
from countersign.adapters.database.tables import Departure, QuestionnaireReply
from countersign.bootstrap import Parts
from tests.browser.test_handover_phones import CHROMIUM, phone, pytestmark  # noqa: F401  the same conditions
from tests.support.asking import ask
from tests.support.company import company
from tests.support.handing import NOW, handing_over, link_to
from tests.support.served import served


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[str, Parts]]:
    def make(base: str) -> Parts:
        parts = company(tmp_path, lambda: NOW, public_base_url=base)
        case, _, _ = handing_over(parts)
        with parts.database.reading() as session:
            leaver = session.get_one(Departure, case).person_id
        link_to(parts, "leaver", case, leaver, "请移交。")
        ask(parts, case)
        return parts

    with served(make, lambda parts: create_app(parts, dispatch=False)) as (base, parts):
        yield base, parts


@pytest.fixture
def chrome() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def answers(parts: Parts) -> dict[str, str] | None:
    with parts.database.reading() as session:
        found = session.exec(select(QuestionnaireReply)).first()
        return None if found is None else found.answers


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert "<script" not in page.content()


def test_a_leaver_answers_changes_and_takes_back_on_a_phone(
    chrome: Browser, house: tuple[str, Parts]
) -> None:
    base, parts = house
    page = phone(chrome, base, parts, "leaver")
    page.get_by_role("link", name="填写问卷").tap()
    page.wait_for_url("**/questionnaire**")
    fits(page)

    page.get_by_role("button", name="提交回答").tap()
    expect(page.get_by_role("alert")).to_contain_text("请选择一项")
    fits(page)
    assert answers(parts) is None

    page.get_by_text("薪酬福利", exact=True).tap()
    scale = page.get_by_role("group", name="直属上级")
    scale.get_by_text("4", exact=True).tap()
    expect(scale.get_by_role("radio", name="4")).to_be_checked()
    page.get_by_label("其他想说的").fill("谢谢大家")
    page.get_by_role("button", name="提交回答").tap()
    expect(page.get_by_role("status")).to_contain_text("您的回答已提交给人事")
    fits(page)
    assert answers(parts) == {"reason": "pay", "manager": "4", "words": "谢谢大家"}

    page.get_by_role("group", name="直属上级").get_by_text("不答", exact=True).tap()
    page.get_by_role("button", name="提交修改").tap()
    expect(page.get_by_role("status")).to_contain_text("您的回答已提交给人事")
    assert answers(parts) == {"reason": "pay", "words": "谢谢大家"}

    page.get_by_role("button", name="撤回我的回答").tap()
    expect(page.get_by_role("status")).to_contain_text("您选择了不作答")
    assert answers(parts) == {}
