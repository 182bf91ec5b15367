"""Starting a departure: find who leaves, look at what would happen, start it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse

from api.console.drawing import page
from api.console.route import console_router
from api.console.start_view import REFUSALS as OF_STARTS
from api.console.start_view import (
    ShownStep,
    fault_of,
    missing_of,
    same_again,
    shown_steps,
    told,
    unreachable,
)
from api.console.visit import Missing, Post, Staff, StaffPost, Visit
from api.language import Sentence, sentence
from api.people.forms import typed_day
from countersign.adapters.database.departure_previews import (
    CERTIFICATE,
    DEMAND,
    DeparturePreview,
    PlannedReceiver,
)
from countersign.adapters.database.departure_terms import DepartureWish
from countersign.adapters.database.nothing_left import ANNOUNCEMENT
from countersign.adapters.database.sifting import PreviewText
from countersign.adapters.database.start_desk import PersonLeaves
from countersign.contracts.cases import Process
from countersign.domain.departure import ARTICLE, GROUNDS, DepartureKind, Ground, ProposedBy, Track
from countersign.domain.duties import BASIS
from countersign.domain.ledger import RECEIVABLES
from countersign.domain.local_time import day_of
from countersign.domain.planner import Step
from countersign.domain.policy import Audience, Channel
from countersign.domain.refusal import Refusal

router = console_router()
START = "/console/start/departure"

REFUSALS = (Refusal, *OF_STARTS)
LONGEST_REASON = 2000

_CHANGED = sentence(
    "Something has changed since this was shown, such as an item, a date or an address. "
    "Look at it again, then start."
)
_NO_KIND = sentence("Kind: choose how the employment ends.")
_NO_DAY = {
    "last_day": sentence("Last day: give a day that exists, such as 2026-03-31."),
    "noticed_on": sentence("Notice given on: give a day that exists, such as 2026-03-02."),
}
_LONG_REASON = sentence("Reason: may have at most %(most)s characters; shorten it.", most=LONGEST_REASON)
_SUCCESSOR = sentence("Successor: nobody has this number, and the name fits no one alone; give the number.")
_STARTED = sentence("The departure was started.")
_THERE = sentence("This departure was started before; here it is. Nothing was started twice.")


@dataclass(frozen=True)
class _Read:
    """A form as it was read: the wish, None with the faults that stand in its way."""

    wish: DepartureWish | None
    faults: dict[str, str] = field(default_factory=dict)


@router.get("/start/departure")
def find(visit: Staff) -> Response:
    """Find who leaves by name or number; with a number in the address, show the empty form."""
    if number := visit.asked("employee"):
        return _shown(visit, _person(visit, number), _fresh(visit))
    part = visit.asked("q")
    found = visit.parts.start_desk.people(visit.scope, part) if part else []
    return page(visit, "console/departure_find.html", part=part, found=found)


@router.post("/start/departure")
def start(post: StaffPost) -> Response:
    """Show what a departure would start, or start what was shown."""
    person = _person(post, post.text("employee"))
    read = _wish(post, person)
    if read.wish is None:
        return _shown(post, person, post.typed, read.faults)
    if post.text("do") != "start":
        return _shown(post, person, post.typed, wish=read.wish)
    try:
        shown = post.parts.departures.preview(read.wish, post.scope)
        if shown.existing_case is None and post.text("shown") != _mark(read.wish, shown):
            changed = {"start": post.words.say(_CHANGED)}
            return _shown(post, person, post.typed, changed, read.wish)
        made = post.parts.departures.start(read.wish, post.officer.actor, post.scope)
    except REFUSALS as refusal:
        return _shown(post, person, post.typed, _fault(post, refusal))
    post.tell(_THERE if made.existing else _STARTED)
    return RedirectResponse(f"/console/departures/{made.case_id}", 303)


# -- reading the form -------------------------------------------------------------------------------------


def _person(visit: Visit, number: str) -> PersonLeaves:
    found = visit.parts.start_desk.people(visit.scope, number) if number else []
    person = next((one for one in found if one.number == number), None)
    if person is None:
        raise Missing
    return person


def _fresh(visit: Visit) -> dict[str, str]:
    return {"noticed_on": day_of(visit.parts.clock()).isoformat()}


def _wish(post: Post, person: PersonLeaves) -> _Read:
    typed, faults = post.typed, {}
    kind = post.text("kind")
    if kind not in set(DepartureKind):
        faults["kind"] = post.words.say(_NO_KIND)
    days = {name: typed_day(post.text(name)) for name in _NO_DAY}
    faults |= {name: post.words.say(_NO_DAY[name]) for name, day in days.items() if day is None}
    successor = _successor(post)
    if successor is None and post.text("successor"):
        faults["successor"] = post.words.say(_SUCCESSOR)
    if len(post.text("reason")) > LONGEST_REASON:
        faults["reason"] = post.words.say(_LONG_REASON)
    last_day, noticed_on = days["last_day"], days["noticed_on"]
    if faults or last_day is None or noticed_on is None:
        return _Read(None, faults)
    ground, by = post.text("ground"), post.text("proposed_by")
    wish = DepartureWish(
        employee=person.id,
        kind=DepartureKind(kind),
        last_day=last_day,
        noticed_on=noticed_on,
        ground=Ground(ground) if ground in set(Ground) else None,
        proposed_by=ProposedBy(by) if by in set(ProposedBy) else None,
        successor=successor,
        policy=typed.get("policy") or None,
        overdue=_choices(typed),
        reason=post.text("reason"),
    )
    return _Read(wish)


def _choices(typed: Mapping[str, str]) -> dict[str, str]:
    named = "overdue."
    return {
        name.removeprefix(named): value for name, value in typed.items() if name.startswith(named) and value
    }


def _successor(post: Post) -> str | None:
    """Return the number of a successor who was named by number, or by a name that fits one person alone."""
    part = post.text("successor")
    if not part:
        return None
    found = post.parts.start_desk.people(post.scope, part)
    exact = [one for one in found if part in (one.number, one.name)] or found
    if len(exact) == 1:
        return exact[0].number
    # A successor may work in a branch that this officer does not see; then the number alone is known.
    return part if not found else None


def _fault(visit: Visit, refusal: Any) -> dict[str, str]:
    if isinstance(refusal, Refusal):
        return {refusal.field.partition(".")[0]: told(visit, str(refusal))}
    return fault_of(visit, refusal)


# -- showing ----------------------------------------------------------------------------------------------


def _shown(
    visit: Visit,
    person: PersonLeaves,
    typed: dict[str, str],
    faults: dict[str, str] | None = None,
    wish: DepartureWish | None = None,
) -> Response:
    chosen, policies = visit.parts.start_desk.policies(Process.OFFBOARDING, _branch_of(visit, person))
    shown, status, faults = None, (422 if faults else 200), dict(faults or {})
    if wish is not None:
        try:
            shown = visit.parts.departures.preview(wish, visit.scope)
        except REFUSALS as refusal:
            status, faults = 422, faults | _fault(visit, refusal)
    more = {} if shown is None or wish is None else _details(visit, wish, shown)
    return page(
        visit,
        "console/departure_start.html",
        status,
        person=person,
        typed=typed,
        faults=faults,
        kinds=tuple(DepartureKind),
        grounds=GROUNDS,
        article=ARTICLE,
        proposed=tuple(ProposedBy),
        chosen=chosen,
        policies=policies,
        longest=LONGEST_REASON,
        shown=shown,
        **more,
    )


def _branch_of(visit: Visit, person: PersonLeaves) -> str | None:
    branches = visit.parts.start_desk.branches(visit.scope)
    return next((one for one, name in branches if name == person.branch), None)


def _details(visit: Visit, wish: DepartureWish, shown: DeparturePreview) -> dict[str, Any]:
    doubts = [*unreachable(shown.plan), *(unreachable(shown.notice) if shown.notice else []), *shown.warnings]
    return {
        "mark": _mark(wish, shown),
        "messages": _messages(shown),
        "receivers": [_receiver(one, shown) for one in shown.receivers],
        "tracks": {track: [one for one in shown.items if one.track is track] for track in Track},
        "owed": {kind: fen for kind, fen in shown.balances.items() if kind in RECEIVABLES},
        "basis": BASIS,
        "missing": missing_of(shown.missing),
        "blocks": [told(visit, words) for _, words in shown.blocks],
        "doubts": [told(visit, words) for words in dict.fromkeys(doubts)],
        "because": told(visit, shown.sms.because or ""),
    }


@dataclass(frozen=True)
class _Part:
    """One run of messages: what it is for, and its steps, each with its channels."""

    title: Sentence
    steps: list[tuple[ShownStep, tuple[Channel, ...]]]


_NOTICE = sentence("The notice that ends the employment, until it is delivered")
_REMINDERS = sentence("Reminders to the leaver, as long as something is left")
_SILENT_LATER = sentence("If the leaver stays silent after the last day")
_SILENT_NOW = sentence("If the leaver stays silent, from now on")
_LAST_DAY = sentence("On the last day; the demand only where something is open")
_RECEIVER = sentence("%(who)s, %(n)s items: at once, then while something handed over is not confirmed")


def _messages(shown: DeparturePreview) -> list[_Part]:
    """Return what the leaver is told, in the order in which it begins, with every text."""
    late = shown.plan.steps[0].at >= shown.dates.last_day_over
    own, ends = shown.said[Process.OFFBOARDING], shown.said[Process.STATUTORY]
    reminders = [(one.step, max(one.at, shown.started)) for one in shown.dates.reminders]
    last_day = [(step, shown.dates.certificate_at) for step in (CERTIFICATE, DEMAND)]
    parts = [
        _part(_NOTICE, shown.notice.steps if shown.notice else (), ends),
        _part(_REMINDERS, _told(reminders, own), own),
        _part(_SILENT_LATER if late else _SILENT_NOW, shown.plan.steps, own),
        _part(_LAST_DAY, _told(last_day, ends), ends),
    ]
    return [one for one in parts if one.steps]


def _receiver(one: PlannedReceiver, shown: DeparturePreview) -> _Part:
    """Return what a receiver is told; the dates of the ladder are the latest."""
    title = Sentence(_RECEIVER.text, {"who": f"{one.number} {one.name}", "n": one.items})
    announced = _told([(ANNOUNCEMENT, shown.started)], one.texts)
    return _part(title, (*announced, *one.plan.steps), one.texts)


def _part(title: Sentence, steps: Sequence[Step], texts: Sequence[PreviewText]) -> _Part:
    channels = (one.channels for one in steps)
    return _Part(title, list(zip(shown_steps(steps, texts), channels, strict=True)))


def _told(planned: Iterable[tuple[str, datetime]], texts: Sequence[PreviewText]) -> tuple[Step, ...]:
    """Return as steps what is told the leaver or a receiver beside a ladder; what has no text is not told."""
    return tuple(
        Step(name, at, Audience.EMPLOYEE, tuple(one.channel for one in texts if one.step == name), at)
        for name, at in planned
        if any(one.step == name for one in texts)
    )


def _mark(wish: DepartureWish, shown: DeparturePreview) -> str:
    """Return a mark of what matters in a preview; instants that move with the clock are not in it."""
    return same_again(
        shown.person_id,
        shown.kind,
        shown.ground,
        shown.last_day,
        shown.noticed_on,
        shown.proposed_by,
        shown.policy_version,
        shown.statutory_version,
        wish.successor,
        wish.reason,
        [(one.track, one.reference, one.receiver_number) for one in shown.items],
        [
            (process, one.step, one.channel.value, one.recipient, one.address, one.title)
            for process, one in shown.texts
        ],
    )
