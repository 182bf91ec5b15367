"""The evidence log: the only code that writes the chain of a case."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.tables import Branch, Case, DisclosureRow, EventRow
from countersign.domain.evidence import (
    GENESIS,
    SALT_BYTES,
    Disclosure,
    Event,
    EventKind,
    event_line,
    make_event,
    parse_event,
)

_Row = TypeVar("_Row")

IN_ONE_EVENT = 100
"""How many things one event names at most."""

NEVER_HANDED_OUT = frozenset({EventKind.QUESTIONNAIRE_ANSWERED.value})
"""Kinds of events whose sealed values no reader of a chain gets, neither on a page nor in a bundle."""


def parcels(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    """Cut what happened to many things at once into parts, each for an event of its own."""
    for begin in range(0, len(rows), IN_ONE_EVENT):
        yield rows[begin : begin + IN_ONE_EVENT]


class EvidenceLog:
    """Appends to and reads the hash chains; `clock` gives the real time of recording."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def append(
        self,
        session: Session,
        case: Case,
        key: str,
        at: datetime,
        kind: EventKind,
        actor: Mapping[str, Any],
        body: Mapping[str, Any],
    ) -> bool:
        """Append one event inside the caller's transaction; False when `key` stands in the chain already.

        `at` is the case's time and is written in the branch's zone; the real time goes into the body as
        `recorded_at`, and in time-lapse the mark `time_lapse`.
        """
        known = select(EventRow.seq).where(EventRow.case_id == case.id, EventRow.key == key)
        if session.exec(known).first() is not None:
            return False
        head = session.exec(
            select(EventRow).where(EventRow.case_id == case.id).order_by(col(EventRow.seq).desc()).limit(1)
        ).first()
        branch = session.get_one(Branch, case.branch_id)
        zone = ZoneInfo(branch.zone)
        marks: dict[str, Any] = {
            "recorded_at": self._clock().astimezone(zone).isoformat(timespec="milliseconds")
        }
        if case.clock_factor > 1:
            marks["time_lapse"] = True
        event, disclosures = make_event(
            prev=head.hash if head else GENESIS,
            seq=head.seq + 1 if head else 1,
            at=at.astimezone(zone),
            kind=kind,
            actor=actor,
            body={**body, **marks},
            salt=lambda: secrets.token_bytes(SALT_BYTES),
        )
        session.add(
            EventRow(
                case_id=case.id,
                seq=event.seq,
                key=key,
                kind=event.kind,
                line=event_line(event).decode(),
                hash=event.hash,
            )
        )
        for d in disclosures:
            session.add(DisclosureRow(case_id=case.id, seq=d.seq, path=d.path, salt=d.salt, value=d.value))
        session.flush()
        return True

    def count(self, session: Session, case_id: str, kind: EventKind) -> int:
        """Return how many events of a kind a case's chain holds."""
        found = select(func.count()).where(EventRow.case_id == case_id, EventRow.kind == kind.value)
        return session.exec(found).one()

    def chain(self, session: Session, case_id: str) -> tuple[list[Event], list[Disclosure]]:
        """Return a case's events and disclosures in order, without those that are `NEVER_HANDED_OUT`."""
        rows = session.exec(select(EventRow).where(EventRow.case_id == case_id).order_by(col(EventRow.seq)))
        events = [parse_event(row.line.encode()) for row in rows]
        sealed = session.exec(
            select(DisclosureRow)
            .where(DisclosureRow.case_id == case_id)
            .order_by(col(DisclosureRow.seq), col(DisclosureRow.path))
        )
        kept_back = {event.seq for event in events if event.kind in NEVER_HANDED_OUT}
        opened = (d for d in sealed if d.seq not in kept_back)
        return events, [Disclosure(d.seq, d.path, d.salt, d.value) for d in opened]
