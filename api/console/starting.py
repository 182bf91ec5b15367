"""Starting one case: find the leave, look at what would happen, start it."""

from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse

from api.console.drawing import page
from api.console.route import console_router
from api.console.start_view import (
    REFUSALS,
    fault_of,
    leaving_on,
    missing_of,
    same_again,
    steps_of,
    told,
    unreachable,
    waits_for_hr,
)
from api.console.visit import Missing, Staff, StaffPost, Visit
from api.language import sentence
from countersign.adapters.database.start_desk import LeaveLine
from countersign.adapters.database.starts import AlreadyStarted, StartPreview, StartWish
from countersign.contracts.cases import Process
from countersign.contracts.leave_return import LeaveKind
from countersign.domain.leave_return import REMINDER_STEP
from countersign.domain.local_time import day_of

router = console_router()

_CHANGED = sentence(
    "Something has changed since this was shown, such as a choice, a date or an address. "
    "Look at it again, then start."
)


@router.get("/start")
def find(visit: Staff) -> Response:
    """Find somebody by name or number; without a search, the leaves that end about now."""
    part = visit.asked("q")
    desk, today = visit.parts.start_desk, day_of(visit.parts.clock())
    found = desk.people(visit.scope, part) if part else []
    soon = desk.ending_soon(visit.scope, today)
    return page(visit, "console/start.html", part=part, found=found, soon=soon)


@router.get("/start/leave/{leave_id}")
def look(visit: Staff, leave_id: str) -> Response:
    """Show what a start of this leave would do; the address may hold the choices."""
    return _shown(visit, _leave(visit, leave_id), dict(visit.request.query_params))


@router.post("/start/leave/{leave_id}")
def start(post: StaffPost, leave_id: str) -> Response:
    """Start what was shown; with other choices than those shown, show it again."""
    leave = _leave(post, leave_id)
    if post.text("do") != "start":
        return _shown(post, leave, post.typed)
    wish = _wish(leave, post.typed)
    try:
        if post.text("shown") != _mark(leave, wish, post.parts.starts.preview(wish)):
            return _shown(post, leave, post.typed, {"start": post.words.say(_CHANGED)})
        case_id = post.parts.starts.start(wish, post.officer.actor)
    except AlreadyStarted as there:
        post.tell(sentence("This leave has its case already; here it is. Nothing was started twice."))
        return RedirectResponse(f"/console/cases/{there.case_id}", 303)
    except REFUSALS as refusal:
        return _shown(post, leave, post.typed, fault_of(post, refusal))
    post.tell(sentence("The case was started."))
    return RedirectResponse(f"/console/cases/{case_id}", 303)


def _leave(visit: Visit, leave_id: str) -> LeaveLine:
    found = visit.parts.start_desk.leave(visit.scope, leave_id)
    if found is None:
        raise Missing
    return found


def _wish(leave: LeaveLine, typed: dict[str, str]) -> StartWish:
    """Return what the form asks for; steps whose decision was left to the case are not in it."""
    named = "overdue."
    overdue = {name.removeprefix(named): value for name, value in typed.items() if name.startswith(named)}
    return StartWish(
        leave.id,
        typed.get("policy") or None,
        {step: choice for step, choice in overdue.items() if choice},
        grading_pending=False if typed.get("grading") == "done" else None,
    )


def _shown(
    visit: Visit, leave: LeaveLine, typed: dict[str, str], faults: dict[str, str] | None = None
) -> Response:
    chosen, policies = visit.parts.start_desk.policies(Process.LEAVE_RETURN, leave.branch_id)
    wish, shown = _wish(leave, typed), None
    status, faults = (422 if faults else 200), dict(faults or {})
    try:
        shown = visit.parts.starts.preview(wish)
    except REFUSALS as refusal:
        faults |= fault_of(visit, refusal)
    more = {} if shown is None else _details(visit, leave, wish, shown)
    return page(
        visit,
        "console/start_leave.html",
        status,
        leave=leave,
        chosen=chosen,
        policies=policies,
        typed=typed,
        faults=faults,
        shown=shown,
        **more,
    )


def _details(visit: Visit, leave: LeaveLine, wish: StartWish, shown: StartPreview) -> dict[str, Any]:
    now = visit.parts.clock()
    over = shown.dates.leave_over <= now
    doubts = [*unreachable(shown.plan), *shown.warnings]
    return {
        "mark": _mark(leave, wish, shown),
        "steps": steps_of(shown),
        "over": over,
        # A reminder of a leave that is over is not sent, whatever is chosen.
        "overdue": [one for one in shown.overdue if not (over and one.step == REMINDER_STEP)],
        "reminder_step": REMINDER_STEP,
        "waits_for_hr": waits_for_hr(shown, wish.overdue),
        "waits_for_grading": leave.kind == LeaveKind.INJURY and wish.grading_pending is not False,
        "missing": missing_of(shown.missing),
        "blocks": [told(visit, words) for _, words in shown.blocks],
        "doubts": [told(visit, words) for words in dict.fromkeys(doubts)],
        "leaving": leaving_on(shown, wish.overdue, now),
        "because": told(visit, shown.sms.because or ""),
    }


def _mark(leave: LeaveLine, wish: StartWish, shown: StartPreview) -> str:
    """Return a mark of what matters in a preview; instants that move with the clock are not in it."""
    return same_again(
        leave.id,
        leave.ends_on,
        shown.policy_version,
        # The page offers no other default for the reminder, so choosing it changes nothing.
        sorted(set(wish.overdue.items()) - {(REMINDER_STEP, "run_now")}),
        wish.grading_pending,
        [(one.step, one.channel.value, one.recipient, one.address, one.title) for one in shown.texts],
    )
