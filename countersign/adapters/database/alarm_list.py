"""The list of alarms as people read it: by kind, a page at a time, with the case that each is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Alarm, Case, Person


@dataclass(frozen=True)
class AlarmLine:
    """One alarm; without a case it is about the whole installation."""

    id: str
    kind: str
    sentence: str
    at: datetime
    case_id: str | None
    number: str | None
    name: str | None = field(repr=False)


class AlarmList:
    """Reads. Whoever is bound to a branch sees the alarms of its cases, and none of the installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def kinds(self, scope: Scope) -> Mapping[str, int]:
        """Return how many alarms of each kind there are, the most frequent first."""
        query = _joined(select(Alarm.kind, func.count())).group_by(col(Alarm.kind))
        with self._database.reading() as session:
            found = session.exec(scope.within(query, Case.branch_id)).all()
        return {kind: count for kind, count in sorted(found, key=lambda pair: (-pair[1], pair[0]))}

    def page(self, scope: Scope, kind: str | None, limit: int, skip: int = 0) -> list[AlarmLine]:
        """Return alarms, the newest first; `kind` leaves only those."""
        query = _joined(select(Alarm, Case.id, Person.number, Person.name)).order_by(
            col(Alarm.at).desc(), col(Alarm.id).desc()
        )
        if kind:
            query = query.where(col(Alarm.kind) == kind)
        query = scope.within(query, Case.branch_id).limit(limit).offset(skip)
        with self._database.reading() as session:
            return [
                AlarmLine(alarm.id, alarm.kind, alarm.sentence, alarm.at, case_id, number, name)
                for alarm, case_id, number, name in session.exec(query)
            ]


def _joined(query: Any) -> Any:
    return (
        query.select_from(Alarm)
        .outerjoin(Case, col(Case.id) == col(Alarm.case_id))
        .outerjoin(Person, col(Person.id) == col(Case.person_id))
    )
