"""The page that shows what left the system: texts and mails, newest first, with a form to text back."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment

from countersign.domain.sms_text import segments
from countersign.sandbox.mail import MailCatcher
from countersign.sandbox.mail_answers import MailReplyImpossible
from countersign.sandbox.twilio import POOL_NUMBER, ReplyImpossible, TwilioStandIn

_LINK = re.compile(r"https?://[^\s<>\"'，。；：、！？（）【】「」《》]+")
_TRAILING = ".,;:!?)]}"
_PAGE_SIZE = 50
_ZONE = ZoneInfo("Asia/Shanghai")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True)
class OutboxItem:
    """One text or mail; `sender` and `recipient` are numbers or addresses, `at` is ISO 8601 in UTC."""

    kind: str
    id: str
    at: str
    direction: str
    sender: str
    recipient: str
    subject: str | None
    text: str
    links: tuple[str, ...]
    status: str
    error_code: int | None
    segments: int | None
    message_id: str | None
    notice_id: str | None
    dsn: dict[str, str] | None


def pieces(text: str) -> list[tuple[str, bool]]:
    """Cut `text` into runs that are links (True) and runs that are not; joined they are the text again."""
    result: list[tuple[str, bool]] = []
    done = 0
    for found in _LINK.finditer(text):
        link = found[0].rstrip(_TRAILING)
        result += [(text[done : found.start()], False), (link, True)]
        done = found.start() + len(link)
    result.append((text[done:], False))
    return [piece for piece in result if piece[0]]


def _links(text: str) -> tuple[str, ...]:
    return tuple(piece for piece, is_link in pieces(text) if is_link)


def outbox_items(sms: TwilioStandIn, mail: MailCatcher) -> list[OutboxItem]:
    """List everything that left or came in, newest first; the text of mails is left out until shown."""
    texts = [
        OutboxItem(
            kind="sms",
            id=message.sid,
            at=message.created.isoformat(),
            direction="in" if message.direction == "inbound" else "out",
            sender=message.sender or POOL_NUMBER,
            recipient=message.recipient,
            subject=None,
            text=message.body,
            links=_links(message.body),
            status=message.status,
            error_code=message.error_code,
            segments=segments(message.body),
            message_id=None,
            notice_id=None,
            dsn=None,
        )
        for message in sms.store.newest()
    ]
    mails = [
        OutboxItem(
            kind="mail",
            id=caught.id,
            at=caught.at,
            direction="out",
            sender=caught.envelope_from,
            recipient=", ".join(caught.to),
            subject=caught.subject,
            text="",
            links=(),
            status="accepted",
            error_code=None,
            segments=None,
            message_id=caught.message_id,
            notice_id=caught.notice_id,
            dsn=caught.dsn,
        )
        for caught in mail.mails()
    ]
    return sorted(texts + mails, key=lambda item: datetime.fromisoformat(item.at), reverse=True)


def _with_text(items: Sequence[OutboxItem], mail: MailCatcher) -> list[OutboxItem]:
    return [
        item if item.kind == "sms" else OutboxItem(**{**asdict(item), "text": text, "links": _links(text)})
        for item, text in ((item, mail.text(item.id) if item.kind == "mail" else "") for item in items)
    ]


def outbox_routes(sms: TwilioStandIn, mail: MailCatcher) -> APIRouter:
    """Build the page at `/` and `/outbox`, its twin `/outbox.json`, and the raw mails."""
    router = APIRouter()

    def chosen(kind: str | None, to: str | None) -> list[OutboxItem]:
        return [
            item
            for item in outbox_items(sms, mail)
            if (not kind or item.kind == kind) and (not to or to in item.recipient or to in item.sender)
        ]

    @router.get("/")
    @router.get("/outbox")
    async def page(
        kind: str | None = None, to: str | None = None, page: int = 1, note: str | None = None
    ) -> Response:
        items = chosen(kind, to)
        page = max(page, 1)
        shown = _with_text(items[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE], mail)
        query = {name: value for name, value in (("kind", kind), ("to", to)) if value}
        html = _PAGE.render(
            items=shown,
            total=len(items),
            kind=kind,
            to=to or "",
            note=note,
            newer=urlencode({**query, "page": page - 1}) if page > 1 else None,
            older=urlencode({**query, "page": page + 1}) if page * _PAGE_SIZE < len(items) else None,
            pieces=pieces,
            clock=_clock,
            answerable=mail.answers is not None,
        )
        return HTMLResponse(html, headers=_HEADERS)

    @router.get("/outbox.json")
    async def twin(kind: str | None = None, to: str | None = None) -> Response:
        items = _with_text(chosen(kind, to), mail)
        return JSONResponse({"messages": [asdict(item) for item in items]}, headers=_HEADERS)

    @router.get("/outbox.css")
    async def stylesheet() -> Response:
        return Response(_STYLE, media_type="text/css")

    @router.get("/outbox/mails/{mail_id}.eml")
    async def raw(mail_id: str) -> Response:
        content = mail.raw(mail_id)
        if content is None:
            return Response("There is no such mail.", status_code=404, media_type="text/plain")
        # As text, so that no browser ever renders the HTML of a mail on this page's origin.
        return Response(content, media_type="text/plain; charset=utf-8", headers=_HEADERS)

    @router.post("/outbox/reply")
    async def reply(request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return Response("Replies are only taken from the outbox page.", status_code=403)
        form = parse_qs((await request.body()).decode())
        person, number, body = (form.get(name, [""])[0] for name in ("from", "to", "body"))
        try:
            note = f"已回复，接收方应答 {await sms.reply(person, number, body)} · Reply sent"
        except ReplyImpossible as why:
            note = str(why)
        return RedirectResponse(f"/outbox?{urlencode({'note': note})}", status_code=303)

    @router.post("/outbox/mails/{mail_id}/reply")
    async def answer(request: Request, mail_id: str) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return Response("Replies are only taken from the outbox page.", status_code=403)
        form = parse_qs((await request.body()).decode())
        try:
            note = f"已回复，接收方应答 {await mail.reply(mail_id, form.get('body', [''])[0])} · Reply sent"
        except MailReplyImpossible as why:
            note = str(why)
        return RedirectResponse(f"/outbox?{urlencode({'note': note})}", status_code=303)

    return router


def _clock(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(UTC).astimezone(_ZONE).strftime("%m-%d %H:%M:%S")


_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>发件箱 Outbox</title>
<link rel="stylesheet" href="/outbox.css">
</head>
<body>
<header>
<h1>发件箱 <small>Outbox</small></h1>
<p>演示环境发出的短信和邮件都停在这里，不会送到任何人。 · Nothing here ever leaves this machine.</p>
<form method="get" action="/outbox" class="filter">
<select name="kind" aria-label="种类 Kind">
<option value="">全部 All</option>
<option value="sms"{% if kind == "sms" %} selected{% endif %}>短信 SMS</option>
<option value="mail"{% if kind == "mail" %} selected{% endif %}>邮件 E-mail</option>
</select>
<input name="to" value="{{ to }}" placeholder="号码或邮箱 Number or address" aria-label="号码或邮箱 Number or address">
<button>筛选 Filter</button>
</form>
</header>
<main>
{% if note %}
<p class="note" role="status">{{ note }}</p>
{% endif %}
<p class="count">{{ total }} 条 · messages</p>
{% for item in items %}
<article class="{{ item.kind }} {{ item.direction }}">
<div class="head">
<b>{{ "邮件" if item.kind == "mail" else ("回复" if item.direction == "in" else "短信") }}</b>
<span class="who">{{ item.sender }} → {{ item.recipient }}</span>
<time datetime="{{ item.at }}">{{ clock(item.at) }}</time>
<span class="status {{ item.status }}">{{ item.status }}{% if item.error_code %} {{ item.error_code }}{% endif %}</span>
</div>
{% if item.subject %}
<h2>{{ item.subject }}</h2>
{% endif %}
<p class="text">{% for piece, is_link in pieces(item.text) %}{% if is_link %}<a href="{{ piece }}" rel="noreferrer noopener">{{ piece }}</a>{% else %}{{ piece }}{% endif %}{% endfor %}</p>
{% if item.kind == "mail" %}
<p class="more"><a href="/outbox/mails/{{ item.id }}.eml">原文 Source</a></p>
{% if answerable %}
<form method="post" action="/outbox/mails/{{ item.id }}/reply" class="reply">
<input name="body" required maxlength="1600" placeholder="以收件人身份回复 Reply as the recipient" aria-label="回复 Reply">
<button>回复 Reply</button>
</form>
{% endif %}
{% elif item.direction == "out" %}
<p class="more">{{ item.segments }} 段 · segments</p>
{% if item.recipient.startswith("+86") %}
<p class="more">大陆号码无法通过 Twilio 回复 · +86 numbers cannot reply over Twilio</p>
{% else %}
<form method="post" action="/outbox/reply" class="reply">
<input type="hidden" name="from" value="{{ item.recipient }}">
<input type="hidden" name="to" value="{{ item.sender }}">
<input name="body" required maxlength="1600" placeholder="以收件人身份回复 Reply as the recipient" aria-label="回复 Reply">
<button>回复 Reply</button>
</form>
{% endif %}
{% endif %}
</article>
{% else %}
<p class="empty">还没有消息。 · Nothing yet.</p>
{% endfor %}
<nav>
{% if newer %}<a href="/outbox?{{ newer }}">← 较新 Newer</a>{% endif %}
{% if older %}<a href="/outbox?{{ older }}">较旧 Older →</a>{% endif %}
</nav>
</main>
</body>
</html>
""")  # noqa: E501 - HTML lines keep their whitespace

_STYLE = """
:root { color-scheme: light dark; --line: #d8dde3; --soft: #5b6672; --paper: #fff; --back: #f3f5f7;
  --sms: #1f6f54; --mail: #2b5c9e; --in: #8a5a00; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --line: #3a424b; --soft: #a3adb8; --paper: #1d2227;
  --back: #14181c; --sms: #6cc7a3; --mail: #86b4ee; --in: #e0b15c; --bad: #f2a09a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); font: 16px/1.55 system-ui, "PingFang SC", "Noto Sans CJK SC",
  "Microsoft YaHei", sans-serif; }
header, main { max-width: 46rem; margin: 0 auto; padding: 1rem; }
header { padding-bottom: 0; }
h1 { font-size: 1.5rem; margin: 0; }
h1 small, header p, .count, .more, .empty, time { color: var(--soft); font-weight: normal; }
header p, .count, .more { font-size: .875rem; margin: .25rem 0; }
h2 { font-size: 1rem; margin: .5rem 0 0; }
article { background: var(--paper); border: 1px solid var(--line); border-left: 4px solid var(--sms);
  border-radius: 6px; padding: .75rem 1rem; margin: .75rem 0; }
article.mail { border-left-color: var(--mail); }
article.in { border-left-color: var(--in); }
.head { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; font-size: .875rem; }
.who { overflow-wrap: anywhere; }
.head time { margin-left: auto; }
.status { border: 1px solid var(--line); border-radius: 99px; padding: 0 .6rem; }
.undelivered, .failed { color: var(--bad); border-color: currentColor; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0; }
form { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0 0; }
input, select, button { font: inherit; padding: .45rem .6rem; border: 1px solid var(--line);
  border-radius: 6px; min-height: 44px; }
form input:not([type=hidden]) { flex: 1 1 12rem; min-width: 0; }
.note { background: var(--paper); border: 1px solid var(--sms); border-radius: 6px; padding: .5rem 1rem; }
nav { display: flex; justify-content: space-between; padding: .5rem 0 2rem; }
"""
