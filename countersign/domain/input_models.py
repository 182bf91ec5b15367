"""Pydantic models for what people hand in, and pydantic's refusals in one plain sentence."""

import re
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from countersign.domain.yaml_text import InputError, shown

_Model = TypeVar("_Model", bound=BaseModel)
_Enum = TypeVar("_Enum", bound=StrEnum)

_DAY_OR_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?")
_PLAIN = {
    "missing": "is missing",
    "string_type": "must be text; put it in quotes",
    "string_unicode": "holds half a character; write it again",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
}


class InputModel(BaseModel):
    """A mapping with a closed set of keys; an unknown key is refused and the known ones are listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError("must be a mapping of keys to values")
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in data:
            if key not in known:
                raise ValueError(f"holds the unknown key {shown(key)}; known keys: {', '.join(known)}")
        return data


def read_input(model: type[_Model], data: object, source: str, path: str = "") -> _Model:
    """Validate `data`, which stands at `path` of `source`.

    Raises `InputError` with one sentence that names the source and the first field that is wrong.
    """
    try:
        return model.model_validate(data)
    except ValidationError as refusal:
        where, reason = told_refusals(refusal, path)[0]
        if where or (field := leading_field(model, reason)) is None:
            raise InputError(f"{source}: {where or 'the file'} {reason}", where or None) from None
        raise InputError(f"{source}: {reason}", field) from None


def told_refusals(refusal: ValidationError, path: str = "") -> list[tuple[str, str]]:
    """Return everything that pydantic refuses as (place, reason); the place is empty for the whole."""
    return [
        (
            field_path(path, one["loc"]),
            str(one.get("ctx", {}).get("error") or _PLAIN.get(one["type"]) or one["msg"]),
        )
        for one in refusal.errors(include_url=False)
    ]


def leading_field(model: type[BaseModel], sentence: str) -> str | None:
    """Return the field with which a refusal of the whole mapping begins, None when it begins with none."""
    first = sentence.partition(" ")[0]
    return first if first in model.model_fields else None


def field_path(prefix: str, location: tuple[str | int, ...]) -> str:
    """Write a pydantic location the way people do: `policy.rungs[0].wait.value`."""
    path = prefix
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def one_of(members: type[_Enum], what: str) -> Callable[[object], _Enum]:
    """Make a validator that turns text into a member and lists the known ones when it cannot."""

    def to_member(value: object) -> _Enum:
        if not isinstance(value, str | int):
            # Lists are not written out: a few lines of YAML aliases can stand for gigabytes.
            raise ValueError(f"must be a word; known: {', '.join(members)}")
        try:
            return members(str(value))
        except ValueError:
            raise ValueError(f"is the unknown {what} {shown(value)}; known: {', '.join(members)}") from None

    return to_member


def day_or_month(value: object) -> date:
    """Read `YYYY-MM-DD`, or `YYYY-MM`, which counts from its first day."""
    if not isinstance(value, str) or not _DAY_OR_MONTH.fullmatch(value):
        raise ValueError("must be a date written YYYY-MM-DD or YYYY-MM")
    try:
        return date.fromisoformat(value if len(value) > len("YYYY-MM") else f"{value}-01")
    except ValueError:
        raise ValueError(f"is {value}, a day that no calendar has") from None


def whole_number(value: object) -> int:
    """Read a whole number that is not negative, given as a number or as decimal digits."""
    text = str(value) if isinstance(value, str | int | float) else ""
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,18}", text):
        raise ValueError("must be a whole number that is not negative")
    return int(text)
