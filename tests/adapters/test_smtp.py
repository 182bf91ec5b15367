"""The mailer against a real SMTP server, and against a scripted one for what real servers rarely do."""

import asyncio
import contextlib
import logging
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP

from countersign.adapters.smtp import SmtpMailer, transmitted
from countersign.contracts.sending import MailMessage, OutcomeState, SendOutcome
from countersign.sandbox.faults import FaultBoard, MailFault
from countersign.sandbox.mail import MailCatcher

PERSON = "zhang.wei+hr=1@example.com"
TEXT = "张伟您好：\n请于3月2日前返岗。\n.\n..以点开头的行\nhttps://hr.example.cn/n/7K2M-XW9T-B4QP\n"


def mail(to: str = PERSON, subject: str = "返岗通知", html: str | None = None) -> MailMessage:
    return MailMessage(to, subject, TEXT, html, "<D1.1@hr.example.cn>", "N1", "D1", 1)


def mailer(port: int, tls: str = "none", timeout_s: float = 5, ca_file: Path | None = None) -> SmtpMailer:
    return SmtpMailer(
        "localhost" if ca_file else "127.0.0.1",
        port,
        None,
        None,
        tls,
        "hr@hr.example.cn",
        "远山科技 HR",
        timeout_s,
        ca_file,
    )


@pytest.fixture
async def catcher(tmp_path: Path) -> AsyncIterator[MailCatcher]:
    running = MailCatcher(tmp_path, FaultBoard())
    yield running
    await running.aclose()


@pytest.fixture
async def port(catcher: MailCatcher) -> int:
    return await catcher.start("127.0.0.1", 0)


def only_mail(catcher: MailCatcher) -> EmailMessage:
    (caught,) = catcher.mails()
    raw = catcher.raw(caught.id)
    assert raw is not None
    return message_from_bytes(raw, policy=policy.default)


async def test_a_mail_arrives_with_its_text_and_the_headers_that_machines_need(
    catcher: MailCatcher, port: int
) -> None:
    outcome = await mailer(port).send(mail())
    assert (outcome.state, outcome.provider_id) == (OutcomeState.SENT, "<D1.1@hr.example.cn>")
    kept = only_mail(catcher)
    assert kept["Message-ID"] == "<D1.1@hr.example.cn>"
    assert kept["X-Notice-Id"] == "N1"
    assert kept["Auto-Submitted"] == "auto-generated"
    assert kept["Subject"] == "返岗通知"
    assert kept["To"] == PERSON
    assert kept["From"].addresses[0].display_name == "远山科技 HR"
    assert kept["Date"].datetime.tzinfo is not None
    assert kept.get_content_type() == "text/plain"
    assert kept.get_content().replace("\r\n", "\n") == TEXT


async def test_html_stands_beside_the_text_never_instead_of_it(catcher: MailCatcher, port: int) -> None:
    await mailer(port).send(mail(html="<p>请返岗</p>"))
    kept = only_mail(catcher)
    assert [part.get_content_type() for part in kept.iter_parts()] == ["text/plain", "text/html"]


async def test_delivery_reports_are_asked_for_where_the_server_offers_them(
    catcher: MailCatcher, port: int
) -> None:
    await mailer(port).send(mail())
    assert catcher.mails()[0].dsn == {
        "RET": "HDRS",
        "ENVID": "D1",
        "NOTIFY": "SUCCESS,FAILURE,DELAY",
        "ORCPT": "rfc822;zhang.wei+2Bhr+3D1@example.com",
    }


async def test_delivery_reports_are_not_asked_of_a_server_that_would_refuse_them(tmp_path: Path) -> None:
    taken: list[str] = []

    class Plain:
        async def handle_DATA(self, server: SMTP, session: object, envelope: object) -> str:
            taken.append("mail")
            return "250 OK"

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Plain(), hostname="plain.example", loop=loop), "127.0.0.1", 0
    )
    async with server:
        outcome = await mailer(server.sockets[0].getsockname()[1]).send(mail())
    assert outcome.state is OutcomeState.SENT
    assert taken == ["mail"]


@pytest.mark.parametrize(
    ("fault", "state", "code", "kept"),
    [
        (MailFault.DOWN, OutcomeState.FAILED_TEMPORARY, "smtp_not_connected", 0),
        (MailFault.REFUSE_4XX, OutcomeState.FAILED_TEMPORARY, "smtp_451", 0),
        (MailFault.REFUSE_5XX, OutcomeState.FAILED_PERMANENT, "smtp_550", 0),
        (MailFault.DROP_BEFORE_DATA, OutcomeState.FAILED_TEMPORARY, "smtp_interrupted", 0),
        (MailFault.DROP_AFTER_DATA, OutcomeState.UNKNOWN, "smtp_no_reply", 1),
        (MailFault.SLOW, OutcomeState.UNKNOWN, "smtp_no_reply", 1),
    ],
)
async def test_each_failure_says_whether_the_mail_may_have_left(
    catcher: MailCatcher, port: int, fault: MailFault, state: OutcomeState, code: str, kept: int
) -> None:
    catcher.faults.switch_on(fault, seconds=1.5)
    outcome = await mailer(port, timeout_s=0.5).send(mail())
    assert (outcome.state, outcome.code, outcome.provider_id) == (state, code, None)
    assert len(catcher.mails()) == kept


async def test_an_address_that_asks_for_a_refusal_gets_it(catcher: MailCatcher, port: int) -> None:
    outcome = await mailer(port).send(mail(to="someone+552@example.com"))
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_PERMANENT, "smtp_552")


async def test_a_closed_port_is_tried_again() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        outcome = await mailer(reserved.getsockname()[1]).send(mail())
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, "smtp_not_connected")


@contextlib.asynccontextmanager
async def scripted(replies: Sequence[str]) -> AsyncIterator[int]:
    """Serve one reply for each line of the client; the content after 354 counts as one line."""

    talks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.create_task(serve(reader, writer)))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await talk(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, reply in enumerate(replies):
            if number:
                end = b"\r\n.\r\n" if replies[number - 1].startswith("354") else b"\r\n"
                await reader.readuntil(end)
            if reply == "(silence)":
                await reader.read()
                break
            writer.write(reply.encode() + b"\r\n")
            await writer.drain()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*talks)


async def send_to(replies: Sequence[str]) -> SendOutcome:
    async with scripted(replies) as at:
        return await mailer(at, timeout_s=0.5).send(mail())


@pytest.mark.parametrize(
    ("replies", "state", "code"),
    [
        (["554 go away"], OutcomeState.FAILED_TEMPORARY, "smtp_not_connected"),
        (["(silence)"], OutcomeState.FAILED_TEMPORARY, "smtp_not_connected"),
        (["220 hi", "250 ok", "(silence)"], OutcomeState.FAILED_TEMPORARY, "smtp_interrupted"),
        (["220 hi", "250 ok", "250 ok", "250 ok", "(silence)"], OutcomeState.FAILED_TEMPORARY, None),
        (["220 hi", "250 ok", "550 sender"], OutcomeState.FAILED_PERMANENT, "smtp_550"),
        (["220 hi", "250 ok", "421 closing"], OutcomeState.FAILED_TEMPORARY, "smtp_421"),
        (["220 hi", "250 ok", "250 ok", "250 ok", "554 no"], OutcomeState.FAILED_PERMANENT, "smtp_554"),
        (
            ["220 hi", "250 ok", "250 ok", "250 ok", "354 go", "451 later"],
            OutcomeState.FAILED_TEMPORARY,
            "smtp_451",
        ),
        (
            ["220 hi", "250 ok", "250 ok", "250 ok", "354 go", "554 spam"],
            OutcomeState.FAILED_PERMANENT,
            "smtp_554",
        ),
        (["220 hi", "250 ok", "250 ok", "250 ok", "354 go", "(silence)"], OutcomeState.UNKNOWN, None),
        (["220 hi", "250 ok", "250 ok", "250 ok", "354 go", "nonsense"], OutcomeState.UNKNOWN, None),
        (["220 hi", "250 ok", "250 ok", "250 ok", "354 go", "250 ok", "(silence)"], OutcomeState.SENT, None),
        (["220 hi", "502 no", "250 ok", "250 ok", "250 ok", "354 go", "250 ok"], OutcomeState.SENT, None),
    ],
)
async def test_every_step_of_the_conversation_can_end_badly(
    replies: list[str], state: OutcomeState, code: str | None
) -> None:
    outcome = await send_to(replies)
    assert outcome.state is state
    assert code is None or outcome.code == code


async def test_a_wrong_password_is_a_matter_of_settings_and_tried_again() -> None:
    async with scripted(["220 hi", "250-me\r\n250 AUTH LOGIN PLAIN", "535 no", "535 no", "535 no"]) as at:
        sender = SmtpMailer("127.0.0.1", at, "hr", "wrong", "none", "hr@hr.example.cn", "HR", 2)
        outcome = await sender.send(mail())
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, "smtp_login_refused")


async def test_without_the_demanded_encryption_nothing_is_sent(catcher: MailCatcher, port: int) -> None:
    for tls in ("starttls", "tls"):
        outcome = await mailer(port, tls=tls, timeout_s=2).send(mail())
        assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, "smtp_no_encryption")
    assert catcher.mails() == []


def make_certificate(key: Path, certificate: Path) -> None:
    what = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    name = ["-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *what.split(), *name, *files], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_mail_travels_encrypted_to_a_trusted_server_and_not_to_another(
    tmp_path: Path, tls: str
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    await asyncio.to_thread(make_certificate, key, certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    encrypted: list[bool] = []

    class Handler:
        async def handle_DATA(self, server: SMTP, session: object, envelope: object) -> str:
            encrypted.append(server.transport.get_extra_info("cipher") is not None)
            return "250 OK"

    loop = asyncio.get_running_loop()
    later = {"tls_context": context, "require_starttls": True} if tls == "starttls" else {}
    server = await loop.create_server(
        lambda: SMTP(Handler(), hostname="localhost", loop=loop, **later),
        "127.0.0.1",
        0,
        ssl=context if tls == "tls" else None,
    )
    async with server:
        at = server.sockets[0].getsockname()[1]
        outcome = await mailer(at, tls, ca_file=certificate).send(mail())
        stranger = SmtpMailer("localhost", at, None, None, tls, "hr@hr.example.cn", "HR", 5)
        refused = await stranger.send(mail())
        await asyncio.sleep(0.05)
    assert outcome.state is OutcomeState.SENT
    assert encrypted == [True]
    assert (refused.state, refused.code) == (OutcomeState.FAILED_TEMPORARY, "smtp_no_encryption")


@pytest.mark.parametrize(
    "to", ["", "nobody", "a@", "@b", "a b@example.com", "a@example.com\r\nBcc: x@example.com", "a@b, c@d"]
)
async def test_what_is_no_address_is_refused_before_any_connection(to: str) -> None:
    outcome = await mailer(9).send(mail(to=to))
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_PERMANENT, "mail_bad_address")


async def test_a_subject_with_a_line_break_cannot_smuggle_a_header() -> None:
    outcome = await mailer(9).send(mail(subject="返岗\r\nBcc: x@example.com"))
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_PERMANENT, "mail_bad_content")


async def test_an_address_with_chinese_characters_is_sent_where_the_server_takes_it(
    catcher: MailCatcher, port: int
) -> None:
    assert (await mailer(port).send(mail(to="张伟@example.com"))).state is OutcomeState.SENT
    assert catcher.mails()[0].to == ("张伟@example.com",)
    outcome = await send_to_plain_server("张伟@example.com")
    assert outcome.code == "mail_bad_address"


async def test_a_chinese_domain_is_written_in_ascii_for_any_server(catcher: MailCatcher, port: int) -> None:
    assert (await mailer(port).send(mail(to="zhang@例子.中国"))).state is OutcomeState.SENT
    assert catcher.mails()[0].to == ("zhang@xn--fsqu00a.xn--fiqs8s",)


async def send_to_plain_server(to: str) -> SendOutcome:
    async with scripted(["220 hi", "250 ok", "221 bye"]) as at:
        return await mailer(at).send(mail(to=to))


async def test_neither_address_nor_text_reaches_an_outcome_or_a_log(
    catcher: MailCatcher, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    # The catcher logs envelopes, as mail servers do; ours is the client's side.
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    caplog.set_level(logging.DEBUG)
    outcomes = [await mailer(port).send(mail())]
    catcher.faults.switch_on(MailFault.REFUSE_5XX)
    outcomes.append(await mailer(port).send(mail()))
    told = caplog.text + repr(outcomes) + repr(mail())
    assert "zhang.wei" not in told
    assert "返岗" not in told


def test_a_line_that_starts_with_a_dot_does_not_end_the_mail() -> None:
    assert transmitted(b"a\r\n.\r\n.b\r\n") == b"a\r\n..\r\n..b\r\n.\r\n"


def test_a_password_is_never_sent_in_the_clear_to_another_machine() -> None:
    with pytest.raises(ValueError, match="starttls or tls"):
        SmtpMailer("mail.example.com", 25, "hr", "secret", "none", "hr@example.com", "HR", 5)


def test_a_sender_that_is_no_address_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="mail settings"):
        SmtpMailer("127.0.0.1", 25, None, None, "none", "nobody at all", "HR", 5)


async def test_answers_and_reports_are_asked_to_addresses_of_their_own(
    catcher: MailCatcher, port: int
) -> None:
    message = replace(mail(), return_path="b-d1-x@back.example.cn", reply_to="r-d1-x@back.example.cn")
    assert (await mailer(port).send(message)).state is OutcomeState.SENT
    kept = only_mail(catcher)
    assert catcher.mails()[0].envelope_from == "b-d1-x@back.example.cn"
    assert kept["Reply-To"] == "r-d1-x@back.example.cn"
    assert kept["From"].addresses[0].addr_spec == "hr@hr.example.cn"


async def test_without_them_the_sender_stands_in_the_envelope(catcher: MailCatcher, port: int) -> None:
    await mailer(port).send(mail())
    assert catcher.mails()[0].envelope_from == "hr@hr.example.cn"
    assert only_mail(catcher)["Reply-To"] is None


@pytest.mark.parametrize("wrong", ["no address", "a@b\r\nBcc: c@d.example"])
@pytest.mark.parametrize("which", ["return_path", "reply_to"])
async def test_a_return_address_that_is_none_sends_nothing(
    catcher: MailCatcher, port: int, which: str, wrong: str
) -> None:
    outcome = await mailer(port).send(replace(mail(), **{which: wrong}))
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_PERMANENT, "mail_bad_content")
    assert catcher.mails() == []
