"""The checklists of a departure as pages show them, and the rows that they are read from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlmodel import Session, col, select

from countersign.adapters.database.actors import actor_name
from countersign.adapters.database.people import people_of
from countersign.adapters.database.tables import ActRow, Departure, PassedTask, Person, Revocation
from countersign.contracts.cases import ActKind
from countersign.domain.checklists import AccessState, TaskState


@dataclass(frozen=True)
class SystemLine:
    """An account to be shut, and what became of it."""

    system: str
    state: AccessState
    reason: str | None = field(repr=False)
    changed_by: str | None = field(repr=False)
    changed_at: datetime | None


@dataclass(frozen=True)
class TaskLine:
    """A task of the leaver's, and who has it now."""

    id: str
    system: str
    reference: str
    title: str = field(repr=False)
    state: TaskState
    holder: str = field(repr=False)
    holder_number: str
    listed_at: datetime
    moved_at: datetime | None


@dataclass(frozen=True)
class ReportLine:
    """Somebody who reports to the leaver."""

    number: str
    name: str = field(repr=False)
    department: str | None
    post: str | None


@dataclass(frozen=True)
class ChecklistsView:
    """The three lists of one departure; `branch_id` is the leaver's. `moved` counts reports moved so far."""

    case_id: str
    branch_id: str
    leaver: str = field(repr=False)
    leaver_number: str
    successor: str | None = field(repr=False)
    successor_number: str | None
    last_day: date
    withdrawn: bool
    closed: bool
    systems: tuple[SystemLine, ...]
    tasks: tuple[TaskLine, ...]
    team: tuple[ReportLine, ...]
    moved: int


def checklists_view(session: Session, departure: Departure) -> ChecklistsView:
    """Return the three lists of a departure."""
    leaver = session.get_one(Person, departure.person_id)
    successor = successor_of(session, departure)
    return ChecklistsView(
        case_id=departure.case_id,
        branch_id=departure.branch_id,
        leaver=leaver.name,
        leaver_number=leaver.number,
        successor=None if successor is None else successor.name,
        successor_number=None if successor is None else successor.number,
        last_day=departure.last_day,
        withdrawn=departure.withdrawn_at is not None,
        closed=departure.closed_at is not None,
        systems=tuple(_system_lines(session, departure.case_id)),
        tasks=tuple(_task_lines(session, departure.case_id)),
        team=tuple(
            ReportLine(one.number, one.name, one.department, one.post) for one in team_of(session, leaver)
        ),
        moved=sum(len(act.body["team"]) for act in team_acts(session, departure.case_id)),
    )


def successor_of(session: Session, departure: Departure) -> Person | None:
    """Return who the departure names as successor."""
    return None if departure.successor_id is None else session.get_one(Person, departure.successor_id)


def revocations_of(session: Session, case_id: str) -> Sequence[Revocation]:
    """Return the accounts to be shut, in the order of the policy."""
    query = select(Revocation).where(Revocation.departure_id == case_id)
    # Ids rise in the order of the policy's list.
    return session.exec(query.order_by(col(Revocation.id))).all()


def tasks_of(session: Session, case_id: str) -> Sequence[PassedTask]:
    """Return the leaver's tasks of other systems, by system and reference."""
    query = select(PassedTask).where(PassedTask.departure_id == case_id)
    return session.exec(query.order_by(col(PassedTask.system), col(PassedTask.reference))).all()


def team_of(session: Session, leaver: Person) -> Sequence[Person]:
    """Return who reports to the leaver, by number."""
    query = select(Person).where(Person.manager_number == leaver.number, Person.id != leaver.id)
    return session.exec(query.order_by(col(Person.number))).all()


def team_acts(session: Session, case_id: str) -> list[ActRow]:
    """Return the acts, in their order, by which reports got another superior."""
    query = select(ActRow).where(ActRow.case_id == case_id, ActRow.kind == ActKind.TASKS_MOVED.value)
    taken = session.exec(query.order_by(col(ActRow.recorded_at), col(ActRow.id))).all()
    return [one for one in taken if "team" in one.body and one.state not in ("late", "refused")]


def _system_lines(session: Session, case_id: str) -> Iterable[SystemLine]:
    for row in revocations_of(session, case_id):
        by = None if row.changed_by is None else actor_name(session, row.changed_by)
        yield SystemLine(row.system, AccessState(row.state), row.reason, by, row.changed_at)


def _task_lines(session: Session, case_id: str) -> Iterable[TaskLine]:
    rows = tasks_of(session, case_id)
    people = people_of(session, {one.holder_id for one in rows})
    for row in rows:
        holder = people[row.holder_id]
        yield TaskLine(
            id=row.id,
            system=row.system,
            reference=row.reference,
            title=row.title,
            state=TaskState(row.state),
            holder=holder.name,
            holder_number=holder.number,
            listed_at=row.listed_at,
            moved_at=row.moved_at,
        )
