"""What a case asks of the ledger: one posting, made once."""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from countersign.contracts.ledger import PostingOrder
from countersign.domain.refusal import Refusal
from countersign.ports import Ledger


class LedgerActivities:
    """Postings. Synchronous: one transaction of our own database, which knows the key of each."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @activity.defn(name="post", no_thread_cancel_exception=True)
    def post(self, order: PostingOrder) -> None:
        """Book what an order names; the same key again books nothing.

        What the ledger refuses is refused for good. Its sentence names sums, so it stays out of the history.
        """
        try:
            self._ledger.post(order)
        except Refusal:
            raise ApplicationError(
                "the ledger refuses this posting", type="refused", non_retryable=True
            ) from None
