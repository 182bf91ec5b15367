"""The subsidy by formula: the judgment's figure, and who has a table instead."""

from typing import Any

import pytest

from countersign.domain.calculators.injury_formula_subsidy import (
    InjuryFormulaSubsidyInput,
    injury_formula_subsidy,
)
from countersign.domain.input_models import read_input
from countersign.domain.tables.cells import MissingCell
from countersign.domain.yaml_text import InputError

CASE = {"region": "fujian_2014", "grade": 9, "life_expectancy": "76.5", "age": "37", "local_avg": "3511.41"}


def run(**changes: Any) -> dict[str, Any]:
    return injury_formula_subsidy(read_input(InjuryFormulaSubsidyInput, CASE | changes, "case.yaml"))


def test_the_judgment_comes_out_to_the_fen() -> None:
    result = run()
    assert result["employment_subsidy"] == "27740.14"
    [line] = result["lines"]
    assert line["formula"] == "(76.5 − 37) × 3511.41 × 0.2"
    assert (line["payer"], line["status"]) == ("employer", "J")
    assert line["table"].startswith("fujian_2014 ")
    assert not result["provisional"]


def test_at_the_life_expectancy_nothing_is_left() -> None:
    assert run(age="76.5")["employment_subsidy"] == "0.00"


def test_a_region_with_a_table_is_sent_to_its_calculator() -> None:
    with pytest.raises(
        ValueError, match=r"^region is beijing, .* follows no formula; use the calculator injury$"
    ):
        run(region="beijing")


def test_a_grade_without_a_factor_is_a_missing_cell() -> None:
    with pytest.raises(MissingCell, match="employment subsidy for region fujian_2014, grade 8"):
        run(grade=8)


def test_an_age_above_the_life_expectancy_is_refused() -> None:
    with pytest.raises(InputError) as refusal:
        run(age=77)
    assert str(refusal.value) == (
        "case.yaml: age is 77, above life_expectancy, which is 76.5; the formula has no years left to count"
    )
