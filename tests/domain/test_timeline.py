"""The account of a case: every event in words, failures first of all, and nothing that is not disclosed."""

import pytest

from countersign.domain.evidence import Disclosure, EventKind, Sealed
from countersign.domain.timeline import FAILURES, LANGUAGES, TITLES, account
from tests.domain.test_bundle import CASE, chain_of

EVENTS, OPENED = chain_of(
    CASE,
    (EventKind.NOTICE_RENDERED, {"text": Sealed("张伟，请返岗"), "a/b~c": Sealed("odd"), "answer_by": None}),
    (EventKind.DELIVERY_FAILED, {"attempt": 1, "channels": ["sms", "email"], "target": {"met": False}}),
    (EventKind.NOTICE_NOTHING_SENT, {"overdue": [{"step": "x"}, {"step": "y"}], "none": []}),
    (EventKind.DELIVERY_UNKNOWN, {"recorded_at": "2026-02-13T15:00:00.007+08:00"}),
    (EventKind.ANSWER_LATE, {"recorded_at": "2026-02-14T00:00:00.000+08:00"}),
)


def test_every_kind_of_event_has_words_in_both_languages() -> None:
    assert set(TITLES) == set(EventKind)
    assert all(zh and en and not zh.isascii() and en.isascii() for zh, en in TITLES.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_event_is_left_out_and_what_went_wrong_is_marked_and_counted(language: str) -> None:
    told = account(CASE, EVENTS, OPENED, language)
    assert [entry.seq for entry in told.entries] == [1, 2, 3, 4, 5, 6]
    assert [entry.seq for entry in told.entries if entry.trouble] == [3, 4, 5, 6]
    trouble = told.summary[4][1]
    assert trouble.count("1") == 4
    assert {EventKind.DELIVERY_SUPPRESSED, EventKind.PAPER_REFUSED, EventKind.DUTY_FAILED} < set(FAILURES)


def test_leaves_of_a_body_are_told_with_their_labels_and_empty_ones_are_not() -> None:
    entries = account(CASE, EVENTS, OPENED, "en").entries
    assert entries[1].facts == (("a/b~c", "odd"), ("text", "张伟，请返岗"))
    assert entries[2].facts == (("attempt", "1"), ("channels", "sms, email"), ("target · met", "no"))
    assert entries[3].facts == (("overdue 1 · step", "x"), ("overdue 2 · step", "y"))
    assert entries[4].facts == ()
    assert entries[5].facts == (("recorded", "2026-02-14 00:00:00 +08:00"),)


def test_what_is_not_disclosed_is_said_to_be_so_and_counted() -> None:
    told = account(CASE, EVENTS, (), "zh-CN")
    assert ("正文", "〔未披露〕") in told.entries[1].facts
    assert told.summary[5] == ("未披露的个人信息", "3")
    assert "张伟" not in repr(told)
    partly = account(CASE, EVENTS, [one for one in OPENED if one.path == "/body/text"], "zh-CN")
    assert partly.summary[5][1] == "2"


def test_a_kind_of_a_later_release_keeps_its_name() -> None:
    import dataclasses

    later = dataclasses.replace(EVENTS[1], kind="moon.risen")
    assert account(CASE, [later], (), "en").entries[0].title == "Another event moon.risen"


def test_a_disclosure_opens_its_own_place_alone() -> None:
    wrong = [Disclosure(3, "/body/text", "00" * 16, "leaked")]
    assert "leaked" not in repr(account(CASE, EVENTS, wrong, "en"))
