"""The ways out of the house, and who answers for those that leave the country."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse

from api.dependencies import IdempotencyKey, PartsDep, once
from api.errors import Refused
from api.security import actor_of, allow
from api.v1.models import Strict, Words
from countersign.adapters.database.channels import NothingToAcknowledge
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.tokens import Caller
from countersign.contracts.cases import Role
from countersign.domain.channels import Acknowledged, WayOut
from countersign.domain.destinations import SmsProvider, capability_of
from countersign.domain.policy import Channel

router = APIRouter(tags=["channels"])
Reader = Annotated[Caller, Depends(allow(*READERS))]
Staff = Annotated[Caller, Depends(allow(*STAFF))]
ChannelName = Annotated[str, Path(pattern="^[a-z0-9_]{1,40}$")]


class AcknowledgeRequest(Strict):
    """Why personal data may leave the country by this channel, in words."""

    reason: Words


@router.get("/channels", summary="Ways out, and which of them leave the country")
def channels(parts: PartsDep, caller: Reader) -> dict[str, Any]:
    """List the ways out; one that leaves the country needs an acknowledgement before a case may use it."""
    return {"channels": [_shown(way, known) for way, known in parts.channels.listing()]}


@router.post(
    "/channels/{name}/acknowledge",
    status_code=201,
    summary="Answer for a channel that leaves the country",
    responses={200: {"description": "Somebody had answered for it already."}},
)
def acknowledge(
    parts: PartsDep,
    request: Request,
    caller: Staff,
    name: ChannelName,
    wish: AcknowledgeRequest,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Keep who answers for it and why; asked again, the first answer is told back."""
    if caller.role is Role.HR and caller.branch_id is not None:
        raise Refused(HTTPStatus.FORBIDDEN, "This needs HR of the whole company or a system administrator.")

    def do() -> tuple[int, dict[str, Any]]:
        try:
            actor = actor_of(caller)
            known, new = parts.channels.acknowledge(name, wish.reason, f"{actor['role']} {actor['id']}")
        except LookupError as error:
            raise Refused(HTTPStatus.NOT_FOUND, f"name: {error.args[0]}", "name") from None
        except NothingToAcknowledge as error:
            raise Refused(HTTPStatus.CONFLICT, f"name: {error}", "name") from None
        return HTTPStatus.CREATED if new else HTTPStatus.OK, {"channel": name, "acknowledged": _told(known)}

    return once(request.app.state.tokens, caller, key, {"name": name, "reason": wish.reason}, do)


def _shown(way: WayOut, known: Acknowledged | None) -> dict[str, Any]:
    mainland = capability_of(SmsProvider(way.name), "+86") if way.channel is Channel.SMS else None
    return {
        "name": way.name,
        "channel": way.channel,
        "setup": way.setup,
        "leaves_country": way.leaves_country,
        "acknowledged": None if known is None else _told(known),
        "needs_acknowledgement": way.leaves_country and known is None,
        "to_mainland_numbers": mainland,
    }


def _told(known: Acknowledged) -> dict[str, Any]:
    return {"by": known.by, "at": known.at, "reason": known.reason}
