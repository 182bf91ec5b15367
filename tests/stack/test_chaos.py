"""The chaos harness in its smallest size, so that it still works on the day it is needed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALLEST = ("callbacks", "api_kills")


@pytest.mark.stack
@pytest.mark.timeout(240)
def test_two_scenarios_in_their_smallest_size_hold_every_invariant(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.chaos", "--seed", "7", "--scale", "0.005"]
    command += [
        "--scenario",
        *SMALLEST,
        "--results",
        str(tmp_path / "results"),
        "--keep",
        str(tmp_path / "data"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=220)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert done.stdout.count("every invariant held") == len(SMALLEST)
    for name in SMALLEST:
        kept = json.loads((tmp_path / "results" / f"chaos-{name}.json").read_text("utf-8"))
        assert (kept["scenario"], kept["seed"], kept["violations"]) == (name, 7, [])
        assert kept["figures"]["acceptances at the stand-ins"] >= kept["figures"]["notices"] > 0
