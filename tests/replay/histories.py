"""Histories as files, and what of a history is the process and not its circumstances."""

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

FOLDER = Path(__file__).parent / "histories"
"""Histories as `<process>/<story>.json`, of an older release as `<process>/<story>@<release>.json`."""

_WAIT, _AND = "wait", " + "


def compact(history_json: str) -> str:
    """Return a history with one event a line and without the name of the machine that recorded it."""
    events = json.loads(history_json)["events"]
    for event in events:
        _forget_machine(event)
    lines = ",\n".join(json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in events)
    return f'{{"events":[\n{lines}\n]}}\n'


def name_of(file: Path) -> str:
    """Return the story of a history, `<process>/<story>`, whatever the release."""
    return file.relative_to(FOLDER).with_suffix("").as_posix().partition("@")[0]


def read(file: Path) -> WorkflowHistory:
    """Return a history from its file; the workflow id is the story's name."""
    return WorkflowHistory.from_json(file.stem, file.read_text("utf-8"))


def commands(history_json: str) -> list[str]:
    """Return the commands of a run, one line for each workflow task that gave any but timers.

    A line holds kinds and registered names, never ids, instants or summaries. What depends on which of two
    channels answers first is left out: the order within a task, and how often one wait was set anew; `wait`
    says that there was one before the next line.
    """
    tasks: list[list[str]] = []
    for event in json.loads(history_json)["events"]:
        kind = event["eventType"].removeprefix("EVENT_TYPE_")
        if kind == "WORKFLOW_TASK_COMPLETED":
            tasks.append([])
        elif tasks:
            tasks[-1] += _command(kind, event)
    lines: list[str] = []
    for task in tasks:
        counted = Counter(said for said in task if said != _WAIT)
        if counted:
            lines.append(_AND.join(f"{said} x{n}" if n > 1 else said for said, n in sorted(counted.items())))
        if _WAIT in task and lines and not lines[-1].endswith(_AND + _WAIT):
            lines[-1] += _AND + _WAIT
    return lines


def _command(kind: str, event: dict[str, Any]) -> list[str]:
    """Return the event's command, none for an event that is no command or says nothing by itself."""
    about: dict[str, Any] = next(
        (value for key, value in event.items() if key.endswith("EventAttributes")), {}
    )
    match kind:
        case "ACTIVITY_TASK_SCHEDULED":
            return [f"activity {about['activityType']['name']}"]
        case "MARKER_RECORDED":
            return [_marker(about)]
        case "TIMER_STARTED":
            return [_WAIT]
        case "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES":
            return ["search attributes"]
        case "WORKFLOW_EXECUTION_UPDATE_ACCEPTED":
            return [f"update {about['acceptedRequest']['input']['name']} accepted"]
        case "WORKFLOW_EXECUTION_UPDATE_COMPLETED":
            return ["update completed"]
        case "WORKFLOW_EXECUTION_COMPLETED" | "WORKFLOW_EXECUTION_CONTINUED_AS_NEW":
            return [kind.removeprefix("WORKFLOW_EXECUTION_").lower().replace("_", " ")]
        case "WORKFLOW_EXECUTION_FAILED" | "START_CHILD_WORKFLOW_EXECUTION_INITIATED":
            return [kind.lower().replace("_", " ")]
    return []


def _marker(about: dict[str, Any]) -> str:
    """Return a local activity by its name, any other marker (a patch) by its id."""
    data = about["details"].get("data") or about["details"].get("patch-data")
    if data is None:
        return f"marker {about['markerName']}"
    told = json.loads(base64.b64decode(data["payloads"][0]["data"]))
    return f"local activity {told['activity_type']}" if "activity_type" in told else f"patch {told['id']}"


def _forget_machine(part: Any) -> None:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "identity" and isinstance(value, str):
                part[key] = "recorder"
            else:
                _forget_machine(value)
    elif isinstance(part, list):
        for item in part:
            _forget_machine(item)
