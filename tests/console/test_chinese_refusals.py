"""Every refusal that a page can show has its Chinese: the sentences are read out of the source itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import api.console
import countersign
import workflows
from countersign.domain.console_words import told_in

RAISED = {
    "AccountFault",
    "CannotAct",
    "CannotHold",
    "CannotLink",
    "CannotStart",
    "CaseErased",
    "ManualRefused",
    "NoPreview",
    "NoticeRefused",
    "NothingToAcknowledge",
    "Refusal",
    "StoredTextFault",
    "UnknownPolicy",
}
"""Faults whose sentences pages tell as they are."""
ASSEMBLED = {
    "case: the employment ended on «1»; «3»": (
        "case: the employment ended on 2026-03-31; its last day stands",
        "case: the employment ended on 2026-03-31; a withdrawal comes too late; of somebody who stays, "
        "import a new hiring date",
    ),
    "items: «1». Nothing was changed.": (
        "items: D-1: contract is closed, both sides have confirmed it. Nothing was changed.",
        "items: D-1, D-2: each was not handed over yet; wait for the leaver, who can be passed over once the "
        "last day is over. C-1 is disputed; the company has to settle the dispute first. Nothing was "
        "changed.",
        "items: E-1 is missing; say in words what is wrong with it. Nothing was changed.",
    ),
    "items: «1», and is to take over «3»; name another receiver there": (
        "items: E1 is the person who leaves, and is to take over D-1; name another receiver there",
        "items: E1 has left on 2026-03-31, and is to take over D-1; name another receiver there",
        "items: E1 leaves on 2026-03-31, no later than the leaver, and is to take over D-1; name another "
        "receiver there",
    ),
    "successor: «1»; choose somebody else": (
        "successor: E1 is the person who leaves; choose somebody else",
        "successor: E1 has left on 2026-03-31; choose somebody else",
        "successor: E1 leaves on 2026-03-31, no later than the leaver; choose somebody else",
    ),
    "«0»: is missing; «2»": (
        "items: is missing; name the items that are meant",
        "items: is missing; name the items that are meant, or a receiver's case that has open ones",
        "words: is missing; say what is wrong",
        "words: is missing; give the reason",
        "words: is missing; say why the confirmation is written down for that side",
        "receivers: is missing; name the receivers",
    ),
    "amount_fen: «1», not «3»; correct amount or day": (
        "amount_fen: of loan only ¥1.00 is owed on 2026-03-31, not ¥2.00; correct amount or day",
        "amount_fen: of loan only ¥1.00 is due to the employee on 2026-03-31, not ¥2.00; correct amount or "
        "day",
    ),
    "posting: «1», not «3»; reverse first what was paid on it since": (
        "posting: of loan only ¥1.00 is owed on 2026-03-31, not ¥2.00; reverse first what was paid on it "
        "since",
        "posting: of loan only ¥1.00 is due to the employee on 2026-03-31, not ¥2.00; reverse first what was "
        "paid on it since",
    ),
}
"""Refusals whose words are put together at run time, and what they say then."""
_PLACE = re.compile(r"«\d+»")
_NO_SENTENCE = re.compile(r"(?:\w+ )?«\d+»[:;]? ?«?\d*»?")
"""A place and a value alone: the sentence is made elsewhere."""


def _sources(package: object) -> list[Path]:
    return sorted(Path(str(package.__path__[0])).rglob("*.py"))  # type: ignore[attr-defined]


def _literal(node: ast.AST | None) -> str | None:
    """Return a text with a mark for each value in it; None for what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else f"«{number}»"
            for number, part in enumerate(node.values)
        )
    return None


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _raised() -> Iterator[tuple[str, str]]:
    for file in (*_sources(countersign), *_sources(api.console)):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in RAISED:
                yield from ((file.stem, text) for one in node.args if (text := _literal(one)))


def _refused_by_the_process() -> Iterator[tuple[str, str]]:
    """A workflow refuses an act by returning a sentence with the field in front."""
    for file in _sources(workflows):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Return) and (text := _literal(node.value)):
                if re.match(r"[a-z_]+: \S", text):
                    yield file.stem, text


FOUND = [
    (module, text)
    for module, found in dict.fromkeys((*_raised(), *_refused_by_the_process()))
    for text in ASSEMBLED.get(found, (found,))
    if " " in text and not _NO_SENTENCE.fullmatch(text)
]


def test_the_refusals_are_found_in_the_source() -> None:
    texts = {text for _, text in FOUND}
    assert "state: no extension was asked for" in texts
    assert len(texts) > 40, sorted(texts)


@pytest.mark.parametrize(("module", "text"), FOUND, ids=[f"{m}: {t[:50]}" for m, t in FOUND])
def test_every_refusal_of_a_page_has_its_chinese(module: str, text: str) -> None:
    """Some pages tell the whole sentence, others name the field themselves and tell what follows it."""
    bare = text.partition(": ")[2] or text
    told = next((zh for one in (text, bare) if (zh := told_in("zh-CN", one)) != one), None)
    assert told is not None, f"{module}: {text}"
    assert not re.search(r"[a-z]{3,} [a-z]{2,} [a-z]{2,}", _PLACE.sub("", told)), told
