"""Handing a case's evidence over to another case of the same person, so that nothing is entered twice."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.tables import Case, CaseLink, EventRow
from countersign.domain.evidence import EventKind, Sealed


class CannotLink(ValueError):
    """Two cases that may not be joined; the sentence says why."""


class CaseLinks:
    """Joins chains: the inheriting case's chain names the head that the other chain had at that time."""

    def __init__(self, database: Database, evidence: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock

    def link(self, case_id: str, other_id: str, reason: str, actor: Mapping[str, str]) -> tuple[int, str]:
        """Let `case_id` inherit the evidence of `other_id`; return length and head of the inherited chain.

        The same link again returns what was kept first. Raises `CannotLink` for cases of two persons, a case
        with itself, and a link that would close a circle.
        """
        return self._database.write(lambda session: self._link(session, case_id, other_id, reason, actor))

    def _link(
        self, session: Session, case_id: str, other_id: str, reason: str, actor: Mapping[str, str]
    ) -> tuple[int, str]:
        case, other = session.get_one(Case, case_id), session.get_one(Case, other_id)
        known = session.get(CaseLink, (case_id, other_id))
        if known is not None:
            return known.length, known.head
        if case.person_id != other.person_id:
            raise CannotLink(
                "case: belongs to another person; evidence is handed over within one person's cases"
            )
        if case_id == other_id or case_id in inherited(session, other_id):
            raise CannotLink("case: inherits from this case already; name a case that came before it")
        now = case_now(case, self._clock())
        return tie(session, self._evidence, case, other, now, actor, reason)


def tie(
    session: Session,
    evidence: EvidenceLog,
    case: Case,
    other: Case,
    at: datetime,
    actor: Mapping[str, Any],
    reason: str,
) -> tuple[int, str]:
    """Let a case name the head of another's chain, within the transaction; return its length and head."""
    head = session.exec(
        select(EventRow).where(EventRow.case_id == other.id).order_by(col(EventRow.seq).desc()).limit(1)
    ).one()
    session.add(CaseLink(case_id=case.id, other_id=other.id, length=head.seq, head=head.hash, at=at))
    body = {"case": other.id, "length": head.seq, "head": head.hash, "reason": Sealed(reason)}
    evidence.append(session, case, f"linked/{other.id}", at, EventKind.CASE_LINKED, actor, body)
    return head.seq, head.hash


def inherited(session: Session, case_id: str) -> list[str]:
    """Return every case whose evidence a case inherits, through other cases too, the nearest first."""
    found: list[str] = []
    ahead = [case_id]
    while ahead:
        rows = session.exec(
            select(CaseLink.other_id)
            .where(col(CaseLink.case_id).in_(ahead))
            .order_by(col(CaseLink.at), col(CaseLink.other_id))
        )
        ahead = [other for other in dict.fromkeys(rows) if other not in found]
        found += ahead
    return found
