"""Help: its links open for whoever reads it, its words are the product's, the tour is the demo's alone."""

import re
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import select

from api.console.glossary import matching, terms
from api.console.help import ROLES
from api.language import LANGUAGES
from countersign.adapters.database.departures import DepartureWish
from countersign.adapters.database.migrate import migrate, store_shipped_policies
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Leave, Person
from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.demo import DEMO_HR, DEMO_PASSWORD, load_demo, practice_roster
from countersign.domain.console_words import name_of
from countersign.domain.departure import DepartureKind
from countersign.domain.levels import Level, level_words
from countersign.domain.local_time import day_of
from countersign.settings import Settings
from tests.support.company import BEIJING, NUMBER, company
from tests.support.console import Browser, browser
from workflows.steps import BY_HAND

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_LINK = re.compile(r'href="(/(?:console|me)[^"#]*)"')


def _links(page: str) -> list[str]:
    main = page[page.index("<main") :]
    return sorted(set(_LINK.findall(main)))


async def _refused(me: Browser, links: list[str]) -> dict[str, int]:
    answers = {link: (await me.client.get(link)).status_code for link in links}
    return {link: status for link, status in answers.items() if status != 200}


@pytest.mark.parametrize("role", ROLES)
async def test_each_link_on_the_help_of_a_role_opens_for_it(tmp_path: Path, role: Role) -> None:
    parts = company(tmp_path, utc_now)
    number = NUMBER if role in (Role.MANAGER, Role.EMPLOYEE) else None
    async with browser(parts, role, branch=BEIJING, number=number) as me:
        for language in LANGUAGES:
            await me.post("/console/language", {"language": language, "back": "/console/help"})
            links = _links(me.page)
            assert len(links) >= 3
            assert await _refused(me, links) == {}
    parts.database.close()


async def test_the_help_for_another_role_has_no_link_that_the_reader_cannot_open(tmp_path: Path) -> None:
    parts = company(tmp_path, utc_now)
    async with browser(parts, Role.FINANCE) as me:
        await me.get("/console/help/for/system_administrator")
        assert "API tokens" in me.text
        assert "/console/tokens" not in me.page
        assert await _refused(me, _links(me.page)) == {}
    parts.database.close()


async def test_the_readers_own_role_opens_first_and_others_can_be_chosen(tmp_path: Path) -> None:
    parts = company(tmp_path, utc_now)
    async with browser(parts, Role.LEGAL) as me:
        await me.get("/console/help")
        assert "You read cases and secure evidence" in me.text
        await me.get("/console/help/for/manager")
        assert "employees who report to you" in me.text
        assert (await me.get("/console/help/for/machine")).status_code == 404
    parts.database.close()


async def test_employees_read_their_help_on_their_own_pages_without_scripts(tmp_path: Path) -> None:
    parts = company(tmp_path, utc_now)
    async with browser(parts, Role.EMPLOYEE, number=NUMBER) as me:
        await me.get("/me")
        assert "/console/help" in _links(me.page)
        for path in ("/console/help", "/console/help/glossary"):
            assert (await me.get(path)).status_code == 200
            assert "<script" not in me.page
            assert 'class="phone"' in me.page
        assert (await me.get("/console/help/for/hr")).status_code == 404
    parts.database.close()


async def test_the_levels_are_told_in_their_exact_words(tmp_path: Path) -> None:
    parts = company(tmp_path, utc_now)
    async with browser(parts, Role.AUDITOR, language="zh-CN") as me:
        await me.get("/console/help")
        for level in Level:
            assert level_words(level, language="zh-CN") in me.text
        assert "短信永远不会显示“已读”" in me.text
    parts.database.close()


async def test_the_glossary_finds_words_in_both_languages(tmp_path: Path) -> None:
    parts = company(tmp_path, utc_now)
    async with browser(parts, Role.HR) as me:
        await me.get("/console/help/glossary", q="Ladder")
        assert "升级阶梯" in me.text
        assert "证据保全" not in me.text
        await me.get("/console/help/glossary", q="证据保全")
        assert "legal hold" in me.text
        await me.get("/console/help/glossary", q="<nothing>")
        assert "No word holds this" in me.text
        assert "&lt;nothing&gt;" in me.page
    parts.database.close()


def test_every_word_of_the_glossary_is_told_once_in_both_languages() -> None:
    names = [one.zh for one in terms()]
    assert len(names) == len(set(names)) > 50
    for one in terms():
        assert all((one.zh, one.en, one.meaning_zh, one.meaning_en))
        assert _CHINESE.search(one.zh), f"{one.en} has no Chinese name"
        assert not _CHINESE.search(one.en + one.meaning_en), f"{one.en} is told in Chinese only"
    assert matching("") == list(terms())


def test_names_in_the_glossary_are_those_of_the_pages() -> None:
    names = {one.en: one.zh for one in terms()}
    assert names["ladder"] == "升级阶梯"
    assert names[level_words(Level.DELIVERED)] == level_words(Level.DELIVERED, language="zh-CN")


async def test_there_is_no_tour_without_the_demo_company(tmp_path: Path) -> None:
    parts = company(tmp_path, utc_now)
    async with browser(parts, Role.HR) as me:
        assert (await me.get("/console/help/demo")).status_code == 404
        assert (await me.get("/console/help/demo/roster.xlsx")).status_code == 404
        await me.get("/console/help")
        assert "/console/help/demo" not in me.page
    parts.database.close()


def _demo(folder: Path) -> Parts:
    parts = Parts(Settings(data_dir=folder, _env_file=None))  # type: ignore[call-arg]
    migrate(parts.database)
    store_shipped_policies(parts.database)
    load_demo(parts)
    return parts


@pytest.mark.sqlite
async def test_the_tour_names_who_signs_in_and_its_links_open(tmp_path: Path) -> None:
    parts = _demo(tmp_path)
    async with browser(parts, Role.HR, login="visitor") as me:
        await me.get("/console/help/demo")
        assert DEMO_HR in me.text
        assert DEMO_PASSWORD in me.text
        assert await _refused(me, _links(me.page)) == {}
    parts.database.close()


@pytest.mark.sqlite
async def test_the_case_of_the_tour_starts_at_the_first_press_as_it_was_shown(tmp_path: Path) -> None:
    parts = _demo(tmp_path)
    with parts.database.reading() as session:
        leave = session.exec(select(Leave.id).join(Person).where(Person.number == "E2004")).one()
    form = {"policy": "demo_at_any_hour"}
    async with browser(parts, Role.HR, login="visitor") as me:
        await me.post(f"/console/start/leave/{leave}", {**form, "do": "look"})
        # The reminder's date has passed, so the page now offers a choice that the form did not have.
        form |= {"overdue.before_end": "run_now"}
        shown = re.search(r'name="shown" value="(\w+)"', me.page)
        assert shown is not None
        answer = await me.post(f"/console/start/leave/{leave}", {**form, "do": "start", "shown": shown[1]})
        assert answer.url.path.startswith("/console/cases/"), me.text
    parts.database.close()


@pytest.mark.sqlite
async def test_the_departure_of_the_tour_stands_as_it_is_told(tmp_path: Path) -> None:
    parts = _demo(tmp_path)
    view = parts.gate_book.of_employee("E2006", Scope())
    assert view is not None
    assert {"documents", "customers", "equipment", "insurance_advance"} <= set(view.gate.codes)
    assert view.gate.owed_fen == 5_265_00
    async with browser(parts, Role.HR, language="en", login="visitor") as me:
        await me.get("/console/departures", q="E2006")
        assert "E2006" in me.text
        await me.get(f"/console/departures/{view.case_id}")
        assert "A loan is owed" not in me.text
        assert "¥5,265.00" in me.text
    today = day_of(parts.clock())
    wish = DepartureWish("E1003", DepartureKind.ABSENCE, today, today, successor="E1001", reason="gone")
    shown = parts.departures.preview(wish)
    assert shown.blocks == ()
    # Nothing waits for an hour of the day, so that the tour can be walked at any.
    assert shown.statutory_version.startswith("demo_statutory")
    assert shown.dates.certificate_at <= parts.clock()
    parts.database.close()


@pytest.mark.sqlite
async def test_the_practice_roster_has_one_good_row_and_one_with_a_fault(tmp_path: Path) -> None:
    parts = _demo(tmp_path)
    content = practice_roster(date(2026, 3, 2))
    async with browser(parts, Role.HR, login="visitor") as me:
        assert (await me.get("/console/help/demo/roster.xlsx")).content[:2] == content[:2] == b"PK"
        await me.post("/console/imports", {"kind": "employees"}, files={"file": ("new.xlsx", content)})
        assert "1 new" in me.text
        assert "1 with faults" in me.text
        assert "Go on with the 1 rows without faults" in me.text
    parts.database.close()


@pytest.mark.parametrize(
    "kind",
    [*BY_HAND.values(), "grading", "overdue_review", "return_day", "extension_review", "objection_review"],
)
def test_what_hr_has_to_do_has_a_name_of_its_own(kind: str) -> None:
    assert _CHINESE.search(name_of("task", kind, "zh-CN"))
    assert " " in name_of("task", kind, "en")
