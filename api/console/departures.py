"""The list of departures: who leaves when, how far the handover is, and what keeps the gate shut."""

from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Response

from api.console.downloads import list_file
from api.console.drawing import page, word
from api.console.paging import page_asked
from api.console.route import console_router
from api.console.visit import Visit, visiting
from api.language import sentence
from countersign.adapters.database.departure_lists import (
    OPEN,
    DepartureFilter,
    DepartureLine,
    DepartureSort,
)
from countersign.adapters.database.departure_views import DepartureState
from countersign.adapters.database.officers import READERS, SEERS
from countersign.adapters.list_files import Value
from countersign.contracts.cases import Role
from countersign.domain.departure import DepartureKind
from countersign.domain.gate import BALANCES, Reason

router = console_router()

CONCERNED = (*SEERS, Role.FINANCE, Role.ADMINISTRATION)
"""Who has something to do with departures; managers see those of their team."""
SEES_MONEY = (*READERS, Role.FINANCE)
"""Who is told what a leaver owes; to the others it is money, without its kind and sum."""
SUMS = frozenset({*(one.value for one in BALANCES), Reason.PLAN_UNSIGNED.value, Reason.SETTLEMENT.value})
Concerned = Annotated[Visit, Depends(visiting(*CONCERNED))]

_HOLDERS = (Role.EMPLOYEE, Role.HR, Role.FINANCE, Role.ADMINISTRATION)
_SOON = ("3", "7", "14", "30")
_ALL = "all"
_HEADERS = (
    sentence("Case"),
    sentence("Number"),
    sentence("Name"),
    sentence("Branch"),
    sentence("How it ends"),
    sentence("State"),
    sentence("Last working day"),
    sentence("Days left"),
    sentence("Items closed"),
    sentence("Items in all"),
    sentence("What keeps the gate shut"),
    sentence("Waits for"),
)


@router.get("/departures")
def departures(visit: Concerned) -> Response:
    """List the departures that match what the address asks for."""
    wanted = wanted_of(visit)
    lists = visit.parts.departure_lists
    shown = lists.page(visit.scope, wanted, page_asked(visit), visit.parts.clock())
    shown = replace(shown, lines=tuple(_for(visit, line) for line in shown.lines))
    return page(visit, "console/departures.html", wanted=wanted, shown=shown, **_choices(visit, wanted))


@router.get("/departures.{form}")
def take_along(visit: Concerned, form: str) -> Response:
    """Hand out the filtered list as a workbook or CSV."""
    lines = visit.parts.departure_lists.all(visit.scope, wanted_of(visit), visit.parts.clock())
    headers = [visit.words.say(one) for one in _HEADERS]
    rows = (_row(visit.language, _for(visit, line)) for line in lines)
    return list_file(form, "departures", headers, rows, visit.words.gettext("Departures"))


def wanted_of(visit: Visit) -> DepartureFilter:
    """Return the filter that the address asks for; what it names that does not exist asks for nothing."""
    sort, state = visit.asked("sort"), visit.asked("state", OPEN)
    days = visit.asked("days")
    return DepartureFilter(
        state="" if state == _ALL else _one_of(state, set(DepartureState)) or OPEN,
        kind=_one_of(visit.asked("kind"), set(DepartureKind)),
        holder=_one_of(visit.asked("holder"), set(_HOLDERS)),
        branch=visit.asked("branch")[:26],
        days=int(days) if days in _SOON else 0,
        search=visit.asked("q")[:100],
        sort=DepartureSort(sort) if sort in set(DepartureSort) else DepartureSort.LAST_DAY,
    )


def _one_of(asked: str, known: set[str]) -> str:
    return asked if asked in known else ""


def _choices(visit: Visit, wanted: DepartureFilter) -> dict[str, Any]:
    query = {name: value for name, value in visit.request.query_params.items() if name != "page" and value}
    return {
        "kinds": list(DepartureKind) if visit.scope.grounds else [],
        "states": list(DepartureState),
        "holders": _HOLDERS,
        "soon": _SOON,
        "branches": visit.parts.case_lists.branches(visit.scope),
        "query": urlencode(query),
        "sorted_by": lambda sort: urlencode({**query, "sort": sort}),
        "narrowed": any(name != "sort" for name in query),
    }


def _for(visit: Visit, line: DepartureLine) -> DepartureLine:
    """Return a line as its reader may have it."""
    if visit.officer.role in SEES_MONEY:
        return line
    return replace(line, gate=tuple(dict.fromkeys("money" if one in SUMS else one for one in line.gate)))


def _row(language: str, line: DepartureLine) -> list[Value]:
    return [
        line.case_id,
        line.number,
        line.name,
        line.branch,
        None if line.kind is None else word(language, "departure", line.kind),
        word(language, "departure_state", line.state),
        line.last_day,
        line.days_left,
        sum(one.closed for one in line.tracks),
        sum(one.all for one in line.tracks),
        "; ".join(word(language, "gate", code) for code in line.gate),
        None if line.holder is None else word(language, "holder", line.holder),
    ]
