"""Whether a workflow has something in hand, read from its history."""

from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
)
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode


async def in_hand(handle: WorkflowHandle[Any, Any]) -> bool:
    """Return whether a workflow task or an activity is on its way.

    An activity that waits for its next attempt is not; neither is a workflow that nobody started.
    """
    try:
        told = await _described(handle)
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


async def _described(handle: WorkflowHandle[Any, Any]) -> DescribeWorkflowExecutionResponse:
    """Ask the server itself: this server keeps an attribute that was unset, which the SDK cannot read."""
    asked = DescribeWorkflowExecutionRequest(
        namespace=handle._client.namespace, execution=WorkflowExecution(workflow_id=handle.id)
    )
    return await handle._client.workflow_service.describe_workflow_execution(asked)


def _at_work(activity: Any) -> bool:
    return activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED or activity.attempt <= 1
