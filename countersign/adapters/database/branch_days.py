"""The date in a branch, whose zone may be another than the company's."""

from datetime import date, datetime

from sqlmodel import Session

from countersign.adapters.database.tables import Branch
from countersign.domain.local_time import day_in


def branch_day(session: Session, branch_id: str, at: datetime) -> date:
    """Return a branch's date at an instant."""
    return day_in(at, session.get_one(Branch, branch_id).zone)
