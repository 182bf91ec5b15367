"""Legal holds of a case: what is held cannot be erased."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse

from api.dependencies import IdempotencyKey, PartsDep, once
from api.errors import Refused, not_found
from api.security import actor_of, allow, scope_of
from api.v1.cases import CaseId
from api.v1.models import Strict, Words
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.retention import CannotHold, HoldView
from countersign.adapters.database.tokens import Caller
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role

router = APIRouter(prefix="/cases/{case_id}/holds", tags=["retention"])
HoldId = Annotated[str, Path(min_length=26, max_length=26, pattern="^[0-9A-Z]{26}$")]
Reader = Annotated[Caller, Depends(allow(*READERS))]
Holder = Annotated[Caller, Depends(allow(*STAFF, Role.LEGAL))]


class HoldRequest(Strict):
    """Why a hold is placed or released; sealed in the evidence."""

    reason: Words


@router.get("", summary="Legal holds of a case, those in force first")
def holds(parts: PartsDep, caller: Reader, case_id: CaseId) -> dict[str, Any]:
    """List holds; a case without one in force is erased when its term is over."""
    _see_case(parts, caller, case_id)
    return {"holds": [_shown(hold) for hold in parts.holds.of_case(case_id)]}


@router.post("", status_code=201, summary="Place a legal hold")
def place(
    parts: PartsDep,
    request: Request,
    caller: Holder,
    case_id: CaseId,
    wish: HoldRequest,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Keep a case, and what it has inherited, from being erased until the hold is released."""
    _see_case(parts, caller, case_id)

    def do() -> tuple[int, dict[str, Any]]:
        try:
            placed = _shown(parts.holds.place(case_id, wish.reason, actor_of(caller)))
        except CannotHold as refusal:
            raise Refused(HTTPStatus.CONFLICT, str(refusal), "case") from None
        # The answer is kept for a repeated request, and no erasure reaches it there.
        del placed["reason"]
        return HTTPStatus.CREATED, placed

    return once(request.app.state.tokens, caller, key, {"case": case_id, **wish.model_dump()}, do)


@router.post("/{hold_id}/release", summary="Release a legal hold")
def release(
    parts: PartsDep, caller: Holder, case_id: CaseId, hold_id: HoldId, wish: HoldRequest
) -> dict[str, Any]:
    """Release a hold; a released one is told back as it is."""
    _see_case(parts, caller, case_id)
    released = parts.holds.release(case_id, hold_id, wish.reason, actor_of(caller))
    if released is None:
        raise not_found("hold")
    return _shown(released)


def _see_case(parts: Parts, caller: Caller, case_id: str) -> None:
    if not parts.views.exists(scope_of(caller), case_id):
        raise not_found("case")


def _shown(hold: HoldView) -> dict[str, Any]:
    return {
        "id": hold.id,
        "case": hold.case_id,
        "reason": hold.reason,
        "placed_by": hold.placed_by,
        "placed_at": hold.placed_at,
        "released_by": hold.released_by,
        "released_at": hold.released_at,
    }
