"""What a texted answer says: a receipt code, a word that asks for silence, or just words."""

import re
import unicodedata
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
# Looked for at every place: in "code ABCD-EFGH-JKMN" the word before has the shape of a group itself.
_CODE = re.compile(
    r"(?<![0-9A-Za-z])(?=([0-9A-Za-z]{4}[-_ ]?[0-9A-Za-z]{4}[-_ ]?[0-9A-Za-z]{4})(?![0-9A-Za-z]))"
)
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2012\u2013\u2014\u2212", "-"))
_MOST_CODES = 20


def keyword_of(text: str) -> Keyword | None:
    """Return the keyword if the whole text is one, whatever its case and punctuation; else None."""
    word = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()
    if word in _STOP:
        return Keyword.STOP
    return Keyword.START if word in _START else None


def codes_in(text: str) -> list[str]:
    """Return what in a text has the shape of a receipt code: twelve characters, perhaps in three groups.

    Full-width letters and the dashes that phones make of a hyphen are read as what they stand for.
    """
    return _CODE.findall(unicodedata.normalize("NFKC", text).translate(_DASHES))[:_MOST_CODES]
