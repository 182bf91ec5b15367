"""The mail intake as a mail server: real connections, and what it confirms, refuses and puts off."""

import asyncio
import hashlib
import socket
import threading
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path

import aiosmtplib
import pytest
from sqlalchemy.exc import OperationalError

from countersign.adapters import mail_intake
from countersign.adapters.documents import Documents
from countersign.adapters.links import LinkKeys
from countersign.adapters.mail_addresses import MailAddresses
from countersign.adapters.mail_intake import IntakeServer, MailFault, MailIntake, MailRefused

DELIVERY = "01KA0Z3Q5T7V9XBDFHJKMNPQRS"
ADDRESSES = MailAddresses(LinkKeys({"1": b"one" * 11}), "intake.example.com")
BOUNCE, REPLY = ADDRESSES.return_path(DELIVERY) or "", ADDRESSES.reply_to(DELIVERY) or ""
MAIL = b"From: zw@example.com\r\nSubject: Re\r\n\r\n..dots\r\nhello\r\n"
LIMIT = 300_000


@dataclass
class Inbox:
    """Keeps rows as the inbox does: once for each token; `fault` stands for a database that is away."""

    rows: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    fault: Exception | None = None

    def keep(self, source: str, raw: Mapping[str, str], token: str | None) -> bool:
        if self.fault is not None:
            raise self.fault
        if token in self.tokens:
            return False
        self.tokens.add(token)
        self.rows.append((source, dict(raw)))
        return True


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def intake(tmp_path: Path, inbox: Inbox) -> MailIntake:
    return MailIntake(ADDRESSES, inbox.keep, Documents(tmp_path), LIMIT)


@pytest.fixture
async def port(intake: MailIntake) -> AsyncIterator[int]:
    server = IntakeServer(intake, "intake.example.com", most_connections=3)
    yield await server.start("127.0.0.1", 0)
    await server.aclose()
    assert server.connections == set()


def client(port: int) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(hostname="127.0.0.1", port=port, timeout=10, start_tls=False)


async def send(port: int, to: str, raw: bytes = MAIL, sender: str = "") -> str:
    async with client(port) as smtp:
        await smtp.mail(sender)
        await smtp.rcpt(to)
        return (await smtp.data(raw)).message


def stored(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


async def test_a_mail_is_confirmed_when_its_bytes_and_its_row_are_stored(
    port: int, inbox: Inbox, tmp_path: Path
) -> None:
    await send(port, BOUNCE)
    sha256 = hashlib.sha256(MAIL).hexdigest()
    assert (tmp_path / sha256[:2] / sha256).read_bytes() == MAIL
    expected = {
        "sha256": sha256,
        "size": str(len(MAIL)),
        "rcpt": BOUNCE,
        "kind": "bounce",
        "delivery": DELIVERY,
        "mail_from": "",
    }
    assert inbox.rows == [("mail", expected)]


async def test_the_same_mail_sent_again_is_confirmed_and_stands_there_once(port: int, inbox: Inbox) -> None:
    for _ in range(2):
        await send(port, REPLY.upper(), sender="zw@example.com")
    assert [(row["kind"], row["rcpt"], row["mail_from"]) for _, row in inbox.rows] == [
        ("reply", REPLY, "zw@example.com")
    ]


@pytest.mark.parametrize(
    "address",
    [
        "postmaster@intake.example.com",
        "somebody@elsewhere.example",
        BOUNCE.replace("b-", "r-", 1),
        BOUNCE.replace("intake", "other"),
        f"b-{DELIVERY.lower()}-aaaaaaaaaa@intake.example.com",
    ],
)
async def test_an_address_that_was_not_made_here_is_refused_in_words(
    port: int, inbox: Inbox, tmp_path: Path, address: str
) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientRefused) as refused:
        await send(port, address)
    assert refused.value.code == 550
    assert "Only answers to our notices" in refused.value.message
    assert inbox.rows == stored(tmp_path) == []


async def test_too_large_a_mail_is_refused_by_its_announced_and_by_its_real_size(
    port: int, inbox: Inbox, tmp_path: Path
) -> None:
    big = b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * (LIMIT // 72)
    async with client(port) as smtp:
        await smtp.ehlo()
        assert smtp.esmtp_extensions["size"] == str(LIMIT)
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as announced:
            await smtp.mail("", options=[f"SIZE={len(big)}"])
        assert announced.value.code == 552
    with pytest.raises(aiosmtplib.SMTPDataError) as real:
        await send(port, BOUNCE, big)
    assert real.value.code == 552
    assert inbox.rows == stored(tmp_path) == []


async def pour(writer: asyncio.StreamWriter) -> None:
    for _ in range(10_000):
        writer.write(b"x" * 65_536)
        await writer.drain()


async def test_a_mail_without_end_is_cut_off(
    port: int, inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_intake, "_OVERRUN", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for command in (b"EHLO x", b"MAIL FROM:<>", b"RCPT TO:<%s>" % BOUNCE.encode(), b"DATA"):
        writer.write(command + b"\r\n")
    said = b""
    while b"354" not in said:
        said += await reader.read(4096)
    with pytest.raises(ConnectionError):
        await pour(writer)
    writer.close()
    assert inbox.rows == stored(tmp_path) == []


async def test_while_the_database_is_away_the_sender_keeps_the_mail(port: int, inbox: Inbox) -> None:
    inbox.fault = OperationalError("insert", {}, Exception("gone"))
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await send(port, BOUNCE)
    assert refused.value.code == 451
    assert "gone" not in refused.value.message
    inbox.fault = None
    await send(port, BOUNCE)
    assert len(inbox.rows) == 1


async def test_while_the_disk_is_full_nothing_is_confirmed(
    port: int, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(documents: Documents, data: bytes) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Documents, "keep", full)
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await send(port, BOUNCE)
    assert refused.value.code == 451
    assert inbox.rows == []


async def test_a_mail_with_two_megabytes_attached_arrives_byte_for_byte(inbox: Inbox, tmp_path: Path) -> None:
    server = IntakeServer(
        MailIntake(ADDRESSES, inbox.keep, Documents(tmp_path), 15 * 1024 * 1024), "intake.example.com"
    )
    port = await server.start("127.0.0.1", 0)
    mail = EmailMessage(policy=SMTP_POLICY)
    mail.set_content("见附件")
    paper = bytes(range(256)) * 8192
    mail.add_attachment(paper, maintype="image", subtype="jpeg", filename="证明.jpg")
    raw = mail.as_bytes()
    assert len(raw) > len(paper) == 2 * 1024 * 1024
    await send(port, REPLY, raw, "zw@example.com")
    await server.aclose()
    (file,) = stored(tmp_path)
    assert file.read_bytes() == raw
    assert file.name == inbox.rows[0][1]["sha256"]


async def test_garbage_and_long_lines_are_taken_like_any_mail(port: int, inbox: Inbox) -> None:
    await send(port, BOUNCE, b"\x00\xff\xfe" + b"z" * 20_000 + b"\r\n\r\n\x80\r\n")
    assert len(inbox.rows) == 1


async def test_one_connection_too_many_is_turned_away_with_words(port: int) -> None:
    kept = [client(port) for _ in range(3)]
    for one in kept:
        await one.connect()
    with pytest.raises(aiosmtplib.SMTPConnectResponseError) as busy:
        await client(port).connect()
    assert busy.value.code == 421
    await kept[0].quit()
    await asyncio.sleep(0.05)
    await send(port, BOUNCE)
    for one in kept[1:]:
        await one.quit()


async def test_a_silent_connection_is_ended(intake: MailIntake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_intake, "_CONNECTION_S", 0.1)
    server = IntakeServer(intake, "intake.example.com")
    port = await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = await asyncio.wait_for(reader.read(), 5)
    assert said.startswith(b"220 ")
    writer.close()
    await server.aclose()


async def test_more_recipients_than_a_mail_of_ours_has_are_put_off(port: int, inbox: Inbox) -> None:
    async with client(port) as smtp:
        await smtp.mail("")
        for _ in range(20):
            await smtp.rcpt(BOUNCE)
        with pytest.raises(aiosmtplib.SMTPRecipientRefused) as refused:
            await smtp.rcpt(REPLY)
        assert refused.value.code == 452
        await smtp.data(MAIL)
    assert len(inbox.rows) == 1


async def test_closing_hangs_up_on_open_conversations(intake: MailIntake) -> None:
    server = IntakeServer(intake, "intake.example.com")
    port = await server.start("127.0.0.1", 0)
    smtp = client(port)
    await smtp.connect()
    await server.aclose()
    assert server.connections == set()
    smtp.close()


@pytest.mark.parametrize(
    ("head", "sender"),
    [
        (b"Return-Path: <>\r\n", ""),
        (b"Received: x\r\nreturn-path: <zw@example.com>\r\n", "zw@example.com"),
        (b"Subject: x\r\n", "unknown"),
    ],
)
def test_of_a_mail_from_a_mailbox_the_envelope_sender_is_read_from_its_head(
    intake: MailIntake, inbox: Inbox, head: bytes, sender: str
) -> None:
    assert intake.take(head + b"\r\nReturn-Path: <forged@example.com>\r\n", BOUNCE, None)
    assert inbox.rows[0][1]["mail_from"] == sender


@pytest.mark.parametrize(
    ("raw", "fault"), [(b"", MailFault.EMPTY), (b"x" * (LIMIT + 1), MailFault.TOO_LARGE)]
)
def test_nothing_and_too_much_are_no_mails(intake: MailIntake, raw: bytes, fault: MailFault) -> None:
    with pytest.raises(MailRefused) as refused:
        intake.take(raw, BOUNCE, "")
    assert refused.value.fault is fault


def test_two_threads_that_store_the_same_mail_leave_one_file(
    intake: MailIntake, inbox: Inbox, tmp_path: Path
) -> None:
    threads = [threading.Thread(target=intake.take, args=(MAIL, BOUNCE, "")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [file.read_bytes() for file in stored(tmp_path)] == [MAIL]


def test_a_taken_port_is_an_error_of_the_start(intake: MailIntake) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            asyncio.run(IntakeServer(intake, "x").start("127.0.0.1", taken.getsockname()[1]))
