"""Forms are UTF-8: a form that names another encoding is refused before anything decodes it."""

from http import HTTPStatus

from python_multipart.multipart import parse_options_header
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import problem

_SENTENCE = "The form names an encoding other than UTF-8; send it as UTF-8."


class Utf8Forms:
    """Middleware: answers 415 in words.

    Browsers name no encoding. Whoever names one has the fields decoded by any codec of Python, and some of
    them fail in their own ways or yield halves of characters that nothing can keep.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on unless its form is in another encoding."""
        if scope["type"] == "http" and _names_another(dict(scope["headers"]).get(b"content-type", b"")):
            await problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, _SENTENCE)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _names_another(content_type: bytes) -> bool:
    kind, options = parse_options_header(content_type)
    named = options.get(b"charset", b"utf-8").strip().lower()
    return kind == b"multipart/form-data" and named not in (b"utf-8", b"utf8")
