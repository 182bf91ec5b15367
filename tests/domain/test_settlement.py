"""The settlement at the exit: worked examples, lawful deductions, and what is refused."""

from datetime import date
from decimal import Decimal
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from countersign.domain.calendar import WorkCalendar
from countersign.domain.departure import Ground, ProposedBy
from countersign.domain.input_models import read_input
from countersign.domain.ledger import AccountKind, PostingKind
from countersign.domain.refusal import Refusal
from countersign.domain.settlement import Sheet, settle
from countersign.domain.settlement_input import SettlementInput
from countersign.domain.severance_grounds import entitlement
from countersign.domain.yaml_text import InputError

CALENDAR = WorkCalendar(())
CONSENT = "01CONSENT00000000000000000"
FACTS: dict[str, Any] = {
    "region": "beijing",
    "ground": "resignation",
    "proposed_by": "employee",
    "hired": "2020-03-01",
    "last_day": "2025-06-30",
    "final_wage": "8000.00",
}
DEBT = {"personal_insurance": "1053.00", "owed_advance": "5265.00", "min_wage": "2420", "consent": CONSENT}


def made(**more: Any) -> Sheet:
    given = {name: value for name, value in {**FACTS, **more}.items() if value is not None}
    return settle(read_input(SettlementInput, given, "settlement"), CALENDAR)


def fen(sheet: Sheet) -> dict[str, int]:
    return {line.item.key: line.signed_fen for line in sheet.lines}


def refused(**more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        made(**more)
    assert str(caught.value).startswith(f"{caught.value.field}: ")
    return caught.value


# -- what is told beside the lines --------------------------------------------------------------------------


def codes(sheet: Sheet) -> list[str]:
    return [one["code"] for one in sheet.warnings]


def test_a_notice_of_fewer_than_thirty_days_is_paid_for_or_told() -> None:
    no_fault = {
        "ground": "no_fault",
        "proposed_by": "employer",
        "severance_wage": "8000",
        "local_avg": "9000",
    }

    def told(days: int | None, **more: Any) -> bool:
        given = read_input(SettlementInput, {**FACTS, **no_fault, **more}, "settlement")
        return "short_notice" in codes(settle(given, CALENDAR, days))

    assert told(29)
    assert not told(30)
    assert not told(None)
    assert not told(0, notice_wage="8000")
    assert not told(0, ground="layoff")


def test_a_day_that_is_counted_already_is_not_asked_for() -> None:
    mutual = {"ground": "agreement", "proposed_by": "employer", "severance_wage": "8000", "local_avg": "9000"}
    sheet = made(**mutual, hired="2020-03-01", last_day="2025-08-30")
    assert fen(sheet)["severance"] == 8000_00 * 11 // 2
    assert codes(sheet) == []
    whole = made(**mutual, hired="2020-03-01", last_day="2025-08-31")
    assert fen(whole)["severance"] == 8000_00 * 6


def test_equipment_is_taken_from_the_wage_by_a_clause_that_is_attached_or_told() -> None:
    debt = {"owed_equipment": "500", "deduct_equipment": "500", "min_wage": "2420"}
    assert codes(made(**debt, min_wage_excludes_personal_si=True)) == ["no_clause"]
    assert codes(made(**debt, min_wage_excludes_personal_si=True, consent=CONSENT)) == []


# -- worked examples --------------------------------------------------------------------------------------


def test_advances_are_deducted_with_consent_down_to_the_minimum_wage_after_insurance() -> None:
    sheet = made(**DEBT, advances="consent")  # C21
    assert fen(sheet) == {
        "final_wage": 8_000_00,
        "personal_insurance": -1_053_00,
        "deduct_advance": -4_527_00,
    }
    assert sheet.left == {AccountKind.INSURANCE_ADVANCE: 738_00}
    assert sheet.net_fen == 2_420_00


def test_the_careful_way_takes_a_fifth_of_the_wage() -> None:
    sheet = made(**DEBT, advances="capped_20pct")  # C21b
    assert fen(sheet)["deduct_advance"] == -1_600_00
    assert sheet.left == {AccountKind.INSURANCE_ADVANCE: 3_665_00}


def test_unused_leave_is_paid_beside_the_wage() -> None:
    leave = {"leave_entitlement": 10, "leave_elapsed_days": 181, "leave_used": 2}
    sheet = made(**leave, leave_average_wage="8700")  # C23
    assert fen(sheet)["unused_leave"] == 1_600_00
    (line,) = [one for one in sheet.lines if one.item.key == "unused_leave"]
    assert (line.kind, line.account, line.held) == (
        PostingKind.LEAVE_DUE,
        AccountKind.LEAVE_PAYABLE,
        False,
    )


P01 = {"ground": "no_fault", "hired": "2009-11-01", "severance_wage": "5917.27", "region": "beijing"}
"""From 2009-11 to 2014-03."""


def test_severance_is_held_and_part_of_what_is_paid() -> None:
    sheet = made(**P01, last_day="2014-02-28")
    assert fen(sheet)["severance"] == 26_627_72
    assert sheet.held_fen == 26_627_72
    assert sheet.net_fen == 26_627_72 + 8_000_00


@pytest.mark.parametrize(("last_day", "half_months"), [("2014-04-29", 9), ("2014-04-30", 10)])
def test_severance_counts_the_last_day_of_work(last_day: str, half_months: int) -> None:
    sheet = made(**P01, last_day=last_day)
    assert fen(sheet)["severance"] == pytest.approx(5917_27 * half_months / 2, abs=1)


def test_half_a_year_that_ends_with_the_last_day_is_half_a_year() -> None:
    sheet = made(ground="no_fault", hired="2020-01-01", last_day="2024-06-30", severance_wage="10000")
    assert fen(sheet)["severance"] == 50_000_00


def test_a_bonus_counts_in_the_average_which_is_rounded_first() -> None:
    sheet = made(  # P08
        ground="no_fault",
        hired="2006-08-01",
        last_day="2014-02-28",
        severance_wage="4325",
        severance_bonus="12967.39",
    )
    assert fen(sheet)["severance"] == 43_244_96


# -- the wage ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "paid"), [("10", 4_000_00), ("10.5", 4_200_00), ("21.5", 8_600_00), ("23", 8_700_00)]
)
def test_a_part_of_a_month_is_paid_by_days_and_a_whole_month_once(days: str, paid: int) -> None:
    assert fen(made(final_wage=None, monthly_wage="8700", paid_days=days))["final_wage"] == paid


def test_tax_and_insurance_are_withheld_and_the_ledger_is_told_so() -> None:
    sheet = made(personal_insurance="800", tax="45.10")
    assert sheet.net_fen == 8_000_00 - 800_00 - 45_10
    withheld = [line for line in sheet.lines if line.kind is PostingKind.WITHHOLDING]
    assert [line.account for line in withheld] == [AccountKind.WAGE_PAYABLE] * 2


def test_a_month_instead_of_notice_is_paid_for_article_40_alone() -> None:
    sheet = made(ground="no_fault", severance_wage="8000", notice_wage="8200")
    assert fen(sheet)["notice_pay"] == 8_200_00
    assert "article 40" in str(refused(notice_wage="8200"))


# -- severance by ground ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ground", "proposed_by", "renewal_refused", "due"),
    [
        (Ground.AGREEMENT, ProposedBy.EMPLOYER, False, True),
        (Ground.AGREEMENT, ProposedBy.EMPLOYEE, False, False),
        (Ground.RESIGNATION, ProposedBy.EMPLOYEE, False, False),
        (Ground.EMPLOYER_FAULT, ProposedBy.EMPLOYEE, False, True),
        (Ground.WORKER_FAULT, ProposedBy.EMPLOYER, False, False),
        (Ground.NO_FAULT, ProposedBy.EMPLOYER, False, True),
        (Ground.LAYOFF, ProposedBy.EMPLOYER, False, True),
        (Ground.EXPIRY, ProposedBy.EMPLOYER, False, True),
        (Ground.EXPIRY, ProposedBy.EMPLOYER, True, False),
    ],
)
def test_compensation_follows_the_ground(
    ground: Ground, proposed_by: ProposedBy, renewal_refused: bool, due: bool
) -> None:
    assert entitlement(ground, proposed_by, renewal_refused=renewal_refused).due is due
    facts = {"ground": ground.value, "proposed_by": proposed_by.value, "renewal_refused": renewal_refused}
    if due:
        assert "severance" in fen(made(**facts, severance_wage="8000"))
        assert refused(**facts).field == "severance_wage"
    else:
        assert "severance" not in fen(made(**facts))
        assert refused(**facts, severance_wage="8000").field == "severance_wage"


def test_the_basis_names_the_ground_and_the_measure() -> None:
    sheet = made(ground="agreement", proposed_by="employer", severance_wage="8000")
    (line,) = [one for one in sheet.lines if one.item.key == "severance"]
    assert line.basis.zh == "《劳动合同法》第46条第（二）项；《劳动合同法》第47条第1款"
    assert line.basis.en == "Labour Contract Law, art. 46(2); Labour Contract Law, art. 47(1)"


# -- what is refused --------------------------------------------------------------------------------------


def test_what_is_withheld_cannot_be_more_than_the_wage() -> None:
    refusal = refused(final_wage="500", personal_insurance="501")
    assert refusal.field == "personal_insurance"
    assert "more than the 500.00" in str(refusal)
    assert refused(personal_insurance="7999", tax="1.01").field == "tax"


def test_no_debt_is_deducted_without_consent() -> None:
    for name, owed, more in (
        ("advances", "owed_advance", {"advances": "consent"}),
        ("advances", "owed_advance", {"advances": "capped_20pct"}),
        ("deduct_loan", "owed_loan", {"deduct_loan": "100"}),
        ("deduct_overpaid", "owed_overpaid", {"deduct_overpaid": "100"}),
    ):
        refusal = refused(**{owed: "500"}, **more, min_wage="2420")
        assert refusal.field == "consent"
        assert name in str(refusal)


def test_equipment_needs_no_consent_and_stays_within_a_fifth_of_the_wage() -> None:
    debt = {"owed_equipment": "5000", "min_wage": "2420"}
    sheet = made(**debt, deduct_equipment="1600")
    assert fen(sheet)["deduct_equipment"] == -1_600_00
    assert sheet.left == {AccountKind.EQUIPMENT: 3_400_00}
    refusal = refused(**debt, deduct_equipment="1600.01")
    assert refusal.field == "deduct_equipment"
    assert "20 % of the month's wage of 8000.00, which is 1600.00" in str(refusal)


def test_a_deduction_leaves_the_minimum_wage() -> None:
    loan = {"owed_loan": "9000", "min_wage": "2420", "consent": CONSENT}
    assert made(**loan, deduct_loan="5580").net_fen == 2_420_00
    refusal = refused(**loan, deduct_loan="5580.01")
    assert "less than the minimum wage of 2420; at most 5580.00" in str(refusal)
    assert "more than the 8000.00 that the last wage leaves" in str(refused(**loan, deduct_loan="8000.01"))


def test_several_debts_share_what_the_wage_leaves() -> None:
    both = {**DEBT, "advances": "capped_20pct", "owed_loan": "9000"}
    sheet = made(**both, deduct_loan="2927")  # 8000 − 1053 − 2420 − 1600
    assert sheet.net_fen == 2_420_00
    assert refused(**both, deduct_loan="2927.01").field == "deduct_loan"


def test_equipment_and_advances_taken_the_careful_way_share_one_fifth_of_the_wage() -> None:
    both = {**DEBT, "advances": "capped_20pct", "owed_equipment": "5000"}
    sheet = made(**both, deduct_advance="1000", deduct_equipment="600")
    assert sheet.net_fen == 8_000_00 - 1_053_00 - 1_600_00
    (line,) = [one for one in sheet.lines if one.item.key == "deduct_equipment"]
    assert line.formula == "600.00 ≤ 8000.00 × 0.2 − 1000.00"
    refusal = refused(**both, deduct_advance="1000", deduct_equipment="600.01")
    assert refusal.field == "deduct_equipment"
    assert (
        "600.01 and the advances of 1000.00 are together more than 20 % of the month's wage of 8000.00, "
        "which is 1600.00; deduct 600.00 at most" in str(refusal)
    )
    assert "deduct 0.00 at most" in str(refused(**both, deduct_equipment="0.01"))


def test_consent_lifts_the_fifth_for_advances_and_not_for_equipment() -> None:
    both = {**DEBT, "advances": "consent", "owed_equipment": "5000"}
    sheet = made(**both, deduct_advance="2927", deduct_equipment="1600")
    assert sheet.net_fen == 2_420_00
    assert refused(**both, deduct_advance="1", deduct_equipment="1600.01").field == "deduct_equipment"


def test_tax_does_not_push_what_is_left_below_the_minimum_wage() -> None:
    sheet = made(**DEBT, advances="consent", tax="100")
    assert sheet.net_fen == 2_420_00
    assert fen(sheet)["deduct_advance"] == -4_427_00


def test_a_fifth_of_the_wage_is_never_rounded_up() -> None:
    sheet = made(**{**DEBT, "final_wage": "8000.04"}, advances="capped_20pct")
    assert fen(sheet)["deduct_advance"] == -1_600_00  # a fifth is 1600.008


def yuan_up_to(most: int) -> st.SearchStrategy[str]:
    return st.integers(0, most * 100).map(lambda fen: f"{fen // 100}.{fen % 100:02d}")


@hypothesis.settings(deadline=None)
@hypothesis.given(
    wage=yuan_up_to(20_000),
    insurance=yuan_up_to(2_000),
    tax=yuan_up_to(2_000),
    advance=st.none() | yuan_up_to(3_000),
    asked=st.tuples(yuan_up_to(3_000), yuan_up_to(3_000), yuan_up_to(3_000)),
    way=st.sampled_from(["nothing", "consent", "capped_20pct"]),
    excludes=st.booleans(),
)
def test_no_deduction_reaches_the_minimum_wage_and_what_is_capped_stays_within_a_fifth(
    wage: str,
    insurance: str,
    tax: str,
    advance: str | None,
    asked: tuple[str, str, str],
    way: str,
    excludes: bool,
) -> None:
    names = ("deduct_overpaid", "deduct_equipment", "deduct_loan")
    owed = {name: "20000" for name in ("owed_advance", "owed_overpaid", "owed_equipment", "owed_loan")}
    wish = dict(zip(names, asked, strict=True)) | ({} if way == "nothing" else {"deduct_advance": advance})
    more = {"min_wage": "2420", "min_wage_excludes_personal_si": excludes, "consent": CONSENT}
    withheld = {"final_wage": wage, "personal_insurance": insurance, "tax": tax}
    sheet = None
    for _ in range(8):  # more wishes than can be refused
        try:
            sheet = made(**owed, **more, **withheld, **wish, advances=way)
        except Refusal as refusal:
            (withheld if refusal.field in withheld else wish)[refusal.field] = "0"
    assert sheet is not None
    taken = {name: -fen(sheet).get(name, 0) for name in (*names, "deduct_advance")}
    kept = sheet.net_fen if excludes else sheet.net_fen + int(Decimal(withheld["personal_insurance"]) * 100)
    if any(taken.values()):
        assert kept >= 2_420_00
    capped = taken["deduct_equipment"] + (taken["deduct_advance"] if way == "capped_20pct" else 0)
    assert capped * 5 <= int(Decimal(wage) * 100)


def test_more_than_the_ledger_holds_is_not_deducted() -> None:
    refusal = refused(owed_loan="100", deduct_loan="100.01", consent=CONSENT, min_wage="2420")
    assert "more than the 100.00 that the ledger says is owed" in str(refusal)


def test_less_than_the_most_may_be_deducted_and_more_may_not() -> None:
    sheet = made(**DEBT, advances="consent", deduct_advance="1000")
    assert sheet.left == {AccountKind.INSURANCE_ADVANCE: 4_265_00}
    refusal = refused(**DEBT, advances="consent", deduct_advance="4527.01")
    assert "4527.01 is more than the 4527.00" in str(refusal)


def test_tax_comes_before_debts_where_the_minimum_leaves_room() -> None:
    region = {"region": "jiangsu", "min_wage": "2490", "min_wage_excludes_personal_si": False}
    more = {"advances": "consent", "tax": "2000", "final_wage": "5000", "owed_advance": "9999"}
    sheet = made(**{**DEBT, **region, **more})
    # 5000 − 2000 − 2490 stand above the minimum, which this region counts before insurance.
    assert fen(sheet)["deduct_advance"] == -510_00
    assert sheet.net_fen == 2_490_00 - 1_053_00
    assert "at most 510.00" in str(
        refused(**{**DEBT, **region, **more, "advances": "nothing", "owed_loan": "600", "deduct_loan": "600"})
    )


def test_a_missing_table_is_asked_for_and_not_guessed() -> None:
    debt = {"owed_equipment": "500", "deduct_equipment": "500"}
    assert refused(**debt, region="tibet").field == "min_wage"
    assert refused(**debt, region="guangdong").field == "city"
    assert refused(**debt, region="beijing", last_day="2001-01-31").field == "min_wage"
    assert fen(made(**debt, region="guangdong", city="深圳"))["deduct_equipment"] == -500_00
    assert fen(made(region="tibet"))["final_wage"] == 8_000_00


def test_a_weak_rule_of_the_region_makes_the_sheet_provisional() -> None:
    debt = {"owed_equipment": "500", "deduct_equipment": "500"}
    assert made(**debt, region="guangdong", city="深圳").weak
    assert not made(**debt).weak


def test_a_wage_is_given_in_one_way() -> None:
    for given, field in (
        ({"final_wage": None}, "final_wage"),
        ({"paid_days": "3"}, "paid_days"),
        ({"final_wage": None, "paid_days": "3"}, "monthly_wage"),
        ({"leave_used": 3}, "leave_entitlement"),
    ):
        with pytest.raises(InputError) as caught:
            made(**given)
        assert caught.value.field == field


# -- what is kept -----------------------------------------------------------------------------------------


def test_a_frozen_sheet_names_tables_and_changes_its_hash_with_a_figure() -> None:
    sheet, other = (
        made(**DEBT, advances="consent"),
        made(**{**DEBT, "owed_advance": "5265.01"}, advances="consent"),
    )
    frozen = sheet.to_json({"final_wage": "8000.00"})
    assert frozen["tables"][0].startswith("beijing 20")
    assert frozen["tables"][1].startswith("statutory 20")
    assert [run["kind"] for run in frozen["runs"]] == ["advance_recovery"]
    assert frozen["hash"] != other.to_json({"final_wage": "8000.00"})["hash"]
    assert frozen["hash"] == made(**DEBT, advances="consent").to_json({"final_wage": "8000.00"})["hash"]


def test_every_line_says_how_the_ledger_books_it() -> None:
    sheet = made(
        **DEBT,
        advances="consent",
        leave_entitlement=5,
        leave_elapsed_days=30,
        leave_used=9,
        leave_average_wage="8000",
    )
    stored = {line["item"]: line for line in sheet.to_json({})["result"]["lines"]}
    assert stored["deduct_advance"]["kind"] == "deduction"
    assert stored["deduct_advance"]["account"] == "insurance_advance"
    assert stored["deduct_advance"]["source"] == "wage_payable"
    assert stored["deduct_advance"]["documents"] == [CONSENT]
    assert stored["unused_leave"]["amount_fen"] == 0
    assert stored["unused_leave"]["posts"] is False


def test_the_basis_of_a_line_is_its_articles_alone() -> None:
    (line,) = [one for one in made(**DEBT, advances="consent").lines if one.item.key == "deduct_advance"]
    assert line.basis.en == "Interim Provisions on Wage Payment, art. 15, 16"


def test_the_papers_of_a_debt_stand_at_its_line() -> None:
    sheet = made(**DEBT, advances="consent").with_documents({"insurance_advance": ["01VOUCHER"]})
    (line,) = [one for one in sheet.lines if one.item.key == "deduct_advance"]
    assert line.documents == (CONSENT, "01VOUCHER")


def test_the_last_day_decides_which_minimum_wage_counts() -> None:
    debt = {"owed_loan": "9000", "consent": CONSENT}
    assert made(**debt, last_day="2025-08-31", deduct_loan="5580").net_fen == 2_420_00
    assert refused(**debt, last_day=date(2025, 9, 1).isoformat(), deduct_loan="5580").field == "deduct_loan"
