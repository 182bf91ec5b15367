"""What people came for, from the first sign-in to the closed case: real browsers over the real stack."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright
from sqlmodel import func, select

from countersign.adapters.database.tables import Branch, BulkStart, Case, Leave, Person, StoredPolicy
from countersign.adapters.real_clock import utc_now
from countersign.adapters.roster import roster_workbook
from countersign.bootstrap import Parts
from countersign.contracts.cases import Process, Role
from countersign.domain.bundle import DISCLOSURES, EVENTS, read_container, verify_bundle
from countersign.embedded import Stack, StackSettings, ports_of
from countersign.ids import new_id
from countersign.play import free_ports
from countersign.settings import Settings
from tests.support.world import eventually

_PLACES = ("/usr/bin/chromium", "chromium", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _PLACES)), None)
ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.sqlite,
    pytest.mark.timeout(240),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium to run this"),
]
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "locale": "en", "accept_downloads": True}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "java_script_enabled": False,
    "locale": "zh-CN",
}
TODAY = utc_now().astimezone(ZoneInfo("Asia/Shanghai")).date()
# Far enough away that no leave starts by itself, whatever holidays lie between.
ENDS = TODAY + timedelta(days=25)
OVER = TODAY - timedelta(days=25)
PASSWORD = "a long walk home"
WAIT = {"value": 60, "unit": "calendar_days"}
SPEAKS_AT_ONCE: dict[str, Any] = {
    "name": "speaks_at_once",
    "remind_before": WAIT,
    "remind_channels": ["email"],
    "rungs": [{"name": "first_notice", "audience": "employee", "channels": ["sms", "email"], "wait": WAIT}],
}
TELLS_THE_MANAGER = """\
name: tells_the_manager
remind_before: null
rungs:
  - name: manager
    audience: manager
    channels: [email, in_system]
    wait: {value: 60, unit: calendar_days}
"""


@dataclass(frozen=True)
class Site:
    """A running installation: where it is, and a door to its database for what no journey is about."""

    base: str
    outbox: str
    folder: Path
    parts: Parts

    def printed(self, *command: str) -> str:
        """Return what a command of the command line prints, run beside the stack."""
        here = {"COUNTERSIGN_DATA_DIR": str(self.folder), "COUNTERSIGN_PUBLIC_BASE_URL": self.base}
        run = [sys.executable, "-m", "countersign.cli", *command]
        done = subprocess.run(run, env={**os.environ, **here}, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def mails(self, to: str) -> list[dict[str, Any]]:
        """Return what the stand-ins caught for an address."""
        query = urllib.parse.urlencode({"to": to})
        with urllib.request.urlopen(f"{self.outbox}/outbox.json?{query}", timeout=20) as answer:
            return list(json.load(answer)["messages"])

    def people(self, region: str, *people: dict[str, Any]) -> str:
        """Put people, each with a leave where `ends_on` is given, into a new branch; return its name."""
        with self.parts.database.transaction() as session:
            branch = Branch(id=new_id(), name=f"{region} branch", region=region)
            session.add(branch)
            session.flush()
            for one in people:
                ends_on: date | None = one.pop("ends_on", None)
                person = Person(id=new_id(), branch_id=branch.id, preferred_channel="email", **one)
                session.add(person)
                session.flush()
                if ends_on is not None:
                    since = ends_on - timedelta(days=40)
                    leave = Leave(
                        id=new_id(), person_id=person.id, kind="sick", starts_on=since, ends_on=ends_on
                    )
                    session.add(leave)
            return branch.name

    def account(self, login: str, name: str, role: Role, **more: Any) -> str:
        return self.parts.accounts.create(login, name, role, created_by="test", password=PASSWORD, **more)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("installation")
    first = free_ports(len(ports_of(0)))
    stack = Stack(StackSettings(folder, first))
    base, outbox = f"http://127.0.0.1:{first}", f"http://127.0.0.1:{first + 1}"
    try:
        stack.start()
        parts = Parts(Settings(data_dir=folder, public_base_url=base, _env_file=None))  # type: ignore[call-arg]
        yield Site(base, outbox, folder, parts)
        parts.database.close()
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def desks(chrome: Browser) -> Iterator[Any]:
    """Yield what opens another browser, as somebody else would have it; all are closed at the end."""
    opened = []

    def another(**kind: Any) -> Page:
        context = chrome.new_context(**(kind or DESK))
        context.set_default_timeout(20_000)
        opened.append(context)
        return context.new_page()

    yield another
    for context in opened:
        context.close()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def sign_in(site: Site, page: Page, login: str, button: str = "Sign in") -> None:
    page.goto(f"{site.base}/console/sign-in")
    page.locator("#login").fill(login)
    page.locator("#password").fill(PASSWORD)
    press(page, button)


# -- from the first sign-in to a verified bundle ----------------------------------------------------------

ZHAO, LIN = "zhao.min@example.com", "lin.hua@example.com"


def test_from_the_first_sign_in_to_a_closed_case_and_its_verified_bundle(site: Site, desks: Any) -> None:
    with site.parts.database.transaction() as session:
        session.add(stored(SPEAKS_AT_ONCE))
    admin, hr = desks(), desks()
    the_first_person_comes_by_the_printed_link(site, admin, desks())
    a_second_person_gets_an_account(admin, hr)
    a_roster_with_a_fault_is_mended_and_applied_by_the_second_person(site, admin, hr)
    case = hr_starts_from_the_page_of_the_person(hr)
    its_message_arrives_and_is_answered_on_a_phone(site, desks(**PHONE), hr)
    the_bundle_verifies_in_two_ways(site, hr, case)


def stored(policy: dict[str, Any]) -> StoredPolicy:
    return StoredPolicy(
        name=policy["name"],
        version=1,
        process=Process.LEAVE_RETURN.value,
        body=policy,
        created_at=utc_now(),
    )


def the_first_person_comes_by_the_printed_link(site: Site, admin: Page, stranger: Page) -> None:
    link = site.printed(
        *("account", "create", "--login", "founder", "--name", "林开山"),
        *("--role", "system_administrator", "--language", "en"),
    )
    admin.goto(link)
    press(admin, "Sign in")
    set_the_first_password(admin)
    stranger.goto(link)
    press(stranger, "Sign in")
    expect(stranger.get_by_role("alert")).to_contain_text("was used already")


def set_the_first_password(page: Page) -> None:
    """Set the password that is asked first, and arrive at the first screen."""
    page.wait_for_url("**/console/me")
    expect(page.locator("main")).to_contain_text("Set a password of your own first")
    page.locator("#new").fill(PASSWORD)
    page.locator("#again").fill(PASSWORD)
    press(page, "Set the password")
    page.wait_for_url("**/console")
    expect(page.locator("#waits .tile").first).to_be_visible()


def a_second_person_gets_an_account(admin: Page, hr: Page) -> None:
    admin.goto(urllib.parse.urljoin(admin.url, "/console/accounts/new"))
    admin.locator("#login").fill("gao.hr")
    admin.locator("#name").fill("高人事")
    admin.locator("#role").select_option("hr")
    admin.locator("#language").select_option("en")
    press(admin, "Make the account")
    hr.goto(admin.locator("#link").input_value())
    press(hr, "Sign in")
    set_the_first_password(hr)


def roster(phone: str) -> FilePayload:
    """Return a roster of two people; the phone is that of the one whose leave ends."""
    both = {"branch": "北京分公司", "region": "北京市", "hired_on": date(2024, 1, 2)}
    leave = {"leave_kind": "病假", "leave_starts_on": TODAY - timedelta(days=15), "leave_ends_on": ENDS}
    away = {"number": "E7001", "name": "赵敏", "phone": phone, "email": ZHAO, "manager_number": "E7002"}
    boss = {"number": "E7002", "name": "林华", "phone": "13800138072", "email": LIN}
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    content = roster_workbook([{**away, **both, **leave}, {**boss, **both}])
    return {"name": "花名册.xlsx", "mimeType": kind, "buffer": content}


def hand_in(page: Page, file: FilePayload) -> None:
    page.goto(urllib.parse.urljoin(page.url, "/console/imports"))
    page.locator("#file").set_input_files(file)
    press(page, "Check the file")
    expect(page.locator("#run")).to_contain_text("What would change")


def a_roster_with_a_fault_is_mended_and_applied_by_the_second_person(
    site: Site, admin: Page, hr: Page
) -> None:
    hand_in(admin, roster("12"))
    fault = admin.locator("section", has=admin.locator("#faults")).locator("tbody tr")
    expect(fault).to_have_count(1)
    expect(fault).to_contain_text("bad_phone")
    press(admin, "Withdraw the file")
    hand_in(admin, roster("13800138071"))
    expect(admin.locator("#faults")).to_have_count(0)
    expect(admin.locator("main")).to_contain_text("高人事")
    expect(admin.get_by_role("button", name="Apply")).to_have_count(0)
    assert how_many(site, select(func.count()).select_from(Person).where(Person.number == "E7001")) == 0
    hr.goto(admin.url)
    press(hr, "Apply 2 rows")
    expect(hr.locator("aside")).to_contain_text("高人事")
    expect(hr.locator("main")).to_contain_text("What it changed")


def hr_starts_from_the_page_of_the_person(hr: Page) -> str:
    """Start the case after a look at its dates and texts; return its id."""
    hr.locator("form.search input").fill("赵敏")
    hr.keyboard.press("Enter")
    hr.get_by_role("link", name=re.compile("E7001")).first.click()
    hr.get_by_role("link", name="Start the case").click()
    hr.locator("#policy").select_option("speaks_at_once")
    step = hr.locator("#preview tbody tr", has_text="reminder before the end")
    expect(step).to_contain_text(TODAY.isoformat())
    expect(hr.locator("#preview")).to_contain_text(ENDS.isoformat())
    step.locator("summary").click()
    expect(step.locator(".letter")).to_contain_text("赵敏")
    press(hr, "Start the case")
    hr.wait_for_url("**/console/cases/*")
    expect(hr.locator(".said")).to_contain_text("The case was started.")
    return hr.url.rpartition("/")[2]


def its_message_arrives_and_is_answered_on_a_phone(site: Site, phone: Page, hr: Page) -> None:
    # Whatever the page shows from here on it has fetched by itself: a new document would lose this mark.
    hr.evaluate("document.body.dataset.opened = 'before the answer'")
    eventually(lambda: bool(site.mails(ZHAO)))
    [code] = set(re.findall(r"/n/([0-9A-Z-]{14})", site.mails(ZHAO)[0]["text"]))
    phone.goto(f"{site.base}/n/{code}")
    phone.locator("label[for=answer-returns_on]").tap()
    phone.locator("#on").fill((ENDS + timedelta(days=1)).isoformat())
    phone.get_by_role("button", name="提交答复").tap()
    phone.wait_for_url("**/receipt/*")
    expect(phone.get_by_role("heading", name="回执", exact=True)).to_be_visible()
    expect(hr.locator("#timeline")).to_contain_text((ENDS + timedelta(days=1)).isoformat(), timeout=40_000)
    expect(hr.locator("#status .sign.done")).to_be_visible(timeout=20_000)
    assert hr.evaluate("document.body.dataset.opened") == "before the answer"


def the_bundle_verifies_in_two_ways(site: Site, hr: Page, case: str) -> None:
    data, file = exported(hr, site.folder / "bundle.zip")
    report = verify_bundle(data)
    assert report.ok, report.first_broken
    kinds = [json.loads(line)["kind"] for line in read_container(data)[EVENTS].splitlines()]
    assert kinds[0] == "case.started"
    assert {"answer.returns_on", "case.closed"} <= set(kinds)
    checker = [sys.executable, str(ROOT / "docs/verify_bundle.py"), str(file)]
    assert subprocess.run(checker, capture_output=True, check=False).returncode == 0
    file.write_bytes(data.replace(b"answer.returns_on", b"answer.resigned_x"))
    assert subprocess.run(checker, capture_output=True, check=False).returncode != 0


# -- a manager on leave, whose delegate confirms ------------------------------------------------------------

BOSS, PEER = "钱雷", "孙玉"


def test_the_delegate_of_a_manager_on_leave_confirms_and_the_evidence_names_both(
    site: Site, desks: Any
) -> None:
    branch = site.people(
        "shanghai",
        {"number": "E8001", "name": BOSS, "email": "qian.lei@example.com"},
        {"number": "E8002", "name": PEER, "email": "sun.yu@example.com"},
        {
            "number": "E8003",
            "name": "周宁",
            "email": "z@example.com",
            "manager_number": "E8001",
            "ends_on": OVER,
        },
    )
    site.account("qian.lei", BOSS, Role.MANAGER, number="E8001", branch=branch, language="en")
    peer = site.account("sun.yu", PEER, Role.MANAGER, number="E8002", branch=branch)
    site.account("wu.hr", "吴人事", Role.HR, language="en")
    manager, hr, phone = desks(), desks(), desks(**PHONE)
    a_manager_appoints_a_delegate(site, manager, peer)
    hr_writes_a_policy_that_tells_the_manager(site, hr)
    hr_starts_it_for_a_leave_that_is_over(hr)
    the_delegate_confirms_on_a_phone(site, phone)
    expect(hr.locator("#timeline li", has_text=PEER).first).to_contain_text(BOSS, timeout=40_000)
    data, _ = exported(hr, site.folder / "delegate.zip")
    assert verify_bundle(data).ok
    names = names_behind(data, "answer.acknowledged")
    assert names == {"/actor/name": PEER, "/actor/for/name": BOSS}


def a_manager_appoints_a_delegate(site: Site, manager: Page, peer: str) -> None:
    sign_in(site, manager, "qian.lei")
    manager.wait_for_url("**/console")
    manager.goto(f"{site.base}/console/me")
    manager.locator("#delegate").select_option(peer)
    manager.locator("#until").fill((TODAY + timedelta(days=7)).isoformat())
    press(manager, "Appoint")
    expect(manager.locator("#delegates tbody tr")).to_contain_text("stands in now")


def hr_writes_a_policy_that_tells_the_manager(site: Site, hr: Page) -> None:
    sign_in(site, hr, "wu.hr")
    hr.wait_for_url("**/console")
    hr.goto(f"{site.base}/console/policies/leave_return_standard")
    hr.get_by_role("link", name="Copy under a new name").click()
    press(hr, "As YAML")
    hr.locator("#yaml").fill(TELLS_THE_MANAGER.replace("audience: manager", "audience: nobody"))
    press(hr, "Save under this name")
    expect(hr.locator("#errors")).to_contain_text("audience")
    expect(hr.locator("#yaml")).to_have_value(re.compile("audience: nobody"))
    hr.locator("#yaml").fill(TELLS_THE_MANAGER)
    press(hr, "Save under this name")
    hr.wait_for_url("**/console/policies/tells_the_manager")


def hr_starts_it_for_a_leave_that_is_over(hr: Page) -> None:
    hr.goto(urllib.parse.urljoin(hr.url, "/console/people/E8003"))
    hr.get_by_role("link", name="Start the case").click()
    hr.locator("#policy").select_option("tells_the_manager")
    with hr.expect_response("**/console/start/leave/*"):
        hr.locator("[id='overdue.manager']").select_option("run_now")
    expect(hr.locator("#preview .warn")).to_have_count(0)
    expect(hr.locator("#preview tbody")).to_contain_text(BOSS)
    press(hr, "Start the case")
    hr.wait_for_url("**/console/cases/*")


def the_delegate_confirms_on_a_phone(site: Site, phone: Page) -> None:
    sign_in(site, phone, "sun.yu", "登录")
    phone.wait_for_url("**/console")

    def has_come() -> bool:
        phone.goto(f"{site.base}/me")
        return phone.get_by_role("link", name="查看并确认收到").count() == 1

    eventually(has_come)
    expect(phone.get_by_role("heading", name=re.compile(f"代 {BOSS} 办理"))).to_be_visible()
    phone.get_by_role("link", name="查看并确认收到").tap()
    expect(phone.locator("main .warn")).to_contain_text(f"您正在代 {BOSS} 查看和确认")
    phone.locator("form[action^='/me/notices/'] button[type=submit]", has_text="收到").tap()
    phone.wait_for_url("**/me/receipts/*")
    for_whom = phone.locator("dt", has_text="代办对象").locator("xpath=following-sibling::dd[1]")
    expect(for_whom).to_have_text(BOSS)


def names_behind(bundle: bytes, kind: str) -> dict[str, str]:
    """Return the disclosed names of the one event of a kind, by their place in it."""
    files = read_container(bundle)
    [event] = [one for one in map(json.loads, files[EVENTS].splitlines()) if one["kind"] == kind]
    rows = map(json.loads, files[DISCLOSURES].splitlines())
    return {
        row["path"]: row["value"]
        for row in rows
        if row["seq"] == event["seq"] and row["path"].startswith("/actor")
    }


# -- two hundred at once ------------------------------------------------------------------------------------

MANY = 200
SENT_AGAIN = """
async (form) =>
  (await fetch("/console/start/bulk/begin", {method: "POST", body: new URLSearchParams(form)})).url
"""


def test_two_hundred_start_from_one_page_and_a_second_press_starts_nothing_twice(
    site: Site, desks: Any
) -> None:
    people = ({"number": f"E9{n:03}", "name": f"员工{n:03}", "ends_on": ENDS} for n in range(MANY))
    branch = site.people("guangdong", *people)
    site.account("xu.hr", "徐人事", Role.HR, branch=branch, language="en")
    hr = desks()
    sign_in(site, hr, "xu.hr")
    hr.wait_for_url("**/console")
    the_leaves_of_a_day_are_ticked_and_looked_at(site, hr)
    form = hr.evaluate("new URLSearchParams(new FormData(document.forms[document.forms.length - 1])) + ''")
    assert form.count("&leave=") == MANY
    press(hr, "Start the ticked cases")
    hr.wait_for_url(re.compile("/start/bulk/[0-9A-Z]{26}"))
    # The same form once more, as a second press sends it: it leads to where the first one led.
    assert hr.evaluate(SENT_AGAIN, form) == hr.url
    hr.evaluate("document.body.dataset.opened = 'while it ran'")
    expect(hr.locator("h1")).to_have_text(f"Done: {MANY} of {MANY} cases started", timeout=120_000)
    assert hr.evaluate("document.body.dataset.opened") == "while it ran"
    expect(hr.locator("#watch tbody tr .sign.done")).to_have_count(MANY)
    assert how_many(site, select(func.count()).select_from(BulkStart)) == 1
    ours = select(func.count()).select_from(Case).join(Branch).where(Branch.name == branch)
    assert how_many(site, ours) == MANY
    what_has_its_case_cannot_start_again(site, hr)
    assert how_many(site, ours) == MANY


def the_leaves_of_a_day_are_ticked_and_looked_at(site: Site, hr: Page) -> None:
    hr.goto(f"{site.base}/console/start/bulk?from={ENDS}&to={ENDS}")
    hr.get_by_label(f"Tick all {MANY}").check()
    assert hr.locator("input.leave:checked").count() == MANY
    press(hr, "Preview")
    expect(hr.locator("h1")).to_have_text(f"Preview: {MANY} of {MANY} can start", timeout=30_000)
    expect(hr.locator("#leaves tbody tr")).to_have_count(MANY)


def what_has_its_case_cannot_start_again(site: Site, hr: Page) -> None:
    hr.goto(f"{site.base}/console/start/bulk")
    hr.locator("#numbers").fill("E9000\nE9001\nE9199")
    press(hr, "Preview")
    expect(hr.locator("h1")).to_have_text("Preview: 0 of 3 can start")
    expect(hr.locator("#leaves")).to_contain_text("It has its case already.")
    expect(hr.get_by_role("button", name="Start the ticked cases")).to_have_count(0)


# -- what several of them use ------------------------------------------------------------------------------


def exported(page: Page, file: Path) -> tuple[bytes, Path]:
    """Press the button that exports the evidence of the case on the page; keep what comes as `file`."""
    with page.expect_download() as download:
        press(page, "Export")
    assert download.value.suggested_filename.endswith(".zip")
    download.value.save_as(file)
    return file.read_bytes(), file


def how_many(site: Site, query: Any) -> int:
    with site.parts.database.reading() as session:
        return int(session.exec(query).one())
