"""The first screen, the search and the list of cases."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from sqlmodel import select

from countersign.adapters.database.case_lists import CaseFilter, Show, Sort
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Branch, Case, Person, Task
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from tests.support.company import BEIJING, company
from tests.support.console import browser
from tests.support.crowd import crowd

NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
HR = frozenset({"hr"})


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    made = company(tmp_path, lambda: NOW)
    crowd(made, 90, 60)
    return made


def rows(parts: Parts) -> list[tuple[Case, Person]]:
    with parts.database.reading() as session:
        return list(session.exec(select(Case, Person).join(Person)))


async def test_the_figures_on_top_are_those_of_the_books(parts: Parts) -> None:
    found = parts.case_lists.summary(Scope(), HR, NOW)
    cases = [case for case, _ in rows(parts)]
    midnight = datetime(2026, 3, 4, 16, tzinfo=UTC)
    assert found.mine == sum(case.holder == "hr" for case in cases) > 0
    assert found.overdue == sum(case.due_at is not None and case.due_at < NOW for case in cases) > 0
    assert found.others == sum(case.holder != "hr" for case in cases) > 0
    assert found.today == sum(case.next_at is not None and case.next_at < midnight for case in cases) > 0
    assert sum(one.count for one in parts.case_lists.stages(Scope(), NOW)) == len(cases)
    async with browser(parts) as hr:
        for figure, words in ((found.mine, "For me to do"), (found.overdue, "Overdue")):
            assert f"{figure} {words}" in hr.text


async def test_the_most_urgent_task_stands_first_and_says_whose_deadline_it_is(parts: Parts) -> None:
    tasks = parts.case_lists.tasks(Scope(), HR, 1000)
    dues = [task.due_at for task in tasks]
    assert dues == sorted(dues)
    assert len(tasks) == parts.case_lists.summary(Scope(), HR, NOW).mine
    async with browser(parts) as hr:
        first = hr.text.index(tasks[0].case.number)
        assert hr.text.index(tasks[1].case.number) > first
        assert "over target" in hr.text


async def test_a_done_task_and_a_closed_case_wait_for_nobody(parts: Parts) -> None:
    before = parts.case_lists.summary(Scope(), HR, NOW).mine
    one, other = parts.case_lists.tasks(Scope(), HR, 2)
    with parts.database.transaction() as session:
        task = session.get_one(Task, one.id)
        task.done_at = NOW
        closed = session.get_one(Case, other.case.id)
        closed.state = "closed"
    assert parts.case_lists.summary(Scope(), HR, NOW).mine == before - 2
    assert not {one.id, other.id} & {task.id for task in parts.case_lists.tasks(Scope(), HR, 1000)}


@pytest.mark.parametrize("show", [Show.OVERDUE, Show.OTHERS, Show.TODAY])
async def test_each_tile_leads_to_as_many_cases_as_it_counts(parts: Parts, show: Show) -> None:
    counted = parts.case_lists.summary(Scope(), HR, NOW)
    listed = parts.case_lists.waiting(Scope(), HR, show, NOW, 1000)
    assert len(listed) == {"overdue": counted.overdue, "others": counted.others, "today": counted.today}[show]


async def test_an_officer_of_one_branch_sees_that_branch_alone(parts: Parts) -> None:
    with parts.database.reading() as session:
        branch = session.exec(select(Branch).where(Branch.name == "华北分公司")).one()
    own = [person for case, person in rows(parts) if case.branch_id == branch.id]
    other = next(person for case, person in rows(parts) if case.branch_id != branch.id)
    async with browser(parts, branch="华北分公司") as hr:
        await hr.get("/console/cases")
        assert f"Cases {len(own)}" in hr.text
        await hr.get("/console/search", q=other.number)
        assert other.name not in hr.text
    assert parts.case_lists.summary(Scope(BEIJING), HR, NOW).others == 0


async def test_a_manager_sees_the_cases_of_the_team_alone(parts: Parts) -> None:
    team = {person.number for _, person in rows(parts) if person.manager_number == "P00001"}
    async with browser(parts, Role.MANAGER, number="P00001") as manager:
        await manager.get("/console/cases")
        assert team
        assert f"Cases {len(team)}" in manager.text
        assert all(number in manager.text for number in team)


async def test_filters_narrow_the_list_stand_in_the_address_and_can_be_kept(parts: Parts) -> None:
    wanted = CaseFilter(stage="posting_due", due="overdue")
    shown = parts.case_lists.page(Scope(), wanted, 1, NOW)
    assert 0 < shown.total < 60
    assert all(line.stage == "posting_due" and line.due_at < NOW for line in shown.lines if line.due_at)
    async with browser(parts) as hr:
        await hr.get("/console/cases", stage="posting_due", due="overdue")
        assert f"Cases {shown.total}" in hr.text
        await hr.post(
            "/console/cases/filters", {"name": "letters", "query": "stage=posting_due&due=overdue&x=1"}
        )
        assert "The filter was saved as letters." in hr.text
        assert "stage=posting_due&amp;due=overdue&quot;" in hr.page.replace('"', "&quot;")
        (kept,) = parts.saved_filters.of(hr.account_id, "cases")
        assert kept.query == "stage=posting_due&due=overdue"
        async with browser(parts, login="another") as other:
            await other.get("/console/cases")
            assert "letters" not in other.text
            await other.post(f"/console/cases/filters/{kept.id}/forget")
        await hr.post(f"/console/cases/filters/{kept.id}/forget")
        assert "letters" not in hr.text


async def test_a_filter_that_nobody_knows_asks_for_nothing_and_a_page_too_far_is_the_last(
    parts: Parts,
) -> None:
    async with browser(parts) as hr:
        await hr.get("/console/cases", stage="nowhere", state="x", kind="y", due="z", sort="q", page="99")
        assert "Cases 60" in hr.text
        assert "Page 2 of 2" in hr.text


@pytest.mark.parametrize("sort", list(Sort))
async def test_every_order_shows_every_case_once(parts: Parts, sort: Sort) -> None:
    pages = [parts.case_lists.page(Scope(), CaseFilter(sort=sort), number, NOW) for number in (1, 2)]
    ids = [line.id for page in pages for line in page.lines]
    assert len(ids) == len(set(ids)) == 60


async def test_the_list_is_taken_along_as_a_workbook_and_as_csv(parts: Parts) -> None:
    with parts.database.transaction() as session:
        person = session.get_one(Person, rows(parts)[0][1].id)
        person.name = "=HYPERLINK(1)"
    async with browser(parts) as hr:
        book = await hr.get("/console/cases.xlsx", sort="number")
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(book.content)).get_sheet_by_index(0).to_python()
        assert sheet[0][:4] == ["Case", "Process", "Employee number", "Name"]
        assert len(sheet) == 61
        assert "=HYPERLINK(1)" in [row[3] for row in sheet]
        told = (await hr.get("/console/cases.csv")).content.decode("utf-8-sig")
        assert "'=HYPERLINK(1)" in told
        assert ",=HYPERLINK" not in told


async def test_the_search_finds_people_and_cases_and_says_when_there_is_nobody(parts: Parts) -> None:
    case, person = rows(parts)[5]
    async with browser(parts) as hr:
        await hr.get("/console/search", q=person.number)
        assert f"{person.number} {person.name}" in hr.text
        await hr.get("/console/search", q=case.id.lower())
        assert person.number in hr.text
        await hr.get("/console/search", q="nobody-of-this-name")
        assert "Nobody is called so" in hr.text


async def test_what_a_case_says_next_is_kept_with_it(parts: Parts) -> None:
    soon = parts.case_lists.waiting(Scope(), HR, Show.TODAY, NOW, 1)[0]
    assert soon.next_at is not None
    assert soon.next_at < NOW + timedelta(hours=14)
    assert soon.next_step is not None
    assert soon.next_step["state"] == "planned"
