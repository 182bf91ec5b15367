"""What waits, what is wrong, and what can be started."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.concurrency import run_in_threadpool

from api.dependencies import PartsDep
from api.errors import Refused
from api.security import allow, scope_of
from api.v1.cases import PageSize, Search
from api.v1.models import PunchRequest
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.tokens import Caller
from countersign.contracts.cases import Role

router = APIRouter()
Reader = Annotated[Caller, Depends(allow(*READERS))]
Holder = Annotated[Caller, Depends(allow(*READERS, Role.MANAGER, Role.FINANCE, Role.ADMINISTRATION))]
Pusher = Annotated[Caller, Depends(allow(*STAFF, Role.INTEGRATOR))]


@router.get("/leaves", tags=["people"], summary="Leaves that can be started or have a case")
def leaves(
    parts: PartsDep,
    caller: Reader,
    search: Search = None,
    limit: PageSize = 50,
    after: Annotated[str | None, Query(max_length=26)] = None,
) -> dict[str, Any]:
    """List leaves; `next` continues the list."""
    rows = parts.views.leaves(scope_of(caller), search, limit, after)
    return {"leaves": rows, "next": rows[-1]["id"] if len(rows) == limit else None}


@router.get("/tasks", tags=["tasks"], summary="Open tasks, the most urgent first")
def tasks(
    parts: PartsDep, caller: Holder, holder: Role | None = None, limit: PageSize = 100
) -> dict[str, Any]:
    """List what waits for whom; a role that is no reader of cases sees its own tasks only."""
    own = None if caller.role in READERS else caller.role
    return {"tasks": parts.views.tasks(scope_of(caller), own or holder, limit)}


@router.get("/alarms", tags=["tasks"], summary="What somebody must know, the newest first")
def alarms(parts: PartsDep, caller: Reader, limit: PageSize = 100) -> dict[str, Any]:
    """List alarms in words."""
    return {"alarms": parts.views.alarms(scope_of(caller), limit)}


@router.get("/policies", tags=["policies"], summary="Stored policies, the newest version of each")
def policies(parts: PartsDep, caller: Reader) -> dict[str, Any]:
    """List policies; running cases keep the version they started with."""
    return {"policies": parts.views.policies()}


@router.post("/punches", tags=["people"], status_code=202, summary="Push a clock-in")
async def punch(parts: PartsDep, caller: Pusher, clock_in: PunchRequest) -> dict[str, Any]:
    """Keep a clock-in once; after a leave has ended it says `back` and closes the case."""
    try:
        meant, act_id = await run_in_threadpool(
            parts.inbox.punch, clock_in.number, clock_in.at, caller.branch_id
        )
    except LookupError as error:
        raise Refused(HTTPStatus.NOT_FOUND, str(error), "number") from None
    except ValueError as error:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), "at") from None
    if act_id is not None:
        await parts.dispatcher.carry(act_id)
    return {"meant": meant}
