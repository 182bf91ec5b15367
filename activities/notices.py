"""What a ladder asks of the world: prepare a notice, send one attempt, settle one that may have left."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from temporalio import activity

from countersign.contracts.notices import (
    ABSENT,
    NO_LIST,
    NextAttemptOrder,
    NoticeOrder,
    PreparedDelivery,
    PreparedNotice,
    SendOrder,
    SendResult,
    SendState,
)
from countersign.contracts.sending import ChannelError, MailMessage, OutcomeState, SendOutcome, SmsMessage
from countersign.ports import Mailer, NoticeBook, SendBook, SendTicket, SmsSender
from countersign.retries import HEARTBEAT_EVERY

_RESULT = {
    OutcomeState.SENT: SendState.ACCEPTED,
    OutcomeState.FAILED_TEMPORARY: SendState.FAILED_TEMPORARY,
    OutcomeState.FAILED_PERMANENT: SendState.FAILED_PERMANENT,
    OutcomeState.UNKNOWN: SendState.UNKNOWN,
}


class NoticeActivities:
    """Sending. The book decides whether a message may leave; the channels carry it; the book keeps the end.

    The order is what keeps a notice from going twice: `pending → sending` is committed before the call, so a
    worker that dies in between leaves a row that says "may have left", never one that says "not yet sent".
    """

    def __init__(
        self,
        notices: NoticeBook,
        book: SendBook,
        sms: SmsSender,
        mailer: Mailer,
        clock: Callable[[], datetime],
    ) -> None:
        self._notices, self._book = notices, book
        self._sms, self._mailer, self._clock = sms, mailer, clock

    @activity.defn(name="prepare_notice", no_thread_cancel_exception=True)
    def prepare_notice(self, order: NoticeOrder) -> PreparedNotice:
        """Render a notice and lay out its first deliveries; the same step finds the same notice."""
        return self._notices.prepare(order)

    @activity.defn(name="next_attempt", no_thread_cancel_exception=True)
    def next_attempt(self, order: NextAttemptOrder) -> PreparedDelivery:
        """Lay out one more attempt after one that failed."""
        return self._notices.next_attempt(order)

    @activity.defn(name="send_notice")
    async def send_notice(self, order: SendOrder) -> SendResult:
        """Carry out one attempt, unless the person has answered or the window has closed meanwhile."""
        async with _alive():
            return await self._send(order)

    @activity.defn(name="settle_unknown")
    async def settle_unknown(self, order: SendOrder) -> SendResult:
        """Look for a message that may have left in the provider's list; found means it was sent."""
        async with _alive():
            return await self._settle(order)

    async def _send(self, order: SendOrder) -> SendResult:
        if order.not_after is not None and self._clock() >= order.not_after:
            await asyncio.to_thread(self._book.held, order, "window_closed")
            return SendResult(SendState.HELD, "window_closed")
        token = f"{activity.info().workflow_run_id}/{activity.info().activity_id}/{activity.info().attempt}"
        ticket = await asyncio.to_thread(self._book.begin_sending, order, token)
        if isinstance(ticket, SendResult):
            return ticket
        outcome = await self._carry(ticket)
        await asyncio.to_thread(self._book.finish_sending, order, token, outcome)
        return SendResult(_RESULT[outcome.state], outcome.code)

    async def _settle(self, order: SendOrder) -> SendResult:
        ticket = await asyncio.to_thread(self._book.ticket_of_unknown, order)
        if isinstance(ticket, SendResult):
            return ticket
        message = ticket.message
        if not isinstance(message, SmsMessage):
            await asyncio.to_thread(self._book.not_found, order)
            return SendResult(SendState.UNKNOWN, "not_found")
        try:
            provider_id = await self._sms.find(
                message.to, message.delivery_code, ticket.sending_at, message.delivery_id, ticket.provider
            )
        except ChannelError:
            return SendResult(SendState.UNKNOWN, NO_LIST)
        if provider_id is None:
            await asyncio.to_thread(self._book.not_found, order)
            return SendResult(SendState.UNKNOWN, ABSENT)
        found = SendOutcome(OutcomeState.SENT, provider_id, None, "Found in the provider's list of messages.")
        await asyncio.to_thread(self._book.finish_sending, order, None, found)
        return SendResult(SendState.ACCEPTED)

    async def _carry(self, ticket: SendTicket) -> SendOutcome:
        if isinstance(ticket.message, MailMessage):
            return await self._mailer.send(ticket.message)
        return await self._sms.send(ticket.message)


@asynccontextmanager
async def _alive() -> AsyncIterator[None]:
    """Show while the block runs that this worker is alive, so that a dead one is noticed within seconds."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(HEARTBEAT_EVERY.total_seconds())

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
