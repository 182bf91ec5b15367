"""Files handed in on a page: previewed, applied by a second person, and taken back."""

import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from countersign.adapters.database.tables import (
    Branch,
    Case,
    EmergencyContact,
    Employment,
    ImportRun,
    Leave,
    Outbox,
    Person,
    PublishedYear,
)
from countersign.adapters.sheets import read_table
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.ids import new_id
from tests.support.company import BEIJING, NUMBER, add_colleague, add_shanghai, all_of, company
from tests.support.console import Browser, browser, open_account

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
HEAD = "工号,姓名,分支,部门,手机,假别,假期开始,假期结束"
NEW = "E2,王五,北京,物流,13800138001,病假,2026-02-01,2026-03-27"
MOVED = f"{NUMBER},张标记伟,北京,生产部,13800138000,,,"
BAD = "E3,赵六,北京,物流,12,,,"


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path / "data", lambda: NOW)


@pytest.fixture
def alone(tmp_path: Path) -> Parts:
    """Return a company in which one person may hand in and apply."""
    return company(tmp_path / "data", lambda: NOW, four_eyes_imports=False)


def csv(*rows: str, head: str = HEAD) -> bytes:
    return "\n".join((head, *rows)).encode()


async def hand_in(hr: Browser, content: bytes, kind: str = "employees", name: str = "花名册.csv") -> str:
    """Hand a file in; return the address of its page."""
    answer = await hr.post("/console/imports", {"kind": kind}, files={"file": (name, content)})
    assert answer.status_code == 200, hr.text
    return str(answer.url.path)


async def apply(one: Browser, page: str) -> httpx2.Response:
    """Press the button under the preview as it stands now; where there is none, send the form anyway."""
    await one.get(page)
    shown = re.search(r'name="shown" value="(\w+)"', one.page)
    return await one.post(f"{page}/apply", {"shown": shown[1] if shown else ""})


def person(parts: Parts, number: str) -> Any:
    return next((one for one in all_of(parts, Person) if one.number == number), None)


async def test_a_preview_tells_what_would_change_and_writes_nothing(parts: Parts) -> None:
    async with browser(parts) as hr:
        await hand_in(hr, csv(NEW, MOVED, BAD))
        assert "1 new 1 changed 0 unchanged 1 with faults 1 cases to be started" in hr.text
        assert "department — → 生产部" in hr.text
        assert "4 手机 is no phone number that exists" in hr.text
        assert "bad_phone" in hr.text
    assert person(parts, "E2") is None
    assert person(parts, NUMBER).department is None
    assert all_of(parts, Outbox) == []


async def test_refusals_and_changes_are_told_in_chinese(parts: Parts) -> None:
    async with browser(parts, language="zh-CN") as hr:
        await hand_in(hr, csv(NEW, MOVED, BAD))
        assert "没有这样的电话号码" in hr.text
        assert "部门 — → 生产部" in hr.text
        assert "病假" in hr.text
        await hr.post("/console/imports", {"kind": "employees"}, files={"file": ("a.xlsx", b"PK\x03\x04x")})
        assert "已损坏" in hr.text


async def test_a_second_person_applies_and_both_names_are_shown(parts: Parts) -> None:
    async with browser(parts, login="first") as first:
        page = await hand_in(first, csv(NEW, MOVED))
        assert "There is nobody else who could" in first.text
        assert "COUNTERSIGN_FOUR_EYES_IMPORTS" in first.text
        assert f"{page}/apply" not in first.page
        answer = await apply(first, page)
        assert answer.status_code == 409
        assert "Waits for a second person" in first.text
        assert person(parts, "E2") is None
        async with browser(parts, login="second") as second:
            await first.get(page)
            assert "These can apply it: second name" in first.text
            await second.get(page)
            assert "Apply 2 rows" in second.text
            await apply(second, page)
            assert "Handed in first name" in second.text
            assert "Applied second name" in second.text
            assert person(parts, "E2").phone == "+8613800138001"
            assert person(parts, NUMBER).department == "生产部"
            assert [one.kind for one in all_of(parts, Outbox)] == ["leave_due"]
            await apply(second, page)
            assert "Already applied by second name at 2026-03-02 10:00" in second.text


async def test_two_who_apply_at_once_apply_once(alone: Parts) -> None:
    from countersign.imports.handed_in import claim

    async with browser(alone) as hr:
        page = await hand_in(hr, csv(NEW))
        run = alone.import_runs.find(page.rpartition("/")[2], None)
        officer = next(one for one in [alone.accounts.recognise(hr.client.cookies["countersign-session"])])
        assert run is not None
        assert officer is not None
        assert claim(alone, run, officer.officer)
        assert not claim(alone, run, officer.officer)


async def test_the_good_rows_are_applied_only_when_that_was_chosen(alone: Parts) -> None:
    async with browser(alone) as hr:
        page = await hand_in(hr, csv(NEW, BAD))
        assert (await apply(hr, page)).status_code == 409
        assert "Some rows have faults" in hr.text
        await hr.post(f"{page}/good-rows")
        assert "1 rows with faults are left out." in hr.text
        await apply(hr, page)
        assert "applied" in hr.text
    assert person(alone, "E2") is not None
    assert person(alone, "E3") is None


async def test_a_file_in_which_every_row_is_bad_cannot_be_applied(alone: Parts) -> None:
    async with browser(alone) as hr:
        page = await hand_in(hr, csv(BAD))
        assert "Every row has a fault" in hr.text
        await hr.post(f"{page}/good-rows")
        assert (await apply(hr, page)).status_code == 409
        await hand_in(hr, csv("E9,x,北京,工资", head="工号,姓名,分支,工资"))
        assert "0 new 0 changed 0 unchanged 1 with faults" in hr.text


async def test_data_that_changed_meanwhile_give_a_new_preview_and_apply_nothing(alone: Parts) -> None:
    async with browser(alone) as hr:
        page = await hand_in(hr, csv(NEW, MOVED))
        with alone.database.transaction() as session:
            session.exec(select(Person).where(Person.number == NUMBER)).one().department = "生产部"
        await apply(hr, page)
        assert "The data have changed since this file was checked" in hr.text
        assert "1 new 0 changed 1 unchanged" in hr.text
        assert person(alone, "E2") is None
        await apply(hr, page)
        assert person(alone, "E2") is not None


async def test_the_same_bytes_twice_lead_to_what_became_of_them(alone: Parts) -> None:
    async with browser(alone) as hr:
        page = await hand_in(hr, csv(NEW))
        assert await hand_in(hr, csv(NEW)) == page
        assert "was handed in already and waits here" in hr.text
        await apply(hr, page)
        assert await hand_in(hr, csv(NEW), name="copy.csv") == page
        assert "This file was applied already on 2026-03-02 10:00 by hr name." in hr.text
        assert len(all_of(alone, ImportRun)) == 1
        await hr.post(f"{page}/undo")
        assert await hand_in(hr, csv(NEW)) != page


async def test_the_error_workbook_can_be_mended_and_handed_in_again(alone: Parts) -> None:
    async with browser(alone, language="zh-CN") as hr:
        page = await hand_in(hr, csv(NEW, BAD, "E4,=1+1,北京,,13800138004,,2026-02-01,"))
        answer = await hr.get(f"{page}/faults.xlsx")
        sheet = read_table(answer.content, "faults.xlsx")
        assert sheet.headers == tuple(HEAD.split(","))
        assert [row.number for row in sheet.rows] == [2, 3, 4]
        assert sheet.rows[2].cells["姓名"] == "=1+1"
        with io.BytesIO(answer.content) as file:
            import zipfile

            parts_of = zipfile.ZipFile(file)
            comments = parts_of.read("xl/comments1.xml").decode()
            listed = parts_of.read("xl/sharedStrings.xml").decode()
        assert set(re.findall(r'<comment ref="(\w+)"', comments)) == {"E3", "F4", "H4"}
        assert "没有这样的电话号码" in comments
        assert "没有这样的电话号码" in listed
        mended = csv(NEW, BAD.replace(",12,", ",13800138003,"))
        await hand_in(hr, mended)
        assert "0 有错误" in hr.text


async def test_an_unreadable_or_empty_file_is_refused_on_the_form(parts: Parts) -> None:
    async with browser(parts) as hr:
        for content, word in (
            (b"", "is empty"),
            (b"<html><table>", "web page (HTML)"),
            (csv(), "holds only headers"),
            (b"x" * (parts.settings.upload_limit_bytes + 1), "larger than 10 MB"),
        ):
            files = {"file": ("表.xls", content)}
            answer = await hr.post("/console/imports", {"kind": "courier"}, files=files)
            assert answer.status_code == 422
            assert word in hr.text
            assert 'value="courier" selected' in hr.page
        answer = await hr.post("/console/imports", {"kind": "employees"})
        assert (answer.status_code, "Choose a file." in hr.text) == (422, True)
        answer = await hr.post("/console/imports", {"kind": "x"}, files={"file": ("a.csv", csv(NEW))})
        assert (answer.status_code, "Choose what the file holds." in hr.text) == (422, True)
        huge = b"x" * (parts.settings.upload_limit_bytes * 5)
        answer = await hr.post("/console/imports", {"kind": "courier"}, files={"file": ("a.csv", huge)})
        assert (answer.status_code, "too large" in hr.text) == (413, True)
    assert all_of(parts, ImportRun) == []


async def test_an_officer_of_a_branch_imports_that_branch_alone(alone: Parts) -> None:
    add_shanghai(alone)
    add_colleague(alone, "E8", branch_id="01SHANGHAI0000000000000000")
    async with browser(alone, login="local", branch=BEIJING) as local:
        page = await hand_in(local, csv(NEW, "E5,孙七,上海,,,,,", "E8,同事E8,北京,,,,,"))
        assert '3 分支 is not "北京", the branch you work for' in local.text
        assert "4 工号 belongs to a person of another branch" in local.text
        await local.post(f"{page}/good-rows")
        await apply(local, page)
        assert person(alone, "E2") is not None
        assert person(alone, "E5") is None
        days = csv("2027-10-01,休,x", head="日期,类型,文号")
        answer = await local.post("/console/imports", {"kind": "calendar"}, files={"file": ("a.csv", days)})
        assert (answer.status_code, "Ask head office" in local.text) == (422, True)
        async with browser(alone, login="other", branch="上海") as other:
            for path in ("", "/file", "/undo", "/faults.xlsx"):
                assert (await other.get(f"{page}{path}")).status_code == 404
            assert (await other.post(f"{page}/undo")).status_code == 404
            await other.get("/console/imports")
            assert "花名册.csv" not in other.text


async def test_an_import_is_undone_whole(alone: Parts) -> None:
    tables = (Branch, Person, Employment, EmergencyContact, Leave, Outbox)

    def stand() -> list[Any]:
        return [sorted(str(row.model_dump()) for row in all_of(alone, table)) for table in tables]

    before = stand()
    head = "工号,姓名,分支,地区,部门,直属上级工号,入职日期,离职日期,紧急联系人,假别,假期开始,假期结束"
    rows = (
        "E2,王五,广州,广东,物流,E3,2020-01-01,,李娜,病假,2026-02-01,2026-03-27",
        "E3,赵六,广州,广东,,,2019-01-01,2025-01-01,,,,",
        f"{NUMBER},张玮,广州,广东,生产部,E3,2024-01-02,2026-02-01,,,,",
    )
    async with browser(alone) as hr:
        page = await hand_in(hr, csv(*rows, head=head))
        await apply(hr, page)
        assert len(all_of(alone, Person)) == 3
        assert person(alone, NUMBER).name == "张玮"
        assert stand() != before
        await hr.get(f"{page}/undo")
        assert "4 people and branches can be undone 0 cannot" in hr.text
        await hr.post(f"{page}/undo")
        assert "The import was undone." in hr.text
        assert stand() == before
        await hr.post(f"{page}/undo")
        assert "Somebody was faster" in hr.text


async def test_what_was_built_upon_stays_and_is_listed_by_row(alone: Parts) -> None:
    third = "E4,孙七,北京,物流,13800138004,病假,2026-02-01,2026-03-27"
    async with browser(alone) as hr:
        page = await hand_in(hr, csv(NEW, MOVED, third, "E5,周八,北京,,,,,"))
        await apply(hr, page)
        with alone.database.transaction() as session:
            session.exec(select(Person).where(Person.number == NUMBER)).one().department = "财务"
            leave = session.exec(select(Leave).join(Person).where(Person.number == "E4")).one()
            session.add(_case(leave))
        add_colleague(alone, "E6", manager_number="E5")
        await hr.get(f"{page}/undo")
        assert "1 people and branches can be undone 3 cannot" in hr.text
        assert f"3 {NUMBER} 部门 was changed since" in hr.text
        assert "4 E4 a case, a paper, an account or a message refers to this person since" in hr.text
        assert "5 E5 somebody else has this person as their superior" in hr.text
        answer = await hr.post(f"{page}/undo")
        assert answer.status_code == 422
        assert person(alone, "E2") is not None
        await hr.post(f"{page}/undo", {"part": "yes"})
        assert "What could be undone was undone; 3 entries stay as they are." in hr.text
        assert person(alone, "E2") is None
        assert person(alone, "E4") is not None
        assert person(alone, NUMBER).department == "财务"


def _case(leave: Leave) -> Case:
    return Case(
        id=new_id(),
        kind="leave_return",
        workflow_id="leave-return/x",
        person_id=leave.person_id,
        branch_id=BEIJING,
        leave_id=leave.id,
        policy_version="1",
        state="running",
        stage="ladder",
        created_at=NOW,
    )


async def test_a_leave_that_ended_otherwise_before_is_waited_for_again(alone: Parts) -> None:
    async with browser(alone) as hr:
        first = await hand_in(hr, csv(NEW))
        await apply(hr, first)
        [order] = all_of(alone, Outbox)
        second = await hand_in(hr, csv(NEW.replace("03-27", "04-30")))
        await apply(hr, second)
        assert all_of(alone, Outbox)[0].due_at > order.due_at
        await hr.post(f"{second}/undo")
        assert all_of(alone, Outbox)[0].due_at == order.due_at
        assert str(all_of(alone, Leave)[0].ends_on) == "2026-03-27"


async def test_an_import_that_was_interrupted_goes_on_and_can_be_undone(
    alone: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from countersign.adapters.roster import importing

    monkeypatch.setattr(importing, "PEOPLE_PER_TRANSACTION", 1)
    original = alone.database.write
    left = 2

    def cut(work: Any) -> Any:
        nonlocal left
        if "write_people" in repr(work):
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
        return original(work)

    async with browser(alone) as hr:
        page = await hand_in(hr, csv(NEW, MOVED, "E4,孙七,北京,,,,,"))
        monkeypatch.setattr(alone.database, "write", cut)
        with pytest.raises(BaseException):  # noqa: B017, PT011 - the process ends here
            await apply(hr, page)
        monkeypatch.setattr(alone.database, "write", original)
        assert (person(alone, "E2") is None, person(alone, "E4") is None) == (False, True)
        await hr.post(f"{page}/again")
        assert person(alone, "E4") is None, "what still works on it is left alone"
        monkeypatch.setitem(globals(), "NOW", datetime(2026, 3, 2, 2, 10, tzinfo=UTC))
        await hr.get(page)
        assert "the program may have been restarted" in hr.text
        await hr.post(f"{page}/again")
        assert person(alone, "E4") is not None
        await hr.post(f"{page}/undo")
        assert [one.number for one in all_of(alone, Person)] == [NUMBER]


async def test_a_withdrawn_file_is_over(alone: Parts) -> None:
    async with browser(alone) as hr:
        page = await hand_in(hr, csv(NEW))
        await hr.post(f"{page}/withdraw")
        assert "The file was withdrawn" in hr.text
        await apply(hr, page)
        assert person(alone, "E2") is None
        await hr.get("/console/imports")
        assert "withdrawn" in hr.text


async def test_a_calendar_shows_its_days_and_the_cases_it_moves(alone: Parts) -> None:
    rows = ("2027-10-01,休,国办发明电〔2026〕9号", "2027-10-09,班,")
    async with browser(alone) as hr:
        page = await hand_in(hr, csv(*rows, head="日期,类型,文号"), "calendar", "2027.csv")
        assert "2 new 0 changed 0 unchanged 0 with faults 0 cases planned again" in hr.text
        assert "day 2027-10-01 kind of day a day off" in hr.text
        assert all_of(alone, PublishedYear) == []
        await apply(hr, page)
        assert all_of(alone, PublishedYear)[0].year == 2027
        assert (await hr.get(f"{page}/undo")).status_code == 404
        await hand_in(hr, csv("2027-10-02,班,x", "2027-10-01,工作,x", head="日期,类型,文号"), "calendar")
        assert "2 with faults" in hr.text
        assert "Every row has a fault" in hr.text


async def test_a_courier_list_of_unknown_letters_is_refused_by_row(alone: Parts) -> None:
    head = "运单号,状态,时间,说明"
    async with browser(alone) as hr:
        await hand_in(hr, csv("EA123456789CN,签收,2026-02-24 15:04,", head=head), "courier")
        assert "no posted letter bears this number" in hr.text
        assert "EA123456789CN" not in hr.text


async def test_templates_come_in_every_kind_and_unknown_runs_are_missing(parts: Parts) -> None:
    async with browser(parts) as hr:
        await hr.get("/console/imports")
        assert "No file has been handed in yet" in hr.text
        for kind, header in (("employees", "工号"), ("calendar", "日期"), ("courier", "运单号")):
            answer = await hr.get(f"/console/imports/template/{kind}")
            assert read_table(answer.content, "t.xlsx").headers[0] == header
        assert (await hr.get("/console/imports/template/x")).status_code == 404
        assert (await hr.get("/console/imports/x")).status_code == 404


async def test_rows_are_paged_and_counted_whole(parts: Parts) -> None:
    rows = [f"E{number},同事{number},北京,物流,,,," for number in range(2000, 2260)]
    async with browser(parts) as hr:
        page = await hand_in(hr, csv(*rows))
        assert "260 new" in hr.text
        assert "The first 200 rows of 260." in hr.text
        assert "employee E2049" in hr.text
        assert "employee E2050" not in hr.text
        await hr.get(page, page="4")
        assert "employee E2199" in hr.text
        assert "employee E2149" not in hr.text


async def test_the_file_is_handed_out_as_it_came(parts: Parts) -> None:
    async with browser(parts) as hr:
        page = await hand_in(hr, csv(NEW))
        answer = await hr.get(f"{page}/file")
        assert answer.content == csv(NEW)
        assert "花名册" not in answer.headers["content-disposition"]


def test_only_those_of_the_same_branch_count_as_second_people(parts: Parts) -> None:
    add_shanghai(parts)
    mine = open_account(parts, Role.HR, "mine", branch=BEIJING)
    open_account(parts, Role.HR, "shanghai", branch="上海")
    open_account(parts, Role.AUDITOR, "auditor")
    head = open_account(parts, Role.SYSTEM_ADMINISTRATOR, "head")
    officer = parts.accounts.recognise(parts.accounts.open(mine, ""))
    assert officer is not None
    run_id, _ = parts.import_runs.add("employees", "a.csv", "0" * 64, 1, officer.officer)
    run = parts.import_runs.find(run_id, None)
    assert run is not None
    assert parts.import_runs.second_people(run) == ["head name"]
    parts.accounts.disable(head)
    assert parts.import_runs.second_people(run) == []
