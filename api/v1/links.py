"""The links of a case: end one, or move its end."""

from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from api.dependencies import PartsDep
from api.errors import Refused, not_found
from api.security import actor_of, allow, scope_of
from api.v1.models import Instant, Strict, Words
from countersign.adapters.database.links import LinkRefused, LinkState, NoSuchLink
from countersign.adapters.database.officers import STAFF
from countersign.adapters.database.tokens import Caller
from countersign.bootstrap import Parts

router = APIRouter(prefix="/cases/{case_id}/links/{link_id}", tags=["links"])
CaseId = Annotated[str, Path(min_length=26, max_length=26, pattern="^[0-9A-Z]{26}$")]
LinkId = CaseId
Staff = Annotated[Caller, Depends(allow(*STAFF))]


class RevokeRequest(Strict):
    """Why a link must show nothing more; sealed in the evidence."""

    reason: Words


class ExtendRequest(Strict):
    """Until when a link works, in the time of its case, and why."""

    expires_at: Instant
    reason: Words


@router.post("/revoke", summary="Let a link show nothing more")
def revoke(
    parts: PartsDep, caller: Staff, case_id: CaseId, link_id: LinkId, wish: RevokeRequest
) -> dict[str, Any]:
    """Revoke a link. Whoever opens it then sees what an unknown code shows."""
    _see_case(parts, caller, case_id)
    return _changed(lambda: parts.links.revoke(case_id, link_id, wish.reason, actor_of(caller)))


@router.post("/extend", summary="Let a link end at another time")
def extend(
    parts: PartsDep, caller: Staff, case_id: CaseId, link_id: LinkId, wish: ExtendRequest
) -> dict[str, Any]:
    """Move the end of a link; one that has expired works again, one that was revoked does not."""
    _see_case(parts, caller, case_id)
    return _changed(
        lambda: parts.links.extend(case_id, link_id, wish.expires_at, wish.reason, actor_of(caller))
    )


def _see_case(parts: Parts, caller: Caller, case_id: str) -> None:
    if not parts.views.exists(scope_of(caller), case_id):
        raise not_found("case")


def _changed(change: Callable[[], LinkState]) -> dict[str, Any]:
    try:
        return asdict(change())
    except NoSuchLink:
        raise not_found("link") from None
    except LinkRefused as refusal:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal.field else HTTPStatus.CONFLICT
        raise Refused(status, str(refusal), refusal.field) from None
