"""Draws console pages: jinja2 templates, in the reader's language, with their time and their words."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from api.console.navigation import entries
from api.console.visit import LANGUAGE, Visit, signed_in
from api.language import LANGUAGES, Sentence, accepted, catalogue, chosen
from countersign.adapters.database.officers import READERS
from countersign.adapters.database.sending_desk import StopLine
from countersign.domain.console_words import name_of, told_in
from countersign.domain.levels import EN, ZH
from countersign.domain.local_time import ZONE, to_the_minute
from countersign.domain.settlement import ITEMS

STATIC = "/static"


def page(visit: Visit, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a whole page of the console for somebody who is signed in."""
    return HTMLResponse(draw(visit, template, **values), status)


def draw(visit: Visit, template: str, **values: Any) -> str:
    """Return a template filled for somebody who is signed in; `part.html` and whole pages alike."""
    told = visit.signed_in.said
    frame = {
        "visit": visit,
        "officer": visit.officer,
        "csrf": visit.signed_in.csrf,
        "now": visit.parts.clock(),
        "company": visit.parts.settings.company_name,
        "entries": entries(visit.officer),
        "path": visit.request.url.path,
        "address": str(visit.request.url.path)
        + (f"?{visit.request.url.query}" if visit.request.url.query else ""),
        "said": None if told is None else Sentence(told["text"], told["values"]),
        "said_good": told is None or told["good"],
        "time_lapse": visit.parts.settings.time_lapse,
        "stops_in_force": lambda: _stops_in_force(visit),
    }
    return environment(visit.language).get_template(template).render(**{**frame, **values})


def _stops_in_force(visit: Visit) -> list[StopLine]:
    if visit.officer.role not in READERS:
        return []
    return visit.parts.sending_desk.in_force(visit.officer.branch_id)


def outside_page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page for somebody who is not signed in."""
    language = language_of(request)
    frame = {
        "officer": None,
        "company": request.app.state.parts.settings.company_name,
        "path": request.url.path,
        "now": request.app.state.parts.clock(),
        "said": None,
    }
    text = environment(language).get_template(template).render(**{**frame, **values})
    return HTMLResponse(text, status)


def refusal_page(request: Request, status: int, told: Sentence) -> HTMLResponse:
    """Return a page that says in one sentence why something was not done, and where to go on."""
    found = signed_in(request)
    if found is None:
        return outside_page(request, "console/refused.html", status, told=told)
    visit = Visit(request, request.app.state.parts, found)
    return page(visit, "console/refused.html", status, told=told)


def language_of(request: Request) -> str:
    """Return the language of somebody who is not signed in."""
    asked = request.cookies.get(LANGUAGE)
    return chosen(asked, accepted(request.headers.get("accept-language", "")))


@cache
def environment(language: str) -> Environment:
    """Return the templates of one language."""
    words = catalogue(language)
    env = Environment(
        loader=PackageLoader("templates", ""),
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.install_gettext_callables(  # type: ignore[attr-defined]
        words.gettext, lambda one, many, n: words.gettext(one if n == 1 else many), newstyle=True
    )
    env.filters.update(
        moment=moment,
        day=day,
        clock_time=clock_time,
        iso=iso,
        yuan=yuan,
        say=words.say,
        word=lambda value, kind="": word(language, kind, value),
        told=lambda text: told_in(language, text),
        since=since,
        left=left,
        late=late,
        voucher=lambda reference: voucher(language, reference),
        short=lambda text: f"{text[:8]}…{text[-4:]}",
    )
    env.globals.update(
        languages=LANGUAGES, language=language, static=static_url, ZH=ZH, EN=EN, timedelta=timedelta
    )
    return env


# -- words ------------------------------------------------------------------------------------------------


def word(language: str, kind: str, value: Any) -> str:
    """Return what a value of a case (stage, role, act, channel, step …) is called; itself when unknown."""
    if value is None:
        return "—"
    return name_of(kind, str(value), language)


def voucher(language: str, reference: str | None) -> str:
    """Return the number of a voucher; of a line of a settlement, which has none, what the line is called."""
    item = ITEMS.get(reference or "")
    if item is None:
        return reference or "—"
    return item.zh if language == ZH else item.en


def moment(at: datetime | None) -> str:
    """Return an instant as the reader's local date and time, to the minute."""
    return "—" if at is None else to_the_minute(at)


def day(on: date | datetime | None) -> str:
    """Return a date, or an instant's local date."""
    if on is None:
        return "—"
    return f"{on.astimezone(ZONE) if isinstance(on, datetime) else on:%Y-%m-%d}"


def clock_time(at: datetime | None) -> str:
    """Return an instant's local time of day."""
    return "—" if at is None else f"{at.astimezone(ZONE):%H:%M}"


def iso(at: datetime | date | None) -> str:
    """Return what a `time` element's `datetime` holds."""
    if isinstance(at, datetime):
        return at.astimezone(ZONE).isoformat(timespec="seconds")
    return "" if at is None else at.isoformat()


def yuan(fen: int | None) -> str:
    """Return integer fen as yuan with thousands and two decimals."""
    return "—" if fen is None else f"{'-' if fen < 0 else ''}¥{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


@dataclass(frozen=True)
class Span:
    """How far away an instant is: whole days, hours or minutes, the largest that fits, and which side."""

    count: int
    unit: str
    over: bool


def span(at: datetime, now: datetime) -> Span:
    """Return the distance between `now` and `at`."""
    left = at - now
    away = abs(left)
    if away >= timedelta(days=1):
        return Span(away // timedelta(days=1), "days", left < timedelta(0))
    if away >= timedelta(hours=1):
        return Span(away // timedelta(hours=1), "hours", left < timedelta(0))
    return Span(away // timedelta(minutes=1), "minutes", left < timedelta(0))


@pass_context
def since(context: Context, at: datetime | None) -> str:
    """Return how long ago or from now an instant lies, in the reader's words."""
    if at is None:
        return "—"
    one = span(at, context["now"])
    text = _SPANS[one.unit][0 if one.over else 1]
    return catalogue(context["language"]).gettext(text) % {"n": one.count}


@pass_context
def left(context: Context, due: datetime) -> str:
    """Return how much time a deadline leaves, or how much over it is, in the reader's words."""
    one = span(due, context["now"])
    text = _LEFT[one.unit][0 if one.over else 1]
    return catalogue(context["language"]).gettext(text) % {"n": one.count}


@pass_context
def late(context: Context, due: datetime | None) -> bool:
    """Say whether a deadline has passed."""
    return due is not None and due < context["now"]


def _(text: str) -> str:
    return text


_SPANS: Mapping[str, tuple[str, str]] = {
    "days": (_("%(n)s days ago"), _("in %(n)s days")),
    "hours": (_("%(n)s hours ago"), _("in %(n)s hours")),
    "minutes": (_("%(n)s minutes ago"), _("in %(n)s minutes")),
}
_LEFT: Mapping[str, tuple[str, str]] = {
    "days": (_("%(n)s days over"), _("%(n)s days left")),
    "hours": (_("%(n)s hours over"), _("%(n)s hours left")),
    "minutes": (_("%(n)s minutes over"), _("%(n)s minutes left")),
}


# -- files ------------------------------------------------------------------------------------------------


@cache
def static_bytes(name: str) -> bytes | None:
    """Return a file of the pages; None when there is none of that name."""
    path = files("templates") / "static" / name
    return path.read_bytes() if "/" not in name and path.is_file() else None


@cache
def static_url(name: str) -> str:
    """Return the address of a file of the pages; it changes with the file, so that browsers may keep it."""
    content = static_bytes(name)
    if content is None:
        raise LookupError(f"templates/static/{name} is missing")
    return f"{STATIC}/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"
