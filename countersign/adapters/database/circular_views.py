"""What lists and pages read of circulars: who has confirmed, who has not, and since when."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Branch, Case, Circular, Notice, Person
from countersign.contracts.acknowledgement import AcknowledgementOutcome
from countersign.domain.policy import Audience

Row = dict[str, Any]
_CONFIRMED = AcknowledgementOutcome.ACKNOWLEDGED.value


class CircularViews:
    """Reads. Both methods keep to one branch, or to the whole company when it is None."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listing(self, branch_id: str | None, limit: int, after: str | None) -> list[Row]:
        """Return circulars with at least one addressee in the scope, the newest first, and their counts."""
        query = (
            select(Circular)
            .where(col(Circular.id).in_(_in_scope(select(Case.circular_id), branch_id)))
            .order_by(col(Circular.id).desc())
            .limit(limit)
        )
        if after:
            query = query.where(col(Circular.id) < after)
        with self._database.reading() as session:
            found = list(session.exec(query))
            counts = _counts(session, [circular.id for circular in found], branch_id)
            return [_row(circular, counts.get(circular.id, {})) for circular in found]

    def read(self, circular_id: str, branch_id: str | None) -> Row | None:
        """Return a circular with its addressees in the scope, those who have not confirmed first."""
        with self._database.reading() as session:
            circular = session.get(Circular, circular_id)
            if circular is None:
                return None
            told = dict(
                session.exec(
                    select(Notice.case_id, func.min(Notice.created_at))
                    .join(Case, col(Case.id) == col(Notice.case_id))
                    .where(Case.circular_id == circular_id, Notice.audience == Audience.EMPLOYEE.value)
                    .group_by(col(Notice.case_id))
                ).all()
            )
            query = (
                select(Case, Person, Branch)
                .join(Person, col(Person.id) == col(Case.person_id))
                .join(Branch, col(Branch.id) == col(Case.branch_id))
                .where(Case.circular_id == circular_id)
            )
            rows = session.exec(_in_scope(query, branch_id)).all()
            if not rows:
                return None
            counts = _counts(session, [circular_id], branch_id)[circular_id]
            addressees = [_addressee_row(case, person, branch, told) for case, person, branch in rows]
        addressees.sort(key=lambda row: (row["confirmed_at"] is not None, row["employee"]["number"]))
        return {**_row(circular, counts), "text": circular.text, "addressees": addressees}


def _in_scope(query: Any, branch_id: str | None) -> Any:
    return query if branch_id is None else query.where(Case.branch_id == branch_id)


def _counts(session: Session, circular_ids: Iterable[str], branch_id: str | None) -> dict[str, Row]:
    """Return by circular how many of its cases stand where: by state, closed ones by outcome."""
    query = (
        select(Case.circular_id, Case.state, Case.outcome, func.count())
        .where(col(Case.circular_id).in_(list(circular_ids)))
        .group_by(col(Case.circular_id), col(Case.state), col(Case.outcome))
    )
    found: dict[str, Row] = {}
    for circular_id, state, outcome, count in session.exec(_in_scope(query, branch_id)):
        counts = found.setdefault(circular_id, {"addressees": 0, "confirmed": 0, "standing": {}})
        counts["addressees"] += count
        counts["confirmed"] += count if outcome == _CONFIRMED else 0
        standing = counts["standing"]
        standing[outcome or state] = standing.get(outcome or state, 0) + count
    return found


def _row(circular: Circular, counts: Row) -> Row:
    return {
        "id": circular.id,
        "title": circular.title,
        "fingerprint": hashlib.sha256(f"{circular.title}\n{circular.text}".encode()).hexdigest(),
        "confidential": circular.sensitive,
        "created_at": circular.created_at,
        **counts,
        "complete": counts["confirmed"] == counts["addressees"],
    }


def _addressee_row(case: Case, person: Person, branch: Branch, told: Mapping[str, datetime]) -> Row:
    confirmed = case.outcome == _CONFIRMED
    return {
        "case": case.id,
        "employee": {"number": person.number, "name": person.name},
        "branch": branch.name,
        "state": case.state,
        "stage": case.stage,
        "outcome": case.outcome,
        "told_at": told.get(case.id),
        "confirmed_at": case.closed_at if confirmed else None,
        "silent_since": None if confirmed else told.get(case.id),
    }
