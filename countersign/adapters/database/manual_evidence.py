"""Evidence entered by hand: a call, a visit, a screenshot. It stands on the chain and moves nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from countersign.adapters.database.acts import StoredFile
from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.filing import file_document
from countersign.adapters.database.tables import Case, Document
from countersign.domain.evidence import EventKind, Sealed
from countersign.ids import new_id

BY_HAND = "entered by hand"
"""What the chain says of all such evidence."""

DOCUMENT_KIND = "manual"
_CLOCKS_DIFFER = timedelta(minutes=5)


class ManualKind(StrEnum):
    """What somebody did or saw."""

    CALL = "call"
    VISIT = "visit"
    SCREENSHOT = "screenshot"


class ManualResult(StrEnum):
    """What came of it."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    REFUSED = "refused"
    OTHER = "other"


_EVENTS = {
    ManualKind.CALL: EventKind.MANUAL_CALL,
    ManualKind.VISIT: EventKind.MANUAL_VISIT,
    ManualKind.SCREENSHOT: EventKind.MANUAL_SCREENSHOT,
}


@dataclass(frozen=True)
class NewManual:
    """A piece of evidence on its way into a case; `happened_at` is in the time of the case."""

    id: str
    case_id: str
    kind: ManualKind
    result: ManualResult
    happened_at: datetime
    words: str = field(repr=False)
    witness: str | None = field(default=None, repr=False)
    file: StoredFile | None = None


class ManualRefused(ValueError):
    """Evidence that cannot be true; the sentence says why, `field` where."""

    def __init__(self, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.field = field


class CaseErased(ValueError):
    """The case's personal values were erased; new ones would stay for ever."""


class ManualEvidence:
    """Takes in what people write down, of running and of closed cases."""

    def __init__(self, database: Database, evidence: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock

    def add(self, new: NewManual, actor: Mapping[str, str]) -> None:
        """Put it on the case's chain, once per id.

        Raises `ManualRefused` for a time that lies ahead, `CaseErased` for a case whose values were erased.
        """
        self._database.write(lambda session: self._add(session, new, actor))

    def has_document(self, case_id: str, document_id: str) -> bool:
        """Say whether a document belongs to a case."""
        with self._database.reading() as session:
            document = session.get(Document, document_id)
            return document is not None and document.case_id == case_id

    def _add(self, session: Session, new: NewManual, actor: Mapping[str, str]) -> None:
        case = session.get_one(Case, new.case_id)
        at = case_now(case, self._clock())
        if self._evidence.count(session, case.id, EventKind.DISCLOSURE_ERASED):
            raise CaseErased(
                "case: its personal values were erased; keep this evidence elsewhere, or in a new case"
            )
        if new.happened_at > at + _CLOCKS_DIFFER:
            sentence = "happened_at: lies in the future; give the time at which it happened"
            raise ManualRefused(sentence, "happened_at")
        document = None if new.file is None else _document(new, new.file, self._clock())
        body: dict[str, Any] = {
            "manual": new.id,
            "says": BY_HAND,
            "happened_at": new.happened_at.isoformat(),
            "result": new.result.value,
            "words": Sealed(new.words),
            "witness": Sealed(new.witness) if new.witness else None,
            "document": document.id if document else None,
            "sha256": document.sha256 if document else None,
        }
        if not self._evidence.append(
            session, case, f"manual/{new.id}", at, _EVENTS[new.kind], actor, body
        ) or (document is None or new.file is None):
            return
        about = {"manual": new.id, "name": Sealed(new.file.name)}
        file_document(session, self._evidence, case, document, at, actor, about)


def manual_rows(timeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what was entered by hand, out of a case's timeline with its values opened."""
    return [
        {
            "id": event["body"]["manual"],
            "kind": str(event["kind"]).partition(".")[2],
            "at": event["at"],
            "by": event["actor"],
            **{
                name: event["body"][name]
                for name in ("says", "happened_at", "result", "words", "witness", "document", "sha256")
            },
        }
        for event in timeline
        if event["kind"] in _KINDS and "manual" in event["body"]
    ]


_KINDS = frozenset(kind.value for kind in _EVENTS.values())


def _document(new: NewManual, file: StoredFile, now: datetime) -> Document:
    return Document(
        id=new_id(),
        case_id=new.case_id,
        sha256=file.sha256,
        media_type=file.media_type,
        size=file.size,
        kind=DOCUMENT_KIND,
        created_at=now,
    )
