"""What a code of a provider means to us: its class, and the sentence HR reads in both languages."""

from enum import StrEnum
from typing import NamedTuple


class CodeClass(StrEnum):
    """What a code asks of us."""

    TEMPORARY = "temporary"  # try again later
    PERMANENT = "permanent"  # this address will not work: another channel, a task for HR
    OPTED_OUT = "opted_out"  # stop the channel, never try another sender
    CONFIGURATION = "configuration"  # our account or settings: alarm for the operator
    CONTENT = "content"  # the text was refused: alarm for the author of the template
    AMBIGUOUS = "ambiguous"  # the message may have left: look for it before trying again


class CodeMeaning(NamedTuple):
    """The class of a code and the sentence that HR reads, in both languages."""

    kind: CodeClass
    zh: str
    en: str


def code_table(*rows: tuple[str, CodeClass, str, str]) -> dict[str, CodeMeaning]:
    """Build a table from rows of code, class, Chinese and English sentence.

    Raises `ValueError` for a code that stands twice: the second row would silently replace the first.
    """
    table = {code: CodeMeaning(kind, zh, en) for code, kind, zh, en in rows}
    if len(table) != len(rows):
        raise ValueError("a code stands twice in a table of codes; keep one row")
    return table
