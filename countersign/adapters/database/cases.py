"""The books of all cases: the recorder that workflows write through, and the case's own clock."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.actors import account_actor_id
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.looks import tell_look, tell_of_person
from countersign.adapters.database.next_sending import next_sending
from countersign.adapters.database.tables import (
    Account,
    ActRow,
    Alarm,
    Branch,
    Case,
    Circular,
    Delivery,
    Document,
    Notice,
    RecordedStep,
    Task,
)
from countersign.contracts.cases import (
    ActKind,
    CaseState,
    EventDraft,
    Process,
    Projection,
    RecordOrder,
    TaskDraft,
)
from countersign.domain.clock import CaseClock
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.policy import Channel
from countersign.ids import new_id

ALARMS = {
    "posting_overdue": "The paper notice has not been posted in time. Post it and record the courier number.",
    "publication_overdue": "The public notice has not been published in time. Publish it and record where.",
    "public_notice_locked": "A public notice was not allowed yet and was passed over: text message, e-mail "
    "and post must have failed first. The case says what is missing.",
    "weak_letter": "A letter of this case did not reach the person. A wait for an answer to it ends at once.",
    "visit_overdue": "The on-site check has not been made in time. Make it and record the result.",
    "nothing_sent": "No channel accepted a message of this case. Check the contact data and the providers.",
    "ended_outside": "The running process of this case was ended in the Temporal server, not by the product. "
    "Nothing more will be sent. Settle the matter by hand; the evidence up to then is kept.",
    "late_answer": "An answer arrived after the case was closed. Read it and decide what follows.",
    "start_failed": "A case could not be started. The reason stands beside it; mend it and start it again.",
    "undelivered": "A message could not be delivered to this address. Check the contact data.",
    "reply": "Somebody answered a message of this case in words. Read it; the case goes on meanwhile.",
    "unknown_end": "A message may have left and the provider does not know of it. "
    "The policy sends nothing twice: send it again by hand, or wait for an answer.",
    "provider_down": "A provider cannot be reached. Messages are kept and tried again until it answers.",
    "provider_settings": "A provider refuses our account or settings. An administrator must check them.",
    "content_refused": "A provider refused the text of a message. Check the template, links first.",
    "cap_of_person": "A person has had as many messages today as are allowed. The next one goes tomorrow.",
    "cap_of_company": "As many messages have left today as are allowed in all. The rest goes tomorrow; "
    "if this is no mistake, raise the limit.",
    "opted_out": "A person has asked for no more messages over a channel. Use another way to reach them.",
    "sending_stopped": "All sending was stopped by hand; nothing leaves until the stop is released.",
    "sending_released": "A stop of sending was released; what was held is sent now and planned again.",
    "not_me": "Somebody says that the address used is not the employee's. Check the contact data.",
    "exhausted": "Nobody has confirmed, and every step of the ladder is over. Decide what follows.",
    "paper_unprintable": "The paper of a notice cannot be printed: no font here has a character of it. "
    "Open the paper in the case to read which, add a font that has it, and open the paper again.",
    "circular_complete": "Every addressee has confirmed a circular; nothing is left to do.",
    "circular_refused": "An addressee objects to a circular. Read the words and answer them in the case.",
    "anchors_differ": "The anchor file does not agree with the database: one of them was changed, or "
    "restored from a backup. Nothing more is written to the file until somebody has compared the two.",
    "anchors_unwritten": "The anchor file cannot be written. Check its folder; what it lacks follows then.",
    "identity_locked": "A confidential link is locked: the identity was given wrongly five times. "
    "Speak to the person, then revoke the link and send the notice again.",
    "not_served": "The employer's notice is not delivered, and every step is over. Until it is, the "
    "employment goes on. Hand it over in person before a witness and record that, or send it again.",
    "termination_objected": "The employee objects to the notice. It counts as delivered; have legal read "
    "the objection and keep it for arbitration.",
    "certificate_failed": "The certificate could not be printed. It is due today: issue it by hand, and "
    "record the duty with a copy.",
    "freeze_failed": "What was open on the last day could not be frozen into the record. Note by hand today"
    " what is open, and have an administrator look at the server log.",
    "left_with_open_items": "Somebody has left with open items or debts. They stand in the override record;"
    " the demand and a draft of a repayment agreement lie in the case.",
    "equipment_paid_before": "Equipment came back or was given up after its value was paid, deducted or "
    "waived, also in part. Nothing was reversed: finance pays it back in the ledger, or leaves it so.",
    "duty_overdue": "A statutory duty of an employer is late. Carry it out now and record it, or record why"
    " it failed.",
    "settlement_not_booked": "A confirmed settlement cannot be booked: the ledger has changed since. Look at "
    "the balances, and make a new settlement.",
    "duty_urgent": "A statutory duty is due in these days. Carry it out and record it.",
    "duty_failed": "A statutory duty was recorded as failed. It stays owed: mend the reason and record it "
    "as done.",
    "handover_silent": "The leaver has not handed over, and every step of the ladder is over. Decide what "
    "follows.",
    "receiver_silent": "A receiver has not confirmed what was handed over, and every step is over. Reassign"
    " the share, or speak to them.",
    "employment_suspended": "A system calls an employment suspended, which the law does not know. Correct "
    "the state there, or end the employment by a delivered notice.",
}
"""What each alarm says to HR; free of personal data."""


def case_now(case: Case, real_now: datetime) -> datetime:
    """Return the case's time at a real instant, from what the workflow last wrote of its clock."""
    if case.clock_factor == 1 or case.clock_case is None or case.clock_real is None:
        return case.clock_case if case.clock_factor > 1 and case.clock_case else real_now
    return CaseClock(case.clock_case, case.clock_real, case.clock_factor, case.clock_limit).at(real_now)


def raise_alarm(session: Session, kind: str, at: datetime, case_id: str | None, detail: str = "") -> None:
    """Add an alarm; `detail` must be free of personal data."""
    sentence = f"{ALARMS[kind]} {detail}".strip()
    session.add(Alarm(id=new_id(), case_id=case_id, kind=kind, sentence=sentence, at=at))


def raise_alarm_once(
    session: Session, kind: str, at: datetime, case_id: str | None, every: timedelta, detail: str = ""
) -> None:
    """Add an alarm unless the same one, of the same case, was raised within `every`."""
    sentence = f"{ALARMS[kind]} {detail}".strip()
    same = select(Alarm.id).where(
        Alarm.kind == kind, Alarm.case_id == case_id, Alarm.sentence == sentence, col(Alarm.at) > at - every
    )
    if session.exec(same).first() is None:
        raise_alarm(session, kind, at, case_id, detail)


def actor_of(session: Session, act: ActRow) -> dict[str, Any]:
    """Return how the giver of an act stands in the evidence; the names of accounts are sealed.

    Whoever stood in for somebody else is named first, the other under `for`.
    """
    actor: dict[str, Any] = {"role": act.role, "id": act.actor}
    account_id = act.actor.removeprefix("account:")
    if account_id != act.actor:
        actor["name"] = Sealed(session.get_one(Account, account_id).name)
    if act.acting_for is not None:
        absent = session.get_one(Account, act.acting_for)
        actor["for"] = {"id": account_actor_id(absent.id), "name": Sealed(absent.name)}
    return actor


class CaseBook:
    """Writes record orders: events, tasks, fates of acts and the projection in one transaction."""

    def __init__(self, database: Database, evidence: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock

    def record(self, order: RecordOrder) -> None:
        """Carry out an order once; its twin changes nothing."""
        self._database.write(lambda session: self._record(session, order))

    def _record(self, session: Session, order: RecordOrder) -> None:
        if session.get(RecordedStep, (order.case_id, order.key)) is not None:
            return
        session.add(RecordedStep(case_id=order.case_id, key=order.key))
        case = session.get_one(Case, order.case_id)
        open_before, ball_before = case.closed_at is None, _ball(case)
        started = case.state == CaseState.STARTING.value
        self._project(case, order)
        if case.departure_id is None and (started or (open_before and case.closed_at is not None)):
            tell_of_person(session, case.person_id, self._clock())
        case.next_at = next_sending(case, session.get_one(Branch, case.branch_id), order.at)
        if open_before and case.circular_id is not None and case.outcome == ActKind.ACKNOWLEDGED.value:
            self._count_confirmed(session, case.circular_id, case.id)
        for number, draft in enumerate(order.events):
            self._append(session, case, f"{order.key}/{number}", order.at, draft)
        if case.closed_at is None and _ball(case) != ball_before:
            self._pass_ball(session, case, f"{order.key}/ball", order)
        for task in order.tasks:
            self._keep_task(session, order, task)
        for act_id, state in [(a, "accepted") for a in order.accepted_acts] + [
            (a, "settled") for a in order.settled_acts
        ]:
            act = session.get(ActRow, act_id)
            if act is not None:
                act.state = state
        if order.alarm is not None:
            raise_alarm(session, order.alarm, self._clock(), case.id)

    def _count_confirmed(self, session: Session, circular_id: str, case_id: str) -> None:
        """Count one more confirmation; the last one of a circular is told.

        The count stands in the circular's row, so that of two that come together one sees the other.
        """
        circular = session.get_one(Circular, circular_id)
        circular.confirmed += 1
        addressees = select(func.count()).select_from(Case).where(Case.circular_id == circular_id)
        if circular.confirmed == session.exec(addressees).one():
            raise_alarm(session, "circular_complete", self._clock(), case_id, f"(circular {circular_id})")

    def _project(self, case: Case, order: RecordOrder) -> None:
        shown: Projection = order.projection
        case.state, case.stage = shown.state.value, shown.stage
        case.holder = shown.holder.value if shown.holder else None
        case.due_at, case.outcome, case.provisional = shown.due_at, shown.outcome, shown.provisional
        case.steps = list(shown.steps)
        case.ends_on = shown.ends_on or case.ends_on
        if shown.clock_case is not None:
            case.clock_case, case.clock_real = shown.clock_case, shown.clock_real
            case.clock_limit = shown.clock_limit
        if case.state == "closed" and case.closed_at is None:
            case.closed_at = order.at

    def _pass_ball(self, session: Session, case: Case, key: str, order: RecordOrder) -> None:
        """Let the chain say who has the ball now, in which stage and until when."""
        due = order.projection.due_at
        body = {
            "holder": case.holder,
            "stage": case.stage,
            "due_at": due.isoformat(timespec="milliseconds") if due else None,
        }
        actor = {"role": "machine", "id": case.kind}
        self._evidence.append(session, case, key, order.at, EventKind.BALL_PASSED, actor, body)

    def _append(self, session: Session, case: Case, key: str, at: datetime, draft: EventDraft) -> None:
        actor: dict[str, Any] = {"role": "machine", "id": case.kind}
        body = dict(draft.body)
        act = session.get(ActRow, draft.act_id) if draft.act_id else None
        if draft.kind in _BY_HAND:
            body |= _done_by_hand(session, case.id, draft, act, at)
            if case.kind == Process.STATUTORY.value:
                tell_look(session, case, self._clock())
        if act is not None:
            actor = actor_of(session, act)
            body["act"] = act.id
            body |= {name: Sealed(text) for name, text in act.words.items()}
        self._evidence.append(session, case, key, at, draft.kind, actor, body)
        if draft.kind is EventKind.NOTICE_NOTHING_SENT and draft.body.get("because") in _UNHEARD:
            raise_alarm(session, "nothing_sent", self._clock(), case.id)

    def _keep_task(self, session: Session, order: RecordOrder, draft: TaskDraft) -> None:
        task = session.exec(select(Task).where(Task.case_id == order.case_id, Task.key == draft.key)).first()
        if task is None:
            task = Task(
                id=new_id(),
                case_id=order.case_id,
                key=draft.key,
                kind=draft.kind,
                holder=draft.holder.value,
                due_at=draft.due_at,
                opened_at=order.at,
            )
            session.add(task)
        task.due_at = draft.due_at
        if draft.done and task.done_at is None:
            task.done_at = order.at


def _ball(case: Case) -> tuple[str | None, str, datetime | None]:
    return case.holder, case.stage, case.due_at


_UNHEARD = {"no channel accepted the message", "no channel reaches the audience"}


_BY_HAND = {
    EventKind.PAPER_POSTED: (Channel.COURIER, "handed to the courier"),
    EventKind.PAPER_PUBLISHED: (Channel.PUBLIC_NOTICE, "published (says HR)"),
}
"""What HR carries out: over which channel, and what the chain then says."""


def _done_by_hand(
    session: Session, case_id: str, draft: EventDraft, act: ActRow | None, at: datetime
) -> dict[str, Any]:
    """Move the delivery of a step to `sent` once HR has carried it out; return what the event says of it."""
    channel, says = _BY_HAND[draft.kind]
    told: dict[str, Any] = {"says": says}
    delivery = _waiting_for_hr(session, case_id, str(draft.body["step"]), channel)
    if delivery is not None:
        told["delivery"] = delivery.id
        happened_at = draft.body.get("happened_at")
        delivery.state, delivery.sent_at = "sent", at
        delivery.by_hand_at = datetime.fromisoformat(happened_at) if happened_at else at
        words = {} if act is None else act.words
        delivery.courier = words.get("courier")
        delivery.tracking_number = words.get("tracking_number")
    document = session.get(Document, act.body["document"]) if act and act.body.get("document") else None
    if document is not None:
        told |= {"document": document.id, "sha256": document.sha256}
    return told


def _waiting_for_hr(session: Session, case_id: str, step: str, channel: Channel) -> Delivery | None:
    """Return the delivery of a step that waits for HR: the newest, since a step can come in many rounds."""
    rows = session.exec(
        select(Delivery, Notice.step)
        .join(Notice, col(Notice.id) == col(Delivery.notice_id))
        .where(Delivery.case_id == case_id, Delivery.channel == channel.value, Delivery.state == "pending")
        .order_by(col(Delivery.created_at).desc(), col(Delivery.id).desc())
    )
    # Compared here: in the database's own pattern an underscore is any letter, and SQLite takes A for a.
    return next((delivery for delivery, numbered in rows if numbered.endswith(f".{step}")), None)
