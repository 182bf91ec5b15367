"""The chaos harness in its smallest size, so that it still works on the day it is needed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.stack
@pytest.mark.timeout(240)
def test_a_scenario_in_its_smallest_size_holds_every_invariant(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.chaos", "--scenario", "callbacks", "--seed", "7"]
    command += ["--scale", "0.005", "--results", str(tmp_path / "results"), "--keep", str(tmp_path / "data")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=220)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "every invariant held" in done.stdout
    kept = json.loads((tmp_path / "results" / "chaos-callbacks.json").read_text("utf-8"))
    assert (kept["scenario"], kept["seed"], kept["violations"]) == ("callbacks", 7, [])
    assert kept["figures"]["acceptances at the stand-ins"] >= kept["figures"]["notices"] > 0
