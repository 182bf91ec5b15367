"""Signing in by employee number and a code to the phone on file."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from api.app import create_app
from api.me import signing_in
from countersign.adapters.database.phone_codes import CODES_A_DAY
from countersign.adapters.database.tables import (
    Account,
    Branch,
    Case,
    Employment,
    OptOut,
    Person,
    SendingStop,
    SignInCode,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.contracts.sending import OutcomeState
from tests.support.company import BEIJING, EMAIL, NAME, NUMBER, PHONE, company, failed
from tests.support.console import open_account, plain

NOW = datetime(2026, 2, 24, 2, 0, tzinfo=UTC)
WRONG = "The code is wrong"


@dataclass
class Phone:
    """Somebody's phone: its browser, the company behind it, and a clock that a test moves."""

    client: httpx2.AsyncClient
    parts: Parts
    clock: list[datetime]

    async def ask(self, number: str = NUMBER) -> httpx2.Response:
        return await self.client.post("/me/sign-in", data={"number": number})

    async def try_code(self, code: str, number: str = NUMBER) -> httpx2.Response:
        return await self.client.post("/me/sign-in/code", data={"number": number, "code": code})

    @property
    def texts(self) -> list[Any]:
        return [message for _, message in self.parts.sms.sent]  # type: ignore[attr-defined]

    @property
    def mails(self) -> list[Any]:
        return [message for _, message in self.parts.mailer.sent]  # type: ignore[attr-defined]

    @property
    def code(self) -> str:
        found = re.search(r"\d{6}", self.texts[-1].text)
        assert found is not None
        return found[0]

    def later(self, **how: float) -> None:
        self.clock[0] += timedelta(**how)

    def change(self, kind: type[Any], where: Any, **values: Any) -> None:
        with self.parts.database.transaction() as session:
            row = session.exec(select(kind).where(where)).one()
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)

    def add(self, row: Any) -> None:
        with self.parts.database.transaction() as session:
            session.add(row)

    def rows(self, kind: type[Any]) -> list[Any]:
        with self.parts.database.reading() as session:
            rows = list(session.exec(select(kind)))
            session.expunge_all()
            return rows


@asynccontextmanager
async def phone(parts: Parts, clock: list[datetime]) -> AsyncIterator[Phone]:
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://test", headers={"accept-language": "en"}, follow_redirects=True
    ) as client:
        yield Phone(client, parts, clock)


@pytest.fixture
def clock() -> list[datetime]:
    return [NOW]


@pytest.fixture
def parts(tmp_path: Path, clock: list[datetime], monkeypatch: pytest.MonkeyPatch) -> Parts:
    monkeypatch.setattr(signing_in, "_TRY_TAKES_S", 0.01)
    made = company(tmp_path, lambda: clock[0])
    return made


async def test_a_code_by_text_message_signs_an_employee_in_and_makes_their_account_once(
    parts: Parts, clock: list[datetime]
) -> None:
    async with phone(parts, clock) as one:
        for _ in range(2):
            asked = await one.ask()
            assert "a code is on its way" in plain(asked.text)
            assert one.texts[-1].to == PHONE
            page = await one.try_code(one.code)
            assert page.url.path == "/me"
            assert "待我答复" in plain(page.text)
            one.client.cookies.clear()
            one.later(hours=1)
        (account,) = one.rows(Account)
        assert (account.login, account.role, account.name) == (NUMBER, "employee", NAME)
        assert account.created_by == "phone code"
        assert account.password_hash is None


async def test_a_number_is_found_however_it_is_typed(parts: Parts, clock: list[datetime]) -> None:
    async with phone(parts, clock) as one:
        await one.ask("ｅ１０４２ ")
        assert len(one.texts) == 1
        assert (await one.try_code(f" {one.code[:3]} {one.code[3:]}", "e1042")).url.path == "/me"


async def test_an_unknown_number_gets_the_same_pages_and_nothing_is_sent(
    parts: Parts, clock: list[datetime]
) -> None:
    async with phone(parts, clock) as one:
        known, unknown = await one.ask(), await one.ask("E9999")
        assert known.text.replace(NUMBER, "E9999") == unknown.text
        assert (known.status_code, len(known.history)) == (unknown.status_code, len(unknown.history))
        assert len(one.texts) == 1
        known, unknown = await one.try_code("000000"), await one.try_code("000000", "E9999")
        assert WRONG in plain(known.text)
        assert known.text.replace(NUMBER, "E9999") == unknown.text
        assert known.status_code == unknown.status_code == 422
        assert one.rows(Account) == []


async def test_every_try_takes_as_long_as_the_slowest_kind(
    parts: Parts, clock: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_in, "_TRY_TAKES_S", 0.2)
    async with phone(parts, clock) as one:
        await one.ask()
        for number in (NUMBER, "E9999"):
            assert (await one.try_code("000000", number)).elapsed >= timedelta(seconds=0.2)


async def test_a_code_opens_once_and_for_ten_minutes(parts: Parts, clock: list[datetime]) -> None:
    async with phone(parts, clock) as one:
        await one.ask()
        assert (await one.try_code(one.code)).url.path == "/me"
        one.client.cookies.clear()
        assert WRONG in plain((await one.try_code(one.code)).text)
        one.later(minutes=2)
        await one.ask()
        one.later(minutes=10)
        assert WRONG in plain((await one.try_code(one.code)).text)


async def test_the_fifth_wrong_try_ends_a_code(parts: Parts, clock: list[datetime]) -> None:
    async with phone(parts, clock) as one:
        await one.ask()
        wrong = "000000" if one.code != "000000" else "111111"
        for _ in range(5):
            assert (await one.try_code(wrong)).status_code == 422
        assert WRONG in plain((await one.try_code(one.code)).text)


async def test_four_wrong_tries_leave_a_code_alive_and_garbage_is_a_wrong_try(
    parts: Parts, clock: list[datetime]
) -> None:
    async with phone(parts, clock) as one:
        await one.ask()
        for garbage in ("", "12345", "abcdef", "\x00" * 6):
            assert (await one.try_code(garbage)).status_code == 422
        assert (await one.try_code(one.code)).url.path == "/me"


async def test_a_newer_code_ends_the_older_and_none_is_made_within_a_minute(
    parts: Parts, clock: list[datetime]
) -> None:
    async with phone(parts, clock) as one:
        await one.ask()
        first = one.code
        one.later(seconds=50)
        await one.ask()
        assert len(one.texts) == 1
        one.later(seconds=20)
        await one.ask()
        assert len(one.texts) == 2
        if first != one.code:
            assert WRONG in plain((await one.try_code(first)).text)
        assert (await one.try_code(one.code)).url.path == "/me"


async def test_nobody_gets_more_than_five_codes_a_day_and_the_next_day_begins_anew(
    parts: Parts, clock: list[datetime]
) -> None:
    async with phone(parts, clock) as one:
        for _ in range(CODES_A_DAY + 2):
            await one.ask()
            one.later(minutes=2)
        assert len(one.texts) == CODES_A_DAY
        one.clock[0] = datetime(2026, 2, 24, 16, 1, tzinfo=UTC)  # a minute after midnight in China
        await one.ask()
        assert len(one.texts) == CODES_A_DAY + 1


async def test_one_client_cannot_ask_or_try_without_end(parts: Parts, clock: list[datetime]) -> None:
    async with phone(parts, clock) as one:
        answers = [await one.ask(f"E7{n:03}") for n in range(31)]
        assert [a.status_code for a in answers] == [200] * 30 + [429]
        assert "Wait" in plain(answers[-1].text)
        tries = [await one.try_code("000000") for _ in range(32)]
        assert {a.status_code for a in tries[:30]} == {422}
        assert tries[-1].status_code == 429


async def test_without_a_phone_the_code_goes_by_mail(parts: Parts, clock: list[datetime]) -> None:
    async with phone(parts, clock) as one:
        one.change(Person, Person.number == NUMBER, phone=None)
        await one.ask()
        (mail,) = one.mails
        assert mail.to == EMAIL
        assert "验证码" in mail.subject
        found = re.search(r"\d{6}", mail.text)
        assert found is not None
        assert (await one.try_code(found[0])).url.path == "/me"


async def test_a_phone_that_wants_no_messages_gets_none_and_a_stop_holds_codes_too(
    parts: Parts, clock: list[datetime]
) -> None:
    async with phone(parts, clock) as one:
        one.add(OptOut(address=PHONE, channel="sms", reason="stop", created_at=NOW))
        await one.ask()
        assert (len(one.texts), len(one.mails)) == (0, 1)
        one.later(minutes=2)
        one.add(SendingStop(id="s1", scope="company", reason="test", set_by="t", set_at=NOW))
        await one.ask()
        assert (len(one.texts), len(one.mails)) == (0, 1)


async def test_a_code_that_the_provider_refuses_counts_for_nothing(
    parts: Parts, clock: list[datetime]
) -> None:
    async with phone(parts, clock) as one:
        parts.sms.answers.append(failed(OutcomeState.FAILED_PERMANENT, "21610"))  # type: ignore[attr-defined]
        await one.ask()
        assert one.rows(SignInCode) == []
        await one.ask()
        assert (await one.try_code(one.code)).url.path == "/me"


async def test_who_has_left_signs_in_only_while_a_case_about_them_is_kept(
    parts: Parts, clock: list[datetime]
) -> None:
    async with phone(parts, clock) as one:
        person = one.rows(Person)[0].id
        one.change(Employment, Employment.person_id == person, ended_on=NOW.date())
        await one.ask()
        assert one.texts == []
        case = Case(
            id="c1",
            kind="acknowledgement",
            workflow_id="w1",
            person_id=person,
            branch_id=BEIJING,
            policy_version="1",
            state="closed",
            stage="closed",
            created_at=NOW,
        )
        one.add(case)
        await one.ask()
        assert (await one.try_code(one.code)).url.path == "/me"


async def test_a_shut_account_stays_shut(parts: Parts, clock: list[datetime]) -> None:
    async with phone(parts, clock) as one:
        account = open_account(parts, Role.EMPLOYEE, "zhang", number=NUMBER)
        parts.accounts.disable(account)
        await one.ask()
        assert one.texts == []


async def test_a_managers_phone_opens_their_own_pages_and_not_the_console(
    parts: Parts, clock: list[datetime]
) -> None:
    async with phone(parts, clock) as one:
        open_account(parts, Role.MANAGER, NUMBER, number=NUMBER)
        await one.ask()
        assert (await one.try_code(one.code)).url.path == "/me"
        assert (await one.client.get("/console/cases")).status_code == 403
        assert {a.login for a in one.rows(Account)} == {NUMBER, f"{NUMBER}/phone"}


async def test_the_way_leads_on_to_the_page_that_was_wanted_and_never_to_another_site(
    parts: Parts, clock: list[datetime]
) -> None:
    async with phone(parts, clock) as one:
        wanted = await one.client.get("/me/receipts")
        assert wanted.url.path == "/me/sign-in"
        assert 'value="/me/receipts"' in wanted.text
        for bad in ("https://evil.example", "//evil.example", "/me//evil.example", "/console"):
            assert (
                'name="back" value="/me"' in (await one.client.get("/me/sign-in", params={"back": bad})).text
            )


async def test_the_pages_to_sign_in_are_light_carry_no_scripts_and_speak_chinese(
    parts: Parts, clock: list[datetime]
) -> None:
    async with phone(parts, clock) as one:
        await one.client.post("/me/sign-in/language", data={"language": "zh-CN"})
        for path in ("/me/sign-in", f"/me/sign-in/code?number={NUMBER}"):
            page = await one.client.get(path)
            assert "<script" not in page.text
            assert len(page.content) < 10_000
            assert "验证码" in page.text


async def test_a_form_from_another_site_and_an_empty_number_are_refused(
    parts: Parts, clock: list[datetime]
) -> None:
    async with phone(parts, clock) as one:
        foreign = await one.client.post(
            "/me/sign-in", data={"number": NUMBER}, headers={"sec-fetch-site": "cross-site"}
        )
        assert foreign.status_code == 403
        empty = await one.ask("")
        assert empty.status_code == 422
        assert "Type your employee number." in plain(empty.text)
        assert one.texts == []
        assert one.rows(Branch) != []
