"""What comes back after a mail: relays' reports and people's answers, sent to whoever takes mail in.

The beginning of the recipient's local part says what happens: `bounce` (the mailbox does not exist), `full`
(delayed, then given up), `delivered` (a report of success where one was asked for), `away` (an absence note).
"""

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, localtime, make_msgid
from typing import Any

import aiosmtplib

_HOST_NAME = "sandbox.localhost"
_TRIES = 5
_AWAY = "我正在休假，暂时无法查看邮件，回来后再答复。\nI am away and will answer when I am back.\n"
_XTEXT = re.compile(r"\+([0-9A-F]{2})")


class MailReplyImpossible(Exception):
    """A person cannot answer this mail, or nobody takes the answer; the text says why."""


@dataclass(frozen=True)
class TakenMail:
    """A mail as a relay took it: envelope sender, one recipient, the DSN parameters, the raw bytes."""

    sender: str
    recipient: str
    dsn: dict[str, str]
    raw: bytes


@dataclass(frozen=True)
class Report:
    """What one report of a relay says: `action` of RFC 3464, status of RFC 3463, and the words behind it."""

    action: str
    status: str
    diagnostic: str


_NO_MAILBOX = Report("failed", "5.1.1", "smtp; 550 5.1.1 No such mailbox here")
_FULL_FOR_NOW = Report("delayed", "4.2.2", "smtp; 452 4.2.2 The mailbox is full")
_FULL = Report("failed", "5.2.2", "smtp; 552 5.2.2 The mailbox is full")
_DELIVERED = Report("delivered", "2.0.0", "smtp; 250 2.0.0 Delivered")


def reports_for(mail: TakenMail) -> list[Report]:
    """Return what a relay reports of a mail, in order, of what its sender asked to hear."""
    local = mail.recipient.partition("@")[0].lower()
    asked = {word.strip().upper() for word in mail.dsn.get("NOTIFY", "FAILURE,DELAY").split(",")}
    if local.startswith("bounce"):
        told = [_NO_MAILBOX]
    elif local.startswith("full"):
        told = [_FULL_FOR_NOW, _FULL]
    elif local.startswith("delivered"):
        told = [_DELIVERED]
    else:
        told = []
    needs = {"failed": "FAILURE", "delayed": "DELAY", "delivered": "SUCCESS"}
    return [report for report in told if needs[report.action] in asked]


def report_mail(mail: TakenMail, report: Report) -> bytes:
    """Return a report as RFC 3464 writes it: words for people, fields for machines, the mail's own head."""
    whole = MIMEMultipart("report")
    whole.set_param("report-type", "delivery-status")
    whole["From"] = f"Mail Delivery System <MAILER-DAEMON@{_HOST_NAME}>"
    whole["To"] = mail.sender
    whole["Subject"] = f"Delivery Status Notification ({report.action})"
    whole["Date"], whole["Message-ID"] = format_datetime(localtime()), make_msgid(domain=_HOST_NAME)
    whole["Auto-Submitted"] = "auto-replied"
    words = f"This is the mail system of {_HOST_NAME}.\n\n<{mail.recipient}>: {report.diagnostic}\n"
    whole.attach(MIMEText(words, "plain", "utf-8"))
    status = MIMEBase("message", "delivery-status")
    about_mail, about_recipient = Message(), Message()
    about_mail["Reporting-MTA"] = f"dns; {_HOST_NAME}"
    if "ENVID" in mail.dsn:
        about_mail["Original-Envelope-Id"] = _plain(mail.dsn["ENVID"])
    if "ORCPT" in mail.dsn:
        about_recipient["Original-Recipient"] = _plain(mail.dsn["ORCPT"])
    about_recipient["Final-Recipient"] = f"rfc822; {mail.recipient}"
    about_recipient["Action"], about_recipient["Status"] = report.action, report.status
    about_recipient["Diagnostic-Code"] = report.diagnostic
    status.attach(about_mail)
    status.attach(about_recipient)
    whole.attach(status)
    head = re.split(rb"\r?\n\r?\n", mail.raw, maxsplit=1)[0].decode("ascii", "backslashreplace")
    returned = MIMEBase("text", "rfc822-headers")
    returned.set_payload(head.replace("\r\n", "\n") + "\n")
    whole.attach(returned)
    return whole.as_bytes(policy=policy.compat32.clone(linesep="\r\n"))


def _plain(xtext: str) -> str:
    return _XTEXT.sub(lambda found: chr(int(found[1], 16)), xtext)


def answer_mail(mail: TakenMail, words: str, *, automatic: bool = False) -> tuple[str, bytes]:
    """Return where a person's answer goes and the answer, over the mail it quotes.

    An automatic one goes to the envelope sender, as RFC 3834 asks, and quotes nothing.
    """
    asked = message_from_bytes(mail.raw, policy=policy.default)
    answered = asked.get("Reply-To") or asked.get("From")
    to = mail.sender if automatic or answered is None else answered.addresses[0].addr_spec
    answer = EmailMessage(policy=SMTP_POLICY)
    answer["From"], answer["To"] = mail.recipient, to
    subject = str(asked.get("Subject", ""))
    answer["Subject"] = f"自动回复: {subject}" if automatic else f"Re: {subject}"
    answer["Date"], answer["Message-ID"] = localtime(), make_msgid(domain=_HOST_NAME)
    if asked.get("Message-ID"):
        answer["In-Reply-To"] = str(asked["Message-ID"])
    if automatic:
        answer["Auto-Submitted"] = "auto-replied (vacation)"
        answer.set_content(words, cte="base64")
        return to, answer.as_bytes()
    body = asked.get_body(("plain",))
    lines = str(body.get_content()).splitlines() if body is not None else []
    quoted = "\n".join(f"> {line}" for line in lines)
    answer.set_content(
        f"{words}\n\n在 {asked.get('Date', '')}，{asked.get('From', '')} 写道：\n{quoted}\n", cte="base64"
    )
    return to, answer.as_bytes()


class MailAnswers:
    """Sends what comes back to the mail intake at `host`, `port`; `step_seconds` passes before each."""

    def __init__(self, host: str, port: int, step_seconds: float = 0.4) -> None:
        self._host, self._port, self._step_seconds = host, port, step_seconds
        self._running: set[asyncio.Task[None]] = set()

    def answer(self, mail: TakenMail) -> None:
        """Let happen in the background what the recipient's address asks for."""
        if not mail.sender.strip("<>"):
            return
        reports = reports_for(mail)
        if reports:
            self._spawn(self._report(mail, reports))
        elif mail.recipient.lower().startswith("away"):
            to, raw = answer_mail(mail, _AWAY, automatic=True)
            self._spawn(self._patiently(to, raw))

    async def reply(self, mail: TakenMail, words: str) -> str:
        """Send a person's answer; return the intake's reply. Raises `MailReplyImpossible`."""
        if not words.strip():
            raise MailReplyImpossible("回复不能为空 · An empty answer cannot be sent.")
        if not mail.recipient.isascii():
            raise MailReplyImpossible("此处不能以非 ASCII 邮箱回复 · Only ASCII addresses can answer here.")
        to, raw = answer_mail(mail, words)
        try:
            return await self._hand_over(mail.recipient, to, raw)
        except aiosmtplib.SMTPResponseException as refusal:
            raise MailReplyImpossible(f"{refusal.code} {refusal.message}") from None
        except (aiosmtplib.SMTPException, OSError):
            raise MailReplyImpossible("邮件接收服务没有应答 · The mail intake does not answer.") from None

    async def aclose(self) -> None:
        """Drop what has not been sent."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _report(self, mail: TakenMail, reports: list[Report]) -> None:
        for report in reports:
            await self._patiently(mail.sender, report_mail(mail, report))

    async def _patiently(self, to: str, raw: bytes) -> None:
        """Send with the null sender, and again while nobody listens or the intake asks to wait."""
        for tries in range(_TRIES):
            await asyncio.sleep(self._step_seconds * (1 + tries))
            try:
                await self._hand_over("", to, raw)
            except aiosmtplib.SMTPResponseException as refusal:
                if refusal.code >= 500:
                    return
            except (aiosmtplib.SMTPException, OSError):
                continue
            else:
                return

    async def _hand_over(self, sender: str, to: str, raw: bytes) -> str:
        async with aiosmtplib.SMTP(hostname=self._host, port=self._port, timeout=10, start_tls=False) as smtp:
            await smtp.mail(sender)
            await smtp.rcpt(to)
            said = await smtp.data(raw)
        return f"{said.code} {said.message}"
