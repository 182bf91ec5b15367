"""Postings over a real Temporal server: a worker that dies between its commit and its report books once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import func
from sqlmodel import select
from temporalio import workflow
from temporalio.worker import Worker

from tests.support.time_skipping import time_skipping_env

with workflow.unsafe.imports_passed_through():
    from activities.ledger import LedgerActivities
    from countersign.adapters.database.tables import Entry, Posting, Settlement
    from countersign.bootstrap import Parts
    from countersign.contracts.ledger import PostingOrder
    from countersign.domain.ledger import AccountKind
    from countersign.ids import new_id
    from countersign.retries import POSTING
    from tests.support.company import company
    from tests.support.leaving import employment_id, leaving

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)
POSTINGS = 100


@workflow.defn(name="PostsMany", sandboxed=False)
class PostsMany:
    """Orders every posting it is given, all at once, as processes do."""

    @workflow.run
    async def run(self, orders: list[PostingOrder]) -> None:
        """Post everything."""
        await asyncio.gather(*(workflow.execute_activity("post", one, **POSTING) for one in orders))


@dataclass
class Died(Exception):
    """Stands for a worker that is gone: its work was committed, and nobody heard of it."""


@dataclass
class DyingLedger:
    """Posts, and dies after the commit of the first tries of each order."""

    post_to: Callable[[PostingOrder], None]
    deaths: int
    tries: Counter[str] = field(default_factory=Counter)

    def post(self, order: PostingOrder) -> None:
        self.tries[order.key] += 1
        self.post_to(order)
        if self.tries[order.key] <= self.deaths:
            raise Died


def settled(parts: Parts, case_id: str, number: int) -> str:
    lines = [
        {"item": "wage", "kind": "wage_due", "account": "wage_payable", "amount_fen": 100 + number},
        {"item": "paid", "kind": "payment", "account": "wage_payable", "amount_fen": number},
    ]
    with parts.database.transaction() as session:
        row = Settlement(
            id=new_id(),
            departure_id=case_id,
            version=number,
            lines=lines,
            net_fen=100,
            state="confirmed",
            made_by="test",
            made_at=NOW,
        )
        session.add(row)
        return row.id


async def test_a_hundred_deaths_between_commit_and_report_leave_every_key_once(tmp_path: Path) -> None:
    parts = company(tmp_path, lambda: NOW)
    case_id = leaving(parts, date(2026, 3, 10))
    orders = [
        PostingOrder(
            f"w/settlement/{n}", case_id, "settlement", settled(parts, case_id, n), date(2026, 3, 10)
        )
        for n in range(1, POSTINGS + 1)
    ]
    ledger = DyingLedger(parts.ledger.post, deaths=1)
    async with time_skipping_env() as env:
        with ThreadPoolExecutor(4) as threads:
            async with Worker(
                env.client,
                task_queue="ledger",
                workflows=[PostsMany],
                activities=[LedgerActivities(ledger).post],
                activity_executor=threads,
            ):
                await env.client.execute_workflow(
                    PostsMany.run,
                    orders,
                    id="posts-many",
                    task_queue="ledger",
                    execution_timeout=timedelta(minutes=10),
                )
    assert set(ledger.tries.values()) == {2}
    with parts.database.reading() as session:
        keys = session.exec(select(Posting.key)).all()
        assert session.exec(select(func.sum(Entry.amount_fen))).one() == 0
        balances = parts.ledger.balances(session, employment_id(parts))
    assert sorted(keys) == sorted(f"{one.key}/{line}" for one in orders for line in (0, 1))
    assert balances[AccountKind.WAGE_PAYABLE] == -100 * POSTINGS
