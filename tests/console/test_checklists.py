"""The checklists of a departure in the console: accounts to shut, tasks to pass on, reports to move."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from countersign.adapters.database.acts import NewAct
from countersign.adapters.database.checklists import ChecklistAct, ListedTask
from countersign.adapters.database.departures import DepartureWish
from countersign.adapters.database.gate_book import offboarding_standing
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Departure,
    EventRow,
    PassedTask,
    Person,
    Revocation,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import ActKind, Role
from countersign.domain.checklists import AccessState
from countersign.domain.departure import DepartureKind
from countersign.ids import new_id
from tests.support.company import NAME, NUMBER, SHANGHAI, add_colleague, add_shanghai, company
from tests.support.console import Browser, browser

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
TASKS = [ListedTask("OA", "AP-1", "请假审批"), ListedTask("OA", "AP-2", "<b>报销</b>")]


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parts:
    made = company(tmp_path / "data", lambda: NOW)
    monkeypatch.setattr(made.dispatcher, "carry", _unheard)
    add_colleague(made, "E2")
    add_colleague(made, "E3", manager_number=NUMBER)
    return made


async def _unheard(_act_id: str) -> None:
    """No process listens here: the act stands in the books and waits."""


def departing(parts: Parts, successor: str | None = "E2") -> str:
    wish = DepartureWish(
        NUMBER, DepartureKind.RESIGNATION, date(2026, 4, 10), date(2026, 3, 1), successor=successor
    )
    return parts.departures.start(wish, {"role": "hr", "id": "test"}).case_id


def all_of(parts: Parts, table: type[Any]) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table)))


def superior(parts: Parts, number: str) -> str | None:
    found = next(one for one in all_of(parts, Person) if one.number == number)
    return found.manager_number  # type: ignore[no-any-return]


async def opened(one: Browser, case_id: str) -> str:
    """Open the page; return its nonce."""
    way = f"/console/departures/{case_id}/checklists"
    assert (await one.get(way)).status_code == 200, one.text
    found = re.search(r'name="nonce" value="([^"]+)"', one.page)
    return found[1] if found else ""


async def test_administration_records_what_became_of_accounts(parts: Parts) -> None:
    case_id = departing(parts)
    async with browser(parts, Role.ADMINISTRATION) as clerk:
        nonce = await opened(clerk, case_id)
        form = {"nonce": nonce, "system": ["OA", "VPN"], "state": "done"}
        await clerk.post(f"/console/departures/{case_id}/revocations", form)
        assert "Recorded: OA, VPN." in clerk.text
        assert "2 of 6 shut" in clerk.text
        assert "administration name" in clerk.text
        # the same form again is the same act
        await clerk.post(f"/console/departures/{case_id}/revocations", form)
        assert len([one for one in all_of(parts, ActRow) if one.kind == "revoked"]) == 1
    states = {one.system: one.state for one in all_of(parts, Revocation)}
    assert (states["OA"], states["VPN"], states["CRM"]) == ("done", "done", "open")


async def test_a_failure_without_a_reason_is_shown_at_its_field_with_what_was_ticked(parts: Parts) -> None:
    case_id = departing(parts)
    async with browser(parts, language="zh-CN") as hr:
        nonce = await opened(hr, case_id)
        way = f"/console/departures/{case_id}/revocations"
        answer = await hr.post(way, {"nonce": nonce, "system": ["CRM"], "state": "failed"})
        assert answer.status_code == 422
        assert "理由：未填写；请说明停用失败的原因" in hr.text
        assert re.search(r'value="CRM" checked', hr.page)
        assert re.search(r'<option value="failed" selected', hr.page)
        answer = await hr.post(way, {"nonce": nonce, "state": "failed", "reason": "x"})
        assert (answer.status_code, "请至少勾选一行" in hr.text) == (422, True)
    assert {one.state for one in all_of(parts, Revocation)} == {"open"}


async def test_tasks_are_passed_on_all_or_chosen_ones(parts: Parts) -> None:
    case_id = departing(parts)
    parts.checklists.list_tasks(case_id, TASKS, {"role": "integrator", "id": "token:x"})
    way = f"/console/departures/{case_id}/open-tasks"
    async with browser(parts) as hr:
        nonce = await opened(hr, case_id)
        assert "2 of 2 still with the leaver" in hr.text
        assert "<b>报销</b>" not in hr.page
        chosen = next(one.id for one in all_of(parts, PassedTask) if one.reference == "AP-2")
        answer = await hr.post(way, {"nonce": nonce, "which": "ticked", "task": [chosen], "to": NUMBER})
        assert (answer.status_code, "Is the person who leaves; name somebody else" in hr.text) == (422, True)
        answer = await hr.post(way, {"nonce": nonce, "which": "ticked"})
        assert (answer.status_code, "Tick at least one line." in hr.text) == (422, True)
        await hr.post(way, {"nonce": nonce, "which": "ticked", "task": [chosen], "to": "E3"})
        assert "Passed on: 1 tasks." in hr.text
        await hr.post(way, {"nonce": await opened(hr, case_id), "which": "all"})
        assert "0 of 2 still with the leaver" in hr.text
    people = {one.id: one.number for one in all_of(parts, Person)}
    assert {one.reference: people[one.holder_id] for one in all_of(parts, PassedTask)} == {
        "AP-1": "E2",
        "AP-2": "E3",
    }


async def test_reports_get_the_successor_as_their_superior(parts: Parts) -> None:
    case_id = departing(parts)
    async with browser(parts) as hr:
        nonce = await opened(hr, case_id)
        assert "Give 1 people a new superior" in hr.text
        way = f"/console/departures/{case_id}/team"
        answer = await hr.post(way, {"nonce": nonce, "team_to": "E9"})
        assert answer.status_code == 422
        assert "No employee has this number; correct it" in hr.text
        assert re.search(r'id="team_to"[^>]*aria-invalid', hr.page)
        await hr.post(way, {"nonce": nonce})
        assert "1 people have a new superior." in hr.text
        assert "Nobody reports to this person any longer; 1 people were given a new superior." in hr.text
    assert superior(parts, "E3") == "E2"


async def test_after_a_withdrawal_the_page_lists_what_is_to_be_given_back(parts: Parts) -> None:
    case_id = departing(parts)
    async with browser(parts) as hr:
        nonce = await opened(hr, case_id)
        way = f"/console/departures/{case_id}"
        await hr.post(f"{way}/revocations", {"nonce": nonce, "system": ["OA"], "state": "manual"})
        new = NewAct("w" * 40, case_id, ActKind.WITHDRAWN, Role.HR, "token:hr", words={"reason": "不走了"})
        parts.booked_acts.take(new, parts.departures.withdraw_effect)
        assert await opened(hr, case_id) == ""
        assert "withdrawn, nobody leaves" in hr.text
        assert hr.text.count("Record as given back") == 1
        answer = await hr.post(f"{way}/given-back", {"system": "VPN"})
        assert (answer.status_code, "No account of this name" in hr.text) == (422, True)
        for _ in range(2):
            await hr.post(f"{way}/given-back", {"system": "OA"})
            assert "Recorded as given back: OA." in hr.text
    assert next(one.state for one in all_of(parts, Revocation) if one.system == "OA") == "given_back"
    restored = [one for one in all_of(parts, EventRow) if one.kind == "access.restored"]
    assert len(restored) == 7


async def test_a_withdrawal_leaves_administration_a_task_until_every_account_is_back(parts: Parts) -> None:
    case_id = departing(parts)
    async with browser(parts) as hr, browser(parts, Role.ADMINISTRATION) as administration:
        nonce, way = await opened(hr, case_id), f"/console/departures/{case_id}"
        await hr.post(f"{way}/revocations", {"nonce": nonce, "system": ["OA", "VPN"], "state": "done"})
        new = NewAct("w" * 40, case_id, ActKind.WITHDRAWN, Role.HR, "token:hr", words={"reason": "不走了"})
        parts.booked_acts.take(new, parts.departures.withdraw_effect)
        with parts.database.transaction() as session:
            session.get_one(Case, case_id).state = "closed"  # as its process does within a second
        for system, waits in (("OA", True), ("VPN", False)):
            await administration.get("/console")
            assert "accounts to give back" in administration.text
            assert f"{way}/checklists" in administration.page
            await administration.post(f"{way}/given-back", {"system": system})
            await administration.get("/console")
            assert ("accounts to give back" in administration.text) == waits


async def test_an_account_that_is_being_done_by_hand_stays_a_task(parts: Parts) -> None:
    case_id = departing(parts)
    with parts.database.reading() as session:
        systems = [one.system for one in session.exec(select(Revocation))]
    said: list[tuple[AccessState, list[str], bool]] = [
        (AccessState.DONE, systems[:1], True),
        (AccessState.MANUAL, systems, True),
        (AccessState.DONE, systems, False),
    ]
    for state, named, waits in said:
        act = ChecklistAct(new_id(), case_id, Role.ADMINISTRATION, "token:administration")
        parts.checklists.revoked(act, named, state, "")
        with parts.database.reading() as session:
            standing = offboarding_standing(session, session.get_one(Case, case_id))
        assert ("revocations" in standing.tasks) == waits, state


async def test_readers_see_the_lists_without_forms_and_other_branches_see_nothing(parts: Parts) -> None:
    case_id = departing(parts)
    async with browser(parts, Role.AUDITOR) as auditor:
        assert await opened(auditor, case_id) == ""
        assert NAME in auditor.text
        assert "Record the state" not in auditor.text
    add_shanghai(parts)
    async with browser(parts, Role.HR, "other", branch="上海") as other:
        way = f"/console/departures/{case_id}"
        assert (await other.get(f"{way}/checklists")).status_code == 404
        for end in ("revocations", "given-back", "open-tasks", "team"):
            assert (await other.post(f"{way}/{end}", {"nonce": "12345678"})).status_code == 404, end
    assert SHANGHAI not in {one.branch_id for one in all_of(parts, Departure)}


async def test_a_policy_without_systems_and_a_leaver_without_a_team_say_so(parts: Parts) -> None:
    with parts.database.transaction() as session:
        for one in session.exec(select(Person).where(Person.number == "E3")):
            one.manager_number = None
            session.add(one)
    case_id = departing(parts)
    with parts.database.transaction() as session:
        for row in session.exec(select(Revocation)):
            session.delete(row)
    async with browser(parts) as hr:
        await opened(hr, case_id)
        assert "names no systems" in hr.text
        assert "No open tasks are listed." in hr.text
        assert "Nobody reports to this person." in hr.text
