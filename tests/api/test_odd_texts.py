"""Texts that databases treat differently: the API answers alike on each of them."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import col, select

from api.app import create_app
from countersign.adapters.database.starts import StartWish
from countersign.adapters.database.tables import Delivery, Notice, Person
from countersign.adapters.database.tokens import Tokens
from countersign.bootstrap import Parts
from countersign.contracts.cases import ActKind, CaseState, EventDraft, Projection, RecordOrder, Role
from countersign.domain.evidence import EventKind
from tests.support.company import NUMBER, add_leave, company

NOW = datetime(2026, 2, 9, tzinfo=UTC)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, Parts, str]]:
    """Yield HR's client, the parts behind it, and the id of a case."""
    parts = company(tmp_path, lambda: NOW)
    leave = add_leave(parts, date(2026, 2, 13))
    case = parts.starts.start(StartWish(leave), {"role": "hr", "id": "test"})
    token = Tokens(parts.database, lambda: NOW).create(Role.HR, None)
    app = create_app(parts, dispatch=False)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as client:
        client.headers["Authorization"] = f"Bearer {token}"
        client.headers["Idempotency-Key"] = "key"
        yield client, parts, case
    parts.database.close()


@pytest.mark.parametrize("part", ["e1042", "E1042", "1042", "ÉMILE", "émile"])
@pytest.mark.parametrize("listed", ["cases", "leaves"])
async def test_a_search_takes_small_and_capital_letters_for_the_same(
    world: Any, part: str, listed: str
) -> None:
    client, parts, _ = world
    with parts.database.transaction() as session:
        session.exec(select(Person).where(Person.number == NUMBER)).one().name = "Émile Zhang"
    answer = await client.get(f"/api/v1/{listed}", params={"search": part})
    assert len(answer.json()[listed]) == 1


@pytest.mark.parametrize("part", ["%", "_", "E_042", "E%", "\\", "/"])
async def test_a_search_takes_signs_as_they_are_written(world: Any, part: str) -> None:
    client, _, _ = world
    assert (await client.get("/api/v1/cases", params={"search": part})).json()["cases"] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/cases?search=%00", None),
        ("GET", "/cases?stage=a%00b", None),
        ("GET", "/cases?after=%00", None),
        ("GET", "/leaves?search=a%00b", None),
        ("GET", "/leaves?after=%00", None),
        ("POST", "/previews", {"leave": "a\0b"}),
        ("POST", "/cases", {"leave": "a\0b"}),
        ("POST", "/punches", {"number": "a\0b", "at": "2026-02-08T09:00:00+08:00"}),
        ("POST", "/cases/{case}/acts", {"act": ActKind.CANCEL.value, "reason": "a\0b"}),
    ],
)
async def test_a_nul_in_a_request_is_refused_in_words(
    world: Any, method: str, path: str, body: dict[str, Any] | None
) -> None:
    client, _, case = world
    answer = await client.request(method, f"/api/v1{path.format(case=case)}", json=body)
    assert answer.status_code == 422
    assert "U+0000" in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


async def test_posting_one_letter_marks_no_step_with_a_name_that_only_resembles(world: Any) -> None:
    _, parts, case = world
    steps = ["1.paper_notice", "2.Paper_Notice", "3.paper-notice"]
    with parts.database.transaction() as session:
        for step in steps:
            session.add(
                Notice(id=step, case_id=case, step=step, template="t", audience="employee", person_id="p",
                       language="zh-CN", title="t", text="t", fingerprint="f", created_at=NOW)
            )  # fmt: skip
        session.flush()
        for step in steps:
            session.add(
                Delivery(id=step, notice_id=step, case_id=case, channel="courier", attempt=1, state="pending",
                         text="t", created_at=NOW)
            )  # fmt: skip
    shown = Projection(CaseState.RUNNING, "chasing", None, None)
    posted = EventDraft(EventKind.PAPER_POSTED, {"step": "paper_notice"})
    parts.cases.record(RecordOrder(case, "posted", NOW, shown, events=(posted,)))
    with parts.database.reading() as session:
        found = session.exec(select(Delivery.id).where(col(Delivery.state) == "sent")).all()
    assert found == ["1.paper_notice"]
