"""The calculators over HTTP, and the tables behind them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.app import create_app
from countersign.adapters.database.tokens import Tokens
from countersign.adapters.real_clock import utc_now
from countersign.contracts.cases import Role
from countersign.domain.calculators.frozen import read_run
from countersign.domain.calculators.kinds import CALCULATORS
from countersign.domain.tables.packs import REGIONS, version_of
from tests.support.company import company

INJURY: dict[str, Any] = {
    "region": "beijing",
    "grade": 9,
    "avg_contribution_wage": 5000,
    "local_avg": 11761,
    "insured": True,
    "relation_ended": True,
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    parts = company(tmp_path, utc_now)
    token = Tokens(parts.database, parts.clock).create(Role.FINANCE, None)
    transport = httpx2.ASGITransport(create_app(parts, dispatch=False))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://test/api/v1", headers=headers
    ) as made:
        yield made


async def test_a_calculation_answers_a_frozen_run(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/calculations/injury", json=INJURY)
    assert answer.status_code == 200
    run = answer.json()
    assert run["result"]["statutory_total"] == "204641.40"
    assert run["tables"] == [version_of("beijing"), version_of("statutory")]
    assert read_run(run, "run").kind == "injury"


async def test_a_decimal_in_json_keeps_its_digits(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/calculations/late_fee", json={"unpaid": 12000.10, "days": 90})
    assert answer.json()["inputs"]["unpaid"] == "12000.1"
    assert answer.json()["result"]["late_fee"] == "540.00"


async def test_bad_input_is_answered_with_the_field_named(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/calculations/injury", json=INJURY | {"grade": 11})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == "grade"
    assert answer.json()["detail"] == "inputs: grade must be a disability grade, a whole number from 1 to 10"


async def test_a_missing_table_is_named(client: httpx2.AsyncClient) -> None:
    body = {"region": "beijing", "month": "2019-01", "wage": 9000, "injury_risk_class": 1}
    answer = await client.post("/calculations/insurance_month", json=body)
    assert answer.status_code == 422
    assert "region beijing, line pension for 2019-01" in answer.json()["detail"]


@pytest.mark.parametrize("body", ["[]", "1", "null", '{"a": NaN}', "{", '{"grade": {"a": 1}}'])
async def test_odd_bodies_are_refused_and_break_nothing(client: httpx2.AsyncClient, body: str) -> None:
    answer = await client.post(
        "/calculations/injury", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422


async def test_an_unknown_calculator_is_not_found(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/calculations/nonsense", json={})).status_code == 404


async def test_two_runs_are_compared_in_both_languages(client: httpx2.AsyncClient) -> None:
    before = (await client.post("/calculations/injury", json=INJURY)).json()
    after = (await client.post("/calculations/injury", json=INJURY | {"insured": False})).json()
    answer = await client.post("/calculation-differences", json={"before": before, "after": after})
    said = {one["place"]: one["text"] for one in answer.json()["changes"]}
    assert said["inputs.insured"] == {
        "en": "inputs.insured: true became false",
        "zh-CN": "inputs.insured：由 true 变为 false",
    }


async def test_a_run_that_was_changed_is_not_compared(client: httpx2.AsyncClient) -> None:
    run = (await client.post("/calculations/injury", json=INJURY)).json()
    run["result"]["statutory_total"] = "1.00"
    answer = await client.post("/calculation-differences", json={"before": run, "after": run})
    assert answer.status_code == 422
    assert "before: hash does not fit" in answer.json()["detail"]


async def test_every_calculator_is_listed_with_what_it_takes(client: httpx2.AsyncClient) -> None:
    listed = (await client.get("/calculators")).json()["calculators"]
    assert [one["kind"] for one in listed] == list(CALCULATORS)
    injury = next(one for one in listed if one["kind"] == "injury")
    assert {"name": "grade", "required": True} in injury["inputs"]
    assert {"name": "medical", "required": False} in injury["inputs"]


async def test_every_table_can_be_read_with_status_and_source(client: httpx2.AsyncClient) -> None:
    names = [one["name"] for one in (await client.get("/tables")).json()["tables"]]
    assert names == ["statutory", *REGIONS]
    for name in names:
        assert (await client.get(f"/tables/{name}")).status_code == 200
    beijing = (await client.get("/tables/beijing")).json()
    cell = beijing["insurance_bases"][2]
    assert (cell["value"], cell["from"], cell["to"], cell["status"]) == (
        "6821",
        "2024-07-01",
        "2025-06-30",
        "V2",
    )
    assert (await client.get("/tables/atlantis")).status_code == 404
