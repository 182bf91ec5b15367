"""What every writer of a delivery shares: its events, and how its state reads in a ladder."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.tables import Case, Delivery
from countersign.contracts.notices import SendState
from countersign.domain.evidence import EventKind
from countersign.domain.receipts import DeliveryState

_MACHINE = {"role": "machine", "id": "sender"}

ENDED = {
    DeliveryState.SENT: SendState.ACCEPTED,
    DeliveryState.DELIVERED: SendState.ACCEPTED,
    DeliveryState.FAILED_PERMANENT: SendState.FAILED_PERMANENT,
    DeliveryState.FAILED_TEMPORARY: SendState.FAILED_TEMPORARY,
    DeliveryState.SUPPRESSED: SendState.SUPPRESSED,
    DeliveryState.UNKNOWN: SendState.UNKNOWN,
}
"""How a state of a delivery looks from its ladder."""


def delivery_body(delivery: Delivery) -> dict[str, Any]:
    """Return what every event about a delivery says of it."""
    return {
        "delivery": delivery.id,
        "notice": delivery.notice_id,
        "channel": delivery.channel,
        "attempt": delivery.attempt,
    }


class DeliveryEvents:
    """Appends events about deliveries, each once per key."""

    def __init__(self, evidence: EvidenceLog) -> None:
        self._evidence = evidence

    def append(
        self,
        session: Session,
        case: Case,
        delivery: Delivery,
        key: str,
        at: datetime,
        kind: EventKind,
        more: dict[str, Any],
    ) -> None:
        """Append an event that names the delivery and says `more`."""
        body = delivery_body(delivery) | more
        self._evidence.append(session, case, f"delivery/{delivery.id}/{key}", at, kind, _MACHINE, body)
