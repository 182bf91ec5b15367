"""The stand-in of the domestic SMS provider: what it remembers, what it pushes, whom it lets in."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from countersign.adapters.aliyun_sms import AliyunSms, authorization, canonical_query
from countersign.contracts.sending import SmsMessage
from countersign.domain.aliyun_reports import report_of_aliyun
from countersign.domain.receipts import DeliveryState
from countersign.domain.sms_templates import RegisteredTemplate
from countersign.sandbox.__main__ import _settings
from countersign.sandbox.aliyun import AliyunAccount, AliyunStandIn
from countersign.sandbox.faults import SmsFault
from countersign.sandbox.server import SandboxSettings, sandbox

KEY, SECRET, SIGNATURE, PERSON = "LTAItests", "a-secret-for-tests", "远山科技", "+8613800138000"


@dataclass
class Hook:
    """A receiver of pushed reports."""

    url: str
    taken: list[list[dict[str, Any]]] = field(default_factory=list)
    refusals: list[Response] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        self.taken.append(await request.json())
        return self.refusals.pop(0) if self.refusals else JSONResponse({"code": 0, "msg": "接收成功"})


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        running = Hook(f"http://127.0.0.1:{listener.getsockname()[1]}/reports")
        app = FastAPI()
        app.post("/reports")(running.take)
        server = Server(uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        yield running
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def running(
    folder: Path, hook: Hook | None, step: float = 0.02
) -> AsyncIterator[tuple[AliyunStandIn, str]]:
    account = AliyunAccount(KEY, SECRET, (SIGNATURE,), {"SMS_1": "码${code}"}, hook.url if hook else None)
    async with sandbox(SandboxSettings(folder, 0, 0, "AC0", "t", step_seconds=step, aliyun=account)) as up:
        assert up.aliyun is not None
        yield up.aliyun, up.url


async def send(url: str, to: str = PERSON, delivery_id: str = "01D", code: str = "7K2M") -> str:
    client = AliyunSms(KEY, SECRET, SIGNATURE, url, timeout_s=5)
    template = RegisteredTemplate("SMS_1", (("code", code),))
    outcome = await client.send(SmsMessage(to, f"【{SIGNATURE}】码{code}", code, None, template, delivery_id))
    await client.aclose()
    return outcome.provider_id or str(outcome.code)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - the stand-in works in its own tasks
            await asyncio.sleep(0.01)


async def test_an_arrived_message_is_reported_once_with_our_number(tmp_path: Path, hook: Hook) -> None:
    async with running(tmp_path, hook) as (_, url):
        biz_id = await send(url)
        await until(lambda: len(hook.taken) == 1)
        await asyncio.sleep(0.1)
    ((report,),) = hook.taken
    assert report_of_aliyun(report) == ("01D", biz_id, DeliveryState.DELIVERED, None)
    assert (report["phone_number"], report["success"], report["err_code"]) == (
        "13800138000",
        True,
        "DELIVERED",
    )
    assert datetime.strptime(report["report_time"], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - as it is pushed


async def test_the_end_of_the_number_decides_the_end_of_the_message(tmp_path: Path, hook: Hook) -> None:
    async with running(tmp_path, hook) as (stand_in, url):
        for end in ("00011", "00012", "00013", "00014", "00019"):
            await send(url, f"+86138000{end}", end)
        await until(lambda: len(hook.taken) == 4)
        await asyncio.sleep(0.1)
        waiting = [kept.out_id for kept in stand_in.messages() if kept.status == 1]
    assert {reports[0]["out_id"]: reports[0]["err_code"] for reports in hook.taken} == {
        "00011": "MOBILE_NOT_ON_SERVICE",
        "00012": "MOBILE_IN_BLACK",
        "00013": "CONTENT_KEYWORD",
        "00014": "UNDELIV",
    }
    assert waiting == ["00019"]


@pytest.mark.parametrize(
    "refusal", [Response(status_code=500), Response(b"thanks"), Response(b'{"code": "yes"}')]
)
async def test_a_push_without_a_confirmation_is_repeated(
    tmp_path: Path, hook: Hook, refusal: Response
) -> None:
    hook.refusals = [refusal]
    async with running(tmp_path, hook) as (_, url):
        await send(url)
        await until(lambda: len(hook.taken) == 2)
        await asyncio.sleep(0.1)
    assert hook.taken[0] == hook.taken[1]
    assert len(hook.taken) == 2


@pytest.mark.parametrize(("fault", "pushes"), [(SmsFault.LOSE_CALLBACKS, 0), (SmsFault.DOUBLE_CALLBACKS, 2)])
async def test_reports_can_be_lost_and_doubled(
    tmp_path: Path, hook: Hook, fault: SmsFault, pushes: int
) -> None:
    async with running(tmp_path, hook) as (stand_in, url):
        stand_in.faults.switch_on(fault)
        await send(url)
        await until(lambda: bool(stand_in.messages()[0].reported))
    assert len(hook.taken) == pushes


async def test_a_restart_keeps_the_messages_and_reports_them(tmp_path: Path, hook: Hook) -> None:
    async with running(tmp_path, hook, step=30) as (_, url):
        biz_id = await send(url)
    assert hook.taken == []
    async with running(tmp_path, hook) as (stand_in, _):
        await until(lambda: bool(stand_in.messages()[0].reported))
    async with running(tmp_path, hook) as (stand_in, _):
        await asyncio.sleep(0.1)
        assert stand_in.messages()[0].biz_id == biz_id
    assert len(hook.taken) == 1


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("", "isv.TEMPLATE_MISSING_PARAMETERS"),
        ("x" * 36, "isv.PARAM_LENGTH_LIMIT"),
        ("https://hr.example.cn", "isv.PARAM_NOT_SUPPORT_URL"),
    ],
)
async def test_values_that_the_provider_refuses_are_refused(tmp_path: Path, code: str, answer: str) -> None:
    async with running(tmp_path, None) as (stand_in, url):
        assert await send(url, code=code) == answer
        assert stand_in.messages() == []


def signed(url: str, query: dict[str, str], **change: str) -> tuple[str, dict[str, str]]:
    """Return address and headers of a call, signed after `change` was made."""
    headers = {
        "host": url.removeprefix("http://"),
        "x-acs-action": "QuerySendDetails",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": "n1",
        "x-acs-version": "2017-05-25",
    } | {name.replace("_", "-"): value for name, value in change.items()}
    text = canonical_query(query)
    return f"{url}/?{text}", {**headers, "Authorization": authorization(KEY, SECRET, text, headers)}


QUERY = {"PhoneNumber": "13800138000", "SendDate": "20260213", "PageSize": "50", "CurrentPage": "1"}


async def test_only_whole_fresh_signatures_are_let_in(tmp_path: Path) -> None:
    async with running(tmp_path, None) as (_, url), httpx2.AsyncClient() as http:

        async def code(address: str, headers: dict[str, str]) -> str:
            return str((await http.post(address, headers=headers)).json()["Code"])

        address, headers = signed(url, QUERY)
        assert await code(address, headers) == "OK"
        assert await code(address, headers) == "SignatureNonceUsed"
        assert await code(address.replace("138", "139"), headers) == "SignatureDoesNotMatch"
        assert await code(address, headers | {"x-acs-action": "SendSms"}) == "SignatureDoesNotMatch"
        assert await code(address, headers | {"content-type": "text/plain"}) == "IncompleteSignature"
        assert await code(address, headers | {"Authorization": "Basic x"}) == "IncompleteSignature"
        late = f"{datetime.now(UTC) - timedelta(minutes=16):%Y-%m-%dT%H:%M:%SZ}"
        assert await code(*signed(url, QUERY, x_acs_date=late)) == "InvalidTimeStamp.Expired"
        assert await code(*signed(url, QUERY, x_acs_action="Nothing", x_acs_signature_nonce="n2")) == (
            "InvalidAction.NotFound"
        )


def test_the_command_line_sets_the_stand_in_up_with_the_registered_texts(tmp_path: Path) -> None:
    file = tmp_path / "sms.yaml"
    file.write_text("leave_return: {first_notice: {zh-CN: {code: SMS_1, text: '码${code}'}}}", "utf-8")
    needed = [
        "--data-dir",
        "d",
        "--port",
        "1",
        "--smtp-port",
        "2",
        "--account-sid",
        "AC",
        "--auth-token",
        "t",
    ]
    assert _settings(needed).aliyun is None
    more = ["--aliyun-key-id", KEY, "--aliyun-key-secret", SECRET, "--aliyun-signature", SIGNATURE]
    more += ["--aliyun-templates", str(file), "--aliyun-report-url", "http://127.0.0.1:1/r"]
    account = AliyunAccount(KEY, SECRET, (SIGNATURE,), {"SMS_1": "码${code}"}, "http://127.0.0.1:1/r")
    assert _settings(needed + more).aliyun == account
