"""What every page behind a link needs: the link, who holds it, its language, and refusals that are pages."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.language import Sentence, accepted, chosen, sentence
from api.people.forms import FieldError
from api.people.limits import TooManyTries
from api.people.security import ForeignPost, Gone, TooMuch, client_address, page_headers
from api.people.services import PeopleServices
from api.people.views import Pages, pages, style_hash
from api.people.visits import identity_of, note_return, visitor_of
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.links import LinkView
from countersign.adapters.links import normalised


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


# -- looking up -------------------------------------------------------------------------------------------


def services_of(request: Request) -> PeopleServices:
    """Return what the pages work with."""
    services: PeopleServices = request.app.state.people
    return services


def client_of(request: Request) -> str:
    """Return who asks, as far as the request tells."""
    return client_address(request, services_of(request).trusted_proxies)


def link_behind(request: Request, code: str) -> LinkView:
    """Return what is behind a code; raise `Gone` or `TooManyTries`."""
    services, client = services_of(request), client_of(request)
    services.limits.before_look_up(client)
    link = services.links.look_up(services.keys.hashes(code))
    if link is None:
        services.limits.missed(client)
        raise Gone
    return link


def visited(request: Request, code: str) -> LinkView:
    """Return what is behind a code, and keep when a browser comes back to it."""
    services, link = services_of(request), link_behind(request, code)
    note_return(request, services, link, visitor_of(request, services, link))
    return link


def act_of(request: Request, link: LinkView, act_id: str) -> ActView:
    """Return an act given through a link; another link's act counts as a miss."""
    services = services_of(request)
    mine = (act for act in services.acts.of_link(link.link_id) if act.id == act_id)
    act = next(mine, None)
    if act is None:
        services.limits.missed(client_of(request))
        raise Gone
    return act


# -- who is there -----------------------------------------------------------------------------------------


def is_shut(request: Request, link: LinkView) -> bool:
    """Say whether a confidential notice must stay closed to this browser."""
    return link.sensitive and identity_of(request, services_of(request), link) is None


def ask_who(
    request: Request,
    code: str,
    link: LinkView,
    error: FieldError | None,
    status: int = 422,
    *,
    code_sent: bool = False,
) -> Response:
    """Show the second factor: who asks and that something waits, and nothing of it."""
    services = services_of(request)
    ways = services.identity.ways(link)
    drawn = pages_of(request, link)
    page = drawn.factor(services, link, grouped(code), ways, error, code_sent=code_sent)
    return HTMLResponse(page, status)


def grouped(code: str) -> str:
    """Return a code as it is printed, however it was typed."""
    plain = normalised(code)
    return "-".join((plain[:4], plain[4:8], plain[8:]))


def path_of(request: Request, code: str, rest: str = "") -> str:
    """Return an address of this link's pages in the language asked for by name."""
    asked = request.query_params.get("lang")
    return f"/n/{grouped(code)}{rest}" + (f"?lang={chosen(asked, '')}" if asked else "")


# -- pages ------------------------------------------------------------------------------------------------


def pages_of(request: Request, link: LinkView) -> Pages:
    """Return the pages in the language asked for, else in that of the notice."""
    return pages(chosen(request.query_params.get("lang"), link.language))


def general_pages(request: Request) -> Pages:
    """Return the pages in the language of the browser, where no notice is known."""
    preferred = accepted(request.headers.get("accept-language", ""))
    return pages(chosen(request.query_params.get("lang"), preferred))


def _refusal_page(request: Request, refusal: Exception) -> Response:
    services, drawn = services_of(request), general_pages(request)
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
