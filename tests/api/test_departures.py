"""Departures over the JSON API: preview, start, list, read, withdraw, move the last day."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from api.app import create_app
from countersign.adapters.database.tables import ActRow, Case, Departure, EventRow, Outbox
from countersign.adapters.database.tokens import Tokens
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from tests.support.company import NAME, NUMBER, SHANGHAI, add_colleague, add_shanghai, company
from tests.support.story import at

NOW = at("03-02 10:30")
WISH: dict[str, Any] = {
    "employee": NUMBER,
    "kind": "resignation",
    "last_day": "2026-04-15",
    "noticed_on": "2026-03-02",
    "successor": "E2001",
}


@dataclass
class Hr:
    """HR's program over a company, without a Temporal server: what it starts waits in the outbox."""

    client: httpx2.AsyncClient
    parts: Parts
    token: str

    async def post(self, path: str, body: Any, key: str | None = "key") -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        return await self.client.post(f"/api/v1{path}", json=body, headers=headers)

    async def get(self, path: str) -> Any:
        answer = await self.client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {self.token}"})
        return answer

    def rows(self) -> list[int]:
        with self.parts.database.reading() as session:
            return [len(session.exec(select(t)).all()) for t in (Departure, Case, EventRow, Outbox)]

    def speak_for(self, branch: str | None, role: Role = Role.HR) -> None:
        self.token = Tokens(self.parts.database, self.parts.clock).create(role, branch)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    made = company(tmp_path / "data", lambda: NOW)
    add_colleague(made, "E2001")
    add_shanghai(made)
    yield made
    made.database.close()


@pytest.fixture
async def hr(parts: Parts) -> AsyncIterator[Hr]:
    app = create_app(parts, dispatch=False)

    class Nowhere:
        async def carry(self, act_id: str, *_: object) -> None:
            return

    parts.__dict__["dispatcher"] = Nowhere()
    token = Tokens(parts.database, parts.clock).create(Role.HR, None)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Hr(client, parts, token)


async def started(hr: Hr, **more: Any) -> str:
    answer = await hr.post("/departures", WISH | more)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["case"])


async def test_a_preview_tells_dates_and_texts_and_writes_nothing(hr: Hr) -> None:
    before = hr.rows()
    shown = (await hr.post("/departures/previews", WISH, key=None)).json()
    assert hr.rows() == before
    assert shown["dates"]["certificate_at"].startswith("2026-04-15T09:00:00")
    assert shown["dates"]["duties"]["unemployment_list"] == "2026-04-30"
    assert [one["step"] for one in shown["dates"]["reminders"]][:2] == ["reminder_30", "reminder_14"]
    assert shown["systems"][0] == "OA"
    told = {(one["process"], one["step"]) for one in shown["texts"]}
    assert {
        ("offboarding", "reminder_30"),
        ("offboarding", "reminder_3"),
        ("statutory", "certificate"),
    } <= told
    assert {("offboarding", one["rung"]) for one in shown["plan"]["steps"] if one["channels"]} <= told
    assert (shown["ground"], shown["article"], shown["notice"]) == ("resignation", "劳动合同法37", None)


async def test_a_start_answers_with_both_cases_and_the_same_key_starts_nothing_twice(hr: Hr) -> None:
    first = await hr.post("/departures", WISH)
    assert first.status_code == 201
    rows = hr.rows()
    assert (await hr.post("/departures", WISH)).json() == first.json()
    assert hr.rows() == rows
    found = (await hr.get(f"/departures/{first.json()['case']}")).json()
    assert {one["process"] for one in found["cases"]} == {"offboarding", "statutory"}


async def test_the_same_wish_under_another_key_answers_with_the_first(hr: Hr) -> None:
    case = await started(hr)
    again = await hr.post("/departures", WISH, key="another")
    assert again.status_code == 200
    assert (again.json()["case"], again.json()["existing"]) == (case, True)


async def test_a_start_without_a_key_is_refused(hr: Hr) -> None:
    answer = await hr.post("/departures", WISH, key=None)
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")
    assert hr.rows()[0] == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "retirement"}, "kind"),
        ({"last_day": "2026-02-30"}, "last_day"),
        ({"last_day": "2026-03-01"}, "last_day"),
        ({"successor": NUMBER}, "successor"),
        ({"employee": "E9999"}, "employee"),
        ({"ground": "layoff"}, "ground"),
        ({"reason": " "}, "reason"),
        ({"more": 1}, "more"),
        ({"policy": {"name": "x"}}, "policy"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_field(hr: Hr, change: dict[str, Any], field: str) -> None:
    answer = await hr.post("/departures", WISH | change)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in (answer.json().get("field") or answer.json()["detail"])
    assert hr.rows() == [0, 0, 0, 0]


async def test_a_second_departure_of_the_employment_is_refused_and_named(hr: Hr) -> None:
    case = await started(hr)
    answer = await hr.post("/departures", WISH | {"last_day": "2026-04-16"}, key="other")
    assert answer.status_code == 422
    assert case in answer.json()["detail"]


async def test_the_list_can_be_filtered_and_keeps_to_its_branch(hr: Hr) -> None:
    case = await started(hr)
    for query, found in (
        ("", [case]),
        ("?state=leaving&kind=resignation", [case]),
        ("?state=withdrawn", []),
        ("?kind=absence", []),
        (f"?search={NUMBER.lower()}", [case]),
        ("?search=nobody", []),
        (f"?after={case}", []),
        ("?limit=1", [case]),
    ):
        rows = (await hr.get(f"/departures{query}")).json()["departures"]
        assert [one["case"] for one in rows] == found, query
    hr.speak_for(SHANGHAI)
    assert (await hr.get("/departures")).json()["departures"] == []
    assert (await hr.get(f"/departures/{case}")).status_code == 404
    assert (await hr.post(f"/departures/{case}/withdrawal", {"reason": "x"})).status_code == 404
    assert (await hr.post("/departures", WISH, key="there")).json()["field"] == "employee"


async def test_one_departure_tells_its_facts_and_its_standing(hr: Hr) -> None:
    case = await started(hr)
    found = (await hr.get(f"/departures/{case}")).json()
    assert found["employee"] == {"number": NUMBER, "name": NAME}
    assert (found["state"], found["last_day"], found["successor"]) == ("leaving", "2026-04-15", "E2001")
    standing = found["standing"]
    assert "still_employed" in standing["gate"]["reasons"]
    assert {one["kind"] for one in standing["duties"]} >= {"certificate", "wages"}
    assert standing["accounts"] == {"open": 6}
    assert sum(standing["items"].values()) == 0


async def test_a_withdrawal_takes_effect_at_once_and_once(hr: Hr) -> None:
    case = await started(hr)
    body = {"reason": "改变主意"}
    first = await hr.post(f"/departures/{case}/withdrawal", body)
    assert first.status_code == 202
    assert (await hr.post(f"/departures/{case}/withdrawal", body)).json() == first.json()
    assert (await hr.get(f"/departures/{case}")).json()["state"] == "withdrawn"
    other = await hr.post(f"/departures/{case}/withdrawal", {"reason": "anders"})
    assert (other.status_code, other.json()["field"]) == (409, "Idempotency-Key")
    late = await hr.post(f"/departures/{case}/withdrawal", body, key="another")
    assert (late.status_code, late.json()["field"]) == (422, "case")


async def test_the_last_day_moves_and_a_day_in_the_past_is_refused_without_an_act(hr: Hr) -> None:
    case = await started(hr)
    moved = await hr.post(f"/departures/{case}/last-day", {"on": "2026-04-30", "reason": "协商"})
    assert moved.status_code == 202
    assert (await hr.get(f"/departures/{case}")).json()["last_day"] == "2026-04-30"
    answer = await hr.post(f"/departures/{case}/last-day", {"on": "2026-03-01", "reason": "x"}, key="b")
    assert (answer.status_code, answer.json()["field"]) == (422, "on")
    with hr.parts.database.reading() as session:
        assert len(session.exec(select(ActRow)).all()) == 1


async def test_finance_reads_departures_and_starts_none(hr: Hr) -> None:
    case = await started(hr)
    hr.speak_for(None, Role.FINANCE)
    assert (await hr.get(f"/departures/{case}")).status_code == 200
    assert (await hr.post("/departures", WISH)).status_code == 403
