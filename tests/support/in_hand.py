"""Whether a workflow has something in hand, read from its history."""

from typing import Any

from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode


async def in_hand(handle: WorkflowHandle[Any, Any]) -> bool:
    """Return whether a workflow task or an activity is on its way.

    An activity that waits for its next attempt is not; neither is a workflow that nobody started.
    """
    try:
        told = (await handle.describe()).raw_description
        if any(_at_work(one) for one in told.pending_activities):
            return True
        task_open = False
        async for event in handle.fetch_history_events():
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
                task_open = True
            elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                task_open = False
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return task_open


def _at_work(activity: Any) -> bool:
    return activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED or activity.attempt <= 1
