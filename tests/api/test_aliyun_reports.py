"""The address at which the domestic SMS provider pushes its delivery reports."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from api.app import create_app
from countersign.adapters.database.tables import Inbox
from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from countersign.domain.aliyun_reports import report_of_aliyun
from countersign.domain.receipts import DeliveryState
from tests.support.company import company

REPORT = {
    "phone_number": "13800138000",
    "report_time": "2026-02-13 10:00:03",
    "success": False,
    "err_code": "MOBILE_IN_BLACK",
    "sms_size": "1",
    "biz_id": "12345^0",
    "out_id": "01DELIVERY",
}


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, utc_now, aliyun_report_secret="long-random-text")


@pytest.fixture
async def client(parts: Parts) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


def kept(parts: Parts) -> list[dict[str, Any]]:
    with parts.database.reading() as session:
        rows = session.exec(select(Inbox)).all()
        assert {row.source for row in rows} <= {"aliyun.report"}
        return [row.raw for row in rows]


async def test_every_element_of_a_push_is_kept_raw_and_confirmed(
    client: httpx2.AsyncClient, parts: Parts
) -> None:
    pushed = [REPORT, REPORT | {"biz_id": "12346^0", "success": True, "out_id": None}]
    answer = await client.post("/hooks/aliyun/reports/long-random-text", json=pushed)
    assert (answer.status_code, answer.json()) == (200, {"code": 0, "msg": "接收成功"})
    reports = {report_of_aliyun(raw) for raw in kept(parts)}
    assert reports == {
        ("01DELIVERY", "12345^0", DeliveryState.FAILED_PERMANENT, "MOBILE_IN_BLACK"),
        (None, "12346^0", DeliveryState.DELIVERED, None),
    }


async def test_a_repeated_push_is_confirmed_and_kept_once(client: httpx2.AsyncClient, parts: Parts) -> None:
    for _ in range(2):
        assert (await client.post("/hooks/aliyun/reports/long-random-text", json=[REPORT])).is_success
    assert len(kept(parts)) == 1


@pytest.mark.parametrize("secret", ["wrong", "long-random-tex", "long-random-text2", "密"])
async def test_a_wrong_secret_is_turned_away(client: httpx2.AsyncClient, parts: Parts, secret: str) -> None:
    answer = await client.post(f"/hooks/aliyun/reports/{secret}", json=[REPORT])
    assert answer.status_code == 403
    assert kept(parts) == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\xff", b'[{"a": 1}, null]'])
async def test_what_is_no_array_of_reports_is_refused_and_nothing_of_it_kept(
    client: httpx2.AsyncClient, parts: Parts, body: bytes
) -> None:
    answer = await client.post("/hooks/aliyun/reports/long-random-text", content=body)
    assert answer.status_code == 400
    assert "JSON array" in answer.text
    assert kept(parts) == []


@pytest.mark.parametrize("secret", [None, ""])
async def test_without_a_secret_there_is_no_such_address(tmp_path: Path, secret: str | None) -> None:
    parts = company(tmp_path, utc_now, aliyun_report_secret=secret)
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        answer = await http.post("/hooks/aliyun/reports/x", json=[REPORT])
    assert answer.status_code == 404
    assert kept(parts) == []
