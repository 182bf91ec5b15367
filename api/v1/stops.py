"""The switch that stops all sending, and its release."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse

from api.dependencies import IdempotencyKey, PartsDep, once
from api.errors import Refused, not_found
from api.security import actor_of, allow
from api.v1.models import StopRequest
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.stops import StopScope, StopView
from countersign.adapters.database.tokens import Caller

router = APIRouter(tags=["sending"])
Reader = Annotated[Caller, Depends(allow(*READERS))]
Staff = Annotated[Caller, Depends(allow(*STAFF))]
StopId = Annotated[str, Path(min_length=26, max_length=26, pattern="^[0-9A-Z]{26}$")]


@router.get("/sending-stops", summary="Stops of sending, those that hold first")
def stops(parts: PartsDep, caller: Reader) -> dict[str, Any]:
    """List stops; `held` counts the messages that wait for the release."""
    return {"stops": [_shown(stop) for stop in parts.stops.all(caller.branch_id)]}


@router.post("/sending-stops", status_code=201, summary="Stop all sending")
def stop(
    parts: PartsDep, request: Request, caller: Staff, wish: StopRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Hold every message from now on; nothing is lost, and the release plans again."""
    own = wish.scope is StopScope.BRANCH and wish.subject == caller.branch_id
    if caller.branch_id is not None and not own:
        raise Refused(
            HTTPStatus.FORBIDDEN, "scope: HR of a branch can stop its own branch only; name it as subject."
        )

    def do() -> tuple[int, dict[str, Any]]:
        try:
            made = parts.stops.set(wish.scope, wish.subject, wish.reason, _by(caller))
        except LookupError as error:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error.args[0]), "subject") from None
        return HTTPStatus.CREATED, _shown(made)

    return once(request.app.state.tokens, caller, key, wish, do)


@router.post("/sending-stops/{stop_id}/release", summary="Let sending go on")
def release(parts: PartsDep, caller: Staff, stop_id: StopId) -> dict[str, Any]:
    """Release a stop; a released one is told back as it is. What was held is sent and planned again."""
    released = parts.stops.release(stop_id, _by(caller), caller.branch_id)
    if released is None:
        raise not_found("stop")
    return _shown(released)


def _by(caller: Caller) -> str:
    actor = actor_of(caller)
    return f"{actor['role']} {actor['id']}"


def _shown(stop: StopView) -> dict[str, Any]:
    return {
        "id": stop.id,
        "scope": stop.scope,
        "subject": stop.subject,
        "reason": stop.reason,
        "set_by": stop.set_by,
        "set_at": stop.set_at,
        "released_by": stop.released_by,
        "released_at": stop.released_at,
        "held": stop.held,
    }
