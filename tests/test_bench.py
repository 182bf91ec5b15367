"""The benchmarks in their smallest size, so that they still work on the day they are needed."""

import subprocess
import sys
from pathlib import Path

from bench import injury
from bench.ratio import in_turns

ROOT = Path(__file__).parents[1]


def test_both_ways_do_the_same_number_of_cases() -> None:
    found = injury.measure(12, rounds=1)
    assert found.ours > 0
    assert found.bare > found.ours
    assert found.times == found.bare / found.ours


def test_the_middle_round_counts() -> None:
    made = iter([0, 0, 5, 1, 5, 1, 5, 1])
    found = in_turns("x", lambda: next(made), lambda: next(made), rounds=3)
    assert found.rounds == 3
    assert found.ours > found.bare


def test_an_unknown_benchmark_is_refused_by_name() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "nonsense"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.strip() == "nonsense: no such benchmark; known: injury"
