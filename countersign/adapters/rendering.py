"""Texts of notices: Jinja2 with strict undefined, one file per name, form and language."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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

from countersign.adapters import stored_text
from countersign.domain.date_words import DATE_FILTERS
from countersign.domain.texts import NEUTRAL, Form, TextKey, text_of_rung

LANGUAGES = ("zh-CN", "en")
_FALLBACK = {
    "employee": ("first_notice", "termination_notice"),
    "emergency_contact": ("emergency_contact",),
    "manager": ("colleague_notice",),
    "hr": ("colleague_notice",),
    "legal": ("colleague_notice",),
}
"""The text of a rung that has none of its own, by audience: the first that the process has."""
_EMPLOYEE, _COLLEAGUES = frozenset({"employee"}), frozenset({"manager", "hr", "legal"})
_READERS = {
    "before_end": _EMPLOYEE,
    "before_last_day": _EMPLOYEE,
    "announcement": _EMPLOYEE,
    "departure_withdrawn": _EMPLOYEE,
    "termination_notice": _EMPLOYEE,
    "certificate": _EMPLOYEE,
    "demand": _EMPLOYEE,
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


StoredTexts = Callable[[TextKey], str | None]
"""Returns the text that the company has written in place of another; None while it has written none."""


@dataclass(frozen=True)
class _Source:
    """A text as it is written, and whether it comes out of a browser."""

    file: str
    text: str
    is_stored: bool


class Renderer:
    """Renders the notices of one process.

    Texts that were written in the console stand over those of the installation's own folder, and these over
    the shipped ones.
    """

    def __init__(
        self, process: str, override: Path | None = None, stored: StoredTexts = lambda key: None
    ) -> None:
        self._stored = stored
        loaders = [FileSystemLoader(override)] if override else []
        self._env = Environment(
            loader=ChoiceLoader([*loaders, PackageLoader("templates", "notices")]),
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701  plain text for SMS, mail and paper; pages escape it again
            keep_trailing_newline=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.filters.update(DATE_FILTERS)
        self._process = process

    def notice(self, name: str, audience: str, language: str, variables: Mapping[str, Any]) -> NoticeText:
        """Render the text of a notice; its first line is the title."""
        source = self._find(name, audience, language, Form.TEXT)
        title, _, text = self._render(source, variables).strip().partition("\n")
        version = hashlib.sha256(source.text.encode()).hexdigest()[:12]
        return NoticeText(title.strip(), text.strip(), source.file, version)

    def sms(self, name: str, audience: str, language: str, variables: Mapping[str, Any]) -> str:
        """Render the short text of a notice."""
        return " ".join(self._render(self._find(name, audience, language, Form.SMS), variables).split())

    def mail(self, language: str, variables: Mapping[str, Any], name: str = "mail") -> str:
        """Render the e-mail around a notice: text, link, fingerprint, contact."""
        return self._render(self._find(name, "employee", language, Form.TEXT), variables).strip() + "\n"

    def keys(self) -> list[TextKey]:
        """Return every text of the process that is shipped or lies in the installation's own folder."""
        assert self._env.loader is not None  # noqa: S101  set in __init__
        found = []
        for file in self._env.loader.list_templates():
            process, _, rest = file.partition("/")
            language, _, name = rest.partition("/")
            stem, _, form = name.rpartition(".")
            if process == self._process and language in LANGUAGES and stem and form in set(Form):
                found.append(TextKey(process, stem, language, Form(form)))
        return found

    def without_stored(self, key: TextKey) -> str | None:
        """Return a text as it stands in the files; None when there is none of that name."""
        assert self._env.loader is not None  # noqa: S101  set in __init__
        try:
            source, _, _ = self._env.loader.get_source(self._env, key.file)
        except TemplateNotFound:
            return None
        return source

    def _find(self, name: str, audience: str, language: str, form: Form) -> _Source:
        language = language if language in LANGUAGES else LANGUAGES[0]
        for candidate in candidates(name, audience):
            key = TextKey(self._process, candidate, language, form)
            stored = self._stored(key)
            source = stored or self.without_stored(key)
            if source is not None:
                return _Source(key.file, source, is_stored=bool(stored))
        raise TemplateFault(f"template {self._process}/{language}/{name}.{form.value} does not exist; add it")

    def _render(self, source: _Source, variables: Mapping[str, Any]) -> str:
        file = source.file
        try:
            if source.is_stored:
                return stored_text.render(source.text, variables)
            return self._env.get_template(file).render(variables)
        except UndefinedError as error:
            raise TemplateFault(f"template {file}: {error.message}; use a variable that exists") from None
        except TemplateSyntaxError as error:
            raise TemplateFault(f"template {file}, line {error.lineno}: {error.message}") from None
        except stored_text.StoredTextFault as error:
            line = "" if error.line is None else f", line {error.line}"
            raise TemplateFault(f"template {file}{line}: {error}") from None


def candidates(name: str, audience: str) -> tuple[str, ...]:
    """Return the texts that may be used, the best first; none that another audience alone may read.

    Nothing stands in for the neutral words of a confidential notice: any other text names the matter.
    """
    if name in NEUTRAL:
        return (name,)
    stand_ins = _FALLBACK.get(audience, (name,))
    own = tuple(dict.fromkeys((name, text_of_rung(name))))
    return tuple(one for one in own if audience in _READERS.get(one, {audience})) + stand_ins
