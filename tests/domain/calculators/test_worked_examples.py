"""Every worked example through the command line: each expected key, at any depth, with that very value."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from countersign.cli import app
from countersign.domain.calculators.explained import explanation
from countersign.domain.calculators.kinds import CALCULATORS, calculate
from countersign.domain.calendar import load_shipped_calendar
from countersign.domain.yaml_text import load_text

EXAMPLES: list[dict[str, Any]] = load_text(
    (Path(__file__).parent / "worked_examples.yaml").read_text("utf-8"), "worked_examples.yaml"
)


def contains(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            key in found and contains(found[key], value) for key, value in wanted.items()
        )
    return bool(found == wanted and isinstance(found, bool) == isinstance(wanted, bool))


@pytest.mark.parametrize("example", EXAMPLES, ids=[one["id"] for one in EXAMPLES])
@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_an_example_gives_what_a_court_or_the_rules_gave(
    example: dict[str, Any], suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path / "var"))
    case = tmp_path / f"case.{suffix}"
    if suffix == "json":
        case.write_text(json.dumps(example["inputs"], ensure_ascii=False), "utf-8")
    else:
        case.write_text("\n".join(f"{key}: {json.dumps(value)}" for key, value in example["inputs"].items()))
    done = CliRunner().invoke(app, ["calc", example["kind"], "--case", str(case), "--json"])
    assert done.exit_code == 0, done.stderr
    result = json.loads(done.stdout)
    for key, value in example["expected"].items():
        assert contains(result.get(key), value), f"{key}: {result.get(key)!r} instead of {value!r}"
    assert isinstance(result["provisional"], bool)
    assert isinstance(result["warnings"], list)
    for line in result["lines"]:
        assert {"item", "formula", "amount", "payer", "basis", "status"} <= set(line)
        assert line["table"]
        assert all(line["text"][language] for language in ("zh-CN", "en"))


@pytest.mark.parametrize("example", EXAMPLES, ids=[one["id"] for one in EXAMPLES])
def test_an_explanation_says_every_figure_in_the_readers_words(example: dict[str, Any]) -> None:
    result = calculate(example["kind"], example["inputs"], "case", load_shipped_calendar())
    for language in ("zh-CN", "en"):
        said = "\n".join(explanation(result, language))
        for value in example["expected"].values():
            assert not isinstance(value, str) or value in said
        if language == "zh-CN":
            keys = [name for name in result if re.search(rf"^{name}：", said, re.MULTILINE)]
            assert keys == [], "a figure without a Chinese name"


def test_every_calculator_has_a_worked_example() -> None:
    assert {example["kind"] for example in EXAMPLES} == set(CALCULATORS)
