"""Telling running cases that something they decide by has changed in the books."""

from datetime import datetime

from sqlmodel import Session, col, select

from countersign.adapters.database.tables import Case, Outbox
from countersign.contracts.cases import CaseState
from countersign.ids import new_id


def tell_look(session: Session, case: Case, at: datetime) -> None:
    """Order the dispatcher to tell one case to look again; a closed one need not."""
    if case.state != CaseState.CLOSED.value:
        errand = new_id()
        session.add(
            Outbox(id=errand, kind="look", subject=f"look/{errand}", body={"case": case.id}, due_at=at)
        )


def tell_departure(session: Session, departure_id: str, at: datetime, but: str | None = None) -> None:
    """Tell every open case of a departure to look again, except `but`, which is told otherwise."""
    cases = session.exec(select(Case).where(col(Case.departure_id) == departure_id)).all()
    for case in cases:
        if case.id != but:
            tell_look(session, case, at)
