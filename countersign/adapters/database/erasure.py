"""Erasure: the personal values of a closed case are deleted, and the chain says that they were.

The events keep their hashes, so the chain verifies as before; without salt and value nobody can find out by
trial what was sealed.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.departure_erasure import empty_departure
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.tables import (
    ActRow,
    Approval,
    Case,
    CaseHistory,
    ConsentRecord,
    Delivery,
    DisclosureRow,
    Document,
    EventRow,
    Inbox,
    Link,
    Notice,
    Suppression,
)
from countersign.adapters.documents import Documents
from countersign.contracts.cases import CaseState
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.retention import Keeps

_NAMES_OF_MESSAGES = ("delivery", "out_id", "MessageSid", "biz_id")
"""Where a report names its message: our own number, or the provider's."""

_SENDERS = ("From", "phone_number")
_ID = re.compile(r"\b[0-9A-Z]{26}\b")
_REFUSALS = {
    Keeps.HOLD: "is under legal hold; release the hold before anything is deleted",
    Keeps.HEIR_OPEN: "an open case inherits its evidence; close and erase that case first",
    Keeps.HEIR_TERM: "a case that inherits its evidence still has its values and its term is not over; "
    "erase that case first",
}


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
    """Erases closed cases. `kept` says, inside the same transaction, what forbids to erase a case."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        documents: Documents,
        kept: Callable[[Session, str], Keeps | None],
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._evidence, self._documents = database, evidence, documents
        self._kept, self._clock = kept, clock

    def erase(self, case_id: str, actor: Mapping[str, str], reason: str) -> Erased:
        """Erase a case's personal values; files that no other case has go from the disk afterwards.

        What stops between the two is made good by the next erasure of the case, or by `remove_files`. Raises
        `CannotErase` for an open case and for one that a hold or an heir keeps, LookupError for no case.
        """
        erased = self._database.write(lambda session: self._erase(session, case_id, actor, reason))
        self.remove_files(case_id)
        return erased

    def remove_files(self, case_id: str | None = None) -> int:
        """Remove the files that erasures have let go of, of one case or of all; return how many.

        A file that a row names again stays, and one that was kept within the last minutes stays until the
        next call: another case may be about to name it.
        """
        with self._database.reading() as session:
            erasures = select(EventRow.line).where(EventRow.kind == EventKind.DISCLOSURE_ERASED.value)
            if case_id is not None:
                erasures = erasures.where(EventRow.case_id == case_id)
            let_go = {
                sha for line in session.exec(erasures) for sha in json.loads(line)["body"].get("files", ())
            }
        there = [sha for sha in sorted(let_go) if self._documents.path(sha).exists()]
        if not there:
            return 0
        # Asked and removed in one transaction: nobody names a file in between unseen.
        return self._database.write(
            lambda session: sum(not _needed(session, sha) and self._documents.drop(sha) for sha in there)
        )

    def _erase(self, session: Session, case_id: str, actor: Mapping[str, str], reason: str) -> Erased:
        case = session.get(Case, case_id, with_for_update=True)
        if case is None:
            raise LookupError("case: there is no such case")
        if case.state != CaseState.CLOSED.value:
            raise CannotErase("case: is not closed; a running case needs its values, close it first")
        keeps = self._kept(session, case_id)
        if keeps is not None:
            raise CannotErase(f"case: {_REFUSALS[keeps]}")
        documents = list(session.exec(select(Document).where(Document.case_id == case_id)))
        reports = _reports_of(session, case_id)
        files = {document.sha256 for document in documents} | _mails_in(reports)
        _empty_reports(reports, self._clock())
        erased = Erased(
            disclosures=session.connection()
            .execute(delete(DisclosureRow).where(col(DisclosureRow.case_id) == case_id))
            .rowcount,
            reports=len(reports),
            notices=_empty_notices(session, case_id),
            deliveries=_empty_deliveries(session, case_id),
            acts=_empty_acts(session, case_id),
            documents=len(documents),
        )
        _empty_approvals(session, case_id)
        empty_departure(session, case)
        session.connection().execute(delete(Suppression).where(col(Suppression.case_id) == case_id))
        _close_links(session, case_id, self._clock())
        for document in documents:
            session.delete(document)
        session.flush()
        now = case_now(case, self._clock())
        # The key counts, since a case can be erased again after something late has come in.
        times = self._evidence.count(session, case_id, EventKind.DISCLOSURE_ERASED)
        body = {**asdict(erased), "files": sorted(files), "reason": Sealed(reason)}
        self._evidence.append(session, case, f"erased/{times}", now, EventKind.DISCLOSURE_ERASED, actor, body)
        return erased


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
        one.courier = one.tracking_number = one.sentence = None
        one.text = ""
    return len(deliveries)


def _empty_acts(session: Session, case_id: str) -> int:
    acts = [act for act in session.exec(select(ActRow).where(ActRow.case_id == case_id)) if act.words]
    for act in acts:
        act.words = {}
    return len(acts)


def _empty_approvals(session: Session, case_id: str) -> None:
    """Forget what was written beside the requests for a second person; who decided when stays."""
    for asked in session.exec(select(Approval).where(Approval.subject == case_id)):
        asked.words, asked.reason = {}, None


def _reports_of(session: Session, case_id: str) -> list[Inbox]:
    """Return the reports of a case that are not empty yet; what can be another case's is none of them.

    A report that was worked off says whose it is, others name a message. An answer that still waits has only
    its sender's number: it counts when nobody else's case has written there.
    """
    own = session.exec(
        select(Delivery.id, Delivery.provider_id, Delivery.address).where(Delivery.case_id == case_id)
    ).all()
    deliveries = {row[0] for row in own}
    names = deliveries | _only_own(session, case_id, Delivery.provider_id, {row[1] for row in own})
    addresses = _only_own(session, case_id, Delivery.address, {row[2] for row in own})

    def is_own(report: Inbox) -> bool:
        said = set(_ID.findall(report.result or ""))
        if said:
            return bool(said & (deliveries | {case_id}))
        if _texts(report, _NAMES_OF_MESSAGES) & names:
            return True
        numbers = {_international(number) for number in _texts(report, _SENDERS)}
        return bool(numbers & addresses)

    return [report for report in session.exec(select(Inbox)) if report.raw and is_own(report)]


def _only_own(session: Session, case_id: str, column: Any, values: set[str | None]) -> set[str]:
    """Return the values of a column of deliveries that no other case's delivery has."""
    named = {value for value in values if value}
    others = session.exec(select(column).where(col(column).in_(named), Delivery.case_id != case_id))
    return named - set(others)


def _texts(report: Inbox, fields: Iterable[str]) -> set[str]:
    return {text for text in map(report.raw.get, fields) if isinstance(text, str) and text}


def _international(number: str) -> str:
    """Return a number as deliveries have it; one provider writes numbers without the country."""
    return number if number.startswith("+") else f"+86{number.removeprefix('86')}"


def _mails_in(reports: Iterable[Inbox]) -> set[str]:
    """Return the hashes of the mails that reports are about; their bytes lie among the documents."""
    return {sha for report in reports if report.source == "mail" for sha in _texts(report, ("sha256",))}


def _empty_reports(reports: Iterable[Inbox], now: datetime) -> None:
    for report in reports:
        report.raw = {}
        if report.done_at is None:
            report.done_at, report.result = now, "erased"


def _close_links(session: Session, case_id: str, now: datetime) -> None:
    """Let no link show the page of a notice whose text is gone."""
    for link in session.exec(select(Link).where(Link.case_id == case_id, col(Link.revoked_at).is_(None))):
        link.revoked_at, link.revoked_why = now, "erased"


def _needed(session: Session, sha256: str) -> bool:
    """Say whether a row still names this file."""
    uses = (
        select(Document.id).where(Document.sha256 == sha256),
        select(CaseHistory.case_id).where(CaseHistory.sha256 == sha256),
        select(ConsentRecord.id).where(ConsentRecord.file_sha256 == sha256),
        select(Inbox.id).where(Inbox.source == "mail", col(Inbox.raw)["sha256"].as_string() == sha256),
    )
    return any(session.exec(use).first() is not None for use in uses)
