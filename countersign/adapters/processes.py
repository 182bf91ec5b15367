"""How each kind of case is started: its workflow, the type of its input, and the words operators read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from countersign.contracts.acknowledgement import AcknowledgementInput
from countersign.contracts.cases import Process
from countersign.contracts.leave_return import LeaveReturnInput
from workflows.acknowledgement import AcknowledgementWorkflow
from workflows.leave_return import LeaveReturnWorkflow


@dataclass(frozen=True)
class StartOf:
    """How one kind of case is started. `summary` and `details` hold no personal data."""

    workflow: type[Any]
    read: Callable[[Any], Any]
    summary: Callable[[Any], str]
    details: Callable[[Any], str]


def _return_details(case: LeaveReturnInput) -> str:
    return (
        f"Process: leave return  \nLast day of leave: {case.ends_on}  \nPolicy: {case.policy_version}  \n"
        f"Case: {case.case_id}"
    )


def _acknowledgement_details(case: AcknowledgementInput) -> str:
    return (
        f"Process: acknowledgement  \nCircular: {case.circular_id}  \nPolicy: {case.policy_version}  \n"
        f"Case: {case.case_id}"
    )


STARTS: Mapping[Process, StartOf] = {
    Process.LEAVE_RETURN: StartOf(
        LeaveReturnWorkflow,
        TypeAdapter(LeaveReturnInput).validate_python,
        lambda case: f"Leave return · {case.leave_kind.value} leave",
        _return_details,
    ),
    Process.ACKNOWLEDGEMENT: StartOf(
        AcknowledgementWorkflow,
        TypeAdapter(AcknowledgementInput).validate_python,
        lambda case: f"Acknowledgement · {case.policy_version}",
        _acknowledgement_details,
    ),
}
"""Every process by its kind. All of them take acts, calendars and signals as `SteeredCase` does."""

WORKFLOWS: Sequence[type] = tuple(start.workflow for start in STARTS.values())
"""The classes of these processes, for whoever replays a history."""
