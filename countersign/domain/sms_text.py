"""How long an SMS is: alphabet, units, and the segments that are billed (3GPP TS 23.038 and 23.040)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")

MAX_SEGMENTS = 8
"""More segments than this are refused before sending: carriers in mainland China cut longer texts."""


class SmsEncoding(StrEnum):
    """The alphabet in which a text travels; one foreign character turns the whole text to UCS-2."""

    GSM_7 = "gsm-7"
    UCS_2 = "ucs-2"


@dataclass(frozen=True)
class SmsSize:
    """The size of a text; `units` are septets in GSM-7 and UTF-16 code units in UCS-2."""

    encoding: SmsEncoding
    units: int
    segments: int


_ALONE = {SmsEncoding.GSM_7: 160, SmsEncoding.UCS_2: 70}
_JOINED = {SmsEncoding.GSM_7: 153, SmsEncoding.UCS_2: 67}


def encoding_of(text: str) -> SmsEncoding:
    """Return the alphabet that `text` needs; the empty text travels as GSM-7."""
    return SmsEncoding.GSM_7 if _BASIC.issuperset(text) or _fits_gsm(text) else SmsEncoding.UCS_2


def _fits_gsm(text: str) -> bool:
    return all(character in _BASIC or character in _EXTENSION for character in text)


def _width(character: str, encoding: SmsEncoding) -> int:
    if encoding is SmsEncoding.GSM_7:
        return 2 if character in _EXTENSION else 1
    return 2 if ord(character) > 0xFFFF else 1


def _packed(widths: Iterable[int], limit: int) -> int:
    """Count the segments; an escape or a surrogate pair is never cut in two."""
    segments, used = 1, 0
    for width in widths:
        if used + width > limit:
            segments, used = segments + 1, 0
        used += width
    return segments


def measure(text: str) -> SmsSize:
    """Return alphabet, units and segments of `text`; the empty text has no segment."""
    encoding = encoding_of(text)
    widths = [_width(character, encoding) for character in text]
    units = sum(widths)
    if units <= _ALONE[encoding]:
        return SmsSize(encoding, units, 1 if text else 0)
    return SmsSize(encoding, units, _packed(widths, _JOINED[encoding]))


def units(text: str) -> int:
    """Return the length of `text` in units of its alphabet."""
    return measure(text).units


def segments(text: str) -> int:
    """Return how many segments `text` is billed as."""
    return measure(text).segments
