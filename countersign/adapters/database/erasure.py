"""Erasure: the personal values of a closed case are deleted, and the chain says that they were.

The events keep their hashes, so the chain verifies as before; without salt and value nobody can find out by
trial what was sealed.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete
from sqlmodel import Session, col, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    CaseHistory,
    ConsentRecord,
    Delivery,
    DisclosureRow,
    Document,
    Inbox,
    Link,
    Notice,
    Suppression,
)
from countersign.contracts.cases import CaseState
from countersign.domain.evidence import EventKind, Sealed


class CannotErase(ValueError):
    """A case whose values must stay; the sentence says why and what to do."""


@dataclass(frozen=True)
class Erased:
    """How much was deleted."""

    disclosures: int
    notices: int
    deliveries: int
    acts: int
    documents: int
    reports: int


class Eraser:
    """Erases closed cases. `held` says, inside the same transaction, whether a legal hold keeps a case."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        documents: Path,
        held: Callable[[Session, str], bool],
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._evidence, self._documents = database, evidence, documents
        self._held, self._clock = held, clock

    def erase(self, case_id: str, actor: Mapping[str, str], reason: str) -> Erased:
        """Erase a case's personal values; files that no other case has go from the disk afterwards.

        Raises `CannotErase` for an open case and for one under legal hold, LookupError for no case.
        """
        orphans: list[str] = []

        def work(session: Session) -> Erased:
            orphans.clear()
            erased, loose = self._erase(session, case_id, actor, reason)
            orphans.extend(loose)
            return erased

        erased = self._database.write(work)
        for sha256 in orphans:
            with contextlib.suppress(FileNotFoundError):
                (self._documents / sha256[:2] / sha256).unlink()
        return erased

    def _erase(
        self, session: Session, case_id: str, actor: Mapping[str, str], reason: str
    ) -> tuple[Erased, list[str]]:
        case = session.get(Case, case_id, with_for_update=True)
        if case is None:
            raise LookupError("case: there is no such case")
        if case.state != CaseState.CLOSED.value:
            raise CannotErase("case: is not closed; a running case needs its values, close it first")
        if self._held(session, case_id):
            raise CannotErase("case: is under legal hold; release the hold before anything is deleted")
        documents = list(session.exec(select(Document).where(Document.case_id == case_id)))
        erased = Erased(
            disclosures=session.connection()
            .execute(delete(DisclosureRow).where(col(DisclosureRow.case_id) == case_id))
            .rowcount,
            reports=_empty_reports(session, case_id),
            notices=_empty_notices(session, case_id),
            deliveries=_empty_deliveries(session, case_id),
            acts=_empty_acts(session, case_id),
            documents=len(documents),
        )
        session.connection().execute(delete(Suppression).where(col(Suppression.case_id) == case_id))
        _close_links(session, case_id, self._clock())
        for document in documents:
            session.delete(document)
        session.flush()
        now = case_now(case, self._clock())
        # The key counts, since a case can be erased again after something late has come in.
        times = self._evidence.count(session, case_id, EventKind.DISCLOSURE_ERASED)
        body = {**asdict(erased), "reason": Sealed(reason)}
        self._evidence.append(session, case, f"erased/{times}", now, EventKind.DISCLOSURE_ERASED, actor, body)
        return erased, [sha for sha in {one.sha256 for one in documents} if not _needed(session, sha)]


def _empty_notices(session: Session, case_id: str) -> int:
    notices = session.exec(select(Notice).where(Notice.case_id == case_id)).all()
    for notice in notices:
        notice.title = notice.text = ""
        notice.letterhead = None
    return len(notices)


def _empty_deliveries(session: Session, case_id: str) -> int:
    deliveries = session.exec(select(Delivery).where(Delivery.case_id == case_id)).all()
    for one in deliveries:
        one.address = one.subject = one.code = one.sms_template = None
        one.text = ""
    return len(deliveries)


def _empty_acts(session: Session, case_id: str) -> int:
    acts = [act for act in session.exec(select(ActRow).where(ActRow.case_id == case_id)) if act.words]
    for act in acts:
        act.words = {}
    return len(acts)


def _empty_reports(session: Session, case_id: str) -> int:
    """Empty what providers have reported of this case's deliveries, and what came in from their addresses."""
    known = session.exec(
        select(Delivery.id, Delivery.provider_id, Delivery.address).where(Delivery.case_id == case_id)
    ).all()
    named = {value for row in known for value in row if value}
    if not named:
        return 0
    emptied = 0
    for report in session.exec(select(Inbox).where(col(Inbox.done_at).is_not(None))):
        if named & {value for value in report.raw.values() if isinstance(value, str)}:
            report.raw = {}
            emptied += 1
    return emptied


def _close_links(session: Session, case_id: str, now: datetime) -> None:
    """Let no link show the page of a notice whose text is gone."""
    for link in session.exec(select(Link).where(Link.case_id == case_id, col(Link.revoked_at).is_(None))):
        link.revoked_at, link.revoked_why = now, "erased"


def _needed(session: Session, sha256: str) -> bool:
    """Say whether another case still has this file, or a record of the person."""
    uses = (
        select(Document.id).where(Document.sha256 == sha256),
        select(CaseHistory.case_id).where(CaseHistory.sha256 == sha256),
        select(ConsentRecord.id).where(ConsentRecord.file_sha256 == sha256),
    )
    return any(session.exec(use).first() is not None for use in uses)
