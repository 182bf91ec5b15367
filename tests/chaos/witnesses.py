"""What the running stack is asked for after a run: evidence bundles, and the histories of workflows."""

import asyncio
import http.client
import importlib.util
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from tests.chaos.arena import Arena
from tests.chaos.books import Row
from tests.chaos.caller import side_by_side
from tests.chaos.invariants import Timer

_VERIFIER = Path(__file__).parents[2] / "docs" / "verify_bundle.py"
_AT_ONCE = 20


@cache
def independent_verifier() -> Any:
    """Return the module of the verifier that knows nothing of the product."""
    spec = importlib.util.spec_from_file_location("verify_bundle", _VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def verdict(bundle: bytes) -> str | None:
    """Return None for a sound bundle, else what is broken."""
    try:
        independent_verifier().verify(bundle)
    except Exception as fault:
        return f"{type(fault).__name__}: {fault}"
    return None


def verdicts(arena: Arena, cases: Iterable[Row]) -> dict[str, str | None]:
    """Export the evidence of each case over the API and check it with the independent verifier."""

    def check(case_id: str) -> tuple[str, str | None]:
        try:
            answer = arena.hr.get(f"/api/v1/cases/{case_id}/evidence")
        except (OSError, http.client.HTTPException) as fault:
            return case_id, f"the API did not hand it out ({type(fault).__name__})"
        return case_id, verdict(answer.body) if answer.status == 200 else f"answered {answer.status}"

    return dict(side_by_side(check, [case["id"] for case in cases], 4))


class Histories:
    """The histories of the workflows: results by workflow id, and every timer."""

    def __init__(self) -> None:
        self.results: dict[str, str | None] = {}
        self.timers: list[Timer] = []


def histories(arena: Arena, cases: Iterable[Row]) -> Histories:
    """Fetch the history of each case's workflow."""
    found = Histories()
    asyncio.run(_fetch_all(found, arena.temporal, [case["workflow_id"] for case in cases]))
    return found


async def _fetch_all(found: Histories, address: str, workflow_ids: list[str]) -> None:
    client = await Client.connect(address)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def fetch(workflow_id: str) -> None:
        async with gate:
            await _fetch(found, client.get_workflow_handle(workflow_id), workflow_id)

    await asyncio.gather(*(fetch(workflow_id) for workflow_id in workflow_ids))


async def _fetch(found: Histories, handle: WorkflowHandle[Any, Any], workflow_id: str) -> None:
    started: dict[int, datetime] = {}
    ended: dict[int, tuple[str, datetime]] = {}
    closed_at: datetime | None = None
    found.results[workflow_id] = None
    async for event in handle.fetch_history_events():
        at = event.event_time.ToDatetime(tzinfo=UTC)
        kind = event.event_type
        if kind == EventType.EVENT_TYPE_TIMER_STARTED:
            wait = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
            started[event.event_id] = at + wait
        elif kind == EventType.EVENT_TYPE_TIMER_FIRED:
            ended[event.timer_fired_event_attributes.started_event_id] = ("fired", at)
        elif kind == EventType.EVENT_TYPE_TIMER_CANCELED:
            ended[event.timer_canceled_event_attributes.started_event_id] = ("cancelled", at)
        elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            payload = event.workflow_execution_completed_event_attributes.result.payloads[0]
            found.results[workflow_id], closed_at = json.loads(payload.data)["outcome"], at
    for event_id, due in started.items():
        how, when = ended.get(event_id, (None, None))
        found.timers.append(Timer(workflow_id, due, how, when, closed_at))
