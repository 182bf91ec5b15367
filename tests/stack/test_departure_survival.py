"""A departure on a stack of real processes that are killed while its last day passes."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, select

from countersign.adapters.database.duty_book import DutyAct
from countersign.adapters.database.handover_book import HandoverAct
from countersign.adapters.database.tables import Case, Document, Duty, Person
from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.departure import DutyKind
from countersign.domain.handover import Side, Speaker
from tests.support.company import NUMBER, add_colleague
from tests.support.departing import add_holdings
from tests.support.world import World, eventually, running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]
SUCCESSOR = "E2001"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def parts(world: World) -> Iterator[Parts]:
    made = Parts(world.stack.settings)
    yield made
    made.database.close()


def test_a_departure_outlives_a_killed_worker_and_a_killed_server_and_loses_no_confirmation(
    world: World, parts: Parts
) -> None:
    add_colleague(parts, SUCCESSOR)
    add_holdings(parts, NUMBER, [("documents", f"D-{n}", f"文件 {n}", None) for n in range(40)])
    today = utc_now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    wish = {
        "employee": NUMBER,
        "kind": "mutual",
        "proposed_by": "employee",
        "last_day": (today + timedelta(days=2)).isoformat(),
        "noticed_on": today.isoformat(),
        "successor": SUCCESSOR,
        "overdue": {f"reminder_{days}": "skip" for days in (30, 14, 7, 3)},
    }
    made = world.player.call("/api/v1/departures", wish, "leaves")
    departure, statutory = str(made["case"]), str(made["statutory_case"])
    eventually(lambda: {world.case(one)["state"] for one in (departure, statutory)} == {"running"})
    world.kill("worker")
    confirm(parts, departure, 0)
    world.kill("temporal")
    # The last day passes while nothing runs: two days are twelve seconds here.
    time.sleep(14)
    confirm(parts, departure, 20)
    world.stack.revive()
    eventually(lambda: duties(parts, departure)["certificate"] == "done", 90)
    world.kill("worker")
    for kind in DutyKind:
        if kind is not DutyKind.CERTIFICATE:
            done(parts, departure, kind)
    world.stack.revive()
    # A message that was on its way when the worker died is looked for two minutes later, and the case waits.
    eventually(lambda: world.case(statutory)["outcome"] == "fulfilled", 240)
    board = parts.handover_book.board(departure)
    assert board is not None
    assert (board.all.closed, board.all.all) == (40, 40)
    assert papers(parts, statutory).count("certificate") == 1
    world.player.tokens = {Role.HR: world.token, Role.FINANCE: parts.tokens.create(Role.FINANCE, None)}
    path = f"/api/v1/departures/{departure}/balances-confirmed"
    world.player.call(path, {}, "complete", Role.FINANCE)
    eventually(lambda: world.player.call(f"/api/v1/departures/{departure}/gate")["open"], 30)
    eventually(lambda: outcome(parts, departure) == "completed", 60)


def confirm(parts: Parts, departure: str, first: int) -> None:
    """Let both sides confirm twenty items; nobody who could bring it to the process is there."""
    with parts.database.reading() as session:
        leaver, receiver = (
            session.exec(select(Person.id).where(Person.number == number)).one()
            for number in (NUMBER, SUCCESSOR)
        )
    board = parts.handover_book.board(departure)
    assert board is not None
    items = tuple(one.id for track in board.items.values() for one in track)[first : first + 20]
    for speaker, side, person in (
        (Speaker.LEAVER, Side.LEAVER, leaver),
        (Speaker.RECEIVER, Side.RECEIVER, receiver),
    ):
        act = HandoverAct(
            f"{side}{first}".ljust(40, "0"),
            departure,
            speaker,
            side,
            Role.EMPLOYEE,
            person,
            person_id=person,
            items=items,
        )
        take = parts.handover_book.hand_over if side is Side.LEAVER else parts.handover_book.accept
        assert take(act).state == "waiting"


def done(parts: Parts, departure: str, kind: DutyKind) -> None:
    """Record a duty as done; nobody who could bring it to the process is there."""
    role = Role.FINANCE if kind is DutyKind.WAGES else Role.HR
    act = DutyAct(kind.value.ljust(40, "0"), departure, kind, role, "token:test", reference=f"NO-{kind}")
    assert parts.duty_book.done(act).state == "waiting"


def duties(parts: Parts, departure: str) -> dict[str, str]:
    with parts.database.reading() as session:
        return {
            one.kind: one.state for one in session.exec(select(Duty).where(Duty.departure_id == departure))
        }


def papers(parts: Parts, case: str) -> list[str]:
    with parts.database.reading() as session:
        return list(session.exec(select(Document.kind).where(col(Document.case_id) == case)))


def outcome(parts: Parts, case: str) -> str | None:
    with parts.database.reading() as session:
        return session.get_one(Case, case).outcome
