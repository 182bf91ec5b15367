"""A confidential notice on a phone: a real browser without JavaScript, over the pages alone."""

import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Page, expect, sync_playwright

from countersign.adapters.database.tables import ActRow, Delivery, Notice, Person
from tests.support.house import House, open_house

_PLACES = ("/usr/bin/chromium", "chromium", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _PLACES)), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium to run this"),
]
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "java_script_enabled": False,
    "locale": "zh-CN",
    # Without a name of its own the browser would say that it has no window, and be taken for a scanner.
    "user_agent": "Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Mobile Safari/537.36",
}
SECRETS = ("病假", "张", "E1042", "返岗通知书", "451X", "13800138000")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[House, str]]:
    """Yield a house with a confidential notice, and the address at which a browser finds it."""
    with open_house(tmp_path) as house, socket.socket() as door:
        house.change(Notice, "notice-first_notice", sensitive=True)
        house.change(Person, "p1", id_number="11010119900307451X", phone="+8613800138000")
        door.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{door.getsockname()[1]}"
        house.app.state.people = replace(house.services, public_base_url=base)
        server = uvicorn.Server(uvicorn.Config(house.app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield house, base
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def phone() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_context(**PHONE).new_page()
        page.set_default_timeout(15_000)
        yield page
        browser.close()


def shows_nothing_of_the_matter(page: Page) -> None:
    wide, inner = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= inner == 390
    assert not any(secret in page.content() for secret in SECRETS)


def test_a_confidential_notice_opens_by_a_code_and_is_answered_on_a_phone(
    served: tuple[House, str], phone: Page
) -> None:
    house, base = served
    phone.goto(f"{base}{house.url()}")
    expect(phone.get_by_role("heading", name="一份保密通知")).to_be_visible()
    shows_nothing_of_the_matter(phone)

    phone.get_by_label("身份证件号码后四位").fill("1234")
    phone.get_by_role("button", name="核实并打开").tap()
    expect(phone.get_by_role("alert")).to_contain_text("信息不符，或者链接已锁定")
    shows_nothing_of_the_matter(phone)

    phone.goto(f"{base}{house.url()}")
    phone.get_by_role("button", name="发送验证码").tap()
    expect(phone.get_by_role("status")).to_contain_text("验证码已发出")
    shows_nothing_of_the_matter(phone)
    [(_, text)] = house.texts
    phone.get_by_label("短信验证码").fill(text.split()[-1])
    house.later(seconds=3)
    phone.locator("form", has=phone.get_by_label("短信验证码")).get_by_role("button").tap()
    phone.wait_for_url(f"{base}{house.url()}?lang=zh-CN")
    expect(phone.locator("#notice")).to_contain_text("您的病假已结束")

    phone.locator("label[for=answer-resigned]").tap()
    phone.get_by_role("button", name="提交答复").tap()
    phone.wait_for_url(re.compile("/receipt/"))
    [act] = house.rows(ActRow)
    assert act.body == {"identity": "sms_code"}
    expect(phone.locator("dl")).to_contain_text(act.fingerprint)
    [delivery] = [one for one in house.rows(Delivery) if one.id == "link-sms"]
    assert delivery.opened_at == delivery.identity_confirmed_at == house.now

    phone.context.clear_cookies()
    phone.goto(phone.url)
    expect(phone.get_by_role("heading", name="一份保密通知")).to_be_visible()
    shows_nothing_of_the_matter(phone)
