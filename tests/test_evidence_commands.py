"""Evidence by commands: export, anchor, check, erase."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign.adapters.database.tables import Case
from tests.support.outgoing import outgoing

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "COUNTERSIGN_DATA_DIR": str(tmp_path / "var")}
        command = [sys.executable, "-c", "from countersign.cli import main; main()", "evidence"]
        return subprocess.run(
            [*command, *map(str, arguments)],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            check=False,
            timeout=100,
        )

    return call


def told(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), (done.stdout, done.stderr)
    return done.stderr


def test_evidence_is_anchored_exported_checked_and_erased(run: Run, tmp_path: Path) -> None:
    with outgoing(tmp_path / "var") as out:
        out.send()
        case = out.case_id
    anchored = told(run("anchor"))
    assert anchored["anchored"] is True
    kept, file = Path(anchored["file"]), tmp_path / "case.zip"
    assert told(run("export", case, "--out", file, "--language", "en"))["notes"] == []
    found = told(run("verify", file, "--anchors", kept, "--replay"))
    assert found["outside_witness"] is True
    assert len(found["witnesses"]) == 3
    assert "This bundle holds no history, so nothing could be replayed." in found["notes"]
    assert "is not closed" in refused(run("erase", case, "--reason", "asked"))
    kept.write_bytes(kept.read_bytes().replace(case.encode(), case[:-1].encode() + b"Z"))
    assert "--anchors" in refused(run("verify", file, "--anchors", kept))


def test_bad_files_and_cases_are_refused_in_a_sentence(run: Run, tmp_path: Path) -> None:
    with outgoing(tmp_path / "var") as out:
        out.change(Case, out.case_id, state="closed")
        case = out.case_id
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    file = tmp_path / "case.zip"
    told(run("export", case, "--out", file, "--redact"))
    assert "--ca: " in refused(run("verify", file, "--ca", junk))
    assert "none.jsonl" in refused(run("verify", file, "--anchors", tmp_path / "none.jsonl"))
    assert "CASE_ID" in refused(run("erase", "0" * 26, "--reason", "x"))
    assert "--reason" in refused(run("erase", case, "--reason", " "))
    assert told(run("erase", case, "--reason", "asked by the person"))["erased"]["disclosures"] > 0
