"""The arithmetic before a bulk start: messages, segments and cost, and texts that are too long to leave."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal, InvalidOperation

from countersign.domain.destinations import by_longest_prefix
from countersign.domain.sms_text import MAX_SEGMENTS, segments
from countersign.domain.yaml_text import InputError, shown

MAX_CHARACTERS = 500
"""Longest text; Twilio, "China: SMS Guidelines", and 阿里云, "短信模板规范"."""

_FEN = 100


@dataclass(frozen=True)
class PlannedSms:
    """One text that would leave: the step it belongs to, the number in E.164, the finished words."""

    step: str
    to: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True)
class SmsEstimate:
    """What a run would send. `cost_fen` is whole fen, rounded up once over all; None with the reason why.

    `exact_fen` is the cost before rounding, so that sums of estimates are rounded up once too.
    """

    messages: int
    segments: int
    cost_fen: int | None
    because: str | None
    exact_fen: Decimal | None = field(default=None, compare=False)


def sms_prices(table: Mapping[str, str], source: str) -> dict[str, Decimal]:
    """Read prices in yuan a segment by number prefix (`"+86": "0.045"`, `""` for everywhere else).

    Raises `InputError` with a sentence that names `source` and the prefix.
    """
    prices = {}
    for prefix, written in table.items():
        if prefix and not (prefix[0] == "+" and prefix[1:].isdecimal() and prefix.isascii()):
            raise InputError(
                f'{source}: {shown(prefix)} is no prefix; write one like "+86", or "" for the rest'
            )
        try:
            price = Decimal(written)
        except InvalidOperation:
            price = Decimal("NaN")
        if not price.is_finite() or price < 0:
            raise InputError(f'{source}: the price of {shown(prefix)} must be yuan a segment, like "0.045"')
        prices[prefix] = price
    return prices


def estimate(planned: Iterable[PlannedSms], prices: Mapping[str, Decimal]) -> SmsEstimate:
    """Count messages and segments and add up the cost by the price of the longest fitting prefix."""
    messages = total = 0
    yuan, unpriced = Decimal(0), set[str]()
    for sms in planned:
        size = segments(sms.text)
        messages, total = messages + 1, total + size
        price = by_longest_prefix(prices, sms.to)
        if price is None:
            unpriced.add(_country(sms.to))
        else:
            yuan += size * price
    if unpriced:
        missing = ", ".join(sorted(unpriced))
        return SmsEstimate(
            messages,
            total,
            None,
            f"no price is set for numbers that begin with {missing}; add a prefix to sms_prices",
        )
    return _priced(messages, total, yuan * _FEN)


def _priced(messages: int, total: int, fen: Decimal) -> SmsEstimate:
    return SmsEstimate(messages, total, int(fen.to_integral_value(ROUND_CEILING)), None, fen)


def _country(e164: str) -> str:
    """Return how to name the numbers like this one in the price table, without the number itself."""
    return "+86" if e164.startswith("+86") else e164[:4]


def together(estimates: Iterable[SmsEstimate]) -> SmsEstimate:
    """Add estimates up; the cost of the whole is unknown as soon as one part's is."""
    parts = list(estimates)
    messages, total = sum(part.messages for part in parts), sum(part.segments for part in parts)
    unpriced = next((part for part in parts if part.exact_fen is None), None)
    if unpriced is not None:
        return SmsEstimate(messages, total, None, unpriced.because)
    return _priced(messages, total, sum((part.exact_fen or Decimal(0) for part in parts), Decimal(0)))


def too_long(step: str, text: str) -> str | None:
    """Return the sentence that refuses a text nobody would receive whole, or None when it may leave."""
    size = segments(text)
    if size <= MAX_SEGMENTS and len(text) <= MAX_CHARACTERS:
        return None
    return (
        f"step {step}: the SMS has {len(text)} characters in {size} segments; "
        f"at most {MAX_CHARACTERS} characters and {MAX_SEGMENTS} segments arrive, so shorten the text"
    )


def refusals(planned: Iterable[PlannedSms]) -> list[str]:
    """Return one sentence for each step with a text that is too long, in the order of the steps."""
    said: dict[str, str] = {}
    for sms in planned:
        if sms.step not in said and (sentence := too_long(sms.step, sms.text)) is not None:
            said[sms.step] = sentence
    return list(said.values())
