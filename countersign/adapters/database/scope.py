"""What somebody may see of cases, people and leaves; outside of it nothing exists."""

from dataclasses import dataclass, replace
from typing import Any, Self

from sqlmodel import Session, col, or_, select

from countersign.adapters.database.tables import Case, Departure, Person


@dataclass(frozen=True)
class Scope:
    """A branch, or the whole company when it is None; with `team_of` only who reports to that number.

    `also_teams_of` are the numbers of absent managers whose teams count as well. `person_id` leaves one
    person alone. `own` is the employee who looks: of their own departure they see what the leaver's page
    shows, and nothing of it as somebody who works for the company. Without `grounds` how and why somebody
    leaves stays out of it; that they leave, and when, does not.
    """

    branch_id: str | None = None
    team_of: str | None = None
    person_id: str | None = None
    also_teams_of: tuple[str, ...] = ()
    own: str | None = None
    grounds: bool = True

    def narrowed(self, branch_id: str | None) -> Self:
        """Return the scope within one branch; who sees one branch only goes on seeing that."""
        return self if self.branch_id or not branch_id else replace(self, branch_id=branch_id)

    @property
    def _managers(self) -> tuple[str, ...]:
        return () if self.team_of is None else (self.team_of, *self.also_teams_of)

    def covers(self, person: Person, branch_id: str) -> bool:
        """Say whether something about this person, in this branch, lies inside.

        For what belongs to a departure ask `covers_case` or `covers_departure`.
        """
        return (
            self.branch_id in (None, branch_id)
            and (self.team_of is None or person.manager_number in self._managers)
            and self.person_id in (None, person.id)
        )

    def covers_others(self, person: Person) -> bool:
        """Say whether what the company keeps about this person lies inside: never about who looks."""
        return person.id != self.own and self.covers(person, person.branch_id)

    def covers_departure(self, session: Session, departure: Departure) -> bool:
        """Say whether a departure lies inside."""
        person = session.get_one(Person, departure.person_id)
        return person.id != self.own and self.covers(person, departure.branch_id)

    def departure(self, session: Session, case_id: str) -> Departure | None:
        """Return the departure of an offboarding case; None for every other case and outside of the scope."""
        found = session.get(Departure, case_id)
        return found if found is not None and self.covers_departure(session, found) else None

    def covers_case(self, session: Session, case: Case) -> bool:
        """Say whether a case lies inside; those of a departure lie where it is somebody else's."""
        if self.own is not None and self.own == leaver_of_case(session, case):
            return False
        return self.covers(session.get_one(Person, case.person_id), case.branch_id)

    def within(self, query: Any, branch_column: Any = Person.branch_id) -> Any:
        """Return a query, which joins `Person`, cut down to what lies inside.

        `branch_column` is that of the cases, departures or people which the query lists.
        """
        if self.branch_id is not None:
            query = query.where(branch_column == self.branch_id)
        if self.team_of is not None:
            query = query.where(col(Person.manager_number).in_(self._managers))
        if self.person_id is not None:
            query = query.where(col(Person.id) == self.person_id)
        if self.own is not None and branch_column.class_ is Departure:
            query = query.where(Departure.person_id != self.own)
        if self.own is not None and branch_column.class_ is Case:
            departure = col(Case.departure_id)
            query = query.where(or_(departure.is_(None), departure.not_in(self._mine)))
        return query

    def without_own(self, query: Any, subject: Any) -> Any:
        """Return a query without what has a case of one's own departure as its subject."""
        if self.own is None:
            return query
        return query.where(subject.not_in(select(Case.id).where(col(Case.departure_id).in_(self._mine))))

    @property
    def _mine(self) -> Any:
        return select(Departure.case_id).where(Departure.person_id == self.own)


def leaver_of_case(session: Session, case: Case) -> str | None:
    """Return who leaves in the departure that a case belongs to; None for all other cases."""
    departure = None if case.departure_id is None else session.get(Departure, case.departure_id)
    return None if departure is None else departure.person_id
