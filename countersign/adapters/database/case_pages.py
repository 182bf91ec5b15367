"""All that one page about a case shows, read at one moment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from countersign.adapters.database.case_file import CaseFile
from countersign.adapters.database.case_files import file_of
from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import ActRow, Branch, Case
from countersign.adapters.database.views import Views
from countersign.domain.evidence import Disclosure, Event
from countersign.domain.policy import Audience


@dataclass(frozen=True)
class WaitingAct:
    """An act that is recorded and has not taken effect yet."""

    kind: str
    recorded_at: datetime


@dataclass(frozen=True)
class OtherCase:
    """Another case of the same person; `inherited` when this case carries its evidence."""

    id: str
    kind: str
    created_at: datetime
    inherited: bool


@dataclass(frozen=True)
class CasePage:
    """A case with its chain. `row` is what `Views.case` returns, `now` the case's own time.

    `recipients` are the names behind each audience, as they are on file now.
    """

    row: dict[str, Any] = field(repr=False)
    events: list[Event] = field(repr=False)
    disclosures: list[Disclosure] = field(repr=False)
    branch_id: str
    branch: str
    zone: ZoneInfo
    now: datetime
    manager_number: str | None
    recipients: dict[str, str] = field(repr=False)
    waiting: tuple[WaitingAct, ...] = ()
    others: tuple[OtherCase, ...] = ()

    @property
    def id(self) -> str:
        """The case."""
        return str(self.row["id"])


class CasePages:
    """Reads what a case page shows."""

    def __init__(self, database: Database, views: Views, clock: Callable[[], datetime]) -> None:
        self._database, self._views, self._clock = database, views, clock

    def read(self, scope: Scope, case_id: str) -> CasePage | None:
        """Return a case with its surroundings; None outside the scope."""
        found = self._views.case_with_chain(scope, case_id)
        if found is None:
            return None
        row, events, disclosures = found
        with self._database.reading() as session:
            case = session.get_one(Case, case_id)
            branch = session.get_one(Branch, case.branch_id)
            waiting = session.exec(
                select(ActRow)
                .where(ActRow.case_id == case_id, ActRow.state == "waiting")
                .order_by(col(ActRow.recorded_at))
            )
            others = session.exec(
                select(Case)
                .where(Case.person_id == case.person_id, Case.id != case_id)
                .order_by(col(Case.id).desc())
            )
            carried, file = set(row["inherits"]), file_of(session, case)
            return CasePage(
                row=row,
                events=events,
                disclosures=disclosures,
                branch_id=branch.id,
                branch=branch.name,
                zone=ZoneInfo(branch.zone),
                now=case_now(case, self._clock()),
                manager_number=file.person.manager_number,
                recipients=_names(file),
                waiting=tuple(WaitingAct(act.kind, act.recorded_at) for act in waiting),
                others=tuple(
                    OtherCase(other.id, other.kind, other.created_at, other.id in carried)
                    for other in others
                    if other.branch_id == case.branch_id
                ),
            )


def _names(file: CaseFile) -> dict[str, str]:
    named = {audience.value: file.recipient(audience).name for audience in Audience}
    # Where there is nobody, the audience stands for itself.
    return {audience: name for audience, name in named.items() if name != audience}
