"""What employees hold: taken in from files and other systems, and passed on to a departure that is open."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.items import list_items, those_who_left
from countersign.adapters.database.looks import tell_departure
from countersign.adapters.database.people import people_of
from countersign.adapters.database.queries import some_at_once
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.shares import Shares
from countersign.adapters.database.tables import (
    Case,
    Departure,
    HandoverItem,
    Holding,
    Person,
)
from countersign.domain.departure import CLOSED_ITEMS, Track
from countersign.domain.holdings import DETAILS, HoldingFault, HoldingWish, doubled
from countersign.domain.local_time import day_of
from countersign.domain.refusal import Refusal
from countersign.ids import new_id

Values = dict[str, Any]
"""A holding by field: people by number, details by their names, the value in fen."""


@dataclass(frozen=True)
class HoldingChange:
    """What becomes of one holding: its values before, None if it is new, and after."""

    track: Track
    reference: str
    before: Values | None = field(repr=False)
    after: Values = field(repr=False)

    @property
    def changed(self) -> bool:
        """Say whether anything is written."""
        return self.before != self.after


@dataclass(frozen=True)
class Looked:
    """What a list of holdings would do, by the place of each in the list: its faults, or its change."""

    faults: dict[int, list[HoldingFault]]
    changes: dict[int, HoldingChange]


class HoldingsRefused(ValueError):
    """Holdings of which at least one is refused; nothing was written."""

    def __init__(self, faults: Mapping[int, list[HoldingFault]]) -> None:
        super().__init__(f"{len(faults)} holdings are refused")
        self.faults = dict(faults)


class StillInHandover(ValueError):
    """Holdings that stand in an open handover, where they are closed; by their numbers."""

    def __init__(self, references: Sequence[str]) -> None:
        super().__init__("still in a handover")
        self.references = list(references)


class HoldingBook:
    """Keeps what everybody holds. What a leaver turns out to hold joins the handover that is open."""

    def __init__(
        self, database: Database, evidence: EvidenceLog, shares: Shares, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._evidence, self._shares, self._clock = database, evidence, shares, clock

    def look(self, wishes: Sequence[HoldingWish], branch_id: str | None) -> Looked:
        """Say what holdings of one track would change, and what is wrong with them; nothing is written.

        `branch_id` leaves only the people of one branch known.
        """
        with self._database.reading() as session:
            return self._look(session, wishes, branch_id)

    def put(self, wishes: Sequence[HoldingWish], source: str, branch_id: str | None) -> list[HoldingChange]:
        """Write holdings of one track, all or none; the same ones again change nothing.

        `source` says where they come from, such as `import`. Returns what became of each. Raises
        `HoldingsRefused`.
        """
        return self._database.write(lambda session: self._put(session, wishes, source, branch_id))

    def _put(
        self, session: Session, wishes: Sequence[HoldingWish], source: str, branch_id: str | None
    ) -> list[HoldingChange]:
        looked = self._look(session, wishes, branch_id)
        if looked.faults:
            raise HoldingsRefused(looked.faults)
        people = _people(session, [one for wish in wishes for one in (wish.holder, wish.receiver) if one])
        known = _holdings(session, [(wish.track, wish.reference) for wish in wishes])
        came: dict[int, Holding] = {}
        for place, wish in enumerate(wishes):
            if looked.changes[place].changed:
                row = known.get((wish.track.value, wish.reference))
                before = None if row is None else row.person_id
                row = self._write(row, wish, people, source)
                session.add(row)
                if before != row.person_id:
                    came[place] = row
        session.flush()
        self._join(session, came)
        return [looked.changes[place] for place in range(len(wishes))]

    def _write(
        self, row: Holding | None, wish: HoldingWish, people: Mapping[str, Person], source: str
    ) -> Holding:
        receiver = None if wish.receiver is None else people[wish.receiver].id
        if row is None:
            row = Holding(
                id=new_id(),
                track=wish.track.value,
                reference=wish.reference,
                person_id=people[wish.holder].id,
                title=wish.title,
                source=source,
                updated_at=self._clock(),
            )
        row.person_id, row.title, row.receiver_id = people[wish.holder].id, wish.title, receiver
        row.details, row.mandatory, row.value_fen = dict(wish.details), wish.mandatory, wish.value_fen
        row.source, row.updated_at = source, self._clock()
        return row

    def _join(self, session: Session, came: Mapping[int, Holding]) -> None:
        """List what people who are leaving turn out to hold; what is listed already is left alone."""
        by_person: dict[str, dict[int, Holding]] = {}
        for place, holding in came.items():
            by_person.setdefault(holding.person_id, {})[place] = holding
        for departure in _open_departures(session, list(by_person)):
            case = session.get_one(Case, departure.case_id)
            at = case_now(case, self._clock())
            tracks = _tracks(case, departure)
            holdings = {
                place: one for place, one in by_person[departure.person_id].items() if one.track in tracks
            }
            try:
                listed = list_items(session, self._evidence, departure, case, list(holdings.values()), at)
            except Refusal as refusal:
                fault = HoldingFault("receiver", "refused", str(refusal))
                raise HoldingsRefused({place: [fault] for place in holdings}) from None
            if listed:
                self._shares.spread(session, departure, at)
                tell_departure(session, departure.case_id, self._clock())

    # -- what is wrong, what changes ----------------------------------------------------------------------

    def _look(self, session: Session, wishes: Sequence[HoldingWish], branch_id: str | None) -> Looked:
        people = _people(session, [one for wish in wishes for one in (wish.holder, wish.receiver) if one])
        gone = those_who_left(session, [one.id for one in people.values()], day_of(self._clock()))
        known = _holdings(session, [(wish.track, wish.reference) for wish in wishes])
        holders = people_of(session, {one.person_id for one in known.values()})
        others = people_of(session, {one.receiver_id for one in known.values() if one.receiver_id})
        twice = doubled(wish.reference for wish in wishes)
        faults: dict[int, list[HoldingFault]] = {}
        changes: dict[int, HoldingChange] = {}
        for place, wish in enumerate(wishes):
            row = known.get((wish.track.value, wish.reference))
            found = list(_people_faults(wish, people, gone, branch_id))
            if place in twice:
                found.append(HoldingFault("reference", "duplicate", _TWICE))
            if row is not None and branch_id not in (None, holders[row.person_id].branch_id):
                found.append(HoldingFault("reference", "other_branch", _ELSEWHERE))
            if found:
                faults[place] = found
                continue
            before = None if row is None else _values(row, holders | others)
            changes[place] = HoldingChange(wish.track, wish.reference, before, _wished(wish))
        return Looked(faults, changes)

    # -- reading, giving back ------------------------------------------------------------------------------

    def of_employee(self, number: str, scope: Scope) -> list[Values] | None:
        """Return what somebody holds, by track and number; None where there is nobody of this number."""
        with self._database.reading() as session:
            person = session.exec(select(Person).where(Person.number == number)).first()
            if person is None or not scope.covers(person, person.branch_id):
                return None
            order = (col(Holding.track), col(Holding.reference))
            rows = session.exec(select(Holding).where(Holding.person_id == person.id).order_by(*order)).all()
            receivers = people_of(session, {one.receiver_id for one in rows if one.receiver_id})
            people = receivers | {person.id: person}
            return [
                {"track": row.track, "reference": row.reference, **_values(row, people),
                 "details": dict(row.details), "source": row.source, "updated_at": row.updated_at}
                for row in rows
            ]  # fmt: skip

    def give_back(self, track: Track, references: Sequence[str], branch_id: str | None) -> list[str]:
        """Strike out what nobody holds any longer; return the numbers that were known.

        A number that is not known is passed over: asked again, nothing changes. Raises `StillInHandover` for
        what an open departure asks for; it is closed there, by both sides.
        """

        def strike(session: Session) -> list[str]:
            found = _holdings(session, [(track, one) for one in references])
            holders = people_of(session, {one.person_id for one in found.values()})
            mine = [one for one in found.values() if branch_id in (None, holders[one.person_id].branch_id)]
            asked = _asked_for(session, track, [one.reference for one in mine])
            if asked:
                raise StillInHandover(asked)
            for one in mine:
                session.delete(one)
            return [one.reference for one in mine]

        return self._database.write(strike)


_UNKNOWN = "no employee here has this number; correct it, or import the person first"
_TWICE = "stands in this list twice; keep one of the two"
_ELSEWHERE = "belongs to somebody of another branch; ask head office"
_OWN = "is the holder; name somebody else, or leave it empty"
_LEFT = "has left the company; name somebody else"


def _people_faults(
    wish: HoldingWish, people: Mapping[str, Person], gone: set[str], branch_id: str | None
) -> Iterable[HoldingFault]:
    holder = people.get(wish.holder)
    if holder is None or branch_id not in (None, holder.branch_id):
        yield HoldingFault("holder", "unknown_person", _UNKNOWN)
    if wish.receiver is None:
        return
    receiver = people.get(wish.receiver)
    if receiver is None:
        yield HoldingFault("receiver", "unknown_person", _UNKNOWN)
    elif wish.receiver == wish.holder:
        yield HoldingFault("receiver", "receiver_is_holder", _OWN)
    elif receiver.id in gone:
        yield HoldingFault("receiver", "receiver_left", _LEFT)


def _wished(wish: HoldingWish) -> Values:
    details = {name: wish.details.get(name) for name in DETAILS[wish.track]}
    told = {"title": wish.title, "holder": wish.holder, **details}
    return told | {"mandatory": wish.mandatory, "value_fen": wish.value_fen, "receiver": wish.receiver}


def _values(row: Holding, people: Mapping[str, Person]) -> Values:
    details = {name: row.details.get(name) for name in DETAILS[Track(row.track)]}
    told = {"title": row.title, "holder": people[row.person_id].number, **details}
    receiver = None if row.receiver_id is None else people[row.receiver_id].number
    return told | {"mandatory": row.mandatory, "value_fen": row.value_fen, "receiver": receiver}


def _people(session: Session, numbers: Iterable[str]) -> dict[str, Person]:
    found: dict[str, Person] = {}
    for some in some_at_once(numbers):
        found |= {one.number: one for one in session.exec(select(Person).where(col(Person.number).in_(some)))}
    return found


def _holdings(session: Session, wanted: Iterable[tuple[Track, str]]) -> dict[tuple[str, str], Holding]:
    by_track: dict[Track, list[str]] = {}
    for track, reference in wanted:
        by_track.setdefault(track, []).append(reference)
    found: dict[tuple[str, str], Holding] = {}
    for track, references in by_track.items():
        for some in some_at_once(references):
            query = select(Holding).where(Holding.track == track.value, col(Holding.reference).in_(some))
            found |= {(one.track, one.reference): one for one in session.exec(query)}
    return found


def _open_departures(session: Session, people: Iterable[str]) -> list[Departure]:
    found: list[Departure] = []
    for some in some_at_once(people):
        query = select(Departure).where(
            col(Departure.person_id).in_(some),
            col(Departure.holds).is_not(None),
            col(Departure.closed_at).is_(None),
        )
        found += session.exec(query)
    return found


def _tracks(case: Case, departure: Departure) -> set[str]:
    """Return which tracks a departure hands over, by the policy that its case started with."""
    templates = case.frozen.get("policy", {}).get("kinds", {})
    return set(templates.get(departure.kind, {}).get("tracks", Track))


def _asked_for(session: Session, track: Track, references: Iterable[str]) -> list[str]:
    """Return what stands in an open departure and is not closed there."""
    found: list[str] = []
    for some in some_at_once(references):
        query = (
            select(HandoverItem.reference)
            .join(Departure, col(Departure.case_id) == col(HandoverItem.departure_id))
            .where(
                HandoverItem.track == track.value,
                col(HandoverItem.reference).in_(some),
                col(HandoverItem.state).not_in([state.value for state in CLOSED_ITEMS]),
                col(Departure.holds).is_not(None),
                col(Departure.closed_at).is_(None),
            )
            .order_by(col(HandoverItem.reference))
        )
        found += session.exec(query)
    return found
