"""Signing in with the company's identity provider, against a real issuer that can misbehave."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from pydantic import ValidationError
from sqlmodel import select

from api.app import create_app
from countersign.adapters.database.tables import Account, OidcRequest
from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.settings import Settings
from tests.support.company import company
from tests.support.console import open_account, plain
from tests.support.issuer import CLIENT_ID, CLIENT_SECRET, LocalIssuer, Mood, local_issuer

CALLBACK = "/console/oidc/callback"


@pytest.fixture(scope="module")
def running() -> Iterator[LocalIssuer]:
    with local_issuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(running: LocalIssuer) -> LocalIssuer:
    fresh = LocalIssuer(running.url, key=running.key, other=running.other)
    for name in ("mood", "claims", "user_info", "asked", "codes"):
        setattr(running, name, getattr(fresh, name))
    return running


class Now:
    """The time, which a test may move on."""

    def __init__(self) -> None:
        self.moved = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.moved


def house(folder: Path, issuer: str, clock: Now | None = None, **more: object) -> Parts:
    known = {"oidc_issuer": issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}
    return company(folder, clock or utc_now, **{**known, **more})


@pytest.fixture
def parts(tmp_path: Path, issuer: LocalIssuer) -> Parts:
    made = house(tmp_path, issuer.url)
    open_account(made, Role.HR, "hr", name="李娜")
    return made


@asynccontextmanager
async def outside(parts: Parts) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield a browser in which nobody is signed in; it follows no redirect by itself."""
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    english = {"accept-language": "en"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://test", headers=english) as client:
        yield client


async def set_out(client: httpx2.AsyncClient, back: str = "/console/me") -> str:
    """Begin at our page and pass through the issuer; return where it sends the browser."""
    begun = await client.get("/console/oidc", params={"back": back})
    assert begun.status_code == 303, plain(begun.text)
    async with httpx2.AsyncClient() as web:
        answered = await web.get(begun.headers["location"])
    assert answered.status_code == 303
    came = urlsplit(answered.headers["location"])
    assert came.path == CALLBACK
    return f"{came.path}?{came.query}"


async def sign_in(client: httpx2.AsyncClient) -> httpx2.Response:
    return await client.get(await set_out(client))


def subject_of(parts: Parts, login: str) -> str | None:
    with parts.database.reading() as session:
        return session.exec(select(Account).where(Account.login == login)).one().oidc_subject


async def test_somebody_signs_in_goes_on_where_they_wanted_and_is_known_by_their_subject_from_then_on(
    parts: Parts, issuer: LocalIssuer
) -> None:
    async with outside(parts) as client:
        answer = await sign_in(client)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/me")
        assert "李娜" in (await client.get("/console/me")).text
        again = await client.get("/console/oidc?back=/console/help", follow_redirects=True)
        assert again.url.path == "/console/help"
    assert subject_of(parts, "hr") == f"{issuer.url}|s-1"
    issuer.claims = {"sub": "s-1", "preferred_username": "renamed"}
    async with outside(parts) as client:
        assert (await sign_in(client)).headers["location"] == "/console/me"


@pytest.mark.parametrize(
    ("mood", "status", "told"),
    [
        (Mood.WRONG_NONCE, 403, "could not be verified"),
        (Mood.NO_NONCE, 403, "could not be verified"),
        (Mood.WRONG_AUDIENCE, 403, "could not be verified"),
        (Mood.WRONG_AUDIENCE_BY_US, 403, "could not be verified"),
        (Mood.ANOTHER_PARTY, 403, "could not be verified"),
        (Mood.EXPIRED, 403, "clock"),
        (Mood.FROM_THE_FUTURE, 403, "clock"),
        (Mood.OTHER_KEY, 403, "could not be verified"),
        (Mood.ALG_NONE, 403, "could not be verified"),
        (Mood.HS256_BY_PUBLIC_KEY, 403, "could not be verified"),
        (Mood.HS256_BY_SECRET, 403, "could not be verified"),
        (Mood.WRONG_ISSUER, 403, "could not be verified"),
        (Mood.NO_SUBJECT, 403, "could not be verified"),
        (Mood.NO_TOKEN, 502, "do not fit together"),
        (Mood.GARBAGE, 502, "do not fit together"),
        (Mood.REFUSES_CODE, 403, "did not sign you in"),
        (Mood.REFUSES_CLIENT, 502, "do not fit together"),
        (Mood.REFUSES_PERSON, 403, "did not sign you in"),
    ],
)
async def test_what_cannot_be_trusted_opens_nothing_and_is_told_in_words(
    parts: Parts,
    issuer: LocalIssuer,
    caplog: pytest.LogCaptureFixture,
    mood: Mood,
    status: int,
    told: str,
) -> None:
    issuer.mood = mood
    with caplog.at_level(logging.WARNING, "countersign.sign_in"):
        async with outside(parts) as client:
            answer = await sign_in(client)
            assert (answer.status_code, told in plain(answer.text)) == (status, True), plain(answer.text)
            assert (await client.get("/console/me")).status_code == 303
    (line,) = [one.getMessage() for one in caplog.records if one.name == "countersign.sign_in"]
    assert line.startswith("single sign-on: ")
    for secret in ("hr", "s-1", "code-", "secret words"):
        assert secret not in line.removeprefix("single sign-on: "), line
    assert subject_of(parts, "hr") is None


@pytest.mark.parametrize("mood", [Mood.DOCUMENT_OF_ANOTHER, Mood.NO_KEYS])
async def test_an_issuer_that_is_not_what_the_settings_say_is_not_gone_to(
    parts: Parts, issuer: LocalIssuer, mood: Mood
) -> None:
    issuer.mood = mood
    async with outside(parts) as client:
        answer = await client.get("/console/oidc")
    assert answer.status_code == 502
    assert "do not fit together" in plain(answer.text)


async def test_an_issuer_that_is_down_is_told_with_the_way_in_that_is_left(tmp_path: Path) -> None:
    parts = house(tmp_path, "http://127.0.0.1:9")
    async with outside(parts) as client:
        answer = await client.get("/console/oidc?back=/console/help")
    assert answer.status_code == 502
    assert "does not answer" in plain(answer.text)
    assert "/console/sign-in?back=/console/help" in answer.text


async def test_a_state_counts_once_in_its_own_browser_and_for_ten_minutes(
    tmp_path: Path, issuer: LocalIssuer
) -> None:
    clock = Now()
    parts = house(tmp_path, issuer.url, clock)
    open_account(parts, Role.HR, "hr")
    async with outside(parts) as client, outside(parts) as another:
        back = await set_out(client)
        assert (await another.get(back)).status_code == 400
        assert (await client.get(back)).status_code == 303
        again = await client.get(back)
        assert (again.status_code, "used already" in plain(again.text)) == (400, True)
        assert (await client.get(f"{CALLBACK}?state=invented&code=x")).status_code == 400
        assert (await client.get(CALLBACK)).status_code == 400
        late = await set_out(another)
        clock.moved = timedelta(minutes=10)
        assert (await another.get(late)).status_code == 400
        assert (await another.get("/console/me")).status_code == 303
    assert issuer.asked.count("/token") == 1


async def test_guessing_states_is_stopped_after_thirty_tries(parts: Parts) -> None:
    async with outside(parts) as client:
        seen = [(await client.get(f"{CALLBACK}?state={n}&code=x")).status_code for n in range(32)]
    assert seen == [400] * 30 + [429] * 2


async def test_what_was_begun_and_never_ended_is_cleared_away(tmp_path: Path, issuer: LocalIssuer) -> None:
    clock = Now()
    parts = house(tmp_path, issuer.url, clock)
    async with outside(parts) as client:
        for moved in (0, 11):
            clock.moved = timedelta(minutes=moved)
            await client.get("/console/oidc")
    with parts.database.reading() as session:
        (row,) = session.exec(select(OidcRequest)).all()
    assert row.expires_at > clock()


async def test_nobody_gets_an_account_by_signing_in_and_is_told_what_to_ask_for(
    parts: Parts, issuer: LocalIssuer
) -> None:
    issuer.claims = {"sub": "s-2", "preferred_username": "zhao.min"}
    async with outside(parts) as client:
        answer = await sign_in(client)
    assert answer.status_code == 403
    assert "an account with exactly the login zhao.min" in plain(answer.text)
    with parts.database.reading() as session:
        assert [one.login for one in session.exec(select(Account))] == ["hr"]


async def test_an_account_that_is_bound_is_never_bound_to_somebody_else(
    parts: Parts, issuer: LocalIssuer
) -> None:
    async with outside(parts) as client:
        assert (await sign_in(client)).status_code == 303
    issuer.claims = {"sub": "s-9", "preferred_username": "hr"}
    async with outside(parts) as client:
        answer = await sign_in(client)
        assert (answer.status_code, "belongs to somebody else" in plain(answer.text)) == (403, True)
    assert subject_of(parts, "hr") == f"{issuer.url}|s-1"


@pytest.mark.parametrize("bound", [False, True])
async def test_a_shut_account_stays_shut(parts: Parts, issuer: LocalIssuer, bound: bool) -> None:
    async with outside(parts) as client:
        if bound:
            await sign_in(client)
    with parts.database.reading() as session:
        account_id = session.exec(select(Account.id)).one()
    parts.accounts.disable(account_id)
    async with outside(parts) as client:
        answer = await sign_in(client)
        assert (answer.status_code, "is shut" in plain(answer.text)) == (403, True)
        assert (await client.get("/console/me")).status_code == 303
    assert (subject_of(parts, "hr") is not None) is bound


async def test_a_new_key_of_the_issuer_is_fetched_when_it_first_signs(
    parts: Parts, issuer: LocalIssuer
) -> None:
    async with outside(parts) as client:
        await sign_in(client)
    async with outside(parts) as client:
        await sign_in(client)
    assert issuer.asked.count("/keys") == 1
    issuer.rotate()
    async with outside(parts) as client:
        assert (await sign_in(client)).status_code == 303
    assert issuer.asked.count("/keys") == 2


async def test_the_login_may_stand_in_the_user_info_of_the_same_subject_alone(
    parts: Parts, issuer: LocalIssuer
) -> None:
    issuer.claims = {"sub": "s-1"}
    async with outside(parts) as client:
        answer = await sign_in(client)
        assert (answer.status_code, "preferred_username" in plain(answer.text)) == (403, True)
    issuer.user_info = {"preferred_username": "hr"}
    issuer.mood = Mood.OTHER_USER_INFO
    async with outside(parts) as client:
        assert "could not be verified" in plain((await sign_in(client)).text)
    issuer.mood = Mood.WELL
    async with outside(parts) as client:
        assert (await sign_in(client)).status_code == 303


async def test_an_unverified_mail_address_is_no_login(tmp_path: Path, issuer: LocalIssuer) -> None:
    parts = house(tmp_path, issuer.url, oidc_name_claim="email")
    open_account(parts, Role.HR, "hr@example.com")
    issuer.claims = {"sub": "s-1", "email": "hr@example.com", "email_verified": False}
    async with outside(parts) as client:
        assert (await sign_in(client)).status_code == 403
    issuer.claims["email_verified"] = True
    async with outside(parts) as client:
        begun = await client.get("/console/oidc")
        assert parse_qs(urlsplit(begun.headers["location"]).query)["scope"] == ["openid profile email"]
        assert (await sign_in(client)).status_code == 303


async def test_an_answer_that_names_another_issuer_is_refused(parts: Parts, issuer: LocalIssuer) -> None:
    async with outside(parts) as client:
        back = await set_out(client)
        answer = await client.get(f"{back}&iss=https://another.example")
    assert (answer.status_code, issuer.asked.count("/token")) == (403, 0)


async def test_the_way_leads_on_to_our_own_pages_only(parts: Parts) -> None:
    async with outside(parts) as client:
        answer = await client.get(await set_out(client, "https://evil.example/console"))
    assert answer.headers["location"] == "/console"


async def test_without_an_issuer_there_is_no_such_page_and_no_button(tmp_path: Path) -> None:
    parts = company(tmp_path, utc_now)
    async with outside(parts) as client:
        assert (await client.get("/console/oidc")).status_code == 404
        assert (await client.get(CALLBACK)).status_code == 404
        assert "/console/oidc" not in (await client.get("/console/sign-in")).text


async def test_the_button_keeps_where_somebody_wanted_to_go(parts: Parts) -> None:
    async with outside(parts) as client:
        page = (await client.get("/console/sign-in?back=/console/help")).text
    assert 'href="/console/oidc?back=/console/help"' in page


@pytest.mark.parametrize(
    "issuer_address", ["http://idp.example.com", "idp.example.com", "http://127.0.0.1.evil"]
)
def test_an_issuer_over_the_open_wire_stops_the_start(issuer_address: str) -> None:
    with pytest.raises(ValidationError, match="must begin with https://"):
        Settings(oidc_issuer=issuer_address, oidc_client_id="c", _env_file=None)  # type: ignore[call-arg]


def test_an_issuer_without_a_client_id_stops_the_start() -> None:
    with pytest.raises(ValidationError, match="oidc_client_id: is missing"):
        Settings(oidc_issuer="https://idp.example.com", _env_file=None)  # type: ignore[call-arg]
    assert Settings(oidc_issuer="", _env_file=None).oidc_issuer is None  # type: ignore[call-arg]
