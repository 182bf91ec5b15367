"""Takes in mail to our own addresses: bounces and answers, by SMTP, or handed over by another program.

A mail is confirmed only when it lies on disk and its row in the inbox is committed: whoever handed it over
may forget it then. Mail to any other address is refused; nothing is ever passed on.
"""

import asyncio
import logging
import re
import signal
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from countersign.adapters.documents import Documents
from countersign.adapters.mail_addresses import MailAddresses, MailPurpose

log = logging.getLogger("countersign.mail_intake")

SOURCE = "mail"
"""The name of these reports in the inbox."""

MOST_CONNECTIONS = 50
_MOST_RECIPIENTS = 20
_COMMAND_S = 120
_CONNECTION_S = 600
_LONGEST_LINE = 64 * 1024
_OVERRUN = 1024 * 1024
_RETURN_PATH = re.compile(rb"(?im)^Return-Path:[ \t]*<?([^<>\r\n]*)>?")


class MailFault(StrEnum):
    """Why a mail is not taken."""

    NOT_OURS = "not_ours"
    TOO_LARGE = "too_large"
    EMPTY = "empty"


_SENTENCES = {
    MailFault.NOT_OURS: "Only answers to our notices and reports about them are taken, at addresses we made.",
    MailFault.TOO_LARGE: "The mail is too large; send smaller attachments.",
    MailFault.EMPTY: "The mail is empty.",
}
_REPLIES = {MailFault.NOT_OURS: "550 5.1.1", MailFault.TOO_LARGE: "552 5.3.4", MailFault.EMPTY: "554 5.6.0"}


class MailRefused(ValueError):
    """A mail that is not taken; `fault` says why in a word, the message in a sentence."""

    def __init__(self, fault: MailFault) -> None:
        self.fault = fault
        super().__init__(_SENTENCES[fault])

    @property
    def reply(self) -> str:
        """The refusal as an SMTP reply."""
        return f"{_REPLIES[self.fault]} {self}"


class MailIntake:
    """Stores mails: bytes among the documents, then a row by `keep`, the inbox's own."""

    def __init__(
        self,
        addresses: MailAddresses,
        keep: Callable[[str, Mapping[str, str], str | None], bool],
        documents: Documents,
        limit_bytes: int,
    ) -> None:
        self._addresses, self._keep, self._documents = addresses, keep, documents
        self.limit_bytes = limit_bytes

    def recognise(self, address: str) -> tuple[MailPurpose, str]:
        """Return what an address is for and its delivery; raises `MailRefused` when it is not ours."""
        known = self._addresses.read(address)
        if known is None:
            raise MailRefused(MailFault.NOT_OURS)
        return known

    def take(self, raw: bytes, to: str, mail_from: str | None) -> bool:
        """Store a mail for one recipient; False when it was stored already.

        `mail_from` is the envelope sender, empty for none; None reads it from the mail's `Return-Path`, which
        the server that put it into a mailbox has written. Raises `MailRefused`, or what disk and database
        raise; then nothing is confirmed and the mail must come again.
        """
        purpose, delivery_id = self.recognise(to)
        if not raw:
            raise MailRefused(MailFault.EMPTY)
        if len(raw) > self.limit_bytes:
            raise MailRefused(MailFault.TOO_LARGE)
        sha256 = self._documents.keep(raw)
        row = {
            "sha256": sha256,
            "size": str(len(raw)),
            "rcpt": to.strip().lower(),
            "kind": purpose,
            "delivery": delivery_id,
            "mail_from": _return_path(raw) if mail_from is None else mail_from.strip("<> "),
        }
        return self._keep(SOURCE, row, f"{purpose}\n{delivery_id}\n{sha256}")


def _return_path(raw: bytes) -> str:
    """Return the envelope sender that the last server wrote down; `unknown` when it wrote none."""
    head = re.split(rb"\r?\n\r?\n", raw[:_LONGEST_LINE], maxsplit=1)[0]
    found = _RETURN_PATH.search(head)
    return found[1].decode("utf-8", "replace").strip() if found else "unknown"


# -- the server -------------------------------------------------------------------------------------------


class _Busy(asyncio.Protocol):
    """Turns a connection away that would be one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        line = b"421 4.3.2 Too many connections; try again later.\r\n"
        cast(asyncio.WriteTransport, transport).write(line)
        transport.close()


class _IntakeSmtp(SMTP):
    """One connection, bounded in time and in what a client can make it hold."""

    line_length_limit = _LONGEST_LINE

    def __init__(self, server: "IntakeServer", loop: asyncio.AbstractEventLoop, limit_bytes: int) -> None:
        super().__init__(
            server,
            data_size_limit=limit_bytes,
            hostname=server.name,
            ident="Countersign mail intake",
            enable_SMTPUTF8=True,
            timeout=_COMMAND_S,
            loop=loop,
        )
        self._server, self._limit_bytes = server, limit_bytes
        self._received = 0
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._server.connections.add(self)
        super().connection_made(transport)
        self._end = self.loop.call_later(_CONNECTION_S, transport.close)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > 2 * self._limit_bytes + _OVERRUN:
            # The library reads an oversized mail to its end before it says so; some have none.
            self._cut(b"552 5.3.4 The mail is too large.\r\n")
            return
        super().data_received(data)

    def _cut(self, last_words: bytes) -> None:
        transport = cast(asyncio.WriteTransport | None, self.transport)
        if transport is not None and not transport.is_closing():
            transport.write(last_words)
            transport.close()

    def close(self) -> None:
        """Say that the server stops, and hang up."""
        self._cut(b"421 4.3.2 The mail intake is stopping; try again later.\r\n")

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        await super().smtp_DATA(arg)
        self._received = 0


class IntakeServer:
    """The SMTP server in front of an intake, in the running event loop."""

    def __init__(self, intake: MailIntake, name: str, most_connections: int = MOST_CONNECTIONS) -> None:
        self._intake, self.name, self._most = intake, name, most_connections
        self.connections: set[_IntakeSmtp] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; port 0 takes a free one. Returns the port; raises `OSError` when it is taken."""
        loop = asyncio.get_running_loop()

        def answer() -> asyncio.BaseProtocol:
            if len(self.connections) >= self._most:
                return _Busy()
            return _IntakeSmtp(self, loop, self._intake.limit_bytes)

        self._server = await loop.create_server(answer, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
            for connection in list(self.connections):
                connection.close()
            await self._server.wait_closed()
            await asyncio.sleep(0)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take an address that we made, refuse every other."""
        if len(envelope.rcpt_tos) >= _MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients; send the mail again for the others."
        try:
            self._intake.recognise(address)
        except MailRefused as refused:
            return refused.reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Confirm a mail once it is stored for every recipient."""
        raw, sender = cast(bytes, envelope.original_content), str(envelope.mail_from)
        try:
            for address in envelope.rcpt_tos:
                await asyncio.to_thread(self._intake.take, raw, address, sender)
        except MailRefused as refused:
            return refused.reply
        except Exception as fault:
            # Database or disk: whatever it is, the sender still has the mail and must keep it.
            log.warning("a mail could not be stored: %s", type(fault).__name__)
            return "451 4.3.0 The mail cannot be stored now; try again later."
        return "250 2.0.0 OK, the mail is stored"

    async def handle_exception(self, error: Exception) -> str:
        """Answer a fault of the conversation without its text, which may quote what was sent."""
        log.warning("a conversation failed: %s", type(error).__name__)
        return "451 4.3.0 Something went wrong here; try again later."


async def serve_intake(intake: MailIntake, name: str, host: str, port: int) -> None:
    """Run the server until SIGINT or SIGTERM; raises `OSError` when the port is taken."""
    # The library writes every command with its addresses at level INFO.
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    server = IntakeServer(intake, name)
    taken = await server.start(host, port)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    log.info("mail intake listens on port %s", taken)
    await stop.wait()
    await server.aclose()
