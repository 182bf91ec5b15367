"""Five hundred items confirmed by five receivers, beside a bare script that keeps the same answers."""

import sqlite3
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from sqlmodel import col, select

from bench.ratio import Ratio
from countersign.adapters.database.departures import DepartureWish
from countersign.adapters.database.handover_book import HandoverAct
from countersign.adapters.database.migrate import migrate, store_shipped_policies
from countersign.adapters.database.tables import Branch, Employment, Holding, Person
from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.departure import DepartureKind
from countersign.domain.handover import Side, Speaker
from countersign.ids import new_id
from countersign.settings import Settings

RECEIVERS = 5


def measure(items: int = 500) -> Ratio:
    """Return items a second, both sides confirming; each receiver's share is one act."""
    with tempfile.TemporaryDirectory() as folder:
        parts = Parts(Settings(data_dir=Path(folder), _env_file=None), utc_now)  # type: ignore[call-arg]
        migrate(parts.database)
        store_shipped_policies(parts.database)
        departure, people = _departure(parts, items)
        begun = time.perf_counter()
        _say(parts, departure, Side.LEAVER, people[0])
        for person in people[1:]:
            _say(parts, departure, Side.RECEIVER, person)
        ours = time.perf_counter() - begun
        board = parts.handover_book.board(departure)
        assert board is not None
        assert board.all.closed == items, "what was timed was not done"
        parts.database.close()
        bare = _bare(Path(folder) / "bare.db", items)
    note = f"{items} items, {RECEIVERS} receivers, {RECEIVERS + 1} acts with their evidence; {ours:.1f} s"
    return Ratio("handover, items a second", 1, items / ours, items / bare, note)


def _departure(parts: Parts, items: int) -> tuple[str, list[str]]:
    today = utc_now().date()
    with parts.database.transaction() as session:
        session.add(Branch(id="BRANCH", name="B", region="beijing"))
        session.flush()
        numbers = ["LEAVER", *(f"R{n}" for n in range(RECEIVERS))]
        for number in numbers:
            session.add(Person(id=new_id(), number=number, name=number, branch_id="BRANCH"))
        session.flush()
        people = {one.number: one.id for one in session.exec(select(Person))}
        for person in people.values():
            session.add(Employment(id=new_id(), person_id=person, hired_on=date(2020, 1, 1)))
        for n in range(items):
            session.add(
                Holding(
                    id=new_id(),
                    track="documents",
                    reference=f"D{n}",
                    person_id=people["LEAVER"],
                    title=f"D{n}",
                    receiver_id=people[f"R{n % RECEIVERS}"],
                    source="bench",
                    updated_at=utc_now(),
                )
            )
    wish = DepartureWish(
        "LEAVER",
        DepartureKind.MUTUAL,
        today + timedelta(days=30),
        today,
        policy=None,
    )
    made = parts.departures.start(wish, {"role": "hr", "id": "token:bench"})
    with parts.database.reading() as session:
        rows = session.exec(select(Person.id).where(col(Person.number).in_(numbers)).order_by(Person.number))
        return made.case_id, list(rows)


def _say(parts: Parts, departure: str, side: Side, person: str) -> None:
    leaver = side is Side.LEAVER
    act = HandoverAct(
        new_id(),
        departure,
        Speaker.LEAVER if leaver else Speaker.RECEIVER,
        side,
        Role.EMPLOYEE,
        person,
        person_id=person,
    )
    take = parts.handover_book.hand_over if leaver else parts.handover_book.accept
    take(act)


def _bare(file: Path, items: int) -> float:
    """Keep who confirmed which item when, in one table, a transaction for each person."""
    with sqlite3.connect(file) as rows:
        rows.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, receiver INTEGER, given TEXT, taken TEXT)")
        rows.executemany(
            "INSERT INTO item VALUES (?, ?, NULL, NULL)", ((n, n % RECEIVERS) for n in range(items))
        )
    begun = time.perf_counter()
    with sqlite3.connect(file) as rows:
        rows.execute("UPDATE item SET given = datetime('now')")
    for receiver in range(RECEIVERS):
        with sqlite3.connect(file) as rows:
            rows.execute("UPDATE item SET taken = datetime('now') WHERE receiver = ?", (receiver,))
    return time.perf_counter() - begun
