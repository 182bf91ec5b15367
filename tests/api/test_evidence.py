"""Taking evidence out, and erasing it, as people with a token do it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from countersign.adapters.database.tables import Case
from countersign.adapters.verifying import verify
from countersign.contracts.cases import Role
from countersign.domain.bundle import read_container
from tests.support.authority import authority
from tests.support.company import BEIJING
from tests.support.outgoing import SHANGHAI_BRANCH, Outgoing, outgoing
from tests.support.staff import Call, staff

ADMINISTRATOR = Role.SYSTEM_ADMINISTRATOR


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Outgoing, Call]]:
    with outgoing(tmp_path / "data") as out:
        async with staff(out.parts) as call:
            yield out, call


async def test_a_reader_takes_a_signed_bundle_in_either_language(world: tuple[Outgoing, Call]) -> None:
    out, call = world
    pages = []
    for language in ("zh-CN", "en"):
        answer = await call(f"/cases/{out.case_id}/evidence?language={language}", role=Role.AUDITOR)
        assert answer.headers["content-type"] == "application/zip"
        assert "countersign-note" not in answer.headers
        assert verify(answer.content).witnesses
        pages.append(read_container(answer.content)["timeline.pdf"])
    assert pages[0] != pages[1]
    refused = await call(f"/cases/{out.case_id}/evidence?language=de")
    assert (refused.status_code, refused.json()["field"]) == (422, "language")


async def test_a_missing_timestamp_is_told_in_a_header(tmp_path: Path) -> None:
    with authority(tmp_path / "tsa") as stamps:
        stamps.mood = "ill"
        with outgoing(tmp_path / "data", tsa_url=stamps.url) as out:
            async with staff(out.parts) as call:
                answer = await call(f"/cases/{out.case_id}/evidence")
                assert answer.status_code == 200
                assert answer.headers["countersign-note"].startswith("manifest.tst is missing")


async def test_an_administrator_erases_a_closed_case_once_per_key(world: tuple[Outgoing, Call]) -> None:
    out, call = world
    out.send()
    path, wish = f"/cases/{out.case_id}/erasures", {"reason": "the person asked for it"}
    early = await call(path, wish, "early", ADMINISTRATOR)
    assert (early.status_code, early.json()["field"]) == (409, "case")
    assert "is not closed" in early.json()["detail"]
    out.change(Case, out.case_id, state="closed")
    first = await call(path, wish, "one", ADMINISTRATOR)
    again = await call(path, wish, "one", ADMINISTRATOR)
    assert (first.status_code, again.json()) == (201, first.json())
    assert first.json()["erased"]["notices"] == 1
    assert len(out.events("disclosure.erased")) == 1
    clash = await call(f"/cases/{out.second_case()}/erasures", wish, "one", ADMINISTRATOR)
    assert (clash.status_code, clash.json()["field"]) == (409, "Idempotency-Key")
    empty = await call(path, {"reason": " "}, "two", ADMINISTRATOR)
    assert (empty.status_code, empty.json()["field"]) == (422, "reason")


async def test_a_hold_keeps_a_case_from_being_erased(world: tuple[Outgoing, Call]) -> None:
    out, call = world
    out.change(Case, out.case_id, state="closed")
    placed = await call(f"/cases/{out.case_id}/holds", {"reason": "a suit is pending"}, "hold")
    assert placed.status_code == 201
    refused = await call(f"/cases/{out.case_id}/erasures", {"reason": "x"}, "erase", ADMINISTRATOR)
    assert refused.status_code == 409
    assert "legal hold" in refused.json()["detail"]


async def test_a_case_of_another_branch_is_neither_taken_nor_erased(world: tuple[Outgoing, Call]) -> None:
    out, call = world
    out.other_branch()
    out.change(Case, out.case_id, state="closed", branch_id=SHANGHAI_BRANCH)
    taken = await call(f"/cases/{out.case_id}/evidence", branch=BEIJING)
    erased = await call(f"/cases/{out.case_id}/erasures", {"reason": "x"}, "k", ADMINISTRATOR, BEIJING)
    assert (taken.status_code, erased.status_code) == (404, 404)
    assert out.events("evidence.exported") == out.events("disclosure.erased") == []
