"""The outbox: what must still reach Temporal. A row is done only when the server has said so."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.cases import case_now, raise_alarm
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.receipts import REPORT
from countersign.adapters.database.tables import Case, Outbox
from countersign.contracts.cases import CaseState, Process
from countersign.contracts.leave_return import Outcome
from countersign.contracts.notices import ReceiptReport
from countersign.domain.calendar import CalendarYear
from countersign.domain.evidence import EventKind
from countersign.ids import new_id

_LONGEST_WAIT_S = 300
_STARTS = frozenset({"start_case", "leave_due"})


@dataclass(frozen=True)
class Errand:
    """One outbox row that is due."""

    id: str
    kind: str
    body: dict[str, Any]
    tries: int


@dataclass(frozen=True)
class CaseStart:
    """What starts a case, and how it is found again."""

    process: Process
    branch_id: str
    workflow_id: str
    frozen: dict[str, Any]


@dataclass(frozen=True)
class OpenCase:
    """A case that the database takes for running."""

    case_id: str
    workflow_id: str


class OutboxBook:
    """Reads and settles errands, and finds cases whose process was ended outside the product."""

    def __init__(self, database: Database, evidence: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock

    def due(self, limit: int = 50) -> list[Errand]:
        """Return errands that are due, the oldest first."""
        with self._database.reading() as session:
            rows = session.exec(
                select(Outbox)
                .where(col(Outbox.done_at).is_(None), col(Outbox.due_at) <= self._clock())
                .order_by(col(Outbox.due_at), col(Outbox.id))
                .limit(limit)
            )
            return [Errand(row.id, row.kind, dict(row.body), row.tries) for row in rows]

    def done(self, errand_id: str) -> None:
        """Settle an errand."""

        def keep(session: Session) -> None:
            session.get_one(Outbox, errand_id).done_at = self._clock()

        self._database.write(keep)

    def failed(self, errand_id: str, error: str, *, for_good: bool = False) -> None:
        """Keep a failure in words; try again later, or raise an alarm and leave it when it is for good."""

        def keep(session: Session) -> None:
            row = session.get_one(Outbox, errand_id)
            row.tries, row.last_error = row.tries + 1, error
            row.due_at = self._clock() + timedelta(seconds=min(2**row.tries, _LONGEST_WAIT_S))
            if for_good:
                row.done_at = self._clock()
                if row.kind in _STARTS:
                    leave = row.body.get("leave")
                    told = f"{error} (leave {leave})" if leave else error
                    raise_alarm(session, "start_failed", self._clock(), row.body.get("case"), told)

        self._database.write(keep)

    def case_start(self, case_id: str) -> CaseStart:
        """Return a case's kind, workflow id and frozen input."""
        with self._database.reading() as session:
            case = session.get_one(Case, case_id)
            return CaseStart(Process(case.kind), case.branch_id, case.workflow_id, dict(case.frozen))

    def workflow_id(self, case_id: str) -> str:
        """Return the workflow id of a case."""
        with self._database.reading() as session:
            return session.get_one(Case, case_id).workflow_id

    def report(self, body: dict[str, Any]) -> ReceiptReport:
        """Return what an errand of the kind `tell_receipt` is to tell."""
        return REPORT.validate_python(body["report"])

    def case_state(self, case_id: str) -> str:
        """Return the state of a case."""
        with self._database.reading() as session:
            return session.get_one(Case, case_id).state

    def tell_calendar(self, session: Session, year: CalendarYear, body: dict[str, Any]) -> int:
        """Order every open case to plan again; return how many.

        Not only those whose present dates are provisional: a ladder that begins later may reach the year.
        """
        cases = session.exec(select(Case).where(Case.state != CaseState.CLOSED.value)).all()
        now = self._clock()
        for case in cases:
            subject = f"calendar/{year.year}/{case.id}/{now.isoformat()}"
            more = {"case": case.id, "year": body}
            session.add(Outbox(id=new_id(), kind="adopt_calendar", subject=subject, body=more, due_at=now))
        return len(cases)

    # -- cases ended behind the product's back -------------------------------------------------------------

    def least_checked(self, limit: int = 50) -> list[OpenCase]:
        """Return running cases, those first that were looked at longest ago."""
        with self._database.reading() as session:
            rows = session.exec(
                select(Case)
                .where(col(Case.state).in_((CaseState.RUNNING.value, CaseState.PAUSED.value)))
                .order_by(col(Case.checked_at).asc().nulls_first())
                .limit(limit)
            )
            return [OpenCase(case.id, case.workflow_id) for case in rows]

    def checked(self, case_ids: list[str]) -> None:
        """Keep that these cases were found running."""

        def keep(session: Session) -> None:
            for case in session.exec(select(Case).where(col(Case.id).in_(case_ids))):
                case.checked_at = self._clock()

        self._database.write(keep)

    def ended_outside(self, case_id: str, how: str) -> None:
        """Close a case whose process is gone: recorded in its evidence and alarmed."""

        def keep(session: Session) -> None:
            case = session.get_one(Case, case_id)
            if case.state == CaseState.CLOSED.value:
                return
            now = case_now(case, self._clock())
            case.state, case.stage, case.holder, case.due_at = "closed", "closed", None, None
            case.outcome, case.closed_at = Outcome.ENDED_OUTSIDE.value, now
            body = {"outcome": case.outcome, "how": how}
            actor = {"role": "machine", "id": "watch"}
            self._evidence.append(session, case, "ended_outside", now, EventKind.CASE_CLOSED, actor, body)
            raise_alarm(session, "ended_outside", self._clock(), case.id, f"({how})")

        self._database.write(keep)
