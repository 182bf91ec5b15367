"""Kept histories run on the present code: cases live for months, so old ones must go on after an upgrade."""

from pathlib import Path

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from countersign.adapters.processes import WORKFLOWS
from tests.replay.changed import (
    RecordsNoOverdueSteps,
    WaitsBeforeItReminds,
    WaitsBeforeItRemindsWhenPatched,
)
from tests.replay.histories import FOLDER, commands, name_of, read
from tests.replay.record import STORIES, play
from workflows.leave_return import LeaveReturnWorkflow
from workflows.sandbox import runner

HISTORIES = sorted(FOLDER.glob("*/*.json"))
RECORD = "python -m tests.replay.record"
LARGEST = 150_000

WHAT_TO_DO = """
Cases that are running now would stop at their next step, with every worker retrying for ever.
If the change is meant:
  1. let old cases take the old way:  if workflow.patched("<what-changes>"): <new way>  else: <old way>
  2. this test passes then as it stands; never record a history of a release anew to make it pass;
  3. keep the old history and record the new way:  {record} --keep-old <release> {story}
Only while no release holds this story's process:  {record} {story}
"""


def replayer(workflow: type = LeaveReturnWorkflow) -> Replayer:
    """Return a replayer like the worker: the same converter, the same sandbox."""
    return Replayer(
        workflows=[workflow, *(one for one in WORKFLOWS if one is not LeaveReturnWorkflow)],
        data_converter=pydantic_data_converter,
        workflow_runner=runner(),
    )


@pytest.mark.parametrize("file", HISTORIES, ids=name_of)
async def test_a_kept_history_runs_on_the_present_code(file: Path) -> None:
    result = await replayer().replay_workflow(read(file), raise_on_replay_failure=False)
    said = WHAT_TO_DO.format(record=RECORD, story=name_of(file))
    assert result.replay_failure is None, f"{file.name}: {result.replay_failure}\n{said}"


def test_every_story_has_a_history_and_every_history_a_story() -> None:
    assert {name_of(file) for file in HISTORIES} == set(STORIES)
    assert {name_of(file) for file in FOLDER.glob("*/*.commands")} == set(STORIES)


def test_the_histories_show_what_they_are_kept_for() -> None:
    """Local activities, updates, timers, retries: what is not in a history is not guarded by it."""
    told = "\n".join(file.read_text("utf-8") for file in FOLDER.glob("*/*.commands"))
    for part in (
        "local activity record",
        "local activity prepare_notice",
        "local activity next_attempt",
        "activity send_notice",
        "activity settle_unknown",
        "update act accepted",
        "update adopt_calendar accepted",
        "search attributes",
        "wait",
        "completed",
    ):
        assert part in told


@pytest.mark.parametrize("file", HISTORIES, ids=name_of)
def test_a_history_is_small_and_names_no_machine(file: Path) -> None:
    text = file.read_text("utf-8")
    assert len(text) < LARGEST
    assert text.count('"identity":') == text.count('"identity":"recorder"') > 0


# -- the guard itself ----------------------------------------------------------------------------------------

SILENT = FOLDER / "leave_return" / "silent_to_the_end.json"


@pytest.mark.parametrize("changed", [WaitsBeforeItReminds, RecordsNoOverdueSteps])
async def test_an_unpatched_change_is_detected(changed: type) -> None:
    result = await replayer(changed).replay_workflow(read(SILENT), raise_on_replay_failure=False)
    assert isinstance(result.replay_failure, NondeterminismError)


async def test_the_same_change_behind_a_patch_leaves_old_cases_alone() -> None:
    await replayer(WaitsBeforeItRemindsWhenPatched).replay_workflow(read(SILENT))


# -- fingerprints --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STORIES)
async def test_a_new_case_gives_the_commands_that_are_kept(name: str, tmp_path: Path) -> None:
    now = await play(name, tmp_path)
    kept = (FOLDER / f"{name}.commands").read_text("utf-8").splitlines()
    said = (
        f"{name}: new cases now do other things than the kept history.\n"
        "If the replay of that history fails too:" + WHAT_TO_DO.format(record=RECORD, story=name) + "\n"
        "If it still replays (the change is behind workflow.patched), the new way has no history yet:\n"
        f"  {RECORD} --keep-old <release> {name}   and commit both."
    )
    assert commands(now) == kept, said


def test_a_history_that_was_edited_no_longer_fits_its_commands() -> None:
    for file in HISTORIES:
        if "@" not in file.stem:
            kept = file.with_suffix(".commands").read_text("utf-8").splitlines()
            assert commands(file.read_text("utf-8")) == kept
