"""Frozen runs: the hash covers everything, and two runs are compared in words."""

import copy
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.calculators.frozen import FrozenRun, differences, freeze, read_run
from countersign.domain.calculators.kinds import calculate
from countersign.domain.calendar import CalendarYear, load_shipped_calendar
from countersign.domain.tables.packs import version_of
from countersign.domain.yaml_text import InputError

INPUTS: dict[str, Any] = {
    "region": "beijing",
    "grade": 9,
    "actual_wage": "6500",
    "local_avg": "11761",
    "insured": False,
    "relation_ended": True,
}


def run(**inputs: Any) -> FrozenRun:
    given_inputs = INPUTS | inputs
    calendar = load_shipped_calendar()
    return freeze("injury", given_inputs, calculate("injury", given_inputs, "case", calendar), calendar)


def stored(frozen: FrozenRun) -> dict[str, Any]:
    text = json.dumps(frozen.to_json(), ensure_ascii=False)
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in leaves(one, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, one in enumerate(value) for leaf in leaves(one, (*path, index))]
    return [path]


def test_a_run_names_the_versions_of_every_table_that_its_lines_use() -> None:
    assert run().tables == (version_of("beijing"), version_of("statutory"))


def test_a_stored_run_reads_back_and_the_same_inputs_freeze_to_the_same_hash() -> None:
    assert read_run(stored(run()), "old.json").hash == run().hash
    assert run(local_avg="11937").hash != run().hash


@given(st.data())
def test_a_change_anywhere_in_a_stored_run_is_noticed(data: st.DataObject) -> None:
    changed = stored(run())
    before = copy.deepcopy(changed)
    path = data.draw(st.sampled_from(leaves(changed)))
    place = changed
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = data.draw(st.sampled_from(["", "0", 1, True, None, [], "63509.41"]))
    if changed == before and json.dumps(changed) == json.dumps(before):
        return
    with pytest.raises(InputError):
        read_run(changed, "old.json")


@pytest.mark.parametrize("broken", [None, [], {}, {"hash": "x"}, {**stored(run()), "format": 2}])
def test_what_is_no_frozen_run_is_refused_by_name(broken: object) -> None:
    with pytest.raises(InputError, match=r"^old\.json: "):
        read_run(broken, "old.json")


def test_two_runs_differ_in_words() -> None:
    changes = differences(run(), run(local_avg="11937", insured=True))
    said = [one.in_words("en") for one in changes]
    assert "inputs.local_avg: 11761 became 11937" in said
    assert "result.own_wage: 7056.60 became 7162.20" in said
    assert "lines.disability_grant.payer: employer became fund" in said
    assert any(one.startswith("warnings.uninsured: ") and one.endswith(" is gone") for one in said)
    assert "inputs.local_avg：由 11761 变为 11937" in [one.in_words("zh-CN") for one in changes]


def test_an_imported_calendar_year_is_seen_in_the_run() -> None:
    inputs = {"start": "2026-12-30", "working_days": 3}
    shipped = load_shipped_calendar()
    longer = shipped.with_year(CalendarYear(2027, (date(2027, 1, 1),), (), "https://example.com/2027"))
    runs = [
        freeze("working_days", inputs, calculate("working_days", inputs, "case", calendar), calendar)
        for calendar in (shipped, longer)
    ]
    assert runs[0].tables[0] != runs[1].tables[0]
    assert "tables.calendar" in [change.place for change in differences(*runs)]


def test_two_warnings_of_one_code_are_told_apart() -> None:
    inputs = {
        "region": "guangdong",
        "city": "深圳",
        "medical_tier": 1,
        "injury_risk_class": 1,
        "month": "2025-10",
    }
    low, high = ({**inputs, "wage": wage} for wage in ("10000", "30000"))
    calendar = load_shipped_calendar()
    runs = [
        freeze("insurance_month", one, calculate("insurance_month", one, "case", calendar), calendar)
        for one in (low, high)
    ]
    assert "warnings.rate_in_conflict[2]" not in [change.place for change in differences(*runs)]
    assert len([one for one in runs[0].result["warnings"] if one["code"] == "rate_in_conflict"]) > 1


def test_a_run_does_not_differ_from_itself() -> None:
    assert differences(run(), run()) == ()


def test_runs_of_two_kinds_are_not_compared() -> None:
    other = freeze("late_fee", {}, {"warnings": [], "lines": []}, load_shipped_calendar())
    with pytest.raises(ValueError, match="a run of injury cannot be compared with one of late_fee"):
        differences(run(), other)
