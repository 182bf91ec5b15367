"""The glossary of the help: words of the product in both languages, named as the pages name them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from countersign.domain.console_words import name_of
from countersign.domain.levels import EN, ZH, Level, level_words
from countersign.domain.yaml_text import load_text


@dataclass(frozen=True)
class Term:
    """One word: what it is called and what it means, in Chinese and English."""

    zh: str
    en: str
    meaning_zh: str
    meaning_en: str


@cache
def terms() -> tuple[Term, ...]:
    """Return all words, in the order of a case."""
    text = (files("templates") / "help" / "glossary.yaml").read_text("utf-8")
    return tuple(
        Term(_name(one, ZH), _name(one, EN), one["zh"], one["en"]) for one in load_text(text, "glossary.yaml")
    )


def matching(part: str) -> list[Term]:
    """Return the words that hold `part` in a name or a meaning; names come first. All for an empty one."""
    wanted = part.casefold()
    named = [one for one in terms() if wanted in f"{one.zh}\n{one.en}".casefold()]
    told = [one for one in terms() if wanted in f"{one.meaning_zh}\n{one.meaning_en}".casefold()]
    return list(dict.fromkeys(named + told))


def _name(one: Mapping[str, Any], language: str) -> str:
    if "name" in one:
        return str(one["name"][0 if language == ZH else 1])
    if "level" in one:
        return level_words(Level(one["level"]), language=language)
    kind, value = one["word"]
    return name_of(kind, value, language).removeprefix("the ")
