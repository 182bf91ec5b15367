"""Errors own their status: one exception for everything the API refuses, answered as problem+json."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from countersign.adapters.database.engine import UnstorableText
from countersign.adapters.database.starts import AlreadyStarted, CannotStart
from countersign.adapters.rendering import TemplateFault
from countersign.domain.refusal import Refusal
from countersign.domain.sms_templates import TemplateRefused
from countersign.domain.yaml_text import InputError

PROBLEM = "application/problem+json"


class Refused(Exception):
    """A request that cannot be carried out; `detail` says why and what to do, `field` where."""

    def __init__(self, status: HTTPStatus, detail: str, field: str | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.field, self.more = status, detail, field, more


def not_found(what: str) -> Refused:
    """Return the one answer for what does not exist and for what the caller may not see."""
    return Refused(HTTPStatus.NOT_FOUND, f"There is no such {what} here.")


def problem(status: int, detail: str, field: str | None = None, **more: Any) -> JSONResponse:
    """Return an RFC 9457 answer."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if field is not None:
        body["field"] = field
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(jsonable_encoder(body | more), status, headers, media_type=PROBLEM)


def _where(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if part not in ("body", "query", "path", "header"))


INSTANT_WANTED = "must be a date and time with offset, such as 2026-03-02T15:04:00+08:00"
DAY_WANTED = "must be a day that exists, such as 2026-03-02"
_SENTENCES = {
    "missing": "is missing; give it",
    "extra_forbidden": "is not known here; leave it out",
    "string_type": "must be text",
    "string_pattern_mismatch": "does not have the right form; correct it",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "dict_type": "must be a JSON object, in curly brackets",
    "model_type": "must be a JSON object, in curly brackets",
    "model_attributes_type": "must be a JSON object, in curly brackets",
    "list_type": "must be a JSON list, in square brackets",
    "timezone_aware": INSTANT_WANTED,
    "datetime_type": INSTANT_WANTED,
    "datetime_parsing": INSTANT_WANTED,
    "datetime_from_date_parsing": INSTANT_WANTED,
    "date_type": DAY_WANTED,
    "date_parsing": DAY_WANTED,
    "date_from_datetime_parsing": DAY_WANTED,
}


def _fault(error: Mapping[str, Any]) -> dict[str, str]:
    """Return the field of a validation error, and what is to be given there, in words of ours."""
    kind, more = error["type"], error.get("ctx", {})
    if kind == "json_invalid":
        # Its place is a position in the text, not a field.
        return {"field": "body", "message": "is no JSON; send a JSON object"}
    field = _where(error["loc"]) or "body"
    if kind in {"enum", "literal_error"}:
        return {"field": field, "message": f"must be {str(more['expected']).replace(chr(39), '')}"}
    if kind == "string_pattern_mismatch" and more["pattern"] == r"\S":
        return {"field": field, "message": "must not be blank"}
    if kind == "string_too_short":
        least = more["min_length"]
        told = "must not be empty" if least == 1 else f"must have at least {least} characters"
        return {"field": field, "message": told}
    if kind == "string_too_long":
        return {"field": field, "message": f"may have at most {more['max_length']} characters; shorten it"}
    told = _SENTENCES.get(kind) or str(error["msg"]).removeprefix("Value error, ")
    return {"field": field, "message": told}


def field_faults(error: ValidationError) -> dict[str, str]:
    """Return what is wrong with each field of a model; what concerns no single one under `body`."""
    return {one["field"]: one["message"] for one in map(_fault, reversed(error.errors()))}


def install_errors(app: FastAPI) -> None:
    """Answer every refusal as problem+json; no answer repeats what was sent, which may be personal."""

    @app.exception_handler(Refused)
    def _refused(_: Request, error: Refused) -> JSONResponse:
        return problem(error.status, error.detail, error.field, **error.more)

    @app.exception_handler(CannotStart)
    def _cannot(_: Request, error: CannotStart) -> JSONResponse:
        return problem(422, str(error), error.field)

    @app.exception_handler(Refusal)
    def _refusal(_: Request, error: Refusal) -> JSONResponse:
        return problem(422, str(error), error.field)

    @app.exception_handler(AlreadyStarted)
    def _already(_: Request, error: AlreadyStarted) -> JSONResponse:
        return problem(409, f"{error}; read it there", "leave", case=error.case_id)

    @app.exception_handler(InputError)
    def _input(_: Request, error: InputError) -> JSONResponse:
        return problem(422, str(error), error.field)

    @app.exception_handler(TemplateFault)
    def _template(_: Request, error: TemplateFault) -> JSONResponse:
        return problem(422, str(error), "template")

    @app.exception_handler(TemplateRefused)
    def _registered(_: Request, error: TemplateRefused) -> JSONResponse:
        return problem(422, str(error), "template")

    @app.exception_handler(RequestValidationError)
    def _validation(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = [_fault(one) for one in error.errors()]
        first = faults[0]
        sentence = f"{first['field']}: {first['message'].removesuffix('.')}."
        return problem(422, sentence, first["field"], errors=faults)

    @app.exception_handler(UnstorableText)
    def _unstorable(_: Request, error: UnstorableText) -> JSONResponse:
        return problem(422, f"The request is refused: {error}.")

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> JSONResponse:
        answer = problem(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(OperationalError)
    def _busy(_: Request, __: OperationalError) -> JSONResponse:
        answer = problem(503, "The database cannot write now. Nothing was changed; try again in a moment.")
        answer.headers["Retry-After"] = "5"
        return answer
