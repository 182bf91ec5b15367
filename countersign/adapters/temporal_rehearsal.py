"""`python -m countersign.adapters.temporal_rehearsal HOST:PORT`: one workflow on the time-skipping server.

What the server loads for it is what Java keeps ready for later starts: a test that took 1.5 s takes 0.6 s.
A program of its own, because the SDK can crash the interpreter at shutdown; it leaves by `os._exit`.
"""

import asyncio
import os
import sys
from datetime import timedelta

from temporalio import workflow
from temporalio.api.testservice.v1 import UnlockTimeSkippingRequest
from temporalio.client import Client
from temporalio.worker import Worker

_QUEUE = "rehearsal"


@workflow.defn(name="Rehearsal")
class RehearsalWorkflow:
    """Waits an hour of the server's time, which exercises starts, workflow tasks and timers."""

    @workflow.run
    async def run(self) -> None:
        """Wait."""
        await workflow.sleep(timedelta(hours=1))


async def _rehearse(target: str) -> None:
    client = await Client.connect(target)
    async with Worker(client, task_queue=_QUEUE, workflows=[RehearsalWorkflow]):
        handle = await client.start_workflow(RehearsalWorkflow.run, id=_QUEUE, task_queue=_QUEUE)
        await client.test_service.unlock_time_skipping(UnlockTimeSkippingRequest())
        await handle.result()


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(_rehearse(sys.argv[1]), timeout=60))
    os._exit(0)
