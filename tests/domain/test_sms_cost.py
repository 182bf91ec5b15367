from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.sms_cost import (
    MAX_CHARACTERS,
    PlannedSms,
    SmsEstimate,
    estimate,
    refusals,
    sms_prices,
    together,
    too_long,
)
from countersign.domain.sms_text import segments
from countersign.domain.yaml_text import InputError

MAINLAND, HONG_KONG = "+8613800138000", "+85291234567"


def planned(text: str = "请返岗", to: str = MAINLAND, step: str = "first_notice") -> PlannedSms:
    return PlannedSms(step, to, text)


def test_messages_segments_and_cost_add_up() -> None:
    prices = sms_prices({"+86": "0.045", "": "0.5"}, "sms_prices")
    three_segments = "字" * 140
    run = [planned(), planned(three_segments), planned(to=HONG_KONG)]
    # 4 segments at 4.5 fen and one at 50 fen.
    assert estimate(run, prices) == SmsEstimate(3, 5, 68, None)


def test_the_sum_is_rounded_up_once_and_not_every_message() -> None:
    prices = sms_prices({"": "0.001"}, "sms_prices")
    assert estimate([planned()] * 10, prices).cost_fen == 1
    assert estimate([planned()] * 11, prices).cost_fen == 2


def test_the_price_of_the_longest_prefix_counts() -> None:
    prices = sms_prices({"+86": "1", "+8613800": "2", "": "3"}, "sms_prices")
    assert estimate([planned()], prices).cost_fen == 200


def test_an_unknown_price_leaves_the_cost_open_with_the_reason_and_counts_all_the_same() -> None:
    prices = sms_prices({"+86": "0.045"}, "sms_prices")
    counted = estimate([planned(), planned(to=HONG_KONG)], prices)
    assert counted == SmsEstimate(
        2, 2, None, "no price is set for numbers that begin with +852; add a prefix to sms_prices"
    )


def test_nothing_costs_nothing() -> None:
    assert estimate([], {}) == SmsEstimate(0, 0, 0, None)


def test_estimates_add_up_and_are_rounded_up_once_together() -> None:
    prices = sms_prices({"": "0.001"}, "sms_prices")
    part = estimate([planned()] * 4, prices)
    assert (part.cost_fen, together([part] * 3)) == (1, SmsEstimate(12, 12, 2, None))
    assert together([together([part] * 2), part]) == together([part] * 3)
    assert together([]) == SmsEstimate(0, 0, 0, None)


def test_the_cost_of_the_whole_is_open_when_one_part_is_and_everything_is_counted() -> None:
    prices = sms_prices({"+86": "0.045"}, "sms_prices")
    priced, unpriced = estimate([planned()], prices), estimate([planned(to=HONG_KONG)], prices)
    for parts in ([priced, unpriced], [unpriced, priced]):
        assert together(parts) == SmsEstimate(2, 2, None, unpriced.because)
    assert together([together([priced, unpriced]), priced]).because == unpriced.because


TEXTS = st.text(st.sampled_from("a字𬱖€ "), min_size=1, max_size=200)
PRICE = st.decimals(0, 10, places=4)


@given(st.lists(TEXTS, max_size=8), PRICE)
def test_the_cost_is_never_below_the_exact_sum_and_less_than_a_fen_above(
    written: list[str], price: Decimal
) -> None:
    counted = estimate([planned(text) for text in written], {"": price})
    exact = sum(segments(text) for text in written) * price * 100
    assert counted.cost_fen is not None
    assert exact <= counted.cost_fen < exact + 1
    assert counted.segments == sum(segments(text) for text in written)


@given(st.lists(st.lists(TEXTS, max_size=3), max_size=4), PRICE)
def test_a_run_in_parts_costs_what_it_costs_in_one_piece(runs: list[list[str]], price: Decimal) -> None:
    parts = [[planned(text) for text in run] for run in runs]
    whole = [sms for part in parts for sms in part]
    assert together(estimate(part, {"": price}) for part in parts) == estimate(whole, {"": price})


@given(st.lists(st.tuples(TEXTS, st.sampled_from([MAINLAND, HONG_KONG])), max_size=6))
def test_the_order_of_a_run_does_not_matter(run: list[tuple[str, str]]) -> None:
    prices = {"+86": Decimal("0.045"), "": Decimal("0.3")}
    messages = [planned(text, to) for text, to in run]
    assert estimate(messages, prices) == estimate(reversed(messages), prices)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"86": "0.05"}, 'sms_prices: "86" is no prefix'),
        ({"+": "0.05"}, 'sms_prices: "+" is no prefix'),
        ({"+８６": "0.05"}, "is no prefix"),
        ({"+86": "five"}, 'sms_prices: the price of "+86" must be yuan'),
        ({"+86": "-0.1"}, 'the price of "+86" must be yuan'),
        ({"+86": "NaN"}, 'the price of "+86" must be yuan'),
        ({"+86": "Infinity"}, 'the price of "+86" must be yuan'),
    ],
)
def test_a_faulty_price_is_refused_with_its_prefix(table: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        sms_prices(table, "sms_prices")
    assert sentence in str(caught.value)


def test_prices_stay_exact() -> None:
    assert sms_prices({"+86": "0.045"}, "x") == {"+86": Decimal("0.045")}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a" * MAX_CHARACTERS, True),
        ("a" * (MAX_CHARACTERS + 1), False),
        ("字" * MAX_CHARACTERS, True),  # 8 segments of 67
        ("𬱖" * 264, True),  # 33 pairs in each of 8 segments
        ("𬱖" * 265, False),  # short in characters, too long in segments
    ],
)
def test_a_text_of_more_than_eight_segments_or_500_characters_is_refused(text: str, fits: bool) -> None:
    assert (too_long("first_notice", text) is None) is fits


def test_the_refusal_names_step_and_size() -> None:
    assert too_long("second_reminder", "字" * 501) == (
        "step second_reminder: the SMS has 501 characters in 8 segments; "
        "at most 500 characters and 8 segments arrive, so shorten the text"
    )


def test_each_step_is_refused_once_and_in_order() -> None:
    long = "字" * 501
    run = [
        planned(step="b"),
        planned(long, step="b"),
        planned(long + "字", step="b"),
        planned(long, step="a"),
    ]
    said = refusals(run)
    assert [sentence.split(":")[0] for sentence in said] == ["step b", "step a"]
    assert refusals([planned()]) == []


def test_numbers_and_texts_stay_out_of_the_repr() -> None:
    assert repr(planned()) == "PlannedSms(step='first_notice')"
