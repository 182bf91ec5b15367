"""Signed papers on which people name their addresses for service."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.dependencies import IdempotencyKey, PartsDep, needed, once, own_id
from api.errors import Refused, not_found
from api.security import actor_of, allow
from api.v1.forms import described, keep, read_form
from api.v1.models import ConsentForm
from countersign.adapters.database.consents import ConsentRefused
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.tokens import Caller

router = APIRouter(tags=["people"])
Reader = Annotated[Caller, Depends(allow(*READERS))]
Staff = Annotated[Caller, Depends(allow(*STAFF))]
Number = Annotated[str, Path(min_length=1, max_length=40)]


@router.post(
    "/people/{person_number}/consents",
    status_code=201,
    summary="Keep a signed consent to addresses and electronic delivery",
    openapi_extra=described(ConsentForm, file_needed=True),
)
async def record(
    parts: PartsDep, request: Request, caller: Staff, person_number: Number, key: IdempotencyKey = None
) -> JSONResponse:
    """Keep what a person has signed; every notice from now on cites the newest one."""
    key = needed(key)
    if not await run_in_threadpool(parts.consents.has_person, person_number, caller.branch_id):
        raise not_found("employee")
    form, sent = await read_form(request, ConsentForm, parts.settings.upload_limit_bytes)
    if sent is None:
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY, "file: add the signed paper, a photo or a PDF.", "file"
        )
    told = own_id(caller, person_number, "consent", key)[:26]

    def do() -> tuple[int, dict[str, Any]]:
        file, by = keep(parts, sent), actor_of(caller)
        try:
            kept = parts.consents.record(
                told, person_number, form.consent(), file, f"{by['role']} {by['id']}"
            )
        except ConsentRefused as refusal:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(refusal), refusal.field) from None
        return HTTPStatus.CREATED, kept

    asked = {"person": person_number, **form.model_dump(), "file": sent.sha256}
    return await run_in_threadpool(once, request.app.state.tokens, caller, key, asked, do)


@router.get("/people/{person_number}/consents", summary="What a person has signed, the newest first")
def listing(parts: PartsDep, caller: Reader, person_number: Number) -> dict[str, Any]:
    """List the signed consents; `counts` marks the one that notices cite."""
    if not parts.consents.has_person(person_number, caller.branch_id):
        raise not_found("employee")
    return {"consents": parts.consents.listing(person_number)}
