"""The duties of the employer at the end of an employment: from the delivered notice to the last transfer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from countersign.adapters.database.acts import ActView, NewAct, StoredFile
from countersign.adapters.database.booked_acts import BookedActs, Effect
from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.cases import actor_of
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.freezing import (
    Freezer,
    departure_of,
    file_exit_paper,
    filed,
    leaver_of,
)
from countersign.adapters.database.looks import tell_departure
from countersign.adapters.database.service_book import keep_service, notice_made_on
from countersign.adapters.database.tables import (
    ActRow,
    Branch,
    Case,
    Departure,
    Document,
    Duty,
    Employment,
)
from countersign.adapters.documents import Documents
from countersign.adapters.exit_papers import Certificate, print_certificate
from countersign.adapters.paper import Press
from countersign.contracts.cases import ActKind, Role
from countersign.contracts.departures import (
    HOLDER_OF_DUTY,
    DepartureOrder,
    EndOrder,
    Frozen,
    StatutoryStanding,
)
from countersign.domain.certificate import ContractTerm, contract_term
from countersign.domain.departure import ARTICLE, DutyKind, DutyState, EmploymentState, Ground, PaperKind
from countersign.domain.duties import BASIS, due_on
from countersign.domain.employment import PlannedEnd
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.refusal import Refusal
from countersign.ids import new_id

CERTIFICATE = PaperKind.CERTIFICATE.value
"""The kind of the document."""

_MACHINE = {"role": "machine", "id": "statutory"}


@dataclass(frozen=True)
class DutyAct:
    """What somebody says of one duty; `act_id` makes it happen once, `case_id` is the offboarding case.

    `reference` is what an authority or a bank has answered, `reason` why a duty failed.
    """

    act_id: str
    case_id: str
    kind: DutyKind
    role: Role
    actor: str
    reference: str | None = field(default=None, repr=False)
    reason: str | None = field(default=None, repr=False)
    file: StoredFile | None = None
    acting_for: str | None = None


@dataclass(frozen=True)
class ServedAct:
    """The notice was handed over in person: on which day, before which witness."""

    act_id: str
    case_id: str
    role: Role
    actor: str
    on: date
    witness: str = field(repr=False)
    file: StoredFile | None = None
    acting_for: str | None = None


class DutyBook:
    """Keeps the duties at the end of an employment. Nothing of a handover can hold them."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        booked_acts: BookedActs,
        freezer: Freezer,
        press: Press,
        documents: Documents,
        company: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._evidence, self._booked_acts = database, evidence, booked_acts
        self._freezer, self._press, self._documents = freezer, press, documents
        self._company, self._clock = company, clock

    # -- what the process reads and writes ----------------------------------------------------------------

    def open(self, session: Session, departure: Departure) -> None:
        """Write the duties of a departure at its start, in the caller's transaction; again changes nothing.

        Their last days follow from the planned end; while a notice is needed and not served there is none.
        """
        known = _duties(session, departure)
        for kind in DutyKind:
            if kind not in known:
                session.add(
                    Duty(
                        id=new_id(),
                        departure_id=departure.case_id,
                        case_id=departure.statutory_case_id,
                        kind=kind.value,
                    )
                )
        session.flush()
        set_due_days(session, departure)

    def standing(self, session: Session, case: Case, now: datetime) -> StatutoryStanding:
        """Return how the end stands, `now` being the case's time.

        Finds out whether the notice counts as delivered, and keeps that, in the caller's transaction.
        """
        departure = departure_of(session, case.id)
        keep_service(session, self._evidence, departure, now)
        set_due_days(session, departure)
        duties = _duties(session, departure)
        return StatutoryStanding(
            last_day=departure.last_day,
            needs_notice=departure.needs_notice,
            served_on=departure.served_on,
            served_how=departure.served_how,
            ended_on=departure.ended_on,
            withdrawn=departure.withdrawn_at is not None,
            duties={kind: DutyState(duty.state) for kind, duty in duties.items()},
            due={kind: duty.due_on for kind, duty in duties.items() if duty.due_on is not None},
        )

    def end(self, session: Session, order: EndOrder) -> None:
        """Put the end of an employment into the books, once, in the caller's transaction.

        The day is the one that the books give: it may have been moved since the order was made. Nothing ends
        that was withdrawn meanwhile, nor before its day: the process finds that out when it looks.
        """
        departure = departure_of(session, order.case_id)
        if departure.ended_on is not None or departure.withdrawn_at is not None:
            return
        case = session.get_one(Case, order.case_id)
        ended_on = planned_end(departure).ends_on or order.ended_on
        if ended_on > branch_day(session, departure.branch_id, order.at):
            return
        departure.ended_on = ended_on
        employment = session.get_one(Employment, departure.employment_id)
        employment.ended_on, employment.ended_ground = ended_on, departure.ground
        employment.state = EmploymentState.ENDED.value
        session.add_all((departure, employment))
        set_due_days(session, departure)
        body: dict[str, Any] = {"on": ended_on.isoformat(), "basis": ARTICLE[Ground(departure.ground)]}
        self._append(session, case, "ended", order.at, EventKind.EMPLOYMENT_ENDED, body)
        for kind, duty in _duties(session, departure).items():
            body = {
                "duty": kind.value,
                "due_on": None if duty.due_on is None else duty.due_on.isoformat(),
                "basis": BASIS[kind],
                "holder": HOLDER_OF_DUTY[kind].value,
            }
            self._append(session, case, f"duty/{kind.value}/due", order.at, EventKind.DUTY_DUE, body)
        tell_departure(session, departure.case_id, self._clock(), but=case.id)

    def certify(self, order: DepartureOrder) -> None:
        """Print the certificate, file it and keep its duty as done, once; in transactions of its own.

        Raises `Unprintable` when a character of it has no glyph, `ValueError` when the employment would end
        before its first day.
        """
        with self._database.reading() as session:
            departure = departure_of(session, order.case_id)
            duty = _duties(session, departure)[DutyKind.CERTIFICATE]
            if duty.state == DutyState.DONE.value or departure.withdrawn_at is not None:
                return
            paper = self._certificate(session, departure, order)
        pdf = print_certificate(self._press, paper)
        self._database.write(lambda session: self._issue(session, order, pdf))

    def freeze(self, order: DepartureOrder) -> Frozen:
        """Freeze what is open into the override record with its papers, once; in transactions of its own."""
        return self._freezer.freeze(order)

    def _certificate(self, session: Session, departure: Departure, order: DepartureOrder) -> Certificate:
        branch = session.get_one(Branch, departure.branch_id)
        employment = session.get_one(Employment, departure.employment_id)
        return Certificate(
            leaver=leaver_of(session, departure),
            company=self._company,
            branch=branch.name,
            reference=order.case_id,
            hired_on=employment.hired_on,
            ended_on=departure.ended_on or departure.last_day,
            ground=Ground(departure.ground),
            at=order.at.astimezone(ZoneInfo(branch.zone)),
            contract=contract_of(employment),
        )

    def _issue(self, session: Session, order: DepartureOrder, pdf: bytes) -> None:
        departure, case = departure_of(session, order.case_id), session.get_one(Case, order.case_id)
        duty = _duties(session, departure)[DutyKind.CERTIFICATE]
        if duty.state == DutyState.DONE.value:
            return
        document = filed(session, case.id, CERTIFICATE) or file_exit_paper(
            session, self._evidence, self._documents, case, CERTIFICATE, pdf, order.at
        )
        duty.state, duty.done_at, duty.document_id = DutyState.DONE.value, order.at, document.id
        session.add(duty)
        body = {"duty": CERTIFICATE, "document": document.id, "sha256": document.sha256}
        self._append(session, case, "duty/certificate/issued", order.at, EventKind.DUTY_DONE, body)
        tell_departure(session, departure.case_id, self._clock(), but=case.id)

    # -- what people do -----------------------------------------------------------------------------------

    def ordered(self, act: DutyAct) -> ActView:
        """Keep that a duty was set in motion, such as the drop order sent to the bureau; raises `Refusal`."""
        return self._take(act, ActKind.DUTY_ORDERED, self._order)

    def done(self, act: DutyAct) -> ActView:
        """Keep that a duty is done, with its proof; raises `Refusal`.

        Wages want the reference of the payment, the social-insurance drop a confirmation number or a
        document, a certificate that was issued by hand its copy. None is done before the employment ends.
        """
        return self._take(act, ActKind.DUTY_DONE, self._do)

    def failed(self, act: DutyAct) -> ActView:
        """Keep that a duty failed and why; it may become done later. Raises `Refusal`."""
        return self._take(act, ActKind.DUTY_FAILED, self._fail)

    def served(self, act: ServedAct) -> ActView:
        """Keep that the notice was handed over in person; raises `Refusal`."""
        with self._database.reading() as session:
            departure = session.get_one(Departure, act.case_id)
            new = NewAct(
                id=act.act_id,
                case_id=departure.statutory_case_id,
                kind=ActKind.SERVED,
                role=act.role,
                actor=act.actor,
                body={"on": act.on.isoformat()},
                words={"witness": act.witness},
                files=() if act.file is None else (act.file,),
                acting_for=act.acting_for,
            )
        return self._booked_acts.take(new, self._serve)

    def _take(
        self, act: DutyAct, kind: ActKind, effect: Callable[[Session, ActRow, Case, Duty], None]
    ) -> ActView:
        _refuse_role(act)
        with self._database.reading() as session:
            departure = session.get_one(Departure, act.case_id)
            words = {"reference": act.reference, "reason": act.reason}
            new = NewAct(
                id=act.act_id,
                case_id=departure.statutory_case_id,
                kind=kind,
                role=act.role,
                actor=act.actor,
                body={"duty": act.kind.value},
                words={name: text.strip() for name, text in words.items() if text and text.strip()},
                files=() if act.file is None else (act.file,),
                acting_for=act.acting_for,
            )
        return self._booked_acts.take(new, _of_duty(effect))

    def _order(self, session: Session, act: ActRow, case: Case, duty: Duty) -> None:
        if duty.kind == DutyKind.CERTIFICATE.value:
            raise Refusal("kind", "kind: a certificate is not ordered from anybody; record it as done")
        duty.ordered_at = duty.ordered_at or act.at
        self._tell_act(session, act, case, duty, EventKind.DUTY_ORDERED)

    def _do(self, session: Session, act: ActRow, case: Case, duty: Duty) -> None:
        departure = session.get_one(Departure, duty.departure_id)
        _refuse_before_the_end(departure, branch_day(session, departure.branch_id, act.at))
        document = session.exec(select(Document).where(Document.act_id == act.id)).first()
        _refuse_without_proof(DutyKind(duty.kind), act.words.get("reference"), document)
        duty.state, duty.done_at, duty.act_id = DutyState.DONE.value, act.at, act.id
        duty.reference = act.words.get("reference")
        duty.document_id = None if document is None else document.id
        self._tell_act(session, act, case, duty, EventKind.DUTY_DONE, document)

    def _fail(self, session: Session, act: ActRow, case: Case, duty: Duty) -> None:
        if not act.words.get("reason"):
            raise Refusal("reason", "reason: is missing; say why the duty could not be carried out")
        duty.state, duty.failed_at, duty.act_id = DutyState.FAILED.value, act.at, act.id
        self._tell_act(session, act, case, duty, EventKind.DUTY_FAILED)

    def _serve(self, session: Session, act: ActRow, case: Case) -> None:
        departure = departure_of(session, case.id)
        today = branch_day(session, departure.branch_id, act.at)
        _refuse_service(session, departure, date.fromisoformat(act.body["on"]), today)
        if not act.words.get("witness", "").strip():
            raise Refusal("witness", "witness: is missing; name who saw that the notice was handed over")
        body = {"act": act.id, "on": act.body["on"], **_sealed(act.words)}
        actor, kind = actor_of(session, act), EventKind.NOTICE_HANDED_OVER
        self._evidence.append(session, case, f"act/{act.id}/served", act.at, kind, actor, body)
        keep_service(session, self._evidence, departure, act.at)
        set_due_days(session, departure)

    # -- evidence -----------------------------------------------------------------------------------------

    def _tell_act(
        self,
        session: Session,
        act: ActRow,
        case: Case,
        duty: Duty,
        kind: EventKind,
        document: Document | None = None,
    ) -> None:
        body: dict[str, Any] = {
            "act": act.id,
            "duty": duty.kind,
            "due_on": None if duty.due_on is None else duty.due_on.isoformat(),
            **_sealed(act.words),
        }
        if document is not None:
            body |= {"document": document.id, "sha256": document.sha256}
        session.add(duty)
        actor = actor_of(session, act)
        self._evidence.append(session, case, f"act/{act.id}/duty", act.at, kind, actor, body)

    def _append(
        self,
        session: Session,
        case: Case,
        key: str,
        at: datetime,
        kind: EventKind,
        body: Mapping[str, Any],
    ) -> None:
        self._evidence.append(session, case, key, at, kind, _MACHINE, body)


def planned_end(departure: Departure) -> PlannedEnd:
    """Return what the books say of the end of a departure."""
    return PlannedEnd(
        departure.last_day, Ground(departure.ground), departure.needs_notice, departure.served_on
    )


def contract_of(employment: Employment) -> ContractTerm | None:
    """Return the term of an employment's contract; None while the books do not hold it."""
    return contract_term(employment.contract_type, employment.contract_starts_on, employment.contract_ends_on)


def set_due_days(session: Session, departure: Departure) -> None:
    """Let the last days of a departure's duties follow from its end, as it is planned or as it came."""
    end = departure.ended_on or planned_end(departure).ends_on
    for kind, duty in _duties(session, departure).items():
        day = None if end is None else due_on(kind, end)
        if duty.due_on != day:
            duty.due_on = day
            session.add(duty)
    session.flush()


def _duties(session: Session, departure: Departure) -> dict[DutyKind, Duty]:
    rows = session.exec(select(Duty).where(Duty.departure_id == departure.case_id)).all()
    found = {DutyKind(row.kind): row for row in rows}
    return {kind: found[kind] for kind in DutyKind if kind in found}


def _of_duty(effect: Callable[[Session, ActRow, Case, Duty], None]) -> Effect:
    """Return the effect of an act on its duty, which must be there and not done yet."""

    def on_duty(session: Session, act: ActRow, case: Case) -> None:
        departure = departure_of(session, case.id)
        if departure.withdrawn_at is not None:
            raise Refusal("kind", "kind: the departure was withdrawn; there is nothing to carry out")
        duty = _duties(session, departure)[DutyKind(act.body["duty"])]
        if duty.state == DutyState.DONE.value:
            on = branch_day(session, departure.branch_id, duty.done_at) if duty.done_at else ""
            raise Refusal("kind", f"kind: this duty is done since {on}; nothing more is to be recorded")
        effect(session, act, case, duty)

    return on_duty


def _refuse_role(act: DutyAct) -> None:
    holder = HOLDER_OF_DUTY[act.kind]
    if act.role is not holder and not (holder is Role.HR and act.role is Role.SYSTEM_ADMINISTRATOR):
        raise Refusal("kind", f"kind: this duty belongs to {holder.value}; ask them to record it")


def _refuse_before_the_end(departure: Departure, today: date) -> None:
    end = departure.ended_on or planned_end(departure).ends_on
    if end is None:
        raise Refusal(
            "kind", "kind: the notice is not delivered, so the employment has not ended; deliver it first"
        )
    if today < end:
        raise Refusal("kind", f"kind: the employment ends on {end}; record this from that day on")


def _refuse_without_proof(kind: DutyKind, reference: str | None, document: Document | None) -> None:
    if kind is DutyKind.SOCIAL_INSURANCE and reference is None and document is None:
        raise Refusal(
            "reference",
            "reference: is missing; give the bureau's confirmation number, or attach its confirmation",
        )
    if kind is DutyKind.WAGES and reference is None:
        raise Refusal("reference", "reference: is missing; give the reference of the payment")
    if kind is DutyKind.CERTIFICATE and document is None:
        raise Refusal("file", "file: is missing; attach a copy of the certificate that was issued")


def _refuse_service(session: Session, departure: Departure, on: date, today: date) -> None:
    if not departure.needs_notice:
        raise Refusal("on", "on: this departure needs no notice of the employer; nothing is to be delivered")
    if departure.withdrawn_at is not None:
        raise Refusal("on", "on: the departure was withdrawn; there is nothing to deliver")
    if departure.ended_on is not None:
        raise Refusal("on", f"on: the employment has ended on {departure.ended_on}; this changes nothing")
    if on > today:
        raise Refusal("on", "on: lies in the future; give the day on which the notice was handed over")
    made_on = notice_made_on(session, departure)
    if on < made_on:
        raise Refusal("on", f"on: lies before the notice was made on {made_on}; check the day")


def _sealed(words: Mapping[str, str]) -> dict[str, Sealed]:
    return {name: Sealed(text) for name, text in words.items() if text}
