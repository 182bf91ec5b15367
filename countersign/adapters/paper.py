"""The press: notices as PDF/A-2b pages by typst, the same bytes for the same notice, no character left out.

typst leaves out what its fonts lack, so every character is looked up in the fonts' tables first, and the
archive standard, which forbids the empty glyph, is the second guard.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any, Final

import typst
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

ARCHIVE: Final = "a-2b"
"""PDF/A-2b (ISO 19005-2, level B): fonts inside, nothing outside, looks the same for good."""

_TEMPLATES = Path(str(files("templates")))
_SHIPPED = _TEMPLATES / "fonts"
_WITHOUT_GLYPH = frozenset("\n")
_MARKED = re.compile(r".[\u0300-\u036f]+", re.DOTALL)
_INVISIBLE = frozenset({"Cc", "Cf", "Mn", "Zl", "Zp", "Cs", "Cn"})
_NOT_DRAWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NAMED = 12


@dataclass(frozen=True)
class Paper:
    """What stands on the pages of one notice.

    `at` is when it was written, in the zone of its place; `reference` names the notice alone. `slip` adds the
    place for the seal and the slip on which whoever takes the letter signs for it. `signed_on` and its hash
    cite the paper on which the recipient confirmed the addresses, `consent_on` a consent without one.
    """

    title: str = field(repr=False)
    text: str = field(repr=False)
    language: str
    company: str
    branch: str
    recipient: str = field(repr=False)
    reference: str
    fingerprint: str
    at: datetime
    slip: bool = False
    service_address: str | None = field(default=None, repr=False)
    consent_on: date | None = None
    signed_on: date | None = None
    signed_sha256: str | None = None

    def places(self) -> dict[str, str]:
        """Return every text that goes on the page by what it is called; the narrow ones first."""
        return {
            "the name": self.recipient if self.slip else "",
            "the service address": self.service_address or "",
            "the company": self.company,
            "the branch": self.branch,
            "the title": self.title,
            "the text": _spaced(self.text),
        }


class Unprintable(ValueError):
    """A page that cannot be printed; the sentence may quote a part of a name, `places` never does."""

    def __init__(self, sentence: str, places: str) -> None:
        super().__init__(f"the paper cannot be printed: {sentence}")
        self.places = places


class MissingGlyphs(Unprintable):
    """Characters that no font of the press can draw; `found` names the place of each."""

    def __init__(self, found: Mapping[str, str]) -> None:
        shown = [f"{_shown(character)} in {place}" for character, place in found.items()]
        if len(shown) > _NAMED:
            shown[_NAMED:] = [f"{len(shown) - _NAMED} more"]
        super().__init__(
            f"no font here has {', '.join(shown)}; write it with other characters, or name in "
            "COUNTERSIGN_FONT_DIR a folder with a font that has it, such as Noto Sans CJK",
            ", ".join(dict.fromkeys(found.values())),
        )
        self.found = dict(found)


class Press:
    """Prints pages with the shipped font; `further_fonts` is a folder of fonts for characters beyond it.

    A page that the shipped font can print alone is the same with further fonts as without.
    """

    def __init__(self, further_fonts: Path | None = None) -> None:
        if further_fonts is not None and not (further_fonts.is_dir() and _Fonts((further_fonts,)).families):
            raise ValueError("COUNTERSIGN_FONT_DIR: no font lies there; name a folder that holds one")
        self._further = further_fonts
        self._lock = Lock()

    def print(self, paper: Paper) -> bytes:
        """Return the notice as PDF/A-2b; raises `Unprintable`."""
        self.check(paper)
        body, closing = _parted(paper)
        data = {
            "title": paper.title,
            "lines": [{"kind": _kind(number, line), "text": line} for number, line in enumerate(body)],
            "closing": closing,
            "language": paper.language,
            "company": paper.company,
            "recipient": paper.recipient,
            "reference": paper.reference,
            "fingerprint": paper.fingerprint,
            "day": _day(paper.at.date()),
            "slip": paper.slip,
            "service_address": paper.service_address,
            "consent_on": _day(paper.consent_on),
            "signed_on": _day(paper.signed_on),
            "signed_sha256": paper.signed_sha256,
        }
        return self.typeset("paper/notice.typ", data, paper.at)

    def check(self, paper: Paper) -> None:
        """Raise `MissingGlyphs` when a character of a page could not be drawn."""
        places = {place: "".join(_drawn(text)) for place, text in paper.places().items()}
        lacking = self.missing("".join(places.values()))
        if lacking:
            raise MissingGlyphs(
                {one: next(place for place, text in places.items() if one in text) for one in lacking}
            )

    def missing(self, text: str) -> tuple[str, ...]:
        """Return the characters of one page's text that no font here can draw, each once, in order."""
        lacking = _lacking(self._plain.faces, text)
        return _lacking(self._wide.faces, text) if lacking and self._further else lacking

    def legible(self, text: str) -> str:
        """Return a text in which a character that no font here draws stands as its code, as in [U+1F600]."""
        known: dict[str, str] = {}
        return "".join(known.setdefault(one, self._legible(one)) for one in text.replace("\t", " " * 4))

    def _legible(self, character: str) -> str:
        if character == "\n":
            return character
        drawn = unicodedata.category(character) not in _NOT_DRAWN and not self.missing(character)
        return character if drawn else f"[U+{ord(character):04X}]"

    def sheet(self, template: str, data: Mapping[str, Any], at: datetime) -> bytes:
        """Return the PDF/A-2b of a template that prints every text of its data; raises `Unprintable`."""
        lacking = self.missing("".join(_texts(data)))
        if lacking:
            raise MissingGlyphs(dict.fromkeys(lacking, "the page"))
        return self.typeset(template, data, at)

    def typeset(self, template: str, data: Mapping[str, Any], at: datetime) -> bytes:
        """Return the PDF/A-2b of a template with its data; `at` becomes the time of the document.

        The template finds the data as JSON in `sys.inputs.data`, with the names of the fonts as `fonts`.
        Raises `Unprintable`.
        """
        lacking = _lacking(self._plain.faces, json.dumps(data, ensure_ascii=False))
        fonts = self._wide if lacking and self._further else self._plain
        inputs = {"data": json.dumps({**data, "fonts": fonts.families}, ensure_ascii=False, sort_keys=True)}
        # A compiler serves one thread at a time and refuses a second one.
        with self._lock:
            try:
                made = fonts.compiler.compile(
                    input=str(_TEMPLATES / template),
                    sys_inputs=inputs,
                    format="pdf",
                    pdf_standards=ARCHIVE,
                    timestamp=int(at.timestamp()),
                )
            except typst.TypstError as error:
                # Characters whose shape hangs on others can pass the look-up and still have no glyph.
                raise Unprintable(f"{error}; write it with other characters", "the page") from None
        if not isinstance(made, bytes):
            raise TypeError("typst returned pages instead of one document")
        return made

    # -- fonts --------------------------------------------------------------------------------------------

    @cached_property
    def _plain(self) -> "_Fonts":
        return _Fonts((_SHIPPED,))

    @cached_property
    def _wide(self) -> "_Fonts":
        # Of two fonts with one name typst takes the first it is given: the further, which knows more.
        return _Fonts((self._further or _SHIPPED, _SHIPPED))


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for one in inside for text in _texts(one)]


class _Fonts:
    """The fonts of some folders, for typst and for the look-up of characters."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(one) for one in folders]
        )
        self.families = sorted(self._fonts.families(), key=lambda name: (not name.endswith(" SC"), name))

    @cached_property
    def compiler(self) -> typst.Compiler:
        return typst.Compiler(root=str(_TEMPLATES), font_paths=self._fonts)

    @cached_property
    def faces(self) -> tuple[tuple[str, int], ...]:
        """File and index of the font that typst takes of each family: the nearest to upright and regular."""
        chosen: dict[str, typst.FontInfo] = {}
        for one in self._fonts.fonts():
            known = chosen.get(one.family)
            if one.path is not None and (known is None or _distance(one) < _distance(known)):
                chosen[one.family] = one
        return tuple((str(chosen[name].path), chosen[name].index) for name in self.families if name in chosen)


def _distance(font: typst.FontInfo) -> tuple[bool, float, int]:
    return (font.style != "normal", abs(font.stretch - 1), abs(font.weight - 400))


# -- characters -------------------------------------------------------------------------------------------


def _drawn(text: str) -> Iterator[str]:
    """Yield the characters whose glyphs are drawn: a letter and its accent are one where there is one."""
    yield from _MARKED.sub(lambda marked: unicodedata.normalize("NFC", marked[0]), text)


def _lacking(faces: tuple[tuple[str, int], ...], text: str) -> tuple[str, ...]:
    wanted = dict.fromkeys(_drawn(text))
    left = wanted.keys() - _WITHOUT_GLYPH
    for path, index in faces:
        if not left:
            break
        known = _characters(path, index)
        left = {character for character in left if ord(character) not in known}
    return tuple(character for character in wanted if character in left)


@lru_cache(maxsize=32)
def _characters(path: str, index: int) -> frozenset[int]:
    with TTFont(path, fontNumber=index, lazy=True) as font:
        return frozenset(font.getBestCmap() or ())


def _shown(character: str) -> str:
    code = f"U+{ord(character):04X}"
    hidden = unicodedata.category(character) in _INVISIBLE
    return f"{code} (invisible)" if hidden else f"{character} ({code})"


# -- lines ------------------------------------------------------------------------------------------------


def _spaced(text: str) -> str:
    """Return the text with the line ends and tabs of other programs as line feeds and spaces."""
    return text.replace("\r\n", "\n").replace("\t", " " * 4)


def _parted(paper: Paper) -> tuple[list[str], list[str]]:
    """Return the lines of the text and those of the company's name at its end, which stand by the seal."""
    lines = _spaced(paper.text).split("\n")
    end = len(lines)
    while end and lines[end - 1].strip() in {"", paper.company, paper.branch}:
        end -= 1
    return lines[:end], [line for line in lines[end:] if line.strip()]


def _kind(number: int, line: str) -> str:
    """Return what a line is on the page; a salutation is not indented."""
    if not line.strip():
        return "blank"
    return "salutation" if number == 0 and line.rstrip().endswith(("：", ":", "，", ",")) else "body"


def _day(day: date | None) -> list[int] | None:
    return None if day is None else [day.year, day.month, day.day]
