"""E-mail over SMTP, one connection a message, with an honest answer about what may have left."""

import re
import ssl
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from enum import StrEnum
from pathlib import Path

import aiosmtplib

from countersign.contracts.sending import MailMessage, OutcomeState, SendOutcome, outcome_for

_LEADING_DOT = re.compile(rb"(?m)^\.")
_PLAIN_XTEXT = re.compile(r"[^\x21-\x2a\x2c-\x3c\x3e-\x7e]")
_ATOMS = r"""[^\s@<>(),:;"\\\[\]\x00-\x1f\x7f]+"""
_ADDRESS = re.compile(f"({_ATOMS})@({_ATOMS})")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_QUIT_TIMEOUT_S = 2.0


class Tls(StrEnum):
    """How the connection is encrypted: not at all, after STARTTLS, or from the first byte."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class _Ended(Exception):
    """The conversation ended with this code of the receipt table."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def _xtext(value: str) -> str:
    """Encode ASCII text for an ESMTP parameter (RFC 3461 section 4)."""
    return _PLAIN_XTEXT.sub(lambda found: f"+{ord(found[0]):02X}", value)


def _address(written: str) -> Address | None:
    """Return the address in `written`, its domain in ASCII; None when it is not exactly one address."""
    found = _ADDRESS.fullmatch(written)
    if found is None:
        return None
    try:
        domain = found[2].encode("idna").decode()
        if found[1].isascii():
            return Address(addr_spec=f"{found[1]}@{domain}")
        # The library's parser calls any other character a defect; RFC 6531 allows it.
        return Address(username=found[1], domain=domain)
    except (ValueError, MessageError, IndexError):
        return None


def _own(written: str) -> Address:
    """Return an address of our own; raises `ValueError` when the mail settings made none of it."""
    address = _address(written)
    if address is None:
        raise ValueError("A return or reply address is not an e-mail address; check the mail settings.")
    return address


class SmtpMailer:
    """Sends mail through one relay.

    `tls` is never weakened: without the demanded encryption nothing is sent. `ca_file` adds trust in a
    company's own authority. `timeout_s` holds for each step of the conversation.
    """

    def __init__(
        self,
        host: str,
        port: int,
        username: str | None,
        password: str | None,
        tls: str,
        sender: str,
        sender_name: str,
        timeout_s: float,
        ca_file: Path | None = None,
    ) -> None:
        self._tls = Tls(tls)
        if username and self._tls is Tls.NONE and host not in _LOOPBACK:
            raise ValueError(
                "The mail password would travel unencrypted; set the mail server's TLS to starttls or tls."
            )
        address = _address(sender)
        if address is None:
            raise ValueError("The sender of mails is not an e-mail address; check the mail settings.")
        self._sender = Address(sender_name, address.username, address.domain)
        self._host, self._port, self._timeout_s = host, port, timeout_s
        self._username, self._password, self._ca_file = username or None, password, ca_file

    async def send(self, message: MailMessage) -> SendOutcome:
        """Hand one mail to the relay and say how that ended; raises nothing but cancellation.

        `sent` means that the relay took the mail, not that it arrived.
        """
        recipient = _address(message.to)
        if recipient is None:
            return outcome_for("mail_bad_address")
        try:
            mail = self._compose(message, recipient)
            sender = self._sender if message.return_path is None else _own(message.return_path)
        except (ValueError, MessageError):
            return outcome_for("mail_bad_content")
        smtp = self._client()
        try:
            await self._connect(smtp)
            await self._hand_over(smtp, message, sender, recipient, mail)
        except _Ended as end:
            return outcome_for(end.code)
        finally:
            await _leave(smtp, min(self._timeout_s, _QUIT_TIMEOUT_S))
        return SendOutcome(OutcomeState.SENT, message.message_id, None, "The mail server accepted the mail.")

    def _compose(self, message: MailMessage, recipient: Address) -> EmailMessage:
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"] = self._sender
        mail["To"] = recipient
        if message.reply_to is not None:
            mail["Reply-To"] = _own(message.reply_to)
        mail["Subject"] = message.subject
        mail["Date"] = datetime.now(UTC)
        mail["Message-ID"] = message.message_id
        mail["X-Notice-Id"] = message.notice_id
        # RFC 3834: keeps out-of-office programs from answering the sender.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text, cte="base64")
        if message.html is not None:
            mail.add_alternative(message.html, subtype="html", cte="base64")
        return mail

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            timeout=self._timeout_s,
            use_tls=self._tls is Tls.TLS,
            start_tls=False,
            validate_certs=True,
            cert_bundle=str(self._ca_file) if self._ca_file and self._tls is not Tls.NONE else None,
        )

    async def _connect(self, smtp: aiosmtplib.SMTP) -> None:
        failed = "smtp_not_connected"
        try:
            await smtp.connect()
            if self._tls is Tls.STARTTLS:
                failed = "smtp_no_encryption"
                await smtp.starttls()
            if self._username is not None:
                failed = "smtp_login_refused"
                await smtp.login(self._username, self._password or "")
            if smtp.is_ehlo_or_helo_needed:
                failed = "smtp_not_connected"
                await _greet(smtp)
        except aiosmtplib.SMTPConnectError as error:
            raise _Ended("smtp_no_encryption" if _is_tls(error) else "smtp_not_connected") from None
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError):
            raise _Ended("smtp_interrupted") from None
        except aiosmtplib.SMTPResponseException as refusal:
            raise _Ended(failed if refusal.code >= 500 else _refused(refusal.code)) from None
        except (aiosmtplib.SMTPException, OSError):
            raise _Ended(failed) from None

    async def _hand_over(
        self,
        smtp: aiosmtplib.SMTP,
        message: MailMessage,
        sender: Address,
        recipient: Address,
        mail: EmailMessage,
    ) -> None:
        about_mail, about_recipient = [], []
        if not recipient.addr_spec.isascii():
            if not smtp.supports_extension("smtputf8"):
                raise _Ended("mail_bad_address")
            about_mail.append("SMTPUTF8")
        elif smtp.supports_extension("dsn"):
            about_mail += ["RET=HDRS", f"ENVID={_xtext(message.delivery_id)}"]
            about_recipient += [
                "NOTIFY=SUCCESS,FAILURE,DELAY",
                f"ORCPT=rfc822;{_xtext(recipient.addr_spec)}",
            ]
        encoding = "utf-8" if "SMTPUTF8" in about_mail else "ascii"
        content = mail.as_bytes(policy=SMTP_POLICY.clone(utf8=encoding == "utf-8"))
        try:
            await smtp.mail(sender.addr_spec, options=about_mail, encoding=encoding)
            await smtp.rcpt(recipient.addr_spec, options=about_recipient, encoding=encoding)
            start = await smtp.execute_command(b"DATA")
        except aiosmtplib.SMTPResponseException as refusal:
            raise _Ended(_refused(refusal.code)) from None
        except (aiosmtplib.SMTPException, OSError):
            raise _Ended("smtp_interrupted") from None
        except ValueError:
            raise _Ended("mail_bad_address") from None
        if start.code != 354:
            raise _Ended(_refused(start.code))
        code = await self._say(smtp, content)
        if not 200 <= code < 300:
            raise _Ended(f"smtp_{code}" if 400 <= code < 600 else "smtp_no_reply")

    async def _say(self, smtp: aiosmtplib.SMTP, content: bytes) -> int:
        """Transmit the content up to the final dot and return the relay's reply code.

        The client's own DATA call cannot tell a loss before the relay asked for the content from a loss
        after the dot; the first left nothing behind, the second may have.
        """
        protocol = smtp.protocol
        if protocol is None:
            raise _Ended("smtp_interrupted")
        try:
            protocol.write(transmitted(content))
            reply = await protocol.read_response(timeout=self._timeout_s)
        except (aiosmtplib.SMTPException, OSError):
            # A late reply would be taken for the answer to QUIT.
            smtp.close()
            raise _Ended("smtp_no_reply") from None
        return reply.code


def transmitted(content: bytes) -> bytes:
    """Return `content` (ending in CRLF) as DATA carries it: leading dots doubled, the final dot added."""
    return _LEADING_DOT.sub(b"..", content) + b".\r\n"


async def _greet(smtp: aiosmtplib.SMTP) -> None:
    try:
        await smtp.ehlo()
    except aiosmtplib.SMTPHeloError:
        await smtp.helo()


def _refused(code: int) -> str:
    """Return our code for a reply before the content was sent; nonsense counts as a broken connection."""
    return f"smtp_{code}" if 400 <= code < 600 else "smtp_interrupted"


def _is_tls(error: BaseException) -> bool:
    return isinstance(error.__cause__, ssl.SSLError)


async def _leave(smtp: aiosmtplib.SMTP, timeout_s: float) -> None:
    """Say goodbye where somebody listens; how that ends changes nothing about the mail."""
    try:
        if smtp.is_connected:
            await smtp.quit(timeout=timeout_s)
    except (aiosmtplib.SMTPException, OSError):
        return
    finally:
        smtp.close()
