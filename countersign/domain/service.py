"""Whether and when the employer's notice counts as delivered, and why weaker facts do not.

Sources: 民法典137 and 电子签名法11: a message counts as received when it enters the system that the
recipient has named; 劳办发〔1995〕179号: by hand to the worker, by post with a receipt, by public notice last
of all and then 30 days after publication. That a program fetched a link is no fact here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from countersign.domain.courier import CourierState
from countersign.domain.policy import Channel
from countersign.domain.public_notice import SERVED_AFTER_DAYS
from countersign.domain.receipts import DeliveryState


class How(StrEnum):
    """By what a notice counts as delivered; of two on one day the one that stands first is named."""

    HANDED_OVER = "handed_over"
    ACKNOWLEDGED = "acknowledged"
    OBJECTED = "objected"
    LETTER_SIGNED = "letter_signed"
    AGREED_ADDRESS = "agreed_address"
    PUBLISHED = "published"


class Strength(StrEnum):
    """What a delivery rests on: the person's own doing, what the person has agreed, or the rule alone."""

    OWN = "own"
    AGREED = "agreed"
    DEEMED = "deemed"


STRENGTH: Mapping[How, Strength] = {
    How.HANDED_OVER: Strength.OWN,
    How.ACKNOWLEDGED: Strength.OWN,
    How.OBJECTED: Strength.OWN,
    How.LETTER_SIGNED: Strength.OWN,
    How.AGREED_ADDRESS: Strength.AGREED,
    How.PUBLISHED: Strength.DEEMED,
}
"""What each way of delivery rests on."""

SERVICE_BASIS: Mapping[How, str] = {
    How.HANDED_OVER: "劳办发〔1995〕179号",
    How.ACKNOWLEDGED: "民法典137",
    How.OBJECTED: "民法典137",
    How.LETTER_SIGNED: "劳办发〔1995〕179号",
    How.AGREED_ADDRESS: "民法典137、电子签名法11",
    How.PUBLISHED: "劳办发〔1995〕179号",
}
"""The rule behind each way of delivery."""


class Weak(StrEnum):
    """Why a fact is no delivery."""

    NOT_ARRIVED = "not_arrived"
    ADDRESS_NOT_AGREED = "address_not_agreed"
    NOT_THEIRS = "not_theirs"
    INBOX_ONLY = "inbox_only"
    SIGNED_BY_OTHER = "signed_by_other"
    LETTER_REFUSED = "letter_refused"
    LETTER_RETURNED = "letter_returned"
    LETTER_ON_ITS_WAY = "letter_on_its_way"
    NO_RECEIPT_OF_VISIT = "no_receipt_of_visit"
    NOT_PUBLISHED = "not_published"


WHY_NOT: Mapping[Weak, str] = {
    Weak.NOT_ARRIVED: "No carrier has reported that the message arrived.",
    Weak.ADDRESS_NOT_AGREED: "The message arrived, but at an address that the person has not agreed to in "
    "a signed paper.",
    Weak.NOT_THEIRS: "Somebody says that this address is not the person's.",
    Weak.INBOX_ONLY: "The message lies in the inbox; nobody has confirmed it.",
    Weak.SIGNED_BY_OTHER: "The letter was signed for by somebody else.",
    Weak.LETTER_REFUSED: "The letter was refused.",
    Weak.LETTER_RETURNED: "The letter came back.",
    Weak.LETTER_ON_ITS_WAY: "The letter was not signed for yet.",
    Weak.NO_RECEIPT_OF_VISIT: "Somebody went there; that the notice was handed over is not recorded.",
    Weak.NOT_PUBLISHED: "The public notice is not published yet.",
}
"""What each weaker fact is told as."""

_OF_LETTER: Mapping[CourierState | None, Weak] = {
    None: Weak.LETTER_ON_ITS_WAY,
    CourierState.IN_TRANSIT: Weak.LETTER_ON_ITS_WAY,
    CourierState.SIGNED_BY_OTHER: Weak.SIGNED_BY_OTHER,
    CourierState.REFUSED: Weak.LETTER_REFUSED,
    CourierState.ADDRESS_WRONG: Weak.LETTER_RETURNED,
    CourierState.RETURNED: Weak.LETTER_RETURNED,
}


@dataclass(frozen=True)
class Message:
    """One attempt to bring the notice to the person; days are those of the branch's zone.

    `settled_on` is the day on which it arrived, of a public notice that of its publication. `agreed` says
    that a signed paper in force when it was sent names this address and agrees to electronic delivery;
    `theirs` is False when whoever holds the address has said that it is not the person's. `letter` is the
    courier's last result.
    """

    channel: Channel
    state: DeliveryState
    settled_on: date | None = None
    agreed: bool = False
    theirs: bool = True
    letter: CourierState | None = None


@dataclass(frozen=True)
class Said:
    """The person has confirmed the notice, or objected to it, under a link or signed in."""

    on: date
    objected: bool = False


@dataclass(frozen=True)
class HandedOver:
    """HR has recorded that the notice was handed to the person, before a witness."""

    on: date


Fact = Message | Said | HandedOver


@dataclass(frozen=True)
class Served:
    """The day from which a notice counts as delivered, perhaps still to come, by what, and how firmly."""

    on: date
    how: How

    @property
    def strength(self) -> Strength:
        """What the delivery rests on."""
        return STRENGTH[self.how]

    @property
    def basis(self) -> str:
        """The rule behind it."""
        return SERVICE_BASIS[self.how]


def served(facts: Iterable[Fact]) -> Served | None:
    """Return the earliest day on which one of the facts makes the notice delivered; None when none does."""
    order = list(How)
    found = [one for one in map(served_by, facts) if isinstance(one, Served)]
    return min(found, key=lambda one: (one.on, order.index(one.how)), default=None)


def served_by(fact: Fact) -> Served | Weak:
    """Return what one fact is worth: a delivery with its day, or why it is none."""
    if isinstance(fact, HandedOver):
        return Served(fact.on, How.HANDED_OVER)
    if isinstance(fact, Said):
        return Served(fact.on, How.OBJECTED if fact.objected else How.ACKNOWLEDGED)
    if fact.channel is Channel.COURIER:
        return _letter(fact)
    if fact.channel is Channel.PUBLIC_NOTICE:
        return _publication(fact)
    if fact.channel is Channel.VISIT:
        return Weak.NO_RECEIPT_OF_VISIT
    if fact.channel is Channel.IN_SYSTEM:
        return Weak.INBOX_ONLY
    return _electronic(fact)


def _letter(fact: Message) -> Served | Weak:
    if fact.letter is CourierState.SIGNED and fact.settled_on is not None:
        return Served(fact.settled_on, How.LETTER_SIGNED)
    return _OF_LETTER.get(fact.letter, Weak.LETTER_ON_ITS_WAY)


def _publication(fact: Message) -> Served | Weak:
    if fact.state not in (DeliveryState.SENT, DeliveryState.DELIVERED) or fact.settled_on is None:
        return Weak.NOT_PUBLISHED
    return Served(fact.settled_on + timedelta(days=SERVED_AFTER_DAYS), How.PUBLISHED)


def _electronic(fact: Message) -> Served | Weak:
    if not fact.theirs:
        return Weak.NOT_THEIRS
    if fact.state is not DeliveryState.DELIVERED or fact.settled_on is None:
        return Weak.NOT_ARRIVED
    return Served(fact.settled_on, How.AGREED_ADDRESS) if fact.agreed else Weak.ADDRESS_NOT_AGREED
