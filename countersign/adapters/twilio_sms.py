"""Text messages by Twilio's own client, and the proof that a callback came from Twilio."""

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]
from twilio.http.async_http_client import AsyncTwilioHttpClient  # type: ignore[import-untyped]
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from countersign.adapters.departure import tracing, watching
from countersign.contracts.sending import (
    ChannelError,
    OutcomeState,
    SendOutcome,
    SentSms,
    SmsMessage,
    outcome_for,
)
from countersign.domain.destinations import Capability, SmsProvider, capability_of
from countersign.domain.receipts import CODES, DeliveryState, delivery_state_for

_SEARCH_MARGIN = timedelta(hours=1)
_PAGE_SIZE = 50

_FAILED = (DeliveryState.FAILED_TEMPORARY, DeliveryState.FAILED_PERMANENT)

# The client writes every query, and so the number in it, to its logger, whatever the level of ours.
_SILENT = logging.getLogger("countersign.adapters.twilio_sms.client")
_SILENT.addFilter(lambda _: False)


class _BasicAuthentication:
    """Credentials as the client's credential provider.

    Given as user name and password, the client wraps them in an aiohttp class that is being withdrawn.
    """

    def __init__(self, account_sid: str, auth_token: str) -> None:
        encoded = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._header = f"Basic {encoded}"

    def to_auth_strategy(self) -> "_BasicAuthentication":
        return self

    def get_auth_string(self) -> str:
        return self._header


def _code_of_refusal(refusal: Any) -> str:
    """Return the table's code for an answer that is not a success."""
    status, code = int(getattr(refusal, "status", 0)), str(getattr(refusal, "code", ""))
    if status >= 500 or status == 408:
        return "sms_server_error"
    if code in CODES:
        return code
    if status == 429:
        return "20429"
    if status in (401, 403):
        return "20003"
    if status == 404:
        return "20404"
    if status < 400:
        return "sms_wrong_address"
    return code


class TwilioSms:
    """Sends text messages; one instance serves one running event loop.

    `sender` is a number in E.164, an alphanumeric sender or the SID (`MG…`) of a messaging service.
    `base_url` reaches a stand-in instead of Twilio. `timeout_s` covers a whole call, and nothing is
    tried twice here: whoever calls decides, because only they know what may have left already.
    """

    def __init__(
        self, account_sid: str, auth_token: str, sender: str, base_url: str | None, timeout_s: float
    ) -> None:
        for name, value in (("account SID", account_sid), ("auth token", auth_token), ("sender", sender)):
            if not value:
                raise ValueError(f"The {name} of the SMS provider is empty; set it before sending.")
        if timeout_s <= 0:
            raise ValueError("The timeout of the SMS provider must be more than 0 seconds.")
        self._account_sid, self._auth_token, self._sender = account_sid, auth_token, sender
        self._base_url, self._timeout_s = base_url, timeout_s
        self._http: Any = None
        self._client: Any = None

    async def send(self, message: SmsMessage) -> SendOutcome:
        """Hand one message to the provider and say how that ended; raises nothing but cancellation."""
        call = {"to": message.to, "body": message.text, **self._from()}
        if message.status_callback is not None:
            call["status_callback"] = message.status_callback
        created, code = await self._call(lambda: self._messages().create_async(**call))
        if code is not None:
            return outcome_for(code)
        if not created.sid:
            return outcome_for("sms_bad_answer")
        error = str(created.error_code) if created.error_code else None
        if delivery_state_for(str(created.status), error) in _FAILED:
            return outcome_for(error or "30008", created.sid)
        return SendOutcome(OutcomeState.SENT, created.sid, None, "The SMS provider accepted the message.")

    async def find(
        self, to: str, delivery_code: str, since: datetime, delivery_id: str | None = None
    ) -> str | None:
        """Return the provider's id of the message to `to` whose text holds `delivery_code`, or None.

        `delivery_id` is of no use here: this provider carries no number of ours.

        Looks at what was created from one hour before `since` (aware) on, newest first. The date of
        creation is used because a queued message has no date of sending.

        Raises:
            ChannelError: the provider gave no list, so nothing is known.

        """
        if not delivery_code:
            raise ValueError("A message cannot be looked for without the code of its delivery.")
        earliest = since - _SEARCH_MARGIN
        sender = {} if self._is_service() else {"from_": self._sender}

        async def search() -> str | None:
            listed = await self._messages().stream_async(to=to, page_size=_PAGE_SIZE, **sender)
            async for found in listed:
                if found.date_created is not None and found.date_created < earliest:
                    return None
                if found.direction != "inbound" and delivery_code in (found.body or ""):
                    return str(found.sid)
            return None

        found, code = await self._call(search)
        if code is not None:
            raise ChannelError(code)
        return None if found is None else str(found)

    async def fetch_status(self, sent: SentSms) -> tuple[str, str | None]:
        """Return the provider's status word for a message and its error code, if any.

        Raises:
            ChannelError: the provider gave no answer.

        """
        message, code = await self._call(lambda: self._messages()(sent.provider_id).fetch_async())
        if code is not None:
            raise ChannelError(code)
        return str(message.status), str(message.error_code) if message.error_code else None

    def capabilities(self, e164: str) -> Capability:
        """Say what the network of `e164` lets through."""
        return capability_of(SmsProvider.TWILIO, e164) or Capability(link_ok=False, reply_ok=False)

    async def aclose(self) -> None:
        """Close the connections; a later call opens new ones."""
        http, self._http, self._client = self._http, None, None
        if http is not None:
            await http.close()

    def _is_service(self) -> bool:
        return self._sender.startswith("MG")

    def _from(self) -> dict[str, str]:
        return {"messaging_service_sid" if self._is_service() else "from_": self._sender}

    def _messages(self) -> Any:
        if self._client is None:
            # Made here, not in the constructor: the session belongs to the loop that is running now.
            self._http = AsyncTwilioHttpClient(trace_configs=[tracing()], logger=_SILENT)
            self._client = Client(
                account_sid=self._account_sid,
                http_client=self._http,
                credential_provider=_BasicAuthentication(self._account_sid, self._auth_token),
            )
            if self._base_url is not None:
                # The client would weave region and edge from the environment into the stand-in's address.
                self._client.region = self._client.edge = None
                self._client.api.base_url = self._base_url
        return self._client.messages

    async def _call(self, ask: Callable[[], Awaitable[Any]]) -> tuple[Any, str | None]:
        """Return the answer, or the code that says why there is none."""
        with watching() as departure:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await ask(), None
            except TwilioException as refusal:
                return None, _code_of_refusal(refusal)
            except ValueError:
                return None, "sms_bad_answer" if departure.left else "sms_wrong_address"
            except Exception:
                # Whatever the client raises quotes the number or the address: only our code may go on.
                return None, "sms_no_reply" if departure.left else "sms_not_connected"


def valid_signature(tokens: Sequence[str], url: str, params: Mapping[str, str], signature: str) -> bool:
    """Say whether Twilio signed this callback with one of `tokens` (two while a token is being changed).

    `url` is the public address as Twilio was given it, not what a proxy made of it. No token, no trust.
    """
    # A list, not a generator: every token is tried, so that the time taken does not tell which one fits.
    return any([RequestValidator(token).validate(url, params, signature) for token in tokens if token])
