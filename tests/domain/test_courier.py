"""What a courier's word is worth, and when a public notice may speak."""

from itertools import product
from typing import Any

import pytest

from countersign.domain.acknowledgement_policy import acknowledgement_policy
from countersign.domain.courier import (
    EVENT_OF,
    WEAK,
    CourierState,
    code_of,
    courier_words,
    delivery_after,
    tracking_number,
    why_the_wait_ended,
)
from countersign.domain.leave_return_policy import leave_return_policy
from countersign.domain.policy import Channel
from countersign.domain.policy_file import CaseFileError
from countersign.domain.public_notice import DirectWay, why_locked
from countersign.domain.receipts import DeliveryState

FAILED, SENT, DELIVERED = DeliveryState.FAILED_PERMANENT, DeliveryState.SENT, DeliveryState.DELIVERED
RETURNED, SIGNED = CourierState.RETURNED, CourierState.SIGNED


# -- words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", CourierState)
def test_every_result_has_an_event_and_words_in_both_languages_and_only_weak_ones_end_a_wait(
    state: CourierState,
) -> None:
    assert EVENT_OF[state].value.startswith("paper.")
    en, zh = courier_words(state), courier_words(state, "zh-CN")
    assert en.isascii()
    assert not zh.isascii()
    assert en.endswith("(weak)") == zh.endswith("（证明力弱）") == (state in WEAK)
    assert (why_the_wait_ended(code_of(state)) is not None) == (state in WEAK)
    assert (delivery_after(state) is FAILED) == (state in WEAK)


def test_only_the_person_s_own_signature_counts_as_delivered() -> None:
    assert [state for state in CourierState if delivery_after(state) is DELIVERED] == [SIGNED]
    assert why_the_wait_ended("30005") is None
    assert why_the_wait_ended(None) is None


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("EA123456789CN", "EA123456789CN"), ("sf 1234 5678 90123", "SF1234567890123"), ("12345678", "12345678")],
)
def test_a_tracking_number_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert tracking_number(typed) == kept


@pytest.mark.parametrize("typed", ["1234567", "A" * 31, "EA-1234567", "单号12345678", "12345678\n", ""])
def test_what_is_no_tracking_number_is_refused_without_being_repeated(typed: str) -> None:
    with pytest.raises(ValueError, match="8 to 30 letters and digits") as refusal:
        tracking_number(typed)
    assert not typed or typed not in str(refusal.value)


# -- the lock ------------------------------------------------------------------------------------------------


def ways(sms: DirectWay, email: DirectWay) -> dict[Channel, DirectWay]:
    return {Channel.SMS: sms, Channel.EMAIL: email}


DEAD, NONE = DirectWay(True, FAILED), DirectWay(False)


@pytest.mark.parametrize("letter", sorted(WEAK))
@pytest.mark.parametrize(
    ("sms", "email"), list(product((DEAD, NONE, DirectWay(True, SENT, False)), repeat=2))
)
def test_a_public_notice_speaks_when_both_direct_ways_and_a_letter_have_failed(
    sms: DirectWay, email: DirectWay, letter: CourierState
) -> None:
    assert why_locked(ways(sms, email), [None, letter]) is None


@pytest.mark.parametrize(
    ("sms", "email", "letters", "said"),
    [
        (DirectWay(True), DEAD, [RETURNED], "the text message has not been tried"),
        (DirectWay(True, SENT), DEAD, [RETURNED], "the text message has not failed"),
        (
            DirectWay(True, DeliveryState.FAILED_TEMPORARY),
            DEAD,
            [RETURNED],
            "the text message has not failed",
        ),
        (DEAD, DirectWay(True, DELIVERED), [RETURNED], "the e-mail has not failed"),
        (DEAD, NONE, [], "no letter was refused, returned or signed for by somebody else"),
        (DEAD, NONE, [None, CourierState.IN_TRANSIT], "no letter was refused"),
        (NONE, NONE, [RETURNED, SIGNED], "a letter was signed for"),
    ],
)
def test_a_public_notice_stays_locked_and_says_what_is_missing(
    sms: DirectWay, email: DirectWay, letters: list[CourierState | None], said: str
) -> None:
    locked = why_locked(ways(sms, email), letters)
    assert locked is not None
    assert locked.startswith("public notice is locked: ")
    assert said in locked


# -- policies ------------------------------------------------------------------------------------------------


def rung(name: str, *channels: str, value: int = 30, unit: str = "calendar_days") -> dict[str, Any]:
    wait = {"value": value, "unit": unit}
    return {"name": name, "audience": "employee", "channels": list(channels), "wait": wait}


def policy(*rungs: dict[str, Any]) -> dict[str, Any]:
    return {"name": "p", "rungs": list(rungs)}


LETTER = rung("paper_notice", "courier", value=5)


@pytest.mark.parametrize(
    ("value", "unit"), [(30, "calendar_days"), (31, "calendar_days"), (30, "working_days")]
)
def test_a_public_notice_behind_a_letter_with_thirty_days_may_run(value: int, unit: str) -> None:
    read = leave_return_policy(
        policy(LETTER, rung("announced", "public_notice", value=value, unit=unit)), "f"
    )
    assert read.ladder.rungs[1].channels == (Channel.PUBLIC_NOTICE,)


@pytest.mark.parametrize(
    ("rungs", "said"),
    [
        (
            (LETTER, rung("r", "public_notice", value=29)),
            r"rungs\[1\] \(r\): wait: .* at least 30 calendar_days",
        ),
        ((LETTER, rung("r", "public_notice", value=720, unit="hours")), "at least 30 calendar_days"),
        ((rung("r", "public_notice"), LETTER), "invalid before a letter has been tried"),
        ((rung("t", "sms"), rung("r", "public_notice")), "put a rung with the channel courier before it"),
        ((LETTER, rung("r", "public_notice", "sms")), "cannot share a rung"),
        ((LETTER, rung("r", "courier", "public_notice")), "cannot share a rung"),
    ],
)
def test_a_public_notice_that_could_not_hold_is_refused_in_words(rungs: Any, said: str) -> None:
    with pytest.raises(CaseFileError, match=said):
        leave_return_policy(policy(*rungs), "f")


def test_a_circular_is_never_made_public() -> None:
    with pytest.raises(CaseFileError, match="never made public"):
        acknowledgement_policy(policy(LETTER, rung("r", "public_notice")), "f")
