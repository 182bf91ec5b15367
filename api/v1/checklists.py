"""Checklists of a departure: accounts to shut, open tasks, people who report to the leaver."""

import hashlib
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import Field

from api.carrying import carried
from api.checking_off import Ticker
from api.dependencies import IdempotencyKey, PartsDep, needed
from api.errors import not_found
from api.security import actor_of, allow, scope_of
from api.v1.act_answers import answer
from api.v1.cases import CaseId
from api.v1.models import Strict, Words
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.checklist_views import ChecklistsView
from countersign.adapters.database.checklists import MOST_TASKS, ChecklistAct, ListedTask
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.tokens import Caller
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.checklists import TOLD, AccessState

router = APIRouter(tags=["departures"])
Reader = Annotated[Caller, Depends(allow(*READERS, Role.ADMINISTRATION, Role.INTEGRATOR))]
Revoker = Annotated[Caller, Depends(allow(*STAFF, Role.ADMINISTRATION, Role.INTEGRATOR))]
Lister = Annotated[Caller, Depends(allow(*STAFF, Role.INTEGRATOR))]
Mover = Annotated[Caller, Depends(allow(*STAFF))]
Named = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
Number = Annotated[str, Field(min_length=1, max_length=40, pattern=r"\S")]
_RECORDED: dict[int | str, dict[str, Any]] = {
    202: {"description": "In effect; the running case hears of it as soon as it is reached."}
}


class RevocationRequest(Strict):
    """What became of the accounts in one or several systems; `failed` needs a reason."""

    systems: Annotated[list[Named], Field(min_length=1, max_length=100)]
    state: Annotated[AccessState, Field(strict=False, description=f"one of {', '.join(TOLD)}")]
    reason: Words | None = None


class GivenBackRequest(Strict):
    """Which accounts were given back after a withdrawal."""

    systems: Annotated[list[Named], Field(min_length=1, max_length=100)]


class TaskRequest(Strict):
    """A task or an approval that waits for the leaver in another system."""

    system: Named
    reference: Named
    title: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


class TasksRequest(Strict):
    """The open tasks of a leaver, 500 at most."""

    tasks: Annotated[list[TaskRequest], Field(min_length=1, max_length=500)]


class MoveRequest(Strict):
    """Which tasks pass on, by their ids, and to whom; without ids all, without `to` the successor."""

    tasks: Annotated[list[Annotated[str, Field(max_length=26)]], Field(max_length=MOST_TASKS)] = Field(
        default_factory=list
    )
    to: Number | None = None


class TeamRequest(Strict):
    """To whom the leaver's reports report from now on; without `to` the successor."""

    to: Number | None = None


@router.get("/departures/{case_id}/checklists", summary="Accounts to shut, open tasks, reports of a leaver")
def read(parts: PartsDep, caller: Reader, case_id: CaseId) -> dict[str, Any]:
    """Read the checklists; a departure of another branch does not exist."""
    view = asdict(_known(parts, caller, case_id))
    del view["branch_id"]
    return view


@router.post(
    "/departures/{case_id}/revocations",
    status_code=201,
    summary="Say what became of the leaver's accounts",
    responses=_RECORDED,
)
async def revoke(
    parts: PartsDep, caller: Revoker, case_id: CaseId, wish: RevocationRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Keep a state for each system named, as one act."""
    await run_in_threadpool(_known, parts, caller, case_id)
    act = _act(caller, key, case_id, "revoked", wish)
    reason = (wish.reason or "").strip()
    taken = await carried(parts, lambda: parts.checklists.revoked(act, wish.systems, wish.state, reason))
    return _answer(taken, act)


@router.post("/departures/{case_id}/given-back", summary="Say that accounts are back after a withdrawal")
def give_back(parts: PartsDep, caller: Revoker, case_id: CaseId, wish: GivenBackRequest) -> dict[str, Any]:
    """Keep that accounts were given back; the same ones again change nothing."""
    _known(parts, caller, case_id)
    actor = actor_of(caller)
    parts.checklists.given_back(case_id, [one.strip() for one in wish.systems], actor["id"], actor)
    return read(parts, caller, case_id)


@router.post("/departures/{case_id}/open-tasks", summary="List the leaver's open tasks of other systems")
def list_tasks(parts: PartsDep, caller: Lister, case_id: CaseId, wish: TasksRequest) -> dict[str, Any]:
    """Keep open tasks and approvals; the same ones again change nothing."""
    _known(parts, caller, case_id)
    tasks = [ListedTask(one.system.strip(), one.reference.strip(), one.title.strip()) for one in wish.tasks]
    new, known = parts.checklists.list_tasks(case_id, tasks, actor_of(caller))
    return {"new": new, "known": known}


@router.post(
    "/departures/{case_id}/open-tasks/moves",
    status_code=201,
    summary="Pass open tasks on to the successor or to somebody named",
    responses=_RECORDED,
)
async def move(
    parts: PartsDep, caller: Mover, case_id: CaseId, wish: MoveRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Pass tasks on; who had each and who has it stands in the evidence."""
    await run_in_threadpool(_known, parts, caller, case_id)
    act = _act(caller, key, case_id, "tasks", wish)
    taken = await carried(parts, partial(parts.checklists.move_tasks, act, wish.tasks, wish.to))
    return _answer(taken, act)


@router.post(
    "/departures/{case_id}/team",
    status_code=201,
    summary="Let the leaver's reports report to the successor or to somebody named",
    responses=_RECORDED,
)
async def team(
    parts: PartsDep, caller: Mover, case_id: CaseId, wish: TeamRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Write the new superior of everybody who reports to the leaver."""
    await run_in_threadpool(_known, parts, caller, case_id)
    act = _act(caller, key, case_id, "team", wish)
    return _answer(await carried(parts, partial(parts.checklists.move_team, act, wish.to)), act)


def _known(parts: Parts, caller: Caller, case_id: str) -> ChecklistsView:
    found = parts.checklists.view(case_id, scope_of(caller))
    if found is None:
        raise not_found("departure")
    return found


def _act(caller: Caller, key: str | None, case_id: str, what: str, wish: Strict) -> ChecklistAct:
    ticker = Ticker(caller.role, actor_of(caller)["id"], needed(key))
    return ticker.act(case_id, what, hashlib.sha256(wish.model_dump_json().encode()).hexdigest())


def _answer(taken: ActView, act: ChecklistAct) -> JSONResponse:
    return answer(taken, same=taken.body.get("asked", act.asked) == act.asked)
