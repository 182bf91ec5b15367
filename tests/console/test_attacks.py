"""Attacks that once came through, each kept as the shortest way to try it again."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import select

from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Account, Approval, ImportRun, Person, PublishedYear
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.imports.handed_in import KnownFile, hand_in, preview
from tests.console.test_approvals import AGREED, ask
from tests.console.test_calendar import NOTICE_2026, hidden
from tests.support.company import BEIJING, NAME, NUMBER, company
from tests.support.console import browser, open_account
from tests.support.running_case import running

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
TEXT = "/console/texts/leave_return/first_notice/zh-CN/txt"
ROSTER = "工号,姓名,分支,部门,手机,假别,假期开始,假期结束"
MOVED = f"{NUMBER},张标记伟,北京,生产部,13800138000,,,"


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, lambda: NOW)


def change(parts: Parts, account_id: str, **values: object) -> None:
    with parts.database.transaction() as session:
        account = session.get_one(Account, account_id)
        for name, value in values.items():
            setattr(account, name, value)
        session.add(account)


def form_of(fields: dict[str, bytes], content_type: str = "multipart/form-data") -> dict[str, object]:
    """Return a multipart form byte by byte, as no browser writes it."""
    parts = [
        f'--X\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n'.encode() + v for n, v in fields.items()
    ]
    return {
        "content": b"\r\n".join([*parts, b"--X--\r\n"]),
        "headers": {"content-type": f"{content_type}; boundary=X"},
    }


# -- forms ------------------------------------------------------------------------------------------------


async def test_an_origin_that_is_no_address_is_foreign(parts: Parts) -> None:
    async with browser(parts) as hr:
        answer = await hr.post(
            "/console/me/language", {"language": "zh-CN"}, headers={"origin": "http://[evil"}
        )
        assert answer.status_code == 403
        assert "came from another site" in hr.text
    officer = parts.accounts.officer(hr.account_id)
    assert officer is not None
    assert officer.language == "en"


@pytest.mark.parametrize("path", ["/console/sign-in", "/me/sign-in", "/n"])
async def test_a_form_that_names_a_codec_of_its_own_is_not_decoded_with_it(parts: Parts, path: str) -> None:
    fields = {"login": rb"\ud800", "password": rb"\ud800", "number": rb"\ud800", "code": rb"\ud800"}
    async with browser(parts) as hr:
        for codec in ("unicode_escape", "punycode", "undefined"):
            sent = form_of(fields, f"multipart/form-data; charset={codec}")
            assert (await hr.client.post(path, **sent)).status_code == 415, codec  # type: ignore[arg-type]
        utf8 = form_of(fields, "multipart/form-data; charset=UTF-8")
        assert (await hr.client.post(path, **utf8)).status_code != 415  # type: ignore[arg-type]


async def test_what_cannot_be_read_is_refused_on_a_page_that_says_so(parts: Parts) -> None:
    large = {
        "content": b"a=" + b"x" * 3_000_000,
        "headers": {"content-type": "application/x-www-form-urlencoded"},
    }
    many = form_of({f"f{number}": b"x" for number in range(6000)})
    async with browser(parts) as hr:
        for sent, words in ((large, "is too large"), (many, "cannot be read as a form of this page")):
            answer = await hr.client.post("/console/me/language", **sent)
            assert answer.headers["content-type"].startswith("text/html")
            assert words in answer.text
            assert "no such page" not in answer.text


async def test_the_character_that_nothing_keeps_is_refused_on_a_page(parts: Parts) -> None:
    async with browser(parts) as hr:
        await hr.post("/console/cases/filters", {"name": "a\0b", "query": "q=1"})
        assert "holds the character U+0000" in hr.text
        answer = await hr.get("/console/people?q=%00")
        assert answer.status_code == 422
        assert "holds the character U+0000" in hr.text


# -- what is somebody else's ------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.FINANCE, Role.ADMINISTRATION])
async def test_who_sees_no_cases_sees_none_on_the_first_screen(tmp_path: Path, role: Role) -> None:
    case = running(tmp_path)
    async with browser(case.parts, Role.AUDITOR, branch=BEIJING) as auditor:
        await auditor.get("/console?show=others")
        assert NAME in auditor.page
    async with browser(case.parts, role, branch=BEIJING) as one:
        for show in ("mine", "overdue", "others", "today"):
            for path in ("/console", "/console/now"):
                await one.get(f"{path}?show={show}")
                assert "For me to do" in one.text
                assert NAME not in one.page
                assert case.case_id not in one.page
                assert "/console/cases" not in one.page


async def test_nobody_forgets_a_filter_of_somebody_else(parts: Parts) -> None:
    other = open_account(parts, Role.HR, "other")
    parts.saved_filters.keep(other, "cases", "mine", "q=1")
    (kept,) = parts.saved_filters.of(other, "cases")
    async with browser(parts) as hr:
        answer = await hr.post(f"/console/cases/filters/{kept.id}/forget")
        assert answer.status_code == 404
    assert len(parts.saved_filters.of(other, "cases")) == 1


@pytest.mark.parametrize("role", [Role.HR, Role.SYSTEM_ADMINISTRATOR])
async def test_a_branch_does_not_change_the_texts_of_the_company(parts: Parts, role: Role) -> None:
    async with browser(parts, role, branch=BEIJING, edits_templates=True) as one:
        await one.get(TEXT)
        assert f"{TEXT}/save" not in one.page
        assert f"{TEXT}/lock" not in one.page
        for do in ("save", "lock", "shipped"):
            form = {"body": "通知\n请答复 {{ code }}", "based_on": "0", "locked": "yes"}
            assert (await one.post(f"{TEXT}/{do}", form)).status_code == 403, do
    assert parts.template_book.newest() == {}


# -- two people -------------------------------------------------------------------------------------------


async def test_a_preview_that_nobody_has_looked_at_is_not_applied(parts: Parts) -> None:
    first, second = (
        parts.accounts.officer(open_account(parts, Role.HR, login)) for login in ("first", "second")
    )
    assert first is not None
    assert second is not None
    run_id = hand_in(parts, first, "employees", "a.csv", f"{ROSTER}\n{MOVED}\n".encode())
    preview(parts, run_id)
    async with browser(parts, login="third") as third:
        page = f"/console/imports/{run_id}"
        await third.get(page)
        seen = hidden(third.page, "shown")
        with parts.database.transaction() as session:
            session.exec(select(Person).where(Person.number == NUMBER)).one().name = "张三"
        await third.post(f"{page}/apply", {"shown": seen})
        assert "The data have changed since this file was checked" in third.text
        # Whoever has the page still open with the earlier preview presses the same button.
        await third.post(f"{page}/apply", {"shown": seen})
        assert "The preview is another one since this page was opened." in third.text
        await third.post(f"{page}/apply")
        with parts.database.reading() as session:
            assert session.exec(select(Person).where(Person.number == NUMBER)).one().name == "张三"
            assert session.get_one(ImportRun, run_id).state == "previewed"
        await third.get(page)
        await third.post(f"{page}/apply", {"shown": hidden(third.page, "shown")})
    with parts.database.reading() as session:
        assert session.get_one(ImportRun, run_id).state == "applied"


def test_the_same_file_at_the_same_moment_is_one_import(parts: Parts) -> None:
    officer = parts.accounts.officer(open_account(parts, Role.HR, "first"))
    assert officer is not None
    start, met = threading.Barrier(4), []

    def send() -> None:
        start.wait()
        try:
            met.append(hand_in(parts, officer, "employees", "a.csv", f"{ROSTER}\n{MOVED}\n".encode()))
        except KnownFile as known:
            met.append(known.run.id)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(met) == 4
    assert len(set(met)) == 1
    with parts.database.reading() as session:
        assert len(session.exec(select(ImportRun)).all()) == 1


@pytest.mark.parametrize("gone", [{"disabled_at": NOW}, {"role": "finance"}, {"branch_id": BEIJING}])
async def test_a_calendar_asked_for_by_somebody_who_may_not_any_more_stays_out(
    parts: Parts, gone: dict[str, object]
) -> None:
    async with browser(parts, login="asker") as asker:
        await asker.post(
            "/console/calendar/preview", {"notice": NOTICE_2026.replace("9月20日（周日）、", "")}
        )
        form = {"years": hidden(asker.page, "years"), "stamp": hidden(asker.page, "stamp"), "reason": "new"}
        await asker.post("/console/calendar/apply", form)
    change(parts, asker.account_id, **gone)
    async with browser(parts, login="second") as second:
        answer = await second.post("/console/calendar/waiting/2026", AGREED)
        assert answer.status_code == 422
        assert "Whoever asked for this may no longer do it." in second.text
    with parts.database.reading() as session:
        assert session.exec(select(Approval)).one().decided_at is None
        assert session.exec(select(PublishedYear)).all() == []


async def test_an_act_asked_for_by_somebody_with_other_rights_since_is_not_done(tmp_path: Path) -> None:
    case = running(tmp_path)
    asker = open_account(case.parts, Role.HR, "asker", branch=BEIJING, number=NUMBER)
    approval = ask(case, asker)
    change(case.parts, asker, role=Role.MANAGER.value)
    async with browser(case.parts, Role.HR, "second", branch=BEIJING) as second:
        await second.post(f"/console/approvals/{approval}", AGREED)
        assert "Whoever asked for this may no longer do it." in second.text
    assert case.carried == []
    assert case.parts.approvals.find(approval, Scope()).decided_at is None  # type: ignore[union-attr]
