"""Cases: preview, start, list, read, act, evidence."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.carrying import carried
from api.dependencies import IdempotencyKey, PartsDep, needed, once, own_id
from api.errors import Refused, not_found
from api.security import actor_of, allow, scope_of
from api.v1.act_answers import answer
from api.v1.models import ActRequest, EstimateRequest, StartRequest
from countersign.adapters.database.acts import ActView, NewAct
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.sifting import PreviewText
from countersign.adapters.database.starts import CannotStart, StartPreview, StartWish
from countersign.adapters.database.tokens import Caller
from countersign.bootstrap import Parts
from countersign.contracts.cases import ActKind, CaseState, Role
from countersign.domain.case_file import plan_to_json
from countersign.domain.sms_cost import SmsEstimate, together

router = APIRouter(tags=["cases"])
CaseId = Annotated[str, Path(min_length=26, max_length=26, pattern="^[0-9A-Z]{26}$")]
PageSize = Annotated[int, Query(ge=1, le=500)]
Search = Annotated[str | None, Query(max_length=100, description="part of a name or employee number")]
Staff = Annotated[Caller, Depends(allow(*STAFF))]
Reader = Annotated[Caller, Depends(allow(*READERS))]
Everyday = Annotated[Caller, Depends(allow(*READERS, Role.INTEGRATOR))]


@router.post("/previews", summary="What a start would do now: dates, recipients, texts, what is missing")
def preview(parts: PartsDep, caller: Staff, wish: StartRequest) -> dict[str, Any]:
    """Show everything before it happens; nothing is written."""
    _see_leave(parts, caller, wish.leave)
    return _preview(parts.starts.preview(wish.wish()))


@router.post("/estimates", summary="What a bulk start would send: texts, segments and cost")
def estimate(parts: PartsDep, caller: Staff, wish: EstimateRequest) -> dict[str, Any]:
    """Add up the texts that every one of these people would get who stays silent to the end."""
    rows: list[dict[str, Any]] = []
    planned: list[SmsEstimate] = []
    for leave in dict.fromkeys(wish.leaves):
        _see_leave(parts, caller, leave)
        try:
            shown = parts.starts.preview(StartWish(leave, wish.policy))
            if shown.existing_case is not None:
                raise CannotStart("leave", f"leave: its case exists already: {shown.existing_case}")
        except CannotStart as refusal:
            rows.append({"leave": leave, "blocks": [{"field": refusal.field, "sentence": str(refusal)}]})
            continue
        blocks = [{"field": field, "sentence": sentence} for field, sentence in shown.blocks]
        rows.append({"leave": leave, "blocks": blocks, "sms": estimate_to_json(shown.sms)})
        planned.append(shown.sms)
    return {"leaves": rows, "sms": estimate_to_json(together(planned))}


@router.post("/cases", status_code=201, summary="Start a leave-return case")
def start(
    parts: PartsDep, request: Request, caller: Staff, wish: StartRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Start a case; the process itself begins within a second."""
    _see_leave(parts, caller, wish.leave)

    def do() -> tuple[int, dict[str, Any]]:
        case_id = parts.starts.start(wish.wish(), actor_of(caller))
        return HTTPStatus.CREATED, {"case": case_id, "url": f"/api/v1/cases/{case_id}"}

    return once(request.app.state.tokens, caller, key, wish, do)


@router.get("/cases", summary="Cases, the newest first")
def list_cases(
    parts: PartsDep,
    caller: Everyday,
    state: CaseState | None = None,
    stage: Annotated[str | None, Query(max_length=40)] = None,
    holder: Role | None = None,
    search: Search = None,
    limit: PageSize = 50,
    after: Annotated[str | None, Query(max_length=26)] = None,
) -> dict[str, Any]:
    """List cases; `next` continues the list."""
    rows = parts.views.cases(
        scope_of(caller), state=state, stage=stage, holder=holder, search=search, limit=limit, after=after
    )
    return {"cases": rows, "next": rows[-1]["id"] if len(rows) == limit else None}


@router.get("/cases/{case_id}", summary="One case with its plan, deliveries and timeline")
def read_case(parts: PartsDep, caller: Reader, case_id: CaseId) -> dict[str, Any]:
    """Read one case; a case of another branch does not exist."""
    found = parts.views.case(scope_of(caller), case_id)
    if found is None:
        raise not_found("case")
    return found


@router.post(
    "/cases/{case_id}/acts",
    status_code=201,
    summary="Act in a case",
    responses={202: {"description": "Recorded; brought to the running case as soon as that is reached."}},
)
async def act(
    parts: PartsDep, caller: Staff, case_id: CaseId, wish: ActRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Commit an act, then bring it to the running case; the answer says what became of it."""
    if not await run_in_threadpool(parts.views.exists, scope_of(caller), case_id):
        raise not_found("case")
    key = needed(key)
    await run_in_threadpool(check_papers, parts, case_id, wish)
    new = _new_act(caller, case_id, wish, key)
    taken = await carried(parts, lambda: parts.acts.take(new))
    return _answer(taken, wish)


def _see_leave(parts: Parts, caller: Caller, leave_id: str) -> None:
    if not parts.views.leave_in_scope(scope_of(caller), leave_id):
        raise Refused(
            HTTPStatus.NOT_FOUND, "leave: there is no such leave here; see GET /api/v1/leaves.", "leave"
        )


def check_papers(parts: Parts, case_id: str, wish: ActRequest) -> None:
    """Refuse a tracking number of somebody else's letter, and a document that the case does not have."""
    if wish.tracking_number is not None and wish.happened_at is not None:
        why = parts.letters.why_not_posted_under(case_id, wish.tracking_number, wish.happened_at)
        if why is not None:
            raise Refused(HTTPStatus.CONFLICT, why, "tracking_number")
    if wish.document is not None and not parts.manual_evidence.has_document(case_id, wish.document):
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "document: the case has no such document; add it first as manual evidence.",
            "document",
        )


def _new_act(caller: Caller, case_id: str, wish: ActRequest, key: str) -> NewAct:
    actor = actor_of(caller)
    return NewAct(
        id=own_id(caller, case_id, wish.act.value, key)[:40],
        case_id=case_id,
        kind=ActKind(wish.act.value),
        role=caller.role,
        actor=actor["id"],
        body=wish.body(),
        words=wish.words(),
    )


def _answer(taken: ActView, wish: ActRequest) -> JSONResponse:
    same = taken.body == wish.body() and taken.words == wish.words()
    if taken.state == "waiting":
        says = f"recorded at {taken.at.isoformat(timespec='seconds')}, being processed"
        return answer(taken, same, says=says)
    return answer(taken, same)


def estimate_to_json(sms: SmsEstimate) -> dict[str, Any]:
    """Return an estimate; money is fen, null with the reason where a price is missing."""
    return {
        "messages": sms.messages,
        "segments": sms.segments,
        "cost_fen": sms.cost_fen,
        "because": sms.because,
    }


def text_to_json(text: PreviewText) -> dict[str, Any]:
    """Return a message of a preview, as it would go out."""
    return {
        "step": text.step,
        "audience": text.audience,
        "channel": text.channel,
        "recipient": text.recipient,
        "address": text.address,
        "title": text.title,
        "text": text.text,
    }


def _preview(shown: StartPreview) -> dict[str, Any]:
    dates = shown.dates
    return {
        "leave": shown.leave_id,
        "existing_case": shown.existing_case,
        "dates": {
            "remind_at": dates.remind_at,
            "return_day": dates.return_day,
            "back_until": dates.back_until,
            "notice_at": dates.notice_at,
            "target": {"by": dates.target_by, "met": dates.target_met, "why": dates.target_why},
        },
        "plan": plan_to_json(shown.plan),
        "overdue": [{"step": one.step, "planned_at": one.planned_at} for one in shown.overdue],
        "missing": list(shown.missing),
        "blocks": [{"field": field, "sentence": sentence} for field, sentence in shown.blocks],
        "warnings": list(shown.warnings),
        "sms": estimate_to_json(shown.sms),
        "texts": [text_to_json(text) for text in shown.texts],
    }
