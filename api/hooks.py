"""Callbacks of providers: signature first, stored raw, answered at once, processed later."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.errors import Refused
from countersign.adapters.twilio_sms import valid_signature
from countersign.bootstrap import Parts

router = APIRouter(prefix="/hooks", tags=["hooks"], include_in_schema=False)


@router.post("/twilio/status", status_code=204)
async def twilio_status(request: Request) -> Response:
    """Take in a delivery report."""
    return await _keep(request, "twilio.status")


@router.post("/twilio/inbound")
async def twilio_inbound(request: Request) -> Response:
    """Take in a reply to an SMS; the empty answer sends nothing back."""
    await _keep(request, "twilio.inbound")
    return Response("<Response/>", media_type="text/xml")


async def _keep(request: Request, source: str) -> Response:
    parts: Parts = request.app.state.parts
    form = {name: str(value) for name, value in (await request.form()).items()}
    # The provider signs the address it was given, which is the public one, whatever a proxy made of it.
    url = f"{parts.settings.public_base_url}{request.url.path}"
    signature = request.headers.get("X-Twilio-Signature", "")
    if not valid_signature(parts.settings.twilio_tokens, url, form, signature):
        raise Refused(HTTPStatus.FORBIDDEN, "The signature of this callback is not the provider's.")
    token = request.headers.get("I-Twilio-Idempotency-Token")
    await run_in_threadpool(parts.inbox.keep, source, form, token)
    return Response(status_code=HTTPStatus.NO_CONTENT)
