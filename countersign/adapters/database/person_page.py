"""Everything about one employee: contact, consents, leaves, cases, notices and how far they came."""

from dataclasses import dataclass, field
from datetime import date, datetime

from sqlmodel import Session, col, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.people import consents_of
from countersign.adapters.database.queries import select_columns
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Branch,
    Case,
    ConsentRecord,
    Delivery,
    EmergencyContact,
    Employment,
    Leave,
    Notice,
    Person,
)

MOST_NOTICES = 100


@dataclass(frozen=True)
class LeaveLine:
    """A leave; `case_id` names its case where it has one."""

    id: str
    kind: str
    starts_on: date
    ends_on: date
    case_id: str | None


@dataclass(frozen=True)
class NoticeLine:
    """A notice about the person, to whomever, with the state of its newest attempt over each channel."""

    case_id: str
    step: str
    audience: str
    title: str
    created_at: datetime
    channels: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PersonPage:
    """One employee as readers see them."""

    person: Person = field(repr=False)
    branch: str
    manager: Person | None = field(repr=False)
    contact: EmergencyContact | None = field(repr=False)
    employments: tuple[Employment, ...]
    consents: tuple[ConsentRecord, ...] = field(repr=False)
    leaves: tuple[LeaveLine, ...]
    notices: tuple[NoticeLine, ...]


class PersonPages:
    """Reads one employee; outside the scope nobody exists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, scope: Scope, number: str) -> PersonPage | None:
        """Return the employee of this number."""
        with self._database.reading() as session:
            person = session.exec(select(Person).where(Person.number == number)).first()
            if person is None or not scope.covers(person, person.branch_id):
                return None
            manager = None
            if person.manager_number:
                manager = session.exec(select(Person).where(Person.number == person.manager_number)).first()
            hired = select(Employment).where(Employment.person_id == person.id)
            return PersonPage(
                person=person,
                branch=session.get_one(Branch, person.branch_id).name,
                manager=manager,
                contact=session.get(EmergencyContact, person.id),
                employments=tuple(session.exec(hired.order_by(col(Employment.hired_on).desc()))),
                consents=tuple(session.exec(consents_of(person.id))),
                leaves=_leaves(session, person.id),
                notices=_notices(session, scope, person.id),
            )


def _leaves(session: Session, person_id: str) -> tuple[LeaveLine, ...]:
    query = (
        select_columns(Leave.id, Leave.kind, Leave.starts_on, Leave.ends_on, Case.id)
        .outerjoin(Case, col(Case.leave_id) == col(Leave.id))
        .where(Leave.person_id == person_id)
        .order_by(col(Leave.ends_on).desc())
    )
    return tuple(LeaveLine(*row) for row in session.exec(query))


def _notices(session: Session, scope: Scope, person_id: str) -> tuple[NoticeLine, ...]:
    query = (
        scope.without_own(select(Notice), col(Notice.case_id))
        .join(Case, col(Case.id) == col(Notice.case_id))
        .where(Case.person_id == person_id)
        .order_by(col(Notice.id).desc())
        .limit(MOST_NOTICES)
    )
    notices = session.exec(query).all()
    sent = select(Delivery).where(col(Delivery.notice_id).in_([one.id for one in notices]))
    newest: dict[str, dict[str, str]] = {}
    for delivery in session.exec(sent.order_by(col(Delivery.id))):
        newest.setdefault(delivery.notice_id, {})[delivery.channel] = delivery.state
    return tuple(
        NoticeLine(
            one.case_id,
            one.step,
            one.audience,
            one.title,
            one.created_at,
            tuple(newest.get(one.id, {}).items()),
        )
        for one in notices
    )
