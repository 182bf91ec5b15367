"""What the queries of several lists share."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import col, or_, select

from countersign.adapters.database.tables import Person

select_columns: Any = select
"""`select` for more columns than the four that its types know."""


_AT_ONCE = 500
"""Values in one question to the database, which limits them."""


def some_at_once(values: Iterable[str]) -> Iterator[list[str]]:
    """Yield values without repetitions, as many at once as one question takes."""
    once = list(dict.fromkeys(values))
    for first in range(0, len(once), _AT_ONCE):
        yield once[first : first + _AT_ONCE]


def holds(part: str, *columns: Any) -> ColumnElement[bool]:
    """Say whether `part` stands in one of the columns, capitals or not, taken as it is written."""
    return or_(*(col(column).icontains(part, autoescape=True) for column in columns))


def called(part: str) -> ColumnElement[bool]:
    """Say whether `part` stands in a person's name or number."""
    return holds(part, Person.name, Person.number)
