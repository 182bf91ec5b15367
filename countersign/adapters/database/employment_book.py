"""What employments are in truth, what systems call them, and the alarm when the two differ for long."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.cases import case_now, raise_alarm_once
from countersign.adapters.database.duty_book import planned_end, set_due_days
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.queries import select_columns
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.service_book import keep_service
from countersign.adapters.database.tables import (
    Alarm,
    Branch,
    Case,
    Departure,
    Duty,
    Employment,
    Leave,
    Person,
)
from countersign.domain.departure import ARTICLE, DutyState, EmploymentState, Ground
from countersign.domain.duties import overdue_from
from countersign.domain.employment import (
    EmploymentFacts,
    SuspendedWhy,
    TrueState,
    suspended_alarm,
    true_state,
)
from countersign.domain.evidence import EventKind
from countersign.domain.refusal import Refusal

_ONCE = timedelta(days=36_500)
_GRACE = timedelta(hours=1)
"""How long a process that runs has for its own alarm of a late duty."""


@dataclass(frozen=True)
class EmploymentView:
    """One employment of a person: what it is in truth, and why its being called suspended is an alarm."""

    employment_id: str
    number: str
    name: str = field(repr=False)
    branch: str
    hired_on: date
    true: TrueState
    alarm: SuspendedWhy | None
    departure_id: str | None

    @property
    def basis(self) -> str | None:
        """The article of the ground on which it has ended."""
        return None if self.true.ground is None else ARTICLE[self.true.ground]


class EmploymentBook:
    """Reads employments, keeps what systems call them, and watches over both."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        suspended_alarm_days: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock
        self._alarm_days = suspended_alarm_days

    def read(self, scope: Scope, number: str) -> EmploymentView | None:
        """Return the newest employment of a number; None outside the scope."""
        with self._database.reading() as session:
            found = _newest(session, scope, number)
            return None if found is None else self._view(session, *found)

    def of_person(self, person_id: str) -> dict[str, EmploymentView]:
        """Return every employment of a person, by its id."""
        with self._database.reading() as session:
            person = session.get_one(Person, person_id)
            rows = session.exec(select(Employment).where(Employment.person_id == person_id)).all()
            return {row.id: self._view(session, person, row) for row in rows}

    def called_suspended(self, scope: Scope) -> list[EmploymentView]:
        """Return every employment that a system calls suspended, the longest first."""
        query = (
            select(Employment, Person)
            .join(Person, col(Person.id) == col(Employment.person_id))
            .where(col(Employment.suspended_since).is_not(None))
            .order_by(col(Employment.suspended_since))
        )
        with self._database.reading() as session:
            rows = session.exec(scope.within(query)).all()
            return [self._view(session, person, employment) for employment, person in rows]

    def call(
        self, scope: Scope, number: str, suspended_since: date | None, actor: Mapping[str, Any]
    ) -> EmploymentView | None:
        """Keep from when a system calls the newest employment suspended, None when it no longer does.

        It changes nothing about the employment; from when it is an alarm, one is raised at once. Raises
        `Refusal` for a day that lies ahead or before the employment.
        """
        return self._database.write(
            lambda session: self._call(session, scope, number, suspended_since, actor)
        )

    def watch(self) -> None:
        """Raise what nobody else raises, each once: "suspended" for too long, duties late in silence."""
        self._database.write(self._watch_suspended)
        self._database.write(self._watch_duties)

    # -- inside a transaction -----------------------------------------------------------------------------

    def _call(
        self,
        session: Session,
        scope: Scope,
        number: str,
        since: date | None,
        actor: Mapping[str, Any],
    ) -> EmploymentView | None:
        found = _newest(session, scope, number)
        if found is None:
            return None
        person, employment = found
        today = self._today(session, person, _departure(session, employment.id))
        if since is not None and since > today:
            raise Refusal("suspended_since", "suspended_since: lies in the future; give the day it began")
        if since is not None and since < employment.hired_on:
            raise Refusal(
                "suspended_since",
                f"suspended_since: lies before the employment began on {employment.hired_on}; check the day",
            )
        if employment.suspended_since != since:
            employment.suspended_since = since
            session.add(employment)
            self._tell(session, employment, since, actor)
        view = self._view(session, person, employment)
        self._alarm(session, view)
        return view

    def _tell(
        self, session: Session, employment: Employment, since: date | None, actor: Mapping[str, Any]
    ) -> None:
        """Let the chain of the end say what a system called it; without a departure there is none."""
        departure = _departure(session, employment.id)
        if departure is None:
            return
        case = session.get_one(Case, departure.statutory_case_id)
        at = case_now(case, self._clock())
        body = {
            "employment": employment.id,
            "state": EmploymentState.SUSPENDED.value if since else EmploymentState.ACTIVE.value,
            "since": None if since is None else since.isoformat(),
        }
        key = f"called/{at.isoformat()}"
        self._evidence.append(session, case, key, at, EventKind.EMPLOYMENT_CALLED, actor, body)

    def _watch_suspended(self, session: Session) -> None:
        query = (
            select(Employment, Person)
            .join(Person, col(Person.id) == col(Employment.person_id))
            .where(col(Employment.suspended_since).is_not(None))
        )
        for employment, person in session.exec(query).all():
            self._alarm(session, self._view(session, person, employment))

    def _alarm(self, session: Session, view: EmploymentView) -> None:
        if view.alarm is None:
            return
        departure = session.get(Departure, view.departure_id) if view.departure_id else None
        case_id = None if departure is None else departure.statutory_case_id
        detail = f"(employment {view.employment_id}, {view.alarm.value.replace('_', ' ')})"
        raise_alarm_once(session, "employment_suspended", self._clock(), case_id, _ONCE, detail)

    def _watch_duties(self, session: Session) -> None:
        """Raise the alarm of a late duty that its process has not raised: it is silent, or never ran."""
        query = (
            select(Duty, Case, Branch)
            .join(Departure, col(Departure.case_id) == col(Duty.departure_id))
            .join(Case, col(Case.id) == col(Departure.statutory_case_id))
            .join(Branch, col(Branch.id) == col(Departure.branch_id))
            .where(col(Departure.withdrawn_at).is_(None), col(Duty.due_on).is_not(None))
            .order_by(col(Duty.departure_id), col(Duty.due_on))
        )
        now = self._clock()
        self._find_the_ends(session, now)
        late: dict[str, list[Duty]] = {}
        for duty, case, branch in session.exec(query).all():
            if duty.due_on is not None and _was_late(duty, case_now(case, now), branch.zone):
                late.setdefault(case.id, []).append(duty)
        for case_id, duties in late.items():
            self._raise_unsaid(session, case_id, duties)

    def _find_the_ends(self, session: Session, now: datetime) -> None:
        """Keep what the books say of notices that no process has looked at."""
        query = select(Departure).where(
            col(Departure.needs_notice).is_(True),
            col(Departure.withdrawn_at).is_(None),
            col(Departure.ended_on).is_(None),
        )
        for departure in session.exec(query).all():
            case = session.get_one(Case, departure.statutory_case_id)
            keep_service(session, self._evidence, departure, case_now(case, now))
            set_due_days(session, departure)

    def _raise_unsaid(self, session: Session, case_id: str, late: list[Duty]) -> None:
        """Raise one alarm for each duty that is late and of which there is none; the newest are unsaid."""
        said = select(func.count()).where(Alarm.kind == "duty_overdue", Alarm.case_id == case_id)
        unsaid = len(late) - session.exec(said).one()
        still_open = [duty for duty in late if duty.state != DutyState.DONE.value]
        for duty in still_open[::-1][: max(unsaid, 0)]:
            detail = f"(duty {duty.kind})"
            raise_alarm_once(session, "duty_overdue", self._clock(), case_id, _ONCE, detail)

    def _view(self, session: Session, person: Person, employment: Employment) -> EmploymentView:
        departure = _departure(session, employment.id)
        today = self._today(session, person, departure)
        leave = select_columns(Leave.starts_on).where(
            Leave.person_id == person.id, col(Leave.starts_on) <= today, col(Leave.ends_on) >= today
        )
        facts = EmploymentFacts(
            hired_on=employment.hired_on,
            says=EmploymentState(employment.state),
            ended_on=employment.ended_on,
            ground=Ground(employment.ended_ground) if employment.ended_ground else None,
            suspended_since=employment.suspended_since,
            leave_since=session.exec(leave).first(),
            planned=None if departure is None else planned_end(departure),
        )
        return EmploymentView(
            employment_id=employment.id,
            number=person.number,
            name=person.name,
            branch=session.get_one(Branch, person.branch_id).name,
            hired_on=employment.hired_on,
            true=true_state(facts, today),
            alarm=suspended_alarm(facts, today, self._alarm_days),
            departure_id=None if departure is None else departure.case_id,
        )

    def _today(self, session: Session, person: Person, departure: Departure | None) -> date:
        now, branch_id = self._clock(), person.branch_id
        if departure is not None:
            now = case_now(session.get_one(Case, departure.statutory_case_id), now)
            branch_id = departure.branch_id
        return branch_day(session, branch_id, now)


def _newest(session: Session, scope: Scope, number: str) -> tuple[Person, Employment] | None:
    person = session.exec(select(Person).where(Person.number == number)).first()
    if person is None or not scope.covers_others(person):
        return None
    employment = session.exec(
        select(Employment).where(Employment.person_id == person.id).order_by(col(Employment.hired_on).desc())
    ).first()
    return None if employment is None else (person, employment)


def _departure(session: Session, employment_id: str) -> Departure | None:
    """Return the departure of an employment that was not withdrawn."""
    return session.exec(
        select(Departure).where(
            Departure.employment_id == employment_id, col(Departure.withdrawn_at).is_(None)
        )
    ).first()


def _was_late(duty: Duty, now: datetime, zone: str) -> bool:
    """Say whether a duty was open, an hour or more, when its last day was over."""
    if duty.due_on is None:
        return False
    over = overdue_from(duty.due_on, zone)
    return over + _GRACE <= now and (duty.done_at is None or duty.done_at > over)
