"""What the processes of a departure ask of the world: how it stands, and what must be in the books."""

from temporalio import activity

from countersign.contracts.departures import (
    DepartureOrder,
    EndOrder,
    Frozen,
    OffboardingStanding,
    ShareStanding,
    StatutoryStanding,
)
from countersign.ports import DepartureBook


class DepartureActivities:
    """Reading and writing the books of departures. Synchronous: transactions of our own database."""

    def __init__(self, book: DepartureBook) -> None:
        self._book = book

    @activity.defn(name="read_offboarding", no_thread_cancel_exception=True)
    def read_offboarding(self, order: DepartureOrder) -> OffboardingStanding:
        """Return what is open in a departure and what keeps its gate shut."""
        return self._book.offboarding(order)

    @activity.defn(name="read_share", no_thread_cancel_exception=True)
    def read_share(self, order: DepartureOrder) -> ShareStanding:
        """Return what waits for one receiver."""
        return self._book.share(order)

    @activity.defn(name="read_statutory", no_thread_cancel_exception=True)
    def read_statutory(self, order: DepartureOrder) -> StatutoryStanding:
        """Return whether the notice was delivered and what became of each duty."""
        return self._book.statutory(order)

    @activity.defn(name="end_employment", no_thread_cancel_exception=True)
    def end_employment(self, order: EndOrder) -> None:
        """Put the end of the employment into the books; again changes nothing."""
        self._book.end(order)

    @activity.defn(name="issue_certificate", no_thread_cancel_exception=True)
    def issue_certificate(self, order: DepartureOrder) -> None:
        """Print and file the certificate; again finds the first."""
        self._book.certify(order)

    @activity.defn(name="freeze_open_items", no_thread_cancel_exception=True)
    def freeze_open_items(self, order: DepartureOrder) -> Frozen:
        """Freeze what is open on the last day; again returns what was frozen first."""
        return self._book.freeze(order)

    @activity.defn(name="close_departure", no_thread_cancel_exception=True)
    def close_departure(self, order: DepartureOrder) -> bool:
        """Close the file of a departure in the books; False when the gate is shut after all."""
        return self._book.close(order)
