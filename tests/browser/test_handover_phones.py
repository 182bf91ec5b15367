"""Both sides of a handover on phones without JavaScript, and the board that shows it closed."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright
from sqlmodel import select

from api.app import create_app
from countersign.adapters.database.tables import Departure, HandoverItem
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from tests.support.company import company
from tests.support.console import open_account
from tests.support.handing import NOW, handing_over, link_to, photo
from tests.support.served import served

_PLACES = ("/usr/bin/chromium", "chromium", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _PLACES)), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,
    pytest.mark.timeout(120),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium to run this"),
]
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "java_script_enabled": False,
    "locale": "zh-CN",
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[str, Parts, str]]:
    made: dict[str, str] = {}

    def make(base: str) -> Parts:
        parts = company(tmp_path, lambda: NOW, public_base_url=base)
        case, share, receiver = handing_over(parts)
        with parts.database.reading() as session:
            leaver = session.get_one(Departure, case).person_id
        link_to(parts, "leaver", case, leaver, "请移交。")
        link_to(parts, "receiver", share, receiver, "请接收。")
        made["case"] = case
        return parts

    def app_of(parts: Parts) -> Any:
        app = create_app(parts, dispatch=False)

        async def carry(act_id: str) -> None:
            return

        # No process runs here; what is said stands in the books at once.
        object.__setattr__(app.state.people, "carry", carry)
        return app

    with served(make, app_of) as (base, parts):
        yield base, parts, made["case"]


@pytest.fixture
def chrome() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def states(parts: Parts) -> dict[str, str]:
    with parts.database.reading() as session:
        return {one.reference: one.state for one in session.exec(select(HandoverItem))}


def phone(chrome: Browser, base: str, parts: Parts, side: str) -> Page:
    """Open the link of a side on a phone of its own."""
    page = chrome.new_context(**PHONE).new_page()
    page.set_default_timeout(15_000)
    page.goto(f"{base}/n/{parts.link_keys.code(f'link-{side}')}")
    return page


def fits(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390, page.url
    assert "<script" not in page.content()


def test_both_sides_confirm_on_their_phones_and_the_board_shows_it(
    chrome: Browser, house: tuple[str, Parts, str]
) -> None:
    base, parts, case = house
    leaver = phone(chrome, base, parts, "leaver")
    assert set(states(parts).values()) == {"open"}
    two_items_are_handed_over(leaver)
    assert states(parts) == {"D-1": "handed_over", "C-1": "handed_over", "C-2": "open", "E-1": "open"}
    one_is_disputed_with_a_photo(leaver)
    assert states(parts)["C-2"] == "disputed"

    everything_that_came_is_accepted(phone(chrome, base, parts, "receiver"))
    assert states(parts) == {"D-1": "accepted", "C-1": "accepted", "C-2": "disputed", "E-1": "open"}
    the_board_shows_it(chrome, base, parts, case)


def two_items_are_handed_over(page: Page) -> None:
    fits(page)
    for title in ("标题 D-1", "标题 C-1"):
        page.get_by_label(title).check()
    page.get_by_role("button", name="确认已移交所勾选项").tap()
    page.wait_for_url("**/receipt/**")
    fits(page)
    expect(page.locator("dl")).to_contain_text("标题 C-1")
    expect(page.locator("dl")).not_to_contain_text("标题 C-2")


def one_is_disputed_with_a_photo(page: Page) -> None:
    page.get_by_role("link", name="返回清单").tap()
    page.locator("li", has_text="标题 C-2").get_by_role("link", name="有问题").tap()
    page.wait_for_url("**/items/**")
    fits(page)
    page.locator("#words").fill("这个客户去年已转走")
    picture: FilePayload = {"name": "照片.png", "mimeType": "image/png", "buffer": photo()}
    page.locator("#file").set_input_files(picture)
    page.get_by_role("button", name="对本项提出争议").tap()
    page.wait_for_url("**/receipt/**")
    expect(page.locator("dl")).to_contain_text("PNG")


def everything_that_came_is_accepted(page: Page) -> None:
    fits(page)
    expect(page.locator("main")).to_contain_text("有 2 项等待您确认")
    page.get_by_label("全部：共 2 项").check()
    page.get_by_role("button", name="确认已接收所勾选项").tap()
    page.wait_for_url("**/receipt/**")
    page.get_by_role("link", name="返回清单").tap()
    page.wait_for_url("**/n/*?lang=*")
    expect(page.locator("main")).to_contain_text("目前没有需要您处理的内容")
    fits(page)


def the_board_shows_it(chrome: Browser, base: str, parts: Parts, case: str) -> None:
    page = at_the_desk(chrome, base, parts, "zh-CN", {"width": 1440, "height": 900})
    page.goto(f"{base}/console/departures/{case}?show=all")
    for title in ("标题 D-1", "标题 C-1"):
        expect(page.locator("ul.board > li", has_text=title).locator(".sign")).to_have_text("已接收")
    disputed = page.locator("ul.board > li", has_text="标题 C-2")
    expect(disputed).to_contain_text("这个客户去年已转走")
    with page.expect_download() as got:
        disputed.get_by_role("link", name="照片 1").click()
    assert Path(got.value.path()).read_bytes()[:4] == b"\x89PNG"
    page.context.close()


def at_the_desk(chrome: Browser, base: str, parts: Parts, language: str, size: dict[str, int]) -> Page:
    account = parts.accounts.by_login("hr") or open_account(parts, Role.HR, "hr")
    context = chrome.new_context(viewport=size, locale=language, bypass_csp=True)  # type: ignore[arg-type]
    cookies = {
        "countersign-session": parts.accounts.open(account, "test"),
        "countersign-language": language,
    }
    context.add_cookies([{"name": name, "value": value, "url": base} for name, value in cookies.items()])
    return context.new_page()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_board_and_both_phone_pages_are_sound(
    chrome: Browser, house: tuple[str, Parts, str], language: str, width: int
) -> None:
    base, parts, case = house
    with parts.database.reading() as session:
        item = session.exec(select(HandoverItem.id)).first()
    page = at_the_desk(chrome, base, parts, language, {"width": width, "height": 900})
    leaver, receiver = (parts.link_keys.code(f"link-{side}") for side in ("leaver", "receiver"))
    paths = ["/console/departures", f"/console/departures/{case}"]
    paths += [f"/n/{leaver}?lang={language}", f"/n/{receiver}?lang={language}"]
    paths += [f"/n/{leaver}/notice?lang={language}", f"/n/{receiver}/items/{item}?lang={language}"]
    wrong = {path: found for path in paths if (found := faults_of(page, base + path))}
    page.context.close()
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)


def faults_of(page: Page, address: str) -> list[str]:
    """Return what is wrong with a page."""
    answer = page.goto(address)
    assert answer is not None
    if answer.status != 200:
        return [f"answers {answer.status}"]
    wide, inner = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    found = [f"is {wide} px wide"] if wide > inner else []
    if (headings := page.locator("h1").count()) != 1:
        found.append(f"has {headings} first headings")
    page.evaluate(AXE.read_text("utf-8"))
    wanted = json.dumps({"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]})
    result: dict[str, Any] = page.evaluate(f"axe.run(document, {wanted})")
    return found + [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in result["violations"]]
