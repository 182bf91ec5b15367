"""The file of an acknowledgement case: the circular's own words for the addressee, templates for the rest."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from countersign.adapters.database.people import PersonFile, person_file
from countersign.adapters.database.tables import Case, Circular, Person
from countersign.adapters.rendering import NoticeText, Renderer
from countersign.contracts.cases import Process
from countersign.domain.calendar import WorkCalendar
from countersign.domain.policy import Audience


@dataclass(frozen=True)
class CircularFile(PersonFile):
    """A circular with one of its addressees. Nothing in it knows of the others."""

    circular: Circular

    @property
    def process(self) -> Process:
        """The kind of case."""
        return Process.ACKNOWLEDGEMENT

    def variables(self, calendar: Callable[[], WorkCalendar]) -> Mapping[str, Any]:
        """Return what the frames may use: `about` names the text to colleagues unless it is confidential."""
        return {"about": None if self.circular.sensitive else self.circular.title}

    def notice(
        self,
        renderer: Renderer,
        name: str,
        audience: Audience,
        language: str,
        variables: Mapping[str, Any],
    ) -> NoticeText:
        """Return to the addressee the same bytes on every rung, to others the text of the template."""
        if audience is not Audience.EMPLOYEE:
            return renderer.notice(name, audience, language, variables)
        title, text = self.circular.title, self.circular.text
        version = hashlib.sha256(f"{title}\n{text}".encode()).hexdigest()[:12]
        return NoticeText(title, text, f"circular/{self.circular.id}", version)


def circular_file(session: Session, circular: Circular, person: Person) -> CircularFile:
    """Return a circular with one addressee, their branch, contact and manager."""
    one = person_file(session, person)
    return CircularFile(one.person, one.branch, one.contact, one.manager, one.consent, circular)


def circular_file_of(session: Session, case: Case) -> CircularFile:
    """Return the file of an acknowledgement case."""
    circular = session.get_one(Circular, case.circular_id)
    return circular_file(session, circular, session.get_one(Person, case.person_id))
