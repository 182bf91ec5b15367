"""An officer who leaves: of their own departure they see their own page, and steer nothing; administration
sees that somebody leaves, and neither how nor why."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from api.app import create_app
from countersign.adapters.database.tables import (
    Account,
    ActRow,
    Approval,
    Case,
    Departure,
    Document,
    HandoverItem,
    Notice,
    Person,
)
from countersign.adapters.database.tokens import Tokens
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.evidence import EventKind
from countersign.ids import new_id
from tests.api.test_matrix import all_routes
from tests.support.company import NUMBER, add_colleague, company, unreached
from tests.support.console import Browser, browser
from tests.support.handing import handing_over

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
FOREIGN_IDS = {"document_id", "notice_id", "posting_id", "item", "link_id", "version"}


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return unreached(company(tmp_path, lambda: NOW))


@pytest.fixture
def ids(parts: Parts) -> tuple[str, str, str]:
    """The cases of the departure of E1042: offboarding, statutory, and the share of a receiver."""
    case, share, _ = handing_over(parts)
    with parts.database.transaction() as session:
        departure = session.get_one(Departure, case)
        departure.kind, departure.ground = "dismissal", "worker_fault"
        departure.needs_notice, departure.proposed_by = True, "employer"
        parts.duty_book.open(session, departure)
        for one in (case, departure.statutory_case_id, share):
            of = session.get_one(Case, one)
            machine = {"role": "machine", "id": "test"}
            parts.evidence.append(session, of, "paused", NOW, EventKind.CASE_PAUSED, machine, {})
        return case, departure.statutory_case_id, share


def rows(parts: Parts, table: Any) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table)))


def routes(parts: Parts, method: str, name: str) -> Iterator[str]:
    """Yield every path of the console and the API that names one thing of this name, and nothing else."""
    for route in all_routes(create_app(parts, dispatch=False)):
        of, _, path = route.partition(" ")
        named = set(re.findall(r"{(\w+)", path)) - FOREIGN_IDS
        if of == method and path.startswith(("/console", "/api/v1")) and named == ({name} if name else set()):
            yield path


def filled(path: str, parts: Parts, **given: str) -> str:
    """Return a path with what it names; of documents and notices those that there are."""
    with parts.database.reading() as session:
        known = {
            "document_id": session.exec(select(Document.id)).first() or "D" * 26,
            "notice_id": session.exec(select(Notice.id)).first() or "N" * 26,
        }
    return re.sub(r"{(\w+)(:\w+)?}", lambda found: given.get(found[1]) or known.get(found[1], "1"), path)


def token_of(parts: Parts, account: str | None, role: Role) -> dict[str, str]:
    token = Tokens(parts.database, parts.clock).create(role, None, created_by=account)
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": new_id()}


async def told(page: Browser, path: str, headers: dict[str, str]) -> httpx2.Response:
    return await page.client.get(path, headers=headers if path.startswith("/api") else {})


@pytest.mark.parametrize("role", [Role.HR, Role.FINANCE])
async def test_no_address_shows_an_officer_their_own_departure(
    parts: Parts, ids: tuple[str, str, str], role: Role
) -> None:
    opened: set[str] = set()
    async with browser(parts, role, "other") as other, browser(parts, role, number=NUMBER) as own:
        theirs, mine = token_of(parts, None, role), token_of(parts, own.account_id, role)
        for path in routes(parts, "GET", "case_id"):
            for one in ids:
                where = filled(path, parts, case_id=one)
                if one == ids[0] and (await told(other, where, theirs)).status_code == 200:
                    opened.add(path)
                answer = await told(own, where, mine)
                assert answer.status_code in {403, 404}, where
    assert {"/console/departures/{case_id}", "/api/v1/departures/{case_id}/gate"} <= opened
    assert len(opened) > (15 if role is Role.HR else 8), opened


async def test_no_list_nor_page_of_a_person_names_an_officers_own_departure(
    parts: Parts, ids: tuple[str, str, str]
) -> None:
    named: set[str] = set()
    async with browser(parts, Role.HR, "other") as other, browser(parts, Role.HR, number=NUMBER) as own:
        theirs, mine = token_of(parts, None, Role.HR), token_of(parts, own.account_id, Role.HR)
        paths = [*routes(parts, "GET", ""), "/console/search?q=" + NUMBER]
        paths += [filled(path, parts, number=NUMBER) for path in routes(parts, "GET", "number")]
        paths += [f"{one}{form}" for one in ("/console/cases.", "/console/departures.") for form in ("csv",)]
        for path in paths:
            seen, shown = [(await told(*who)).text for who in ((other, path, theirs), (own, path, mine))]
            named |= {path for one in ids if one in seen}
            assert not [one for one in ids if one in shown], path
    assert {
        "/console/departures",
        "/console/cases",
        "/console/departures.csv",
        "/console/cases.csv",
        "/console/search?q=" + NUMBER,
        f"/console/people/{NUMBER}",
        f"/api/v1/employees/{NUMBER}/gate",
        "/api/v1/cases",
        "/api/v1/departures",
    } <= named, named


async def test_an_officer_steers_nothing_of_their_own_departure(
    parts: Parts, ids: tuple[str, str, str]
) -> None:
    cases = {one.id: one.model_dump() for one in rows(parts, Case)}
    async with browser(parts, Role.SYSTEM_ADMINISTRATOR, number=NUMBER) as own:
        mine = token_of(parts, own.account_id, Role.SYSTEM_ADMINISTRATOR)
        for path in routes(parts, "POST", "case_id"):
            for one in ids:
                where = filled(path, parts, case_id=one)
                if path.startswith("/api"):
                    body = {"act": "pause", "reason": "等一等"}
                    key = {"Idempotency-Key": new_id()}
                    answer = await own.client.post(where, json=body, headers=mine | key)
                else:
                    answer = await own.post(where, {"nonce": new_id(), "act": "pause", "pause-reason": "等"})
                assert answer.status_code in {400, 403, 404, 422}, where
                if path in {"/console/cases/{case_id}/acts", "/api/v1/cases/{case_id}/acts"}:
                    assert answer.status_code == 404, where
    assert rows(parts, ActRow) == []
    assert {one.id: one.model_dump() for one in rows(parts, Case)} == cases


async def test_who_asks_and_who_agrees_are_both_somebody_else(
    parts: Parts, ids: tuple[str, str, str]
) -> None:
    """Requests about one's own departure are not there: neither seen, nor agreed to, nor refused."""
    with parts.database.transaction() as session:
        session.add(
            Account(id="A" * 26, login="asker", name="甲", role="hr", created_at=NOW, created_by="test")
        )
        session.flush()
        for number, one in enumerate(ids):
            body = {"act": "pause", "body": {}}
            about: dict[str, Any] = {"body": body, "words": {"reason": "标记理由"}, "asked_by": "A" * 26}
            session.add(Approval(id=f"{number:026}", kind="act", subject=one, asked_at=NOW, **about))
    async with browser(parts, Role.HR, "other") as other, browser(parts, Role.HR, number=NUMBER) as own:
        for path, shown in (("/console/approvals", True), ("/console/settings", False), ("/console", False)):
            await other.get(path)
            assert ("0" * 25 + "1" in other.page) is shown
            await own.get(path)
            assert "0" * 25 + "1" not in own.page
        for number in range(len(ids)):
            where = f"/console/approvals/{number:026}"
            assert (await other.get(where)).status_code == 200
            assert (await own.get(where)).status_code == 404
            for decision in ("agree", "refuse"):
                answer = await own.post(where, {"decision": decision, "reason": "同意"})
                assert answer.status_code == 404
    assert {one.decided_at for one in rows(parts, Approval)} == {None}


async def test_a_receiver_decides_nothing_of_items_that_they_take_over(
    parts: Parts, ids: tuple[str, str, str]
) -> None:
    case, _, share = ids
    with parts.database.transaction() as session:
        receiver = session.exec(select(Person).where(Person.number == "E2000")).one()
        session.add(
            Document(
                id="D" * 26,
                case_id=case,
                sha256="0" * 64,
                media_type="image/png",
                size=1,
                kind="answer",
                created_at=NOW,
            )
        )
        mine = [
            one.id
            for one in session.exec(select(HandoverItem).where(HandoverItem.receiver_id == receiver.id))
        ]
        for one in mine:
            session.get_one(HandoverItem, one).state = "disputed"
    add_colleague(parts, "E3000")
    async with browser(parts, Role.HR, number="E2000") as own, browser(parts, Role.HR, "other") as other:
        page = f"/console/departures/{case}"
        settle = {"act": "dispute_settled", "items": mine, "dispute_settled-verdict": "handed_over"}
        tried: list[dict[str, Any]] = [
            settle | {"dispute_settled-words": "我说了算"},
            settle | {"dispute_settled-words": "我说了算", "dispute_settled-verdict": "not_applicable"},
            {"act": "not_applicable", "items": mine, "not_applicable-words": "不要了"},
        ]
        parts.settings.two_person_acts = frozenset()
        for form in tried:
            await own.post(f"{page}/items", {"nonce": new_id(), **form})
            assert "taken over by yourself" in own.text, form
        headers = token_of(parts, own.account_id, Role.HR)
        for path, body in (
            ("settle-dispute", {"items": mine, "verdict": "open", "words": "我说了算"}),
            ("hand-over", {"items": mine, "words": "纸", "document": "D" * 26}),
            ("accept", {"items": mine, "words": "纸", "document": "D" * 26}),
            ("not-applicable", {"items": mine, "words": "不要了"}),
        ):
            key = {"Idempotency-Key": new_id()}
            where = f"/api/v1/departures/{case}/items/{path}"
            answer = await own.client.post(where, json=body, headers=headers | key)
            assert answer.status_code == 422, answer.text
            assert "yourself" in answer.json()["detail"], path
        for form in (
            {"act": "pause", "pause-reason": "慢"},
            {"act": "skip", "skip-reason": "慢", "skip-step": "1"},
        ):
            await own.post(f"/console/cases/{share}/acts", {"nonce": new_id(), **form})
        acts = f"/api/v1/cases/{share}/acts"
        key = {"Idempotency-Key": new_id()}
        answer = await own.client.post(acts, json={"act": "pause", "reason": "慢"}, headers=headers | key)
        assert (answer.status_code, "yourself" in answer.text) == (422, True)
        assert rows(parts, ActRow) == []
        # Who stands in for the receiver is a side as well.
        stand_in = {"delegated-receiver": "E2000", "delegated-delegate": "E3000", "act": "delegated"}
        days = {"delegated-from": "2026-03-01", "delegated-until": "2026-03-09"}
        await other.post(f"{page}/stand-ins", {"nonce": new_id(), **stand_in, **days})
    async with browser(parts, Role.HR, "delegate", number="E3000") as delegate:
        await delegate.post(f"{page}/items", {"nonce": new_id(), **tried[0]})
        assert "taken over by yourself" in delegate.text
    async with browser(parts, Role.HR, "third") as third:
        form = tried[0] | {"dispute_settled-verdict": "open"}
        await third.post(f"{page}/items", {"nonce": new_id(), **form})
    assert {one.state for one in rows(parts, HandoverItem) if one.id in mine} == {"open"}


async def test_administration_sees_that_somebody_leaves_and_neither_how_nor_why(
    parts: Parts, ids: tuple[str, str, str]
) -> None:
    case = ids[0]
    marks = (
        "Dismissal",
        "dismissal",
        "worker_fault",
        "art. 39",
        "第39条",
        "39",
        "not delivered",
        "statutory",
    )
    async with browser(parts, Role.ADMINISTRATION) as page:
        for path in ("", "?kind=resignation", ".csv", f"/{case}", f"/{case}/gate", f"/{case}/checklists"):
            answer = await page.get(f"/console/departures{path}")
            assert answer.status_code == 200
            found = answer.content.decode("utf-8-sig")
            assert NUMBER in found or path.endswith("/gate"), path
            shown = re.sub(r"[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{16,}", "", found)
            assert not [mark for mark in marks if mark in shown], path
        headers = token_of(parts, None, Role.ADMINISTRATION)
        for path in ("departures", "departures?kind=resignation", f"departures/{case}"):
            answer = await page.client.get(f"/api/v1/{path}", headers=headers)
            assert answer.status_code == 200
            assert NUMBER in answer.text
            body = json.dumps(answer.json()).replace("statutory_case", "")
            shown = re.sub(r"[0-9A-HJKMNP-TV-Z]{26}", "", body)
            assert not [mark for mark in marks if mark in shown], path
            assert not re.search(r'"(kind|ground|article|needs_notice|noticed_on)": [^n]', shown), path
    async with browser(parts, Role.HR, "hr") as hr:
        await hr.get("/console/departures?kind=resignation")
        assert NUMBER not in hr.text
