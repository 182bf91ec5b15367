"""The calculator `late_fee`: the fee on social insurance contributions that were paid late.

Social Insurance Law art. 86: a part of the unpaid amount for each day from the due date on.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from countersign.domain.calculators.amounts import plain, to_fen, yuan
from countersign.domain.calculators.explained import Item, Line, Payer, Result, Saying
from countersign.domain.calculators.inputs import Amount, CaseInput
from countersign.domain.input_models import whole_number
from countersign.domain.tables.packs import STATUTORY, statutory, version_of

LATE_FEE = Item("late_fee", "滞纳金", "Late fee")

ABOVE_PRINCIPAL = Saying(
    "above_principal",
    "the fee of {fee} is above the unpaid {unpaid}; whether it may be is disputed (Administrative Compulsion "
    "Law art. 45), and no cap was applied: ask the authority",
    "滞纳金 {fee} 元超过欠缴金额 {unpaid} 元；是否以本金为限（行政强制法第45条）存在争议，"
    "此处未设上限，请向征收机构确认",
    stamps=True,
)

# Beyond it the product of amount and rate would need more digits than the arithmetic keeps exactly.
_MOST_DAYS = 99_999


def _days(value: object) -> int:
    days = whole_number(value)
    if days > _MOST_DAYS:
        raise ValueError(f"is {days}; at most {_MOST_DAYS} days can be counted")
    return days


class LateFeeInput(CaseInput):
    """Inputs of `late_fee`: the unpaid amount in yuan, the days since it was due."""

    unpaid: Amount
    days: Annotated[int, BeforeValidator(_days)]


def late_fee(case: LateFeeInput) -> dict[str, Any]:
    """Return `late_fee` in yuan, not capped at the principal."""
    pack = statutory()
    cell = pack.by_name["late_fee_daily"]
    rate = cell.value or Decimal(0)
    result = Result()
    fen = to_fen(case.unpaid * rate * case.days)
    formula = f"{case.unpaid} × {plain(rate)} × {case.days}"
    result.add(
        Line(LATE_FEE, formula, fen, Payer.EMPLOYER, pack.basis(cell), cell.status, version_of(STATUTORY))
    )
    if fen > to_fen(case.unpaid):
        result.warn(ABOVE_PRINCIPAL.about(fee=yuan(fen), unpaid=case.unpaid))
    result.figures["late_fee"] = yuan(fen)
    return result.to_json()
