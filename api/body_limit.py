"""A limit for every request body: nobody can make the server hold what no route would take."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem

LIMIT_BYTES = 2 * 1024 * 1024
"""Far above the longest policy or list that a route takes."""

OWN_LIMITS = ("/n", "/me/notices/", "/console/imports", "/hooks/mail")
"""Paths that take papers or mails and keep limits of their own."""

PAGES = ("/console", "/me/")
"""Paths of pages, which say themselves in words and in the reader's language that something is too large."""

PAPERS = ("/manual-evidence", "/consents")
"""How the paths of the JSON API end that take papers and keep limits of their own."""


class BodyLimit:
    """Middleware: answers 413 in words as soon as a body is known to be too large."""

    def __init__(self, app: ASGIApp, limit: int = LIMIT_BYTES) -> None:
        self._app, self._limit = app, limit
        self._sentence = _too_large(limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting what comes in."""
        if scope["type"] != "http" or _has_own_limit(scope["path"]):
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        announced = declared.isdigit() and int(declared) > self._limit
        if announced and not scope["path"].startswith(PAGES):
            refusal = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._sentence)
            await refusal(scope, receive, send)
            return
        await self._app(scope, _counted(receive, self._limit, self._sentence), send)


def within(request: Request, limit: int) -> Request:
    """Return the request with a body that is refused in words beyond `limit` bytes, announced or not."""
    sentence = _too_large(limit)
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
    return Request(request.scope, _counted(request.receive, limit, sentence))


def _has_own_limit(path: str) -> bool:
    return path.startswith(OWN_LIMITS) or (path.startswith("/api/") and path.endswith(PAPERS))


def _too_large(limit: int) -> str:
    return f"The body is larger than {limit // 1024} KiB; send less at a time."


def _counted(receive: Receive, limit: int, sentence: str) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            # The routes' own exception passes through FastAPI's reading of bodies as it is.
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
        return message

    return counted
