"""Signing in without a password: a six-digit code to the phone on file, or to the mailbox when there is none.

Nobody outside learns whether an employee number exists: a number that opens nothing takes the same steps and
gets the same answer. Who has left the company may sign in for as long as a case about them is kept here, so
that what was said to them stays open to them.
"""

import hmac
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from countersign.adapters.database.account_changes import Did, keep_change
from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.engine import Database
from countersign.adapters.database.identity import CODE_LASTS, MAX_TRIES, Method, well_formed
from countersign.adapters.database.send_gate import stop_in_force
from countersign.adapters.database.tables import (
    Account,
    Branch,
    Case,
    Employment,
    OptOut,
    Person,
    SignInCode,
)
from countersign.adapters.links import LinkKeys
from countersign.contracts.cases import Role
from countersign.domain.employment import has_left
from countersign.domain.policy import Channel
from countersign.ids import new_id

CODES_A_DAY = 5
PAUSE = timedelta(minutes=1)
"""So soon after a code no second one is made: the first still works, and may be on its way."""
CREATED_BY = "phone code"


@dataclass(frozen=True)
class SignInMessage:
    """A code that is to be sent now; neither address nor code may be logged."""

    id: str
    channel: Channel
    to: str = field(repr=False)
    code: str = field(repr=False)
    language: str


class PhoneCodes:
    """Makes and takes one-time codes. `provider_of` names who carries a channel's messages to an address."""

    def __init__(
        self,
        database: Database,
        keys: LinkKeys,
        provider_of: Callable[[str, str], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._keys, self._provider_of, self._clock = database, keys, provider_of, clock

    def make(self, number: str) -> SignInMessage | None:
        """Return the code to send to the holder of an employee number; the one before it stops working.

        None when there is nobody to send it to: an unknown number, a shut account, no address that may be
        written to, a stop of all sending, a code less than a minute ago, or five on this day of the branch.
        """

        def keep(session: Session) -> SignInMessage | None:
            person = _holder(session, number, self._clock())
            address = None if person is None else self._address(session, person)
            if person is None or address is None or not self._may_ask(session, person):
                return None
            for old in _open_codes(session, person.id):
                old.used_at = self._clock()
            channel, to = address
            code, row_id, now = f"{secrets.randbelow(10**6):06}", new_id(), self._clock()
            session.add(
                SignInCode(
                    id=row_id,
                    code_hash=self._digests(row_id, code)[0],
                    person_id=person.id,
                    created_at=now,
                    expires_at=now + CODE_LASTS,
                )
            )
            return SignInMessage(row_id, channel, to, code, person.language)

        return self._database.write(keep)

    def did_not_leave(self, code_id: str) -> None:
        """Forget a code that the provider refused: it counts for nothing."""

        def forget(session: Session) -> None:
            row = session.get(SignInCode, code_id)
            if row is not None and row.used_at is None:
                session.delete(row)

        self._database.write(forget)

    def spend(self, number: str, typed: str) -> str | None:
        """Return the account that a code opens, made when there is none; None for all that is wrong.

        The fifth wrong try ends the code.
        """
        code = well_formed(Method.SMS_CODE, typed)

        def check(session: Session) -> str | None:
            person = _holder(session, number, self._clock())
            row = None if person is None else next(iter(_open_codes(session, person.id)), None)
            # What cannot be right is compared too, so that the time taken tells nothing.
            digests = self._digests("nobody" if row is None else row.id, code or "")
            fits = [hmac.compare_digest(one, "" if row is None else row.code_hash) for one in digests]
            if person is None or row is None or row.expires_at <= self._clock():
                return None
            if not any(fits):
                row.tries += 1
                row.used_at = self._clock() if row.tries >= MAX_TRIES else None
                return None
            row.used_at = self._clock()
            return self._account(session, person)

        return self._database.write(check)

    def _account(self, session: Session, person: Person) -> str:
        """Return the employee account of a person, made when there is none."""
        for account in _employee_accounts(session, person.id):
            return account.id
        taken = session.exec(select(Account.id).where(Account.login == person.number)).first() is not None
        account = Account(
            id=new_id(),
            login=f"{person.number}/phone" if taken else person.number,
            name=person.name,
            role=Role.EMPLOYEE.value,
            branch_id=person.branch_id,
            person_id=person.id,
            language=person.language,
            created_by=CREATED_BY,
            created_at=self._clock(),
        )
        session.add(account)
        session.flush()
        told = {"login": (None, account.login), "role": (None, account.role), "number": (None, person.number)}
        keep_change(session, account.id, CREATED_BY, account.created_at, Did.CREATED, told)
        return account.id

    def _address(self, session: Session, person: Person) -> tuple[Channel, str] | None:
        """Return how a person is reached now: by phone, else by mail."""
        for channel, to in ((Channel.SMS, person.phone), (Channel.EMAIL, person.email)):
            if not to or session.get(OptOut, (to, channel.value)) is not None:
                continue
            if stop_in_force(session, person.branch_id, self._provider_of(channel.value, to)) is None:
                return channel, to
        return None

    def _may_ask(self, session: Session, person: Person) -> bool:
        now = self._clock()
        zone = ZoneInfo(session.get_one(Branch, person.branch_id).zone)
        midnight = datetime.combine(now.astimezone(zone).date(), time(), zone)
        made = session.exec(
            select(SignInCode).where(
                SignInCode.person_id == person.id, col(SignInCode.created_at) >= midnight
            )
        ).all()
        fresh = [one for one in made if one.used_at is None and now - one.created_at < PAUSE]
        return len(made) < CODES_A_DAY and not fresh

    def _digests(self, code_id: str, code: str) -> list[str]:
        return [one.hex() for one in self._keys.digests(f"sign in\n{code_id}\n{code}")]


def _holder(session: Session, typed: str, now: datetime) -> Person | None:
    """Return who may sign in with an employee number, typed with small letters or full-width digits too."""
    mended = unicodedata.normalize("NFKC", typed)
    plain = "".join(c for c in mended if c.isprintable() and not c.isspace())
    found = session.exec(select(Person).where(col(Person.number).in_({plain, plain.upper()}))).first()
    if found is None or not _belongs_here(session, found, now):
        return None
    shut = select(Account.id).where(
        Account.person_id == found.id,
        Account.role == Role.EMPLOYEE.value,
        col(Account.disabled_at).is_not(None),
    )
    is_shut = session.exec(shut).first() is not None and not _employee_accounts(session, found.id)
    return None if is_shut else found


def _belongs_here(session: Session, person: Person, now: datetime) -> bool:
    """Say whether a person is employed, or a case about them is kept."""
    employed = session.exec(select(Employment).where(Employment.person_id == person.id)).all()
    today = branch_day(session, person.branch_id, now)
    if not employed or any(not has_left(one.ended_on, today) for one in employed):
        return True
    return session.exec(select(Case.id).where(Case.person_id == person.id)).first() is not None


def _employee_accounts(session: Session, person_id: str) -> list[Account]:
    rows = session.exec(
        select(Account)
        .where(
            Account.person_id == person_id,
            Account.role == Role.EMPLOYEE.value,
            col(Account.disabled_at).is_(None),
        )
        .order_by(col(Account.created_at))
    )
    return list(rows)


def _open_codes(session: Session, person_id: str) -> list[SignInCode]:
    """Return the codes of a person that were not spent, replaced or ended by tries, the newest first."""
    rows = session.exec(
        select(SignInCode)
        .where(SignInCode.person_id == person_id, col(SignInCode.used_at).is_(None))
        .order_by(col(SignInCode.created_at).desc())
    )
    return list(rows)
