"""What waits for a second person: seen with all that is needed to decide, agreed to, refused, taken back."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from api.console.acting import read_wish
from api.console.agreed_items import agree_to_items
from api.console.drawing import moment, page
from api.console.route import console_router
from api.console.visit import HOME, Missing, Post, Reader, StaffPost, Visit
from api.errors import Refused
from api.language import Sentence, sentence
from api.v1.cases import check_papers
from api.v1.models import StaffAct
from countersign.adapters.database.approvals import AlreadyDecided, Asked, OwnRequest
from countersign.adapters.database.handover_views import ItemView
from countersign.adapters.database.import_runs import Run, RunState
from countersign.adapters.database.officers import STAFF
from countersign.adapters.database.overrides import ACT, ITEMS, WAIVER, MayNoLongerAct
from countersign.domain.console_words import told_in
from countersign.domain.refusal import Refusal

router = console_router()

APPROVALS = f"{HOME}/approvals"
LONGEST_REASON = 500

_OWN = sentence("You asked for this yourself; a second person must agree to it.")
_AGREED_BEFORE = sentence("%(name)s agreed to this already, at %(at)s.")
_REFUSED_BEFORE = sentence("%(name)s refused this already, at %(at)s.")
_GONE = sentence("Whoever asked for this may no longer do it. Refuse it, and ask for it anew.")
_EMPTIED = sentence("What was asked for is no longer complete. Refuse it, and ask for it anew.")
_DONE = sentence("Agreed. The case goes on with it.")
_TAKEN_BACK = sentence("Taken back. Nothing was done.")
_REFUSED = sentence("Refused. Nothing was done.")
_WAIVED = sentence("Agreed. The debt is written off in the ledger.")
_UNDER_WAY = sentence("Agreed and recorded. The case has not answered yet; it is told again by itself.")
_NOT_ALLOWED = sentence("Agreed, but the case does not allow it any more: %(why)s")


class CannotCarryOut(Exception):
    """What was asked for cannot be done now; nothing was decided."""

    def __init__(self, told: Sentence) -> None:
        super().__init__(told.text)
        self.told = told


@dataclass(frozen=True)
class Outcome:
    """What is told after an agreement; `good` is false when nothing came of it."""

    told: Sentence
    good: bool = True


Agree = Callable[[Post, Asked, str], Awaitable[Outcome]]


async def _agree_to_act(post: Post, asked: Asked, reason: str) -> Outcome:
    """Agree to an act on a case and bring it there, as the act of who asked."""
    parts = post.parts
    request, _ = read_wish(StaffAct(asked.body["act"]), {**asked.body.get("body", {}), **asked.words})
    if request is None:
        raise CannotCarryOut(_EMPTIED)
    try:
        await run_in_threadpool(check_papers, parts, asked.subject, request)
        act_id = await run_in_threadpool(parts.overrides.agree, asked, post.officer, reason)
    except Refused as refusal:
        raise CannotCarryOut(Sentence(told_in(post.language, refusal.detail))) from None
    except Refusal as refusal:
        raise CannotCarryOut(Sentence(told_in(post.language, str(refusal)))) from None
    except MayNoLongerAct:
        raise CannotCarryOut(_GONE) from None
    await parts.dispatcher.carry(act_id)
    taken = await run_in_threadpool(parts.acts.must_view, act_id)
    if taken.state in {"refused", "late"}:
        why = told_in(post.language, taken.sentence or "")
        return Outcome(Sentence(_NOT_ALLOWED.text, {"why": why}), good=False)
    return Outcome(_UNDER_WAY if taken.state == "waiting" else _DONE)


async def _agree_to_items(post: Post, asked: Asked, reason: str) -> Outcome:
    """Agree that items of a handover do not apply, as the act of who asked."""
    try:
        act_id = await run_in_threadpool(agree_to_items, post.parts, asked, post.officer, reason)
    except Refusal as refusal:
        raise CannotCarryOut(Sentence(told_in(post.language, str(refusal)))) from None
    except MayNoLongerAct:
        raise CannotCarryOut(_GONE) from None
    await post.parts.dispatcher.carry(act_id)
    return Outcome(_DONE)


async def _agree_to_waiver(post: Post, asked: Asked, reason: str) -> Outcome:
    """Agree to giving a debt up; it is written off in the same transaction."""
    try:
        act_id = await run_in_threadpool(post.parts.balances.agree_waiver, asked, post.officer, reason)
    except Refusal as refusal:
        raise CannotCarryOut(Sentence(told_in(post.language, str(refusal)))) from None
    except MayNoLongerAct:
        raise CannotCarryOut(_GONE) from None
    await post.parts.dispatcher.carry(act_id)
    return Outcome(_WAIVED)


AGREE: Mapping[str, Agree] = {ACT: _agree_to_act, ITEMS: _agree_to_items, WAIVER: _agree_to_waiver}
"""What agreeing sets off, by the kind of the request."""

ELSEWHERE: Mapping[str, str] = {"calendar": f"{HOME}/calendar/waiting"}
"""Kinds that are decided on the page of their subject, where the rows can be seen."""


@router.get("/approvals")
def approvals(visit: Reader) -> Response:
    """List what waits for a second person, and what was decided last."""
    scope, requests = visit.scope, visit.parts.approvals
    waiting, decided = requests.waiting(scope), requests.decided(scope)
    return page(
        visit,
        "console/approvals.html",
        waiting=waiting,
        decided=decided,
        cases=visit.parts.overrides.cases([*waiting, *decided]),
        elsewhere=ELSEWHERE,
        files=_files(visit),
        acts=visit.parts.settings.two_person_acts,
        imports=visit.parts.settings.four_eyes_imports,
    )


@router.get("/approvals/{approval_id}")
def approval(visit: Reader, approval_id: str) -> Response:
    """Show one request with everything that is needed to decide it."""
    return _page(visit, _found(visit, approval_id), {})


@router.post("/approvals/{approval_id}")
async def decide(post: StaffPost, approval_id: str) -> Response:
    """Agree to a request, refuse it, or take one's own back."""
    asked = await run_in_threadpool(_found, post, approval_id)
    faults = _faults(post)
    if faults:
        return await run_in_threadpool(_page, post, asked, faults)
    outcome = await _decided(post, asked, agreed=post.text("decision") == "agree")
    await run_in_threadpool(post.tell, outcome.told, good=outcome.good)
    return RedirectResponse(f"{APPROVALS}/{approval_id}", HTTPStatus.SEE_OTHER)


async def _decided(post: Post, asked: Asked, *, agreed: bool) -> Outcome:
    reason = post.text("reason")
    if agreed and asked.kind not in AGREE:
        raise Missing
    try:
        if agreed:
            return await AGREE[asked.kind](post, asked, reason)
        await run_in_threadpool(_refuse, post, asked, reason)
    except OwnRequest:
        return Outcome(_OWN, good=False)
    except AlreadyDecided as before:
        text = _AGREED_BEFORE if before.approved else _REFUSED_BEFORE
        return Outcome(Sentence(text.text, {"name": before.by, "at": moment(before.at)}), good=False)
    except CannotCarryOut as refused:
        return Outcome(refused.told, good=False)
    own = asked.asked_by_id == post.officer.account_id
    return Outcome(_TAKEN_BACK if own else _REFUSED)


def _refuse(post: Post, asked: Asked, reason: str) -> None:
    post.parts.approvals.decide(asked.id, post.officer, approved=False, reason=reason)


def _faults(post: Post) -> dict[str, str]:
    faults = {}
    if post.text("decision") not in {"agree", "refuse"}:
        faults["decision"] = post.words.gettext("Choose whether you agree or refuse.")
    if not post.text("reason"):
        faults["reason"] = post.words.gettext("Give your reason; it is kept with the decision.")
    elif len(post.text("reason")) > LONGEST_REASON:
        faults["reason"] = post.words.gettext("This is longer than 500 characters; shorten it.")
    return faults


def _found(visit: Visit, approval_id: str) -> Asked:
    found = visit.parts.approvals.find(approval_id, visit.scope)
    if found is None:
        raise Missing
    return found


def _files(visit: Visit) -> list[Run]:
    """Return the newest imports that wait for somebody to apply them; that is done on their own page."""
    if not visit.parts.settings.four_eyes_imports or visit.officer.role not in STAFF:
        return []
    newest, _ = visit.parts.import_runs.page(visit.officer.branch_id, 0, 100)
    return [run for run in newest if run.state is RunState.PREVIEWED]


def _items(visit: Visit, asked: Asked) -> list[ItemView]:
    """Return the handover items that are to come off the list."""
    board = visit.parts.handover_book.board(asked.subject) if asked.kind == ITEMS else None
    wanted = set(asked.body["items"]) if board else set()
    return [item for some in board.items.values() for item in some if item.id in wanted] if board else []


def _page(visit: Visit, asked: Asked, faults: dict[str, str]) -> Response:
    open_still = asked.decided_at is None
    own = asked.asked_by_id == visit.officer.account_id
    return page(
        visit,
        "console/approval.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        asked=asked,
        case=visit.parts.overrides.cases([asked]).get(asked.subject),
        act=visit.parts.acts.view(asked.id)
        if asked.kind in (ACT, ITEMS, WAIVER) and asked.approved
        else None,
        items=_items(visit, asked),
        elsewhere=ELSEWHERE.get(asked.kind),
        own=own,
        decides=visit.officer.role in STAFF and open_still and asked.kind in AGREE,
        alone=open_still and visit.parts.approvals.others(asked, STAFF) == 0,
        asker_gone=open_still
        and asked.kind in (ACT, ITEMS, WAIVER)
        and not visit.parts.overrides.may_still_act(asked),
        typed=visit.typed if isinstance(visit, Post) else {},
        faults=faults,
    )
