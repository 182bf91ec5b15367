"""The policy of the leave-return process as people write it, and what a policy must not do."""

from datetime import time
from typing import Annotated

from pydantic import Field, StrictInt

from countersign.domain.leave_return import REMINDER_STEP, LeaveReturnPolicy
from countersign.domain.policy import Channel, WaitUnit
from countersign.domain.policy_file import (
    CaseFileError,
    ChannelName,
    Days,
    LocalTime,
    ProcessPolicyModel,
    WaitModel,
    ladder_of,
    read_policy,
    wait_of,
)
from countersign.domain.policy_limits import ladder_fault

RESERVED_NAMES = frozenset({REMINDER_STEP, "extension_granted", "extension_refused", "objection_answered"})
REMINDING = frozenset({Channel.PREFERRED, Channel.SMS, Channel.EMAIL, Channel.IN_SYSTEM})


class LeaveReturnPolicyModel(ProcessPolicyModel):
    """A leave-return policy as written; everything but the rungs has a default."""

    remind_before: Days | None = WaitModel(value=3, unit=WaitUnit.WORKING_DAYS)
    remind_channels: list[ChannelName] = Field(default=[Channel.PREFERRED, Channel.IN_SYSTEM])
    back_by: LocalTime = time(18)
    notice_target_days: Annotated[StrictInt, Field(ge=0, le=366)] = 3


def leave_return_policy(mapping: object, source: str, path: str = "") -> LeaveReturnPolicy:
    """Read and check a leave-return policy; raises `CaseFileError` with one sentence."""
    read = read_policy(LeaveReturnPolicyModel, mapping, source, path)
    policy = LeaveReturnPolicy(
        name=read.name,
        ladder=ladder_of(read),
        remind_before=wait_of(read.remind_before) if read.remind_before else None,
        remind_channels=tuple(read.remind_channels),
        back_by=read.back_by,
        notice_target_days=read.notice_target_days,
        posting_due=wait_of(read.posting_due),
        visit_due=wait_of(read.visit_due),
        review_due=wait_of(read.review_due),
        on_unknown=read.on_unknown,
        confidential=read.confidential,
        publication_due=wait_of(read.publication_due),
    )
    refused = _refused(policy)
    if refused is not None:
        raise CaseFileError(f"{source}: {path}{'.' if path else ''}{refused}")
    return policy


def _refused(policy: LeaveReturnPolicy) -> str | None:
    """Say what of a whole policy the product refuses to run."""
    if not policy.remind_channels or not set(policy.remind_channels) <= REMINDING:
        return "remind_channels: name one or more of preferred, sms, email, in_system"
    waits = (
        policy.remind_before,
        policy.posting_due,
        policy.visit_due,
        policy.publication_due,
        policy.review_due,
    )
    own = [wait for wait in waits if wait is not None]
    return ladder_fault(policy.name, policy.ladder, own, RESERVED_NAMES)
