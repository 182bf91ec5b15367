"""Departures: preview, start, list, read, withdraw, move the last day."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import Field

from api.departing import Doer, move_last_day, withdraw
from api.dependencies import IdempotencyKey, PartsDep, needed, once
from api.errors import not_found
from api.security import actor_of, allow, scope_of
from api.v1.act_answers import answer
from api.v1.cases import CaseId, PageSize, Search, estimate_to_json, text_to_json
from api.v1.models import Choice, Day, Strict, Words
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.departure_previews import DeparturePreview
from countersign.adapters.database.departure_terms import DepartureWish
from countersign.adapters.database.departure_views import DepartureState
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.tokens import Caller
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.case_file import plan_to_json
from countersign.domain.departure import DepartureKind, Ground, ProposedBy

router = APIRouter(tags=["departures"])
Staff = Annotated[Caller, Depends(allow(*STAFF))]
Reader = Annotated[Caller, Depends(allow(*READERS, Role.FINANCE, Role.ADMINISTRATION))]

Named = Annotated[str, Field(min_length=1, max_length=40, pattern=r"\S")]
_Choice = Annotated[Choice, Field(strict=False)]


class DepartureRequest(Strict):
    """Who leaves, how and when. `employee` and `successor` are employee numbers or ids."""

    employee: Named
    kind: Annotated[DepartureKind, Field(strict=False)]
    last_day: Day
    noticed_on: Day
    ground: Annotated[Ground, Field(strict=False)] | None = None
    proposed_by: Annotated[ProposedBy, Field(strict=False)] | None = None
    successor: Named | None = None
    policy: str | dict[str, Any] | None = None
    overdue: dict[str, _Choice] = Field(default={})
    reason: Words | None = None

    def wish(self) -> DepartureWish:
        """Return the domain's words for it."""
        return DepartureWish(
            employee=self.employee,
            kind=self.kind,
            last_day=self.last_day,
            noticed_on=self.noticed_on,
            ground=self.ground,
            proposed_by=self.proposed_by,
            successor=self.successor,
            policy=self.policy,
            overdue={step: choice.value for step, choice in self.overdue.items()},
            reason=self.reason or "",
        )


class WithdrawalRequest(Strict):
    """Why nobody leaves after all."""

    reason: Words


class LastDayRequest(Strict):
    """The new last day, and why it moves."""

    on: Day
    reason: Words


@router.post("/departures/previews", summary="What a departure would start now: dates, items, texts")
def preview(parts: PartsDep, caller: Staff, wish: DepartureRequest) -> dict[str, Any]:
    """Show everything before it happens; nothing is written."""
    return _preview(parts.departures.preview(wish.wish(), scope_of(caller)))


@router.post(
    "/departures",
    status_code=201,
    summary="Start a departure",
    responses={200: {"description": "The same departure had been started before; this is it."}},
)
def start(
    parts: PartsDep, request: Request, caller: Staff, wish: DepartureRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Start a departure with its cases; their processes begin within a second."""

    def do() -> tuple[int, dict[str, Any]]:
        made = parts.departures.start(wish.wish(), actor_of(caller), scope_of(caller))
        answer = {
            "case": made.case_id,
            "statutory_case": made.statutory_case_id,
            "existing": made.existing,
            "url": f"/api/v1/departures/{made.case_id}",
        }
        return HTTPStatus.OK if made.existing else HTTPStatus.CREATED, answer

    return once(request.app.state.tokens, caller, key, wish, do)


@router.get("/departures", summary="Departures, the newest first")
def listing(
    parts: PartsDep,
    caller: Reader,
    state: DepartureState | None = None,
    kind: DepartureKind | None = None,
    branch: Annotated[str | None, Query(max_length=40)] = None,
    search: Search = None,
    limit: PageSize = 50,
    after: Annotated[str | None, Query(max_length=26)] = None,
) -> dict[str, Any]:
    """List departures; `next` continues the list."""
    rows = parts.departure_views.listed(
        scope_of(caller), state=state, kind=kind, branch=branch, search=search, limit=limit, after=after
    )
    return {"departures": rows, "next": rows[-1]["case"] if len(rows) == limit else None}


@router.get("/departures/{case_id}", summary="One departure: its facts, its cases, how far it is")
def read(parts: PartsDep, caller: Reader, case_id: CaseId) -> dict[str, Any]:
    """Read one departure; one of another branch does not exist."""
    return _known(parts, caller, case_id)


@router.post(
    "/departures/{case_id}/withdrawal",
    status_code=201,
    summary="Withdraw a departure: nobody leaves",
    responses={202: {"description": "Recorded; brought to the running case as soon as that is reached."}},
)
async def withdrawal(
    parts: PartsDep, caller: Staff, case_id: CaseId, wish: WithdrawalRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Take a departure back as long as the employment has not ended; what was done stays as history."""
    await run_in_threadpool(_known, parts, caller, case_id)
    return _answer(await withdraw(parts, case_id, _doer(caller, key), wish.reason), {"reason": wish.reason})


@router.post(
    "/departures/{case_id}/last-day",
    status_code=201,
    summary="Move the last day of a departure",
    responses={202: {"description": "Recorded; brought to the running case as soon as that is reached."}},
)
async def last_day(
    parts: PartsDep, caller: Staff, case_id: CaseId, wish: LastDayRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Move the last day; items and duties that are due with it follow."""
    await run_in_threadpool(_known, parts, caller, case_id)
    taken = await move_last_day(parts, case_id, _doer(caller, key), wish.on, wish.reason)
    return _answer(taken, {"reason": wish.reason}, {"on": wish.on.isoformat()})


def _known(parts: Parts, caller: Caller, case_id: str) -> dict[str, Any]:
    found = parts.departure_views.one(scope_of(caller), case_id)
    if found is None:
        raise not_found("departure")
    return found


def _doer(caller: Caller, key: str | None) -> Doer:
    return Doer(caller.role, actor_of(caller)["id"], needed(key))


def _answer(taken: ActView, words: dict[str, str], body: dict[str, str] | None = None) -> JSONResponse:
    return answer(taken, same=taken.words == words and taken.body == (body or {}))


def _preview(shown: DeparturePreview) -> dict[str, Any]:
    return {
        "employee": shown.employee,
        "kind": shown.kind,
        "ground": shown.ground,
        "article": shown.article,
        "proposed_by": shown.proposed_by,
        "needs_notice": shown.needs_notice,
        "policy": shown.policy_version,
        "statutory_policy": shown.statutory_version,
        "existing_case": shown.existing_case,
        "dates": {
            "noticed_on": shown.noticed_on,
            "last_day": shown.last_day,
            "reminders": [{"step": one.step, "at": one.at} for one in shown.dates.reminders],
            "last_day_over": shown.dates.last_day_over,
            "certificate_at": shown.dates.certificate_at,
            "duties": shown.dates.duties,
        },
        "overdue": [{"step": one.step, "planned_at": one.at} for one in shown.overdue],
        "plan": plan_to_json(shown.plan),
        "notice": plan_to_json(shown.notice) if shown.notice else None,
        "items": [
            {
                "track": one.track,
                "reference": one.reference,
                "title": one.title,
                "mandatory": one.mandatory,
                "receiver": one.receiver_number,
            }
            for one in shown.items
        ],
        "receivers": [
            {"employee": one.number, "items": one.items, "plan": plan_to_json(one.plan)}
            for one in shown.receivers
        ],
        "systems": list(shown.systems),
        "balances": dict(shown.balances),
        "missing": list(shown.missing),
        "blocks": [{"field": field, "sentence": sentence} for field, sentence in shown.blocks],
        "warnings": list(shown.warnings),
        "sms": estimate_to_json(shown.sms),
        "texts": [{"process": process, **text_to_json(text)} for process, text in shown.texts],
    }
