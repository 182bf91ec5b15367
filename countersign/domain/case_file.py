"""The case file of a dry run: what a ladder would do for one person, written in YAML or JSON."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import phonenumbers
from pydantic import AfterValidator, BeforeValidator, StrictStr

from countersign.domain.input_models import InputModel, one_of, read_input
from countersign.domain.planner import AudienceReach, Plan, Reach
from countersign.domain.policy import Audience, Channel, LadderPolicy
from countersign.domain.policy_file import CaseFileError, ChannelName, Text, policy_at, policy_from_mapping
from countersign.domain.regions import Region, UnknownRegion, region
from countersign.domain.yaml_text import InputError, load_text, shown

__all__ = ["CaseFileError", "CaseKind", "PlanCase", "parse_plan_case", "plan_to_json", "policy_from_mapping"]

_INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9:.]+) ?(Z|[+-][0-9]{2}:[0-9]{2})?")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class CaseKind(StrEnum):
    """The process that a ladder serves."""

    LEAVE_RETURN = "leave_return"
    OFFBOARDING = "offboarding"
    ABSENCE = "absence"
    INJURY_CLAIM = "injury_claim"
    INSURANCE_MONTH = "insurance_month"


@dataclass(frozen=True)
class PlanCase:
    """What a case file says, ready for the planner; `start` keeps the offset that was written."""

    kind: CaseKind
    region: Region
    employee_id: str
    policy: LadderPolicy
    start: datetime
    reach: Reach


def no_stored_policy(name: str) -> LadderPolicy:
    """Know no policy by name; raises `KeyError`."""
    raise KeyError(name)


def parse_plan_case(
    text: str, source: str, stored: Callable[[str], LadderPolicy] = no_stored_policy
) -> PlanCase:
    """Read a case file.

    `source` is the file's name for messages; `stored` finds a policy that the file only names and raises
    `KeyError` when there is none. Raises `CaseFileError` for the first thing that is wrong.
    """
    try:
        return _plan_case(text, source, stored)
    except InputError as refusal:
        raise CaseFileError(str(refusal)) from None


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Write a plan as JSON-ready values; instants are ISO 8601 with seconds and offset."""
    return {
        "steps": [
            {
                "rung": step.rung,
                "at": step.at.isoformat(timespec="seconds"),
                "audience": step.audience.value,
                "channels": [channel.value for channel in step.channels],
                "waits_until": step.waits_until.isoformat(timespec="seconds"),
            }
            for step in plan.steps
        ],
        "exhausted_at": plan.exhausted_at.isoformat(timespec="seconds"),
        "warnings": [{"code": warning.code.value, "message": warning.message} for warning in plan.warnings],
        "provisional": plan.provisional,
    }


def _instant(value: object) -> datetime:
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be an instant written like 2026-02-13T10:00:00+08:00")
    day, clock, offset = match.groups()
    if offset is None:
        raise ValueError("has no offset from UTC; write it like 2026-02-13T10:00:00+08:00")
    try:
        return datetime.fromisoformat(f"{day}T{clock}{offset}")
    except ValueError:
        raise ValueError(f"is {shown(value)}, an instant that does not exist") from None


def _region(value: object) -> Region:
    try:
        return region(value if isinstance(value, str) else str(value))
    except UnknownRegion as unknown:
        raise ValueError(str(unknown).removeprefix("region ")) from None


# Numbers and addresses are personal: the refusals name the field and do not repeat the value.
def _phone(value: str) -> str:
    try:
        if _E164.fullmatch(value) and phonenumbers.is_valid_number(phonenumbers.parse(value)):
            return value
    except phonenumbers.NumberParseException:
        # A country code that nobody has.
        pass
    raise ValueError('is not a valid phone number; write it with country code, like "+8613800138000"')


def _email(value: str) -> str:
    if _EMAIL.fullmatch(value):
        return value
    raise ValueError("is not an e-mail address")


def _id_text(value: object) -> object:
    # A staff number of digits alone is read as a number unless it is quoted.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _concrete(channel: Channel) -> Channel:
    if channel is Channel.PREFERRED:
        raise ValueError('cannot be "preferred" itself; name the channel')
    return channel


_Id = Annotated[Text, BeforeValidator(_id_text)]
_Phone = Annotated[StrictStr, AfterValidator(_phone)]
_Email = Annotated[StrictStr, AfterValidator(_email)]


class _EmergencyContact(InputModel):
    name: Text | None = None
    relation: Text | None = None
    phone: _Phone | None = None
    email: _Email | None = None


class _Colleague(InputModel):
    id: _Id | None = None
    name: Text | None = None
    phone: _Phone | None = None
    email: _Email | None = None


class _Employee(InputModel):
    id: _Id
    name: Text | None = None
    phone: _Phone | None = None
    email: _Email | None = None
    preferred_channel: Annotated[ChannelName, AfterValidator(_concrete)] | None = None
    emergency_contact: _EmergencyContact | None = None
    service_address: Text | None = None
    language: Text | None = None
    branch: Text | None = None


class _Case(InputModel):
    kind: Annotated[CaseKind, BeforeValidator(one_of(CaseKind, "kind"))]
    region: Annotated[Region, BeforeValidator(_region)]
    start: Annotated[datetime, BeforeValidator(_instant)]
    employee: _Employee
    manager: _Colleague | None = None
    hr: _Colleague | None = None
    legal: _Colleague | None = None
    policy: Any


def _plan_case(text: str, source: str, stored: Callable[[str], LadderPolicy]) -> PlanCase:
    case = read_input(_Case, load_text(text, source), source)
    return PlanCase(
        kind=case.kind,
        region=case.region,
        employee_id=case.employee.id,
        policy=_named_policy(case.policy, source, stored)
        if isinstance(case.policy, str)
        else policy_at(case.policy, source, "policy"),
        start=case.start,
        reach=_reach(case),
    )


def _named_policy(name: str, source: str, stored: Callable[[str], LadderPolicy]) -> LadderPolicy:
    try:
        return stored(name)
    except KeyError:
        raise InputError(
            f"{source}: policy names {shown(name)}, which is not stored; write its rungs here or store it"
        ) from None


def _reach(case: _Case) -> Reach:
    employee = case.employee
    others: dict[Audience, _EmergencyContact | _Colleague | None] = {
        Audience.EMERGENCY_CONTACT: employee.emergency_contact,
        Audience.MANAGER: case.manager,
        Audience.HR: case.hr,
        Audience.LEGAL: case.legal,
    }
    audiences = {
        Audience.EMPLOYEE: AudienceReach(
            _addressed(employee.phone, employee.email), employee.preferred_channel
        )
    }
    for audience, person in others.items():
        if person is not None:
            audiences[audience] = AudienceReach(_addressed(person.phone, person.email))
    return Reach(audiences, employee.service_address is not None, case.region.zone)


def _addressed(phone: str | None, email: str | None) -> tuple[Channel, ...]:
    return ((Channel.SMS,) if phone else ()) + ((Channel.EMAIL,) if email else ())
