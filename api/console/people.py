"""The list of employees and the page of one."""

from fastapi import Response

from api.console.drawing import page
from api.console.paging import page_asked
from api.console.route import console_router
from api.console.visit import Missing, Seer
from countersign.adapters.database.case_lists import CaseFilter, Sort
from countersign.adapters.database.officers import READERS, SEERS, STAFF

router = console_router()


@router.get("/people")
def people(visit: Seer) -> Response:
    """List the employees."""
    asked, branch = visit.asked("q")[:100], visit.asked("branch")[:26]
    shown = visit.parts.people_lists.page(visit.scope, asked, branch, page_asked(visit))
    branches = visit.parts.case_lists.branches(visit.scope)
    return page(visit, "console/people.html", shown=shown, asked=asked, branch=branch, branches=branches)


@router.get("/people/{number}")
def person(visit: Seer, number: str) -> Response:
    """Show one employee: who reads everything, and who leads them what concerns the work."""
    found = visit.parts.person_pages.read(visit.scope, number)
    if found is None:
        raise Missing
    own = found.person.id == visit.officer.person_id
    wanted = CaseFilter(person_id=found.person.id, sort=Sort.STARTED)
    cases = visit.parts.case_lists.page(visit.scope, wanted, 1, visit.parts.clock())
    return page(
        visit,
        "console/person.html",
        found=found,
        own=own,
        cases=cases,
        employments=visit.parts.employments.of_person(found.person.id),
        sees_departures=visit.officer.role in SEERS and not own,
        reads_all=visit.officer.role in READERS,
        starts=visit.officer.role in STAFF and not own,
    )
