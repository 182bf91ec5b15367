"""The policy of a text that each addressee must confirm: one ladder for each of them."""

from dataclasses import dataclass

from countersign.domain.policy import LadderPolicy, OnUnknown, Wait, WaitUnit

_TWO_DAYS = Wait(2, WaitUnit.WORKING_DAYS)
_THREE_DAYS = Wait(3, WaitUnit.WORKING_DAYS)
_FIVE_DAYS = Wait(5, WaitUnit.WORKING_DAYS)


@dataclass(frozen=True)
class AcknowledgementPolicy:
    """A ladder and what surrounds it; data, resolved once at the start of a circular.

    The `*_due` waits say how long HR has for its own part. `on_unknown` says whether a message that may have
    left is sent again; `confidential` notices show their text only behind a second factor.
    """

    name: str
    ladder: LadderPolicy
    posting_due: Wait = _TWO_DAYS
    visit_due: Wait = _THREE_DAYS
    review_due: Wait = _TWO_DAYS
    on_unknown: OnUnknown = OnUnknown.AT_LEAST_ONCE
    confidential: bool = False
    publication_due: Wait = _FIVE_DAYS
