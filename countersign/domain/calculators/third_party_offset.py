"""The calculator `third_party_offset`: what of the injury benefits is still payable beside a tort award.

The national rule takes off nothing but medical costs that the third party has paid (法释〔2014〕9号 art. 8);
a province may pay only what the award falls short of the benefits, as Zhejiang does (art. 32).
"""

from typing import Any

from countersign.domain.calculators.amounts import to_fen, yuan
from countersign.domain.calculators.explained import Item, Line, Payer, Result, Saying
from countersign.domain.calculators.inputs import Amount, CaseInput
from countersign.domain.tables.packs import region_pack, statutory, version_of
from countersign.domain.tables.regional import TortOffset

PAYABLE = Item("payable_after_tort", "第三人赔偿后应付工伤待遇", "Benefits payable beside the tort award")

MEDICAL_ELSEWHERE = Saying(
    "medical_costs_apart",
    "nothing of the award is set off here; medical costs that the third party has paid are taken off in the "
    "calculator injury",
    "此处不抵扣侵权赔偿；第三人已支付的医疗费在 injury 中扣除",
)
COMPARABLE_ONLY = Saying(
    "comparable_items_only",
    "tort_award_comparable may hold only items that the benefits cover as well; damages for pain are not "
    "among them",
    "tort_award_comparable 仅应包括与工伤待遇同类的项目，精神损害抚慰金等不在其内",
)


class ThirdPartyOffsetInput(CaseInput):
    """Inputs of `third_party_offset` in yuan: the statutory benefits, and the award for the same items."""

    region: str
    statutory_total: Amount
    tort_award_comparable: Amount


def third_party_offset(case: ThirdPartyOffsetInput) -> dict[str, Any]:
    """Return `payable_after_tort` in yuan, never below 0, and the region's `offset`.

    Raises `UnknownPack` and `MissingCell` for a region without such a rule.
    """
    pack = region_pack(case.region)
    rule = pack.offset()
    national = statutory()
    due, award = to_fen(case.statutory_total), to_fen(case.tort_award_comparable)
    result = Result()
    if rule.value is TortOffset.TOP_UP:
        fen = max(0, due - award)
        formula = f"max(0, {case.statutory_total} − {case.tort_award_comparable})"
        basis = pack.injury_basis(rule.article)
        result.warn(COMPARABLE_ONLY.about())
    else:
        fen, formula = due, f"{case.statutory_total}"
        basis = national.basis(national.rule_by_name["medical_paid_by_third_party"])
        result.warn(MEDICAL_ELSEWHERE.about())
    result.add(Line(PAYABLE, formula, fen, Payer.NOBODY, basis, rule.status, version_of(pack.region)))
    result.figures = {"payable_after_tort": yuan(fen), "offset": rule.value}
    return result.to_json()
