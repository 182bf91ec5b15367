"""HR ends a link or moves its end; the case page tells how each link stands."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import Session, select

from api.app import create_app
from countersign.adapters.database.tables import (
    Branch,
    Case,
    Delivery,
    EventRow,
    IdentityCheck,
    Link,
    Notice,
    Person,
)
from countersign.adapters.database.tokens import Tokens
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from tests.support.company import BEIJING, EMAIL, company

NOW = datetime(2026, 2, 24, 2, 0, tzinfo=UTC)
SHANGHAI = "01SHANGHAI0000000000000000"
CASE, OTHER, LINK = "01CASE" + "0" * 20, "01OTHER" + "0" * 19, "01MAIL" + "0" * 20
REASON = "给错了人（张标记伟）"


class World:
    """The application over a case with one link; time stands still until a test moves it."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.parts: Parts = company(folder, lambda: self.now)
        self.app = create_app(self.parts, dispatch=False)
        self.token = Tokens(self.parts.database, self.parts.clock).create(Role.HR, None)
        self.parts.database.write(self._plant)

    def _plant(self, session: Session) -> None:
        person = session.exec(select(Person)).one()
        session.add(Branch(id=SHANGHAI, name="上海", region="shanghai"))
        session.flush()
        for case in (CASE, OTHER):
            session.add(
                Case(
                    id=case,
                    kind="leave_return",
                    workflow_id=f"leave-return/{case}",
                    person_id=person.id,
                    branch_id=BEIJING,
                    policy_version="1",
                    state="running",
                    stage="ladder",
                    created_at=NOW,
                )
            )
        session.flush()
        notice = Notice(
            id="n",
            case_id=CASE,
            step="first_notice",
            template="first_notice",
            audience="employee",
            person_id=person.id,
            language="zh-CN",
            title="返岗通知书",
            text="正文",
            fingerprint="0" * 64,
            created_at=NOW,
        )
        session.add(notice)
        session.flush()
        delivery = Delivery(
            id=LINK,
            notice_id="n",
            case_id=CASE,
            channel="email",
            attempt=1,
            state="sent",
            address=EMAIL,
            text="…",
            created_at=NOW,
        )
        session.add(delivery)
        session.flush()
        link = Link(
            id=LINK,
            case_id=CASE,
            notice_id="n",
            person_id=person.id,
            key_id=self.parts.link_keys.newest,
            code_hash=self.parts.link_keys.hash_of(self.code),
            expires_at=NOW + timedelta(days=1),
        )
        session.add(link)

    @property
    def code(self) -> str:
        return self.parts.link_keys.code(LINK)

    async def post(self, path: str, body: Any, token: str = "") -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        async with self._client() as client:
            return await client.post(f"/api/v1/cases/{path}", json=body, headers=headers)

    async def case(self) -> Any:
        async with self._client() as client:
            headers = {"Authorization": f"Bearer {self.token}"}
            return (await client.get(f"/api/v1/cases/{CASE}", headers=headers)).json()

    async def opens(self) -> int:
        async with self._client() as client:
            return (await client.get(f"/n/{self.code}")).status_code

    def _client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url="http://test")

    def events(self) -> list[EventRow]:
        with self.parts.database.reading() as session:
            return [row for row in session.exec(select(EventRow)) if row.kind != "link.fetched"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    made.parts.database.close()


async def test_a_revoked_link_opens_no_more_and_the_reason_is_sealed(world: World) -> None:
    assert await world.opens() == 200
    answer = await world.post(f"{CASE}/links/{LINK}/revoke", {"reason": REASON})
    assert answer.status_code == 200
    assert answer.json() == {
        "delivery": LINK,
        "expires_at": "2026-02-25T02:00:00Z",
        "revoked": True,
        "locked": False,
    }
    assert await world.opens() == 404
    [event] = world.events()
    assert event.kind == "link.revoked"
    assert REASON not in event.line
    assert '"role":"hr"' in event.line
    [told] = [one for one in (await world.case())["timeline"] if one["kind"] == "link.revoked"]
    assert told["body"]["reason"] == REASON
    again = await world.post(f"{CASE}/links/{LINK}/revoke", {"reason": REASON})
    assert again.status_code == 409
    assert "revoked already" in again.json()["detail"]
    assert len(world.events()) == 1


async def test_an_expired_link_works_again_once_its_end_is_moved(world: World) -> None:
    world.now += timedelta(days=1)
    assert await world.opens() == 404
    later = {"expires_at": "2026-03-25T10:00:00+08:00", "reason": REASON}
    answer = await world.post(f"{CASE}/links/{LINK}/extend", later)
    assert answer.status_code == 200
    assert await world.opens() == 200
    assert (await world.post(f"{CASE}/links/{LINK}/extend", later)).status_code == 200
    [event] = world.events()
    assert event.kind == "link.issued"
    assert "2026-03-25" in event.line
    assert REASON not in event.line
    [shown] = (await world.case())["links"]
    assert shown["expires_at"].startswith("2026-03-25T02:00:00")
    world.now = datetime(2026, 3, 25, 2, 0, tzinfo=UTC)
    assert await world.opens() == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expires_at": "2026-02-24T10:00:00+08:00", "reason": "x"}, "expires_at"),
        ({"expires_at": "2026-03-24T10:00:00", "reason": "x"}, "expires_at"),
        ({"expires_at": "2026-03-24T10:00:00+08:00"}, "reason"),
        ({"expires_at": "2026-03-24T10:00:00+08:00", "reason": " "}, "reason"),
        ({"expires_at": None, "reason": "x"}, "expires_at"),
    ],
)
async def test_an_end_that_cannot_be_is_refused_by_field(world: World, body: Any, field: str) -> None:
    answer = await world.post(f"{CASE}/links/{LINK}/extend", body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert world.events() == []


async def test_a_revoked_link_cannot_be_opened_again_by_a_later_end(world: World) -> None:
    await world.post(f"{CASE}/links/{LINK}/revoke", {"reason": REASON})
    later = {"expires_at": "2026-03-25T10:00:00+08:00", "reason": REASON}
    answer = await world.post(f"{CASE}/links/{LINK}/extend", later)
    assert answer.status_code == 409
    assert "send the notice again" in answer.json()["detail"]
    assert await world.opens() == 404


async def test_a_link_of_another_case_or_branch_does_not_exist(world: World) -> None:
    elsewhere = Tokens(world.parts.database, world.parts.clock).create(Role.HR, SHANGHAI)
    body = {"reason": "x"}
    for path, token, what in (
        (f"{OTHER}/links/{LINK}/revoke", world.token, "link"),
        (f"{CASE}/links/{'0' * 26}/revoke", world.token, "link"),
        (f"{'0' * 26}/links/{LINK}/revoke", world.token, "case"),
        (f"{CASE}/links/{LINK}/revoke", elsewhere, "case"),
    ):
        answer = await world.post(path, body, token)
        assert (answer.status_code, answer.json()["detail"]) == (404, f"There is no such {what} here.")
    assert await world.opens() == 200


async def test_the_case_page_tells_how_its_links_stand(world: World) -> None:
    def lock(session: Session) -> None:
        session.add(IdentityCheck(link_id=LINK, tries=5, locked_at=NOW))

    [link] = (await world.case())["links"]
    assert (link["delivery"], link["revoked"], link["locked"]) == (LINK, False, False)
    world.parts.database.write(lock)
    [link] = (await world.case())["links"]
    assert link["locked"]


async def test_the_code_of_the_second_factor_goes_to_the_sms_provider_without_name_or_matter(
    world: World,
) -> None:
    def make_confidential(session: Session) -> None:
        session.get_one(Notice, "n").sensitive = True

    world.parts.database.write(make_confidential)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=world.app), base_url="http://test"
    ) as client:
        assert (await client.post(f"/n/{world.code}/identity/code")).status_code == 200
    sms: Any = world.parts.sms
    [(_, message)] = sms.sent
    assert message.to == "+8613800138000"
    assert message.status_callback is None
    for secret in ("张", "E1042", "返岗", "病假", world.code):
        assert secret not in message.text
    assert "验证码" in message.text
    assert "10 分钟" in message.text
