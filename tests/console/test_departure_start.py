"""Starting a departure in the console: found, looked at, started once; withdrawn, and its last day moved."""

import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from api.console.policy_form import form_of
from countersign.adapters.database.departures import DepartureWish
from countersign.adapters.database.migrate import shipped_policies
from countersign.adapters.database.tables import ActRow, Departure
from countersign.bootstrap import Parts
from countersign.contracts.cases import Process, Role
from countersign.domain.departure import DepartureKind
from countersign.domain.policies import written_out
from tests.support.company import BEIJING, NAME, NUMBER, SHANGHAI, add_colleague, add_shanghai, company
from tests.support.console import Browser, browser
from tests.support.story import at

NOW = at("03-02 10:30")
START = "/console/start/departure"
FORM: dict[str, Any] = {
    "employee": NUMBER,
    "kind": "resignation",
    "last_day": "2026-04-15",
    "noticed_on": "2026-03-02",
    "successor": "E2001",
}


class Nowhere:
    async def carry(self, act_id: str, *_: object) -> None:
        return


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    made = company(tmp_path / "data", lambda: NOW)
    made.__dict__["dispatcher"] = Nowhere()
    add_colleague(made, "E2001", name="王接替")
    add_shanghai(made)
    yield made
    made.database.close()


def departures(parts: Parts) -> list[Departure]:
    with parts.database.reading() as session:
        return list(session.exec(select(Departure)))


def leaving(parts: Parts) -> str:
    wish = DepartureWish(NUMBER, DepartureKind.RESIGNATION, date(2026, 4, 15), date(2026, 3, 2))
    return parts.departures.start(wish, {"role": "hr", "id": "account:test"}).case_id


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    return found[1] if found else ""


async def looked(hr: Browser, **more: Any) -> Any:
    return await hr.post(START, FORM | {"do": "look"} | more)


async def test_somebody_is_found_and_what_would_happen_is_shown_before_it_starts(parts: Parts) -> None:
    async with browser(parts, Role.HR) as hr:
        await hr.get(START, q=NAME[:2])
        assert f"{START}?employee={NUMBER}" in hr.page
        await hr.get(START, employee=NUMBER)
        assert 'value="2026-03-02"' in hr.page
        assert (await looked(hr)).status_code == 200
        for words in ("30", "certificate", "VPN", "2026-04-30"):
            assert words in hr.text, words
        assert departures(parts) == []


async def test_what_was_shown_is_started_once_whoever_presses_twice(parts: Parts) -> None:
    async with browser(parts, Role.HR) as hr:
        await looked(hr)
        form = FORM | {"do": "start", "shown": hidden(hr.page, "shown")}
        first, again = await hr.post(START, form), await hr.post(START, form)
        case = departures(parts)[0].case_id
        assert first.url.path == again.url.path == f"/console/departures/{case}"
    assert len(departures(parts)) == 1


async def test_what_changed_since_it_was_shown_is_shown_again_and_not_started(parts: Parts) -> None:
    async with browser(parts, Role.HR) as hr:
        await looked(hr)
        form = FORM | {"do": "start", "shown": hidden(hr.page, "shown"), "last_day": "2026-04-20"}
        assert (await hr.post(START, form)).status_code == 422
        assert "Something has changed" in hr.text
    assert departures(parts) == []


async def test_what_is_missing_is_told_at_its_field_and_what_was_typed_is_kept(parts: Parts) -> None:
    async with browser(parts, Role.HR) as hr:
        answer = await looked(hr, kind="", last_day="2026-02-30", reason="标记原因")
        assert answer.status_code == 422
        for place in ("kind", "last_day"):
            assert f'href="#{place}"' in hr.page
        assert "标记原因" in hr.page
        assert 'name="do" value="start"' not in hr.page


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"last_day": "2026-03-01"}, "last_day"),
        ({"noticed_on": "2026-03-03"}, "noticed_on"),
        ({"successor": NUMBER}, "successor"),
        ({"successor": "E9999"}, "successor"),
        ({"ground": "layoff"}, "ground"),
        ({"proposed_by": "employer"}, "proposed_by"),
        ({"policy": "unknown"}, "policy"),
    ],
)
async def test_a_refusal_stands_at_its_field_in_chinese(
    parts: Parts, change: dict[str, str], field: str
) -> None:
    async with browser(parts, Role.HR, language="zh-CN") as hr:
        assert (await looked(hr, **change)).status_code == 422
        told = re.search(rf'<a href="#{field}">([^<]+)</a>', hr.page)
        assert told is not None
        assert re.search("[一-鿿]", told[1])
        assert f"{field}:" not in told[1]
    assert departures(parts) == []


async def test_a_successor_can_be_named_by_name(parts: Parts) -> None:
    async with browser(parts, Role.HR) as hr:
        assert (await looked(hr, successor="王接替")).status_code == 200
        form = FORM | {"successor": "王接替", "do": "start", "shown": hidden(hr.page, "shown")}
        await hr.post(START, form)
    assert departures(parts)[0].successor_id is not None


async def test_a_late_start_asks_what_becomes_of_missed_reminders(parts: Parts) -> None:
    async with browser(parts, Role.HR) as hr:
        await looked(hr, last_day="2026-03-11")
        assert 'name="overdue.reminder_30"' in hr.page
        assert 'name="overdue.reminder_3"' not in hr.page


async def test_somebody_of_another_branch_does_not_exist(parts: Parts) -> None:
    case = leaving(parts)
    async with browser(parts, Role.HR, branch=SHANGHAI) as hr:
        assert (await hr.get(START, employee=NUMBER)).status_code == 404
        assert (await looked(hr)).status_code == 404
        for way in ("withdrawal", "last-day"):
            assert (await hr.get(f"/console/departures/{case}/{way}")).status_code == 404
            form = {"reason": "x", "nonce": "n" * 26, "on": "2026-05-01"}
            assert (await hr.post(f"/console/departures/{case}/{way}", form)).status_code == 404
    assert departures(parts)[0].withdrawn_at is None


async def test_a_departure_is_withdrawn_with_its_reason_and_only_once(parts: Parts) -> None:
    case = leaving(parts)
    way = f"/console/departures/{case}/withdrawal"
    async with browser(parts, Role.HR, branch=BEIJING) as hr:
        await hr.get(way)
        nonce = hidden(hr.page, "nonce")
        assert (await hr.post(way, {"nonce": nonce, "reason": ""})).status_code == 422
        assert departures(parts)[0].withdrawn_at is None
        form = {"nonce": nonce, "reason": "标记留任"}
        for _ in range(2):
            assert (await hr.post(way, form)).url.path == f"/console/departures/{case}"
        await hr.get(way)
        assert "withdrawn already" in hr.text
    assert departures(parts)[0].withdrawn_at is not None
    with parts.database.reading() as session:
        assert len(session.exec(select(ActRow)).all()) == 1


async def test_the_last_day_is_moved_and_a_day_in_the_past_refused_at_its_field(parts: Parts) -> None:
    case = leaving(parts)
    way = f"/console/departures/{case}/last-day"
    async with browser(parts, Role.HR) as hr:
        await hr.get(way)
        assert 'value="2026-04-15"' in hr.page
        form = {"nonce": hidden(hr.page, "nonce"), "reason": "协商"}
        assert (await hr.post(way, form | {"on": "2026-03-01"})).status_code == 422
        assert 'href="#on"' in hr.page
        assert (await hr.post(way, form | {"on": "soon"})).status_code == 422
        moved = await hr.post(way, form | {"on": "2026-04-30"})
        assert moved.url.path == f"/console/departures/{case}"
    assert departures(parts)[0].last_day == date(2026, 4, 30)


async def test_the_editor_shows_and_keeps_what_only_policies_of_departures_have(parts: Parts) -> None:
    async with browser(parts, Role.HR) as hr:
        for name in ("offboarding_standard", "handover_standard", "statutory_standard"):
            assert (await hr.get(f"/console/policies/{name}")).status_code == 200
            assert (await hr.get(f"/console/policies/{name}/edit")).status_code == 200
            fields = dict(re.findall(r'<(?:input|select)[^>]* name="([^"]+)"[^>]* value="([^"]*)"', hr.page))
            assert (await hr.get(f"/console/policies/{name}/edit", **{"as": "yaml"})).status_code == 200
            text = re.search(r'<textarea id="yaml"[^>]*>\n(.*?)</textarea>', hr.page, re.DOTALL)
            assert text is not None
            changed = unescape(text[1]).replace("[30, 14, 7, 3]", "[30, 21, 7, 3]")
            form = {"as": "yaml", "version": fields["version"], "yaml": changed, "do": "form"}
            assert (await hr.post(f"/console/policies/{name}/edit", form)).status_code == 200
            if name == "offboarding_standard":
                assert 'value="30, 21, 7, 3"' in hr.page
                assert "kinds-dismissal-asks" in hr.page
            person = {"do": "preview", "person": NUMBER, "day": "2026-04-15"}
            assert (await hr.post(f"/console/policies/{name}/edit", form | person)).status_code == 200
            assert "For this person" in hr.text


@pytest.mark.parametrize("process", [Process.OFFBOARDING, Process.HANDOVER, Process.STATUTORY])
def test_the_form_of_a_shipped_policy_says_what_the_policy_says(process: Process) -> None:
    body = next(body for kind, body in shipped_policies() if kind == process.value)
    whole = written_out(process.value, body)
    form = form_of(process, whole)
    assert written_out(process.value, form.mapping()) == whole


def test_a_refusal_of_a_kind_stands_at_that_kind() -> None:
    body = next(body for kind, body in shipped_policies() if kind == "offboarding")
    form = form_of(Process.OFFBOARDING, written_out("offboarding", body))
    places = {
        "kinds.mutual.tracks[0]": "kinds-mutual-tracks",
        "kinds.mutual.systems": "kinds-mutual-systems",
        "remind_days[1]": "remind_days",
        "rungs[0].wait.value": "rungs-0-value",
    }
    assert {path: form.field_of(path) for path in places} == places
