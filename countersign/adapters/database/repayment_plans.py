"""Repayment plans: what a leaver has agreed to pay back and when; one is in force at the most."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from countersign.adapters.database.queries import select_columns
from countersign.adapters.database.tables import (
    ActRow,
    Departure,
    Entry,
    LedgerAccount,
    Posting,
    RepaymentPlan,
)
from countersign.domain.evidence import Sealed
from countersign.domain.ledger import PAYS_A_DEBT, RECEIVABLES, PostingKind
from countersign.domain.repayment import Instalment
from countersign.ids import new_id


@dataclass(frozen=True)
class PlanView:
    """A repayment plan in force; amounts are fen."""

    id: str
    total_fen: int
    instalments: tuple[Instalment, ...]
    agreed_on: date
    document_id: str | None

    @property
    def signed(self) -> bool:
        """Say whether the signed paper is there; a plan without it is a draft, and covers nothing."""
        return self.document_id is not None


@dataclass(frozen=True)
class PlanCover:
    """How much of what is owed the plan in force covers, in fen; nothing while it is not `signed`."""

    covered_fen: int
    signed: bool


NO_PLAN = PlanCover(0, signed=True)
"""Where nothing is agreed, no paper is missing either."""


def plans_in_force(session: Session, departures: Iterable[str]) -> Sequence[RepaymentPlan]:
    """Return the plans that departures are paid back by."""
    return session.exec(
        select(RepaymentPlan).where(
            col(RepaymentPlan.departure_id).in_(departures), col(RepaymentPlan.ended_at).is_(None)
        )
    ).all()


def plan_in_force(session: Session, departure_id: str) -> RepaymentPlan | None:
    """Return the plan that a departure is paid back by; None while nothing is agreed."""
    return next(iter(plans_in_force(session, [departure_id])), None)


def plan_view(session: Session, departure_id: str) -> PlanView | None:
    """Return the plan in force as pages show it."""
    plan = plan_in_force(session, departure_id)
    if plan is None:
        return None
    parts = tuple(
        Instalment(date.fromisoformat(one["due_on"]), one["amount_fen"]) for one in plan.instalments
    )
    return PlanView(plan.id, plan.total_fen, parts, plan.agreed_on, plan.document_id)


def plan_cover(session: Session, departure: Departure) -> PlanCover:
    """Return what the plan of one departure covers."""
    return plan_covers(session, [departure]).get(departure.case_id, NO_PLAN)


def plan_covers(session: Session, departures: Sequence[Departure]) -> dict[str, PlanCover]:
    """Return what plans in force cover, by offboarding case; those without a plan are left out.

    What was paid or given up since a plan was made counts first for what it left out then, and only after
    that for the plan: whoever pays the rest at once opens the gate, and a new debt is not covered by an old
    promise.
    """
    by_case = {one.case_id: one for one in departures}
    plans = plans_in_force(session, by_case)
    signed = [one for one in plans if one.document_id is not None]
    lines = _receivable_lines(session, {by_case[one.departure_id].employment_id for one in signed})
    found = {one.departure_id: PlanCover(0, signed=False) for one in plans}
    for plan in signed:
        of_it = lines.get(by_case[plan.departure_id].employment_id, [])
        found[plan.departure_id] = PlanCover(_covered(plan, of_it), signed=True)
    return found


@dataclass(frozen=True)
class _Line:
    """One line on a balance that the leaver owes; `pays` when it lowers a debt and was not reversed."""

    at: datetime
    fen: int
    pays: bool


def _covered(plan: RepaymentPlan, lines: Sequence[_Line]) -> int:
    since = plan.created_at
    beside = max(sum(one.fen for one in lines if one.at < since) - plan.total_fen, 0)
    paid = -sum(one.fen for one in lines if one.at >= since and one.pays)
    promised = max(plan.total_fen - max(paid - beside, 0), 0)
    return min(promised, sum(one.fen for one in lines))


def _receivable_lines(session: Session, employments: Collection[str]) -> dict[str, list[_Line]]:
    if not employments:
        return {}
    undone = aliased(Posting)
    rows = session.exec(
        select_columns(Posting.employment_id, Posting.posted_at, Entry.amount_fen, Posting.kind, undone.id)
        .join(Entry, col(Entry.posting_id) == col(Posting.id))
        .join(LedgerAccount, col(LedgerAccount.id) == col(Entry.account_id))
        .outerjoin(undone, col(undone.reverses_id) == col(Posting.id))
        .where(
            col(Posting.employment_id).in_(employments),
            col(LedgerAccount.kind).in_([kind.value for kind in RECEIVABLES]),
        )
    )
    found: dict[str, list[_Line]] = {}
    for employment_id, at, fen, kind, reversal in rows:
        pays = reversal is None and PostingKind(kind) in PAYS_A_DEBT
        found.setdefault(employment_id, []).append(_Line(at, fen, pays))
    return found


def waits_for_its_paper(
    session: Session, departure_id: str, instalments: Sequence[Instalment], agreed_on: date
) -> RepaymentPlan | None:
    """Return the plan in force if it is this very one and nothing but its signed paper is missing."""
    plan = plan_in_force(session, departure_id)
    same = plan is not None and (plan.instalments, plan.agreed_on) == (_stored(instalments), agreed_on)
    return plan if plan is not None and same and plan.document_id is None else None


def sign_plan(session: Session, plan: RepaymentPlan, document_id: str) -> dict[str, Any]:
    """Keep the signed paper of a plan, which counts from now on; return what the evidence tells of it."""
    plan.document_id = document_id
    session.add(plan)
    return _told(plan, None)


def replace_plan(
    session: Session,
    act: ActRow,
    instalments: Sequence[Instalment],
    agreed_on: date,
    document_id: str | None,
    now: datetime,
) -> dict[str, Any]:
    """Put a plan in force in the place of the one before; return what the evidence tells of it."""
    before = plan_in_force(session, act.case_id)
    if before is not None:
        before.ended_at = now
        session.add(before)
    plan = RepaymentPlan(
        id=new_id(),
        departure_id=act.case_id,
        total_fen=sum(one.amount_fen for one in instalments),
        instalments=_stored(instalments),
        agreed_on=agreed_on,
        document_id=document_id,
        act_id=act.id,
        created_at=now,
    )
    session.add(plan)
    return _told(plan, None if before is None else before.id)


def _stored(instalments: Sequence[Instalment]) -> list[dict[str, Any]]:
    return [{"due_on": one.due_on.isoformat(), "amount_fen": one.amount_fen} for one in instalments]


def _told(plan: RepaymentPlan, replaces: str | None) -> dict[str, Any]:
    return {
        "plan": plan.id,
        "total_fen": Sealed(str(plan.total_fen)),
        "instalments": [
            {"due_on": one["due_on"], "amount_fen": Sealed(str(one["amount_fen"]))}
            for one in plan.instalments
        ],
        "on": plan.agreed_on.isoformat(),
        "document": plan.document_id,
        "replaces": replaces,
    }
