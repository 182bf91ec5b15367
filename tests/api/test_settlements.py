"""Settlements over HTTP: drafted, confirmed, printed; refused in words; finance alone decides."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.app import create_app
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.ledger import Voucher, loan
from tests.support.company import BEIJING, company, unreached
from tests.support.leaving import employment_id, leaving

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)
LAST_DAY = date(2026, 2, 28)
WISH = {"final_wage": "8000.00", "personal_insurance": "1053.00"}


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return unreached(company(tmp_path, lambda: NOW))


@pytest.fixture
def path(parts: Parts) -> str:
    return f"/api/v1/departures/{leaving(parts, LAST_DAY, ended_on=LAST_DAY)}/settlements"


@pytest.fixture
async def client(parts: Parts) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    headers = {"Authorization": f"Bearer {parts.tokens.create(Role.FINANCE, BEIJING)}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


async def test_a_settlement_is_drafted_confirmed_and_printed(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.post(path, json=WISH, headers=key("1"))
    assert (answer.status_code, answer.json()["version"]) == (201, 1)
    again = await client.post(path, json=WISH, headers=key("1"))
    assert again.json() == answer.json()
    confirmed = await client.post(f"{path}/1/confirm", headers=key("2"))
    assert confirmed.status_code == 202, confirmed.text
    twice = await client.post(f"{path}/1/confirm", headers=key("2"))
    assert twice.json() == confirmed.json()
    (shown,) = (await client.get(path)).json()["settlements"]
    assert (shown["state"], shown["net_fen"], shown["version"]) == ("confirmed", 6_947_00, 1)
    assert shown["lines"][0]["basis"]["zh-CN"] == "《工资支付暂行规定》第9条"
    pdf = await client.get(f"{path}/1/sheet")
    assert pdf.content.startswith(b"%PDF")


async def test_a_preview_keeps_nothing(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.post(f"{path}/preview", json=WISH)
    assert answer.json()["net_fen"] == 6_947_00
    assert (await client.get(path)).json()["settlements"] == []


@pytest.mark.parametrize(
    ("wish", "field", "told"),
    [
        ({}, "final_wage", "is missing"),
        ({**WISH, "tax": "7000"}, "tax", "more than the 6947.00 that the last wage leaves"),
        ({**WISH, "deduct_loan": "100"}, "consent", "written consent"),
        ({**WISH, "deduct_equipment": "1"}, "deduct_equipment", "more than the 0.00"),
        ({**WISH, "severance_wage": "8000"}, "severance_wage", "no economic compensation"),
        ({**WISH, "made_up": 1}, "made_up", "is not known here"),
    ],
)
async def test_what_cannot_be_is_refused_in_words_and_nothing_is_kept(
    parts: Parts, client: httpx2.AsyncClient, path: str, wish: dict[str, Any], field: str, told: str
) -> None:
    voucher = Voucher("lent", employment_id(parts), LAST_DAY, "account:none")
    parts.database.write(lambda session: parts.ledger.book(session, loan(voucher, 500_00)))
    answer = await client.post(path, json=wish, headers=key("1"))
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert told in answer.json()["detail"]
    assert (await client.get(path)).json()["settlements"] == []


async def test_a_version_that_is_not_the_newest_is_not_confirmed(
    client: httpx2.AsyncClient, path: str
) -> None:
    await client.post(path, json=WISH, headers=key("1"))
    await client.post(path, json={**WISH, "tax": "1"}, headers=key("2"))
    answer = await client.post(f"{path}/1/confirm", headers=key("3"))
    assert (answer.status_code, answer.json()["field"]) == (422, "version")
    without = await client.post(f"{path}/2/confirm")
    assert without.status_code == 400


async def test_there_is_nothing_at_another_address(client: httpx2.AsyncClient, path: str) -> None:
    nobody = f"/api/v1/departures/{'0' * 26}/settlements"
    assert (await client.get(nobody)).status_code == 404
    assert (await client.post(nobody, json=WISH, headers=key("1"))).status_code == 404
    assert (await client.get(f"{path}/7/sheet")).status_code == 404


async def test_a_lawyer_takes_the_loss_file(parts: Parts, path: str) -> None:
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    headers = {"Authorization": f"Bearer {parts.tokens.create(Role.LEGAL, BEIJING)}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://test", headers=headers) as lawyer:
        nobody = f"/api/v1/departures/{'0' * 26}/loss-file"
        assert (await lawyer.get(nobody)).status_code == 404
        assert (await lawyer.post(path, json=WISH, headers=key("1"))).status_code == 403
