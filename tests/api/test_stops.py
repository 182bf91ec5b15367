"""The switch that stops all sending, as HR uses it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from countersign.contracts.cases import Role
from countersign.ports import SendTicket
from tests.support.company import BEIJING
from tests.support.outgoing import SHANGHAI_BRANCH, Outgoing, outgoing
from tests.support.staff import Call, staff

STOPS = "/sending-stops"
COMPANY = {"scope": "company", "reason": "wrong text"}
OWN = {"scope": "branch", "subject": BEIJING, "reason": "wrong text"}
FOREIGN = {"scope": "branch", "subject": SHANGHAI_BRANCH, "reason": "wrong text"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Outgoing, Call]]:
    with outgoing(tmp_path) as out:
        out.other_branch()
        async with staff(out.parts) as call:
            yield out, call


async def test_hr_stops_all_sending_sees_what_waits_and_lets_it_go(world: tuple[Outgoing, Call]) -> None:
    out, call = world
    made = await call(STOPS, COMPANY)
    assert made.status_code == 201
    delivery = out.lay_out()
    assert out.held(delivery).code == "sending_stopped"
    (listed,) = (await call(STOPS, role=Role.AUDITOR)).json()["stops"]
    assert {**listed, "set_at": None} == {**made.json(), "set_at": None, "held": 1}
    assert (listed["scope"], listed["subject"], listed["reason"]) == ("company", None, "wrong text")
    assert listed["set_by"].startswith("hr token:")
    released = (await call(f"{STOPS}/{listed['id']}/release", {})).json()
    assert (released["released_at"], released["held"]) == ("2026-02-24T02:00:00Z", 0)
    assert (
        await call(f"{STOPS}/{listed['id']}/release", {}, role=Role.SYSTEM_ADMINISTRATOR)
    ).json() == released
    assert isinstance(out.begin(delivery), SendTicket)


async def test_the_same_key_stops_once_and_another_wish_under_it_is_refused(
    world: tuple[Outgoing, Call],
) -> None:
    _, call = world
    first, again = await call(STOPS, COMPANY, "one"), await call(STOPS, COMPANY, "one")
    assert (first.status_code, again.json()) == (201, first.json())
    clash = await call(STOPS, OWN, "one")
    assert (clash.status_code, clash.json()["field"]) == (409, "Idempotency-Key")
    assert len((await call(STOPS)).json()["stops"]) == 1


async def test_hr_of_a_branch_stops_and_releases_its_own_alone(world: tuple[Outgoing, Call]) -> None:
    out, call = world
    for number, wish in enumerate(
        (COMPANY, FOREIGN, {"scope": "provider", "subject": "twilio", "reason": "x"})
    ):
        refused = await call(STOPS, wish, f"refused {number}", branch=BEIJING)
        assert (refused.status_code, "its own branch" in refused.json()["detail"]) == (403, True)
        made = (await call(STOPS, wish, f"made {number}")).json()
        foreign = await call(f"{STOPS}/{made['id']}/release", {}, branch=BEIJING)
        assert foreign.status_code == 404
    own = await call(STOPS, OWN, "own", branch=BEIJING)
    assert own.status_code == 201
    seen = (await call(STOPS, branch=BEIJING)).json()["stops"]
    assert {stop["scope"] for stop in seen} == {"company", "provider", "branch"}
    assert SHANGHAI_BRANCH not in {stop["subject"] for stop in seen}
    released = await call(f"{STOPS}/{own.json()['id']}/release", {}, branch=BEIJING)
    assert (released.status_code, released.json()["released_by"] is None) == (200, False)
    assert out.held(out.lay_out()).code == "sending_stopped"  # the company's stop still holds


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"scope": "company"}, "reason"),
        ({"scope": "company", "reason": "  "}, "reason"),
        ({"scope": "world", "reason": "x"}, "scope"),
        ({"scope": "company", "subject": BEIJING, "reason": "x"}, "leave it out"),
        ({"scope": "branch", "subject": "nowhere", "reason": "x"}, "no branch with this id"),
        ({"scope": "branch", "reason": "x"}, "no branch with this id"),
        ({"scope": "provider", "subject": "fax", "reason": "x"}, "known: twilio, aliyun, smtp"),
        ({"scope": "company", "reason": "x", "until": "tomorrow"}, "until"),
        ({"scope": "company", "reason": "a\0b"}, "U+0000"),
    ],
)
async def test_a_stop_that_makes_no_sense_is_refused_in_words(
    world: tuple[Outgoing, Call], wish: dict[str, Any], says: str
) -> None:
    _, call = world
    answer = await call(STOPS, wish)
    assert (answer.status_code, says in answer.json()["detail"]) == (422, True), answer.text
    assert (await call(STOPS)).json() == {"stops": []}


async def test_a_stop_that_does_not_exist_is_not_found(world: tuple[Outgoing, Call]) -> None:
    _, call = world
    answer = await call(f"{STOPS}/01UNKNOWN00000000000000000/release", {})
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such stop here.")
