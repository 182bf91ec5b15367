"""Holdings pushed over the API, and the checklists of a departure: accounts, open tasks, reports."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from api.app import create_app
from countersign.adapters.database.acts import NewAct
from countersign.adapters.database.departures import DepartureWish
from countersign.adapters.database.tables import (
    Case,
    EventRow,
    HandoverItem,
    Holding,
    PassedTask,
    Person,
    Revocation,
)
from countersign.adapters.database.tokens import Tokens
from countersign.bootstrap import Parts
from countersign.contracts.cases import ActKind, Role
from countersign.domain.departure import DepartureKind
from tests.support.company import NUMBER, SHANGHAI, add_colleague, add_shanghai, company
from tests.support.employed import employ

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
LAPTOP = {"reference": "Z-1", "title": "笔记本电脑", "holder": NUMBER, "value_fen": 650_050}


class Desk:
    """A program or an officer with a token."""

    def __init__(self, parts: Parts, client: httpx2.AsyncClient) -> None:
        self.parts, self.client, self.keys = parts, client, 0
        self.tokens = Tokens(parts.database, parts.clock)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        role: Role = Role.INTEGRATOR,
        branch: str | None = None,
        key: str | None = None,
        token: str | None = None,
    ) -> httpx2.Response:
        self.keys += 1
        headers = {
            "Authorization": f"Bearer {token or self.tokens.create(role, branch)}",
            "Idempotency-Key": key or f"key {self.keys}",
        }
        return await self.client.request(method, f"/api/v1{path}", json=body, headers=headers)

    async def push(self, *holdings: dict[str, Any], track: str = "equipment", **how: Any) -> httpx2.Response:
        return await self.ask("PUT", "/holdings", {"track": track, "holdings": holdings}, **how)

    def all(self, table: type[Any]) -> list[Any]:
        with self.parts.database.reading() as session:
            return list(session.exec(select(table)))

    def person(self, number: str) -> Person:
        with self.parts.database.reading() as session:
            return session.exec(select(Person).where(Person.number == number)).one()


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    parts = company(tmp_path / "data", lambda: NOW)
    monkeypatch.setattr(parts.dispatcher, "carry", _unheard)
    add_colleague(parts, "E2")
    add_colleague(parts, "E3", manager_number=NUMBER)
    app = create_app(parts, dispatch=False)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Desk(parts, client)


async def _unheard(_act_id: str) -> None:
    """No process listens here: the act stands in the books and waits."""


def departing(desk: Desk, successor: str | None = "E2", day: date = date(2026, 4, 10)) -> str:
    wish = DepartureWish(NUMBER, DepartureKind.RESIGNATION, day, date(2026, 3, 1), successor=successor)
    return desk.parts.departures.start(wish, {"role": "hr", "id": "test"}).case_id


def events(desk: Desk, kind: str) -> list[EventRow]:
    found = [one for one in desk.all(EventRow) if one.kind == kind]
    return sorted(found, key=lambda one: one.seq)


# -- holdings ---------------------------------------------------------------------------------------------


async def test_pushed_holdings_are_kept_once_and_read_again(desk: Desk) -> None:
    told = {**LAPTOP, "details": {"model": "T14", "condition": " "}}
    assert (await desk.push(told)).json() == {"new": 1, "changed": 0, "unchanged": 0}
    assert (await desk.push(told)).json() == {"new": 0, "changed": 0, "unchanged": 1}
    moved = {**told, "holder": "E2"}
    assert (await desk.push(moved, role=Role.ADMINISTRATION)).json()["changed"] == 1
    answer = (await desk.ask("GET", "/employees/E2/holdings")).json()
    assert answer["counts"] == {"documents": 0, "customers": 0, "equipment": 1}
    (one,) = answer["holdings"]
    assert (one["reference"], one["details"], one["value_fen"]) == ("Z-1", {"model": "T14"}, 650_050)
    assert (await desk.ask("GET", f"/employees/{NUMBER}/holdings")).json()["holdings"] == []
    assert (await desk.ask("GET", "/employees/E9/holdings")).status_code == 404


async def test_one_refused_holding_keeps_none_and_each_row_says_why(desk: Desk) -> None:
    answer = await desk.push(
        LAPTOP,
        {**LAPTOP, "reference": "Z-2", "holder": "E9"},
        {**LAPTOP, "reference": "Z-3", "receiver": NUMBER},
        LAPTOP,
    )
    assert answer.status_code == 422
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [
        ("holdings.1.holder", "unknown_person"),
        ("holdings.2.receiver", "receiver_is_holder"),
        ("holdings.3.reference", "duplicate"),
    ]
    assert desk.all(Holding) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"track": "pets", "holdings": [LAPTOP]}, "track"),
        ({"track": "equipment", "holdings": []}, "holdings"),
        ({"track": "equipment", "holdings": [LAPTOP] * 501}, "holdings"),
        ({"track": "equipment", "holdings": [{**LAPTOP, "value_fen": 1.5}]}, "holdings.0.value_fen"),
        ({"track": "equipment", "holdings": [{**LAPTOP, "value_fen": -1}]}, "holdings.0.value_fen"),
        ({"track": "equipment", "holdings": [{**LAPTOP, "title": " "}]}, "holdings.0.title"),
        ({"track": "equipment", "holdings": [{**LAPTOP, "details": {"follow_up": "x"}}]}, "body"),
    ],
)
async def test_what_is_no_list_of_holdings_is_refused_at_its_field(
    desk: Desk, body: dict[str, Any], field: str
) -> None:
    answer = await desk.ask("POST", "/holdings", body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert desk.all(Holding) == []


async def test_a_branch_pushes_and_sees_its_own_people_alone(desk: Desk) -> None:
    add_shanghai(desk.parts)
    refused = await desk.push(LAPTOP, branch=SHANGHAI)
    assert refused.json()["errors"][0]["code"] == "unknown_person"
    await desk.push(LAPTOP)
    add_colleague(desk.parts, "E7", branch_id=SHANGHAI)
    taken = await desk.push({**LAPTOP, "holder": "E7"}, branch=SHANGHAI)
    assert taken.json()["errors"][0]["code"] == "other_branch"
    assert (await desk.ask("GET", f"/employees/{NUMBER}/holdings", branch=SHANGHAI)).status_code == 404
    body = {"track": "equipment", "references": ["Z-1"]}
    assert (await desk.ask("POST", "/holdings/returned", body, branch=SHANGHAI)).json()["returned"] == []


async def test_a_holding_is_struck_out_once_and_not_while_a_handover_asks_for_it(desk: Desk) -> None:
    await desk.push(LAPTOP, {**LAPTOP, "reference": "Z-2"})
    body = {"track": "equipment", "references": ["Z-1", "Z-9"]}
    answer = await desk.ask("POST", "/holdings/returned", body)
    assert answer.json() == {"returned": ["Z-1"], "unknown": ["Z-9"]}
    assert (await desk.ask("POST", "/holdings/returned", body)).json()["returned"] == []
    departing(desk)
    refused = await desk.ask("POST", "/holdings/returned", {"track": "equipment", "references": ["Z-2"]})
    assert refused.status_code == 409
    assert "Z-2" in refused.json()["detail"]
    assert [one.reference for one in desk.all(Holding)] == ["Z-2"]


async def test_what_is_pushed_of_a_leaver_joins_the_handover_as_the_policy_has_it(desk: Desk) -> None:
    case_id = departing(desk)
    await desk.push(LAPTOP)
    await desk.push({"reference": "W-1", "title": "合同", "holder": NUMBER}, track="documents")
    items = {one.reference: one for one in desk.all(HandoverItem)}
    assert items["Z-1"].receiver_id is None
    assert items["W-1"].receiver_id == desk.person("E2").id
    with desk.parts.database.transaction() as session:
        case = session.get_one(Case, case_id)
        kinds = {"resignation": {"tracks": ["documents"], "systems": [], "asks": "after_last_day"}}
        case.frozen = {**case.frozen, "policy": {**case.frozen["policy"], "kinds": kinds}}
    await desk.push({**LAPTOP, "reference": "Z-5"})
    assert "Z-5" not in {one.reference for one in desk.all(HandoverItem)}


# -- accounts ---------------------------------------------------------------------------------------------


async def test_accounts_are_shut_system_by_system_with_a_state_each(desk: Desk) -> None:
    case_id = departing(desk)
    way = f"/departures/{case_id}/revocations"
    listed = (await desk.ask("GET", f"/departures/{case_id}/checklists")).json()["systems"]
    names = [one["system"] for one in listed]
    assert {one["state"] for one in listed} == {"open"}
    done = await desk.ask("POST", way, {"systems": names[:2], "state": "done"}, role=Role.ADMINISTRATION)
    assert done.status_code == 202
    failed = {"systems": [names[2]], "state": "failed"}
    refused = await desk.ask("POST", way, failed)
    assert (refused.status_code, refused.json()["field"]) == (422, "reason")
    await desk.ask("POST", way, {**failed, "reason": "接口无响应"})
    states = {one.system: one.state for one in desk.all(Revocation)}
    assert [states[name] for name in names[:4]] == ["done", "done", "failed", "open"]
    told = events(desk, "access.revoked")
    assert len(told) == 3
    assert "接口无响应" not in "".join(one.line for one in told)


async def test_a_system_that_is_not_on_the_list_and_a_state_nobody_can_say_are_refused(desk: Desk) -> None:
    case_id = departing(desk)
    way = f"/departures/{case_id}/revocations"
    unknown = await desk.ask("POST", way, {"systems": ["煮茶系统"], "state": "done"})
    assert (unknown.status_code, unknown.json()["field"]) == (422, "systems")
    given = await desk.ask("POST", way, {"systems": ["OA"], "state": "given_back"})
    assert (given.status_code, given.json()["field"]) == (422, "state")
    assert events(desk, "access.revoked") == []


async def test_the_same_key_is_the_same_act_and_another_wish_under_it_is_refused(desk: Desk) -> None:
    case_id = departing(desk)
    way, token = f"/departures/{case_id}/revocations", desk.tokens.create(Role.INTEGRATOR, None)
    body = {"systems": ["OA"], "state": "done"}
    first = await desk.ask("POST", way, body, key="k", token=token)
    again = await desk.ask("POST", way, body, key="k", token=token)
    assert first.json() == again.json()
    assert len(events(desk, "access.revoked")) == 1
    other = await desk.ask("POST", way, {"systems": ["VPN"], "state": "done"}, key="k", token=token)
    assert (other.status_code, other.json()["field"]) == (409, "Idempotency-Key")


# -- open tasks -------------------------------------------------------------------------------------------

TASKS = {
    "tasks": [
        {"system": "OA", "reference": "AP-1", "title": "请假审批"},
        {"system": "OA", "reference": "AP-2", "title": "报销审批"},
        {"system": "ERP", "reference": "AP-1", "title": "采购复核"},
    ]
}


async def test_open_tasks_pass_to_the_successor_and_stay_traceable(desk: Desk) -> None:
    case_id = departing(desk)
    way = f"/departures/{case_id}/open-tasks"
    assert (await desk.ask("POST", way, TASKS)).json() == {"new": 3, "known": 0}
    assert (await desk.ask("POST", way, TASKS)).json() == {"new": 0, "known": 3}
    leaver, successor, third = (desk.person(one).id for one in (NUMBER, "E2", "E3"))
    assert {one.holder_id for one in desk.all(PassedTask)} == {leaver}
    chosen = next(one.id for one in desk.all(PassedTask) if one.system == "ERP")
    named = await desk.ask("POST", f"{way}/moves", {"tasks": [chosen], "to": "E3"}, role=Role.HR)
    assert named.status_code == 202
    assert (await desk.ask("POST", f"{way}/moves", {}, role=Role.HR)).status_code == 202
    holders = {(one.system, one.reference): one.holder_id for one in desk.all(PassedTask)}
    assert holders == {("OA", "AP-1"): successor, ("OA", "AP-2"): successor, ("ERP", "AP-1"): third}
    told = "".join(one.line for one in events(desk, "task.moved"))
    assert told.count(f'"before":{{"id":"{leaver}"') == 3
    assert told.count(f'"after":{{"id":"{third}"') == 1
    assert "审批" not in told
    chain, opened = _chain(desk, case_id)
    assert "请假审批" in {one.value for one in opened}
    assert [one.seq for one in chain] == list(range(1, len(chain) + 1))


def _chain(desk: Desk, case_id: str) -> tuple[list[Any], list[Any]]:
    with desk.parts.database.reading() as session:
        return desk.parts.evidence.chain(session, case_id)


async def test_tasks_pass_neither_to_the_leaver_nor_to_who_has_left_nor_to_nobody(desk: Desk) -> None:
    case_id = departing(desk, successor=None)
    way = f"/departures/{case_id}/open-tasks"
    await desk.ask("POST", way, TASKS)
    employ(desk.parts, "E3", ended_on=date(2026, 3, 1))
    for to, why in ((NUMBER, "leaves"), ("E3", "has left"), ("E9", "no employee"), (None, "no successor")):
        answer = await desk.ask("POST", f"{way}/moves", {} if to is None else {"to": to}, role=Role.HR)
        assert (answer.status_code, answer.json()["field"]) == (422, "to")
        assert why in answer.json()["detail"]
    unknown = await desk.ask("POST", f"{way}/moves", {"tasks": ["X" * 26], "to": "E2"}, role=Role.HR)
    assert unknown.json()["field"] == "tasks"
    assert {one.state for one in desk.all(PassedTask)} == {"open"}
    assert events(desk, "task.moved") == []


# -- reports and withdrawal ---------------------------------------------------------------------------------


async def test_reports_get_a_new_superior(desk: Desk) -> None:
    case_id = departing(desk)
    view = (await desk.ask("GET", f"/departures/{case_id}/checklists")).json()
    assert [one["number"] for one in view["team"]] == ["E3"]
    assert (await desk.ask("POST", f"/departures/{case_id}/team", {}, role=Role.HR)).status_code == 202
    assert desk.person("E3").manager_number == "E2"
    again = await desk.ask("POST", f"/departures/{case_id}/team", {}, role=Role.HR)
    assert (again.status_code, again.json()["field"]) == (422, "team")


async def test_a_withdrawal_turns_every_list_round_and_keeps_what_others_changed_since(desk: Desk) -> None:
    add_colleague(desk.parts, "E4", manager_number=NUMBER)
    case_id = departing(desk)
    way = f"/departures/{case_id}"
    await desk.ask("POST", f"{way}/open-tasks", TASKS)
    await desk.ask("POST", f"{way}/open-tasks/moves", {}, role=Role.HR)
    await desk.ask("POST", f"{way}/team", {}, role=Role.HR)
    await desk.ask("POST", f"{way}/revocations", {"systems": ["OA"], "state": "done"})
    with desk.parts.database.transaction() as session:
        moved = session.exec(select(Person).where(Person.number == "E4")).one()
        moved.manager_number = "E3"
        session.add(moved)
    new = NewAct("w" * 40, case_id, ActKind.WITHDRAWN, Role.HR, "token:hr", words={"reason": "不走了"})
    desk.parts.booked_acts.take(new, desk.parts.departures.withdraw_effect)
    leaver = desk.person(NUMBER).id
    assert {(one.state, one.holder_id) for one in desk.all(PassedTask)} == {("moved_back", leaver)}
    states = {one.system: one.state for one in desk.all(Revocation)}
    assert states.pop("OA") == "to_give_back"
    assert set(states.values()) == {"dropped"}
    assert (desk.person("E3").manager_number, desk.person("E4").manager_number) == (NUMBER, "E3")
    late = await desk.ask("POST", f"{way}/revocations", {"systems": ["VPN"], "state": "done"})
    assert late.status_code == 422
    assert "withdrawn" in late.json()["detail"]
    with desk.parts.database.reading() as session:
        chain, _ = desk.parts.evidence.chain(session, case_id)
    assert len([one for one in chain if one.kind == "task.moved"]) == 2


async def test_a_departure_of_another_branch_has_no_checklists(desk: Desk) -> None:
    add_shanghai(desk.parts)
    case_id = departing(desk)
    for method, end, body in (
        ("GET", "checklists", None),
        ("POST", "revocations", {"systems": ["OA"], "state": "done"}),
        ("POST", "open-tasks", TASKS),
        ("POST", "open-tasks/moves", {}),
        ("POST", "team", {}),
    ):
        path = f"/departures/{case_id}/{end}"
        answer = await desk.ask(method, path, body, role=Role.HR, branch=SHANGHAI)
        assert answer.status_code == 404, end
