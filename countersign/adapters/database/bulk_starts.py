"""Many cases started at one wish: stored as rows, carried out one by one, also over a restart."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import func
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from countersign.adapters.database.actors import account_actor
from countersign.adapters.database.engine import Database
from countersign.adapters.database.officers import Officer
from countersign.adapters.database.queries import select_columns
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.starts import AlreadyStarted, CannotStart, Starts, StartWish
from countersign.adapters.database.tables import Account, BulkStart, BulkStartRow, Case, Leave, Person
from countersign.domain.leave_return import OverdueStep

log = logging.getLogger("countersign.bulk_starts")

_ELSEWHERE = "leave: no such leave is in this branch any more; whoever answers for its branch can start it"


class RowState(StrEnum):
    """What became of one leave."""

    WAITING = "waiting"
    STARTED = "started"
    REFUSED = "refused"


@dataclass(frozen=True)
class Bulk:
    """A bulk start with its counts; `asked_by` is a name. `done_at` is empty while rows wait."""

    id: str
    policy: str
    overdue: str | None
    asked_by: str = field(repr=False)
    asked_at: datetime
    done_at: datetime | None
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """How many leaves there are."""
        return sum(self.counts.values())

    @property
    def settled(self) -> int:
        """How many do not wait any more."""
        return self.total - self.counts[RowState.WAITING]


@dataclass(frozen=True)
class BulkRow:
    """One leave and what became of it.

    The employee is empty for somebody who belongs to another branch by now. `sentence` says why not.
    """

    position: int
    number: str | None
    name: str | None = field(repr=False)
    kind: str
    ends_on: date
    state: RowState
    case_id: str | None
    sentence: str | None


class BulkStarts:
    """Keeps bulk starts and carries them out.

    A row is started and settled in one transaction, so that no crash can come between and no two processes
    start the same one.
    """

    def __init__(self, database: Database, starts: Starts, clock: Callable[[], datetime]) -> None:
        self._database, self._starts, self._clock = database, starts, clock

    def begin(
        self,
        bulk_id: str,
        leave_ids: Sequence[str],
        officer: Officer,
        *,
        policy: str | None,
        overdue: str | None,
    ) -> bool:
        """Store a bulk start; the same id again stores nothing.

        `policy` None takes each branch's own. Returns False when the id is that of somebody else.
        """

        def keep(session: Session) -> bool:
            known = session.get(BulkStart, bulk_id)
            if known is not None:
                return known.asked_by == officer.account_id
            bulk = BulkStart(
                id=bulk_id,
                policy=policy or "",
                branch_id=officer.scope.branch_id,
                overdue=overdue,
                asked_by=officer.account_id,
                asked_at=self._clock(),
            )
            session.add(bulk)
            session.flush()
            session.add_all(
                BulkStartRow(bulk_id=bulk_id, position=position, leave_id=leave_id)
                for position, leave_id in enumerate(dict.fromkeys(leave_ids), start=1)
            )
            return True

        return self._database.write(keep)

    # -- carrying out -------------------------------------------------------------------------------------

    def carry_on(self, patience_s: float = 1) -> int:
        """Start waiting rows, the oldest first, for about this long; return how many were settled."""
        until, settled = time.monotonic() + patience_s, 0
        while time.monotonic() < until and (bulk := self._oldest()) is not None:
            row = self._first_waiting(bulk.id)
            if row is None:
                self._close(bulk.id)
            else:
                self._settle(bulk, row)
                settled += 1
        return settled

    def _oldest(self) -> BulkStart | None:
        open_ones = select(BulkStart).where(col(BulkStart.done_at).is_(None))
        with self._database.reading() as session:
            return session.exec(open_ones.order_by(col(BulkStart.asked_at)).limit(1)).first()

    def _first_waiting(self, bulk_id: str) -> BulkStartRow | None:
        waiting = select(BulkStartRow).where(
            BulkStartRow.bulk_id == bulk_id, BulkStartRow.state == RowState.WAITING.value
        )
        with self._database.reading() as session:
            return session.exec(waiting.order_by(col(BulkStartRow.position)).limit(1)).first()

    def _close(self, bulk_id: str) -> None:
        def keep(session: Session) -> None:
            bulk = session.get_one(BulkStart, bulk_id)
            bulk.done_at = bulk.done_at or self._clock()
            session.add(bulk)

        self._database.write(keep)

    def _settle(self, bulk: BulkStart, row: BulkStartRow) -> None:
        """Start one row, or say why not; where the database itself fails, the row waits on."""
        bulk_id, position = row.bulk_id, row.position
        try:
            wish = StartWish(row.leave_id, bulk.policy or None)
            if bulk.overdue is not None:
                wish = decided(wish, bulk.overdue, self._starts.preview(wish).overdue)
            self._database.write(lambda session: self._start(session, bulk, position, wish))
        except OperationalError:
            raise
        except AlreadyStarted as there:
            self._refuse(bulk_id, position, "leave: it had its case already", there.case_id)
        except CannotStart as refusal:
            self._refuse(bulk_id, position, str(refusal))
        except ValueError as refusal:  # a policy or a text that cannot be read, in a sentence of its own
            self._refuse(bulk_id, position, str(refusal))
        except Exception as fault:  # whatever it is: one leave must not hold up those behind it
            log.warning("bulk start %s, row %d: %s", bulk_id, position, type(fault).__name__)
            self._refuse(
                bulk_id,
                position,
                f"leave: a fault within the product ({type(fault).__name__}) kept it from starting; nothing "
                "was written, so start it by itself and tell your administrator",
            )

    def _start(self, session: Session, bulk: BulkStart, position: int, wish: StartWish) -> None:
        row = session.get_one(BulkStartRow, (bulk.id, position))
        if row.state != RowState.WAITING:
            return
        leave = session.get(Leave, row.leave_id)
        person = None if leave is None else session.get_one(Person, leave.person_id)
        if person is None or not Scope(bulk.branch_id).covers(person, person.branch_id):
            raise CannotStart("leave", _ELSEWHERE)
        account = session.get_one(Account, bulk.asked_by)
        row.case_id = self._starts.start_in(session, wish, account_actor(account))
        row.state = RowState.STARTED.value
        session.add(row)

    def _refuse(self, bulk_id: str, position: int, sentence: str, case_id: str | None = None) -> None:
        def keep(session: Session) -> None:
            row = session.get_one(BulkStartRow, (bulk_id, position))
            if row.state == RowState.WAITING:
                row.state, row.sentence, row.case_id = RowState.REFUSED.value, sentence, case_id
                session.add(row)

        self._database.write(keep)

    # -- reading ------------------------------------------------------------------------------------------

    def find(self, scope: Scope, bulk_id: str) -> Bulk | None:
        """Return a bulk start that the scope covers: a branch's own, or any for the whole company."""
        with self._database.reading() as session:
            bulk = session.get(BulkStart, bulk_id)
            if bulk is None or scope.branch_id not in (None, bulk.branch_id):
                return None
            return _bulk(session, bulk)

    def newest(self, scope: Scope, limit: int = 10) -> list[Bulk]:
        """Return the newest bulk starts that the scope covers."""
        query = select(BulkStart).order_by(col(BulkStart.asked_at).desc()).limit(limit)
        if scope.branch_id is not None:
            query = query.where(BulkStart.branch_id == scope.branch_id)
        with self._database.reading() as session:
            return [_bulk(session, bulk) for bulk in session.exec(query).all()]

    def rows(self, scope: Scope, bulk_id: str) -> list[BulkRow]:
        """Return every row of a bulk start, in its order."""
        query = (
            select_columns(BulkStartRow, Leave, Person, Case.branch_id)
            .join(Leave, col(Leave.id) == col(BulkStartRow.leave_id))
            .join(Person, col(Person.id) == col(Leave.person_id))
            .outerjoin(Case, col(Case.id) == col(BulkStartRow.case_id))
            .where(BulkStartRow.bulk_id == bulk_id)
            .order_by(col(BulkStartRow.position))
        )
        with self._database.reading() as session:
            return [_row(scope, *found) for found in session.exec(query)]


def decided(wish: StartWish, choice: str | None, overdue: Sequence[OverdueStep]) -> StartWish:
    """Return the wish with one choice for every step whose date has passed; None leaves it as it is."""
    return wish if choice is None else replace(wish, overdue={one.step: choice for one in overdue})


def _bulk(session: Session, bulk: BulkStart) -> Bulk:
    counted = dict(
        session.exec(
            select(BulkStartRow.state, func.count())
            .where(BulkStartRow.bulk_id == bulk.id)
            .group_by(col(BulkStartRow.state))
        ).all()
    )
    counts = {state.value: counted.get(state.value, 0) for state in RowState}
    asked_by = session.get_one(Account, bulk.asked_by).name
    return Bulk(bulk.id, bulk.policy, bulk.overdue, asked_by, bulk.asked_at, bulk.done_at, counts)


def _row(scope: Scope, row: BulkStartRow, leave: Leave, person: Person, case_branch: str | None) -> BulkRow:
    seen = scope.covers(person, case_branch or person.branch_id)
    return BulkRow(
        position=row.position,
        number=person.number if seen else None,
        name=person.name if seen else None,
        kind=leave.kind,
        ends_on=leave.ends_on,
        state=RowState(row.state),
        case_id=row.case_id if seen else None,
        sentence=row.sentence,
    )
