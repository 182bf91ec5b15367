"""A limit for every request body: nobody can make the server hold what no route would take."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem

LIMIT_BYTES = 2 * 1024 * 1024
"""Far above the longest policy or list that a route takes."""

OWN_LIMITS = ("/n", "/hooks/mail")
"""Paths that take papers or mails and keep limits of their own."""


class BodyLimit:
    """Middleware: answers 413 in words as soon as a body is known to be too large."""

    def __init__(self, app: ASGIApp, limit: int = LIMIT_BYTES) -> None:
        self._app, self._limit = app, limit
        self._sentence = f"The body is larger than {limit // 1024} KiB; send less at a time."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting what comes in."""
        if scope["type"] != "http" or scope["path"].startswith(OWN_LIMITS):
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._limit:
            refusal = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._sentence)
            await refusal(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                # The routes' own exception passes through FastAPI's reading of bodies as it is.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._sentence)
            return message

        await self._app(scope, counted, send)
