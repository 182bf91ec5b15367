"""How each kind of case is started: its workflow, the type of its input, and the words operators read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from countersign.contracts.acknowledgement import AcknowledgementInput
from countersign.contracts.cases import Process
from countersign.contracts.departures import HandoverInput, OffboardingInput, StatutoryInput
from countersign.contracts.leave_return import LeaveReturnInput
from workflows.acknowledgement import AcknowledgementWorkflow
from workflows.handover import HandoverWorkflow
from workflows.leave_return import LeaveReturnWorkflow
from workflows.offboarding import OffboardingWorkflow
from workflows.statutory import StatutoryWorkflow


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


def _offboarding_details(case: OffboardingInput) -> str:
    return (
        f"Process: offboarding  \nKind: {case.kind.value}  \nLast day: {case.last_day}  \n"
        f"Policy: {case.policy_version}  \nCase: {case.case_id}"
    )


def _handover_details(case: HandoverInput) -> str:
    return (
        f"Process: handover to one receiver  \nDeparture: {case.departure_id}  \n"
        f"Last day: {case.last_day}  \nPolicy: {case.policy_version}  \nCase: {case.case_id}"
    )


def _statutory_details(case: StatutoryInput) -> str:
    return (
        f"Process: statutory duties  \nDeparture: {case.departure_id}  \nLast day: {case.last_day}  \n"
        f"Notice needed: {'yes' if case.needs_notice else 'no'}  \nPolicy: {case.policy_version}  \n"
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
    Process.OFFBOARDING: StartOf(
        OffboardingWorkflow,
        TypeAdapter(OffboardingInput).validate_python,
        lambda case: f"Offboarding · {case.kind.value.replace('_', ' ')}",
        _offboarding_details,
    ),
    Process.HANDOVER: StartOf(
        HandoverWorkflow,
        TypeAdapter(HandoverInput).validate_python,
        lambda case: f"Handover · last day {case.last_day}",
        _handover_details,
    ),
    Process.STATUTORY: StartOf(
        StatutoryWorkflow,
        TypeAdapter(StatutoryInput).validate_python,
        lambda case: f"Statutory duties · {case.kind.value.replace('_', ' ')}",
        _statutory_details,
    ),
}
"""Every process by its kind. All of them take acts, calendars and signals as `SteeredCase` does."""

WORKFLOWS: Sequence[type] = tuple(start.workflow for start in STARTS.values())
"""The classes of these processes, for whoever replays a history."""
