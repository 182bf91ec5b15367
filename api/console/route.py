"""What every console page has in common: its headers, and refusals that are pages themselves."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.console.drawing import refusal_page
from api.console.visit import HOME, Missing, MustChangePassword, NotAllowed, NotSignedIn
from api.language import Sentence, sentence
from api.people.security import ForeignPost, TooMuch
from countersign.adapters.database.engine import UnstorableText

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": POLICY,
}

_NOT_HERE = sentence("There is no such page here, or it belongs to another branch, or it is about yourself.")
_FOREIGN = sentence("This form came from another site. Nothing was changed.")
_UNREADABLE = sentence(
    "What was sent cannot be read as a form of this page. Nothing was changed; open the page again and send "
    "it from there, with one file at most."
)
_NUL = sentence(
    "What was sent holds the character U+0000. Nothing was changed; take it out and send it again."
)
_TOO_MUCH = sentence("What was sent is too large. Nothing was changed; send less at once.")


_WORDS: dict[int, Sentence] = {
    HTTPStatus.BAD_REQUEST: _UNREADABLE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _TOO_MUCH,
}
"""What is told of a refusal that the framework raises, by its status; of all others that nothing is there."""


class ConsoleRoute(APIRoute):
    """Gives every answer its headers, and turns refusals into pages or ways on."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                response = await handle(request)
            except NotSignedIn as nobody:
                response = _to_sign_in(request, nobody.back)
            except MustChangePassword:
                response = RedirectResponse(f"{HOME}/me", 303)
            except NotAllowed as refused:
                response = refusal_page(request, 403, refused.told)
            except ForeignPost:
                response = refusal_page(request, 403, _FOREIGN)
            except TooMuch:
                response = refusal_page(request, 413, _TOO_MUCH)
            except Missing:
                response = refusal_page(request, 404, _NOT_HERE)
            except UnstorableText:
                response = refusal_page(request, HTTPStatus.UNPROCESSABLE_ENTITY, _NUL)
            except HTTPException as refused:
                told = _WORDS.get(refused.status_code, _NOT_HERE)
                response = refusal_page(request, refused.status_code, told)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return guarded


def _to_sign_in(request: Request, back: str) -> Response:
    own = request.url.path == "/me" or request.url.path.startswith("/me/")
    where = f"{'/me' if own else HOME}/sign-in?back={back}"
    if request.headers.get("hx-request"):
        # A part of a page cannot hold the sign-in page: the whole page goes there.
        return Response(status_code=204, headers={"HX-Redirect": where})
    return RedirectResponse(where, 303)


def console_router() -> APIRouter:
    """Return a router for console pages; they stand below `/console` and in no schema."""
    return APIRouter(prefix=HOME, route_class=ConsoleRoute, include_in_schema=False)
