"""What couriers report of letters, pushed by a system or entered by hand."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from api.dependencies import PartsDep
from api.errors import Refused
from api.security import actor_of, allow
from api.v1.models import CourierEventRequest
from countersign.adapters.database.letters import NoSuchLetter, ReportRefused
from countersign.adapters.database.officers import STAFF
from countersign.adapters.database.tokens import Caller
from countersign.contracts.cases import Role
from countersign.domain.courier import courier_words

router = APIRouter(tags=["letters"])
Pusher = Annotated[Caller, Depends(allow(*STAFF, Role.INTEGRATOR))]


@router.post("/courier-events", status_code=202, summary="Report what became of a letter")
def courier_event(parts: PartsDep, caller: Pusher, event: CourierEventRequest) -> dict[str, Any]:
    """Keep a report once; a weak result ends the wait for an answer to the letter at once."""
    try:
        taken = parts.letters.take(event.report(), caller.branch_id, actor_of(caller))
    except NoSuchLetter as error:
        raise Refused(HTTPStatus.NOT_FOUND, str(error), "tracking_number") from None
    except ReportRefused as error:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), error.field) from None
    return {"cases": taken.cases, "new": taken.new, "says": courier_words(event.state)}
