"""The first screen: what waits, for whom, since when; and the search over people and cases."""

from typing import Any

from fastapi import Response

from api.console.drawing import page
from api.console.route import console_router
from api.console.visit import Holder, Visit
from countersign.adapters.database.case_lists import CaseFilter, Show, Sort
from countersign.adapters.database.officers import SEERS, STAFF

router = console_router()
MOST_SHOWN = 40
MOST_FOUND = 20


@router.get("")
def first(visit: Holder) -> Response:
    """Show what waits."""
    return page(visit, "console/first.html", **_waits(visit))


@router.get("/now")
def now(visit: Holder) -> Response:
    """Return the part of the first screen that is refreshed by itself."""
    return page(visit, "console/first_part.html", **_waits(visit))


@router.get("/search")
def search(visit: Holder) -> Response:
    """Find people and cases by part of a name or number, and a case by its id."""
    asked = visit.asked("q")
    lists, at = visit.parts.case_lists, visit.parts.clock()
    sees_cases = visit.officer.role in SEERS
    wanted = CaseFilter(search=asked, sort=Sort.STARTED)
    cases = lists.page(visit.scope, wanted, 1, at) if asked and sees_cases else None
    people = visit.parts.people_lists.found(visit.scope, asked, MOST_FOUND) if asked and sees_cases else []
    return page(visit, "console/search.html", asked=asked, cases=cases, people=people, most=MOST_FOUND)


def _waits(visit: Visit) -> dict[str, Any]:
    lists, at, roles = visit.parts.case_lists, visit.parts.clock(), visit.officer.task_roles
    asked = visit.asked("show", Show.MINE.value)
    sees_cases = visit.officer.role in SEERS
    show = Show(asked) if asked in set(Show) and sees_cases else Show.MINE
    return {
        "show": show.value,
        "sees_cases": sees_cases,
        "summary": lists.summary(visit.scope, roles, at),
        "stages": lists.stages(visit.scope, at) if sees_cases else [],
        "tasks": lists.tasks(visit.scope, roles, MOST_SHOWN) if show is Show.MINE else [],
        "lines": [] if show is Show.MINE else lists.waiting(visit.scope, roles, show, at, MOST_SHOWN),
        "most": MOST_SHOWN,
        "approvals": visit.parts.approvals.undecided(visit.scope) if visit.officer.role in STAFF else 0,
    }
