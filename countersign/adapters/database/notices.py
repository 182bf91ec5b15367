"""Notices and deliveries: rendered once, sent once, and every end kept.

The transition `pending → sending` is the gate: it is refused while an answer of this case waits or counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from countersign.adapters.database.cases import raise_alarm
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.people import LeaveFile, Recipient, leave_file
from countersign.adapters.database.tables import ActRow, Case, Delivery, Link, Notice, Suppression
from countersign.adapters.links import LinkKeys
from countersign.adapters.rendering import NoticeText, Renderer
from countersign.contracts.cases import ENDS_LADDER, ActKind
from countersign.contracts.notices import (
    NextAttemptOrder,
    NoticeOrder,
    PreparedDelivery,
    PreparedNotice,
    SendOrder,
    SendResult,
    SendState,
)
from countersign.contracts.sending import (
    MailMessage,
    OutcomeState,
    SendOutcome,
    SmsCapability,
    SmsMessage,
)
from countersign.domain.calendar import WorkCalendar
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.policy import Audience, Channel
from countersign.domain.receipts import DeliveryState, advance
from countersign.ids import new_id
from countersign.ports import SendTicket

PREVIEW_CODE = "XXXX-XXXX-XXXX"
"""Stands in a preview where the real code will stand."""

_ADDRESSED = (Channel.SMS, Channel.EMAIL)
_MACHINE = {"role": "machine", "id": "sender"}
_ENDED = {
    DeliveryState.SENT: SendState.ACCEPTED,
    DeliveryState.DELIVERED: SendState.ACCEPTED,
    DeliveryState.FAILED_PERMANENT: SendState.FAILED_PERMANENT,
    DeliveryState.FAILED_TEMPORARY: SendState.FAILED_TEMPORARY,
    DeliveryState.SUPPRESSED: SendState.SUPPRESSED,
    DeliveryState.UNKNOWN: SendState.UNKNOWN,
}
_STATE_OF = {
    OutcomeState.SENT: DeliveryState.SENT,
    OutcomeState.FAILED_TEMPORARY: DeliveryState.FAILED_TEMPORARY,
    OutcomeState.FAILED_PERMANENT: DeliveryState.FAILED_PERMANENT,
    OutcomeState.UNKNOWN: DeliveryState.UNKNOWN,
}
_KIND_OF = {
    DeliveryState.SENT: EventKind.DELIVERY_SENT,
    DeliveryState.FAILED_TEMPORARY: EventKind.DELIVERY_FAILED,
    DeliveryState.FAILED_PERMANENT: EventKind.DELIVERY_FAILED,
    DeliveryState.UNKNOWN: EventKind.DELIVERY_UNKNOWN,
}


@dataclass(frozen=True)
class NoticeSettings:
    """What every notice needs to know of the installation."""

    company: str
    contact: dict[str, str]
    portal: str
    public_base_url: str
    mail_domain: str
    link_days: int


class Notices:
    """The notice book. `capability` says what the SMS network of a destination lets through."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        renderer: Renderer,
        links: LinkKeys,
        capability: Callable[[str], SmsCapability],
        calendar: Callable[[], WorkCalendar],
        settings: NoticeSettings,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._evidence, self._renderer = database, evidence, renderer
        self._links, self._capability, self._calendar = links, capability, calendar
        self._settings, self._clock = settings, clock

    # -- preparing ----------------------------------------------------------------------------------------

    def prepare(self, order: NoticeOrder) -> PreparedNotice:
        """Render and store a notice with its first deliveries, once per case and step."""
        return self._database.write(lambda session: self._prepare(session, order))

    def _prepare(self, session: Session, order: NoticeOrder) -> PreparedNotice:
        known = session.exec(
            select(Notice).where(Notice.case_id == order.case_id, Notice.step == order.step)
        ).first()
        if known is not None:
            firsts = session.exec(
                select(Delivery).where(Delivery.notice_id == known.id, Delivery.attempt == 1)
            )
            return PreparedNotice(known.id, tuple(_prepared(d) for d in firsts))
        case = session.get_one(Case, order.case_id)
        file = _file_of(session, case)
        recipient = file.recipient(order.audience)
        variables = self.variables(file, case.ends_on or file.leave.ends_on, recipient, order.answer_by)
        text = self._renderer.notice(order.template, order.audience, recipient.language, variables)
        notice = Notice(
            id=new_id(),
            case_id=case.id,
            step=order.step,
            template=order.template,
            audience=order.audience.value,
            person_id=recipient.id,
            language=recipient.language,
            title=text.title,
            text=text.text,
            fingerprint=text.fingerprint,
            answer_by=order.answer_by,
            created_at=order.at,
        )
        session.add(notice)
        session.flush()
        self._keep_rendered(session, case, notice, text, file)
        deliveries = [
            self._lay_out(session, case, notice, recipient, channel, 1, variables, order.at)
            for channel in order.channels
        ]
        return PreparedNotice(notice.id, tuple(_prepared(d) for d in deliveries))

    def variables(
        self, file: LeaveFile, ends_on: date, recipient: Recipient, answer_by: datetime | None
    ) -> dict[str, Any]:
        """Return what a template may use; the same for the preview and for the real thing."""
        local = answer_by.astimezone(ZoneInfo(file.branch.zone)) if answer_by else None
        return_day, _ = self._calendar().add_working_days(ends_on, 1)
        return {
            "company": self._settings.company,
            "branch": file.branch.name,
            "employee": file.person.name,
            "number": file.person.number,
            "recipient": recipient.name,
            "leave_kind": file.leave.kind,
            "starts_on": file.leave.starts_on,
            "ends_on": ends_on,
            "return_day": return_day,
            "answer_by": local,
            "contact": self._settings.contact,
            "service_address": file.person.service_address,
            "e_delivery_consent_on": file.person.e_delivery_consent_on,
        }

    def _keep_rendered(
        self, session: Session, case: Case, notice: Notice, text: NoticeText, file: LeaveFile
    ) -> None:
        person = file.person
        consent = person.e_delivery_consent_on
        body = {
            "notice": notice.id,
            "step": notice.step,
            "audience": notice.audience,
            "template": text.template,
            "template_version": text.version,
            "language": notice.language,
            "fingerprint": notice.fingerprint,
            "title": Sealed(notice.title),
            "text": Sealed(notice.text),
            "answer_by": notice.answer_by.isoformat() if notice.answer_by else None,
            "service_address": Sealed(person.service_address) if person.service_address else None,
            "e_delivery_consent_on": consent.isoformat() if consent else None,
        }
        if notice.audience == Audience.EMERGENCY_CONTACT and file.contact is not None:
            relation, agreed = file.contact.relation, file.contact.consent_on
            body["relation"] = Sealed(relation) if relation else None
            body["contact_consent_on"] = agreed.isoformat() if agreed else None
        self._evidence.append(
            session,
            case,
            f"rendered/{notice.id}",
            notice.created_at,
            EventKind.NOTICE_RENDERED,
            _MACHINE,
            body,
        )

    def _lay_out(
        self,
        session: Session,
        case: Case,
        notice: Notice,
        recipient: Recipient,
        channel: Channel,
        attempt: int,
        variables: dict[str, Any],
        at: datetime,
        possible_duplicate: bool = False,
    ) -> Delivery:
        """Store one delivery with its link and its finished text."""
        delivery_id = new_id()
        address = recipient.address(channel)
        code = self._links.code(delivery_id) if address else None
        delivery = Delivery(
            id=delivery_id,
            notice_id=notice.id,
            case_id=case.id,
            channel=channel.value,
            attempt=attempt,
            state=DeliveryState.PENDING.value,
            address=address,
            subject=f"{notice.title}（{self._settings.company}）" if channel is Channel.EMAIL else None,
            text=self.channel_text(notice, channel, recipient, code, variables),
            code=code,
            possible_duplicate=possible_duplicate,
            created_at=at,
        )
        if channel is Channel.IN_SYSTEM:
            delivery.state, delivery.sent_at, delivery.settled_at = "delivered", at, at
        session.add(delivery)
        session.flush()
        if code is not None:
            expires = at + timedelta(days=self._settings.link_days)
            session.add(
                Link(
                    id=delivery_id,
                    case_id=case.id,
                    notice_id=notice.id,
                    person_id=recipient.id,
                    key_id=self._links.newest,
                    code_hash=self._links.hash_of(code),
                    expires_at=expires,
                )
            )
            body = {"delivery": delivery_id, "notice": notice.id, "expires_at": expires.isoformat()}
            self._append(session, case, delivery, "link", at, EventKind.LINK_ISSUED, body)
        if channel is Channel.IN_SYSTEM:
            body = _delivery_body(delivery)
            self._append(session, case, delivery, "inbox", at, EventKind.DELIVERY_DELIVERED, body)
        return delivery

    def channel_text(
        self,
        notice: Notice,
        channel: Channel,
        recipient: Recipient,
        code: str | None,
        variables: dict[str, Any],
    ) -> str:
        """Return what one channel carries: the short text, the mail, or the notice itself."""
        if channel not in _ADDRESSED:
            return notice.text
        link: str | None = f"{self._settings.public_base_url}/n/{code}"
        if channel is Channel.SMS and not self._capability(recipient.phone or "").link_ok:
            link = None
        more = {
            **variables,
            "title": notice.title,
            "text": notice.text,
            "fingerprint": notice.fingerprint,
            "code": code,
            "portal": self._settings.portal,
            "link": link,
        }
        if channel is Channel.SMS:
            return self._renderer.sms(notice.template, notice.audience, notice.language, more)
        return self._renderer.mail(notice.language, more)

    def preview_text(
        self,
        name: str,
        audience: Audience,
        text: NoticeText,
        channel: Channel,
        recipient: Recipient,
        variables: dict[str, Any],
    ) -> str:
        """Return what a channel would carry, with a code that opens nothing."""
        notice = Notice(
            id="preview",
            case_id="preview",
            step=name,
            person_id=recipient.id,
            template=name,
            audience=audience.value,
            language=recipient.language,
            title=text.title,
            text=text.text,
            fingerprint=text.fingerprint,
        )
        return self.channel_text(notice, channel, recipient, PREVIEW_CODE, variables)

    def next_attempt(self, order: NextAttemptOrder) -> PreparedDelivery:
        """Store the attempt that follows a delivery, once."""
        return self._database.write(lambda session: self._next_attempt(session, order))

    def _next_attempt(self, session: Session, order: NextAttemptOrder) -> PreparedDelivery:
        last = session.get_one(Delivery, order.delivery_id)
        known = session.exec(
            select(Delivery).where(
                Delivery.notice_id == last.notice_id,
                Delivery.channel == last.channel,
                Delivery.attempt == last.attempt + 1,
            )
        ).first()
        if known is None:
            case, notice = session.get_one(Case, last.case_id), session.get_one(Notice, last.notice_id)
            file = _file_of(session, case)
            recipient = file.recipient(Audience(notice.audience))
            variables = self.variables(file, case.ends_on or file.leave.ends_on, recipient, notice.answer_by)
            known = self._lay_out(
                session,
                case,
                notice,
                recipient,
                Channel(last.channel),
                last.attempt + 1,
                variables,
                order.at,
                order.possible_duplicate,
            )
        return _prepared(known)

    # -- sending ------------------------------------------------------------------------------------------

    def begin_sending(self, order: SendOrder, token: str) -> SendTicket | SendResult:
        """Move `pending → sending` and return the ticket, or say why nothing may leave."""
        return self._database.write(lambda session: self._begin(session, order, token))

    def _begin(self, session: Session, order: SendOrder, token: str) -> SendTicket | SendResult:
        delivery = session.get_one(Delivery, order.delivery_id)
        case = session.get_one(Case, order.case_id)
        state = DeliveryState(delivery.state)
        if state is DeliveryState.SENDING:
            # Another worker held the ticket and never came back: the message may have left.
            delivery.state, delivery.error_code = DeliveryState.UNKNOWN.value, "worker_lost"
            delivery.sentence = "The sending process stopped while the message was on its way."
            body = _delivery_body(delivery) | {"code": "worker_lost"}
            self._append(session, case, delivery, "lost", order.at, EventKind.DELIVERY_UNKNOWN, body)
            return SendResult(SendState.UNKNOWN, "worker_lost")
        if state is not DeliveryState.PENDING:
            return SendResult(_ENDED[state], delivery.error_code)
        held = _why_held(session, case)
        if held is not None:
            self._keep_held(session, case, delivery, order.at, held)
            return SendResult(SendState.HELD, held)
        stop = _why_suppressed(session, case, delivery)
        if stop is not None:
            delivery.state, delivery.sentence = DeliveryState.SUPPRESSED.value, stop
            delivery.settled_at = order.at
            body = _delivery_body(delivery) | {"because": stop}
            self._append(session, case, delivery, "suppressed", order.at, EventKind.DELIVERY_SUPPRESSED, body)
            return SendResult(SendState.SUPPRESSED, stop)
        delivery.state, delivery.token, delivery.sending_at = (
            DeliveryState.SENDING.value,
            token,
            self._clock(),
        )
        notice = session.get_one(Notice, delivery.notice_id)
        body = _delivery_body(delivery) | {
            "fingerprint": notice.fingerprint,
            "address": Sealed(delivery.address or ""),
            "text": Sealed(delivery.text),
            "possible_duplicate": delivery.possible_duplicate,
        }
        self._append(session, case, delivery, "sending", order.at, EventKind.DELIVERY_SENDING, body)
        return SendTicket(self._message(delivery), delivery.sending_at)

    def _message(self, delivery: Delivery) -> SmsMessage | MailMessage:
        base = self._settings.public_base_url
        if delivery.channel == Channel.SMS:
            return SmsMessage(
                to=delivery.address or "",
                text=delivery.text,
                delivery_code=delivery.code or "",
                status_callback=f"{base}/hooks/twilio/status",
            )
        return MailMessage(
            to=delivery.address or "",
            subject=delivery.subject or "",
            text=delivery.text,
            html=None,
            message_id=f"<{delivery.id}.{delivery.attempt}@{self._settings.mail_domain}>",
            notice_id=delivery.notice_id,
            delivery_id=delivery.id,
            attempt=delivery.attempt,
        )

    def finish_sending(self, order: SendOrder, token: str | None, outcome: SendOutcome) -> None:
        """Keep how an attempt ended; a report that came faster and says more is not taken back."""
        self._database.write(lambda session: self._finish(session, order, token, outcome))

    def _finish(self, session: Session, order: SendOrder, token: str | None, outcome: SendOutcome) -> None:
        delivery = session.get_one(Delivery, order.delivery_id)
        case = session.get_one(Case, order.case_id)
        if token is not None and delivery.token != token:
            return
        reported = _STATE_OF[outcome.state]
        delivery.provider_id = outcome.provider_id or delivery.provider_id
        delivery.state = advance(DeliveryState(delivery.state), reported).value
        settled = token is None
        if reported is DeliveryState.SENT:
            delivery.sent_at = delivery.sent_at or order.at
        else:
            delivery.error_code, delivery.sentence = outcome.code, outcome.sentence
            delivery.settled_at = order.at
        kind = EventKind.DELIVERY_SETTLED if settled else _KIND_OF[reported]
        body = _delivery_body(delivery) | {
            "state": reported.value,
            "code": outcome.code,
            "says": outcome.sentence,
            "provider_id": delivery.provider_id,
        }
        self._append(session, case, delivery, f"end/{token or 'settled'}", order.at, kind, body)

    def held(self, order: SendOrder, because: str) -> None:
        """Keep that an attempt was not made now, and why."""

        def keep(session: Session) -> None:
            delivery = session.get_one(Delivery, order.delivery_id)
            self._keep_held(session, session.get_one(Case, order.case_id), delivery, order.at, because)

        self._database.write(keep)

    def _keep_held(
        self, session: Session, case: Case, delivery: Delivery, at: datetime, because: str
    ) -> None:
        body = _delivery_body(delivery) | {"because": because}
        key = f"held/{because}/{at.isoformat()}"
        self._append(session, case, delivery, key, at, EventKind.NOTICE_NOTHING_SENT, body)

    def ticket_of_unknown(self, order: SendOrder) -> SendTicket | SendResult:
        """Return the ticket of an attempt whose end is not known, or the end if it is known by now."""
        with self._database.reading() as session:
            delivery = session.get_one(Delivery, order.delivery_id)
            state = DeliveryState(delivery.state)
            if state is not DeliveryState.UNKNOWN or delivery.sending_at is None:
                return SendResult(_ENDED.get(state, SendState.UNKNOWN), delivery.error_code)
            return SendTicket(self._message(delivery), delivery.sending_at)

    def not_found(self, order: SendOrder) -> None:
        """Keep that the provider knows nothing of an attempt."""

        def keep(session: Session) -> None:
            delivery = session.get_one(Delivery, order.delivery_id)
            body = _delivery_body(delivery) | {"state": "unknown", "code": "not_found"}
            case = session.get_one(Case, order.case_id)
            self._append(session, case, delivery, "not_found", order.at, EventKind.DELIVERY_SETTLED, body)

        self._database.write(keep)

    # -- receipts -----------------------------------------------------------------------------------------

    def receipt(
        self, provider_id: str, state: DeliveryState, code: str | None, sentence: str | None, at: datetime
    ) -> str | None:
        """Take in a provider's report; return the case's id, or None for an unknown message."""

        def keep(session: Session) -> str | None:
            delivery = session.exec(select(Delivery).where(Delivery.provider_id == provider_id)).first()
            if delivery is None:
                return None
            case = session.get_one(Case, delivery.case_id)
            before = DeliveryState(delivery.state)
            after = advance(before, state)
            if after is not before:
                delivery.state = after.value
                delivery.settled_at = at
                if after is DeliveryState.FAILED_PERMANENT:
                    raise_alarm(session, "undelivered", self._clock(), case.id)
                if state is not DeliveryState.DELIVERED:
                    delivery.error_code, delivery.sentence = code, sentence
            kind = {
                DeliveryState.DELIVERED: EventKind.DELIVERY_DELIVERED,
                DeliveryState.FAILED_PERMANENT: EventKind.DELIVERY_FAILED,
                DeliveryState.FAILED_TEMPORARY: EventKind.DELIVERY_FAILED,
            }.get(state)
            if kind is not None:
                body = _delivery_body(delivery) | {"state": state.value, "code": code, "says": sentence}
                self._append(session, case, delivery, f"receipt/{state.value}", at, kind, body)
            return case.id

        return self._database.write(keep)

    def _append(
        self,
        session: Session,
        case: Case,
        delivery: Delivery,
        key: str,
        at: datetime,
        kind: EventKind,
        body: dict[str, Any],
    ) -> None:
        self._evidence.append(session, case, f"delivery/{delivery.id}/{key}", at, kind, _MACHINE, body)


def _file_of(session: Session, case: Case) -> LeaveFile:
    file = leave_file(session, case.leave_id or "")
    if file is None:
        raise ValueError(f"case {case.id} has no leave")
    return file


def _prepared(delivery: Delivery) -> PreparedDelivery:
    return PreparedDelivery(
        delivery.id, Channel(delivery.channel), accepted=delivery.channel == Channel.IN_SYSTEM
    )


def _delivery_body(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery": delivery.id,
        "notice": delivery.notice_id,
        "channel": delivery.channel,
        "attempt": delivery.attempt,
    }


def _live_acts(session: Session, case: Case) -> list[ActRow]:
    return list(
        session.exec(
            select(ActRow).where(ActRow.case_id == case.id, col(ActRow.state).in_(("waiting", "accepted")))
        )
    )


def _why_held(session: Session, case: Case) -> str | None:
    """Say why an attempt must wait: the case is paused, or HR has just asked for a pause or a skip."""
    if case.state == "paused":
        return "paused"
    waiting = {act.kind for act in _live_acts(session, case) if act.state == "waiting"}
    return "paused" if waiting & {ActKind.PAUSE.value, ActKind.SKIP.value} else None


def _why_suppressed(session: Session, case: Case, delivery: Delivery) -> str | None:
    """Say why nothing may leave any more: answered, closed, or an address that is not the person's."""
    if case.state == "closed":
        return "the case is closed"
    ended = {kind.value for kind in ENDS_LADDER}
    if any(act.kind in ended for act in _live_acts(session, case)):
        return "the person has answered"
    if delivery.address and session.get(Suppression, (case.id, delivery.address)) is not None:
        return "somebody said that this address is not the person's"
    return None
