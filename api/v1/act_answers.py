"""What the API answers to an act: in effect, on its way, too late, or sent with the key of another one."""

from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse

from api.errors import Refused
from countersign.adapters.database.acts import ActView


def refuse_other_key() -> Refused:
    """Return the refusal of a key under which something else was done before."""
    return Refused(
        HTTPStatus.CONFLICT,
        "Idempotency-Key: this key was used for another act; use a new one.",
        "Idempotency-Key",
    )


def answer(taken: ActView, same: bool, **more: Any) -> JSONResponse:
    """Answer what became of an act; `same` says whether it is what is asked for now.

    Raises `Refused` for another act, and for one that came too late or that its case did not take.
    """
    if not same:
        raise refuse_other_key()
    if taken.state in {"refused", "late"}:
        field, _, sentence = (taken.sentence or "").partition(": ")
        raise Refused(HTTPStatus.CONFLICT, sentence or field, field if sentence else None, act=taken.id)
    waits = taken.state == "waiting"
    says = "in effect; the running case hears of it" if waits else "in effect"
    told = {"act": taken.id, "state": taken.state, "says": says, "fingerprint": taken.fingerprint, **more}
    return JSONResponse(told, HTTPStatus.ACCEPTED if waits else HTTPStatus.CREATED)
