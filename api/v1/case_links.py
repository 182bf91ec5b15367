"""Handing a case's evidence over to another case."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from api.dependencies import IdempotencyKey, PartsDep, once
from api.errors import Refused, not_found
from api.security import actor_of, allow, scope_of
from api.v1.cases import CaseId
from api.v1.models import LinkCaseRequest
from countersign.adapters.database.case_links import CannotLink
from countersign.adapters.database.officers import STAFF
from countersign.adapters.database.tokens import Caller

router = APIRouter(tags=["cases"])
Staff = Annotated[Caller, Depends(allow(*STAFF))]


@router.post("/cases/{case_id}/linked-cases", status_code=201, summary="Inherit another case's evidence")
def inherit(
    parts: PartsDep,
    request: Request,
    caller: Staff,
    case_id: CaseId,
    wish: LinkCaseRequest,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Let this case carry the other one's evidence: its bundle then holds both chains, joined by heads."""
    for one in (case_id, wish.case):
        if not parts.views.exists(scope_of(caller), one):
            raise not_found("case")

    def do() -> tuple[int, dict[str, Any]]:
        try:
            length, head = parts.case_links.link(case_id, wish.case, wish.reason, actor_of(caller))
        except CannotLink as refusal:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(refusal), "case") from None
        return HTTPStatus.CREATED, {"case": case_id, "inherits": wish.case, "length": length, "head": head}

    asked = {"heir": case_id, **wish.model_dump()}
    return once(request.app.state.tokens, caller, key, asked, do)
