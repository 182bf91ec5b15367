"""The calculator `injury_deadlines`: the statutory dates of a work injury that run from the dates known.

Terms are those of the Work Injury Insurance Regulation, art. 17 to 28, and of arbitration. The first day is
not counted (Civil Code art. 201); a last day that is a day off becomes the next working day (art. 203).
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Self

from pydantic import model_validator

from countersign.domain.calculators.explained import Result, Saying
from countersign.domain.calculators.inputs import CaseInput, Day
from countersign.domain.calculators.working_days import unpublished_year
from countersign.domain.calendar import WorkCalendar
from countersign.domain.tables.packs import STATUTORY, statutory, version_of
from countersign.domain.tables.statutory import Counted, Deadline

EMPLOYER_FILING = "employer_filing"
_EMPLOYEE_FILING = "employee_filing"
_REVIEW = "review_appraisal_earliest"
"""The one term after which something may begin, instead of by which it must be done."""

_NAMES = {
    EMPLOYER_FILING: ("用人单位申请工伤认定", "the employer applies for recognition"),
    _EMPLOYEE_FILING: ("职工、近亲属或工会申请工伤认定", "the worker, kin or union apply for recognition"),
    "acceptance": ("决定是否受理", "the authority decides on accepting the application"),
    "decision": ("作出认定决定", "the authority decides on recognition"),
    "decision_simple_case": (
        "作出认定决定（事实清楚）",
        "the authority decides on recognition in a clear case",
    ),
    "appraisal": ("作出劳动能力鉴定结论", "the committee concludes the appraisal"),
    "second_appraisal_request": ("申请再次鉴定", "a second appraisal is asked for"),
    _REVIEW: ("申请复查鉴定", "a review of the appraisal is asked for"),
    "arbitration": ("申请劳动仲裁", "arbitration is asked for"),
}
_LEAP_DAY = (2, 29)
# From here on the longest term, one year, could leave the calendar.
_LATEST_START = date(9998, 1, 1)
_CHAINS = (
    ("accident", "filed", "accepted"),
    ("accident", "appraisal_applied", "appraisal_concluded", "appraisal_received"),
    ("accident", "dispute_known"),
)

EXTENDED = Saying(
    "filing_extended",
    "the employer's term ends on {day}, to which the authority has extended it; keep its written consent",
    "用人单位申请期限经社会保险行政部门同意延长至 {day}，请保存书面同意",
)


class InjuryDeadlinesInput(CaseInput):
    """Inputs of `injury_deadlines`: the accident (or the diagnosis), and what has happened since."""

    accident: Day
    filed: Day | None = None
    accepted: Day | None = None
    appraisal_applied: Day | None = None
    appraisal_received: Day | None = None
    appraisal_concluded: Day | None = None
    dispute_known: Day | None = None
    extended_to: Day | None = None
    """To which day the authority has extended the employer's term for filing."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for chain in _CHAINS:
            refuse_disorder({name: getattr(self, name) for name in chain})
        refuse_early_extension(self.accident, self.extended_to)
        return self


@dataclass(frozen=True, slots=True)
class Term:
    """A term: its last day, that day rolled to a working day, and the last working day on or before it.

    `unpublished` are the years without a calendar on which the two latter rest.
    """

    last_day: date
    rolled: date
    alert_by: date
    unpublished: tuple[int, ...]


def refuse_disorder(days: dict[str, date | None]) -> None:
    """Refuse a day that lies before an earlier one of the row: `filed is …, before the accident on …`."""
    before: tuple[str, date] | None = None
    for name, day in days.items():
        if day is None:
            continue
        if before is not None and day < before[1]:
            first, on = before
            earlier = f"the accident on {on}" if first == "accident" else f"{first}, which is {on}"
            raise ValueError(f"{name} is {day}, before {earlier}; correct one of the two")
        before = name, day


def refuse_early_extension(accident: date, extended_to: date | None) -> None:
    """Refuse an extension that shortens the employer's term for filing."""
    if extended_to is not None:
        last = _end(accident, _filing())
        if extended_to < last:
            raise ValueError(
                f"extended_to is {extended_to}, before {last}, when the term from the accident on {accident} "
                "ends anyway; leave it out or correct it"
            )


def filing_term(accident: date, extended_to: date | None, calendar: WorkCalendar) -> Term:
    """Return the employer's term for filing; an extension ends on the day that the authority has named."""
    if extended_to is None:
        return _term(_end(accident, _filing()), calendar)
    alert = calendar.last_working_day_on_or_before(extended_to)
    return Term(extended_to, extended_to, alert, calendar.unpublished_years(alert, extended_to))


def injury_deadlines(case: InjuryDeadlinesInput, calendar: WorkCalendar) -> dict[str, Any]:
    """Return the employer's and the worker's last day for filing, and `deadlines` for every start given.

    The result is provisional when rolled_last_day or alert_by rest on an unpublished calendar; every entry
    of `deadlines` says so for itself. Raises `ValueError` when a term ends after the year 9999.
    """
    result = Result()
    filing = filing_term(case.accident, case.extended_to, calendar)
    for year in filing.unpublished:
        result.warn(unpublished_year(year))
    if case.extended_to is not None:
        result.warn(EXTENDED.about(day=case.extended_to))
    rows = []
    ends: dict[str, date] = {}
    for cell in statutory().deadlines:
        start: date | None = getattr(case, cell.runs_from)
        if start is None:
            continue
        term = filing if cell.name == EMPLOYER_FILING else _term(_end(start, cell), calendar)
        ends[cell.name] = term.last_day
        rows.append(_row(cell, start, term))
        if cell.name in (EMPLOYER_FILING, _EMPLOYEE_FILING):
            result.used(cell.status)
        if cell.name == _REVIEW:
            continue
        for year in term.unpublished:
            if year not in filing.unpublished:
                result.warn(replace(unpublished_year(year), stamps=False))
    result.figures = {
        "employer_last_day": filing.last_day.isoformat(),
        "rolled_last_day": filing.rolled.isoformat(),
        "alert_by": filing.alert_by.isoformat(),
        "employee_last_day": ends[_EMPLOYEE_FILING].isoformat(),
        "deadlines": rows,
        "table": version_of(STATUTORY),
    }
    return result.to_json()


def _filing() -> Deadline:
    return next(cell for cell in statutory().deadlines if cell.name == EMPLOYER_FILING)


def _end(start: date, cell: Deadline, more: int = 0) -> date:
    """Count a term from the day after `start`; a year ends on the same date, 29 February on the 28th."""
    count = int(cell.value or 0) + more
    if start > _LATEST_START:
        raise ValueError(f"{cell.runs_from} is {start}; its term ends after the year 9999")
    if cell.counted is Counted.DAYS:
        return start + timedelta(days=count)
    day = 28 if (start.month, start.day) == _LEAP_DAY else start.day
    return date(start.year + count, start.month, day)


def _term(last_day: date, calendar: WorkCalendar) -> Term:
    rolled = last_day if calendar.is_working_day(last_day) else calendar.next_working_day_after(last_day)
    alert = calendar.last_working_day_on_or_before(last_day)
    return Term(last_day, rolled, alert, calendar.unpublished_years(alert, rolled))


def _row(cell: Deadline, start: date, term: Term) -> dict[str, Any]:
    """Write one deadline; the review has a first day and no last one."""
    basis = statutory().basis(cell)
    opens = cell.name == _REVIEW
    first = term.last_day + timedelta(days=1) if opens else None
    more = cell.may_be_extended_by
    chinese, english = _NAMES[cell.name]
    if first is None:
        zh = f"最后一日 {term.last_day}，休息日顺延后为 {term.rolled}，提醒日 {term.alert_by}"
        en = f"last day {term.last_day}, rolled {term.rolled}, alert by {term.alert_by}"
    else:
        zh, en = f"自 {first} 起", f"from {first} on"
    return {
        "name": cell.name,
        "from": start.isoformat(),
        "last_day": None if opens else term.last_day.isoformat(),
        "rolled_last_day": None if opens else term.rolled.isoformat(),
        "alert_by": None if opens else term.alert_by.isoformat(),
        "first_day": None if first is None else first.isoformat(),
        "extended_last_day": None if more is None else _end(start, cell, int(more)).isoformat(),
        "basis": basis.zh,
        "basis_en": basis.en,
        "status": cell.status,
        "provisional": cell.status.weak or (bool(term.unpublished) and not opens),
        "text": {
            "zh-CN": f"{chinese}：{zh}（{basis.zh}，{cell.status}）",
            "en": f"{english}: {en} ({basis.en}; {cell.status})",
        },
    }
