"""One cell of a table: a value, when it holds, how far it is confirmed, and where it was read."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Status(StrEnum):
    """How far a fact is confirmed, the strongest first.

    V1: statute text read. V2: found in independent public material. J: court judgment read. D: derived by
    exact arithmetic. M-h, M-m, M-l: believed, with high, medium, low confidence. UNKNOWN: not published.
    CONFLICT: the sources contradict each other.
    """

    V1 = "V1"
    V2 = "V2"
    J = "J"
    D = "D"
    M_H = "M-h"
    M_M = "M-m"
    M_L = "M-l"
    UNKNOWN = "UNKNOWN"
    CONFLICT = "CONFLICT"

    @property
    def weak(self) -> bool:
        """Say whether a figure that uses such a cell is provisional."""
        return self in _WEAK


_WEAK = frozenset({Status.M_M, Status.M_L, Status.UNKNOWN, Status.CONFLICT})
_RANK = {status: rank for rank, status in enumerate(Status)}


def weakest(statuses: Iterable[Status]) -> Status:
    """Return the weakest of some statuses; V1 for none."""
    return max(statuses, key=_RANK.__getitem__, default=Status.V1)


def _exact(value: object) -> object:
    # Text and whole numbers only: a binary float would already have lost what stood in the table.
    if isinstance(value, bool | float):
        raise ValueError("must be a whole number or text, so that it stays exact")
    return Decimal(value) if isinstance(value, int | str) else value


def _first_day(value: object) -> object:
    return date.fromisoformat(f"{value}-01" if len(str(value)) == len("2024-07") else str(value))


def _last_day(value: object) -> object:
    text = str(value)
    if len(text) != len("2024-07"):
        return date.fromisoformat(text)
    year, month = int(text[:4]), int(text[5:])
    return date(year, month, monthrange(year, month)[1])


Exact = Annotated[Decimal, BeforeValidator(_exact)]
From = Annotated[date, BeforeValidator(_first_day)]
To = Annotated[date, BeforeValidator(_last_day)]
Value = TypeVar("Value")


class Cell(BaseModel, Generic[Value]):
    """A value from `from` to `to`, both included; without them it holds at any time.

    A month stands for its first day in `from` and for its last in `to`. `readings` are what the sources of a
    CONFLICT say. Raises `ValueError` for a cell whose value and status contradict each other.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    value: Value | None
    from_: From | None = Field(default=None, alias="from")
    to: To | None = None
    status: Status
    source: Annotated[str, Field(min_length=2)]
    note: str = ""
    readings: tuple[Value, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.from_ and self.to and self.to < self.from_:
            raise ValueError("ends before it begins")
        if (self.value is None) != (self.status in (Status.UNKNOWN, Status.CONFLICT)):
            raise ValueError(f"has the status {self.status}, which does not fit its value {self.value}")
        if (len(self.readings) > 1) != (self.status is Status.CONFLICT):
            raise ValueError("must list the readings of a conflict, and only of a conflict")
        return self

    @property
    def possible(self) -> tuple[Value, ...]:
        """Return the value alone, or what the sources of a conflict say; nothing where it is UNKNOWN."""
        return self.readings if self.value is None else (self.value,)

    def holds_on(self, day: date) -> bool:
        """Say whether the day lies in the cell's time."""
        return (self.from_ is None or self.from_ <= day) and (self.to is None or day <= self.to)

    def period(self) -> str:
        """Write the cell's time for people: `2024-07-01 to 2025-06-30`."""
        if self.from_ is None and self.to is None:
            return "undated"
        return f"{self.from_ or '…'} to {self.to or '…'}"


AnyCell = TypeVar("AnyCell", bound=Cell[Any])


class MissingCell(LookupError):
    """The table has no such cell, and none before it; the text names the cell."""


@dataclass(frozen=True, slots=True)
class Found(Generic[AnyCell]):
    """A cell for a day; `borrowed` when it is the last known one of an earlier time."""

    cell: AnyCell
    borrowed: bool


def on_day(cells: Iterable[AnyCell], day: date, name: str) -> Found[AnyCell]:
    """Find the cell that holds on a day, else the last published one before it.

    An UNKNOWN cell counts as not published; when nothing was published before it, it is returned itself.
    Raises `MissingCell` with `name` when there is none.
    """
    unknown = None
    earlier: AnyCell | None = None
    for cell in cells:
        if cell.holds_on(day):
            if cell.status is not Status.UNKNOWN:
                return Found(cell, borrowed=False)
            unknown = cell
        elif (
            cell.status is not Status.UNKNOWN
            and cell.to is not None
            and cell.to < day
            and (earlier is None or earlier.to is None or earlier.to < cell.to)
        ):
            earlier = cell
    if earlier is not None:
        return Found(earlier, borrowed=True)
    if unknown is not None:
        return Found(unknown, borrowed=False)
    raise MissingCell(f"there is no table {name} for {day:%Y-%m} and none before it")


def spread(table: Any) -> Any:
    """Give every row of `{common: {…}, rows: [{…}]}` what they share; a plain list stays as it is.

    A row with `by_grade: {5: 18, …}` stands for one row a grade.
    """
    if not isinstance(table, dict) or set(table) - {"common", "rows"} or "rows" not in table:
        return table
    rows = [{**table.get("common", {}), **row} for row in table["rows"]]
    full = []
    for row in rows:
        grades = row.pop("by_grade", None)
        full += (
            [row]
            if grades is None
            else [{**row, "grade": grade, "value": value} for grade, value in grades.items()]
        )
    return full
