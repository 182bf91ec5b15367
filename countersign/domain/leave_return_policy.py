"""The policy of the leave-return process as people write it, and what a policy must not do."""

from datetime import time
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, StrictInt

from countersign.domain.input_models import read_input
from countersign.domain.leave_return import REMINDER_STEP, LeaveReturnPolicy
from countersign.domain.policy import (
    Audience,
    Channel,
    OnUnknown,
    Rung,
    SendingWindow,
    Wait,
    WaitUnit,
    WindowDays,
)
from countersign.domain.policy_file import (
    CaseFileError,
    ChannelName,
    LocalTime,
    PolicyModel,
    Text,
    WaitModel,
    ladder_of,
)
from countersign.domain.yaml_text import InputError

QUIET_FROM, QUIET_TO = time(21), time(8)
"""Relatives are left in peace from 21:00 to 08:00 and on days off."""

MOST_RUNGS, LONGEST_NAME, LONGEST_WAIT_DAYS = 50, 100, 3660
RESERVED_NAMES = frozenset({REMINDER_STEP, "extension_granted", "extension_refused", "objection_answered"})
REMINDING = frozenset({Channel.PREFERRED, Channel.SMS, Channel.EMAIL, Channel.IN_SYSTEM})


def _in_days(wait: WaitModel) -> WaitModel:
    if wait.unit is WaitUnit.HOURS:
        raise ValueError("must be counted in calendar_days or working_days")
    return wait


_Days = Annotated[WaitModel, AfterValidator(_in_days)]


class LeaveReturnPolicyModel(PolicyModel):
    """A leave-return policy as written; everything but the rungs has a default."""

    name: Text
    remind_before: _Days | None = WaitModel(value=3, unit=WaitUnit.WORKING_DAYS)
    remind_channels: list[ChannelName] = Field(default=[Channel.PREFERRED, Channel.IN_SYSTEM])
    back_by: LocalTime = time(18)
    notice_target_days: Annotated[StrictInt, Field(ge=0, le=366)] = 3
    posting_due: _Days = WaitModel(value=2, unit=WaitUnit.WORKING_DAYS)
    visit_due: _Days = WaitModel(value=3, unit=WaitUnit.WORKING_DAYS)
    review_due: _Days = WaitModel(value=2, unit=WaitUnit.WORKING_DAYS)
    on_unknown: Annotated[OnUnknown, Field(strict=False)] = OnUnknown.AT_LEAST_ONCE
    confidential: StrictBool = False


def leave_return_policy(mapping: object, source: str, path: str = "") -> LeaveReturnPolicy:
    """Read and check a leave-return policy; raises `CaseFileError` with one sentence."""
    try:
        read = read_input(LeaveReturnPolicyModel, mapping, source, path)
    except InputError as refusal:
        raise CaseFileError(str(refusal)) from None
    policy = LeaveReturnPolicy(
        name=read.name,
        ladder=ladder_of(read),
        remind_before=_wait(read.remind_before) if read.remind_before else None,
        remind_channels=tuple(read.remind_channels),
        back_by=read.back_by,
        notice_target_days=read.notice_target_days,
        posting_due=_wait(read.posting_due),
        visit_due=_wait(read.visit_due),
        review_due=_wait(read.review_due),
        on_unknown=read.on_unknown,
        confidential=read.confidential,
    )
    where = f"{source}: {path}{'.' if path else ''}"
    refused = _refused(policy)
    if refused is not None:
        raise CaseFileError(f"{where}{refused}")
    for index, rung in enumerate(policy.ladder.rungs):
        fault = _fault(rung, policy.ladder.sending_window)
        if fault is not None:
            raise CaseFileError(f"{where}rungs[{index}] ({rung.name[:40]}): {fault}")
    return policy


def _wait(model: WaitModel) -> Wait:
    return Wait(model.value, model.unit)


def _refused(policy: LeaveReturnPolicy) -> str | None:
    """Say what of a whole policy the product refuses to run."""
    names = [rung.name for rung in policy.ladder.rungs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if len(names) > MOST_RUNGS:
        return f"rungs: has {len(names)} rungs; at most {MOST_RUNGS} can be run"
    if max(map(len, (policy.name, *names))) > LONGEST_NAME:
        return f"name: is longer than {LONGEST_NAME} characters"
    if twice is not None:
        return f"rungs: the name {twice} is used twice; give each rung a name of its own"
    if not policy.remind_channels or not set(policy.remind_channels) <= REMINDING:
        return "remind_channels: name one or more of preferred, sms, email, in_system"
    own = (policy.remind_before, policy.posting_due, policy.visit_due, policy.review_due)
    if any(wait is not None and _too_long(wait) for wait in own):
        return f"a wait around the ladder is longer than {LONGEST_WAIT_DAYS} days"
    return None


def _too_long(wait: Wait) -> bool:
    return wait.value > LONGEST_WAIT_DAYS * (24 if wait.unit is WaitUnit.HOURS else 1)


def _fault(rung: Rung, window: SendingWindow | None) -> str | None:
    """Say what the product refuses to run although it can be planned."""
    if rung.name in RESERVED_NAMES:
        return "this name belongs to a message of the process itself; choose another"
    if _too_long(rung.wait):
        return f"wait: is longer than {LONGEST_WAIT_DAYS} days; shorten it"
    if {Channel.COURIER, Channel.VISIT} <= set(rung.channels):
        return "courier and visit cannot share a rung; give each its own"
    if Channel.PUBLIC_NOTICE in rung.channels:
        return "public_notice is not offered in this version; remove the channel"
    if rung.audience is Audience.EMERGENCY_CONTACT and not _spares_relatives(window):
        return (
            "an emergency contact is never written to at night or on days off; "
            "set sending_window to working days between 08:00 and 21:00"
        )
    return None


def _spares_relatives(window: SendingWindow | None) -> bool:
    return (
        window is not None
        and window.days is WindowDays.WORKING
        and window.opens >= QUIET_TO
        and window.closes <= QUIET_FROM
    )
