"""People and how they can be reached: what the planner needs to know, without a name or an address."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from countersign.adapters.database.queries import some_at_once
from countersign.adapters.database.tables import Branch, ConsentRecord, EmergencyContact, Person
from countersign.domain.planner import AudienceReach, Reach
from countersign.domain.policy import Audience, Channel


@dataclass(frozen=True)
class Recipient:
    """Who receives a notice; `id` is opaque, the rest is personal and stays out of every history."""

    id: str
    name: str
    language: str
    phone: str | None = None
    email: str | None = None

    def address(self, channel: Channel) -> str | None:
        """Return the address for a channel that needs one."""
        return {Channel.SMS: self.phone, Channel.EMAIL: self.email}.get(channel)


@dataclass(frozen=True)
class PersonFile:
    """A person with everybody around them to whom a case may turn."""

    person: Person
    branch: Branch
    contact: EmergencyContact | None
    manager: Person | None
    consent: ConsentRecord | None

    def recipient(self, audience: Audience) -> Recipient:
        """Return who stands for an audience; HR and legal are the company itself."""
        person = self.person
        if audience is Audience.EMPLOYEE:
            return Recipient(person.id, person.name, person.language, person.phone, person.email)
        if audience is Audience.EMERGENCY_CONTACT and self.contact is not None:
            return Recipient(f"{person.id}.contact", self.contact.name, person.language, self.contact.phone)
        if audience is Audience.MANAGER and self.manager is not None:
            one = self.manager
            return Recipient(one.id, one.name, one.language, one.phone, one.email)
        return Recipient(f"{self.branch.id}.{audience.value}", audience.value, "zh-CN")

    def reach(self) -> Reach:
        """Return which channels can reach each audience."""
        audiences = {}
        for audience in Audience:
            recipient = self.recipient(audience)
            channels = tuple(c for c in (Channel.SMS, Channel.EMAIL) if recipient.address(c))
            if channels:
                audiences[audience] = AudienceReach(channels)
        preferred = self.person.preferred_channel
        employee = audiences.get(Audience.EMPLOYEE, AudienceReach())
        audiences[Audience.EMPLOYEE] = AudienceReach(
            employee.channels, Channel(preferred) if preferred else None
        )
        return Reach(audiences, bool(self.person.service_address), self.branch.zone)


def person_named(session: Session, named: str) -> Person | None:
    """Return whom an employee number or an id names; None for nobody."""
    return session.exec(select(Person).where(or_(Person.number == named, Person.id == named))).first()


def people_of(session: Session, ids: Iterable[str]) -> dict[str, Person]:
    """Return people by their ids."""
    found: dict[str, Person] = {}
    for some in some_at_once(ids):
        found |= {one.id: one for one in session.exec(select(Person).where(col(Person.id).in_(some)))}
    return found


def person_file(session: Session, person: Person) -> PersonFile:
    """Return a person with branch, contact and manager."""
    manager = None
    if person.manager_number:
        manager = session.exec(select(Person).where(Person.number == person.manager_number)).first()
    return PersonFile(
        person,
        session.get_one(Branch, person.branch_id),
        session.get(EmergencyContact, person.id),
        manager,
        newest_consent(session, person.id),
    )


def newest_consent(session: Session, person_id: str) -> ConsentRecord | None:
    """Return the consent that counts: the one signed last, of two of one day the one recorded last."""
    return session.exec(consents_of(person_id).limit(1)).first()


def consents_of(person_id: str) -> SelectOfScalar[ConsentRecord]:
    """Return the query for a person's consents, the newest first."""
    return (
        select(ConsentRecord)
        .where(ConsentRecord.person_id == person_id)
        .order_by(
            col(ConsentRecord.signed_on).desc(),
            col(ConsentRecord.recorded_at).desc(),
            col(ConsentRecord.id).desc(),
        )
    )
