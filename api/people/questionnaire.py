"""The questionnaire of somebody who leaves, behind the link that they get anyway."""

from dataclasses import replace

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.people.asking import FORM_LIMIT, MOST_FIELDS, OVER, Filled, filled_in, said_in
from api.people.forms import FieldError, new_nonce
from api.people.opening import (
    PeopleRoute,
    client_of,
    grouped,
    is_shut,
    pages_of,
    path_of,
    services_of,
    visited,
)
from api.people.security import Gone, refuse_foreign_post, refuse_long_body
from api.people.ticking import Wrong
from countersign.adapters.database.links import LinkView
from countersign.adapters.database.questionnaires import AskedView
from countersign.domain.refusal import Refusal

router = APIRouter(prefix="/n", route_class=PeopleRoute, include_in_schema=False)


@router.api_route("/{code}/questionnaire", methods=["GET", "HEAD"])
def show(request: Request, code: str) -> Response:
    """Show the questions with what was answered before."""
    link = visited(request, code)
    if is_shut(request, link):
        return RedirectResponse(path_of(request, code), 303)
    asked = _asked(request, link)
    return _page(request, code, link, asked, Filled(new_nonce(), asked.answers))


@router.post("/{code}/questionnaire")
async def answer(request: Request, code: str) -> Response:
    """Keep the answers, or that somebody would rather not answer."""
    services = services_of(request)
    refuse_foreign_post(request, services.public_base_url)
    request = refuse_long_body(request, FORM_LIMIT)
    link = await run_in_threadpool(visited, request, code)
    if await run_in_threadpool(is_shut, request, link):
        return RedirectResponse(path_of(request, code), 303)
    asked = await run_in_threadpool(_asked, request, link)
    async with request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=64 * 1024) as form:
        filled = filled_in(form, asked)
    return await run_in_threadpool(_take, request, code, link, asked, filled)


def _take(request: Request, code: str, link: LinkView, asked: AskedView, filled: Filled) -> Response:
    """Keep what was sent. Raises `TooManyTries`."""
    services = services_of(request)
    try:
        said = said_in(filled, asked, link.link_id)
        services.limits.confirming(services.keys.hash_of(code))
        services.questionnaires.take(link.case_id, said)
    except Wrong as wrong:
        kept = replace(filled, nonce=new_nonce())
        return _page(request, code, link, asked, kept, wrong.errors, wrong.status)
    except Refusal:
        return _page(request, code, link, _asked(request, link), filled, (OVER,), 409)
    return RedirectResponse(path_of(request, code, "/questionnaire"), 303)


def _asked(request: Request, link: LinkView) -> AskedView:
    """Return what the holder of a link is asked; nothing asked counts as a miss, like a wrong code."""
    found = pages_of(request, link).asked(services_of(request), link)
    if found is None:
        services_of(request).limits.missed(client_of(request))
        raise Gone
    return found


def _page(
    request: Request,
    code: str,
    link: LinkView,
    asked: AskedView,
    filled: Filled,
    errors: tuple[FieldError, ...] = (),
    status: int = 200,
) -> Response:
    page = pages_of(request, link).questionnaire(
        services_of(request), link, grouped(code), asked, filled, errors
    )
    return HTMLResponse(page, status)
