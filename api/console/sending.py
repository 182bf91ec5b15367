"""The switch that stops all sending, what it holds, the ways out, and alarms."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from itertools import count, takewhile
from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse

from api.console.downloads import list_file
from api.console.drawing import moment, page, word
from api.console.paging import pager_of
from api.console.route import console_router
from api.console.visit import HOME, Missing, NotAllowed, Post, Reader, StaffPost, Visit
from api.language import Sentence, sentence
from countersign.adapters.database.alarm_list import AlarmLine
from countersign.adapters.database.channels import NothingToAcknowledge
from countersign.adapters.database.officers import STAFF
from countersign.adapters.database.stops import StopScope, StopView
from countersign.contracts.cases import Role
from countersign.domain.console_words import told_in
from countersign.domain.local_time import day_of

router = console_router()

_PLACE = f"{HOME}/sending"
_A_PAGE, _FEW, _AT_ONCE = 50, 5, 500
_LONGEST_REASON = 2000

_CHOOSE = sentence("Choose what is to be stopped.")
_WHY = sentence("Write why, in at most 2000 characters; whoever asks later reads it here.")
_NOT_OF_A_BRANCH = sentence("This needs HR of the whole company or a system administrator.")


@router.get("/sending")
def show(visit: Reader) -> Response:
    """Show stops, what is held, limits, ways out and the newest alarms."""
    return _page(visit)


@router.post("/sending/stops")
def stop(post: StaffPost) -> Response:
    """Hold every message of the company, a branch or a provider from now on."""
    scope, subject = _chosen(post)
    faults = _reason_faults(post, "reason")
    if scope is None:
        faults = {"what": post.words.say(_CHOOSE), **faults}
    if scope is None or faults:
        return _page(post, HTTPStatus.UNPROCESSABLE_ENTITY, post.typed, faults)
    held = {one.id for one in post.parts.sending_desk.in_force(None)}
    try:
        made = post.parts.stops.set(scope, subject, post.text("reason"), post.officer.actor_id)
    except LookupError as error:
        faults = {"what": told_in(post.language, str(error.args[0]))}
        return _page(post, HTTPStatus.UNPROCESSABLE_ENTITY, post.typed, faults)
    if made.id in held:
        _tell_who(post, _ALREADY_STOPPED, made.set_by, made.set_at)
    else:
        post.tell(sentence("Sending is stopped. Nothing is lost: what is held leaves after the release."))
    return RedirectResponse(_PLACE, HTTPStatus.SEE_OTHER)


@router.post("/sending/stops/{stop_id}/release")
def release(post: StaffPost, stop_id: str) -> Response:
    """Let sending go on; a branch's officers release their branch's own stops only."""
    before = next((one for one in _stops(post) if one.id == stop_id), None)
    released = post.parts.stops.release(stop_id, post.officer.actor_id, post.officer.branch_id)
    if before is None or released is None:
        raise Missing
    if before.released_by is not None and before.released_at is not None:
        _tell_who(post, _ALREADY_RELEASED, before.released_by, before.released_at)
    else:
        post.tell(sentence("Sending goes on: %(n)s held messages are planned again.", n=before.held))
    return RedirectResponse(_PLACE, HTTPStatus.SEE_OTHER)


@router.post("/sending/channels/{name}/acknowledge")
def acknowledge(post: StaffPost, name: str) -> Response:
    """Keep who answers for a way out that leaves the country."""
    if name not in {way.name for way, _ in post.parts.channels.listing()}:
        raise Missing
    if not _may_acknowledge(post):
        raise NotAllowed(_NOT_OF_A_BRANCH)
    field = f"why_{name}"
    if faults := _reason_faults(post, field):
        return _page(post, HTTPStatus.UNPROCESSABLE_ENTITY, post.typed, faults)
    try:
        known, new = post.parts.channels.acknowledge(name, post.text(field), post.officer.actor_id)
    except NothingToAcknowledge as error:
        faults = {"ways": told_in(post.language, str(error))}
        return _page(post, HTTPStatus.CONFLICT, post.typed, faults)
    if new:
        post.tell(sentence("Kept: you answer for %(name)s.", name=name))
    else:
        _tell_who(post, _ALREADY_ANSWERED, known.by, known.at)
    return RedirectResponse(_PLACE, HTTPStatus.SEE_OTHER)


@router.get("/alarms")
def alarms(visit: Reader) -> Response:
    """List alarms, the newest first, by kind."""
    kinds = visit.parts.alarm_list.kinds(visit.scope)
    kind = visit.asked("kind") if visit.asked("kind") in kinds else ""
    found = kinds.get(kind, 0) if kind else sum(kinds.values())
    pager = pager_of(visit, found, _A_PAGE)
    return page(
        visit,
        "console/alarms.html",
        kinds=kinds,
        kind=kind,
        lines=visit.parts.alarm_list.page(visit.scope, kind, _A_PAGE, pager.skip),
        found=found,
        pager=pager,
    )


@router.get("/alarms.{form}")
def alarms_file(visit: Reader, form: str) -> Response:
    """Hand out the same list, all of it, as a file."""
    heads = [sentence("When"), sentence("Kind of alarm"), sentence("What happened"), sentence("About")]
    rows = [
        (
            line.at,
            word(visit.language, "alarm", line.kind),
            told_in(visit.language, line.sentence),
            line.case_id,
        )
        for line in _all_alarms(visit, visit.asked("kind"))
    ]
    names = [visit.words.say(head) for head in heads]
    return list_file(form, "alarms", names, rows, visit.words.say(sentence("Alarms")))


# -- the page about sending -------------------------------------------------------------------------------

_ALREADY_STOPPED = sentence("This is stopped already, by %(who)s on %(at)s. Nothing was changed.")
_ALREADY_RELEASED = sentence("This stop was released already by %(who)s on %(at)s.")
_ALREADY_ANSWERED = sentence("%(who)s answers for this already since %(at)s. Nothing was changed.")


def _page(
    visit: Visit,
    status: int = HTTPStatus.OK,
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    parts, officer = visit.parts, visit.officer
    stops, ways = _stops(visit), parts.channels.listing()
    held, kinds = parts.sending_desk.held_why(visit.scope), parts.alarm_list.kinds(visit.scope)
    why = visit.asked("why") if visit.asked("why") in held else ""
    pager = pager_of(visit, held.get(why, 0) if why else sum(held.values()), _A_PAGE)
    return page(
        visit,
        "console/sending.html",
        status,
        typed=typed or {},
        faults=faults or {},
        in_force=[one for one in stops if one.released_at is None],
        released=[one for one in stops if one.released_at is not None],
        names=parts.sending_desk.names(stops, [known.by for _, known in ways if known]),
        branches=parts.sending_desk.branches(None),
        choices=_choices(visit),
        may_act=officer.role in STAFF,
        may_release={one.id for one in stops if _may_release(visit, one)},
        held=held,
        why=why,
        held_lines=parts.sending_desk.held(visit.scope, why, _A_PAGE, pager.skip),
        pager=pager,
        caps=_caps(visit),
        ways=ways,
        may_acknowledge=_may_acknowledge(visit),
        alarms=parts.alarm_list.page(visit.scope, None, _FEW),
        alarms_in_all=sum(kinds.values()),
    )


def _stops(visit: Visit) -> list[StopView]:
    return visit.parts.stops.all(visit.officer.branch_id)


def _choices(visit: Visit) -> list[str]:
    """Return what somebody may stop, as the values of the form; officers of a branch have no choice."""
    branch_id = visit.officer.branch_id
    branches = [f"{StopScope.BRANCH}:{one}" for one in visit.parts.sending_desk.branches(branch_id)]
    if branch_id is not None:
        return branches
    providers = [f"{StopScope.PROVIDER}:{one}" for one in visit.parts.stops.providers]
    return [StopScope.COMPANY.value, *branches, *providers]


def _chosen(post: Post) -> tuple[StopScope | None, str | None]:
    what = post.text("what")
    if what not in _choices(post):
        return None, None
    scope, _, subject = what.partition(":")
    return StopScope(scope), subject or None


def _may_release(visit: Visit, stop: StopView) -> bool:
    own = stop.scope is StopScope.BRANCH and stop.subject == visit.officer.branch_id
    return visit.officer.role in STAFF and (visit.officer.branch_id is None or own)


def _may_acknowledge(visit: Visit) -> bool:
    of_a_branch = visit.officer.role is Role.HR and visit.officer.branch_id is not None
    return visit.officer.role in STAFF and not of_a_branch


def _caps(visit: Visit) -> dict[str, Any]:
    settings = visit.parts.settings
    today = day_of(visit.parts.clock())
    # In time-lapse the days of the cases are not today.
    left = None if settings.time_lapse > 1 else visit.parts.sending_desk.left_today(today)
    return {"person": settings.person_daily_cap, "company": settings.company_daily_cap, "left": left}


def _reason_faults(post: Post, field: str) -> dict[str, str]:
    fits = 0 < len(post.text(field)) <= _LONGEST_REASON
    return {} if fits else {field: post.words.say(_WHY)}


def _tell_who(post: Post, told: Sentence, actor: str, at: datetime) -> None:
    who = post.parts.sending_desk.names([], [actor])[actor]
    post.tell(Sentence(told.text, {"who": who, "at": moment(at)}), good=False)


def _all_alarms(visit: Visit, kind: str) -> Iterator[AlarmLine]:
    pages = (
        visit.parts.alarm_list.page(visit.scope, kind, _AT_ONCE, number * _AT_ONCE) for number in count()
    )
    for lines in takewhile(bool, pages):
        yield from lines
