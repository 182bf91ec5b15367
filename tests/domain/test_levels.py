"""The words for how far a message has come."""

from itertools import product

import pytest

from countersign.domain.fetches import FetchKind
from countersign.domain.levels import Level, level_words

CHANNELS = ("sms", "email", "in_system", "courier", None)


def test_the_words_are_exactly_these() -> None:
    assert [level_words(level, "email") for level in Level] == [
        "sent",
        "accepted by the relay",
        "delivered (says the relay)",
        "link fetched (may be a machine)",
        "opened in a browser",
        "acknowledged by whoever held the link",
        "identity confirmed",
    ]
    assert level_words(Level.ACCEPTED, "sms") == "accepted by the provider"
    assert level_words(Level.DELIVERED, "sms") == "delivered (says the carrier)"


def test_known_machines_are_named_and_a_browser_may_still_be_one() -> None:
    assert level_words(Level.LINK_FETCHED, by=FetchKind.SCANNER) == "link fetched by a mail scanner"
    assert level_words(Level.LINK_FETCHED, by=FetchKind.BROWSER) == "link fetched (may be a machine)"
    assert len({level_words(Level.LINK_FETCHED, by=kind) for kind in FetchKind}) == len(FetchKind)


@pytest.mark.parametrize(("level", "channel", "by"), list(product(Level, CHANNELS, (None, *FetchKind))))
def test_no_level_ever_says_read_and_each_has_chinese_words(
    level: Level, channel: str | None, by: FetchKind | None
) -> None:
    english, chinese = (level_words(level, channel, by, one) for one in ("en", "zh-CN"))
    assert "read" not in english.replace("already", "")
    assert "已读" not in chinese
    assert not chinese.isascii()
    assert english.isascii()
    assert level_words(level, channel, by, "fr") == english
