"""Notices: rendered once per case and step, laid out as deliveries with their links and finished texts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from countersign.adapters.database.case_file import CaseFile
from countersign.adapters.database.case_files import file_of
from countersign.adapters.database.consents import cite
from countersign.adapters.database.deliveries import DeliveryEvents
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.papers import POSTED, Papers
from countersign.adapters.database.people import Recipient
from countersign.adapters.database.public_notices import why_locked
from countersign.adapters.database.sifting import CONFIDENTIAL, PreviewText
from countersign.adapters.database.tables import Case, Delivery, Link, Notice
from countersign.adapters.links import LinkKeys
from countersign.adapters.rendering import NoticeText, Renderer
from countersign.contracts.cases import Process
from countersign.contracts.notices import (
    NextAttemptOrder,
    NoticeOrder,
    PreparedDelivery,
    PreparedNotice,
)
from countersign.contracts.sending import SmsCapability
from countersign.domain.calendar import WorkCalendar
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.policy import DONE_BY_HAND, Audience, Channel
from countersign.domain.public_notice import template_of
from countersign.domain.receipts import DeliveryState
from countersign.domain.sms_templates import FilledText, TemplateRefused
from countersign.ids import new_id

_ARRIVED = (DeliveryState.SENT.value, DeliveryState.DELIVERED.value)

PREVIEW_CODE = "XXXX-XXXX-XXXX"
"""Stands in a preview where the real code will stand."""

_ADDRESSED = (Channel.SMS, Channel.EMAIL)
_MACHINE = {"role": "machine", "id": "sender"}


@dataclass(frozen=True)
class NoticeSettings:
    """What every notice needs to know of the installation."""

    company: str
    contact: dict[str, str]
    portal: str
    public_base_url: str
    link_days: int


RegisteredSms = Callable[[Process, str, str, str, str, Mapping[str, Any]], FilledText | None]
"""Fills the text that is registered with the provider of a number, if it wants one and one is declared:
process, template, audience, language, number, variables. Raises `TemplateRefused` in words."""


class Notices:
    """The notice book. `capability` says what the SMS network of a destination lets through."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        renderers: Mapping[Process, Renderer],
        links: LinkKeys,
        capability: Callable[[str], SmsCapability],
        calendar: Callable[[], WorkCalendar],
        settings: NoticeSettings,
        registered: RegisteredSms,
        clock: Callable[[], datetime],
        papers: Papers,
    ) -> None:
        self._database, self._evidence, self._renderers = database, evidence, renderers
        self._events = DeliveryEvents(evidence)
        self._links, self._capability, self._calendar = links, capability, calendar
        self._settings, self._registered, self._clock = settings, registered, clock
        self._papers = papers

    # -- preparing ----------------------------------------------------------------------------------------

    def prepare(self, order: NoticeOrder) -> PreparedNotice:
        """Render and store a notice with its first deliveries, once per case and step."""
        return self._database.write(lambda session: self._prepare(session, order))

    def _prepare(self, session: Session, order: NoticeOrder) -> PreparedNotice:
        known = session.exec(
            select(Notice).where(Notice.case_id == order.case_id, Notice.step == order.step)
        ).first()
        case = session.get_one(Case, order.case_id)
        file = file_of(session, case, order.at)
        recipient = file.recipient(order.audience)
        variables = self._variables(file, recipient, order.answer_by)
        if known is not None:
            return self._prepared(session, case, known, recipient, variables, order)
        locked = why_locked(session, case, file.person) if Channel.PUBLIC_NOTICE in order.channels else None
        if locked is not None:
            return PreparedNotice("", (), refused=locked)
        renderer, template = self._renderers[file.process], template_of(order.template, order.channels)
        text = file.notice(renderer, template, order.audience, recipient.language, variables)
        notice = Notice(
            id=new_id(),
            case_id=case.id,
            step=order.step,
            template=template,
            audience=order.audience.value,
            person_id=recipient.id,
            language=recipient.language,
            title=text.title,
            text=text.text,
            fingerprint=text.fingerprint,
            answer_by=order.answer_by,
            sensitive=order.confidential,
            letterhead=self._papers.letterhead(file, order.audience, order.channels),
            created_at=order.at,
        )
        session.add(notice)
        session.flush()
        self._keep_rendered(session, case, notice, text, file)
        return self._prepared(session, case, notice, recipient, variables, order)

    def _prepared(
        self,
        session: Session,
        case: Case,
        notice: Notice,
        recipient: Recipient,
        variables: dict[str, Any],
        order: NoticeOrder,
    ) -> PreparedNotice:
        """Return the notice with the first delivery of every channel ordered so far; lay out what is new."""
        rows = session.exec(select(Delivery).where(Delivery.notice_id == notice.id, Delivery.attempt == 1))
        firsts = {Channel(d.channel): d for d in rows}
        for channel in order.channels:
            if channel not in firsts:
                firsts[channel] = self._lay_out(
                    session, case, notice, recipient, channel, 1, variables, order.at
                )
        return PreparedNotice(notice.id, tuple(_prepared(d) for d in firsts.values()))

    def _variables(self, file: CaseFile, recipient: Recipient, answer_by: datetime | None) -> dict[str, Any]:
        """Return what a text may use; the same for the preview and for the real thing."""
        local = answer_by.astimezone(ZoneInfo(file.branch.zone)) if answer_by else None
        return {
            "company": self._settings.company,
            "branch": file.branch.name,
            "employee": file.person.name,
            "number": file.person.number,
            "recipient": recipient.name,
            "answer_by": local,
            "contact": self._settings.contact,
            "service_address": file.person.service_address,
            "e_delivery_consent_on": file.person.e_delivery_consent_on,
            "consent_signed_on": file.consent.signed_on if file.consent else None,
            **file.variables(self._calendar),
        }

    def _keep_rendered(
        self, session: Session, case: Case, notice: Notice, text: NoticeText, file: CaseFile
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
            "consent": cite(session, self._evidence, case, person, file.consent, self._clock()),
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
        resent: bool = False,
    ) -> Delivery:
        """Store one delivery with its link and its finished text."""
        delivery_id = new_id()
        address = recipient.address(channel)
        code = self._links.code(delivery_id) if address else None
        carried = self._channel_text(Process(case.kind), notice, channel, recipient, code, variables)
        delivery = Delivery(
            id=delivery_id,
            notice_id=notice.id,
            case_id=case.id,
            channel=channel.value,
            attempt=attempt,
            state=DeliveryState.PENDING.value,
            address=address,
            subject=self._subject(notice) if channel is Channel.EMAIL else None,
            text=carried.text,
            sms_template=_template(carried),
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
            more: dict[str, Any] = {"expires_at": expires.isoformat()}
            if resent:
                more["resent"] = True
            self._events.append(session, case, delivery, "link", at, EventKind.LINK_ISSUED, more)
        if channel is Channel.IN_SYSTEM:
            self._events.append(session, case, delivery, "inbox", at, EventKind.DELIVERY_DELIVERED, {})
        if channel in POSTED:
            self._papers.keep(session, case, notice, at)
        return delivery

    def _subject(self, notice: Notice) -> str:
        """Return the subject of a mail; that of a confidential notice names nothing but the company."""
        return self._settings.company if notice.sensitive else f"{notice.title}（{self._settings.company}）"

    def _channel_text(
        self,
        process: Process,
        notice: Notice,
        channel: Channel,
        recipient: Recipient,
        code: str | None,
        variables: Mapping[str, Any],
    ) -> FilledText:
        """Return what one channel carries: the short text, the mail, or the notice itself."""
        if channel not in _ADDRESSED:
            return FilledText(notice.text, None)
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
            "template": notice.template,
        }
        if notice.sensitive:
            # What travels outside names neither the person nor the matter.
            name, mail = CONFIDENTIAL, f"mail_{CONFIDENTIAL}"
        else:
            name, mail = notice.template, "mail"
        renderer, audience, language = self._renderers[process], notice.audience, notice.language
        if channel is Channel.EMAIL:
            return FilledText(renderer.mail(language, more, mail), None)
        try:
            registered = self._registered(process, name, audience, language, recipient.phone or "", more)
        except TemplateRefused:
            if code == PREVIEW_CODE:
                raise
            registered = None  # a start is refused for it; a running case goes on, and the provider says why
        return registered or FilledText(renderer.sms(name, audience, language, more), None)

    def preview(
        self,
        file: CaseFile,
        step: str,
        audience: Audience,
        channels: Sequence[Channel],
        answer_by: datetime | None,
        confidential: bool,
    ) -> list[PreviewText]:
        """Return what each channel of a step would carry, with a code that opens nothing.

        Raises `TemplateFault`, `TemplateRefused`, and `Unprintable` for a letter with characters no font has.
        """
        recipient = file.recipient(audience)
        if channels and channels[0] in DONE_BY_HAND:
            answer_by = None
        variables = self._variables(file, recipient, answer_by)
        renderer = self._renderers[file.process]
        text = file.notice(renderer, template_of(step, channels), audience, recipient.language, variables)
        notice = Notice(
            id="preview",
            case_id="preview",
            step=step,
            person_id=recipient.id,
            template=step,
            audience=audience.value,
            language=recipient.language,
            title=text.title,
            text=text.text,
            fingerprint=text.fingerprint,
            sensitive=confidential,
            letterhead=self._papers.letterhead(file, audience, channels),
            created_at=self._clock(),
        )
        if POSTED & set(channels):
            self._papers.check(notice)

        def carried(channel: Channel) -> str:
            filled = self._channel_text(file.process, notice, channel, recipient, PREVIEW_CODE, variables)
            return filled.text

        return [
            PreviewText(
                step,
                audience,
                channel,
                recipient.language,
                recipient.name,
                recipient.address(channel),
                text.title,
                carried(channel),
                confidential,
            )
            for channel in channels
        ]

    def next_attempt(self, order: NextAttemptOrder) -> PreparedDelivery:
        """Store the attempt that follows a delivery, once."""
        return self._database.write(lambda session: self._next_attempt(session, order))

    def _next_attempt(self, session: Session, order: NextAttemptOrder) -> PreparedDelivery:
        last = session.get_one(Delivery, order.delivery_id)
        if not order.resent and last.state in _ARRIVED:
            return _prepared(last)  # a report was faster than the retry
        known = session.exec(
            select(Delivery).where(
                Delivery.notice_id == last.notice_id,
                Delivery.channel == last.channel,
                Delivery.attempt == last.attempt + 1,
            )
        ).first()
        if known is None:
            case, notice = session.get_one(Case, last.case_id), session.get_one(Notice, last.notice_id)
            file = file_of(session, case, order.at)
            recipient = file.recipient(Audience(notice.audience))
            variables = self._variables(file, recipient, notice.answer_by)
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
                order.resent,
            )
        return _prepared(known)


def _template(carried: FilledText) -> dict[str, Any] | None:
    template = carried.template
    return (
        None if template is None else {"code": template.code, "parameters": [*map(list, template.parameters)]}
    )


def _prepared(delivery: Delivery) -> PreparedDelivery:
    return PreparedDelivery(
        delivery.id, Channel(delivery.channel), accepted=delivery.channel == Channel.IN_SYSTEM
    )
