"""What a case asks of the ledger: one posting, made once."""

from temporalio import activity

from countersign.contracts.ledger import PostingOrder
from countersign.ports import Ledger


class LedgerActivities:
    """Postings. Synchronous: one transaction of our own database, which knows the key of each."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @activity.defn(name="post", no_thread_cancel_exception=True)
    def post(self, order: PostingOrder) -> None:
        """Book what an order names; the same key again books nothing."""
        self._ledger.post(order)
