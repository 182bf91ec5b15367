"""Sign-ins on their way to the identity provider and back, and which account belongs to whom there."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, delete, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Account, OidcRequest

LASTS = timedelta(minutes=10)
"""How long somebody may stay at the provider's sign-in page."""


class Why(StrEnum):
    """Why a known identity opens nothing here."""

    UNKNOWN = "unknown"
    BOUND_TO_ANOTHER = "bound_to_another"
    SHUT = "shut"


class NoAccount(Exception):
    """Nothing is opened for this identity."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True)
class SetOut:
    """What was kept of a sign-in when it began."""

    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    goes_to: str


class SingleSignOn:
    """The books of single sign-on. A state counts once, for ten minutes, in the browser that set out."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def set_out(self, state: str, browser: str, kept: SetOut) -> None:
        """Keep what must be known again; `browser` is the value of the cookie that the browser holds."""

        def keep(session: Session) -> None:
            now = self._clock()
            session.exec(delete(OidcRequest).where(col(OidcRequest.expires_at) <= now))
            session.add(
                OidcRequest(
                    id=_hash(state, browser),
                    nonce=kept.nonce,
                    verifier=kept.verifier,
                    goes_to=kept.goes_to,
                    expires_at=now + LASTS,
                )
            )

        self._database.write(keep)

    def come_back(self, state: str, browser: str) -> SetOut | None:
        """Spend a state; None when it is unknown, spent, too old, or of another browser."""

        def spend(session: Session) -> SetOut | None:
            found = session.get(OidcRequest, _hash(state, browser), with_for_update=True)
            if found is None:
                return None
            session.delete(found)
            if found.expires_at <= self._clock():
                return None
            return SetOut(found.nonce, found.verifier, found.goes_to)

        return self._database.write(spend)

    def account_of(self, subject: str, login: str) -> str:
        """Return the account of an identity, bound at its first sight by its login; raises `NoAccount`.

        `subject` is `<issuer>|<subject>`. An account that is bound already never changes its subject.
        """

        def find(session: Session) -> str:
            account = session.exec(select(Account).where(Account.oidc_subject == subject)).first()
            if account is None:
                account = session.exec(
                    select(Account).where(Account.login == login).with_for_update()
                ).first()
            if account is None:
                raise NoAccount(Why.UNKNOWN)
            if account.oidc_subject not in (None, subject):
                raise NoAccount(Why.BOUND_TO_ANOTHER)
            if account.disabled_at is not None:
                raise NoAccount(Why.SHUT)
            account.oidc_subject = subject
            session.add(account)
            return account.id

        return self._database.write(find)


def _hash(state: str, browser: str) -> str:
    return hashlib.sha256(f"{state}.{browser}".encode()).hexdigest()
