"""Which process a policy is for, how it is read, and everything that is wrong with one that is refused."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from countersign.domain.acknowledgement import AcknowledgementPolicy
from countersign.domain.acknowledgement_policy import acknowledgement_policy
from countersign.domain.input_models import told_refusals
from countersign.domain.leave_return import LeaveReturnPolicy
from countersign.domain.leave_return_policy import LeaveReturnPolicyModel, leave_return_policy
from countersign.domain.offboarding import HandoverPolicy, OffboardingPolicy, StatutoryPolicy
from countersign.domain.offboarding_policy import (
    OffboardingPolicyModel,
    StatutoryPolicyModel,
    handover_policy,
    offboarding_policy,
    statutory_policy,
)
from countersign.domain.policy_file import CaseFileError, ProcessPolicyModel

Policy = LeaveReturnPolicy | AcknowledgementPolicy | OffboardingPolicy | HandoverPolicy | StatutoryPolicy
"""The policy of a process, read."""

READERS: dict[str, Callable[[object, str], Policy]] = {
    "leave_return": leave_return_policy,
    "acknowledgement": acknowledgement_policy,
    "offboarding": offboarding_policy,
    "handover": handover_policy,
    "statutory": statutory_policy,
}
"""How the policy of a process is read, by the process's name. All raise `CaseFileError` in words."""

MODELS: dict[str, type[ProcessPolicyModel]] = {
    "leave_return": LeaveReturnPolicyModel,
    "acknowledgement": ProcessPolicyModel,
    "offboarding": OffboardingPolicyModel,
    "handover": ProcessPolicyModel,
    "statutory": StatutoryPolicyModel,
}
"""Which settings the policy of a process has, by the process's name."""

MOST_TOLD = 20
"""A few lines of YAML can be wrong in thousands of places; so many are told at once."""

_SOURCE = "policy"
_CLOCKS = frozenset({"back_by", "certificate_at"})
_OF_RUNG = re.compile(r"(rungs\[\d+\]) \(.*?\): (.+)", re.DOTALL)
_OF_FIELD = re.compile(r"([a-z_]+): (.+)", re.DOTALL)


@dataclass(frozen=True)
class Refused:
    """One reason why a policy is refused; `field` is its place, such as `rungs[1].wait.value`, or empty."""

    field: str
    reason: str


def process_of(file: str) -> str:
    """Return the process of a shipped policy from its file name, `<process>_<variant>.yaml`."""
    return max((name for name in READERS if file.startswith(f"{name}_")), key=len)


def refusals(process: str, mapping: object) -> tuple[Refused, ...]:
    """Return every reason why a policy as written is refused; nothing when it may run.

    What cannot be read is told at once, up to `MOST_TOLD`; what may be read but must not run, one by one.
    """
    try:
        MODELS[process].model_validate(mapping)
    except ValidationError as refusal:
        told = told_refusals(refusal)[:MOST_TOLD]
        return tuple(Refused(field, reason) for field, reason in told)
    try:
        READERS[process](mapping, _SOURCE)
    except CaseFileError as refusal:
        return (_placed(str(refusal).removeprefix(f"{_SOURCE}: ")),)
    return ()


def written_out(process: str, mapping: object) -> dict[str, Any]:
    """Return a policy that may run with every setting written out, so that no later default changes it."""
    body = MODELS[process].model_validate(mapping).model_dump(mode="json", by_alias=True)
    if body["sending_window"] is None:
        del body["sending_window"]
    else:
        body["sending_window"] = {key: _short(value) for key, value in body["sending_window"].items()}
    for clock in _CLOCKS & body.keys():
        body[clock] = _short(body[clock])
    first = ["name", "sending_window"]
    last = ["rungs"]
    middle = [key for key in body if key not in (*first, *last)]
    return {key: body[key] for key in (*first, *middle, *last) if key in body}


def _short(clock: str) -> str:
    return clock.removesuffix(":00") if clock.count(":") > 1 else clock


def _placed(sentence: str) -> Refused:
    """Take the place out of a refusal, down to the field that its reason begins with."""
    place, reason = "", sentence
    if of_rung := _OF_RUNG.fullmatch(sentence):
        place, reason = of_rung[1], of_rung[2]
    if of_field := _OF_FIELD.fullmatch(reason):
        place, reason = f"{place}.{of_field[1]}" if place else of_field[1], of_field[2]
    return Refused(place, reason)
