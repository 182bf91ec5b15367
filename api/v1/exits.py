"""The report of departures as data: how many, how long, who is late, what is in the way."""

from datetime import date, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from api.dependencies import PartsDep
from api.errors import Refused
from api.security import allow, scope_of
from api.v1.questionnaires import figures_to_json
from countersign.adapters.database.exit_reports import ExitReport
from countersign.adapters.database.officers import READERS
from countersign.adapters.database.reports import Span
from countersign.adapters.database.tokens import Caller
from countersign.contracts.cases import Role
from countersign.domain.local_time import day_of
from countersign.domain.questionnaire import GROUP

router = APIRouter()
Reader = Annotated[Caller, Depends(allow(*READERS, Role.FINANCE))]
_USUAL = timedelta(days=89)


@router.get("/reports/exits", tags=["departures"], summary="Departures over a span of days")
def exits(
    parts: PartsDep,
    caller: Reader,
    first: Annotated[date | None, Query(alias="from")] = None,
    until: Annotated[date | None, Query()] = None,
    branch: Annotated[str | None, Query(max_length=40)] = None,
) -> dict[str, Any]:
    """Return the figures of the page of departures; without days the last ninety, both days inclusive."""
    last = until or (max(day_of(parts.clock()), first) if first else day_of(parts.clock()))
    span = Span(first or last - min(_USUAL, last - date.min), last)
    if span.first > span.last:
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY, "from: is after until; name the earlier day first", "from"
        )
    asked = scope_of(caller).narrowed(branch)
    answers = parts.questionnaires.figures(asked, span, parts.clock())
    return _told(parts.exit_reports.read(asked, span, parts.clock()), span) | {
        "questionnaire": {
            "counted_in_groups_of": GROUP,
            "questions": [figures_to_json(one) for one in answers],
        }
    }


def _told(report: ExitReport, span: Span) -> dict[str, Any]:
    return {
        "from": span.first.isoformat(),
        "until": span.last.isoformat(),
        "as_of": report.today.isoformat(),
        "exits": [
            {
                "kind": one.kind,
                "ground": one.ground,
                "ended": one.ended,
                "ahead": one.ahead,
                "withdrawn": one.withdrawn,
            }
            for one in report.exits
        ],
        "durations": [
            {
                "part": one.stretch.value,
                "count": one.count,
                "days_median": one.days,
                "days_longest": one.longest,
            }
            for one in report.durations
        ],
        "late_items": [
            {
                "holder": one.hand.value,
                "employee": one.number,
                "items": one.count,
                "oldest_due": one.oldest.isoformat(),
                "days_late": one.days,
            }
            for one in report.late
        ],
        "open_departures": report.open_departures,
        "gates": [
            {
                "reason": one.reason.value,
                "departures": one.departures,
                "items": one.items,
                "amount_fen": one.amount_fen,
            }
            for one in report.gates
        ],
        "suspended": [
            {"employee": one.number, "since": one.since.isoformat(), "days": one.days}
            for one in report.suspended
        ],
    }
