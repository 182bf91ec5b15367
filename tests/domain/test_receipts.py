import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.receipts import (
    CODES,
    RANK,
    RETRY_LIMIT,
    CodeClass,
    DeliveryState,
    advance,
    delivery_state_for,
    meaning_of,
)

STATES = st.sampled_from(DeliveryState)


def test_ranks_are_those_of_the_model() -> None:
    assert [RANK[DeliveryState(name)] for name in ("pending", "sending", "unknown", "sent")] == [0, 1, 2, 3]
    assert RANK[DeliveryState.FAILED_TEMPORARY] == RANK[DeliveryState.FAILED_PERMANENT] == 4
    assert RANK[DeliveryState.DELIVERED] == 5
    assert set(RANK) == set(DeliveryState)


def test_a_late_delivered_corrects_a_failure_but_a_late_failure_does_not_undo_delivered() -> None:
    assert advance(DeliveryState.FAILED_PERMANENT, DeliveryState.DELIVERED) is DeliveryState.DELIVERED
    assert advance(DeliveryState.DELIVERED, DeliveryState.FAILED_PERMANENT) is DeliveryState.DELIVERED


def test_a_receipt_settles_an_unknown_delivery() -> None:
    assert advance(DeliveryState.UNKNOWN, DeliveryState.SENT) is DeliveryState.SENT


@given(STATES, STATES)
def test_rank_never_falls(current: DeliveryState, reported: DeliveryState) -> None:
    assert RANK[advance(current, reported)] >= RANK[current]


@given(st.lists(STATES, max_size=4))
def test_reports_in_any_order_and_number_end_in_the_same_state(reports: list[DeliveryState]) -> None:
    ends = set()
    for order in itertools.permutations(reports):
        state = DeliveryState.PENDING
        for report in (*order, *order):
            state = advance(state, report)
        ends.add(state)
    assert len(ends) == 1


@pytest.mark.parametrize("status", ["accepted", "scheduled", "queued", "sending", "sent"])
def test_everything_before_the_carriers_word_is_sent_and_no_more(status: str) -> None:
    assert delivery_state_for(status) is DeliveryState.SENT


@pytest.mark.parametrize("status", ["delivered", "read"])
def test_read_is_never_more_than_delivered(status: str) -> None:
    assert delivery_state_for(status) is DeliveryState.DELIVERED


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("30003", DeliveryState.FAILED_TEMPORARY),
        ("30008", DeliveryState.FAILED_TEMPORARY),
        (None, DeliveryState.FAILED_TEMPORARY),
        ("30004", DeliveryState.FAILED_PERMANENT),
        ("30005", DeliveryState.FAILED_PERMANENT),
        ("30006", DeliveryState.FAILED_PERMANENT),
        ("30007", DeliveryState.FAILED_PERMANENT),
        ("39999", DeliveryState.FAILED_PERMANENT),
    ],
)
def test_the_error_code_decides_whether_an_undelivered_text_is_tried_again(
    code: str | None, state: DeliveryState
) -> None:
    assert delivery_state_for("undelivered", code) is state
    assert delivery_state_for("failed", code) is state


@pytest.mark.parametrize("status", ["received", "receiving", "", "nonsense"])
def test_a_status_that_is_not_about_our_message_changes_nothing(status: str) -> None:
    assert delivery_state_for(status) is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("21610", CodeClass.OPTED_OUT),
        ("21211", CodeClass.PERMANENT),
        ("21614", CodeClass.PERMANENT),
        ("21635", CodeClass.PERMANENT),
        ("21408", CodeClass.CONFIGURATION),
        ("20429", CodeClass.TEMPORARY),
        ("30007", CodeClass.CONTENT),
        ("sms_no_reply", CodeClass.AMBIGUOUS),
        ("smtp_499", CodeClass.TEMPORARY),
        ("smtp_599", CodeClass.PERMANENT),
        ("99999", CodeClass.PERMANENT),
    ],
)
def test_each_code_asks_for_the_right_thing(code: str, kind: CodeClass) -> None:
    assert meaning_of(code).kind is kind


def test_every_code_speaks_chinese_and_english_and_quotes_nothing() -> None:
    for code in [*CODES, "smtp_499", "smtp_599", "99999"]:
        meaning = meaning_of(code)
        assert re.search(r"[一-鿿]", meaning.zh), code
        assert meaning.zh.endswith("。"), code
        assert meaning.en.endswith("."), code
        assert not re.search(r"[@{}]|\d{4}", meaning.zh + meaning.en), code


def test_retry_limits_are_for_codes_that_may_be_tried_again() -> None:
    assert RETRY_LIMIT == {"30003": 3, "30008": 1}
    assert all(meaning_of(code).kind is CodeClass.TEMPORARY for code in RETRY_LIMIT)
