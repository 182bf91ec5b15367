"""Histories of closed cases: kept before the Temporal server forgets them, and replayed from a bundle."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Case, CaseHistory
from countersign.adapters.documents import Documents
from countersign.adapters.processes import WORKFLOWS
from countersign.contracts.cases import CaseState
from countersign.domain.outcome import outcome_sha256
from workflows.sandbox import runner

_LAST = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
}
_TELL = "countersign_outcome"


class HistoryKeeper:
    """Keeps the history of each closed case under its hash among the documents."""

    def __init__(
        self,
        database: Database,
        connect: Callable[[], Awaitable[Client]],
        documents: Documents,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._connect = database, connect
        self._documents, self._clock = documents, clock

    async def run(self, limit: int = 20) -> int:
        """Keep the histories of closed cases whose process has ended; return how many."""
        kept = 0
        due = self._due(limit)
        if not due:
            return 0
        client = await self._connect()
        for case_id, workflow_id in due:
            kept += await self._keep(client, case_id, workflow_id)
        return kept

    def _due(self, limit: int) -> list[tuple[str, str]]:
        query = (
            select(Case.id, Case.workflow_id)
            .outerjoin(CaseHistory, col(CaseHistory.case_id) == col(Case.id))
            .where(Case.state == CaseState.CLOSED.value, col(CaseHistory.case_id).is_(None))
            .order_by(col(Case.closed_at))
            .limit(limit)
        )
        with self._database.reading() as session:
            return [(case_id, workflow_id) for case_id, workflow_id in session.exec(query)]

    async def _keep(self, client: Client, case_id: str, workflow_id: str) -> bool:
        try:
            found = await client.get_workflow_handle(workflow_id).fetch_history()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            self._note(CaseHistory(case_id=case_id, workflow_id=workflow_id, run_id=""))
            return False
        if found.events[-1].event_type not in _LAST:
            return False  # the last words are still being written
        run_id = found.events[0].workflow_execution_started_event_attributes.original_execution_run_id
        sha256 = self._documents.keep(found.to_json().encode())
        self._note(CaseHistory(case_id=case_id, workflow_id=workflow_id, run_id=run_id, sha256=sha256))
        return True

    def _note(self, row: CaseHistory) -> None:
        row.kept_at = self._clock()

        def keep(session: Session) -> None:
            if session.get(CaseHistory, row.case_id) is None:
                session.add(CaseHistory(**row.model_dump()))

        self._database.write(keep)


@dataclass(frozen=True)
class Replayed:
    """What came of replaying a history; `fault` is one sentence, without the history's content.

    `outcome_sha256` is the hash of what the process returned, None when it returned nothing. `case` is the id
    in the input with which the process began; `ended` says that the history holds its end, `completed` that
    it came to that by itself.
    """

    outcome_sha256: str | None
    fault: str | None
    case: str | None = None
    ended: bool = False
    completed: bool = False


async def replay(name: str, content: bytes) -> Replayed:
    """Replay a history with the present code and return the hash of its outcome.

    `name` is the entry's name below `history/`, `<case>/<workflow id>/<run id>.json`. A replay notices other
    commands, but no other values: so the outcome itself is taken from an interceptor.
    """
    told: list[str] = []
    workflow_id = name.partition("/")[2].rpartition("/")[0] or name
    try:
        history = WorkflowHistory.from_json(workflow_id, json.loads(content))
        began = history.events[0].workflow_execution_started_event_attributes
        case = str(json.loads(began.input.payloads[0].data)["case_id"])
        last = history.events[-1].event_type
        result = await Replayer(
            workflows=WORKFLOWS,
            data_converter=pydantic_data_converter,
            workflow_runner=runner(),
            interceptors=[_Listening(lambda result: told.append(outcome_sha256(result)))],
        ).replay_workflow(history, raise_on_replay_failure=False)
    except Exception as fault:  # whatever the bytes are, they are no history
        return Replayed(None, f"cannot be replayed ({type(fault).__name__})")
    if result.replay_failure is not None:
        kind = type(result.replay_failure).__name__
        return Replayed(None, f"does not fit the process as it is programmed ({kind})")
    return Replayed(
        told[-1] if told else None,
        None,
        case,
        last in _LAST,
        last == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
    )


class _Listening(Interceptor):
    def __init__(self, told: Callable[[Any], None]) -> None:
        self._told = told

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        input.unsafe_extern_functions[_TELL] = self._told
        return _Outcome


class _Outcome(WorkflowInboundInterceptor):
    """Tells what the process returned; runs inside the sandbox, and tells by the way out meant for it."""

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        result = await super().execute_workflow(input)
        workflow.extern_functions()[_TELL](result)
        return result
