"""The gate of a departure: what still keeps the file from being closed, and who can change that.

Computed from the facts each time it is asked for; nobody sets it. What the law wants on dates never asks it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from countersign.domain.departure import ItemState, Track


class Reason(StrEnum):
    """What can keep the gate shut, in the order in which it is told."""

    STILL_EMPLOYED = "still_employed"
    DOCUMENTS = "documents"
    CUSTOMERS = "customers"
    EQUIPMENT = "equipment"
    DISPUTED = "disputed"
    INSURANCE_ADVANCE = "insurance_advance"
    WAGE = "wage"
    LOAN = "loan"
    EQUIPMENT_OWED = "equipment_owed"
    PLAN_UNSIGNED = "plan_unsigned"
    FINANCE_NOT_CONFIRMED = "finance_not_confirmed"
    SOCIAL_INSURANCE = "social_insurance"
    SETTLEMENT = "settlement"
    OTHER_CASE = "other_case"


class Hand(StrEnum):
    """Whose turn it is to take a reason away."""

    LEAVER = "leaver"
    RECEIVER = "receiver"
    ADMINISTRATION = "administration"
    FINANCE = "finance"
    HR = "hr"
    CALENDAR = "calendar"


BALANCES = (Reason.INSURANCE_ADVANCE, Reason.WAGE, Reason.LOAN, Reason.EQUIPMENT_OWED)
"""The reasons that are sums of money, in the order in which an agreed repayment plan covers them."""

REASON_OF_TRACK: Mapping[Track, Reason] = {
    Track.DOCUMENTS: Reason.DOCUMENTS,
    Track.CUSTOMERS: Reason.CUSTOMERS,
    Track.EQUIPMENT: Reason.EQUIPMENT,
}


@dataclass(frozen=True)
class OpenItems:
    """The mandatory items of one track that are not closed, by who has to say something next.

    `with_hr` are those that were handed over and that nobody is named to take over.
    """

    track: Track
    with_leaver: int = 0
    with_receiver: int = 0
    with_administration: int = 0
    with_hr: int = 0
    disputed: int = 0


@dataclass(frozen=True)
class OtherCase:
    """An open case of another process about the leaver."""

    process: str
    case_id: str


@dataclass(frozen=True)
class GateFacts:
    """Everything that the gate follows from.

    `owed` holds what the leaver owes in fen by kind of balance, `planned_fen` how much of it a signed
    repayment plan still covers. `plan_waits` says that a plan is recorded whose signed paper is not there:
    it covers nothing. `settlement_waits` says that a settlement is missing, drafted only, or not booked yet.
    """

    ended: bool
    items: tuple[OpenItems, ...] = ()
    owed: Mapping[Reason, int] = field(default_factory=dict)
    planned_fen: int = 0
    plan_waits: bool = False
    finance_confirmed: bool = False
    social_insurance_confirmed: bool = False
    settlement_waits: bool = False
    others: tuple[OtherCase, ...] = ()


@dataclass(frozen=True)
class Blocker:
    """One thing that keeps the gate shut.

    `count` is a number of items, `amount_fen` what is owed without a plan. `case_id` and `process` name the
    case that holds it, where that is another one.
    """

    reason: Reason
    hand: Hand
    count: int = 0
    amount_fen: int = 0
    case_id: str | None = None
    process: str | None = None


@dataclass(frozen=True)
class Gate:
    """The answer to "why can this person not leave?": open when nothing is named."""

    blockers: tuple[Blocker, ...] = ()

    @property
    def open(self) -> bool:
        """Say whether the file may be closed."""
        return not self.blockers

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the codes of what keeps it shut, each once."""
        return tuple(dict.fromkeys(one.reason.value for one in self.blockers))

    @property
    def hand(self) -> Hand | None:
        """Return whose turn it is: the leaver before all others, the calendar last; None when it is open."""
        hands = {one.hand for one in self.blockers}
        return next((one for one in Hand if one in hands), None)

    @property
    def owed_fen(self) -> int:
        """Return what is owed without a plan."""
        return sum(one.amount_fen for one in self.blockers)


def hand_of(track: Track, state: ItemState, *, has_receiver: bool) -> Hand | None:
    """Return whose turn it is with an item; None when it is closed.

    Equipment without a receiver goes back to administration; for anything else HR has to name one.
    """
    if state is ItemState.OPEN:
        return Hand.LEAVER
    if state is ItemState.DISPUTED:
        return Hand.HR
    if state is not ItemState.HANDED_OVER:
        return None
    if has_receiver:
        return Hand.RECEIVER
    return Hand.ADMINISTRATION if track is Track.EQUIPMENT else Hand.HR


def gate(facts: GateFacts) -> Gate:
    """Return the gate that follows from the facts."""
    return Gate(
        (
            *_employment(facts),
            *_items(facts.items),
            *_balances(facts),
            *_company(facts),
            *(Blocker(Reason.OTHER_CASE, Hand.HR, 1, 0, one.case_id, one.process) for one in facts.others),
        )
    )


def _employment(facts: GateFacts) -> tuple[Blocker, ...]:
    return () if facts.ended else (Blocker(Reason.STILL_EMPLOYED, Hand.CALENDAR),)


def _items(tracks: tuple[OpenItems, ...]) -> tuple[Blocker, ...]:
    found = []
    for reason in REASON_OF_TRACK.values():
        for track in (one for one in tracks if REASON_OF_TRACK[one.track] is reason):
            waiting = (
                (Hand.LEAVER, track.with_leaver),
                (Hand.RECEIVER, track.with_receiver),
                (Hand.ADMINISTRATION, track.with_administration),
                (Hand.HR, track.with_hr),
            )
            found += [Blocker(reason, hand, count) for hand, count in waiting if count]
    disputed = sum(one.disputed for one in tracks)
    return (*found, *((Blocker(Reason.DISPUTED, Hand.HR, disputed),) if disputed else ()))


def _balances(facts: GateFacts) -> tuple[Blocker, ...]:
    left, found = max(facts.planned_fen, 0), []
    for reason in BALANCES:
        balance = max(facts.owed.get(reason, 0), 0)
        covered = min(balance, left)
        left -= covered
        if balance > covered:
            found.append(Blocker(reason, Hand.LEAVER, 1, balance - covered))
    if found and facts.plan_waits:
        found.append(Blocker(Reason.PLAN_UNSIGNED, Hand.FINANCE))
    return tuple(found)


def _company(facts: GateFacts) -> tuple[Blocker, ...]:
    waiting = (
        (Reason.FINANCE_NOT_CONFIRMED, Hand.FINANCE, not facts.finance_confirmed),
        (Reason.SOCIAL_INSURANCE, Hand.HR, not facts.social_insurance_confirmed),
        (Reason.SETTLEMENT, Hand.FINANCE, facts.settlement_waits),
    )
    return tuple(Blocker(reason, hand) for reason, hand, waits in waiting if waits)
