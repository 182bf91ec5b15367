"""Whether a case may make a public notice: read from what became of its messages and letters."""

from sqlmodel import Session, col, select

from countersign.adapters.database.tables import Case, Delivery, Notice, Person, Suppression
from countersign.domain import public_notice
from countersign.domain.courier import CourierState
from countersign.domain.policy import Audience, Channel
from countersign.domain.public_notice import DIRECT, DirectWay
from countersign.domain.receipts import DeliveryState


def why_locked(session: Session, case: Case, person: Person) -> str | None:
    """Say why a public notice about this person must not speak yet; None when it may."""
    rows = session.exec(
        select(Delivery)
        .join(Notice, col(Notice.id) == col(Delivery.notice_id))
        .where(Delivery.case_id == case.id, Notice.audience == Audience.EMPLOYEE.value)
        .order_by(col(Delivery.created_at), col(Delivery.attempt), col(Delivery.id))
    ).all()
    addresses = {Channel.SMS: person.phone, Channel.EMAIL: person.email}
    ways = {}
    for channel in DIRECT:
        current = addresses[channel]
        # An address that was named since, such as by a newer consent, is a way that nobody has tried.
        tried = [row for row in rows if row.channel == channel.value and current in (None, row.address)]
        newest = tried[-1] if tried else None
        address = current if newest is None else newest.address
        theirs = address is None or session.get(Suppression, (case.id, address)) is None
        state = None if newest is None else DeliveryState(newest.state)
        ways[channel] = DirectWay(current is not None, state, theirs)
    letters = [
        CourierState(row.courier_result) if row.courier_result else None
        for row in rows
        if row.channel == Channel.COURIER.value
    ]
    return public_notice.why_locked(ways, letters)
