"""Many cases at one wish: previewed row by row, carried out in the background, told row by row."""

import asyncio
import io
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from sqlmodel import col, select

from api.app import create_app
from countersign.adapters.database.start_desk import MOST_LEAVES
from countersign.adapters.database.starts import Starts, StartWish
from countersign.adapters.database.tables import BulkStartRow, Case, EventRow, Leave, Person
from countersign.adapters.list_files import workbook
from countersign.bootstrap import Parts
from countersign.ids import new_id
from tests.support.company import BEIJING, SHANGHAI, add_colleague, add_shanghai, company
from tests.support.console import Browser, browser

NOW = datetime(2026, 2, 2, 2, tzinfo=UTC)
ENDS = date(2026, 3, 13)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, lambda: NOW)


def roster(parts: Parts, count: int, branch: str = BEIJING, letter: str = "F") -> dict[str, str]:
    """Put people with a leave each into the company; return the leaves by employee number."""
    with parts.database.transaction() as session:
        people = [
            Person(
                id=new_id(),
                number=f"{letter}{n:04d}",
                name=f"同事{letter}{n}",
                branch_id=branch,
                phone=f"+86137{n:08d}",
                email=f"{letter.lower()}{n}@example.com",
            )
            for n in range(count)
        ]
        session.add_all(people)
        session.flush()
        leaves = [
            Leave(id=new_id(), person_id=one.id, kind="sick", starts_on=date(2026, 1, 1), ends_on=ENDS)
            for one in people
        ]
        session.add_all(leaves)
        return {one.number: leave.id for one, leave in zip(people, leaves, strict=True)}


def shanghai(parts: Parts) -> None:
    add_shanghai(parts)


def rows(parts: Parts) -> list[BulkStartRow]:
    with parts.database.reading() as session:
        return list(session.exec(select(BulkStartRow).order_by(col(BulkStartRow.position))).all())


def cases(parts: Parts) -> list[Case]:
    with parts.database.reading() as session:
        return list(session.exec(select(Case)).all())


def begun(parts: Parts, leaves: list[str], account: str) -> str:
    """Store a bulk start; return its id."""
    officer = parts.accounts.officer(account)
    assert officer is not None
    bulk_id = new_id()
    assert parts.bulk_starts.begin(bulk_id, leaves, officer, policy=None, overdue=None)
    return bulk_id


def ticked(page: str) -> dict[str, object]:
    """Return the form of a preview as a browser sends it when nothing is changed."""
    values = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in ("key", "shown")}
    return {
        **{name: found[1] for name, found in values.items() if found},
        "all": re.findall(r'name="all" value="(\w+)"', page),
        "leave": re.findall(r'name="leave" value="(\w+)" checked', page),
    }


async def previewed(hr: Browser, numbers: str, **more: str) -> dict[str, object]:
    answer = await hr.post("/console/start/bulk", {"numbers": numbers, **more})
    assert answer.status_code == 200, hr.text
    return {**ticked(hr.page), **more}


async def test_two_hundred_rows_with_faulty_ones_are_started_or_told_why(parts: Parts) -> None:
    leaves = roster(parts, 200)
    numbers = list(leaves)
    there = parts.starts.start(StartWish(leaves["F0007"]), {"role": "hr", "id": "x"})
    add_colleague(parts, "N1")
    with parts.database.transaction() as session:
        session.get_one(Leave, leaves["F0011"]).starts_on = date(2026, 4, 1)
    async with browser(parts) as hr:
        form = await previewed(hr, "，".join([*numbers, "X404", "N1"]))
        assert "Preview: 198 of 202 can start" in hr.text
        for words in (
            "X404 cannot start Nobody here has this employee number",
            "N1 cannot start No leave is on record",
            "cannot start It has its case already",
            "cannot start It ends before it begins",
        ):
            assert words in hr.text
        assert there in hr.page
        assert len(form["leave"]) == 198  # type: ignore[arg-type]
        # What can no longer start when its turn comes is told in the result.
        taken = parts.starts.start(StartWish(leaves["F0100"]), {"role": "hr", "id": "x"})
        with parts.database.transaction() as session:
            session.get_one(Leave, leaves["F0150"]).starts_on = date(2026, 4, 1)
        await hr.post("/console/start/bulk/begin", form)
        assert "0 of 198 leaves done" in hr.text
        assert 'hx-trigger="every 2s"' in hr.page
        while parts.bulk_starts.carry_on():
            pass
        answer = await hr.get(f"/console/start/bulk/{form['key']}")
        assert answer.status_code == 200
        assert "Done: 196 of 198 cases started" in hr.text
        assert 'hx-trigger="every 2s"' not in hr.page
        assert f"/console/cases/{taken}" in hr.page
        assert "It ends before it begins" in hr.text
    states = [row.state for row in rows(parts)]
    assert (states.count("started"), states.count("refused")) == (196, 2)
    assert len({case.leave_id for case in cases(parts)}) == len(cases(parts)) == 198


async def test_a_bulk_start_goes_on_after_a_restart_and_starts_nothing_twice(parts: Parts) -> None:
    leaves = roster(parts, 12)
    async with browser(parts) as hr:
        bulk_id = begun(parts, list(leaves.values()), hr.account_id)
        assert 1 <= parts.bulk_starts.carry_on(0.001) < 12
        half = {row.leave_id: row.case_id for row in rows(parts) if row.state == "started"}
        # Another process: nothing but the database is left of the first.
        again = Parts(parts.settings, parts.clock)
        while again.bulk_starts.carry_on():
            pass
        again.database.close()
        await hr.get(f"/console/start/bulk/{bulk_id}")
        assert "Done: 12 of 12 cases started" in hr.text
    assert len(cases(parts)) == 12
    after = {row.leave_id: row.case_id for row in rows(parts)}
    assert {leave: after[leave] for leave in half} == half
    with parts.database.reading() as session:
        lines = session.exec(select(EventRow.line).where(EventRow.kind == "case.started")).all()
    assert all(f"account:{hr.account_id}" in line for line in lines)


async def test_a_crash_amid_a_row_leaves_neither_a_case_nor_a_settled_row(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves = roster(parts, 2)
    whole = Starts.start_in

    def dies_after(self: Starts, *wish: object) -> str:
        whole(self, *wish)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    async with browser(parts) as hr:
        begun(parts, list(leaves.values()), hr.account_id)
        monkeypatch.setattr(Starts, "start_in", dies_after)
        with pytest.raises(KeyboardInterrupt):
            parts.bulk_starts.carry_on()
        assert cases(parts) == []
        assert [row.state for row in rows(parts)] == ["waiting", "waiting"]
        monkeypatch.undo()
        parts.bulk_starts.carry_on(10)
    assert [row.state for row in rows(parts)] == ["started", "started"]
    assert {row.case_id for row in rows(parts)} == {case.id for case in cases(parts)}


async def test_a_fault_of_the_product_in_one_row_does_not_hold_up_the_others(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    leaves = roster(parts, 3)
    whole, broken = Starts.start_in, leaves["F0001"]

    def breaks(self: Starts, session: object, wish: StartWish, actor: object) -> str:
        if wish.leave_id == broken:
            raise KeyError("同事F1")
        return whole(self, session, wish, actor)  # type: ignore[arg-type]

    async with browser(parts) as hr:
        begun(parts, list(leaves.values()), hr.account_id)
        monkeypatch.setattr(Starts, "start_in", breaks)
        parts.bulk_starts.carry_on(10)
    assert [row.state for row in rows(parts)] == ["started", "refused", "started"]
    assert "KeyError" in (rows(parts)[1].sentence or "")
    assert "同事F1" not in caplog.text


async def test_a_form_that_is_sent_twice_begins_once(parts: Parts) -> None:
    roster(parts, 3)
    async with browser(parts) as hr:
        form = await previewed(hr, "F0000 F0001 F0002")
        hr.client.follow_redirects = False
        first = await hr.post("/console/start/bulk/begin", form)
        second = await hr.post("/console/start/bulk/begin", form)
        assert first.status_code == second.status_code == 303
        assert first.headers["location"] == second.headers["location"]
    assert len(rows(parts)) == 3


async def test_only_what_is_ticked_starts(parts: Parts) -> None:
    leaves = roster(parts, 3)
    async with browser(parts) as hr:
        form = await previewed(hr, "F0000 F0001 F0002")
        await hr.post("/console/start/bulk/begin", {**form, "leave": [leaves["F0001"]]})
        assert "0 of 1 leaves done" in hr.text
        answer = await hr.post("/console/start/bulk/begin", {**form, "key": new_id(), "leave": []})
        assert answer.status_code == 422
        assert "Tick at least one leave" in hr.text
        assert hr.page.count('name="leave"') == 3
    assert [row.leave_id for row in rows(parts)] == [leaves["F0001"]]


async def test_choices_that_changed_after_the_preview_are_shown_again(parts: Parts) -> None:
    roster(parts, 2)
    async with browser(parts) as hr:
        form = await previewed(hr, "F0000 F0001")
        answer = await hr.post("/console/start/bulk/begin", {**form, "overdue": "skip"})
        assert answer.status_code == 422
        assert "The choices have changed" in hr.text
        await hr.post("/console/start/bulk/begin", {**ticked(hr.page), "overdue": "skip"})
        assert "leave them out" in hr.text
    assert len(rows(parts)) == 2


async def test_steps_whose_date_has_passed_are_decided_for_all_at_once(parts: Parts) -> None:
    leaves = roster(parts, 2)
    with parts.database.transaction() as session:
        for one in leaves.values():
            session.get_one(Leave, one).ends_on = date(2026, 1, 20)
    async with browser(parts) as hr:
        await previewed(hr, "F0000 F0001")
        assert "In 2 cases the date of a step has passed" in hr.text
        form = await previewed(hr, "F0000 F0001", overdue="run_now")
        assert "the date of a step has passed" not in hr.text
        await hr.post("/console/start/bulk/begin", form)
        parts.bulk_starts.carry_on(10)
    for case in cases(parts):
        assert case.frozen["overdue"]["first_notice"] == "run_now"


async def test_a_branch_starts_none_of_another_and_sees_none_of_its_lists(parts: Parts) -> None:
    shanghai(parts)
    own, foreign = roster(parts, 1, SHANGHAI, "S"), roster(parts, 1)
    async with browser(parts, login="all") as company_wide:
        bulk_id = begun(parts, list(foreign.values()), company_wide.account_id)
    async with browser(parts, branch="上海") as hr:
        await hr.get("/console/start/bulk", **{"from": "2026-03-01", "to": "2026-03-31"})
        assert "S0000" in hr.text
        assert "F0000" not in hr.text
        form = await previewed(hr, "S0000 F0000")
        assert "F0000 cannot start Nobody here has this employee number" in hr.text
        both = {**form, "leave": [*own.values(), *foreign.values()]}
        answer = await hr.post("/console/start/bulk/begin", both)
        assert answer.status_code == 422
        assert "1 of these leaves are not known here" in hr.text
        assert (await hr.get(f"/console/start/bulk/{bulk_id}")).status_code == 404
        assert (await hr.get(f"/console/start/bulk/{bulk_id}/result.csv")).status_code == 404
        assert (await hr.post("/console/start/bulk/begin", {**form, "key": bulk_id})).status_code == 404
    assert [row.leave_id for row in rows(parts)] == list(foreign.values())


async def test_somebody_who_moved_to_another_branch_meanwhile_is_not_started(parts: Parts) -> None:
    shanghai(parts)
    leaves = roster(parts, 1)
    async with browser(parts, branch="北京") as hr:
        bulk_id = begun(parts, list(leaves.values()), hr.account_id)
        with parts.database.transaction() as session:
            session.exec(select(Person).where(Person.number == "F0000")).one().branch_id = SHANGHAI
        parts.bulk_starts.carry_on(10)
        await hr.get(f"/console/start/bulk/{bulk_id}")
        assert "No such leave is in this branch any more" in hr.text
        assert "同事F0" not in hr.text
    assert cases(parts) == []


async def test_a_list_is_read_from_a_workbook_and_a_column_without_its_name_is_refused(parts: Parts) -> None:
    roster(parts, 2)
    async with browser(parts) as hr:
        for header, status in (("工号", 200), ("人员", 422)):
            content = workbook(("姓名", header), [("甲", "F0000"), ("乙", "F0001")], "名单")
            answer = await hr.post("/console/start/bulk", files={"list": ("名单.xlsx", content)})
            assert answer.status_code == status
            if status == 200:
                assert "Preview: 2 of 2 can start" in hr.text
            else:
                assert "no column is called 工号" in hr.text


async def test_more_than_a_thousand_are_refused_with_the_number(parts: Parts) -> None:
    leaves = roster(parts, MOST_LEAVES + 1)
    async with browser(parts) as hr:
        answer = await hr.post("/console/start/bulk", {"numbers": "\n".join(leaves)})
        assert answer.status_code == 422
        assert "1001 leaves are too many at once; choose at most 1000" in hr.text
        assert "F0500" in hr.text, "what was pasted is kept"


async def test_the_result_is_handed_out_as_workbook_and_csv_in_the_readers_words(parts: Parts) -> None:
    leaves = roster(parts, 2)
    parts.starts.start(StartWish(leaves["F0001"]), {"role": "hr", "id": "x"})
    async with browser(parts, language="zh-CN") as hr:
        bulk_id = begun(parts, list(leaves.values()), hr.account_id)
        parts.bulk_starts.carry_on(10)
        answer = await hr.get(f"/console/start/bulk/{bulk_id}/result.xlsx")
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
        assert [row[1] for row in sheet] == ["工号", "F0000", "F0001"]
        assert [row[5] for row in sheet[1:]] == ["已发起", "未发起"]
        assert sheet[2][7] == "该假期已有案件"
        answer = await hr.get(f"/console/start/bulk/{bulk_id}/result.csv")
        assert "F0001" in answer.text
        assert (await hr.get(f"/console/start/bulk/{bulk_id}/result.exe")).status_code == 404


async def test_nothing_chosen_is_said_and_days_that_are_none_are_refused(parts: Parts) -> None:
    async with browser(parts) as hr:
        answer = await hr.post("/console/start/bulk", {})
        assert answer.status_code == 422
        assert "Choose at least one leave" in hr.text
        answer = await hr.get("/console/start/bulk", **{"from": "32.13.2026"})
        assert answer.status_code == 422
        assert "Write a day like 2026-02-13" in hr.text


async def test_the_application_carries_a_bulk_start_on_by_itself(parts: Parts) -> None:
    leaves = roster(parts, 5)
    async with browser(parts) as hr:
        begun(parts, list(leaves.values()), hr.account_id)
    app = create_app(parts, dispatch=False)
    async with app.router.lifespan_context(app):
        for _ in range(200):
            await asyncio.sleep(0.1)
            if all(row.state == "started" for row in rows(parts)):
                break
    assert [row.state for row in rows(parts)] == ["started"] * 5
