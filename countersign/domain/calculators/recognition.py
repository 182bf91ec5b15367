"""The calculator `commuting_recognition`: whether an accident on the way is a work injury."""

from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator

from countersign.domain.calculators.explained import Result, Saying
from countersign.domain.calculators.inputs import CaseInput
from countersign.domain.input_models import one_of
from countersign.domain.tables.packs import STATUTORY, statutory, version_of
from countersign.domain.tables.statutory import Recognition, RecognitionRule, Responsibility

PEOPLE_DECIDE = Saying(
    "people_decide",
    "there is no finding of the police to decide by; the social insurance authority decides on the facts",
    "没有可依据的交通事故责任认定，由社会保险行政部门根据事实认定",
)


class RecognitionInput(CaseInput):
    """The share of responsibility as the finding of the police words it."""

    own_responsibility: Annotated[Responsibility, BeforeValidator(one_of(Responsibility, "responsibility"))]


@cache
def _rules() -> dict[Responsibility, RecognitionRule]:
    return {rule.responsibility: rule for rule in statutory().recognition}


def recognised(responsibility: Responsibility) -> bool | None:
    """Say whether art. 14(6) is met; None where people must decide."""
    outcome = _rules()[responsibility].value
    return None if outcome is Recognition.MANUAL else outcome is Recognition.ELIGIBLE


def commuting_recognition(case: RecognitionInput) -> dict[str, Any]:
    """Return `result`: eligible, not_eligible or manual (Work Injury Insurance Regulation art. 14(6))."""
    rule = _rules()[case.own_responsibility]
    basis = statutory().basis(rule)
    result = Result()
    result.used(rule.status)
    if rule.value is Recognition.MANUAL:
        result.warn(PEOPLE_DECIDE.about())
    result.figures = {
        "result": rule.value,
        "basis": basis.zh,
        "basis_en": basis.en,
        "status": rule.status,
        "table": version_of(STATUTORY),
    }
    return result.to_json()
