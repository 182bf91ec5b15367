"""Texts of notices: Jinja2 with strict undefined, one file per name, form and language."""

import hashlib
from collections.abc import Mapping
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

LANGUAGES = ("zh-CN", "en")
_FALLBACK = {
    "employee": "first_notice",
    "emergency_contact": "emergency_contact",
    "manager": "colleague_notice",
    "hr": "colleague_notice",
    "legal": "colleague_notice",
}


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

    def mail(self, language: str, variables: Mapping[str, Any]) -> str:
        """Render the e-mail around a notice: text, link, fingerprint, contact."""
        file, _ = self._find("mail", "employee", language, "txt")
        return self._render(file, variables).strip() + "\n"

    def _find(self, name: str, audience: str, language: str, form: str) -> tuple[str, str]:
        language = language if language in LANGUAGES else LANGUAGES[0]
        for candidate in (name, _FALLBACK.get(audience, name)):
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
