"""Evidence handed out, and erased."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse

from api.dependencies import IdempotencyKey, PartsDep, once
from api.errors import Refused, not_found
from api.security import actor_of, allow, scope_of
from api.v1.models import ErasureRequest
from countersign.adapters.database.erasure import CannotErase
from countersign.adapters.database.officers import READERS
from countersign.adapters.database.tokens import Caller
from countersign.contracts.cases import Role

router = APIRouter(tags=["cases"])
CaseId = Annotated[str, Path(min_length=26, max_length=26, pattern="^[0-9A-Z]{26}$")]
Reader = Annotated[Caller, Depends(allow(*READERS))]
Administrator = Annotated[Caller, Depends(allow(Role.SYSTEM_ADMINISTRATOR))]


@router.get("/cases/{case_id}/evidence", response_class=Response, summary="The evidence bundle (ZIP)")
def evidence(
    parts: PartsDep,
    caller: Reader,
    case_id: CaseId,
    redact: bool = False,
    language: Literal["zh-CN", "en"] = "zh-CN",
) -> Response:
    """Export the evidence; `redact` leaves every personal value out, the chain still verifies.

    `language` is that of `timeline.pdf`. What could not be had, such as a timestamp, is told in the header
    `Countersign-Note`.
    """
    scope, actor = scope_of(caller), actor_of(caller)
    made = parts.exporter.export(scope, case_id, actor, redact=redact, language=language)
    if made is None:
        raise not_found("case")
    headers = {"Content-Disposition": f'attachment; filename="evidence-{case_id}.zip"'}
    if made.notes:
        headers["Countersign-Note"] = " ".join(made.notes)
    return Response(made.data, media_type="application/zip", headers=headers)


@router.post("/cases/{case_id}/erasures", status_code=201, summary="Erase a closed case's personal values")
def erase(
    parts: PartsDep,
    request: Request,
    caller: Administrator,
    case_id: CaseId,
    wish: ErasureRequest,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Delete salts, values, texts and files for good; the chain still verifies. A legal hold forbids it."""
    if not parts.views.exists(scope_of(caller), case_id):
        raise not_found("case")

    def do() -> tuple[int, dict[str, Any]]:
        try:
            erased = parts.eraser.erase(case_id, actor_of(caller), wish.reason)
        except CannotErase as error:
            raise Refused(HTTPStatus.CONFLICT, str(error), "case") from None
        return HTTPStatus.CREATED, {"case": case_id, "erased": asdict(erased)}

    return once(request.app.state.tokens, caller, key, [case_id, wish], do)
