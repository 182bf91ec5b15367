"""Evidence entered by hand: calls, visits, screenshots."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.dependencies import IdempotencyKey, PartsDep, needed, once, own_id
from api.errors import Refused, not_found
from api.security import actor_of, allow, scope_of
from api.v1.cases import CaseId
from api.v1.forms import described, keep, read_form
from api.v1.models import ManualEvidenceForm
from countersign.adapters.database.manual_evidence import (
    BY_HAND,
    CaseErased,
    ManualKind,
    ManualRefused,
    NewManual,
)
from countersign.adapters.database.officers import STAFF
from countersign.adapters.database.tokens import Caller

router = APIRouter(tags=["cases"])
Staff = Annotated[Caller, Depends(allow(*STAFF))]


def lacking(form: ManualEvidenceForm, *, with_file: bool) -> tuple[str, str] | None:
    """Return what a kind of evidence cannot go without: the field, and why; None when nothing lacks."""
    if form.kind is ManualKind.SCREENSHOT and not with_file:
        return "file", "a screenshot needs its picture"
    if form.kind is ManualKind.VISIT and form.witness is None:
        return "witness", "a visit needs a witness; give the name of who else was there"
    return None


@router.post(
    "/cases/{case_id}/manual-evidence",
    status_code=201,
    summary="Put a call, a visit or a screenshot on the chain",
    openapi_extra=described(ManualEvidenceForm, file_needed=False),
)
async def manual_evidence(
    parts: PartsDep, request: Request, caller: Staff, case_id: CaseId, key: IdempotencyKey = None
) -> JSONResponse:
    """Keep what somebody did or saw, marked as entered by hand; it is no act and moves nothing."""
    key = needed(key)
    if not await run_in_threadpool(parts.views.exists, scope_of(caller), case_id):
        raise not_found("case")
    form, sent = await read_form(request, ManualEvidenceForm, parts.settings.upload_limit_bytes)
    if (lack := lacking(form, with_file=sent is not None)) is not None:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"{lack[0]}: {lack[1]}.", lack[0])
    told = own_id(caller, case_id, "manual", key)[:26]

    def do() -> tuple[int, dict[str, Any]]:
        file = None if sent is None else keep(parts, sent)
        new = NewManual(
            told, case_id, form.kind, form.result, form.happened_at, form.words, form.witness, file
        )
        try:
            parts.manual_evidence.add(new, actor_of(caller))
        except CaseErased as refusal:
            raise Refused(HTTPStatus.CONFLICT, str(refusal), "case") from None
        except ManualRefused as refusal:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(refusal), refusal.field) from None
        return HTTPStatus.CREATED, {"id": told, "says": BY_HAND, "sha256": file.sha256 if file else None}

    asked = {"case": case_id, **form.model_dump(), "file": None if sent is None else sent.sha256}
    return await run_in_threadpool(once, request.app.state.tokens, caller, key, asked, do)
