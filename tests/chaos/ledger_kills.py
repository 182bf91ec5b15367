"""A worker is killed a hundred times between the commit of a posting and its report to the server."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlmodel import select
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Case, Departure, Employment, Person, Settlement
from countersign.adapters.real_clock import utc_now
from countersign.contracts.ledger import PostingOrder
from countersign.ids import new_id
from tests.chaos.arena import DAY_S, Arena, NotReached, arena, until
from tests.chaos.posting_worker import QUEUE, ChaosPostings
from tests.chaos.report import Finding
from tests.chaos.run import Run

KILLS = 100
_DWELL_S, _PATIENCE_S, _END_PATIENCE_S = 30, 180, 600
_ON = date(2026, 3, 10)


def play(run: Run) -> Finding:
    """Kill once after the commit of each order; then let a worker finish, and add everything up."""
    kills = run.sized(KILLS, 2)
    finding = run.finding(
        f"SIGKILL of the worker {kills} times between the commit of a posting and its report"
    )
    with arena(run.folder, day_s=DAY_S, people=1) as stack:
        orders = settlements(stack, kills)
        asyncio.run(_play(stack, orders, finding))
        add_up(stack, orders, finding)
    return finding


async def _play(stack: Arena, orders: list[PostingOrder], finding: Finding) -> None:
    client = await Client.connect(stack.temporal, data_converter=pydantic_data_converter)
    handle = await client.start_workflow(
        ChaosPostings.run, orders, id="chaos-postings", task_queue=QUEUE, execution_timeout=timedelta(hours=2)
    )
    for number in range(len(orders)):
        with working(stack) as worker:
            booked = partial(_is_booked, stack, number + 1)
            until(booked, _PATIENCE_S, "nothing was booked", 0.004)
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
    finding.figures["kills between commit and report"] = len(orders)
    with working(stack, dwell_s=0):
        try:
            done = await asyncio.wait_for(handle.result(), _END_PATIENCE_S)
        except TimeoutError:
            finding.violations.append("the process that ordered the postings did not end")
            return
    finding.figures["orders reported as done"] = done
    finding.figures["tries in all"] = await _tries(handle)


async def _tries(handle: WorkflowHandle[ChaosPostings, int]) -> int:
    """Return how often the server has given a posting out, by the history."""
    tries = 0
    async for event in handle.fetch_history_events():
        if event.HasField("activity_task_started_event_attributes"):
            tries += event.activity_task_started_event_attributes.attempt
    return tries


@contextmanager
def working(stack: Arena, dwell_s: float = _DWELL_S) -> Iterator[subprocess.Popen[bytes]]:
    """Run a posting worker; whatever happens, it is gone afterwards."""
    command = [sys.executable, "-m", "tests.chaos.posting_worker", stack.stack.settings.url, stack.temporal]
    command += [str(stack.folder), str(dwell_s)]
    root = Path(__file__).parents[2]
    with (stack.folder / "posting-worker.log").open("ab") as log:
        worker = subprocess.Popen(command, cwd=root, stdout=log, stderr=log)
        try:
            yield worker
        finally:
            if worker.poll() is None:
                worker.kill()
            worker.wait()


def settlements(stack: Arena, count: int) -> list[PostingOrder]:
    """Put a departure with `count` confirmed settlements into the books; return the order of each.

    Number n makes 1 yuan and n fen due and pays n fen out, so that a line booked twice changes the sum.
    """
    database, at = Database(stack.stack.settings.url), utc_now()
    try:
        with database.transaction() as session:
            person = session.exec(select(Person)).first()
            if person is None:
                raise NotReached("nobody works here")
            employment = session.exec(select(Employment).where(Employment.person_id == person.id)).one()
            cases = [_case(kind, person, at) for kind in ("offboarding", "statutory")]
            session.add_all(cases)
            session.flush()
            session.add(
                Departure(
                    case_id=cases[0].id,
                    statutory_case_id=cases[1].id,
                    employment_id=employment.id,
                    person_id=person.id,
                    branch_id=person.branch_id,
                    kind="resignation",
                    ground="resignation",
                    proposed_by="employee",
                    needs_notice=False,
                    noticed_on=_ON,
                    last_day=_ON,
                    created_by="chaos",
                    created_at=at,
                )
            )
            session.flush()
            rows = [_settlement(cases[0].id, number, at) for number in range(1, count + 1)]
            session.add_all(rows)
            case_id = cases[0].id
    finally:
        database.close()
    return [PostingOrder(f"chaos/settlement/{row.id}", case_id, "settlement", row.id, _ON) for row in rows]


def _case(kind: str, person: Person, at: datetime) -> Case:
    return Case(
        id=new_id(),
        kind=kind,
        workflow_id=f"{kind}/chaos",
        person_id=person.id,
        branch_id=person.branch_id,
        policy_version=f"{kind}_standard@1",
        state="closed",
        stage="closed",
        created_at=at,
    )


def _settlement(case_id: str, number: int, at: datetime) -> Settlement:
    lines = [
        {"item": "final_wage", "kind": "wage_due", "account": "wage_payable", "amount_fen": 100 + number},
        {"item": "paid", "kind": "payment", "account": "wage_payable", "amount_fen": number},
    ]
    return Settlement(
        id=new_id(),
        departure_id=case_id,
        version=number,
        lines=lines,
        net_fen=100,
        state="confirmed",
        made_by="chaos",
        made_at=at,
    )


def _is_booked(stack: Arena, orders: int) -> bool:
    """Say whether the postings of so many orders are in the books."""
    booked = stack.books.number("SELECT count(*) FROM posting WHERE key LIKE 'chaos/settlement/%/0'")
    return booked >= orders


def add_up(stack: Arena, orders: list[PostingOrder], finding: Finding) -> None:
    """Compare the ledger with what was ordered: every key once, all lines together 0, the balance exact."""
    keys = [row["key"] for row in stack.books.rows("SELECT key FROM posting ORDER BY key")]
    wanted = sorted(f"{order.key}/{line}" for order in orders for line in (0, 1))
    together = stack.books.number("SELECT coalesce(sum(amount_fen), 0) FROM entry")
    balance = stack.books.number(
        "SELECT coalesce(sum(amount_fen), 0) FROM entry JOIN ledger_account a ON a.id = account_id "
        "WHERE a.kind = 'wage_payable'"
    )
    events = stack.books.number("SELECT count(*) FROM event WHERE kind = 'ledger.posted'")
    if keys != wanted:
        finding.violations.append(f"{len(wanted)} postings were ordered, {len(keys)} are in the ledger")
    if together != 0:
        finding.violations.append(f"all lines together are {together} fen, not 0")
    if balance != -100 * len(orders):
        finding.violations.append(f"the balance is {balance} fen, not {-100 * len(orders)}")
    if events != len(wanted):
        finding.violations.append(f"{len(wanted)} postings have {events} events in the evidence")
    finding.figures |= {"postings": len(keys), "evidence events": events}
