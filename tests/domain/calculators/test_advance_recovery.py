"""Recovery of advanced insurance: the published examples, the kept minimum, what is open in law."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.calculators.advance_recovery import AdvanceRecoveryInput, advance_recovery
from countersign.domain.input_models import read_input
from countersign.domain.tables.cells import MissingCell
from countersign.domain.yaml_text import InputError

CASE: dict[str, Any] = {
    "region": "beijing",
    "advanced_months": 5,
    "personal_monthly": "1053.00",
    "final_wage": "8000.00",
    "current_personal_si": "1053.00",
    "min_wage": "2420",
    "min_wage_excludes_personal_si": True,
    "mode": "consent",
}


def run(**changes: Any) -> dict[str, Any]:
    inputs = {key: value for key, value in (CASE | changes).items() if value is not None}
    return advance_recovery(read_input(AdvanceRecoveryInput, inputs, "case.yaml"))


def codes(result: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in result["warnings"]]


@pytest.mark.parametrize(
    ("mode", "deduct", "balance"), [("consent", "4527.00", "738.00"), ("capped_20pct", "1600.00", "3665.00")]
)
def test_the_published_examples_come_out_to_the_fen(mode: str, deduct: str, balance: str) -> None:
    result = run(mode=mode)
    assert result["advanced_total"] == "5265.00"
    assert (result["deduct"], result["balance"]) == (deduct, balance)
    assert result["certificate_blocked"] is False
    assert [line["amount"] for line in result["lines"]] == ["1053.00", deduct, balance]
    assert {line["payer"] for line in result["lines"]} == {"worker"}


def test_consent_is_asked_for_and_a_certificate_is_never_held_back() -> None:
    assert "consent_needed" in codes(run())
    assert "consent_needed" in codes(run(mode="capped_20pct"))
    for mode in ("consent", "capped_20pct"):
        [warning] = [one for one in run(mode=mode)["warnings"] if one["code"] == "certificate_due"]
        assert "Labour Contract Law, art. 50(1)" in warning["message"]
        assert "《劳动合同法》第50条第1款" in warning["message_zh"]


@pytest.mark.parametrize(("months", "open_question"), [(1, False), (2, True)])
def test_more_than_a_fifth_of_the_wage_rests_on_a_reading_and_is_provisional(
    months: int, open_question: bool
) -> None:
    result = run(advanced_months=months)
    assert ("above_a_fifth" in codes(result)) is open_question
    assert result["provisional"] is open_question


def test_where_the_minimum_includes_insurance_it_is_counted_before_it() -> None:
    # 8000 − 2420 = 5580 covers all advances; the wage after insurance covers them too.
    assert run(min_wage_excludes_personal_si=False)["deduct"] == "5265.00"
    # 3000 − 2420 = 580 before insurance, 3000 − 2700 = 300 after it.
    little = run(min_wage_excludes_personal_si=False, final_wage=3000, current_personal_si=2700)
    assert little["deduct"] == "300.00"


def test_without_the_answer_the_region_gives_it() -> None:
    assert run(min_wage_excludes_personal_si=None)["deduct"] == "4527.00"
    unconfirmed = run(min_wage_excludes_personal_si=None, region="zhejiang", advanced_months=1)
    assert (unconfirmed["deduct"], unconfirmed["provisional"]) == ("1053.00", True)


def test_a_region_without_the_answer_is_a_missing_cell() -> None:
    with pytest.raises(
        MissingCell, match="minimum wage of region hunan includes; give min_wage_excludes_personal_si"
    ):
        run(min_wage_excludes_personal_si=None, region="hunan")


def test_a_wage_at_or_below_the_minimum_leaves_everything_as_a_receivable() -> None:
    for wage in ("3473.00", "2000", "0"):
        result = run(final_wage=wage)
        assert (result["deduct"], result["balance"]) == ("0.00", "5265.00")
        assert "nothing_above_minimum" in codes(result)
    assert run(final_wage="3473.01")["deduct"] == "0.01"
    assert "wage_below_insurance" in codes(run(final_wage="1052.99"))
    assert "wage_below_insurance" not in codes(run(final_wage="1053"))


def test_a_fifth_is_rounded_half_up_like_every_line() -> None:
    assert run(mode="capped_20pct", final_wage="8000.04")["deduct"] == "1600.01"
    assert run(mode="capped_20pct", final_wage="8000.02")["deduct"] == "1600.00"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mode": "all"}, 'mode is the unknown mode "all"; known: consent, capped_20pct'),
        ({"advanced_months": "1.5"}, "advanced_months must be a whole number that is not negative"),
        ({"final_wage": "-1"}, "final_wage is -1; it must not be negative"),
        ({"min_wage": None}, "min_wage is missing"),
    ],
)
def test_a_bad_case_is_refused_in_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        run(**changes)
    assert str(refusal.value) == f"case.yaml: {sentence}"


AMOUNTS = st.integers(0, 2_000_000).map(lambda fen: Decimal(fen).scaleb(-2))


@given(
    st.integers(0, 24),
    AMOUNTS,
    AMOUNTS,
    AMOUNTS,
    AMOUNTS,
    st.booleans(),
    st.sampled_from(["consent", "capped_20pct"]),
)
def test_a_recovery_keeps_the_minimum_and_loses_no_fen(
    months: int,
    monthly: Decimal,
    wage: Decimal,
    insurance: Decimal,
    minimum: Decimal,
    excludes: bool,
    mode: str,
) -> None:
    result = run(
        advanced_months=months,
        personal_monthly=str(monthly),
        final_wage=str(wage),
        current_personal_si=str(insurance),
        min_wage=str(minimum),
        min_wage_excludes_personal_si=excludes,
        mode=mode,
    )
    deduct, balance = Decimal(result["deduct"]), Decimal(result["balance"])
    assert deduct + balance == Decimal(result["advanced_total"]) == months * monthly
    assert min(deduct, balance) >= 0
    if deduct:
        assert wage - (insurance if excludes else 0) - deduct >= minimum
        assert wage - insurance - deduct >= 0
    if mode == "capped_20pct":
        assert deduct * 5 <= wage + Decimal("0.025")  # half a fen is rounded up
