"""What stands in the bar on top of every console page, by role."""

from dataclasses import dataclass

from api.console.visit import HOLDERS, HOME
from api.language import Sentence, sentence
from countersign.adapters.database.officers import READERS, SEERS, STAFF, Officer
from countersign.contracts.cases import Role


@dataclass(frozen=True)
class Entry:
    """A way to a page; `roles` are those that have it."""

    path: str
    name: Sentence
    roles: tuple[Role, ...]


_ENTRIES = (
    Entry(HOME, sentence("To do"), HOLDERS),
    Entry(f"{HOME}/cases", sentence("Cases"), SEERS),
    Entry(f"{HOME}/people", sentence("Employees"), SEERS),
    Entry(f"{HOME}/departures", sentence("Departures"), (*SEERS, Role.FINANCE, Role.ADMINISTRATION)),
    Entry(f"{HOME}/ledger", sentence("Ledger"), (*READERS, Role.FINANCE)),
    Entry(f"{HOME}/start", sentence("Start"), STAFF),
    Entry(f"{HOME}/imports", sentence("Imports"), STAFF),
    Entry(f"{HOME}/reports", sentence("Reports"), READERS),
    Entry(f"{HOME}/policies", sentence("Policies"), READERS),
    Entry(f"{HOME}/settings", sentence("Settings"), READERS),
    Entry("/me", sentence("My notices"), (Role.MANAGER, Role.EMPLOYEE, Role.FINANCE, Role.ADMINISTRATION)),
    Entry(f"{HOME}/help", sentence("Help"), tuple(Role)),
)


def entries(officer: Officer) -> tuple[Entry, ...]:
    """Return the bar of one officer."""
    return tuple(entry for entry in _ENTRIES if officer.role in entry.roles)
