import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.aliyun_codes import ALIYUN_CODES
from countersign.domain.code_meaning import code_table
from countersign.domain.receipts import (
    CALL_CODES,
    CODES,
    RANK,
    RETRY_LIMIT,
    SMTP_CODES,
    CodeClass,
    DeliveryState,
    advance,
    delivery_state_for,
    may_retry,
    meaning_of,
)
from countersign.domain.twilio_codes import TWILIO_CODES

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
        ("21266", CodeClass.PERMANENT),
        ("21703", CodeClass.CONFIGURATION),
        ("30017", CodeClass.TEMPORARY),
        ("30019", CodeClass.CONTENT),
        ("30034", CodeClass.CONFIGURATION),
        ("30450", CodeClass.TEMPORARY),
        ("63038", CodeClass.TEMPORARY),
        ("isv.BUSINESS_LIMIT_CONTROL", CodeClass.TEMPORARY),
        ("isv.MOBILE_NUMBER_ILLEGAL", CodeClass.PERMANENT),
        ("isv.OUT_OF_SERVICE", CodeClass.CONFIGURATION),
        ("isv.AMOUNT_NOT_ENOUGH", CodeClass.CONFIGURATION),
        ("isv.PARAM_NOT_SUPPORT_URL", CodeClass.CONTENT),
        ("isv.CUSTOMER_REFUSED", CodeClass.OPTED_OUT),
        ("isp.SYSTEM_ERROR", CodeClass.AMBIGUOUS),
        ("SignatureNonceUsed", CodeClass.AMBIGUOUS),
        ("Throttling.User", CodeClass.TEMPORARY),
        ("MOBILE_IN_BLACK", CodeClass.OPTED_OUT),
        ("MOBILE_NOT_ON_SERVICE", CodeClass.TEMPORARY),
        ("CONTENT_KEYWORD", CodeClass.CONTENT),
        ("UNDELIV", CodeClass.PERMANENT),
        ("sms_not_prepared", CodeClass.CONFIGURATION),
        ("sms_wrong_destination", CodeClass.CONFIGURATION),
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
    assert RETRY_LIMIT == {
        "30003": 3,
        "30008": 1,
        "MOBILE_NOT_ON_SERVICE": 3,
        "EXPIRED": 3,
        "MOBLLE_TERMINAL_ERROR": 1,
        "SP_UNKNOWN_ERROR": 1,
    }
    assert all(meaning_of(code).kind is CodeClass.TEMPORARY for code in RETRY_LIMIT)


@pytest.mark.parametrize(
    ("code", "times"),
    [("30003", 3), ("30008", 1), ("EXPIRED", 3), ("SP_UNKNOWN_ERROR", 1), ("20429", 3), (None, 3)],
)
def test_a_text_that_a_carrier_could_not_deliver_is_tried_again_so_many_times(
    code: str | None, times: int
) -> None:
    assert [may_retry(code, failures) for failures in range(1, 6)] == [n <= times for n in range(1, 6)]


def test_no_code_stands_in_two_tables() -> None:
    tables = (TWILIO_CODES, ALIYUN_CODES, CALL_CODES, SMTP_CODES)
    assert sum(len(table) for table in tables) == len(set().union(*tables))
    assert set().union(*tables) <= set(CODES)


def test_a_table_with_a_code_that_stands_twice_is_refused() -> None:
    row = ("1", CodeClass.TEMPORARY, "一。", "One.")
    with pytest.raises(ValueError, match="stands twice"):
        code_table(row, row)
