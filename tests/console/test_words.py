"""Every sentence of the pages has its Chinese."""

from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from api.language import LANGUAGES, catalogue

_METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "sentence": None}


def sentences(folder: str) -> set[str]:
    """Return every sentence marked for translation in a package."""
    root = Path(str(files(folder)))
    return {
        message
        for _, _, found, _, _ in extract_from_dir(root, _METHODS, keywords=_KEYWORDS)
        for message in ([found] if isinstance(found, str) else found)
    }


@pytest.mark.parametrize("folder", ["api.console", "api.me", "templates"])
def test_every_sentence_stands_in_the_chinese_catalogues(folder: str) -> None:
    words = catalogue("zh-CN")
    missing = sorted(one for one in sentences(folder) if words.gettext(one) == one and one.isascii())
    assert not missing, f"{len(missing)} without Chinese in {next(iter(LANGUAGES))}: {missing[:20]}"


def test_no_sentence_has_two_translations() -> None:
    """Catalogues are read one after another; where two differ, the one that happens to be last would win."""
    folder = Path(str(files("templates"))) / "locales" / "zh_CN" / "LC_MESSAGES"
    found: dict[str, dict[str, str]] = {}
    for file in sorted(folder.glob("*.po")):
        with file.open("rb") as source:
            for message in read_po(source, locale="zh_CN"):
                if message.id and message.string:
                    found.setdefault(str(message.id), {})[file.name] = str(message.string)
    twice = {text: where for text, where in found.items() if len(where) > 1}
    assert not twice, f"{len(twice)} stand in two catalogues: {dict(list(twice.items())[:10])}"
