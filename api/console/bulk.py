"""Starting many cases at once: choose leaves, look at each, start, watch, and take the result away."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse

from api.console.downloads import list_file
from api.console.drawing import page, word
from api.console.employee_numbers import typed_numbers
from api.console.route import console_router
from api.console.start_view import MISSING_NAMES, REFUSALS, absent, leaving_on, told, waits_for_hr
from api.console.visit import Missing, Post, Staff, StaffPost, Visit
from api.language import Sentence, sentence
from api.people.forms import typed_day
from countersign.adapters.database.bulk_starts import Bulk, decided
from countersign.adapters.database.start_desk import MOST_LEAVES, LeaveFilter, LeaveLine
from countersign.adapters.database.starts import StartPreview, StartWish
from countersign.contracts.cases import Process
from countersign.contracts.leave_return import LeaveKind
from countersign.domain.local_time import day_of
from countersign.domain.sms_cost import together
from countersign.ids import new_id

router = console_router()

_ID = re.compile(r"[0-9A-Z]{26}")
_SOON = timedelta(days=14)
_CHOICES = ("run_now", "skip")

_NOTHING = sentence("Choose at least one leave, paste employee numbers, or attach a list.")
_NOTHING_LEFT = sentence("Tick at least one leave that can start.")
_TOO_MANY = sentence(
    "%(n)s leaves are too many at once; choose at most %(most)s, and the others after that.", most=MOST_LEAVES
)
_UNKNOWN = sentence("%(n)s of these leaves are not known here any more; they are left out below.")
_CHANGED = sentence("The choices have changed since this was shown. Look at it again, then start.")
_NOBODY = sentence("Nobody here has this employee number; correct it, or import the employee first.")
_NO_LEAVE = sentence("No leave is on record; import it first.")
_DAY = sentence("Write a day like 2026-02-13, or leave it empty.")
_HEADERS = (
    sentence("No."),
    sentence("Employee number"),
    sentence("Name"),
    sentence("Leave"),
    sentence("Last day"),
    sentence("Result"),
    sentence("Case"),
    sentence("Why not"),
)
STATES = {
    "waiting": sentence("waiting"),
    "started": sentence("started"),
    "refused": sentence("not started"),
}


@dataclass(frozen=True)
class _Looked:
    """One leave of a preview: what would happen, or why nothing would, in the reader's words."""

    leave: LeaveLine
    shown: StartPreview | None
    why_not: str | None
    leaving: int = 0
    asks: bool = False

    @property
    def missing(self) -> list[Sentence]:
        """What is not on record, each in a word."""
        return [] if self.shown is None else [MISSING_NAMES[code] for code in absent(self.shown.missing)]

    @property
    def can_start(self) -> bool:
        """Whether a case would start."""
        return self.why_not is None


@router.get("/start/bulk")
def choose(visit: Staff) -> Response:
    """Show leaves without a case by filter, and the fields for a list of employee numbers."""
    return _choose(visit, dict(visit.request.query_params), {})


@router.post("/start/bulk")
def look(post: StaffPost) -> Response:
    """Show what would happen to each chosen leave."""
    try:
        numbers = typed_numbers(post, "numbers", "list")
    except REFUSALS as refusal:
        return _choose(post, post.typed, {"list": told(post, str(refusal))})
    leaves, strangers = _meant(post, post.texts("leave"), numbers)
    if not leaves and not strangers:
        return _choose(post, post.typed, {"numbers": post.words.say(_NOTHING)})
    if len(leaves) > MOST_LEAVES:
        many = Sentence(_TOO_MANY.text, {**_TOO_MANY.values, "n": len(leaves)})
        return _choose(post, post.typed, {"numbers": post.words.say(many)})
    return _preview(post, leaves, strangers)


@router.post("/start/bulk/begin")
def begin(post: StaffPost) -> Response:
    """Store what was shown and ticked; it is carried out in the background."""
    bulk_id, wanted = post.text("key"), post.texts("leave")
    leaves = post.parts.start_desk.leaves(post.scope, wanted)
    faults: dict[str, Sentence] = {}
    if len(leaves) < len(set(wanted)):
        faults["leaves"] = Sentence(_UNKNOWN.text, {"n": len(set(wanted)) - len(leaves)})
    elif not leaves:
        faults["leaves"] = _NOTHING_LEFT
    if post.text("shown") != _choices(post):
        faults["policy"] = _CHANGED
    if faults or len(leaves) > MOST_LEAVES or not _ID.fullmatch(bulk_id):
        everyone = post.parts.start_desk.leaves(post.scope, post.texts("all")[:MOST_LEAVES])
        return _preview(post, everyone, [], faults, ticked={one.id for one in leaves})
    policy, overdue = _policy(post), _overdue(post)
    ids = [one.id for one in leaves]
    if not post.parts.bulk_starts.begin(bulk_id, ids, post.officer, policy=policy, overdue=overdue):
        raise Missing
    return RedirectResponse(f"/console/start/bulk/{bulk_id}", 303)


@router.get("/start/bulk/{bulk_id}")
def watch(visit: Staff, bulk_id: str) -> Response:
    """Show how far a bulk start is, and what became of each row."""
    bulk = _bulk(visit, bulk_id)
    rows = visit.parts.bulk_starts.rows(visit.scope, bulk_id)
    # What needs somebody stands first.
    rows.sort(key=lambda row: (row.state != "refused", row.position))
    return page(visit, "console/bulk_result.html", bulk=bulk, rows=rows, states=STATES, why=_why(visit))


@router.get("/start/bulk/{bulk_id}/result.{form}")
def result(visit: Staff, bulk_id: str, form: str) -> Response:
    """Hand out what became of each row, as a workbook or CSV."""
    _bulk(visit, bulk_id)
    say, why = visit.words.say, _why(visit)
    rows = [
        (
            row.position,
            row.number or "",
            row.name or "",
            word(visit.language, "leave_kind", row.kind),
            row.ends_on,
            say(STATES[row.state]),
            row.case_id or "",
            why(row.sentence) if row.sentence else "",
        )
        for row in visit.parts.bulk_starts.rows(visit.scope, bulk_id)
    ]
    headers = [say(one) for one in _HEADERS]
    return list_file(form, f"bulk-start-{bulk_id}", headers, rows, say(sentence("Result")))


# -- choosing ---------------------------------------------------------------------------------------------


def _choose(visit: Visit, typed: dict[str, str], faults: dict[str, str]) -> Response:
    today = day_of(visit.parts.clock())
    if not typed.keys() & {"from", "to", "kind", "branch"}:
        typed = {**typed, "from": f"{today - _SOON:%Y-%m-%d}", "to": f"{today + _SOON:%Y-%m-%d}"}
    days: dict[str, date | None] = {}
    for name in ("from", "to"):
        days[name] = typed_day(typed.get(name, ""))
        if typed.get(name) and days[name] is None:
            faults = {**faults, name: visit.words.say(_DAY)}
    desk = visit.parts.start_desk
    wanted = LeaveFilter(typed.get("branch") or None, typed.get("kind") or None, days["from"], days["to"])
    found = desk.without_case(visit.scope, wanted, MOST_LEAVES + 1)
    return page(
        visit,
        "console/bulk.html",
        422 if faults else 200,
        typed=typed,
        faults=faults,
        found=found[:MOST_LEAVES],
        more=len(found) > MOST_LEAVES,
        ticked=set(visit.texts("leave")) if isinstance(visit, Post) else set(),
        branches=desk.branches(visit.scope),
        kinds=[kind.value for kind in LeaveKind],
        earlier=visit.parts.bulk_starts.newest(visit.scope),
        **_policies(visit),
    )


def _meant(
    post: Post, leave_ids: Sequence[str], numbers: Sequence[str]
) -> tuple[list[LeaveLine], list[tuple[str, str]]]:
    """Return the leaves that are meant, and the numbers that lead to none, each with the reason.

    A number means the leave that ends last.
    """
    desk, say = post.parts.start_desk, post.words.say
    known = desk.last_leaves(post.scope, numbers)
    leaves = {one.id: one for one in desk.leaves(post.scope, leave_ids)}
    strangers = []
    for number in numbers:
        leave = known.get(number)
        if leave is not None:
            leaves.setdefault(leave.id, leave)
        else:
            strangers.append((number, say(_NO_LEAVE if number in known else _NOBODY)))
    return list(leaves.values()), strangers


# -- looking ----------------------------------------------------------------------------------------------


def _preview(
    post: Post,
    leaves: Sequence[LeaveLine],
    strangers: Sequence[tuple[str, str]],
    faults: Mapping[str, Sentence] | None = None,
    ticked: set[str] | None = None,
) -> Response:
    rows = [_looked(post, leave) for leave in leaves]
    good = [row for row in rows if row.can_start and row.shown is not None]
    counted = [row for row in good if ticked is None or row.leave.id in ticked]
    sums = together(row.shown.sms for row in counted if row.shown is not None)
    return page(
        post,
        "console/bulk_preview.html",
        422 if faults else 200,
        rows=sorted(rows, key=lambda row: row.can_start),
        strangers=strangers,
        faults={name: post.words.say(one) for name, one in (faults or {}).items()},
        good=len(good),
        ticked=ticked,
        counted=len(counted),
        sms=sums,
        because=told(post, sums.because or ""),
        leaving=sum(row.leaving for row in counted),
        asking=sum(row.asks for row in counted),
        key=post.text("key") if _ID.fullmatch(post.text("key")) else new_id(),
        mark=_choices(post),
        typed=post.typed,
        **_policies(post),
    )


def _looked(post: Post, leave: LeaveLine) -> _Looked:
    starts, choice = post.parts.starts, _overdue(post)
    wish = StartWish(leave.id, _policy(post))
    try:
        shown = starts.preview(wish)
        if choice is not None and shown.overdue:
            wish = decided(wish, choice, shown.overdue)
            shown = starts.preview(wish)
    except REFUSALS as refusal:
        return _Looked(leave, None, told(post, str(refusal)))
    if shown.existing_case is not None:
        return _Looked(leave, shown, post.words.say(sentence("It has its case already.")))
    if shown.blocks:
        return _Looked(leave, shown, told(post, shown.blocks[0][1]))
    leaving = leaving_on(shown, wish.overdue, post.parts.clock())
    return _Looked(leave, shown, None, leaving, waits_for_hr(shown, wish.overdue))


def _policies(visit: Visit) -> dict[str, Any]:
    _, policies = visit.parts.start_desk.policies(Process.LEAVE_RETURN, visit.scope.branch_id)
    return {"policies": policies}


def _policy(post: Post) -> str | None:
    return post.text("policy") or None


def _overdue(post: Post) -> str | None:
    chosen = post.text("overdue")
    return chosen if chosen in _CHOICES else None


def _choices(post: Post) -> str:
    return f"{_policy(post) or ''}/{_overdue(post) or ''}"


# -- watching ---------------------------------------------------------------------------------------------


def _bulk(visit: Visit, bulk_id: str) -> Bulk:
    found = visit.parts.bulk_starts.find(visit.scope, bulk_id)
    if found is None:
        raise Missing
    return found


def _why(visit: Visit) -> Any:
    return lambda english: told(visit, english)
