"""What a settlement is computed from: the facts of the departure, the wage, and what shall be deducted."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, model_validator

from countersign.domain.calculators.advance_recovery import RecoveryMode
from countersign.domain.calculators.inputs import Amount, CaseInput, Count, Day, Flag, Wage, above_zero
from countersign.domain.departure import Ground, ProposedBy
from countersign.domain.input_models import one_of

_MOST_DAYS = Decimal(27)
_LEAVE = ("leave_entitlement", "leave_elapsed_days", "leave_used", "leave_average_wage")


class FromWage(StrEnum):
    """How advances are taken from the last wage: not at all, or in one of the calculator's ways."""

    NOTHING = "nothing"
    CONSENT = RecoveryMode.CONSENT.value
    CAPPED = RecoveryMode.CAPPED.value


def _paid_days(value: object) -> Decimal:
    days = above_zero(value)
    if days * 2 % 1 or days > _MOST_DAYS:
        raise ValueError(f"is {days}; give days in halves, at most {_MOST_DAYS}")
    return days


def _half_months(value: object) -> Decimal:
    months = above_zero(value)
    if months * 2 % 1:
        raise ValueError(f"is {months}; it must be a multiple of 0.5")
    return months


class SettlementWish(CaseInput):
    """What finance decides about a settlement; amounts in yuan, months and days as they are counted.

    The wage of the last month is `final_wage` as payroll has it, or `monthly_wage` for `paid_days`. `consent`
    is the document by which the employee agrees to deductions (a letter, or the clause of the contract).
    """

    final_wage: Amount | None = None
    monthly_wage: Wage | None = None
    paid_days: Annotated[Decimal, BeforeValidator(_paid_days)] | None = None
    leave_entitlement: Count | None = None
    leave_elapsed_days: Count | None = None
    leave_used: Count | None = None
    leave_average_wage: Wage | None = None
    severance_wage: Wage | None = None
    severance_bonus: Amount | None = None
    severance_months: Annotated[Decimal, BeforeValidator(_half_months)] | None = None
    local_avg: Wage | None = None
    renewal_refused: Flag = False
    notice_wage: Wage | None = None
    personal_insurance: Amount = Decimal(0)
    tax: Amount = Decimal(0)
    advances: Annotated[FromWage, BeforeValidator(one_of(FromWage, "way"))] = FromWage.NOTHING
    deduct_advance: Amount | None = None
    deduct_overpaid: Amount = Decimal(0)
    deduct_equipment: Amount = Decimal(0)
    deduct_loan: Amount = Decimal(0)
    consent: str | None = None
    city: str | None = None
    min_wage: Wage | None = None
    min_wage_excludes_personal_si: Flag | None = None

    @model_validator(mode="after")
    def _one_wage(self) -> Self:
        by_days = [name for name in ("monthly_wage", "paid_days") if getattr(self, name) is not None]
        if self.final_wage is not None and by_days:
            raise ValueError(f"{by_days[0]} is given beside final_wage; keep one of the two")
        if self.final_wage is None and len(by_days) != 2:
            lacking = "final_wage" if not by_days else ({"monthly_wage", "paid_days"} - set(by_days)).pop()
            raise ValueError(f"{lacking} is missing; give final_wage, or monthly_wage and paid_days")
        return self

    @model_validator(mode="after")
    def _whole_leave(self) -> Self:
        given = [name for name in _LEAVE if getattr(self, name) is not None]
        if given and len(given) < len(_LEAVE):
            lacking = next(name for name in _LEAVE if name not in given)
            raise ValueError(f"{lacking} is missing; unused leave needs {', '.join(_LEAVE)}, or none of them")
        return self


class SettlementInput(SettlementWish):
    """A wish with the facts of the books: the departure, the employment, and what is owed in yuan."""

    region: str
    ground: Annotated[Ground, BeforeValidator(one_of(Ground, "ground"))]
    proposed_by: Annotated[ProposedBy, BeforeValidator(one_of(ProposedBy, "side"))]
    hired: Day
    last_day: Day
    owed_advance: Amount = Decimal(0)
    owed_overpaid: Amount = Decimal(0)
    owed_equipment: Amount = Decimal(0)
    owed_loan: Amount = Decimal(0)
