"""Who somebody in the console is today: their role, what they see, and for whom they stand in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.actors import account_actor_id
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Account, Branch, Delegation, Person
from countersign.contracts.cases import Role
from countersign.domain.evidence import Sealed

STAFF = (Role.HR, Role.SYSTEM_ADMINISTRATOR)
"""Who runs cases."""
READERS = (*STAFF, Role.LEGAL, Role.AUDITOR)
SEERS = (*READERS, Role.MANAGER)
"""Who sees cases and people, within their scope."""
MAY_STAND_IN: Mapping[Role, frozenset[Role]] = {
    Role.HR: frozenset({Role.HR, Role.SYSTEM_ADMINISTRATOR}),
    Role.MANAGER: frozenset({Role.MANAGER, Role.HR, Role.SYSTEM_ADMINISTRATOR}),
    Role.ADMINISTRATION: frozenset({Role.ADMINISTRATION, Role.HR, Role.SYSTEM_ADMINISTRATOR}),
    Role.FINANCE: frozenset({Role.FINANCE}),
    Role.LEGAL: frozenset({Role.LEGAL}),
    Role.SYSTEM_ADMINISTRATOR: frozenset({Role.SYSTEM_ADMINISTRATOR}),
}
"""Which roles may stand in for a role. Money stays with finance: HR does not settle what HR asks for."""


WITHOUT_GROUNDS = frozenset({Role.ADMINISTRATION})
"""Who has to know that somebody leaves and when, and neither how nor why."""


def scope_as(role: Role, branch_id: str | None, person_id: str | None) -> Scope:
    """Return what somebody sees who works for a branch, or for all; `person_id` is who they are."""
    return Scope(branch_id, own=person_id, grounds=role not in WITHOUT_GROUNDS)


@dataclass(frozen=True)
class Absent:
    """Somebody for whom the officer stands in today."""

    account_id: str
    name: str = field(repr=False)
    person_id: str | None
    number: str | None


@dataclass(frozen=True)
class Officer:
    """Somebody who is signed in: an account, the employee that it belongs to, and for whom it stands in."""

    account_id: str
    login: str
    name: str = field(repr=False)
    role: Role
    branch_id: str | None
    branch: str | None
    person_id: str | None
    number: str | None
    language: str
    edits_templates: bool
    must_change_password: bool
    stands_in_for: tuple[Absent, ...] = ()

    @property
    def scope(self) -> Scope:
        """What this role may see: a branch or all of it; managers their team, employees themselves."""
        if self.role is Role.MANAGER:
            absent = tuple(one.number for one in self.stands_in_for if one.number is not None)
            return Scope(self.branch_id, self.number or "-", also_teams_of=absent, own=self.person_id)
        if self.role is Role.EMPLOYEE:
            return Scope(self.branch_id, person_id=self.person_id or "-", own=self.person_id)
        return scope_as(self.role, self.branch_id, self.person_id)

    @property
    def task_roles(self) -> frozenset[str]:
        """Whose tasks are this officer's: their role's; those of HR also the system administrator's."""
        staff = {Role.HR.value} if self.role is Role.SYSTEM_ADMINISTRATOR else set()
        return frozenset({self.role.value} | staff)

    @property
    def actor_id(self) -> str:
        """How the officer is called where programs act as well."""
        return account_actor_id(self.account_id)

    @property
    def actor(self) -> dict[str, Any]:
        """How the officer stands in the evidence: an opaque id, and the name, which is sealed."""
        return {"role": self.role.value, "id": self.actor_id, "name": Sealed(self.name)}


def officer_of(session: Session, account: Account, today: date) -> Officer:
    """Return an account as the officer that it is on a day."""
    branch = None if account.branch_id is None else session.get_one(Branch, account.branch_id)
    person = None if account.person_id is None else session.get_one(Person, account.person_id)
    return Officer(
        account_id=account.id,
        login=account.login,
        name=account.name,
        role=Role(account.role),
        branch_id=account.branch_id,
        branch=None if branch is None else branch.name,
        person_id=account.person_id,
        number=None if person is None else person.number,
        language=account.language,
        edits_templates=account.edits_templates,
        must_change_password=account.must_change_password,
        stands_in_for=_absent(session, account, today),
    )


def covers(delegate: Account, absent: Account) -> bool:
    """Say whether an account's role and branch let it stand in for another one."""
    return (
        Role(delegate.role) in MAY_STAND_IN.get(Role(absent.role), frozenset())
        and delegate.branch_id in (None, absent.branch_id)
        and delegate.id != absent.id
    )


def _absent(session: Session, delegate: Account, today: date) -> tuple[Absent, ...]:
    # Those of the delegate alone: who stands in for somebody hands nobody else's work on.
    found = session.exec(
        select(Account, Person)
        .join(Delegation, col(Delegation.absent_id) == col(Account.id))
        .outerjoin(Person, col(Person.id) == col(Account.person_id))
        .where(
            Delegation.delegate_id == delegate.id,
            col(Delegation.from_day) <= today,
            col(Delegation.until_day) >= today,
            col(Delegation.ended_at).is_(None),
            col(Account.disabled_at).is_(None),
        )
        .order_by(col(Account.name))
    )
    return tuple(
        Absent(account.id, account.name, account.person_id, None if person is None else person.number)
        for account, person in found
        # A role or a branch that changed since the appointment counts as it is today.
        if covers(delegate, account)
    )
