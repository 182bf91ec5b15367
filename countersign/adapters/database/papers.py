"""The papers of notices: kept with their hash when they go by post, for all others printed on demand."""

import hashlib
from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from countersign.adapters.database.case_file import CaseFile
from countersign.adapters.database.case_files import file_of
from countersign.adapters.database.cases import case_now, raise_alarm
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.filing import file_document
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Case, Delivery, Document, Notice
from countersign.adapters.documents import Documents
from countersign.adapters.paper import Paper, Press, Unprintable
from countersign.domain.policy import Audience, Channel
from countersign.ids import new_id

PDF = "application/pdf"
POSTED = frozenset({Channel.COURIER, Channel.PUBLIC_NOTICE})
"""Channels whose paper is made with the notice and becomes evidence: what HR posts is what was kept."""

_HANDED_OVER = frozenset({Channel.COURIER, Channel.VISIT})
_MACHINE = {"role": "machine", "id": "press"}


class Papers:
    """What goes on paper."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        press: Press,
        company: str,
        documents: Documents,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._evidence, self._press = database, evidence, press
        self._company, self._documents, self._clock = company, documents, clock

    def letterhead(self, file: CaseFile, audience: Audience, channels: Collection[Channel]) -> dict[str, Any]:
        """Return what the page of a notice says around its text; stored with it, so that it prints the same.

        Only the employee's own pages name their address, and none that hangs in public.
        """
        own = audience is Audience.EMPLOYEE and Channel.PUBLIC_NOTICE not in channels
        person, signed = file.person, file.consent if own else None
        agreed = person.e_delivery_consent_on if own and signed is None else None
        return {
            "company": self._company,
            "branch": file.branch.name,
            "zone": file.branch.zone,
            "recipient": file.recipient(audience).name,
            "slip": bool(_HANDED_OVER & set(channels)),
            "service_address": person.service_address if own else None,
            "consent_on": agreed.isoformat() if agreed else None,
            "signed_on": signed.signed_on.isoformat() if signed else None,
            "signed_sha256": signed.sha256 if signed else None,
        }

    def check(self, notice: Notice) -> None:
        """Raise `Unprintable` when the notice could not be printed."""
        self._press.check(_paper(notice, notice.letterhead or {}))

    def keep(self, session: Session, case: Case, notice: Notice, at: datetime) -> Document | None:
        """Print a notice and keep its paper as evidence; one that cannot be printed raises an alarm."""
        try:
            pdf = self._press.print(_paper(notice, self._letterhead_of(session, case, notice)))
        except Unprintable as fault:
            raise_alarm(session, "paper_unprintable", self._clock(), case.id, f"({fault.places})")
            return None
        return self._kept(session, case, notice, pdf, at)

    def pdf(self, scope: Scope, case_id: str, notice_id: str) -> bytes | None:
        """Return the paper of a notice, None outside the scope; raises `Unprintable`.

        The same notice is the same bytes every time. What is posted is kept when it can first be printed.
        """
        with self._database.reading() as session:
            case, notice = session.get(Case, case_id), session.get(Notice, notice_id)
            if case is None or notice is None or notice.case_id != case_id:
                return None
            if not scope.covers_case(session, case):
                return None
            if not notice.text:  # erased
                return None
            kept = self._known(session, notice)
            if kept is not None:
                try:
                    return self._documents.read(kept.sha256)
                except FileNotFoundError:  # erased since it was looked up
                    return None
            pdf = self._press.print(_paper(notice, self._letterhead_of(session, case, notice)))
            posted = POSTED & _channels(session, notice)
        if posted and not self._database.write(
            lambda session: self._keep_late(session, case_id, notice_id, pdf)
        ):
            # A page is its notice's alone: a try that came before the erasure may have left it behind.
            self._documents.path(hashlib.sha256(pdf).hexdigest()).unlink(missing_ok=True)
            return None
        return pdf

    def _keep_late(self, session: Session, case_id: str, notice_id: str, pdf: bytes) -> bool:
        """Keep a paper that was printed outside the transaction; False for a notice erased meanwhile."""
        case, notice = session.get_one(Case, case_id), session.get_one(Notice, notice_id)
        if not notice.text:
            return False
        self._kept(session, case, notice, pdf, case_now(case, self._clock()))
        return True

    def _kept(self, session: Session, case: Case, notice: Notice, pdf: bytes, at: datetime) -> Document:
        known = self._known(session, notice)
        if known is not None:
            return known
        document = Document(
            id=new_id(),
            case_id=case.id,
            notice_id=notice.id,
            sha256=self._documents.keep(pdf),
            media_type=PDF,
            size=len(pdf),
            kind="paper",
            created_at=self._clock(),
        )
        about = {"notice": notice.id, "fingerprint": notice.fingerprint}
        key = f"paper/{notice.id}"
        file_document(session, self._evidence, case, document, at, _MACHINE, about, key)
        return document

    def _known(self, session: Session, notice: Notice) -> Document | None:
        return session.exec(
            select(Document).where(Document.notice_id == notice.id, Document.kind == "paper")
        ).first()

    def _letterhead_of(self, session: Session, case: Case, notice: Notice) -> dict[str, Any]:
        """Return the stored letterhead; notices of earlier versions have none and get today's."""
        if notice.letterhead is not None:
            return notice.letterhead
        return self.letterhead(file_of(session, case), Audience(notice.audience), _channels(session, notice))


def _channels(session: Session, notice: Notice) -> set[Channel]:
    return {
        Channel(channel)
        for channel in session.exec(select(Delivery.channel).where(Delivery.notice_id == notice.id))
    }


def _paper(notice: Notice, head: dict[str, Any]) -> Paper:
    return Paper(
        title=notice.title,
        text=notice.text,
        language=notice.language,
        company=head["company"],
        branch=head["branch"],
        recipient=head["recipient"],
        reference=notice.id,
        fingerprint=notice.fingerprint,
        at=notice.created_at.astimezone(ZoneInfo(head["zone"])),
        slip=head["slip"],
        service_address=head["service_address"],
        consent_on=_day(head["consent_on"]),
        signed_on=_day(head["signed_on"]),
        signed_sha256=head["signed_sha256"],
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
