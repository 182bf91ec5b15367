"""One's own account: password, browsers, language, and who stands in."""

import re
from http import HTTPStatus

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic_core import PydanticCustomError

from api.console.delegates import DELEGATORS, Delegator, DelegatorPost, read_days
from api.console.drawing import page
from api.console.route import console_router
from api.console.signing_in import let_in, with_language
from api.console.visit import (
    HOLDERS,
    HOME,
    Everybody,
    EverybodyPost,
    HolderPost,
    Missing,
    Post,
    Visit,
)
from api.language import LANGUAGES, Sentence, sentence
from api.people.limits import LinkLimits, TooManyTries
from countersign.adapters.database.accounts import SHORTEST_PASSWORD, AccountFault, OpenBrowser
from countersign.adapters.roster import read_email
from countersign.domain.console_words import told_in

router = console_router()

OWN = f"{HOME}/me"
_MUST = sentence("Set a password of your own first; then you can go on.")
_CHANGED = sentence("Your password is changed. Every other browser is signed out.")
_OTHER_AGAIN = sentence("The two new passwords differ; type the same one twice.")
_NO_ADDRESS = sentence("Give the address that the mail goes to, or leave it out.")
_WRONG_OLD = sentence("This is not your present password.")
_TOO_OFTEN = sentence("Too many tries. Wait %(minutes)s minutes, then try again.")


@router.get("/me")
def own(visit: Everybody) -> Response:
    """Show one's own account."""
    return _page(visit, {})


@router.post("/me/password")
def change_password(request: Request, post: EverybodyPost) -> Response:
    """Set a password of one's own; this browser stays signed in, all others are out."""
    officer = post.officer
    fault = _fault(post)
    if fault is not None:
        return _page(post, fault)
    try:
        post.parts.accounts.set_password(officer.account_id, _raw(post, "new"), by_owner=True)
    except AccountFault as refused:
        return _page(post, {"new": told_in(post.language, str(refused))})
    # Whoever had to set one first goes on to what they came for.
    response = let_in(request, officer.account_id, HOME if officer.must_change_password else OWN)
    newest = post.parts.accounts.browsers(officer.account_id)[0]
    post.parts.accounts.say(newest.session_id, _CHANGED.text, {}, good=True)
    return response


@router.post("/me/browsers/end")
def end_browser(post: EverybodyPost) -> Response:
    """Sign one of one's own browsers out."""
    known = {browser.session_id for browser in post.parts.accounts.browsers(post.officer.account_id)}
    if post.text("browser") not in known:
        raise Missing
    post.parts.accounts.close(post.text("browser"))
    post.tell(sentence("That browser is signed out."))
    return RedirectResponse(OWN, HTTPStatus.SEE_OTHER)


@router.post("/me/language")
def choose_language(post: EverybodyPost) -> Response:
    """Keep the language of the account, and switch this browser to it."""
    response = RedirectResponse(OWN, HTTPStatus.SEE_OTHER)
    if post.text("language") in LANGUAGES:
        post.parts.accounts.set_language(post.officer.account_id, post.text("language"))
    return with_language(response, post.text("language"))


@router.post("/me/digest")
def choose_digest(post: HolderPost) -> Response:
    """Keep where the mail of the morning goes, and whether it is wanted."""
    typed, email = post.text("email"), None
    if typed:
        try:
            email = read_email(typed)
        except PydanticCustomError as fault:
            return _page(post, {"email": told_in(post.language, fault.message())})
    wanted = bool(post.texts("digest"))
    if wanted and email is None:
        return _page(post, {"email": post.words.say(_NO_ADDRESS)})
    post.parts.accounts.set_digest(post.officer.account_id, email, wanted=wanted)
    post.tell(sentence("Saved."))
    return RedirectResponse(OWN, HTTPStatus.SEE_OTHER)


@router.get("/me/delegates")
def own_delegates(visit: Delegator) -> Response:
    """Lead to the part of the page where delegates stand."""
    return RedirectResponse(f"{OWN}#delegates", HTTPStatus.SEE_OTHER)


@router.post("/me/delegates")
def appoint(post: DelegatorPost) -> Response:
    """Let somebody stand in for oneself."""
    days, faults = read_days(post)
    if days is None:
        return _page(post, faults)
    me = post.officer
    try:
        post.parts.delegations.appoint(me.account_id, post.text("delegate"), *days, me)
    except AccountFault as fault:
        return _page(post, {fault.field: told_in(post.language, str(fault))})
    post.tell(sentence("Your delegate is appointed."))
    return RedirectResponse(f"{OWN}#delegates", HTTPStatus.SEE_OTHER)


@router.post("/me/delegates/{delegation_id}/end")
def end_delegation(post: DelegatorPost, delegation_id: str) -> Response:
    """End an appointment of one's own."""
    try:
        done = post.parts.delegations.end(delegation_id, post.officer, own=True)
    except LookupError:
        raise Missing from None
    post.tell(sentence("The delegate no longer stands in.") if done else sentence("That was over already."))
    return RedirectResponse(f"{OWN}#delegates", HTTPStatus.SEE_OTHER)


def _fault(post: Post) -> dict[str, str] | None:
    """Return what is wrong with a wish for a new password; the old one is asked unless another one set it."""
    limits: LinkLimits = post.request.app.state.sign_in_limits
    if not post.officer.must_change_password:
        try:
            limits.posting(post.officer.account_id)
        except TooManyTries as wait:
            minutes = -(-wait.seconds // 60)
            return {"old": post.words.say(Sentence(_TOO_OFTEN.text, {"minutes": minutes}))}
        if not post.parts.accounts.is_password(post.officer.account_id, _raw(post, "old")):
            return {"old": post.words.say(_WRONG_OLD)}
    if _raw(post, "new") != _raw(post, "again"):
        return {"again": post.words.say(_OTHER_AGAIN)}
    return None


def _raw(post: Post, name: str) -> str:
    # A password counts with its blanks.
    value = post.form.get(name)
    return value if isinstance(value, str) else ""


def _page(visit: Visit, faults: dict[str, str]) -> Response:
    officer = visit.officer
    email, digest = visit.parts.accounts.digest_of(officer.account_id)
    delegates = officer.role in DELEGATORS and not officer.must_change_password
    return page(
        visit,
        "console/own.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        faults=faults,
        typed=visit.typed if isinstance(visit, Post) else {},
        must=visit.words.say(_MUST) if officer.must_change_password else None,
        shortest=SHORTEST_PASSWORD,
        browsers=[(one, *browser_name(one)) for one in visit.parts.accounts.browsers(officer.account_id)],
        this=visit.signed_in.session_id,
        appoints=delegates,
        email=email,
        digest=digest,
        digests=officer.role in HOLDERS and not officer.must_change_password,
        today=visit.parts.delegations.today,
        standings=visit.parts.delegations.of(officer.account_id) if delegates else [],
        candidates=visit.parts.delegations.delegates_for(officer.account_id) if delegates else [],
    )


_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def browser_name(browser: OpenBrowser) -> tuple[str, str]:
    """Return the program and the system out of what a browser calls itself; empty where it says neither."""

    def first(names: tuple[tuple[str, str], ...]) -> str:
        return next((name for pattern, name in names if re.search(pattern, browser.agent)), "")

    return first(_BROWSERS), first(_SYSTEMS)
