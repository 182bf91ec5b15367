"""Leavers who are asked something, and what they answer."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import yaml
from pydantic import TypeAdapter

from countersign.adapters.database.questionnaires import AskedView, Said
from countersign.adapters.database.tables import Case, Departure
from countersign.bootstrap import Parts
from countersign.domain.offboarding_policy import offboarding_policy
from countersign.domain.questionnaire import Questionnaire
from countersign.ids import new_id

_SHIPPED = "countersign/policies/offboarding_standard.yaml"
ANSWERS = {"reason": "pay", "manager": "2", "again": "yes", "words": "加班太多。"}
"""Answers that fit the standard questionnaire."""


def standard() -> Questionnaire:
    """Return the questionnaire that ships with the product."""
    with open(_SHIPPED, encoding="utf-8") as file:
        found = offboarding_policy(yaml.safe_load(file), "policy").questionnaire
    assert found is not None
    return found


def ask(parts: Parts, case: str, questions: Questionnaire | None = None) -> None:
    """Let the policy that travels with a case ask."""
    asked: Any = TypeAdapter(Questionnaire).dump_python(questions or standard(), mode="json")
    with parts.database.transaction() as session:
        row = session.get_one(Case, case)
        row.frozen = {**row.frozen, "policy": {"questionnaire": asked}}


def reply(parts: Parts, case: str, answers: Mapping[str, str] | None = ANSWERS, form: str = "") -> AskedView:
    """Let the leaver say something; None of it declines."""
    with parts.database.reading() as session:
        person = session.get_one(Departure, case).person_id
    return parts.questionnaires.take(case, Said(form or new_id(), person, answers))


def ended(parts: Parts, case: str, on: date) -> None:
    """Let the employment have ended."""
    with parts.database.transaction() as session:
        session.get_one(Departure, case).ended_on = on
