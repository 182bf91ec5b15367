"""What the pages show before a start: messages step by step, what is missing, why something is refused."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from api.console.visit import Visit
from api.language import Sentence, sentence
from countersign.adapters.database.sifting import PreviewText
from countersign.adapters.database.starts import CannotStart, StartPreview
from countersign.adapters.rendering import TemplateFault
from countersign.domain.console_words import told_in
from countersign.domain.leave_return import REMINDER_STEP
from countersign.domain.levels import ZH
from countersign.domain.masking import masked
from countersign.domain.planner import Plan, PlanWarningCode, Step
from countersign.domain.policy import Audience, Channel
from countersign.domain.sms_templates import TemplateRefused
from countersign.domain.sms_text import segments
from countersign.domain.yaml_text import InputError

Refusal = CannotStart | InputError | TemplateFault | TemplateRefused
REFUSALS = (CannotStart, InputError, TemplateFault, TemplateRefused)
"""Why a start or its preview may be refused, each a sentence."""

BY_ITSELF = frozenset({Channel.SMS, Channel.EMAIL, Channel.IN_SYSTEM})
"""Channels whose messages leave without anybody's hand."""

_FIELD = re.compile(r"[a-z_][\w.\[\]]*: ")

_MISSING: Mapping[str, Sentence] = {
    "phone": sentence("No mobile number is on record, so no text message can reach the employee."),
    "email": sentence("No e-mail address is on record, so no mail can reach the employee."),
    "service_address": sentence("No address for service is on record, so letters and visits have no goal."),
    "e_delivery_consent": sentence(
        "No consent to electronic service is on record. Have the form signed: without it a court may not "
        "count a text message or mail as served."
    ),
    "emergency_contact": sentence("No emergency contact with a number is on record, so that step is silent."),
    "emergency_contact_consent": sentence(
        "The emergency contact has not agreed to be written to. Ask them, and keep the date."
    ),
    "manager": sentence("No manager is on record, so the manager is told nothing."),
}

MISSING_NAMES: Mapping[str, Sentence] = {
    "phone": sentence("mobile number"),
    "email": sentence("e-mail"),
    "service_address": sentence("address for service"),
    "e_delivery_consent": sentence("consent to electronic service"),
    "emergency_contact": sentence("emergency contact"),
    "emergency_contact_consent": sentence("emergency contact's agreement"),
    "manager": sentence("manager"),
}
"""The same in a word, for lists."""


@dataclass(frozen=True)
class ShownText:
    """One message as a preview shows it; `segments` is empty for what is no text message."""

    channel: str
    recipient: str | None = field(repr=False)
    address: str | None
    title: str = field(repr=False)
    text: str = field(repr=False)
    segments: int | None


@dataclass(frozen=True)
class ShownStep:
    """One step of a preview: when it begins, until when it waits, whom it tells, and every message."""

    name: str
    at: datetime
    waits_until: datetime | None
    audience: str
    texts: tuple[ShownText, ...]


def steps_of(shown: StartPreview) -> list[ShownStep]:
    """Return the reminder, where one would leave, and every step of the ladder."""
    steps = shown_steps(shown.plan.steps, shown.texts)
    if shown.reminder_at is not None:
        texts = _texts(REMINDER_STEP, shown.texts)
        steps.insert(
            0, ShownStep(REMINDER_STEP, shown.reminder_at, None, Audience.EMPLOYEE.value, tuple(texts))
        )
    return steps


def shown_steps(steps: Iterable[Step], texts: Sequence[PreviewText]) -> list[ShownStep]:
    """Return every step of a plan with its messages."""
    return [
        ShownStep(one.rung, one.at, one.waits_until, one.audience.value, tuple(_texts(one.rung, texts)))
        for one in steps
    ]


def _texts(step: str, texts: Sequence[PreviewText]) -> list[ShownText]:
    return [
        ShownText(
            channel=one.channel.value,
            # HR and legal are the company itself, named by their part.
            recipient=None if one.recipient == one.audience.value else one.recipient,
            address=masked(one.address) if one.address else None,
            title=one.title,
            text=one.text,
            segments=segments(one.text) if one.channel is Channel.SMS else None,
        )
        for one in texts
        if one.step == step
    ]


def missing_of(codes: Iterable[str]) -> list[Sentence]:
    """Return what is not on record as sentences that say what follows from it."""
    return [_MISSING[code] for code in absent(codes)]


def absent(codes: Iterable[str]) -> list[str]:
    """Return what is to be told as missing: a contact who is not there need not agree to anything."""
    found = list(codes)
    implied = "emergency_contact_consent" if "emergency_contact" in found else None
    return [code for code in found if code != implied]


def unreachable(plan: Plan) -> list[str]:
    """Return the warnings of a plan that the page does not show in another way: ways that lead nowhere."""
    return [one.message for one in plan.warnings if one.code is PlanWarningCode.UNREACHABLE_CHANNEL]


def waits_for_hr(shown: StartPreview, choices: Mapping[str, str]) -> bool:
    """Say whether the case would begin by asking what to do about steps whose date has passed."""
    return any(one.step != REMINDER_STEP and one.step not in choices for one in shown.overdue)


def leaving_on(shown: StartPreview, choices: Mapping[str, str], now: datetime) -> int:
    """Return how many messages would leave by themselves on the day of `now`."""
    if waits_for_hr(shown, choices):
        return 0
    days = {step.rung: step.at for step in shown.plan.steps}
    if shown.reminder_at is not None:
        days[REMINDER_STEP] = shown.reminder_at
    return sum(
        one.channel in BY_ITSELF and days[one.step].date() == now.astimezone(days[one.step].tzinfo).date()
        for one in shown.texts
    )


def told(visit: Visit, english: str) -> str:
    """Return a sentence of the engine for a reader: without the name of a field of the API before it."""
    if visit.language == ZH:
        return told_in(visit.language, english)
    bare = _FIELD.sub("", english, count=1) if _FIELD.match(english) else english
    return bare[:1].upper() + bare[1:]


def fault_of(visit: Visit, refusal: Refusal) -> dict[str, str]:
    """Return a refusal as the fault of a field of the form."""
    name = getattr(refusal, "field", None) or "policy"
    return {name.partition(".")[0]: told(visit, str(refusal))}


def same_again(*shown: object) -> str:
    """Return a mark of what a preview showed; another one afterwards means: look at it again."""
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:24]
