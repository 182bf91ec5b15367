"""Putting a file into a case: its row, and the event that names it, in one transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.tables import Case, Document
from countersign.domain.evidence import EventKind


def file_document(
    session: Session,
    evidence: EvidenceLog,
    case: Case,
    document: Document,
    at: datetime,
    actor: Mapping[str, str],
    about: Mapping[str, Any],
    key: str | None = None,
) -> bool:
    """Add a document to a case, told by `document.added` with what it is `about`.

    `key` makes it one of its kind, by default the document's own id. False, and nothing is added, when that
    key stands in the chain already.
    """
    body = {
        "document": document.id,
        "sha256": document.sha256,
        "media_type": document.media_type,
        "size": document.size,
        **about,
    }
    key = key or f"document/{document.id}"
    if not evidence.append(session, case, key, at, EventKind.DOCUMENT_ADDED, actor, body):
        return False
    session.add(document)
    session.flush()
    return True
