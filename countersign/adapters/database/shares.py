"""Shares: for every receiver of a departure a case of their own, so that no chain holds another's data."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from countersign.adapters.database.beginnings import begin_case
from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.cases import case_now
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.heard import has_heard
from countersign.adapters.database.items import keep_item_events
from countersign.adapters.database.looks import tell_look
from countersign.adapters.database.people import person_file
from countersign.adapters.database.policy_book import policy_for
from countersign.adapters.database.starts import stored_policy
from countersign.adapters.database.tables import (
    Branch,
    Case,
    Departure,
    EventRow,
    HandoverItem,
    ItemConfirmation,
    Person,
    ReceiverAbsence,
)
from countersign.contracts.cases import CaseState, Process
from countersign.contracts.departures import HandoverInput, ShareStanding
from countersign.contracts.leave_return import ClockStart
from countersign.domain.calendar import WorkCalendar
from countersign.domain.clock import CaseClock
from countersign.domain.departure import CLOSED_ITEMS, ItemState
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.handover import What
from countersign.domain.offboarding_policy import handover_policy
from countersign.domain.refusal import Refusal
from countersign.ids import ladder_workflow_id, new_id

INPUT: TypeAdapter[HandoverInput] = TypeAdapter(HandoverInput)
OPEN_STATES = tuple(state.value for state in ItemState if state not in CLOSED_ITEMS)
"""The states of items about which somebody has something to do."""

_YEARS_AHEAD = 2
_MACHINE = {"role": "machine", "id": "handover"}


@dataclass(frozen=True)
class Standing:
    """The items that one share asks about: own ones, and by absent receiver those of others."""

    own: Sequence[HandoverItem]
    of_others: Sequence[HandoverItem]
    asked: bool


class Shares:
    """Opens the cases of receivers and says how each stands. `lapse` is the time-lapse factor."""

    def __init__(
        self,
        evidence: EvidenceLog,
        calendar: Callable[[], WorkCalendar],
        clock: Callable[[], datetime],
        lapse: int,
    ) -> None:
        self._evidence, self._calendar, self._clock, self._lapse = evidence, calendar, clock, lapse

    # -- opening ------------------------------------------------------------------------------------------

    def spread(self, session: Session, departure: Departure, at: datetime) -> None:
        """Give every open item with a receiver to that receiver's open case, or to a new one.

        `at` is the time of the offboarding case. Again changes nothing.
        """
        session.flush()
        own_case = and_(
            col(Case.id) == col(HandoverItem.share_id),
            col(Case.person_id) == col(HandoverItem.receiver_id),
            col(Case.state) != CaseState.CLOSED.value,
        )
        items = session.exec(
            select(HandoverItem)
            .outerjoin(Case, own_case)
            .where(
                HandoverItem.departure_id == departure.case_id,
                col(HandoverItem.state).in_(OPEN_STATES),
                or_(col(HandoverItem.receiver_id).is_not(None), col(HandoverItem.share_id).is_not(None)),
                col(Case.id).is_(None),
            )
            .order_by(col(HandoverItem.id))
        ).all()
        moved: dict[str, list[HandoverItem]] = {}
        for item in items:
            if item.receiver_id is None:
                item.share_id = None
            else:
                moved.setdefault(item.receiver_id, []).append(item)
        if moved:
            self._give(session, departure, moved, at)
        session.flush()

    def _give(
        self, session: Session, departure: Departure, moved: Mapping[str, list[HandoverItem]], at: datetime
    ) -> None:
        shares = {one.person_id: one for one in self.open_shares(session, departure.case_id)}
        for person_id, some in moved.items():
            share = shares.get(person_id) or self.open(session, departure, person_id, at)
            for item in some:
                item.share_id = share.id
            key = f"items/{new_id()}"
            keep_item_events(
                self._evidence, session, share, key, at, EventKind.ITEM_LISTED, _MACHINE, some, {}
            )

    def open_shares(self, session: Session, departure_id: str) -> Sequence[Case]:
        """Return the receivers' cases of a departure that are not closed, the oldest first."""
        return session.exec(
            select(Case)
            .where(
                Case.departure_id == departure_id,
                Case.kind == Process.HANDOVER.value,
                Case.state != CaseState.CLOSED.value,
            )
            .order_by(col(Case.id))
        ).all()

    def share_for(self, session: Session, departure: Departure, person_id: str, at: datetime) -> Case:
        """Return the open case of somebody in a departure, or open one."""
        for share in self.open_shares(session, departure.case_id):
            if share.person_id == person_id:
                return share
        return self.open(session, departure, person_id, at)

    def open(self, session: Session, departure: Departure, person_id: str, at: datetime) -> Case:
        """Open a case for a receiver: its row, the beginning of its chain, and the order to start it."""
        file = person_file(session, session.get_one(Person, person_id))
        name = policy_for(session, Process.HANDOVER, departure.branch_id)
        stored = stored_policy(session, Process.HANDOVER, name)
        started, case_id, version = at.replace(microsecond=0), new_id(), f"{name}@{stored.version}"
        frozen = HandoverInput(
            case_id=case_id,
            departure_id=departure.case_id,
            person_id=person_id,
            branch_id=departure.branch_id,
            last_day=departure.last_day,
            policy=handover_policy(stored.body, f"policy {name}"),
            policy_version=version,
            calendar=self._calendar().slice(started.year, started.year + _YEARS_AHEAD),
            reach=file.reach(),
            clock=ClockStart(started, self._lapse),
        )
        case = Case(
            id=case_id,
            kind=Process.HANDOVER.value,
            workflow_id=ladder_workflow_id(case_id),
            person_id=person_id,
            branch_id=departure.branch_id,
            departure_id=departure.case_id,
            policy_version=version,
            frozen=INPUT.dump_python(frozen, mode="json"),
            state=CaseState.STARTING.value,
            stage="starting",
            clock_factor=self._lapse,
            clock_case=started if self._lapse > 1 else None,
            created_at=self._clock(),
        )
        session.add(case)
        session.flush()
        self._begin(session, departure, case, file.person, started)
        return case

    def _begin(
        self, session: Session, departure: Departure, case: Case, person: Person, started: datetime
    ) -> None:
        head = session.exec(
            select(EventRow.seq, EventRow.hash)
            .where(EventRow.case_id == departure.case_id)
            .order_by(col(EventRow.seq).desc())
            .limit(1)
        ).first()
        body = {
            "case": case.id,
            "process": case.kind,
            "branch": case.branch_id,
            "policy": case.policy_version,
            "person": {"name": Sealed(person.name), "number": Sealed(person.number)},
            # A link would put the leaver's whole chain into the receiver's bundle; the head ties both.
            "departure": {
                "case": departure.case_id,
                "length": head[0] if head else 0,
                "head": head[1] if head else None,
            },
        }
        begin_case(session, self._evidence, case, started, _MACHINE, body, self._clock())

    # -- standing -----------------------------------------------------------------------------------------

    def standing(self, session: Session, case: Case) -> ShareStanding:
        """Return how the share of a receiver's case stands, on the case's day.

        Somebody who is absent and represented is not asked; who represents them is.
        """
        return standing_of(session, case, case_now(case, self._clock()))

    # -- absence ------------------------------------------------------------------------------------------

    def tell_at_both_ends(self, session: Session, cases: Iterable[Case], absence: ReceiverAbsence) -> None:
        """Order the dispatcher to tell cases when an absence begins and when it has ended."""
        now = self._clock()
        for case in cases:
            zone = ZoneInfo(session.get_one(Branch, case.branch_id).zone)
            for day in (absence.from_day, absence.until_day + timedelta(days=1)):
                tell_look(session, case, _real_time(case, datetime.combine(day, time(0, 1), zone), now))


def standing_of(session: Session, case: Case, at: datetime) -> ShareStanding:
    """Return how the share of a receiver's case stands at the case's time."""
    departure = session.get_one(Departure, case.departure_id)
    found = asked_about(session, case, at)
    asked = [*found.own, *found.of_others] if found.asked else list(found.of_others)
    return ShareStanding(
        last_day=departure.last_day,
        to_accept=sum(1 for one in asked if waits_for_receiver(one)),
        open=sum(1 for one in asked if waits_for_leaver(one) and one.accepted_at is None),
        confirmed=_confirmed(session, case),
        over=not found.own and not _represents(session, case, at),
        withdrawn=departure.withdrawn_at is not None,
        unheard=departure.withdrawn_at is not None and not has_heard(session, departure, case.person_id),
    )


def _represents(session: Session, case: Case, at: datetime) -> bool:
    """Say whether a delegate's case has anything to confirm for somebody, now or later."""
    mine = select(ReceiverAbsence.receiver_id).where(
        ReceiverAbsence.share_id == case.id,
        col(ReceiverAbsence.ended_at).is_(None),
        col(ReceiverAbsence.until_day) >= branch_day(session, case.branch_id, at),
    )
    left = select(HandoverItem.id).where(
        HandoverItem.departure_id == case.departure_id,
        col(HandoverItem.receiver_id).in_(mine),
        col(HandoverItem.state).in_(OPEN_STATES),
    )
    return session.exec(left.limit(1)).first() is not None


def newest_share(session: Session, departure: Departure, person_id: str | None) -> Case:
    """Return the case of a receiver, an open one before those that are closed; raises `Refusal`."""
    shares = session.exec(
        select(Case)
        .where(
            Case.departure_id == departure.case_id,
            Case.kind == Process.HANDOVER.value,
            Case.person_id == person_id,
        )
        .order_by(col(Case.id).desc())
    ).all()
    if not shares:
        raise Refusal("side", "side: this person has nothing to take over in this handover")
    return next((one for one in shares if one.state != CaseState.CLOSED.value), shares[0])


def asked_about(session: Session, case: Case, at: datetime) -> Standing:
    """Return what the case of a receiver asks about at a time: the items that are not closed."""
    today = branch_day(session, case.branch_id, at)
    absences = absences_on(session, case.departure_id or "", today)
    absent = {one.receiver_id for one in absences}
    for_whom = {one.receiver_id for one in absences if one.share_id == case.id}
    items = session.exec(
        select(HandoverItem)
        .where(
            HandoverItem.departure_id == case.departure_id,
            col(HandoverItem.state).in_(OPEN_STATES),
            or_(col(HandoverItem.share_id) == case.id, col(HandoverItem.receiver_id).in_(for_whom)),
        )
        .order_by(col(HandoverItem.id))
    ).all()
    return Standing(
        own=[one for one in items if one.share_id == case.id],
        of_others=[one for one in items if one.share_id != case.id],
        asked=case.person_id not in absent,
    )


def waits_for_receiver(item: HandoverItem) -> bool:
    """Say whether an item was handed over and waits to be accepted."""
    return item.state == ItemState.HANDED_OVER


def waits_for_leaver(item: HandoverItem) -> bool:
    """Say whether an item was not handed over yet."""
    return item.state == ItemState.OPEN


def absences_on(session: Session, departure_id: str, today: date) -> Sequence[ReceiverAbsence]:
    """Return which receivers of a departure are represented on a day."""
    return session.exec(
        select(ReceiverAbsence).where(
            ReceiverAbsence.departure_id == departure_id,
            col(ReceiverAbsence.from_day) <= today,
            col(ReceiverAbsence.until_day) >= today,
            col(ReceiverAbsence.ended_at).is_(None),
        )
    ).all()


def _confirmed(session: Session, case: Case) -> int:
    """Count what this case's receiver has accepted: what is theirs, and what they confirmed for others."""
    own = select(func.count()).where(
        HandoverItem.share_id == case.id, HandoverItem.state == ItemState.ACCEPTED.value
    )
    for_others = (
        select(func.count(func.distinct(ItemConfirmation.item_id)))
        .join(HandoverItem, col(HandoverItem.id) == col(ItemConfirmation.item_id))
        .where(
            ItemConfirmation.departure_id == case.departure_id,
            ItemConfirmation.what == What.ACCEPTED.value,
            ItemConfirmation.person_id == case.person_id,
            col(ItemConfirmation.acting_for).is_not(None),
            HandoverItem.state == ItemState.ACCEPTED.value,
        )
    )
    return session.exec(own).one() + session.exec(for_others).one()


def _real_time(case: Case, instant: datetime, now: datetime) -> datetime:
    """Return when the case's clock will show an instant; in time-lapse that is sooner."""
    if case.clock_factor == 1 or case.clock_case is None:
        return max(instant, now)
    clock = CaseClock(case.clock_case, case.clock_real or now, case.clock_factor, case.clock_limit)
    return now + clock.delay_until(instant, now)
