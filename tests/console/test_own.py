"""One's own account: the password, the browsers, the language."""

import re

import pytest

from api.console.own import browser_name
from countersign.adapters.database.accounts import OpenBrowser
from countersign.adapters.database.rights import LINK_LASTS
from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from tests.support.console import PASSWORD, browser

NEW = "  a new long one  "


def change(old: str = PASSWORD, new: str = NEW, again: str | None = None) -> dict[str, str]:
    return {"old": old, "new": new, "again": new if again is None else again}


async def test_a_new_password_ends_every_other_browser_and_every_link(parts: Parts) -> None:
    async with browser(parts, Role.HR, "li") as li:
        other = parts.accounts.open(li.account_id, "Firefox")
        link = parts.accounts.new_one_time(li.account_id, LINK_LASTS)
        await li.post("/console/me/password", change())
        assert "Your password is changed. Every other browser is signed out." in li.text
        assert parts.accounts.recognise(other) is None
        assert parts.accounts.use_one_time(link) is None
        assert (await li.get("/console")).url.path == "/console"
        # Blanks are part of a password.
        assert parts.accounts.check("li", NEW) == li.account_id
        assert parts.accounts.check("li", NEW.strip()) is None
        assert parts.accounts.check("li", PASSWORD) is None


async def test_a_password_that_will_not_do_changes_nothing(parts: Parts) -> None:
    async with browser(parts, Role.HR, "lina") as li:
        for form, sentence in [
            (change(old="not mine at all"), "This is not your present password."),
            (change(new="short"), "password: must have at least 10 characters"),
            (change(new="lina-is-my-name"), "password: must not contain the login"),
            (change(again="another long one"), "The two new passwords differ"),
        ]:
            answer = await li.post("/console/me/password", form)
            assert answer.status_code == 422, sentence
            assert sentence in li.text
            assert form["new"] not in li.page
        assert parts.accounts.check("lina", PASSWORD) == li.account_id


async def test_the_old_password_cannot_be_guessed_from_an_open_browser(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with browser(parts, Role.HR, "li") as li:
        monkeypatch.setattr(parts.accounts, "is_password", lambda _, word: word == PASSWORD)
        for _ in range(20):
            await li.post("/console/me/password", change(old="a guess"))
            assert "This is not your present password." in li.text
        await li.post("/console/me/password", change())
        assert "Too many tries." in li.text
        assert parts.accounts.check("li", PASSWORD) == li.account_id


async def test_a_browser_of_ones_own_is_signed_out_and_nobody_elses(parts: Parts) -> None:
    async with browser(parts, Role.HR, "li") as li, browser(parts, Role.FINANCE, "chen") as chen:
        other = parts.accounts.open(li.account_id, "Mozilla/5.0 (Windows NT 10.0) Chrome/120 Safari/537.36")
        await li.get("/console/me")
        assert "Signed-in browsers 2" in li.text
        assert "Chrome · Windows" in li.text
        found = re.search(r'name="browser" value="([^"]+)"', li.page)
        assert found is not None
        assert (await chen.post("/console/me/browsers/end", {"browser": found[1]})).status_code == 404
        assert parts.accounts.recognise(other) is not None
        await li.post("/console/me/browsers/end", {"browser": found[1]})
        assert "That browser is signed out." in li.text
        assert parts.accounts.recognise(other) is None
        assert (await li.post("/console/me/browsers/end", {"browser": found[1]})).status_code == 404


async def test_the_language_is_kept_for_the_account_and_switched_at_once(parts: Parts) -> None:
    async with browser(parts, Role.HR, "li") as li:
        await li.post("/console/me/language", {"language": "zh-CN"})
        assert "我的账号" in li.text
        await li.post("/console/me/language", {"language": "fr"})
        assert "我的账号" in li.text
        officer = parts.accounts.officer(li.account_id)
        assert officer is not None
        assert officer.language == "zh-CN"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) AppleWebKit/605.1.15 MicroMessenger/8.0",
            ("WeChat", "iOS"),
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/120 Safari/537.36 Edg/120", ("Edge", "Windows")),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/120 Mobile Safari/537.36", ("Chrome", "Android")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14) Version/17 Safari/605.1.15", ("Safari", "macOS")),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:120) Firefox/120", ("Firefox", "Linux")),
        ("", ("", "")),
    ],
)
def test_browsers_are_told_by_program_and_system(agent: str, name: tuple[str, str]) -> None:
    assert browser_name(OpenBrowser("s", agent, utc_now(), utc_now())) == name


async def test_who_lost_the_password_sets_another_by_the_link_of_the_command_line(parts: Parts) -> None:
    async with browser(parts, Role.HR, "li") as li:
        code = parts.accounts.new_one_time(li.account_id, LINK_LASTS, then_password=True)
        assert parts.accounts.check("li", PASSWORD) is None
        assert (await li.get("/console")).url.path == "/console/sign-in"
        answer = await li.client.post(f"/console/one-time/{code}")
        assert answer.url.path == "/console/me"
        await li.get("/console/me")
        assert "Present password" not in li.text
        answer = await li.post("/console/me/password", {"new": NEW, "again": NEW})
        assert answer.url.path == "/console"
        assert parts.accounts.check("li", NEW) == li.account_id
