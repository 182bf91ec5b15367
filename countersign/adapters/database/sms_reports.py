"""What SMS providers send us: delivery reports, and what people text back."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.acts import Acts, NewAct
from countersign.adapters.database.cases import case_now, raise_alarm_once
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.receipts import Receipt, Receipts, opt_out
from countersign.adapters.database.tables import Case, Delivery, Link, Notice, OptOut
from countersign.adapters.links import LinkKeys
from countersign.contracts.cases import ActKind, Process, Role
from countersign.domain.aliyun_reports import report_of_aliyun
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.receipts import delivery_state_for, meaning_of
from countersign.domain.sms_reply import Keyword, codes_in, keyword_of
from countersign.retries import ONCE_A_DAY


class SmsReports:
    """Reads the raw forms that the inbox keeps."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        receipts: Receipts,
        acts: Acts,
        links: LinkKeys,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._evidence, self._receipts = database, evidence, receipts
        self._acts, self._links, self._clock = acts, links, clock

    def twilio_status(self, raw: Mapping[str, Any]) -> str:
        """Take in a delivery report; `delivery` is the id that stood in the callback's address."""
        code = str(raw["ErrorCode"]) if raw.get("ErrorCode") else None
        state = delivery_state_for(str(raw.get("MessageStatus", "")), code)
        if state is None:
            return "a status that says nothing new"
        sentence = meaning_of(code).en if code else None
        named = str(raw["delivery"]) if raw.get("delivery") else None
        return _said(
            self._receipts.take(Receipt(state, named, str(raw.get("MessageSid", "")), code, sentence))
        )

    def aliyun_report(self, raw: Mapping[str, Any]) -> str:
        """Take in one element of a batch of delivery reports."""
        named, provider_id, state, code = report_of_aliyun(raw)
        if state is None:
            return "a status that says nothing new"
        sentence = meaning_of(code).en if code else None
        return _said(self._receipts.take(Receipt(state, named, provider_id, code, sentence)))

    def aliyun_reply(self, raw: Mapping[str, Any]) -> str:
        """Take in one element of a batch of replies; the provider writes numbers without the country."""
        number = str(raw.get("phone_number", ""))
        told = {
            "From": number if number.startswith("+") else f"+86{number.removeprefix('86')}",
            "Body": str(raw.get("content", "")),
            "MessageSid": f"aliyun-{raw.get('sequence_id') or _told(raw)}",
        }
        return self.reply(told)

    def reply(self, raw: Mapping[str, Any]) -> str:
        """Keep a text that came back: evidence always, an acknowledgement only with the delivery's own code.

        A single word that asks for silence closes the channel to this number for the whole company.
        """
        number, text = str(raw.get("From", "")), str(raw.get("Body", ""))
        sid = str(raw.get("MessageSid") or _told(raw))
        keyword = keyword_of(text)
        found = self._database.write(lambda session: self._keep(session, number, text, sid, keyword))
        if found is None:
            return "nobody was written to at this number"
        delivery_id, case_id, audience, by_code = found
        if not by_code:
            return f"case {case_id}"
        _ = self._acts.take(
            NewAct(
                id=f"sms-{sid}",
                case_id=case_id,
                kind=ActKind.ACKNOWLEDGED,
                role=Role(audience),
                actor="holder of the number",
                body={"by": "sms"},
                words={"words": text},
                link_id=delivery_id,
                audience=audience,
            )
        )
        return f"case {case_id}, acknowledged"

    def _keep(
        self, session: Session, number: str, text: str, sid: str, keyword: Keyword | None
    ) -> tuple[str, str, str, bool] | None:
        # Only what was handed over can have been answered; a message that is held has reached nobody.
        written = select(Delivery).where(
            Delivery.channel == "sms", Delivery.address == number, col(Delivery.sending_at).is_not(None)
        )
        latest = session.exec(
            written.order_by(col(Delivery.sending_at).desc(), col(Delivery.id).desc())
        ).first()
        if keyword is Keyword.STOP:
            opt_out(session, number, "sms", "replied with a word that asks for silence", self._clock())
        elif keyword is Keyword.START:
            closed = session.get(OptOut, (number, "sms"))
            if closed is not None:
                session.delete(closed)
        if latest is None:
            return None
        by_code = self._of_code(session, number, text)
        delivery = by_code or latest
        case, notice = session.get_one(Case, delivery.case_id), session.get_one(Notice, delivery.notice_id)
        others = {d.case_id for d in session.exec(written)} - {case.id}
        body = {
            "delivery": delivery.id,
            "channel": "sms",
            "text": Sealed(text),
            "matched_by": "code" if by_code else "number",
            "other_cases_of_this_number": len(others),
            "keyword": keyword.value if keyword else None,
        }
        actor = {"role": Role(notice.audience).value, "id": "holder of the number"}
        now = case_now(case, self._clock())
        self._evidence.append(session, case, f"reply/{sid}", now, EventKind.ANSWER_REPLIED, actor, body)
        alarm = "opted_out" if keyword is Keyword.STOP else "reply"
        raise_alarm_once(session, alarm, self._clock(), case.id, ONCE_A_DAY)
        # Where the text message showed nothing of what is to be confirmed, a text cannot acknowledge it.
        shown = not notice.sensitive and case.kind != Process.ACKNOWLEDGEMENT
        return delivery.id, case.id, notice.audience, by_code is not None and shown

    def _of_code(self, session: Session, number: str, text: str) -> Delivery | None:
        """Return the delivery whose code the text holds, if it went to this number and its link is valid."""
        for code in codes_in(text):
            link = session.exec(select(Link).where(col(Link.code_hash).in_(self._links.hashes(code)))).first()
            if link is None or link.revoked_at is not None:
                continue
            case, delivery = session.get_one(Case, link.case_id), session.get_one(Delivery, link.id)
            if delivery.address == number and link.expires_at > case_now(case, self._clock()):
                return delivery
        return None


def _said(case_id: str | None) -> str:
    return "no such message" if case_id is None else f"case {case_id}"


def _told(raw: Mapping[str, Any]) -> str:
    """Return a name for a reply that the provider gave none, the same for its twin."""
    return hashlib.sha256(json.dumps(dict(raw), sort_keys=True, default=str).encode()).hexdigest()[:26]
