"""Signing in with the company's identity provider."""

import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from api.console.drawing import outside_page
from api.console.route import console_router
from api.console.signing_in import let_in, safe_back
from api.console.visit import HOME, Missing, signed_in
from api.language import Sentence, sentence
from api.people.limits import LinkLimits, TooManyTries
from api.people.security import client_address
from countersign.adapters.database.single_sign_on import LASTS, NoAccount, SetOut, Why
from countersign.adapters.oidc import Arrived, Fault, Issuer, OidcFault, known_error
from countersign.bootstrap import Parts

router = console_router()
log = logging.getLogger("countersign.sign_in")

COOKIE = "countersign-oidc"
_WAY = f"{HOME}/oidc"

_TOLD: Mapping[Fault, tuple[int, Sentence]] = {
    Fault.UNREACHABLE: (
        HTTPStatus.BAD_GATEWAY,
        sentence(
            "The company's sign-in service does not answer. Try again in a minute, or sign in with the "
            "password of your account here."
        ),
    ),
    Fault.NOT_AS_SET_UP: (
        HTTPStatus.BAD_GATEWAY,
        sentence(
            "The company's sign-in service and the settings here do not fit together. Tell your system "
            "administrator; the server's log says what is wrong."
        ),
    ),
    Fault.REFUSED: (
        HTTPStatus.FORBIDDEN,
        sentence(
            "The company's sign-in service did not sign you in, or you stopped there. Try again; if it "
            "refuses again, ask its administrator whether you may use this application."
        ),
    ),
    Fault.UNVERIFIED: (
        HTTPStatus.FORBIDDEN,
        sentence(
            "The answer of the company's sign-in service could not be verified, so nobody was signed in. Try "
            "again; if it stays so, tell your system administrator; the server's log says what is wrong."
        ),
    ),
    Fault.CLOCKS: (
        HTTPStatus.FORBIDDEN,
        sentence(
            "The answer of the company's sign-in service is not valid at this time: it is too old, or its "
            "clock and ours are more than two minutes apart. Try again; if it stays so, ask your system "
            "administrator to compare the clocks."
        ),
    ),
}
_SPENT = sentence(
    "This sign-in was used already, took longer than ten minutes, or began in another browser. Try again."
)
_NO_LOGIN = sentence(
    "The company's sign-in service does not say your login (its claim %(claim)s). Ask your system "
    "administrator to have it sent, or to name another claim in the settings here."
)
_NO_ACCOUNT: Mapping[Why, Sentence] = {
    Why.UNKNOWN: sentence(
        "The company's sign-in service knows you as %(login)s, but no account here has this login. Ask your "
        "system administrator for an account with exactly the login %(login)s."
    ),
    Why.BOUND_TO_ANOTHER: sentence(
        "The account %(login)s here belongs to somebody else of the company's sign-in service. Ask your "
        "system administrator for an account of your own."
    ),
    Why.SHUT: sentence("Your account here is shut. Ask your system administrator to open it again."),
}
_TOO_OFTEN = sentence("Too many tries. Wait %(minutes)s minutes, then try again.")


@router.get("/oidc")
def begin(request: Request) -> Response:
    """Lead to the identity provider; the sign-in page leads on who is signed in already."""
    issuer, back = _issuer(request), safe_back(request.query_params.get("back", ""))
    if signed_in(request) is not None:
        return RedirectResponse(f"{HOME}/sign-in?back={quote(back, safe='/')}", 303)
    try:
        journey = issuer.begin()
    except OidcFault as fault:
        return _failed(request, fault, back)
    browser = request.cookies.get(COOKIE) or secrets.token_urlsafe(24)
    _parts(request).single_sign_on.set_out(
        journey.state, browser, SetOut(journey.nonce, journey.verifier, back)
    )
    return _marked(request, RedirectResponse(journey.url, 303), browser)


@router.get("/oidc/callback")
def come_back(request: Request) -> Response:
    """Take up somebody who comes from the identity provider, and open a session."""
    issuer = _issuer(request)
    try:
        kept = _kept(request)
    except TooManyTries as wait:
        told = Sentence(_TOO_OFTEN.text, {"minutes": -(-wait.seconds // 60)})
        return _page(request, HTTPStatus.TOO_MANY_REQUESTS, told, HOME)
    if kept is None:
        return _page(request, HTTPStatus.BAD_REQUEST, _SPENT, HOME)
    try:
        arrived = _arrived(issuer, kept, request.query_params)
    except OidcFault as fault:
        return _failed(request, fault, kept.goes_to)
    try:
        account_id = _parts(request).single_sign_on.account_of(arrived.subject, arrived.login)
    except NoAccount as none:
        return _without_account(request, none.why, arrived.login, kept.goes_to)
    return let_in(request, account_id, kept.goes_to)


def _kept(request: Request) -> SetOut | None:
    """Spend the state; wrong ones count like wrong passwords."""
    limits: LinkLimits = request.app.state.sign_in_limits
    client = client_address(request, _parts(request).settings.trusted_proxies)
    limits.before_look_up(client)
    state, browser = request.query_params.get("state", ""), request.cookies.get(COOKIE, "")
    kept = _parts(request).single_sign_on.come_back(state, browser)
    if kept is None:
        log.warning("single sign-on: an unknown, spent or old state")
        limits.missed(client)
    return kept


def _arrived(issuer: Issuer, kept: SetOut, asked: Mapping[str, str]) -> Arrived:
    if "error" in asked or "code" not in asked:
        raise OidcFault(Fault.REFUSED, known_error(asked.get("error")))
    return issuer.finish(asked["code"], kept.nonce, kept.verifier, asked.get("iss"))


def _without_account(request: Request, why: Why, login: str, back: str) -> Response:
    log.warning("single sign-on: no account: %s", why)
    return _page(request, HTTPStatus.FORBIDDEN, Sentence(_NO_ACCOUNT[why].text, {"login": login[:100]}), back)


def _failed(request: Request, fault: OidcFault, back: str) -> Response:
    log.warning("single sign-on: %s: %s", fault.fault, fault.why)
    if fault.fault is Fault.NO_LOGIN:
        told = Sentence(_NO_LOGIN.text, {"claim": _issuer(request).name_claim})
        return _page(request, HTTPStatus.FORBIDDEN, told, back)
    status, told = _TOLD[fault.fault]
    return _page(request, status, told, back)


def _page(request: Request, status: int, told: Sentence, back: str) -> Response:
    return outside_page(request, "console/single_sign_on.html", status, told=told, back=back)


def _marked(request: Request, response: Response, browser: str) -> Response:
    """Tie what comes back to this browser: else somebody could sign others in as themselves."""
    response.set_cookie(
        COOKIE,
        browser,
        path=_WAY,
        httponly=True,
        samesite="lax",
        secure=_parts(request).settings.public_base_url.startswith("https://"),
        max_age=int(LASTS.total_seconds()),
    )
    return response


def _issuer(request: Request) -> Issuer:
    issuer = _parts(request).oidc
    if issuer is None:
        raise Missing
    return issuer


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts
