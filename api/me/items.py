"""What somebody who is signed in hands over or takes over: the list behind their link, without the link."""

from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from api.console.route import ConsoleRoute
from api.console.visit import EVERYBODY, Everybody, Missing, Post, Visit, posting
from api.language import Sentence
from api.me.answering import SIGNED_IN
from api.me.drawing import own_page, services_of
from api.me.pages import case_page, own_case, too_often
from api.people.desk import Desk, desk_in
from api.people.forms import Typed, new_nonce, size_in_words
from api.people.limits import TooManyTries
from api.people.ticking import (
    MOST_PHOTOS,
    Giver,
    Objected,
    Wrong,
    objected_in,
    take_confirmation,
    take_dispute,
    ticked_in,
)
from countersign.contracts.cases import CaseState
from countersign.domain.console_words import told_in
from countersign.domain.refusal import Refusal

router = APIRouter(prefix="/me/cases", route_class=ConsoleRoute, include_in_schema=False)

ItemPost = Annotated[Post, Depends(posting(*EVERYBODY, papers=True))]


@dataclass(frozen=True)
class _Mine:
    """A matter of the reader's own in which something is handed over, and the reader as its giver."""

    case_id: str
    desk: Desk = field(repr=False)
    giver: Giver


@router.post("/{case_id}/items")
async def confirm(post: ItemPost, case_id: str) -> Response:
    """Take what somebody hands over or takes over: commit it, then carry it to its case."""
    services, ticked = services_of(post.request), await ticked_in(post.form)
    mine = await run_in_threadpool(_mine, post, case_id)
    try:
        told = partial(_told, post)
        taken = await run_in_threadpool(take_confirmation, services, mine.giver, mine.desk, ticked, told)
    except Wrong as wrong:
        return await run_in_threadpool(case_page, post, case_id, ticked, wrong)
    except TooManyTries as wait:
        return await run_in_threadpool(case_page, post, case_id, ticked, _wait(wait))
    await services.carry(taken.id)
    return RedirectResponse(f"/me/receipts/{taken.id}", HTTPStatus.SEE_OTHER)


@router.get("/{case_id}/items/{item_id}")
def show_item(visit: Everybody, case_id: str, item_id: str) -> Response:
    """Show one item with what both sides said of it, and the form to dispute it."""
    return _item_page(visit, _mine(visit, case_id), item_id, Objected(Typed(nonce=new_nonce())))


@router.post("/{case_id}/items/{item_id}")
async def dispute(post: ItemPost, case_id: str, item_id: str) -> Response:
    """Take a dispute with its words and photos: commit it, then carry it to its case."""
    services = services_of(post.request)
    objected = await objected_in(post.form, services.upload_limit)
    mine = await run_in_threadpool(_mine, post, case_id)
    if mine.desk.find(item_id) is None:
        raise Missing
    take = partial(take_dispute, services, mine.giver, mine.desk, item_id, objected)
    try:
        taken = await run_in_threadpool(take, post.words.say, partial(_told, post))
    except (Wrong, TooManyTries) as refusal:
        wrong = refusal if isinstance(refusal, Wrong) else _wait(refusal)
        again = replace(objected, typed=replace(objected.typed, nonce=new_nonce()))
        return await run_in_threadpool(_item_page, post, mine, item_id, again, wrong)
    await services.carry(taken.id)
    return RedirectResponse(f"/me/receipts/{taken.id}", HTTPStatus.SEE_OTHER)


@router.get("/{case_id}/documents/{document_id}")
def paper(visit: Everybody, case_id: str, document_id: str) -> Response:
    """Hand out a paper made for the leaver; that it was opened stands in the evidence, once an account."""
    case, officer = own_case(visit, case_id), visit.officer
    leavers = services_of(visit.request).leavers
    leaver = leavers.of(case.id)
    if leaver is None or leaver.person_id != officer.person_id:
        raise Missing
    actor = {"role": "employee", "id": officer.person_id}
    found = leavers.paper(case.id, document_id, f"account/{officer.account_id}", actor)
    if found is None:
        raise Missing
    shown, data = found
    headers = {"Content-Disposition": f'inline; filename="{shown.kind}-{shown.id}.pdf"'}
    return Response(data, media_type="application/pdf", headers=headers)


def _mine(visit: Visit, case_id: str) -> _Mine:
    """Return a matter of the reader's own; raises `Missing` where nothing is handed or taken over."""
    case, officer = own_case(visit, case_id), visit.officer
    closed = case.state == CaseState.CLOSED
    desk = desk_in(visit.parts.handover_book, case.process, case.id, closed=closed)
    if desk is None or officer.person_id is None:
        raise Missing
    giver = Giver(
        key=f"{case.id}/{officer.person_id}",
        person_id=officer.person_id,
        counted_as=f"account/{officer.account_id}",
        shown=None,
        identity=SIGNED_IN,
    )
    return _Mine(case.id, desk, giver)


def _told(visit: Visit, refusal: Refusal) -> Sentence:
    return Sentence(told_in(visit.language, str(refusal)))


def _wait(wait: TooManyTries) -> Wrong:
    told = too_often(wait)
    return Wrong(told.errors, told.status)


def _item_page(
    visit: Visit, mine: _Mine, item_id: str, objected: Objected, wrong: Wrong | None = None
) -> Response:
    item = mine.desk.find(item_id)
    if item is None:
        raise Missing
    errors = () if wrong is None else wrong.errors
    values: dict[str, Any] = {
        "desk": mine.desk,
        "item": item,
        "home": f"/me/cases/{mine.case_id}",
        "tail": "?",
        "typed": objected.typed,
        "about": objected.about,
        "photos": len(objected.photos),
        "most_photos": MOST_PHOTOS,
        "limit": size_in_words(services_of(visit.request).upload_limit),
        "problems": errors,
        "faults": {error.field: error.sentence for error in errors},
    }
    return own_page(visit, "item.html", 200 if wrong is None else wrong.status, **values)
