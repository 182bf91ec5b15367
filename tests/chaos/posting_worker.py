"""A real worker that books settlements and dwells between commit and report, so that it can be killed.

Started by `ledger_kills` as `python -m tests.chaos.posting_worker DATABASE TEMPORAL FOLDER DWELL_S`.
"""

import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import select
from temporalio import workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from activities.ledger import LedgerActivities
    from countersign.adapters.database.tables import Posting
    from countersign.bootstrap import Parts
    from countersign.contracts.ledger import PostingOrder
    from countersign.retries import POSTING
    from countersign.settings import Settings

QUEUE = "chaos-ledger"


@workflow.defn(name="ChaosPostings", sandboxed=False)
class ChaosPostings:
    """Orders all postings at once and ends when every one is reported."""

    @workflow.run
    async def run(self, orders: list[PostingOrder]) -> int:
        """Post everything; return how many orders were reported as done."""
        posting = [workflow.execute_activity("post", one, **POSTING) for one in orders]
        await asyncio.gather(*posting)
        return len(posting)


@dataclass
class DwellingLedger:
    """The product's ledger; whoever books something new dwells after the commit."""

    parts: Parts
    dwell_s: float

    def post(self, order: PostingOrder) -> None:
        """Book an order; dwell if it was not in the books before."""
        known = self._in_the_books(order)
        self.parts.ledger.post(order)
        if not known:
            time.sleep(self.dwell_s)

    def _in_the_books(self, order: PostingOrder) -> bool:
        with self.parts.database.reading() as session:
            found = session.exec(select(Posting.id).where(Posting.key == f"{order.key}/0"))
            return found.first() is not None


async def main(database: str, temporal: str, folder: str, dwell_s: str) -> None:
    """Work until somebody kills this process."""
    client = await Client.connect(temporal, data_converter=pydantic_data_converter)
    parts = Parts(Settings(database_url=database, data_dir=Path(folder), _env_file=None))  # type: ignore[call-arg]
    with ThreadPoolExecutor(1) as threads:
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[ChaosPostings],
            activities=[LedgerActivities(DwellingLedger(parts, float(dwell_s))).post],
            activity_executor=threads,
            max_concurrent_activities=1,
        )
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
