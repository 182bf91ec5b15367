"""What was said to somebody who is signed in, what they answered, and how the matters about them stand.

Somebody who stands in for an absent manager sees the notices that this manager got as a manager, and no
others: what was said to the absent as an employee is theirs alone, and what is about the delegate is not
theirs to confirm.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_
from sqlmodel import Session, col, select

from countersign.adapters.database.actors import account_actor_id
from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.nothing_left import nothing_left
from countersign.adapters.database.officers import Absent, Officer
from countersign.adapters.database.tables import (
    Account,
    ActRow,
    Case,
    Delegation,
    Delivery,
    EventRow,
    Notice,
    Person,
)
from countersign.contracts.cases import ANSWERS, OF_ITEMS, ActKind, CaseState, Process
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.levels import Level, level_words
from countersign.domain.local_time import day_of
from countersign.domain.policy import Audience, Channel

_HANDOVERS = frozenset({Process.OFFBOARDING.value, Process.HANDOVER.value})
_COUNTS = ("waiting", "accepted", "settled")
_PLANNED = "planned"
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class OwnNotice:
    """A notice as its addressee is shown it, or whoever stands in for them (`stands_in_for`).

    `about` names the employee whom a manager's notice is about, None for one's own. `in_system_at` is when it
    was placed in the inbox, `opened_at` when it was first opened there. `awaits` says that it still waits for
    an answer, `answered` that it has one.
    """

    id: str
    case_id: str
    process: Process
    audience: str
    language: str
    title: str = field(repr=False)
    text: str = field(repr=False)
    fingerprint: str
    answer_by: datetime | None
    at: datetime
    case_state: str
    time_lapse: bool
    about: str | None = field(repr=False)
    about_number: str | None
    awaits: bool
    answered: bool
    in_system_at: datetime | None = None
    opened_at: datetime | None = None
    stands_in_for: Absent | None = None


@dataclass(frozen=True)
class OwnAct:
    """An answer of somebody's own, with the notice it answers as far as its receipt tells of it."""

    id: str
    case_id: str
    kind: ActKind
    at: datetime
    state: str
    fingerprint_of_act: str
    process: Process
    audience: str
    fingerprint: str
    time_lapse: bool
    on_behalf_of: str | None = field(repr=False, default=None)


@dataclass(frozen=True)
class Coming:
    """The next step of a case that turns to the person whom it is about; `at` is when it is planned."""

    channels: tuple[str, ...]
    at: datetime


@dataclass(frozen=True)
class OwnCase:
    """A case about somebody, without anything that is internal to the company."""

    id: str
    process: Process
    title: str = field(repr=False)
    state: str
    stage: str
    outcome: str | None
    ends_on: date | None
    created_at: datetime
    closed_at: datetime | None
    coming: Coming | None


@dataclass(frozen=True)
class StandIn:
    """For whom somebody stands in as a manager, and until which day, inclusive."""

    absent: Absent
    until: date


class OwnNotices:
    """Reads what belongs to one signed-in person, and keeps that they opened it."""

    def __init__(self, database: Database, evidence: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock

    # -- notices ------------------------------------------------------------------------------------------

    def awaiting(self, officer: Officer, absent: Absent | None = None) -> list[OwnNotice]:
        """Return what waits for an answer of theirs, the nearest deadline first.

        With `absent`, one of those for whom they stand in, what waits for that manager.
        """
        mine = _theirs(officer, absent) if absent is not None else _own(officer)
        with self._database.reading() as session:
            query = _notices(mine).where(
                Case.state != CaseState.CLOSED.value, col(Notice.answer_by).is_not(None)
            )
            found = self._read(session, query, officer)
            waiting = [one for one in found if one.awaits]
            return sorted(waiting, key=lambda one: (one.answer_by or one.at, one.id))

    def told(
        self, officer: Officer, absent: Absent | None = None, *, limit: int = 25, skip: int = 0
    ) -> list[OwnNotice]:
        """Return what they were told, the newest first; with `absent` what that manager was told."""
        mine = _theirs(officer, absent) if absent is not None else _own(officer)
        with self._database.reading() as session:
            return self._read(session, _notices(mine).offset(skip).limit(limit), officer)

    def how_many(self, officer: Officer) -> int:
        """Return how many notices there are to them."""
        with self._database.reading() as session:
            query = select(func.count()).select_from(Notice).where(_own(officer))
            return session.exec(query).one()

    def of_case(self, officer: Officer, case_id: str) -> list[OwnNotice]:
        """Return what they were told in one case, the newest first."""
        with self._database.reading() as session:
            return self._read(session, _notices(_own(officer)).where(Notice.case_id == case_id), officer)

    def find(self, officer: Officer, notice_id: str) -> OwnNotice | None:
        """Return a notice to them, or to a manager for whom they stand in today; None for all others."""
        with self._database.reading() as session:
            for mine in (_own(officer), *(_theirs(officer, one) for one in officer.stands_in_for)):
                found = self._read(session, _notices(mine).where(Notice.id == notice_id), officer)
                if found:
                    return found[0]
        return None

    def stand_ins(self, officer: Officer) -> list[StandIn]:
        """Return for whom they stand in today, with the last day of it."""
        today = day_of(self._clock())
        with self._database.reading() as session:
            found = []
            for one in officer.stands_in_for:
                until = session.exec(
                    select(func.max(Delegation.until_day)).where(
                        Delegation.delegate_id == officer.account_id,
                        Delegation.absent_id == one.account_id,
                        col(Delegation.from_day) <= today,
                        col(Delegation.ended_at).is_(None),
                    )
                ).one()
                found.append(StandIn(one, until or today))
            return found

    def opened(self, notice: OwnNotice, officer: Officer) -> None:
        """Keep, once for each reader, that somebody who is signed in has opened a notice of theirs.

        The delivery to the in-system inbox, where there is one, bears the time of the first opening.
        """
        key = f"inbox/{notice.id}/opened/{officer.account_id}"
        with self._database.reading() as session:
            known = select(EventRow.seq).where(EventRow.case_id == notice.case_id, EventRow.key == key)
            if session.exec(known).first() is not None:
                return

        def keep(session: Session) -> None:
            case = session.get_one(Case, notice.case_id)
            now = case_now(case, self._clock())
            delivery = session.exec(_inbox_of([notice.id])).first()
            body: dict[str, Any] = {
                "notice": notice.id,
                "channel": Channel.IN_SYSTEM.value,
                "says": level_words(Level.OPENED, Channel.IN_SYSTEM),
            }
            if delivery is not None:
                body["delivery"] = delivery.id
                delivery.opened_at = delivery.opened_at or now
            actor = _opener(session, notice, officer)
            self._evidence.append(session, case, key, now, EventKind.LINK_OPENED, actor, body)

        self._database.write(keep)

    # -- answers ------------------------------------------------------------------------------------------

    def acts(self, officer: Officer, *, limit: int = 25, skip: int = 0) -> list[OwnAct]:
        """Return what they answered, through links and here, the newest first."""
        with self._database.reading() as session:
            return _acts(session, _acts_of(officer).offset(skip).limit(limit))

    def acts_of_case(self, officer: Officer, case_id: str) -> list[OwnAct]:
        """Return what they answered in one case, the newest first."""
        with self._database.reading() as session:
            return _acts(session, _acts_of(officer).where(ActRow.case_id == case_id))

    def acts_on(self, officer: Officer, notice: OwnNotice) -> list[OwnAct]:
        """Return what they answered to the text of a notice, the newest first."""
        with self._database.reading() as session:
            query = _acts_of(officer).where(
                ActRow.case_id == notice.case_id, ActRow.shown_sha256 == notice.fingerprint
            )
            return _acts(session, query.where(ActRow.audience == notice.audience))

    def find_act(self, officer: Officer, act_id: str) -> OwnAct | None:
        """Return an answer of theirs; None for everybody else's."""
        with self._database.reading() as session:
            return next(iter(_acts(session, _acts_of(officer).where(ActRow.id == act_id))), None)

    def how_many_acts(self, officer: Officer) -> int:
        """Return how many answers they have given."""
        with self._database.reading() as session:
            return session.exec(select(func.count()).select_from(ActRow).where(_given_by(officer))).one()

    # -- cases --------------------------------------------------------------------------------------------

    def cases(self, officer: Officer, limit: int = 20) -> list[OwnCase]:
        """Return the cases about them, open ones first, then the newest."""
        query = (
            _cases_about(officer)
            .order_by(col(Case.closed_at).is_not(None), col(Case.created_at).desc())
            .limit(limit)
        )
        with self._database.reading() as session:
            return [_own_case(session, case) for case in session.exec(query)]

    def case(self, officer: Officer, case_id: str) -> OwnCase | None:
        """Return a case about them; None for everybody else's."""
        with self._database.reading() as session:
            found = session.exec(_cases_about(officer).where(Case.id == case_id)).first()
            return None if found is None else _own_case(session, found)

    def _read(self, session: Session, query: Any, officer: Officer) -> list[OwnNotice]:
        rows = list(session.exec(query))
        placed = {d.notice_id: d for d in session.exec(_inbox_of([notice.id for notice, _, _ in rows]))}
        standing = _standing(session, [notice for notice, _, _ in rows])
        by_person = {one.person_id: one for one in officer.stands_in_for}
        found = []
        for notice, case, person in rows:
            view = _view(notice, case, person, placed.get(notice.id), standing[notice.id], officer, by_person)
            if _lists_items(notice, case) and standing[notice.id][0] and case.state != CaseState.CLOSED.value:
                done = nothing_left(session, case, notice.step, case_now(case, self._clock()))
                view = replace(view, awaits=notice.answer_by is not None and not done, answered=done)
            found.append(view)
        return found


# -- whose ------------------------------------------------------------------------------------------------


def _own(officer: Officer) -> ColumnElement[bool]:
    """Return what holds of notices to the officer's own person, whatever they were asked as."""
    return false() if officer.person_id is None else col(Notice.person_id) == officer.person_id


def _theirs(officer: Officer, absent: Absent) -> ColumnElement[bool]:
    """Return what holds of the notices, joined with their cases, that an absent manager got as a manager."""
    if absent.person_id is None:
        return false()
    as_manager = and_(
        col(Notice.person_id) == absent.person_id, col(Notice.audience) == Audience.MANAGER.value
    )
    if officer.person_id is None:
        return as_manager
    return and_(as_manager, col(Case.person_id) != officer.person_id)


def _given_by(officer: Officer) -> ColumnElement[bool]:
    """Return what holds of answers given by the person, or through the account for somebody else.

    What is said of items belongs here only where the person said it; an account says it for the company.
    """
    actors = {officer.actor_id, officer.person_id} - {None}
    answers = and_(col(ActRow.actor).in_(actors), col(ActRow.kind).in_([kind.value for kind in ANSWERS]))
    if officer.person_id is None:
        return answers
    of_items = [kind.value for kind in OF_ITEMS]
    return or_(answers, and_(col(ActRow.actor) == officer.person_id, col(ActRow.kind).in_(of_items)))


def _acts_of(officer: Officer) -> Any:
    return (
        select(ActRow, Case)
        .join(Case, col(Case.id) == col(ActRow.case_id))
        .where(_given_by(officer))
        .order_by(col(ActRow.recorded_at).desc(), col(ActRow.id).desc())
    )


def _cases_about(officer: Officer) -> Any:
    return select(Case).where(col(Case.person_id) == officer.person_id if officer.person_id else false())


def _opener(session: Session, notice: OwnNotice, officer: Officer) -> dict[str, Any]:
    """Return how the reader of a notice stands in the evidence; for whom they stand in comes with them."""
    if notice.stands_in_for is None:
        return {"role": notice.audience, "id": officer.person_id}
    absent = session.get_one(Account, notice.stands_in_for.account_id)
    named = {"id": account_actor_id(absent.id), "name": Sealed(absent.name)}
    return {**officer.actor, "role": notice.audience, "for": named}


# -- reading ----------------------------------------------------------------------------------------------


def _notices(mine: ColumnElement[bool]) -> Any:
    return (
        select(Notice, Case, Person)
        .join(Case, col(Case.id) == col(Notice.case_id))
        .join(Person, col(Person.id) == col(Case.person_id))
        .where(mine)
        .order_by(col(Notice.created_at).desc(), col(Notice.id).desc())
    )


def _lists_items(notice: Notice, case: Case) -> bool:
    """Say whether a notice asks for items to be handed over or taken over: to have read it is no answer."""
    return case.kind in _HANDOVERS and notice.audience == Audience.EMPLOYEE.value


def _view(
    notice: Notice,
    case: Case,
    person: Person,
    inbox: Delivery | None,
    standing: tuple[bool, bool],
    officer: Officer,
    by_person: dict[str | None, Absent],
) -> OwnNotice:
    newest, answered = standing
    others = person.id != notice.person_id
    open_ask = case.state != CaseState.CLOSED.value and notice.answer_by is not None
    return OwnNotice(
        id=notice.id,
        case_id=case.id,
        process=Process(case.kind),
        audience=notice.audience,
        language=notice.language,
        title=notice.title,
        text=notice.text,
        fingerprint=notice.fingerprint,
        answer_by=notice.answer_by,
        at=notice.created_at,
        case_state=case.state,
        time_lapse=case.clock_factor > 1,
        about=person.name if others else None,
        about_number=person.number if others else None,
        awaits=open_ask and newest and not answered,
        answered=answered,
        in_system_at=None if inbox is None else inbox.settled_at,
        opened_at=None if inbox is None else inbox.opened_at,
        stands_in_for=None if notice.person_id == officer.person_id else by_person.get(notice.person_id),
    )


def _inbox_of(notices: Sequence[str]) -> Any:
    return select(Delivery).where(
        col(Delivery.notice_id).in_(notices), Delivery.channel == Channel.IN_SYSTEM.value
    )


def _standing(session: Session, notices: Sequence[Notice]) -> dict[str, tuple[bool, bool]]:
    """Say of each notice whether no newer one asks the same, and whether an answer has come since it.

    A reminder replaces the notice before it; an answer given from then on, through whatever way, answers it.
    """
    cases = {notice.case_id for notice in notices}
    asked = session.exec(
        select(Notice.case_id, Notice.audience, Notice.person_id, func.max(Notice.created_at))
        .where(col(Notice.case_id).in_(cases), col(Notice.answer_by).is_not(None))
        .group_by(Notice.case_id, Notice.audience, Notice.person_id)
    )
    newest = {(case, audience, person): at for case, audience, person, at in asked}
    given = session.exec(
        select(ActRow.case_id, ActRow.role, func.max(ActRow.at))
        .where(
            col(ActRow.case_id).in_(cases),
            col(ActRow.kind).in_([kind.value for kind in ANSWERS - {ActKind.NOT_ME}]),
            col(ActRow.state).in_(_COUNTS),
        )
        .group_by(ActRow.case_id, ActRow.role)
    )
    answered = {(case, role): at for case, role, at in given}
    return {
        notice.id: (
            newest.get((notice.case_id, notice.audience, notice.person_id)) == notice.created_at,
            answered.get((notice.case_id, notice.audience), _NEVER) >= notice.created_at,
        )
        for notice in notices
    }


def _acts(session: Session, query: Any) -> list[OwnAct]:
    found = []
    for act, case in session.exec(query):
        absent = None if act.acting_for is None else session.get_one(Account, act.acting_for)
        found.append(
            OwnAct(
                id=act.id,
                case_id=case.id,
                kind=ActKind(act.kind),
                at=act.at,
                state=act.state,
                fingerprint_of_act=act.fingerprint,
                process=Process(case.kind),
                audience=act.audience or act.role,
                fingerprint=act.shown_sha256 or "",
                time_lapse=case.clock_factor > 1,
                on_behalf_of=None if absent is None else absent.name,
            )
        )
    return found


def _own_case(session: Session, case: Case) -> OwnCase:
    title = session.exec(
        select(Notice.title)
        .where(Notice.case_id == case.id, Notice.person_id == case.person_id)
        .order_by(col(Notice.created_at))
        .limit(1)
    ).first()
    return OwnCase(
        id=case.id,
        process=Process(case.kind),
        title=title or "",
        state=case.state,
        stage=case.stage,
        outcome=case.outcome,
        ends_on=case.ends_on,
        created_at=case.created_at,
        closed_at=case.closed_at,
        coming=_coming(case),
    )


def _coming(case: Case) -> Coming | None:
    """Return the next planned step that turns to the employee; none while the case rests or is over."""
    if case.state != CaseState.RUNNING.value:
        return None
    for step in case.steps:
        if step["state"] == _PLANNED and step["audience"] == Audience.EMPLOYEE.value:
            return Coming(tuple(step["channels"]), datetime.fromisoformat(step["at"]))
    return None
