"""Every page of the console in a real browser: desk and phone, both languages, WCAG 2.2 AA."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from sqlmodel import col, select

from api.app import create_app
from countersign.adapters.database.migrate import migrate, store_shipped_policies
from countersign.adapters.database.tables import Case, Departure, Leave
from countersign.bootstrap import Parts
from countersign.demo import load_demo
from countersign.settings import Settings
from tests.support.crowd import crowd
from tests.support.served import served

_PLACES = ("/usr/bin/chromium", "chromium", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _PLACES)), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium to run this"),
]
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
HR_PAGES = (
    "/console",
    "/console?show=others",
    "/console/cases?state=open&due=week",
    "/console/cases/{case}",
    "/console/departures",
    "/console/departures?state=all&days=7",
    "/console/departures/{departure}",
    "/console/departures/{departure}/checklists",
    "/console/departures/{departure}/duties",
    "/console/departures/{departure}/money",
    "/console/departures/{departure}/loss",
    "/console/departures/{departure}/withdrawal",
    "/console/duties",
    "/console/people/E2006/ledger",
    "/console/reports/exits",
    "/console/start/departure?employee=E1003",
    "/console/people",
    "/console/people/E1004",
    "/console/search?q=E1",
    "/console/start",
    "/console/start?q=E1004",
    "/console/start/leave/{leave}",
    "/console/start/circular",
    "/console/start/bulk",
    "/console/imports",
    "/console/policies",
    "/console/policies/leave_return_standard",
    "/console/policies/leave_return_standard/edit",
    "/console/policies/branches",
    "/console/texts",
    "/console/texts/leave_return/first_notice/zh-CN/txt",
    "/console/calendar",
    "/console/sending",
    "/console/alarms",
    "/console/approvals",
    "/console/delegates",
    "/console/settings",
    "/console/reports",
    "/console/me",
    "/console/help",
    "/console/help/glossary",
    "/console/help/demo",
    "/console/me/delegates",
    "/me",
    "/me/notices",
    "/me/receipts",
)
"""Every page that HR can open without having done something first."""
FINANCE_PAGES = ("/console/ledger", "/console/departures/{departure}/plan")
ADMINISTRATOR_PAGES = ("/console/accounts", "/console/accounts/new", "/console/tokens")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Parts]]:
    folder = tmp_path_factory.mktemp("house")

    def make(base: str) -> Parts:
        parts = Parts(Settings(data_dir=folder, public_base_url=base, _env_file=None))  # type: ignore[call-arg]
        migrate(parts.database)
        store_shipped_policies(parts.database)
        load_demo(parts)
        crowd(parts, 60, 40)
        return parts

    with served(make, lambda parts: create_app(parts, dispatch=False)) as made:
        yield made


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def signed_in(chrome: Browser, house: tuple[str, Parts], login: str, language: str, size: str) -> Page:
    base, parts = house
    account = parts.accounts.by_login(login)
    assert account is not None
    context = chrome.new_context(viewport=SIZES[size], locale=language, bypass_csp=False)  # type: ignore[arg-type]
    cookies = {
        "countersign-session": parts.accounts.open(account, "test"),
        "countersign-language": language,
    }
    context.add_cookies([{"name": name, "value": value, "url": base} for name, value in cookies.items()])
    return context.new_page()


def faults_of(page: Page, told: list[str]) -> list[str]:
    """Return what is wrong with the page that is shown."""
    found = list(told)
    told.clear()
    width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    if width[0] > width[1]:
        found.append(f"is {width[0]} px wide in a window of {width[1]}")
    if (headings := page.locator("h1").count()) != 1:
        found.append(f"has {headings} first headings")
    page.evaluate(AXE.read_text("utf-8"))
    wanted = json.dumps({"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]})
    result: dict[str, Any] = page.evaluate(f"axe.run(document, {wanted})")
    found += [
        f"{one['id']}: {one['help']}: {node['html'][:160]}"
        for one in result["violations"]
        for node in one["nodes"]
    ]
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_page_is_sound(chrome: Browser, house: tuple[str, Parts], language: str, size: str) -> None:
    pages = {"wu.xiaolan": HR_PAGES, "feng.yujie": FINANCE_PAGES, "admin": ADMINISTRATOR_PAGES}
    wrong = {}
    for login, paths in pages.items():
        wrong |= _faults(chrome, house, login, paths, language, size)
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)


def _faults(
    chrome: Browser, house: tuple[str, Parts], login: str, paths: tuple[str, ...], language: str, size: str
) -> dict[str, list[str]]:
    base, parts = house
    with parts.database.reading() as session:
        case = session.exec(select(Case.id).order_by(Case.id)).first()
        departure = session.exec(select(Departure.case_id)).first()
        under_way = select(Case.leave_id).where(col(Case.leave_id).is_not(None))
        leave = session.exec(select(Leave.id).where(col(Leave.id).not_in(under_way))).first()
    page = signed_in(chrome, house, login, language, size)
    told: list[str] = []
    page.on("console", lambda said: told.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    wrong: dict[str, list[str]] = {}
    for path in paths:
        answer = page.goto(base + path.format(case=case, leave=leave, departure=departure))
        assert answer is not None
        if answer.status != 200:
            wrong[path] = [f"answers {answer.status}"]
            told.clear()
        elif faults := faults_of(page, told):
            wrong[path] = faults
    page.context.close()
    return wrong


def test_the_first_screen_is_reached_and_left_by_keys_alone(
    chrome: Browser, house: tuple[str, Parts]
) -> None:
    base, _ = house
    page = signed_in(chrome, house, "wu.xiaolan", "en", "desk")
    page.goto(f"{base}/console")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Control+k")
    page.keyboard.type("E1004")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/search?q=E1004")
    assert "张伟" in page.locator("main").inner_text()
    page.context.close()


def test_what_waits_is_refreshed_by_itself_and_leaves_typing_alone(
    chrome: Browser, house: tuple[str, Parts]
) -> None:
    base, _ = house
    page = signed_in(chrome, house, "wu.xiaolan", "en", "desk")
    page.goto(f"{base}/console")
    before = page.locator("#waits").inner_text()
    with page.expect_response("**/console/now?*") as asked:
        page.evaluate(
            "htmx.trigger('#waits', 'refresh'); htmx.ajax('GET', '/console/now?show=mine', '#waits')"
        )
    assert asked.value.status == 200
    page.wait_for_timeout(200)
    assert page.locator("#waits .tile").count() == 4
    assert page.locator("#waits").inner_text().split("As of")[0] == before.split("As of")[0]
    page.context.close()
