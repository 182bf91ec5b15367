"""Reports: figures counted again by hand from the same books."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from countersign.adapters.database.reports import Span, in_time
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Case, Delivery, Notice
from countersign.bootstrap import Parts
from countersign.ids import new_id
from tests.support.company import BEIJING, company
from tests.support.console import browser
from tests.support.crowd import crowd

NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
SPAN = Span(date(2026, 2, 1), date(2026, 3, 4))


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    made = company(tmp_path, lambda: NOW)
    crowd(made, 40, 40)
    with made.database.transaction() as session:
        cases = session.exec(select(Case)).all()
        for number, case in enumerate(cases[:12]):
            case.ends_on = date(2026, 2, 20)
            if number < 6:
                case.state, case.stage, case.outcome = "closed", "closed", "returns_on"
                case.closed_at, case.created_at = NOW, NOW - timedelta(days=number)
            if number % 3 == 0:
                continue  # nothing was sent
            late = number % 3 == 1
            sent = datetime(2026, 2, 25 if late else 22, tzinfo=UTC)
            notice = Notice(
                id=new_id(),
                case_id=case.id,
                step="1.first_notice",
                template="first_notice",
                audience="employee",
                person_id=case.person_id,
                language="zh-CN",
                title="t",
                text="t",
                fingerprint="0" * 64,
                created_at=sent,
            )
            session.add(notice)
            session.flush()
            for attempt, state in enumerate(("failed_permanent", "delivered"), start=1):
                session.add(
                    Delivery(
                        id=new_id(),
                        notice_id=notice.id,
                        case_id=case.id,
                        channel="sms",
                        attempt=attempt,
                        state=state,
                        text="t",
                        sentence="why",
                        sent_at=sent if state == "delivered" else None,
                        created_at=sent,
                    )
                )
        for case in cases[12:]:
            case.ends_on = date(2025, 1, 1)
    return made


def test_a_notice_is_in_time_until_the_third_day_after_the_leave_is_over() -> None:
    last = datetime(2026, 2, 23, 15, 59, 59, tzinfo=UTC)  # 23:59:59 in Shanghai
    assert in_time(date(2026, 2, 20), last)
    assert not in_time(date(2026, 2, 20), last + timedelta(seconds=1))


def test_the_figures_are_those_of_the_books(parts: Parts) -> None:
    report = parts.reports.read(Scope(), SPAN, NOW)
    # Of each three: one without a notice, one late, one in time; a closed case without one needs none.
    assert (report.notices.in_time, report.notices.late, report.notices.missing) == (4, 4, 2)
    assert [(one.outcome, one.count, one.days) for one in report.endings] == [("returns_on", 6, 2.5)]
    assert [(one.state, one.why, one.count) for one in report.arrivals] == [
        ("delivered", None, 8),
        ("failed_permanent", "why", 8),
    ]
    assert sum(count for _, count in report.answered_after) == 6
    with parts.database.reading() as session:
        stages = Counter(session.exec(select(Case.stage).where(Case.state != "closed")))
    found: Counter[str] = Counter()
    for one in report.standing:
        found[one.stage] += one.count
    assert found == stages


def test_another_span_and_another_branch_hold_nothing_of_it(parts: Parts) -> None:
    elsewhere = parts.reports.read(Scope(BEIJING), SPAN, NOW)
    assert (elsewhere.standing, elsewhere.endings, elsewhere.notices.total) == ((), (), 0)
    before = parts.reports.read(Scope(), Span(date(2026, 1, 1), date(2026, 1, 31)), NOW)
    assert (before.endings, before.arrivals, before.notices.total) == ((), (), 0)


async def test_the_page_shows_them_and_each_table_can_be_taken_along(parts: Parts) -> None:
    async with browser(parts) as hr:
        await hr.get("/console/reports", **{"from": "2026-02-01", "until": "2026-03-04"})
        assert "10 leaves that ended in these days" in hr.text
        told = (await hr.get("/console/reports/endings.csv", until="2026-03-04")).content.decode("utf-8-sig")
        assert told.splitlines()[1] == "Leave return,returns on a date,6,2.5"
        for table in ("standing", "arrivals"):
            book = await hr.get(f"/console/reports/{table}.xlsx")
            assert book.content[:2] == b"PK"
        assert (await hr.get("/console/reports/salaries.csv")).status_code == 404
        await hr.get("/console/reports", **{"from": "nonsense", "until": "2026-13-40", "branch": "x"})
        assert "Reports" in hr.text
    async with browser(parts, login="north", branch="华北分公司") as north:
        await north.get("/console/reports", branch="anything")
        assert "华东分公司" not in north.text
