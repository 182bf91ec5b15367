"""Receipts: what a provider, a relay or a bounce reports of a delivery, in any order and any number."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import TypeAdapter
from sqlmodel import Session, select

from countersign.adapters.database.cases import case_now, raise_alarm
from countersign.adapters.database.deliveries import ENDED, DeliveryEvents
from countersign.adapters.database.engine import Database
from countersign.adapters.database.looks import tell_look
from countersign.adapters.database.tables import Case, Delivery, OptOut, Outbox
from countersign.contracts.cases import Process
from countersign.contracts.notices import ReceiptReport, SendState
from countersign.domain.code_meaning import CodeClass
from countersign.domain.evidence import EventKind
from countersign.domain.receipts import DeliveryState, advance, meaning_of
from countersign.ids import new_id

REPORT: TypeAdapter[ReceiptReport] = TypeAdapter(ReceiptReport)

_KINDS = {
    DeliveryState.DELIVERED: EventKind.DELIVERY_DELIVERED,
    DeliveryState.FAILED_PERMANENT: EventKind.DELIVERY_FAILED,
    DeliveryState.FAILED_TEMPORARY: EventKind.DELIVERY_FAILED,
}
_FAILED = (DeliveryState.FAILED_PERMANENT, DeliveryState.FAILED_TEMPORARY)


@dataclass(frozen=True)
class Receipt:
    """One report. The delivery is named by its own id, else by the provider's id of the message."""

    state: DeliveryState
    delivery_id: str | None = None
    provider_id: str | None = None
    code: str | None = None
    sentence: str | None = field(default=None, repr=False)


class Receipts:
    """Takes in reports and tells the running case what changes its course."""

    def __init__(self, database: Database, events: DeliveryEvents, clock: Callable[[], datetime]) -> None:
        self._database, self._events, self._clock = database, events, clock

    def take(self, receipt: Receipt) -> str | None:
        """Take in a report; return the case's id, or None for a message that is not ours."""
        return self._database.write(lambda session: self._take(session, receipt))

    def _take(self, session: Session, receipt: Receipt) -> str | None:
        delivery = _named(session, receipt)
        if delivery is None:
            return None
        case = session.get_one(Case, delivery.case_id)
        at = case_now(case, self._clock())
        before = DeliveryState(delivery.state)
        after = advance(before, receipt.state)
        delivery.provider_id = delivery.provider_id or receipt.provider_id
        if after is not before:
            self._advance(session, case, delivery, after, receipt, at)
            if before is DeliveryState.UNKNOWN:
                more = {"state": after.value, "code": receipt.code, "provider_id": delivery.provider_id}
                self._events.append(session, case, delivery, "settled", at, EventKind.DELIVERY_SETTLED, more)
            if after in _FAILED or before is DeliveryState.UNKNOWN or before in _FAILED:
                tell_ladder(session, case, delivery, ENDED[after], delivery.error_code, self._clock())
            if case.kind == Process.STATUTORY.value and after is DeliveryState.DELIVERED:
                tell_look(session, case, self._clock())
        kind = _KINDS.get(receipt.state)
        if kind is not None:
            more = {"state": receipt.state.value, "code": receipt.code, "says": receipt.sentence}
            key = f"receipt/{receipt.state.value}"
            self._events.append(session, case, delivery, key, at, kind, more)
        return case.id

    def _advance(
        self,
        session: Session,
        case: Case,
        delivery: Delivery,
        after: DeliveryState,
        receipt: Receipt,
        at: datetime,
    ) -> None:
        delivery.state = after.value
        # What an earlier report gave as the reason does not hold for a message that arrived after all.
        delivery.error_code, delivery.sentence = (
            (receipt.code, receipt.sentence) if after in _FAILED else (None, None)
        )
        if after is DeliveryState.SENT:
            delivery.sent_at = delivery.sent_at or at
            return
        delivery.settled_at = at
        if after is DeliveryState.FAILED_PERMANENT:
            raise_alarm(session, "undelivered", self._clock(), case.id, receipt.sentence or "")
            heed_opt_out(session, delivery, receipt.code, self._clock())


def tell_ladder(
    session: Session, case: Case, delivery: Delivery, state: SendState, code: str | None, at: datetime
) -> None:
    """Order the dispatcher to tell a case that runs what became of a message, once for each state."""
    if case.state == "closed":
        return
    report = ReceiptReport(delivery.id, state, code)
    body = {"case": case.id, "report": REPORT.dump_python(report, mode="json")}
    subject = f"receipt/{delivery.id}/{code if code == 'not_me' else delivery.state}"
    if session.exec(select(Outbox.id).where(Outbox.subject == subject)).first() is None:
        session.add(Outbox(id=new_id(), kind="tell_receipt", subject=subject, body=body, due_at=at))


def opt_out(session: Session, address: str | None, channel: str, reason: str, at: datetime) -> None:
    """Keep that nothing more may go to this address over this channel, whatever the case."""
    if address and session.get(OptOut, (address, channel)) is None:
        session.add(OptOut(address=address, channel=channel, reason=reason, created_at=at))


def heed_opt_out(session: Session, delivery: Delivery, code: str | None, at: datetime) -> None:
    """Close the channel to the address when a provider says that its holder opted out."""
    if code and meaning_of(code).kind is CodeClass.OPTED_OUT:
        opt_out(session, delivery.address, delivery.channel, code, at)


def _named(session: Session, receipt: Receipt) -> Delivery | None:
    if receipt.delivery_id is not None:
        named = session.get(Delivery, receipt.delivery_id)
        if named is not None:
            return named
    if not receipt.provider_id:
        return None
    return session.exec(select(Delivery).where(Delivery.provider_id == receipt.provider_id)).first()
