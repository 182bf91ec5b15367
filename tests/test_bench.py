"""The benchmarks in their smallest size, so that they still work on the day they are needed."""

import re
import subprocess
import sys
from pathlib import Path

from bench import first_screen, injury, paper
from bench.ratio import in_turns

ROOT = Path(__file__).parents[1]


def test_both_ways_do_the_same_number_of_cases() -> None:
    found = injury.measure(12, rounds=1)
    assert found.ours > 0
    assert found.bare > found.ours
    assert found.times == found.bare / found.ours


def test_notices_are_printed_both_ways_and_their_memory_is_told() -> None:
    found = paper.measure(2, rounds=1)
    assert found.ours > 0
    assert found.bare > 0
    assert re.fullmatch(r"2 in [\d.]+ s; peak memory [\d,]+ MiB, bare [\d,]+ MiB", found.note)


def test_the_first_screen_of_a_small_company_is_timed_beside_a_bare_page() -> None:
    found = first_screen.measure(30)
    assert found.bare > found.ours > 0
    assert re.fullmatch(r"30 employees, [\d,]+ open cases; \d+ ms, p95 \d+ ms", found.note)


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
    assert done.stderr.strip() == "nonsense: no such benchmark; known: injury, paper, first_screen, handover"
