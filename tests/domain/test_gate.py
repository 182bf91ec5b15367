"""The gate of a departure: what keeps it shut, in which order, and whose turn it is."""

import itertools
from dataclasses import replace

import pytest

from countersign.domain.departure import Track
from countersign.domain.gate import (
    BALANCES,
    Blocker,
    GateFacts,
    Hand,
    OpenItems,
    OtherCase,
    Reason,
    gate,
)

DONE = GateFacts(ended=True, finance_confirmed=True, social_insurance_confirmed=True)

SHUT: dict[Reason, GateFacts] = {
    Reason.STILL_EMPLOYED: replace(DONE, ended=False),
    Reason.DOCUMENTS: replace(DONE, items=(OpenItems(Track.DOCUMENTS, with_leaver=3),)),
    Reason.CUSTOMERS: replace(DONE, items=(OpenItems(Track.CUSTOMERS, with_receiver=2),)),
    Reason.EQUIPMENT: replace(DONE, items=(OpenItems(Track.EQUIPMENT, with_administration=1),)),
    Reason.DISPUTED: replace(DONE, items=(OpenItems(Track.EQUIPMENT, disputed=1),)),
    Reason.INSURANCE_ADVANCE: replace(DONE, owed={Reason.INSURANCE_ADVANCE: 738_00}),
    Reason.WAGE: replace(DONE, owed={Reason.WAGE: 1}),
    Reason.LOAN: replace(DONE, owed={Reason.LOAN: 100_00}),
    Reason.EQUIPMENT_OWED: replace(DONE, owed={Reason.EQUIPMENT_OWED: 8_000_00}),
    Reason.FINANCE_NOT_CONFIRMED: replace(DONE, finance_confirmed=False),
    Reason.SOCIAL_INSURANCE: replace(DONE, social_insurance_confirmed=False),
    Reason.SETTLEMENT: replace(DONE, settlement_waits=True),
    Reason.OTHER_CASE: replace(DONE, others=(OtherCase("leave_return", "01CASE"),)),
}


def test_the_gate_is_open_when_nothing_is_left() -> None:
    assert gate(DONE).open
    assert gate(DONE).codes == ()
    assert gate(DONE).hand is None


ALONE = [reason for reason in Reason if reason is not Reason.PLAN_UNSIGNED]
"""That a plan lacks its paper is told beside what it would cover, never by itself."""


@pytest.mark.parametrize("reason", ALONE)
def test_each_reason_alone_keeps_the_gate_shut(reason: Reason) -> None:
    found = gate(SHUT[reason])
    assert not found.open
    assert found.codes == (reason.value,)


def test_of_any_two_reasons_both_are_told_in_their_order() -> None:
    for first, second in itertools.combinations(ALONE, 2):
        one, other = SHUT[first], SHUT[second]
        both = GateFacts(
            ended=one.ended and other.ended,
            items=one.items + other.items,
            owed={**one.owed, **other.owed},
            finance_confirmed=one.finance_confirmed and other.finance_confirmed,
            social_insurance_confirmed=one.social_insurance_confirmed and other.social_insurance_confirmed,
            settlement_waits=one.settlement_waits or other.settlement_waits,
            others=one.others + other.others,
        )
        assert gate(both).codes == (first.value, second.value)


def test_items_are_counted_by_whose_turn_it_is() -> None:
    items = (OpenItems(Track.DOCUMENTS, with_leaver=3, with_receiver=2, disputed=1),)
    assert gate(replace(DONE, items=items)).blockers == (
        Blocker(Reason.DOCUMENTS, Hand.LEAVER, 3),
        Blocker(Reason.DOCUMENTS, Hand.RECEIVER, 2),
        Blocker(Reason.DISPUTED, Hand.HR, 1),
    )


def test_a_reason_that_two_hands_share_is_one_code() -> None:
    items = (OpenItems(Track.DOCUMENTS, with_leaver=3, with_receiver=2),)
    assert gate(replace(DONE, items=items)).codes == ("documents",)


def test_the_leaver_comes_before_everybody_and_the_calendar_last() -> None:
    everything = replace(
        DONE,
        ended=False,
        finance_confirmed=False,
        items=(OpenItems(Track.EQUIPMENT, with_administration=1),),
    )
    assert gate(everything).hand is Hand.ADMINISTRATION
    assert gate(replace(everything, items=())).hand is Hand.FINANCE
    assert gate(replace(everything, owed={Reason.LOAN: 1})).hand is Hand.LEAVER
    assert gate(replace(DONE, ended=False)).hand is Hand.CALENDAR


def test_another_case_is_named() -> None:
    (blocker,) = gate(SHUT[Reason.OTHER_CASE]).blockers
    assert (blocker.process, blocker.case_id) == ("leave_return", "01CASE")


@pytest.mark.parametrize(
    ("planned", "left"),
    [
        (0, {Reason.INSURANCE_ADVANCE: 738_00, Reason.LOAN: 500_00}),
        (738_00 - 1, {Reason.INSURANCE_ADVANCE: 1, Reason.LOAN: 500_00}),
        (738_00, {Reason.LOAN: 500_00}),
        (1_000_00, {Reason.LOAN: 238_00}),
        (1_238_00, {}),
        (9_999_00, {}),
        (-5, {Reason.INSURANCE_ADVANCE: 738_00, Reason.LOAN: 500_00}),
    ],
)
def test_a_plan_covers_balances_in_their_order_as_far_as_it_goes(
    planned: int, left: dict[Reason, int]
) -> None:
    owed = {Reason.LOAN: 500_00, Reason.INSURANCE_ADVANCE: 738_00}
    found = gate(replace(DONE, owed=owed, planned_fen=planned))
    assert {one.reason: one.amount_fen for one in found.blockers} == left
    assert found.owed_fen == sum(left.values())


def test_a_plan_without_its_paper_is_told_beside_what_it_leaves_open() -> None:
    waits = replace(DONE, plan_waits=True)
    assert gate(waits).open
    found = gate(replace(waits, owed={Reason.LOAN: 1}))
    assert found.blockers == (
        Blocker(Reason.LOAN, Hand.LEAVER, 1, 1),
        Blocker(Reason.PLAN_UNSIGNED, Hand.FINANCE),
    )


def test_what_the_company_owes_does_not_keep_anybody() -> None:
    assert gate(replace(DONE, owed=dict.fromkeys(BALANCES, -1))).open
