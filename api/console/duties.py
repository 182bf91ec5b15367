"""Statutory duties: all of them, the late ones first, and those of one departure with their forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from api.console.downloads import list_file
from api.console.drawing import page, word
from api.console.paging import page_asked
from api.console.pressed import STALE_FORM, has_nonce, pressed
from api.console.reports import span_asked
from api.console.route import console_router
from api.console.start_view import told
from api.console.visit import HOME, Missing, Post, Visit, posting, visiting
from api.duty_acts import DutyWord, record_duty, record_service
from api.errors import Refused
from api.language import Sentence, sentence
from api.people.forms import parse_day
from api.v1.forms import SentFile, keep
from countersign.adapters.database.acts import ActView, StoredFile
from countersign.adapters.database.duty_book import DutyAct, ServedAct
from countersign.adapters.database.duty_reports import DepartureDuties, DutyLine
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.list_files import Value
from countersign.contracts.cases import Role
from countersign.domain.departure import DutyKind
from countersign.domain.local_time import day_of
from countersign.domain.paging import pager
from countersign.domain.refusal import Refusal
from countersign.domain.service import SERVICE_BASIS, STRENGTH, WHY_NOT, How
from countersign.ids import new_id

router = console_router()
Looker = Annotated[Visit, Depends(visiting(*READERS, Role.FINANCE))]
DoerPost = Annotated[Post, Depends(posting(*STAFF, Role.FINANCE, papers=True))]
ServerPost = Annotated[Post, Depends(posting(*STAFF, papers=True))]

_HEADS = (
    sentence("Due"),
    sentence("Days late"),
    sentence("Number"),
    sentence("Name"),
    sentence("Duty"),
    sentence("Article"),
    sentence("State"),
    sentence("Why it failed"),
    sentence("Ordered on"),
    sentence("Whose"),
    sentence("Branch"),
)
_PAGE = 50
_LONGEST = {"reference": 200, "reason": 2000, "witness": 200}

_NO_WORD = sentence("Choose what became of the duty.")
_NO_DAY = sentence("Give a day that exists, such as 2026-03-31.")
_TOO_LONG = sentence("At most %(most)s characters; shorten it.")
_SAID: Mapping[DutyWord, Sentence] = {
    DutyWord.ORDERED: sentence("Recorded as ordered: %(duty)s."),
    DutyWord.DONE: sentence("Recorded as done: %(duty)s."),
    DutyWord.FAILED: sentence("Recorded as failed: %(duty)s. The duty stays owed."),
}
_SERVED = sentence("Recorded: the notice was handed over on %(day)s.")
_LATE = sentence("The case was closed meanwhile. Nothing was changed.")


@dataclass(frozen=True)
class Form:
    """The form that is shown again: which one was opened, what was typed, what is wrong with it."""

    opened: str = ""
    typed: Mapping[str, str] = field(default_factory=dict, repr=False)
    faults: Mapping[str, str] = field(default_factory=dict)


@router.get("/duties")
def duties(visit: Looker) -> Response:
    """List what is due by law, the latest first, and employments that a system calls suspended."""
    branch, which = visit.asked("branch")[:26], visit.asked("which")
    scope = visit.scope.narrowed(branch)
    lines = visit.parts.duty_reports.open_duties(scope)
    late = [one for one in lines if one.late_days > 0]
    found = _wanted(lines, which)
    shown = pager(page_asked(visit), len(found), _PAGE)
    return page(
        visit,
        "console/duties.html",
        lines=found[shown.skip : shown.skip + _PAGE],
        shown=shown,
        total=len(lines),
        late=len(late),
        which=which,
        branch=branch,
        branches=visit.parts.case_lists.branches(visit.scope),
        suspended=visit.parts.employments.called_suspended(scope),
        takes_list=visit.officer.role is Role.HR,
        span=span_asked(visit),
    )


@router.get("/duties.{form}")
def take_along(visit: Looker, form: str) -> Response:
    """Hand out the list as it is filtered."""
    scope = visit.scope.narrowed(visit.asked("branch")[:26])
    found = _wanted(visit.parts.duty_reports.open_duties(scope), visit.asked("which"))
    headers = [visit.words.say(head) for head in _HEADS]
    return list_file(form, "statutory-duties", headers, [_row(visit, one) for one in found], "duties")


def _wanted(lines: list[DutyLine], which: str) -> list[DutyLine]:
    return [one for one in lines if one.late_days > 0] if which == "late" else lines


def _row(visit: Visit, one: DutyLine) -> list[Value]:
    ordered = one.ordered_at
    return [
        None if one.due_on is None else one.due_on.isoformat(),
        one.late_days,
        one.number,
        one.name,
        word(visit.language, "duty", one.kind),
        one.basis,
        word(visit.language, "duty_state", one.state),
        one.reason,
        None if ordered is None else day_of(ordered).isoformat(),
        word(visit.language, "role_name", one.holder),
        one.branch,
    ]


@router.get("/departures/{case_id}/duties")
def of_departure(visit: Looker, case_id: str) -> Response:
    """Show the duties of one departure and what they rest on."""
    return _page(visit, _found(visit, case_id))


@router.post("/departures/{case_id}/duties/{kind}")
async def say(post: DoerPost, case_id: str, kind: str) -> Response:
    """Keep what became of a duty."""
    found = await run_in_threadpool(_found, post, case_id)
    if kind not in set(DutyKind):
        raise Missing
    typed, faults = _typed(post, kind, ("reference", "reason"))
    if post.text(f"{kind}-word") not in set(DutyWord):
        faults["word"] = post.words.say(_NO_WORD)
    file = None if faults else await _file(post, f"{kind}-file", faults)
    if faults:
        return await run_in_threadpool(_refused, post, found, kind, faults)
    said = DutyWord(post.text(f"{kind}-word"))
    act = DutyAct(
        _act_id(post, case_id, f"{kind}/{said}"),
        case_id,
        DutyKind(kind),
        post.officer.role,
        post.officer.actor_id,
        typed["reference"] or None,
        typed["reason"] or None,
        file,
    )
    try:
        taken = await record_duty(post.parts, said, act)
    except Refusal as refusal:
        wrong = {refusal.field: told(post, str(refusal))}
        return await run_in_threadpool(_refused, post, found, kind, wrong)
    words = {"duty": word(post.language, "duty", kind)}
    return _answered(post, found, taken, Sentence(_SAID[said].text, words))


@router.post("/departures/{case_id}/service")
async def serve(post: ServerPost, case_id: str) -> Response:
    """Keep that the notice was handed over in person."""
    found = await run_in_threadpool(_found, post, case_id)
    typed, faults = _typed(post, "service", ("on", "witness"))
    on = parse_day(typed["on"])
    if on is None:
        faults["on"] = post.words.say(_NO_DAY)
    file = None if faults else await _file(post, "service-file", faults)
    if faults or on is None:
        return await run_in_threadpool(_refused, post, found, "service", faults)
    officer = post.officer
    act_id = _act_id(post, case_id, "service")
    act = ServedAct(act_id, case_id, officer.role, officer.actor_id, on, typed["witness"], file)
    try:
        taken = await record_service(post.parts, act)
    except Refusal as refusal:
        wrong = {refusal.field: told(post, str(refusal))}
        return await run_in_threadpool(_refused, post, found, "service", wrong)
    return _answered(post, found, taken, Sentence(_SERVED.text, {"day": on.isoformat()}))


def _found(visit: Visit, case_id: str) -> DepartureDuties:
    found = visit.parts.duty_reports.of_departure(visit.scope, case_id.replace("\0", ""))
    if found is None:
        raise Missing
    return found


def _page(visit: Visit, found: DepartureDuties, form: Form | None = None, status: int = 200) -> Response:
    running = not (found.withdrawn or found.closed)
    return page(
        visit,
        "console/departure_duties.html",
        status,
        found=found,
        form=form or Form(),
        nonce=new_id() if form is None else form.typed.get("nonce", new_id()),
        mine=[one.kind for one in found.duties if running and one.due_on and one.open and _holds(visit, one)],
        serves=running and visit.officer.role in STAFF and found.ended_on is None,
        reads_cases=visit.officer.role in READERS,
        why_not=WHY_NOT,
        basis=None if found.served_how is None else SERVICE_BASIS[How(found.served_how)],
        strength=None if found.served_how is None else STRENGTH[How(found.served_how)].value,
        words=tuple(DutyWord),
        longest=_LONGEST,
    )


def _holds(visit: Visit, duty: DutyLine) -> bool:
    role = visit.officer.role
    return role is duty.holder or (duty.holder is Role.HR and role in STAFF)


def _typed(post: Post, name: str, fields: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what was typed into the form of this name, and what is wrong with its length."""
    typed = {one: post.text(f"{name}-{one}") for one in fields}
    faults = {
        one: post.words.say(Sentence(_TOO_LONG.text, {"most": _LONGEST[one]}))
        for one, text in typed.items()
        if len(text) > _LONGEST.get(one, len(text))
    }
    if not has_nonce(post):
        faults["form"] = post.words.say(STALE_FORM)
    return typed, faults


async def _file(post: Post, name: str, faults: dict[str, str]) -> StoredFile | None:
    """Store the attached file; what is no picture and no PDF is a fault."""
    upload = post.file(name)
    if upload is None:
        return None
    data = await upload.read(post.parts.settings.upload_limit_bytes + 1)
    try:
        return await run_in_threadpool(keep, post.parts, SentFile(upload.filename or "", data))
    except Refused as refusal:
        faults["file"] = told(post, refusal.detail)
        return None


def _refused(post: Post, found: DepartureDuties, opened: str, faults: Mapping[str, str]) -> Response:
    named = {f"{opened}-{'word' if name == 'kind' else name}": text for name, text in faults.items()}
    return _page(post, found, Form(opened, post.typed, named), 422)


def _answered(post: Post, found: DepartureDuties, taken: ActView, said: Sentence) -> Response:
    good = taken.state != "late"
    post.tell(said if good else _LATE, good=good)
    return RedirectResponse(f"{HOME}/departures/{found.case_id}/duties", 303)


def _act_id(post: Post, case_id: str, what: str) -> str:
    return pressed(post, case_id, what)
