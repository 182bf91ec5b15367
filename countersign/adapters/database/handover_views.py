"""The handover of a departure as pages show it: the board of all items, and the share of one receiver."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlmodel import Session, col, or_, select

from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.cases import case_now
from countersign.adapters.database.equipment_money import DAMAGED, Claim, claims_of
from countersign.adapters.database.people import people_of
from countersign.adapters.database.shares import absences_on
from countersign.adapters.database.tables import (
    ActRow,
    Branch,
    Case,
    Departure,
    Document,
    HandoverItem,
    ItemConfirmation,
    Person,
    ReceiverAbsence,
)
from countersign.contracts.cases import CaseState, Process
from countersign.domain.departure import CLOSED_ITEMS, Condition, DepartureKind, ItemState, Track
from countersign.domain.equipment import BACK
from countersign.domain.gate import Hand, hand_of
from countersign.domain.handover import What
from countersign.domain.offboarding import last_day_over


@dataclass(frozen=True)
class ItemView:
    """One item as pages show it; `holder` is who has to do something.

    `one_sided` says that the receiver has confirmed and the leaver has not. `delegate` confirms today for the
    receiver; `confirmed_by` is who did so. `last_words` are those of the newest dispute or settlement,
    `files` the ids of its photos. `claim` is what the ledger claims for the item; only the board has it.
    """

    id: str
    track: Track
    reference: str
    title: str = field(repr=False)
    mandatory: bool
    value_fen: int | None
    state: ItemState
    holder: Hand | None
    one_sided: bool
    due_on: date
    condition: Condition | None
    handed_over_at: datetime | None
    accepted_at: datetime | None
    receiver_id: str | None
    receiver: str | None = field(repr=False)
    receiver_number: str | None
    delegate: str | None = field(repr=False)
    share_id: str | None
    last_words: str | None = field(default=None, repr=False)
    files: tuple[str, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict, repr=False)
    claim: Claim | None = None
    confirmed_by: str | None = field(default=None, repr=False)

    @property
    def finance_decides(self) -> bool:
        """Say whether the item came back damaged and finance has not said what that costs."""
        decided = self.claim is not None and self.claim.why == DAMAGED
        damaged = self.condition is Condition.DAMAGED and self.state is not ItemState.DISPUTED
        return damaged and self.accepted_at is not None and not decided

    @property
    def claim_stands(self) -> bool:
        """Say whether the item is back, or given up, and still claimed as it had been paid for."""
        over = self.state is ItemState.NOT_APPLICABLE or self.condition in BACK
        return over and self.claim is not None


@dataclass(frozen=True)
class Tally:
    """How many items of a person or a track stand where; `open` waits for the leaver."""

    all: int = 0
    open: int = 0
    handed_over: int = 0
    disputed: int = 0
    closed: int = 0


@dataclass(frozen=True)
class ReceiverTally:
    """What one receiver takes over; None as id and name is administration, or nobody for other tracks.

    `leaves_on` is the last day of a receiver who leaves as well.
    """

    person_id: str | None
    name: str | None = field(repr=False)
    number: str | None
    share_id: str | None
    tally: Tally
    delegate: str | None = field(default=None, repr=False)
    delegate_until: date | None = None
    leaves_on: date | None = None


@dataclass(frozen=True)
class Board:
    """The handover of one departure: items by track, counts by track and by receiver.

    `leaver_silent` tells that receivers may confirm what the leaver has not handed over.
    """

    departure_id: str
    last_day: date
    leaver_silent: bool
    items: Mapping[Track, tuple[ItemView, ...]]
    tracks: Mapping[Track, Tally]
    receivers: tuple[ReceiverTally, ...]
    all: Tally
    withdrawn: bool = False

    def only(self, tracks: Collection[Track]) -> "Board":
        """Return the board without the items of other tracks, and without who takes over only those."""
        items = {track: some if track in tracks else () for track, some in self.items.items()}
        views = [one for some in items.values() for one in some]
        counted = [
            (one, tally([view for view in views if view.receiver_id == one.person_id]))
            for one in self.receivers
        ]
        return replace(
            self,
            items=items,
            tracks={track: tally(some) for track, some in items.items()},
            receivers=tuple(replace(one, tally=theirs) for one, theirs in counted if theirs.all),
            all=tally(views),
        )


@dataclass(frozen=True)
class ShareView:
    """What one receiver sees: own items, and those of absent receivers for whom they confirm.

    `to_accept` are the ids that can be accepted now. `standing_in_for` maps item ids to the absent
    receiver's name.
    """

    case_id: str
    departure_id: str
    person_id: str
    person: str = field(repr=False)
    leaver: str = field(repr=False)
    leaver_number: str
    last_day: date
    leaver_silent: bool
    closed: bool
    items: tuple[ItemView, ...]
    to_accept: tuple[str, ...]
    tally: Tally
    withdrawn: bool = False
    standing_in_for: Mapping[str, str] = field(default_factory=dict, repr=False)


def leaver_silent(session: Session, departure: Departure, at: datetime) -> bool:
    """Say whether the leaver can be passed over: the last day is over, or nobody knows where they are."""
    zone = session.get_one(Branch, departure.branch_id).zone
    return departure.kind == DepartureKind.ABSENCE or at >= last_day_over(departure.last_day, zone)


def board_of(session: Session, departure: Departure, now: datetime) -> Board:
    """Return the handover of a departure at a real instant, in a handful of queries."""
    case = session.get_one(Case, departure.case_id)
    items = session.exec(
        select(HandoverItem)
        .where(HandoverItem.departure_id == departure.case_id)
        .order_by(col(HandoverItem.track), col(HandoverItem.reference))
    ).all()
    at = case_now(case, now)
    seen = _Seen(
        session, items, absences_on(session, departure.case_id, branch_day(session, case.branch_id, at))
    )
    claims = claims_of(session, departure)
    views = [replace(seen.view(item), claim=claims.get(item.id)) for item in items]
    if departure.withdrawn_at is not None:
        views = [replace(view, holder=None) for view in views]  # nobody has to do anything any more
    by_track = {track: tuple(one for one in views if one.track is track) for track in Track}
    return Board(
        departure_id=departure.case_id,
        last_day=departure.last_day,
        leaver_silent=leaver_silent(session, departure, at),
        items=by_track,
        tracks={track: tally(some) for track, some in by_track.items()},
        receivers=_receivers(views, seen),
        all=tally(views),
        withdrawn=departure.withdrawn_at is not None,
    )


def share_view(session: Session, case: Case, now: datetime) -> ShareView:
    """Return what the receiver of a handover case sees at a real instant."""
    departure = session.get_one(Departure, case.departure_id)
    at = case_now(case, now)
    absences = absences_on(session, departure.case_id, branch_day(session, case.branch_id, at))
    for_whom = [one.receiver_id for one in absences if one.share_id == case.id]
    items = session.exec(
        select(HandoverItem)
        .where(
            HandoverItem.departure_id == departure.case_id,
            or_(col(HandoverItem.share_id) == case.id, col(HandoverItem.receiver_id).in_(for_whom)),
        )
        .order_by(col(HandoverItem.track), col(HandoverItem.reference))
    ).all()
    seen, silent = _Seen(session, items, absences), leaver_silent(session, departure, at)
    views = tuple(seen.view(item) for item in items)
    person, leaver = session.get_one(Person, case.person_id), session.get_one(Person, departure.person_id)
    return ShareView(
        case_id=case.id,
        departure_id=departure.case_id,
        person_id=person.id,
        person=person.name,
        leaver=leaver.name,
        leaver_number=leaver.number,
        last_day=departure.last_day,
        leaver_silent=silent,
        closed=case.state == CaseState.CLOSED.value,
        items=views,
        to_accept=()
        if departure.withdrawn_at is not None
        else tuple(one.id for one in views if _acceptable(one, silent)),
        tally=tally(views),
        withdrawn=departure.withdrawn_at is not None,
        standing_in_for={
            one.id: one.receiver or "" for one in views if one.receiver_id not in (None, person.id)
        },
    )


def is_share(case: Case | None) -> bool:
    """Say whether a case is that of a receiver."""
    return case is not None and case.kind == Process.HANDOVER.value


def tally(views: Sequence[ItemView]) -> Tally:
    """Count items by where they stand."""
    counted = Counter(one.state for one in views)
    return Tally(
        all=len(views),
        open=counted[ItemState.OPEN],
        handed_over=counted[ItemState.HANDED_OVER],
        disputed=counted[ItemState.DISPUTED],
        closed=sum(counted[state] for state in CLOSED_ITEMS),
    )


def _acceptable(item: ItemView, silent: bool) -> bool:
    if item.state is ItemState.HANDED_OVER:
        return True
    return silent and item.state is ItemState.OPEN and not item.one_sided


def _receivers(views: Sequence[ItemView], seen: "_Seen") -> tuple[ReceiverTally, ...]:
    whose: dict[str | None, list[ItemView]] = {}
    for one in views:
        whose.setdefault(one.receiver_id, []).append(one)
    found = []
    for person_id, some in whose.items():
        absence = seen.absences.get(person_id or "")
        found.append(
            ReceiverTally(
                person_id=person_id,
                name=some[0].receiver,
                number=some[0].receiver_number,
                share_id=next((one.share_id for one in some if one.share_id), None),
                tally=tally(some),
                delegate=some[0].delegate,
                delegate_until=None if absence is None else absence.until_day,
                leaves_on=seen.leaving.get(person_id or ""),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.name is None, one.name or "")))


class _Seen:
    """What views need beside the items themselves, read once for all of them."""

    def __init__(
        self, session: Session, items: Sequence[HandoverItem], absences: Sequence[ReceiverAbsence]
    ) -> None:
        self.absences = {one.receiver_id: one for one in absences}
        ids = {item.receiver_id for item in items} | {one.delegate_id for one in absences}
        self._people = people_of(session, filter(None, ids))
        departures = {item.departure_id for item in items}
        self._words, self._files = _last_words(session, departures)
        self._stood_in = _stood_in(session, departures)
        leaving = select(Departure).where(
            col(Departure.person_id).in_(list(self._people)),
            col(Departure.withdrawn_at).is_(None),
            col(Departure.closed_at).is_(None),
        )
        self.leaving = {one.person_id: one.last_day for one in session.exec(leaving)}

    def view(self, item: HandoverItem) -> ItemView:
        receiver = self._people.get(item.receiver_id or "")
        absence = self.absences.get(item.receiver_id or "")
        return ItemView(
            id=item.id,
            track=Track(item.track),
            reference=item.reference,
            title=item.title,
            mandatory=item.mandatory,
            value_fen=item.value_fen,
            state=ItemState(item.state),
            holder=hand_of(
                Track(item.track), ItemState(item.state), has_receiver=item.receiver_id is not None
            ),
            one_sided=item.state == ItemState.OPEN and item.accepted_at is not None,
            due_on=item.due_on,
            condition=Condition(item.condition) if item.condition else None,
            handed_over_at=item.handed_over_at,
            accepted_at=item.accepted_at,
            receiver_id=item.receiver_id,
            receiver=None if receiver is None else receiver.name,
            receiver_number=None if receiver is None else receiver.number,
            delegate=None if absence is None else self._people[absence.delegate_id].name,
            share_id=item.share_id,
            last_words=self._words.get(item.id),
            files=self._files.get(item.id, ()),
            details=dict(item.details),
            confirmed_by=self._stood_in.get(item.id),
        )


def _stood_in(session: Session, departures: set[str]) -> dict[str, str]:
    """Return by item who has accepted it, the last time, for an absent receiver."""
    rows = session.exec(
        select(ItemConfirmation.item_id, Person.name, ItemConfirmation.acting_for)
        .outerjoin(Person, col(Person.id) == col(ItemConfirmation.person_id))
        .where(
            col(ItemConfirmation.departure_id).in_(departures),
            ItemConfirmation.what == What.ACCEPTED.value,
        )
        .order_by(col(ItemConfirmation.at))
    )
    newest = {item_id: (name, absent) for item_id, name, absent in rows}
    return {item_id: name for item_id, (name, absent) in newest.items() if absent is not None and name}


def _last_words(
    session: Session, departures: set[str]
) -> tuple[dict[str, str | None], dict[str, tuple[str, ...]]]:
    """Return by item the words of its newest dispute or settlement, and the photos of all of them."""
    rows = session.exec(
        select(ItemConfirmation.item_id, ActRow.id, ActRow.words)
        .join(ActRow, col(ActRow.id) == col(ItemConfirmation.act_id))
        .where(
            col(ItemConfirmation.departure_id).in_(departures),
            col(ItemConfirmation.what).in_((What.DISPUTED.value, What.SETTLED.value)),
        )
        .order_by(col(ItemConfirmation.at), col(ItemConfirmation.id))
    ).all()
    acts = {act_id for _, act_id, _ in rows}
    documents = session.exec(
        select(Document).where(col(Document.act_id).in_(acts)).order_by(col(Document.id))
    )
    of_act: dict[str, list[str]] = {}
    for one in documents:
        of_act.setdefault(one.act_id or "", []).append(one.id)
    words: dict[str, str | None] = {}
    files: dict[str, tuple[str, ...]] = {}
    for item_id, act_id, told in rows:
        words[item_id] = told.get("words")
        files[item_id] = (*files.get(item_id, ()), *of_act.get(act_id, ()))
    return words, files
