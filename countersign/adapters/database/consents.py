"""Signed papers on which people name their addresses for service; every notice cites the newest one."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from countersign.adapters.database.acts import StoredFile
from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.filing import file_document
from countersign.adapters.database.people import consents_of, newest_consent
from countersign.adapters.database.tables import Branch, Case, ConsentRecord, Document, Person
from countersign.domain.evidence import Sealed, canonical
from countersign.ids import new_id

_MACHINE = {"role": "machine", "id": "sender"}
DOCUMENT_KIND = "consent"


@dataclass(frozen=True)
class Consent:
    """What a person has signed: where letters, texts and mails reach them, and whether these may be notices.

    `mobile` is E.164. `e_delivery` False takes an earlier consent back.
    """

    e_delivery: bool
    signed_on: date
    service_address: str | None = field(default=None, repr=False)
    mobile: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


class ConsentRefused(ValueError):
    """A consent that cannot be kept; the sentence says why, `field` where."""

    def __init__(self, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.field = field


def consent_hash(number: str, consent: Consent, file_sha256: str) -> str:
    """Return the SHA-256 of a consent's canonical content, which names the person and the signed paper."""
    told = {
        "e_delivery": consent.e_delivery,
        "email": consent.email,
        "file": file_sha256,
        "mobile": consent.mobile,
        "person": number,
        "service_address": consent.service_address,
        "signed_on": consent.signed_on.isoformat(),
    }
    return hashlib.sha256(canonical(told)).hexdigest()


class Consents:
    """Keeps and lists signed consents. A kept one is never changed."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def has_person(self, number: str, branch_id: str | None) -> bool:
        """Say whether an employee of this number works in the branch."""
        with self._database.reading() as session:
            return _person(session, number, branch_id) is not None

    def record(
        self, consent_id: str, number: str, consent: Consent, file: StoredFile, by: str
    ) -> dict[str, Any]:
        """Keep a consent; the same id again returns what was kept first.

        The newest one by the day of signing is what reaches the person from now on. Raises `ConsentRefused`
        for a day that lies ahead.
        """
        return self._database.write(
            lambda session: self._record(session, consent_id, number, consent, file, by)
        )

    def _record(
        self, session: Session, consent_id: str, number: str, consent: Consent, file: StoredFile, by: str
    ) -> dict[str, Any]:
        known = session.get(ConsentRecord, consent_id)
        person = session.exec(select(Person).where(Person.number == number)).one()
        if known is None:
            zone = ZoneInfo(session.get_one(Branch, person.branch_id).zone)
            # A case in time-lapse lives ahead of the clock on the wall.
            if consent.signed_on > self._clock().astimezone(zone).date() + timedelta(days=1):
                raise ConsentRefused(
                    "signed_on: lies in the future; give the day of the signature", "signed_on"
                )
            known = ConsentRecord(
                id=consent_id,
                person_id=person.id,
                service_address=consent.service_address,
                mobile=consent.mobile,
                email=consent.email,
                e_delivery=consent.e_delivery,
                signed_on=consent.signed_on,
                file_sha256=file.sha256,
                media_type=file.media_type,
                size=file.size,
                sha256=consent_hash(number, consent, file.sha256),
                recorded_by=by,
                recorded_at=self._clock(),
            )
            session.add(known)
            session.flush()
            if newest_consent(session, person.id) is known:
                _follow(person, known)
        newest = newest_consent(session, person.id)
        return _row(known, newest)

    def listing(self, number: str) -> list[dict[str, Any]]:
        """Return a person's consents, the newest first."""
        with self._database.reading() as session:
            person = session.exec(select(Person).where(Person.number == number)).one()
            rows = session.exec(consents_of(person.id)).all()
            return [_row(row, rows[0]) for row in rows]


def with_consent(session: Session, person_ids: list[str]) -> set[str]:
    """Return those of the people who have signed a consent."""
    found = session.exec(
        select(ConsentRecord.person_id).where(col(ConsentRecord.person_id).in_(person_ids)).distinct()
    )
    return set(found)


def cite(
    session: Session,
    evidence: EvidenceLog,
    case: Case,
    person: Person,
    consent: ConsentRecord | None,
    now: datetime,
) -> dict[str, str] | None:
    """Return how a notice of a case names a person's consent, None without one.

    The first citation puts the signed paper among the documents of the case, with an event that discloses
    what was signed.
    """
    if consent is None:
        return None
    document = Document(
        id=new_id(),
        case_id=case.id,
        sha256=consent.file_sha256,
        media_type=consent.media_type,
        size=consent.size,
        kind=DOCUMENT_KIND,
        created_at=now,
    )
    about: dict[str, Any] = {
        "consent": consent.id,
        "consent_sha256": consent.sha256,
        "signed_on": consent.signed_on.isoformat(),
        "e_delivery": consent.e_delivery,
        "person": Sealed(person.number),
        "service_address": Sealed(consent.service_address) if consent.service_address else None,
        "mobile": Sealed(consent.mobile) if consent.mobile else None,
        "email": Sealed(consent.email) if consent.email else None,
    }
    at, key = case_now(case, now), f"consent/{consent.id}"
    file_document(session, evidence, case, document, at, _MACHINE, about, key)
    return {"id": consent.id, "sha256": consent.sha256, "signed_on": consent.signed_on.isoformat()}


def _person(session: Session, number: str, branch_id: str | None) -> Person | None:
    person = session.exec(select(Person).where(Person.number == number)).first()
    if person is None or branch_id not in (None, person.branch_id):
        return None
    return person


def _follow(person: Person, consent: ConsentRecord) -> None:
    """Let the person be reached as they have signed; an address they left out stays as it is."""
    person.e_delivery_consent_on = consent.signed_on if consent.e_delivery else None
    person.service_address = consent.service_address or person.service_address
    person.phone = consent.mobile or person.phone
    person.email = consent.email or person.email


def _row(consent: ConsentRecord, newest: ConsentRecord | None) -> dict[str, Any]:
    return {
        "id": consent.id,
        "service_address": consent.service_address,
        "mobile": consent.mobile,
        "email": consent.email,
        "e_delivery": consent.e_delivery,
        "signed_on": consent.signed_on,
        "sha256": consent.sha256,
        "file": {"sha256": consent.file_sha256, "media_type": consent.media_type, "size": consent.size},
        "recorded_at": consent.recorded_at,
        "counts": newest is not None and newest.id == consent.id,
    }
