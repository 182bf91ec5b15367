"""When the employer's notice counts as delivered, and what never makes it so."""

from datetime import date, timedelta
from itertools import permutations

import pytest

from countersign.domain.courier import WEAK, CourierState
from countersign.domain.policy import Channel
from countersign.domain.receipts import DeliveryState
from countersign.domain.service import (
    SERVICE_BASIS,
    STRENGTH,
    WHY_NOT,
    Fact,
    HandedOver,
    How,
    Message,
    Said,
    Served,
    Strength,
    Weak,
    served,
    served_by,
)

DAY = date(2026, 3, 2)
ELECTRONIC = (Channel.SMS, Channel.EMAIL)


def test_every_fact_that_can_be_has_one_worth_and_only_those_of_the_law_deliver() -> None:
    """Every channel with every state, letter, agreement and holder, without an exception left out."""
    delivered = set()
    for channel in Channel:
        for state in DeliveryState:
            for letter in (None, *CourierState):
                for agreed in (True, False):
                    for theirs in (True, False):
                        for settled in (DAY, None):
                            fact = Message(channel, state, settled, agreed, theirs, letter)
                            worth = served_by(fact)
                            assert isinstance(worth, (Served, Weak))
                            if isinstance(worth, Served):
                                delivered.add((channel, worth.how))
                                assert settled is not None
                                assert _may_deliver(fact), fact
    assert delivered == {
        (Channel.SMS, How.AGREED_ADDRESS),
        (Channel.EMAIL, How.AGREED_ADDRESS),
        (Channel.PREFERRED, How.AGREED_ADDRESS),
        (Channel.COURIER, How.LETTER_SIGNED),
        (Channel.PUBLIC_NOTICE, How.PUBLISHED),
    }


def _may_deliver(fact: Message) -> bool:
    if fact.channel is Channel.COURIER:
        return fact.letter is CourierState.SIGNED
    if fact.channel is Channel.PUBLIC_NOTICE:
        return fact.state in (DeliveryState.SENT, DeliveryState.DELIVERED)
    return fact.state is DeliveryState.DELIVERED and fact.agreed and fact.theirs


@pytest.mark.parametrize("channel", ELECTRONIC)
def test_a_message_at_the_agreed_address_counts_from_the_day_on_which_it_arrived(channel: Channel) -> None:
    worth = served_by(Message(channel, DeliveryState.DELIVERED, DAY, agreed=True))
    assert worth == Served(DAY, How.AGREED_ADDRESS)
    assert worth.strength is Strength.AGREED


@pytest.mark.parametrize("channel", ELECTRONIC)
def test_a_message_at_an_address_nobody_has_agreed_to_is_no_delivery(channel: Channel) -> None:
    assert served_by(Message(channel, DeliveryState.DELIVERED, DAY)) is Weak.ADDRESS_NOT_AGREED


@pytest.mark.parametrize("state", [one for one in DeliveryState if one is not DeliveryState.DELIVERED])
def test_what_no_carrier_has_reported_as_arrived_is_no_delivery(state: DeliveryState) -> None:
    assert served_by(Message(Channel.EMAIL, state, DAY, agreed=True)) is Weak.NOT_ARRIVED


def test_an_agreed_address_that_is_somebody_elses_is_no_delivery() -> None:
    fact = Message(Channel.SMS, DeliveryState.DELIVERED, DAY, agreed=True, theirs=False)
    assert served_by(fact) is Weak.NOT_THEIRS


def test_the_inbox_delivers_nothing_by_itself() -> None:
    assert served_by(Message(Channel.IN_SYSTEM, DeliveryState.DELIVERED, DAY, True)) is Weak.INBOX_ONLY


@pytest.mark.parametrize("letter", sorted(WEAK))
def test_a_letter_that_the_person_did_not_sign_for_is_no_delivery(letter: CourierState) -> None:
    worth = served_by(Message(Channel.COURIER, DeliveryState.FAILED_PERMANENT, DAY, True, letter=letter))
    assert worth in (Weak.SIGNED_BY_OTHER, Weak.LETTER_REFUSED, Weak.LETTER_RETURNED)


def test_a_letter_that_was_signed_for_counts_from_that_day() -> None:
    fact = Message(Channel.COURIER, DeliveryState.DELIVERED, DAY, letter=CourierState.SIGNED)
    assert served_by(fact) == Served(DAY, How.LETTER_SIGNED)


def test_a_public_notice_counts_thirty_days_after_it_was_published() -> None:
    worth = served_by(Message(Channel.PUBLIC_NOTICE, DeliveryState.SENT, DAY))
    assert worth == Served(date(2026, 4, 1), How.PUBLISHED)
    assert worth.strength is Strength.DEEMED


def test_a_public_notice_that_is_only_planned_is_no_delivery() -> None:
    assert served_by(Message(Channel.PUBLIC_NOTICE, DeliveryState.PENDING, DAY)) is Weak.NOT_PUBLISHED


def test_who_objects_has_the_notice_and_so_has_who_confirms() -> None:
    assert served_by(Said(DAY)) == Served(DAY, How.ACKNOWLEDGED)
    assert served_by(Said(DAY, objected=True)) == Served(DAY, How.OBJECTED)


def test_without_a_fact_and_with_weak_ones_alone_nothing_is_served() -> None:
    assert served([]) is None
    weak = Message(Channel.COURIER, DeliveryState.FAILED_PERMANENT, DAY, letter=CourierState.REFUSED)
    assert served([weak, Message(Channel.SMS, DeliveryState.DELIVERED, DAY)]) is None


def test_the_earliest_day_counts_in_whatever_order_the_facts_come() -> None:
    facts: list[Fact] = [
        Message(Channel.PUBLIC_NOTICE, DeliveryState.SENT, DAY - timedelta(days=20)),
        Said(DAY + timedelta(days=2)),
        Message(Channel.EMAIL, DeliveryState.DELIVERED, DAY + timedelta(days=1), agreed=True),
    ]
    for order in permutations(facts):
        assert served(order) == Served(DAY + timedelta(days=1), How.AGREED_ADDRESS)


def test_of_two_facts_of_one_day_the_firmer_one_is_named() -> None:
    facts: list[Fact] = [
        Message(Channel.SMS, DeliveryState.DELIVERED, DAY, agreed=True),
        Said(DAY),
        HandedOver(DAY),
    ]
    for order in permutations(facts):
        assert served(order) == Served(DAY, How.HANDED_OVER)


def test_every_way_has_its_rule_and_every_weakness_its_words() -> None:
    assert set(STRENGTH) == set(SERVICE_BASIS) == set(How)
    assert set(WHY_NOT) == set(Weak)
