"""The tort award beside the benefits: set off in Zhejiang, not elsewhere."""

from typing import Any

import pytest

from countersign.domain.calculators.third_party_offset import ThirdPartyOffsetInput, third_party_offset
from countersign.domain.input_models import read_input
from countersign.domain.yaml_text import InputError


def run(region: str, total: str, award: str) -> dict[str, Any]:
    given = {"region": region, "statutory_total": total, "tort_award_comparable": award}
    return third_party_offset(read_input(ThirdPartyOffsetInput, given, "case.yaml"))


@pytest.mark.parametrize(
    ("region", "total", "award", "payable", "offset", "provisional"),
    [
        ("zhejiang", "100000", "30000", "70000.00", "top_up", False),
        ("zhejiang", "100000", "100000", "0.00", "top_up", False),
        ("zhejiang", "100000", "100000.01", "0.00", "top_up", False),
        ("beijing", "150000", "60000", "150000.00", "medical_only", True),
    ],
)
def test_what_remains_payable(
    region: str, total: str, award: str, payable: str, offset: str, provisional: bool
) -> None:
    result = run(region, total, award)
    assert (result["payable_after_tort"], result["offset"]) == (payable, offset)
    assert result["provisional"] is provisional
    assert len(result["warnings"]) == 1
    [line] = result["lines"]
    assert line["table"].startswith(f"{region} ")


def test_zhejiang_cites_its_own_article_and_the_others_the_national_one() -> None:
    assert run("zhejiang", "1", "1")["lines"][0]["basis"] == "《浙江省工伤保险条例》第32条"
    assert "第8条第3款" in run("beijing", "1", "1")["lines"][0]["basis"]


def test_a_region_whose_rule_was_not_read_has_the_national_default_and_is_provisional() -> None:
    result = run("henan", "100", "40")
    assert (result["payable_after_tort"], result["provisional"]) == ("100.00", True)


def test_a_negative_award_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"^case.yaml: tort_award_comparable is -1; it must not be negative$"
    ):
        run("beijing", "1", "-1")
