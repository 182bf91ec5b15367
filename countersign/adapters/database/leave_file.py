"""The file of a leave-return case: the leave, its dates, and texts from the templates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from countersign.adapters.database.people import PersonFile, person_file
from countersign.adapters.database.tables import Case, Leave, Person
from countersign.adapters.rendering import NoticeText, Renderer
from countersign.contracts.cases import Process
from countersign.domain.calendar import WorkCalendar
from countersign.domain.policy import Audience


@dataclass(frozen=True)
class LeaveFile(PersonFile):
    """A leave with everything around it that a case looks at when it starts or renders a text.

    `ends_on` is the last day as the case has it now, which HR may have moved.
    """

    leave: Leave
    ends_on: date

    @property
    def process(self) -> Process:
        """The kind of case."""
        return Process.LEAVE_RETURN

    def variables(self, calendar: Callable[[], WorkCalendar]) -> Mapping[str, Any]:
        """Return what the texts of a return may use."""
        return_day, _ = calendar().add_working_days(self.ends_on, 1)
        return {
            "leave_kind": self.leave.kind,
            "starts_on": self.leave.starts_on,
            "ends_on": self.ends_on,
            "return_day": return_day,
        }

    def notice(
        self,
        renderer: Renderer,
        name: str,
        audience: Audience,
        language: str,
        variables: Mapping[str, Any],
    ) -> NoticeText:
        """Return the text of the template."""
        return renderer.notice(name, audience, language, variables)


def leave_file(session: Session, leave_id: str) -> LeaveFile | None:
    """Return a leave with its person, branch, contact and manager; None when there is no such leave."""
    leave = session.get(Leave, leave_id)
    return None if leave is None else _filed(session, leave, leave.ends_on)


def leave_file_of(session: Session, case: Case) -> LeaveFile:
    """Return the file of a leave-return case."""
    leave = session.get_one(Leave, case.leave_id)
    return _filed(session, leave, case.ends_on or leave.ends_on)


def _filed(session: Session, leave: Leave, ends_on: date) -> LeaveFile:
    one = person_file(session, session.get_one(Person, leave.person_id))
    return LeaveFile(one.person, one.branch, one.contact, one.manager, one.consent, leave, ends_on)
