"""The calendar years of the installation: which paper says so, and which open cases a change would move."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session, col, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.outbox import OutboxBook
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Account, Case, Person, PublishedYear
from countersign.contracts.acknowledgement import AcknowledgementInput
from countersign.contracts.cases import CaseState, Process
from countersign.contracts.leave_return import LeaveReturnInput
from countersign.domain.calendar import CalendarYear, WorkCalendar, load_shipped_calendar
from countersign.domain.leave_return import leave_dates, step_names
from countersign.domain.planner import Reach, plan, wait_end
from countersign.domain.policy import LadderPolicy

_YEAR: TypeAdapter[CalendarYear] = TypeAdapter(CalendarYear)
_LEAVE: TypeAdapter[LeaveReturnInput] = TypeAdapter(LeaveReturnInput)
_CIRCULAR: TypeAdapter[AcknowledgementInput] = TypeAdapter(AcknowledgementInput)
_BEFORE_THE_LADDER = frozenset({"starting", "before_end", "return_day"})
_ON_THE_LADDER = "ladder"
_LONGEST_LIST = 200

Dates = tuple["Moved", ...]


@dataclass(frozen=True)
class KnownYear:
    """A year as it counts today; `imported_at` is None for a shipped one. `earlier` counts its changes."""

    year: CalendarYear
    imported_at: datetime | None = None
    by: str | None = field(repr=False, default=None)
    reason: str | None = field(repr=False, default=None)
    earlier: tuple[CalendarYear, ...] = ()


@dataclass(frozen=True)
class Moved:
    """One date of a case: a step's name, or `return_day`, and the instant or day before and after."""

    what: str
    before: date | datetime
    after: date | datetime


@dataclass(frozen=True)
class OpenCase:
    """An open case; `dates` holds what moves, and is None where only the case itself can tell."""

    id: str
    kind: str
    stage: str
    number: str
    name: str = field(repr=False)
    dates: Dates | None = ()


@dataclass(frozen=True)
class Effect:
    """What a change does: the cases whose dates move, those that plan by themselves, and how many stay."""

    moved: tuple[OpenCase, ...]
    plan_again: tuple[OpenCase, ...]
    unmoved: int

    @property
    def told(self) -> int:
        """How many cases are told of the year at all: every open one."""
        return len(self.moved) + len(self.plan_again) + self.unmoved


class CalendarBook:
    """Publishes years and says what that moves."""

    def __init__(self, database: Database, outbox: OutboxBook, clock: Callable[[], datetime]) -> None:
        self._database, self._outbox, self._clock = database, outbox, clock

    def known(self) -> dict[int, KnownYear]:
        """Return every year with a calendar, ascending."""
        found = {one.year: KnownYear(one) for one in load_shipped_calendar().years}
        with self._database.reading() as session:
            for row in session.exec(select(PublishedYear)):
                by = row.body.get("by")
                account = None if by is None else session.get(Account, by)
                found[row.year] = KnownYear(
                    _YEAR.validate_python(row.body),
                    row.imported_at,
                    None if account is None else account.name,
                    row.body.get("reason"),
                    tuple(_YEAR.validate_python(one) for one in row.body.get("earlier", ())),
                )
        return dict(sorted(found.items()))

    def publish(self, years: Iterable[CalendarYear], by: str | None = None, reason: str | None = None) -> int:
        """Store published years and order every open case to plan again; return how many cases.

        `by` is an account, `reason` why a known year is changed; both stay with the year, and so does what
        stood there before.
        """
        return self._database.write(lambda session: self.publish_within(session, years, by, reason))

    def publish_within(
        self, session: Session, years: Iterable[CalendarYear], by: str | None, reason: str | None
    ) -> int:
        """Publish in a transaction that is open already."""
        cases = 0
        for year in years:
            body = _YEAR.dump_python(year, mode="json")
            row = session.get(PublishedYear, year.year)
            earlier = [] if row is None else _earlier(row)
            kept = {**body, "by": by, "reason": reason, "earlier": earlier}
            session.merge(PublishedYear(year=year.year, body=kept, imported_at=self._clock()))
            cases = self._outbox.tell_calendar(session, year, body)
        return cases

    def provisional(self, scope: Scope) -> tuple[list[OpenCase], int]:
        """Return open cases with dates in years without a calendar, and how many there are."""
        with self._database.reading() as session:
            rows = session.exec(_open_cases(scope).where(col(Case.provisional).is_(True))).all()
            return [_shown(case, person) for case, person in rows[:_LONGEST_LIST]], len(rows)

    def effect(self, scope: Scope, before: WorkCalendar, years: Sequence[CalendarYear]) -> Effect:
        """Return what publishing these years would move, planned as the cases themselves plan."""
        after = before
        for year in years:
            after = after.with_year(year)
        moved, again, unmoved = [], [], 0
        with self._database.reading() as session:
            for case, person in session.exec(_open_cases(scope)):
                dates = _dates(case, before, after, case_now(case, self._clock()))
                if dates is None:
                    again.append(_shown(case, person, None))
                elif dates:
                    moved.append(_shown(case, person, dates))
                else:
                    unmoved += 1
        return Effect(tuple(moved), tuple(again), unmoved)


def _earlier(row: PublishedYear) -> list[dict[str, Any]]:
    before = {name: value for name, value in row.body.items() if name != "earlier"}
    before["imported_at"] = row.imported_at.isoformat(timespec="seconds")
    return [*row.body.get("earlier", ()), before]


def _open_cases(scope: Scope) -> Any:
    query = (
        select(Case, Person)
        .join(Person, col(Person.id) == col(Case.person_id))
        .where(Case.state != CaseState.CLOSED.value)
        .order_by(col(Person.number), col(Case.id))
    )
    return scope.within(query, Case.branch_id)


def _shown(case: Case, person: Person, dates: Dates | None = ()) -> OpenCase:
    return OpenCase(case.id, case.kind, case.stage, person.number, person.name, dates)


# -- what a case would plan -------------------------------------------------------------------------------


def _dates(case: Case, before: WorkCalendar, after: WorkCalendar, now: datetime) -> Dates | None:
    """Return the dates of a case that differ; None where the projection does not tell enough."""
    if case.kind == Process.ACKNOWLEDGEMENT.value:
        circular = _CIRCULAR.validate_python(case.frozen)
        return _on_the_ladder(case, circular.policy.ladder, circular.reach, before, after, now)
    if case.kind != Process.LEAVE_RETURN.value:
        return None
    leave = _LEAVE.validate_python(case.frozen)
    if case.stage in _BEFORE_THE_LADDER:
        return _before_the_ladder(case, leave, before, after, now)
    return _on_the_ladder(case, leave.policy.ladder, leave.reach, before, after, now)


def _before_the_ladder(
    case: Case, leave: LeaveReturnInput, before: WorkCalendar, after: WorkCalendar, now: datetime
) -> Dates:
    pairs: list[tuple[str, date | datetime, date | datetime]] = []
    found = [_laid_out(case, leave, calendar, now) for calendar in (before, after)]
    for (name, old), (_, new) in zip(*found, strict=True):
        pairs.append((name, old, new))
    return tuple(Moved(*pair) for pair in pairs if pair[1] != pair[2])


def _laid_out(
    case: Case, leave: LeaveReturnInput, calendar: WorkCalendar, now: datetime
) -> list[tuple[str, date | datetime]]:
    """Return the day of return and the instant of every step that is not passed over."""
    ends_on, policy = case.ends_on or leave.ends_on, leave.policy
    dates = leave_dates(ends_on, policy, calendar, leave.reach.zone)
    names = step_names(policy.ladder)
    rungs = [
        (name, rung)
        for name, rung in zip(names, policy.ladder.rungs, strict=True)
        if leave.overdue.get(name) != "skip"
    ]
    start = max(dates.back_until, now)
    ladder = LadderPolicy(tuple(rung for _, rung in rungs), policy.ladder.sending_window)
    planned = plan(ladder, calendar, start, leave.reach).steps if rungs else ()
    steps = [(name, step.at) for (name, _), step in zip(rungs, planned, strict=True)]
    return [("return_day", dates.return_day), *steps]


def _on_the_ladder(
    case: Case, ladder: LadderPolicy, reach: Reach, before: WorkCalendar, after: WorkCalendar, now: datetime
) -> Dates | None:
    """Plan the steps that have not spoken from the end of the running wait.

    When that wait began is not shown. It is known only where it ends as one that began with its step would.
    """
    rungs = dict(zip(step_names(ladder), ladder.rungs, strict=True))
    steps = case.steps
    if case.stage != _ON_THE_LADDER or not steps or any(step["step"] not in rungs for step in steps):
        return None
    ahead = [step for step in steps if step["state"] == "planned"]
    reached = [s for s in steps if s["state"] == "reached" and _at(s, "waits_until") > now]
    moved: list[Moved] = []
    if reached:
        current, rung = reached[-1], rungs[reached[-1]["step"]]
        shown_end, spoke = _at(current, "waits_until"), _at(current, "at")
        if wait_end(spoke, rung.wait, before, reach.zone)[0] != shown_end:
            return None
        start, _ = wait_end(spoke, rung.wait, after, reach.zone)
        if start != shown_end:
            moved.append(Moved("wait_end", shown_end, start))
    elif ahead:
        start = _at(ahead[0], "at")
    else:
        return None
    rest = LadderPolicy(tuple(rungs[step["step"]] for step in ahead), ladder.sending_window)
    planned = plan(rest, after, start, reach).steps if ahead else ()
    for step, new in zip(ahead, planned, strict=True):
        if _at(step, "at") != new.at:
            moved.append(Moved(step["step"], _at(step, "at"), new.at))
    return tuple(moved)


def _at(step: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(step[name])
