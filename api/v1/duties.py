"""Statutory duties at the end of an employment, delivery of the notice in person, and true states."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import IdempotencyKey, PartsDep, needed, own_id
from api.duty_acts import DutyWord, record_duty, record_service
from api.errors import not_found
from api.security import actor_of, allow, scope_of
from api.v1.act_answers import answer
from api.v1.cases import CaseId
from api.v1.forms import described, keep, read_form
from api.v1.models import Day, Strict, Words
from countersign.adapters.database.duty_book import DutyAct, ServedAct
from countersign.adapters.database.duty_reports import DepartureDuties, duty_row
from countersign.adapters.database.employment_book import EmploymentView
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.service_book import ServiceFact
from countersign.adapters.database.tokens import Caller
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.departure import DutyKind
from countersign.domain.service import WHY_NOT, Weak

router = APIRouter()
Staff = Annotated[Caller, Depends(allow(*STAFF))]
Doer = Annotated[Caller, Depends(allow(*STAFF, Role.FINANCE))]
Reader = Annotated[Caller, Depends(allow(*READERS, Role.FINANCE))]
Truth = Annotated[Caller, Depends(allow(*READERS, Role.FINANCE, Role.INTEGRATOR))]
Pusher = Annotated[Caller, Depends(allow(*STAFF, Role.INTEGRATOR))]
Number = Annotated[str, Path(min_length=1, max_length=40)]
_RECORDED = {202: {"description": "Recorded; brought to the running case as soon as that is reached."}}


class DutyForm(BaseModel):
    """What is said of a duty; all fields are text of a form. `reference` is what proves it, sealed."""

    model_config = ConfigDict(extra="forbid")

    reference: Annotated[str, Field(max_length=200)] | None = None
    reason: Words | None = None


class ServiceForm(BaseModel):
    """The notice was handed over in person; all fields are text of a form."""

    model_config = ConfigDict(extra="forbid")

    on: Day
    witness: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


class CalledRequest(Strict):
    """From when a contract system calls the employment suspended; null when it no longer does."""

    suspended_since: Day | None


@router.get("/duties/overdue", tags=["duties"], summary="Statutory duties that are late, the latest first")
def overdue(
    parts: PartsDep, caller: Reader, branch: Annotated[str | None, Query(max_length=40)] = None
) -> dict[str, Any]:
    """List late duties from the database alone, also where no process ever ran."""
    asked = scope_of(caller).narrowed(branch)
    return {"duties": [duty_row(line) for line in parts.duty_reports.overdue(asked)]}


@router.get("/departures/{case_id}/duties", tags=["duties"], summary="The duties of one departure")
def of_departure(parts: PartsDep, caller: Reader, case_id: CaseId) -> dict[str, Any]:
    """Read the duties, from when the notice counts as delivered, and why weaker facts do not count."""
    return _told(_known(parts, caller, case_id))


@router.post(
    "/departures/{case_id}/duties/{kind}/{word}",
    tags=["duties"],
    status_code=201,
    summary="Record a duty as ordered, done or failed",
    responses=_RECORDED,  # type: ignore[arg-type]
    openapi_extra=described(DutyForm, file_needed=False),
)
async def say(
    parts: PartsDep,
    request: Request,
    caller: Doer,
    case_id: CaseId,
    kind: DutyKind,
    word: DutyWord,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Keep what became of a duty; nobody can set one as blocked."""
    key = needed(key)
    await run_in_threadpool(_known, parts, caller, case_id)
    form, sent = await read_form(request, DutyForm, parts.settings.upload_limit_bytes)
    file = None if sent is None else await run_in_threadpool(keep, parts, sent)
    act_id = own_id(caller, case_id, f"duty/{kind}/{word}", key)[:40]
    actor = actor_of(caller)["id"]
    act = DutyAct(act_id, case_id, kind, caller.role, actor, form.reference, form.reason, file)
    words = {"reference": form.reference, "reason": form.reason}
    taken = await record_duty(parts, word, act)
    return answer(taken, same=taken.words == {name: text for name, text in words.items() if text})


@router.post(
    "/departures/{case_id}/service",
    tags=["duties"],
    status_code=201,
    summary="Record that the notice was handed over in person",
    responses=_RECORDED,  # type: ignore[arg-type]
    openapi_extra=described(ServiceForm, file_needed=False),
)
async def service(
    parts: PartsDep, request: Request, caller: Staff, case_id: CaseId, key: IdempotencyKey = None
) -> JSONResponse:
    """Keep on which day and before which witness the notice was handed over."""
    key = needed(key)
    await run_in_threadpool(_known, parts, caller, case_id)
    form, sent = await read_form(request, ServiceForm, parts.settings.upload_limit_bytes)
    file = None if sent is None else await run_in_threadpool(keep, parts, sent)
    act_id, actor = own_id(caller, case_id, "service", key)[:40], actor_of(caller)["id"]
    act = ServedAct(act_id, case_id, caller.role, actor, form.on, form.witness, file)
    taken = await record_service(parts, act)
    return answer(
        taken, same=taken.words == {"witness": form.witness} and taken.body.get("on") == form.on.isoformat()
    )


@router.get("/employees/{number}/employment", tags=["people"], summary="What an employment is in truth")
def employment(parts: PartsDep, caller: Truth, number: Number) -> dict[str, Any]:
    """Read the true state: it ends with the delivered notice or on the agreed day, whatever is open."""
    found = parts.employments.read(scope_of(caller), number)
    if found is None:
        raise not_found("employment")
    return employment_row(found)


@router.put("/employees/{number}/employment", tags=["people"], summary="Say what a contract system calls it")
def call(parts: PartsDep, caller: Pusher, number: Number, wish: CalledRequest) -> dict[str, Any]:
    """Keep that a system calls the employment suspended; that ends nothing, and soon is an alarm."""
    found = parts.employments.call(scope_of(caller), number, wish.suspended_since, actor_of(caller))
    if found is None:
        raise not_found("employment")
    return employment_row(found)


def employment_row(found: EmploymentView) -> dict[str, Any]:
    """Return an employment as the API tells it."""
    true = found.true
    return {
        "employee": found.number,
        "employment": found.employment_id,
        "hired_on": found.hired_on,
        "state": true.state.value,
        "since": true.since,
        "ground": None if true.ground is None else true.ground.value,
        "basis": found.basis,
        "ends_on": true.ends_on,
        "called_suspended_since": true.called_suspended_since,
        "alarm": None if found.alarm is None else found.alarm.value,
        "departure": found.departure_id,
    }


def _known(parts: Parts, caller: Caller, case_id: str) -> DepartureDuties:
    found = parts.duty_reports.of_departure(scope_of(caller), case_id)
    if found is None:
        raise not_found("departure")
    return found


def _told(found: DepartureDuties) -> dict[str, Any]:
    return {
        "departure": found.case_id,
        "statutory_case": found.statutory_case_id,
        "employee": found.number,
        "last_day": found.last_day,
        "needs_notice": found.needs_notice,
        "served_on": found.served_on,
        "served_how": found.served_how,
        "ended_on": found.ended_on,
        "contract_term": {"zh-CN": found.contract[0], "en": found.contract[1]},
        "withdrawn": found.withdrawn,
        "duties": [{**duty_row(one), "reference": one.reference} for one in found.duties],
        "service": [_fact(one) for one in found.facts],
        "papers": [
            {"id": one.id, "kind": one.kind, "sha256": one.sha256, "created_at": one.created_at}
            for one in found.papers
        ],
    }


def _fact(one: ServiceFact) -> dict[str, Any]:
    told: dict[str, Any] = {"delivery": one.delivery_id, "act": one.act_id, "counts": False}
    worth = one.worth
    if isinstance(worth, Weak):
        return {**told, "why_not": worth.value, "says": WHY_NOT[worth]}
    how = {"how": worth.how.value, "strength": worth.strength.value, "basis": worth.basis}
    return {**told, "counts": True, "served_on": worth.on, **how}
