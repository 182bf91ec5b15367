"""Legal holds and the responsibility clock as programs use them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from countersign.adapters.database.tables import Idempotency
from countersign.contracts.cases import Role
from countersign.domain.responsibility import responsibility
from tests.adapters.database.test_retention import close
from tests.support.outgoing import HR, Outgoing, outgoing
from tests.support.staff import Call, staff


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Outgoing, Call, str]]:
    with outgoing(tmp_path) as out:
        async with staff(out.parts) as call:
            yield out, call, f"/cases/{out.case_id}"


async def test_legal_places_a_hold_everybody_who_reads_sees_it_and_hr_releases_it(
    world: tuple[Outgoing, Call, str],
) -> None:
    out, call, case = world
    made = await call(f"{case}/holds", {"reason": "arbitration 12/2026"}, role=Role.LEGAL)
    assert made.status_code == 201
    again = await call(f"{case}/holds", {"reason": "arbitration 12/2026"}, role=Role.LEGAL)
    assert again.json() == made.json()
    (listed,) = (await call(f"{case}/holds", role=Role.AUDITOR)).json()["holds"]
    assert {**listed, "placed_at": None} == {**made.json(), "reason": listed["reason"], "placed_at": None}
    assert "arbitration" not in made.text
    assert "arbitration" not in str([row.answer for row in out.rows(Idempotency)])
    assert (listed["case"], listed["reason"], listed["released_at"]) == (
        out.case_id,
        "arbitration 12/2026",
        None,
    )
    assert listed["placed_by"].startswith("legal token:")
    release = f"{case}/holds/{listed['id']}/release"
    unreasoned = await call(release, {})
    assert (unreasoned.status_code, unreasoned.json()["field"]) == (422, "reason")
    released = (await call(release, {"reason": "settled"})).json()
    assert released["released_at"] is not None
    assert (await call(release, {"reason": "settled"})).json() == released


async def test_holds_of_strangers_and_of_erased_cases_are_refused_in_words(
    world: tuple[Outgoing, Call, str],
) -> None:
    out, call, case = world
    out.other_branch()
    nothing = await call(f"/cases/{'0' * 26}/holds", {"reason": "x"}, "k1")
    foreign = await call(f"{case}/holds", {"reason": "x"}, "k2", branch="上海")
    unknown = await call(f"{case}/holds/{'0' * 26}/release", {"reason": "x"})
    for answer, what in ((nothing, "case"), (foreign, "case"), (unknown, "hold")):
        assert (answer.status_code, answer.json()["detail"]) == (404, f"There is no such {what} here.")
    close(out)
    out.parts.eraser.erase(out.case_id, HR, "asked for")
    erased = await call(f"{case}/holds", {"reason": "too late"}, "k3")
    assert (erased.status_code, erased.json()["field"]) == (409, "case")
    assert "erased before" in erased.json()["detail"]


async def test_the_responsibility_table_comes_as_the_bytes_of_the_chain_and_in_both_languages(
    world: tuple[Outgoing, Call, str],
) -> None:
    out, call, case = world
    with out.parts.database.reading() as session:
        events, _ = out.parts.evidence.chain(session, out.case_id)
    answer = await call(f"{case}/responsibility", role=Role.AUDITOR)
    assert answer.content == responsibility(events, out.parts.calendar()).to_bytes()
    assert answer.headers["content-type"] == "application/json"
    as_of = await call(f"{case}/responsibility?as_of=2026-03-01T00:00:00%2B08:00&explain=zh-CN")
    assert as_of.text.startswith(f"案件 {out.case_id}，2026-02-24 10:00 至 2026-03-01 00:00（尚未结案）\n")
    before = await call(f"{case}/responsibility?as_of=2026-01-01T00:00:00%2B08:00")
    assert (before.status_code, before.json()["field"]) == (422, "as_of")
    naive = await call(f"{case}/responsibility?as_of=2026-03-01T00:00:00")
    assert (naive.status_code, naive.json()["field"]) == (422, "as_of")
    assert (await call(f"/cases/{'0' * 26}/responsibility")).status_code == 404
