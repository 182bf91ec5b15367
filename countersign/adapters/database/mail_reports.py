"""Mails that came back, matched to their delivery: reports move it on, answers become evidence."""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from countersign.adapters.database.acts import Acts, NewAct
from countersign.adapters.database.cases import case_now, raise_alarm_once
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.filing import file_document
from countersign.adapters.database.receipts import Receipt, Receipts
from countersign.adapters.database.tables import Case, Delivery, Document, Link, Notice
from countersign.adapters.documents import Documents
from countersign.adapters.links import normalised
from countersign.contracts.cases import ActKind, Role
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.mail_report import MailAction, MailKind, MailReport, read_mail
from countersign.domain.receipts import CodeClass, DeliveryState, meaning_of
from countersign.domain.reply_text import without_original
from countersign.ids import new_id
from countersign.retries import ONCE_A_DAY

MAIL_TYPE = "message/rfc822"
# Looked for at every place: in "code ABCD-EFGH-JKMN" the word before has the shape of a group itself.
_CODE = re.compile(
    r"(?<![0-9A-Za-z/-])(?=([0-9A-Za-z]{4}[ -]?[0-9A-Za-z]{4}[ -]?[0-9A-Za-z]{4})(?![0-9A-Za-z]))"
)
_TRIED_AGAIN = frozenset({CodeClass.TEMPORARY, CodeClass.CONFIGURATION})
_SAYS = {
    MailAction.DELIVERED: "The mail server says that it put the mail into the mailbox.",
    MailAction.EXPANDED: "The mail server says that the mail arrived and was passed on to several mailboxes.",
    MailAction.RELAYED: "The mail server passed the mail on to a server that makes no reports.",
}


class MailReports:
    """Works off mails that the intake stored; the same mail again changes nothing."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        acts: Acts,
        receipts: Receipts,
        documents: Documents,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._evidence = database, evidence
        self._acts, self._receipts = acts, receipts
        self._documents, self._clock = documents, clock

    def handle(self, raw: Mapping[str, Any]) -> str:
        """Work off one row of the inbox, as the intake wrote it; return what it was, free of personal data.

        Only a mail to a return path is believed to be a relay's report: everybody who is written to can see
        the reply address.
        """
        sha256, delivery_id = str(raw["sha256"]), str(raw["delivery"])
        content = self._documents.read(sha256)
        report = read_mail(content, null_sender=not raw["mail_from"])
        if report.kind in (MailKind.AUTOMATIC, MailKind.REPLY) or raw["kind"] != "bounce":
            return self._answer(delivery_id, sha256, len(content), report)
        if report.kind is MailKind.DELAY:
            return f"delivery {delivery_id}: delayed, the mail server keeps trying"
        return self._report(delivery_id, report)

    # -- reports of relays --------------------------------------------------------------------------------

    def _report(self, delivery_id: str, report: MailReport) -> str:
        with self._database.reading() as session:
            if session.get(Delivery, delivery_id) is None:
                return "no such delivery"
        state = _state(report)
        says = meaning_of(report.code).en if report.code else _SAYS.get(report.action or MailAction.DELIVERED)
        self._receipts.take(
            Receipt(delivery_id=delivery_id, provider_id=None, state=state, code=report.code, sentence=says)
        )
        return f"delivery {delivery_id}: {state.value}, {report.status or 'no status code'}"

    # -- answers ------------------------------------------------------------------------------------------

    def _answer(self, delivery_id: str, sha256: str, size: int, report: MailReport) -> str:
        automatic = report.kind is not MailKind.REPLY
        with self._database.reading() as session:
            delivery = session.get(Delivery, delivery_id)
        if delivery is None:
            return "no such delivery"
        holds_code = not automatic and _holds_code(report.above, delivery)

        def keep(session: Session) -> tuple[str | None, str]:
            case = session.get_one(Case, delivery.case_id)
            notice = session.get_one(Notice, delivery.notice_id)
            self._keep_answer(session, case, delivery, notice, sha256, size, report, holds_code)
            link = session.get(Link, delivery_id)
            if (
                link is None
                or link.revoked_at is not None
                or link.expires_at <= case_now(case, self._clock())
            ):
                return None, "with the code of a link that is no longer valid"
            # A confidential notice has shown nobody anything yet: a mail cannot acknowledge it.
            if notice.sensitive:
                return None, "with the code of a confidential notice, which only its page can acknowledge"
            return link.person_id, "with its code, acknowledged"

        person_id, became = self._database.write(keep)
        what = f"delivery {delivery_id}: {'automatic answer' if automatic else 'answer'}"
        if not holds_code:
            return what
        if person_id is not None:
            self._acknowledge(delivery, person_id, sha256, report)
        return f"{what} {became}"

    def _keep_answer(
        self,
        session: Session,
        case: Case,
        delivery: Delivery,
        notice: Notice,
        sha256: str,
        size: int,
        report: MailReport,
        holds_code: bool,
    ) -> None:
        """Keep an answer with its raw mail and, from a person, tell HR; once for each mail and delivery."""
        automatic = report.kind is not MailKind.REPLY
        now, key = case_now(case, self._clock()), f"mail/{delivery.id}/{sha256}"
        actor = (
            {"role": Role.MACHINE.value, "id": "answering machine"}
            if automatic
            else {"role": notice.audience, "id": "holder of the mailbox"}
        )
        body = {
            "delivery": delivery.id,
            "channel": delivery.channel,
            "automatic": automatic,
            "holds_code": holds_code,
            "from": Sealed(report.sender),
            "subject": Sealed(report.subject),
            "text": Sealed(report.text),
            "mail_sha256": sha256,
            "attachments": [
                {"sha256": file.sha256, "size": file.size, "media_type": file.media_type}
                for file in report.attachments
            ],
        }
        if not self._evidence.append(session, case, key, now, EventKind.ANSWER_REPLIED, actor, body):
            return
        document = Document(
            id=new_id(),
            case_id=case.id,
            sha256=sha256,
            media_type=MAIL_TYPE,
            size=size,
            kind="mail",
            created_at=self._clock(),
        )
        file_document(session, self._evidence, case, document, now, actor, {"delivery": delivery.id})
        if not automatic:
            raise_alarm_once(session, "reply", self._clock(), case.id, ONCE_A_DAY)

    def _acknowledge(self, delivery: Delivery, person_id: str, sha256: str, report: MailReport) -> None:
        """Take the answer as the button of the delivery's own page would be taken: its code stands in it."""
        with self._database.reading() as session:
            notice = session.get_one(Notice, delivery.notice_id)
        told = f"mail\n{delivery.id}\n{sha256}"
        self._acts.take(
            NewAct(
                id=hashlib.sha256(told.encode()).hexdigest()[:40],
                case_id=delivery.case_id,
                kind=ActKind.ACKNOWLEDGED,
                role=Role(notice.audience),
                actor=person_id,
                body={"by": "mail"},
                words={"words": report.text},
                link_id=delivery.id,
                audience=notice.audience,
                shown_sha256=notice.fingerprint,
            )
        )


def _state(report: MailReport) -> DeliveryState:
    if report.kind is MailKind.DELIVERED:
        # A server that only passed the mail on does not claim that it arrived, so neither do we.
        return DeliveryState.SENT if report.action is MailAction.RELAYED else DeliveryState.DELIVERED
    again = report.code is not None and meaning_of(report.code).kind in _TRIED_AGAIN
    return DeliveryState.FAILED_TEMPORARY if again else DeliveryState.FAILED_PERMANENT


def _holds_code(above: str, delivery: Delivery) -> bool:
    """Say whether a person wrote the delivery's receipt code, and not their mail program in a quote."""
    if not delivery.code:
        return False
    own = unicodedata.normalize("NFKC", without_original(above, delivery.text))
    typed = (normalised(found) for found in _CODE.findall(own))
    return any(hmac.compare_digest(one, normalised(delivery.code)) for one in typed if one)
