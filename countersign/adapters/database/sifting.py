"""A look through the messages of a plan before it starts: what blocks them, what is doubtful, the cost."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlmodel import Session

from countersign.adapters.database.channels import Channels
from countersign.domain.policy import Audience, Channel
from countersign.domain.sms_cost import PlannedSms, SmsEstimate, estimate, refusals
from countersign.domain.sms_templates import TemplateGap

CONFIDENTIAL = "confidential"
"""The text message that leads to any confidential notice."""


@dataclass(frozen=True)
class PreviewText:
    """What one recipient will read on one channel.

    A `confidential` one leads to its notice and says nothing of it.
    """

    step: str
    audience: Audience
    channel: Channel
    language: str
    recipient: str = field(repr=False)
    address: str | None = field(repr=False)
    title: str = field(repr=False)
    text: str = field(repr=False)
    confidential: bool = False


@dataclass(frozen=True)
class Sifted:
    """What was found: `blocks` must be mended first (field, sentence), `warnings` may go wrong.

    `sms` counts the texts that go to people who stay silent.
    """

    blocks: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    sms: SmsEstimate


@dataclass(frozen=True)
class Sieve:
    """What looks through the messages of one process.

    `channels` knows what leaves the country, `gap` which registered texts are missing (step, audience,
    language, number), `prices` what a segment costs by number prefix.
    """

    channels: Channels
    gap: Callable[[str, str, str, str], TemplateGap | None]
    prices: Mapping[str, Decimal]

    def sift(self, session: Session, texts: Sequence[PreviewText]) -> Sifted:
        """Return what stands in the way of these messages."""
        planned = _planned_sms(texts)
        blocks = [("policy.rungs", sentence) for sentence in refusals(planned)]
        crossing = self.channels.why_not(session, [(text.channel, text.address) for text in texts])
        if crossing is not None:
            blocks.append(("channels", f"channels: {crossing}"))
        warnings = []
        for text in texts:
            if text.channel is not Channel.SMS or not text.address:
                continue
            name = CONFIDENTIAL if text.confidential else text.step
            gap = self.gap(name, text.audience.value, text.language, text.address)
            if gap is not None and gap.blocks:
                blocks.append(("policy.rungs", gap.sentence))
            elif gap is not None:
                warnings.append(gap.sentence)
        found = estimate(planned, self.prices)
        return Sifted(tuple(dict.fromkeys(blocks)), tuple(dict.fromkeys(warnings)), found)


def _planned_sms(texts: Iterable[PreviewText]) -> list[PlannedSms]:
    return [
        PlannedSms(text.step, text.address, text.text)
        for text in texts
        if text.channel is Channel.SMS and text.address
    ]
