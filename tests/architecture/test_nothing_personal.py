"""What Temporal keeps, what logs say and what metrics show holds ids only: marked data is in none of them."""

import asyncio
import base64
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP
from google.protobuf.json_format import MessageToDict
from sqlalchemy import text
from sqlmodel import select
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.contrib.pydantic import pydantic_data_converter

from api.app import create_app
from countersign.adapters.database.handover_book import HandoverAct
from countersign.adapters.database.tables import Alarm
from countersign.adapters.smtp import SmtpMailer
from countersign.adapters.twilio_sms import TwilioSms
from countersign.bootstrap import Parts
from countersign.contracts.cases import ActKind, Role
from countersign.contracts.notices import NoticeOrder, SendOrder
from countersign.contracts.sending import OutcomeState, SendOutcome
from countersign.domain.handover import Side, Speaker
from countersign.domain.ledger import loan
from countersign.domain.policy import Audience
from countersign.ports import Mailer, SmsSender
from tests.support.company import EMAIL, MARKED, NAME, NUMBER, PHONE, add_colleague, failed
from tests.support.departing import Leaving, add_holdings
from tests.support.story import Story, at, story

DIAGNOSIS = "标记综合征"
REASON = f"还在住院（{DIAGNOSIS}），请打 {PHONE}"
SECRETS = (*MARKED, DIAGNOSIS)
LOGGERS = ("temporalio", "countersign", "api", "twilio", "aiosmtplib", "aiohttp", "asyncio", "alembic")


# -- looking -------------------------------------------------------------------------------------------------


def texts(part: Any) -> Iterator[str]:
    """Yield every text of a JSON value: keys, values, and what base64 within them stands for."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield str(key)
            yield from texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from texts(value)
    else:
        written = str(part)
        try:
            yield base64.b64decode(written, validate=True).decode("utf-8")
        except ValueError:
            yield written


def leaks(written: str) -> list[str]:
    """Return the marked values in a text, plain or as JSON escapes them."""
    return [secret for secret in SECRETS if _stands_in(secret, written)]


def _stands_in(secret: str, written: str) -> bool:
    if secret == NUMBER:
        # Five characters of the alphabet of ids: alone they are the number, within an id they are chance.
        return re.search(rf"(?<![0-9A-Za-z]){NUMBER}(?![0-9A-Za-z])", written) is not None
    return secret in written or json.dumps(secret)[1:-1] in written


async def kept_by_temporal(s: Story) -> str:
    """Return what the server holds and shows of a case: events, attributes, memo, summaries, details."""
    client = s.env.client
    history = await s.handle.fetch_history()
    described = await client.workflow_service.describe_workflow_execution(
        DescribeWorkflowExecutionRequest(
            namespace=client.namespace, execution=WorkflowExecution(workflow_id=s.handle.id)
        )
    )
    shown = await s.handle.query("__temporal_workflow_metadata")
    whole = [json.loads(history.to_json()), MessageToDict(described), shown]
    return "\n".join(word for part in whole for word in texts(part))


async def metrics(parts: Parts) -> str:
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return (await client.get("/metrics")).text


# -- a world that quotes -------------------------------------------------------------------------------------


def refuse_first(recording: Any, real: SmsSender | Mailer, times: int) -> None:
    """Let the first messages of a recording channel go to a real client; those after are recorded."""
    record, left = recording.send, [real.send] * times

    async def send(message: Any) -> SendOutcome:
        outcome: SendOutcome = await (left.pop() if left else record)(message)
        return outcome

    recording.send = send


class QuotingRelay:
    """A relay that puts the address into its refusal, as relays do."""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        return f"450 4.2.1 <{address}>: mailbox of {address} is busy"


async def refuse_quoting(request: web.Request) -> web.Response:
    to = str((await request.post())["To"])
    return web.json_response(
        {"code": 20429, "status": 429, "message": f"Too many requests for {to}"}, status=429
    )


@asynccontextmanager
async def quoting_providers(parts: Parts) -> AsyncIterator[None]:
    """Let real clients of both providers meet servers that quote whom they refuse."""
    app = web.Application()
    app.router.add_post("/{rest:.*}", refuse_quoting)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    relay = await asyncio.get_running_loop().create_server(lambda: SMTP(QuotingRelay()), "127.0.0.1", 0)
    sms_port = runner.addresses[0][1]
    mail_port = relay.sockets[0].getsockname()[1]
    provider = TwilioSms("AC" + "0" * 32, "t", "+15005550006", f"http://127.0.0.1:{sms_port}", timeout_s=5)
    sender = SmtpMailer("127.0.0.1", mail_port, None, None, "none", "hr@example.com", "HR", timeout_s=5)
    refuse_first(parts.sms, provider, times=2)
    refuse_first(parts.mailer, sender, times=1)
    try:
        yield
    finally:
        await provider.aclose()
        relay.close()
        await relay.wait_closed()
        await runner.cleanup()


def fail_once_in_the_database(parts: Parts) -> None:
    """Let one activity fail on a row whose values are marked, as a broken constraint would make it."""
    book = parts.sendings
    begin = book.begin_sending
    broken: list[str] = []

    def begin_sending(order: SendOrder, token: str) -> Any:
        if not broken:
            broken.append(token)
            with parts.database.transaction() as session:
                values = {"id": "x", "number": NUMBER, "name": NAME, "phone": PHONE}
                statement = (
                    "INSERT INTO person (id, number, name, phone) VALUES (:id, :number, :name, :phone)"
                )
                session.execute(text(statement), values)
        return begin(order, token)

    book.begin_sending = begin_sending  # type: ignore[method-assign]


async def play(s: Story) -> None:
    """Play one case with everything people write in it, until it is cancelled."""
    await s.start(date(2026, 2, 20), overdue={"before_end": "skip"})
    await s.until(at("02-25 10:00"))
    assert await s.act(ActKind.PAUSE, reason=REASON) == "accepted"
    assert (await s.act(ActKind.PAUSE, reason=REASON)).startswith("refused")
    assert await s.act(ActKind.RESUME, reason=REASON) == "settled"
    await s.answer(ActKind.EXTENSION_ASKED, on="2026-03-20", reason=REASON)
    assert await s.act(ActKind.EXTENSION_REFUSED, reason=REASON) == "settled"
    await s.until(at("03-12 12:00"))
    await s.answer(ActKind.OBJECTED, reason=REASON)
    assert await s.act(ActKind.CANCEL, reason=REASON) == "accepted"


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Log all that the libraries can say. SQLAlchemy at INFO: at DEBUG it is asked to print rows."""
    caplog.set_level(logging.INFO, "sqlalchemy")
    for name in LOGGERS:
        caplog.set_level(logging.DEBUG, name)
    return caplog


# -- the grep ------------------------------------------------------------------------------------------------


async def test_a_whole_case_leaves_nothing_personal_in_histories_logs_and_metrics(
    tmp_path: Path, everything_logged: pytest.LogCaptureFixture
) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s, quoting_providers(s.parts):
        fail_once_in_the_database(s.parts)
        await play(s)
        kept, measured = await kept_by_temporal(s), await metrics(s.parts)
    logged = everything_logged.text
    assert leaks(kept) == []
    assert leaks(logged) == []
    assert leaks(measured) == []
    # What was looked through is really there, and the world did quote.
    for word in ("20429", "450", "first_notice", "CsStage", "extension_refused", "case.closed"):
        assert word in kept, word
    # The text of a failure that goes to the server is the text the worker logs.
    assert "IntegrityError" in logged
    assert {"temporalio", "sqlalchemy"} <= {r.name.partition(".")[0] for r in everything_logged.records}
    assert "countersign_cases" in measured


async def test_a_circular_leaves_neither_its_words_nor_its_addressee_in_histories_logs_and_metrics(
    tmp_path: Path, everything_logged: pytest.LogCaptureFixture
) -> None:
    async with story(tmp_path, at("03-02 08:00")) as s, quoting_providers(s.parts):
        await s.circulate([NUMBER])
        await s.until(at("03-02 10:00"))
        await s.answer(ActKind.OBJECTED, reason=REASON)
        await s.act(ActKind.OBJECTION_ANSWERED, reason=REASON)
        assert await s.answer(ActKind.ACKNOWLEDGED) == "accepted"
        kept, measured = await kept_by_temporal(s), await metrics(s.parts)
    for told in (kept, everything_logged.text, measured):
        assert leaks(told) == []
        assert "防火" not in told
        assert "吸烟" not in told
    for word in ("20429", "first_notice", "objection_answered", "acknowledgement_standard", "case.closed"):
        assert word in kept, word


async def test_a_departure_leaves_neither_things_nor_customers_nor_money_in_histories_logs_and_alarms(
    tmp_path: Path, everything_logged: pytest.LogCaptureFixture
) -> None:
    held = (
        ("customers", "C-1", "标记客户有限公司", None),
        ("documents", "D-1", "标记底稿", None),
        ("equipment", "E-1", "标记电脑", 76_543_21),
    )
    told = (
        "标记客户有限公司",
        "标记底稿",
        "标记电脑",
        "7654321",
        "76,543.21",
        "5432109",
        "54,321.09",
        "标记同事",
    )
    async with story(tmp_path, at("03-09 10:00")) as s, quoting_providers(s.parts):
        successor = add_colleague(s.parts, "E2001", name="标记同事")
        add_holdings(s.parts, held=held)
        leaving = Leaving(s)
        await leaving.books(loan, "54321.09")
        await s.depart("absence", date(2026, 3, 9), noticed_on=date(2026, 3, 9), successor="E2001")
        await s.until(at("03-09 12:00"))
        assert await leaving.hands_over("C-1") in {"settled", "accepted"}
        disputes = HandoverAct(
            "d" * 40,
            s.departure_id,
            Speaker.RECEIVER,
            Side.RECEIVER,
            Role.EMPLOYEE,
            successor,
            person_id=successor,
            items=leaving.ids("C-1"),
            words=REASON,
        )
        await leaving.do(lambda: s.parts.handover_book.dispute(disputes))
        await s.until(at("03-11 12:00"))
        assert await leaving.served(date(2026, 3, 11)) == "settled"
        await s.until(at("03-12 12:00"))
        kept = ""
        for case in (s.departure_id, s.statutory_id, s.share_of("E2001")):
            with s.looking_at(case):
                kept += await kept_by_temporal(s)
        measured = await metrics(s.parts)
        with s.parts.database.reading() as session:
            alarms = "\n".join(repr(one) for one in session.exec(select(Alarm)))
    for shown in (kept, everything_logged.text, measured, alarms):
        assert leaks(shown) == []
        assert [secret for secret in told if secret in shown] == []
    for word in (
        "Offboarding",
        "Statutory",
        "Handover",
        "20429",
        "termination_notice",
        "disputed",
        "certificate",
        "look",
    ):
        assert word in kept, word
    assert "left_with_open_items" in alarms


async def test_the_grep_finds_a_number_that_an_adapter_lets_through(
    tmp_path: Path, everything_logged: pytest.LogCaptureFixture
) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        s.parts.sms.answers += [failed(OutcomeState.FAILED_PERMANENT, f"refused {PHONE}")]  # type: ignore[attr-defined]
        await s.start(date(2026, 2, 20), overdue={"before_end": "skip"})
        await s.until(at("02-25 10:00"))
        logging.getLogger("countersign.planted").debug("wrote to %s", EMAIL)
        kept = await kept_by_temporal(s)
    assert leaks(kept) == [PHONE, PHONE[3:]]
    assert EMAIL in leaks(everything_logged.text)


async def test_the_grep_finds_a_name_that_stands_in_an_order_to_an_activity() -> None:
    order = NoticeOrder("01CASE", "1.first", NAME, Audience.EMPLOYEE, (), at("02-25 09:00"), None)
    (payload,) = await pydantic_data_converter.encode([order])
    event = {"activityTaskScheduledEventAttributes": {"input": {"payloads": [MessageToDict(payload)]}}}
    assert leaks("\n".join(texts(event))) == [NAME]


@pytest.mark.parametrize("secret", SECRETS)
def test_the_grep_knows_every_marked_value_plain_and_escaped(secret: str) -> None:
    assert secret in leaks(f'"{secret}"')
    assert secret in leaks(json.dumps({"found": secret}))
    assert secret in leaks("\n".join(texts({"data": base64.b64encode(f'["{secret}"]'.encode()).decode()})))


def test_an_id_that_holds_the_number_by_chance_is_no_leak() -> None:
    assert leaks(f"01M83W{NUMBER}FTCHVQF5HG47") == []
