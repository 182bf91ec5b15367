"""The three policies of a departure as people write them, and what such policies must not do."""

from datetime import time
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt

from countersign.domain.departure import DepartureKind, Track
from countersign.domain.input_models import InputModel, one_of
from countersign.domain.offboarding import (
    WITHDRAWN_STEP,
    Asks,
    HandoverPolicy,
    KindTemplate,
    OffboardingPolicy,
    StatutoryPolicy,
)
from countersign.domain.policy import Audience, Channel, LadderPolicy
from countersign.domain.policy_file import (
    CaseFileError,
    ChannelName,
    LocalTime,
    ProcessPolicyModel,
    Text,
    ladder_of,
    read_policy,
    wait_of,
)
from countersign.domain.policy_limits import ladder_fault
from countersign.domain.questionnaire_policy import QuestionnaireModel, questionnaire_of

MOST_REMINDERS, EARLIEST_REMINDER_DAYS = 12, 365
MOST_SYSTEMS, LONGEST_SYSTEM = 40, 60

REMINDING = frozenset({Channel.PREFERRED, Channel.SMS, Channel.EMAIL, Channel.IN_SYSTEM})
"""Channels over which somebody is told something without HR carrying it anywhere."""

OFFBOARDING_RESERVED = frozenset(
    {
        "objection_answered",
        WITHDRAWN_STEP,
        *(f"reminder_{days}" for days in range(1, EARLIEST_REMINDER_DAYS + 1)),
    }
)
HANDOVER_RESERVED = frozenset({"announcement", "objection_answered", WITHDRAWN_STEP})
STATUTORY_RESERVED = frozenset({"certificate", "demand", "objection_answered"})
"""Names of messages that each process sends itself."""


def _days(days: list[int]) -> list[int]:
    for one in days:
        if not 1 <= one <= EARLIEST_REMINDER_DAYS:
            raise ValueError(f"holds {one}; a reminder leaves 1 to {EARLIEST_REMINDER_DAYS} days before")
    if len(days) > MOST_REMINDERS:
        raise ValueError(f"holds {len(days)} reminders; name at most {MOST_REMINDERS}")
    if len(set(days)) < len(days):
        raise ValueError("names a day twice; name each once")
    return sorted(days, reverse=True)


def _systems(names: list[str]) -> list[str]:
    if len(names) > MOST_SYSTEMS:
        raise ValueError(f"holds {len(names)} names; name at most {MOST_SYSTEMS} systems")
    named = [" ".join(name.split()) for name in names]
    if any(len(name) > LONGEST_SYSTEM for name in named):
        raise ValueError(f"holds a name of more than {LONGEST_SYSTEM} characters; shorten it")
    if len(set(named)) < len(named):
        raise ValueError("names a system twice; name each once")
    return named


def _tracks(tracks: list[Track]) -> list[Track]:
    if not tracks:
        raise ValueError(f"is empty; name one or more of {', '.join(Track)}")
    return [track for track in Track if track in tracks]


def _known_kinds(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError(f"must be a mapping of kinds to their templates; known kinds: {_KINDS}")
    read = one_of(DepartureKind, "kind of departure")
    return {read(kind): template for kind, template in value.items()}


def _telling(channels: list[Channel]) -> list[Channel]:
    if not channels or not set(channels) <= REMINDING:
        raise ValueError("must be one or more of preferred, sms, email, in_system")
    return list(dict.fromkeys(channels))


def _every_kind(kinds: dict[DepartureKind, "KindModel"]) -> dict[DepartureKind, "KindModel"]:
    return {kind: kinds.get(kind, KindModel()) for kind in DepartureKind}


_KINDS = ", ".join(DepartureKind)

Systems = Annotated[list[Text], AfterValidator(_systems)]
Telling = Annotated[list[ChannelName], AfterValidator(_telling)]
TrackName = Annotated[Track, BeforeValidator(one_of(Track, "track"))]


class KindModel(InputModel):
    """The template of one kind of departure as written; `systems` None takes those of the policy."""

    asks: Annotated[Asks, BeforeValidator(one_of(Asks, "time to ask"))] = Asks.AFTER_LAST_DAY
    tracks: Annotated[list[TrackName], AfterValidator(_tracks)] = Field(default=list(Track))
    systems: Systems | None = None


class OffboardingPolicyModel(ProcessPolicyModel):
    """A policy of departures as written; everything but the rungs has a default."""

    remind_days: Annotated[list[StrictInt], AfterValidator(_days)] = Field(default=[30, 14, 7, 3])
    remind_channels: Telling = Field(default=[Channel.PREFERRED, Channel.IN_SYSTEM])
    systems: Systems = Field(default=[])
    kinds: Annotated[
        dict[DepartureKind, KindModel], BeforeValidator(_known_kinds), AfterValidator(_every_kind)
    ] = Field(default={}, validate_default=True)
    questionnaire: QuestionnaireModel | None = None


class StatutoryPolicyModel(ProcessPolicyModel):
    """A policy of the end of an employment as written; everything but the rungs has a default."""

    certificate_at: LocalTime = time(9)
    told_channels: Telling = Field(default=[Channel.SMS, Channel.EMAIL, Channel.IN_SYSTEM])


def offboarding_policy(mapping: object, source: str, path: str = "") -> OffboardingPolicy:
    """Read and check a policy of departures; raises `CaseFileError` with one sentence."""
    read = read_policy(OffboardingPolicyModel, mapping, source, path)
    kinds = {
        kind: KindTemplate(
            tracks=tuple(model.tracks),
            systems=tuple(read.systems if model.systems is None else model.systems),
            asks=model.asks,
        )
        for kind, model in read.kinds.items()
    }
    policy = OffboardingPolicy(
        name=read.name,
        ladder=ladder_of(read),
        remind_days=tuple(read.remind_days),
        remind_channels=tuple(read.remind_channels),
        kinds=kinds,
        posting_due=wait_of(read.posting_due),
        visit_due=wait_of(read.visit_due),
        review_due=wait_of(read.review_due),
        on_unknown=read.on_unknown,
        confidential=read.confidential,
        publication_due=wait_of(read.publication_due),
        questionnaire=questionnaire_of(read.questionnaire),
    )
    _refuse(source, path, _private(policy.ladder) or _limits(policy, OFFBOARDING_RESERVED))
    return policy


def handover_policy(mapping: object, source: str, path: str = "") -> HandoverPolicy:
    """Read and check a policy of receivers; raises `CaseFileError` with one sentence."""
    read = read_policy(ProcessPolicyModel, mapping, source, path)
    policy = HandoverPolicy(
        name=read.name,
        ladder=ladder_of(read),
        posting_due=wait_of(read.posting_due),
        visit_due=wait_of(read.visit_due),
        review_due=wait_of(read.review_due),
        on_unknown=read.on_unknown,
        confidential=read.confidential,
        publication_due=wait_of(read.publication_due),
    )
    fault = _first(policy.ladder, "who is to confirm what was handed over") or _private(policy.ladder)
    _refuse(source, path, fault or _limits(policy, HANDOVER_RESERVED))
    return policy


def statutory_policy(mapping: object, source: str, path: str = "") -> StatutoryPolicy:
    """Read and check a policy of the end of an employment; raises `CaseFileError` with one sentence."""
    read = read_policy(StatutoryPolicyModel, mapping, source, path)
    policy = StatutoryPolicy(
        name=read.name,
        ladder=ladder_of(read),
        certificate_at=read.certificate_at,
        told_channels=tuple(read.told_channels),
        posting_due=wait_of(read.posting_due),
        visit_due=wait_of(read.visit_due),
        review_due=wait_of(read.review_due),
        on_unknown=read.on_unknown,
        confidential=read.confidential,
        publication_due=wait_of(read.publication_due),
    )
    fault = _first(policy.ladder, "to whom the notice is addressed") or _no_relatives(
        policy.ladder, "a notice that ends an employment is addressed to the employee alone"
    )
    _refuse(source, path, fault or _limits(policy, STATUTORY_RESERVED))
    return policy


def _first(ladder: LadderPolicy, who: str) -> str | None:
    first = ladder.rungs[0]
    if first.audience is Audience.EMPLOYEE:
        return None
    return f"rungs[0] ({first.name[:40]}): must turn to the employee, {who}"


def _private(ladder: LadderPolicy) -> str | None:
    """Say which rung takes a handover to people whom it does not concern."""
    for index, rung in enumerate(ladder.rungs):
        if Channel.PUBLIC_NOTICE in rung.channels:
            return (
                f"rungs[{index}] ({rung.name[:40]}): a handover is never made public; "
                "remove the channel public_notice"
            )
    return _no_relatives(ladder, "an emergency contact is no party to a handover")


def _no_relatives(ladder: LadderPolicy, because: str) -> str | None:
    for index, rung in enumerate(ladder.rungs):
        if rung.audience is Audience.EMERGENCY_CONTACT:
            return (
                f"rungs[{index}] ({rung.name[:40]}): {because}; "
                "turn to the employee, the manager, hr or legal"
            )
    return None


def _limits(
    policy: OffboardingPolicy | HandoverPolicy | StatutoryPolicy, reserved: frozenset[str]
) -> str | None:
    own = (policy.posting_due, policy.visit_due, policy.publication_due, policy.review_due)
    return ladder_fault(policy.name, policy.ladder, own, reserved)


def _refuse(source: str, path: str, fault: str | None) -> None:
    if fault is not None:
        raise CaseFileError(f"{source}: {path}{'.' if path else ''}{fault}")
