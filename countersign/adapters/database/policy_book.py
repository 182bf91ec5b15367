"""Which stored policy a process starts with in a branch, and whether it may be started there at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from countersign.adapters.database.actors import account_name
from countersign.adapters.database.engine import Database
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Branch, PolicyChoice, ProcessSwitch, StoredPolicy
from countersign.contracts.cases import Process

COMPANY = "*"
"""Stands for the branch in rows that hold for the whole company."""

SHIPPED: Mapping[Process, str] = {
    Process.LEAVE_RETURN: "leave_return_standard",
    Process.ACKNOWLEDGEMENT: "acknowledgement_standard",
    Process.OFFBOARDING: "offboarding_standard",
    Process.HANDOVER: "handover_standard",
    Process.STATUTORY: "statutory_standard",
}
"""The policy of each process while nobody has chosen another."""


def policy_for(session: Session, process: Process, branch_id: str | None) -> str:
    """Return the name of the policy that a process starts with: the branch's, the company's, the shipped one.

    None asks for the whole company.
    """
    for place in dict.fromkeys((branch_id or COMPANY, COMPANY)):
        chosen = session.get(PolicyChoice, (place, process.value))
        if chosen is not None:
            return chosen.policy
    return SHIPPED[process]


def is_on(session: Session, process: Process, branch_id: str | None) -> bool:
    """Say whether a process may be started: the branch's switch, else the company's, else it may."""
    for place in dict.fromkeys((branch_id or COMPANY, COMPANY)):
        switch = session.get(ProcessSwitch, (place, process.value))
        if switch is not None:
            return switch.switched_on
    return True


def why_off(session: Session, process: Process, branch_id: str) -> str | None:
    """Say in one sentence that a process is switched off in a branch; None when it is on."""
    if is_on(session, process, branch_id):
        return None
    name = session.get_one(Branch, branch_id).name
    return (
        f"process: {process.value} is switched off in the branch {name}, so nothing starts there; "
        "have it switched on under Policies, Branches"
    )


def newest_policy(session: Session, name: str) -> StoredPolicy | None:
    """Return the newest version of a stored policy, whatever its process."""
    return session.exec(
        select(StoredPolicy).where(StoredPolicy.name == name).order_by(col(StoredPolicy.version).desc())
    ).first()


class ChangedMeanwhile(Exception):
    """Somebody else has changed the same choice since it was read; `by` and `at` are None for a removal."""

    def __init__(self, by: str | None, at: datetime | None) -> None:
        super().__init__("changed meanwhile")
        self.by, self.at = by, at


class UnknownPolicy(ValueError):
    """A choice that names no stored policy of its process."""


@dataclass(frozen=True)
class Place:
    """One branch, or the company, and one process: what holds there and what was chosen there itself.

    `policy` and `on` are what holds, `own_policy` and `own_switch` None where the company's choice is taken.
    """

    branch_id: str
    branch: str | None
    process: Process
    policy: str
    on: bool
    own_policy: str | None
    policy_by: str | None = field(repr=False)
    policy_at: datetime | None
    own_switch: bool | None
    switch_by: str | None = field(repr=False)
    switch_at: datetime | None

    @property
    def seal(self) -> str:
        """What a page keeps, to tell whether somebody has changed this place since."""
        return f"{self.own_policy}/{self.own_switch}/{self.policy_at}/{self.switch_at}"

    @property
    def latest(self) -> tuple[str | None, datetime | None]:
        """Who changed this place last and when; None where it takes all of the company's choices."""
        changes = ((self.policy_by, self.policy_at), (self.switch_by, self.switch_at))
        made = [(by, at) for by, at in changes if at is not None]
        return max(made, key=lambda one: one[1]) if made else (None, None)


class PolicyBook:
    """Keeps the choices of branches. `moved` is told, in the transaction, that starts may have moved."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], moved: Callable[[Session], None]
    ) -> None:
        self._database, self._clock, self._moved = database, clock, moved

    def places(self, scope: Scope) -> tuple[Place, ...]:
        """Return the company's row first, then the branches by name; for each every process."""
        branches = select(Branch).order_by(Branch.name)
        if scope.branch_id is not None:
            branches = branches.where(Branch.id == scope.branch_id)
        with self._database.reading() as session:
            named = [(COMPANY, None), *((one.id, one.name) for one in session.exec(branches))]
            return tuple(
                _place(session, branch_id, name, process) for branch_id, name in named for process in Process
            )

    def place(self, branch_id: str, process: Process) -> Place | None:
        """Return one place; None when there is no such branch."""
        with self._database.reading() as session:
            branch = session.get(Branch, branch_id)
            if branch is None and branch_id != COMPANY:
                return None
            return _place(session, branch_id, None if branch is None else branch.name, process)

    def choose(self, seen: Place, seal: str, policy: str | None, on: bool | None, account_id: str) -> None:
        """Settle what a place starts with and whether it may; None takes what the company has.

        `seal` is that of the page that was read. Raises `ChangedMeanwhile` or `UnknownPolicy`; then nothing
        is changed.
        """

        def keep(session: Session) -> None:
            now = _place(session, seen.branch_id, seen.branch, seen.process)
            if now.seal != seal:
                raise ChangedMeanwhile(*now.latest)
            key = (seen.branch_id, seen.process.value)
            if policy != now.own_policy:
                self._choose(session, key, policy, account_id)
            if on != now.own_switch:
                self._switch(session, key, on, account_id)
            session.flush()
            self._moved(session)

        self._database.write(keep)

    def _choose(self, session: Session, key: tuple[str, str], policy: str | None, account_id: str) -> None:
        if policy is None:
            session.delete(session.get_one(PolicyChoice, key))
            return
        stored = newest_policy(session, policy)
        if stored is None or stored.process != key[1]:
            raise UnknownPolicy
        chosen = PolicyChoice(
            branch_id=key[0],
            process=key[1],
            policy=policy,
            chosen_by=account_id,
            chosen_at=self._clock(),
        )
        session.merge(chosen)

    def _switch(self, session: Session, key: tuple[str, str], on: bool | None, account_id: str) -> None:
        if on is None:
            session.delete(session.get_one(ProcessSwitch, key))
            return
        switched = ProcessSwitch(
            branch_id=key[0],
            process=key[1],
            switched_on=on,
            switched_by=account_id,
            switched_at=self._clock(),
        )
        session.merge(switched)


def _place(session: Session, branch_id: str, name: str | None, process: Process) -> Place:
    key = (branch_id, process.value)
    choice, switch = session.get(PolicyChoice, key), session.get(ProcessSwitch, key)
    return Place(
        branch_id,
        name,
        process,
        policy_for(session, process, branch_id),
        is_on(session, process, branch_id),
        None if choice is None else choice.policy,
        None if choice is None else account_name(session, choice.chosen_by),
        None if choice is None else choice.chosen_at,
        None if switch is None else switch.switched_on,
        None if switch is None else account_name(session, switch.switched_by),
        None if switch is None else switch.switched_at,
    )
