"""Acts: what people do, committed before anything else. The row is the receipt and the stop."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.case_files import file_of
from countersign.adapters.database.cases import actor_of, case_now, raise_alarm
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.filing import file_document
from countersign.adapters.database.own_departure import refuse_own_case
from countersign.adapters.database.receipts import tell_ladder
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Delivery,
    Document,
    Link,
    Suppression,
)
from countersign.contracts.cases import ANSWERS, Act, ActKind, Role
from countersign.contracts.notices import SendState
from countersign.domain.evidence import EventKind, Sealed, canonical
from countersign.domain.levels import Level, level_words
from countersign.ids import new_id

ANSWER_EVENTS = {
    ActKind.RETURNS_ON: EventKind.ANSWER_RETURNS_ON,
    ActKind.EXTENSION_ASKED: EventKind.ANSWER_EXTENSION_ASKED,
    ActKind.OBJECTED: EventKind.ANSWER_OBJECTED,
    ActKind.RESIGNED: EventKind.ANSWER_RESIGNED,
    ActKind.NOT_ME: EventKind.ANSWER_NOT_ME,
    ActKind.ACKNOWLEDGED: EventKind.ANSWER_ACKNOWLEDGED,
}


@dataclass(frozen=True)
class StoredFile:
    """A file that was checked and stored; `sha256` names its bytes in the data directory."""

    sha256: str
    media_type: str
    size: int
    name: str = field(repr=False)


@dataclass(frozen=True)
class NewAct:
    """An act on its way into the books.

    `body` holds dates, steps and choices (no personal data); `words` what a person wrote, sealed in the
    evidence. `shown_sha256` is the hash of what the person saw when acting.
    """

    id: str
    case_id: str
    kind: ActKind
    role: Role
    actor: str
    body: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict, repr=False)
    link_id: str | None = None
    audience: str | None = None
    shown_sha256: str | None = None
    files: tuple[StoredFile, ...] = ()
    acting_for: str | None = None


@dataclass(frozen=True)
class ActView:
    """What a person is shown of an act of theirs: the receipt.

    `state` is `waiting` (recorded, being processed), `accepted` or `settled` (it has taken effect), `late`
    (the case was already decided) or `refused`; `sentence` says why for the last two.
    """

    id: str
    case_id: str
    kind: ActKind
    at: datetime
    recorded_at: datetime
    fingerprint: str
    state: str
    sentence: str | None
    body: dict[str, Any]
    words: dict[str, str] = field(repr=False)
    files: tuple[StoredFile, ...] = ()


class Acts:
    """Takes in acts and keeps their fate."""

    def __init__(self, database: Database, evidence: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock

    def take(self, new: NewAct) -> ActView:
        """Commit an act with its evidence; the same id again returns the first receipt.

        On a case that is closed already the act is kept as late: the fact that it came is evidence too.
        """
        return self._database.write(lambda session: self.take_within(session, new))

    def take_within(self, session: Session, new: NewAct) -> ActView:
        """Do the same inside the caller's transaction, for an act that others must happen with.

        Raises `Refusal` for what somebody does for the company in a case about themselves.
        """
        known = session.get(ActRow, new.id)
        if known is not None:
            return self._view(session, known)
        case = session.get_one(Case, new.case_id)
        refuse_own_case(session, case, new.actor)
        now = self._clock()
        at = case_now(case, now)
        late = case.state == "closed"
        act = ActRow(
            id=new.id,
            case_id=case.id,
            kind=new.kind.value,
            role=new.role.value,
            actor=new.actor,
            acting_for=new.acting_for,
            link_id=new.link_id,
            audience=new.audience,
            body=dict(new.body),
            words=dict(new.words),
            shown_sha256=new.shown_sha256,
            fingerprint=_fingerprint(new, at),
            at=at,
            recorded_at=now,
            state="late" if late else "waiting",
            sentence=self._decided(session, case) if late else None,
        )
        session.add(act)
        session.flush()
        for file in new.files:
            self._keep_file(session, case, act, file)
        if new.kind in ANSWERS:
            self._keep_answer(session, case, act, new, late)
        return self._view(session, act)

    def _keep_answer(self, session: Session, case: Case, act: ActRow, new: NewAct, late: bool) -> None:
        kind = EventKind.ANSWER_LATE if late else ANSWER_EVENTS[new.kind]
        body = {
            **new.body,
            **{name: Sealed(text) for name, text in new.words.items() if text},
            "act": act.id,
            "answer": new.kind.value,
            "link": new.link_id,
            "says": level_words(Level.ACKNOWLEDGED) if new.link_id else None,
            "shown_sha256": new.shown_sha256,
            "fingerprint": act.fingerprint,
            "files": [file.sha256 for file in new.files],
        }
        actor = actor_of(session, act)
        self._evidence.append(session, case, f"act/{act.id}", act.at, kind, actor, body)
        if late:
            raise_alarm(session, "late_answer", self._clock(), case.id)
        delivery = session.get(Delivery, new.link_id) if new.link_id else None
        if delivery is None:
            return
        delivery.acknowledged_at = delivery.acknowledged_at or act.at
        if new.kind is ActKind.NOT_ME and delivery.address:
            self._suppress(session, case, delivery, act)

    def _suppress(self, session: Session, case: Case, delivery: Delivery, act: ActRow) -> None:
        """Send nothing more to this address in this case, and let its links show nothing more."""
        address = delivery.address or ""
        if session.get(Suppression, (case.id, address)) is None:
            session.add(
                Suppression(case_id=case.id, address=address, reason="not_me", created_at=self._clock())
            )
            raise_alarm(session, "not_me", self._clock(), case.id)
        twins = session.exec(select(Delivery).where(Delivery.case_id == case.id, Delivery.address == address))
        for twin in twins:
            tell_ladder(session, case, twin, SendState.FAILED_PERMANENT, "not_me", self._clock())
            link = session.get(Link, twin.id)
            if link is None or link.revoked_at is not None:
                continue
            link.revoked_at, link.revoked_why = self._clock(), "not_me"
            body = {"delivery": link.id, "because": "not_me", "act": act.id}
            actor = {"role": "machine", "id": "links"}
            self._evidence.append(
                session, case, f"link/{link.id}/revoked", act.at, EventKind.LINK_REVOKED, actor, body
            )

    def _keep_file(self, session: Session, case: Case, act: ActRow, file: StoredFile) -> None:
        document = Document(
            id=new_id(),
            case_id=case.id,
            act_id=act.id,
            sha256=file.sha256,
            media_type=file.media_type,
            size=file.size,
            kind="answer",
            created_at=self._clock(),
        )
        about = {"act": act.id, "name": Sealed(file.name)}
        actor = actor_of(session, act)
        file_document(session, self._evidence, case, document, act.at, actor, about)

    def _decided(self, session: Session, case: Case) -> str:
        """Say who decided a closed case and when, for whoever comes later."""
        last = session.exec(
            select(ActRow)
            .where(ActRow.case_id == case.id, col(ActRow.state).in_(("accepted", "settled")))
            .order_by(col(ActRow.recorded_at).desc())
        ).first()
        role = last.role if last is not None else "machine"
        when = last.at if last is not None else (case.closed_at or self._clock())
        return f"already decided by {role} at {when.isoformat(timespec='seconds')}"

    # -- fate ---------------------------------------------------------------------------------------------

    def waiting(self, older_than: datetime, limit: int = 100) -> list[str]:
        """Return ids of acts that were committed before `older_than` and have not taken effect."""
        with self._database.reading() as session:
            rows = session.exec(
                select(ActRow.id)
                .where(ActRow.state == "waiting", col(ActRow.recorded_at) < older_than)
                .order_by(col(ActRow.recorded_at))
                .limit(limit)
            )
            return list(rows)

    def message(self, act_id: str) -> tuple[str, Act, str]:
        """Return what the workflow is told of an act: workflow id, the act, the act's state."""
        with self._database.reading() as session:
            row = session.get_one(ActRow, act_id)
            case = session.get_one(Case, row.case_id)
            body = row.body
            act = Act(
                id=row.id,
                kind=ActKind(row.kind),
                role=Role(row.role),
                at=row.at,
                on=date.fromisoformat(body["on"]) if body.get("on") else None,
                step=body.get("step"),
                happened_at=datetime.fromisoformat(body["happened_at"]) if body.get("happened_at") else None,
                delivery_id=row.link_id,
                choices=body.get("choices", {}),
                until=datetime.fromisoformat(body["until"]) if body.get("until") else None,
                reach=file_of(session, case).reach() if row.kind == ActKind.REPLAN.value else None,
            )
            return case.workflow_id, act, row.state

    def refuse(self, act_id: str, sentence: str) -> None:
        """Keep that the case did not allow an act; an answer stays in the evidence as late."""

        def keep(session: Session) -> None:
            act = session.get_one(ActRow, act_id)
            if act.state != "waiting":
                return
            act.state, act.sentence = "refused", sentence
            if ActKind(act.kind) in ANSWERS:
                self._late(session, act)

        self._database.write(keep)

    def close_late(self, act_id: str) -> bool:
        """Mark an act late when its case is closed by now; False when the case still runs."""

        def keep(session: Session) -> bool:
            act = session.get_one(ActRow, act_id)
            case = session.get_one(Case, act.case_id)
            if case.state != "closed":
                return False
            if act.state == "waiting":
                self._late(session, act)
            return True

        return self._database.write(keep)

    def _late(self, session: Session, act: ActRow) -> None:
        case = session.get_one(Case, act.case_id)
        act.state, act.sentence = "late", self._decided(session, case)
        if ActKind(act.kind) not in ANSWERS:
            return
        body = {"act": act.id, "answer": act.kind, "because": act.sentence}
        actor = actor_of(session, act)
        self._evidence.append(
            session, case, f"late/{act.id}", case_now(case, self._clock()), EventKind.ANSWER_LATE, actor, body
        )
        raise_alarm(session, "late_answer", self._clock(), case.id)

    # -- reading ------------------------------------------------------------------------------------------

    def view(self, act_id: str) -> ActView | None:
        """Return the receipt of an act."""
        with self._database.reading() as session:
            row = session.get(ActRow, act_id)
            return None if row is None else self._view(session, row)

    def must_view(self, act_id: str) -> ActView:
        """Return the receipt of an act that is known to exist."""
        with self._database.reading() as session:
            return self._view(session, session.get_one(ActRow, act_id))

    def of_link(self, link_id: str) -> list[ActView]:
        """Return the receipts of everything answered through a link, the latest first."""
        with self._database.reading() as session:
            rows = session.exec(
                select(ActRow).where(ActRow.link_id == link_id).order_by(col(ActRow.recorded_at).desc())
            )
            return [self._view(session, row) for row in rows]

    @staticmethod
    def _view(session: Session, act: ActRow) -> ActView:
        files = session.exec(select(Document).where(Document.act_id == act.id))
        return ActView(
            id=act.id,
            case_id=act.case_id,
            kind=ActKind(act.kind),
            at=act.at,
            recorded_at=act.recorded_at,
            fingerprint=act.fingerprint,
            state=act.state,
            sentence=act.sentence,
            body=dict(act.body),
            words=dict(act.words),
            files=tuple(StoredFile(f.sha256, f.media_type, f.size, "") for f in files),
        )


def _fingerprint(new: NewAct, at: datetime) -> str:
    """Return the hash that the receipt shows: what was answered, on which text, when."""
    told = {
        "act": new.id,
        "case": new.case_id,
        "kind": new.kind.value,
        "at": at.isoformat(),
        "body": dict(new.body),
        "words": {f"w{i}": [k, v] for i, (k, v) in enumerate(sorted(new.words.items()))},
        "shown": new.shown_sha256,
        "files": [file.sha256 for file in new.files],
    }
    return hashlib.sha256(canonical(told)).hexdigest()
