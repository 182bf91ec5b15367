"""`countersign retention` and `countersign evidence clock`, as an administrator types them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from countersign.cli import app
from countersign.domain.bundle import build_bundle
from tests.adapters.database.test_retention import close
from tests.support.outgoing import HR, Outgoing, outgoing

LONG_AGO = datetime(2015, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outgoing]:
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    with outgoing(tmp_path) as made:
        yield made


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_due_and_kept_cases_are_listed_and_only_the_due_ones_erased_after_a_yes(out: Outgoing) -> None:
    kept = out.second_case()
    for case_id in (out.case_id, kept):
        close(out, case_id, LONG_AGO)
    out.parts.holds.place(kept, "arbitration", HR)
    told = json.loads(run("retention", "due", "--json").stdout)
    assert told["due"] == [
        {
            "case": out.case_id,
            "kind": "leave_return",
            "closed_on": "2015-03-02",
            "kept_until": "2020-03-02",
            "because": [],
        }
    ]
    assert [(one["case"], [why["code"] for why in one["because"]]) for one in told["kept"]] == [
        (kept, ["hold"])
    ]
    assert told["kept"][0]["because"][0]["zh-CN"].startswith("本案")
    for words, missing in ((("--yes",), "--older-than-policy: "), (("--older-than-policy",), "--yes: ")):
        refused = run("retention", "erase", *words)
        assert (refused.exit_code, refused.stderr.startswith(missing)) == (2, True)
    assert json.loads(run("retention", "due").stdout) == told
    erased = json.loads(run("retention", "erase", "--older-than-policy", "--yes").stdout)["erased"]
    assert [one["case"] for one in erased] == [out.case_id]
    assert erased[0]["disclosures"] > 0
    assert json.loads(run("retention", "due").stdout) == {"due": [], "kept": told["kept"]}


def test_the_clock_of_a_bundle_is_told_only_when_the_bundle_is_sound(out: Outgoing, tmp_path: Path) -> None:
    with out.parts.database.reading() as session:
        events, disclosures = out.parts.evidence.chain(session, out.case_id)
    sound = build_bundle(out.case_id, events, disclosures)
    file = tmp_path / "case.zip"
    file.write_bytes(sound)
    table = json.loads(run("evidence", "clock", str(file)).stdout)
    assert (table["case"], table["format"]) == (out.case_id, "countersign-responsibility/1")
    assert run("evidence", "clock", str(file), "--explain", "en").stdout.startswith(f"Case {out.case_id}, ")
    file.write_bytes(sound.replace(b"leave_return", b"leave_rexurn", 1))
    broken = run("evidence", "clock", str(file))
    assert (broken.exit_code, broken.stdout.startswith("BROKEN: ")) == (1, True)
    missing = run("evidence", "clock", str(tmp_path / "none.zip"))
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)
