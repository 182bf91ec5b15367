"""What the calculator `injury` takes, and which inputs contradict each other."""

from decimal import Decimal
from functools import cache
from typing import Annotated

from pydantic import BeforeValidator

from countersign.domain.calculators.inputs import Amount, CaseInput, Flag, Share, Wage, Years, grade_number
from countersign.domain.input_models import one_of
from countersign.domain.tables.packs import statutory
from countersign.domain.tables.regional import EndGround
from countersign.domain.tables.statutory import Care, Responsibility

PENDING = "pending"
"""The grade of a worker who has not been appraised yet."""

NOTHING = Decimal(0)


def _grade(value: object) -> int | None:
    return None if value == PENDING else grade_number(value)


class InjuryInput(CaseInput):
    """Inputs of `injury`: amounts in yuan, wages a month; the grade is 1 to 10, or `pending`."""

    region: str
    grade: Annotated[int | None, BeforeValidator(_grade)]
    avg_contribution_wage: Wage | None = None
    actual_wage: Wage | None = None
    local_avg: Wage
    insured: Flag
    relation_ended: Flag
    end_ground: Annotated[EndGround, BeforeValidator(one_of(EndGround, "ground"))] = EndGround.RESIGNED
    pre_termination_wage: Wage | None = None
    years_to_retirement: Years | None = None
    occupational_disease: Flag = False
    suspension_months: Years = NOTHING
    medical: Amount = NOTHING
    medical_paid_by_third_party: Amount = NOTHING
    nursing: Annotated[Care, BeforeValidator(one_of(Care, "nursing level"))] | None = None
    min_wage: Wage | None = None
    suitable_work: Flag | None = None
    own_responsibility: (
        Annotated[Responsibility, BeforeValidator(one_of(Responsibility, "responsibility"))] | None
    ) = None
    responsibility_ratio: Share | None = None
    employer_paid: Amount = NOTHING
    """What the employer has paid already, with receipts."""
    related_exposure: Amount | None = None
    """Severance, arrears, double wage that hang on the same dispute, computed elsewhere."""
    offer: Amount | None = None
    """What is to be offered or agreed."""


@cache
def suspension_limits() -> tuple[Decimal, Decimal]:
    """Return the months of the suspension period and the most with an extension (art. 33)."""
    named = statutory().by_name
    regular = named["suspension_months"].value or NOTHING
    return regular, regular + (named["suspension_extension_months"].value or NOTHING)


def wage_for_benefits(case: InjuryInput) -> Decimal:
    """Return the contribution wage, else the actual one; raises `ValueError` without either."""
    wage = case.actual_wage if case.avg_contribution_wage is None else case.avg_contribution_wage
    if wage is None:
        raise ValueError("avg_contribution_wage is missing; without it give actual_wage")
    return wage


def check(case: InjuryInput) -> None:
    """Refuse inputs that contradict each other; raises `ValueError` naming the fields."""
    wage_for_benefits(case)
    if case.suspension_months and case.actual_wage is None:
        raise ValueError("actual_wage is missing; the wage during suspension_months is paid on it")
    longest = suspension_limits()[1]
    if case.suspension_months > longest:
        raise ValueError(f"suspension_months is {case.suspension_months}; the law allows at most {longest}")
    if case.medical_paid_by_third_party > case.medical:
        raise ValueError(
            f"medical_paid_by_third_party is {case.medical_paid_by_third_party}, more than medical; "
            "put all medical costs into medical"
        )
