"""A departure in the books of a small company, without a process behind it."""

from datetime import date, datetime

from sqlmodel import select

from countersign.adapters.database.tables import Case, Departure, Employment, Person
from countersign.bootstrap import Parts
from countersign.ids import new_id
from tests.support.company import BEIJING, NUMBER


def employment_id(parts: Parts, number: str = NUMBER) -> str:
    """Return the employment of an employee."""
    with parts.database.reading() as session:
        person = session.exec(select(Person).where(Person.number == number)).one()
        return session.exec(select(Employment).where(Employment.person_id == person.id)).one().id


def leaving(
    parts: Parts, last_day: date, number: str = NUMBER, ended_on: date | None = None, branch: str = BEIJING
) -> str:
    """Put a departure with its two cases into the books; return the offboarding case."""
    at: datetime = parts.clock()
    owner = employment_id(parts, number)
    with parts.database.transaction() as session:
        person = session.exec(select(Person).where(Person.number == number)).one()
        cases = [
            Case(
                id=new_id(),
                kind=kind,
                workflow_id=f"{kind}/{owner}",
                person_id=person.id,
                branch_id=branch,
                policy_version=f"{kind}_standard@1",
                state="running",
                stage="before_last_day",
                created_at=at,
            )
            for kind in ("offboarding", "statutory")
        ]
        session.add_all(cases)
        session.flush()
        for case in cases:
            case.departure_id = cases[0].id
        session.add(
            Departure(
                case_id=cases[0].id,
                statutory_case_id=cases[1].id,
                employment_id=owner,
                holds=owner,
                person_id=person.id,
                branch_id=branch,
                kind="resignation",
                ground="resignation",
                proposed_by="employee",
                needs_notice=False,
                noticed_on=last_day,
                last_day=last_day,
                ended_on=ended_on,
                created_by="test",
                created_at=at,
            )
        )
        return cases[0].id
