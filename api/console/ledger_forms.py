"""Money and days as they are typed into forms about the ledger."""

import re
from datetime import date

from api.console.drawing import word
from api.console.visit import Visit
from api.language import Sentence, sentence
from api.people.forms import parse_day
from countersign.domain.console_words import told_in
from countersign.domain.refusal import Refusal

_NAMED = sentence("%(field)s: %(what)s")
_LABELS = {
    "amount_fen": sentence("Amount"),
    "booked_on": sentence("Day"),
    "account": sentence("Account"),
    "source": sentence("Account"),
    "kind": sentence("What it is"),
    "reason": sentence("Reason"),
    "file": sentence("File"),
    "document": sentence("Document"),
    "key": sentence("Form"),
    "posting": sentence("Posting"),
    "total_fen": sentence("Total"),
    "instalments": sentence("Instalments"),
    "agreed_on": sentence("Agreed on"),
    "case": sentence("Departure"),
}
"""What the fields of a refusal are called; all others are accounts."""

_YUAN = re.compile(r"(\d{1,9})(?:\.(\d{1,2}))?")


def typed_fen(text: str) -> int | None:
    """Return yuan as typed, such as `1,234.5` or `¥80`, in fen; None for what is no such amount."""
    found = _YUAN.fullmatch(text.strip().removeprefix("¥").replace(",", "").replace("，", "").strip())
    return None if found is None else int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def typed_day(text: str) -> date | None:
    """Return a day as typed, such as `2026-03-02`, within years that books can have; else None."""
    day = parse_day(text)
    return day if day is not None and 2000 <= day.year <= 2200 else None


def in_words(visit: Visit, refusal: Refusal) -> str:
    """Return why something is refused in the reader's language, with the field's name in front."""
    sentence = str(refusal)
    what = told_in(visit.language, sentence)
    if what == sentence:
        what = sentence.removeprefix(f"{refusal.field}: ")
    if refusal.field in _LABELS:
        name = visit.words.say(_LABELS[refusal.field])
    else:
        name = word(visit.language, "account", refusal.field)
    return visit.words.say(Sentence(_NAMED.text, {"field": name[:1].upper() + name[1:], "what": what}))


def choices(visit: Visit, kind: str, values: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the options of a list: every value with its name."""
    return [(value, word(visit.language, kind, value)) for value in values]
