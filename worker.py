"""The worker: settings, parts, and the only list of workflows and activities."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from temporalio.worker import Worker

from countersign.bootstrap import Parts, worker_parts
from workflows.acknowledgement import AcknowledgementWorkflow as Acknowledgement
from workflows.handover import HandoverWorkflow as Handover
from workflows.leave_return import LeaveReturnWorkflow as LeaveReturn
from workflows.offboarding import OffboardingWorkflow as Offboarding
from workflows.sandbox import runner
from workflows.statutory import StatutoryWorkflow as Statutory


async def work(parts: Parts) -> None:
    """Serve the task queue until SIGTERM or SIGINT, then finish what is under way."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with Worker(
        await parts.temporal(),
        task_queue=parts.settings.task_queue,
        workflows=[LeaveReturn, Acknowledgement, Offboarding, Handover, Statutory],
        activities=parts.activities(),
        activity_executor=ThreadPoolExecutor(8),
        workflow_runner=runner(),
        graceful_shutdown_timeout=timedelta(seconds=30),
        max_cached_workflows=500,
    ):
        await stop.wait()
    await parts.aclose()


if __name__ == "__main__":
    asyncio.run(work(worker_parts()))
