"""Every calculator by its name: from a mapping of inputs to a result, with refusals in one sentence."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from countersign.domain.calculators.advance_recovery import AdvanceRecoveryInput, advance_recovery
from countersign.domain.calculators.annual_leave_exit import AnnualLeaveExitInput, annual_leave_exit
from countersign.domain.calculators.injury import injury
from countersign.domain.calculators.injury_case import InjuryInput
from countersign.domain.calculators.injury_deadlines import InjuryDeadlinesInput, injury_deadlines
from countersign.domain.calculators.injury_death import InjuryDeathInput, injury_death
from countersign.domain.calculators.injury_formula_subsidy import (
    InjuryFormulaSubsidyInput,
    injury_formula_subsidy,
)
from countersign.domain.calculators.inputs import CaseInput
from countersign.domain.calculators.insurance_month import InsuranceMonthInput, insurance_month
from countersign.domain.calculators.late_fee import LateFeeInput, late_fee
from countersign.domain.calculators.late_filing import LateFilingInput, late_filing
from countersign.domain.calculators.medical_period import MedicalPeriodInput, medical_period
from countersign.domain.calculators.recognition import RecognitionInput, commuting_recognition
from countersign.domain.calculators.retirement_date import RetirementDateInput, retirement_date
from countersign.domain.calculators.severance import SeveranceInput, severance
from countersign.domain.calculators.third_party_offset import ThirdPartyOffsetInput, third_party_offset
from countersign.domain.calculators.working_days import WorkingDaysInput, working_days
from countersign.domain.calendar import WorkCalendar
from countersign.domain.input_models import leading_field, read_input
from countersign.domain.tables.cells import MissingCell
from countersign.domain.tables.packs import UnknownPack
from countersign.domain.yaml_text import InputError


@dataclass(frozen=True)
class Calculator:
    """A kind of calculation: what it takes, and the function, with the working-day calendar or without."""

    inputs: type[CaseInput]
    compute: Callable[..., dict[str, Any]]
    by_calendar: bool = False


CALCULATORS: dict[str, Calculator] = {
    "injury": Calculator(InjuryInput, injury),
    "injury_death": Calculator(InjuryDeathInput, injury_death),
    "injury_deadlines": Calculator(InjuryDeadlinesInput, injury_deadlines, by_calendar=True),
    "injury_formula_subsidy": Calculator(InjuryFormulaSubsidyInput, injury_formula_subsidy),
    "commuting_recognition": Calculator(RecognitionInput, commuting_recognition),
    "late_filing": Calculator(LateFilingInput, late_filing, by_calendar=True),
    "third_party_offset": Calculator(ThirdPartyOffsetInput, third_party_offset),
    "insurance_month": Calculator(InsuranceMonthInput, insurance_month),
    "late_fee": Calculator(LateFeeInput, late_fee),
    "advance_recovery": Calculator(AdvanceRecoveryInput, advance_recovery),
    "severance": Calculator(SeveranceInput, severance),
    "annual_leave_exit": Calculator(AnnualLeaveExitInput, annual_leave_exit),
    "medical_period": Calculator(MedicalPeriodInput, medical_period),
    "retirement_date": Calculator(RetirementDateInput, retirement_date),
    "working_days": Calculator(WorkingDaysInput, working_days, by_calendar=True),
}


class UnknownKind(InputError):
    """There is no such calculator; the text lists those that there are."""


def calculator(kind: str) -> Calculator:
    """Find a calculator; raises `UnknownKind`."""
    if kind not in CALCULATORS:
        raise UnknownKind(f"KIND: there is no calculator {kind!r}; known: {', '.join(CALCULATORS)}")
    return CALCULATORS[kind]


def calculate(kind: str, inputs: object, source: str, calendar: WorkCalendar) -> dict[str, Any]:
    """Validate and compute; raises `InputError` that names `source` and the field or the missing cell."""
    chosen = calculator(kind)
    case = read_input(chosen.inputs, inputs, source)
    try:
        return chosen.compute(case, calendar) if chosen.by_calendar else chosen.compute(case)
    except UnknownPack as error:
        raise InputError(f"{source}: region {error.args[0]}", "region") from None
    except MissingCell as error:
        raise InputError(f"{source}: {error.args[0]}") from None
    except ValueError as error:
        raise InputError(f"{source}: {error}", leading_field(chosen.inputs, str(error))) from None
