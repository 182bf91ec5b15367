"""The SMS stand-in: what it remembers, what it reports, how it signs."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from twilio.request_validator import RequestValidator

from countersign.adapters.twilio_sms import TwilioSms
from countersign.contracts.sending import SmsMessage
from countersign.sandbox.faults import FaultBoard, SmsFault
from countersign.sandbox.server import PortTaken, Sandbox, SandboxSettings, sandbox

ACCOUNT, TOKEN = "AC" + "0" * 32, "a-token-for-tests"
SENDER, PERSON, MAINLAND = "+15005550006", "+85291234567", "+8613800138000"


@dataclass
class Hook:
    """A receiver of callbacks that checks every signature with Twilio's own validator."""

    url: str
    taken: list[dict[str, str]] = field(default_factory=list)
    forged: int = 0
    tokens: list[str] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)

    async def take(self, request: Request) -> Response:
        form = dict(await request.form())
        url = self.url + request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if not RequestValidator(TOKEN).validate(url, form, request.headers["X-Twilio-Signature"]):
            self.forged += 1
            return Response(status_code=403)
        self.taken.append({name: str(value) for name, value in form.items()})
        self.tokens.append(request.headers["I-Twilio-Idempotency-Token"])
        status = str(form.get("MessageStatus"))
        left = self.refusals.get(status, 0)
        self.refusals[status] = left - 1
        return Response(status_code=500 if left > 0 else 204)

    def statuses(self) -> list[str]:
        return [call["MessageStatus"] for call in self.taken]


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        running = Hook(f"http://127.0.0.1:{listener.getsockname()[1]}")
        app = FastAPI()
        app.post("/{rest:path}")(running.take)
        server = Server(uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        yield running
        server.should_exit = True
        await task


def settings(folder: Path, hook: Hook | None = None, step: float = 0.02) -> SandboxSettings:
    inbound = f"{hook.url}/inbound" if hook else None
    return SandboxSettings(folder, 0, 0, ACCOUNT, TOKEN, inbound, step_seconds=step)


async def send(running: Sandbox, to: str, callback: str | None = None, text: str = "请返岗") -> str:
    client = TwilioSms(ACCOUNT, TOKEN, SENDER, running.url, timeout_s=5)
    outcome = await client.send(SmsMessage(to, text, "X", callback))
    await client.aclose()
    assert outcome.provider_id is not None, outcome
    return outcome.provider_id


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - the stand-in works in its own tasks
            await asyncio.sleep(0.01)


async def test_every_status_after_the_first_is_reported_with_a_valid_signature(
    tmp_path: Path, hook: Hook
) -> None:
    async with sandbox(settings(tmp_path)) as running:
        sid = await send(running, PERSON, f"{hook.url}/hooks/sms?delivery=D1&x=%E5%BC%A0#rc=3")
        await until(lambda: len(hook.taken) == 3)
    assert hook.statuses() == ["sending", "sent", "delivered"]
    assert hook.forged == 0
    assert hook.taken[0]["MessageSid"] == sid
    assert (hook.taken[0]["To"], hook.taken[0]["From"]) == (PERSON, SENDER)
    assert len(set(hook.tokens)) == 3


async def test_the_recipients_number_decides_the_end(tmp_path: Path, hook: Hook) -> None:
    async with sandbox(settings(tmp_path)) as running:
        for code in ("30003", "30005", "30006", "30008"):
            await send(running, f"+852900{code}", f"{hook.url}/hooks/sms")
        await until(lambda: hook.statuses().count("undelivered") == 4)
        silent = await send(running, "+85290030999")
        await until(lambda: running.sms.store.must(silent).status == "sent")
        await asyncio.sleep(0.1)
        assert running.sms.store.must(silent).status == "sent"
    ended = {c["To"][-5:]: c["ErrorCode"] for c in hook.taken if c["MessageStatus"] == "undelivered"}
    assert ended == {code: code for code in ("30003", "30005", "30006", "30008")}


async def test_a_link_to_mainland_china_is_filtered_and_a_plain_text_is_not(tmp_path: Path) -> None:
    async with sandbox(settings(tmp_path)) as running:
        linked = await send(running, MAINLAND, text="打开 https://hr.example.cn/n/7K2M")
        plain = await send(running, MAINLAND, text="代码 7K2M")
        abroad = await send(running, PERSON, text="打开 https://hr.example.cn/n/7K2M")
        store = running.sms.store
        final = {"delivered", "undelivered"}
        await until(lambda: all(store.must(sid).status in final for sid in (linked, plain, abroad)))
        assert (store.must(linked).status, store.must(linked).error_code) == ("undelivered", 30007)
        assert store.must(plain).status == store.must(abroad).status == "delivered"


async def test_a_failed_callback_is_repeated_once_with_the_same_token(tmp_path: Path, hook: Hook) -> None:
    hook.refusals = {"sending": 1, "sent": 9}
    async with sandbox(settings(tmp_path, step=0.05)) as running:
        await send(running, PERSON, f"{hook.url}/hooks/sms")
        await until(lambda: len(hook.taken) == 5)
        await asyncio.sleep(0.2)
    assert sorted(hook.statuses()) == ["delivered", "sending", "sending", "sent", "sent"]
    assert len(set(hook.tokens)) == 3  # a receiver tells a repeated call by its token


async def test_a_restart_keeps_the_messages_and_finishes_them(tmp_path: Path, hook: Hook) -> None:
    async with sandbox(settings(tmp_path, step=30)) as running:
        sid = await send(running, PERSON, f"{hook.url}/hooks/sms")
    assert hook.taken == []
    async with sandbox(settings(tmp_path)) as running:
        await until(lambda: len(hook.taken) == 3)
        assert running.sms.store.must(sid).status == "delivered"
    async with sandbox(settings(tmp_path)) as running:
        await asyncio.sleep(0.1)
        assert running.sms.store.must(sid).body == "请返岗"
    assert len(hook.taken) == 3


async def test_a_reply_reaches_the_inbound_hook_signed(tmp_path: Path, hook: Hook) -> None:
    async with sandbox(settings(tmp_path, hook)) as running, httpx2.AsyncClient() as http:
        reply = {"from": PERSON, "to": SENDER, "body": "已收到 7K2M & 谢谢"}
        answer = await http.post(f"{running.url}/sandbox/replies", json=reply)
    assert (answer.status_code, answer.json()) == (200, {"receiver_status": 204})
    (call,) = hook.taken
    assert (call["From"], call["To"], call["Body"]) == (PERSON, SENDER, "已收到 7K2M & 谢谢")
    assert call["NumSegments"] == "1"


async def test_impossible_replies_are_refused_with_the_reason(tmp_path: Path, hook: Hook) -> None:
    async with sandbox(settings(tmp_path, hook)) as running, httpx2.AsyncClient() as http:
        reply = {"from": MAINLAND, "to": SENDER, "body": "好"}
        answer = await http.post(f"{running.url}/sandbox/replies", json=reply)
        assert answer.status_code == 409
        assert "+86" in answer.json()["error"]
    async with sandbox(settings(tmp_path)) as running, httpx2.AsyncClient() as http:
        answer = await http.post(f"{running.url}/sandbox/replies", json={**reply, "from": PERSON})
        assert "--inbound-url" in answer.json()["error"]
    assert hook.taken == []


async def test_stop_bars_and_start_frees_the_sender(tmp_path: Path, hook: Hook) -> None:
    async with sandbox(settings(tmp_path, hook)) as running:
        client = TwilioSms(ACCOUNT, TOKEN, SENDER, running.url, timeout_s=5)
        await running.sms.reply(PERSON, SENDER, " stop ")
        assert (await client.send(SmsMessage(PERSON, "x", "X"))).code == "21610"
        await running.sms.reply(PERSON, SENDER, "START")
        assert (await client.send(SmsMessage(PERSON, "x", "X"))).code is None
        await client.aclose()


@pytest.mark.parametrize(
    ("fault", "reports", "forged"),
    [
        (SmsFault.LOSE_CALLBACKS, 0, 0),
        (SmsFault.DOUBLE_CALLBACKS, 6, 0),
        (SmsFault.SHUFFLE_CALLBACKS, 3, 0),
        (SmsFault.FORGE_CALLBACKS, 0, 6),
    ],
)
async def test_callbacks_can_be_lost_doubled_late_and_forged(
    tmp_path: Path, hook: Hook, fault: SmsFault, reports: int, forged: int
) -> None:
    async with sandbox(settings(tmp_path)) as running:
        running.sms.faults.switch_on(fault, seconds=0.2)
        sid = await send(running, PERSON, f"{hook.url}/hooks/sms")
        await until(lambda: running.sms.store.must(sid).status == "delivered")
        await until(lambda: (len(hook.taken), hook.forged) == (reports, forged))
        await asyncio.sleep(0.05)
    assert (len(hook.taken), hook.forged) == (reports, forged)


async def test_reports_can_be_repeated_and_every_one_is_listed_with_its_answer(
    tmp_path: Path, hook: Hook
) -> None:
    async with sandbox(settings(tmp_path)) as running, httpx2.AsyncClient() as http:
        running.sms.faults.switch_on(SmsFault.REPEAT_CALLBACKS, most=4)
        for _ in range(4):
            await send(running, PERSON, f"{hook.url}/hooks/sms")
        await until(lambda: len(running.sms.store.unfinished()) == 0)
        listed = (await http.get(f"{running.url}/sandbox/reports")).json()["reports"]
    assert 12 < len(listed) == len(hook.taken) <= 48
    assert {(one["kind"], one["answer"]) for one in listed} == {("true", 204)}
    assert {one["sid"] for one in listed} == {call["MessageSid"] for call in hook.taken}


async def test_a_lie_comes_beside_the_truth_and_is_listed_as_refused(tmp_path: Path, hook: Hook) -> None:
    async with sandbox(settings(tmp_path)) as running:
        running.sms.faults.switch_on(SmsFault.LYING_CALLBACKS)
        await send(running, PERSON, f"{hook.url}/hooks/sms")
        await until(lambda: len(running.sms.store.reports()) == 6)
        reports = running.sms.store.reports()
    assert hook.statuses() == ["sending", "sent", "delivered"]
    assert [one.answer for one in reports if one.kind == "forged"] == [403, 403, 403]
    assert {one.status for one in reports if one.kind == "forged"} == {"undelivered"}


async def test_a_lost_report_is_listed_as_lost(tmp_path: Path, hook: Hook) -> None:
    async with sandbox(settings(tmp_path)) as running:
        running.sms.faults.switch_on(SmsFault.LOSE_CALLBACKS)
        await send(running, PERSON, f"{hook.url}/hooks/sms")
        await until(lambda: len(running.sms.store.reports()) == 3)
        kinds = {(one.kind, one.answer) for one in running.sms.store.reports()}
    assert kinds == {("lost", None)}


async def test_a_slow_provider_takes_nothing_from_a_caller_that_has_gone(tmp_path: Path) -> None:
    async with sandbox(settings(tmp_path)) as running:
        running.sms.faults.switch_on(SmsFault.SLOW_TO_TAKE, seconds=0.3, least=0.2)
        client = TwilioSms(ACCOUNT, TOKEN, SENDER, running.url, timeout_s=0.1)
        await client.send(SmsMessage(PERSON, "x", "X"))
        await client.aclose()
        await asyncio.sleep(0.5)
        assert running.sms.store.newest() == []
        await send(running, PERSON)
        assert len(running.sms.store.newest()) == 1


def test_a_wait_lies_in_its_range() -> None:
    board = FaultBoard(seed=3)
    board.switch_on(SmsFault.SLOW, seconds=0.3, least=0.05)
    fault = board.hit(SmsFault.SLOW)
    assert fault is not None
    waits = [fault.wait(board.dice) for _ in range(200)]
    assert 0.05 <= min(waits) < 0.1
    assert 0.25 < max(waits) <= 0.3
    board.switch_on(SmsFault.SLOW, seconds=0.3)
    assert {one.wait(board.dice) for _ in range(5) if (one := board.hit(SmsFault.SLOW))} == {0.3}


async def test_requests_without_the_accounts_token_are_refused(tmp_path: Path) -> None:
    async with sandbox(settings(tmp_path)) as running, httpx2.AsyncClient() as http:
        path = f"{running.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        form = {"To": PERSON, "From": SENDER, "Body": "x"}
        assert (await http.post(path, data=form)).json()["code"] == 20003
        assert (await http.get(path, auth=(ACCOUNT, "wrong"))).status_code == 401
        other = path.replace(ACCOUNT, "AC" + "1" * 32)
        assert (await http.post(other, data=form, auth=(ACCOUNT, TOKEN))).json()["code"] == 20404
        assert running.sms.store.newest() == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": ""}, 21604),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"To": "13800138000"}, 21211),
        ({"From": "!!"}, 21212),
        ({"Body": "x" * 1601}, 21617),
    ],
)
def test_incomplete_requests_get_twilios_codes(tmp_path: Path, change: dict[str, str], code: int) -> None:
    async def ask() -> dict[str, object]:
        async with sandbox(settings(tmp_path)) as running:
            refusal = running.sms.accept({"To": PERSON, "From": SENDER, "Body": "x", **change})
            return vars(refusal)

    assert asyncio.run(ask()) == {"status": 400, "code": code}


async def test_the_list_filters_by_day_and_pages_do_not_shift(tmp_path: Path) -> None:
    async with sandbox(settings(tmp_path, step=30)) as running, httpx2.AsyncClient() as http:
        add = running.sms.store.add
        for number in range(5):
            add(
                sid=f"SM{number}",
                direction="outbound-api",
                sender=SENDER,
                recipient=PERSON,
                body="x",
                status="queued",
            )
        running.sms.store.change("SM0", "sent", None, SENDER)
        path = f"{running.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"

        async def page(url: str, query: dict[str, str] | None = None) -> dict[str, object]:
            answer = await http.get(url, params=query, auth=(ACCOUNT, TOKEN))
            assert answer.status_code == 200
            return answer.json()

        def sids(answer: dict[str, object]) -> list[str]:
            return [message["sid"] for message in answer["messages"]]  # type: ignore[attr-defined]

        first = await page(path, {"PageSize": "2"})
        add(sid="SMnew", direction="inbound", sender=PERSON, recipient=SENDER, body="x", status="received")
        second = await page(running.url + str(first["next_page_uri"]))
        third = await page(running.url + str(second["next_page_uri"]))
        assert [sids(first), sids(second), sids(third)] == [["SM4", "SM3"], ["SM2", "SM1"], ["SM0"]]
        assert third["next_page_uri"] is None
        day = running.sms.store.must("SM0").updated.date().isoformat()
        assert sids(await page(path, {"DateSent": day})) == ["SM0"]
        assert sids(await page(path, {"DateSent>": day})) == ["SM0"]
        assert sids(await page(path, {"DateSent<": "2020-01-01"})) == []
        assert sids(await page(path, {"From": PERSON})) == ["SMnew"]


async def test_faults_are_set_over_http_and_wrong_ones_refused(tmp_path: Path) -> None:
    async with sandbox(settings(tmp_path)) as running, httpx2.AsyncClient() as http:
        url = f"{running.url}/sandbox/faults"
        on = await http.post(url, json={"mode": "error_500", "share": 0.3, "for": 60, "seed": 7})
        assert on.json() == {"sms": [{"mode": "error_500", "share": 0.3}], "mail": []}
        on = await http.post(url, json={"channel": "mail", "mode": "refuse_4xx"})
        assert on.json()["mail"] == [{"mode": "refuse_4xx", "share": 1.0}]
        assert (await http.post(url, json={"mode": "refuse_4xx"})).status_code == 422
        assert (await http.post(url, json={"mode": "nonsense"})).status_code == 422
        assert (await http.post(url, json={"mode": "down", "share": 1.5})).status_code == 422
        await http.post(url, json={"mode": "none"})
        assert (await http.get(url)).json() == {"sms": [], "mail": [{"mode": "refuse_4xx", "share": 1.0}]}


def test_a_fault_hits_its_share_and_ends_in_time() -> None:
    now = [0.0]
    board = FaultBoard(seed=1, clock=lambda: now[0])
    board.switch_on(SmsFault.ERROR_500, share=0.3, for_seconds=60)
    hits = [board.hit(SmsFault.ERROR_500) is not None for _ in range(1000)]
    assert 250 < sum(hits) < 350
    board.seed(1)
    assert [board.hit(SmsFault.ERROR_500) is not None for _ in range(1000)] == hits
    now[0] = 60.0
    assert board.active() == []
    assert not any(board.hit(SmsFault.ERROR_500) for _ in range(50))


async def test_a_taken_port_is_named_with_the_option_to_change_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for changed, option in (((port, 0), "--port"), ((0, port), "--smtp-port")):
            with pytest.raises(PortTaken, match=f"Port {port} is in use; choose another with {option}"):
                async with sandbox(SandboxSettings(tmp_path, *changed, ACCOUNT, TOKEN)):
                    pass
