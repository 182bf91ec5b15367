"""What lists and pages read: the projection, never a running process, so that it works without a worker."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.anchors import anchors_of
from countersign.adapters.database.case_links import inherited
from countersign.adapters.database.case_lists import to_be_done
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.links import link_state
from countersign.adapters.database.manual_evidence import manual_rows
from countersign.adapters.database.queries import called
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Alarm,
    Branch,
    Case,
    CaseHistory,
    Delivery,
    Document,
    Leave,
    Link,
    Notice,
    Person,
    StoredPolicy,
    Task,
)
from countersign.adapters.documents import Documents
from countersign.domain.anchors import ANCHORS, anchors_entry
from countersign.domain.bundle import bundle_entries
from countersign.domain.courier import CourierState, courier_words
from countersign.domain.evidence import Disclosure, Event, EventKind
from countersign.domain.fetches import FetchKind
from countersign.domain.levels import Level, level_words

Row = dict[str, Any]


@dataclass(frozen=True)
class BundleContent:
    """What a bundle is made of; where `redact` is set, without files, and no value is disclosed."""

    case_id: str
    events: list[Event]
    disclosures: list[Disclosure]
    linked: dict[str, tuple[list[Event], list[Disclosure]]]
    files: dict[str, bytes]
    history: dict[str, bytes]
    redact: bool

    def entries(self, timeline_pdf: bytes | None) -> dict[str, bytes]:
        """Return the entries of the bundle by name, with an account to read where there is one."""
        return bundle_entries(
            self.case_id,
            self.events,
            self.disclosures,
            linked=self.linked,
            files=self.files,
            history=self.history,
            timeline_pdf=timeline_pdf,
            redact=self.redact,
        )


class Views:
    """Reads. Every method keeps to the scope; what lies outside it does not exist."""

    def __init__(self, database: Database, evidence: EvidenceLog, documents: Documents) -> None:
        self._database, self._evidence, self._documents = database, evidence, documents

    def leaves(self, scope: Scope, search: str | None, limit: int, after: str | None) -> list[Row]:
        """Return leaves with person and case, by id; `search` is part of a name or a number."""
        query = (
            select(Leave, Person, Branch, Case.id)
            .join(Person, col(Person.id) == col(Leave.person_id))
            .join(Branch, col(Branch.id) == col(Person.branch_id))
            .outerjoin(Case, col(Case.leave_id) == col(Leave.id))
            .order_by(col(Leave.id))
            .limit(limit)
        )
        query = scope.within(query)
        if search:
            query = query.where(called(search))
        if after:
            query = query.where(col(Leave.id) > after)
        with self._database.reading() as session:
            return [
                {
                    "id": leave.id,
                    "kind": leave.kind,
                    "starts_on": leave.starts_on,
                    "ends_on": leave.ends_on,
                    "employee": {"number": person.number, "name": person.name},
                    "branch": branch.name,
                    "case": case_id,
                }
                for leave, person, branch, case_id in session.exec(query)
            ]

    def cases(
        self,
        scope: Scope,
        *,
        state: str | None,
        stage: str | None,
        holder: str | None,
        search: str | None,
        limit: int,
        after: str | None,
    ) -> list[Row]:
        """Return cases, the newest first; `after` is the id that ended the page before."""
        query = (
            select(Case, Person)
            .join(Person, col(Person.id) == col(Case.person_id))
            .order_by(col(Case.id).desc())
            .limit(limit)
        )
        filters = {Case.state: state, Case.stage: stage, Case.holder: holder}
        for column, wanted in filters.items():
            if wanted is not None:
                query = query.where(col(column) == wanted)
        query = scope.within(query, Case.branch_id)
        if search:
            query = query.where(called(search))
        if after:
            query = query.where(col(Case.id) < after)
        with self._database.reading() as session:
            return [_case_row(case, person) for case, person in session.exec(query)]

    def case(self, scope: Scope, case_id: str) -> Row | None:
        """Return one case with its plan, tasks, notices and their deliveries, and its timeline."""
        found = self.case_with_chain(scope, case_id)
        return None if found is None else found[0]

    def case_with_chain(self, scope: Scope, case_id: str) -> tuple[Row, list[Event], list[Disclosure]] | None:
        """Return one case as `case` does, with the chain that it was read from."""
        with self._database.reading() as session:
            case = self._visible(session, scope, case_id)
            if case is None:
                return None
            person = session.get_one(Person, case.person_id)
            events, disclosures = self._evidence.chain(session, case_id)
            timeline = _timeline(events, disclosures)
            notices = session.exec(
                select(Notice).where(Notice.case_id == case_id).order_by(col(Notice.id))
            ).all()
            row = {
                **_case_row(case, person),
                "policy": case.policy_version,
                "workflow_id": case.workflow_id,
                "steps": case.steps,
                "inherits": inherited(session, case_id),
                "tasks": self._tasks(session, case_id, notices),
                "notices": self._notices(session, case_id, notices, events),
                "links": self._links(session, case_id),
                "manual_evidence": manual_rows(timeline),
                "timeline": timeline,
            }
            return row, events, disclosures

    def chain(self, scope: Scope, case_id: str) -> list[Event] | None:
        """Return the events of a case in order; None outside the scope."""
        with self._database.reading() as session:
            if self._visible(session, scope, case_id) is None:
                return None
            return self._evidence.chain(session, case_id)[0]

    def exists(self, scope: Scope, case_id: str) -> bool:
        """Say whether a case exists inside the scope."""
        with self._database.reading() as session:
            return self._visible(session, scope, case_id) is not None

    def leave_in_scope(self, scope: Scope, leave_id: str) -> bool:
        """Say whether a leave exists inside the scope."""
        with self._database.reading() as session:
            leave = session.get(Leave, leave_id)
            if leave is None:
                return False
            person = session.get_one(Person, leave.person_id)
            return scope.covers(person, person.branch_id)

    def tasks(self, scope: Scope, holder: str | None, limit: int) -> list[Row]:
        """Return open tasks, the most urgent first."""
        query = (
            select(Task, Case, Person)
            .join(Case, col(Case.id) == col(Task.case_id))
            .join(Person, col(Person.id) == col(Case.person_id))
            .where(col(Task.done_at).is_(None), to_be_done())
            .order_by(col(Task.due_at).asc().nulls_last())
            .limit(limit)
        )
        query = scope.within(query, Case.branch_id)
        if holder is not None:
            query = query.where(Task.holder == holder)
        with self._database.reading() as session:
            return [
                {
                    "id": task.id,
                    "case": case.id,
                    "kind": task.kind,
                    "holder": task.holder,
                    "due_at": task.due_at,
                    "opened_at": task.opened_at,
                    "employee": {"number": person.number, "name": person.name},
                }
                for task, case, person in session.exec(query)
            ]

    def alarms(self, scope: Scope, limit: int) -> list[Row]:
        """Return alarms, the newest first."""
        query = (
            select(Alarm)
            .outerjoin(Case, col(Case.id) == col(Alarm.case_id))
            .outerjoin(Person, col(Person.id) == col(Case.person_id))
            .order_by(col(Alarm.at).desc())
            .limit(limit)
        )
        query = scope.within(query, Case.branch_id)
        with self._database.reading() as session:
            return [
                {"id": a.id, "case": a.case_id, "kind": a.kind, "sentence": a.sentence, "at": a.at}
                for a in session.exec(query)
            ]

    def policies(self) -> list[Row]:
        """Return the stored policies with their newest version."""
        with self._database.reading() as session:
            rows = session.exec(
                select(StoredPolicy).order_by(col(StoredPolicy.name), col(StoredPolicy.version).desc())
            )
            newest: dict[str, Row] = {}
            for row in rows:
                newest.setdefault(
                    row.name,
                    {"name": row.name, "process": row.process, "version": row.version, "body": row.body},
                )
            return list(newest.values())

    def counts(self) -> dict[str, int]:
        """Return how many cases stand where, for metrics: `<kind>/<state>/<stage>`."""
        query = select(Case.kind, Case.state, Case.stage, func.count()).group_by(
            Case.kind, Case.state, Case.stage
        )
        with self._database.reading() as session:
            return {f"{kind}/{state}/{stage}": count for kind, state, stage, count in session.exec(query)}

    def content(self, scope: Scope, case_id: str, *, redact: bool = False) -> "BundleContent | None":
        """Return what a case's bundle is made of, read at one moment; None for a case that is not there."""
        try:
            return self._content(scope, case_id, redact)
        except FileNotFoundError:
            # An erasure has taken the files between the rows and the reading: a new reading tells of it.
            return self._content(scope, case_id, redact)

    def _content(self, scope: Scope, case_id: str, redact: bool) -> "BundleContent | None":
        with self._database.reading() as session:
            if self._visible(session, scope, case_id) is None:
                return None
            events, disclosures = self._evidence.chain(session, case_id)
            others = inherited(session, case_id)
            linked = {other: self._evidence.chain(session, other) for other in others}
            documents = session.exec(
                select(Document).where(col(Document.case_id).in_([case_id, *others]))
            ).all()
            histories = session.exec(
                select(CaseHistory).where(col(CaseHistory.case_id).in_([case_id, *others]))
            ).all()
            anchors = anchors_of(session, [case_id, *others])
        files, history = {}, {}
        if not redact:
            for document in documents:
                suffix = _SUFFIX.get(document.media_type, "bin")
                files[f"{document.id}.{suffix}"] = self._documents.read(document.sha256)
        for one in histories:
            if one.sha256 is not None:
                history[f"{one.case_id}/{one.workflow_id}/{one.run_id}.json"] = self._documents.read(
                    one.sha256
                )
        if anchors:
            history[ANCHORS] = anchors_entry(anchors)
        return BundleContent(case_id, events, disclosures, linked, files, history, redact)

    # -- parts of a case page -----------------------------------------------------------------------------

    def _visible(self, session: Session, scope: Scope, case_id: str) -> Case | None:
        case = session.get(Case, case_id)
        return case if case is not None and scope.covers_case(session, case) else None

    def _tasks(self, session: Session, case_id: str, notices: Sequence[Notice]) -> list[Row]:
        rows = session.exec(select(Task).where(Task.case_id == case_id).order_by(col(Task.id)))
        # The task of what HR carries out bears the name of the step that wrote the notice.
        papers = {notice.step: _paper_url(notice) for notice in notices}
        return [
            {
                "id": task.id,
                "paper": papers.get(task.key),
                "kind": task.kind,
                "holder": task.holder,
                "due_at": task.due_at,
                "opened_at": task.opened_at,
                "done_at": task.done_at,
            }
            for task in rows
        ]

    def _links(self, session: Session, case_id: str) -> list[Row]:
        rows = session.exec(select(Link).where(Link.case_id == case_id).order_by(col(Link.id)))
        return [asdict(link_state(session, link)) for link in rows]

    def _notices(
        self, session: Session, case_id: str, notices: Sequence[Notice], events: list[Event]
    ) -> list[Row]:
        seen = _seen(events)
        deliveries = session.exec(
            select(Delivery).where(Delivery.case_id == case_id).order_by(col(Delivery.id))
        ).all()
        return [
            {
                "id": notice.id,
                "step": notice.step,
                "audience": notice.audience,
                "title": notice.title,
                "fingerprint": notice.fingerprint,
                "paper": _paper_url(notice),
                "at": notice.created_at,
                "deliveries": [
                    _delivery_row(d, seen.get(d.id, _Seen())) for d in deliveries if d.notice_id == notice.id
                ],
            }
            for notice in notices
        ]


_SUFFIX = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "message/rfc822": "eml"}


def _paper_url(notice: Notice) -> str:
    return f"/api/v1/cases/{notice.case_id}/notices/{notice.id}/paper"


def _case_row(case: Case, person: Person) -> Row:
    return {
        "id": case.id,
        "kind": case.kind,
        "employee": {"number": person.number, "name": person.name},
        "state": case.state,
        "stage": case.stage,
        "holder": case.holder,
        "due_at": case.due_at,
        "outcome": case.outcome,
        "ends_on": case.ends_on,
        "provisional": case.provisional,
        "time_lapse": case.clock_factor > 1,
        "created_at": case.created_at,
        "closed_at": case.closed_at,
    }


@dataclass
class _Seen:
    """What only the chain tells of a delivery: when it left, and who fetched its link first when."""

    left_at: datetime | None = None
    fetches: list[tuple[FetchKind, datetime]] = field(default_factory=list)


def _seen(events: list[Event]) -> dict[str, _Seen]:
    found: dict[str, _Seen] = {}
    for event in events:
        if event.kind not in {EventKind.DELIVERY_SENDING, EventKind.LINK_FETCHED}:
            continue
        one, at = found.setdefault(event.body["delivery"], _Seen()), datetime.fromisoformat(event.at)
        if event.kind == EventKind.LINK_FETCHED:
            # Chains of the first release do not say by whom: that may be anything, as with a browser.
            one.fetches.append((FetchKind(event.body.get("by", FetchKind.BROWSER)), at))
        else:
            one.left_at = at
    return found


def _levels(delivery: Delivery, seen: _Seen) -> list[Row]:
    """Return what is known of a delivery, the weakest first; a message that was refused has no level."""
    arrived = delivery.settled_at if delivery.state == "delivered" else None
    accepted = delivery.sent_at if delivery.channel in {"sms", "email"} else None
    left = seen.left_at or accepted if accepted or arrived else None
    if delivery.channel in {"courier", "public_notice"}:
        left = delivery.sent_at
    levels: list[tuple[Level, datetime | None, FetchKind | None]] = [
        (Level.SENT, left, None),
        (Level.ACCEPTED, accepted, None),
        (Level.DELIVERED, arrived, None),
        *((Level.LINK_FETCHED, at, by) for by, at in seen.fetches),
        (Level.OPENED, delivery.opened_at, None),
        (Level.ACKNOWLEDGED, delivery.acknowledged_at, None),
        (Level.IDENTITY_CONFIRMED, delivery.identity_confirmed_at, None),
    ]
    return [
        {"level": level, "words": level_words(level, delivery.channel, by), "at": at}
        | ({"by": by} if by else {})
        for level, at, by in levels
        if at is not None
    ]


def _state_words(delivery: Delivery) -> str:
    """Return truthful words for the state; none ever says that somebody has read anything."""
    if delivery.state == "delivered" and delivery.channel in _TOLD_OF_ARRIVAL:
        return level_words(Level.DELIVERED, delivery.channel)
    if delivery.state == "sent" and delivery.channel in _TAKEN_BY:
        return level_words(_TAKEN_BY[delivery.channel], delivery.channel)
    return delivery.state.replace("_", " ")


_TOLD_OF_ARRIVAL = {"sms", "email", "in_system"}
_TAKEN_BY = {
    "sms": Level.ACCEPTED,
    "email": Level.ACCEPTED,
    "courier": Level.SENT,
    "public_notice": Level.SENT,
}
"""What is known of a message that has left, by channel."""


def _delivery_row(delivery: Delivery, seen: _Seen) -> Row:
    words = _state_words(delivery)
    if delivery.courier_result is not None:
        words = courier_words(CourierState(delivery.courier_result))
    return {
        "id": delivery.id,
        "channel": delivery.channel,
        "attempt": delivery.attempt,
        "state": delivery.state,
        "says": words,
        "error_code": delivery.error_code,
        "why": delivery.sentence,
        "possible_duplicate": delivery.possible_duplicate,
        "sent_at": delivery.sent_at,
        "settled_at": delivery.settled_at,
        "link_fetched_at": delivery.fetched_at,
        "acknowledged_at": delivery.acknowledged_at,
        "by_hand_at": delivery.by_hand_at,
        "courier": delivery.courier,
        "tracking_number": delivery.tracking_number,
        "levels": _levels(delivery, seen),
    }


def _timeline(events: list[Event], disclosures: list[Disclosure]) -> list[Row]:
    """Return the events with their sealed values opened where they are disclosed."""
    opened: dict[int, dict[str, str]] = {}
    for one in disclosures:
        opened.setdefault(one.seq, {})[one.path] = one.value
    return [
        {
            "seq": event.seq,
            "at": event.at,
            "kind": event.kind,
            "actor": _opened(event.actor, "/actor", opened.get(event.seq, {})),
            "body": _opened(event.body, "/body", opened.get(event.seq, {})),
            "hash": event.hash,
        }
        for event in events
    ]


def _opened(value: Any, path: str, values: dict[str, str]) -> Any:
    if path in values:
        return values[path]
    if isinstance(value, dict):
        return {key: _opened(item, f"{path}/{key}", values) for key, item in value.items()}
    if isinstance(value, list):
        return [_opened(item, f"{path}/{index}", values) for index, item in enumerate(value)]
    return value
