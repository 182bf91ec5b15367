"""The client of the domestic SMS provider against its stand-in, over real sockets."""

import asyncio
import json
import logging
import socket
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from countersign.adapters.aliyun_sms import BY_OUT_ID, AliyunSms, authorization, canonical_query
from countersign.contracts.sending import ChannelError, OutcomeState, SendOutcome, SentSms, SmsMessage
from countersign.domain.sms_templates import RegisteredTemplate, fill, registered_texts
from countersign.sandbox.aliyun import AliyunAccount, AliyunStandIn, StoredAliyunSms
from countersign.sandbox.faults import SmsFault
from countersign.sandbox.server import SandboxSettings, sandbox

KEY, SECRET, SIGNATURE = "LTAItests", "a-secret-for-tests", "远山科技"
PERSON, CODE, DELIVERY = "+8613800138000", "7K2M-XW9T-B4QP", "01DELIVERY000000000000000A"
DECLARED = """
leave_return:
  first_notice:
    zh-CN: {code: SMS_1, text: "${employee}您好，请在${portal}输入${code}：100% +1 & 2/3"}
"""
TEXT = registered_texts(DECLARED, "sms.yaml").texts["leave_return", "first_notice", "zh-CN"]
FILLED = fill(
    TEXT, {"employee": "张 伟&+", "portal": "回执页 /n?x=1", "code": CODE, "contact": {}}, SIGNATURE
)
TEMPORARY, PERMANENT, UNKNOWN = (
    OutcomeState.FAILED_TEMPORARY,
    OutcomeState.FAILED_PERMANENT,
    OutcomeState.UNKNOWN,
)
ACCOUNT = AliyunAccount(KEY, SECRET, (SIGNATURE,), {"SMS_1": TEXT.text})


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[AliyunStandIn, str]]:
    settings = SandboxSettings(tmp_path, 0, 0, "AC0", "token", step_seconds=0.02, aliyun=ACCOUNT)
    async with sandbox(settings) as running:
        assert running.aliyun is not None
        yield running.aliyun, running.url


@pytest.fixture
def stand_in(world: tuple[AliyunStandIn, str]) -> AliyunStandIn:
    return world[0]


@pytest.fixture
def url(world: tuple[AliyunStandIn, str]) -> str:
    return world[1]


@pytest.fixture
async def sms(url: str) -> AsyncIterator[AliyunSms]:
    client = AliyunSms(KEY, SECRET, SIGNATURE, url, timeout_s=5)
    yield client
    await client.aclose()


def message(to: str = PERSON, delivery_id: str | None = DELIVERY) -> SmsMessage:
    return SmsMessage(to, FILLED.text, CODE, None, FILLED.template, delivery_id)


def sent(provider_id: str, to: str = PERSON, at: datetime | None = None) -> SentSms:
    return SentSms(to, provider_id, at or datetime.now(UTC), DELIVERY)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - the stand-in lives in another task and has no event to wait for
            await asyncio.sleep(0.01)


def test_the_signature_is_that_of_the_providers_example() -> None:
    # The fixed example of "V3版本请求体&签名机制".
    query = canonical_query(
        {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}
    )
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    assert authorization("YourAccessKeyId", "YourAccessKeySecret", query, headers) == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;"
        "x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


async def test_the_person_gets_exactly_the_text_that_is_recorded(
    sms: AliyunSms, stand_in: AliyunStandIn
) -> None:
    outcome = await sms.send(message())
    assert outcome.state is OutcomeState.SENT
    assert outcome.code is None
    (kept,) = stand_in.messages()
    assert (kept.biz_id, kept.out_id, kept.phone) == (outcome.provider_id, DELIVERY, "13800138000")
    assert (
        kept.content
        == FILLED.text
        == f"【{SIGNATURE}】张 伟&+您好，请在回执页 /n?x=1输入{CODE}：100% +1 & 2/3"
    )


async def test_status_goes_on_to_delivered(sms: AliyunSms, stand_in: AliyunStandIn) -> None:
    biz_id = (await sms.send(message())).provider_id or ""
    await until(lambda: stand_in.messages()[0].status == 3)
    assert await sms.fetch_status(sent(biz_id)) == ("delivered", None)


async def test_a_message_without_a_receipt_is_sent_and_no_more(sms: AliyunSms) -> None:
    to = "+8613800000019"
    biz_id = (await sms.send(message(to))).provider_id or ""
    await asyncio.sleep(0.1)
    assert await sms.fetch_status(sent(biz_id, to)) == ("sent", None)


async def test_an_undelivered_text_tells_the_carriers_code(sms: AliyunSms, stand_in: AliyunStandIn) -> None:
    to = "+8613800000012"
    biz_id = (await sms.send(message(to))).provider_id or ""
    await until(lambda: stand_in.messages()[0].status == 2)
    assert await sms.fetch_status(sent(biz_id, to)) == ("undelivered", "MOBILE_IN_BLACK")


async def test_a_message_that_is_not_listed_any_more_is_sent_and_no_more(sms: AliyunSms) -> None:
    biz_id = (await sms.send(message())).provider_id or ""
    long_ago = datetime.now(UTC) - timedelta(days=40)
    assert await sms.fetch_status(sent(biz_id, at=long_ago)) == ("sent", None)
    assert await sms.fetch_status(sent("1^0")) == ("sent", None)


@pytest.mark.parametrize(
    ("to", "code", "state"),
    [
        ("+8613800000001", "isv.MOBILE_NUMBER_ILLEGAL", OutcomeState.FAILED_PERMANENT),
        ("+8613800000002", "isv.BUSINESS_LIMIT_CONTROL", OutcomeState.FAILED_TEMPORARY),
        ("+8613800000003", "isv.AMOUNT_NOT_ENOUGH", OutcomeState.FAILED_TEMPORARY),
        ("+8613800000004", "isp.SYSTEM_ERROR", OutcomeState.UNKNOWN),
        ("+861010", "isv.MOBILE_NUMBER_ILLEGAL", OutcomeState.FAILED_PERMANENT),
    ],
)
async def test_a_refusal_becomes_a_code_and_a_sentence_without_the_number(
    sms: AliyunSms, to: str, code: str, state: OutcomeState
) -> None:
    outcome = await sms.send(message(to))
    assert (outcome.state, outcome.code, outcome.provider_id) == (state, code, None)
    assert to.removeprefix("+86") not in repr(outcome)


@pytest.mark.parametrize(
    ("change", "state", "code"),
    [
        ({"template": None}, TEMPORARY, "sms_not_prepared"),
        ({"delivery_id": None}, TEMPORARY, "sms_not_prepared"),
        ({"to": "+85291234567"}, TEMPORARY, "sms_wrong_destination"),
        ({"template": RegisteredTemplate("SMS_2", ())}, TEMPORARY, "isv.SMS_TEMPLATE_ILLEGAL"),
        (
            {"template": RegisteredTemplate("SMS_1", (("code", "1"),))},
            PERMANENT,
            "isv.TEMPLATE_MISSING_PARAMETERS",
        ),
    ],
)
async def test_a_message_that_cannot_leave_says_why_and_leaves_nothing(
    sms: AliyunSms, stand_in: AliyunStandIn, change: dict[str, object], state: OutcomeState, code: str
) -> None:
    outcome = await sms.send(replace(message(), **change))  # type: ignore[arg-type]
    assert (outcome.state, outcome.code) == (state, code)
    assert stand_in.messages() == []


@pytest.mark.parametrize(
    ("key", "secret", "signature", "code"),
    [
        ("LTAIother", SECRET, SIGNATURE, "InvalidAccessKeyId.NotFound"),
        (KEY, "wrong", SIGNATURE, "SignatureDoesNotMatch"),
        (KEY, SECRET, "别家公司", "isv.SMS_SIGNATURE_ILLEGAL"),
    ],
)
async def test_wrong_credentials_are_a_matter_of_settings(
    url: str, key: str, secret: str, signature: str, code: str
) -> None:
    client = AliyunSms(key, secret, signature, url, timeout_s=5)
    outcome = await client.send(message())
    await client.aclose()
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, code)


async def test_throttling_means_later_and_nothing_was_taken(sms: AliyunSms, stand_in: AliyunStandIn) -> None:
    stand_in.faults.switch_on(SmsFault.REFUSE_429)
    outcome = await sms.send(message())
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, "Throttling.User")
    assert stand_in.messages() == []


@pytest.mark.parametrize(
    ("fault", "taken", "code"),
    [
        (SmsFault.ERROR_500, 0, "sms_server_error"),
        (SmsFault.ERROR_500_AFTER_ACCEPT, 1, "sms_server_error"),
        (SmsFault.DROP_REPLY_AFTER_ACCEPT, 1, "sms_no_reply"),
        (SmsFault.SLOW, 1, "sms_no_reply"),
        (SmsFault.DOWN, 0, "sms_no_reply"),
    ],
)
async def test_an_answer_that_never_came_is_unknown_and_nothing_is_tried_twice(
    stand_in: AliyunStandIn, url: str, fault: SmsFault, taken: int, code: str
) -> None:
    stand_in.faults.switch_on(fault, seconds=0.6)
    client = AliyunSms(KEY, SECRET, SIGNATURE, url, timeout_s=0.4)
    outcome = await client.send(message())
    await asyncio.sleep(0.1)
    await client.aclose()
    assert (outcome.state, outcome.code, outcome.provider_id) == (OutcomeState.UNKNOWN, code, None)
    assert len(stand_in.messages()) == taken


async def test_a_refused_connection_means_that_nothing_left() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        client = AliyunSms(KEY, SECRET, SIGNATURE, url, timeout_s=5)
        outcome = await client.send(message())
    await client.aclose()
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, "sms_not_connected")


async def test_a_failed_handshake_means_that_nothing_left(url: str) -> None:
    client = AliyunSms(KEY, SECRET, SIGNATURE, url.replace("http:", "https:"), timeout_s=5)
    outcome = await client.send(message())
    await client.aclose()
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, "sms_not_connected")


@pytest.mark.parametrize(
    ("address", "code"),
    [("http://provider.invalid", "sms_not_connected"), ("not an address", "sms_wrong_address")],
)
async def test_an_address_that_leads_nowhere_means_that_nothing_left(address: str, code: str) -> None:
    client = AliyunSms(KEY, SECRET, SIGNATURE, address, timeout_s=5)
    outcome = await client.send(message())
    await client.aclose()
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, code)


async def answering(head: str, body: bytes, promised: int) -> SendOutcome:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {head}\r\ncontent-length: {promised}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        client = AliyunSms(KEY, SECRET, SIGNATURE, f"http://127.0.0.1:{port}", timeout_s=5)
        outcome = await client.send(message())
        await client.aclose()
    return outcome


@pytest.mark.parametrize(
    ("head", "body", "missing", "state", "code"),
    [
        ("200 OK", b"<html>", 0, UNKNOWN, "sms_bad_answer"),
        ("200 OK", b"\xff", 0, UNKNOWN, "sms_bad_answer"),
        ("200 OK", b"[]", 0, UNKNOWN, "sms_bad_answer"),
        ("200 OK", b"{}", 0, UNKNOWN, "sms_bad_answer"),
        ("200 OK", b'{"Code": "OK"}', 0, UNKNOWN, "sms_bad_answer"),
        ("200 OK", b'{"Code": "OK", "BizId": 5}', 0, UNKNOWN, "sms_bad_answer"),
        ("200 OK", b"{", 50, UNKNOWN, "sms_no_reply"),
        ("503 Unavailable", b"", 0, UNKNOWN, "sms_server_error"),
        ("500 Error", b'{"Code": "isv.MOBILE_NUMBER_ILLEGAL"}', 0, UNKNOWN, "sms_server_error"),
        ("408 Timeout", b"", 0, UNKNOWN, "sms_server_error"),
        ("200 OK", b'{"Code": "isp.NEW_FAULT"}', 0, UNKNOWN, "sms_server_error"),
        ("400 Bad", b'{"Code": "SignatureNonceUsed"}', 0, UNKNOWN, "SignatureNonceUsed"),
        ("429 Slow down", b"", 0, TEMPORARY, "Throttling"),
        ("400 Bad", b'{"Code": "Throttling.Api"}', 0, TEMPORARY, "Throttling"),
        ("403 No", b'{"Code": "Forbidden.RAM"}', 0, TEMPORARY, "isp.RAM_PERMISSION_DENY"),
        ("301 Moved\r\nlocation: http://a/", b"", 0, TEMPORARY, "sms_wrong_address"),
        ("404 Not found", b"<html>", 0, TEMPORARY, "sms_wrong_address"),
        ("400 Bad", b'{"Code": "OK"}', 0, TEMPORARY, "sms_wrong_address"),
        ("200 OK", b'{"Code": "isv.NEW_REFUSAL"}', 0, PERMANENT, "isv.NEW_REFUSAL"),
        ("200 OK", b'{"Code": "isv.CUSTOMER_REFUSED"}', 0, PERMANENT, "isv.CUSTOMER_REFUSED"),
    ],
)
async def test_strange_answers_are_judged_by_what_may_have_left(
    head: str, body: bytes, missing: int, state: OutcomeState, code: str
) -> None:
    outcome = await answering(head, body, len(body) + missing)
    assert (outcome.state, outcome.code) == (state, code)


async def test_a_text_whose_answer_was_lost_is_found_by_our_number_and_its_status_too(
    sms: AliyunSms, stand_in: AliyunStandIn
) -> None:
    await sms.send(message(delivery_id="01OTHER"))
    stand_in.faults.switch_on(SmsFault.DROP_REPLY_AFTER_ACCEPT)
    assert (await sms.send(message())).state is OutcomeState.UNKNOWN
    stand_in.faults.clear()
    await sms.send(message("+8613800138001", "01THIRD"))
    found = await sms.find(PERSON, CODE, datetime.now(UTC), DELIVERY)
    assert found == f"{BY_OUT_ID}{DELIVERY}"
    await until(lambda: all(kept.status == 3 for kept in stand_in.messages()))
    assert await sms.fetch_status(SentSms(PERSON, found, datetime.now(UTC))) == ("delivered", None)


async def test_without_our_number_the_code_in_the_text_finds_the_message(sms: AliyunSms) -> None:
    await sms.send(message())
    now = datetime.now(UTC)
    assert await sms.find(PERSON, CODE, now) == f"{BY_OUT_ID}{DELIVERY}"
    assert await sms.find(PERSON, "0000-0000-0000", now) is None
    with pytest.raises(ValueError, match="number or the code"):
        await sms.find(PERSON, "", now)


async def test_a_text_that_never_arrived_is_not_found(sms: AliyunSms) -> None:
    await sms.send(message(delivery_id="01OTHER"))
    assert await sms.find(PERSON, CODE, datetime.now(UTC), DELIVERY) is None
    await sms.send(message())
    three_days_later = datetime.now(UTC) + timedelta(days=3)
    assert await sms.find(PERSON, CODE, three_days_later, DELIVERY) is None


async def test_the_search_goes_over_pages(sms: AliyunSms, stand_in: AliyunStandIn) -> None:
    await sms.send(message())
    query = {
        "PhoneNumbers": "13800138000",
        "SignName": SIGNATURE,
        "TemplateCode": "SMS_1",
        "TemplateParam": json.dumps(dict(FILLED.template.parameters)),
    }
    for number in range(55):
        assert not isinstance(stand_in.accept({**query, "OutId": f"fill{number}"}), str)
    assert await sms.find(PERSON, CODE, datetime.now(UTC), DELIVERY) == f"{BY_OUT_ID}{DELIVERY}"


async def test_both_days_around_midnight_in_beijing_are_searched(
    sms: AliyunSms, stand_in: AliyunStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    listed = stand_in.messages

    def noting(phone: str, day: str) -> list[StoredAliyunSms]:
        asked.append(day)
        return listed(phone, day)

    monkeypatch.setattr(stand_in, "messages", noting)
    await sms.find(PERSON, CODE, datetime(2026, 2, 13, 16, 30, tzinfo=UTC), DELIVERY)
    await sms.find(PERSON, CODE, datetime(2026, 2, 13, 4, 0, tzinfo=UTC), DELIVERY)
    assert asked == ["20260213", "20260214", "20260213"]


async def test_a_search_without_answer_is_no_finding_and_its_error_names_no_number(
    sms: AliyunSms, stand_in: AliyunStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stand_in.faults.switch_on(SmsFault.DOWN)
    with pytest.raises(ChannelError) as caught:
        await sms.find(PERSON, CODE, datetime.now(UTC), DELIVERY)
    assert caught.value.code == "sms_no_reply"
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "13800138000" not in told
    assert caught.value.__context__ is None


async def test_neither_number_nor_text_nor_key_reaches_a_log_or_a_repr(
    sms: AliyunSms, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    text = message()
    await sms.send(text)
    await sms.find(PERSON, CODE, datetime.now(UTC), DELIVERY)
    told = caplog.text + repr(text) + repr(sent("1^0"))
    for secret in ("13800138000", CODE, "张 伟", SECRET):
        assert secret not in told


async def test_a_closed_client_opens_again(sms: AliyunSms) -> None:
    await sms.send(message())
    await sms.aclose()
    assert (await sms.send(message())).state is OutcomeState.SENT


async def test_cancelling_a_send_is_not_swallowed(stand_in: AliyunStandIn, url: str) -> None:
    stand_in.faults.switch_on(SmsFault.SLOW, seconds=0.5)
    client = AliyunSms(KEY, SECRET, SIGNATURE, url, timeout_s=5)
    task = asyncio.create_task(client.send(message()))
    await until(lambda: bool(stand_in.messages()))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await client.aclose()


@pytest.mark.parametrize(("to", "reply_ok"), [(PERSON, True), ("+85291234567", False)])
def test_the_mainland_alone_can_be_reached(to: str, reply_ok: bool) -> None:
    capability = AliyunSms(KEY, SECRET, SIGNATURE, None, timeout_s=5).capabilities(to)
    assert (capability.link_ok, capability.reply_ok) == (False, reply_ok)


@pytest.mark.parametrize(
    ("key", "secret", "signature", "name"),
    [
        ("", SECRET, SIGNATURE, "aliyun_access_key_id"),
        (KEY, "", SIGNATURE, "aliyun_access_key_secret"),
        (KEY, SECRET, "", "aliyun_signature"),
    ],
)
def test_an_empty_setting_is_refused_by_name(key: str, secret: str, signature: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is empty"):
        AliyunSms(key, secret, signature, None, timeout_s=5)


def test_a_timeout_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0 seconds"):
        AliyunSms(KEY, SECRET, SIGNATURE, None, timeout_s=0)
