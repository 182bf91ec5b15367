"""Mails that another program hands over by HTTP: the same rules as by SMTP, said in the API's words."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from api.app import create_app
from countersign.adapters.database.tables import Inbox
from countersign.adapters.database.tokens import Tokens
from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.ids import new_id
from tests.support.company import company

MAIL = b"Return-Path: <>\r\nSubject: failure\r\n\r\nno such user\r\n"
LIMIT = 64 * 1024


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, Parts]]:
    parts = company(tmp_path, utc_now, mail_intake_domain="intake.example.com", mail_intake_limit_bytes=LIMIT)
    token = Tokens(parts.database, utc_now).create(Role.INTEGRATOR, None)
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "message/rfc822"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client, parts
    parts.database.close()


def rows(parts: Parts) -> list[Inbox]:
    with parts.database.reading() as session:
        return list(session.exec(select(Inbox)))


async def test_a_mail_is_stored_once_and_its_twin_is_told_so(world: tuple[httpx2.AsyncClient, Parts]) -> None:
    client, parts = world
    delivery = new_id()
    to = parts.mail_addresses.return_path(delivery)
    answers = [await client.post("/hooks/mail", params={"to": to}, content=MAIL) for _ in range(2)]
    assert [(a.status_code, a.json()) for a in answers] == [(202, {"stored": True}), (202, {"stored": False})]
    (row,) = rows(parts)
    assert (row.source, row.raw["kind"], row.raw["delivery"]) == ("mail", "bounce", delivery)
    assert row.raw["mail_from"] == ""
    file = parts.settings.data_dir / "documents" / row.raw["sha256"][:2] / row.raw["sha256"]
    assert file.read_bytes() == MAIL


async def test_the_envelope_sender_can_be_named(world: tuple[httpx2.AsyncClient, Parts]) -> None:
    client, parts = world
    to = parts.mail_addresses.reply_to(new_id())
    await client.post("/hooks/mail", params={"to": to, "from": "zw@example.com"}, content=MAIL)
    assert rows(parts)[0].raw["mail_from"] == "zw@example.com"


async def test_what_is_not_taken_is_refused_in_words(world: tuple[httpx2.AsyncClient, Parts]) -> None:
    client, parts = world
    to = parts.mail_addresses.return_path(new_id())
    forged = await client.post("/hooks/mail", params={"to": "b-x@intake.example.com"}, content=MAIL)
    assert (forged.status_code, forged.json()["field"]) == (422, "to")
    large = await client.post("/hooks/mail", params={"to": to}, content=b"x" * (LIMIT + 1))
    assert large.status_code == 413
    empty = await client.post("/hooks/mail", params={"to": to}, content=b"")
    assert empty.status_code == 422
    other = await client.post(
        "/hooks/mail", params={"to": to}, content=MAIL, headers={"Content-Type": "text/plain"}
    )
    assert other.status_code == 415
    without = await client.post("/hooks/mail", content=MAIL)
    assert (without.status_code, without.json()["field"]) == (422, "to")
    assert rows(parts) == []


@pytest.mark.parametrize("fault", [OperationalError("x", {}, Exception("gone")), OSError(28, "full")])
async def test_while_nothing_can_be_stored_the_program_keeps_the_mail(
    world: tuple[httpx2.AsyncClient, Parts], monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    client, parts = world

    def away(*_: object) -> bool:
        raise fault

    monkeypatch.setattr(parts.mail_intake, "_keep", away)
    to = parts.mail_addresses.return_path(new_id())
    answer = await client.post("/hooks/mail", params={"to": to}, content=MAIL)
    assert answer.status_code == 503
    assert "again" in answer.json()["detail"]
