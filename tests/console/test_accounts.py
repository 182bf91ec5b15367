"""Accounts, rights and tokens, as system administrators settle them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import select

from api.app import create_app
from countersign.adapters.database import accounts
from countersign.adapters.database.accounts import IDLE, LONGEST, AccountFault
from countersign.adapters.database.rights import AccountWish
from countersign.adapters.database.tables import Account, AccountChange, ApiToken
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from tests.support.company import BEIJING, NUMBER, SHANGHAI, add_shanghai, company
from tests.support.console import PASSWORD, Browser, browser, open_account

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def parts(tmp_path: Path, clock: Clock) -> Parts:
    made = company(tmp_path, clock)
    add_shanghai(made)
    return made


@asynccontextmanager
async def outside(parts: Parts) -> AsyncIterator[Browser]:
    """Yield a browser in which nobody is signed in."""
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://test", follow_redirects=True, headers={"accept-language": "en"}
    ) as client:
        yield Browser(client, parts, "")


def wish(**more: str) -> dict[str, str]:
    known = {
        "login": "wang",
        "name": "王芳",
        "role": "hr",
        "branch": BEIJING,
        "language": "en",
        "way": "link",
    }
    return {**known, **more}


def changes(parts: Parts, account_id: str) -> list[str]:
    return [one.did.value for one in parts.rights.changes(account_id)]


def link_in(page: str) -> str:
    found = re.search(r'value="http://[^"]+(/console/one-time/[^"]+)"', page)
    assert found is not None
    return found[1]


async def test_a_new_account_comes_by_a_link_that_works_once_and_sets_a_password_first(
    parts: Parts,
) -> None:
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR) as admin, outside(parts) as new:
        await admin.post("/console/accounts/new", wish())
        link = link_in(admin.page)
        await new.get(link)
        assert "signs you in once" in new.text
        await new.client.post(link)
        answer = await new.get("/console/cases")
        assert answer.url.path == "/console/me"
        assert "Set a password of your own first" in new.text
        assert (await new.client.get("/console/me/delegates")).url.path == "/console/me"
        answer = await new.post("/console/me/password", {"new": "a new long one", "again": "a new long one"})
        assert "Your password is changed" in new.text
        assert (await new.get("/console/cases")).url.path == "/console/cases"
        again = await new.client.post(link)
        assert again.status_code == 410
    assert parts.accounts.check("wang", "a new long one") is not None


async def test_a_sign_in_link_is_dead_after_three_days_and_once_a_newer_one_is_made(
    parts: Parts, clock: Clock
) -> None:
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR) as admin, outside(parts) as new:
        await admin.post("/console/accounts/new", wish())
        first = link_in(admin.page)
        (account, _) = parts.rights.accounts(None, search="wang")
        await admin.post(f"/console/accounts/{account[0].id}/link")
        second = link_in(admin.page)
        assert (await new.client.post(first)).status_code == 410
        clock.move(timedelta(days=3, seconds=1))
        assert (await new.client.post(second)).status_code == 410


async def test_a_password_that_an_administrator_sets_must_be_changed_at_once(parts: Parts) -> None:
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR) as admin, outside(parts) as new:
        await admin.post("/console/accounts/new", wish(way="password", password="given by the admin"))
        assert "The account wang was made." in admin.text
        await new.client.post("/console/sign-in", data={"login": "wang", "password": "given by the admin"})
        assert (await new.get("/console")).url.path == "/console/me"
        await new.post("/console/me/delegates", {"delegate": "x"})
        assert "Set a password of your own first" in new.text
        await new.post("/console/sign-out")
        assert "Password" in new.text
        assert "Sign in" in new.text


async def test_what_cannot_be_an_account_is_shown_again_with_what_was_typed(parts: Parts) -> None:
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR, "root") as admin:
        for form, sentence in [
            (wish(login="root"), "login: root is taken"),
            (wish(login="two words"), "A login has no blanks"),
            (wish(login=""), "login: is missing"),
            (wish(name=" "), "name: is missing"),
            (wish(role="machine"), "Choose a role"),
            (wish(role="manager"), "number: this role needs the employee number"),
            (wish(number="E9"), "number: nobody has the employee number E9"),
            (wish(number=NUMBER, branch=SHANGHAI), f"number: {NUMBER} works in another branch"),
            (wish(branch="nowhere"), "branch: there is no branch nowhere"),
            (wish(email="nobody"), "This is no e-mail address"),
            (wish(way="pigeon"), "Choose how the account signs in first"),
            (wish(way="password", password="short"), "password: must have at least 10 characters"),
        ]:
            answer = await admin.post("/console/accounts/new", form)
            assert answer.status_code == 422, sentence
            assert sentence in admin.text
            assert f'name="login" maxlength="60" autocomplete="off" value="{form["login"]}"' in admin.page
    assert parts.rights.accounts(None)[1] == 1


async def test_a_changed_role_holds_with_the_next_page_of_an_open_browser(parts: Parts) -> None:
    async with (
        browser(parts, Role.SYSTEM_ADMINISTRATOR) as admin,
        browser(parts, Role.HR, name="李娜", branch=BEIJING) as hr,
    ):
        assert (await hr.get("/console/delegates")).status_code == 200
        form = {"name": "李娜", "role": "auditor", "branch": BEIJING, "language": "en"}
        await admin.post(f"/console/accounts/{hr.account_id}", form)
        assert "Role: HR → auditor" in admin.text
        assert (await hr.get("/console/delegates")).status_code == 403
        assert "the auditor" in (await hr.get("/console")).text
        await admin.post(f"/console/accounts/{hr.account_id}", form)
        assert "Nothing was different" in admin.text
    assert changes(parts, hr.account_id) == ["edited", "created"]


async def test_a_shut_account_is_out_at_once_and_comes_back_only_by_signing_in(parts: Parts) -> None:
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR) as admin, browser(parts, Role.HR) as hr:
        await admin.post(f"/console/accounts/{hr.account_id}/shut")
        assert (await hr.get("/console/cases")).url.path == "/console/sign-in"
        await admin.post(f"/console/accounts/{hr.account_id}/shut")
        assert "It was shut already." in admin.text
        assert parts.accounts.check("hr", PASSWORD) is None
        await admin.post(f"/console/accounts/{hr.account_id}/open")
        assert (await hr.get("/console/cases")).url.path == "/console/sign-in"
        assert parts.accounts.check("hr", PASSWORD) == hr.account_id
    assert changes(parts, hr.account_id) == ["opened", "shut", "created"]


async def test_signed_out_everywhere_means_every_browser_and_every_link(parts: Parts) -> None:
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR) as admin, browser(parts, Role.HR) as hr:
        code = parts.accounts.new_one_time(hr.account_id, timedelta(days=1))
        await admin.post(f"/console/accounts/{hr.account_id}/sign-out")
        assert (await hr.get("/console")).url.path == "/console/sign-in"
        assert parts.accounts.use_one_time(code) is None
        assert (await admin.get("/console")).url.path == "/console"


async def test_nobody_changes_rights_of_their_own(parts: Parts) -> None:
    open_account(parts, Role.SYSTEM_ADMINISTRATOR, "other")
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR, "me") as me:
        own = f"/console/accounts/{me.account_id}"
        kept = {"name": "me name", "role": "system_administrator", "branch": "", "language": "en"}
        for different in (
            {"role": "hr"},
            {"branch": BEIJING},
            {"number": NUMBER},
            {"edits_templates": "yes"},
        ):
            answer = await me.post(own, {**kept, **different})
            assert answer.status_code == 422, different
            assert "nobody changes their own rights" in me.text
        for act in ("shut", "link"):
            assert (await me.post(f"{own}/{act}")).status_code == 422, act
        await me.post(own, {**kept, "email": "me@example.com"})
        assert "Changed." in me.text
        assert (await me.get("/console/accounts")).status_code == 200


@pytest.mark.parametrize("what", ["shut", "demote", "bind"])
def test_the_last_system_administrator_is_neither_shut_nor_demoted_nor_bound(parts: Parts, what: str) -> None:
    last = open_account(parts, Role.SYSTEM_ADMINISTRATOR, "last")
    # One who looks after a branch alone does not look after the company.
    by = parts.accounts.officer(open_account(parts, Role.SYSTEM_ADMINISTRATOR, "north", branch=BEIJING))
    assert by is not None
    head = replace(by, branch_id=None)
    role = Role.HR if what == "demote" else Role.SYSTEM_ADMINISTRATOR
    branch = BEIJING if what == "bind" else None
    wanted = AccountWish("last", role, branch, None, None, "en", edits_templates=False)

    def do() -> None:
        if what == "shut":
            parts.rights.shut(last, head)
        else:
            parts.rights.edit(last, wanted, head)

    with pytest.raises(AccountFault, match="last system administrator"):
        do()
    kept = parts.accounts.officer(last)
    assert kept is not None
    assert (kept.role, kept.branch_id) == (Role.SYSTEM_ADMINISTRATOR, None)
    assert changes(parts, last) == ["created"]
    open_account(parts, Role.SYSTEM_ADMINISTRATOR, "another")
    do()
    assert len(changes(parts, last)) == 2


async def test_an_administrator_of_one_branch_neither_sees_nor_makes_others(parts: Parts) -> None:
    elsewhere = open_account(parts, Role.HR, "elsewhere", branch=SHANGHAI)
    company_wide = open_account(parts, Role.HR, "wide")
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR, branch=BEIJING) as admin:
        await admin.get("/console/accounts")
        assert "elsewhere" not in admin.text
        assert "wide" not in admin.text
        for account_id in (elsewhere, company_wide):
            for method in ("GET", "POST"):
                path = f"/console/accounts/{account_id}"
                answer = await (admin.get(path) if method == "GET" else admin.post(path, wish()))
                assert answer.status_code == 404
        for branch in (SHANGHAI, ""):
            answer = await admin.post("/console/accounts/new", wish(branch=branch))
            assert answer.status_code == 422
            assert "you can only give your own branch" in admin.text
            answer = await admin.post("/console/tokens", {"name": "x", "role": "hr", "branch": branch})
            assert answer.status_code == 422


async def test_the_list_is_searched_and_counted(parts: Parts) -> None:
    for number in range(60):
        parts.accounts.create(f"officer{number:02}", f"Officer {number:02}", Role.HR, created_by="test")
    parts.accounts.disable(parts.accounts.create("gone", "Gone", Role.AUDITOR, created_by="test"))
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR) as admin:
        await admin.get("/console/accounts")
        assert "Accounts 62" in admin.text
        assert "HR (60)" in admin.text
        assert "Page 1 of 2" in admin.text
        await admin.get("/console/accounts", page="2")
        assert "Officer 59" in admin.text
        await admin.get("/console/accounts", q="officer0", role="hr")
        assert "Accounts 10" in admin.text
        await admin.get("/console/accounts", state="shut")
        assert "Accounts 1" in admin.text
        await admin.get("/console/accounts", q="%")
        assert "No account is like this" in admin.text


async def test_the_record_of_changes_says_who_did_what_when_and_holds_no_secret(parts: Parts) -> None:
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR, name="管理员") as admin:
        await admin.post("/console/accounts/new", wish(way="password", password="given by the admin"))
        ((made,), _) = parts.rights.accounts(None, search="wang")
        await admin.post(f"/console/accounts/{made.id}/link")
        link = link_in(admin.page).rpartition("/")[2]
        await admin.get(f"/console/accounts/{made.id}")
        assert re.search(r"2026-03-02 10:00 管理员 made a sign-in link", admin.text)
        assert "made the account Login: wang Role: HR Branch: 北京" in admin.text
    with parts.database.reading() as session:
        kept = str([row.what for row in session.exec(select(AccountChange))])
    assert "given by the admin" not in kept
    assert link not in kept


async def test_a_token_is_shown_once_opens_the_api_and_is_refused_once_revoked(parts: Parts) -> None:
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR, name="管理员") as admin:
        await admin.post("/console/tokens", {"name": "attendance", "role": "hr", "branch": ""})
        found = re.search(r'value="(cs_[^"]+)"', admin.page)
        assert found is not None
        headers = {"Authorization": f"Bearer {found[1]}"}
        assert (await admin.client.get("/api/v1/cases", headers=headers)).status_code == 200
        await admin.get("/console/tokens")
        assert found[1] not in admin.page
        assert "attendance HR the whole company 管理员" in admin.text
        (token,) = parts.tokens.listed(None)
        await admin.post(f"/console/tokens/{token.id}/revoke")
        assert "revoked on 2026-03-02" in admin.text
        assert (await admin.client.get("/api/v1/cases", headers=headers)).status_code == 401
        await admin.post(f"/console/tokens/{token.id}/revoke")
        assert "It was revoked already." in admin.text
        for form in ({"name": "", "role": "hr"}, {"name": "x", "role": "machine"}, {"name": "x", "role": ""}):
            assert (await admin.post("/console/tokens", {"branch": "", **form})).status_code == 422
        await admin.get(f"/console/accounts/{admin.account_id}")
        assert "revoked an API token Token: attendance" in admin.text
    with parts.database.reading() as session:
        assert len(session.exec(select(ApiToken)).all()) == 1


async def test_a_browser_is_out_after_two_idle_hours_and_after_twelve_at_all(
    parts: Parts, clock: Clock
) -> None:
    async with browser(parts, Role.HR, "idle") as hr:
        clock.move(IDLE)
        assert (await hr.get("/console")).url.path == "/console"
        clock.move(IDLE + timedelta(seconds=1))
        assert (await hr.get("/console")).url.path == "/console/sign-in"
    async with browser(parts, Role.HR, "busy") as hr:
        began = clock.now
        while clock.now - began < LONGEST:
            assert (await hr.get("/console")).url.path == "/console"
            clock.move(timedelta(hours=1, minutes=30))
        clock.now = began + LONGEST + timedelta(seconds=1)
        assert (await hr.get("/console")).url.path == "/console/sign-in"


async def test_wrong_passwords_are_refused_for_a_while_after_thirty(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account(parts, Role.HR, "hr")
    right = parts.accounts.check
    monkeypatch.setattr(
        parts.accounts, "check", lambda login, word: None if word == "wrong" else right(login, word)
    )
    async with outside(parts) as nobody:
        wrong, good = {"login": "hr", "password": "wrong"}, {"login": "hr", "password": PASSWORD}
        for _ in range(30):
            assert (await nobody.client.post("/console/sign-in", data=wrong)).status_code == 422
        answer = await nobody.client.post("/console/sign-in", data=good)
        assert answer.status_code == 429
        assert re.search(r"Wait 1[0-9] minutes", answer.text)


async def test_a_password_costs_its_guesser_much_also_one_that_was_kept_for_less(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = open_account(parts, Role.HR, "hr")
    monkeypatch.setattr(accounts, "Argon2Hasher", Argon2Hasher)
    assert accounts.Accounts(parts.database, parts.clock).check("hr", PASSWORD) == account_id
    with parts.database.reading() as session:
        kept = session.get_one(Account, account_id).password_hash
    assert kept is not None
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_the_settings_show_each_role_what_it_may_open(parts: Parts) -> None:
    shown = {}
    for role in (Role.SYSTEM_ADMINISTRATOR, Role.HR, Role.AUDITOR):
        async with browser(parts, role) as one:
            await one.get("/console/settings")
            shown[role] = set(re.findall(r'<dt><a href="/console/([^"]+)"', one.page))
            for path in shown[role]:
                assert (await one.get(f"/console/{path}")).status_code == 200, path
    everything = shown[Role.SYSTEM_ADMINISTRATOR]
    assert {"accounts", "tokens", "delegates", "sending", "calendar", "texts"} <= everything
    assert shown[Role.HR] == everything - {"accounts", "tokens"}
    assert shown[Role.AUDITOR] == shown[Role.HR] - {"delegates"}
