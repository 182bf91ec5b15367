import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.destinations import (
    Capability,
    Receipts,
    SmsProvider,
    by_longest_prefix,
    capability_of,
)

TWILIO, ALIYUN = SmsProvider.TWILIO, SmsProvider.ALIYUN


def test_twilio_to_the_mainland_carries_no_links_no_replies_and_registered_texts_only() -> None:
    assert capability_of(TWILIO, "+8613800138000") == Capability(
        link_ok=False, reply_ok=False, template_required=True, unicode_ok=True, receipts=Receipts.WEAK
    )


@pytest.mark.parametrize("number", ["+85291234567", "+85366123456", "+14155550100", "+4915112345678"])
def test_twilio_elsewhere_carries_links_and_replies(number: str) -> None:
    assert capability_of(TWILIO, number) == Capability(
        link_ok=True, reply_ok=True, template_required=False, unicode_ok=True, receipts=Receipts.CARRIER
    )


def test_the_domestic_provider_takes_replies_but_no_links_and_registered_texts_only() -> None:
    assert capability_of(ALIYUN, "+8613800138000") == Capability(
        link_ok=False, reply_ok=True, template_required=True, unicode_ok=True, receipts=Receipts.CARRIER
    )


@pytest.mark.parametrize("number", ["+85291234567", "+886912345678", "+14155550100", ""])
def test_the_domestic_provider_sends_nowhere_else(number: str) -> None:
    assert capability_of(ALIYUN, number) is None


NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)


@given(st.dictionaries(st.from_regex(r"(\+[1-9][0-9]{0,3})?", fullmatch=True), st.integers()), NUMBERS)
def test_the_longest_prefix_wins_in_whatever_order_the_table_stands(
    table: dict[str, int], number: str
) -> None:
    expected = next(
        (table[number[:end]] for end in range(len(number), -1, -1) if number[:end] in table), None
    )
    assert by_longest_prefix(table, number) == expected
    assert by_longest_prefix(dict(reversed(table.items())), number) == expected
