"""Many gates in one reading: the same as each on its own, by each case's own clock, in as many questions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session, col, select

from countersign.adapters.database import departure_lists
from countersign.adapters.database.departure_lists import DepartureFilter, DepartureLine
from countersign.adapters.database.gate_book import gate_of, gates_of, is_booked
from countersign.adapters.database.reports import Span
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Case,
    Departure,
    Duty,
    Employment,
    HandoverItem,
    RepaymentPlan,
    Settlement,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.departure import DutyKind
from countersign.domain.ledger import AccountKind, PostingKind, Voucher, booking, loan, repayment
from countersign.ids import new_id
from tests.support.company import add_colleague, company
from tests.support.console import browser
from tests.support.leaving import leaving

NOW = datetime(2026, 3, 20, 2, tzinfo=UTC)
LAST_DAY = date(2026, 3, 31)
SPAN = Span(date(2026, 1, 1), date(2026, 12, 31))


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, lambda: NOW)


def add_leaver(parts: Parts, number: str) -> str:
    """Let a new employee leave."""
    person_id = add_colleague(parts, number)
    with parts.database.transaction() as session:
        session.add(Employment(id=new_id(), person_id=person_id, hired_on=date(2020, 1, 1)))
    return leaving(parts, LAST_DAY, number)


def put(parts: Parts, case_id: str, *rows: Callable[[Departure], Any]) -> None:
    def add(session: Session) -> None:
        session.add_all(row(session.get_one(Departure, case_id)) for row in rows)

    parts.database.write(add)


def item(track: str, state: str, due_on: date = LAST_DAY, **more: Any) -> Callable[[Departure], HandoverItem]:
    return lambda departure: HandoverItem(
        id=new_id(),
        departure_id=departure.case_id,
        track=track,
        reference=new_id(),
        title="标记物品",
        due_on=due_on,
        state=state,
        listed_at=NOW,
        **more,
    )


def plan(total_fen: int) -> Callable[[Departure], RepaymentPlan]:
    return lambda departure: RepaymentPlan(
        id=new_id(),
        departure_id=departure.case_id,
        total_fen=total_fen,
        instalments=[],
        agreed_on=LAST_DAY,
        document_id=new_id(),
        act_id=new_id(),
        created_at=NOW,
    )


def sheet(state: str, *lines: dict[str, Any], version: int = 1) -> Callable[[Departure], Settlement]:
    return lambda departure: Settlement(
        id=new_id(),
        departure_id=departure.case_id,
        version=version,
        state=state,
        inputs={},
        lines=list(lines),
        net_fen=0,
        made_by="test",
        made_at=NOW,
    )


def dropped(departure: Departure) -> Duty:
    return Duty(
        id=new_id(),
        departure_id=departure.case_id,
        case_id=departure.statutory_case_id,
        kind=DutyKind.SOCIAL_INSURANCE.value,
        state="done",
        due_on=LAST_DAY,
    )


def lend(parts: Parts, case_id: str, fen: int, paid_fen: int = 0, undone: bool = False) -> None:
    def book(session: Session) -> None:
        owner = session.get_one(Departure, case_id).employment_id
        day = date(2026, 3, 1)
        parts.ledger.book(session, loan(Voucher(f"{case_id}/loan", owner, day, "test"), fen))
        if paid_fen:
            voucher = Voucher(f"{case_id}/paid", owner, day, "test")
            paid = parts.ledger.book(session, repayment(voucher, paid_fen, AccountKind.LOAN))
            if undone:
                parts.ledger.reverse(session, paid, f"{case_id}/bounced", "test")

    parts.database.write(book)


def lay_out(parts: Parts, tag: str) -> list[str]:
    """Return one departure of every kind that the gate tells apart."""
    made = [add_leaver(parts, f"{tag}00{place}") for place in range(9)]
    put(
        parts,
        made[0],
        item("documents", "open"),
        item("equipment", "handed_over"),
        item("customers", "disputed"),
    )
    put(
        parts,
        made[1],
        item("documents", "handed_over", receiver_id=None),
        item("customers", "accepted"),
        dropped,
    )
    lend(parts, made[2], 5_000_00, paid_fen=1_000_00)
    put(parts, made[3], plan(3_000_00))
    lend(parts, made[3], 5_000_00, paid_fen=1_000_00)
    put(parts, made[4], plan(3_000_00))
    lend(parts, made[4], 5_000_00, paid_fen=1_000_00, undone=True)
    put(parts, made[5], sheet("confirmed", {"kind": "wage_due", "posts": True}))
    put(parts, made[6], sheet("confirmed"), sheet("drafted", version=2))
    put(parts, made[7], sheet("confirmed", {"kind": "wage_due", "posts": False}))
    with parts.database.transaction() as session:
        last = session.get_one(Departure, made[8])
        last.ended_on, last.finance_confirmed_at = LAST_DAY, NOW
        last.ground, last.proposed_by = "agreement", "employer"
        session.get_one(Case, session.get_one(Departure, made[7]).statutory_case_id).departure_id = None
    return made


def told(parts: Parts, made: list[str]) -> dict[str, Any]:
    with parts.database.reading() as session:
        rows = session.exec(select(Departure).where(col(Departure.case_id).in_(made))).all()
        return {one.case_id: gate_of(session, one) for one in rows}


@contextmanager
def statements(parts: Parts) -> Iterator[list[str]]:
    """Count what is asked of the database."""
    asked: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    event.listen(parts.database.engine, "before_cursor_execute", count)
    try:
        yield asked
    finally:
        event.remove(parts.database.engine, "before_cursor_execute", count)


def hasten(parts: Parts, case_id: str, at: datetime) -> None:
    """Let a case run by a clock of its own."""
    with parts.database.transaction() as session:
        case = session.get_one(Case, case_id)
        case.clock_factor, case.clock_case, case.clock_real, case.clock_limit = 600, at, NOW, at


def lines(parts: Parts, **wanted: Any) -> dict[str, DepartureLine]:
    shown = parts.departure_lists.all(Scope(), DepartureFilter(state="open", **wanted), NOW)
    return {one.case_id: one for one in shown}


def test_each_of_many_gates_is_the_one_that_it_is_alone(parts: Parts) -> None:
    made = lay_out(parts, "E3")
    with parts.database.reading() as session:
        together = gates_of(session, session.exec(select(Departure)).all())
    assert together == told(parts, made)
    owed = {place: together[made[place]].owed_fen for place in range(9) if together[made[place]].owed_fen}
    assert owed == {2: 4_000_00, 3: 4_000_00 - 2_000_00, 4: 5_000_00 - 3_000_00}
    waiting = [place for place in range(9) if "settlement" in together[made[place]].codes]
    assert waiting == [5, 6, 8], "not booked yet, drafted anew, none though severance is due"
    assert "social_insurance" not in together[made[1]].codes
    assert [one.process for one in together[made[7]].blockers if one.process] == ["statutory"]
    assert together[made[8]].codes == ("social_insurance", "settlement")


def test_a_settlement_of_one_departure_is_not_booked_by_that_of_another(parts: Parts) -> None:
    mine, other = add_leaver(parts, "E3001"), add_leaver(parts, "E3002")
    for case_id in (mine, other):
        put(parts, case_id, sheet("confirmed", {"kind": "severance_due"}))

    def book(session: Session) -> None:
        row = session.exec(select(Settlement).where(Settlement.departure_id == mine)).one()
        departure = session.get_one(Departure, mine)
        key = f"{session.get_one(Case, mine).workflow_id}/settlement/{row.id}/0"
        voucher = Voucher(key, departure.employment_id, LAST_DAY, "test")
        parts.ledger.book(session, booking(PostingKind.SEVERANCE_DUE, voucher, 100_00))

    parts.database.write(book)
    gates = told(parts, [mine, other])
    assert "settlement" not in gates[mine].codes
    assert "settlement" in gates[other].codes
    with parts.database.reading() as session:
        sheets = session.exec(select(Settlement)).all()
        assert {one.departure_id: is_booked(session, one.departure_id, one) for one in sheets} == {
            mine: True,
            other: False,
        }


def test_lists_and_report_ask_as_often_for_thirty_departures_as_for_ten(parts: Parts) -> None:
    ways: dict[str, Callable[[], object]] = {
        "page": lambda: parts.departure_lists.page(Scope(), DepartureFilter(state="open"), 1, NOW),
        "export": lambda: parts.departure_lists.all(Scope(), DepartureFilter(state="open"), NOW),
        "report": lambda: parts.exit_reports.read(Scope(), SPAN, NOW),
    }

    def asked() -> dict[str, int]:
        found = {}
        for name, way in ways.items():
            with statements(parts) as seen:
                way()
            found[name] = len(seen)
        return found

    lay_out(parts, "E3")
    few = asked()
    lay_out(parts, "E4")
    lay_out(parts, "E5")
    assert asked() == few
    assert max(few.values()) < 20


def test_days_left_and_lateness_follow_the_clock_of_each_case(parts: Parts) -> None:
    usual, hastened = add_leaver(parts, "E3001"), add_leaver(parts, "E3002")
    hasten(parts, hastened, datetime(2026, 4, 3, 2, tzinfo=UTC))
    for case_id in (usual, hastened):
        put(parts, case_id, item("documents", "open", due_on=date(2026, 3, 24)))
    assert {one: line.days_left for one, line in lines(parts).items()} == {usual: 11, hastened: -3}
    assert set(lines(parts, days=7)) == {hastened}
    assert set(lines(parts, days=11)) == {usual, hastened}
    late = parts.exit_reports.read(Scope(), SPAN, NOW).late
    assert [(one.number, one.count, one.days) for one in late] == [("E3002", 1, 10)]


def test_a_case_whose_clock_lags_is_not_late_by_the_companys(parts: Parts) -> None:
    lagging = add_leaver(parts, "E3001")
    hasten(parts, lagging, NOW - timedelta(days=10))
    put(parts, lagging, item("documents", "open", due_on=date(2026, 3, 15)))
    assert parts.exit_reports.read(Scope(), SPAN, NOW).late == ()
    assert lines(parts, days=20) == {}


def test_a_company_in_time_lapse_with_many_departures_can_ask_whose_days_are_few(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No condition for each of them: SQLite takes a thousand at the most."""
    hastened = add_leaver(parts, "E3002")
    own = {hastened: date(2026, 3, 29), **{f"{number:026}": date(2026, 3, 2) for number in range(1_200)}}
    monkeypatch.setattr(departure_lists, "days_of_their_own", lambda session, now: own)
    assert set(lines(parts, days=7)) == {hastened}


async def test_the_page_of_a_departure_counts_the_days_as_the_list_does(parts: Parts) -> None:
    hastened = add_leaver(parts, "E3002")
    hasten(parts, hastened, datetime(2026, 3, 29, 2, tzinfo=UTC))
    async with browser(parts, Role.HR) as hr:
        for path in ("/console/departures", f"/console/departures/{hastened}"):
            assert (await hr.get(path)).status_code == 200
            assert "2 days left" in hr.text, path
