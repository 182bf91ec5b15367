"""The items of a departure: what the leaver holds for the company, listed when the departure starts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, select

from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.evidence import EvidenceLog, parcels
from countersign.adapters.database.queries import some_at_once
from countersign.adapters.database.tables import Case, Departure, Employment, HandoverItem, Holding
from countersign.domain.departure import Track
from countersign.domain.employment import has_left
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.refusal import Refusal
from countersign.ids import new_id

_MACHINE = {"role": "machine", "id": "handover"}


def list_items(
    session: Session,
    evidence: EvidenceLog,
    departure: Departure,
    case: Case,
    holdings: Sequence[Holding],
    at: datetime,
) -> list[HandoverItem]:
    """List what a leaver holds as items of the departure, with `item.listed` in the offboarding chain.

    `case` is the offboarding case, `at` its time. An item goes to the holding's receiver, else to the
    successor; equipment without a receiver goes to administration. What is listed already stays as it is.
    Raises `Refusal` when a receiver is the leaver, or has left.
    """
    listed = select(HandoverItem.track, HandoverItem.reference).where(
        HandoverItem.departure_id == departure.case_id
    )
    known = set(session.exec(listed).all())
    items = [
        HandoverItem(
            id=new_id(),
            departure_id=departure.case_id,
            track=one.track,
            reference=one.reference,
            title=one.title,
            details=dict(one.details),
            mandatory=one.mandatory,
            value_fen=one.value_fen,
            receiver_id=receiver_of(one, departure),
            due_on=departure.last_day,
            listed_at=at,
        )
        for one in holdings
        if (one.track, one.reference) not in known
    ]
    refuse_receivers(session, departure, items, at)
    if items:
        session.execute(insert(HandoverItem), [item.model_dump() for item in items])
        key = f"items/{items[0].id}"
        keep_item_events(evidence, session, case, key, at, EventKind.ITEM_LISTED, _MACHINE, items, {})
    return items


def receiver_of(holding: Holding, departure: Departure) -> str | None:
    """Return who shall take a holding over; None is administration for equipment, else nobody yet."""
    if holding.track == Track.EQUIPMENT:
        return holding.receiver_id
    return holding.receiver_id or departure.successor_id


def refuse_receivers(
    session: Session, departure: Departure, items: Iterable[HandoverItem], at: datetime
) -> None:
    """Refuse items that would go to the leaver or to somebody who has left; raises `Refusal`."""
    whose: dict[str, list[HandoverItem]] = {}
    for item in items:
        if item.receiver_id is not None:
            whose.setdefault(item.receiver_id, []).append(item)
    own = whose.pop(departure.person_id, [])
    if own:
        raise Refusal("receiver", f"receiver: {named(own)} would go to the person who leaves; name another")
    gone = those_who_left(session, whose, branch_day(session, departure.branch_id, at))
    if gone:
        left = [item for person_id in sorted(gone) for item in whose[person_id]]
        raise Refusal("receiver", f"receiver: {named(left)} would go to somebody who has left; name another")


def those_who_left(session: Session, people: Collection[str], today: date) -> set[str]:
    """Return which of these people have no employment any more on a day.

    Of whom no employment is known at all, nothing is said.
    """
    gone: dict[str, bool] = {}
    for some in some_at_once(people):
        for job in session.exec(select(Employment).where(col(Employment.person_id).in_(some))):
            gone[job.person_id] = gone.get(job.person_id, True) and has_left(job.ended_on, today)
    return {person_id for person_id, left in gone.items() if left}


def named(items: Iterable[HandoverItem]) -> str:
    """Return items as sentences name them: by their numbers, every one of them."""
    return ", ".join(item.reference for item in items)


def keep_item_events(
    evidence: EvidenceLog,
    session: Session,
    case: Case,
    key: str,
    at: datetime,
    kind: EventKind,
    actor: Mapping[str, Any],
    items: Sequence[HandoverItem],
    more: Mapping[str, Any],
    each: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write what happened to items into a chain.

    `more` stands in every event, `each` beside an item by its id. Numbers and titles are sealed.
    """
    for number, some in enumerate(parcels(items)):
        told = [
            {
                "item": item.id,
                "track": item.track,
                "reference": Sealed(item.reference),
                "title": Sealed(item.title),
                **(each or {}).get(item.id, {}),
            }
            for item in some
        ]
        evidence.append(session, case, f"{key}/{number}", at, kind, actor, {**more, "items": told})
