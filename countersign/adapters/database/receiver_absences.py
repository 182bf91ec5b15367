"""Absent receivers: who confirms for them, from one day to another."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.cases import actor_of, case_now
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.items import those_who_left
from countersign.adapters.database.shares import OPEN_STATES, Shares, newest_share
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Departure,
    HandoverItem,
    Person,
    ReceiverAbsence,
)
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.refusal import Refusal
from countersign.ids import new_id


@dataclass(frozen=True)
class Absence:
    """Who is absent, who confirms instead, and on which days, both included."""

    receiver: Person
    delegate: Person
    first: date
    last: date


def check_absence(session: Session, departure: Departure, case: Case, absence: Absence, at: datetime) -> None:
    """Refuse an appointment that makes no sense; `case` is the offboarding case, `at` its time."""
    absent, standing_in = absence.receiver, absence.delegate
    if absence.first > absence.last:
        raise Refusal("until", "until: lies before the first day; correct the days")
    today = branch_day(session, departure.branch_id, at)
    if absence.last < today:
        raise Refusal("until", "until: is over already; name days to come")
    if standing_in.id == absent.id:
        raise Refusal("delegate", "delegate: is the absent receiver; name somebody else")
    if standing_in.id == departure.person_id:
        raise Refusal("delegate", "delegate: is the person who leaves; name somebody else")
    if those_who_left(session, [standing_in.id], today):
        raise Refusal("delegate", "delegate: has left the company; name somebody else")
    left = select(HandoverItem.id).where(
        HandoverItem.departure_id == departure.case_id,
        HandoverItem.receiver_id == absent.id,
        col(HandoverItem.state).in_(OPEN_STATES),
    )
    if session.exec(left.limit(1)).first() is None:
        raise Refusal("receiver", "receiver: has nothing to take over here; name another receiver")


def appoint(
    session: Session,
    evidence: EvidenceLog,
    shares: Shares,
    departure: Departure,
    case: Case,
    row: ActRow,
    absence: Absence,
    clock: Callable[[], datetime],
) -> None:
    """Let the delegate confirm from now on, in a case of their own; all three chains say so."""
    at = case_now(case, clock())
    _end_earlier(session, departure, absence, at)
    share = shares.share_for(session, departure, absence.delegate.id, at)
    kept = ReceiverAbsence(
        id=new_id(),
        departure_id=departure.case_id,
        receiver_id=absence.receiver.id,
        delegate_id=absence.delegate.id,
        from_day=absence.first,
        until_day=absence.last,
        share_id=share.id,
        act_id=row.id,
        created_at=clock(),
    )
    session.add(kept)
    session.flush()
    own = newest_share(session, departure, absence.receiver.id)
    shares.tell_at_both_ends(session, (own, share), kept)
    plain = {"act": row.id, "from": absence.first.isoformat(), "until": absence.last.isoformat()}
    reason = {name: Sealed(text) for name, text in row.words.items() if text}
    ids = {"receiver": {"id": absence.receiver.id}, "delegate": {"id": absence.delegate.id}}
    full = {"receiver": _named(absence.receiver), "delegate": _named(absence.delegate), **reason}
    for one, who in ((case, full), (own, ids), (share, ids)):
        when, actor = case_now(one, clock()), actor_of(session, row)
        body = {**plain, **who}
        evidence.append(session, one, f"act/{row.id}", when, EventKind.ITEM_DELEGATED, actor, body)


def _end_earlier(session: Session, departure: Departure, absence: Absence, at: datetime) -> None:
    """End what was appointed before for any of these days."""
    for known in session.exec(
        select(ReceiverAbsence).where(
            ReceiverAbsence.departure_id == departure.case_id,
            ReceiverAbsence.receiver_id == absence.receiver.id,
            col(ReceiverAbsence.ended_at).is_(None),
            col(ReceiverAbsence.from_day) <= absence.last,
            col(ReceiverAbsence.until_day) >= absence.first,
        )
    ):
        known.ended_at = at


def _named(person: Person) -> dict[str, Any]:
    return {"id": person.id, "name": Sealed(person.name)}
