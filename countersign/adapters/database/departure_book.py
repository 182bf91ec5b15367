"""The books of departures, as the three processes read and write them."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from countersign.adapters.database.duty_book import DutyBook
from countersign.adapters.database.engine import Database
from countersign.adapters.database.gate_book import gate_of, offboarding_standing
from countersign.adapters.database.looks import tell_departure
from countersign.adapters.database.shares import Shares
from countersign.adapters.database.tables import Case, Departure
from countersign.contracts.departures import (
    DepartureOrder,
    EndOrder,
    Frozen,
    OffboardingStanding,
    ShareStanding,
    StatutoryStanding,
)


class DepartureBooks:
    """What the activities of departures reach: each question and order goes to the book it belongs to."""

    def __init__(
        self, database: Database, shares: Shares, duties: DutyBook, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._shares, self._duties, self._clock = database, shares, duties, clock

    def offboarding(self, order: DepartureOrder) -> OffboardingStanding:
        """Return how the departure of an offboarding case stands."""
        with self._database.reading() as session:
            return offboarding_standing(session, session.get_one(Case, order.case_id))

    def share(self, order: DepartureOrder) -> ShareStanding:
        """Return how the share of a receiver's case stands."""
        with self._database.reading() as session:
            return self._shares.standing(session, session.get_one(Case, order.case_id))

    def statutory(self, order: DepartureOrder) -> StatutoryStanding:
        """Return how the end of an employment stands; a notice that was delivered is kept as delivered."""
        return self._database.write(
            lambda session: self._duties.standing(session, session.get_one(Case, order.case_id), order.at)
        )

    def end(self, order: EndOrder) -> None:
        """Keep that the employment has ended; its duties are due from then, its handover hears of it."""
        self._database.write(lambda session: self._duties.end(session, order))

    def certify(self, order: DepartureOrder) -> None:
        """Print the certificate, file it and keep its duty as done, once."""
        self._duties.certify(order)

    def freeze(self, order: DepartureOrder) -> Frozen:
        """Freeze what is open into the override record with its papers, once."""
        return self._duties.freeze(order)

    def close(self, order: DepartureOrder) -> bool:
        """Keep that a departure's file is closed; the receivers' cases hear of it.

        False, and nothing is closed, where the gate has shut again since the process looked: something was
        disputed, say, or turned up to be handed over.
        """

        def keep(session: Session) -> bool:
            departure = session.get_one(Departure, order.case_id)
            if departure.closed_at is not None:
                return True
            if departure.withdrawn_at is None and not gate_of(session, departure).open:
                return False
            departure.closed_at = order.at
            tell_departure(session, departure.case_id, self._clock(), but=departure.case_id)
            return True

        return self._database.write(keep)
