"""The calculator `insurance_month`: published bounds, conflicts left open, periods borrowed and named."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.calculators.kinds import calculate
from countersign.domain.calendar import load_shipped_calendar
from countersign.domain.yaml_text import InputError

CALENDAR = load_shipped_calendar()


def month(**inputs: Any) -> dict[str, Any]:
    given_inputs = {"region": "beijing", "month": "2025-09", "wage": "10000", "injury_risk_class": 1} | inputs
    return calculate("insurance_month", given_inputs, "case", CALENDAR)


def codes(result: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in result["warnings"]}


@given(
    st.integers(0, 100_000_00),
    st.integers(1, 8),
    st.sampled_from(["2023-07", "2024-06", "2025-02", "2026-06"]),
)
def test_the_base_stays_within_the_published_bounds_and_the_lines_add_up(
    fen: int, risk_class: int, when: str
) -> None:
    bounds = {
        "2023-07": (6326, 33891),
        "2024-06": (6326, 33891),
        "2025-02": (6821, 35283),
        "2026-06": (7162, 35811),
    }
    wage = Decimal(fen) / 100
    result = month(month=when, wage=str(wage), injury_risk_class=risk_class)
    floor, cap = bounds[when]
    assert Decimal(result["base"]) == min(max(wage, Decimal(floor)), Decimal(cap))
    for side in ("personal", "employer"):
        assert Decimal(result[f"{side}_total"]) == sum(Decimal(amount) for amount in result[side].values())
    assert result["final"] is True


@given(st.integers(1, 100_000_00), st.integers(0, 10_000_00))
def test_a_higher_wage_never_lowers_a_contribution(fen: int, more: int) -> None:
    lower = month(region="shanghai", wage=f"{Decimal(fen) / 100}")
    higher = month(region="shanghai", wage=f"{Decimal(fen + more) / 100}")
    for side in ("personal", "employer"):
        assert Decimal(higher[f"{side}_total"]) >= Decimal(lower[f"{side}_total"])


def test_a_month_without_a_published_period_borrows_the_last_one_and_names_it() -> None:
    result = month(month="2026-09")
    assert (result["provisional"], result["final"]) == (True, False)
    [borrowed] = [one for one in result["warnings"] if one["code"] == "borrowed_period"]
    assert "2026-09" in borrowed["message"]
    assert "2025-07 … 2026-06" in borrowed["message"]
    assert result["base"] == "10000.00"
    assert month(month="2026-09", wage="1")["base"] == "7162.00"


def test_the_floor_is_read_and_not_computed() -> None:
    assert month(month="2024-12", wage="6900")["base"] == "6900.00"  # 60 % of the average would be 7056.60
    assert month(month="2024-12", wage="6800")["base"] == "6821.00"


def test_a_line_whose_rate_is_in_conflict_is_left_open_and_so_is_its_total() -> None:
    result = month(region="guangdong", city="广州", month="2025-10", wage="20000")
    assert result["employer"]["medical"] is None
    assert result["employer_total"] is None
    assert result["employer"]["pension"] == "3200.00"
    [said] = [
        one for one in result["warnings"] if "medical" in one["message"] and one["code"] == "rate_in_conflict"
    ]
    assert all(reading in said["message"] for reading in ("0.045", "0.055", "0.06"))
    assert result["provisional"] is True


def test_a_contested_bound_matters_only_where_it_changes_the_base() -> None:
    between = month(region="guangdong", city="广州", month="2025-10", wage="20000")
    assert between["bases"]["medical"] == "20000.00"
    assert between["personal"]["medical"] == "400.00"
    above = month(region="guangdong", city="广州", month="2025-10", wage="50000")
    assert "medical" not in above["bases"]
    assert above["personal"]["medical"] is None
    assert "base_in_conflict" in codes(above)


def test_shanghai_medical_is_certain_until_the_reduction_ends() -> None:
    assert month(region="shanghai", month="2026-02")["employer"]["medical"] == "900.00"
    assert month(region="shanghai", month="2026-03")["employer"]["medical"] is None


def test_the_only_city_with_tables_is_used_and_named() -> None:
    result = month(region="zhejiang", month="2025-03")
    assert "city_assumed" in codes(result)
    assert result["base"] == "10000.00"
    assert "city_assumed" not in codes(month(region="zhejiang", month="2025-03", city="杭州"))


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"wage": "-5"}, "case: wage is -5; it must not be negative"),
        ({"injury_risk_class": 9}, "case: injury_risk_class must be the class of the industry"),
        ({"month": "2025-13"}, "case: month is 2025-13, a day that no calendar has"),
        ({"month": "2020-01"}, "case: there is no table of the base floor for region beijing, line pension"),
        ({"region": "henan"}, "case: there is no table of insurance lines for region henan"),
        ({"region": "hubei"}, 'case: region is "hubei", for which there are no tables; known: beijing'),
        ({"region": "guangdong"}, "case: city is missing; the tables of guangdong are by city: 广州, 深圳"),
        (
            {"region": "guangdong", "city": "珠海"},
            'case: city is "珠海", which the tables of guangdong do not know',
        ),
        ({"region": "guangdong", "city": "深圳", "month": "2025-10"}, "case: medical_tier is missing"),
        (
            {"region": "jiangsu", "city": "苏州"},
            "case: there is no table of the base floor for region jiangsu, city 苏州",
        ),
    ],
)
def test_what_the_tables_lack_is_refused_by_name(inputs: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        month(**inputs)
    assert str(refusal.value).startswith(sentence)
