"""The calculator `injury`: the rules that must hold for every case, and refusals in words."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.calculators.kinds import calculate
from countersign.domain.calendar import load_shipped_calendar
from countersign.domain.tables.packs import region_pack
from countersign.domain.tables.statutory import Care, Responsibility
from countersign.domain.yaml_text import InputError

CALENDAR = load_shipped_calendar()
REGIONS = (
    "beijing",
    "shanghai",
    "guangdong",
    "jiangsu",
    "zhejiang",
    "sichuan",
    "shandong",
    "henan",
    "jiangxi",
    "hunan",
)
LINES = (
    "disability_grant",
    "medical_subsidy",
    "employment_subsidy",
    "suspension_wage",
    "medical_net",
    "monthly_allowance",
    "monthly_nursing",
)
BASE: dict[str, Any] = {
    "region": "beijing",
    "grade": 9,
    "avg_contribution_wage": "8000",
    "actual_wage": "8000",
    "local_avg": "11761",
    "insured": True,
    "relation_ended": True,
}


def injury(**inputs: Any) -> dict[str, Any]:
    return calculate("injury", {**BASE, **inputs}, "case", CALENDAR)


def fen(text: str | None) -> int:
    assert text is not None
    return int(Decimal(text) * 100)


def codes(result: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in result["warnings"]}


money = st.integers(1_00, 200_000_00).map(lambda cents: f"{cents // 100}.{cents % 100:02d}")
CASES = st.fixed_dictionaries(
    {
        "region": st.sampled_from(REGIONS),
        "grade": st.integers(1, 10),
        "avg_contribution_wage": money,
        "actual_wage": money,
        "local_avg": st.integers(3000, 20000).map(str),
        "insured": st.booleans(),
        "relation_ended": st.booleans(),
        "end_ground": st.sampled_from(["resigned", "expired", "employer_fault", "retired"]),
        "suspension_months": st.integers(0, 24),
        "medical": st.just("30000.55"),
        "medical_paid_by_third_party": st.sampled_from(["0", "12000.25", "30000.55"]),
        "occupational_disease": st.booleans(),
        "suitable_work": st.booleans(),
        "min_wage": st.just("2500"),
        "nursing": st.sampled_from([None, *Care]).map(lambda care: care and care.value),
    },
    optional={
        "years_to_retirement": st.integers(0, 90).map(lambda tenths: f"{tenths / 10}"),
        "pre_termination_wage": money,
    },
)


def without_nothing(case: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in case.items() if value is not None}


@given(CASES)
def test_fund_and_employer_pay_the_total_between_them_and_the_lines_add_up(case: dict[str, Any]) -> None:
    result = injury(**without_nothing(case))
    assert fen(result["fund"]) + fen(result["employer"]) == fen(result["statutory_total"])
    one_off = [line for line in result["lines"] if not line["monthly"]]
    assert sum(fen(line["amount"]) for line in one_off) == fen(result["statutory_total"])


@given(
    CASES, st.sampled_from([one.value for one in Responsibility]), st.sampled_from(["0", "0.3", "0.5", "1"])
)
def test_the_share_of_fault_changes_no_statutory_line(
    case: dict[str, Any], responsibility: str, ratio: str
) -> None:
    without = injury(**without_nothing(case))
    with_fault = injury(
        **without_nothing(case), own_responsibility=responsibility, responsibility_ratio=ratio
    )
    assert with_fault["lines"] == without["lines"]
    for figure in (*LINES, "statutory_total", "fund", "employer"):
        assert with_fault[figure] == without[figure]
    assert with_fault["civil"]["indicative"] is True


@given(CASES)
def test_insured_or_not_the_total_stays_and_only_the_payer_changes(case: dict[str, Any]) -> None:
    insured = injury(**without_nothing(case | {"insured": True}))
    uninsured = injury(**without_nothing(case | {"insured": False}))
    assert insured["statutory_total"] == uninsured["statutory_total"]
    assert uninsured["fund"] == "0.00"
    assert uninsured["employer"] == uninsured["statutory_total"]
    assert all(line["payer"] != "fund" for line in uninsured["lines"])


@given(CASES, st.integers(1, 9))
def test_a_graver_grade_never_gets_a_smaller_grant_or_allowance(case: dict[str, Any], grade: int) -> None:
    kept = without_nothing(case | {"relation_ended": False, "suitable_work": False})
    graver, milder = injury(**kept | {"grade": grade}), injury(**kept | {"grade": grade + 1})
    assert fen(graver["disability_grant"]) > fen(milder["disability_grant"])
    assert fen(graver["monthly_allowance"]) >= fen(milder["monthly_allowance"])


@given(CASES, st.integers(5, 9))
def test_a_graver_grade_never_gets_smaller_subsidies(case: dict[str, Any], grade: int) -> None:
    ended = without_nothing(case | {"relation_ended": True})
    graver, milder = injury(**ended | {"grade": grade}), injury(**ended | {"grade": grade + 1})
    assert fen(graver["medical_subsidy"]) >= fen(milder["medical_subsidy"])
    assert fen(graver["employment_subsidy"]) >= fen(milder["employment_subsidy"])


@given(CASES, st.integers(0, 5_000_00))
def test_a_higher_wage_never_gives_less_and_outside_the_limits_changes_nothing(
    case: dict[str, Any], more: int
) -> None:
    lower = without_nothing(case)
    wage = Decimal(case["avg_contribution_wage"])
    higher = lower | {"avg_contribution_wage": str(wage + Decimal(more) / 100)}
    before, after = injury(**lower), injury(**higher)
    assert fen(after["disability_grant"]) >= fen(before["disability_grant"])
    average = Decimal(case["local_avg"])
    assert average * Decimal("0.6") <= Decimal(after["own_wage"]) <= average * 3
    if wage >= average * 3:
        assert after["own_wage"] == before["own_wage"]
        assert "own_wage_clamped" in codes(after) or wage == average * 3


@given(CASES)
def test_whoever_uses_a_weak_cell_is_stamped_provisional_and_nobody_else(case: dict[str, Any]) -> None:
    result = injury(**without_nothing(case))
    weak = any(line["status"] in {"M-m", "M-l", "UNKNOWN", "CONFLICT"} for line in result["lines"])
    assert result["provisional"] is weak
    undecided = result["monthly_allowance"] is None
    assert result["final"] is not (weak or undecided)


def test_the_tempting_wrong_answer_is_not_given() -> None:
    result = injury(
        avg_contribution_wage="6500",
        actual_wage="6500",
        suspension_months=4,
        medical="30000",
        medical_paid_by_third_party="12000",
        insured=False,
        own_responsibility="同等责任",
        responsibility_ratio="0.5",
    )
    assert result["statutory_total"] == "248641.40"
    assert result["recognised"] is True
    assert result["civil"]["total"] == "50000.00"


def test_the_civil_claim_is_what_compulsory_insurance_leaves_by_the_other_sides_share() -> None:
    result = injury(medical="28000", suspension_months=2, responsibility_ratio="0.3")
    medical, wages = result["civil"]["lines"]
    assert medical["amount"] == "25000.00"  # 18000 in full, 10000 by 70 %
    assert wages["amount"] == "16000.00"
    assert (result["civil"]["own_share"], result["civil"]["other_share"]) == ("0.3", "0.7")


@pytest.mark.parametrize(
    ("responsibility", "recognised", "code"),
    [("主要责任", False, "not_recognised"), ("无法认定", None, "recognition_open"), ("次要责任", True, None)],
)
def test_recognition_is_told_beside_the_figures(
    responsibility: str, recognised: bool | None, code: str | None
) -> None:
    result = injury(own_responsibility=responsibility)
    assert result["recognised"] is recognised
    assert code is None or code in codes(result)
    assert "recognised" not in injury()


@pytest.mark.parametrize(
    ("region", "years", "ground", "medical", "employment"),
    [
        ("jiangsu", "4", "resigned", "24000.00", "12000.00"),
        ("jiangsu", "4.99", "resigned", "24000.00", "12000.00"),
        ("jiangsu", "5", "resigned", "30000.00", "15000.00"),
        ("jiangsu", "0.5", "resigned", "3000.00", "1500.00"),
        ("jiangsu", "3.5", "expired", "30000.00", "15000.00"),
        ("shanghai", "3.5", "resigned", "21168.00", "21168.00"),
        ("shanghai", "3.5", "employer_fault", "35280.00", "35280.00"),
        ("zhejiang", "2.9", "expired", "23520.00", "9408.00"),
        ("zhejiang", "0.9", "resigned", "23520.00", "0.00"),
        ("shandong", "0.9", "resigned", "47040.00", "9408.00"),
    ],
)
def test_what_is_left_of_subsidies_shortly_before_retirement(
    region: str, years: str, ground: str, medical: str, employment: str
) -> None:
    result = injury(region=region, grade=10, local_avg="11760", years_to_retirement=years, end_ground=ground)
    assert (result["medical_subsidy"], result["employment_subsidy"]) == (medical, employment)


def test_a_reduction_that_nobody_has_confirmed_is_not_applied_but_stamps_the_result() -> None:
    near = injury(years_to_retirement="3")
    assert near["medical_subsidy"] == "70566.00"
    assert near["provisional"] is True
    assert "taper_unknown" in codes(near)
    assert {line["status"] for line in near["lines"] if "subsidy" in line["item"]} == {"M-l"}
    far = injury(years_to_retirement="5")
    assert far["provisional"] is False


def test_whoever_retires_gets_no_subsidies() -> None:
    result = injury(region="shanghai", end_ground="retired")
    assert (result["medical_subsidy"], result["employment_subsidy"]) == ("0.00", "0.00")
    assert result["provisional"] is True


def test_an_occupational_disease_raises_the_medical_subsidy_where_the_region_says_so() -> None:
    result = injury(region="jiangsu", grade=10, occupational_disease=True)
    assert (result["medical_subsidy"], result["employment_subsidy"]) == ("42000.00", "15000.00")
    assert injury(occupational_disease=True)["medical_subsidy"] == "70566.00"


def test_each_subsidy_has_its_own_base() -> None:
    result = injury(region="jiangxi", grade=10, local_avg="10000", avg_contribution_wage="8000")
    assert (result["medical_subsidy"], result["employment_subsidy"]) == ("50000.00", "48000.00")


def test_guangdong_takes_the_higher_of_two_windows_within_the_limits() -> None:
    assert injury(region="guangdong", grade=10, local_avg="9183", pre_termination_wage="99999")[
        "employment_subsidy"
    ] == str(Decimal(9183) * 3 * 4 + Decimal("0.00"))
    alone = injury(region="guangdong", grade=10, local_avg="9183")
    assert alone["employment_subsidy"] == "32000.00"
    assert "pre_termination_wage_missing" in codes(alone)


def test_grades_1_to_4_keep_the_employment_and_get_no_subsidies() -> None:
    result = injury(grade=4)
    assert (result["medical_subsidy"], result["employment_subsidy"]) == ("0.00", "0.00")
    assert "relation_kept" in codes(result)


def test_the_allowance_never_lies_below_the_minimum_wage() -> None:
    result = injury(grade=4, avg_contribution_wage="3000", local_avg="4000", min_wage="2540")
    assert result["monthly_allowance"] == "2540.00"
    [line] = [line for line in result["lines"] if line["item"] == "monthly_allowance"]
    assert line["formula"] == "max(3000.00 × 0.75, 2540)"
    assert line["payer"] == "fund"


def test_grades_5_and_6_get_an_allowance_only_while_no_suitable_work_is_found() -> None:
    kept = {"grade": 6, "relation_ended": False}
    assert injury(**kept, suitable_work=True)["monthly_allowance"] == "0.00"
    without = injury(**kept, suitable_work=False)
    assert without["monthly_allowance"] == "4800.00"
    unknown = injury(**kept)
    assert unknown["monthly_allowance"] is None
    assert "suitable_work_unknown" in codes(unknown)
    assert unknown["statutory_total"] == without["statutory_total"]


def test_an_injury_before_its_appraisal_is_a_table_and_no_figure() -> None:
    result = injury(grade="pending")
    assert [row["grade"] for row in result["by_grade"]] == list(range(1, 11))
    for row in result["by_grade"]:
        assert row["statutory_total"] == injury(grade=row["grade"])["statutory_total"]
    assert "statutory_total" not in result
    assert "negotiation" not in result
    assert "not_appraised" in codes(result)


def test_the_range_for_an_agreement_starts_at_what_the_employer_owes() -> None:
    result = injury(insured=False, employer_paid="20000", related_exposure="500000", offer="100000")
    floor = fen(result["employer"]) - 20000_00
    assert fen(result["negotiation"]["floor"]) == floor
    graver = injury(insured=False, grade=8)
    assert fen(result["negotiation"]["target"]) == fen(graver["employer"]) - 20000_00
    assert fen(result["negotiation"]["ceiling"]) == floor + 500000_00
    assert "below_statutory_floor" in codes(result)
    enough = injury(insured=False, offer=result["employer"])
    assert "below_statutory_floor" not in codes(enough)
    assert enough["negotiation"]["ceiling"] is None


def test_what_a_low_contribution_base_costs_falls_on_the_employer_in_the_range() -> None:
    declared = {"avg_contribution_wage": "8000", "actual_wage": "10000"}
    result = injury(**declared)
    assert result["base_shortfall"] == "18000.00"
    assert fen(result["negotiation"]["floor"]) == fen(result["employer"]) + 18000_00
    assert "underpaid_base" in codes(result)
    higher = injury(region="zhejiang", avg_contribution_wage="5060", actual_wage="10000", local_avg="8433")
    # One grade up: employment subsidy 8433 × 7, and eleven months of the 4940 that no contribution covers.
    assert higher["negotiation"]["target"] == "113371.00"
    both_below_the_floor = injury(avg_contribution_wage="5000", actual_wage="6500")
    assert "base_shortfall" not in both_below_the_floor
    assert "underpaid_base" not in codes(both_below_the_floor)


def test_the_ceiling_never_lies_below_the_target() -> None:
    result = injury(related_exposure="100")["negotiation"]
    assert fen(result["ceiling"]) >= fen(result["target"]) >= fen(result["floor"])


@pytest.mark.parametrize(
    "unsettled",
    [{"grade": "pending"}, {"own_responsibility": "无法认定"}, {"own_responsibility": "全部责任"}],
)
def test_what_still_waits_for_a_decision_is_not_final(unsettled: dict[str, Any]) -> None:
    assert injury(**unsettled)["final"] is False
    assert injury()["final"] is True


def test_a_motorist_without_fault_answers_by_the_lower_limits() -> None:
    result = injury(medical="28000", medical_paid_by_third_party="500", responsibility_ratio="1")
    assert result["civil"]["total"] == "1800.00"
    assert (result["civil"]["paid_already"], result["civil"]["open"]) == ("500.00", "1300.00")


def test_what_was_paid_already_never_makes_the_floor_negative() -> None:
    assert injury(employer_paid="9999999")["negotiation"]["floor"] == "0.00"


def test_an_average_with_fractions_is_rounded_once_before_it_is_multiplied() -> None:
    result = injury(avg_contribution_wage="7000.335", grade=10)
    assert result["own_wage"] == "7056.60"
    result = injury(avg_contribution_wage="8000.335", grade=10)
    assert (result["own_wage"], result["disability_grant"]) == ("8000.34", "56002.38")


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"grade": 11}, "case: grade must be a disability grade, a whole number from 1 to 10"),
        ({"grade": 0}, "case: grade must be a disability grade, a whole number from 1 to 10"),
        ({"grade": "9.5"}, "case: grade must be a disability grade, a whole number from 1 to 10"),
        ({"grade": True}, "case: grade must be a disability grade, a whole number from 1 to 10"),
        ({"avg_contribution_wage": "-1"}, "case: avg_contribution_wage is -1; it must be above 0"),
        ({"local_avg": 0}, "case: local_avg is 0; it must be above 0"),
        ({"local_avg": "12k"}, "case: local_avg must be a number such as 6500 or 6500.50"),
        ({"local_avg": "1e3"}, "case: local_avg must be a number such as 6500 or 6500.50"),
        ({"local_avg": "NaN"}, "case: local_avg must be a number such as 6500 or 6500.50"),
        ({"local_avg": None}, "case: local_avg must be a number"),
        ({"insured": "yes"}, "case: insured must be true or false"),
        ({"region": "atlantis"}, 'case: region is "atlantis", for which there are no tables; known: beijing'),
        ({"region": "fujian_2014"}, "case: there is no table of the medical subsidy for region fujian_2014"),
        ({"end_ground": "fired"}, 'case: end_ground is the unknown ground "fired"; known: resigned'),
        ({"nursing": "a lot"}, 'case: nursing is the unknown nursing level "a lot"; known: 生活完全不能自理'),
        ({"own_responsibility": "一半"}, 'case: own_responsibility is the unknown responsibility "一半"'),
        ({"responsibility_ratio": "50"}, "case: responsibility_ratio is 50; it must lie between 0 and 1"),
        ({"suspension_months": 25}, "case: suspension_months is 25; the law allows at most 24"),
        ({"medical": "10", "medical_paid_by_third_party": "11"}, "case: medical_paid_by_third_party is 11"),
        ({"bonus": 1}, 'case: the file holds the unknown key "bonus"; known keys: region, grade'),
    ],
)
def test_bad_input_is_refused_with_the_field_named(inputs: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        injury(**inputs)
    assert str(refusal.value).startswith(sentence)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("missing", ["region", "grade", "local_avg", "insured", "relation_ended"])
def test_a_missing_field_is_named(missing: str) -> None:
    given_inputs = {key: value for key, value in BASE.items() if key != missing}
    with pytest.raises(InputError, match=f"case: {missing} is missing"):
        calculate("injury", given_inputs, "case", CALENDAR)


def test_a_wage_must_be_given_one_way_or_the_other() -> None:
    bare = {key: value for key, value in BASE.items() if not key.endswith("wage")}
    with pytest.raises(
        InputError, match="case: avg_contribution_wage is missing; without it give actual_wage"
    ):
        calculate("injury", bare, "case", CALENDAR)
    with pytest.raises(InputError, match="case: actual_wage is missing; the wage during suspension_months"):
        calculate("injury", bare | {"avg_contribution_wage": 1, "suspension_months": 1}, "case", CALENDAR)


def test_every_region_computes_every_grade_that_its_tables_have() -> None:
    for region in REGIONS:
        for grade in range(5, 11):
            result = injury(region=region, grade=grade, pre_termination_wage="8000")
            assert fen(result["medical_subsidy"]) > 0
            assert fen(result["employment_subsidy"]) > 0
            assert region_pack(region).region in result["lines"][2]["table"]
