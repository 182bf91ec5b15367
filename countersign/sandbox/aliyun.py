"""A stand-in for Alibaba Cloud SMS: it checks signatures, knows its templates, remembers, and pushes reports.

What becomes of a message is decided by the end of its number; all others arrive.

    refused at once   …00001 isv.MOBILE_NUMBER_ILLEGAL · …00002 isv.BUSINESS_LIMIT_CONTROL ·
                      …00003 isv.AMOUNT_NOT_ENOUGH · …00004 isp.SYSTEM_ERROR
    reported later    …00011 MOBILE_NOT_ON_SERVICE · …00012 MOBILE_IN_BLACK · …00013 CONTENT_KEYWORD ·
                      …00014 UNDELIV
    never reported    …00019
"""

import asyncio
import hashlib
import hmac
import json
import re
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import httpx2
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from countersign.domain.sms_text import segments
from countersign.sandbox.faults import FaultBoard, SmsFault
from countersign.sandbox.twilio import ABORT

REFUSED_AT_ONCE = {
    "00001": "isv.MOBILE_NUMBER_ILLEGAL",
    "00002": "isv.BUSINESS_LIMIT_CONTROL",
    "00003": "isv.AMOUNT_NOT_ENOUGH",
    "00004": "isp.SYSTEM_ERROR",
}
REPORTED_LATER = {
    "00011": "MOBILE_NOT_ON_SERVICE",
    "00012": "MOBILE_IN_BLACK",
    "00013": "CONTENT_KEYWORD",
    "00014": "UNDELIV",
}
NEVER_REPORTED = "00019"

_BEIJING = timezone(timedelta(hours=8))
_CLOCK_TOLERANCE = timedelta(minutes=15)
_MOBILE = re.compile(r"(?:\+?86)?(1\d{10})")
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_AUTHORIZATION = re.compile(r"ACS3-HMAC-SHA256 Credential=(\S+),SignedHeaders=(\S+),Signature=([0-9a-f]{64})")
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)
_VARIABLE_LIMIT = 35
_TRIES = 4
_WAITING, _FAILED, _ARRIVED = 1, 2, 3
_SCHEMA = """
CREATE TABLE IF NOT EXISTS aliyun_message (
    id INTEGER PRIMARY KEY AUTOINCREMENT, biz_id TEXT NOT NULL UNIQUE, out_id TEXT NOT NULL,
    phone TEXT NOT NULL, template TEXT NOT NULL, content TEXT NOT NULL, sent TEXT NOT NULL,
    status INTEGER NOT NULL, code TEXT NOT NULL, received TEXT NOT NULL, reported INTEGER NOT NULL
);
"""


@dataclass(frozen=True)
class AliyunAccount:
    """The account that the stand-in serves.

    `templates` are the approved texts by code, without signature. `report_url` receives the pushes; None
    means that none are set up.
    """

    key_id: str
    key_secret: str
    signatures: tuple[str, ...]
    templates: Mapping[str, str] = field(default_factory=dict)
    report_url: str | None = None


@dataclass(frozen=True)
class StoredAliyunSms:
    """One message; `sent` and `received` are Beijing wall times `YYYY-MM-DD HH:MM:SS`, empty before."""

    id: int
    biz_id: str
    out_id: str
    phone: str
    template: str
    content: str
    sent: str
    status: int
    code: str
    received: str
    reported: int


class AliyunStandIn:
    """The stand-in for one account; `step_seconds` pass between the acceptance of a message and its end."""

    def __init__(
        self, data_dir: Path, account: AliyunAccount, faults: FaultBoard, step_seconds: float = 0.4
    ) -> None:
        self.account, self.faults, self._step_seconds = account, faults, step_seconds
        self._db = sqlite3.connect(data_dir / "aliyun.sqlite3", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(_SCHEMA)
        self._http = httpx2.AsyncClient(timeout=15, trust_env=False)
        self._nonces: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def resume(self) -> None:
        """Go on with the messages that a previous run left without a report."""
        for message in self.messages():
            if not message.reported:
                self._spawn(message)

    async def aclose(self) -> None:
        """Stop moving messages and close the file."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()
        self._db.close()

    def messages(self, phone: str | None = None, day: str | None = None) -> list[StoredAliyunSms]:
        """List messages, newest first; `day` is a Beijing day `YYYYMMDD`."""
        rows = self._db.execute(
            "SELECT * FROM aliyun_message WHERE (?1 IS NULL OR phone = ?1)"
            " AND (?2 IS NULL OR replace(substr(sent, 1, 10), '-', '') = ?2) ORDER BY id DESC",
            (phone, day),
        )
        return [StoredAliyunSms(*row) for row in rows]

    def unsigned(self, method: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str | None:
        """Return the gateway's code for a request that is not properly signed, or None."""
        found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if found is None:
            return "IncompleteSignature"
        key_id, names, given = found[1], found[2].split(";"), found[3]
        if key_id != self.account.key_id:
            return "InvalidAccessKeyId.NotFound"
        needed = {name for name in headers if name in ("host", "content-type") or name.startswith("x-acs-")}
        if names != sorted(names) or not needed <= set(names):
            return "IncompleteSignature"
        try:
            at = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except (KeyError, ValueError):
            return "InvalidTimeStamp.Format"
        if abs(datetime.now(UTC) - at) > _CLOCK_TOLERANCE:
            return "InvalidTimeStamp.Expired"
        pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
        request = f"{method}\n/\n" + "&".join(f"{name}={value}" for name, value in pairs) + "\n"
        request += "".join(f"{name}:{headers[name]}\n" for name in names)
        request += f"\n{found[2]}\n{headers.get('x-acs-content-sha256', '')}"
        signed = "ACS3-HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
        ours = hmac.new(self.account.key_secret.encode(), signed.encode(), "sha256").hexdigest()
        if not hmac.compare_digest(ours, given):
            return "SignatureDoesNotMatch"
        nonce = headers.get("x-acs-signature-nonce", "")
        if not nonce or nonce in self._nonces:
            return "SignatureNonceUsed"
        self._nonces.add(nonce)
        return None

    def accept(self, query: Mapping[str, str]) -> StoredAliyunSms | str:
        """Take a message, or return the code that refuses it."""
        number = _MOBILE.fullmatch(query.get("PhoneNumbers", ""))
        text = self.account.templates.get(query.get("TemplateCode", ""))
        if number is None:
            return "isv.MOBILE_NUMBER_ILLEGAL"
        if query.get("SignName") not in self.account.signatures:
            return "isv.SMS_SIGNATURE_ILLEGAL"
        if text is None:
            return "isv.SMS_TEMPLATE_ILLEGAL"
        filled = _filled(text, query.get("TemplateParam", "{}"))
        if isinstance(filled, _Refused):
            return filled.code
        if (code := REFUSED_AT_ONCE.get(number[1][-5:])) is not None:
            return code
        biz_id = f"{uuid.uuid4().int % 10**18:018d}^0"
        self._db.execute(
            "INSERT INTO aliyun_message (biz_id, out_id, phone, template, content, sent, status, code,"
            " received, reported) VALUES (?, ?, ?, ?, ?, ?, ?, '', '', 0)",
            (
                biz_id,
                query.get("OutId", ""),
                number[1],
                query["TemplateCode"],
                f"【{query['SignName']}】{filled}",
                _wall(datetime.now(UTC)),
                _WAITING,
            ),
        )
        message = self._must(biz_id)
        self._spawn(message)
        return message

    def _must(self, biz_id: str) -> StoredAliyunSms:
        row = self._db.execute("SELECT * FROM aliyun_message WHERE biz_id = ?", (biz_id,)).fetchone()
        return StoredAliyunSms(*row)

    def _spawn(self, message: StoredAliyunSms) -> None:
        task = asyncio.get_running_loop().create_task(self._progress(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _progress(self, message: StoredAliyunSms) -> None:
        if message.phone.endswith(NEVER_REPORTED):
            return
        await asyncio.sleep(self._step_seconds)
        if message.status == _WAITING:
            code = REPORTED_LATER.get(message.phone[-5:], "DELIVERED")
            self._db.execute(
                "UPDATE aliyun_message SET status = ?, code = ?, received = ? WHERE biz_id = ?",
                (
                    _ARRIVED if code == "DELIVERED" else _FAILED,
                    code,
                    _wall(datetime.now(UTC)),
                    message.biz_id,
                ),
            )
            message = self._must(message.biz_id)
        if self.account.report_url is not None and self.faults.hit(SmsFault.LOSE_CALLBACKS) is None:
            if late := self.faults.hit(SmsFault.SHUFFLE_CALLBACKS):
                await asyncio.sleep(self.faults.dice.random() * late.seconds)
            for _ in range(2 if self.faults.hit(SmsFault.DOUBLE_CALLBACKS) else 1):
                await self._push(self.account.report_url, [_report(message)])
        self._db.execute("UPDATE aliyun_message SET reported = 1 WHERE biz_id = ?", (message.biz_id,))

    async def _push(self, url: str, reports: list[dict[str, Any]]) -> None:
        """Push reports, again after a failure; the provider tries three times more."""
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(self._step_seconds)
            try:
                answer = await self._http.post(url, json=reports)
            except (httpx2.HTTPError, httpx2.InvalidURL):
                continue
            if answer.status_code == 200 and _taken(answer.content):
                return


@dataclass(frozen=True)
class _Refused:
    code: str


def _filled(text: str, written: str) -> str | _Refused:
    """Put the variables into an approved text, or say which code refuses them."""
    try:
        values = json.loads(written)
    except ValueError:
        return _Refused("isv.INVALID_JSON_PARAM")
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        return _Refused("isv.INVALID_JSON_PARAM")
    if any(not values.get(name) for name in _PLACEHOLDER.findall(text)):
        return _Refused("isv.TEMPLATE_MISSING_PARAMETERS")
    if any(len(value) > _VARIABLE_LIMIT for value in values.values()):
        return _Refused("isv.PARAM_LENGTH_LIMIT")
    if any(_URL.search(value) for value in values.values()):
        return _Refused("isv.PARAM_NOT_SUPPORT_URL")
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)


def _wall(at: datetime) -> str:
    return f"{at.astimezone(_BEIJING):%Y-%m-%d %H:%M:%S}"


def _report(message: StoredAliyunSms) -> dict[str, Any]:
    arrived = message.status == _ARRIVED
    return {
        "phone_number": message.phone,
        "send_time": message.sent,
        "report_time": message.received,
        "success": arrived,
        "err_code": message.code,
        "err_msg": "用户接收成功" if arrived else "发送失败",
        "sms_size": str(segments(message.content)),
        "biz_id": message.biz_id,
        "out_id": message.out_id,
    }


def _taken(body: bytes) -> bool:
    """Say whether a receiver confirmed: the provider only looks whether `code` is a number."""
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and isinstance(answer.get("code"), int)


def _detail(message: StoredAliyunSms) -> dict[str, Any]:
    return {
        "PhoneNum": message.phone,
        "SendStatus": message.status,
        "ErrCode": message.code,
        "TemplateCode": message.template,
        "Content": message.content,
        "SendDate": message.sent,
        "ReceiveDate": message.received,
        "OutId": message.out_id,
    }


def aliyun_routes(stand_in: AliyunStandIn) -> APIRouter:
    """Build the API of the provider: every action is a POST to the root."""
    router = APIRouter()

    @router.post("/")
    async def call(request: Request) -> Response:
        faults, action = stand_in.faults, request.headers.get("x-acs-action", "")
        if faults.hit(SmsFault.DOWN):
            return _hang_up(request)
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        if (code := stand_in.unsigned(request.method, query, request.headers)) is not None:
            return _gateway(404 if code.startswith("InvalidAccessKeyId") else 400, code)
        if faults.hit(SmsFault.REFUSE_429):
            return _gateway(400, "Throttling.User")
        if faults.hit(SmsFault.ERROR_500):
            return _gateway(500, "InternalError")
        if action == "QuerySendDetails":
            return _list(stand_in, query)
        if action != "SendSms":
            return _gateway(404, "InvalidAction.NotFound")
        taken = stand_in.accept(query)
        if isinstance(taken, str):
            return _answer({"Code": taken, "Message": "refused"})
        if faults.hit(SmsFault.DROP_REPLY_AFTER_ACCEPT):
            return _hang_up(request)
        if faults.hit(SmsFault.ERROR_500_AFTER_ACCEPT):
            return _gateway(500, "InternalError")
        if slow := faults.hit(SmsFault.SLOW):
            await asyncio.sleep(slow.seconds)
        return _answer({"Code": "OK", "Message": "OK", "BizId": taken.biz_id})

    return router


def _list(stand_in: AliyunStandIn, query: Mapping[str, str]) -> Response:
    size, page = int(query.get("PageSize", "10")), int(query.get("CurrentPage", "1"))
    found = [
        message
        for message in stand_in.messages(query.get("PhoneNumber", ""), query.get("SendDate", ""))
        if query.get("BizId") in (None, message.biz_id)
    ]
    shown = found[(page - 1) * size : page * size]
    return _answer(
        {
            "Code": "OK",
            "Message": "OK",
            "TotalCount": str(len(found)),
            "SmsSendDetailDTOs": {"SmsSendDetailDTO": [_detail(message) for message in shown]},
        }
    )


def _answer(body: dict[str, Any]) -> Response:
    return JSONResponse({"RequestId": str(uuid.uuid4()).upper(), **body})


def _gateway(status: int, code: str) -> Response:
    body = {"RequestId": str(uuid.uuid4()).upper(), "HostId": "dysmsapi", "Code": code, "Message": code}
    return JSONResponse(body, status_code=status)


def _hang_up(request: Request) -> Response:
    """Close the connection; the response returned here reaches nobody."""
    request.scope["extensions"][ABORT]()
    return Response(status_code=503)
