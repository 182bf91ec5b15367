"""The gate before every message: why it may not leave now, and why it may never leave.

Asked inside the transaction that moves `pending → sending`, so that an answer, a pause or a stop that is
committed before it counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from countersign.adapters.database.nothing_left import nothing_left
from countersign.adapters.database.tables import (
    ActRow,
    Branch,
    Case,
    Delivery,
    Notice,
    OptOut,
    SendingStop,
    Suppression,
)
from countersign.contracts.cases import ActKind, Process, Role, ends
from countersign.contracts.notices import STOPPED
from countersign.domain.receipts import DeliveryState

CAP_OF_PERSON, CAP_OF_COMPANY = "cap_of_person", "cap_of_company"

NEVER = {
    "closed": "the case is closed",
    "answered": "the person has answered",
    "not_me": "somebody said that this address is not the person's",
    "opted_out": "the person has opted out of this channel",
}
"""Why a message never leaves, in words."""

_HOLDING = frozenset({ActKind.PAUSE.value, ActKind.SKIP.value, ActKind.JUMP.value, ActKind.SNOOZE.value})

# What a provider did not take has reached nobody: an outage must not use up the day's messages.
_MAY_HAVE_LEFT = (
    DeliveryState.SENDING.value,
    DeliveryState.UNKNOWN.value,
    # A receipt can say so before the provider's own answer is noted.
    DeliveryState.DELIVERED.value,
)


@dataclass(frozen=True)
class Caps:
    """How many messages may leave in one day of the branch: to one person, and in all."""

    person: int
    company: int


@dataclass(frozen=True)
class Held:
    """An attempt is not made now. `not_before` is the case's time at which it may be asked for again."""

    why: str
    not_before: datetime | None = None


class SendGate:
    """Decides whether one delivery may leave. `provider_of` names who would carry it."""

    def __init__(self, caps: Caps, provider_of: Callable[[str, str], str]) -> None:
        self._caps, self.provider_of = caps, provider_of

    def why_never(self, session: Session, case: Case, delivery: Delivery, at: datetime) -> str | None:
        """Say why nothing may leave any more at the case's time, as a code of `NEVER`."""
        if case.state == "closed":
            return "closed"
        process, acts = Process(case.kind), live_acts(session, case)
        if any(ends(process, ActKind(act.kind), Role(act.role)) for act in acts):
            return "answered"
        if nothing_left(session, case, session.get_one(Notice, delivery.notice_id).step, at):
            return "answered"
        address = delivery.address
        if address and session.get(Suppression, (case.id, address)) is not None:
            return "not_me"
        if address and session.get(OptOut, (address, delivery.channel)) is not None:
            return "opted_out"
        return None

    def why_held(self, session: Session, case: Case, delivery: Delivery, at: datetime) -> Held | None:
        """Say why an attempt must wait: a pause, a stop of all sending, or too many messages today."""
        if case.state == "paused":
            return Held("paused")
        waiting = {act.kind for act in live_acts(session, case) if act.state == "waiting"}
        if waiting & _HOLDING:
            return Held("paused")
        provider = self.provider_of(delivery.channel, delivery.address or "")
        if stop_in_force(session, case.branch_id, provider) is not None:
            return Held(STOPPED)
        return self._capped(session, case, delivery, at)

    def _capped(self, session: Session, case: Case, delivery: Delivery, at: datetime) -> Held | None:
        zone = ZoneInfo(session.get_one(Branch, case.branch_id).zone)
        day = at.astimezone(zone).date()
        tomorrow = datetime.combine(day + timedelta(days=1), time(), zone)
        today = left_on(day)
        if session.exec(today).one() >= self._caps.company:
            return Held(CAP_OF_COMPANY, tomorrow)
        person = session.get_one(Notice, delivery.notice_id).person_id
        to_person = today.join(Notice, col(Notice.id) == col(Delivery.notice_id)).where(
            Notice.person_id == person
        )
        if session.exec(to_person).one() >= self._caps.person:
            return Held(CAP_OF_PERSON, tomorrow)
        return None


def left_on(day: date) -> SelectOfScalar[int]:
    """Return the query that counts what left, or may have, on a day of the branches."""
    return (
        select(func.count())
        .select_from(Delivery)
        .where(
            Delivery.day == day,
            or_(col(Delivery.sent_at).is_not(None), col(Delivery.state).in_(_MAY_HAVE_LEFT)),
        )
    )


def stop_in_force(session: Session, branch_id: str, provider: str) -> SendingStop | None:
    """Return a stop that holds what a provider would carry for a branch."""
    return session.exec(
        select(SendingStop).where(
            col(SendingStop.released_at).is_(None),
            or_(
                SendingStop.scope == "company",
                (col(SendingStop.scope) == "branch") & (col(SendingStop.subject) == branch_id),
                (col(SendingStop.scope) == "provider") & (col(SendingStop.subject) == provider),
            ),
        )
    ).first()


def live_acts(session: Session, case: Case) -> list[ActRow]:
    """Return the acts of a case that wait or count."""
    return list(
        session.exec(
            select(ActRow).where(ActRow.case_id == case.id, col(ActRow.state).in_(("waiting", "accepted")))
        )
    )
