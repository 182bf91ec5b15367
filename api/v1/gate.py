"""Why somebody cannot leave: the gate of a departure, computed live from the books of every process."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from api.dependencies import PartsDep
from api.errors import not_found
from api.security import allow, scope_of
from api.v1.cases import CaseId
from countersign.adapters.database.gate_book import ROLE_OF_HAND, GateView
from countersign.adapters.database.officers import READERS
from countersign.adapters.database.tokens import Caller
from countersign.contracts.cases import Role
from countersign.domain.console_words import name_of
from countersign.domain.levels import EN, ZH

router = APIRouter(tags=["departures"])
Reader = Annotated[Caller, Depends(allow(*READERS, Role.FINANCE))]
Number = Annotated[str, Path(min_length=1, max_length=40, description="an employee number")]


@router.get("/departures/{case_id}/gate", summary="Why a departure cannot be closed yet")
def gate_of_departure(parts: PartsDep, caller: Reader, case_id: CaseId) -> dict[str, Any]:
    """Name what keeps the gate shut; what the law wants on dates never waits for it."""
    found = parts.gate_book.why(case_id) if parts.views.exists(scope_of(caller), case_id) else None
    if found is None:
        raise not_found("departure")
    return gate_to_json(found)


@router.get("/employees/{number}/gate", summary="Why an employee cannot leave yet")
def gate_of_employee(parts: PartsDep, caller: Reader, number: Number) -> dict[str, Any]:
    """Name what keeps the gate of the newest departure shut, unless that one was withdrawn."""
    found = parts.gate_book.of_employee(number, scope_of(caller))
    if found is None:
        raise not_found("departure")
    return gate_to_json(found)


def gate_to_json(view: GateView) -> dict[str, Any]:
    """Return the gate; amounts are fen, `waits_for` is whose turn it is, `role` who holds that in lists."""
    return {
        "departure": view.case_id,
        "employee": view.number,
        "last_day": view.last_day,
        "ended_on": view.ended_on,
        "withdrawn": view.withdrawn,
        "closed": view.closed,
        "at": view.at,
        "open": view.gate.open,
        "owed_fen": view.gate.owed_fen,
        "reasons": [
            {
                "code": one.reason.value,
                "text": {language: name_of("gate", one.reason.value, language) for language in (ZH, EN)},
                "count": one.count,
                "amount_fen": one.amount_fen,
                "waits_for": one.hand.value,
                "role": ROLE_OF_HAND[one.hand].value,
                "case": one.case_id,
                "process": one.process,
            }
            for one in view.gate.blockers
        ],
    }
