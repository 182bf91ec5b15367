"""The calendar: notices read from their words, what they move, and nothing written before it is applied."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from sqlmodel import select

from countersign.adapters.calendar_notice import NoticeRefused, read_notice
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.starts import INPUT, StartWish
from countersign.adapters.database.tables import Approval, Case, Outbox, PublishedYear
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.calendar import CalendarYear, load_shipped_calendar
from countersign.domain.leave_return import leave_dates, step_names
from countersign.domain.planner import plan
from countersign.imports import import_file
from tests.support.company import add_leave, company
from tests.support.console import browser

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
NOTICE_2025 = """国务院办公厅关于2025年部分节假日安排的通知
国办发明电〔2024〕12号
各省、自治区、直辖市人民政府：
根据2024年11月10日公布的修改《全国年节及纪念日放假办法》的决定，现将放假调休日期的具体安排通知如下。
一、元旦：1月1日（周三）放假1天，不调休。
二、春节：1月28日（农历除夕、周二）至2月4日（农历正月初七、周二）放假调休，共8天。1月26日（周日）、2月8日（周六）上班。
三、清明节：4月4日（周五）至6日（周日）放假，共3天。
四、劳动节：5月1日（周四）至5日（周一）放假调休，共5天。4月27日（周日）上班。
五、端午节：5月31日（周六）至6月2日（周一）放假，共3天。
六、国庆节、中秋节：10月1日（周三）至8日（周三）放假调休，共8天。9月28日（周日）、10月11日（周六）上班。
节假日期间，各地区、各部门要妥善安排好值班和安全、保卫等工作。
国务院办公厅
2024年11月12日
"""
NOTICE_2026 = """国务院办公厅关于2026年部分节假日安排的通知
国办发明电〔2025〕7号
一、元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。
二、春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。2月14日（周六）、2月28日（周六）上班。
三、清明节：4月4日（周六）至6日（周一）放假，共3天。
四、劳动节：5月1日（周五）至5日（周二）放假调休，共5天。5月9日（周六）上班。
五、端午节：6月19日（周五）至21日（周日）放假，共3天。
六、中秋节：9月25日（周五）至27日（周日）放假，共3天。
七、国庆节：10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。
"""
# Made up for these tests: the notice for 2027 was not published when they were written.
NOTICE_2027 = """国务院办公厅关于2027年部分节假日安排的通知
国办发明电〔2026〕99号
一、元旦：1月1日（周五）至3日（周日）放假，共3天。
二、春节：2月5日（周五）至11日（周四）放假调休，共7天。2月13日（周六）、2月14日（周日）上班。
三、清明节：4月3日（周六）至5日（周一）放假，共3天。
四、劳动节：5月1日（周六）至5日（周三）放假调休，共5天。4月25日（周日）、5月8日（周六）上班。
五、端午节：6月9日（周三）放假1天，不调休。
六、中秋节：9月15日（周三）放假1天，不调休。
七、国庆节：10月1日（周五）至7日（周四）放假调休，共7天。9月26日（周日）、10月9日（周六）上班。
"""


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, lambda: NOW, four_eyes_imports=False)


def started(parts: Parts, ends_on: date) -> str:
    """Start a case whose leave ends on a day; return its id."""
    leave = add_leave(parts, ends_on, starts_on=date(2026, 11, 2))
    return parts.starts.start(StartWish(leave, None, {"before_end": "skip"}), {"role": "hr", "id": "t"})


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return unescape(found[1])


@pytest.mark.parametrize(("text", "number"), [(NOTICE_2025, 2025), (NOTICE_2026, 2026)])
def test_the_notice_of_a_year_gives_exactly_the_shipped_table(text: str, number: int) -> None:
    shipped = next(one for one in load_shipped_calendar().years if one.year == number)
    read = read_notice(text)
    assert (read.year.off, read.year.work) == (shipped.off, shipped.work)
    assert read.year.paper == f"国办发明电〔{number - 1}〕{12 if number == 2025 else 7}号"


@pytest.mark.parametrize(
    ("right", "wrong", "line", "told"),
    [
        ("1月1日（周四）至3日", "1月1日（周五）至3日", 3, "2026-01-01 is 周四 and not 周五"),
        ("共9天", "共8天", 4, "says 8 days, and 2026-02-15 to 2026-02-23 are 9"),
        ("5月9日（周六）上班", "5月8日（周五）上班", 6, "2026-05-08 is no weekend day"),
        ("三、清明节：4月4日（周六）至6日（周一）放假，共3天。", "", None, "清明节; paste the whole notice"),
        ("6月19日（周五）至21日（周日）放假", "6月19日（周五）至21日（周日）休息", 7, "cannot be read at"),
        ("9月25日（周五）至27日", "9月31日（周五）至32日", 8, "a day that does not exist"),
        ("六、中秋节", "六、清明节", 8, "names 清明节 a second time"),
        ("七、国庆节：", "国庆节期间", 9, "in a form that is not known"),
        ("国办发明电〔2025〕7号\n", "", None, "does not name its number"),
        ("关于2026年部分节假日安排的通知", "", None, "has no title"),
        ("10月10日（周六）上班", "10月3日（周六）上班", 9, "as a day off and as a working day"),
        ("1月4日（周日）上班", "1月4日（周日）上班。另行通知", 3, "after the days off stand days like"),
    ],
)
def test_a_notice_that_is_not_right_is_refused_with_its_line(
    right: str, wrong: str, line: int | None, told: str
) -> None:
    assert right in NOTICE_2026
    with pytest.raises(NoticeRefused) as refused:
        read_notice(NOTICE_2026.replace(right, wrong))
    assert any(fault.line == line and told in fault.sentence for fault in refused.value.faults)


def test_days_of_the_december_before_belong_into_the_table_of_that_december() -> None:
    text = NOTICE_2027.replace(
        "1月1日（周五）至3日（周日）放假，共3天。",
        "2026年12月31日（周四）至2027年1月2日（周六）放假调休，共3天。2026年12月27日（周日）上班。",
    )
    years = read_notice(text).years(load_shipped_calendar())
    assert [one.year for one in years] == [2026, 2027]
    assert date(2026, 12, 31) in years[0].off
    assert date(2026, 12, 27) in years[0].work
    assert date(2026, 10, 1) in years[0].off
    with pytest.raises(NoticeRefused, match="import the notice of 2026 first"):
        read_notice(text).years(load_shipped_calendar().slice(2004, 2025))


async def test_a_year_without_its_notice_is_marked_provisional_and_lists_its_cases(parts: Parts) -> None:
    case = started(parts, date(2027, 2, 3))
    async with browser(parts, Role.HR) as hr:
        await hr.get("/console/calendar?year=2027")
        assert "provisional" in hr.text
        assert "The State Council's notice for 2027 is not in the calendar." in hr.text
        assert "Cases with provisional dates 1" in hr.text
        assert f"/console/cases/{case}" in hr.page
        await hr.get("/console/calendar?year=2026")
        assert "248 working days. Source: https://www.gov.cn/zhengce/zhengceku/202511/" in hr.text
        assert "is not in the calendar" not in hr.text
    async with browser(parts, Role.LEGAL, branch="北京") as reader:
        await reader.get("/console/calendar")
        assert "Show what it moves" not in reader.text


async def test_a_pasted_notice_shows_what_it_moves_and_writes_nothing_until_it_is_applied(
    parts: Parts,
) -> None:
    case = started(parts, date(2027, 2, 3))
    async with browser(parts, Role.HR) as hr:
        await hr.post("/console/calendar/preview", {"notice": NOTICE_2027})
        assert "What the notice for 2027 moves" in hr.text
        assert "1 open cases move" in hr.text
        years = read_notice(NOTICE_2027).years(parts.calendar())
        effect = parts.calendar_book.effect(Scope(), parts.calendar(), years)
        for moved in effect.moved[0].dates or ():
            assert moved.what == "return_day" or f"{moved.after:%Y-%m-%d %H:%M}" in hr.text
        with parts.database.reading() as session:
            assert session.get(PublishedYear, 2027) is None
        await hr.post(
            "/console/calendar/apply",
            {"years": hidden(hr.page, "years"), "stamp": hidden(hr.page, "stamp")},
        )
        assert "The calendar of 2027 is in force. 1 open cases are told and plan again." in hr.text
    with parts.database.reading() as session:
        row = session.get_one(PublishedYear, 2027)
        errands = session.exec(select(Outbox).where(Outbox.kind == "adopt_calendar")).all()
    assert row.body["paper"] == "国办发明电〔2026〕99号"
    assert [one.body["case"] for one in errands] == [case]
    assert set(errands[0].body["year"]) == {"year", "off", "work", "paper"}
    assert not parts.calendar().is_working_day(date(2027, 2, 10))


def test_the_dates_after_a_change_are_those_that_the_planner_gives(parts: Parts) -> None:
    started(parts, date(2027, 2, 3))
    years = read_notice(NOTICE_2027).years(parts.calendar())
    effect = parts.calendar_book.effect(Scope(), parts.calendar(), years)
    moved = {one.what: (one.before, one.after) for one in effect.moved[0].dates or ()}
    with parts.database.reading() as session:
        frozen = INPUT.validate_python(session.exec(select(Case)).one().frozen)
    policy = frozen.policy
    for place, calendar in enumerate((parts.calendar(), parts.calendar().with_year(years[0]))):
        dates = leave_dates(date(2027, 2, 3), policy, calendar, "Asia/Shanghai")
        steps = plan(policy.ladder, calendar, dates.back_until, frozen.reach).steps
        for name, step in zip(step_names(policy.ladder), steps, strict=True):
            if name in moved:
                assert moved[name][place] == step.at
    assert "second_reminder" in moved
    assert effect.plan_again == ()
    assert parts.calendar_book.effect(Scope("another"), parts.calendar(), years).told == 0


def test_a_case_on_the_ladder_moves_with_its_running_wait_or_is_left_to_itself(parts: Parts) -> None:
    case_id = started(parts, date(2026, 11, 30))
    years = read_notice(NOTICE_2027).years(parts.calendar())
    with parts.database.reading() as session:
        frozen = INPUT.validate_python(session.get_one(Case, case_id).frozen)
    policy = frozen.policy
    start = datetime(2027, 2, 1, 2, tzinfo=UTC)
    steps = plan(policy.ladder, parts.calendar(), start, frozen.reach).steps
    names = step_names(policy.ladder)

    def put(wait: datetime) -> None:
        with parts.database.transaction() as session:
            row = session.get_one(Case, case_id)
            row.state, row.stage = "running", "ladder"
            row.steps = [
                {
                    "step": name,
                    "channels": [channel.value for channel in step.channels],
                    "at": step.at.isoformat(),
                    "waits_until": (wait if number == 1 else step.waits_until).isoformat(),
                    "state": ("done", "reached", "planned")[min(number, 2)],
                }
                for number, (name, step) in enumerate(zip(names, steps, strict=True))
            ]
            session.add(row)

    put(steps[1].waits_until)
    effect = parts.calendar_book.effect(Scope(), parts.calendar(), years)
    moved = {one.what: one.after for one in effect.moved[0].dates or ()}
    rest = replace(policy.ladder, rungs=policy.ladder.rungs[1:])
    again = plan(rest, parts.calendar().with_year(years[0]), steps[1].at, frozen.reach).steps
    assert moved["wait_end"] == again[0].waits_until != steps[1].waits_until
    assert moved[names[2]] == again[1].at
    assert names[1] not in moved
    put(steps[1].waits_until + timedelta(hours=3))
    effect = parts.calendar_book.effect(Scope(), parts.calendar(), years)
    assert [one.id for one in effect.plan_again] == [case_id]


async def test_a_known_year_is_changed_only_with_a_reason_and_keeps_what_stood_there(parts: Parts) -> None:
    changed = NOTICE_2026.replace(
        "五、端午节：6月19日（周五）至21日（周日）放假，共3天。", "五、端午节：6月19日（周五）放假1天。"
    ).replace("5月9日（周六）上班", "5月9日（周六）、5月10日（周日）上班")
    async with browser(parts, Role.HR) as hr:
        await hr.post("/console/calendar/preview", {"notice": changed})
        assert "The calendar of 2026 is known already and in use." in hr.text
        form = {"years": hidden(hr.page, "years"), "stamp": hidden(hr.page, "stamp")}
        answer = await hr.post("/console/calendar/apply", form)
        assert answer.status_code == 422
        assert "Write why it is changed." in hr.text
        await hr.post("/console/calendar/apply", {**form, "reason": "a correction was published"})
        assert "is in force" in hr.text
        assert "a correction was published" in hr.text
        answer = await hr.post("/console/calendar/apply", {**form, "reason": "again"})
        assert answer.status_code == 422
        assert "The calendar says this already" in hr.text
    known = parts.calendar_book.known()[2026]
    assert (known.by, known.reason) == ("hr name", "a correction was published")
    parts.calendar_book.publish([next(y for y in load_shipped_calendar().years if y.year == 2026)])
    assert parts.calendar_book.known()[2026].earlier == (known.year,)


async def test_a_preview_that_went_stale_or_was_tampered_with_is_not_applied(parts: Parts) -> None:
    async with browser(parts, Role.HR) as hr:
        await hr.post("/console/calendar/preview", {"notice": NOTICE_2027})
        form = {"years": hidden(hr.page, "years"), "stamp": hidden(hr.page, "stamp")}
        parts.calendar_book.publish([CalendarYear(2027, (date(2027, 1, 1),), (), "another paper")])
        answer = await hr.post("/console/calendar/apply", {**form, "reason": "r"})
        assert answer.status_code == 422
        assert "The calendar was changed meanwhile." in hr.text
        weekday = form["years"].replace("2027-02-13", "2027-02-12")
        for years in ("", "[]", "{", weekday):
            answer = await hr.post("/console/calendar/apply", {**form, "years": years, "reason": "r"})
            assert answer.status_code == 422
            assert "Paste the notice again." in hr.text
    assert parts.calendar_book.known()[2027].year.paper == "another paper"


async def test_a_second_person_puts_the_calendar_in_force(tmp_path: Path) -> None:
    parts = company(tmp_path, lambda: NOW)
    async with browser(parts, Role.HR) as hr:
        await hr.post("/console/calendar/preview", {"notice": NOTICE_2027})
        form = {"years": hidden(hr.page, "years"), "stamp": hidden(hr.page, "stamp")}
        await hr.post("/console/calendar/apply", form)
        assert "The calendar waits for a second person." in hr.text
        answer = await hr.post("/console/calendar/waiting/2027", {"decision": "agree"})
        assert answer.status_code == 422
        assert "a second person must agree" in hr.text
        assert 2027 not in parts.calendar_book.known()
    async with browser(parts, Role.HR, "in-beijing", branch="北京") as branch:
        answer = await branch.post("/console/calendar/waiting/2027", {"decision": "agree"})
        assert answer.status_code == 403
    async with browser(parts, Role.HR, "second") as second:
        await second.get("/console/approvals")
        assert "/console/calendar/waiting/2027" in second.page
        await second.post("/console/calendar/waiting/2027", {"decision": "agree", "reason": "checked"})
        assert "The calendar of 2027 is in force." in second.text
        answer = await second.post("/console/calendar/waiting/2027", {"decision": "agree"})
        assert answer.status_code == 404
    assert parts.calendar_book.known()[2027].by == "hr name"
    with parts.database.reading() as session:
        assert session.exec(select(Approval)).one().approved is True
    parts.database.close()


async def test_a_refused_notice_keeps_its_words_and_tells_in_chinese(parts: Parts) -> None:
    wrong = NOTICE_2026.replace("共9天", "共8天")
    async with browser(parts, Role.HR, language="zh-CN") as hr:
        answer = await hr.post("/console/calendar/preview", {"notice": wrong})
        assert answer.status_code == 422
        assert "第 4 行：写明 8 天，而 2026-02-15 至 2026-02-23 是 9 天" in hr.text
        assert "共8天" in hr.page
        answer = await hr.post("/console/calendar/preview", {})
        assert "请粘贴通知或选择文件。" in hr.text
    async with browser(parts, Role.HR, "of-beijing", branch="北京") as branch:
        await branch.post("/console/calendar/preview", {"notice": NOTICE_2027})
        form = {"years": hidden_years(), "stamp": ""}
        answer = await branch.post("/console/calendar/apply", form)
        assert answer.status_code == 403
        assert "The calendar holds for all branches." in branch.text


def hidden_years() -> str:
    return '[{"year":2027,"off":["2027-01-01"],"work":[],"paper":"x"}]'


async def test_a_file_is_read_as_the_command_line_reads_it(parts: Parts, tmp_path: Path) -> None:
    rows = "日期,类型,文号\n2027-01-01,休,甲〔2026〕1号\n2027-02-13,班,甲〔2026〕1号\n"
    async with browser(parts, Role.HR) as hr:
        await hr.post("/console/calendar/preview", {}, files={"file": ("year.csv", rows.encode())})
        assert "2 days change" in hr.text
        answer = await hr.post(
            "/console/calendar/preview",
            {},
            files={"file": ("year.csv", rows.replace("13,班", "12,班").encode())},
        )
        assert answer.status_code == 422
        assert "班 is for weekend days only" in hr.text
    file = tmp_path / "year.csv"
    file.write_text(rows, "utf-8")
    result = import_file(parts, "calendar", file, dry_run=False, accept_good_rows=False)
    assert (result["year"], result["applied"]) == (2027, 2)
    assert parts.calendar_book.known()[2027].year.work == (date(2027, 2, 13),)
