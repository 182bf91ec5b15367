"""The checklists of a departure: accounts to shut, open tasks to pass on, people who report to the leaver."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Depends, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from api.carrying import carried
from api.checking_off import Ticker
from api.console.drawing import page
from api.console.pressed import STALE_FORM, has_nonce, pressed
from api.console.route import console_router
from api.console.start_view import told
from api.console.visit import HOME, Missing, Post, StaffPost, Visit, posting, visiting
from api.language import Sentence, sentence
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.checklist_views import ChecklistsView
from countersign.adapters.database.officers import READERS, STAFF
from countersign.contracts.cases import Role
from countersign.domain.checklists import TOLD, AccessState, TaskState
from countersign.domain.refusal import Refusal
from countersign.ids import new_id

router = console_router()
Looker = Annotated[Visit, Depends(visiting(*READERS, Role.ADMINISTRATION))]
RevokerPost = Annotated[Post, Depends(posting(*STAFF, Role.ADMINISTRATION))]

_NO_STATE = sentence("Choose what became of the accounts.")
_NO_TICK = sentence("Tick at least one line.")
_REVOKED = sentence("Recorded: %(systems)s.")
_GIVEN_BACK = sentence("Recorded as given back: %(system)s.")
_MOVED = sentence("Passed on: %(n)s tasks.")
_TEAM = sentence("%(n)s people have a new superior.")
_LATE = sentence("The case was closed meanwhile. Nothing was changed.")
_LONGEST_REASON = 2000
_LONG_REASON = sentence("Reason: may have at most %(most)s characters; shorten it.", most=_LONGEST_REASON)


@router.get("/departures/{case_id}/checklists")
def checklists(visit: Looker, case_id: str) -> Response:
    """Show the three lists."""
    return _page(visit, _view(visit, case_id))


@router.post("/departures/{case_id}/revocations")
async def revoke(post: RevokerPost, case_id: str) -> Response:
    """Keep what became of the accounts that were ticked."""
    view = await run_in_threadpool(_view, post, case_id)
    state, systems, reason = post.text("state"), post.texts("system"), post.text("reason")
    faults = _form_faults(post)
    if state not in TOLD:
        faults["state"] = post.words.say(_NO_STATE)
    if not systems:
        faults["systems"] = post.words.say(_NO_TICK)
    if len(reason) > _LONGEST_REASON:
        faults["reason"] = post.words.say(_LONG_REASON)
    if faults:
        return await run_in_threadpool(_page, post, view, faults)
    act = _ticker(post).act(case_id, "revoked")
    take = partial(post.parts.checklists.revoked, act, systems, AccessState(state), reason)
    joined = ("、" if post.language.startswith("zh") else ", ").join(systems)
    return await _act(post, view, take, lambda _: Sentence(_REVOKED.text, {"systems": joined}))


@router.post("/departures/{case_id}/given-back")
def give_back(post: RevokerPost, case_id: str) -> Response:
    """Keep that an account was given back after a withdrawal."""
    view, system = _view(post, case_id), post.text("system")
    try:
        post.parts.checklists.given_back(case_id, [system], post.officer.actor_id, post.officer.actor)
    except Refusal as refusal:
        return _page(post, view, {"systems": told(post, str(refusal))})
    post.tell(Sentence(_GIVEN_BACK.text, {"system": system}))
    return _back(case_id)


@router.post("/departures/{case_id}/open-tasks")
async def move_tasks(post: StaffPost, case_id: str) -> Response:
    """Pass on the tasks that were ticked, or all that the leaver still has."""
    view = await run_in_threadpool(_view, post, case_id)
    tasks = post.texts("task")
    faults = _form_faults(post)
    if not tasks and post.text("which") != "all":
        faults["tasks"] = post.words.say(_NO_TICK)
    if faults:
        return await run_in_threadpool(_page, post, view, faults)
    chosen = [] if post.text("which") == "all" else tasks
    act, to = _ticker(post).act(case_id, "tasks"), post.text("to") or None
    take = partial(post.parts.checklists.move_tasks, act, chosen, to)
    return await _act(post, view, take, lambda taken: _counted(_MOVED, taken, "tasks"))


@router.post("/departures/{case_id}/team")
async def move_team(post: StaffPost, case_id: str) -> Response:
    """Give everybody who reports to the leaver another superior."""
    view = await run_in_threadpool(_view, post, case_id)
    faults = _form_faults(post)
    if faults:
        return await run_in_threadpool(_page, post, view, faults)
    act, to = _ticker(post).act(case_id, "team"), post.text("team_to") or None
    take = partial(post.parts.checklists.move_team, act, to)
    return await _act(post, view, take, lambda taken: _counted(_TEAM, taken, "team"), {"to": "team_to"})


def _view(visit: Visit, case_id: str) -> ChecklistsView:
    found = visit.parts.checklists.view(case_id.replace("\0", ""), visit.scope)
    if found is None:
        raise Missing
    return found


def _ticker(post: Post) -> Ticker:
    return Ticker(post.officer.role, post.officer.actor_id, pressed(post))


def _form_faults(post: Post) -> dict[str, str]:
    return {} if has_nonce(post) else {"form": post.words.say(STALE_FORM)}


def _counted(words: Sentence, taken: ActView, name: str) -> Sentence:
    return Sentence(words.text, {"n": len(taken.body[name])})


async def _act(
    post: Post,
    view: ChecklistsView,
    take: Callable[[], ActView],
    said: Callable[[ActView], Sentence],
    fields: dict[str, str] | None = None,
) -> Response:
    """Take an act in and go back to the lists; what is refused is told at the field, `fields` renames it."""
    try:
        taken = await carried(post.parts, take)
    except Refusal as refusal:
        at = (fields or {}).get(refusal.field, refusal.field)
        return await run_in_threadpool(_page, post, view, {at: told(post, str(refusal))})
    late = taken.state in {"late", "refused"}
    await run_in_threadpool(partial(post.tell, _LATE if late else said(taken), good=not late))
    return _back(view.case_id)


def _back(case_id: str) -> Response:
    return RedirectResponse(f"{HOME}/departures/{case_id}/checklists", 303)


def _page(visit: Visit, view: ChecklistsView, faults: dict[str, str] | None = None) -> Response:
    post = visit if isinstance(visit, Post) else None
    return page(
        visit,
        "console/checklists.html",
        422 if faults else 200,
        view=view,
        faults=faults or {},
        typed={} if post is None else post.typed,
        ticked=set() if post is None else {*post.texts("system"), *post.texts("task")},
        nonce=new_id() if post is None else post.text("nonce"),
        states=TOLD,
        shut=sum(one.state is AccessState.DONE for one in view.systems),
        with_leaver=sum(one.state is TaskState.OPEN for one in view.tasks),
        revokes=not view.closed
        and not view.withdrawn
        and visit.officer.role in (*STAFF, Role.ADMINISTRATION),
        moves=not view.closed and not view.withdrawn and visit.officer.role in STAFF,
        gives_back=visit.officer.role in (*STAFF, Role.ADMINISTRATION),
    )
