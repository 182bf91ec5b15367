"""The pages behind a link. GET and HEAD show, and change nothing but facts about themselves; POST acts."""

from dataclasses import replace

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.language import sentence
from api.people.answering import AskAgain, by_link, take_answer
from api.people.cookies import CONFIRMED, new_confirmed, set_cookie
from api.people.desk import desk_of
from api.people.factor import FORM_LIMIT, confirm, make_code, not_sent, read_try
from api.people.forms import FieldError, Typed, new_nonce, read_form
from api.people.handover import list_page
from api.people.opening import (
    PeopleRoute,
    act_of,
    ask_who,
    general_pages,
    grouped,
    is_shut,
    link_behind,
    pages_of,
    path_of,
    services_of,
    visited,
)
from api.people.security import (
    Gone,
    refuse_foreign_post,
    refuse_long_body,
    refuse_long_papers,
)
from api.people.visits import identity_of, mark_browser, note_return, visitor_of
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.links import LinkView
from countersign.contracts.cases import ActKind

_SHOW = ["GET", "HEAD"]
_TYPED_CODE_LIMIT = 4096


router = APIRouter(prefix="/n", route_class=PeopleRoute, include_in_schema=False)


@router.api_route("", methods=_SHOW)
def ask_for_code(request: Request) -> Response:
    """Show the field for a typed code."""
    return HTMLResponse(general_pages(request).enter_code(services_of(request)))


@router.post("")
async def open_code(request: Request) -> Response:
    """Lead from a typed code to its notice."""
    services = services_of(request)
    refuse_foreign_post(request, services.public_base_url)
    form = await refuse_long_body(request, _TYPED_CODE_LIMIT).form(max_files=0)
    code = str(form.get("code", "")).strip()
    if not code:
        error = FieldError("code", sentence("Type the receipt code from the message."))
        return HTMLResponse(general_pages(request).enter_code(services, (error,)), 422)
    await run_in_threadpool(link_behind, request, code)
    return RedirectResponse(path_of(request, code), 303)


@router.api_route("/{code}", methods=_SHOW)
def show_notice(request: Request, code: str) -> Response:
    """Show a notice, or ask who is there; a machine may fetch it too, so only facts are kept."""
    services, link = services_of(request), link_behind(request, code)
    if code != grouped(code):
        return RedirectResponse(path_of(request, code), 307)  # the cookies belong to one spelling
    if request.method == "GET":
        visitor = visitor_of(request, services, link)
        services.links.fetched(link.link_id, visitor)
        note_return(request, services, link, visitor)
    response = _notice_page(request, code, link)
    if request.method == "GET":
        mark_browser(request, response, services, link, f"/n/{code}")
    return response


@router.post("/{code}")
async def answer(request: Request, code: str) -> Response:
    """Take an answer: commit it, then carry it to its case."""
    services = services_of(request)
    refuse_foreign_post(request, services.public_base_url)
    request = refuse_long_papers(request, services.upload_limit)
    link = await run_in_threadpool(visited, request, code)
    identity = await run_in_threadpool(identity_of, request, services, link)
    if link.sensitive and identity is None:
        return await run_in_threadpool(ask_who, request, code, link, _TOO_LATE, 403)
    typed = await read_form(request, services.upload_limit)
    question = by_link(link, services.keys.hash_of(code), identity)
    taken = await run_in_threadpool(take_answer, services, question, typed)
    if isinstance(taken, AskAgain):
        return await run_in_threadpool(_form_again, request, code, link, typed, taken)
    await services.carry(taken.id)
    return await run_in_threadpool(_receipt_after, request, code, link, taken)


@router.api_route("/{code}/notice", methods=_SHOW)
def show_text(request: Request, code: str) -> Response:
    """Show the text of a notice with its answers, where the link opens on something else."""
    return _notice_page(request, code, visited(request, code), text=True)


@router.api_route("/{code}/identity/code", methods=_SHOW)
@router.api_route("/{code}/identity", methods=_SHOW)
def back_to_notice(request: Request, code: str) -> Response:
    """Lead from the address of a form, as the address bar keeps it, to its page."""
    link_behind(request, code)
    return RedirectResponse(path_of(request, code), 307)


@router.post("/{code}/identity")
async def confirm_identity(request: Request, code: str) -> Response:
    """Check who holds the link of a confidential notice; when it is right, open the notice for a while."""
    request, link = await _factor_post(request, code)
    services = services_of(request)
    given = await read_try(request)
    if isinstance(given, FieldError):
        return await run_in_threadpool(ask_who, request, code, link, given)
    visitor = visitor_of(request, services, link)
    wrong = await run_in_threadpool(confirm, services, link, given, visitor)
    if wrong is not None:
        return await run_in_threadpool(ask_who, request, code, link, wrong)
    response = RedirectResponse(path_of(request, code), 303)
    value = new_confirmed(services.keys, link.link_id, given.method, services.clock())
    set_cookie(response, CONFIRMED, value, f"/n/{grouped(code)}", services.public_base_url)
    return response


@router.post("/{code}/identity/code")
async def send_identity_code(request: Request, code: str) -> Response:
    """Send a one-time code to the phone on file."""
    request, link = await _factor_post(request, code)
    services = services_of(request)
    made = await run_in_threadpool(make_code, services, link)
    if isinstance(made, FieldError):
        return await run_in_threadpool(ask_who, request, code, link, made)
    text = await run_in_threadpool(services.code_text, link.language, made.code, made.to)
    if not await services.send_code(made.to, text):
        await run_in_threadpool(services.identity.code_did_not_leave, link.link_id)
        return await run_in_threadpool(ask_who, request, code, link, not_sent(), 503)
    return await run_in_threadpool(ask_who, request, code, link, None, 200, code_sent=True)


@router.api_route("/{code}/receipt/{act_id}.txt", methods=_SHOW)
def keep_receipt(request: Request, code: str, act_id: str) -> Response:
    """Hand out a receipt as a text file."""
    link = visited(request, code)
    if is_shut(request, link):
        return RedirectResponse(path_of(request, code), 303)
    act = act_of(request, link, act_id)
    text = pages_of(request, link).receipt_text(services_of(request), link, act)
    headers = {"Content-Disposition": f'attachment; filename="receipt-{act.fingerprint[:8]}.txt"'}
    return PlainTextResponse(text, headers=headers)


@router.api_route("/{code}/receipt/{act_id}", methods=_SHOW)
def show_receipt(request: Request, code: str, act_id: str) -> Response:
    """Show the receipt of an answer given through this link."""
    link = visited(request, code)
    if is_shut(request, link):
        return RedirectResponse(path_of(request, code), 303)
    act = act_of(request, link, act_id)
    page = pages_of(request, link).receipt_page(services_of(request), link, grouped(code), act)
    return HTMLResponse(page)


# -- who is there -----------------------------------------------------------------------------------------


def _notice_page(request: Request, code: str, link: LinkView, *, text: bool = False) -> Response:
    """Show what is behind a link: the items to hand or take over, or its text (`text` asks for it alone)."""
    if is_shut(request, link):
        return ask_who(request, code, link, None, 200)
    desk = None if text else desk_of(services_of(request), link)
    if desk is not None:
        return list_page(request, code, link, desk)
    fresh = Typed(nonce=new_nonce(), shown=link.fingerprint)
    return HTMLResponse(pages_of(request, link).notice(services_of(request), link, grouped(code), fresh))


async def _factor_post(request: Request, code: str) -> tuple[Request, LinkView]:
    """Guard a post to the second factor; a link that asks for none has no such address."""
    services = services_of(request)
    refuse_foreign_post(request, services.public_base_url)
    request = refuse_long_body(request, FORM_LIMIT)
    link = await run_in_threadpool(visited, request, code)
    if not link.sensitive:
        raise Gone
    services.limits.posting(services.keys.hash_of(code))
    return request, link


_TOO_LATE = FieldError(
    "who",
    sentence(
        "Your answer was not taken: confirm first who you are, then go back to your answer and send it."
    ),
)


# -- answering --------------------------------------------------------------------------------------------


def _form_again(request: Request, code: str, link: LinkView, typed: Typed, again: AskAgain) -> Response:
    """Show the form with its errors and everything that was typed, bound to the notice as it is now."""
    kept = replace(typed, nonce=new_nonce(), shown=link.fingerprint)
    page = pages_of(request, link).notice(services_of(request), link, grouped(code), kept, again.errors)
    return HTMLResponse(page, again.status)


def _receipt_after(request: Request, code: str, link: LinkView, act: ActView) -> Response:
    """Lead to the receipt; after "not me" the link is dead, so the receipt is the answer itself."""
    if act.kind is not ActKind.NOT_ME:
        return RedirectResponse(path_of(request, code, f"/receipt/{act.id}"), 303)
    services = services_of(request)
    now = services.acts.view(act.id) or act
    return HTMLResponse(pages_of(request, link).receipt_page(services, link, grouped(code), now))
