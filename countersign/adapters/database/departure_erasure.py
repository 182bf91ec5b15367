"""What of a departure is erased with its cases: words about people and things; the ledger stays as it is."""

from sqlmodel import Session, select

from countersign.adapters.database.tables import (
    Case,
    Departure,
    Duty,
    ExitOverride,
    HandoverItem,
    PassedTask,
    QuestionnaireReply,
    RepaymentPlan,
    Revocation,
    Settlement,
)
from countersign.contracts.cases import Process


def empty_departure(session: Session, case: Case) -> int:
    """Empty what a case of a departure has put into tables of its own; return how many rows.

    The offboarding case takes the lists, the settlement and the plan with it, the statutory case its
    references.
    Postings stay: books of account are kept by their own law, and name nobody.
    """
    if case.kind == Process.STATUTORY.value:
        return _empty_duties(session, case.id)
    if case.kind != Process.OFFBOARDING.value:
        return 0
    emptied = 0
    departure = session.get(Departure, case.id)
    if departure is not None and departure.facts is not None:
        departure.facts = None
        emptied += 1
    for item in session.exec(select(HandoverItem).where(HandoverItem.departure_id == case.id)):
        item.title, item.details = "", {}
        emptied += 1
    for task in session.exec(select(PassedTask).where(PassedTask.departure_id == case.id)):
        task.title = ""
        emptied += 1
    for system in session.exec(select(Revocation).where(Revocation.departure_id == case.id)):
        system.reason = None
        emptied += 1
    for sheet in session.exec(select(Settlement).where(Settlement.departure_id == case.id)):
        sheet.inputs, sheet.lines, sheet.net_fen = {}, [], 0
        emptied += 1
    for row in session.exec(select(ExitOverride).where(ExitOverride.departure_id == case.id)):
        row.reason, row.amount_fen = "", 0
        emptied += 1
    for plan in session.exec(select(RepaymentPlan).where(RepaymentPlan.departure_id == case.id)):
        plan.total_fen, plan.instalments = 0, []
        emptied += 1
    reply = session.get(QuestionnaireReply, case.id)
    if reply is not None:
        session.delete(reply)
        emptied += 1
    return emptied


def _empty_duties(session: Session, case_id: str) -> int:
    duties = session.exec(select(Duty).where(Duty.case_id == case_id)).all()
    for duty in duties:
        duty.reference = duty.document_id = None
    return len(duties)
