"""What an attacker of the calculators tried: crafted runs, odd texts, and what a frozen run must name."""

import contextlib
import hashlib
from datetime import date
from typing import Any

import pytest

from countersign.domain.calculators.frozen import FrozenRun, differences, freeze, read_run
from countersign.domain.calculators.kinds import calculate
from countersign.domain.calendar import CalendarYear, load_shipped_calendar
from countersign.domain.evidence import canonical
from countersign.domain.tables.packs import version_of
from countersign.domain.yaml_text import InputError

CALENDAR = load_shipped_calendar()
MONTH: dict[str, Any] = {
    "region": "guangdong",
    "city": "深圳",
    "medical_tier": 1,
    "month": "2025-10",
    "wage": "1000",
    "injury_risk_class": 1,
}
ENDED: dict[str, Any] = {
    "region": "zhejiang",
    "grade": 9,
    "avg_contribution_wage": "5060",
    "actual_wage": "10000",
    "local_avg": "8433",
    "insured": True,
    "relation_ended": True,
}
RECOVERY: dict[str, Any] = {
    "region": "guangdong",
    "advanced_months": 5,
    "personal_monthly": "1053",
    "final_wage": "8000",
    "current_personal_si": "1053",
    "min_wage": "2500",
    "mode": "consent",
}


def run(kind: str, inputs: dict[str, Any]) -> FrozenRun:
    return freeze(kind, inputs, calculate(kind, inputs, "case.yaml", CALENDAR), CALENDAR)


def crafted(**parts: Any) -> dict[str, Any]:
    """Make a run by hand whose hash fits: the hash is no signature."""
    content = {"format": 1, "kind": "late_fee", "inputs": {}, "tables": [], "result": {}} | parts
    return content | {"hash": hashlib.sha256(canonical(content)).hexdigest()}


@pytest.mark.parametrize(
    "parts",
    [
        {"tables": [1]},
        {"tables": [None]},
        {"tables": [["statutory"]]},
        {"result": {"lines": 5}},
        {"result": {"lines": None}},
        {"result": {"lines": [5]}},
        {"result": {"lines": [{}]}},
        {"result": {"warnings": 5}},
        {"result": {"warnings": [1]}},
        {"result": {"warnings": [{"code": "capped"}]}},
    ],
)
def test_a_crafted_run_whose_hash_fits_is_refused_in_one_sentence(parts: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="after"):
        differences(read_run(crafted(), "before"), read_run(crafted(**parts), "after"))


def test_a_warning_that_changed_is_told_even_where_another_has_the_same_code() -> None:
    first = calculate("insurance_month", MONTH, "case.yaml", CALENDAR)
    raised = [index for index, one in enumerate(first["warnings"]) if one["code"] == "base_raised_to_floor"]
    assert len(raised) > 1
    fewer = [one for index, one in enumerate(first["warnings"]) if index != raised[0]]
    before = freeze("insurance_month", MONTH, first, CALENDAR)
    after = freeze("insurance_month", MONTH, first | {"warnings": fewer}, CALENDAR)
    assert before.hash != after.hash
    assert differences(before, after)


def test_a_frozen_recovery_names_the_regions_table_whose_minimum_wage_rule_it_used() -> None:
    assert version_of("guangdong") in run("advance_recovery", RECOVERY).tables


def test_a_frozen_injury_before_its_appraisal_names_its_tables() -> None:
    assert run("injury", ENDED | {"grade": "pending"}).tables == (
        version_of("statutory"),
        version_of("zhejiang"),
    )


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("working_days", {"start": "2026-12-30", "working_days": 3}),
        ("injury_deadlines", {"accident": "2026-12-10"}),
        (
            "late_filing",
            {
                "accident": "2026-12-10",
                "filed": "2027-01-20",
                "fund_type_costs_before_filing": "1",
                "insured": True,
            },
        ),
    ],
)
def test_a_frozen_run_names_the_calendar_that_it_counted_by(kind: str, inputs: dict[str, Any]) -> None:
    later = CALENDAR.with_year(CalendarYear(2027, (date(2027, 1, 1),), (), "imported"))
    old = freeze(kind, inputs, calculate(kind, inputs, "case.yaml", CALENDAR), CALENDAR)
    new = freeze(kind, inputs, calculate(kind, inputs, "case.yaml", later), later)
    assert old.tables != new.tables


def test_a_city_with_half_a_character_is_refused_in_text_that_can_be_sent() -> None:
    with pytest.raises(InputError, match="city") as refusal:
        calculate("insurance_month", MONTH | {"city": "\ud800"}, "inputs", CALENDAR)
    assert str(refusal.value).encode("utf-8")


def test_a_long_city_is_not_repeated_in_full() -> None:
    with pytest.raises(InputError, match="city") as refusal:
        calculate("insurance_month", MONTH | {"city": "深" * 100_000}, "inputs", CALENDAR)
    assert len(str(refusal.value)) < 500


def test_a_tier_that_no_table_has_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="tier"):
        calculate("insurance_month", MONTH | {"medical_tier": 0}, "case.yaml", CALENDAR)


class _Bomb(list[Any]):
    """Stands for a list of YAML aliases, small in memory and without end when it is written out."""

    def __repr__(self) -> str:
        raise MemoryError("a list was written out")


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("commuting_recognition", {"own_responsibility": _Bomb()}),
        ("late_fee", {"unpaid": "1", "days": _Bomb()}),
        ("injury", ENDED | {"grade": _Bomb()}),
    ],
)
def test_a_list_where_a_word_is_due_is_refused_without_being_written_out(
    kind: str, inputs: dict[str, Any]
) -> None:
    with pytest.raises(InputError):
        calculate(kind, inputs, "case.yaml", CALENDAR)


def test_a_term_across_a_thousand_unpublished_years_is_refused_or_told_in_few_warnings() -> None:
    case = {"start": "2026-01-01", "working_days": 300_000}
    result: dict[str, Any] = {}
    with contextlib.suppress(InputError):
        result = calculate("working_days", case, "case.yaml", CALENDAR)
    assert len(result.get("warnings", [])) < 50


def test_a_region_without_a_rule_of_its_own_sets_off_by_the_national_default() -> None:
    case = {"region": "henan", "statutory_total": "100", "tort_award_comparable": "40"}
    assert calculate("third_party_offset", case, "case.yaml", CALENDAR)["payable_after_tort"] == "100.00"


def test_the_floor_of_a_negotiation_holds_what_an_underpaid_base_takes_from_the_worker() -> None:
    result = calculate("injury", ENDED | {"offer": "40000"}, "case.yaml", CALENDAR)
    # Employment subsidy 8433 × 4, and nine months of the 4940 that no contribution was paid on.
    assert result["negotiation"]["floor"] == "78192.00"
    assert "below_statutory_floor" in {warning["code"] for warning in result["warnings"]}


@pytest.mark.parametrize(
    ("region", "article"), [("zhejiang", "27"), ("guangdong", "32"), ("henan", "27"), ("jiangxi", "22")]
)
def test_a_subsidy_cites_the_article_of_its_region(region: str, article: str) -> None:
    result = calculate("injury", ENDED | {"region": region}, "case.yaml", CALENDAR)
    subsidies = [line for line in result["lines"] if line["item"].endswith("_subsidy")]
    assert len(subsidies) == 2
    assert all(f"第{article}条" in line["basis"] for line in subsidies)
