"""Draws the pages: what a person sees, in their language, with nothing a browser would have to run."""

import base64
import hashlib
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.language import LANGUAGES, Sentence, catalogue
from api.people.asking import Filled
from api.people.desk import Desk, desk_of, parts_of
from api.people.forms import FieldError, Typed, choices, size_in_words
from api.people.receipts import (
    Receipt,
    answer_words,
    confirms,
    in_yuan,
    moment,
    paragraphs,
    receipt_of,
    receipt_text,
)
from api.people.services import PeopleServices
from api.people.ticking import MOST_PHOTOS, Objected, Ticked
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.handover_views import ItemView
from countersign.adapters.database.identity import Ways
from countersign.adapters.database.leaver_pages import LeaverView
from countersign.adapters.database.links import LinkView
from countersign.adapters.database.questionnaires import AskedView
from countersign.contracts.cases import OF_ITEMS, ActKind, Process, Role
from countersign.domain.console_words import name_of

_OF_LEAVERS = (Process.OFFBOARDING, Process.STATUTORY)
_LAST_RECEIPTS = 3
"""How many receipts stand on top of a list of items; whoever confirms one by one has hundreds."""


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
        self._env.filters.update(
            moment=moment,
            short=short_fingerprint,
            say=self._words.say,
            yuan=in_yuan,
            word=lambda value, kind: name_of(kind, str(value), language),
        )
        self._env.globals.update(languages=LANGUAGES, language=language)

    def say(self, one: Sentence) -> str:
        """Return a sentence in the language of these pages."""
        return self._words.say(one)

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
            home=f"/n/{code}",
            link=link,
            typed=typed,
            errors=errors,
            faults={error.field: error.sentence for error in errors},
            receipts=[self.receipt(services, act, link) for act in acts],
            leaver=_leaver(services, link),
            asked=self.asked(services, link),
            has_list=desk_of(services, link) is not None,
            choices=[
                (kind.value, answer_words(self._words, kind, link))
                for kind in choices(link.process, link.audience)
            ],
            confirms=confirms(link),
            paragraphs=paragraphs(link.text),
            inbox=services.links.inbox(link),
            limit=size_in_words(services.upload_limit),
        )

    def handover(
        self,
        services: PeopleServices,
        link: LinkView,
        code: str,
        desk: Desk,
        ticked: Ticked,
        *,
        track: str,
        page: int,
        errors: tuple[FieldError, ...] = (),
    ) -> str:
        """Return the items to hand or take over with their form, what is owed, and the papers."""
        acts = [one for one in services.acts.of_link(link.link_id) if one.kind in OF_ITEMS]
        return self._draw(
            "handover.html",
            services,
            path=f"/n/{code}",
            code=code,
            home=f"/n/{code}",
            tail=f"?lang={self.language}",
            link=link,
            desk=desk,
            parts=parts_of(desk, track, page),
            alone=track,
            ticked=ticked,
            errors=errors,
            faults={error.field: error.sentence for error in errors},
            receipts=[self.receipt(services, act, link) for act in acts[:_LAST_RECEIPTS]],
            leaver=_leaver(services, link),
            asked=self.asked(services, link),
            paragraphs=paragraphs(link.text),
        )

    def item(
        self,
        services: PeopleServices,
        link: LinkView,
        code: str,
        desk: Desk,
        item: ItemView,
        objected: Objected,
        errors: tuple[FieldError, ...] = (),
    ) -> str:
        """Return one item with what was said of it and the form to dispute it."""
        return self._draw(
            "item.html",
            services,
            path=f"/n/{code}/items/{item.id}",
            code=code,
            link=link,
            desk=desk,
            item=item,
            home=f"/n/{code}",
            tail=f"?lang={self.language}",
            typed=objected.typed,
            about=objected.about,
            photos=len(objected.photos),
            most_photos=MOST_PHOTOS,
            errors=errors,
            faults={error.field: error.sentence for error in errors},
            limit=size_in_words(services.upload_limit),
        )

    def asked(self, services: PeopleServices, link: LinkView) -> AskedView | None:
        """Return what the leaver behind a link may answer; None for everybody else."""
        if link.process not in _OF_LEAVERS or link.audience != Role.EMPLOYEE:
            return None
        return services.questionnaires.of_leaver(link.case_id, link.person_id)

    def questionnaire(
        self,
        services: PeopleServices,
        link: LinkView,
        code: str,
        asked: AskedView,
        filled: Filled,
        errors: tuple[FieldError, ...] = (),
    ) -> str:
        """Return the questions with what was answered or typed, and until when it can be changed."""
        return self._draw(
            "questionnaire.html",
            services,
            path=f"/n/{code}/questionnaire",
            code=code,
            link=link,
            asked=asked,
            filled=filled,
            errors=errors,
            faults={error.field: error.sentence for error in errors},
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
        receipt = self.receipt(services, act, link)
        stranger = act.kind is ActKind.NOT_ME
        path = "/n" if stranger else f"/n/{code}/receipt/{act.id}"
        return self._draw(
            "receipt.html",
            services,
            path=path,
            link=link,
            code=code,
            receipt=receipt,
            stranger=stranger,
            of_items=act.kind in OF_ITEMS,
        )

    def receipt_text(self, services: PeopleServices, link: LinkView, act: ActView) -> str:
        """Return the receipt as plain text, to be kept."""
        receipt = self.receipt(services, act, link)
        return receipt_text(self._words, services, receipt, time_lapse=link.time_lapse)

    # -- receipts -----------------------------------------------------------------------------------------

    def receipt(self, services: PeopleServices, act: ActView, link: LinkView) -> Receipt:
        """Return an act in words; one about items names them."""
        return receipt_of(self._words, services, act, link)

    def _draw(self, name: str, services: PeopleServices, **values: Any) -> str:
        return self._env.get_template(name).render(
            company=services.company, contact=services.contact, **{"link": None, **values}
        )


def _leaver(services: PeopleServices, link: LinkView) -> LeaverView | None:
    """Return what the leaver is shown of the end; None for everybody else, receivers included."""
    if link.process not in _OF_LEAVERS or link.audience != Role.EMPLOYEE:
        return None
    found = services.leavers.of(link.case_id)
    return found if found is not None and found.person_id == link.person_id else None


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


def short_fingerprint(fingerprint: str) -> str:
    """Return the two ends of a fingerprint, enough to compare by eye."""
    return f"{fingerprint[:8]}…{fingerprint[-4:]}"
