"""A case's chain written again from nothing but the history of its process.

The process is replayed as Temporal does it; what it asks the recorder to write, and what became of its
messages, is caught on the way out and written into an empty database by the product's own recorder.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    StartActivityInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from countersign.adapters.database.tables import Case, Person
from countersign.adapters.processes import WORKFLOWS
from countersign.bootstrap import Parts
from countersign.contracts.cases import RecordOrder
from countersign.contracts.notices import SendState
from countersign.domain.evidence import Event, EventKind
from tests.support.company import BEIJING, NUMBER, company
from workflows.sandbox import runner

Told = list[tuple[str, Any]]
_KINDS = {
    SendState.HELD: EventKind.NOTICE_NOTHING_SENT,
    SendState.SUPPRESSED: EventKind.DELIVERY_SUPPRESSED,
}


class _Catcher(Interceptor):
    """Keeps what a replayed run tells the world, in order."""

    def __init__(self, told: Told) -> None:
        self.told = told

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        input.unsafe_extern_functions["__keep"] = lambda kind, value: self.told.append((kind, value))
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        _keep("input", input.args[0])
        return await super().execute_workflow(input)


class _Outbound(WorkflowOutboundInterceptor):
    def start_local_activity(self, input: StartLocalActivityInput) -> Any:
        if input.activity == "record":
            _keep("record", input.args[0])
        return super().start_local_activity(input)

    def start_activity(self, input: StartActivityInput) -> Any:
        handle = super().start_activity(input)
        if input.activity == "send_notice":
            order = input.args[0]
            handle.add_done_callback(lambda done: _keep_result(order, done))
        return handle


def _keep_result(order: Any, done: Any) -> None:
    if not done.cancelled() and done.exception() is None:
        _keep("sent", (order, done.result()))


def _keep(kind: str, value: Any) -> None:
    workflow.extern_functions()["__keep"](kind, value)


async def replayed_chain(history: WorkflowHistory, folder: Path) -> list[Event]:
    """Return the chain that a history alone gives, without what people and providers wrote into the first."""
    told: Told = []
    await Replayer(
        workflows=WORKFLOWS,
        data_converter=pydantic_data_converter,
        workflow_runner=runner(),
        interceptors=[_Catcher(told)],
    ).replay_workflow(history)
    now = datetime.fromisoformat("2030-01-01T00:00:00+00:00")
    # A test has one PostgreSQL database, and the case's own company is in it: the copy lies in a file.
    parts = company(folder, lambda: now, database_url=f"sqlite:///{folder / 'replayed.db'}")
    case_input = told[0][1]
    _plant(parts, case_input)
    for kind, value in told[1:]:
        if kind == "record":
            assert isinstance(value, RecordOrder)
            parts.cases.record(value)
        elif kind == "sent":
            _write_sending(parts, *value)
    with parts.database.reading() as session:
        return parts.evidence.chain(session, case_input.case_id)[0]


def _plant(parts: Parts, given: Any) -> None:
    """Make the case's row and its first event, which the start writes before there is a process."""
    from sqlmodel import select

    with parts.database.transaction() as session:
        person = session.exec(select(Person).where(Person.number == NUMBER)).one()
        case = Case(
            id=given.case_id,
            kind="leave_return",
            workflow_id=f"leave-return/{given.leave_id}",
            person_id=person.id,
            branch_id=BEIJING,
            policy_version=given.policy_version,
            state="starting",
            stage="starting",
            created_at=given.clock.case,
        )
        session.add(case)
        session.flush()
        body = {"case": case.id, "process": case.kind}
        started = given.clock.case
        parts.evidence.append(session, case, "started", started, EventKind.CASE_STARTED, {"role": "hr"}, body)


def _write_sending(parts: Parts, order: Any, result: Any) -> None:
    kind = _KINDS.get(result.state, EventKind.DELIVERY_SENDING)
    body = {"delivery": order.delivery_id, "because": result.code}
    with parts.database.transaction() as session:
        case = session.get_one(Case, order.case_id)
        key = f"sending/{order.delivery_id}/{order.at.isoformat()}"
        parts.evidence.append(session, case, key, order.at, kind, {"role": "machine"}, body)
