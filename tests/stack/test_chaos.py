"""The chaos harness in its smallest size, so that it still works on the day it is needed."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALLEST = ("callbacks", "api_kills")


@pytest.mark.stack
@pytest.mark.timeout(240)
def test_two_scenarios_in_their_smallest_size_hold_every_invariant(tmp_path: Path) -> None:
    # Side by side: each waits for its own processes most of the time.
    with ThreadPoolExecutor(len(SMALLEST)) as pool:
        ends = list(pool.map(lambda name: play(name, tmp_path), SMALLEST))
    for name, done in zip(SMALLEST, ends, strict=True):
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        assert "every invariant held" in done.stdout
        kept = json.loads((tmp_path / "results" / f"chaos-{name}.json").read_text("utf-8"))
        assert (kept["scenario"], kept["seed"], kept["violations"]) == (name, 7, [])
        assert kept["figures"]["acceptances at the stand-ins"] >= kept["figures"]["notices"] > 0


def play(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.chaos", "--scenario", name, "--seed", "7", "--scale", "0.005"]
    command += ["--results", str(folder / "results"), "--keep", str(folder / "data")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=220)
