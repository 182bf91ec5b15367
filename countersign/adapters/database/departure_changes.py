"""Changes of a departure that runs: it is withdrawn, or its last day moves."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Protocol

from sqlmodel import Session, col, select

from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.cases import actor_of, case_now, raise_alarm
from countersign.adapters.database.departure_terms import check_last_day
from countersign.adapters.database.equipment_money import PAID_BEFORE, claims_of
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.ledger_book import LedgerBook
from countersign.adapters.database.repayment_plans import plans_in_force
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Departure,
    Duty,
    HandoverItem,
    Posting,
    ReceiverAbsence,
)
from countersign.domain.departure import CLOSED_ITEMS, DutyKind, DutyState
from countersign.domain.duties import due_on
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.ledger import PostingKind
from countersign.domain.refusal import Refusal

_UNDONE_FIRST = (PostingKind.PAYMENT, PostingKind.DEDUCTION, PostingKind.WITHHOLDING)
"""What is taken back before the rest: nothing stays paid of what was never due."""


class Undoing(Protocol):
    """The list of accounts to shut and of tasks to pass on, which a withdrawal turns round."""

    def undo(self, session: Session, departure: Departure, act: ActRow, case: Case) -> None:
        """List what was shut to be opened again, give passed tasks back; the history stays."""
        ...


def withdraw(
    session: Session,
    evidence: EvidenceLog,
    ledger: LedgerBook,
    undoing: Undoing,
    act: ActRow,
    case: Case,
) -> None:
    """Take a departure back, with what it has done so far; `act.words` holds the reason."""
    departure = departure_of(session, case)
    _refuse_ended(departure, "a withdrawal comes too late; of somebody who stays, import a new hiring date")
    at = act.at
    departure.withdrawn_at, departure.holds = at, None
    session.add(departure)
    _end_arrangements(session, departure, at)
    session.flush()
    undoing.undo(session, departure, act, case)
    _reverse_own_postings(session, ledger, departure, act)
    body = {"because": "withdrawn", "act": act.id, "reason": Sealed(act.words.get("reason", ""))}
    _tell_both(session, evidence, departure, act, body)


def move_last_day(
    session: Session, evidence: EvidenceLog, act: ActRow, case: Case, real_now: datetime
) -> None:
    """Move the last day; items and duties that are due with it follow."""
    departure = departure_of(session, case)
    _refuse_ended(departure, "its last day stands")
    if departure.served_on is not None:
        raise Refusal(
            "on",
            f"on: the notice was delivered on {departure.served_on}, so the day is fixed; withdraw the "
            "departure if the employee stays",
        )
    before, on = departure.last_day, _day(act)
    _check(on, departure, branch_day(session, departure.branch_id, case_now(case, real_now)))
    departure.last_day = on
    session.add(departure)
    _follow(session, departure, before)
    moved = {"before": before.isoformat(), "after": on.isoformat()}
    body = {
        "because": "last_day_moved",
        "last_day": moved,
        "act": act.id,
        "reason": Sealed(act.words.get("reason", "")),
    }
    _tell_both(session, evidence, departure, act, body)


def departure_of(session: Session, case: Case) -> Departure:
    """Return the departure of an offboarding case; raises `Refusal` for any other case."""
    found = session.get(Departure, case.id)
    if found is None:
        raise Refusal("case", "case: is no departure; act on the offboarding case")
    return found


def _refuse_ended(departure: Departure, so: str) -> None:
    if departure.withdrawn_at is not None:
        raise Refusal("case", "case: this departure was withdrawn already; nobody leaves")
    if departure.ended_on is not None:
        raise Refusal("case", f"case: the employment ended on {departure.ended_on}; {so}")


def _end_arrangements(session: Session, departure: Departure, at: datetime) -> None:
    """End what was agreed for the time of the handover: repayment plans and who stands in for a receiver."""
    for plan in plans_in_force(session, [departure.case_id]):
        plan.ended_at = at
        session.add(plan)
    absences = select(ReceiverAbsence).where(ReceiverAbsence.departure_id == departure.case_id)
    for absence in session.exec(absences).all():
        absence.ended_at = absence.ended_at or at
        session.add(absence)


def _reverse_own_postings(session: Session, ledger: LedgerBook, departure: Departure, act: ActRow) -> None:
    """Reverse what the departure itself has booked; loans, advances and repayments are no part of it."""
    cases = session.exec(
        select(Case).where(col(Case.id).in_((departure.case_id, departure.statutory_case_id)))
    )
    prefixes = tuple(f"{one.workflow_id}/" for one in cases)
    rows = session.exec(select(Posting).where(Posting.employment_id == departure.employment_id)).all()
    reversed_ids = {row.reverses_id for row in rows}
    own = [row for row in rows if row.key.startswith(prefixes) and row.id not in reversed_ids]
    own = [row for row in own if row.reverses_id is None]
    # Who has paid for what was lost has settled that; to undo it would make the company owe the money.
    paid = {one.posting_id for one in claims_of(session, departure).values() if one.covered_fen}
    if paid:
        raise_alarm(session, PAID_BEFORE, act.at, departure.case_id)
    own = [row for row in own if row.id not in paid]
    reason = act.words.get("reason", "")
    for row in sorted(own, key=lambda one: _turn(PostingKind(one.kind))):
        ledger.reverse(session, row.id, f"{row.key}/withdrawn", act.actor, reason)


def _turn(kind: PostingKind) -> int:
    return _UNDONE_FIRST.index(kind) if kind in _UNDONE_FIRST else len(_UNDONE_FIRST)


def _day(act: ActRow) -> date:
    written = act.body.get("on")
    if not isinstance(written, str):
        raise Refusal("on", "on: is missing; give the new last day")
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise Refusal("on", "on: must be a day that exists, such as 2026-03-02") from None


def _check(on: date, departure: Departure, today: date) -> None:
    try:
        check_last_day(on, today)
    except Refusal as refusal:
        raise Refusal("on", str(refusal).replace("last_day:", "on:", 1)) from None
    if on == departure.last_day:
        raise Refusal("on", f"on: {on} is the last day already; name another one")


def _follow(session: Session, departure: Departure, before: date) -> None:
    """Move what was due with the last day; what somebody has set to another day stays."""
    items = session.exec(
        select(HandoverItem).where(
            HandoverItem.departure_id == departure.case_id,
            HandoverItem.due_on == before,
            col(HandoverItem.state).not_in([state.value for state in CLOSED_ITEMS]),
        )
    )
    for item in items.all():
        item.due_on = departure.last_day
        session.add(item)
    for duty in _duties(session, departure):
        duty.due_on = due_on(DutyKind(duty.kind), departure.last_day)
        session.add(duty)


def _duties(session: Session, departure: Departure) -> Sequence[Duty]:
    """Return the duties whose day follows the last day; of a notice to be served nobody knows the day yet."""
    query = select(Duty).where(
        Duty.departure_id == departure.case_id,
        col(Duty.due_on).is_not(None),
        Duty.state == DutyState.DUE.value,
    )
    return session.exec(query).all()


def _tell_both(
    session: Session, evidence: EvidenceLog, departure: Departure, act: ActRow, body: dict[str, Any]
) -> None:
    """Write the change into the chain of the handover and into that of the statutory duties."""
    actor = actor_of(session, act)
    for case_id in (departure.case_id, departure.statutory_case_id):
        case = session.get_one(Case, case_id)
        key = f"act/{act.id}/{body['because']}"
        evidence.append(session, case, key, act.at, EventKind.PLAN_CHANGED, actor, body)
