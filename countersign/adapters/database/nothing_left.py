"""Whether a case of a departure still has anything to ask of the person whom it addresses."""

from datetime import datetime

from sqlmodel import Session

from countersign.adapters.database.gate_book import offboarding_standing
from countersign.adapters.database.shares import standing_of
from countersign.adapters.database.tables import Branch, Case, Departure
from countersign.contracts.cases import Process
from countersign.domain.offboarding import WITHDRAWN_STEP, last_day_over

ANNOUNCEMENT = "announcement"
"""The step that tells a receiver what will come, before anything waits for them."""


def nothing_left(session: Session, case: Case, step: str, at: datetime) -> bool:
    """Say whether a message of a step would ask somebody who has nothing left to do.

    Of other processes it says no: there an act ends the ladder. `step` is as notices number it.
    """
    if step.rpartition(".")[2] == WITHDRAWN_STEP:
        return False
    if case.kind == Process.HANDOVER:
        return _receiver_has_nothing(session, case, step, at)
    if case.kind == Process.OFFBOARDING:
        standing = offboarding_standing(session, case)
        return standing.withdrawn or (standing.with_leaver == 0 and not standing.owes)
    return False


def _receiver_has_nothing(session: Session, case: Case, step: str, at: datetime) -> bool:
    standing = standing_of(session, case, at)
    if standing.over or standing.withdrawn:
        return True
    if step.rpartition(".")[2] == ANNOUNCEMENT:
        return False
    departure = session.get_one(Departure, case.departure_id)
    zone = session.get_one(Branch, departure.branch_id).zone
    # Once the last day is over the receiver is asked too about what never came.
    waits = standing.to_accept + (standing.open if at >= last_day_over(departure.last_day, zone) else 0)
    return waits == 0
