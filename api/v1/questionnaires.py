"""What the leaver of a departure answered, as data; for HR and nobody else."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from api.dependencies import PartsDep
from api.errors import not_found
from api.security import allow, scope_of
from api.v1.cases import CaseId
from countersign.adapters.database.questionnaires import ReadView
from countersign.adapters.database.tokens import Caller
from countersign.contracts.cases import Role
from countersign.domain.levels import EN, ZH
from countersign.domain.questionnaire import Figures, Question

router = APIRouter(tags=["departures"])
PersonnelOffice = Annotated[Caller, Depends(allow(Role.HR))]


@router.get("/departures/{case_id}/questionnaire", summary="What the leaver was asked and answered")
def questionnaire(parts: PartsDep, caller: PersonnelOffice, case_id: CaseId) -> dict[str, Any]:
    """Read the questions with the answers; `asked` is false where the policy has no questions."""
    found = parts.questionnaires.read(scope_of(caller), case_id)
    if found is None:
        raise not_found("departure")
    return _told(found)


def _told(view: ReadView) -> dict[str, Any]:
    asked = view.asked
    return {
        "departure": view.departure_id,
        "employee": view.number,
        "asked": asked is not None,
        "open": asked is not None and asked.is_open,
        "open_until": asked and asked.open_until,
        "reply": asked and asked.reply.value,
        "first_at": asked and asked.first_at,
        "changed_at": asked and asked.changed_at,
        "questions": []
        if asked is None
        else [
            question_to_json(one) | {"optional": one.optional, "answer": asked.answers.get(one.id)}
            for one in asked.questionnaire.questions
        ],
    }


def question_to_json(one: Question) -> dict[str, Any]:
    """Return a question with its texts in both languages; `options` only of a choice."""
    return {
        "id": one.id,
        "kind": one.kind.value,
        "text": {ZH: one.zh, EN: one.en},
        "options": [{"id": each.id, "text": {ZH: each.zh, EN: each.en}} for each in one.options],
    }


def figures_to_json(one: Figures) -> dict[str, Any]:
    """Return the figures of a question: how many people, how many of each value, the mean of a scale."""
    return question_to_json(one.question) | {
        "counted": one.counted,
        "counts": dict(one.counts),
        "mean": one.mean,
    }
