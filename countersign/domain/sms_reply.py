"""What a texted answer says: a receipt code, a word that asks for silence, or just words."""

import re
from enum import StrEnum


class Keyword(StrEnum):
    """A reply that is nothing but a word carriers and providers know."""

    STOP = "stop"
    START = "start"


_STOP = frozenset(
    # Twilio's default opt-out words; the Chinese ones are those that Chinese networks print in texts.
    "stop stopall unsubscribe cancel end quit revoke optout td t n 退订 退定 拒收 取消订阅".split()
)
_START = frozenset("start yes unstop 恢复 订阅".split())
_CODE = re.compile(
    r"(?<![0-9A-Za-z])[0-9A-Za-z]{4}[-_ \u3000]?[0-9A-Za-z]{4}[-_ \u3000]?[0-9A-Za-z]{4}(?![0-9A-Za-z])"
)


def keyword_of(text: str) -> Keyword | None:
    """Return the keyword if the whole text is one, whatever its case and punctuation; else None."""
    word = re.sub(r"[\W_]+", "", text).casefold()
    if word in _STOP:
        return Keyword.STOP
    return Keyword.START if word in _START else None


def codes_in(text: str) -> list[str]:
    """Return what in a text has the shape of a receipt code: twelve characters, perhaps in three groups."""
    return _CODE.findall(text)[:5]
