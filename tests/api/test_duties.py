"""Statutory duties over the API: read from the books, recorded with proof, refused in words."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.app import create_app
from countersign.adapters.database.tables import Alarm, Document
from countersign.adapters.database.tokens import Tokens
from countersign.contracts.cases import Role
from tests.api.test_letters_and_consents import PAPER
from tests.support.company import NUMBER, SHANGHAI, add_shanghai
from tests.support.ending import LAST, End


@dataclass
class Caller:
    """A program with a token of one role."""

    client: httpx2.AsyncClient
    headers: dict[str, str]

    async def get(self, path: str) -> httpx2.Response:
        return await self.client.get(f"/api/v1{path}", headers=self.headers)

    async def put(self, path: str, body: Mapping[str, Any]) -> httpx2.Response:
        return await self.client.put(f"/api/v1{path}", json=body, headers=self.headers)

    async def say(
        self, path: str, fields: Mapping[str, str], key: str = "key-1", file: Any = None
    ) -> httpx2.Response:
        """Send a form, with a file where there is one."""
        form = {name: (None, text) for name, text in fields.items()} or {"reference": (None, "")}
        return await self.client.post(
            f"/api/v1{path}", files={**form, **(file or {})}, headers={**self.headers, "Idempotency-Key": key}
        )


@asynccontextmanager
async def calling(end: End, role: Role, branch: str | None = None) -> AsyncIterator[Caller]:
    token = Tokens(end.parts.database, end.parts.clock).create(role, branch)
    transport = httpx2.ASGITransport(app=create_app(end.parts, dispatch=False))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Caller(client, {"Authorization": f"Bearer {token}"})


@pytest.fixture
def agreed(tmp_path: Path) -> End:
    return End(tmp_path, needs_notice=False)


async def test_late_duties_are_listed_from_the_books_alone_and_by_branch(agreed: End) -> None:
    add_shanghai(agreed.parts)
    agreed.clock.on(date(2026, 4, 2))
    async with calling(agreed, Role.FINANCE) as caller:
        found = (await caller.get("/duties/overdue")).json()["duties"]
        assert [(one["duty"], one["late_days"], one["holder"]) for one in found] == [
            ("certificate", 2, "hr"),
            ("wages", 2, "finance"),
        ]
        assert found[0]["employee"] == NUMBER
        assert found[0]["basis"] == "劳动合同法50(1)"
        assert (await caller.get(f"/duties/overdue?branch={SHANGHAI}")).json() == {"duties": []}
    async with calling(agreed, Role.HR, SHANGHAI) as caller:
        assert (await caller.get("/duties/overdue")).json() == {"duties": []}
        assert (await caller.get(f"/departures/{agreed.id}/duties")).status_code == 404


async def test_a_duty_is_recorded_once_per_key_with_its_proof(agreed: End) -> None:
    agreed.clock.on(LAST)
    path = f"/departures/{agreed.id}/duties/social_insurance"
    async with calling(agreed, Role.HR) as caller:
        refused = await caller.say(f"{path}/done", {})
        assert (refused.status_code, refused.json()["field"]) == (422, "reference")
        for _ in range(2):
            answer = await caller.say(f"{path}/done", {"reference": "京社 42"}, file=PAPER)
            assert answer.status_code == 202
        other = await caller.say(f"{path}/done", {"reference": "京社 43"})
        assert (other.status_code, other.json()["field"]) == (409, "Idempotency-Key")
        read = (await caller.get(f"/departures/{agreed.id}/duties")).json()
    duty = next(one for one in read["duties"] if one["duty"] == "social_insurance")
    assert (duty["state"], duty["reference"]) == ("done", "京社 42")
    assert [one.id for one in agreed.rows(Document)] == [duty["document"]]


async def test_finance_does_not_record_what_is_hrs(agreed: End) -> None:
    agreed.clock.on(LAST)
    async with calling(agreed, Role.FINANCE) as caller:
        path = f"/departures/{agreed.id}/duties"
        refused = await caller.say(f"{path}/file_transfer/failed", {"reason": "x"})
        assert (refused.status_code, refused.json()["field"]) == (422, "kind")
        assert (await caller.say(f"{path}/wages/done", {"reference": "BANK-1"})).status_code == 202


@pytest.mark.parametrize("path", ["file_transfer/blocked", "lunch/done"])
async def test_nobody_can_set_a_duty_as_blocked_nor_invent_one(agreed: End, path: str) -> None:
    async with calling(agreed, Role.HR) as caller:
        answer = await caller.say(f"/departures/{agreed.id}/duties/{path}", {"reason": "x"})
        assert answer.status_code == 422


async def test_a_form_without_a_key_or_with_an_unknown_field_is_refused(agreed: End) -> None:
    path = f"/departures/{agreed.id}/duties/file_transfer/failed"
    async with calling(agreed, Role.HR) as caller:
        answer = await caller.client.post(
            f"/api/v1{path}", files={"reason": (None, "x")}, headers=caller.headers
        )
        assert answer.status_code == 400
        unknown = await caller.say(path, {"reason": "x", "state": "blocked"})
        assert (unknown.status_code, unknown.json()["field"]) == (422, "state")


async def test_the_notice_handed_over_in_person_is_recorded_and_read_back(tmp_path: Path) -> None:
    end = End(tmp_path, needs_notice=True)
    end.clock.on(date(2026, 3, 12))
    async with calling(end, Role.HR) as caller:
        path = f"/departures/{end.id}"
        early = await caller.say(f"{path}/service", {"on": "2026-03-01", "witness": "甲"})
        assert early.status_code == 422
        assert "before the notice was made" in early.json()["detail"]
        answer = await caller.say(f"{path}/service", {"on": "2026-03-11", "witness": "甲"}, "key-2")
        assert answer.status_code == 202
        read = (await caller.get(f"{path}/duties")).json()
    assert (read["served_on"], read["served_how"]) == ("2026-03-11", "handed_over")
    (fact,) = read["service"]
    assert (fact["counts"], fact["strength"], fact["basis"]) == (True, "own", "劳办发〔1995〕179号")


async def test_weak_facts_are_told_with_why_they_do_not_count(tmp_path: Path) -> None:
    end = End(tmp_path, needs_notice=True)
    end.notice("courier", state="failed_permanent", courier_result="signed_by_other")
    async with calling(end, Role.LEGAL) as caller:
        read = (await caller.get(f"/departures/{end.id}/duties")).json()
    assert read["served_on"] is None
    (fact,) = read["service"]
    assert (fact["counts"], fact["why_not"]) == (False, "signed_by_other")
    assert fact["says"] == "The letter was signed for by somebody else."


async def test_the_true_state_ends_on_the_day_whatever_a_contract_system_calls_it(agreed: End) -> None:
    path = f"/employees/{NUMBER}/employment"
    agreed.adds_item("IT-1", value_fen=100)
    async with calling(agreed, Role.INTEGRATOR) as caller:
        answer = await caller.put(path, {"suspended_since": "2026-03-10"})
        assert answer.status_code == 200
        assert (answer.json()["state"], answer.json()["ends_on"]) == ("active", "2026-03-31")
        agreed.clock.on(LAST)
        told = (await caller.get(path)).json()
        assert (told["state"], told["since"], told["ground"]) == ("ended", "2026-03-31", "resignation")
        assert told["basis"] == "劳动合同法37"
        assert told["alarm"] == "ended"
        await caller.put(path, {"suspended_since": "2026-03-10"})
        assert len(agreed.rows(Alarm, kind="employment_suspended")) == 1
        cleared = await caller.put(path, {"suspended_since": None})
        assert (cleared.json()["called_suspended_since"], cleared.json()["alarm"]) == (None, None)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"suspended_since": "2026-03-11"}, "in the future"),
        ({"suspended_since": "2020-01-01"}, "before the employment began"),
        ({"suspended_since": "yesterday"}, "a day that exists"),
        ({}, "is missing"),
        ({"suspended_since": None, "state": "ended"}, "not known"),
    ],
)
async def test_a_suspension_that_cannot_be_is_refused_in_words(
    agreed: End, body: dict[str, Any], words: str
) -> None:
    async with calling(agreed, Role.INTEGRATOR) as caller:
        answer = await caller.put(f"/employees/{NUMBER}/employment", body)
        assert answer.status_code == 422
        assert words in answer.json()["detail"]


async def test_an_employee_of_another_branch_does_not_exist(agreed: End) -> None:
    add_shanghai(agreed.parts)
    async with calling(agreed, Role.HR, SHANGHAI) as caller:
        assert (await caller.get(f"/employees/{NUMBER}/employment")).status_code == 404
        assert (
            await caller.put(f"/employees/{NUMBER}/employment", {"suspended_since": None})
        ).status_code == 404
