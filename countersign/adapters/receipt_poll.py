"""Asks providers about messages whose final report never came: a lost callback must not blind a case."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from countersign.adapters.database.receipts import Receipt, Receipts
from countersign.adapters.database.sendings import Sendings
from countersign.adapters.sms_routes import RoutedSms
from countersign.contracts.sending import ChannelError, SentSms, SmsMessage
from countersign.domain.receipts import DeliveryState, delivery_state_for, meaning_of

log = logging.getLogger("countersign.receipts")


class ReceiptPoll:
    """Polls text messages without a final report, `after` they left and then ever more seldom."""

    def __init__(
        self,
        sendings: Sendings,
        receipts: Receipts,
        sms: RoutedSms,
        clock: Callable[[], datetime],
        after: timedelta,
    ) -> None:
        self._sendings, self._receipts, self._sms = sendings, receipts, sms
        self._clock, self._after = clock, after

    async def run(self) -> int:
        """Ask once about every message that is due; return how many reports came of it."""
        due = await asyncio.to_thread(self._sendings.without_report, self._clock() - self._after)
        found = 0
        for delivery_id in due:
            try:
                found += await self._ask(delivery_id)
            except ChannelError as fault:
                log.info("delivery %s: the provider gave no answer (%s)", delivery_id, fault.code)
        return found

    async def _ask(self, delivery_id: str) -> bool:
        ticket, provider_id = await asyncio.to_thread(self._sendings.ask_about, delivery_id, self._after)
        message = ticket.message
        if not isinstance(message, SmsMessage):
            return False
        if provider_id is None:
            provider_id = await self._sms.find(
                message.to, message.delivery_code, ticket.sending_at, message.delivery_id, ticket.provider
            )
            if provider_id is None:
                return False
        sent = SentSms(message.to, provider_id, ticket.sending_at, message.delivery_id)
        status, code = await self._sms.fetch_status(sent, ticket.provider)
        state = delivery_state_for(status, code) or DeliveryState.SENT
        sentence = meaning_of(code).en if code else None
        receipt = Receipt(state, delivery_id, provider_id, code, sentence)
        await asyncio.to_thread(self._receipts.take, receipt)
        return state is not DeliveryState.SENT
