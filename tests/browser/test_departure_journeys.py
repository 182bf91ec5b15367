"""Departures as people go through them: leaver, successor, HR, finance, administration; the real stack."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from countersign.adapters.database.departures import EVERYWHERE
from countersign.adapters.database.policy_book import COMPANY
from countersign.adapters.database.tables import PolicyChoice, StoredPolicy
from countersign.adapters.real_clock import utc_now
from countersign.contracts.cases import Process, Role
from countersign.domain.bundle import verify_bundle
from countersign.domain.departure import Track
from countersign.domain.holdings import HoldingWish
from tests.browser.test_console_journeys import (
    CHROMIUM,
    PHONE,
    TODAY,
    Site,
    chrome,
    desks,
    press,
    sign_in,
    site,
)
from tests.support.employed import employ
from tests.support.handing import photo
from tests.support.world import eventually

__all__ = ["chrome", "desks", "site"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.sqlite,
    pytest.mark.timeout(240),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium to run this"),
]
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "locale": "zh-CN"}
WAIT = {"value": 60, "unit": "calendar_days"}
RUNG = {"name": "first_notice", "audience": "employee", "channels": ["email", "in_system"], "wait": WAIT}
NOTICE = {**RUNG, "name": "termination_notice", "channels": ["in_system", "sms", "email"]}
KINDS = {"resignation": "after_last_day", "mutual": "after_last_day", "contract_end": "after_last_day"}
AT_ANY_HOUR: dict[Process, dict[str, Any]] = {
    Process.OFFBOARDING: {
        "remind_days": [3],
        "remind_channels": ["email", "in_system"],
        "systems": ["OA"],
        "kinds": {
            kind: {"asks": asks}
            for kind, asks in {**KINDS, "dismissal": "at_once", "absence": "at_once"}.items()
        },
        "rungs": [RUNG],
    },
    Process.HANDOVER: {"rungs": [RUNG]},
    Process.STATUTORY: {"certificate_at": "00:00", "told_channels": ["email"], "rungs": [NOTICE]},
}
"""Nothing waits for an hour of the day: whatever the clock says, a message leaves at once."""


@pytest.fixture(autouse=True)
def at_any_hour(site: Site) -> None:
    """Let departures of this installation speak at once."""

    def choose(session: Any) -> None:
        for process, body in AT_ANY_HOUR.items():
            name = f"{process.value}_at_any_hour"
            if session.get(PolicyChoice, (COMPANY, process.value)) is not None:
                return
            policy = {"name": name, **body}
            session.add(
                StoredPolicy(name=name, version=1, process=process.value, body=policy, created_at=utc_now())
            )
            session.add(
                PolicyChoice(
                    branch_id=COMPANY,
                    process=process.value,
                    policy=name,
                    chosen_by="test",
                    chosen_at=utc_now(),
                )
            )

    site.parts.database.write(choose)


def person(number: str, name: str) -> dict[str, Any]:
    return {
        "number": number,
        "name": name,
        "phone": f"+86138001{number[1:]}1",
        "email": f"{number}@example.com",
    }


def link_to(site: Site, number: str, title: str) -> str:
    """Return the link in the newest mail to an employee whose subject has these words."""

    found: list[str] = []

    def has_come() -> bool:
        mails = site.mails(f"{number}@example.com")
        found.extend(one["links"][0] for one in mails if title in one["subject"] and one["links"])
        return bool(found)

    eventually(has_come)
    return found[0]


def starts(site: Site, hr: Page, number: str, kind: str, **more: str) -> str:
    """Start a departure from the page of the employee; return the address of its board."""
    hr.goto(f"{site.base}/console/people/{number}")
    hr.locator("main a[href^='/console/start/departure?']").click()
    hr.locator("#kind").select_option(kind)
    for name, value in {"noticed_on": f"{TODAY}", "last_day": f"{TODAY}", **more}.items():
        hr.locator(f"#{name}").fill(value)
    hr.locator("button[value=look]").click()
    overdue = hr.locator("#overdue select")
    if overdue.count():
        overdue.select_option("run_now")
        hr.locator("button[value=look]").click()
    hr.locator("button#start").click()
    hr.wait_for_url(re.compile("/console/departures/[0-9A-Z]{26}"))
    return hr.url.partition("#")[0]


def act(page: Page, field: str) -> Any:
    """Open the part of the page with this field and return it."""
    part = page.locator("details.act").filter(has=page.locator(field))
    if part.get_attribute("open") is None:
        part.locator("summary").click()
    return part


# -- from the resignation to the closed file -----------------------------------------------------------------


def test_a_resignation_from_its_start_to_a_closed_file_that_still_shows_everything(
    site: Site, desks: Any
) -> None:
    branch = site.people("shanghai", person("D6001", "林晚"), person("D6002", "王可"))
    employ(site.parts, "D6001", date(2024, 1, 2))
    for track, reference, title in (
        (Track.DOCUMENTS, "W-1", "供应商合同"),
        (Track.CUSTOMERS, "K-1", "青禾商贸"),
        (Track.EQUIPMENT, "Z-1", "笔记本电脑"),
    ):
        site.parts.holdings.put([HoldingWish(track, reference, "D6001", title)], "test", None)
    for login, role in (("lin.hr", Role.HR), ("lin.fin", Role.FINANCE), ("lin.adm", Role.ADMINISTRATION)):
        site.account(login, login, role, branch=branch)
    hr, finance, administration = desks(**DESK), desks(**DESK), desks(**DESK)
    for page, login in ((hr, "lin.hr"), (finance, "lin.fin"), (administration, "lin.adm")):
        sign_in(site, page, login, "登录")
        page.wait_for_url("**/console")

    board = starts(site, hr, "D6001", "resignation", successor="D6002")
    link = link_to(site, "D6001", "交接")
    leaver = desks(**PHONE)
    the_leaver_disputes_one_with_a_photo(leaver, link)
    hr_settles_the_dispute(hr, board)
    leaver.goto(link)
    ticks_everything(leaver)
    successor = desks(**PHONE)
    successor.goto(link_to(site, "D6002", "交接"))
    ticks_everything(successor)
    administration_takes_the_computer_back(site, administration, board)
    finance_confirms_the_balances(site, finance)
    hr_records_what_the_law_wants(hr, board)
    the_file_closes_and_shows_everything(hr, board)
    the_evidence_verifies(site, hr)


def ticks_everything(phone: Page) -> None:
    for one in phone.locator("input[name=items]").all():
        one.check()
    phone.locator("main button[type=submit]").tap()
    phone.wait_for_url("**/receipt/**")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def the_leaver_disputes_one_with_a_photo(phone: Page, link: str) -> None:
    phone.goto(link)
    row = phone.locator("li", has_text="K-1")
    row.locator("a.way").tap()
    phone.locator("#words").fill("十月已经交给王可，见照片")
    phone.locator("#file").set_input_files({"name": "记录.png", "mimeType": "image/png", "buffer": photo()})
    phone.locator("main button[type=submit]").tap()
    phone.wait_for_url("**/receipt/**")


def hr_settles_the_dispute(hr: Page, board: str) -> None:
    hr.goto(f"{board}?show=disputed")
    hr.get_by_label("青禾商贸", exact=True).check()
    form = act(hr, "#dispute_settled-verdict")
    form.locator("select").select_option("open")
    form.locator("button").click()
    expect(hr.locator("#errors, .errors").first).to_contain_text("理由")
    form = act(hr, "#dispute_settled-verdict")
    form.locator("select").select_option("open")
    form.locator("textarea").fill("请在页面上移交")
    form.locator("button").click()
    expect(hr.locator("li.bad")).to_have_count(0)


def administration_takes_the_computer_back(site: Site, administration: Page, board: str) -> None:
    administration.goto(f"{site.base}/console")
    administration.locator(f"main a[href='{board.removeprefix(site.base)}']").first.click()
    administration.get_by_label("笔记本电脑", exact=True).check()
    form = act(administration, "[name=accepted-condition]")
    form.locator("select").select_option("undamaged")
    form.locator("button").click()
    expect(administration.locator("[name=items]")).to_have_count(0)


def finance_confirms_the_balances(site: Site, finance: Page) -> None:
    finance.goto(f"{site.base}/console")
    finance.locator("main a[href$='/money']").first.click()
    finance.locator("main a[href$='/balances']").first.click()
    for one in finance.locator("input[name^=seen_]").all():
        one.fill("0")
    finance.locator("form:has([name=seen_loan]) button").click()
    finance.wait_for_url("**/money*")
    finance.goto(finance.url.replace("/money", "/duties"))
    records(finance, "wages", "PAY-1")


def records(page: Page, duty: str, reference: str) -> None:
    form = page.locator("details.act").filter(has=page.locator(f"#{duty}-reference"))
    form.locator("summary").click()
    form.locator("select").select_option("done")
    form.locator(f"#{duty}-reference").fill(reference)
    form.locator("button").click()
    expect(page.locator(f"tr#{duty}")).to_contain_text(reference)


def hr_records_what_the_law_wants(hr: Page, board: str) -> None:
    hr.goto(f"{board}/duties")
    expect(hr.locator("tr#certificate")).to_contain_text("已办")
    for number, duty in enumerate(("social_insurance", "file_transfer", "unemployment_list")):
        records(hr, duty, f"NO-{number}")


def the_file_closes_and_shows_everything(hr: Page, board: str) -> None:
    def closed() -> bool:
        hr.goto(board)
        return "记录保留在此备查" in hr.locator("#gate").inner_text()

    eventually(closed)
    main = hr.locator("main")
    for words in ("供应商合同", "青禾商贸", "笔记本电脑", "3/3"):
        expect(main).to_contain_text(words)
    hr.goto(re.sub("/[0-9A-Z]{26}.*", "?state=closed", board))
    expect(hr.locator("tbody")).to_contain_text("D6001")


def the_evidence_verifies(site: Site, hr: Page) -> None:
    hr.goto(f"{site.base}/console/people/D6001")
    links = hr.locator("a[href^='/console/cases/']").all()
    cases = {one.get_attribute("href") or "" for one in links}
    assert len(cases) == 2
    for number, case in enumerate(sorted(cases)):
        hr.goto(f"{site.base}{case}")
        file = site.folder / f"departure-{number}.zip"
        with hr.expect_download() as download:
            press(hr, "导出")
        download.value.save_as(file)
        assert verify_bundle(file.read_bytes()).ok


# -- the manager who vanished ------------------------------------------------------------------


def test_a_notice_is_delivered_in_person_and_the_employment_ends_whatever_is_open(
    site: Site, desks: Any
) -> None:
    branch = site.people("beijing", person("D7001", "郑远"), person("D7002", "孙立"))
    employ(site.parts, "D7001", date(2024, 1, 2))
    laptop = HoldingWish(Track.EQUIPMENT, "Z-7", "D7001", "对讲机", {}, True, 1200_00)
    site.parts.holdings.put([laptop], "test", None)
    site.account("zhao.hr", "赵人事", Role.HR, branch=branch)
    hr = desks(**DESK)
    sign_in(site, hr, "zhao.hr", "登录")
    hr.wait_for_url("**/console")

    board = starts(site, hr, "D7001", "absence", successor="D7002", reason="自十一月十日起连续旷工")
    the_notice_leaves_on_every_way(site)
    another_system_calls_it_suspended_and_nothing_has_ended(site, hr)
    it_is_handed_over_in_person(hr, board)
    the_employment_ends_and_what_is_open_is_claimed(site, hr, board)


def the_notice_leaves_on_every_way(site: Site) -> None:
    assert link_to(site, "D7001", "解除劳动合同通知书")
    eventually(lambda: len(site.mails("+8613800170011")) == 1)


def state(site: Site, hr: Page) -> Any:
    hr.goto(f"{site.base}/console/people/D7001")
    return hr.locator("section", has=hr.get_by_role("heading", name="劳动关系", exact=True))


def another_system_calls_it_suspended_and_nothing_has_ended(site: Site, hr: Page) -> None:
    expect(state(site, hr)).to_contain_text("在职")
    site.parts.employments.call(EVERYWHERE, "D7001", TODAY - timedelta(days=14), {"role": "machine"})
    expect(state(site, hr)).to_contain_text("劳动关系并未因此结束")
    hr.goto(f"{site.base}/console/duties")
    expect(hr.locator("tr", has_text="D7001")).to_contain_text("持续过久")


def it_is_handed_over_in_person(hr: Page, board: str) -> None:
    hr.goto(f"{board}/duties")
    expect(hr.locator("#service").locator("xpath=..")).to_contain_text("不算送达")
    form = act(hr, "[name=service-witness]")
    form.locator("button").click()
    expect(hr.locator(".errors").first).to_contain_text("见证")
    form.locator("[name=service-witness]").fill("孙立，生产部")
    form.locator("button").click()
    expect(hr.locator("#service").locator("xpath=..")).to_contain_text("视为送达")


def the_employment_ends_and_what_is_open_is_claimed(site: Site, hr: Page, board: str) -> None:
    assert link_to(site, "D7001", "证明")
    assert link_to(site, "D7001", "未办结")
    expect(state(site, hr)).to_contain_text("已离职")
    hr.goto(board)
    expect(hr.locator("#gate")).to_contain_text("¥1,200.00")
    hr.goto(f"{board}/duties")
    expect(hr.locator("tr#certificate")).to_contain_text("已办")
    for paper in ("离职证明", "催告函", "还款协议草案"):
        expect(hr.locator("main")).to_contain_text(paper)
