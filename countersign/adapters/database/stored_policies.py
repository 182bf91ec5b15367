"""Stored policies and their versions: who made which when, who uses them, which cases still run on them."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.actors import account_name
from countersign.adapters.database.engine import Database
from countersign.adapters.database.policy_book import COMPANY, newest_policy, policy_for
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Branch, Case, Person, StoredPolicy
from countersign.contracts.cases import CaseState, Process

_LISTED_CASES = 200


class SavedMeanwhile(Exception):
    """Somebody else has saved the same policy since it was read."""

    def __init__(self, by: str | None, at: datetime, version: int) -> None:
        super().__init__("saved meanwhile")
        self.by, self.at, self.version = by, at, version


class NameTaken(Exception):
    """A policy of this name exists already."""


@dataclass(frozen=True)
class PolicyVersion:
    """One version of a stored policy; `by` is None for one that shipped with the product.

    `running` counts the cases, within the reader's scope, that carry a copy of it and are not closed.
    """

    name: str
    version: int
    process: Process
    body: dict[str, Any]
    by: str | None = field(repr=False)
    at: datetime
    running: int = 0


@dataclass(frozen=True)
class ListedPolicy:
    """A stored policy in its newest version; `older` counts the running cases on versions before it.

    `company` says that the company as a whole starts with it, `branches` names those that do.
    """

    newest: PolicyVersion
    older: int
    company: bool
    branches: tuple[str, ...]


@dataclass(frozen=True)
class RunningCase:
    """A case that is not closed and the version that it runs on."""

    id: str
    number: str
    name: str = field(repr=False)
    branch: str
    version: int
    stage: str
    state: str
    due_at: datetime | None


class StoredPolicies:
    """Keeps policies by name and version. `moved` is told, in the transaction, that starts may have moved."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], moved: Callable[[Session], None]
    ) -> None:
        self._database, self._clock, self._moved = database, clock, moved

    # -- reading ------------------------------------------------------------------------------------------

    def listed(self, scope: Scope) -> tuple[ListedPolicy, ...]:
        """Return every stored policy by process and name."""
        with self._database.reading() as session:
            running = _running(session, scope)
            newest: dict[str, StoredPolicy] = {}
            rows = select(StoredPolicy).order_by(
                col(StoredPolicy.process).desc(), col(StoredPolicy.name), col(StoredPolicy.version)
            )
            for row in session.exec(rows):
                newest[row.name] = row
            return tuple(self._listed(session, row, scope, running) for row in newest.values())

    def _listed(
        self, session: Session, row: StoredPolicy, scope: Scope, running: Mapping[str, int]
    ) -> ListedPolicy:
        process = Process(row.process)
        shown = select(Branch).order_by(Branch.name)
        if scope.branch_id is not None:
            shown = shown.where(Branch.id == scope.branch_id)
        names = [
            branch.name
            for branch in session.exec(shown)
            if policy_for(session, process, branch.id) == row.name
        ]
        mine = f"{row.name}@{row.version}"
        older = sum(n for key, n in running.items() if key.startswith(f"{row.name}@") and key != mine)
        company = policy_for(session, process, COMPANY) == row.name
        return ListedPolicy(_version(session, row, running), older, company, tuple(names))

    def versions(self, name: str, scope: Scope) -> tuple[PolicyVersion, ...]:
        """Return the versions of a policy, the newest first; nothing when there is none of that name."""
        query = (
            select(StoredPolicy).where(StoredPolicy.name == name).order_by(col(StoredPolicy.version).desc())
        )
        with self._database.reading() as session:
            running = _running(session, scope)
            return tuple(_version(session, row, running) for row in session.exec(query))

    def on_older_versions(self, name: str, newest: int, scope: Scope) -> tuple[RunningCase, ...]:
        """Return the running cases that carry a version before the newest, the oldest version first."""
        query = (
            select(Case, Person, Branch.name)
            .join(Person, col(Person.id) == col(Case.person_id))
            .join(Branch, col(Branch.id) == col(Case.branch_id))
            .where(Case.state != CaseState.CLOSED.value)
            .where(col(Case.policy_version).startswith(f"{name}@", autoescape=True))
            .where(Case.policy_version != f"{name}@{newest}")
        )
        query = scope.within(query, Case.branch_id).order_by(col(Case.id)).limit(_LISTED_CASES)
        with self._database.reading() as session:
            found = [
                RunningCase(
                    case.id,
                    person.number,
                    person.name,
                    branch,
                    int(case.policy_version.rpartition("@")[2]),
                    case.stage,
                    case.state,
                    case.due_at,
                )
                for case, person, branch in session.exec(query)
            ]
        return tuple(sorted(found, key=lambda one: (one.version, one.number)))

    # -- writing ------------------------------------------------------------------------------------------

    def save(self, name: str, body: Mapping[str, Any], read_version: int, account_id: str) -> int:
        """Store the next version of a policy; raises `SavedMeanwhile` unless `read_version` is the newest."""

        def keep(session: Session) -> int:
            newest = newest_policy(session, name)
            if newest is None:
                raise LookupError(f"no stored policy is named {name!a}")
            if newest.version != read_version:
                raise SavedMeanwhile(_by(session, newest.created_by), newest.created_at, newest.version)
            return self._keep(session, name, newest.process, body, newest.version + 1, account_id)

        return self._database.write(keep)

    def create(self, name: str, process: Process, body: Mapping[str, Any], account_id: str) -> int:
        """Store a policy under a new name; raises `NameTaken`."""

        def keep(session: Session) -> int:
            if newest_policy(session, name) is not None:
                raise NameTaken
            return self._keep(session, name, process.value, body, 1, account_id)

        return self._database.write(keep)

    def _keep(
        self,
        session: Session,
        name: str,
        process: str,
        body: Mapping[str, Any],
        version: int,
        account_id: str,
    ) -> int:
        session.add(
            StoredPolicy(
                name=name,
                version=version,
                process=process,
                body=dict(body),
                created_by=account_id,
                created_at=self._clock(),
            )
        )
        session.flush()
        self._moved(session)
        return version


def _version(session: Session, row: StoredPolicy, running: Mapping[str, int]) -> PolicyVersion:
    return PolicyVersion(
        row.name,
        row.version,
        Process(row.process),
        dict(row.body),
        _by(session, row.created_by),
        row.created_at,
        running.get(f"{row.name}@{row.version}", 0),
    )


def _by(session: Session, account_id: str | None) -> str | None:
    return None if account_id is None else account_name(session, account_id)


def _running(session: Session, scope: Scope) -> Counter[str]:
    """Count the cases that are not closed by the version they carry."""
    query = (
        select(Case.policy_version, func.count())
        .join(Person, col(Person.id) == col(Case.person_id))
        .where(Case.state != CaseState.CLOSED.value)
        .group_by(Case.policy_version)
    )
    with_scope = scope.within(query, Case.branch_id)
    return Counter({version: count for version, count in session.exec(with_scope)})
