"""The medical period: every row of the scale with its edges, and a region that has another scale."""

from typing import Any

import pytest

from countersign.domain.calculators.medical_period import MedicalPeriodInput, medical_period
from countersign.domain.input_models import read_input
from countersign.domain.tables.cells import MissingCell
from countersign.domain.tables.packs import UnknownPack
from countersign.domain.yaml_text import InputError


def run(**inputs: Any) -> dict[str, Any]:
    return medical_period(read_input(MedicalPeriodInput, inputs, "case.yaml"))


@pytest.mark.parametrize(
    ("total", "here", "months", "window"),
    [
        ("3", "2", 3, 6),
        ("0", "0", 3, 6),
        ("9.99", "4.99", 3, 6),
        ("9.99", "5", 6, 12),
        ("10", "4.99", 6, 12),
        ("12", "6", 9, 15),
        ("10", "5", 9, 15),
        ("10", "10", 12, 18),
        ("30", "14.99", 12, 18),
        ("30", "15", 18, 24),
        ("30", "20", 24, 30),
    ],
)
def test_the_national_scale_with_its_edges(total: str, here: str, months: int, window: int) -> None:
    result = run(total_years=total, years_here=here, region="beijing")
    assert (result["months"], result["window_months"]) == (months, window)
    assert (result["warnings"], result["provisional"]) == ([], False)
    assert result["table"].startswith("statutory ")
    assert "第3条" in result["basis"]


def test_without_a_region_the_result_says_whose_scale_it_is() -> None:
    [warning] = run(total_years=3, years_here=2)["warnings"]
    assert warning["code"] == "region_not_given"


def test_a_region_with_its_own_scale_or_without_tables_is_refused() -> None:
    with pytest.raises(MissingCell, match="medical period for region shanghai, which has its own scale"):
        run(total_years=3, years_here=2, region="shanghai")
    with pytest.raises(UnknownPack, match='is "tibet", for which there are no tables'):
        run(total_years=3, years_here=2, region="tibet")


def test_more_years_here_than_in_all_are_refused() -> None:
    with pytest.raises(InputError) as refusal:
        run(total_years=3, years_here="3.5")
    assert str(refusal.value) == (
        "case.yaml: years_here is 3.5, more than total_years, which is 3; "
        "total_years counts the work at every employer"
    )
