"""Text messages inside mainland China by Alibaba Cloud SMS (阿里云短信, Dysmsapi 2017-05-25).

Requests are signed by the provider's method V3, ACS3-HMAC-SHA256 ("V3版本请求体&签名机制").
"""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

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
from countersign.domain.receipts import CODES

_PUBLIC_URL = "https://dysmsapi.aliyuncs.com"
_VERSION = "2017-05-25"
_ALGORITHM = "ACS3-HMAC-SHA256"
_EMPTY_BODY = hashlib.sha256(b"").hexdigest()
_BEIJING = timezone(timedelta(hours=8))
_MAINLAND = "+86"
_SEARCH_MARGIN = timedelta(hours=1)
_PAGE_SIZE = 50

BY_OUT_ID = "OutId:"
"""Begins the id of a message found in the provider's list, which does not name the provider's own id."""

_NO_RECEIPT = "REQUEST_SUCCESS"


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Return the query string, sorted and percent-encoded (RFC 3986), as it is signed."""
    return "&".join(
        f"{quote(name, safe='~')}={quote(parameters[name], safe='~')}" for name in sorted(parameters)
    )


def authorization(key_id: str, key_secret: str, query: str, headers: Mapping[str, str]) -> str:
    """Return the header that signs a POST without a body to the root path.

    `headers` are all that take part, lower case: `host` and those that begin with `x-acs-`.
    """
    names = sorted(headers)
    canonical = "\n".join(
        (
            "POST",
            "/",
            query,
            "".join(f"{name}:{headers[name].strip()}\n" for name in names),
            ";".join(names),
            headers["x-acs-content-sha256"],
        )
    )
    to_sign = f"{_ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{_ALGORITHM} Credential={key_id},SignedHeaders={';'.join(names)},Signature={signature}"


class AliyunSms:
    """Sends registered texts to numbers in mainland China; one instance serves one running event loop.

    `signature` is the approved one, without brackets. `base_url` reaches a stand-in instead of the provider.
    `timeout_s` covers a whole call, and nothing is tried twice here: the provider promises no idempotence.
    """

    def __init__(
        self, key_id: str, key_secret: str, signature: str, base_url: str | None, timeout_s: float
    ) -> None:
        for name, value in (
            ("aliyun_access_key_id", key_id),
            ("aliyun_access_key_secret", key_secret),
            ("aliyun_signature", signature),
        ):
            if not value:
                raise ValueError(f"{name} is empty; set it before SMS can leave through aliyun.")
        if timeout_s <= 0:
            raise ValueError("The timeout of the SMS provider must be more than 0 seconds.")
        self._key_id, self._key_secret, self._signature = key_id, key_secret, signature
        self._base_url, self._timeout_s = (base_url or _PUBLIC_URL).rstrip("/"), timeout_s
        self._http: aiohttp.ClientSession | None = None

    async def send(self, message: SmsMessage) -> SendOutcome:
        """Hand one registered text to the provider and say how that ended; raises only cancellation."""
        if message.template is None or not message.delivery_id:
            return outcome_for("sms_not_prepared")
        if not message.to.startswith(_MAINLAND):
            return outcome_for("sms_wrong_destination")
        answer, code = await self._call(
            "SendSms",
            {
                "PhoneNumbers": _national(message.to),
                "SignName": self._signature,
                "TemplateCode": message.template.code,
                "TemplateParam": json.dumps(dict(message.template.parameters), ensure_ascii=False),
                "OutId": message.delivery_id,
            },
        )
        if code is not None:
            return outcome_for(code)
        provider_id = answer.get("BizId")
        if not isinstance(provider_id, str) or not provider_id:
            return outcome_for("sms_bad_answer")
        return SendOutcome(OutcomeState.SENT, provider_id, None, "The SMS provider accepted the message.")

    async def find(
        self, to: str, delivery_code: str, since: datetime, delivery_id: str | None = None
    ) -> str | None:
        """Return an id for the message of our `delivery_id`, else of `delivery_code` in its text, or None.

        Looks at the days of the provider's calendar that one hour before and after `since` (aware) touch. The
        list does not name the provider's own id, so the one returned here begins with `OutId:`.

        Raises:
            ChannelError: the provider gave no list, so nothing is known.

        """
        if not delivery_code and not delivery_id:
            raise ValueError("A message cannot be looked for without the number or the code of its delivery.")
        for row in await self._listed(to, since, None):
            known = str(row.get("OutId") or "")
            same = known == delivery_id if delivery_id else delivery_code in str(row.get("Content") or "")
            if same and known:
                return f"{BY_OUT_ID}{known}"
        return None

    async def fetch_status(self, sent: SentSms) -> tuple[str, str | None]:
        """Return the state of a message in the words of the receipt table, and its error code, if any.

        A message that is not (or no longer: the list goes back 30 days) listed is "sent" and no more.

        Raises:
            ChannelError: the provider gave no answer.

        """
        by_out_id = sent.provider_id.startswith(BY_OUT_ID)
        out_id = sent.provider_id.removeprefix(BY_OUT_ID) if by_out_id else sent.delivery_id
        for row in await self._listed(sent.to, sent.sent_at, None if by_out_id else sent.provider_id):
            if out_id and str(row.get("OutId") or "") != out_id:
                continue
            code = str(row.get("ErrCode") or "")
            status = "sent" if code == _NO_RECEIPT else _status(row.get("SendStatus"))
            return status, (code or None) if status == "undelivered" else None
        return "sent", None

    def capabilities(self, e164: str) -> Capability:
        """Say what the network of `e164` lets through; nothing outside mainland China."""
        return capability_of(SmsProvider.ALIYUN, e164) or Capability(link_ok=False, reply_ok=False)

    async def aclose(self) -> None:
        """Close the connections; a later call opens new ones."""
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    async def _listed(self, to: str, around: datetime, biz_id: str | None) -> list[dict[str, Any]]:
        """Return the provider's records of one number on the day or the two days around an instant."""
        days = {(around + margin).astimezone(_BEIJING).date() for margin in (-_SEARCH_MARGIN, _SEARCH_MARGIN)}
        rows: list[dict[str, Any]] = []
        for day in sorted(days):
            page = 0
            while True:
                page += 1
                asked = {
                    "PhoneNumber": _national(to),
                    "SendDate": f"{day:%Y%m%d}",
                    "PageSize": str(_PAGE_SIZE),
                    "CurrentPage": str(page),
                } | ({"BizId": biz_id} if biz_id else {})
                answer, code = await self._call("QuerySendDetails", asked)
                if code is not None:
                    raise ChannelError(code)
                found = _details(answer)
                rows += found
                if len(found) < _PAGE_SIZE:
                    break
        return rows

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            # Made here, not in the constructor: the session belongs to the loop that is running now. A kept
            # connection that the provider has closed would look like a message that may have left.
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                trace_configs=[tracing()],
                # The provider wants a content type signed where there is one; without a body there is none.
                skip_auto_headers=("Content-Type",),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._http

    async def _call(self, action: str, parameters: Mapping[str, str]) -> tuple[dict[str, Any], str | None]:
        """Return the answer of a call that went well, or the code that says why there is none."""
        query = canonical_query(parameters)
        headers = {
            "host": urlsplit(self._base_url).netloc,
            "x-acs-action": action,
            "x-acs-content-sha256": _EMPTY_BODY,
            "x-acs-date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-version": _VERSION,
        }
        headers["Authorization"] = authorization(self._key_id, self._key_secret, query, headers)
        with watching() as departure:
            try:
                async with asyncio.timeout(self._timeout_s):
                    address = f"{self._base_url}/?{query}"
                    async with self._session().post(address, headers=headers, allow_redirects=False) as reply:
                        status, body = reply.status, await reply.read()
            except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
                return {}, "sms_wrong_address"
            except Exception:
                # Whatever the client raises quotes the number or the address: only our code may go on.
                return {}, "sms_no_reply" if departure.left else "sms_not_connected"
        return _read(status, body)


def _status(listed: object) -> str:
    """Translate `SendStatus` (1 no receipt yet, 2 failed, 3 arrived) into words of the receipt table."""
    return {"2": "undelivered", "3": "delivered"}.get(str(listed), "sent")


def _national(e164: str) -> str:
    return e164.removeprefix(_MAINLAND)


def _read(status: int, body: bytes) -> tuple[dict[str, Any], str | None]:
    """Judge an answer: the provider's `Code` decides, an internal error leaves everything open."""
    if status >= 500 or status == 408:
        return {}, "sms_server_error"
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    code = answer.get("Code") if isinstance(answer, dict) else None
    if status < 300 and code == "OK":
        return answer, None
    if not isinstance(code, str) or not code or code == "OK":
        if status == 429:
            return {}, "Throttling"
        return {}, "sms_bad_answer" if status < 300 else "sms_wrong_address"
    return {}, _known(code)


def _known(code: str) -> str:
    """Return the table's code for one of the provider's, by its family where the table lacks it."""
    if code in CODES:
        return code
    if code.startswith("Throttling"):
        return "Throttling"
    if code.startswith(("Forbidden", "NoPermission")):
        return "isp.RAM_PERMISSION_DENY"
    if code.startswith(("isp.", "InternalError", "ServiceUnavailable")):
        return "sms_server_error"
    return code


def _details(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = answer.get("SmsSendDetailDTOs")
    rows = listed.get("SmsSendDetailDTO") if isinstance(listed, dict) else None
    if not isinstance(rows, list):
        raise ChannelError("sms_bad_answer")
    return [row for row in rows if isinstance(row, dict)]
