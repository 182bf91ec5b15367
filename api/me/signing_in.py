"""Signing in by employee number and a code to the phone on file.

Every number gets the same answer in the same time: the code is made and sent after the answer has gone out,
and a try takes at least `_TRY_TAKES_S`, right or wrong.
"""

import asyncio
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.background import BackgroundTask
from starlette.datastructures import FormData

from api.console.drawing import language_of
from api.console.route import ConsoleRoute
from api.console.signing_in import let_in, safe_back, with_language
from api.console.visit import signed_in
from api.language import Sentence, catalogue, sentence
from api.me.drawing import services_of, way_in
from api.people.limits import LinkLimits, TooManyTries
from api.people.security import client_address, refuse_foreign_post
from countersign.adapters.database.identity import CODE_LASTS
from countersign.adapters.database.phone_codes import SignInMessage
from countersign.bootstrap import Parts
from countersign.contracts.sending import MailMessage, OutcomeState
from countersign.domain.policy import Channel

router = APIRouter(prefix="/me/sign-in", route_class=ConsoleRoute, include_in_schema=False)

ME = "/me"
_TRY_TAKES_S = 0.3
_NUMBER_LENGTH = 60
_NO_NUMBER = sentence("Type your employee number.")
_WRONG = sentence(
    "The code is wrong, was used already, or is older than 10 minutes. Type it again, or ask for another one."
)
_TOO_OFTEN = sentence("Too many tries. Wait %(minutes)s minutes, then try again.")
_SUBJECT = sentence("Your sign-in code")
_MAIL = sentence(
    "%(company)s: your code is %(code)s. It works for %(minutes)s minutes. Tell nobody. "
    "If you did not ask for it, ignore this mail."
)


@router.get("")
def ask_who(request: Request) -> Response:
    """Ask for the employee number; whoever is signed in already goes on."""
    back = _back(request.query_params.get("back", ""))
    if signed_in(request) is not None:
        return RedirectResponse(back, HTTPStatus.SEE_OTHER)
    return _number_form(request, back)


@router.post("")
async def send_code(request: Request) -> Response:
    """Answer at once, then send a code to whoever has this number."""
    form = await _own_form(request)
    back, number = _back(_text(form, "back")), _text(form, "number")
    if not number:
        return _number_form(request, back, "", _NO_NUMBER, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        _limits(request).asking(_client(request))
    except TooManyTries as wait:
        return _number_form(request, back, number, _too_often(wait), HTTPStatus.TOO_MANY_REQUESTS)
    where = f"{ME}/sign-in/code?{urlencode({'number': number, 'back': back})}"
    sending = BackgroundTask(_send, request, number)
    return RedirectResponse(where, HTTPStatus.SEE_OTHER, background=sending)


@router.get("/code")
def ask_code(request: Request) -> Response:
    """Ask for the code that was sent."""
    number = request.query_params.get("number", "")[:_NUMBER_LENGTH]
    back = _back(request.query_params.get("back", ""))
    return _code_form(request, number, back) if number else RedirectResponse(f"{ME}/sign-in", 303)


@router.post("/code")
async def use_code(request: Request) -> Response:
    """Open a session for whoever types the code that was sent to them."""
    form = await _own_form(request)
    number, back, client = _text(form, "number"), _back(_text(form, "back")), _client(request)
    spend = _parts(request).phone_codes.spend
    try:
        _limits(request).before_look_up(client)
        account_id, _ = await asyncio.gather(
            run_in_threadpool(spend, number, _text(form, "code")), asyncio.sleep(_TRY_TAKES_S)
        )
        if account_id is None:
            _limits(request).missed(client)
    except TooManyTries as wait:
        return _code_form(request, number, back, _too_often(wait), HTTPStatus.TOO_MANY_REQUESTS)
    if account_id is None:
        return _code_form(request, number, back, _WRONG, HTTPStatus.UNPROCESSABLE_ENTITY)
    return await run_in_threadpool(let_in, request, account_id, back)


@router.post("/language")
async def switch_language(request: Request) -> Response:
    """Show the sign-in page in another language."""
    form = await _own_form(request)
    return with_language(RedirectResponse(f"{ME}/sign-in", 303), _text(form, "language"))


async def _send(request: Request, number: str) -> None:
    codes = _parts(request).phone_codes
    message = await run_in_threadpool(codes.make, number)
    if message is not None and not await _carried(request, message):
        await run_in_threadpool(codes.did_not_leave, message.id)


async def _carried(request: Request, message: SignInMessage) -> bool:
    """Hand a code to its channel; say whether it may have left."""
    services = services_of(request)
    if message.channel is Channel.SMS:
        text = await run_in_threadpool(services.code_text, message.language, message.code, message.to)
        return await services.send_code(message.to, text)
    outcome = await _parts(request).mailer.send(_mail(request, message))
    return outcome.state in {OutcomeState.SENT, OutcomeState.UNKNOWN}


def _mail(request: Request, message: SignInMessage) -> MailMessage:
    settings, words = _parts(request).settings, catalogue(message.language)
    minutes = int(CODE_LASTS.total_seconds()) // 60
    told = {"company": settings.company_name, "code": message.code, "minutes": minutes}
    domain = settings.mail_sender.rpartition("@")[2]
    return MailMessage(
        to=message.to,
        subject=f"{words.say(_SUBJECT)}（{settings.company_name}）",
        text=words.say(Sentence(_MAIL.text, told)),
        html=None,
        message_id=f"<{message.id}.1@{domain}>",
        notice_id="sign-in",
        delivery_id=message.id,
        attempt=1,
    )


def _number_form(
    request: Request, back: str, number: str = "", wrong: Sentence | None = None, status: int = HTTPStatus.OK
) -> Response:
    faults = {} if wrong is None else {"number": catalogue(language_of(request)).say(wrong)}
    return way_in(request, "sign_in.html", status, back=back, typed={"number": number}, faults=faults)


def _code_form(
    request: Request, number: str, back: str, wrong: Sentence | None = None, status: int = HTTPStatus.OK
) -> Response:
    faults = {} if wrong is None else {"code": catalogue(language_of(request)).say(wrong)}
    return way_in(request, "code.html", status, back=back, number=number, faults=faults)


def _too_often(wait: TooManyTries) -> Sentence:
    return Sentence(_TOO_OFTEN.text, {"minutes": -(-wait.seconds // 60)})


def _back(wanted: str) -> str:
    """Return where to go on: one of these pages, never another site."""
    return wanted if wanted.startswith(ME) and safe_back(wanted) == wanted else ME


def _client(request: Request) -> str:
    return client_address(request, _parts(request).settings.trusted_proxies)


def _limits(request: Request) -> LinkLimits:
    limits: LinkLimits = request.app.state.sign_in_limits
    return limits


async def _own_form(request: Request) -> FormData:
    refuse_foreign_post(request, _parts(request).settings.public_base_url)
    return await request.form(max_files=0, max_fields=20)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip()[:_NUMBER_LENGTH] if isinstance(value, str) else ""


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts
