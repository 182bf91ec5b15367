"""Draws the pages: what a person sees, in their language, with nothing a browser would have to run."""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.language import LANGUAGES, Sentence, catalogue, sentence
from api.people.forms import FieldError, Typed, choices, size_in_words
from api.people.services import PeopleServices
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.identity import Ways
from countersign.adapters.database.links import LinkView
from countersign.contracts.cases import ActKind, Process, Role

_ZONE = ZoneInfo("Asia/Shanghai")
_DECIDED = re.compile(r"already decided by (\w+) at (\S+)")

_ANSWERS = {
    ActKind.RETURNS_ON: sentence("I will return on a day"),
    ActKind.EXTENSION_ASKED: sentence("I ask for a longer leave"),
    ActKind.OBJECTED: sentence("I object"),
    ActKind.RESIGNED: sentence("I resign"),
    ActKind.NOT_ME: sentence("I am not the person meant here"),
    ActKind.ACKNOWLEDGED: sentence("I have received this message"),
}
_CONTACT_NOT_ME = sentence("Wrong number, or I want no more such messages")
_CONFIRMED = sentence("I have read this and confirm")
_ROLES = {
    Role.HR: sentence("HR"),
    Role.MANAGER: sentence("the line manager"),
    Role.EMPLOYEE: sentence("the employee"),
    Role.EMERGENCY_CONTACT: sentence("the emergency contact"),
    Role.INTEGRATOR: sentence("a connected system"),
    Role.MACHINE: sentence("the system"),
}
_SOMEBODY = sentence("the company")
_UNDER_REVIEW = frozenset({ActKind.EXTENSION_ASKED, ActKind.OBJECTED})
_MEDIA = {"image/jpeg": "JPEG", "image/png": "PNG", "application/pdf": "PDF"}


@dataclass(frozen=True)
class Receipt:
    """An act as its giver sees it: a headline of its state, and facts as labels with values."""

    act_id: str
    state: str
    headline: str
    more: str
    facts: tuple[tuple[str, str], ...]


class Pages:
    """The pages in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._words = catalogue(language)
        self._env = Environment(
            loader=PackageLoader("templates", "people"),
            extensions=["jinja2.ext.i18n"],
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        gettext = self._words.gettext
        self._env.install_gettext_callables(  # type: ignore[attr-defined]
            gettext, lambda one, many, n: gettext(one if n == 1 else many), newstyle=True
        )
        self._env.filters.update(moment=moment, short=short_fingerprint, say=self._words.say)
        self._env.globals.update(languages=LANGUAGES, language=language)

    # -- pages --------------------------------------------------------------------------------------------

    def enter_code(self, services: PeopleServices, errors: tuple[FieldError, ...] = ()) -> str:
        """Return the page with the field for a typed code."""
        return self._draw("enter_code.html", services, errors=errors, path="/n")

    def gone(self, services: PeopleServices) -> str:
        """Return the page for a code with nothing behind it: the same whatever the reason."""
        return self._draw("gone.html", services, errors=(), path="/n")

    def problem(self, services: PeopleServices, title: Sentence, what_to_do: Sentence) -> str:
        """Return the page for a request that cannot be carried out."""
        return self._draw("problem.html", services, title=title, what_to_do=what_to_do, path="/n")

    def notice(
        self,
        services: PeopleServices,
        link: LinkView,
        code: str,
        typed: Typed,
        errors: tuple[FieldError, ...] = (),
    ) -> str:
        """Return the notice with its form, earlier receipts on top, errors linked to their fields."""
        acts = services.acts.of_link(link.link_id)
        return self._draw(
            "notice.html",
            services,
            path=f"/n/{code}",
            code=code,
            link=link,
            typed=typed,
            errors=errors,
            faults={error.field: error.sentence for error in errors},
            receipts=[self.receipt(act, link) for act in acts],
            choices=[(kind.value, self._label(kind, link)) for kind in choices(link.process, link.audience)],
            confirms=_confirms(link),
            paragraphs=_paragraphs(link.text),
            inbox=services.links.inbox(link),
            limit=size_in_words(services.upload_limit),
        )

    def factor(
        self,
        services: PeopleServices,
        link: LinkView,
        code: str,
        ways: Ways,
        error: FieldError | None,
        *,
        code_sent: bool,
    ) -> str:
        """Return the page that asks who is there; it names the company and nothing of the matter."""
        errors = (error,) if error else ()
        return self._draw(
            "factor.html",
            services,
            path=f"/n/{code}",
            link=link,
            ways=ways,
            errors=errors,
            faults={one.field: one.sentence for one in errors},
            code_sent=code_sent,
        )

    def receipt_page(self, services: PeopleServices, link: LinkView, code: str, act: ActView) -> str:
        """Return the receipt of one act."""
        receipt = self.receipt(act, link)
        stranger = act.kind is ActKind.NOT_ME
        path = "/n" if stranger else f"/n/{code}/receipt/{act.id}"
        return self._draw(
            "receipt.html", services, path=path, link=link, code=code, receipt=receipt, stranger=stranger
        )

    def receipt_text(self, services: PeopleServices, link: LinkView, act: ActView) -> str:
        """Return the receipt as plain text, to be kept."""
        receipt, say = self.receipt(act, link), self._words.say
        contact = say(
            sentence(
                "Contact: %(name)s, telephone %(phone)s",
                name=services.contact["name"],
                phone=services.contact["phone"],
            )
        )
        head = [f"{services.company} · {say(sentence('Receipt'))}"]
        if link.time_lapse:
            head.append(say(sentence("Time-lapse: the dates here are for demonstration")))
        facts = [f"{label}: {value}" for label, value in receipt.facts]
        return "\n".join([*head, "", receipt.headline, receipt.more, "", *facts, "", contact, ""])

    # -- receipts -----------------------------------------------------------------------------------------

    def receipt(self, act: ActView, link: LinkView) -> Receipt:
        """Return an act in words."""
        headline, more = self._state(act)
        return Receipt(
            act.id,
            act.state,
            self._words.say(headline),
            self._words.say(more),
            tuple((self._words.say(label), value) for label, value in self._facts(act, link)),
        )

    def _facts(self, act: ActView, link: LinkView) -> Iterable[tuple[Sentence, str]]:
        yield sentence("Your answer"), self._label(act.kind, link)
        if act.body.get("on"):
            is_return = act.kind is ActKind.RETURNS_ON
            label = sentence("Day of return") if is_return else sentence("Last day asked for")
            yield label, str(act.body["on"])
        if act.words.get("words"):
            yield sentence("Your words"), act.words["words"]
        for file in act.files:
            kind, size = _MEDIA.get(file.media_type, ""), size_in_words(file.size)
            yield sentence("Paper attached"), f"{kind}, {size}, SHA-256 {file.sha256}"
        yield sentence("Recorded at"), f"{moment(act.at, seconds=True)} (Asia/Shanghai)"
        yield sentence("Fingerprint of this receipt"), act.fingerprint
        yield sentence("Fingerprint of the notice"), link.fingerprint

    def _state(self, act: ActView) -> tuple[Sentence, Sentence]:
        at = moment(act.at, seconds=True)
        if act.state in {"accepted", "settled"}:
            more = _IN_EFFECT
            if act.kind in _UNDER_REVIEW:
                more = _REVIEWED if act.state == "settled" else _IN_REVIEW
            return sentence("Recorded and in effect"), more
        if act.state == "waiting":
            return sentence("Recorded at %(at)s, being processed", at=at), _KEPT
        return self._already_decided(act.sentence or ""), _LATE

    def _already_decided(self, told: str) -> Sentence:
        found = _DECIDED.search(told)
        if found is None:
            return sentence("Recorded, but it came too late to take effect")
        who = _ROLES.get(Role(found[1]), _SOMEBODY) if found[1] in set(Role) else _SOMEBODY
        when = moment(datetime.fromisoformat(found[2]))
        return sentence("Already decided by %(who)s at %(at)s", who=self._words.say(who), at=when)

    def _label(self, kind: ActKind, link: LinkView) -> str:
        if kind is ActKind.NOT_ME and link.audience == Role.EMERGENCY_CONTACT:
            return self._words.say(_CONTACT_NOT_ME)
        if kind is ActKind.ACKNOWLEDGED and _confirms(link):
            return self._words.say(_CONFIRMED)
        return self._words.say(_ANSWERS[kind])

    def _draw(self, name: str, services: PeopleServices, **values: Any) -> str:
        return self._env.get_template(name).render(
            company=services.company, contact=services.contact, **{"link": None, **values}
        )


_KEPT = sentence("Your answer is kept and is being passed on. You need not send it again.")
_IN_EFFECT = sentence("Your answer has reached the company's records.")
_IN_REVIEW = sentence("HR has your answer and will decide; you will be told the result.")
_REVIEWED = sentence("HR has decided on your answer; the result is told to you separately.")
_LATE = sentence("Your answer is kept with its time. If it matters, please call the contact below.")


def _confirms(link: LinkView) -> bool:
    """Say whether the reader is asked to confirm the text itself, and not only that it was received."""
    return link.process is Process.ACKNOWLEDGEMENT and link.audience == Role.EMPLOYEE


@cache
def pages(language: str) -> Pages:
    """Return the pages of a language tag."""
    return Pages(language)


@cache
def style_hash() -> str:
    """Return the CSP source of the stylesheet in the base template."""
    environment = Environment(loader=PackageLoader("templates", "people"), autoescape=True)
    assert environment.loader is not None  # noqa: S101  given one line above
    source, _, _ = environment.loader.get_source(environment, "base.html")
    style = source.partition("<style>")[2].partition("</style>")[0]
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def moment(at: datetime, seconds: bool = False) -> str:
    """Return an instant in the company's zone, `2026-02-25 10:00` or with seconds."""
    return at.astimezone(_ZONE).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def short_fingerprint(fingerprint: str) -> str:
    """Return the two ends of a fingerprint, enough to compare by eye."""
    return f"{fingerprint[:8]}…{fingerprint[-4:]}"


def _paragraphs(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
