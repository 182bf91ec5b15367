"""The languages of the pages: Babel catalogues, read from their .po files at first use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from babel.messages.pofile import read_po

LANGUAGES = {"zh-CN": "中文", "en": "English"}
"""Language tags that a page can have, with the name that the switch shows; the first is the default."""
DEFAULT = next(iter(LANGUAGES))


@dataclass(frozen=True)
class Sentence:
    """A sentence of the pages, still to be translated; `values` fill its `%(name)s` places."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)


def sentence(text: str, **values: object) -> Sentence:
    """Mark a sentence for translation; the catalogues are checked against every call of this name."""
    return Sentence(text, values)


class Catalogue:
    """The translations of one language; a sentence without one stays as it is."""

    def __init__(self, language: str) -> None:
        folder = files("templates") / "locales" / language.replace("-", "_") / "LC_MESSAGES"
        self._texts: dict[str, str] = {}
        for file in sorted(folder.iterdir(), key=lambda one: one.name):
            if not file.name.endswith(".po"):
                continue
            with file.open("rb") as source:
                entries = read_po(source, locale=language.replace("-", "_"))
            self._texts |= {str(m.id): str(m.string) for m in entries if m.id and m.string}

    def gettext(self, text: str) -> str:
        """Return the translation of a sentence."""
        return self._texts.get(text, text)

    def say(self, one: Sentence) -> str:
        """Return a marked sentence in this language, its places filled."""
        return self.gettext(one.text) % one.values if one.values else self.gettext(one.text)


@cache
def catalogue(language: str) -> Catalogue:
    """Return the catalogue of a language tag."""
    return Catalogue(language)


def chosen(asked: str | None, preferred: str) -> str:
    """Return the language asked for by name, else the preferred one, else the default."""
    for one in (asked, preferred):
        if one in LANGUAGES:
            return str(one)
    return DEFAULT


def accepted(header: str) -> str:
    """Return the first known language of an Accept-Language header, for pages without a notice."""
    for entry in header.split(","):
        tag = entry.split(";")[0].strip().lower()
        for known in LANGUAGES:
            if tag.split("-")[0] == known.split("-")[0].lower():
                return known
    return DEFAULT
