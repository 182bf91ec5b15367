"""The file of a case: who its audiences are and what its notices say. Each process brings its own."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from countersign.adapters.database.people import Recipient
from countersign.adapters.database.tables import Branch, ConsentRecord, EmergencyContact, Person
from countersign.adapters.rendering import NoticeText, Renderer
from countersign.contracts.cases import Process
from countersign.domain.calendar import WorkCalendar
from countersign.domain.planner import Reach
from countersign.domain.policy import Audience


class CaseFile(Protocol):
    """What the notice book asks of a process about one of its cases."""

    @property
    def process(self) -> Process:
        """The kind of case, which names the folder of its texts."""

    @property
    def person(self) -> Person:
        """The employee whom the case is about."""

    @property
    def branch(self) -> Branch:
        """The employee's branch."""

    @property
    def contact(self) -> EmergencyContact | None:
        """The employee's emergency contact."""

    @property
    def consent(self) -> ConsentRecord | None:
        """The signed consent of the employee that counts."""

    def recipient(self, audience: Audience) -> Recipient:
        """Return who stands for an audience."""

    def reach(self) -> Reach:
        """Return which channels can reach each audience."""

    def variables(self, calendar: Callable[[], WorkCalendar]) -> Mapping[str, Any]:
        """Return what the texts of this process may use beyond what every text may."""

    def notice(
        self,
        renderer: Renderer,
        name: str,
        audience: Audience,
        language: str,
        variables: Mapping[str, Any],
    ) -> NoticeText:
        """Return the title and text of one notice; raises `TemplateFault`."""
