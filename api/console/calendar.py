"""Working days, and what a new State Council notice moves."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fastapi import Response
from fastapi.responses import RedirectResponse
from pydantic import TypeAdapter, ValidationError
from sqlmodel import Session

from api.console.drawing import moment, page
from api.console.route import console_router
from api.console.visit import HOME, Missing, NotAllowed, Post, Reader, StaffPost, Visit
from api.language import Sentence, sentence
from countersign.adapters.calendar_file import CalendarRejected, calendar_of
from countersign.adapters.calendar_notice import NoticeFault, NoticeRefused, read_notice
from countersign.adapters.database.approvals import AlreadyDecided, Asked, OwnRequest
from countersign.adapters.database.officers import STAFF
from countersign.adapters.database.overrides import MayNoLongerAct, asker_of
from countersign.adapters.database.scope import Scope
from countersign.adapters.sheets import InputFault, read_table
from countersign.domain.calendar import CalendarYear, WorkCalendar
from countersign.domain.console_words import told_in

router = console_router()

PATH = f"{HOME}/calendar"
KIND = "calendar"
"""The kind of a request that waits for a second person; its subject is the year."""
LARGEST_FILE = 2 * 1024 * 1024
LONGEST_NOTICE = 20_000
LONGEST_REASON = 500
_MOST_YEARS = 2
_MOST_SHOWN = 200
_SATURDAY = 5
_YEARS: TypeAdapter[tuple[CalendarYear, ...]] = TypeAdapter(tuple[CalendarYear, ...])

_NOTHING = sentence("Paste the notice or choose a file.")
_BOTH = sentence("There are a notice and a file; take one of the two away.")
_LONG = sentence("This is longer than a notice; paste the notice alone.")
_LARGE = sentence("The file is larger than 2 MB; a calendar year is much smaller.")
_BROKEN = sentence("The preview cannot be read any more. Paste the notice again.")
_SAME = sentence("The calendar says this already; nothing would change.")
_MEANWHILE = sentence("The calendar was changed meanwhile. Look at the differences again, then apply.")
_NO_REASON = sentence("This year has a calendar already. Write why it is changed.")
_LONG_REASON = sentence("This is longer than 500 characters; shorten it.")
_ELSEWHERE = sentence("The calendar holds for all branches. Ask somebody who works for the whole company.")
_DONE = sentence("The calendar of %(years)s is in force. %(cases)s open cases are told and plan again.")
_ASKED = sentence("The calendar waits for a second person. Nothing has changed yet.")
_OWN = sentence("You asked for this yourself; a second person must agree to it.")
_GONE = sentence("Whoever asked for this may no longer do it. Refuse it, and ask for it anew.")
_DECIDED = sentence("%(name)s has decided this already, at %(at)s.")
_REFUSED = sentence("Refused. The calendar stays as it is.")
_CHOOSE = sentence("Choose whether you agree or refuse.")


class _Meanwhile(Exception):
    """The calendar is no longer the one to which the change was asked for; nothing was decided."""


_REFUSALS: Mapping[type[Exception], Sentence] = {
    OwnRequest: _OWN,
    MayNoLongerAct: _GONE,
    _Meanwhile: _MEANWHILE,
}


@dataclass(frozen=True)
class Day:
    """One day of a month: `kind` is `off`, `work`, `free` (a weekend) or empty; `moved` when it changes."""

    day: date
    kind: str
    moved: bool = False


Month = tuple[int, tuple[tuple[Day | None, ...], ...]]


@dataclass(frozen=True)
class Change:
    """What a new calendar changes: `days` are day, kind before and kind after."""

    years: tuple[CalendarYear, ...]
    days: tuple[tuple[date, str, str], ...]
    replaced: tuple[int, ...]
    stamp: str


# -- pages ------------------------------------------------------------------------------------------------


@router.get("/calendar")
def calendar(visit: Reader) -> Response:
    """Show a year of the calendar, where it comes from, and what rests on years that are not known."""
    return _page(visit)


@router.post("/calendar/preview")
def preview(post: StaffPost) -> Response:
    """Read a notice or a file and show what it would change; nothing is written."""
    years, faults = _read(post)
    if years is None:
        return _page(post, faults=faults, status=422)
    return _preview(post, years)


@router.post("/calendar/apply")
def apply(post: StaffPost) -> Response:
    """Put the previewed calendar in force, or have a second person look at it."""
    years = _carried(post.text("years"))
    if years is None:
        return _page(post, faults={"notice": [post.words.say(_BROKEN)]}, status=422)
    _whole_company(post)
    faults = _bars(post, years)
    if faults:
        return _preview(post, years, faults=faults, status=422)
    return _ask(post, years) if post.parts.settings.four_eyes_imports else _publish(post, years)


@router.get("/calendar/waiting/{year}")
def waiting(visit: Reader, year: str) -> Response:
    """Show a calendar that waits for a second person, with everything that it would change."""
    asked = _waiting(visit, year)
    return _preview(visit, _YEARS.validate_python(asked.body["years"]), asked=asked)


@router.post("/calendar/waiting/{year}")
def decide(post: StaffPost, year: str) -> Response:
    """Agree to a calendar that somebody else has read, or refuse it."""
    asked = _waiting(post, year)
    years = _YEARS.validate_python(asked.body["years"])
    decision, reason = post.text("decision"), post.text("reason")[:LONGEST_REASON]
    if decision not in {"agree", "refuse"}:
        return _preview(post, years, {"decision": post.words.say(_CHOOSE)}, status=422, asked=asked)
    _whole_company(post)
    return _decided(post, asked, years, reason, agreed=decision == "agree")


def _carried(typed: str) -> tuple[CalendarYear, ...] | None:
    """Return the years that a preview carried along; None when they are not what a preview shows."""
    try:
        years = _YEARS.validate_json(typed)
    except ValidationError:
        return None
    ordinary = any(day.weekday() < _SATURDAY for year in years for day in year.work)
    return None if ordinary or not 1 <= len(years) <= _MOST_YEARS else years


# -- deciding ---------------------------------------------------------------------------------------------


def _ask(post: Post, years: tuple[CalendarYear, ...]) -> Response:
    subject = str(years[-1].year)
    body = {"years": _YEARS.dump_python(years, mode="json"), "stamp": _change(post, years).stamp}
    reason = post.text("reason")
    words = {"reason": reason} if reason else {}
    post.parts.approvals.ask(KIND, subject, post.officer, branch_id=None, body=body, words=words)
    post.tell(_ASKED)
    return RedirectResponse(f"{PATH}/waiting/{subject}", 303)


def _publish(post: Post, years: tuple[CalendarYear, ...]) -> Response:
    by, reason = post.officer.account_id, post.text("reason") or None
    return _published(post, years, post.parts.calendar_book.publish(years, by, reason))


def _published(post: Post, years: Sequence[CalendarYear], cases: int) -> Response:
    named = ", ".join(str(one.year) for one in years)
    post.tell(Sentence(_DONE.text, {"years": named, "cases": cases}))
    return RedirectResponse(f"{PATH}?year={years[-1].year}", 303)


def _decided(
    post: Post, asked: Asked, years: tuple[CalendarYear, ...], reason: str, *, agreed: bool
) -> Response:
    """Settle a request; the calendar that was agreed to is published in the same transaction."""
    cases: list[int] = []

    def carry_out(session: Session, settled: Asked) -> None:
        asker_of(session, settled)
        if _change(post, years).stamp != settled.body["stamp"]:
            raise _Meanwhile
        why = settled.words.get("reason")
        cases.append(post.parts.calendar_book.publish_within(session, years, settled.asked_by_id, why))

    try:
        post.parts.approvals.decide(
            asked.id, post.officer, approved=agreed, reason=reason, carry_out=carry_out if agreed else None
        )
    except (OwnRequest, MayNoLongerAct, _Meanwhile) as refusal:
        told = {"decision": post.words.say(_REFUSALS[type(refusal)])}
        return _preview(post, years, told, status=422, asked=asked)
    except AlreadyDecided as before:
        post.tell(Sentence(_DECIDED.text, {"name": before.by, "at": moment(before.at)}), good=False)
        return RedirectResponse(PATH, 303)
    if agreed:
        return _published(post, years, cases[-1])
    post.tell(_REFUSED)
    return RedirectResponse(PATH, 303)


def _bars(post: Post, years: tuple[CalendarYear, ...]) -> dict[str, str]:
    """Return what keeps a preview from being applied, by field."""
    change, say = _change(post, years), post.words.say
    if _is_in_force(post, years):
        return {"years": say(_SAME)}
    if post.text("stamp") != change.stamp:
        return {"years": say(_MEANWHILE)}
    if change.replaced and not post.text("reason"):
        return {"reason": say(_NO_REASON)}
    return {"reason": say(_LONG_REASON)} if len(post.text("reason")) > LONGEST_REASON else {}


def _is_in_force(visit: Visit, years: Sequence[CalendarYear]) -> bool:
    known = visit.parts.calendar_book.known()
    return all(year.year in known and known[year.year].year == year for year in years)


def _whole_company(post: Post) -> None:
    if post.officer.branch_id is not None:
        raise NotAllowed(_ELSEWHERE)


def _waiting(visit: Visit, year: str) -> Asked:
    found = [one for one in visit.parts.approvals.of(year) if one.kind == KIND and one.decided_at is None]
    if not found:
        raise Missing
    return found[-1]


# -- reading ----------------------------------------------------------------------------------------------


def _read(post: Post) -> tuple[tuple[CalendarYear, ...] | None, dict[str, list[str]]]:
    """Return the years of a pasted notice or an attached file; else what is wrong, by field."""
    notice, file, say = post.text("notice"), post.file("file"), post.words.say
    if not notice and file is None:
        return None, {"notice": [say(_NOTHING)]}
    if notice and file is not None:
        return None, {"file": [say(_BOTH)]}
    if file is not None:
        return _read_file(post, file.file.read(LARGEST_FILE + 1), file.filename or "calendar")
    if len(notice) > LONGEST_NOTICE:
        return None, {"notice": [say(_LONG)]}
    try:
        found = read_notice(notice, post.text("source")[:200])
        return found.years(post.parts.calendar()), {}
    except NoticeRefused as refused:
        return None, {"notice": [_with_line(post, fault) for fault in refused.faults]}


def _read_file(
    post: Post, data: bytes, name: str
) -> tuple[tuple[CalendarYear, ...] | None, dict[str, list[str]]]:
    if len(data) > LARGEST_FILE:
        return None, {"file": [post.words.say(_LARGE)]}
    try:
        return (calendar_of(read_table(data, name)).year,), {}
    except CalendarRejected as refused:
        return None, {"file": [told_in(post.language, fault.message) for fault in refused.rejected[:20]]}
    except InputFault as fault:
        return None, {"file": [told_in(post.language, str(fault))]}


def _with_line(post: Post, fault: NoticeFault) -> str:
    told = told_in(post.language, fault.sentence)
    if fault.line is None:
        return told
    return post.words.say(sentence("Line %(n)s: %(told)s", n=fault.line, told=told))


# -- what the pages show ----------------------------------------------------------------------------------


def _page(visit: Visit, *, faults: Mapping[str, list[str]] | None = None, status: int = 200) -> Response:
    book, today = visit.parts.calendar_book, visit.parts.clock().date()
    known = book.known()
    shown = _asked_year(visit, today.year)
    provisional, count = book.provisional(visit.scope)
    table = known[shown].year if shown in known else None
    return page(
        visit,
        "console/calendar.html",
        status,
        year=shown,
        years=sorted({*known, today.year, today.year + 1}, reverse=True),
        known=known,
        months=months(shown, WorkCalendar(() if table is None else (table,))),
        working_days=working_days(shown, WorkCalendar(() if table is None else (table,))),
        provisional=provisional,
        provisional_count=count,
        faults=faults or {},
        typed=visit.typed if isinstance(visit, Post) else {},
        may_import=visit.officer.role in STAFF and visit.officer.branch_id is None,
        waiting=_all_waiting(visit),
        next_year=today.year + 1,
    )


def _all_waiting(visit: Visit) -> list[Asked]:
    if visit.officer.branch_id is not None:
        return []
    return [one for one in visit.parts.approvals.waiting(Scope()) if one.kind == KIND]


def _preview(
    visit: Visit,
    years: tuple[CalendarYear, ...],
    faults: Mapping[str, str] | None = None,
    *,
    status: int = 200,
    asked: Asked | None = None,
) -> Response:
    change = _change(visit, years)
    effect = visit.parts.calendar_book.effect(visit.scope, visit.parts.calendar(), years)
    moved = frozenset(day for day, _, _ in change.days)
    return page(
        visit,
        "console/calendar_preview.html",
        status,
        change=change,
        effect=effect,
        most=_MOST_SHOWN,
        grids=[(one, months(one.year, WorkCalendar((one,)), moved)) for one in years],
        body=_YEARS.dump_json(years).decode(),
        faults=faults or {},
        typed=visit.typed if isinstance(visit, Post) else {},
        asked=asked,
        own=asked is not None and asked.asked_by_id == visit.officer.account_id,
        may_apply=visit.officer.role in STAFF and visit.officer.branch_id is None,
        second_person=visit.parts.settings.four_eyes_imports,
        same=_is_in_force(visit, years),
    )


def _change(visit: Visit, years: Sequence[CalendarYear]) -> Change:
    known = {number: one.year for number, one in visit.parts.calendar_book.known().items()}
    days = [(day, old, new) for year in years for day, old, new in differences(known.get(year.year), year)]
    present = [known[year.year] for year in years if year.year in known]
    stamp = hashlib.sha256(_YEARS.dump_json(tuple(present))).hexdigest()[:16]
    replaced = tuple(year.year for year in years if year.year in known and known[year.year] != year)
    return Change(tuple(years), tuple(days), replaced, stamp)


def differences(before: CalendarYear | None, after: CalendarYear) -> Iterator[tuple[date, str, str]]:
    """Yield the days on which people work before or after and not both, with their kinds."""
    old, new = WorkCalendar(() if before is None else (before,)), WorkCalendar((after,))
    day = date(after.year, 1, 1)
    while day.year == after.year:
        if old.is_working_day(day) != new.is_working_day(day):
            yield day, kind_of(day, old), kind_of(day, new)
        day += timedelta(days=1)


def kind_of(day: date, calendar: WorkCalendar) -> str:
    """Return what a day is: `off` by the notice, `work` on a weekend, `free` on a weekend, `weekday`."""
    named = {one for year in calendar.years for one in year.off}
    if day in named:
        return "off"
    if day.weekday() >= _SATURDAY:
        return "work" if calendar.is_working_day(day) else "free"
    return "weekday"


def months(year: int, calendar: WorkCalendar, moved: frozenset[date] = frozenset()) -> list[Month]:
    """Return twelve months of whole weeks from Monday on; days of other months are None."""
    found: list[Month] = []
    for month in range(1, 13):
        first = date(year, month, 1)
        cells: list[Day | None] = [None] * first.weekday()
        day = first
        while day.month == month and day.year == year:
            cells.append(Day(day, kind_of(day, calendar), day in moved))
            day += timedelta(days=1)
        cells += [None] * (-len(cells) % 7)
        weeks = tuple(tuple(cells[place : place + 7]) for place in range(0, len(cells), 7))
        found.append((month, weeks))
    return found


def working_days(year: int, calendar: WorkCalendar) -> int:
    """Count the working days of a year."""
    first = date(year, 1, 1)
    days = (first + timedelta(days=number) for number in range(366))
    return sum(1 for day in days if day.year == year and calendar.is_working_day(day))


def _asked_year(visit: Visit, default: int) -> int:
    typed = visit.asked("year")
    return int(typed) if typed.isascii() and typed.isdecimal() and 1990 <= int(typed) <= 2100 else default
