"""What comes back from the mail stand-in: the reports of a relay and the answers of people."""

import asyncio
from collections.abc import AsyncIterator, Callable
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx2
import pytest
from aiosmtpd.smtp import SMTP

from countersign.adapters.smtp import SmtpMailer
from countersign.contracts.sending import MailMessage, OutcomeState
from countersign.domain.mail_report import MailKind, MailReport, read_mail
from countersign.sandbox.faults import FaultBoard, MailFault
from countersign.sandbox.mail import MailCatcher
from countersign.sandbox.mail_answers import MailAnswers
from countersign.sandbox.server import SandboxSettings, sandbox

BACK, REPLY = "b-1@intake.example", "r-1@intake.example"
TEXT = "请返岗。\n回执码：7K2M-XW9T-B4QP\n"


class Intake:
    """A mail server that notes what comes back: sender, recipient, raw bytes; at first `busy` times 451."""

    def __init__(self) -> None:
        self.came: list[tuple[str, str, bytes]] = []
        self.busy = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.busy:
            self.busy -= 1
            return "451 later"
        self.came.append((envelope.mail_from, envelope.rcpt_tos[0], envelope.original_content))
        return "250 OK stored"

    def reports(self) -> list[MailReport]:
        return [read_mail(raw, null_sender=sender == "<>") for sender, _, raw in self.came]


@pytest.fixture
async def intake() -> AsyncIterator[tuple[Intake, int]]:
    taking = Intake()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(taking, hostname="intake.example", loop=loop), "127.0.0.1", 0
    )
    async with server:
        yield taking, server.sockets[0].getsockname()[1]


@pytest.fixture
async def relay(tmp_path: Path, intake: tuple[Intake, int]) -> AsyncIterator[tuple[MailCatcher, SmtpMailer]]:
    catcher = MailCatcher(tmp_path, FaultBoard(), MailAnswers("127.0.0.1", intake[1], step_seconds=0.01))
    port = await catcher.start("127.0.0.1", 0)
    yield catcher, SmtpMailer("127.0.0.1", port, None, None, "none", "hr@example.com", "HR", 5)
    await catcher.aclose()


def mail(to: str) -> MailMessage:
    return MailMessage(
        to, "返岗通知", TEXT, None, "<D1.1@x>", "N1", "D1", 1, return_path=BACK, reply_to=REPLY
    )


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come back in time")


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("bounce.zhang@example.com", [(MailKind.BOUNCE, "5.1.1")]),
        ("Full@example.com", [(MailKind.DELAY, "4.2.2"), (MailKind.BOUNCE, "5.2.2")]),
        ("delivered@example.com", [(MailKind.DELIVERED, "2.0.0")]),
        ("away@example.com", [(MailKind.AUTOMATIC, None)]),
    ],
)
async def test_the_address_says_what_comes_back(
    relay: tuple[MailCatcher, SmtpMailer],
    intake: tuple[Intake, int],
    to: str,
    told: list[tuple[MailKind, str | None]],
) -> None:
    outcome = await relay[1].send(mail(to))
    assert outcome.state is OutcomeState.SENT
    await until(lambda: len(intake[0].came) == len(told))
    assert [(report.kind, report.status) for report in intake[0].reports()] == told
    assert {(sender, rcpt) for sender, rcpt, _ in intake[0].came} == {("<>", BACK)}


async def test_a_report_names_our_delivery_and_the_address_as_it_was_given(
    relay: tuple[MailCatcher, SmtpMailer], intake: tuple[Intake, int]
) -> None:
    await relay[1].send(mail("bounce+hr=1@example.com"))
    await until(lambda: len(intake[0].came) == 1)
    raw = intake[0].came[0][2].decode()
    assert "Original-Envelope-Id: D1" in raw
    assert "Original-Recipient: rfc822;bounce+hr=1@example.com" in raw
    assert "Message-ID: <D1.1@x>" in raw


async def test_nothing_comes_back_for_other_addresses(
    relay: tuple[MailCatcher, SmtpMailer], intake: tuple[Intake, int]
) -> None:
    await relay[1].send(mail("zhang.wei@example.com"))
    await asyncio.sleep(0.1)
    assert intake[0].came == []


async def test_a_server_without_delivery_reports_is_asked_for_none_and_still_bounces(
    relay: tuple[MailCatcher, SmtpMailer], intake: tuple[Intake, int]
) -> None:
    relay[0].faults.switch_on(MailFault.NO_DSN)
    for to in ("delivered@example.com", "bounce@example.com"):
        assert (await relay[1].send(mail(to))).state is OutcomeState.SENT
    await until(lambda: len(intake[0].came) == 1)
    await asyncio.sleep(0.1)
    assert [report.kind for report in intake[0].reports()] == [MailKind.BOUNCE]
    assert [caught.dsn for caught in relay[0].mails()] == [{}, {}]


async def test_a_busy_intake_is_tried_again(
    relay: tuple[MailCatcher, SmtpMailer], intake: tuple[Intake, int]
) -> None:
    intake[0].busy = 2
    await relay[1].send(mail("bounce@example.com"))
    await until(lambda: len(intake[0].came) == 1)


async def test_a_report_is_never_answered(
    relay: tuple[MailCatcher, SmtpMailer], intake: tuple[Intake, int]
) -> None:
    await relay[1].send(MailMessage("bounce@example.com", "x", "y", None, "<1@x>", "N", "D", 1))
    await until(lambda: len(intake[0].came) == 1)
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=relay[1]._port, start_tls=False) as smtp:
        await smtp.mail("")
        await smtp.rcpt("bounce@example.com")
        await smtp.data(intake[0].came[0][2])
    await asyncio.sleep(0.1)
    assert len(intake[0].came) == 1


async def test_the_outbox_page_answers_as_the_recipient(tmp_path: Path, intake: tuple[Intake, int]) -> None:
    settings = SandboxSettings(
        tmp_path, 0, 0, "AC" + "0" * 32, "token", step_seconds=0.01, intake_port=intake[1]
    )
    async with sandbox(settings) as running, httpx2.AsyncClient(base_url=running.url) as http:
        mailer = SmtpMailer("127.0.0.1", running.smtp_port, None, None, "none", "hr@example.com", "HR", 5)
        await mailer.send(mail("zhang@example.com"))
        (caught,) = running.mail.mails()
        assert f'action="/outbox/mails/{caught.id}/reply"' in (await http.get("/outbox")).text
        answer = await http.post(f"/outbox/mails/{caught.id}/reply", data={"body": "我3月2日回来"})
        assert answer.status_code == 303
        assert "250" in answer.headers["location"]
        empty = await http.post(f"/outbox/mails/{caught.id}/reply", data={"body": " "})
        assert "empty" in empty.headers["location"]
        unknown = await http.post("/outbox/mails/0/reply", data={"body": "x"})
        assert "no+such+mail" in unknown.headers["location"]
        stranger = await http.post(
            f"/outbox/mails/{caught.id}/reply", data={"body": "x"}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert stranger.status_code == 403
    ((sender, to, raw),) = intake[0].came
    assert (sender, to) == ("zhang@example.com", REPLY)
    assert message_from_bytes(raw, policy=policy.default)["In-Reply-To"] == "<D1.1@x>"
    report = read_mail(raw)
    assert (report.kind, report.text, report.above) == (MailKind.REPLY, "我3月2日回来", "我3月2日回来")


async def test_without_an_intake_the_page_offers_no_answer(tmp_path: Path) -> None:
    settings = SandboxSettings(tmp_path, 0, 0, "AC" + "0" * 32, "token")
    async with sandbox(settings) as running, httpx2.AsyncClient(base_url=running.url) as http:
        mailer = SmtpMailer("127.0.0.1", running.smtp_port, None, None, "none", "hr@example.com", "HR", 5)
        await mailer.send(mail("bounce@example.com"))
        (caught,) = running.mail.mails()
        assert "/reply" not in (await http.get("/outbox")).text
        answer = await http.post(f"/outbox/mails/{caught.id}/reply", data={"body": "x"})
        assert "no+mail+intake" in answer.headers["location"]
