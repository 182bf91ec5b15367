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
    "StoredTextFault",
    "UnknownPolicy",
}
"""Faults whose sentences pages tell as they are."""
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
    one
    for one in dict.fromkeys((*_raised(), *_refused_by_the_process()))
    if " " in one[1] and not _NO_SENTENCE.fullmatch(one[1])
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
