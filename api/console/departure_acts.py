"""Withdrawing a departure and moving its last day."""

from typing import Any

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from api.console.drawing import page
from api.console.pressed import STALE_FORM, has_nonce, pressed
from api.console.route import console_router
from api.console.start_view import told
from api.console.visit import HOME, Missing, Post, Staff, StaffPost, Visit
from api.departing import Doer, move_last_day, withdraw
from api.language import Sentence, sentence
from api.people.forms import typed_day
from countersign.adapters.database.acts import ActView
from countersign.domain.refusal import Refusal
from countersign.ids import new_id

router = console_router()

LONGEST_REASON = 2000

_NO_REASON = sentence("Reason: say why; it is kept with the departure.")
_LONG_REASON = sentence("Reason: may have at most %(most)s characters; shorten it.", most=LONGEST_REASON)
_NO_DAY = sentence("New last day: give a day that exists, such as 2026-03-31.")
_WITHDRAWN = sentence("The departure was withdrawn. What had been done so far is listed to be undone.")
_MOVED = sentence("The last day is now %(day)s. What is due with it has moved too.")
_LATE = sentence("The case was closed meanwhile. Nothing was changed.")


@router.get("/departures/{case_id}/withdrawal")
def ask_to_withdraw(visit: Staff, case_id: str) -> Response:
    """Show what a withdrawal undoes, and ask for its reason."""
    return _form(visit, case_id, "withdrawal", {"nonce": new_id()})


@router.post("/departures/{case_id}/withdrawal")
async def withdrawal(post: StaffPost, case_id: str) -> Response:
    """Take a departure back."""
    faults = await run_in_threadpool(_faults, post, case_id)
    if faults:
        return await run_in_threadpool(_form, post, case_id, "withdrawal", post.typed, faults)
    try:
        taken = await withdraw(post.parts, case_id, _doer(post), post.text("reason"))
    except Refusal as refusal:
        return await run_in_threadpool(_refused, post, case_id, "withdrawal", refusal)
    return await run_in_threadpool(_done, post, case_id, taken, _WITHDRAWN)


@router.get("/departures/{case_id}/last-day")
def ask_for_the_day(visit: Staff, case_id: str) -> Response:
    """Ask for another last day."""
    return _form(visit, case_id, "last-day", {"nonce": new_id()})


@router.post("/departures/{case_id}/last-day")
async def last_day(post: StaffPost, case_id: str) -> Response:
    """Move the last day."""
    faults = await run_in_threadpool(_faults, post, case_id)
    on = typed_day(post.text("on"))
    if on is None:
        faults["on"] = post.words.say(_NO_DAY)
    if faults or on is None:
        return await run_in_threadpool(_form, post, case_id, "last-day", post.typed, faults)
    try:
        taken = await move_last_day(post.parts, case_id, _doer(post), on, post.text("reason"))
    except Refusal as refusal:
        return await run_in_threadpool(_refused, post, case_id, "last-day", refusal)
    return await run_in_threadpool(
        _done, post, case_id, taken, Sentence(_MOVED.text, {"day": on.isoformat()})
    )


def _departure(visit: Visit, case_id: str) -> dict[str, Any]:
    found = visit.parts.departure_views.one(visit.scope, case_id.replace("\0", ""))
    if found is None:
        raise Missing
    return found


def _faults(post: Post, case_id: str) -> dict[str, str]:
    """Return what is wrong with a form; raises `Missing` for a departure outside the scope."""
    _departure(post, case_id)
    reason = post.text("reason")
    checks: tuple[tuple[str, bool, Sentence], ...] = (
        ("reason", not reason, _NO_REASON),
        ("reason", len(reason) > LONGEST_REASON, _LONG_REASON),
        ("form", not has_nonce(post), STALE_FORM),
    )
    return {name: post.words.say(words) for name, wrong, words in checks if wrong}


def _doer(post: Post) -> Doer:
    return Doer(post.officer.role, post.officer.actor_id, pressed(post))


def _refused(post: Post, case_id: str, what: str, refusal: Refusal) -> Response:
    return _form(post, case_id, what, post.typed, {refusal.field: told(post, str(refusal))})


def _done(post: Post, case_id: str, taken: ActView, said: Sentence) -> Response:
    late = taken.state in {"late", "refused"}
    post.tell(_LATE if late else said, good=not late)
    return RedirectResponse(f"{HOME}/departures/{case_id}", 303)


def _form(
    visit: Visit, case_id: str, what: str, typed: dict[str, str], faults: dict[str, str] | None = None
) -> Response:
    found = _departure(visit, case_id)
    return page(
        visit,
        "console/departure_act.html",
        422 if faults else 200,
        departure=found,
        what=what,
        typed=typed,
        faults=faults or {},
        longest=LONGEST_REASON,
    )
