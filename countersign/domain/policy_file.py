"""A ladder policy as people write it: YAML or JSON with a closed set of keys."""

import re
from datetime import time
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, StrictStr, model_validator

from countersign.domain.input_models import InputModel, one_of, read_input
from countersign.domain.policy import (
    Audience,
    Channel,
    LadderPolicy,
    OnUnknown,
    Rung,
    SendingWindow,
    Wait,
    WaitUnit,
    WindowDays,
)
from countersign.domain.yaml_text import InputError, shown

_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")


class CaseFileError(InputError):
    """A case file or a policy is refused; the text is one sentence naming file and field."""


def policy_from_mapping(mapping: object, source: str) -> LadderPolicy:
    """Read a policy that stands alone, as parsed from YAML or JSON; raises `CaseFileError`."""
    return ladder_of(read_policy(PolicyModel, mapping, source, ""))


def _clock(value: object) -> time:
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be a local time written like "09:00"')
    try:
        hours, minutes, seconds = (int(part) for part in match.groups(default="0"))
        return time(hours, minutes, seconds)
    except ValueError:
        raise ValueError(f"is {shown(value)}, a time that does not exist; use 00:00 to 23:59") from None


def _not_blank(value: str) -> str:
    if any("\ud800" <= one <= "\udfff" for one in value):
        raise ValueError("holds half a character; write it again")
    if not value.strip():
        raise ValueError("is empty; write it or leave the line out")
    return value


def _not_negative(value: int) -> int:
    if value < 0:
        raise ValueError("must not be negative")
    return value


Text = Annotated[StrictStr, AfterValidator(_not_blank)]
ChannelName = Annotated[Channel, BeforeValidator(one_of(Channel, "channel"))]
LocalTime = Annotated[time, BeforeValidator(_clock)]


class WaitModel(InputModel):
    """A wait as written: `{value, unit}`."""

    value: Annotated[StrictInt, AfterValidator(_not_negative)]
    unit: Annotated[WaitUnit, BeforeValidator(one_of(WaitUnit, "unit"))]


def _in_days(wait: WaitModel) -> WaitModel:
    if wait.unit is WaitUnit.HOURS:
        raise ValueError("must be counted in calendar_days or working_days")
    return wait


Days = Annotated[WaitModel, AfterValidator(_in_days)]


class _Rung(InputModel):
    name: Text
    audience: Annotated[Audience, BeforeValidator(one_of(Audience, "audience"))]
    channels: list[ChannelName]
    wait: WaitModel

    @model_validator(mode="after")
    def _names_a_channel(self) -> "_Rung":
        if not self.channels:
            raise ValueError("has no channels; name at least one channel")
        return self


class _Window(InputModel):
    days: Annotated[WindowDays, BeforeValidator(one_of(WindowDays, "kind of days"))]
    opens: LocalTime = Field(alias="from")
    closes: LocalTime = Field(alias="to")

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> "_Window":
        if self.opens >= self.closes:
            raise ValueError('must open before it closes: "from" has to be earlier than "to"')
        return self


class PolicyModel(InputModel):
    """A ladder as written: `sending_window` (optional) and `rungs`."""

    sending_window: _Window | None = None
    rungs: list[_Rung]

    @model_validator(mode="after")
    def _has_a_rung(self) -> "PolicyModel":
        if not self.rungs:
            raise ValueError("has no rungs; name at least one")
        return self


_Model = TypeVar("_Model", bound=PolicyModel)


class ProcessPolicyModel(PolicyModel):
    """What the policy of every process that climbs a ladder says around it."""

    name: Text
    posting_due: Days = WaitModel(value=2, unit=WaitUnit.WORKING_DAYS)
    visit_due: Days = WaitModel(value=3, unit=WaitUnit.WORKING_DAYS)
    review_due: Days = WaitModel(value=2, unit=WaitUnit.WORKING_DAYS)
    publication_due: Days = WaitModel(value=5, unit=WaitUnit.WORKING_DAYS)
    on_unknown: Annotated[OnUnknown, BeforeValidator(one_of(OnUnknown, "choice"))] = OnUnknown.AT_LEAST_ONCE
    confidential: StrictBool = False


def read_policy(model: type[_Model], mapping: object, source: str, path: str) -> _Model:
    """Read a policy that is a file or a request of its own; raises `CaseFileError` with one sentence."""
    try:
        return read_input(model, mapping, source, path)
    except InputError as refusal:
        raise CaseFileError(str(refusal)) from None


def policy_at(mapping: object, source: str, path: str) -> LadderPolicy:
    """Read the policy that stands at `path` of a larger file; raises `InputError`."""
    return ladder_of(read_input(PolicyModel, mapping, source, path))


def ladder_of(read: "PolicyModel") -> LadderPolicy:
    """Turn a validated policy into the planner's value."""
    window = read.sending_window
    return LadderPolicy(
        rungs=tuple(
            Rung(rung.name, rung.audience, tuple(rung.channels), Wait(rung.wait.value, rung.wait.unit))
            for rung in read.rungs
        ),
        sending_window=SendingWindow(window.days, window.opens, window.closes) if window else None,
    )


def wait_of(model: WaitModel) -> Wait:
    """Turn a wait as written into the planner's value."""
    return Wait(model.value, model.unit)
