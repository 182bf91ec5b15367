"""Reports over a span of days, and each of their tables to take along."""

from datetime import date, timedelta

from fastapi import Response

from api.console.downloads import list_file
from api.console.drawing import page, word
from api.console.route import console_router
from api.console.visit import Missing, Reader, Visit
from api.people.forms import parse_day
from countersign.adapters.database.reports import Report, Span
from countersign.adapters.list_files import Value
from countersign.domain.console_words import told_in
from countersign.domain.local_time import day_of

router = console_router()
_USUAL = timedelta(days=89)


@router.get("/reports")
def reports(visit: Reader) -> Response:
    """Show the reports of the span that the address asks for, by default of ninety days."""
    span, branch = span_asked(visit), visit.asked("branch")[:26]
    report = visit.parts.reports.read(visit.scope.narrowed(branch), span, visit.parts.clock())
    branches = visit.parts.case_lists.branches(visit.scope)
    return page(
        visit,
        "console/reports.html",
        report=report,
        span=span,
        branch=branch,
        branches=branches,
        heat=_heat(report),
    )


@router.get("/reports/{table}.{form}")
def take_along(visit: Reader, table: str, form: str) -> Response:
    """Hand out one table."""
    report = visit.parts.reports.read(
        visit.scope.narrowed(visit.asked("branch")[:26]), span_asked(visit), visit.parts.clock()
    )
    tables = {"standing": _standing, "endings": _endings, "arrivals": _arrivals}
    if table not in tables:
        raise Missing
    headers, rows = tables[table](visit, report)
    return list_file(form, table, headers, rows, table)


def span_asked(visit: Visit) -> Span:
    """Return the span of days that the address asks for, by default of ninety days."""
    today = day_of(visit.parts.clock())
    last = parse_day(visit.asked("until")) or today
    first = parse_day(visit.asked("from")) or max(last, _USUAL_FIRST) - _USUAL
    return Span(min(first, last), max(first, last))


_USUAL_FIRST = date.min + _USUAL


def _heat(report: Report) -> list[tuple[str, str, dict[str, tuple[int, int, int]]]]:
    """Return a row per stage: by branch the count, how many are overdue, and how warm it is from 0 to 4."""
    most = max((one.count for one in report.standing), default=1)
    rows: dict[tuple[str, str], dict[str, tuple[int, int, int]]] = {}
    for one in report.standing:
        warm = -(-4 * one.count // most)
        rows.setdefault((one.kind, one.stage), {})[one.branch] = (one.count, one.overdue, warm)
    return [(kind, stage, cells) for (kind, stage), cells in rows.items()]


Table = tuple[list[str], list[list[Value]]]


def _standing(visit: Visit, report: Report) -> Table:
    gettext, language = visit.words.gettext, visit.language
    headers = [gettext(one) for one in ("Process", "Stage", "Branch", "Cases", "Overdue")]
    rows: list[list[Value]] = [
        [
            word(language, "kind", one.kind),
            word(language, "stage", one.stage),
            one.branch,
            one.count,
            one.overdue,
        ]
        for one in report.standing
    ]
    return headers, rows


def _endings(visit: Visit, report: Report) -> Table:
    gettext, language = visit.words.gettext, visit.language
    headers = [gettext(one) for one in ("Process", "Outcome", "Cases", "Days, median")]
    rows: list[list[Value]] = [
        [word(language, "kind", one.kind), word(language, "outcome", one.outcome), one.count, str(one.days)]
        for one in report.endings
    ]
    return headers, rows


def _arrivals(visit: Visit, report: Report) -> Table:
    gettext, language = visit.words.gettext, visit.language
    headers = [gettext(one) for one in ("Channel", "State", "Why", "Messages")]
    rows: list[list[Value]] = [
        [
            word(language, "channel", one.channel),
            word(language, "state", one.state),
            one.why and told_in(language, one.why),
            one.count,
        ]
        for one in report.arrivals
    ]
    return headers, rows
