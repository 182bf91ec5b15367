"""Twilio's own client against the stand-in, over real sockets."""

import asyncio
import base64
import hmac
import logging
import socket
import traceback
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from countersign.adapters.twilio_sms import TwilioSms, valid_signature
from countersign.contracts.sending import ChannelError, OutcomeState, SendOutcome, SentSms, SmsMessage
from countersign.sandbox.faults import SmsFault
from countersign.sandbox.server import Sandbox, SandboxSettings, sandbox

ACCOUNT, TOKEN = "AC" + "0" * 32, "a-token-for-tests"
SENDER, PERSON = "+15005550006", "+85291234567"
TEXT = "【远山科技】请于3月2日前返岗，代码 7K2M-XW9T-B4QP"


@pytest.fixture
async def stand_in(tmp_path: Path) -> AsyncIterator[Sandbox]:
    settings = SandboxSettings(tmp_path, 0, 0, ACCOUNT, TOKEN, step_seconds=0.02)
    async with sandbox(settings) as running:
        yield running


@pytest.fixture
async def sms(stand_in: Sandbox) -> AsyncIterator[TwilioSms]:
    client = TwilioSms(ACCOUNT, TOKEN, SENDER, stand_in.url, timeout_s=5)
    yield client
    await client.aclose()


def message(to: str = PERSON, text: str = TEXT) -> SmsMessage:
    return SmsMessage(to, text, "7K2M-XW9T-B4QP")


def sent(provider_id: str) -> SentSms:
    return SentSms(PERSON, provider_id, datetime.now(UTC))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - the stand-in lives in another task and has no event to wait for
            await asyncio.sleep(0.01)


async def test_an_accepted_text_is_sent_with_the_providers_id(sms: TwilioSms, stand_in: Sandbox) -> None:
    outcome = await sms.send(message())
    assert outcome.state is OutcomeState.SENT
    assert outcome.code is None
    kept = stand_in.sms.store.get(outcome.provider_id or "")
    assert kept is not None
    assert (kept.sender, kept.recipient, kept.body) == (SENDER, PERSON, TEXT)


async def test_the_environments_region_does_not_bend_the_stand_ins_address(
    stand_in: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    client = TwilioSms(ACCOUNT, TOKEN, SENDER, stand_in.url, timeout_s=5)
    assert (await client.send(message())).state is OutcomeState.SENT
    await client.aclose()


async def test_status_goes_on_to_delivered(sms: TwilioSms, stand_in: Sandbox) -> None:
    sid = (await sms.send(message())).provider_id or ""
    await until(lambda: stand_in.sms.store.must(sid).status == "delivered")
    assert await sms.fetch_status(sent(sid)) == ("delivered", None)


async def test_an_undelivered_text_tells_its_error_code(sms: TwilioSms, stand_in: Sandbox) -> None:
    sid = (await sms.send(message("+85290030003"))).provider_id or ""
    await until(lambda: stand_in.sms.store.must(sid).status == "undelivered")
    assert await sms.fetch_status(sent(sid)) == ("undelivered", "30003")


@pytest.mark.parametrize(
    ("to", "code", "state"),
    [
        ("+85290021211", "21211", OutcomeState.FAILED_PERMANENT),
        ("+85290021610", "21610", OutcomeState.FAILED_PERMANENT),
        ("+85290021614", "21614", OutcomeState.FAILED_PERMANENT),
        ("+85290021635", "21635", OutcomeState.FAILED_PERMANENT),
        ("+85290021408", "21408", OutcomeState.FAILED_TEMPORARY),
        ("12345", "21211", OutcomeState.FAILED_PERMANENT),
    ],
)
async def test_a_refusal_becomes_a_code_and_a_sentence_without_the_number(
    sms: TwilioSms, to: str, code: str, state: OutcomeState
) -> None:
    outcome = await sms.send(message(to))
    assert (outcome.state, outcome.code, outcome.provider_id) == (state, code, None)
    assert to not in repr(outcome)


async def test_too_long_a_text_is_a_fault_of_the_content(sms: TwilioSms) -> None:
    outcome = await sms.send(message(text="长" * 1601))
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_PERMANENT, "21617")


async def test_a_wrong_token_is_a_matter_of_settings_and_tried_again(stand_in: Sandbox) -> None:
    client = TwilioSms(ACCOUNT, "wrong", SENDER, stand_in.url, timeout_s=5)
    outcome = await client.send(message())
    await client.aclose()
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, "20003")


async def test_too_many_requests_are_tried_later_and_nothing_was_taken(
    sms: TwilioSms, stand_in: Sandbox
) -> None:
    stand_in.sms.faults.switch_on(SmsFault.REFUSE_429)
    outcome = await sms.send(message())
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, "20429")
    assert stand_in.sms.store.newest() == []


@pytest.mark.parametrize(
    ("fault", "taken"),
    [
        (SmsFault.ERROR_500, 0),
        (SmsFault.ERROR_500_AFTER_ACCEPT, 1),
        (SmsFault.DROP_REPLY_AFTER_ACCEPT, 1),
        (SmsFault.SLOW, 1),
        (SmsFault.DOWN, 0),
    ],
)
async def test_an_answer_that_never_came_is_unknown_whether_or_not_the_text_was_taken(
    stand_in: Sandbox, fault: SmsFault, taken: int
) -> None:
    stand_in.sms.faults.switch_on(fault, seconds=0.6)
    client = TwilioSms(ACCOUNT, TOKEN, SENDER, stand_in.url, timeout_s=0.4)
    outcome = await client.send(message())
    await client.aclose()
    assert (outcome.state, outcome.provider_id) == (OutcomeState.UNKNOWN, None)
    assert len(stand_in.sms.store.newest()) == taken


async def test_nothing_is_tried_twice_behind_the_callers_back(sms: TwilioSms, stand_in: Sandbox) -> None:
    stand_in.sms.faults.switch_on(SmsFault.DROP_REPLY_AFTER_ACCEPT)
    await sms.send(message())
    await asyncio.sleep(0.2)
    assert len(stand_in.sms.store.newest()) == 1


async def test_a_refused_connection_means_that_nothing_left() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        client = TwilioSms(ACCOUNT, TOKEN, SENDER, url, timeout_s=5)
        outcome = await client.send(message())
    await client.aclose()
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, "sms_not_connected")


async def test_a_failed_handshake_means_that_nothing_left(stand_in: Sandbox) -> None:
    client = TwilioSms(ACCOUNT, TOKEN, SENDER, stand_in.url.replace("http:", "https:"), timeout_s=5)
    outcome = await client.send(message())
    await client.aclose()
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, "sms_not_connected")


async def test_a_name_that_does_not_exist_means_that_nothing_left() -> None:
    client = TwilioSms(ACCOUNT, TOKEN, SENDER, "http://provider.invalid", timeout_s=5)
    outcome = await client.send(message())
    await client.aclose()
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, "sms_not_connected")


async def answering(head: str, body: bytes, promised: int) -> SendOutcome:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {head}\r\ncontent-length: {promised}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        client = TwilioSms(ACCOUNT, TOKEN, SENDER, f"http://127.0.0.1:{port}", timeout_s=5)
        outcome = await client.send(message())
        await client.aclose()
    return outcome


@pytest.mark.parametrize(
    ("head", "body", "missing", "state", "code"),
    [
        ("201 Created", b"<html>", 0, OutcomeState.UNKNOWN, "sms_bad_answer"),
        ("201 Created", b"{}", 0, OutcomeState.UNKNOWN, "sms_bad_answer"),
        ("201 Created", b"{", 50, OutcomeState.UNKNOWN, "sms_no_reply"),
        ("503 Unavailable", b"", 0, OutcomeState.UNKNOWN, "sms_server_error"),
        ("429 Slow down", b"", 0, OutcomeState.FAILED_TEMPORARY, "20429"),
        ("301 Moved\r\nlocation: http://a/", b"", 0, OutcomeState.FAILED_TEMPORARY, "sms_wrong_address"),
        ("403 Forbidden", b"", 0, OutcomeState.FAILED_TEMPORARY, "20003"),
        ("400 Bad", b"", 0, OutcomeState.FAILED_PERMANENT, "400"),
        ("400 Bad", b'{"code": 30004, "message": "x"}', 0, OutcomeState.FAILED_PERMANENT, "30004"),
        (
            "201 Created",
            b'{"sid": "SM1", "status": "failed", "error_code": 30003}',
            0,
            OutcomeState.FAILED_TEMPORARY,
            "30003",
        ),
    ],
)
async def test_strange_answers_are_judged_by_what_may_have_left(
    head: str, body: bytes, missing: int, state: OutcomeState, code: str
) -> None:
    outcome = await answering(head, body, len(body) + missing)
    assert (outcome.state, outcome.code) == (state, code)


async def test_a_text_whose_answer_was_lost_is_found_by_its_code(sms: TwilioSms, stand_in: Sandbox) -> None:
    since = datetime.now(UTC)
    await sms.send(message(text="代码 1111-2222-3333"))
    stand_in.sms.faults.switch_on(SmsFault.DROP_REPLY_AFTER_ACCEPT)
    assert (await sms.send(message())).state is OutcomeState.UNKNOWN
    stand_in.sms.faults.clear()
    await sms.send(message("+85291234568"))
    expected = next(m.sid for m in stand_in.sms.store.newest(recipient=PERSON) if "7K2M" in m.body)
    assert await sms.find(PERSON, "7K2M-XW9T-B4QP", since) == expected


async def test_a_text_that_never_arrived_is_not_found(sms: TwilioSms) -> None:
    await sms.send(message(text="代码 1111-2222-3333"))
    assert await sms.find(PERSON, "7K2M-XW9T-B4QP", datetime.now(UTC)) is None


async def test_the_search_goes_over_pages_and_back_one_hour_only(sms: TwilioSms, stand_in: Sandbox) -> None:
    sid = (await sms.send(message())).provider_id
    for number in range(55):
        stand_in.sms.store.add(
            sid=f"SMfill{number}",
            direction="outbound-api",
            sender=SENDER,
            recipient=PERSON,
            body="x",
            status="delivered",
        )
    assert await sms.find(PERSON, "7K2M-XW9T-B4QP", datetime.now(UTC) + timedelta(minutes=59)) == sid
    assert await sms.find(PERSON, "7K2M-XW9T-B4QP", datetime.now(UTC) + timedelta(minutes=61)) is None


async def test_another_senders_text_and_a_quoted_reply_are_not_ours(
    sms: TwilioSms, stand_in: Sandbox
) -> None:
    add = stand_in.sms.store.add
    add(
        sid="SMa", direction="outbound-api", sender="+15005550001", recipient=PERSON, body=TEXT, status="sent"
    )
    add(sid="SMb", direction="inbound", sender=SENDER, recipient=PERSON, body=TEXT, status="received")
    assert await sms.find(PERSON, "7K2M-XW9T-B4QP", datetime.now(UTC)) is None


async def test_a_messaging_service_sends_and_finds_without_a_number_of_its_own(stand_in: Sandbox) -> None:
    client = TwilioSms(ACCOUNT, TOKEN, "MG" + "1" * 32, stand_in.url, timeout_s=5)
    outcome = await client.send(message())
    assert outcome.state is OutcomeState.SENT
    assert await client.find(PERSON, "7K2M-XW9T-B4QP", datetime.now(UTC)) == outcome.provider_id
    await client.aclose()


async def test_a_search_without_answer_is_no_finding_and_its_error_names_no_number(
    sms: TwilioSms, stand_in: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stand_in.sms.faults.switch_on(SmsFault.DOWN)
    with pytest.raises(ChannelError) as caught:
        await sms.find(PERSON, "7K2M-XW9T-B4QP", datetime.now(UTC))
    assert caught.value.code == "sms_no_reply"
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert PERSON.removeprefix("+") not in told
    assert caught.value.__context__ is None


async def test_neither_the_number_nor_the_text_reaches_a_log(
    sms: TwilioSms, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    text = message()
    await sms.send(text)
    await sms.find(PERSON, "7K2M-XW9T-B4QP", datetime.now(UTC))
    assert PERSON.removeprefix("+") not in caplog.text + repr(text)
    assert "7K2M" not in caplog.text + repr(text)


async def test_an_unknown_provider_id_is_a_plain_error(sms: TwilioSms) -> None:
    with pytest.raises(ChannelError, match="20404"):
        await sms.fetch_status(sent("SMnone"))


async def test_a_closed_client_opens_again(sms: TwilioSms) -> None:
    await sms.send(message())
    await sms.aclose()
    assert (await sms.send(message())).state is OutcomeState.SENT


@pytest.mark.parametrize(
    ("to", "free"), [("+8613800138000", False), ("+85291234567", True), ("+886912345678", True)]
)
def test_mainland_numbers_take_no_links_and_give_no_replies(to: str, free: bool) -> None:
    capability = TwilioSms(ACCOUNT, TOKEN, SENDER, None, timeout_s=5).capabilities(to)
    assert (capability.link_ok, capability.reply_ok) == (free, free)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_an_empty_setting_is_refused_by_name(missing: int) -> None:
    values = [ACCOUNT, TOKEN, SENDER]
    values[missing] = ""
    with pytest.raises(ValueError, match=("account SID", "auth token", "sender")[missing]):
        TwilioSms(*values, base_url=None, timeout_s=5)


def test_a_signature_of_either_token_is_valid_while_tokens_rotate() -> None:
    # The example of Twilio's documentation on request validation.
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    params = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    signed = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert valid_signature(["new-token", "12345"], url, params, signed)
    assert valid_signature(["12345"], url, params, signed)
    assert not valid_signature(["new-token"], url, params, signed)
    assert not valid_signature(["12345"], url, {**params, "Digits": "1235"}, signed)
    assert not valid_signature(["12345"], url.replace("foo=1", "foo=2"), params, signed)


def test_without_a_token_every_signature_is_refused() -> None:
    forged = base64.b64encode(hmac.digest(b"", b"https://a.example/", "sha1")).decode()
    assert not valid_signature([""], "https://a.example/", {}, forged)
    assert not valid_signature([], "https://a.example/", {}, forged)


async def test_cancelling_a_send_is_not_swallowed(stand_in: Sandbox) -> None:
    stand_in.sms.faults.switch_on(SmsFault.SLOW, seconds=0.5)
    client = TwilioSms(ACCOUNT, TOKEN, SENDER, stand_in.url, timeout_s=5)
    task = asyncio.create_task(client.send(message()))
    await until(lambda: bool(stand_in.sms.store.newest()))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await client.aclose()
