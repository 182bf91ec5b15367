"""Notices as pages to print."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.dependencies import PartsDep
from api.errors import Refused, not_found
from api.security import allow, scope_of
from api.v1.cases import CaseId
from countersign.adapters.database.officers import READERS
from countersign.adapters.database.tokens import Caller
from countersign.adapters.paper import Unprintable

router = APIRouter(tags=["cases"])
NoticeId = CaseId
Reader = Annotated[Caller, Depends(allow(*READERS))]


@router.get(
    "/cases/{case_id}/notices/{notice_id}/paper", response_class=Response, summary="A notice as PDF to print"
)
def paper(parts: PartsDep, caller: Reader, case_id: CaseId, notice_id: NoticeId) -> Response:
    """Return the notice as PDF/A-2b, the same bytes every time; that of a letter stands in the evidence."""
    try:
        pdf = parts.papers.pdf(scope_of(caller), case_id, notice_id)
    except Unprintable as fault:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"paper: {fault}", "paper") from None
    if pdf is None:
        raise not_found("notice")
    name = f'inline; filename="notice-{notice_id}.pdf"'
    return Response(pdf, media_type="application/pdf", headers={"Content-Disposition": name})
