"""Texts of notices: Jinja2 with strict undefined, one file per name, form and language."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
)

LANGUAGES = ("zh-CN", "en")
_FALLBACK = {
    "employee": "first_notice",
    "emergency_contact": "emergency_contact",
    "manager": "colleague_notice",
    "hr": "colleague_notice",
    "legal": "colleague_notice",
}
_EMPLOYEE, _COLLEAGUES = frozenset({"employee"}), frozenset({"manager", "hr", "legal"})
_READERS = {
    "before_end": _EMPLOYEE,
    "first_notice": _EMPLOYEE,
    "second_reminder": _EMPLOYEE,
    "paper_notice": _EMPLOYEE,
    "public_notice": _EMPLOYEE,
    "extension_granted": _EMPLOYEE,
    "extension_refused": _EMPLOYEE,
    "objection_answered": _EMPLOYEE,
    "emergency_contact": frozenset({"emergency_contact"}),
    "on_site_check": _COLLEAGUES,
    "colleague_notice": _COLLEAGUES,
}
"""Who may read a shipped text. A rung can bear any name, so the name alone must not decide: a second
reminder that turns to the emergency contact would tell them about the leave."""


class TemplateFault(ValueError):
    """A template that cannot be rendered; the sentence names the file and the variable."""


@dataclass(frozen=True)
class NoticeText:
    """A rendered notice: what the page shows and what is fingerprinted."""

    title: str
    text: str
    template: str
    version: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of title, line feed, text (UTF-8, hex)."""
        return hashlib.sha256(f"{self.title}\n{self.text}".encode()).hexdigest()


class Renderer:
    """Renders the notices of one process; a folder of the installation's own overrides the shipped texts."""

    def __init__(self, process: str, override: Path | None = None) -> None:
        loaders = [FileSystemLoader(override)] if override else []
        self._env = Environment(
            loader=ChoiceLoader([*loaders, PackageLoader("templates", "notices")]),
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701  plain text for SMS, mail and paper; pages escape it again
            keep_trailing_newline=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.filters.update(
            zh_day=_zh_day, zh_short=_zh_short, zh_moment=_zh_moment, en_day=_en_day, en_moment=_en_moment
        )
        self._process = process

    def notice(self, name: str, audience: str, language: str, variables: Mapping[str, Any]) -> NoticeText:
        """Render the text of a notice; its first line is the title."""
        file, source = self._find(name, audience, language, "txt")
        title, _, text = self._render(file, variables).strip().partition("\n")
        version = hashlib.sha256(source.encode()).hexdigest()[:12]
        return NoticeText(title.strip(), text.strip(), file, version)

    def sms(self, name: str, audience: str, language: str, variables: Mapping[str, Any]) -> str:
        """Render the short text of a notice."""
        file, _ = self._find(name, audience, language, "sms")
        return " ".join(self._render(file, variables).split())

    def mail(self, language: str, variables: Mapping[str, Any], name: str = "mail") -> str:
        """Render the e-mail around a notice: text, link, fingerprint, contact."""
        file, _ = self._find(name, "employee", language, "txt")
        return self._render(file, variables).strip() + "\n"

    def _find(self, name: str, audience: str, language: str, form: str) -> tuple[str, str]:
        language = language if language in LANGUAGES else LANGUAGES[0]
        for candidate in candidates(name, audience):
            file = f"{self._process}/{language}/{candidate}.{form}"
            try:
                assert self._env.loader is not None  # noqa: S101  set in __init__
                source, _, _ = self._env.loader.get_source(self._env, file)
                return file, source
            except TemplateNotFound:
                continue
        raise TemplateFault(f"template {self._process}/{language}/{name}.{form} does not exist; add it")

    def _render(self, file: str, variables: Mapping[str, Any]) -> str:
        try:
            return self._env.get_template(file).render(variables)
        except UndefinedError as error:
            raise TemplateFault(f"template {file}: {error.message}; use a variable that exists") from None
        except TemplateSyntaxError as error:
            raise TemplateFault(f"template {file}, line {error.lineno}: {error.message}") from None


NEUTRAL = frozenset({"confidential", "mail_confidential"})
"""What travels outside for a confidential notice: a text message, and a mail."""


def candidates(name: str, audience: str) -> tuple[str, ...]:
    """Return the texts that may be used, the best first; none that another audience alone may read.

    Nothing stands in for the neutral words of a confidential notice: any other text names the matter.
    """
    if name in NEUTRAL:
        return (name,)
    stand_in = _FALLBACK.get(audience, name)
    return (name, stand_in) if audience in _READERS.get(name, {audience}) else (stand_in,)


_ZH_WEEK, _EN_WEEK = "一二三四五六日", ("Mon", "Tues", "Wednes", "Thurs", "Fri", "Satur", "Sun")
_EN_MONTHS = "January February March April May June July August September October November December".split()


def _zh_day(day: date) -> str:
    """Return `2026年2月13日（星期五）`."""
    return f"{day.year}年{_zh_short(day)}（星期{_ZH_WEEK[day.weekday()]}）"


def _zh_short(day: date) -> str:
    """Return `2月13日`."""
    return f"{day.month}月{day.day}日"


def _zh_moment(at: datetime) -> str:
    """Return `2026年2月13日（星期五）10:00`, in the zone that `at` bears."""
    return f"{_zh_day(at)}{at:%H:%M}"


def _en_day(day: date) -> str:
    """Return `Friday, 13 February 2026`."""
    return f"{_EN_WEEK[day.weekday()]}day, {day.day} {_EN_MONTHS[day.month - 1]} {day.year}"


def _en_moment(at: datetime) -> str:
    """Return `10:00 (UTC+08:00) on Friday, 13 February 2026`, in the zone that `at` bears."""
    return f"{at:%H:%M} (UTC{at.isoformat()[-6:]}) on {_en_day(at)}"
