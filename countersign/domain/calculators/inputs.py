"""What a calculator takes: types that read text and numbers exactly and refuse in plain words."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict

from countersign.domain.input_models import InputModel, day_or_month, whole_number

_MOST = 999_999_999
_NUMBER = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,10})?")


class CaseInput(InputModel):
    """The inputs of one calculation; the message of a field's validator follows the field's name."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def exact_number(value: object) -> Decimal:
    """Read a number exactly, from text, a whole number or a decimal."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        # repr of a float gives back the digits that were written.
        text = str(value)
    else:
        raise ValueError("must be a number")
    if not _NUMBER.fullmatch(text):
        raise ValueError("must be a number such as 6500 or 6500.50, with at most 12 digits before the point")
    return Decimal(text)


def not_negative(value: object) -> Decimal:
    """Read a number that is 0 or more."""
    number = exact_number(value)
    if number < 0:
        raise ValueError(f"is {number}; it must not be negative")
    return number


def above_zero(value: object) -> Decimal:
    """Read a number above 0."""
    number = exact_number(value)
    if number <= 0:
        raise ValueError(f"is {number}; it must be above 0")
    return number


def part_of_one(value: object) -> Decimal:
    """Read a share from 0 to 1."""
    number = exact_number(value)
    if not 0 <= number <= 1:
        raise ValueError(f"is {number}; it must lie between 0 and 1, where 0.5 is half")
    return number


def yes_or_no(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def count(value: object) -> int:
    """Read a whole number of days, months or people."""
    number = whole_number(value)
    if number > _MOST:
        raise ValueError(f"is {number}, more than {_MOST}; check it")
    return number


def grade_number(value: object) -> int:
    """Read a disability grade, 1 (the gravest) to 10."""
    try:
        grade = whole_number(value)
    except ValueError:
        grade = 0
    if not 1 <= grade <= 10:
        raise ValueError("must be a disability grade, a whole number from 1 to 10")
    return grade


Amount = Annotated[Decimal, BeforeValidator(not_negative)]
"""Yuan, 0 or more; at most ten decimals, since an average wage may have more than two."""
Wage = Annotated[Decimal, BeforeValidator(above_zero)]
"""Yuan a month, above 0."""
Years = Annotated[Decimal, BeforeValidator(not_negative)]
Share = Annotated[Decimal, BeforeValidator(part_of_one)]
Flag = Annotated[bool, BeforeValidator(yes_or_no)]
Grade = Annotated[int, BeforeValidator(grade_number)]
Count = Annotated[int, BeforeValidator(count)]
Day = Annotated[date, BeforeValidator(day_or_month)]
