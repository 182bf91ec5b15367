"""The page of a list that an address asks for."""

from api.console.visit import Visit
from countersign.domain.paging import Pager, pager


def page_asked(visit: Visit) -> int:
    """Return the page that the address asks for; what is no number asks for the first."""
    asked = visit.asked("page")
    return max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1


def pager_of(visit: Visit, total: int, size: int) -> Pager:
    """Return the page that is shown of a list of `total` lines."""
    return pager(page_asked(visit), total, size)
