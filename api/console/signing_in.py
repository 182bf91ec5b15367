"""Signing in and out, the language of a browser, and the files of the pages."""

import mimetypes
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from api.console.drawing import STATIC, language_of, outside_page, static_bytes
from api.console.route import console_router
from api.console.visit import HOME, LANGUAGE, SESSION, EverybodyPost, signed_in
from api.language import LANGUAGES, Sentence, catalogue, sentence
from api.people.limits import LinkLimits, TooManyTries
from api.people.security import client_address, refuse_foreign_post
from countersign.adapters.database.accounts import LONGEST
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role

router = console_router()
static_router = APIRouter(include_in_schema=False)

_WRONG = sentence("Login or password is wrong, or the account is shut.")
_SPENT = sentence("This sign-in link was used already or is too old. Sign in with your password.")
_TOO_OFTEN = sentence("Too many tries. Wait %(minutes)s minutes, then try again.")


@router.get("/sign-in")
def ask(request: Request) -> Response:
    """Show the sign-in form; whoever is signed in already goes on."""
    back = safe_back(request.query_params.get("back", ""))
    if (known := signed_in(request)) is not None:
        return RedirectResponse(_start_of(known.officer.role, back), 303)
    return _form(request, back)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Check a login with its password and open a session."""
    form = await _own_form(request)
    back, login = safe_back(_text(form, "back")), _text(form, "login")
    limits: LinkLimits = request.app.state.sign_in_limits
    client = client_address(request, _parts(request).settings.trusted_proxies)
    try:
        limits.before_look_up(client)
        account_id = await run_in_threadpool(_parts(request).accounts.check, login, _text(form, "password"))
        if account_id is None:
            limits.missed(client)
    except TooManyTries as wait:
        told = Sentence(_TOO_OFTEN.text, {"minutes": -(-wait.seconds // 60)})
        return _form(request, back, login, told, HTTPStatus.TOO_MANY_REQUESTS)
    if account_id is None:
        return _form(request, back, login, _WRONG, HTTPStatus.UNPROCESSABLE_ENTITY)
    return await run_in_threadpool(let_in, request, account_id, back)


@router.get("/one-time/{code}")
def one_time(request: Request, code: str) -> Response:
    """Ask before a one-time sign-in is spent, so that no preview of a chat spends it."""
    return outside_page(request, "console/one_time.html", code=code)


@router.post("/one-time/{code}")
async def use_one_time(request: Request, code: str) -> Response:
    """Spend a one-time sign-in."""
    refuse_foreign_post(request, _parts(request).settings.public_base_url)
    account_id = await run_in_threadpool(_parts(request).accounts.use_one_time, code)
    if account_id is None:
        return _form(request, HOME, "", _SPENT, HTTPStatus.GONE)
    return await run_in_threadpool(let_in, request, account_id, HOME)


@router.post("/sign-out")
def sign_out(post: EverybodyPost) -> Response:
    """End this browser's session."""
    post.parts.accounts.close(post.signed_in.session_id)
    start = "/me" if post.officer.role is Role.EMPLOYEE else HOME
    response = RedirectResponse(f"{start}/sign-in", 303)
    response.delete_cookie(SESSION, path="/")
    return response


@router.post("/language")
def switch_language(post: EverybodyPost) -> Response:
    """Show this browser another language."""
    return with_language(RedirectResponse(safe_back(post.text("back")), 303), post.text("language"))


@router.post("/sign-in/language")
async def switch_language_outside(request: Request) -> Response:
    """Show the sign-in page in another language."""
    form = await _own_form(request)
    return with_language(RedirectResponse(f"{HOME}/sign-in", 303), _text(form, "language"))


@static_router.api_route(f"{STATIC}/{{name}}", methods=["GET", "HEAD"])
def static(name: str) -> Response:
    """Hand out a file of the pages; its address changes with it, so browsers keep it."""
    content = static_bytes(name)
    if content is None:
        return Response(status_code=404)
    kind = mimetypes.guess_type(name)[0] or "text/plain"
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=kind, headers=headers)


def let_in(request: Request, account_id: str, back: str) -> Response:
    """Open a session for an account and lead on; the cookie is opaque and for this site's own pages only."""
    parts = _parts(request)
    cookie = parts.accounts.open(account_id, request.headers.get("user-agent", ""))
    officer = parts.accounts.officer(account_id)
    response = RedirectResponse(back if officer is None else _start_of(officer.role, back), 303)
    response.set_cookie(
        SESSION,
        cookie,
        path="/",
        httponly=True,
        samesite="lax",
        secure=parts.settings.public_base_url.startswith("https://"),
        max_age=int(LONGEST.total_seconds()),
    )
    return response


def safe_back(wanted: str) -> str:
    """Return where to go on: a page of ours, never another site."""
    ours = wanted.startswith(("/console", "/me")) and "\\" not in wanted and "//" not in wanted
    return wanted if ours and not wanted.startswith((f"{HOME}/sign-in", "/me/sign-in")) else HOME


def _start_of(role: Role, back: str) -> str:
    """Return where to go on; the first page of employees is one of their own."""
    return "/me" if role is Role.EMPLOYEE and back == HOME else back


def _form(
    request: Request, back: str, login: str = "", wrong: Sentence | None = None, status: int = HTTPStatus.OK
) -> Response:
    faults = {} if wrong is None else {"login": catalogue(language_of(request)).say(wrong)}
    return outside_page(
        request,
        "console/sign_in.html",
        status,
        back=back,
        typed={"login": login},
        faults=faults,
        single_sign_on=_parts(request).settings.oidc_issuer is not None,
    )


def with_language(response: Response, language: str) -> Response:
    """Keep in this browser the language that it was switched to."""
    if language in LANGUAGES:
        response.set_cookie(LANGUAGE, language, path="/", max_age=31536000, samesite="lax", httponly=True)
    return response


async def _own_form(request: Request) -> FormData:
    refuse_foreign_post(request, _parts(request).settings.public_base_url)
    return await request.form(max_files=0, max_fields=20)


def _text(form: FormData, name: str) -> str:
    value: Any = form.get(name)
    return value if isinstance(value, str) else ""


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts
