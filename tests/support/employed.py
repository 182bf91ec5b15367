"""Employments for people of the small company who have none yet."""

from datetime import date

from sqlmodel import select

from countersign.adapters.database.tables import Employment, Person
from countersign.bootstrap import Parts
from countersign.ids import new_id


def employ(parts: Parts, number: str, hired_on: date = date(2023, 5, 1), ended_on: date | None = None) -> str:
    """Give somebody an employment; return its id."""
    with parts.database.transaction() as session:
        person = session.exec(select(Person).where(Person.number == number)).one()
        job = Employment(id=new_id(), person_id=person.id, hired_on=hired_on, ended_on=ended_on)
        session.add(job)
        return job.id
