"""Who held the ball of a case, for how long, against which deadline."""

from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime

from api.dependencies import PartsDep
from api.errors import Refused, not_found
from api.security import allow, scope_of
from api.v1.cases import CaseId
from countersign.adapters.database.officers import READERS
from countersign.adapters.database.tokens import Caller
from countersign.domain.responsibility import NoClock, responsibility
from countersign.domain.responsibility_words import explain

router = APIRouter(tags=["cases"])
Reader = Annotated[Caller, Depends(allow(*READERS))]
AsOf = Annotated[AwareDatetime | None, Query(description="the table of that instant, with offset")]


class Language(StrEnum):
    """The languages in which the table is told."""

    ZH_CN = "zh-CN"
    EN = "en"


@router.get(
    "/cases/{case_id}/responsibility", response_class=Response, summary="Who held the ball, and how long"
)
def clock(
    parts: PartsDep,
    caller: Reader,
    case_id: CaseId,
    as_of: AsOf = None,
    language: Annotated[Language | None, Query(alias="explain")] = None,
) -> Response:
    """Return the table as canonical JSON, the same bytes as from the bundle; with `explain` in sentences."""
    events = parts.views.chain(scope_of(caller), case_id)
    if events is None:
        raise not_found("case")
    try:
        table = responsibility(events, parts.calendar(), as_of)
    except NoClock as refusal:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(refusal), "as_of") from None
    if language is None:
        return Response(table.to_bytes(), media_type="application/json")
    return Response("\n".join(explain(table, language)) + "\n", media_type="text/plain; charset=utf-8")
