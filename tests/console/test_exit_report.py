"""The report of departures: figures counted again by hand from the same books."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from countersign.adapters.database.exit_reports import Duration, Exits, LateItems, Stretch
from countersign.adapters.database.reports import Span
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Departure,
    Duty,
    Employment,
    HandoverItem,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.departure import DutyKind
from countersign.domain.gate import Hand, Reason
from countersign.ids import new_id
from tests.support.company import BEIJING, SHANGHAI, add_colleague, add_shanghai, company
from tests.support.console import browser
from tests.support.leaving import employment_id, leaving

NOW = datetime(2026, 3, 20, 2, 0, tzinfo=UTC)
SPAN = Span(date(2026, 2, 1), date(2026, 3, 31))


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    """Two who left, one who will, one who stays after all, one in March of the year before."""
    made = company(tmp_path, lambda: NOW)
    add_shanghai(made)
    for number in ("E2001", "E2002", "E2003", "E2004", "E2005"):
        colleague = add_colleague(made, number)
        with made.database.transaction() as session:
            session.add(Employment(id=new_id(), person_id=colleague, hired_on=date(2020, 1, 1)))
    first = leaving(made, date(2026, 3, 10), "E2001", ended_on=date(2026, 3, 10))
    second = leaving(made, date(2026, 3, 12), "E2002", ended_on=date(2026, 3, 14))
    leaving(made, date(2026, 3, 31), "E2003")
    third = leaving(made, date(2026, 3, 31), "E2004")
    leaving(made, date(2025, 3, 1), "E2005", ended_on=date(2025, 3, 1))
    with made.database.transaction() as session:
        session.get_one(Departure, second).noticed_on = date(2026, 2, 12)
        session.get_one(Departure, first).noticed_on = date(2026, 3, 8)
        session.get_one(Departure, third).withdrawn_at = NOW
        receiver = session.get_one(Employment, employment_id(made, "E2005")).person_id
        add_item(made, session, first, "open", None, date(2026, 3, 10))
        add_item(made, session, first, "open", receiver, date(2026, 3, 15))
        add_item(made, session, second, "handed_over", receiver, date(2026, 3, 19), handed=4)
        add_item(made, session, second, "handed_over", None, date(2026, 3, 20), track="equipment")
        add_item(made, session, second, "handed_over", None, date(2026, 3, 18), track="equipment", handed=2)
        add_item(made, session, second, "accepted", receiver, date(2026, 3, 1), handed=6, accepted=9)
        add_item(made, session, third, "open", receiver, date(2026, 3, 1))
        duty = session.get_one(Departure, first).statutory_case_id
        session.add(
            Duty(
                id=new_id(),
                departure_id=first,
                case_id=duty,
                kind=DutyKind.WAGES.value,
                state="done",
                due_on=date(2026, 3, 10),
                done_at=datetime(2026, 3, 11, 1, tzinfo=UTC),
            )
        )
        session.get_one(Employment, employment_id(made)).suspended_since = date(2026, 3, 1)
    return made


def add_item(
    made: Parts,
    session: object,
    departure: str,
    state: str,
    receiver: str | None,
    due: date,
    track: str = "documents",
    handed: int | None = None,
    accepted: int | None = None,
) -> None:
    listed = datetime(2026, 3, 1, tzinfo=UTC)

    def after(days: int | None) -> datetime | None:
        return None if days is None else listed + timedelta(days=days)

    session.add(  # type: ignore[attr-defined]
        HandoverItem(
            id=new_id(),
            departure_id=departure,
            track=track,
            reference=new_id(),
            title="T",
            receiver_id=receiver,
            due_on=due,
            state=state,
            handed_over_at=after(handed),
            accepted_at=after(accepted),
            listed_at=listed,
        )
    )


def test_the_figures_are_those_of_the_books(parts: Parts) -> None:
    report = parts.exit_reports.read(Scope(), SPAN, NOW)
    assert report.exits == (Exits("resignation", "resignation", 2, 1, 1),)
    assert report.durations == (
        Duration(Stretch.NOTICE_TO_END, 2, 16.0, 30.0),
        Duration(Stretch.TO_HAND_OVER, 3, 4.0, 6.0),
        Duration(Stretch.TO_ACCEPT, 1, 3.0, 3.0),
        Duration(Stretch.TO_WAGES, 1, 1.0, 1.0),
    )
    assert report.late == (
        LateItems(Hand.LEAVER, "E2001", report.late[0].name, 2, date(2026, 3, 10), 10),
        LateItems(Hand.ADMINISTRATION, None, None, 1, date(2026, 3, 18), 2),
        LateItems(Hand.RECEIVER, "E2005", report.late[2].name, 1, date(2026, 3, 19), 1),
    )
    assert [(one.number, one.days) for one in report.suspended] == [("E1042", 19)]


def test_open_gates_are_counted_by_reason_and_a_withdrawn_departure_has_none(parts: Parts) -> None:
    report = parts.exit_reports.read(Scope(), SPAN, NOW)
    found = {one.reason: one for one in report.gates}
    assert report.open_departures == 4
    assert found[Reason.STILL_EMPLOYED].departures == 1
    assert (found[Reason.DOCUMENTS].departures, found[Reason.DOCUMENTS].items) == (2, 3)
    assert found[Reason.FINANCE_NOT_CONFIRMED].departures == 4
    assert found[Reason.EQUIPMENT].departures == 1


def test_a_report_keeps_to_the_branch(parts: Parts) -> None:
    assert parts.exit_reports.read(Scope(BEIJING), SPAN, NOW).exits
    other = parts.exit_reports.read(Scope(SHANGHAI), SPAN, NOW)
    assert (other.exits, other.late, other.gates, other.suspended) == ((), (), (), ())


async def test_the_page_and_its_files_hold_the_same_figures_in_words(parts: Parts) -> None:
    query = "from=2026-02-01&until=2026-03-31"
    async with browser(parts, Role.AUDITOR, language="zh-CN") as auditor:
        await auditor.get(f"/console/reports/exits?{query}")
        for needed in ("离职报表", "劳动者提出辞职", "财务未确认账目", "E2001", "行政", "标为“中止”的合同"):
            assert needed in auditor.text
        for code in ("resignation", "finance_not_confirmed", "notice_to_end", "leaver"):
            assert code not in auditor.text
        file = await auditor.get(f"/console/reports/exits/kinds.csv?{query}")
        rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
        assert rows[1] == ["辞职", "劳动者提出辞职", "2", "1", "1"]
        for table in ("durations", "late", "gates", "suspended"):
            assert (await auditor.get(f"/console/reports/exits/{table}.xlsx?{query}")).status_code == 200
        assert (await auditor.get("/console/reports/exits/other.csv")).status_code == 404


async def test_days_without_a_departure_say_so(parts: Parts) -> None:
    async with browser(parts, Role.HR) as hr:
        await hr.get("/console/reports/exits?from=2020-01-01&until=2020-01-31")
        assert "No departure falls into these days." in hr.text
        await hr.get("/console/reports")
        assert "/console/reports/exits" in hr.page
