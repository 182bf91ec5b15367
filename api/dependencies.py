"""What handlers ask for: the parts of the installation, and answers that are given once per key."""

import hashlib
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, cast

from fastapi import Depends, Header, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from api.errors import Refused
from countersign.adapters.database.tokens import Caller, Tokens
from countersign.bootstrap import Parts


def parts(request: Request) -> Parts:
    """Return the parts of this installation."""
    return cast(Parts, request.app.state.parts)


PartsDep = Annotated[Parts, Depends(parts)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key with the same body gives the same answer; nothing is started twice.",
    ),
]


def needed(key: str | None) -> str:
    """Return the key, or refuse a call without one: whoever starts something must be able to ask again."""
    if key is None:
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            "Idempotency-Key: send a header of this name with a value of your own, so that a repeated "
            "request starts nothing twice.",
            "Idempotency-Key",
        )
    return key


def own_id(caller: Caller, *parts: str) -> str:
    """Return the id, 64 hex digits, of what this caller asks for by these words: asked again, the same."""
    return hashlib.sha256("\n".join((caller.token_id, *parts)).encode()).hexdigest()


def once(
    tokens: Tokens,
    caller: Caller,
    key: str | None,
    request: object,
    do: Callable[[], tuple[int, dict[str, Any]]],
) -> JSONResponse:
    """Do something once per idempotency key; a repeated key gets the first answer.

    Without a key the call is refused: whoever starts something must be able to ask again safely.
    """
    key = needed(key)
    told = hashlib.sha256(json.dumps(jsonable_encoder(request), sort_keys=True).encode()).hexdigest()
    known = tokens.remembered(caller, key, told)
    if known is None:
        status, answer = do()
        answer = jsonable_encoder(answer)
        tokens.remember(caller, key, told, status, answer)
        return JSONResponse(answer, status)
    if not known.same_request:
        raise Refused(
            HTTPStatus.CONFLICT,
            "Idempotency-Key: this key was used for another request; use a new one.",
            "Idempotency-Key",
        )
    return JSONResponse(known.answer, known.status)
