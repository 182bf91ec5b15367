"""The demo company is a roster that the product takes without a word."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Branch, EmergencyContact, Leave, Person
from countersign.adapters.roster import import_roster
from countersign.adapters.sheets import read_sheet
from countersign.sandbox.demo import demo_roster
from tests.support.schema import lay_out


@pytest.mark.parametrize("today", [date(2026, 3, 2), date(2028, 2, 29), date(2027, 1, 1)])
def test_the_demo_company_is_imported_whole_with_four_leaves_around_today(
    tmp_path: Path, database_url: str, today: date
) -> None:
    (tmp_path / "demo.xlsx").write_bytes(demo_roster(today))
    database = Database(database_url)
    lay_out(database)
    scheduled: list[str] = []

    def schedule(_session: Session, leave_id: str, _person: Person) -> None:
        scheduled.append(leave_id)

    result = import_roster(
        database,
        read_sheet(tmp_path / "demo.xlsx"),
        dry_run=False,
        accept_good_rows=False,
        now=datetime(today.year, today.month, today.day, 9, tzinfo=ZoneInfo("Asia/Shanghai")),
        schedule=schedule,
    )
    assert (result.rows, result.applied, result.rejected, result.warnings) == (12, 12, [], [])
    assert result.cases == len(scheduled) == 4
    with database.reading() as session:
        assert {branch.region for branch in session.exec(select(Branch))} == {"beijing", "shanghai"}
        ends = {leave.kind: leave.ends_on - today for leave in session.exec(select(Leave))}
        on_leave = select(Person).join(Leave)
        phones = {person.phone for person in session.exec(on_leave)}
        contacts = {contact.person_id for contact in session.exec(select(EmergencyContact))}
        assert {person.id for person in session.exec(on_leave)} <= contacts
    days = {"sick": -1, "personal": 2, "injury": 0, "maternity": 20}
    assert ends == {kind: timedelta(days=count) for kind, count in days.items()}
    assert any(phone is not None and phone.startswith("+1") for phone in phones)
    database.close()
