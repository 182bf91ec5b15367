"""Whatever an import refuses or tells has its Chinese: the sentences are read out of the source itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import countersign
from countersign.domain.console_words import told_in

ROOT = Path(countersign.__file__).parent
SOURCES = (
    *sorted((ROOT / "adapters" / "sheets").glob("*.py")),
    *sorted((ROOT / "adapters" / "roster").glob("*.py")),
    ROOT / "adapters" / "calendar_file.py",
    ROOT / "adapters" / "courier_file.py",
    ROOT / "adapters" / "database" / "letters.py",
    ROOT / "domain" / "courier.py",
    *sorted((ROOT / "imports").glob("*.py")),
)
UNSEEN_CALLS = {"ValueError", "IndexError", "KeyError", "NotImplementedError"}
"""In the readers of files these end as one sentence about the file."""
OF_TEMPLATES = {"_allowed", "_NOTES", "_EXAMPLES", "courier_template"}
INNER = {"this file is known", "some rows cannot be taken back"}
"""For programmers; pages say it in their own words."""


def _literal(node: ast.AST) -> str | None:
    """Return a text with a mark for each value in it; None for what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else f"«{number}»"
            for number, part in enumerate(node.values)
        )
    return None


def _parts(node: ast.AST, file: Path) -> Iterator[ast.AST]:
    """Go over what is said in code: no docstrings, no files to fill in, no faults that are caught."""
    if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or isinstance(node, ast.Dict):
        return
    if isinstance(node, ast.FunctionDef) and node.name in OF_TEMPLATES:
        return
    if isinstance(node, ast.Assign) and any(
        isinstance(one, ast.Name) and one.id in OF_TEMPLATES for one in node.targets
    ):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in UNSEEN_CALLS:
        if file.parent.name == "sheets":
            return
    yield node
    if isinstance(node, ast.JoinedStr):
        return
    for child in ast.iter_child_nodes(node):
        yield from _parts(child, file)


def sentences() -> Iterator[tuple[str, str]]:
    """Yield the module and the text of every sentence that an import can say."""
    for file in SOURCES:
        for node in _parts(ast.parse(file.read_text("utf-8")), file):
            text = _literal(node)
            if text and len(re.findall(r"[A-Za-z]{2,}", re.sub("«[0-9]+»", "", text))) >= 3 and " " in text:
                yield file.stem, text


FOUND = [one for one in dict.fromkeys(sentences()) if one[1] not in INNER]


def test_the_sentences_are_found_in_the_source() -> None:
    texts = {text for _, text in FOUND}
    assert len(texts) > 80
    assert "is a landline, which receives no SMS; write a mobile number" in texts
    assert told_in("zh-CN", "a.csv: is empty") == "a.csv：是空文件"


@pytest.mark.parametrize(("module", "text"), FOUND, ids=[f"{m}: {t[:50]}" for m, t in FOUND])
def test_every_sentence_of_an_import_has_its_chinese(module: str, text: str) -> None:
    told = told_in("zh-CN", text)
    assert re.search("[一-鿿]{2}", told.replace(text, "")), f"{module}: {text}"
    assert set(re.findall("«[0-9]+»", told)) == set(re.findall("«[0-9]+»", text)), "a value is lost"
    assert not re.search(r"[a-z]{3,} [a-z]{2,} [a-z]{2,}", re.sub("«[0-9]+»", "", told)), told
