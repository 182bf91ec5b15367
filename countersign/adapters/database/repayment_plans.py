"""Repayment plans: what a leaver has agreed to pay back and when; one is in force at the most."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.tables import ActRow, RepaymentPlan
from countersign.domain.evidence import Sealed
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
        instalments=[{"due_on": one.due_on.isoformat(), "amount_fen": one.amount_fen} for one in instalments],
        agreed_on=agreed_on,
        document_id=document_id,
        act_id=act.id,
        created_at=now,
    )
    session.add(plan)
    return {
        "plan": plan.id,
        "total_fen": Sealed(str(plan.total_fen)),
        "instalments": [
            {"due_on": one.due_on.isoformat(), "amount_fen": Sealed(str(one.amount_fen))}
            for one in instalments
        ],
        "on": agreed_on.isoformat(),
        "document": document_id,
        "replaces": None if before is None else before.id,
    }
