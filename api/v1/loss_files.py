"""The loss file of a departure as a ZIP, for a claim."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from api.dependencies import PartsDep
from api.errors import not_found
from api.security import actor_of, allow, scope_of
from api.v1.cases import CaseId
from countersign.adapters.database.officers import READERS
from countersign.adapters.database.tokens import Caller
from countersign.domain.levels import ZH

router = APIRouter(tags=["departures"])
Reader = Annotated[Caller, Depends(allow(*READERS))]
Language = Annotated[str, Query(pattern="^(zh-CN|en)$", description="the language of cover and accounts")]


@router.get(
    "/departures/{case_id}/loss-file",
    summary="What is open with its value, every notice about it, and the evidence, as a ZIP",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}},
)
def loss_file(parts: PartsDep, caller: Reader, case_id: CaseId, language: Language = ZH) -> Response:
    """Make the file; that its bundles were taken stands in the chain of each case."""
    made = parts.loss_files.make(scope_of(caller), case_id, actor_of(caller), language)
    if made is None:
        raise not_found("departure")
    headers = {"Content-Disposition": f'attachment; filename="loss-file-{case_id}.zip"'}
    return Response(made.data, media_type="application/zip", headers=headers)
