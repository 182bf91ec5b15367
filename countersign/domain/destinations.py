"""What each SMS provider can do for a destination: capabilities by provider and number prefix."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar


class SmsProvider(StrEnum):
    """The ways out for text messages."""

    TWILIO = "twilio"
    ALIYUN = "aliyun"


class Receipts(StrEnum):
    """What a "delivered" of this way out is worth."""

    CARRIER = "carrier"  # the recipient's carrier confirms the delivery
    WEAK = "weak"  # reports come, but nobody promises that they speak of the phone
    NONE = "none"  # nothing comes after "accepted"


@dataclass(frozen=True)
class Capability:
    """What a way out lets through.

    `link_ok`: a link in the text arrives. `reply_ok`: the person can text back. `template_required`: only
    texts that were registered beforehand arrive. `unicode_ok`: Chinese arrives as Chinese.
    """

    link_ok: bool
    reply_ok: bool
    template_required: bool = False
    unicode_ok: bool = True
    receipts: Receipts = Receipts.CARRIER


_TABLE: Mapping[SmsProvider, Mapping[str, Capability]] = {
    SmsProvider.TWILIO: {
        # Twilio, "Messaging guidelines": links and two-way SMS work where a country's page does not say no.
        "": Capability(link_ok=True, reply_ok=True),
        # Twilio, "China: SMS Guidelines": two-way SMS "No", no URLs in the content, signature and template
        # registered beforehand, finance-related content barred. The page promises no receipts of carriers.
        "+86": Capability(link_ok=False, reply_ok=False, template_required=True, receipts=Receipts.WEAK),
    },
    SmsProvider.ALIYUN: {
        # 阿里云, "短信模板规范" and "API错误码": approved signature and template always; a link only as
        # a fixed part of an approved template, never in a variable; emoji and traditional script are refused.
        # "SmsUp": replies (上行) reach the account. "SmsReport": the carrier's receipt.
        "+86": Capability(link_ok=False, reply_ok=True, template_required=True),
    },
}


_Value = TypeVar("_Value")


def by_longest_prefix(table: Mapping[str, _Value], e164: str) -> _Value | None:
    """Return the value of the longest key with which the number begins; the key "" fits every number."""
    fitting = [prefix for prefix in table if e164.startswith(prefix)]
    return table[max(fitting, key=len)] if fitting else None


def capability_of(provider: SmsProvider, e164: str) -> Capability | None:
    """Return what `provider` can do for a number in E.164; None where it does not send at all."""
    return by_longest_prefix(_TABLE[provider], e164)
