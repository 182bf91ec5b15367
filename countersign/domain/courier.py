"""What a courier reports of a letter, and how much each result is worth.

Source: 劳办发〔1995〕179号: a notice goes to the worker, else to an adult relative of the same household; by
post with a receipt where that is not possible; and by public notice only when all of that has failed. So a
letter that somebody else signed for is a weak result: it is kept, and the next rung speaks at once.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

from countersign.domain.evidence import EventKind
from countersign.domain.levels import EN, ZH
from countersign.domain.receipts import DeliveryState

_NUMBER = re.compile(r"[A-Z0-9]{8,30}")


class CourierState(StrEnum):
    """What can become of a letter that was posted."""

    IN_TRANSIT = "in_transit"
    SIGNED = "signed"
    SIGNED_BY_OTHER = "signed_by_other"
    REFUSED = "refused"
    ADDRESS_WRONG = "address_wrong"
    RETURNED = "returned"


WEAK = frozenset(
    {
        CourierState.SIGNED_BY_OTHER,
        CourierState.REFUSED,
        CourierState.ADDRESS_WRONG,
        CourierState.RETURNED,
    }
)
"""Results after which nobody can say that the person has the letter."""

EVENT_OF: Mapping[CourierState, EventKind] = {
    CourierState.IN_TRANSIT: EventKind.PAPER_TRACKED,
    CourierState.SIGNED: EventKind.PAPER_SIGNED,
    CourierState.SIGNED_BY_OTHER: EventKind.PAPER_SIGNED_BY_OTHER,
    CourierState.REFUSED: EventKind.PAPER_REFUSED,
    CourierState.ADDRESS_WRONG: EventKind.PAPER_RETURNED,
    CourierState.RETURNED: EventKind.PAPER_RETURNED,
}

_WORDS: Mapping[CourierState, Mapping[str, str]] = {
    CourierState.IN_TRANSIT: {EN: "on its way (says the courier)", ZH: "运输途中（快递报告）"},
    CourierState.SIGNED: {EN: "signed for (says the courier)", ZH: "已签收（快递报告）"},
    CourierState.SIGNED_BY_OTHER: {EN: "signed for by somebody else (weak)", ZH: "他人代收（证明力弱）"},
    CourierState.REFUSED: {EN: "refused (weak)", ZH: "拒收（证明力弱）"},
    CourierState.ADDRESS_WRONG: {
        EN: "returned, the address is wrong (weak)",
        ZH: "地址有误退回（证明力弱）",
    },
    CourierState.RETURNED: {EN: "returned (weak)", ZH: "退回（证明力弱）"},
}

_CODE_PREFIX = "courier_"
_ENDED_BECAUSE = {
    CourierState.SIGNED_BY_OTHER: "the letter was signed for by somebody else",
    CourierState.REFUSED: "the letter was refused",
    CourierState.ADDRESS_WRONG: "the address of the letter is wrong",
    CourierState.RETURNED: "the letter came back",
}
WAIT_ENDINGS = frozenset(_ENDED_BECAUSE.values())
"""Every reason for which a weak letter ends the wait for an answer."""


def tracking_number(text: str) -> str:
    """Return a tracking number as it is kept: 8 to 30 letters and digits, capitals, no blanks.

    Raises `ValueError` with what is wrong, without the number: it leads to a name and an address.
    """
    number = text.replace(" ", "").upper()
    if not _NUMBER.fullmatch(number):
        raise ValueError("must be 8 to 30 letters and digits, as printed on the waybill")
    return number


def courier_words(state: CourierState, language: str = EN) -> str:
    """Return the words for a courier's result in `en` or `zh-CN` (any other language: English)."""
    return _WORDS[state][language if language in {ZH, EN} else EN]


def delivery_after(state: CourierState) -> DeliveryState:
    """Return what a result makes of the letter's delivery; a weak one never counts as delivered."""
    if state in WEAK:
        return DeliveryState.FAILED_PERMANENT
    return DeliveryState.DELIVERED if state is CourierState.SIGNED else DeliveryState.SENT


def code_of(state: CourierState) -> str:
    """Return the code under which a running case is told of a result."""
    return f"{_CODE_PREFIX}{state.value}"


def why_the_wait_ended(code: str | None) -> str | None:
    """Say why a letter with this code ends the wait for an answer; None for all that is no weak letter."""
    known = {code_of(state): words for state, words in _ENDED_BECAUSE.items()}
    return known.get(code or "")
