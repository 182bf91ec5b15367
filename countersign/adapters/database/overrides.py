"""Acts on cases that two people agreed to: the agreement, its evidence and the act are one transaction."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from countersign.adapters.database.actors import account_actor_id
from countersign.adapters.database.acts import Acts, NewAct
from countersign.adapters.database.approvals import Approvals, Asked
from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.officers import STAFF, Officer
from countersign.adapters.database.own_departure import refuse_own_case
from countersign.adapters.database.tables import Account, Branch, Case, Person
from countersign.contracts.cases import ActKind, Role
from countersign.domain.evidence import EventKind, Sealed

ACT = "act"
"""The kind of such a request; its subject is the case, its body holds `act`, the kind, and `body`."""

ITEMS = "items"
"""The kind of a request that items of a handover do not apply; its subject is the offboarding case, its body
holds `act`, the kind, `items`, their ids, and `verdict` where it settles a dispute."""

WAIVER = "waiver"
"""The kind of a request to give up a leaver's debt; its subject is the offboarding case, its body holds
`act`, the kind, `account` and `amount_fen`."""

_ASKING = frozenset(STAFF)
_ASKING_FOR_A_WAIVER = frozenset({Role.FINANCE})


class MayNoLongerAct(Exception):
    """Whoever asked has been shut out or has other rights since; nothing was decided."""


@dataclass(frozen=True)
class CaseAskedAbout:
    """The case that a request is about, as it stands now."""

    id: str
    kind: str
    state: str
    stage: str
    outcome: str | None
    number: str
    name: str = field(repr=False)
    branch: str = ""


class Overrides:
    """Agrees to an act that another officer asked for."""

    def __init__(
        self,
        database: Database,
        approvals: Approvals,
        acts: Acts,
        evidence: EvidenceLog,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._approvals, self._acts = database, approvals, acts
        self._evidence, self._clock = evidence, clock

    def agree(self, asked: Asked, officer: Officer, reason: str) -> str:
        """Agree, and commit the act as that of who asked; return the act's id, for the dispatcher to carry.

        Both names and both reasons stand sealed in the chain before the act. Raises `OwnRequest`,
        `AlreadyDecided`, `MayNoLongerAct`, and `Refusal` where the case is about one of the two.
        """

        def carry_out(session: Session, settled: Asked) -> None:
            asker = asker_of(session, settled)
            case = session.get_one(Case, settled.subject)
            self._keep(session, case, settled, officer, reason)
            self._acts.take_within(
                session,
                NewAct(
                    id=settled.id,
                    case_id=case.id,
                    kind=ActKind(settled.body["act"]),
                    role=Role(asker.role),
                    actor=account_actor_id(asker.id),
                    body=settled.body.get("body", {}),
                    words=settled.words,
                    acting_for=settled.body.get("acting_for"),
                ),
            )

        self._approvals.decide(asked.id, officer, approved=True, reason=reason, carry_out=carry_out)
        return asked.id

    def agree_with(
        self, asked: Asked, officer: Officer, reason: str, do: Callable[[Session, Account], object]
    ) -> None:
        """Agree, and let `do` carry it out in the same transaction, for the account that asked.

        Both names and both reasons stand sealed in the chain before. Raises as `agree`, and what `do` raises.
        """

        def carry_out(session: Session, settled: Asked) -> None:
            asker = asker_of(session, settled)
            case = session.get_one(Case, settled.subject)
            self._keep(session, case, settled, officer, reason)
            do(session, asker)

        self._approvals.decide(asked.id, officer, approved=True, reason=reason, carry_out=carry_out)

    def may_still_act(self, asked: Asked) -> bool:
        """Say whether who asked could still do it themselves."""
        with self._database.reading() as session:
            try:
                asker_of(session, asked)
            except MayNoLongerAct:
                return False
        return True

    def cases(self, requests: Iterable[Asked]) -> dict[str, CaseAskedAbout]:
        """Return the cases that requests are about, by id."""
        wanted = {asked.subject for asked in requests if asked.kind in (ACT, ITEMS, WAIVER)}
        query = (
            select(Case, Person, Branch)
            .join(Person, col(Person.id) == col(Case.person_id))
            .join(Branch, col(Branch.id) == col(Case.branch_id))
            .where(col(Case.id).in_(wanted))
        )
        with self._database.reading() as session:
            return {
                case.id: CaseAskedAbout(
                    id=case.id,
                    kind=case.kind,
                    state=case.state,
                    stage=case.stage,
                    outcome=case.outcome,
                    number=person.number,
                    name=person.name,
                    branch=branch.name,
                )
                for case, person, branch in session.exec(query)
            }

    def _keep(self, session: Session, case: Case, asked: Asked, officer: Officer, reason: str) -> None:
        refuse_own_case(session, case, officer.actor_id)
        body = {
            "approval": asked.id,
            "act": asked.id,
            "kind": asked.body["act"],
            "asked_by": account_actor_id(asked.asked_by_id),
            "asked_by_name": Sealed(asked.asked_by),
            "asked_at": None if asked.asked_at is None else asked.asked_at.isoformat(timespec="seconds"),
            "approved_by": officer.actor_id,
            "approved_by_name": Sealed(officer.name),
            "reason": Sealed(reason),
        }
        at = case_now(case, self._clock())
        key = f"approval/{asked.id}"
        self._evidence.append(session, case, key, at, EventKind.OVERRIDE_RECORDED, officer.actor, body)


def asker_of(session: Session, asked: Asked) -> Account:
    """Return who asked; raises `MayNoLongerAct` when they could not ask for it today."""
    found = session.get_one(Account, asked.asked_by_id)
    in_branch = found.branch_id in (None, asked.branch_id)
    asking = _ASKING_FOR_A_WAIVER if asked.kind == WAIVER else _ASKING
    if found.disabled_at is not None or Role(found.role) not in asking or not in_branch:
        raise MayNoLongerAct
    return found
