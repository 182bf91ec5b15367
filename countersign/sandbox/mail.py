"""A mail server that keeps everything and forwards nothing; it offers DSN, fails and answers on demand.

A recipient whose local part ends in `+450` or any other reply code from 400 to 599 is refused with it.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol, cast

from aiosmtpd.smtp import SMTP, Envelope, Session, syntax
from ulid import ULID

from countersign.sandbox.faults import FaultBoard, MailFault
from countersign.sandbox.mail_answers import MailAnswers, MailReplyImpossible, TakenMail

_ASKED_REPLY = re.compile(r"\+([45]\d\d)$")
_DSN_PARAMETER = re.compile(r"(RET|ENVID|NOTIFY|ORCPT)=(\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class CaughtMail:
    """One line of the index; the mail itself is `<id>.eml` beside it. `dsn` holds what the sender asked."""

    id: str
    at: str
    envelope_from: str
    to: tuple[str, ...]
    subject: str
    message_id: str
    notice_id: str
    dsn: dict[str, str]


class _Abortable(Protocol):
    def abort(self) -> None: ...


class _CatchingSmtp(SMTP):
    """The server side of one connection, with the DSN parameters that the library answers with 555."""

    def __init__(self, catcher: "MailCatcher", loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(catcher, hostname="sandbox.localhost", enable_SMTPUTF8=True, loop=loop)
        self._catcher = catcher
        self.dsn: dict[str, str] = {}
        self.offers_dsn = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._catcher.connections.add(self)
        super().connection_made(transport)
        if self._catcher.faults.hit(MailFault.DOWN):
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._catcher.connections.discard(self)
        super().connection_lost(error)

    def abort(self) -> None:
        """Cut the connection without a word."""
        if self.transport is not None:
            cast(_Abortable, self.transport).abort()

    def _take_dsn(self, arg: str | None) -> str | None:
        if arg is None or not self.offers_dsn:
            return arg
        self.dsn |= {name.upper(): value for name, value in _DSN_PARAMETER.findall(arg)}
        return _DSN_PARAMETER.sub("", arg).strip()

    @syntax("MAIL FROM: <address>", extended=" [SP <mail-parameters>]")
    async def smtp_MAIL(self, arg: str | None) -> None:
        self.dsn = {}
        await super().smtp_MAIL(self._take_dsn(arg))

    @syntax("RCPT TO: <address>", extended=" [SP <mail-parameters>]")
    async def smtp_RCPT(self, arg: str | None) -> None:
        await super().smtp_RCPT(self._take_dsn(arg))

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        if self._catcher.faults.hit(MailFault.DROP_BEFORE_DATA):
            self.abort()
            return
        await super().smtp_DATA(arg)


class MailCatcher:
    """Keeps mails under `data_dir/mail`: raw, and an index of one JSON line each.

    `answers` sends back what the addresses ask for; without it nothing ever comes back.
    """

    def __init__(self, data_dir: Path, faults: FaultBoard, answers: MailAnswers | None = None) -> None:
        self._folder = data_dir / "mail"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._index = self._folder / "index.jsonl"
        self.faults, self.answers = faults, answers
        self.connections: set[_CatchingSmtp] = set()
        self._server: asyncio.Server | None = None
        self._mails = [_from_line(line) for line in self._lines()]

    def _lines(self) -> list[str]:
        return self._index.read_text("utf-8").splitlines() if self._index.exists() else []

    async def start(self, host: str, port: int) -> int:
        """Listen in the running loop; port 0 takes a free one. Returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _CatchingSmtp(self, loop), host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        """Stop listening and cut what is still connected."""
        if self._server is not None:
            self._server.close()
            for connection in list(self.connections):
                connection.abort()
            await self._server.wait_closed()
            await asyncio.sleep(0)
        if self.answers is not None:
            await self.answers.aclose()

    def mails(self) -> list[CaughtMail]:
        """List what was caught, oldest first."""
        return list(self._mails)

    def raw(self, mail_id: str) -> bytes | None:
        """Return a mail as it came over the wire, or None."""
        known = any(mail.id == mail_id for mail in self._mails)
        return (self._folder / f"{mail_id}.eml").read_bytes() if known else None

    def text(self, mail_id: str) -> str:
        """Return the plain text of a mail; empty when it has none."""
        raw = self.raw(mail_id)
        part = None if raw is None else _parsed(raw).get_body(("plain",))
        return "" if part is None else str(part.get_content())

    async def reply(self, mail_id: str, words: str) -> str:
        """Answer a mail as its first recipient; return what the intake said. Raises `MailReplyImpossible`."""
        mail = next((mail for mail in self._mails if mail.id == mail_id), None)
        raw = self.raw(mail_id)
        if mail is None or raw is None:
            raise MailReplyImpossible("没有这封邮件 · There is no such mail.")
        if self.answers is None:
            raise MailReplyImpossible("没有邮件接收服务 · There is no mail intake to answer to.")
        return await self.answers.reply(TakenMail(mail.envelope_from, mail.to[0], mail.dsn, raw), words)

    async def handle_EHLO(
        self, server: _CatchingSmtp, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Offer DSN to those who greet with EHLO."""
        session.host_name = hostname
        server.offers_dsn = self.faults.hit(MailFault.NO_DSN) is None
        if not server.offers_dsn:
            return responses
        return [*responses[:-1], "250-DSN", responses[-1]]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if self.faults.hit(MailFault.REFUSE_4XX):
            return "451 4.3.0 Try again later"
        if self.faults.hit(MailFault.REFUSE_5XX):
            return "550 5.1.1 No such mailbox"
        if asked := _ASKED_REPLY.search(address.rpartition("@")[0]):
            return f"{asked[1]} Refused as the address asks for"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: _CatchingSmtp, session: Session, envelope: Envelope) -> str:
        """Keep a mail."""
        self._keep(envelope, server.dsn)
        if self.answers is not None:
            raw = cast(bytes, envelope.original_content)
            for recipient in envelope.rcpt_tos:
                self.answers.answer(TakenMail(str(envelope.mail_from), recipient, dict(server.dsn), raw))
        if self.faults.hit(MailFault.DROP_AFTER_DATA):
            server.abort()
        if slow := self.faults.hit(MailFault.SLOW):
            await asyncio.sleep(slow.wait(self.faults.dice))
        return "250 OK kept"

    def _keep(self, envelope: Envelope, dsn: Mapping[str, str]) -> None:
        raw = cast(bytes, envelope.original_content)
        parsed = _parsed(raw)
        mail = CaughtMail(
            id=str(ULID()),
            at=datetime.now(UTC).isoformat(),
            envelope_from=str(envelope.mail_from),
            to=tuple(envelope.rcpt_tos),
            subject=str(parsed.get("Subject", "")),
            message_id=str(parsed.get("Message-ID", "")),
            notice_id=str(parsed.get("X-Notice-Id", "")),
            dsn=dict(dsn),
        )
        # The index line comes last: a kill in between leaves a file without a line, never the reverse.
        (self._folder / f"{mail.id}.eml").write_bytes(raw)
        with self._index.open("a", encoding="utf-8") as index:
            index.write(json.dumps(asdict(mail), ensure_ascii=False) + "\n")
        self._mails.append(mail)


def _parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def _from_line(line: str) -> CaughtMail:
    values: dict[str, Any] = json.loads(line)
    return CaughtMail(**{**values, "to": tuple(values["to"])})
