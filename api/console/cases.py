"""The list of cases: filters that stand in the address, saved ones, and the list to take along."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import Response
from fastapi.responses import RedirectResponse

from api.console.downloads import list_file
from api.console.drawing import page, word
from api.console.paging import page_asked
from api.console.route import console_router
from api.console.visit import HOME, Missing, Seer, SeerPost, Visit
from api.language import sentence
from countersign.adapters.database.case_lists import CaseFilter, CaseLine, Sort
from countersign.adapters.list_files import Value
from countersign.contracts.cases import CaseState, Process, Role
from countersign.domain.chain_words import STAGES

router = console_router()
LIST = "cases"
_DUE = ("overdue", "today", "week")
_HEADERS = (
    sentence("Case"),
    sentence("Process"),
    sentence("Employee number"),
    sentence("Name"),
    sentence("Branch"),
    sentence("State"),
    sentence("Stage"),
    sentence("Waits for"),
    sentence("Due"),
    sentence("Next message"),
    sentence("Outcome"),
    sentence("Started"),
    sentence("Closed"),
)
_NO_NAME = sentence("Give the filter a name.")
_TOO_MANY = sentence("You have thirty saved filters already; forget one first.")
_KEPT = sentence("The filter was saved as %(name)s.")
_FORGOTTEN = sentence("The saved filter was removed.")

_HOLDERS = (
    Role.HR,
    Role.EMPLOYEE,
    Role.EMERGENCY_CONTACT,
    Role.MANAGER,
    Role.FINANCE,
    Role.ADMINISTRATION,
    Role.LEGAL,
)


@router.get("/cases")
def cases(visit: Seer) -> Response:
    """List the cases that match what the address asks for."""
    wanted = wanted_of(visit)
    shown = visit.parts.case_lists.page(visit.scope, wanted, page_asked(visit), visit.parts.clock())
    return page(visit, "console/cases.html", wanted=wanted, shown=shown, **_choices(visit, wanted))


@router.get("/cases.{form}")
def take_along(visit: Seer, form: str) -> Response:
    """Hand out the filtered list as a workbook or CSV."""
    lines = visit.parts.case_lists.all(visit.scope, wanted_of(visit), visit.parts.clock())
    headers = [visit.words.say(one) for one in _HEADERS]
    rows = (_row(visit.language, line) for line in lines)
    return list_file(form, "cases", headers, rows, visit.words.gettext("Cases"))


@router.post("/cases/filters")
def keep_filter(post: SeerPost) -> Response:
    """Keep the present filters under a name."""
    name, query = post.text("name")[:60], _clean(post.text("query"))
    if not name:
        post.tell(_NO_NAME, good=False)
    elif post.parts.saved_filters.keep(post.officer.account_id, LIST, name, query):
        post.tell(sentence(_KEPT.text, name=name))
    else:
        post.tell(_TOO_MANY, good=False)
    return RedirectResponse(f"{HOME}/cases?{query}", 303)


@router.post("/cases/filters/{filter_id}/forget")
def forget_filter(post: SeerPost, filter_id: str) -> Response:
    """Remove a saved filter."""
    if not post.parts.saved_filters.forget(post.officer.account_id, filter_id):
        raise Missing
    post.tell(_FORGOTTEN)
    return RedirectResponse(f"{HOME}/cases", 303)


def wanted_of(visit: Visit) -> CaseFilter:
    """Return the filter that the address asks for; what it names that does not exist asks for nothing."""
    sort = visit.asked("sort")
    return CaseFilter(
        kind=_one_of(visit.asked("kind"), set(Process)),
        state=_one_of(visit.asked("state"), {"open", *CaseState}),
        stage=_one_of(visit.asked("stage"), set(STAGES)),
        holder=_one_of(visit.asked("holder"), set(Role)),
        branch=visit.asked("branch")[:26],
        due=_one_of(visit.asked("due"), set(_DUE)),
        search=visit.asked("q")[:100],
        sort=Sort(sort) if sort in set(Sort) else Sort.DUE,
    )


def _one_of(asked: str, known: set[str]) -> str:
    return asked if asked in known else ""


def _choices(visit: Visit, wanted: CaseFilter) -> dict[str, Any]:
    query = {name: value for name, value in visit.request.query_params.items() if name != "page" and value}
    return {
        "kinds": list(Process),
        "states": ["open", *(state.value for state in CaseState)],
        "all_stages": [stage for stage in STAGES if stage != "not_recorded"],
        "holders": _HOLDERS,
        "dues": _DUE,
        "branches": visit.parts.case_lists.branches(visit.scope),
        "saved": visit.parts.saved_filters.of(visit.officer.account_id, LIST),
        "query": urlencode(query),
        "sorted_by": lambda sort: urlencode({**query, "sort": sort}),
        "narrowed": any(name != "sort" for name in query),
    }


def _clean(query: str) -> str:
    known = {"kind", "state", "stage", "holder", "branch", "due", "q", "sort"}
    return urlencode([(name, value[:100]) for name, value in parse_qsl(query[:2000]) if name in known])


def _row(language: str, line: CaseLine) -> list[Value]:
    return [
        line.id,
        word(language, "kind", line.kind),
        line.number,
        line.name,
        line.branch,
        word(language, "case_state", line.state),
        word(language, "stage", line.stage),
        None if line.holder is None else word(language, "holder", line.holder),
        line.due_at,
        line.next_at,
        None if line.outcome is None else word(language, "outcome", line.outcome),
        line.created_at,
        line.closed_at,
    ]
