"""A death at work: the published example, income by year, pensions and their cap, who pays."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.calculators.injury_death import InjuryDeathInput, Relation, injury_death
from countersign.domain.input_models import read_input
from countersign.domain.tables.cells import MissingCell
from countersign.domain.tables.packs import UnknownPack
from countersign.domain.yaml_text import InputError

CASE: dict[str, Any] = {
    "region": "shanghai",
    "death_date": "2026-03-10",
    "own_wage": "10000",
    "local_avg": "12434",
    "dependants": ["spouse", "child", "child", "parent"],
}


def run(**changes: Any) -> dict[str, Any]:
    return injury_death(read_input(InjuryDeathInput, CASE | changes, "case.yaml"))


def codes(result: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in result["warnings"]]


def test_the_published_example_comes_out_to_the_fen() -> None:
    result = run()
    assert result["lump_sum"] == "1130040.00"
    assert result["funeral"] == "74604.00"
    assert result["dependants_uncapped"] == "13000.00"
    assert result["dependants_capped_total"] == "10000.00"
    assert result["statutory_total"] == "1204644.00"
    assert (result["fund"], result["employer"]) == ("1204644.00", "0.00")
    assert not result["provisional"]


def test_above_own_wage_the_pensions_are_reduced_in_proportion_and_add_up_to_it() -> None:
    result = run()
    assert [one["amount"] for one in result["dependants"]] == ["3076.93", "2307.69", "2307.69", "2307.69"]
    [warning] = result["warnings"]
    assert warning["code"] == "dependants_capped"
    assert "3076.93 + 2307.69 + 2307.69 + 2307.69" in warning["message"]
    pensions = [line for line in result["lines"] if line["monthly"]]
    assert [line["amount"] for line in pensions] == ["3076.93", "2307.69", "2307.69", "2307.69"]
    assert pensions[0]["formula"] == "10000.00 × 0.4 × 10000.00 ÷ 13000.00"
    assert [line["item"] for line in pensions] == [f"dependant_{number}" for number in (1, 2, 3, 4)]


def test_pensions_of_exactly_own_wage_are_not_reduced() -> None:
    result = run(dependants=["spouse", "child", "child"])
    assert (result["dependants_uncapped"], result["dependants_capped_total"]) == ("10000.00", "10000.00")
    assert codes(result) == []


def test_an_orphan_and_a_lonely_elder_get_a_tenth_more() -> None:
    result = run(dependants=[{"relation": "child", "alone": True}, {"relation": "grandparent"}, "sibling"])
    assert [one["uncapped"] for one in result["dependants"]] == ["4000.00", "3000.00", "3000.00"]
    assert result["lines"][2]["formula"] == "10000.00 × (0.3 + 0.1)"


def test_without_dependants_both_totals_are_nothing() -> None:
    result = run(dependants=[])
    assert (result["dependants_uncapped"], result["dependants_capped_total"]) == ("0.00", "0.00")
    assert result["dependants"] == []


@pytest.mark.parametrize(
    ("day", "lump_sum"),
    [
        ("2017-06-01", "672320.00"),
        ("2020-01-01", "847180.00"),
        ("2021-12-31", "876680.00"),
        ("2022-05-01", "948240.00"),
        ("2023-05-01", "985660.00"),
        ("2024-05-01", "1036420.00"),
        ("2025-12-31", "1083760.00"),
        ("2026-01-01", "1130040.00"),
    ],
)
def test_the_lump_sum_follows_the_year_of_the_death(day: str, lump_sum: str) -> None:
    result = run(death_date=day, dependants=[])
    assert (result["lump_sum"], codes(result)) == (lump_sum, [])


@pytest.mark.parametrize(
    ("day", "lump_sum", "income_year"),
    [("2027-01-01", "1130040.00", "2025"), ("2018-03-01", "672320.00", "2016")],
)
def test_a_year_without_income_borrows_the_last_one_and_says_so(
    day: str, lump_sum: str, income_year: str
) -> None:
    result = run(death_date=day, dependants=[])
    assert result["lump_sum"] == lump_sum
    assert (result["provisional"], result["final"]) == (True, False)
    [warning] = result["warnings"]
    assert warning["code"] == "borrowed_period"
    assert f"that of {income_year} was used" in warning["message"]
    assert f"{income_year} 年的数据" in warning["message_zh"]


def test_a_death_before_the_first_income_is_a_missing_cell() -> None:
    with pytest.raises(MissingCell, match="national urban disposable income for 2016-12 and none before it"):
        run(death_date="2016-12-31")


def test_a_region_without_tables_is_refused() -> None:
    with pytest.raises(UnknownPack, match="tibet"):
        run(region="tibet")


def test_after_the_suspension_period_a_worker_of_grade_1_to_4_leaves_no_lump_sum() -> None:
    result = run(after_suspension_grade_1_4=True, death_date="2016-12-31", dependants=["spouse"])
    assert (result["lump_sum"], result["funeral"], result["statutory_total"]) == (
        "0.00",
        "74604.00",
        "74604.00",
    )
    assert codes(result) == ["no_lump_sum"]
    assert "art. 39(3)" in result["warnings"][0]["message"]


def test_without_insurance_the_employer_pays_everything() -> None:
    result = run(insured=False)
    assert (result["fund"], result["employer"]) == ("0.00", "1204644.00")
    assert {line["payer"] for line in result["lines"]} == {"employer"}
    assert "uninsured" in codes(result)


@pytest.mark.parametrize(
    ("wage", "warned"), [("7460.39", True), ("7460.40", False), ("37302", False), ("37302.01", True)]
)
def test_an_own_wage_that_cannot_be_is_used_and_questioned(wage: str, warned: bool) -> None:
    result = run(own_wage=wage, dependants=["spouse"])
    assert ("own_wage_outside" in codes(result)) is warned
    assert f"{Decimal(wage):.2f} × 0.4" == result["lines"][2]["formula"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"dependants": ["spouse", "spouse"]}, "dependants names 2 spouses; a worker leaves at most one"),
        (
            {"dependants": ["child", "uncle"]},
            'dependants[1].relation is the unknown relation "uncle"; '
            "known: spouse, child, parent, grandparent, grandchild, sibling",
        ),
        (
            {"dependants": [3]},
            "dependants[0] must be a relation such as child, "
            "or a mapping such as {relation: child, alone: true}",
        ),
        ({"dependants": "child"}, "dependants must be a list"),
        (
            {"dependants": [{"relation": "child", "alone": "yes"}]},
            "dependants[0].alone must be true or false",
        ),
        ({"own_wage": 0}, "own_wage is 0; it must be above 0"),
        ({"death_date": "2026-02-30"}, "death_date is 2026-02-30, a day that no calendar has"),
    ],
)
def test_a_bad_case_is_refused_in_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        run(**changes)
    assert str(refusal.value) == f"case.yaml: {sentence}"


RELATIVES = st.lists(
    st.builds(
        lambda relation, alone: {"relation": str(relation), "alone": alone},
        st.sampled_from([relation for relation in Relation if relation is not Relation.SPOUSE]),
        st.booleans(),
    ),
    max_size=8,
)


@given(RELATIVES, st.integers(1, 10_000_000))
def test_the_pensions_together_never_exceed_own_wage(dependants: list[dict[str, Any]], fen: int) -> None:
    wage = Decimal(fen).scaleb(-2)
    result = run(dependants=dependants, own_wage=str(wage))
    paid = [Decimal(one["amount"]) for one in result["dependants"]]
    assert sum(paid) == Decimal(result["dependants_capped_total"]) <= wage
    assert all(
        amount <= Decimal(one["uncapped"]) for amount, one in zip(paid, result["dependants"], strict=True)
    )
