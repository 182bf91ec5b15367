"""Names and shapes that running cases remember: they grow, they are never taken away."""

import copy
import json
from typing import Any

import pytest

from tests.architecture.frozen import REFRESH, SNAPSHOT, breaks, snapshot


@pytest.fixture
def frozen() -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(SNAPSHOT.read_text("utf-8"))
    return kept


def test_nothing_that_running_cases_remember_was_taken_away(frozen: dict[str, Any]) -> None:
    broken = breaks(frozen, snapshot())
    assert not broken, (
        "Running cases would break, their histories hold the old names and values:\n  "
        + "\n  ".join(broken)
        + "\n\nKeep the old name beside the new one: a field with a default, one more enum value, the old"
        " activity until no history schedules it. A type may widen (str -> str | None) once you have seen"
        f" that old values are still read; then run `{REFRESH} --break-running-cases` and say so in the"
        " changelog."
    )


def test_what_was_added_is_frozen_too(frozen: dict[str, Any]) -> None:
    assert frozen == snapshot(), (
        f"Something was added, which is fine. Freeze it: run `{REFRESH}` and commit {SNAPSHOT.name}."
    )


def test_the_frozen_names_are_those_of_the_product(frozen: dict[str, Any]) -> None:
    assert set(frozen["workflows"]["LeaveReturn"]["updates"]) >= {"act", "adopt_calendar"}
    assert {"record", "prepare_notice", "next_attempt", "send_notice", "settle_unknown"} <= set(
        frozen["activities"]
    )
    # Reached through the workflow's input, though the domain defines them.
    assert "countersign.domain.calendar.WorkCalendar" in frozen["dataclasses"]
    assert frozen["dataclasses"]["countersign.contracts.cases.Act"]["required"]["kind"] == "ActKind"


ACT = "countersign.contracts.cases.Act"


def without_field(now: dict[str, Any]) -> None:
    del now["dataclasses"][ACT]["optional"]["step"]


def renamed_field(now: dict[str, Any]) -> None:
    required = now["dataclasses"][ACT]["required"]
    required["instant"] = required.pop("at")


def reordered_fields(now: dict[str, Any]) -> None:
    required = now["dataclasses"][ACT]["required"]
    required["id"] = required.pop("id")


def new_required_field(now: dict[str, Any]) -> None:
    now["dataclasses"][ACT]["required"]["place"] = "str"


def lost_default(now: dict[str, Any]) -> None:
    fields = now["dataclasses"][ACT]
    fields["required"]["step"] = fields["optional"].pop("step")


def other_type(now: dict[str, Any]) -> None:
    now["dataclasses"][ACT]["required"]["at"] = "str"


def without_class(now: dict[str, Any]) -> None:
    del now["dataclasses"][ACT]


def other_value(now: dict[str, Any]) -> None:
    now["enums"]["countersign.contracts.cases.ActKind"]["BACK"] = "is_back"


def without_activity(now: dict[str, Any]) -> None:
    now["activities"].remove("record")


def without_update(now: dict[str, Any]) -> None:
    now["workflows"]["LeaveReturn"]["updates"].remove("act")


def renamed_workflow(now: dict[str, Any]) -> None:
    now["workflows"]["LeaveReturnV2"] = now["workflows"].pop("LeaveReturn")


BREAKS = [
    (without_field, f"{ACT}.step: the field is gone"),
    (renamed_field, f"{ACT}.at: the field is gone"),
    (reordered_fields, "stood in the order"),
    (new_required_field, f"{ACT}.place: needs a default"),
    (lost_default, f"{ACT}.step: needs a default"),
    (other_type, f"{ACT}.at: its type was datetime and is str"),
    (without_class, f"{ACT}: the class is gone"),
    (other_value, "the value 'back' is gone"),
    (without_activity, "the activity 'record' is gone"),
    (without_update, "the update 'act' of LeaveReturn is gone"),
    (renamed_workflow, "the workflow 'LeaveReturn' is gone"),
]


@pytest.mark.parametrize(("change", "sentence"), BREAKS, ids=lambda part: getattr(part, "__name__", None))
def test_what_breaks_running_cases_is_named(frozen: dict[str, Any], change: Any, sentence: str) -> None:
    now = copy.deepcopy(frozen)
    change(now)
    assert any(sentence in said for said in breaks(frozen, now))


def test_growing_breaks_nothing(frozen: dict[str, Any]) -> None:
    now = copy.deepcopy(frozen)
    now["activities"].append("track_parcel")
    now["workflows"]["LeaveReturn"]["signals"].append("punched")
    now["enums"]["countersign.contracts.cases.ActKind"]["SNOOZE"] = "snooze"
    now["dataclasses"][ACT]["optional"]["place"] = "str | None"
    fields = now["dataclasses"][ACT]
    fields["optional"] = {"role": fields["required"].pop("role"), **fields["optional"]}
    assert breaks(frozen, now) == []
