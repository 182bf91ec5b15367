"""Whether somebody has heard of a departure: who has not need not learn that it is off."""

from sqlmodel import Session, col, or_, select

from countersign.adapters.database.tables import Case, Delivery, Departure, Notice
from countersign.domain.departure import DepartureKind

_OF_THE_LEAVER = frozenset({DepartureKind.RESIGNATION, DepartureKind.MUTUAL})
"""What the leaver has said or signed: they know of it without a message."""


def has_heard(session: Session, departure: Departure, person_id: str) -> bool:
    """Say whether a message about a departure may have reached somebody in any of its cases."""
    if person_id == departure.person_id and departure.kind in _OF_THE_LEAVER:
        return True
    begun = (
        select(Delivery.id)
        .join(Notice, col(Notice.id) == col(Delivery.notice_id))
        .join(Case, col(Case.id) == col(Delivery.case_id))
        .where(
            Case.departure_id == departure.case_id,
            Notice.person_id == person_id,
            or_(
                col(Delivery.sending_at).is_not(None),
                col(Delivery.sent_at).is_not(None),
                col(Delivery.by_hand_at).is_not(None),
            ),
        )
    )
    return session.exec(begun.limit(1)).first() is not None
