"""A stand-in for Twilio's Messages API: it remembers, reports with a signature, and fails on demand.

What becomes of a message is decided by its number. Recipients that end in one of these five digits meet
the error of that number; all others are delivered.

    refused at once        21211 invalid · 21408 country not enabled · 21610 opted out · 21614 not a mobile ·
                           21635 landline
    undelivered later      30001 30003 30004 30005 30006 30007 30008
    stays at "sent"        30999 (the carrier never reports)

A text with a link to a number in mainland China (+86) ends as undelivered with 30007, and such a number
cannot reply, as Twilio's guidelines for China say. STOP and START from any other number are obeyed.
"""

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Coroutine, Mapping
from dataclasses import asdict, dataclass, replace
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, quote, urldefrag, urlencode

import httpx2
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from countersign.domain.sms_text import segments
from countersign.sandbox.faults import FaultBoard, MailFault, SmsFault
from countersign.sandbox.sms_store import SmsStore, StoredSms

ABORT = "countersign.sandbox.abort"
"""Key in the ASGI scope's extensions: a function that closes the connection without an answer."""

POOL_NUMBER = "+15005550006"
"""The number from which a messaging service sends."""

REFUSED_AT_ONCE = ("21211", "21408", "21610", "21614", "21635")
UNDELIVERED_LATER = ("30001", "30003", "30004", "30005", "30006", "30007", "30008")
NEVER_REPORTED = "30999"

_MESSAGES = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "Internal Server Error",
    21211: "Invalid 'To' Phone Number: {to}",
    21212: "Invalid From Number: {sender}",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}",
    21602: "Message body is required",
    21603: "A 'From' phone number is required",
    21604: "A 'To' phone number is required",
    21610: "Attempt to send to unsubscribed recipient",
    21614: "'To' number is not a valid mobile number: {to}",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21635: "'To' number cannot be a landline: {to}",
}
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SENDER = re.compile(r"\+?[1-9]\d{2,14}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_MAINLAND_CHINA = "+86"
_BODY_LIMIT = 1600
_STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
_START = frozenset({"START", "YES", "UNSTOP"})
_NEXT = {"accepted": "queued", "queued": "sending", "sending": "sent"}
_CALLBACK_LIMIT = 20


class ReplyImpossible(Exception):
    """A person could not have sent this reply, or nobody is set to receive it; the text says why."""


@dataclass(frozen=True)
class _Refusal:
    status: int
    code: int


def signature(token: str, url: str, params: Mapping[str, str]) -> str:
    """Sign a form post as Twilio does: HMAC-SHA1 over the URL and the sorted names and values."""
    signed = url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), hashlib.sha1)).decode()


class TwilioStandIn:
    """The stand-in for one account.

    `step_seconds` passes between two statuses of a message. `inbound_url` receives what people text back;
    None means that nobody listens.
    """

    def __init__(
        self,
        data_dir: Path,
        account_sid: str,
        auth_token: str,
        inbound_url: str | None,
        faults: FaultBoard,
        step_seconds: float = 0.4,
    ) -> None:
        self.account_sid, self._auth_token, self._inbound_url = account_sid, auth_token, inbound_url
        self.faults, self._step_seconds = faults, step_seconds
        self.store = SmsStore(data_dir / "sms.sqlite3")
        self._http = httpx2.AsyncClient(timeout=15, trust_env=False)
        self._calling = asyncio.Semaphore(_CALLBACK_LIMIT)
        self._tasks: set[asyncio.Task[None]] = set()

    def resume(self) -> None:
        """Go on with the messages that a previous run left on their way."""
        for message in self.store.unfinished():
            self._spawn(self._progress(message))

    async def aclose(self) -> None:
        """Stop moving messages and close the file."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()
        self.store.close()

    def authorised(self, header: str | None) -> bool:
        """Check HTTP basic authentication against account and token."""
        expected = base64.b64encode(f"{self.account_sid}:{self._auth_token}".encode()).decode()
        return secrets.compare_digest((header or "").encode(), f"Basic {expected}".encode())

    def accept(self, form: Mapping[str, str]) -> StoredSms | _Refusal:
        """Take a message or say why not."""
        service, to, body = form.get("MessagingServiceSid"), form.get("To", ""), form.get("Body", "")
        sender = form.get("From") or None
        refused = self._refuse(to, sender, service, body)
        if refused is not None:
            return _Refusal(400, refused)
        message = self.store.add(
            sid=f"SM{uuid.uuid4().hex}",
            direction="outbound-api",
            sender=None if service else sender,
            recipient=to,
            body=body,
            status="accepted" if service else "queued",
            service_sid=service,
            callback=form.get("StatusCallback") or None,
        )
        # No call announces the first status: the answer to the request already did.
        self.store.note_report(message.sid, message.status)
        self._spawn(self._progress(self.store.must(message.sid)))
        return message

    def _refuse(self, to: str, sender: str | None, service: str | None, body: str) -> int | None:
        if not to:
            return 21604
        if not sender and not service:
            return 21603
        if not body:
            return 21602
        if not _E164.fullmatch(to):
            return 21211
        if sender and not service and not _SENDER.fullmatch(sender):
            return 21212
        if len(body) > _BODY_LIMIT:
            return 21617
        if to.endswith(REFUSED_AT_ONCE):
            return int(to[-5:])
        return 21610 if self.store.opted_out(to, POOL_NUMBER if service else str(sender)) else None

    async def reply(self, person: str, number: str, body: str) -> int:
        """Let `person` text `body` to our `number`; returns the status that the receiver answered.

        Raises:
            ReplyImpossible: with a sentence for the person at the outbox page.

        """
        if person.startswith(_MAINLAND_CHINA):
            raise ReplyImpossible("Numbers in mainland China (+86) cannot reply to messages sent by Twilio.")
        if not _E164.fullmatch(person) or not number or not body:
            raise ReplyImpossible("A reply needs from (E.164, like +85291234567), to (our number) and body.")
        if self._inbound_url is None:
            raise ReplyImpossible("Nobody receives replies: start the sandbox with --inbound-url.")
        word = body.strip().upper()
        if word in _STOP | _START:
            self.store.opt_out(person, number, word in _STOP)
        sid = f"SM{uuid.uuid4().hex}"
        self.store.add(
            sid=sid, direction="inbound", sender=person, recipient=number, body=body, status="received"
        )
        params = {
            "ToCountry": "",
            "ToState": "",
            "SmsMessageSid": sid,
            "NumMedia": "0",
            "ToCity": "",
            "FromZip": "",
            "SmsSid": sid,
            "FromState": "",
            "SmsStatus": "received",
            "FromCity": "",
            "Body": body,
            "FromCountry": "",
            "To": number,
            "ToZip": "",
            "NumSegments": str(segments(body)),
            "MessageSid": sid,
            "AccountSid": self.account_sid,
            "From": person,
            "ApiVersion": "2010-04-01",
        }
        status = await self._post(self._inbound_url, params, self._auth_token)
        if status is None:
            raise ReplyImpossible("The receiver of replies (--inbound-url) could not be reached.")
        return status

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _progress(self, message: StoredSms) -> None:
        if message.reported != message.status:
            self._spawn(self._report(message))
        while (step := _next_step(message)) is not None:
            await asyncio.sleep(self._step_seconds)
            status, error_code = step
            sender = message.sender or (POOL_NUMBER if status == "queued" else None)
            message = self.store.change(message.sid, status, error_code, sender)
            self._spawn(self._report(message))

    async def _report(self, message: StoredSms) -> None:
        if message.callback is not None:
            if self.faults.hit(SmsFault.LOSE_CALLBACKS) is None:
                await asyncio.gather(*self._calls(message, message.callback))
            else:
                self.store.keep_report(message.sid, message.status, "lost", None)
        self.store.note_report(message.sid, message.status)

    def _calls(self, message: StoredSms, url: str) -> list[Coroutine[Any, Any, None]]:
        """Return the posts that report a status: one, or what the faults make of it."""
        forged = self.faults.hit(SmsFault.FORGE_CALLBACKS) is not None
        times = 2 if self.faults.hit(SmsFault.DOUBLE_CALLBACKS) else 1
        if repeat := self.faults.hit(SmsFault.REPEAT_CALLBACKS):
            times = self.faults.dice.randint(1, repeat.most)
        told = [(self._report_params(message), forged)] * times
        if self.faults.hit(SmsFault.LYING_CALLBACKS):
            told.append((self._report_params(_opposite(message)), True))
        return [self._call_back(message, url, params, is_forged) for params, is_forged in told]

    async def _call_back(self, message: StoredSms, url: str, params: dict[str, str], forged: bool) -> None:
        if late := self.faults.hit(SmsFault.SHUFFLE_CALLBACKS):
            await asyncio.sleep(self.faults.dice.random() * late.seconds)
        answer = await self._post(url, params, "forged" if forged else self._auth_token)
        self.store.keep_report(message.sid, params["MessageStatus"], "forged" if forged else "true", answer)

    def _report_params(self, message: StoredSms) -> dict[str, str]:
        params = {
            "SmsSid": message.sid,
            "SmsStatus": message.status,
            "MessageStatus": message.status,
            "To": message.recipient,
            "MessageSid": message.sid,
            "AccountSid": self.account_sid,
            "From": message.sender or "",
            "ApiVersion": "2010-04-01",
        }
        if message.service_sid:
            params["MessagingServiceSid"] = message.service_sid
        if message.error_code is not None:
            params["ErrorCode"] = str(message.error_code)
        return params

    async def _post(self, url: str, params: dict[str, str], token: str) -> int | None:
        """Post a signed form, once more after a failure; returns the last status, None without an answer."""
        url = urldefrag(url).url
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": signature(token, url, params),
        }
        status = None
        for attempt in range(2):
            if attempt:
                await asyncio.sleep(self._step_seconds)
            try:
                async with self._calling:
                    answer = await self._http.post(url, content=urlencode(params), headers=headers)
            except (httpx2.HTTPError, httpx2.InvalidURL):
                continue
            status = answer.status_code
            if answer.is_success:
                break
        return status


def _opposite(message: StoredSms) -> StoredSms:
    """Return the message as a liar would report it."""
    if message.status == "undelivered":
        return replace(message, status="delivered", error_code=None)
    return replace(message, status="undelivered", error_code=30005)


def _next_step(message: StoredSms) -> tuple[str, int | None] | None:
    """Return the status that follows and its error code; None when the message has arrived or is lost."""
    if message.status in _NEXT:
        return _NEXT[message.status], None
    if message.status != "sent" or message.recipient.endswith(NEVER_REPORTED):
        return None
    if message.recipient.endswith(UNDELIVERED_LATER):
        return "undelivered", int(message.recipient[-5:])
    if message.recipient.startswith(_MAINLAND_CHINA) and _LINK.search(message.body):
        return "undelivered", 30007
    return "delivered", None


class _FaultRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    channel: Literal["sms", "mail"] = "sms"
    mode: SmsFault | MailFault | Literal["none"]
    share: Annotated[float, Field(ge=0, le=1)] = 1.0
    for_seconds: Annotated[float | None, Field(alias="for", ge=0)] = None
    seconds: Annotated[float, Field(ge=0)] = 20.0
    least: Annotated[float | None, Field(ge=0)] = None
    most: Annotated[int, Field(ge=1, le=20)] = 5
    seed: int | None = None

    def figures(self) -> tuple[float, float | None, float, float | None, int]:
        """Return what the fault board takes, in its order."""
        return self.share, self.for_seconds, self.seconds, self.least, self.most


class _ReplyRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    person: Annotated[str, Field(alias="from")]
    number: Annotated[str, Field(alias="to")]
    body: str


def twilio_routes(stand_in: TwilioStandIn, mail_faults: FaultBoard) -> APIRouter:
    """Build the API as Twilio's client sees it, and the sandbox's own controls."""
    router = APIRouter()
    base = "/2010-04-01/Accounts/{account_sid}"

    def gate(request: Request, account_sid: str) -> Response | None:
        if not stand_in.authorised(request.headers.get("authorization")):
            return _error(_Refusal(401, 20003), {})
        if account_sid != stand_in.account_sid:
            return _error(_Refusal(404, 20404), {})
        return None

    @router.post(base + "/Messages.json")
    async def create(request: Request, account_sid: str) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        if stand_in.faults.hit(SmsFault.DOWN):
            return _hang_up(request)
        if (refused := gate(request, account_sid)) is not None:
            return refused
        if stand_in.faults.hit(SmsFault.REFUSE_429):
            return _error(_Refusal(429, 20429), form)
        if stand_in.faults.hit(SmsFault.ERROR_500):
            return _error(_Refusal(500, 20500), form)
        if slow := stand_in.faults.hit(SmsFault.SLOW_TO_TAKE):
            await asyncio.sleep(slow.wait(stand_in.faults.dice))
            if await request.is_disconnected():
                return Response(status_code=503)
        taken = stand_in.accept(form)
        if isinstance(taken, _Refusal):
            return _error(taken, form)
        if stand_in.faults.hit(SmsFault.DROP_REPLY_AFTER_ACCEPT):
            return _hang_up(request)
        if stand_in.faults.hit(SmsFault.ERROR_500_AFTER_ACCEPT):
            return _error(_Refusal(500, 20500), form)
        if slow := stand_in.faults.hit(SmsFault.SLOW):
            await asyncio.sleep(slow.wait(stand_in.faults.dice))
        return JSONResponse(_resource(taken, stand_in.account_sid), status_code=201)

    @router.get(base + "/Messages.json")
    async def listing(request: Request, account_sid: str) -> Response:
        if stand_in.faults.hit(SmsFault.DOWN):
            return _hang_up(request)
        if (refused := gate(request, account_sid)) is not None:
            return refused
        return JSONResponse(_page(stand_in, dict(request.query_params)))

    @router.get(base + "/Messages/{sid}.json")
    async def fetch(request: Request, account_sid: str, sid: str) -> Response:
        if stand_in.faults.hit(SmsFault.DOWN):
            return _hang_up(request)
        if (refused := gate(request, account_sid)) is not None:
            return refused
        message = stand_in.store.get(sid)
        if message is None:
            return _error(_Refusal(404, 20404), {})
        return JSONResponse(_resource(message, stand_in.account_sid))

    @router.post("/sandbox/replies")
    async def reply(asked: _ReplyRequest) -> Response:
        try:
            status = await stand_in.reply(asked.person, asked.number, asked.body)
        except ReplyImpossible as why:
            return JSONResponse({"error": str(why)}, status_code=409)
        return JSONResponse({"receiver_status": status})

    @router.post("/sandbox/faults")
    async def set_fault(asked: _FaultRequest) -> Response:
        board = stand_in.faults if asked.channel == "sms" else mail_faults
        kind = SmsFault if asked.channel == "sms" else MailFault
        if asked.mode == "none":
            board.clear()
        elif asked.mode.value not in list(kind):
            sentence = f"{asked.mode.value} is no fault of {asked.channel}; choose one of {', '.join(kind)}."
            return JSONResponse({"error": sentence}, status_code=422)
        else:
            if asked.seed is not None:
                board.seed(asked.seed)
            board.switch_on(kind(asked.mode.value), *asked.figures())
        return _faults(stand_in.faults, mail_faults)

    @router.get("/sandbox/reports")
    async def list_reports() -> Response:
        return JSONResponse({"reports": [asdict(report) for report in stand_in.store.reports()]})

    @router.get("/sandbox/faults")
    async def list_faults() -> Response:
        return _faults(stand_in.faults, mail_faults)

    return router


def _faults(sms: FaultBoard, mail: FaultBoard) -> Response:
    return JSONResponse(
        {
            channel: [{"mode": fault.mode, "share": fault.share} for fault in board.active()]
            for channel, board in (("sms", sms), ("mail", mail))
        }
    )


def _hang_up(request: Request) -> Response:
    """Close the connection; the response returned here reaches nobody."""
    request.scope["extensions"][ABORT]()
    return Response(status_code=503)


def _error(refusal: _Refusal, form: Mapping[str, str]) -> Response:
    sentence = _MESSAGES[refusal.code].format(to=form.get("To", ""), sender=form.get("From", ""))
    return JSONResponse(
        {
            "code": refusal.code,
            "message": sentence,
            "more_info": f"https://www.twilio.com/docs/errors/{refusal.code}",
            "status": refusal.status,
        },
        status_code=refusal.status,
    )


def _resource(message: StoredSms, account_sid: str) -> dict[str, object]:
    uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{message.sid}.json"
    return {
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": format_datetime(message.created),
        "date_sent": format_datetime(message.sent) if message.sent else None,
        "date_updated": format_datetime(message.updated),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": None,
        "from": message.sender,
        "messaging_service_sid": message.service_sid,
        "num_media": "0",
        "num_segments": "0" if message.status == "accepted" else str(segments(message.body)),
        "price": None,
        "price_unit": None,
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": uri.removesuffix(".json") + "/Media.json"},
        "to": message.recipient,
        "uri": uri,
    }


def _page(stand_in: TwilioStandIn, query: Mapping[str, str]) -> dict[str, object]:
    size = min(max(int(query.get("PageSize", "50")), 1), 1000)
    number = int(query.get("Page", "0"))
    token = query.get("PageToken", "")
    # The token names the last row shown, so that messages arriving meanwhile shift no page.
    found = stand_in.store.newest(
        recipient=query.get("To"),
        sender=query.get("From"),
        sent_on=query.get("DateSent"),
        sent_from=query.get("DateSent>"),
        sent_until=query.get("DateSent<"),
        before_id=int(token.removeprefix("PA")) if token else None,
        limit=size + 1,
    )
    shown, more = found[:size], len(found) > size
    path = f"/2010-04-01/Accounts/{stand_in.account_sid}/Messages.json"
    kept = {name: value for name, value in query.items() if name not in ("Page", "PageToken", "PageSize")}

    def address(page: int, after: int | None) -> str:
        parts = {**kept, "PageSize": str(size), "Page": str(page)}
        if after is not None:
            parts["PageToken"] = f"PA{after}"
        return f"{path}?{urlencode(parts, quote_via=quote)}"

    return {
        "first_page_uri": address(0, None),
        "next_page_uri": address(number + 1, shown[-1].id) if more else None,
        "previous_page_uri": None,
        "page": number,
        "page_size": size,
        "start": number * size,
        "end": number * size + max(len(shown) - 1, 0),
        "uri": path,
        "messages": [_resource(message, stand_in.account_sid) for message in shown],
    }
