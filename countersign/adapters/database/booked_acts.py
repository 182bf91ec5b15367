"""Acts whose effect is in the books at once: the act, its effect and its evidence are one transaction."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from countersign.adapters.database.acts import Acts, ActView, NewAct
from countersign.adapters.database.engine import Database
from countersign.adapters.database.looks import tell_departure
from countersign.adapters.database.tables import ActRow, Case
from countersign.contracts.cases import ActKind, Process

OF_THE_END = frozenset(
    {
        ActKind.LAST_DAY_MOVED,
        ActKind.WITHDRAWN,
        ActKind.SERVED,
        ActKind.DUTY_ORDERED,
        ActKind.DUTY_DONE,
        ActKind.DUTY_FAILED,
    }
)
"""Acts that concern the statutory case too; all others are matters of the handover and the gate."""

_OF_THE_HANDOVER = (Process.OFFBOARDING, Process.HANDOVER)

Effect = Callable[[Session, ActRow, Case], None]
"""Writes what an act does. It raises to refuse: then nothing at all is written, the act neither."""


class BookedActs:
    """Takes in acts together with what they do. The case is told afterwards, by the act and by `look`."""

    def __init__(self, database: Database, acts: Acts, clock: Callable[[], datetime]) -> None:
        self._database, self._acts, self._clock = database, acts, clock

    def take(self, new: NewAct, effect: Effect) -> ActView:
        """Take in an act and carry out its effect, once: the same id again returns the first receipt.

        On a closed case the act is kept as late and has no effect. Raises whatever `effect` raises, and
        `Refusal` for what an officer does in their own departure.
        """
        return self._database.write(lambda session: self.take_within(session, new, effect))

    def take_within(self, session: Session, new: NewAct, effect: Effect) -> ActView:
        """Do the same inside the caller's transaction."""
        if session.get(ActRow, new.id) is not None:
            return self._acts.take_within(session, new)
        view = self._acts.take_within(session, new)
        if view.state == "late":
            return view
        case = session.get_one(Case, new.case_id)
        effect(session, session.get_one(ActRow, new.id), case)
        if case.departure_id is not None:
            of = tuple(Process) if new.kind in OF_THE_END else _OF_THE_HANDOVER
            tell_departure(session, case.departure_id, self._clock(), case.id, of)
        return view
