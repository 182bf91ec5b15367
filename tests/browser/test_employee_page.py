"""The employee's page on a phone: a real browser without JavaScript, over the real stack."""

import hashlib
import io
import re
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, Playwright, expect, sync_playwright

from countersign.domain.bundle import EVENTS, read_container, verify_bundle
from tests.support.world import POLICY, World, eventually, running

_PLACES = ("/usr/bin/chromium", "chromium", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _PLACES)), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.timeout(120),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium to run this"),
]
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "java_script_enabled": False,
    "locale": "zh-CN",
    "accept_downloads": True,
}
# Long waits: the case must not climb on while a slow machine still draws a page.
PATIENT = {
    **POLICY,
    "name": "patient",
    "rungs": [{**rung, "wait": {"value": 60, "unit": "calendar_days"}} for rung in POLICY["rungs"]],
}
ABOUT_LINKS = {"link.fetched", "link.opened"}
WORDS = "医生要求再休息两周。\n第二行 <b>&"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running(tmp_path / "data") as made:
        yield made


@pytest.fixture
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as made:
        yield made


@pytest.fixture
def phone(playwright: Playwright) -> Iterator[Page]:
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    )
    page = browser.new_context(**PHONE).new_page()
    page.set_default_timeout(15_000)
    yield page
    browser.close()


def photo() -> bytes:
    """Return a small PNG that tells the maker of the phone and the place."""
    exif = Image.Exif()
    exif[0x010F] = "SecretPhone"
    exif.get_ifd(0x8825)[2] = (39.0, 54.0, 0.0)
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "teal").save(out, "PNG", exif=exif)
    return out.getvalue()


def fits_and_runs_nothing(page: Page) -> None:
    """Hold a page to the phone's width and to having nothing that a browser would run."""
    wide, inner = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= inner == 390
    runs = re.findall(r"<script|<iframe|javascript:|<[^>]*\son\w+=", page.content(), re.IGNORECASE)
    assert runs == []


def choose(page: Page, answer: str) -> None:
    page.locator(f"label[for=answer-{answer}]").tap()
    expect(page.locator(f"#answer-{answer}")).to_be_checked()


def bundle(world: World, case: str) -> bytes:
    request = urllib.request.Request(f"{world.base}/api/v1/cases/{case}/evidence")
    request.add_header("Authorization", f"Bearer {world.token}")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return bytes(answer.read())


def standing(case: dict[str, Any]) -> dict[str, Any]:
    """Return a case without what was seen of its links, which is all that opening one may change."""
    kinds = [event["kind"] for event in case["timeline"] if event["kind"] not in ABOUT_LINKS]
    return {**{name: case[name] for name in ("state", "stage", "outcome", "steps")}, "kinds": kinds}


def all_has_arrived(case: dict[str, Any]) -> bool:
    """Say whether nothing more of the first notice is under way that would write an event later."""
    states = {d["channel"]: d["state"] for notice in case["notices"] for d in notice["deliveries"]}
    return states.get("sms") == "delivered" and states.get("email") == "sent"


def test_an_employee_answers_on_a_phone_without_javascript(world: World, phone: Page) -> None:
    case = world.start_case(PATIENT)
    eventually(lambda: all_has_arrived(world.case(case)))
    before, code = standing(world.case(case)), world.code()

    the_typed_code_opens_the_notice_and_changes_nothing(world, phone, code)
    assert standing(world.case(case)) == before
    the_language_can_be_switched_and_back(phone)
    a_request_without_a_paper_is_told_so_and_keeps_what_was_typed(phone)
    assert standing(world.case(case)) == before
    fingerprint = a_request_with_a_paper_gets_a_receipt(phone)
    eventually(lambda: world.case(case)["stage"] == "extension_review")
    the_receipt_lies_on_top_of_the_notice(world, phone, code, fingerprint)

    refusal = {"act": "extension_refused", "reason": "the paper names no dates"}
    assert world.player.call(f"/api/v1/cases/{case}/acts", refusal, "refusal")["says"] == "in effect"
    a_later_answer_closes_the_case(world, phone, code, case)
    the_receipt_can_be_kept_as_text(phone)
    the_evidence_verifies_and_holds_the_paper_without_its_place(world, case)


def the_typed_code_opens_the_notice_and_changes_nothing(world: World, phone: Page, code: str) -> None:
    phone.goto(f"{world.base}/n")
    fits_and_runs_nothing(phone)
    phone.get_by_label("回执码").fill(code.lower().replace("-", ""))
    phone.get_by_role("button", name="打开通知").tap()
    phone.wait_for_url(re.compile(f"/n/{code}"))
    expect(phone.locator("#notice")).to_contain_text("张标记伟")
    expect(phone.get_by_role("button", name="提交答复")).to_be_visible()
    fits_and_runs_nothing(phone)


def the_language_can_be_switched_and_back(phone: Page) -> None:
    phone.get_by_role("link", name="English").tap()
    expect(phone.get_by_role("button", name="Send the answer")).to_be_visible()
    assert phone.locator("html").get_attribute("lang") == "en"
    fits_and_runs_nothing(phone)
    phone.get_by_role("link", name="中文").tap()
    expect(phone.get_by_role("button", name="提交答复")).to_be_visible()
    assert phone.locator("html").get_attribute("lang") == "zh-CN"


def a_request_without_a_paper_is_told_so_and_keeps_what_was_typed(phone: Page) -> None:
    expect(phone.locator("#file")).to_be_hidden()
    choose(phone, "extension_asked")
    phone.locator("#until").fill(soon(phone))
    phone.locator("#words").fill(WORDS)
    typed = phone.locator("#until").input_value()
    phone.get_by_role("button", name="提交答复").tap()
    expect(phone.get_by_role("alert")).to_contain_text("请附上需要延长假期的证明材料。")
    expect(phone.locator("#file-fault")).to_be_visible()
    expect(phone.locator("#answer-extension_asked")).to_be_checked()
    expect(phone.locator("#until")).to_have_value(typed)
    expect(phone.locator("#words")).to_have_value(WORDS)
    fits_and_runs_nothing(phone)


def a_request_with_a_paper_gets_a_receipt(phone: Page) -> str:
    """Return the fingerprint that the receipt shows."""
    paper: FilePayload = {"name": "病假单.png", "mimeType": "image/png", "buffer": photo()}
    phone.locator("#file").set_input_files(paper)
    phone.get_by_role("button", name="提交答复").tap()
    phone.wait_for_url(re.compile("/receipt/"))
    expect(phone.get_by_role("heading", name="回执", exact=True)).to_be_visible()
    expect(phone.locator("dl")).to_contain_text("第二行 <b>&")
    fits_and_runs_nothing(phone)
    shown = phone.locator("dt", has_text="本回执").locator("xpath=following-sibling::dd[1]").text_content()
    assert shown is not None
    assert re.fullmatch(r"[0-9a-f]{64}", shown)
    return shown


def the_receipt_lies_on_top_of_the_notice(world: World, phone: Page, code: str, fingerprint: str) -> None:
    phone.goto(f"{world.base}/n/{code}")
    top = phone.locator("main > section, main > article").first
    expect(top).to_contain_text("申请延长假期")
    expect(top).to_contain_text("人事已收到您的答复")
    fits_and_runs_nothing(phone)
    top.get_by_role("link").tap()
    expect(phone.locator("dl")).to_contain_text(fingerprint)


def a_later_answer_closes_the_case(world: World, phone: Page, code: str, case: str) -> None:
    phone.goto(f"{world.base}/n/{code}")
    expect(phone.locator("section.state").first).to_contain_text("人事已就您的答复作出决定")
    phone.locator("details.card > summary").tap()
    choose(phone, "returns_on")
    phone.locator("#on").fill(soon(phone))
    phone.get_by_role("button", name="提交答复").tap()
    phone.wait_for_url(re.compile("/receipt/"))
    eventually(lambda: world.case(case)["state"] == "closed")
    assert world.case(case)["outcome"] == "returns_on"


def the_receipt_can_be_kept_as_text(phone: Page) -> None:
    with phone.expect_download() as download:
        phone.get_by_role("link", name="将回执保存为文本文件").tap()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    fingerprint = re.findall(r"[0-9a-f]{64}", text)[0]
    assert download.value.suggested_filename == f"receipt-{fingerprint[:8]}.txt"
    assert "演示" in text


def the_evidence_verifies_and_holds_the_paper_without_its_place(world: World, case: str) -> None:
    data = bundle(world, case)
    report = verify_bundle(data)
    assert report.ok, report.first_broken
    papers = [content for name, content in read_container(data).items() if name.startswith("files/")]
    folder = world.stack.settings.data_dir / "documents"
    stored = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    # Beside it may lie the history of the process by now, which is kept when the case has closed.
    assert set(papers) <= set(stored)
    [paper] = papers
    assert b"SecretPhone" in photo()
    assert b"SecretPhone" not in paper
    assert b"eXIf" not in paper
    with Image.open(io.BytesIO(paper)) as image:
        assert (image.size, dict(image.getexif())) == ((40, 20), {})
    assert hashlib.sha256(paper).hexdigest().encode() in read_container(data)[EVENTS]


def soon(phone: Page) -> str:
    """Return the day by which the notice wants an answer, as the case's own calendar has it."""
    due = phone.locator("p.due").text_content() or ""
    return str(re.findall(r"\d{4}-\d{2}-\d{2}", due)[0])
