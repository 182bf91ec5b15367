"""The pages of a handover behind a link: the leaver hands over, the receiver takes over, either disputes."""

from dataclasses import dataclass, field, replace
from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.language import Sentence, sentence
from api.people.desk import Desk, desk_of
from api.people.forms import FieldError, Typed, new_nonce
from api.people.opening import (
    PeopleRoute,
    ask_who,
    client_of,
    grouped,
    is_shut,
    link_behind,
    pages_of,
    path_of,
    services_of,
    visited,
)
from api.people.security import Gone, refuse_foreign_post, refuse_long_body, refuse_long_papers
from api.people.services import PeopleServices
from api.people.ticking import (
    Giver,
    Objected,
    Ticked,
    Wrong,
    holder_of,
    objected_in,
    take_confirmation,
    take_dispute,
    ticked_in,
)
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.links import LinkView
from countersign.domain.console_words import told_in
from countersign.domain.refusal import Refusal

router = APIRouter(prefix="/n", route_class=PeopleRoute, include_in_schema=False)

_SHOW = ["GET", "HEAD"]
_TICKS_LIMIT = 256 * 1024
"""Bytes of a form in which 2000 items are ticked."""
_MOST_FIELDS = 2100
_MOST_FILES = 20
"""Photos that are read of a dispute; whoever sends more than may be attached is told so on the form."""
_TOO_LATE = FieldError(
    "who",
    sentence("Nothing was recorded: confirm first who you are, then go back to your form and send it."),
)


@dataclass(frozen=True)
class Opened:
    """A link whose holder may act on a desk."""

    code: str
    link: LinkView = field(repr=False)
    desk: Desk = field(repr=False)


class _Shut(Exception):
    """A confidential notice whose holder has not said who they are."""

    def __init__(self, link: LinkView) -> None:
        super().__init__("shut")
        self.link = link


# -- confirming -------------------------------------------------------------------------------------------


@router.post("/{code}/items")
async def confirm(request: Request, code: str) -> Response:
    """Take what somebody hands over or takes over: commit it, then carry it to its case."""
    services = services_of(request)
    refuse_foreign_post(request, services.public_base_url)
    request = refuse_long_body(request, _TICKS_LIMIT)
    try:
        opened = await run_in_threadpool(_opened, request, code)
    except _Shut as shut:
        return await run_in_threadpool(ask_who, request, code, shut.link, _TOO_LATE, 403)
    async with request.form(max_files=0, max_fields=_MOST_FIELDS) as form:
        ticked = await ticked_in(form)
    try:
        taken = await run_in_threadpool(_take, request, opened, ticked)
    except Wrong as wrong:
        return await run_in_threadpool(_list_again, request, opened, ticked, wrong)
    return await _receipt(services, request, code, taken)


def _take(request: Request, opened: Opened, ticked: Ticked) -> ActView:
    """Commit a confirmation. Raises `Wrong` and `TooManyTries`."""
    services, giver = services_of(request), _giver(request, opened)
    return take_confirmation(services, giver, opened.desk, ticked, partial(_told, request, opened.link))


def _giver(request: Request, opened: Opened) -> Giver:
    return holder_of(opened.link, services_of(request).keys.hash_of(opened.code))


# -- disputing --------------------------------------------------------------------------------------------


@router.api_route("/{code}/items/{item_id}", methods=_SHOW)
def show_item(request: Request, code: str, item_id: str) -> Response:
    """Show one item with what both sides said of it, and the form to dispute it."""
    link = visited(request, code)
    if is_shut(request, link):
        return RedirectResponse(path_of(request, code), 303)
    opened = Opened(grouped(code), link, _desk(request, link))
    return _item_page(request, opened, item_id, Objected(Typed(nonce=new_nonce())))


@router.post("/{code}/items/{item_id}")
async def dispute(request: Request, code: str, item_id: str) -> Response:
    """Take a dispute with its words and photo: commit it, then carry it to its case."""
    services = services_of(request)
    refuse_foreign_post(request, services.public_base_url)
    request = refuse_long_papers(request, services.upload_limit)
    try:
        opened = await run_in_threadpool(_opened, request, code)
    except _Shut as shut:
        return await run_in_threadpool(ask_who, request, code, shut.link, _TOO_LATE, 403)
    async with request.form(max_files=_MOST_FILES, max_fields=20, max_part_size=64 * 1024) as form:
        objected = await objected_in(form, services.upload_limit)
    try:
        taken = await run_in_threadpool(_dispute, request, opened, item_id, objected)
    except Wrong as wrong:
        again = replace(objected, typed=replace(objected.typed, nonce=new_nonce()))
        return await run_in_threadpool(_item_page, request, opened, item_id, again, wrong)
    return await _receipt(services, request, code, taken)


def _dispute(request: Request, opened: Opened, item_id: str, objected: Objected) -> ActView:
    """Commit a dispute. Raises `Wrong` and `TooManyTries`."""
    if opened.desk.find(item_id) is None:
        raise Gone
    services, say = services_of(request), pages_of(request, opened.link).say
    told = partial(_told, request, opened.link)
    return take_dispute(services, _giver(request, opened), opened.desk, item_id, objected, say, told)


# -- papers -----------------------------------------------------------------------------------------------


@router.get("/{code}/documents/{document_id}")
def paper(request: Request, code: str, document_id: str) -> Response:
    """Hand out a paper made for the leaver; that it was opened stands in the evidence, once for this link."""
    link = visited(request, code)
    if is_shut(request, link):
        return RedirectResponse(path_of(request, code), 303)
    services = services_of(request)
    leaver = services.leavers.of(link.case_id)
    if leaver is None or leaver.person_id != link.person_id:
        raise _miss(request)
    actor = {"role": link.audience, "id": link.person_id}
    found = services.leavers.paper(link.case_id, document_id, f"link/{link.link_id}", actor)
    if found is None:
        raise _miss(request)
    shown, data = found
    name = f"{shown.kind}-{shown.id}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(data, media_type="application/pdf", headers=headers)


# -- looking up -------------------------------------------------------------------------------------------


def _opened(request: Request, code: str) -> Opened:
    """Return the desk behind a code to whoever may act on it. Raises `Gone`, `TooManyTries`, `_Shut`."""
    link = visited(request, code)
    if is_shut(request, link):
        raise _Shut(link)
    return Opened(grouped(code), link, _desk(request, link))


def _desk(request: Request, link: LinkView) -> Desk:
    desk = desk_of(services_of(request), link)
    if desk is None:
        raise _miss(request)
    return desk


def _miss(request: Request) -> Gone:
    """Return the refusal of an address with nothing behind it, counted as a wrong code is."""
    services_of(request).limits.missed(client_of(request))
    return Gone()


def _told(request: Request, link: LinkView, refusal: Refusal) -> Sentence:
    return Sentence(told_in(pages_of(request, link).language, str(refusal)))


# -- showing ----------------------------------------------------------------------------------------------


@router.api_route("/{code}/items", methods=_SHOW)
def back_to_list(request: Request, code: str) -> Response:
    """Lead from the address of a form, as the address bar keeps it, to its page."""
    link_behind(request, code)
    return RedirectResponse(path_of(request, code), 307)


def _list_again(request: Request, opened: Opened, ticked: Ticked, wrong: Wrong) -> Response:
    """Show the list as it is now, with what was ticked and what is wrong with it."""
    desk = _desk(request, opened.link)
    page = pages_of(request, opened.link).handover(
        services_of(request),
        opened.link,
        opened.code,
        desk,
        replace(ticked, typed=replace(ticked.typed, nonce=new_nonce())),
        track=request.query_params.get("track", ""),
        page=page_number(request),
        errors=wrong.errors,
    )
    return HTMLResponse(page, wrong.status)


def _item_page(
    request: Request, opened: Opened, item_id: str, objected: Objected, wrong: Wrong | None = None
) -> Response:
    item = opened.desk.find(item_id)
    if item is None:
        raise _miss(request)
    errors = () if wrong is None else wrong.errors
    page = pages_of(request, opened.link).item(
        services_of(request), opened.link, opened.code, opened.desk, item, objected, errors
    )
    return HTMLResponse(page, 200 if wrong is None else wrong.status)


def list_page(request: Request, code: str, link: LinkView, desk: Desk) -> Response:
    """Return the page of a desk with a fresh form."""
    fresh = Ticked(Typed(nonce=new_nonce(), shown=link.fingerprint))
    track, page = request.query_params.get("track", ""), page_number(request)
    drawn = pages_of(request, link)
    return HTMLResponse(
        drawn.handover(services_of(request), link, grouped(code), desk, fresh, track=track, page=page)
    )


def page_number(request: Request) -> int:
    """Return the page of a list that an address asks for; what is no number asks for the first."""
    asked = request.query_params.get("page", "")
    return max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1


async def _receipt(services: PeopleServices, request: Request, code: str, taken: ActView) -> Response:
    await services.carry(taken.id)
    return RedirectResponse(path_of(request, code, f"/receipt/{taken.id}"), 303)
