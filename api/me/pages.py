"""What is asked of me, my notices and my receipts, and how the matters about me stand."""

from dataclasses import replace
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from api.console.downloads import download
from api.console.paging import pager_of
from api.console.route import ConsoleRoute
from api.console.visit import EVERYBODY, Everybody, Missing, Post, Visit, posting
from api.language import sentence
from api.me.answering import own_choices, own_question
from api.me.drawing import own_page, services_of
from api.me.standing import coming, name_of_matter, standing
from api.people.answering import AskAgain, take_answer
from api.people.desk import desk_in, parts_of
from api.people.forms import FieldError, Typed, new_nonce, size_in_words, typed_in
from api.people.limits import TooManyTries
from api.people.receipts import (
    Receipt,
    answer_words,
    confirms,
    paragraphs,
    receipt_of,
    receipt_text,
)
from api.people.ticking import Ticked, Wrong
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.officers import Absent
from countersign.adapters.database.own_notices import OwnAct, OwnCase, OwnNotice
from countersign.contracts.cases import CaseState
from countersign.domain.fetches import FetchKind, kind_of_fetch

router = APIRouter(prefix="/me", route_class=ConsoleRoute, include_in_schema=False)

AnswerPost = Annotated[Post, Depends(posting(*EVERYBODY, papers=True))]

_A_PAGE, _FEW = 25, 5
_MOST_ASKED = 15


@router.get("")
def first(visit: Everybody) -> Response:
    """Show what is asked of me, how my matters stand, and the newest notices and receipts."""
    own, officer = visit.parts.own_notices, visit.officer
    asked = own.awaiting(officer)
    return own_page(
        visit,
        "first.html",
        asked=asked[:_MOST_ASKED],
        asked_in_all=len(asked),
        for_others=[_for_other(visit, one.absent, one.until) for one in own.stand_ins(officer)],
        cases=[(case, standing(case), coming(case)) for case in own.cases(officer)],
        notices=own.told(officer, limit=_FEW),
        notices_in_all=own.how_many(officer),
        acts=own.acts(officer, limit=_FEW),
        acts_in_all=own.how_many_acts(officer),
        **_words(visit),
    )


@router.get("/notices")
def notices(visit: Everybody) -> Response:
    """List everything that was said to me."""
    own, in_all = visit.parts.own_notices, visit.parts.own_notices.how_many(visit.officer)
    pager = pager_of(visit, in_all, _A_PAGE)
    found = own.told(visit.officer, limit=_A_PAGE, skip=pager.skip)
    return own_page(visit, "notices.html", notices=found, in_all=in_all, pager=pager, **_words(visit))


@router.get("/notices/{notice_id}")
def show_notice(visit: Everybody, notice_id: str) -> Response:
    """Show one notice with its form, and keep that it was opened here."""
    notice = _notice(visit, notice_id)
    request = visit.request
    if kind_of_fetch(request.headers.get("user-agent", ""), request.headers, None) is FetchKind.BROWSER:
        visit.parts.own_notices.opened(notice, visit.officer)
    fresh = Typed(nonce=new_nonce(), shown=notice.fingerprint)
    return _notice_page(visit, notice, fresh)


@router.post("/notices/{notice_id}")
async def answer(post: AnswerPost, notice_id: str) -> Response:
    """Take an answer: commit it, then carry it to its case."""
    services = services_of(post.request)
    notice = await run_in_threadpool(_notice, post, notice_id)
    typed = await typed_in(post.form, services.upload_limit)
    question = own_question(post.officer, notice)
    try:
        taken = await run_in_threadpool(take_answer, services, question, typed)
    except TooManyTries as wait:
        taken = too_often(wait)
    if isinstance(taken, AskAgain):
        kept = replace(typed, nonce=new_nonce(), shown=notice.fingerprint)
        return await run_in_threadpool(_notice_page, post, notice, kept, taken.errors, taken.status)
    await services.carry(taken.id)
    return RedirectResponse(f"/me/receipts/{taken.id}", HTTPStatus.SEE_OTHER)


@router.get("/receipts")
def receipts(visit: Everybody) -> Response:
    """List everything that I have answered."""
    own, in_all = visit.parts.own_notices, visit.parts.own_notices.how_many_acts(visit.officer)
    pager = pager_of(visit, in_all, _A_PAGE)
    found = own.acts(visit.officer, limit=_A_PAGE, skip=pager.skip)
    return own_page(visit, "receipts.html", acts=found, in_all=in_all, pager=pager, **_words(visit))


@router.get("/receipts/{act_id}.txt")
def keep_receipt(visit: Everybody, act_id: str) -> Response:
    """Hand out a receipt as a text file."""
    own, act = _act(visit, act_id)
    receipt = _told_as(visit, act, own)
    text = receipt_text(visit.words, services_of(visit.request), receipt, time_lapse=own.time_lapse)
    return download(text.encode(), f"receipt-{act.fingerprint[:8]}.txt", "text/plain; charset=utf-8")


@router.get("/receipts/{act_id}")
def show_receipt(visit: Everybody, act_id: str) -> Response:
    """Show the receipt of an answer of mine."""
    own, act = _act(visit, act_id)
    receipt = _told_as(visit, act, own)
    return own_page(visit, "receipt.html", receipt=receipt, act=own)


@router.get("/cases/{case_id}")
def show_case(visit: Everybody, case_id: str) -> Response:
    """Show how a matter about me stands, what I hand over or take over, what I was told and answered."""
    return case_page(visit, case_id, Ticked(Typed(nonce=new_nonce())))


def case_page(visit: Visit, case_id: str, ticked: Ticked, wrong: Wrong | None = None) -> Response:
    """Return the page of a matter with the form of its items, as it was sent where something is wrong."""
    own, officer, case = visit.parts.own_notices, visit.officer, own_case(visit, case_id)
    errors = () if wrong is None else wrong.errors
    track, asked = visit.asked("track"), visit.asked("page")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    desk = desk_in(
        visit.parts.handover_book, case.process, case.id, closed=case.state == CaseState.CLOSED.value
    )
    leaver = services_of(visit.request).leavers.of(case.id)
    return own_page(
        visit,
        "case.html",
        HTTPStatus.OK if wrong is None else wrong.status,
        case=case,
        stands=standing(case),
        comes=coming(case),
        notices=own.of_case(officer, case_id),
        acts=own.acts_of_case(officer, case_id),
        desk=desk,
        parts=() if desk is None else parts_of(desk, track, max(1, number)),
        alone=track,
        ticked=replace(ticked, typed=replace(ticked.typed, nonce=new_nonce())),
        leaver=leaver if leaver is not None and leaver.person_id == officer.person_id else None,
        home=f"/me/cases/{case.id}",
        tail="?",
        problems=errors,
        faults={error.field: error.sentence for error in errors},
        questions=visit.parts.questionnaires.of_leaver(case_id, officer.person_id or ""),
        **_words(visit),
    )


# -- looking up -------------------------------------------------------------------------------------------


def _notice(visit: Visit, notice_id: str) -> OwnNotice:
    """Return a notice that is for the reader; raise `Missing` for all others."""
    found = visit.parts.own_notices.find(visit.officer, notice_id)
    if found is None:
        raise Missing
    return found


def _act(visit: Visit, act_id: str) -> tuple[OwnAct, ActView]:
    """Return an answer of the reader's own; raise `Missing` for everybody else's."""
    found = visit.parts.own_notices.find_act(visit.officer, act_id)
    if found is None:
        raise Missing
    return found, visit.parts.acts.must_view(act_id)


def _for_other(visit: Visit, absent: Absent, until: date) -> dict[str, Any]:
    """Return what an absent manager is asked and was told, for whoever stands in."""
    own, officer = visit.parts.own_notices, visit.officer
    asked = own.awaiting(officer, absent)
    waiting = {one.id for one in asked}
    told = [one for one in own.told(officer, absent, limit=_FEW) if one.id not in waiting]
    return {"name": absent.name, "until": until, "asked": asked[:_MOST_ASKED], "told": told}


def own_case(visit: Visit, case_id: str) -> OwnCase:
    """Return a matter about the reader; raise `Missing` for everybody else's."""
    found = visit.parts.own_notices.case(visit.officer, case_id)
    if found is None:
        raise Missing
    return found


# -- showing ----------------------------------------------------------------------------------------------


def _notice_page(
    visit: Visit,
    notice: OwnNotice,
    typed: Typed,
    errors: tuple[FieldError, ...] = (),
    status: int = HTTPStatus.OK,
) -> Response:
    """Show a notice with its form, what was typed, and the receipts so far."""
    words = visit.words
    return own_page(
        visit,
        "notice.html",
        status,
        notice=notice,
        typed=typed,
        problems=errors,
        faults={error.field: error.sentence for error in errors},
        given=[_receipt(visit, one) for one in visit.parts.own_notices.acts_on(visit.officer, notice)],
        choices=[(kind.value, answer_words(words, kind, notice)) for kind in own_choices(notice)],
        confirms=confirms(notice),
        paragraphs=paragraphs(notice.text),
        limit=size_in_words(services_of(visit.request).upload_limit),
    )


def _receipt(visit: Visit, act: OwnAct) -> Receipt:
    return _told_as(visit, visit.parts.acts.must_view(act.id), act)


def _told_as(visit: Visit, act: ActView, own: OwnAct) -> Receipt:
    """Return an answer as its giver is shown it; one about items names them."""
    return receipt_of(visit.words, services_of(visit.request), act, own, own.on_behalf_of)


def _words(visit: Visit) -> dict[str, Any]:
    """Return what lists call things by."""
    return {
        "answer_words": lambda act: answer_words(visit.words, act.kind, act),
        "matter": lambda one: visit.words.say(name_of_matter(one.process)),
    }


def too_often(wait: TooManyTries) -> AskAgain:
    """Return how long somebody must wait before they try again."""
    minutes = -(-wait.seconds // 60)
    told = sentence("Too many tries. Wait %(minutes)s minutes, then try again.", minutes=minutes)
    return AskAgain((FieldError("notice", told),), HTTPStatus.TOO_MANY_REQUESTS)
