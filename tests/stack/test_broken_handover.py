"""A release in which the handover fails at every try, on a real server: the law's dates go on beside it."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from countersign import search_attributes as attributes
from countersign.adapters.database.departures import DepartureWish
from countersign.adapters.database.tables import Case, Document, Duty, Employment
from countersign.adapters.processes import WORKFLOWS
from countersign.adapters.real_clock import utc_now
from countersign.adapters.temporal_namespace import prepare_namespace
from countersign.adapters.temporal_server import find_dev_server, start_dev_server
from countersign.bootstrap import Parts
from countersign.contracts.departures import OffboardingInput, OffboardingResult
from countersign.domain.departure import DepartureKind
from countersign.domain.local_time import day_of
from countersign.play import free_ports
from tests.support.company import NUMBER, add_colleague, company
from tests.support.departing import add_holdings
from tests.support.world import eventually
from workflows.offboarding import OffboardingWorkflow
from workflows.sandbox import runner
from workflows.steering import SteeredCase

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
FACTOR = 86_400
"""A day passes in a second."""


@workflow.defn(name="Offboarding", sandboxed=False)
class _Broken(SteeredCase):
    """A handover with a bug: every task of it fails, and the server tries again for ever."""

    @workflow.run
    async def run(self, case: OffboardingInput) -> OffboardingResult:
        raise RuntimeError("this release of the handover is broken")


async def test_the_certificate_is_issued_while_every_task_of_the_handover_fails(tmp_path: Path) -> None:
    first = free_ports(2)
    server = await asyncio.to_thread(
        start_dev_server,
        find_dev_server(),
        data_dir=tmp_path / "server",
        port=first,
        ui_port=first + 1,
        search_attributes=attributes.TYPES,
    )
    parts = company(tmp_path / "data", utc_now, time_lapse=FACTOR)
    try:
        client = await Client.connect(server.address, data_converter=pydantic_data_converter)
        await prepare_namespace(client, search_attributes=attributes.TYPES)
        parts._client = client
        add_colleague(parts, "E2001")
        add_holdings(parts)
        today = day_of(utc_now())
        wish = DepartureWish(
            NUMBER, DepartureKind.MUTUAL, today + timedelta(days=2), today, successor="E2001"
        )
        made = parts.departures.start(wish, {"role": "hr", "id": "token:test"})
        others = [one for one in WORKFLOWS if one is not OffboardingWorkflow]
        with ThreadPoolExecutor(4) as threads:
            worker = Worker(
                client,
                task_queue=parts.settings.task_queue,
                workflows=[*others, _Broken],
                activities=parts.activities(),
                activity_executor=threads,
                workflow_runner=runner(),
            )
            async with worker:
                carrying = asyncio.create_task(parts.dispatcher.run())
                await asyncio.to_thread(eventually, lambda: certificate(parts, made.case_id) == "done", 120)
                carrying.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await carrying
                with parts.database.reading() as session:
                    handover = session.get_one(Case, made.case_id)
                    papers = session.exec(
                        select(Document.kind).where(Document.case_id == made.statutory_case_id)
                    ).all()
                    ended = session.exec(select(Employment.state)).one()
                assert handover.state == "starting"
                assert "certificate" in papers
                assert ended == "ended"
                told = await client.get_workflow_handle(handover.workflow_id).describe()
                assert told.status is WorkflowExecutionStatus.RUNNING
                assert told.raw_description.pending_workflow_task.attempt > 1
    finally:
        parts.database.close()
        await asyncio.to_thread(server.stop)


def certificate(parts: Parts, departure: str) -> str:
    with parts.database.reading() as session:
        mine = select(Duty).where(Duty.departure_id == departure, Duty.kind == "certificate")
        return session.exec(mine).one().state
