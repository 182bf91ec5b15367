"""What a run tells: the exit, the command to replay it, and the table for the documentation."""

from pathlib import Path

import pytest

from tests.chaos.report import Finding, markdown, replay_command, table, write

BROKEN = Finding(
    "probes", "looked", {"looks": 252}, ["case C1: changed in stage"], seed=7, scale=0.02, cores=2
)


def test_a_violation_is_said_with_its_words_and_can_be_replayed() -> None:
    shown = table([BROKEN])
    assert "BROKEN: 1 violations" in shown
    assert "case C1: changed in stage" in shown
    assert "looks  252" in shown
    assert replay_command(BROKEN).endswith("tests.chaos --scenario probes --seed 7 --scale 0.02")


def test_the_table_of_the_documentation_is_made_of_the_kept_results(tmp_path: Path) -> None:
    write(BROKEN, tmp_path)
    write(
        Finding("callbacks", "reported", {"reports": 9}, seed=1, scale=1.0, cores=4, seconds=61.5), tmp_path
    )
    _, _, first, second = markdown(tmp_path).splitlines()
    assert first == "| `callbacks` | reported | reports 9 | all held | seed 1, scale 1, 4 cores, 62 s |"
    assert "**1 violations**" in second
    assert "seed 7, scale 0.02, 2 cores" in second


def test_without_results_there_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run `make chaos` first"):
        markdown(tmp_path)


def test_more_violations_than_a_screen_takes_are_counted() -> None:
    many = Finding("probes", "looked", violations=[f"violation {number}" for number in range(25)])
    assert "and 5 more in the JSON file" in table([many])
