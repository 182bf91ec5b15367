"""What the policy of a case of a departure would do to one person; nothing is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import select

from countersign.adapters.database.departure_files import DepartureFile, example_file
from countersign.adapters.database.engine import Database
from countersign.adapters.database.notices import Notices
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.sifting import PreviewText, Sieve
from countersign.adapters.database.starts import cannot_print
from countersign.adapters.database.tables import Person
from countersign.adapters.paper import Unprintable
from countersign.contracts.cases import Process
from countersign.domain.calendar import WorkCalendar
from countersign.domain.planner import Plan, plan
from countersign.domain.policies import READERS
from countersign.domain.policy import Audience
from countersign.domain.refusal import Refusal
from countersign.domain.sms_templates import TemplateRefused


@dataclass(frozen=True)
class PolicyTrial:
    """The ladder of a policy for one person who stays silent: dates, texts, what stands in the way."""

    zone: str
    plan: Plan
    texts: tuple[PreviewText, ...]
    missing: tuple[str, ...]
    blocks: tuple[str, ...]
    warnings: tuple[str, ...]


class PolicyTrials:
    """Plays ladders of departures through, with an example of what the texts are about."""

    def __init__(
        self,
        database: Database,
        notices: Notices,
        calendar: Callable[[], WorkCalendar],
        clock: Callable[[], datetime],
        sieve: Callable[[Process], Sieve],
    ) -> None:
        self._database, self._notices, self._calendar = database, notices, calendar
        self._clock, self._sieve = clock, sieve

    def of(self, process: Process, body: Mapping[str, Any], number: str, scope: Scope) -> PolicyTrial:
        """Return what a policy as written would do, begun now, to the employee with this number.

        Raises `Refusal`, `CaseFileError` or `TemplateFault`.
        """
        policy = READERS[process.value](dict(body), "policy")
        with self._database.reading() as session:
            person = session.exec(select(Person).where(Person.number == number)).first()
            if person is None or not scope.covers(person, person.branch_id):
                raise Refusal("person", "person: nobody here has this employee number; correct it")
            file = example_file(session, process, person, person.language)
            planned = plan(policy.ladder, self._calendar(), self._clock(), file.reach())
            texts = self._texts(file, planned, confidential=policy.confidential)
            found = self._sieve(process).sift(session, texts)
            blocks = tuple(words for _, words in found.blocks)
            return PolicyTrial(
                file.branch.zone, planned, texts, _missing(file, planned), blocks, found.warnings
            )

    def _texts(self, file: DepartureFile, planned: Plan, *, confidential: bool) -> tuple[PreviewText, ...]:
        texts: list[PreviewText] = []
        for step in planned.steps:
            sealed = confidential and step.audience is Audience.EMPLOYEE
            try:
                texts += self._notices.preview(
                    file, step.rung, step.audience, step.channels, step.waits_until, sealed
                )
            except TemplateRefused as refusal:
                raise Refusal("person", f"step {step.rung}: {refusal}") from None
            except Unprintable as fault:
                raise Refusal("person", str(cannot_print(step.rung, fault))) from None
        return tuple(texts)


def _missing(file: DepartureFile, planned: Plan) -> tuple[str, ...]:
    person = file.person
    facts: dict[str, object] = {"phone": person.phone, "email": person.email}
    if any(step.audience is Audience.MANAGER for step in planned.steps):
        facts["manager"] = file.manager
    if file.process is not Process.HANDOVER:
        facts |= {"service_address": person.service_address}
    return tuple(name for name, value in facts.items() if not value)
