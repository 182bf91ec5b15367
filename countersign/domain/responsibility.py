"""The responsibility clock: who held the ball of a case, for how long, against which deadline.

A pure function of the chain's events and the working-day calendar, so that database, bundle and replay give
the same bytes. `docs/responsibility.md` says what counts as what. Durations are whole milliseconds, as exact
as the times of the events, so that parts always add up.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from countersign.domain.calendar import WorkCalendar
from countersign.domain.courier import WAIT_ENDINGS
from countersign.domain.evidence import Event, EventKind, canonical

FORMAT = "countersign-responsibility/1"
_MACHINE, _STARTING, _UNRECORDED = "machine", "starting", "not_recorded"

# In these stages the due time is when the next step comes, not a deadline of whoever is waited for; in the
# ladder it is one while it is the end of the running step's wait.
_BEFORE_THE_LADDER, _LADDER = "before_end", "ladder"
_OF_A_STEP = {_LADDER, "posting_due", "visit_due", "publication_due"}


REACHED_NOBODY = frozenset({"no channel could deliver the message", *WAIT_ENDINGS})
"""Why a plan changes when a step's message turns out to have reached nobody: it asked nothing of anybody."""

_LAG = timedelta(minutes=1)
"""A process ends a wait a little after its deadline; less than this is nobody's lateness."""


class Why(StrEnum):
    """What suspends a holder's time."""

    PAUSED = "paused"
    SENDING_STOPPED = "sending_stopped"
    CAP_OF_PERSON = "cap_of_person"
    CAP_OF_COMPANY = "cap_of_company"
    ASSESSMENT = "assessment"


_OTHERS_TURN = {"grading_pending": Why.ASSESSMENT}
"""Stages in which the holder can do nothing, since somebody outside has to decide first."""

_HELD_BACK = {Why.SENDING_STOPPED.value, Why.CAP_OF_PERSON.value, Why.CAP_OF_COMPANY.value}


class NoClock(ValueError):
    """Events that tell no case, or nothing that the clock can read; the sentence says what is wrong."""


@dataclass(frozen=True)
class Suspension:
    """A part of a stretch that does not count, and why."""

    why: Why
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Spans:
    """Durations of a stretch in milliseconds; `elapsed` = `suspended` + `days_off` + `counted`.

    `late` lies after the deadline and outside suspensions, `late_counted` moreover on working days; both are
    0 where that is less than a minute.
    """

    elapsed: int = 0
    suspended: int = 0
    days_off: int = 0
    counted: int = 0
    late: int = 0
    late_counted: int = 0

    def __add__(self, other: "Spans") -> "Spans":
        """Add up two stretches."""
        return Spans(*(mine + theirs for mine, theirs in zip(self._all(), other._all(), strict=True)))

    def _all(self) -> tuple[int, ...]:
        return self.elapsed, self.suspended, self.days_off, self.counted, self.late, self.late_counted

    def to_json(self) -> dict[str, int]:
        """Return the durations as the table shows them."""
        names = ("elapsed_ms", "suspended_ms", "days_off_ms", "counted_ms", "late_ms", "late_counted_ms")
        return dict(zip(names, self._all(), strict=True))


@dataclass(frozen=True)
class Stretch:
    """Somebody held the ball in one stage, and in the ladder at one step, from `since` until `until`.

    `holder` is a role, `machine` before the process began, None where the chain does not say. `deadline` is
    the last one in force, already moved by pauses; `moved_from` are those before it.
    """

    holder: str | None
    stage: str
    step: str | None
    since: datetime
    until: datetime
    deadline: datetime | None
    moved_from: tuple[datetime, ...]
    suspensions: tuple[Suspension, ...]
    spans: Spans


@dataclass(frozen=True)
class ResponsibilityTable:
    """The stretches of a case in order, without gap or overlap from its start to its end.

    An open case is measured up to `until`, the instant asked for. `provisional` says that a day counted lies
    in a year whose calendar is not published; `calendar` names the years used with paper and hash.
    """

    case: str
    process: str
    since: datetime
    until: datetime
    outcome: str | None
    time_lapse: bool
    provisional: bool
    calendar: tuple[tuple[int, str | None, str | None], ...]
    stretches: tuple[Stretch, ...]

    @property
    def by_holder(self) -> dict[str | None, Spans]:
        """The sums by holder, in the order in which each first held the ball."""
        sums: dict[str | None, Spans] = {}
        for one in self.stretches:
            sums[one.holder] = sums.get(one.holder, Spans()) + one.spans
        return sums

    @property
    def total(self) -> Spans:
        """The sum over all."""
        return sum(self.by_holder.values(), Spans())

    def to_json(self) -> dict[str, Any]:
        """Return the table as plain JSON values."""
        return {
            "format": FORMAT,
            "case": self.case,
            "process": self.process,
            "from": _iso(self.since),
            "until": _iso(self.until),
            "closed": self.outcome is not None,
            "outcome": self.outcome,
            "time_lapse": self.time_lapse,
            "provisional": self.provisional,
            "calendar": [
                {"year": year, "paper": paper, "sha256": digest} for year, paper, digest in self.calendar
            ],
            "rows": [_row(one) for one in self.stretches],
            "holders": [{"holder": who, **spans.to_json()} for who, spans in self.by_holder.items()],
            "total": self.total.to_json(),
        }

    def to_bytes(self) -> bytes:
        """Return the table's canonical JSON: equal tables are equal bytes."""
        return canonical(self.to_json())


def responsibility(
    events: Sequence[Event], calendar: WorkCalendar, as_of: datetime | None = None
) -> ResponsibilityTable:
    """Return who held the ball when, from all events of a case.

    A closed case ends with `case.closed`, whatever came later. An open one is measured up to the latest
    time on its chain, exports of its evidence left aside. With `as_of` (aware) the table is the one of that
    instant: later events are left out. Days are those of the offset in which the chain's times are written.
    Raises `NoClock` for a chain that does not begin with `case.started`, for an instant before it, and for
    an event whose body is of no use: an instant without offset, a text where a list belongs, times beyond
    the calendar.
    """
    if not events or events[0].kind != EventKind.CASE_STARTED:
        raise NoClock("the events do not begin with case.started; give the whole chain of a case")
    first = events[0]
    since = _at(first)
    if as_of is not None and as_of < since:
        raise NoClock("as_of: lies before the start of the case; give a later time")
    # Two writers can note in either order what happened at about one time: the times decide.
    told = sorted((event for event in events[1:] if as_of is None or _at(event) <= as_of), key=_at)
    # Who reads an open case must not make it longer.
    told = [event for event in told if event.kind != EventKind.EVIDENCE_EXPORTED]
    course = _Course(since)
    closed: Event | None = None
    for event in told:
        try:
            course.take(event)
        except (ValueError, TypeError, AttributeError, OverflowError):
            raise NoClock(
                f"event {event.seq} ({event.kind}): its body holds an instant or a list that cannot be read; "
                "another program wrote it"
            ) from None
        if event.kind == EventKind.CASE_CLOSED:
            closed = event
            break
    if closed is None and as_of is not None:
        course.reach(_whole(as_of))
    try:
        return _table(first, closed, course, calendar)
    except OverflowError:
        raise NoClock("the times of the events lie at the edge of all calendars; no clock can run") from None


def _table(
    first: Event, closed: Event | None, course: "_Course", calendar: WorkCalendar
) -> ResponsibilityTable:
    since = _at(first)
    until = course.now
    zone = since.tzinfo or UTC
    days = _Days(calendar, zone)
    years = range(since.year, until.astimezone(zone).year + 1)
    known = {entry.year: entry for entry in calendar.years}
    papers = tuple(
        (year, known[year].paper, _digest(known[year].off, known[year].work))
        if year in known
        else (year, None, None)
        for year in years
    )
    return ResponsibilityTable(
        case=str(first.body.get("case")),
        process=str(first.body.get("process")),
        since=since,
        until=until.astimezone(zone),
        outcome=None if closed is None else str(closed.body.get("outcome")),
        time_lapse=first.body.get("time_lapse") is True,
        provisional=any(paper is None for _, paper, _ in papers),
        calendar=papers,
        stretches=tuple(_measured(draft, days, zone) for draft in course.drafts if draft.until > draft.since),
    )


# -- the course of a case ---------------------------------------------------------------------------------


@dataclass
class _Draft:
    """A stretch while it lasts. `counted_from` is when its deadline came into force."""

    holder: str | None
    stage: str
    step: str | None
    since: datetime
    until: datetime
    deadline: datetime | None = None
    counted_from: datetime | None = None
    moved_from: list[datetime] = field(default_factory=list)
    pieces: list[Suspension] = field(default_factory=list)

    def set_deadline(self, deadline: datetime, now: datetime) -> None:
        if deadline == self.deadline:
            return
        if self.deadline is not None:
            self.moved_from.append(self.deadline)
        self.deadline, self.counted_from = deadline, now

    def take_deadline_back(self) -> None:
        if self.deadline is not None:
            self.moved_from.append(self.deadline)
        self.deadline = self.counted_from = None


class _Course:
    """Reads the events one by one; what each means for the ball stands in `take`."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self.drafts = [_Draft(_MACHINE, _STARTING, None, start, start)]
        self.paused = False
        self.held_back: dict[str, Why] = {}
        self.wait_ends: datetime | None = None

    @property
    def present(self) -> _Draft:
        return self.drafts[-1]

    def reach(self, instant: datetime) -> None:
        """Let time pass up to an instant; what is dated before the start is taken as of the start."""
        if instant <= self.now:
            return
        why = self._why()
        if why is not None:
            pieces = self.present.pieces
            if pieces and (pieces[-1].why, pieces[-1].until) == (why, self.now):
                pieces[-1] = Suspension(why, pieces[-1].since, instant)
            else:
                pieces.append(Suspension(why, self.now, instant))
        self.now = self.present.until = instant

    def take(self, event: Event) -> None:
        """Let time pass up to the event, then let it have its effect."""
        self.reach(_at(event))
        body = event.body
        match event.kind:
            case EventKind.POLICY_FROZEN if self.present.stage == _STARTING:
                # The process has begun; chains of the first releases do not say who had the ball.
                self._turn(None, _UNRECORDED, None)
            case EventKind.BALL_PASSED:
                self._passed(body)
            case EventKind.RUNG_REACHED:
                self.held_back.clear()
                self.wait_ends = _instant(body.get("waits_until"))
                self._turn(self.present.holder, self.present.stage, _text(body.get("step")))
            case EventKind.PLAN_CHANGED:
                self._plan_changed(body)
            case EventKind.RUNG_SKIPPED if body.get("step") == self.present.step is not None:
                self._step_is_over()
            case EventKind.RUNG_JUMPED:
                self._step_is_over()
            case EventKind.RUNG_SNOOZED:
                self._snoozed(_instant(body.get("until")))
            case EventKind.NOTICE_NOTHING_SENT:
                self._nothing_sent(body)
            case EventKind.DELIVERY_SENDING:
                # The first message that leaves can be answered, whatever holds back the others.
                self.held_back.clear()
            case EventKind.DELIVERY_SUPPRESSED:
                self.held_back.pop(str(body.get("delivery")), None)
            case EventKind.CASE_PAUSED:
                self.paused = True
            case EventKind.CASE_RESUMED if "because" not in body:
                self.paused = False

    def _passed(self, body: Mapping[str, Any]) -> None:
        holder, stage = _text(body.get("holder")), str(body.get("stage"))
        due, now = _instant(body.get("due_at")), self.present
        if (holder, stage) != (now.holder, now.stage):
            # A step belongs to the ladder and to what HR does by hand for it, not to a review of an answer.
            goes_on = {stage, now.stage} <= _OF_A_STEP
            self.wait_ends = self.wait_ends if goes_on else None
            self._turn(holder, stage, now.step if goes_on else None)
        if due is None or stage == _BEFORE_THE_LADDER:
            return
        if stage != _LADDER or (self.wait_ends is not None and _second(due) == _second(self.wait_ends)):
            self.present.set_deadline(due, self.now)

    def _turn(self, holder: str | None, stage: str, step: str | None) -> None:
        self.drafts.append(_Draft(holder, stage, step, self.now, self.now))

    def _plan_changed(self, body: Mapping[str, Any]) -> None:
        moved = [c for c in body.get("changes", ()) if c.get("step") == self.present.step is not None]
        if moved and self.present.stage == _LADDER and body.get("because") in REACHED_NOBODY:
            self.present.take_deadline_back()
            self._step_is_over()
            return
        for change in moved:
            self.wait_ends = _instant(change.get("new_waits_until"))

    def _step_is_over(self) -> None:
        """Begin a stretch without a deadline: what the step asked for is asked for no more."""
        self.wait_ends = None
        self.held_back.clear()
        self._turn(self.present.holder, self.present.stage, None)

    def _snoozed(self, until: datetime | None) -> None:
        if until is not None and self.present.deadline is not None and self.present.stage != _LADDER:
            self.present.set_deadline(until, self.now)

    def _nothing_sent(self, body: Mapping[str, Any]) -> None:
        delivery, because = body.get("delivery"), body.get("because")
        if delivery is None:
            if body.get("step") == self.present.step is not None:
                self._step_is_over()
        elif because in _HELD_BACK:
            self.held_back[str(delivery)] = Why(because)
        else:
            self.held_back.pop(str(delivery), None)

    def _why(self) -> Why | None:
        """Say what keeps the present time from counting; a pause goes before everything else."""
        if self.paused:
            return Why.PAUSED
        if self.present.stage in _OTHERS_TURN:
            return _OTHERS_TURN[self.present.stage]
        if self.held_back and self.present.stage == _LADDER and self.present.deadline is None:
            return min(self.held_back.values(), key=list(Why).index)
        return None


# -- measuring --------------------------------------------------------------------------------------------


def _measured(draft: _Draft, days: "_Days", zone: tzinfo) -> Stretch:
    deadline = _moved_by_pauses(draft)
    late_from = draft.until if deadline is None else deadline
    spans = Spans()
    for since, until, counts in _parts(draft):
        elapsed = _ms(until - since)
        if not counts:
            spans += Spans(elapsed=elapsed, suspended=elapsed)
            continue
        off = days.off(since, until)
        overdue = max(since, late_from)
        late = _ms(until - overdue) if overdue < until else 0
        late_off = days.off(overdue, until) if late else 0
        spans += Spans(elapsed, 0, off, elapsed - off, late, late - late_off)
    if spans.late < _ms(_LAG):
        # Most of the time after the deadline can be suspended.
        spans = replace(spans, late=0, late_counted=0)
    return Stretch(
        draft.holder,
        draft.stage,
        draft.step,
        draft.since.astimezone(zone),
        draft.until.astimezone(zone),
        None if deadline is None else deadline.astimezone(zone),
        tuple(one.astimezone(zone) for one in draft.moved_from),
        tuple(Suspension(s.why, s.since.astimezone(zone), s.until.astimezone(zone)) for s in draft.pieces),
        spans,
    )


def _moved_by_pauses(draft: _Draft) -> datetime | None:
    """Return the deadline with the suspensions that began before it added, as the process itself waits.

    A suspension that was over when the deadline was set is in it already.
    """
    deadline = draft.deadline
    if deadline is None or draft.counted_from is None:
        return deadline
    for piece in draft.pieces:
        since = max(piece.since, draft.counted_from)
        if since < min(piece.until, deadline):
            deadline += piece.until - since
    return deadline


def _parts(draft: _Draft) -> Iterator[tuple[datetime, datetime, bool]]:
    """Cut a stretch at its suspensions; the last value says whether the part counts."""
    reached = draft.since
    for piece in draft.pieces:
        if piece.since > reached:
            yield reached, piece.since, True
        yield piece.since, piece.until, False
        reached = piece.until
    if reached < draft.until:
        yield reached, draft.until, True


@dataclass(frozen=True)
class _Days:
    """Tells the days off of a span, by the calendar and from midnight to midnight of one offset."""

    calendar: WorkCalendar
    zone: tzinfo

    def off(self, since: datetime, until: datetime) -> int:
        """Return the milliseconds between two instants that lie on days off."""
        found = timedelta()
        reached = since.astimezone(self.zone)
        while reached < until:
            midnight = datetime.combine(reached.date() + timedelta(days=1), time(), self.zone)
            end = min(midnight, until)
            if not self.calendar.is_working_day(reached.date()):
                found += end - reached
            reached = end.astimezone(self.zone)
        return _ms(found)


def _row(one: Stretch) -> dict[str, Any]:
    return {
        "holder": one.holder,
        "stage": one.stage,
        "step": one.step,
        "from": _iso(one.since),
        "until": _iso(one.until),
        "deadline": None if one.deadline is None else _iso(one.deadline),
        "moved_from": [_iso(earlier) for earlier in one.moved_from],
        "suspended": [
            {"why": piece.why.value, "from": _iso(piece.since), "until": _iso(piece.until)}
            for piece in one.suspensions
        ],
        **one.spans.to_json(),
    }


def _digest(off: Iterable[date], work: Iterable[date]) -> str:
    told = {
        "off": [day.isoformat() for day in sorted(off)],
        "work": [day.isoformat() for day in sorted(work)],
    }
    return hashlib.sha256(canonical(told)).hexdigest()


def _at(event: Event) -> datetime:
    return datetime.fromisoformat(event.at)


def _instant(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError(value)
    return _whole(instant)


def _whole(instant: datetime) -> datetime:
    """Cut an instant to milliseconds, as the times of the chain are."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _second(instant: datetime) -> datetime:
    """Cut an instant to seconds, as the dates of a plan are."""
    return instant.replace(microsecond=0)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds")
