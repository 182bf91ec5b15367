from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.sms_text import SmsEncoding, encoding_of, measure, segments, units


def test_latin_text_of_160_characters_is_one_segment_and_one_more_is_two() -> None:
    assert (units("a" * 160), segments("a" * 160)) == (160, 1)
    assert (units("a" * 161), segments("a" * 161)) == (161, 2)


def test_joined_latin_segments_hold_153_units_each() -> None:
    assert segments("a" * 306) == 2
    assert segments("a" * 307) == 3


def test_one_chinese_character_turns_the_whole_text_to_ucs2() -> None:
    assert encoding_of("a" * 70) is SmsEncoding.GSM_7
    assert measure("a" * 69 + "张").encoding is SmsEncoding.UCS_2
    assert segments("a" * 69 + "张") == 1
    assert segments("a" * 70 + "张") == 2


def test_joined_chinese_segments_hold_67_units_each() -> None:
    assert segments("张" * 134) == 2
    assert segments("张" * 135) == 3


def test_a_rare_name_character_outside_the_basic_plane_counts_two() -> None:
    assert units("𬱖") == 2
    assert units("张𬱖") == 3
    assert segments("张" * 68 + "𬱖") == 1
    assert segments("张" * 69 + "𬱖") == 2


def test_a_rare_character_is_not_cut_between_two_segments() -> None:
    # 66 + 2 + 66: as a plain division 134 units would fill two segments of 67.
    assert units("张" * 66 + "𬱖" + "张" * 66) == 134
    assert segments("张" * 66 + "𬱖" + "张" * 66) == 3


def test_euro_sign_and_brackets_count_two_in_the_latin_alphabet_and_are_not_cut() -> None:
    assert measure("€[]{}\\^~|").units == 18
    assert encoding_of("€") is SmsEncoding.GSM_7
    assert segments("a" * 159 + "€") == 2
    assert segments("a" * 152 + "€" + "a" * 152) == 3


def test_a_backtick_is_not_in_the_latin_alphabet() -> None:
    assert encoding_of("`") is SmsEncoding.UCS_2


def test_the_empty_text_has_no_segment() -> None:
    assert (measure("").units, measure("").segments) == (0, 0)


@given(st.text(max_size=400))
def test_segments_always_have_room_for_the_units_and_waste_at_most_one_unit_each(text: str) -> None:
    size = measure(text)
    alone, joined = (160, 153) if size.encoding is SmsEncoding.GSM_7 else (70, 67)
    if size.segments <= 1:
        assert size.units <= alone
    else:
        assert (size.segments - 1) * (joined - 1) < size.units <= size.segments * joined


@given(st.text(min_size=1, max_size=200))
def test_ucs2_units_are_what_utf16_needs(text: str) -> None:
    text = "张" + text
    assert units(text) == len(text.encode("utf-16-be", "surrogatepass")) // 2
