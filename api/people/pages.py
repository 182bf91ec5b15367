"""The pages behind a link. GET and HEAD show, and change nothing but facts about themselves; POST acts."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api.language import Sentence, accepted, chosen, sentence
from api.people.answering import AskAgain, by_link, take_answer
from api.people.cookies import CONFIRMED, new_confirmed, set_cookie
from api.people.factor import FORM_LIMIT, confirm, make_code, not_sent, read_try
from api.people.forms import FieldError, Typed, new_nonce, read_form
from api.people.limits import TooManyTries
from api.people.security import (
    ForeignPost,
    Gone,
    TooMuch,
    client_address,
    page_headers,
    refuse_foreign_post,
    refuse_long_body,
    refuse_long_papers,
)
from api.people.services import PeopleServices
from api.people.views import Pages, pages, style_hash
from api.people.visits import identity_of, mark_browser, note_return, visitor_of
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.links import LinkView
from countersign.adapters.links import normalised
from countersign.contracts.cases import ActKind

_SHOW = ["GET", "HEAD"]
_TYPED_CODE_LIMIT = 4096


class PeopleRoute(APIRoute):
    """Gives every answer its headers, and turns refusals into pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                response = await handle(request)
            except (Gone, TooManyTries, ForeignPost, TooMuch, HTTPException) as refusal:
                response = _refusal_page(request, refusal)
            response.headers.update(page_headers(style_hash()))
            return response

        return guarded


router = APIRouter(prefix="/n", route_class=PeopleRoute, include_in_schema=False)


@router.api_route("", methods=_SHOW)
def ask_for_code(request: Request) -> Response:
    """Show the field for a typed code."""
    return HTMLResponse(_general_pages(request).enter_code(_services(request)))


@router.post("")
async def open_code(request: Request) -> Response:
    """Lead from a typed code to its notice."""
    services = _services(request)
    refuse_foreign_post(request, services.public_base_url)
    form = await refuse_long_body(request, _TYPED_CODE_LIMIT).form(max_files=0)
    code = str(form.get("code", "")).strip()
    if not code:
        error = FieldError("code", sentence("Type the receipt code from the message."))
        return HTMLResponse(_general_pages(request).enter_code(services, (error,)), 422)
    await run_in_threadpool(_link, request, code)
    return RedirectResponse(_path(request, code), 303)


@router.api_route("/{code}", methods=_SHOW)
def show_notice(request: Request, code: str) -> Response:
    """Show a notice, or ask who is there; a machine may fetch it too, so only facts are kept."""
    services, link = _services(request), _link(request, code)
    if code != _grouped(code):
        return RedirectResponse(_path(request, code), 307)  # the cookies belong to one spelling
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
    services = _services(request)
    refuse_foreign_post(request, services.public_base_url)
    request = refuse_long_papers(request, services.upload_limit)
    link = await run_in_threadpool(_visited, request, code)
    identity = await run_in_threadpool(identity_of, request, services, link)
    if link.sensitive and identity is None:
        return await run_in_threadpool(_ask_who, request, code, link, _TOO_LATE, 403)
    typed = await read_form(request, services.upload_limit)
    question = by_link(link, services.keys.hash_of(code), identity)
    taken = await run_in_threadpool(take_answer, services, question, typed)
    if isinstance(taken, AskAgain):
        return await run_in_threadpool(_form_again, request, code, link, typed, taken)
    await services.carry(taken.id)
    return await run_in_threadpool(_receipt_after, request, code, link, taken)


@router.api_route("/{code}/identity/code", methods=_SHOW)
@router.api_route("/{code}/identity", methods=_SHOW)
def back_to_notice(request: Request, code: str) -> Response:
    """Lead from the address of a form, as the address bar keeps it, to its page."""
    _link(request, code)
    return RedirectResponse(_path(request, code), 307)


@router.post("/{code}/identity")
async def confirm_identity(request: Request, code: str) -> Response:
    """Check who holds the link of a confidential notice; when it is right, open the notice for a while."""
    request, link = await _factor_post(request, code)
    services = _services(request)
    given = await read_try(request)
    if isinstance(given, FieldError):
        return await run_in_threadpool(_ask_who, request, code, link, given)
    visitor = visitor_of(request, services, link)
    wrong = await run_in_threadpool(confirm, services, link, given, visitor)
    if wrong is not None:
        return await run_in_threadpool(_ask_who, request, code, link, wrong)
    response = RedirectResponse(_path(request, code), 303)
    value = new_confirmed(services.keys, link.link_id, given.method, services.clock())
    set_cookie(response, CONFIRMED, value, f"/n/{_grouped(code)}", services.public_base_url)
    return response


@router.post("/{code}/identity/code")
async def send_identity_code(request: Request, code: str) -> Response:
    """Send a one-time code to the phone on file."""
    request, link = await _factor_post(request, code)
    services = _services(request)
    made = await run_in_threadpool(make_code, services, link)
    if isinstance(made, FieldError):
        return await run_in_threadpool(_ask_who, request, code, link, made)
    text = await run_in_threadpool(services.code_text, link.language, made.code, made.to)
    if not await services.send_code(made.to, text):
        await run_in_threadpool(services.identity.code_did_not_leave, link.link_id)
        return await run_in_threadpool(_ask_who, request, code, link, not_sent(), 503)
    return await run_in_threadpool(_ask_who, request, code, link, None, 200, code_sent=True)


@router.api_route("/{code}/receipt/{act_id}.txt", methods=_SHOW)
def keep_receipt(request: Request, code: str, act_id: str) -> Response:
    """Hand out a receipt as a text file."""
    link = _visited(request, code)
    if _is_shut(request, link):
        return RedirectResponse(_path(request, code), 303)
    act = _act_of(request, link, act_id)
    text = _pages_of(request, link).receipt_text(_services(request), link, act)
    headers = {"Content-Disposition": f'attachment; filename="receipt-{act.fingerprint[:8]}.txt"'}
    return PlainTextResponse(text, headers=headers)


@router.api_route("/{code}/receipt/{act_id}", methods=_SHOW)
def show_receipt(request: Request, code: str, act_id: str) -> Response:
    """Show the receipt of an answer given through this link."""
    link = _visited(request, code)
    if _is_shut(request, link):
        return RedirectResponse(_path(request, code), 303)
    act = _act_of(request, link, act_id)
    page = _pages_of(request, link).receipt_page(_services(request), link, _grouped(code), act)
    return HTMLResponse(page)


# -- looking up -------------------------------------------------------------------------------------------


def _services(request: Request) -> PeopleServices:
    services: PeopleServices = request.app.state.people
    return services


def _client(request: Request) -> str:
    return client_address(request, _services(request).trusted_proxies)


def _link(request: Request, code: str) -> LinkView:
    """Return what is behind a code; raise `Gone` or `TooManyTries`."""
    services, client = _services(request), _client(request)
    services.limits.before_look_up(client)
    link = services.links.look_up(services.keys.hashes(code))
    if link is None:
        services.limits.missed(client)
        raise Gone
    return link


def _visited(request: Request, code: str) -> LinkView:
    """Return what is behind a code, and keep when a browser comes back to it."""
    services, link = _services(request), _link(request, code)
    note_return(request, services, link, visitor_of(request, services, link))
    return link


def _act_of(request: Request, link: LinkView, act_id: str) -> ActView:
    """Return an act given through a link; another link's act counts as a miss."""
    services = _services(request)
    mine = (act for act in services.acts.of_link(link.link_id) if act.id == act_id)
    act = next(mine, None)
    if act is None:
        services.limits.missed(_client(request))
        raise Gone
    return act


# -- who is there -----------------------------------------------------------------------------------------


def _is_shut(request: Request, link: LinkView) -> bool:
    """Say whether a confidential notice must stay closed to this browser."""
    return link.sensitive and identity_of(request, _services(request), link) is None


def _notice_page(request: Request, code: str, link: LinkView) -> Response:
    if _is_shut(request, link):
        return _ask_who(request, code, link, None, 200)
    fresh = Typed(nonce=new_nonce(), shown=link.fingerprint)
    return HTMLResponse(_pages_of(request, link).notice(_services(request), link, _grouped(code), fresh))


async def _factor_post(request: Request, code: str) -> tuple[Request, LinkView]:
    """Guard a post to the second factor; a link that asks for none has no such address."""
    services = _services(request)
    refuse_foreign_post(request, services.public_base_url)
    request = refuse_long_body(request, FORM_LIMIT)
    link = await run_in_threadpool(_visited, request, code)
    if not link.sensitive:
        raise Gone
    services.limits.posting(services.keys.hash_of(code))
    return request, link


def _ask_who(
    request: Request,
    code: str,
    link: LinkView,
    error: FieldError | None,
    status: int = 422,
    *,
    code_sent: bool = False,
) -> Response:
    """Show the second factor: who asks and that something waits, and nothing of it."""
    services = _services(request)
    ways = services.identity.ways(link)
    drawn = _pages_of(request, link)
    page = drawn.factor(services, link, _grouped(code), ways, error, code_sent=code_sent)
    return HTMLResponse(page, status)


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
    page = _pages_of(request, link).notice(_services(request), link, _grouped(code), kept, again.errors)
    return HTMLResponse(page, again.status)


def _receipt_after(request: Request, code: str, link: LinkView, act: ActView) -> Response:
    """Lead to the receipt; after "not me" the link is dead, so the receipt is the answer itself."""
    if act.kind is not ActKind.NOT_ME:
        return RedirectResponse(_path(request, code, f"/receipt/{act.id}"), 303)
    services = _services(request)
    now = services.acts.view(act.id) or act
    return HTMLResponse(_pages_of(request, link).receipt_page(services, link, _grouped(code), now))


def _grouped(code: str) -> str:
    """Return a code as it is printed, however it was typed."""
    plain = normalised(code)
    return "-".join((plain[:4], plain[4:8], plain[8:]))


def _path(request: Request, code: str, rest: str = "") -> str:
    """Return an address of this link's pages in the language asked for by name."""
    asked = request.query_params.get("lang")
    return f"/n/{_grouped(code)}{rest}" + (f"?lang={chosen(asked, '')}" if asked else "")


# -- pages ------------------------------------------------------------------------------------------------


def _pages_of(request: Request, link: LinkView) -> Pages:
    return pages(chosen(request.query_params.get("lang"), link.language))


def _general_pages(request: Request) -> Pages:
    preferred = accepted(request.headers.get("accept-language", ""))
    return pages(chosen(request.query_params.get("lang"), preferred))


def _refusal_page(request: Request, refusal: Exception) -> Response:
    services, drawn = _services(request), _general_pages(request)
    if isinstance(refusal, Gone):
        return HTMLResponse(drawn.gone(services), 404)
    if isinstance(refusal, TooManyTries):
        minutes = -(-refusal.seconds // 60)
        page = drawn.problem(services, _WAIT, sentence("Try again in %(minutes)s minutes.", minutes=minutes))
        return HTMLResponse(page, 429, headers={"Retry-After": str(refusal.seconds)})
    status, title, what_to_do = _PROBLEMS.get(type(refusal), _UNREADABLE)
    return HTMLResponse(drawn.problem(services, title, what_to_do), status)


_WAIT = sentence("Too many tries")
_PROBLEMS: dict[type[Exception], tuple[int, Sentence, Sentence]] = {
    ForeignPost: (
        403,
        sentence("This form came from another site"),
        sentence("Open the link in the message and answer there."),
    ),
    TooMuch: (
        413,
        sentence("What you sent is too large"),
        sentence("Go back and attach a smaller file, for example a photo of the paper."),
    ),
}
_UNREADABLE = (
    400,
    sentence("What you sent cannot be read"),
    sentence("Go back, check the form and send it again with one file at most."),
)
