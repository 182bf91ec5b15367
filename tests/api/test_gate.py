"""Why can this person not leave: the answer over HTTP follows what other processes do, without a wait."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.app import create_app
from countersign.adapters.database.starts import StartWish
from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from countersign.contracts.cases import CaseState, Projection, RecordOrder, Role
from countersign.domain.ledger import Voucher, loan
from tests.support.company import BEIJING, MARKED, NUMBER, SHANGHAI, add_leave, add_shanghai, company
from tests.support.leaving import employment_id, leaving

LAST_DAY = date(2026, 3, 1)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, utc_now)


@pytest.fixture
async def client(parts: Parts) -> AsyncIterator[httpx2.AsyncClient]:
    token = parts.tokens.create(Role.HR, BEIJING)
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


async def reasons(client: httpx2.AsyncClient) -> dict[str, dict[str, Any]]:
    answer = await client.get(f"/api/v1/employees/{NUMBER}/gate")
    assert answer.status_code == 200, answer.text
    return {one["code"]: one for one in answer.json()["reasons"]}


async def test_the_very_next_answer_follows_another_process(parts: Parts, client: httpx2.AsyncClient) -> None:
    case_id = leaving(parts, LAST_DAY, ended_on=LAST_DAY)
    assert "other_case" not in await reasons(client)

    leave = add_leave(parts, date(2026, 12, 31))
    other = parts.starts.start(StartWish(leave), {"role": "hr", "id": "token:x"})
    found = (await reasons(client))["other_case"]
    assert (found["case"], found["process"], found["role"]) == (other, "leave_return", "hr")

    voucher = Voucher("lent", employment_id(parts), LAST_DAY, "account:none")
    parts.database.write(lambda session: parts.ledger.book(session, loan(voucher, 500_00)))
    found = (await reasons(client))["loan"]
    assert (found["amount_fen"], found["waits_for"]) == (500_00, "leaver")

    closed = Projection(CaseState.CLOSED, "closed", None, None, outcome="back")
    parts.cases.record(RecordOrder(other, "close", utc_now(), closed))
    assert "other_case" not in await reasons(client)
    assert (await client.get(f"/api/v1/departures/{case_id}/gate")).json()["owed_fen"] == 500_00


async def test_the_answer_says_whose_turn_it_is_and_holds_no_name(
    parts: Parts, client: httpx2.AsyncClient
) -> None:
    case_id = leaving(parts, LAST_DAY, ended_on=LAST_DAY)
    answer = await client.get(f"/api/v1/departures/{case_id}/gate")
    told = answer.json()
    assert told["open"] is False
    assert told["employee"] == NUMBER
    first = told["reasons"][0]
    assert (first["code"], first["waits_for"], first["role"]) == (
        "finance_not_confirmed",
        "finance",
        "finance",
    )
    assert first["text"]["zh-CN"] == "财务未确认账目"
    assert not [one for one in MARKED if one in answer.text and one != NUMBER]


async def test_a_departure_of_another_branch_is_not_there(parts: Parts) -> None:
    case_id = leaving(parts, LAST_DAY)
    add_shanghai(parts)
    token = parts.tokens.create(Role.HR, SHANGHAI)
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://test", headers=headers) as other:
        for path in (f"/api/v1/departures/{case_id}/gate", f"/api/v1/employees/{NUMBER}/gate"):
            assert (await other.get(path)).status_code == 404


async def test_somebody_who_does_not_leave_has_no_gate(parts: Parts, client: httpx2.AsyncClient) -> None:
    assert (await client.get(f"/api/v1/employees/{NUMBER}/gate")).status_code == 404
    assert (await client.get("/api/v1/employees/E0000/gate")).status_code == 404
