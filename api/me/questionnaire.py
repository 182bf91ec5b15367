"""The questionnaire of somebody who leaves, for those who are signed in; the same as behind their link."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from api.console.route import ConsoleRoute
from api.console.visit import EVERYBODY, Everybody, Missing, Post, Visit, posting
from api.me.drawing import own_page, services_of
from api.me.pages import too_often
from api.people.asking import OVER, Filled, filled_in, said_in
from api.people.forms import FieldError, new_nonce
from api.people.limits import TooManyTries
from api.people.ticking import Wrong
from countersign.adapters.database.questionnaires import AskedView
from countersign.domain.refusal import Refusal

router = APIRouter(prefix="/me", route_class=ConsoleRoute, include_in_schema=False)

EverybodyPost = Annotated[Post, Depends(posting(*EVERYBODY))]


@router.get("/cases/{case_id}/questionnaire")
def show(visit: Everybody, case_id: str) -> Response:
    """Show the questions with what was answered before."""
    asked = asked_of(visit, case_id)
    if asked is None:
        raise Missing
    return _page(visit, case_id, asked, Filled(new_nonce(), asked.answers))


@router.post("/cases/{case_id}/questionnaire")
def answer(post: EverybodyPost, case_id: str) -> Response:
    """Keep the answers, or that somebody would rather not answer."""
    asked = asked_of(post, case_id)
    if asked is None:
        raise Missing
    filled = filled_in(post.form, asked)
    try:
        said = said_in(filled, asked, post.officer.account_id)
        services_of(post.request).limits.confirming(post.officer.account_id)
        post.parts.questionnaires.take(case_id, said)
    except Wrong as wrong:
        return _page(post, case_id, asked, replace(filled, nonce=new_nonce()), wrong.errors)
    except Refusal:
        return _page(post, case_id, asked_of(post, case_id) or asked, filled, (OVER,))
    except TooManyTries as wait:
        return _page(post, case_id, asked, filled, too_often(wait).errors)
    return RedirectResponse(f"/me/cases/{case_id}/questionnaire", HTTPStatus.SEE_OTHER)


def asked_of(visit: Visit, case_id: str) -> AskedView | None:
    """Return what the reader may answer in a matter of their own; None where nothing is asked."""
    person = visit.officer.person_id
    return None if person is None else visit.parts.questionnaires.of_leaver(case_id, person)


def _page(
    visit: Visit, case_id: str, asked: AskedView, filled: Filled, errors: tuple[FieldError, ...] = ()
) -> Response:
    return own_page(
        visit,
        "questionnaire.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
        case_id=case_id,
        asked=asked,
        filled=filled,
        errors=errors,
        faults={error.field: error.sentence for error in errors},
    )
