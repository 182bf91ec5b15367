"""Finding out whether the employer's notice counts as delivered: read from messages, letters and acts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.people import consents_of
from countersign.adapters.database.tables import (
    ActRow,
    Branch,
    Case,
    ConsentRecord,
    Delivery,
    Departure,
    Notice,
    Suppression,
)
from countersign.contracts.cases import ActKind
from countersign.domain.courier import CourierState
from countersign.domain.evidence import EventKind
from countersign.domain.policy import Audience, Channel
from countersign.domain.receipts import DeliveryState
from countersign.domain.service import Fact, HandedOver, Message, Said, Served, Weak, served, served_by

AFTER_THE_END = frozenset({"certificate", "demand"})
"""Steps that tell of the end; they are no notice that ends anything."""

_SAID = {ActKind.ACKNOWLEDGED.value: False, ActKind.OBJECTED.value: True}
_VOID = ("refused", "late")
_MACHINE = {"role": "machine", "id": "statutory"}


@dataclass(frozen=True)
class ServiceFact:
    """One fact about the notice, when it came up, where it stands, and what it is worth."""

    at: datetime
    fact: Fact
    worth: Served | Weak
    delivery_id: str | None = None
    act_id: str | None = None


def service_facts(session: Session, departure: Departure) -> list[ServiceFact]:
    """Return everything that was done to bring the notice to the person, the oldest first."""
    zone = ZoneInfo(session.get_one(Branch, departure.branch_id).zone)
    found = [
        ServiceFact(row.created_at, fact, served_by(fact), delivery_id=row.id)
        for row, fact in _messages(session, departure, zone)
    ]
    found += [
        ServiceFact(row.at, fact, served_by(fact), act_id=row.id)
        for row, fact in _acts(session, departure, zone)
    ]
    return sorted(found, key=lambda one: one.at)


def found_service(facts: Sequence[ServiceFact]) -> tuple[Served, ServiceFact] | None:
    """Return from when the notice counts as delivered and by which fact; None while none does."""
    result = served(one.fact for one in facts)
    if result is None:
        return None
    return result, next(one for one in facts if one.worth == result)


def keep_service(session: Session, evidence: EvidenceLog, departure: Departure, at: datetime) -> None:
    """Write what the facts say of the notice into the departure and its chain; nothing once it has ended.

    An earlier day than the one kept counts from when it is found, such as a letter that was signed for while
    a public notice still ran.
    """
    if not departure.needs_notice or departure.ended_on is not None or departure.withdrawn_at is not None:
        return
    found = found_service(service_facts(session, departure))
    if found is None:
        return
    result, by = found
    if (departure.served_on, departure.served_how) == (result.on, result.how.value):
        return
    departure.served_on, departure.served_how = result.on, result.how.value
    session.add(departure)
    body: Mapping[str, Any] = {
        "on": result.on.isoformat(),
        "how": result.how.value,
        "strength": result.strength.value,
        "basis": result.basis,
        "delivery": by.delivery_id,
        "act": by.act_id,
    }
    case = session.get_one(Case, departure.statutory_case_id)
    key = f"served/{result.on.isoformat()}/{result.how.value}"
    evidence.append(session, case, key, at, EventKind.NOTICE_SERVED, _MACHINE, body)


def notice_made_on(session: Session, departure: Departure) -> date:
    """Return the first day on which the notice can have been handed over."""
    zone = ZoneInfo(session.get_one(Branch, departure.branch_id).zone)
    written = [notice.created_at.astimezone(zone).date() for notice in _notices(session, departure)]
    return min([departure.noticed_on, *written])


def _notices(session: Session, departure: Departure) -> list[Notice]:
    rows = session.exec(
        select(Notice).where(
            Notice.case_id == departure.statutory_case_id, Notice.audience == Audience.EMPLOYEE.value
        )
    )
    return [row for row in rows if row.step.partition(".")[2] not in AFTER_THE_END]


def _messages(session: Session, departure: Departure, zone: ZoneInfo) -> list[tuple[Delivery, Message]]:
    notices = [notice.id for notice in _notices(session, departure)]
    if not notices:
        return []
    rows = session.exec(select(Delivery).where(col(Delivery.notice_id).in_(notices)))
    suppressed = set(
        session.exec(select(Suppression.address).where(Suppression.case_id == departure.statutory_case_id))
    )
    consents = list(session.exec(consents_of(departure.person_id)))
    return [(row, _message(row, suppressed, consents, zone)) for row in rows]


def _message(
    row: Delivery, suppressed: set[str], consents: Sequence[ConsentRecord], zone: ZoneInfo
) -> Message:
    public = row.channel == Channel.PUBLIC_NOTICE.value
    settled = (row.by_hand_at or row.sent_at) if public else row.settled_at
    sent = row.sent_at or row.sending_at or row.created_at
    return Message(
        Channel(row.channel),
        DeliveryState(row.state),
        None if settled is None else settled.astimezone(zone).date(),
        _agreed(row, sent.astimezone(zone).date(), consents),
        row.address not in suppressed,
        CourierState(row.courier_result) if row.courier_result else None,
    )


def _agreed(row: Delivery, sent_on: date, consents: Sequence[ConsentRecord]) -> bool:
    """Say whether the paper that was in force when a message left names its address for notices."""
    paper = next((one for one in consents if one.signed_on <= sent_on), None)
    if paper is None or not paper.e_delivery or not row.address:
        return False
    named = {Channel.SMS.value: paper.mobile, Channel.EMAIL.value: paper.email}.get(row.channel)
    return named is not None and named.casefold() == row.address.casefold()


def _acts(session: Session, departure: Departure, zone: ZoneInfo) -> list[tuple[ActRow, Fact]]:
    rows = session.exec(
        select(ActRow).where(
            ActRow.case_id == departure.statutory_case_id,
            col(ActRow.kind).in_((*_SAID, ActKind.SERVED.value)),
            col(ActRow.state).not_in(_VOID),
        )
    )
    found: list[tuple[ActRow, Fact]] = []
    for row in rows:
        if row.kind == ActKind.SERVED.value:
            found.append((row, HandedOver(date.fromisoformat(row.body["on"]))))
        elif row.audience == Audience.EMPLOYEE.value:
            found.append((row, Said(row.at.astimezone(zone).date(), _SAID[row.kind])))
    return found
