"""The second factor of a confidential notice: what may be asked of whom, and what was answered.

Wrong and locked are told apart nowhere outside: both take one comparison and one write.
"""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlmodel import Session

from countersign.adapters.database.cases import case_now, raise_alarm
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.links import LinkView, Visitor
from countersign.adapters.database.send_gate import stop_in_force
from countersign.adapters.database.tables import (
    Branch,
    Case,
    Delivery,
    EmergencyContact,
    IdentityCheck,
    OptOut,
    Person,
    Suppression,
)
from countersign.adapters.links import LinkKeys
from countersign.domain.evidence import EventKind
from countersign.domain.levels import Level, level_words
from countersign.ids import new_id

MAX_TRIES = 5
CODES_A_DAY = 3
CODE_LASTS = timedelta(minutes=10)
_LAST4 = re.compile(r"\d{3}[\dX]")
_CODE = re.compile(r"\d{6}")


class Method(StrEnum):
    """How a person can show who they are."""

    ID_LAST4 = "id_last4"
    SMS_CODE = "sms_code"


@dataclass(frozen=True)
class Ways:
    """What can be asked: the ID number, and a code to the phone of which only two digits are shown.

    `code_waits` says that a code was sent which still works.
    """

    id_number: bool
    phone_tail: str | None
    code_waits: bool


@dataclass(frozen=True)
class FreshCode:
    """A code to be sent now; neither part may be logged."""

    to: str = field(repr=False)
    code: str = field(repr=False)


class NoCode(StrEnum):
    """Why no code is sent."""

    ENOUGH_TODAY = "enough_today"
    NOT_NOW = "not_now"


class Identity:
    """Asks for and checks the second factor of links."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        keys: LinkKeys,
        provider_of: Callable[[str, str], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._evidence, self._keys, self._clock = database, evidence, keys, clock
        self._provider_of = provider_of

    def ways(self, link: LinkView) -> Ways:
        """Return what the page may ask the holder of a link for."""
        with self._database.reading() as session:
            phone = _phone(session, link)
            row = session.get(IdentityCheck, link.link_id)
            waits = row is not None and row.code_hash is not None and self._in_time(row)
            return Ways(_last4(session, link) is not None, phone[-2:] if phone else None, waits)

    def confirm(self, link: LinkView, method: Method, typed: str, visitor: Visitor) -> bool:
        """Say whether `typed` (see `well_formed`) is right; the fifth wrong try locks the link for good."""

        def check(session: Session) -> bool:
            row = _row(session, link.link_id)
            case = session.get_one(Case, link.case_id)
            now = case_now(case, self._clock())
            right = self._is_right(session, row, link, method, typed) and row.locked_at is None
            if right:
                row.tries, row.code_hash, row.method = 0, None, method.value
                row.confirmed_at = now
                self._keep(session, case, link, method, visitor, now)
            else:
                row.tries += 1
                if row.tries >= MAX_TRIES and row.locked_at is None:
                    row.locked_at = now
                    raise_alarm(session, "identity_locked", self._clock(), case.id)
            return right

        return self._database.write(check)

    def _is_right(
        self, session: Session, row: IdentityCheck, link: LinkView, method: Method, typed: str
    ) -> bool:
        # What cannot be right is compared too, so that the time taken tells nothing.
        if method is Method.ID_LAST4:
            known = _last4(session, link) or ""
            return hmac.compare_digest(typed.encode(), known.encode()) and bool(known)
        digests = self._keys.digests(_told(link.link_id, typed))
        fits = [hmac.compare_digest(one.hex(), row.code_hash or "") for one in digests]
        return any(fits) and self._in_time(row)

    def _in_time(self, row: IdentityCheck) -> bool:
        return row.code_expires_at is not None and self._clock() < row.code_expires_at

    def _keep(
        self,
        session: Session,
        case: Case,
        link: LinkView,
        method: Method,
        visitor: Visitor,
        now: datetime,
    ) -> None:
        delivery = session.get_one(Delivery, link.link_id)
        delivery.identity_confirmed_at = delivery.identity_confirmed_at or now
        body = {
            "delivery": link.link_id,
            "method": method.value,
            "says": level_words(Level.IDENTITY_CONFIRMED),
            **visitor.sealed(),
        }
        actor = {"role": link.audience, "id": link.person_id}
        key = f"link/{link.link_id}/identity/{new_id()}"
        self._evidence.append(session, case, key, now, EventKind.ANSWER_IDENTITY_CONFIRMED, actor, body)

    def still_holds(self, link_id: str) -> bool:
        """Say whether a confirmation given earlier may still open the notice: not once the link is locked."""
        with self._database.reading() as session:
            row = session.get(IdentityCheck, link_id)
            return row is not None and row.confirmed_at is not None and row.locked_at is None

    def new_code(self, link: LinkView) -> FreshCode | NoCode:
        """Make the code that is to be sent now; the one before it stops working.

        Not while the link is locked, sending is stopped, or the phone wants nothing more, and at most three
        on one day of the branch.
        """

        def make(session: Session) -> FreshCode | NoCode:
            row = _row(session, link.link_id)
            case = session.get_one(Case, link.case_id)
            phone = _phone(session, link)
            if phone is None or row.locked_at is not None:
                return NoCode.NOT_NOW
            if stop_in_force(session, case.branch_id, self._provider_of("sms", phone)) is not None:
                return NoCode.NOT_NOW
            now, zone = self._clock(), ZoneInfo(session.get_one(Branch, case.branch_id).zone)
            last = row.code_expires_at - CODE_LASTS if row.code_expires_at else None
            if last is None or last.astimezone(zone).date() != now.astimezone(zone).date():
                row.codes_sent = 0
            if row.codes_sent >= CODES_A_DAY:
                return NoCode.ENOUGH_TODAY
            code = f"{secrets.randbelow(10**6):06}"
            row.code_hash = self._keys.digests(_told(link.link_id, code))[0].hex()
            row.codes_sent, row.code_expires_at = row.codes_sent + 1, now + CODE_LASTS
            return FreshCode(phone, code)

        return self._database.write(make)

    def code_did_not_leave(self, link_id: str) -> None:
        """Give back the count of a code that the provider refused."""

        def keep(session: Session) -> None:
            row = session.get_one(IdentityCheck, link_id)
            row.codes_sent, row.code_hash = max(0, row.codes_sent - 1), None

        self._database.write(keep)


def well_formed(method: Method, typed: str) -> str | None:
    """Return what was typed in the form in which it is compared; None when it cannot be meant so.

    Full-width digits, blanks and small letters are mended.
    """
    plain = "".join(unicodedata.normalize("NFKC", typed).upper().split())
    form = _LAST4 if method is Method.ID_LAST4 else _CODE
    return plain if plain.isascii() and form.fullmatch(plain) else None


def _told(link_id: str, code: str) -> str:
    return f"second factor\n{link_id}\n{code}"


def _row(session: Session, link_id: str) -> IdentityCheck:
    row = session.get(IdentityCheck, link_id)
    if row is None:
        row = IdentityCheck(link_id=link_id)
        session.add(row)
        session.flush()
    return row


def _last4(session: Session, link: LinkView) -> str | None:
    """Return the last four characters of the ID number on file, None where they could not be typed."""
    person = session.get(Person, link.person_id)
    if person is None or not person.id_number:
        return None
    plain = "".join(c for c in unicodedata.normalize("NFKC", person.id_number).upper() if c.isalnum())
    return well_formed(Method.ID_LAST4, plain[-4:])


def _phone(session: Session, link: LinkView) -> str | None:
    """Return the phone on file, None where its holder wants nothing more from us."""
    person = session.get(Person, link.person_id)
    if person is not None:
        phone = person.phone
    else:
        contact = session.get(EmergencyContact, link.person_id.removesuffix(".contact"))
        phone = contact.phone if contact is not None else None
    if not phone or session.get(Suppression, (link.case_id, phone)) is not None:
        return None
    return None if session.get(OptOut, (phone, "sms")) is not None else phone
