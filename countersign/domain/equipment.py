"""What follows for the money when something is said of equipment: a claim, the end of one, or nothing."""

from enum import StrEnum

from countersign.domain.departure import Condition, ItemState
from countersign.domain.handover import What


class Money(StrEnum):
    """What follows in the ledger from what was said of an item."""

    CLAIM = "claim"
    RETURNED = "returned"
    GIVEN_UP = "given_up"


BACK = frozenset({Condition.UNDAMAGED, Condition.WORN})
"""In these conditions nothing is owed for equipment: wear is the company's own cost."""


def money_of(what: What, state: ItemState, condition: Condition | None) -> Money | None:
    """Return what follows from something said, `state` and `condition` being those afterwards; None: nothing.

    From damage nothing follows by itself: how much it costs is for finance to say.
    """
    if state is ItemState.NOT_APPLICABLE:
        return Money.GIVEN_UP
    if what is not What.ACCEPTED:
        return None
    if condition is Condition.MISSING:
        return Money.CLAIM
    return Money.RETURNED if condition in BACK else None
