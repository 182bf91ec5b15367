"""What the queries of several lists share."""

from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import col, or_, select

from countersign.adapters.database.tables import Person

select_columns: Any = select
"""`select` for more columns than the four that its types know."""


def holds(part: str, *columns: Any) -> ColumnElement[bool]:
    """Say whether `part` stands in one of the columns, capitals or not, taken as it is written."""
    return or_(*(col(column).icontains(part, autoescape=True) for column in columns))


def called(part: str) -> ColumnElement[bool]:
    """Say whether `part` stands in a person's name or number."""
    return holds(part, Person.name, Person.number)
