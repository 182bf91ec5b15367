"""Sending: one attempt begins at most once, and every end of it is kept.

The transition `pending → sending` is committed before the call. A row that says `sending` when another
worker finds it therefore means "may have left", never "has not left".
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.cases import raise_alarm, raise_alarm_once
from countersign.adapters.database.deliveries import ENDED, DeliveryEvents
from countersign.adapters.database.engine import Database
from countersign.adapters.database.receipts import heed_opt_out
from countersign.adapters.database.send_gate import NEVER, Held, SendGate
from countersign.adapters.database.tables import Case, Delivery, Notice, ProviderHealth
from countersign.adapters.mail_addresses import MailAddresses
from countersign.contracts.notices import STOPPED, SendOrder, SendResult, SendState
from countersign.contracts.sending import MailMessage, OutcomeState, SendOutcome, SmsMessage
from countersign.domain.code_meaning import CodeClass
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.policy import Channel
from countersign.domain.receipts import DeliveryState, advance, meaning_of
from countersign.domain.sms_templates import RegisteredTemplate
from countersign.ports import SendTicket
from countersign.retries import ONCE_A_DAY

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
_ALARM_AFTER = timedelta(minutes=2)
"""A provider that fails for this long, without a success in between, is told to somebody."""

_OUT_OF_ORDER = frozenset(
    {
        "sms_not_connected",
        "sms_server_error",
        "sms_no_reply",
        "smtp_not_connected",
        "smtp_interrupted",
        "smtp_421",
    }
)


class Sendings:
    """The book of attempts. `hooks` is the public address under which providers report."""

    def __init__(
        self,
        database: Database,
        events: DeliveryEvents,
        gate: SendGate,
        mail: MailAddresses,
        hooks: str,
        mail_domain: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._events, self._gate, self._mail = database, events, gate, mail
        self._hooks, self._mail_domain, self._clock = hooks, mail_domain, clock

    # -- before the call ----------------------------------------------------------------------------------

    def begin_sending(self, order: SendOrder, token: str) -> SendTicket | SendResult:
        """Move `pending → sending` and return the ticket, or say why nothing may leave."""
        return self._database.write(lambda session: self._begin(session, order, token))

    def _begin(self, session: Session, order: SendOrder, token: str) -> SendTicket | SendResult:
        delivery = session.get_one(Delivery, order.delivery_id)
        case = session.get_one(Case, order.case_id)
        state = DeliveryState(delivery.state)
        if state is DeliveryState.SENDING:
            return self._lost(session, case, delivery, order.at)
        if state is not DeliveryState.PENDING:
            return SendResult(ENDED[state], delivery.error_code)
        never = self._gate.why_never(session, case, delivery, order.at)
        if never is not None:
            delivery.state, delivery.sentence = DeliveryState.SUPPRESSED.value, NEVER[never]
            delivery.settled_at, delivery.held_why = order.at, None
            more = {"because": NEVER[never]}
            self._events.append(
                session, case, delivery, "suppressed", order.at, EventKind.DELIVERY_SUPPRESSED, more
            )
            return SendResult(SendState.SUPPRESSED, never)
        held = self._gate.why_held(session, case, delivery, order.at)
        if held is not None:
            self._hold(session, case, delivery, order.at, held)
            return SendResult(SendState.HELD, held.why, held.not_before)
        return self._leave(session, case, delivery, order.at, token)

    def _lost(self, session: Session, case: Case, delivery: Delivery, at: datetime) -> SendResult:
        """Another worker held the ticket and never came back: the message may have left."""
        delivery.state, delivery.error_code = DeliveryState.UNKNOWN.value, "worker_lost"
        delivery.sentence = meaning_of("worker_lost").en
        more = {"code": "worker_lost"}
        self._events.append(session, case, delivery, "lost", at, EventKind.DELIVERY_UNKNOWN, more)
        return SendResult(SendState.UNKNOWN, "worker_lost")

    def _leave(
        self, session: Session, case: Case, delivery: Delivery, at: datetime, token: str
    ) -> SendTicket:
        delivery.state, delivery.token, delivery.sending_at = (
            DeliveryState.SENDING.value,
            token,
            self._clock(),
        )
        delivery.day, delivery.held_why = branch_day(session, case.branch_id, at), None
        delivery.provider = self._gate.provider_of(delivery.channel, delivery.address or "")
        notice = session.get_one(Notice, delivery.notice_id)
        more = {
            "fingerprint": notice.fingerprint,
            "provider": delivery.provider,
            "address": Sealed(delivery.address or ""),
            "text": Sealed(delivery.text),
            "possible_duplicate": delivery.possible_duplicate,
        }
        self._events.append(session, case, delivery, "sending", at, EventKind.DELIVERY_SENDING, more)
        return self._ticket(delivery, notice, delivery.sending_at)

    def _ticket(self, delivery: Delivery, notice: Notice, left: datetime) -> SendTicket:
        """Return what a call about a delivery needs; rows of the first release name no provider."""
        provider = delivery.provider or self._gate.provider_of(delivery.channel, delivery.address or "")
        return SendTicket(self._message(delivery, notice), left, provider)

    def _message(self, delivery: Delivery, notice: Notice) -> SmsMessage | MailMessage:
        if delivery.channel == Channel.SMS:
            return SmsMessage(
                to=delivery.address or "",
                text=delivery.text,
                delivery_code=delivery.code or "",
                # The delivery's id stands in the address, so that a report settles an attempt whose answer,
                # and with it the provider's own id, was lost.
                status_callback=f"{self._hooks}/twilio/status/{delivery.id}",
                delivery_id=delivery.id,
                template=_template(delivery.sms_template),
            )
        return MailMessage(
            to=delivery.address or "",
            subject=delivery.subject or "",
            text=delivery.text,
            html=None,
            message_id=f"<{delivery.id}.{delivery.attempt}@{self._mail_domain}>",
            notice_id=delivery.notice_id,
            delivery_id=delivery.id,
            attempt=delivery.attempt,
            return_path=self._mail.return_path(delivery.id),
            reply_to=self._mail.reply_to(delivery.id),
        )

    def held(self, order: SendOrder, because: str) -> None:
        """Keep that an attempt was not made now, and why."""

        def keep(session: Session) -> None:
            delivery = session.get_one(Delivery, order.delivery_id)
            self._hold(session, session.get_one(Case, order.case_id), delivery, order.at, Held(because))

        self._database.write(keep)

    def _hold(self, session: Session, case: Case, delivery: Delivery, at: datetime, held: Held) -> None:
        delivery.held_why = held.why
        delivery.provider = self._gate.provider_of(delivery.channel, delivery.address or "")
        # A stop or a cap is asked about again and again: once a day is enough for the evidence.
        told = held.why == STOPPED or held.not_before is not None
        key = f"held/{held.why}/{branch_day(session, case.branch_id, at) if told else at.isoformat()}"
        more = {
            "because": held.why,
            "not_before": held.not_before.isoformat() if held.not_before else None,
        }
        self._events.append(session, case, delivery, key, at, EventKind.NOTICE_NOTHING_SENT, more)
        if held.not_before is not None:
            raise_alarm_once(session, held.why, self._clock(), case.id, ONCE_A_DAY)

    # -- after the call -----------------------------------------------------------------------------------

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
        after = advance(DeliveryState(delivery.state), reported)
        settled = token is None
        if reported is DeliveryState.SENT:
            delivery.sent_at = delivery.sent_at or order.at
            if after is reported:
                delivery.error_code = delivery.sentence = None
        elif after is reported:
            delivery.error_code, delivery.sentence = outcome.code, outcome.sentence
            delivery.settled_at = order.at
        # Most providers refuse such a number at once, so that no report ever follows.
        heed_opt_out(session, delivery, outcome.code, self._clock())
        delivery.state = after.value
        kind = EventKind.DELIVERY_SETTLED if settled else _KIND_OF[reported]
        more = {
            "state": reported.value,
            "code": outcome.code,
            "says": outcome.sentence,
            "provider_id": delivery.provider_id,
        }
        self._events.append(session, case, delivery, f"end/{token or 'settled'}", order.at, kind, more)
        self._note_health(session, case, delivery, outcome)

    def _note_health(self, session: Session, case: Case, delivery: Delivery, outcome: SendOutcome) -> None:
        """Tell somebody when a provider is away, refuses our account, or refuses what we write."""
        name, now = delivery.provider or delivery.channel, self._clock()
        kind = meaning_of(outcome.code).kind if outcome.code else None
        if kind is CodeClass.CONFIGURATION:
            raise_alarm_once(session, "provider_settings", now, None, timedelta(hours=1), f"({name})")
        if kind is CodeClass.CONTENT:
            raise_alarm(session, "content_refused", now, case.id, f"({name})")
        health = session.get(ProviderHealth, name)
        if outcome.code not in _OUT_OF_ORDER:
            if health is not None:
                health.failing_since = health.alarmed_at = None
            return
        if health is None:
            health = ProviderHealth(provider=name)
            session.add(health)
        health.failing_since = health.failing_since or now
        if health.alarmed_at is None and now - health.failing_since >= _ALARM_AFTER:
            health.alarmed_at = now
            raise_alarm(session, "provider_down", now, None, f"({name})")

    # -- attempts that may have left ----------------------------------------------------------------------

    def ticket_of_unknown(self, order: SendOrder) -> SendTicket | SendResult:
        """Return the ticket of an attempt whose end is not known, or the end if it is known by now."""
        with self._database.reading() as session:
            delivery = session.get_one(Delivery, order.delivery_id)
            state = DeliveryState(delivery.state)
            if state is not DeliveryState.UNKNOWN or delivery.sending_at is None:
                return SendResult(ENDED.get(state, SendState.UNKNOWN), delivery.error_code)
            notice = session.get_one(Notice, delivery.notice_id)
            return self._ticket(delivery, notice, delivery.sending_at)

    def not_found(self, order: SendOrder) -> None:
        """Keep that the provider knows nothing of an attempt."""

        def keep(session: Session) -> None:
            delivery = session.get_one(Delivery, order.delivery_id)
            case = session.get_one(Case, order.case_id)
            more = {"state": "unknown", "code": "not_found"}
            if delivery.channel == Channel.SMS:
                # Missing in the provider's own list: as good as not sent, so it uses up none of the day's.
                delivery.day = None
            self._events.append(
                session, case, delivery, "not_found", order.at, EventKind.DELIVERY_SETTLED, more
            )

        self._database.write(keep)

    # -- attempts without a final report ------------------------------------------------------------------

    def without_report(self, older_than: datetime, limit: int = 50) -> list[str]:
        """Return text messages that left before `older_than`, have no final report and may be asked about."""
        now = self._clock()
        with self._database.reading() as session:
            rows = session.exec(
                select(Delivery.id)
                .where(
                    Delivery.channel == Channel.SMS.value,
                    col(Delivery.state).in_((DeliveryState.SENT.value, DeliveryState.UNKNOWN.value)),
                    col(Delivery.sending_at) < older_than,
                    col(Delivery.polls) < _MOST_POLLS,
                    (col(Delivery.ask_at).is_(None)) | (col(Delivery.ask_at) <= now),
                )
                .order_by(col(Delivery.ask_at).asc().nulls_first(), col(Delivery.sending_at))
                .limit(limit)
            )
            return list(rows)

    def ask_about(self, delivery_id: str, rest: timedelta) -> tuple[SendTicket, str | None]:
        """Note that the provider is asked about a message; return its ticket and the provider's id of it.

        It is asked again after `rest`, twice that, four times that, and so on.
        """

        def note(session: Session) -> tuple[SendTicket, str | None]:
            delivery = session.get_one(Delivery, delivery_id)
            notice = session.get_one(Notice, delivery.notice_id)
            delivery.ask_at = self._clock() + rest * 2**delivery.polls
            delivery.polls += 1
            ticket = self._ticket(delivery, notice, delivery.sending_at or self._clock())
            return ticket, delivery.provider_id

        return self._database.write(note)


def _template(stored: dict[str, Any] | None) -> RegisteredTemplate | None:
    if stored is None:
        return None
    return RegisteredTemplate(stored["code"], tuple((name, value) for name, value in stored["parameters"]))


_MOST_POLLS = 9
"""So often one message is asked about; what the carrier has not said by then it never says."""
