"""The calculator `advance_recovery`: what of advanced personal insurance may be taken from the last wage.

Interim Provisions on Wage Payment art. 15 and 16. What cannot be taken is a receivable; it never holds back
the certificate of the end of the employment (Labour Contract Law art. 50).
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from countersign.domain.calculators.amounts import plain, to_fen, yuan
from countersign.domain.calculators.explained import Item, Line, Payer, Result, Saying
from countersign.domain.calculators.inputs import Amount, CaseInput, Count, Flag
from countersign.domain.input_models import one_of
from countersign.domain.tables.cells import MissingCell, Status, weakest
from countersign.domain.tables.packs import STATUTORY, region_pack, statutory, version_of


class RecoveryMode(StrEnum):
    """How far the last wage is used: all above the minimum with consent, or a fifth of it at most."""

    CONSENT = "consent"
    CAPPED = "capped_20pct"


CURRENT = Item("current_personal_si", "当月个人应缴社会保险费", "The worker's part of this month's insurance")
DEDUCTION = Item("deduct", "扣回垫付的个人社会保险费", "Advances taken from the last wage")
RECEIVABLE = Item("balance", "未扣回部分（应收款）", "Receivable for the rest of the advances")

CONSENT_NEEDED = Saying(
    "consent_needed",
    "past advances may be taken from the wage only with proof of their payment, an itemised notice to the "
    "worker, and the worker's written consent or a clause of the contract",
    "扣回以往垫付款须有缴费凭证、逐项明细通知，以及劳动者书面同意或合同约定",
)
ABOVE_A_FIFTH = Saying(
    "above_a_fifth",
    "{deduct} is more than {ratio} of the month's wage; that the limit of art. 16 is for losses alone, and "
    "not for advances, is a reading that courts have not settled",
    "扣款 {deduct} 元超过当月工资的 {ratio}；第16条的限额仅适用于赔偿损失、不适用于垫付款，系尚无定论的理解",
)
NOTHING_ABOVE_MINIMUM = Saying(
    "nothing_above_minimum",
    "the last wage leaves nothing above the minimum wage of {min_wage}; no advance can be taken from it",
    "最后一期工资没有高于最低工资 {min_wage} 元的部分，不能扣回垫付款",
)
WAGE_BELOW_INSURANCE = Saying(
    "wage_below_insurance",
    "the last wage of {wage} does not cover this month's personal insurance of {insurance}; what it lacks is "
    "not in the balance",
    "最后一期工资 {wage} 元不足以扣缴当月个人社会保险费 {insurance} 元，差额未计入应收款",
)
CERTIFICATE = Saying(
    "certificate_due",
    "the certificate of the end of the employment is due at once and may not wait for a balance ({basis})",
    "离职证明应在解除或终止时出具，不得因欠款未清而扣留（{basis_zh}）",
)


class AdvanceRecoveryInput(CaseInput):
    """Inputs of `advance_recovery`: months that were advanced, amounts in yuan a month."""

    region: str
    advanced_months: Count
    personal_monthly: Amount
    final_wage: Amount
    """The gross wage of the last month."""
    current_personal_si: Amount
    min_wage: Amount
    mode: Annotated[RecoveryMode, BeforeValidator(one_of(RecoveryMode, "mode"))]
    min_wage_excludes_personal_si: Flag | None = None
    """Whether the minimum wage must be left after personal insurance; without it the region's rule."""


def advance_recovery(case: AdvanceRecoveryInput) -> dict[str, Any]:
    """Return `advanced_total`, `deduct`, `balance` in yuan and `certificate_blocked`, which is always false.

    Raises `UnknownPack`, and `MissingCell` when the region's minimum wage rule is needed and not known.
    """
    result = Result()
    excludes, rule_status = _excludes_insurance(case)
    advanced = case.advanced_months * to_fen(case.personal_monthly)
    limits = _limits(case, excludes)
    deduct = max(0, min([advanced, *(to_fen(limit) for limit, _ in limits)]))
    balance = advanced - deduct
    formula = f"max(0, min({', '.join([yuan(advanced), *(text for _, text in limits)])}))"
    _lines(result, case, formula, deduct, balance, rule_status)
    _warnings(result, case, excludes, advanced)
    pack = statutory()
    certificate = pack.basis(pack.rule_by_name["certificate"])
    result.warn(CERTIFICATE.about(basis=certificate.en, basis_zh=certificate.zh))
    result.figures = {
        "advanced_total": yuan(advanced),
        "deduct": yuan(deduct),
        "balance": yuan(balance),
        "certificate_blocked": False,
    }
    return result.to_json()


def _excludes_insurance(case: AdvanceRecoveryInput) -> tuple[bool, Status]:
    pack = region_pack(case.region)
    if case.min_wage_excludes_personal_si is not None:
        return case.min_wage_excludes_personal_si, Status.V1
    for cell in pack.minimum_wage_excludes_insurance:
        if cell.value is not None:
            return cell.value, cell.status
    raise MissingCell(
        f"there is no table of what the minimum wage of region {case.region} includes; "
        "give min_wage_excludes_personal_si"
    )


def _limits(case: AdvanceRecoveryInput, excludes: bool) -> list[tuple[Decimal, str]]:
    """List what the deduction may not exceed, in yuan, each with its formula."""
    after_insurance = case.final_wage - case.current_personal_si
    shown = f"{case.final_wage} − {case.current_personal_si}"
    if excludes:
        limits = [(after_insurance - case.min_wage, f"{shown} − {case.min_wage}")]
    else:
        limits = [
            (case.final_wage - case.min_wage, f"{case.final_wage} − {case.min_wage}"),
            (after_insurance, shown),
        ]
    if case.mode is RecoveryMode.CAPPED:
        ratio = _ratio()
        limits.append((case.final_wage * ratio, f"{case.final_wage} × {plain(ratio)}"))
    return limits


def _ratio() -> Decimal:
    return statutory().by_name["loss_deduction_ratio"].value or Decimal(0)


def _lines(
    result: Result, case: AdvanceRecoveryInput, formula: str, deduct: int, balance: int, rule_status: Status
) -> None:
    pack = statutory()
    lawful, table = pack.rule_by_name["lawful_deductions"], version_of(STATUTORY)
    result.add(
        Line(
            CURRENT,
            f"{case.current_personal_si}",
            to_fen(case.current_personal_si),
            Payer.WORKER,
            pack.basis(lawful),
            lawful.status,
            table,
        )
    )
    statuses = [rule_status]
    if case.mode is RecoveryMode.CAPPED:
        limit = pack.by_name["loss_deduction_ratio"]
        basis = pack.basis(limit)
        statuses.append(limit.status)
    elif deduct > to_fen(case.final_wage * _ratio()):
        # Below a fifth of the wage the open question, whether the limit of losses applies, changes nothing.
        reading = pack.rule_by_name["advance_is_no_loss"]
        basis = pack.basis(reading)
        statuses.append(reading.status)
        result.warn(ABOVE_A_FIFTH.about(deduct=yuan(deduct), ratio=f"{plain(_ratio() * 100)} %"))
    else:
        basis = pack.basis(lawful)
        statuses.append(lawful.status)
    result.add(Line(DEDUCTION, formula, deduct, Payer.WORKER, basis, weakest(statuses), table))
    duty = pack.rule_by_name["insurance_contributions"]
    shown = f"{yuan(deduct + balance)} − {yuan(deduct)}"
    result.add(Line(RECEIVABLE, shown, balance, Payer.WORKER, pack.basis(duty), duty.status, table))


def _warnings(result: Result, case: AdvanceRecoveryInput, excludes: bool, advanced: int) -> None:
    result.warn(CONSENT_NEEDED.about())
    if case.final_wage < case.current_personal_si:
        result.warn(WAGE_BELOW_INSURANCE.about(wage=case.final_wage, insurance=case.current_personal_si))
    kept = case.final_wage - (case.current_personal_si if excludes else Decimal(0))
    if advanced and kept <= case.min_wage:
        result.warn(NOTHING_ABOVE_MINIMUM.about(min_wage=case.min_wage))
