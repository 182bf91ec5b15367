"""What machines report: proof of who reports first, stored raw, answered at once, processed later."""

import json
import secrets
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.errors import Refused
from api.security import allow
from countersign.adapters.database.tokens import Caller
from countersign.adapters.mail_intake import MailFault, MailRefused
from countersign.adapters.twilio_sms import valid_signature
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role

router = APIRouter(prefix="/hooks", tags=["hooks"], include_in_schema=False)


@router.post("/twilio/status", status_code=204)
async def twilio_status(request: Request) -> Response:
    """Take in a delivery report."""
    return await _keep(request, "twilio.status")


@router.post("/twilio/status/{delivery_id}", status_code=204)
async def twilio_status_of(request: Request, delivery_id: str) -> Response:
    """Take in a delivery report whose address names our delivery, so that a lost answer is settled too."""
    return await _keep(request, "twilio.status", delivery=delivery_id)


@router.post("/twilio/inbound")
async def twilio_inbound(request: Request) -> Response:
    """Take in a reply to an SMS; the empty answer sends nothing back."""
    await _keep(request, "twilio.inbound")
    return Response("<Response/>", media_type="text/xml")


_MAIL_TYPES = frozenset({"message/rfc822", "message/global"})
_MAIL_STATUS = {
    MailFault.NOT_OURS: HTTPStatus.UNPROCESSABLE_ENTITY,
    MailFault.EMPTY: HTTPStatus.UNPROCESSABLE_ENTITY,
    MailFault.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}


@router.post("/mail", status_code=202)
async def mail(
    request: Request,
    caller: Annotated[Caller, Depends(allow(Role.INTEGRATOR))],
    to: Annotated[str, Query(max_length=320, description="The envelope recipient.")],
    sender: Annotated[
        str | None, Query(alias="from", max_length=320, description="The envelope sender; empty for none.")
    ] = None,
) -> dict[str, bool]:
    """Take in a mail that came back, as raw RFC 5322 bytes; `stored` is false for one stored before."""
    parts: Parts = request.app.state.parts
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _MAIL_TYPES:
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "Send the raw mail as the body, with Content-Type message/rfc822.",
        )
    try:
        # Before the body is read: nobody can make us hold mail for addresses that are not ours.
        parts.mail_intake.recognise(to)
        raw = await _mail_body(request, parts.mail_intake.limit_bytes)
        stored = await run_in_threadpool(parts.mail_intake.take, raw, to, sender)
    except MailRefused as refused:
        field = "to" if refused.fault is MailFault.NOT_OURS else None
        raise Refused(_MAIL_STATUS[refused.fault], str(refused), field) from None
    except OSError:
        raise Refused(
            HTTPStatus.SERVICE_UNAVAILABLE, "The mail cannot be stored now; send it again in a moment."
        ) from None
    return {"stored": stored}


async def _mail_body(request: Request, limit: int) -> bytes:
    """Return the body; raises `MailRefused` as soon as it grows too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise MailRefused(MailFault.TOO_LARGE)
    return bytes(body)


@router.post("/aliyun/reports/{secret}")
async def aliyun_reports(request: Request, secret: str) -> Response:
    """Take in a batch of delivery reports; the provider signs nothing, so the address is the secret."""
    return await _keep_batch(request, secret, "aliyun.report")


@router.post("/aliyun/replies/{secret}")
async def aliyun_replies(request: Request, secret: str) -> Response:
    """Take in a batch of texts that people sent back."""
    return await _keep_batch(request, secret, "aliyun.reply")


async def _keep_batch(request: Request, secret: str, source: str) -> Response:
    parts: Parts = request.app.state.parts
    expected = parts.settings.aliyun_report_secret
    if expected is None or not expected.get_secret_value():
        raise Refused(
            HTTPStatus.NOT_FOUND, "Reports of this provider are not set up: set aliyun_report_secret."
        )
    if not secrets.compare_digest(secret.encode(), expected.get_secret_value().encode()):
        raise Refused(HTTPStatus.FORBIDDEN, "The secret in the address of this callback is wrong.")
    for report in _reports(await request.body()):
        await run_in_threadpool(parts.inbox.keep, source, report, None)
    return JSONResponse({"code": 0, "msg": "接收成功"})


def _reports(body: bytes) -> list[dict[str, str]]:
    """Return the elements of a push as the inbox keeps them, every value as text."""
    try:
        pushed = json.loads(body)
    except ValueError:
        pushed = None
    if not isinstance(pushed, list) or not all(isinstance(report, dict) for report in pushed):
        raise Refused(HTTPStatus.BAD_REQUEST, "The body must be a JSON array of delivery reports.")
    return [{name: _as_text(value) for name, value in report.items()} for report in pushed]


def _as_text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value)


async def _keep(request: Request, source: str, **named: str) -> Response:
    parts: Parts = request.app.state.parts
    form = {name: str(value) for name, value in (await request.form()).items()}
    # The provider signs the address it was given, which is the public one, whatever a proxy made of it.
    url = f"{parts.settings.public_base_url}{request.url.path}"
    signature = request.headers.get("X-Twilio-Signature", "")
    if not valid_signature(parts.settings.twilio_tokens, url, form, signature):
        raise Refused(HTTPStatus.FORBIDDEN, "The signature of this callback is not the provider's.")
    token = request.headers.get("I-Twilio-Idempotency-Token")
    # Which delivery is meant says the address alone; a field of that name in the form says nothing.
    form.pop("delivery", None)
    await run_in_threadpool(parts.inbox.keep, source, form | named, token)
    return Response(status_code=HTTPStatus.NO_CONTENT)
