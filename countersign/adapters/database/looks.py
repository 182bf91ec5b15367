"""Telling running cases that something they decide by has changed in the books."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select

from countersign.adapters.database.tables import Case, Departure, Outbox
from countersign.contracts.cases import CaseState, Process
from countersign.ids import new_id


def tell_look(session: Session, case: Case, at: datetime) -> None:
    """Order the dispatcher to tell one case to look again; a closed one need not."""
    if case.state != CaseState.CLOSED.value:
        errand = new_id()
        session.add(
            Outbox(id=errand, kind="look", subject=f"look/{errand}", body={"case": case.id}, due_at=at)
        )


def tell_departure(
    session: Session,
    departure_id: str,
    at: datetime,
    but: str | None = None,
    of: Collection[Process] = tuple(Process),
) -> None:
    """Tell the open cases of a departure to look again, except `but`, which is told otherwise.

    `of` are the processes that the change concerns; what cannot matter to a process makes its history no
    longer.
    """
    cases = session.exec(select(Case).where(col(Case.departure_id) == departure_id)).all()
    for case in cases:
        if case.id != but and Process(case.kind) in of:
            tell_look(session, case, at)


def tell_of_person(session: Session, person_id: str, at: datetime) -> None:
    """Tell the departures of a person to look again: another case about them has begun or ended."""
    departures = session.exec(
        select(Departure.case_id).where(
            Departure.person_id == person_id,
            col(Departure.withdrawn_at).is_(None),
            col(Departure.closed_at).is_(None),
        )
    ).all()
    for departure_id in departures:
        tell_departure(session, departure_id, at)
