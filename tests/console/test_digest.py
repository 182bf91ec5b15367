"""The mail in the morning."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from countersign.adapters.database.stops import StopScope
from countersign.adapters.database.tables import Person
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.digest import DigestFacts, DigestTask, digest_mail
from tests.support.company import BEIJING, company
from tests.support.console import browser, open_account
from tests.support.crowd import crowd

WEDNESDAY = datetime(2026, 3, 4, 0, 30, tzinfo=UTC)
"""Half past eight in Shanghai."""


@pytest.fixture
def now() -> list[datetime]:
    return [WEDNESDAY]


@pytest.fixture
def parts(tmp_path: Path, now: list[datetime]) -> Parts:
    made = company(tmp_path, lambda: now[0])
    crowd(made, 40, 30)
    return made


def mails(parts: Parts) -> list[Any]:
    return [message for _, message in parts.mailer.sent]  # type: ignore[attr-defined]


async def test_it_goes_once_a_working_day_from_half_past_eight_on(parts: Parts, now: list[datetime]) -> None:
    open_account(parts, Role.HR, "li", email="li@example.com", language="zh-CN")
    now[0] = WEDNESDAY - timedelta(minutes=1)
    assert await parts.digest.run() == 0
    now[0] = WEDNESDAY
    assert await parts.digest.run() == 1
    assert await parts.digest.run() == 0
    assert [mail.to for mail in mails(parts)] == ["li@example.com"]
    now[0] = WEDNESDAY + timedelta(days=3)  # Saturday
    assert await parts.digest.run() == 0
    now[0] = WEDNESDAY + timedelta(days=5)
    assert await parts.digest.run() == 1


async def test_it_tells_what_the_first_screen_tells_and_names_nobody(parts: Parts) -> None:
    account = open_account(parts, Role.HR, "li", email="li@example.com", language="en")
    officer = parts.accounts.officer(account)
    assert officer is not None
    await parts.digest.run()
    (mail,) = mails(parts)
    told = parts.case_lists.summary(officer.scope, officer.task_roles, WEDNESDAY)
    assert f"For you to do: {told.mine}\nCases overdue: {told.overdue}\n" in mail.text
    assert f"{told.mine} to do, {told.overdue} overdue on 2026-03-04" in mail.subject
    first = parts.case_lists.tasks(officer.scope, officer.task_roles, 1)[0]
    assert f"- {first.case.number} " in mail.text
    assert f"… and {told.mine - 10} more" in mail.text
    with parts.database.reading() as session:
        names = session.exec(select(Person.name)).all()
    assert not any(name in mail.text + mail.subject for name in names)


async def test_nobody_gets_one_for_whom_nothing_waits_or_who_does_not_want_it(parts: Parts) -> None:
    open_account(parts, Role.HR, "none", email="none@example.com", branch=BEIJING)
    open_account(parts, Role.HR, "off", email="off@example.com", digest=False)
    open_account(parts, Role.HR, "nowhere")
    open_account(parts, Role.AUDITOR, "auditor", email="auditor@example.com")
    shut = open_account(parts, Role.HR, "shut", email="shut@example.com")
    parts.accounts.disable(shut)
    await parts.digest.run()
    assert mails(parts) == []


async def test_nothing_leaves_while_all_sending_is_stopped(parts: Parts) -> None:
    open_account(parts, Role.HR, "li", email="li@example.com")
    stop = parts.stops.set(StopScope.COMPANY, None, "wrong text", "hr")
    assert await parts.digest.run() == 0
    parts.stops.release(stop.id, "hr", None)
    assert await parts.digest.run() == 1


async def test_everybody_chooses_it_on_their_own_page(parts: Parts) -> None:
    async with browser(parts) as hr:
        await hr.post("/console/me/digest", {"email": "not an address", "digest": "yes"})
        assert "not an address" in hr.page
        assert parts.accounts.digest_of(hr.account_id) == (None, True)
        await hr.post("/console/me/digest", {"email": "", "digest": "yes"})
        assert "Give the address that the mail goes to" in hr.text
        await hr.post("/console/me/digest", {"email": "hr@example.com"})
        assert parts.accounts.digest_of(hr.account_id) == ("hr@example.com", False)


def test_a_task_is_called_in_the_mail_as_on_the_first_screen() -> None:
    facts = DigestFacts(1, 0, 0, 0, 0, (DigestTask("posting", "E1042", None),))
    subject, text = digest_mail("示例公司", facts, "http://x/console", WEDNESDAY, "zh-CN")
    assert "- E1042 待寄出书面通知\n" in text
    assert subject == "示例公司：2026-03-04 待办 1，逾期 0"
