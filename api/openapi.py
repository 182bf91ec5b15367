"""The description of the JSON API: what every route may refuse stands in it once, in the form it is sent."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from api.errors import PROBLEM

_PROBLEM = {
    "title": "Problem",
    "type": "object",
    "description": "Why a request was refused, and what to do (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence that names the field and what to do."},
        "field": {"type": "string"},
    },
}
_REFUSED = {
    "description": "Refused; nothing was written.",
    "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_NOT_OURS = ("HTTPValidationError", "ValidationError")


def with_refusals(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return what makes the application's schema, with the refusals as they are really sent."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        schema = made()
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        for name in _NOT_OURS:
            schemas.pop(name, None)
        schemas["Problem"] = _PROBLEM
        for path in schema["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = _REFUSED
                _same_content(operation["responses"])
        return schema

    return openapi


def _same_content(responses: dict[str, Any]) -> None:
    """Give a second way to succeed the content of the first: the answer differs in its state alone."""
    good = [told for code, told in responses.items() if code.startswith("2")]
    known = next((told["content"] for told in good if "content" in told), None)
    for told in good:
        if known is not None:
            told.setdefault("content", known)
