"""The states of a handover item: the whole table, and that no way round a side leads to a closed item."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.departure import CLOSED_ITEMS, Condition, ItemState, Track
from countersign.domain.handover import (
    CannotSay,
    Position,
    Side,
    Speaker,
    Verdict,
    What,
    after,
    batch,
    condition_fault,
    may,
)
from countersign.domain.refusal import Refusal

OPEN = Position()
ONE_SIDED = Position(receiver_said=True)
HANDED = Position(ItemState.HANDED_OVER, leaver_said=True)
ACCEPTED = Position(ItemState.ACCEPTED, leaver_said=True, receiver_said=True)
BROKEN = Position(ItemState.ACCEPTED, leaver_said=True, receiver_said=True, condition=Condition.DAMAGED)
DISPUTED = Position(ItemState.DISPUTED)
DISPUTED_HANDED = Position(ItemState.DISPUTED, leaver_said=True)
VOID = Position(ItemState.NOT_APPLICABLE)
NAMES = {
    "open": OPEN,
    "one-sided": ONE_SIDED,
    "handed over": HANDED,
    "accepted": ACCEPTED,
    "accepted damaged": BROKEN,
    "disputed": DISPUTED,
    "disputed, handed over": DISPUTED_HANDED,
    "void": VOID,
}
SAID_BEFORE = "said before"
L, R, C = Side.LEAVER, Side.RECEIVER, Side.COMPANY

TABLE: dict[tuple[What, Side], dict[str, Position | str]] = {
    (What.HANDED_OVER, L): {
        "open": HANDED,
        "one-sided": ACCEPTED,
        "handed over": SAID_BEFORE,
        "accepted": SAID_BEFORE,
        "accepted damaged": SAID_BEFORE,
        "disputed": "is disputed",
        "disputed, handed over": "is disputed",
        "void": "does not apply",
    },
    (What.ACCEPTED, R): {
        "open": "was not handed over yet",
        "one-sided": SAID_BEFORE,
        "handed over": ACCEPTED,
        "accepted": SAID_BEFORE,
        "accepted damaged": SAID_BEFORE,
        "disputed": "is disputed",
        "disputed, handed over": "is disputed",
        "void": "does not apply",
    },
    (What.DISPUTED, L): {
        "open": DISPUTED,
        "one-sided": Position(ItemState.DISPUTED, receiver_said=True),
        "handed over": DISPUTED_HANDED,
        "accepted": "is closed",
        "accepted damaged": Position(ItemState.DISPUTED, True, True, Condition.DAMAGED),
        "disputed": DISPUTED,
        "disputed, handed over": DISPUTED_HANDED,
        "void": "does not apply",
    },
    (What.DISPUTED, R): {
        "open": DISPUTED,
        "one-sided": Position(ItemState.DISPUTED, receiver_said=True),
        "handed over": DISPUTED_HANDED,
        "accepted": "is closed",
        "accepted damaged": "is closed",
        "disputed": DISPUTED,
        "disputed, handed over": DISPUTED_HANDED,
        "void": "does not apply",
    },
    (What.NOT_APPLICABLE, C): {
        "open": VOID,
        "one-sided": Position(ItemState.NOT_APPLICABLE, receiver_said=True),
        "handed over": Position(ItemState.NOT_APPLICABLE, leaver_said=True),
        "accepted": "is closed",
        "accepted damaged": "is closed",
        "disputed": VOID,
        "disputed, handed over": Position(ItemState.NOT_APPLICABLE, leaver_said=True),
        "void": SAID_BEFORE,
    },
    (What.REASSIGNED, C): {
        "open": OPEN,
        "one-sided": OPEN,
        "handed over": HANDED,
        "accepted": "is closed",
        "accepted damaged": "is closed",
        "disputed": DISPUTED,
        "disputed, handed over": DISPUTED_HANDED,
        "void": "does not apply",
    },
}
TABLE[What.SPLIT, C] = TABLE[What.REASSIGNED, C]
ROWS = [(what, side, name) for (what, side), row in TABLE.items() for name in row]


@pytest.mark.parametrize(("what", "side", "name"), ROWS)
def test_what_is_said_leads_where_the_table_says(what: What, side: Side, name: str) -> None:
    expected = TABLE[what, side][name]
    if isinstance(expected, Position):
        assert after(NAMES[name], what, side) == expected
    elif expected == SAID_BEFORE:
        assert after(NAMES[name], what, side) is None
    else:
        with pytest.raises(CannotSay, match=expected):
            after(NAMES[name], what, side)


def test_a_receiver_may_speak_first_when_the_leaver_is_silent_and_closes_nothing_by_it() -> None:
    alone = after(OPEN, What.ACCEPTED, R, silent=True)
    assert alone == ONE_SIDED
    assert alone.state is ItemState.OPEN
    assert after(alone, What.HANDED_OVER, L) == ACCEPTED


def test_the_condition_that_was_found_stays_with_the_item() -> None:
    found = after(HANDED, What.ACCEPTED, R, condition=Condition.WORN)
    assert found is not None
    assert found.condition is Condition.WORN


SETTLED = {
    (Verdict.OPEN, False): OPEN,
    (Verdict.OPEN, True): OPEN,
    (Verdict.HANDED_OVER, True): HANDED,
    (Verdict.NOT_APPLICABLE, False): VOID,
    (Verdict.NOT_APPLICABLE, True): Position(ItemState.NOT_APPLICABLE, leaver_said=True),
}


@pytest.mark.parametrize(("verdict", "handed"), SETTLED)
def test_a_dispute_ends_as_the_company_says(verdict: Verdict, handed: bool) -> None:
    position = DISPUTED_HANDED if handed else DISPUTED
    assert after(position, What.SETTLED, C, verdict=verdict) == SETTLED[verdict, handed]


def test_the_company_cannot_hand_over_in_place_of_the_leaver() -> None:
    with pytest.raises(CannotSay, match="never handed over"):
        after(DISPUTED, What.SETTLED, C, verdict=Verdict.HANDED_OVER)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("disputed")])
def test_only_a_dispute_can_be_settled(name: str) -> None:
    with pytest.raises(CannotSay, match="not disputed"):
        after(NAMES[name], What.SETTLED, C, verdict=Verdict.OPEN)


def test_what_a_former_receiver_found_does_not_bind_the_next_one() -> None:
    passed_on = after(Position(receiver_said=True, condition=Condition.DAMAGED), What.REASSIGNED, C)
    assert passed_on == OPEN


# -- who -------------------------------------------------------------------------------------------------

ALLOWED = {
    (Speaker.LEAVER, What.HANDED_OVER, L),
    (Speaker.LEAVER, What.DISPUTED, L),
    (Speaker.RECEIVER, What.ACCEPTED, R),
    (Speaker.RECEIVER, What.DISPUTED, R),
    (Speaker.DELEGATE, What.ACCEPTED, R),
    (Speaker.DELEGATE, What.DISPUTED, R),
    (Speaker.ADMINISTRATION, What.ACCEPTED, R),
    (Speaker.ADMINISTRATION, What.DISPUTED, R),
    (Speaker.ADMINISTRATION, What.SETTLED, C),
    (Speaker.COMPANY, What.HANDED_OVER, L),
    (Speaker.COMPANY, What.ACCEPTED, R),
    (Speaker.COMPANY, What.DISPUTED, L),
    (Speaker.COMPANY, What.DISPUTED, R),
    (Speaker.COMPANY, What.SETTLED, C),
    (Speaker.COMPANY, What.REASSIGNED, C),
    (Speaker.COMPANY, What.SPLIT, C),
    (Speaker.COMPANY, What.NOT_APPLICABLE, C),
}


def test_nobody_may_say_more_than_the_table_of_rights() -> None:
    every = set(itertools.product(Speaker, What, Side))
    assert {one for one in every if may(*one)} == ALLOWED


# -- batches ---------------------------------------------------------------------------------------------


def test_a_batch_with_refused_items_is_refused_whole_and_names_each_of_them() -> None:
    items = {
        "1": ("documents A", HANDED),
        "2": ("documents B", OPEN),
        "3": ("equipment C", DISPUTED),
        "4": ("documents D", OPEN),
    }
    with pytest.raises(Refusal) as refused:
        batch(items, lambda _, position: after(position, What.ACCEPTED, R))
    assert refused.value.field == "items"
    sentence = str(refused.value)
    assert "documents B, documents D: each was not handed over yet" in sentence
    assert "equipment C is disputed" in sentence
    assert "documents A" not in sentence


def test_what_was_confirmed_before_is_left_out_of_a_batch() -> None:
    done = batch(
        {"1": ("documents A", HANDED), "2": ("documents B", ACCEPTED)},
        lambda _, position: after(position, What.ACCEPTED, R),
    )
    assert done.changed == {"1": ACCEPTED}
    assert done.already == ("2",)


@pytest.mark.parametrize("condition", Condition)
def test_damage_and_loss_need_words(condition: Condition) -> None:
    needs = condition in {Condition.DAMAGED, Condition.MISSING}
    assert (condition_fault(Track.EQUIPMENT, condition, "") is not None) is needs
    assert condition_fault(Track.EQUIPMENT, condition, "the screen is cracked") is None


def test_equipment_is_taken_over_in_a_condition_and_paper_is_not() -> None:
    assert condition_fault(Track.EQUIPMENT, None, "") is not None
    assert condition_fault(Track.DOCUMENTS, None, "") is None


# -- no way round ----------------------------------------------------------------------------------------

SAYINGS = st.tuples(
    st.sampled_from(sorted(ALLOWED, key=str)),
    st.booleans(),
    st.sampled_from([None, *Condition]),
    st.sampled_from(list(Verdict)),
)


@given(st.lists(SAYINGS, max_size=14))
def test_no_sequence_closes_an_item_without_both_sides_or_the_company_taking_it_off(
    said: list[tuple[tuple[Speaker, What, Side], bool, Condition | None, Verdict]],
) -> None:
    position, by_leaver, by_receiver, taken_off = Position(), False, False, False
    for (_, what, side), silent, condition, verdict in said:
        try:
            moved = after(position, what, side, silent=silent, condition=condition, verdict=verdict)
        except CannotSay:
            continue
        if moved is None:
            continue
        by_leaver = by_leaver or what is What.HANDED_OVER
        if what is What.ACCEPTED:
            by_receiver = True
        if what is What.SETTLED:
            # What was said before a dispute was settled counts only as far as the verdict says.
            by_receiver = False
            by_leaver = by_leaver and verdict is Verdict.HANDED_OVER
        if what in {What.REASSIGNED, What.SPLIT}:
            by_receiver = False
        taken_off = moved.state is ItemState.NOT_APPLICABLE
        if taken_off:
            assert what is What.NOT_APPLICABLE or verdict is Verdict.NOT_APPLICABLE
        position = moved
        if position.state in CLOSED_ITEMS:
            assert taken_off or (by_leaver and by_receiver)
