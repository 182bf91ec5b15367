"""Lists that are shown a page at a time."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Line = TypeVar("Line")


@dataclass(frozen=True)
class Pager:
    """Which page of how many, counted from 1; `skip` is how many lines stand before it."""

    number: int
    pages: int
    skip: int


@dataclass(frozen=True)
class Listed(Generic[Line]):
    """One page of a list: its lines, how many there are in all, and which page of how many."""

    lines: tuple[Line, ...]
    total: int
    pager: Pager


def pager(asked: int, total: int, size: int) -> Pager:
    """Return the page that was asked for, or the nearest one that a list of `total` lines has."""
    pages = max(1, -(-total // size))
    number = min(max(1, asked), pages)
    return Pager(number, pages, (number - 1) * size)
