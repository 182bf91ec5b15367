"""What the activities need from outside, as Protocols; the adapters implement them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from countersign.contracts.cases import RecordOrder
from countersign.contracts.departures import (
    DepartureOrder,
    EndOrder,
    Frozen,
    OffboardingStanding,
    ShareStanding,
    StatutoryStanding,
)
from countersign.contracts.ledger import PostingOrder
from countersign.contracts.notices import (
    NextAttemptOrder,
    NoticeOrder,
    PreparedDelivery,
    PreparedNotice,
    SendOrder,
    SendResult,
)
from countersign.contracts.sending import MailMessage, SendOutcome, SmsMessage


class SmsSender(Protocol):
    """An SMS provider."""

    async def send(self, message: SmsMessage) -> SendOutcome:
        """Hand over one message; every end is a value."""
        ...

    async def find(
        self,
        to: str,
        delivery_code: str,
        since: datetime,
        delivery_id: str | None = None,
        provider: str | None = None,
    ) -> str | None:
        """Return the provider's id of a message that holds the delivery's code or number, if it got there."""
        ...


class Mailer(Protocol):
    """An SMTP relay."""

    async def send(self, message: MailMessage) -> SendOutcome:
        """Hand over one message; every end is a value."""
        ...


@dataclass(frozen=True)
class SendTicket:
    """Leave to send: the finished message with its address. Lives inside one activity, never in a history."""

    message: SmsMessage | MailMessage
    sending_at: datetime
    provider: str | None = None


class CaseRecorder(Protocol):
    """The books of all cases."""

    def record(self, order: RecordOrder) -> None:
        """Write everything of an order in one transaction, once per key."""
        ...


class NoticeBook(Protocol):
    """Notices, laid out as deliveries."""

    def prepare(self, order: NoticeOrder) -> PreparedNotice:
        """Render and store a notice with its first deliveries, once per case and step."""
        ...

    def next_attempt(self, order: NextAttemptOrder) -> PreparedDelivery:
        """Store the attempt that follows a delivery, once."""
        ...


class SendBook(Protocol):
    """Attempts: how each begins, at most once, and how it ends."""

    def begin_sending(self, order: SendOrder, token: str) -> SendTicket | SendResult:
        """Move `pending → sending` and return the ticket, or say why nothing may leave."""
        ...

    def finish_sending(self, order: SendOrder, token: str | None, outcome: SendOutcome) -> None:
        """Keep how an attempt ended."""
        ...

    def held(self, order: SendOrder, because: str) -> None:
        """Keep that an attempt was not made now, and why."""
        ...

    def ticket_of_unknown(self, order: SendOrder) -> SendTicket | SendResult:
        """Return the ticket of an attempt whose end is not known, or the end if it is known by now."""
        ...

    def not_found(self, order: SendOrder) -> None:
        """Keep that the provider knows nothing of an attempt."""
        ...


class DepartureBook(Protocol):
    """The books of departures, as the three processes read and write them."""

    def offboarding(self, order: DepartureOrder) -> OffboardingStanding:
        """Return how the departure of an offboarding case stands."""
        ...

    def share(self, order: DepartureOrder) -> ShareStanding:
        """Return how the share of a receiver's case stands."""
        ...

    def statutory(self, order: DepartureOrder) -> StatutoryStanding:
        """Return how the end of a statutory case's employment stands."""
        ...

    def end(self, order: EndOrder) -> None:
        """Keep that the employment has ended; its duties are due from then."""
        ...

    def certify(self, order: DepartureOrder) -> None:
        """Print the certificate, file it and keep its duty as done, once."""
        ...

    def freeze(self, order: DepartureOrder) -> Frozen:
        """Freeze what is open into the override record with its papers, once."""
        ...

    def close(self, order: DepartureOrder) -> bool:
        """Keep that a departure's file is closed, and tell the cases that belong to it.

        False while the gate is shut: then nothing is closed.
        """
        ...


class Ledger(Protocol):
    """The sub-ledger of employments."""

    def post(self, order: PostingOrder) -> None:
        """Book what an order names, once per key."""
        ...
