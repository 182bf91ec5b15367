"""The sub-ledger of employments: read, post, reverse, and what finance decides in a departure."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import Field

from api.carrying import brought
from api.dependencies import IdempotencyKey, PartsDep, needed, once, own_id
from api.errors import Refused, not_found
from api.security import actor_of, allow, scope_of
from api.v1.act_answers import refuse_other_key
from api.v1.cases import CaseId
from api.v1.models import Day, Strict, Words
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.balances import By
from countersign.adapters.database.ledger_desk import HandPosting, PersonLedger
from countersign.adapters.database.ledger_views import AgedDebt
from countersign.adapters.database.officers import READERS
from countersign.adapters.database.tokens import Caller
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.ledger import AccountKind, PostingKind
from countersign.domain.local_time import day_of
from countersign.domain.repayment import MOST_INSTALMENTS, Instalment

router = APIRouter(tags=["ledger"])
Reader = Annotated[Caller, Depends(allow(*READERS, Role.FINANCE, Role.INTEGRATOR))]
Bookkeeper = Annotated[Caller, Depends(allow(Role.FINANCE, Role.INTEGRATOR))]
Finance = Annotated[Caller, Depends(allow(Role.FINANCE))]
Number = Annotated[str, Path(min_length=1, max_length=40)]
PostingId = Annotated[str, Path(min_length=26, max_length=26, pattern="^[0-9A-Z]{26}$")]
OnDay = Annotated[date | None, Query(description="the end of this day; today without it")]
HiredOn = Annotated[date | None, Query(description="which employment; the newest without it")]
Reference = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
ItemId = Annotated[str, Field(min_length=26, max_length=26, pattern="^[0-9A-Z]{26}$")]
NotNegative = Annotated[int, Field(ge=0)]


class PostingRequest(Strict):
    """One posting: money in whole fen; `account` says which balance becomes less, where the kind asks.

    `item` is the handover item whose damage is charged as `equipment`, once and at most its value.
    """

    kind: Annotated[PostingKind, Field(strict=False)]
    amount_fen: int
    booked_on: Day
    account: Annotated[AccountKind | None, Field(strict=False)] = None
    reference: Reference | None = None
    item: ItemId | None = None
    hired_on: Day | None = None


class ReversalRequest(Strict):
    """Why a posting is undone, and from which day on; today without it."""

    reason: Words
    booked_on: Day | None = None


class ConfirmationRequest(Strict):
    """What finance's own books say is owed, in fen; what is left out counts as 0."""

    insurance_advance: NotNegative = 0
    wage_overpaid: NotNegative = 0
    loan: NotNegative = 0
    equipment: NotNegative = 0


class InstalmentRequest(Strict):
    """One payment of a plan."""

    due_on: Day
    amount_fen: int


class PlanRequest(Strict):
    """A plan that the leaver has agreed to; `document` is the signed paper among the case's files.

    Without it the plan is kept and covers nothing; the same plan with it is signed.
    """

    total_fen: int
    instalments: Annotated[list[InstalmentRequest], Field(min_length=1, max_length=MOST_INSTALMENTS)]
    agreed_on: Day
    document: Annotated[str, Field(min_length=26, max_length=26)] | None = None


class WaiverRequest(Strict):
    """Which debt the company gives up, how much of it, and why."""

    account: Annotated[AccountKind, Field(strict=False)]
    amount_fen: int
    reason: Words


@router.get("/employees/{number}/ledger", summary="Balances and postings of an employee at the end of a day")
def read_ledger(
    parts: PartsDep, caller: Reader, number: Number, on: OnDay = None, hired_on: HiredOn = None
) -> dict[str, Any]:
    """Read the ledger; amounts are fen, positive what the employee owes."""
    found = parts.ledger_desk.read(scope_of(caller), number, on, hired_on)
    if found is None:
        raise not_found("employee")
    return ledger_to_json(found)


@router.get("/ledger/ageing", summary="Who owes what, by age of the debt")
def ageing(parts: PartsDep, caller: Reader, on: OnDay = None) -> dict[str, Any]:
    """List every debt at the end of a day; payments go to the oldest debt."""
    day = on or day_of(parts.clock())
    return {"on": day, "debts": [_debt(one) for one in parts.ledger.ageing(caller.branch_id, day)]}


@router.post("/employees/{number}/postings", status_code=201, summary="Post to an employee's ledger")
def post(
    parts: PartsDep,
    request: Request,
    caller: Bookkeeper,
    number: Number,
    wish: PostingRequest,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Book an advance, a loan, a debt for equipment, an overpaid wage, or what was paid or deducted."""
    key = needed(key)
    told = f"api/{own_id(caller, number, 'posting', key)}"

    def do() -> tuple[int, dict[str, Any]]:
        wanted = HandPosting(
            wish.kind, wish.amount_fen, wish.booked_on, wish.account, wish.reference, wish.item
        )
        by, scope = actor_of(caller)["id"], scope_of(caller)
        damaged = parts.ledger_desk.damaged(scope, number, wish.item) if wish.item else None
        hired_on = wish.hired_on if damaged is None else wish.hired_on or damaged.hired_on
        posting_id = parts.ledger_desk.post(scope, number, wanted, told, by, hired_on)
        return HTTPStatus.CREATED, _posted(parts, caller, posting_id, "employee")

    # A field that came later: without it a request is the same as it was before.
    asked = {"employee": number, **wish.model_dump(exclude=None if wish.item else {"item"})}
    return once(request.app.state.tokens, caller, key, asked, do)


@router.post("/postings/{posting_id}/reversal", status_code=201, summary="Undo a posting by its reversal")
def reverse(
    parts: PartsDep,
    request: Request,
    caller: Bookkeeper,
    posting_id: PostingId,
    wish: ReversalRequest,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Book the opposite of a posting; nothing is ever edited."""
    key = needed(key)
    told = f"api/{own_id(caller, posting_id, 'reversal', key)}"

    def do() -> tuple[int, dict[str, Any]]:
        by, scope = actor_of(caller)["id"], scope_of(caller)
        undone = parts.ledger_desk.reverse(scope, posting_id, told, by, wish.reason, wish.booked_on)
        return HTTPStatus.CREATED, _posted(parts, caller, undone, "posting")

    asked = {"posting": posting_id, **wish.model_dump()}
    return once(request.app.state.tokens, caller, key, asked, do)


@router.post(
    "/departures/{case_id}/balances-confirmed", status_code=201, summary="Finance finds the ledger complete"
)
async def confirm_balances(
    parts: PartsDep, caller: Finance, case_id: CaseId, wish: ConfirmationRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Compare what finance sees with the ledger; refused where they differ, both figures named."""
    by = await run_in_threadpool(_by, parts, caller, case_id, "balances", key)
    seen = {AccountKind(name): fen for name, fen in wish.model_dump().items()}
    taken = await run_in_threadpool(parts.balances.confirm, by, seen)
    return await _answer(parts, taken, {kind.value: str(fen) for kind, fen in seen.items()})


@router.post(
    "/departures/{case_id}/repayment-plan", status_code=201, summary="Record a repayment plan that was agreed"
)
async def agree_plan(
    parts: PartsDep, caller: Finance, case_id: CaseId, wish: PlanRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Keep a plan; the gate opens for that much once it is signed. It replaces the plan before."""
    by = await run_in_threadpool(_by, parts, caller, case_id, "plan", key)
    instalments = [Instalment(one.due_on, one.amount_fen) for one in wish.instalments]
    taken = await run_in_threadpool(
        parts.balances.agree_plan,
        by,
        wish.total_fen,
        instalments,
        wish.agreed_on,
        document_id=wish.document,
    )
    spread = ", ".join(f"{one.due_on.isoformat()} {one.amount_fen}" for one in instalments)
    told = {"total_fen": str(wish.total_fen), "instalments": spread, "on": wish.agreed_on.isoformat()}
    told |= {} if wish.document is None else {"document": wish.document}
    return await _answer(parts, taken, told)


@router.post("/departures/{case_id}/waiver", status_code=201, summary="Give up a debt of a leaver")
async def waive(
    parts: PartsDep, caller: Finance, case_id: CaseId, wish: WaiverRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Write a debt off, up to the limit of one person; above it a second person agrees in the console."""
    by = await run_in_threadpool(_by, parts, caller, case_id, "waiver", key)
    taken = await run_in_threadpool(
        parts.balances.waive, by, wish.account, wish.amount_fen, wish.reason.strip()
    )
    told = {"account": wish.account.value, "amount_fen": str(wish.amount_fen), "reason": wish.reason.strip()}
    return await _answer(parts, taken, told)


def _by(parts: Parts, caller: Caller, case_id: str, what: str, key: str | None) -> By:
    """Return who acts, once it is known that they may see the departure."""
    if parts.balances.view(case_id, scope_of(caller)) is None:
        raise not_found("departure")
    act_id = own_id(caller, case_id, what, needed(key))[:40]
    return By(act_id, case_id, caller.role, actor_of(caller)["id"])


async def _answer(parts: Parts, taken: ActView, told: dict[str, str]) -> JSONResponse:
    known = taken.body | taken.words
    if any(known.get(name) != value for name, value in told.items()):
        raise refuse_other_key()
    taken = await brought(parts, taken)
    if taken.state in {"late", "refused"}:
        raise Refused(HTTPStatus.CONFLICT, taken.sentence or taken.state, "case", act=taken.id)
    # What the act does is in the books already; the case is told of it.
    answer = {"act": taken.id, "state": taken.state, "says": "in effect", "fingerprint": taken.fingerprint}
    return JSONResponse(answer, HTTPStatus.CREATED)


def _posted(parts: Parts, caller: Caller, posting_id: str | None, what: str) -> dict[str, Any]:
    found = None if posting_id is None else parts.ledger_desk.line(scope_of(caller), posting_id)
    if found is None:
        raise not_found(what)
    owner, _ = found
    # The answer is remembered under its key: amounts stand in the ledger alone.
    return {"posting": posting_id, "url": f"/api/v1/employees/{owner.number}/ledger"}


def ledger_to_json(found: PersonLedger) -> dict[str, Any]:
    """Return an employment's ledger; amounts are fen, positive what the employee owes."""
    return {
        "employee": {"number": found.owner.number},
        "employment": {"hired_on": found.owner.hired_on, "ended_on": found.owner.ended_on},
        "departure": found.owner.departure_id,
        "on": found.on,
        "balances": found.balances,
        "owed_fen": found.owed_fen,
        "due_fen": found.due_fen,
        "ages": found.by_age,
        "postings": [
            {
                "posting": one.posting_id,
                "kind": one.kind,
                "booked_on": one.booked_on,
                "posted_at": one.posted_at,
                "posted_by": one.posted_by,
                "reference": one.reference,
                "case": one.case_id,
                "document": one.document_id,
                "reverses": one.reverses_id,
                "reversed_by": one.reversed_by,
                "account": one.account,
                "against": one.against,
                "amount_fen": one.amount_fen,
                "balance_fen": one.balance_fen,
            }
            for one in found.lines
        ],
    }


def _debt(one: AgedDebt) -> dict[str, Any]:
    return {
        "employee": {"number": one.number, "name": one.name},
        "account": one.account,
        "total_fen": one.total_fen,
        "ages": one.by_age,
    }
