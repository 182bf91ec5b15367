"""The files of a case as officers see them, and who has looked at the ones that were handed in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.tables import Branch, Case, Document
from countersign.adapters.documents import Documents
from countersign.domain.evidence import EventKind

SUFFIXES = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "message/rfc822": "eml"}
OF_THE_HOUSE = frozenset({"paper"})
"""Kinds of files that we have made ourselves; looking at one of all others is told on the chain."""


@dataclass(frozen=True)
class CaseDocument:
    """A file of a case, without its bytes; `size` in bytes."""

    id: str
    kind: str
    media_type: str
    size: int
    sha256: str
    notice_id: str | None
    created_at: datetime

    @property
    def file_name(self) -> str:
        """Return a name to save it under, free of personal data."""
        return f"document-{self.id}.{SUFFIXES.get(self.media_type, 'bin')}"


class CaseDocuments:
    """Lists and hands out files of cases. Whether the reader may see the case is checked before."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        documents: Documents,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._evidence = database, evidence
        self._documents, self._clock = documents, clock

    def of_case(self, case_id: str) -> list[CaseDocument]:
        """Return the files of a case, the newest first."""
        with self._database.reading() as session:
            rows = session.exec(
                select(Document).where(Document.case_id == case_id).order_by(col(Document.id).desc())
            )
            return [_shown(row) for row in rows]

    def open(
        self, case_id: str, document_id: str, actor: Mapping[str, Any]
    ) -> tuple[CaseDocument, bytes] | None:
        """Return a file of a case with its bytes; None when the case has no such file, or no longer.

        That somebody opened what was handed in goes on the chain, once for each reader, file and day.
        """
        with self._database.reading() as session:
            row = session.get(Document, document_id)
            if row is None or row.case_id != case_id:
                return None
            found = _shown(row)
        try:
            data = self._documents.read(found.sha256)
        except FileNotFoundError:
            return None
        if found.kind not in OF_THE_HOUSE:
            self._database.write(lambda session: self._tell(session, case_id, found, actor))
        return found, data

    def _tell(self, session: Session, case_id: str, document: CaseDocument, actor: Mapping[str, Any]) -> None:
        case = session.get_one(Case, case_id)
        zone = ZoneInfo(session.get_one(Branch, case.branch_id).zone)
        now = case_now(case, self._clock())
        key = f"viewed/{document.id}/{actor['id']}/{now.astimezone(zone).date()}"
        body = {"document": document.id, "sha256": document.sha256}
        self._evidence.append(session, case, key, now, EventKind.DOCUMENT_VIEWED, actor, body)


def _shown(row: Document) -> CaseDocument:
    return CaseDocument(row.id, row.kind, row.media_type, row.size, row.sha256, row.notice_id, row.created_at)
