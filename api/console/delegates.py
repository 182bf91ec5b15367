"""Who stands in for whom, seen and settled by HR for people who cannot do it themselves."""

from datetime import date
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Response
from fastapi.responses import RedirectResponse

from api.console.drawing import page
from api.console.route import console_router
from api.console.visit import HOME, Missing, Post, Staff, StaffPost, Visit, posting, visiting
from api.language import sentence
from countersign.adapters.database.accounts import AccountFault
from countersign.adapters.database.officers import MAY_STAND_IN
from countersign.domain.console_words import told_in

router = console_router()

DELEGATES = f"{HOME}/delegates"
DELEGATORS = tuple(MAY_STAND_IN)
"""The roles in which somebody has work that another one can take over."""
Delegator = Annotated[Visit, Depends(visiting(*DELEGATORS))]
DelegatorPost = Annotated[Post, Depends(posting(*DELEGATORS))]


@router.get("/delegates")
def delegates(visit: Staff) -> Response:
    """List who stands in for whom; with `absent` in the address, ask who shall for that account."""
    return _page(visit, visit.asked("absent"), {}, {})


@router.post("/delegates")
def appoint(post: StaffPost) -> Response:
    """Let one account stand in for another."""
    days, faults = read_days(post)
    if days is None:
        return _page(post, post.text("absent"), post.typed, faults)
    try:
        post.parts.delegations.appoint(post.text("absent"), post.text("delegate"), *days, post.officer)
    except AccountFault as fault:
        told = {fault.field: told_in(post.language, str(fault))}
        return _page(post, post.text("absent"), post.typed, told)
    post.tell(sentence("The delegate is appointed."))
    return RedirectResponse(DELEGATES, HTTPStatus.SEE_OTHER)


@router.post("/delegates/{delegation_id}/end")
def end(post: StaffPost, delegation_id: str) -> Response:
    """End an appointment before its last day."""
    try:
        done = post.parts.delegations.end(delegation_id, post.officer, own=False)
    except LookupError:
        raise Missing from None
    post.tell(sentence("The delegate no longer stands in.") if done else sentence("That was over already."))
    return RedirectResponse(DELEGATES, HTTPStatus.SEE_OTHER)


def read_days(post: Post) -> tuple[tuple[date, date] | None, dict[str, str]]:
    """Return the first and the last day of a form, or what is wrong with them, by field."""
    days, faults = [], {}
    for name in ("from", "until"):
        try:
            days.append(date.fromisoformat(post.text(name)))
        except ValueError:
            faults[name] = post.words.gettext("This is no date; choose a day.")
    return (None, faults) if faults else ((days[0], days[1]), {})


def _page(visit: Visit, absent_id: str, typed: dict[str, str], faults: dict[str, str]) -> Response:
    book = visit.parts.delegations
    absentees = book.absentees(visit.officer)
    absent = next((one for one in absentees if one.id == absent_id), None)
    return page(
        visit,
        "console/delegates.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        standings=book.all(visit.officer.branch_id),
        absentees=absentees,
        absent=absent,
        candidates=[] if absent is None else book.delegates_for(absent.id),
        today=book.today,
        typed=typed,
        faults=faults,
    )
