"""What a mail that comes back to us says: a relay's report, a machine's answer, or a person's.

Relays report in the form of RFC 3464 with status codes of RFC 3463; machines that answer mark themselves as
RFC 3834 asks, or by habits older than it. Whatever bytes arrive, reading them raises nothing.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr
from enum import StrEnum

from countersign.domain.mail_codes import NO_REASON, mail_code
from countersign.domain.reply_text import html_as_text, own_text, text_above_quote

LONGEST_TEXT = 20_000
"""Characters of an answer that are taken into the evidence; the raw mail holds the rest."""
_LONGEST_READ = 500_000
_LONGEST_HEADER = 500

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.])([45])\d\d(?![\d.])")
_REPORT_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_DAEMONS = frozenset({"mailer-daemon", "mail-daemon", "postmaster"})
_MACHINE_HEADERS = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Auto-Reply",
    "X-Autoresponder",
    "X-FC-MachineGenerated",
)
_MACHINE_PRECEDENCE = frozenset({"auto_reply", "auto-reply", "bulk", "junk", "list"})
_MACHINE_SUBJECT = re.compile(
    r"\s*(?:[\[【(（]?\s*(?:自动回复|自动答复|自動回覆|自動回復)"
    r"|(?:automatic reply|auto[- ]?reply|autoreply|auto[- ]?response|out of (?:the )?office)\b)",
    re.IGNORECASE,
)
_DELAY_SUBJECT = re.compile(r"\b(?:delayed|delay|warning: could not send)\b|延迟|延遲", re.IGNORECASE)


class MailKind(StrEnum):
    """What a mail to one of our addresses is."""

    BOUNCE = "bounce"
    DELAY = "delay"
    DELIVERED = "delivered"
    AUTOMATIC = "automatic"
    REPLY = "reply"


class MailAction(StrEnum):
    """What a relay says it did (RFC 3464, section 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


_KIND_OF = {
    MailAction.FAILED: MailKind.BOUNCE,
    MailAction.DELAYED: MailKind.DELAY,
    MailAction.DELIVERED: MailKind.DELIVERED,
    MailAction.RELAYED: MailKind.DELIVERED,
    MailAction.EXPANDED: MailKind.DELIVERED,
}
_SAYS_MOST = (
    MailAction.DELIVERED,
    MailAction.EXPANDED,
    MailAction.RELAYED,
    MailAction.FAILED,
    MailAction.DELAYED,
)
"""We write to one address a mail: of several reports an alias may cause, the first of these counts."""
_ACTION_OF_CLASS = {"2": MailAction.DELIVERED, "4": MailAction.DELAYED, "5": MailAction.FAILED}


@dataclass(frozen=True)
class MailAttachment:
    """A file in a mail: bytes counted and hashed as its sender attached them."""

    sha256: str
    size: int
    media_type: str
    name: str = field(repr=False)


@dataclass(frozen=True)
class MailReport:
    """A mail that was read.

    `action`, `status` (such as `5.1.1`) and `code` (of the receipt table, for a bounce) come from a relay.
    `text` is what was written without the history below it, `above` only what surely stands above any quote;
    both are empty for a relay's report.
    """

    kind: MailKind
    action: MailAction | None = None
    status: str | None = None
    code: str | None = None
    sender: str = field(default="", repr=False)
    subject: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    above: str = field(default="", repr=False)
    attachments: tuple[MailAttachment, ...] = ()


def read_mail(raw: bytes, *, null_sender: bool = False) -> MailReport:
    """Read a mail; `null_sender` says that its envelope named nobody, as those of reports do.

    Raises nothing: a mail that cannot be read is a bounce where nobody sent it, else the answer of a person,
    so that somebody looks at it.
    """
    try:
        return _read(message_from_bytes(raw, policy=policy.compat32), null_sender)
    except Exception:
        # The library's parser meets hostile bytes with whatever exception it pleases.
        if null_sender:
            return MailReport(MailKind.BOUNCE, code=NO_REASON)
        return MailReport(MailKind.REPLY)


def _read(message: Message, null_sender: bool) -> MailReport:
    reported = _reported(message)
    if reported is not None:
        return reported
    sender, subject = _header(message, "From"), _header(message, "Subject")
    is_report = message.get_content_type() == "multipart/report"
    if not is_report and _from_daemon(message, sender):
        if _DELAY_SUBJECT.search(subject):
            return MailReport(MailKind.DELAY, MailAction.DELAYED)
        return MailReport(MailKind.BOUNCE, MailAction.FAILED, code=NO_REASON)
    automatic = is_report or _is_automatic(message, subject)
    if null_sender and not automatic:
        return MailReport(MailKind.BOUNCE, MailAction.FAILED, code=NO_REASON)
    text = _written(message)
    return MailReport(
        kind=MailKind.AUTOMATIC if automatic else MailKind.REPLY,
        sender=sender,
        subject=subject,
        text=own_text(text)[:LONGEST_TEXT],
        above=text_above_quote(text)[:LONGEST_TEXT],
        attachments=tuple(_attachments(message)),
    )


# -- reports of relays ------------------------------------------------------------------------------------


def _reported(message: Message) -> MailReport | None:
    """Return what a relay's report says; only the mail's own parts count, never those of a forwarded one."""
    parts = _children(message) if message.is_multipart() else []
    blocks = [
        b for part in [message, *parts] if part.get_content_type() in _REPORT_TYPES for b in _blocks(part)
    ]
    found = [(action, status) for action, status in map(_outcome, blocks) if action is not None]
    if not found:
        return None
    action, status = min(found, key=lambda one: _SAYS_MOST.index(one[0]))
    code = mail_code(status) if action is MailAction.FAILED else None
    return MailReport(_KIND_OF[action], action, status, code)


def _children(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []


def _blocks(part: Message) -> list[dict[str, str]]:
    """Return the fields of each block of a report; the parser cuts some reports up and leaves others."""
    inner = _children(part)
    if inner:
        texts = [f"{_head(one)}\n\n{_plain(one)}" for one in inner]
    else:
        texts = [_plain(part)]
    return [_fields(block) for text in texts for block in re.split(r"\n\s*\n", text) if block.strip()]


def _head(message: Message) -> str:
    return "\n".join(f"{name}: {value}" for name, value in message.items())


def _fields(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in re.sub(r"\n[ \t]+", " ", block).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _outcome(fields: dict[str, str]) -> tuple[MailAction | None, str | None]:
    if "action" not in fields and "status" not in fields:
        return None, None
    status = _status(fields.get("status", ""), fields.get("diagnostic-code", ""))
    word = re.split(r"[\s(;]", fields.get("action", "").strip().lower())[0]
    if word in list(MailAction):
        return MailAction(word), status
    return (_ACTION_OF_CLASS[status[0]] if status else None), status


def _status(status: str, diagnostic: str) -> str | None:
    """Return the most telling status code; `5.0.0` often stands beside a diagnostic that knows more."""
    first, second = _STATUS.search(status), _STATUS.search(diagnostic)
    if first is None:
        if second is not None:
            return second[0]
        reply = _REPLY_CODE.search(diagnostic)
        return f"{reply[1]}.0.0" if reply else None
    vague = first[2] == "0"
    return second[0] if vague and second is not None and second[1] == first[1] else first[0]


# -- machines and people ----------------------------------------------------------------------------------


def _from_daemon(message: Message, sender: str) -> bool:
    local = parseaddr(sender)[1].rpartition("@")[0] or parseaddr(sender)[1]
    return local.lower() in _DAEMONS or message.get("X-Failed-Recipients") is not None


def _is_automatic(message: Message, subject: str) -> bool:
    submitted = _header(message, "Auto-Submitted").strip().lower()
    if submitted and not submitted.startswith("no"):
        return True
    if any(message.get(name) is not None for name in _MACHINE_HEADERS):
        return True
    if _header(message, "Precedence").strip().lower() in _MACHINE_PRECEDENCE:
        return True
    return _MACHINE_SUBJECT.match(subject) is not None


def _written(message: Message) -> str:
    """Return the plain text of a mail, else the text of its HTML."""
    texts = {"text/plain": "", "text/html": ""}
    for part in _leaves(message):
        media_type = part.get_content_type()
        if media_type in texts and not texts[media_type] and not _is_attached(part):
            texts[media_type] = _plain(part)[:_LONGEST_READ]
    return texts["text/plain"].strip() or html_as_text(texts["text/html"])


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts of a mail itself; a mail attached to it is one part and is not looked into."""
    waiting = [message]
    while waiting:
        part = waiting.pop(0)
        if part.get_content_maintype() == "multipart" and _children(part):
            waiting[:0] = _children(part)
        else:
            yield part


def _is_attached(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _attachments(message: Message) -> Iterator[MailAttachment]:
    for part in _leaves(message):
        media_type = part.get_content_type()
        if not _is_attached(part) and media_type in ("text/plain", "text/html", "multipart/alternative"):
            continue
        data = _bytes(part)
        name = _cleaned(_decoded(part.get_filename() or ""))[:_LONGEST_HEADER]
        yield MailAttachment(hashlib.sha256(data).hexdigest(), len(data), media_type, name)


# -- bytes and words --------------------------------------------------------------------------------------


def _bytes(part: Message) -> bytes:
    children = _children(part)
    if children:
        try:
            return b"".join(child.as_bytes() for child in children)
        except Exception:
            # Some mails can be read but not be written anew; the raw mail holds this part whole.
            return b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _plain(part: Message) -> str:
    """Return a part's text in its own character set, else in the likeliest one."""
    data = _bytes(part)
    named = str(part.get_param("charset", "", unquote=True) or "").lower()
    # GB18030 holds what mails labelled with its two ancestors really contain.
    return _cleaned(_guessed(data, "gb18030" if named in ("gb2312", "gbk") else named))


def _guessed(data: bytes, charset: str = "") -> str:
    """Decode bytes by the character set they claim, else by the likeliest one."""
    for one in (charset, "utf-8", "gb18030"):
        try:
            return data.decode(one)
        except (LookupError, ValueError):
            continue
    return data.decode("latin-1")


def _header(message: Message, name: str) -> str:
    value = next((v for n, v in message.raw_items() if n.lower() == name.lower()), "")
    # Some programs write other characters than ASCII into a header as they are.
    return _cleaned(_decoded(_guessed(str(value).encode("utf-8", "surrogateescape"))))[:_LONGEST_HEADER]


def _decoded(value: str) -> str:
    try:
        pieces = decode_header(value)
    except Exception:
        return value
    return "".join(
        piece if isinstance(piece, str) else _guessed(piece, charset or "") for piece, charset in pieces
    )


def _cleaned(text: str) -> str:
    """Return text that a database and the evidence can hold: no controls, no halves of characters."""
    one_kind = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        c if c in "\n\t" or (c >= " " and c != "\x7f" and not 0xD800 <= ord(c) <= 0xDFFF) else "\ufffd"
        for c in one_kind
    )
