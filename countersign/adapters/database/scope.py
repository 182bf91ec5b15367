"""What somebody may see of cases, people and leaves; outside of it nothing exists."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import col

from countersign.adapters.database.tables import Person


@dataclass(frozen=True)
class Scope:
    """A branch, or the whole company when it is None; with `team_of` only who reports to that number.

    `also_teams_of` are the numbers of absent managers whose teams count as well. `person_id` leaves one
    person alone.
    """

    branch_id: str | None = None
    team_of: str | None = None
    person_id: str | None = None
    also_teams_of: tuple[str, ...] = ()

    @property
    def _managers(self) -> tuple[str, ...]:
        return () if self.team_of is None else (self.team_of, *self.also_teams_of)

    def covers(self, person: Person, branch_id: str) -> bool:
        """Say whether something about this person, in this branch, lies inside."""
        return (
            self.branch_id in (None, branch_id)
            and (self.team_of is None or person.manager_number in self._managers)
            and self.person_id in (None, person.id)
        )

    def within(self, query: Any, branch_column: Any = Person.branch_id) -> Any:
        """Return a query, which joins `Person`, cut down to what lies inside."""
        if self.branch_id is not None:
            query = query.where(branch_column == self.branch_id)
        if self.team_of is not None:
            query = query.where(col(Person.manager_number).in_(self._managers))
        if self.person_id is not None:
            query = query.where(col(Person.id) == self.person_id)
        return query
