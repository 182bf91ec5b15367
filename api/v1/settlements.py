"""Settlements of departures: computed, kept in versions, confirmed, printed."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.carrying import carried
from api.dependencies import IdempotencyKey, PartsDep, needed, once, own_id
from api.errors import not_found
from api.security import actor_of, allow, scope_of
from api.v1.act_answers import answer
from api.v1.cases import CaseId
from countersign.adapters.database.officers import READERS
from countersign.adapters.database.settlements import Drafter, MoneyView, SettlementView
from countersign.adapters.database.tokens import Caller
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role

router = APIRouter(tags=["departures"])
Reader = Annotated[Caller, Depends(allow(*READERS, Role.FINANCE))]
Finance = Annotated[Caller, Depends(allow(Role.FINANCE))]
Version = Annotated[int, Path(ge=1, le=9999)]
Wish = Annotated[
    dict[str, Any],
    Body(
        description="Amounts in yuan as text. `final_wage`, or `monthly_wage` and `paid_days`; "
        "`personal_insurance`, `tax`; unused leave, severance and deductions where there are any.",
        examples=[{"final_wage": "8000.00", "personal_insurance": "1053.00", "tax": "0"}],
    ),
]


@router.get("/departures/{case_id}/settlements", summary="The settlements of a departure, the newest first")
def settlements(parts: PartsDep, caller: Reader, case_id: CaseId) -> dict[str, Any]:
    """Return every version with its lines, and what is owed now. Amounts are fen."""
    view = _seen(parts, caller, case_id)
    return {
        "departure": case_id,
        "owed": {account.value: fen for account, fen in view.owed.items()},
        "severance": {"due": view.severance.due, "article": view.severance.article},
        "severance_held": view.severance_held,
        "settlements": [_version(one) for one in view.versions],
    }


@router.post("/departures/{case_id}/settlements/preview", summary="What a settlement would hold")
def preview(parts: PartsDep, caller: Finance, case_id: CaseId, wish: Wish) -> dict[str, Any]:
    """Compute a settlement and keep nothing."""
    _seen(parts, caller, case_id)
    sheet = parts.settlements.preview(case_id, wish)
    return dict(sheet.to_json({})["result"])


@router.post("/departures/{case_id}/settlements", status_code=201, summary="Draft a settlement")
def draft(
    parts: PartsDep,
    request: Request,
    caller: Finance,
    case_id: CaseId,
    wish: Wish,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Keep a new version; its calculation stands in the evidence with the versions of its tables."""
    _seen(parts, caller, case_id)

    def do() -> tuple[int, dict[str, Any]]:
        version = parts.settlements.draft(case_id, wish, _drafter(caller))
        url = f"/api/v1/departures/{case_id}/settlements"
        return HTTPStatus.CREATED, {"departure": case_id, "version": version, "url": url}

    return once(request.app.state.tokens, caller, key, {"departure": case_id, "wish": wish}, do)


@router.post(
    "/departures/{case_id}/settlements/{version}/confirm",
    status_code=201,
    summary="Confirm a settlement",
    responses={202: {"description": "Recorded; brought to the running case as soon as that is reached."}},
)
async def confirm(
    parts: PartsDep, caller: Finance, case_id: CaseId, version: Version, key: IdempotencyKey = None
) -> JSONResponse:
    """Confirm the newest version: it is printed and filed, and the running case books its lines."""
    await run_in_threadpool(_seen, parts, caller, case_id)
    act_id = own_id(caller, case_id, "settled", needed(key))[:40]
    taken = await carried(
        parts, lambda: parts.settlements.confirm(case_id, version, act_id, _drafter(caller))
    )
    return answer(taken, same=taken.body == {"version": version}, version=version)


@router.get(
    "/departures/{case_id}/settlements/{version}/sheet",
    summary="A settlement as PDF",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}},
)
def sheet(parts: PartsDep, caller: Reader, case_id: CaseId, version: Version) -> Response:
    """Return the sheet to print and to sign; one that is not confirmed is marked as a draft."""
    _seen(parts, caller, case_id)
    pdf = parts.settlements.pdf(case_id, version)
    if pdf is None:
        raise not_found("settlement")
    name = f"settlement-{case_id}-{version}.pdf"
    return Response(
        pdf, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'}
    )


def _seen(parts: Parts, caller: Caller, case_id: str) -> MoneyView:
    found = parts.settlements.view(scope_of(caller), case_id)
    if found is None:
        raise not_found("departure")
    return found


def _drafter(caller: Caller) -> Drafter:
    actor = actor_of(caller)
    return Drafter(caller.role, actor["id"], actor)


def _version(one: SettlementView) -> dict[str, Any]:
    return {
        "version": one.version,
        "state": one.state,
        "net_fen": one.net_fen,
        "held_fen": one.result["held_fen"],
        "left": one.result["left"],
        "provisional": one.result["provisional"],
        "warnings": one.result["warnings"],
        "lines": one.lines,
        "inputs": one.content["inputs"],
        "tables": one.content["tables"],
        "hash": one.content["hash"],
        "made_at": one.made_at,
        "confirmed_at": one.confirmed_at,
    }
