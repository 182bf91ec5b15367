"""Takes an import of holdings back: what it made is removed, what it changed is put back as it was."""

from collections.abc import Iterable

from sqlmodel import Session, col, select

from countersign.adapters.database.tables import Departure, HandoverItem, Holding, Person
from countersign.adapters.roster.changes import Change, How
from countersign.adapters.roster.undoing import NotWhole, Stays, Undoing
from countersign.domain.departure import Track
from countersign.domain.holdings import DETAILS


def undo_holdings(session: Session, changes: Iterable[Change], *, write: bool, part: bool = False) -> Undoing:
    """Take holdings back within the transaction; without `write` only say what would be.

    What was changed again since, and what stands in a departure meanwhile, stays as it is. Raises `NotWhole`,
    with nothing taken back, where something stays and `part` was not wished.
    """
    going: list[tuple[Holding, Change]] = []
    stays: list[Stays] = []
    for change in changes:
        row = _find(session, change)
        why = _hindrance(session, row, change)
        if row is None or why is not None:
            stays.append(Stays(change.row, change.key[0], why or _GONE))
        else:
            going.append((row, change))
    undoing = Undoing(len(going), stays)
    if write:
        if stays and not part:
            raise NotWhole(undoing)
        for row, change in going:
            _take_back(session, row, change)
        session.flush()
    return undoing


_GONE = "the holding is no longer there"
_PEOPLE = {"holder": "person_id", "receiver": "receiver_id"}


def _find(session: Session, change: Change) -> Holding | None:
    reference, track = change.key
    return session.exec(select(Holding).where(Holding.track == track, Holding.reference == reference)).first()


def _hindrance(session: Session, row: Holding | None, change: Change) -> str | None:
    if row is None:
        return _GONE
    asked = (
        select(HandoverItem.id)
        .join(Departure, col(Departure.case_id) == col(HandoverItem.departure_id))
        .where(
            HandoverItem.track == row.track,
            HandoverItem.reference == row.reference,
            Departure.person_id == row.person_id,
            col(Departure.holds).is_not(None),
        )
    )
    if session.exec(asked).first() is not None:
        return "it stands in the handover of a departure since"
    now = {name: _present(session, row, name) for name in change.fields}
    if any(now[name] != new for name, (_, new) in change.fields.items()):
        return "it was changed since"
    before = (old for name, (old, _) in change.fields.items() if name in _PEOPLE and old is not None)
    if any(_person_id(session, number) is None for number in before):
        return "who held it before is no longer there"
    return None


def _present(session: Session, row: Holding, name: str) -> str | None:
    if name in _PEOPLE:
        person_id = getattr(row, _PEOPLE[name])
        return None if person_id is None else session.get_one(Person, person_id).number
    if name in DETAILS[Track(row.track)]:
        return row.details.get(name)
    return field_text(getattr(row, name))


def field_text(value: object) -> str | None:
    """Return a value of a holding as it is kept of a change: yes or no in a word, fen in digits."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return None if value is None else str(value)


def _take_back(session: Session, row: Holding, change: Change) -> None:
    if change.how is How.NEW:
        session.delete(row)
        return
    for name, (old, _) in change.fields.items():
        if name in _PEOPLE:
            setattr(row, _PEOPLE[name], None if old is None else _person_id(session, old))
        elif name in DETAILS[Track(row.track)]:
            kept = {one: text for one, text in row.details.items() if one != name}
            row.details = kept if old is None else {**kept, name: old}
        elif name == "mandatory":
            row.mandatory = old == "yes"
        elif name == "value_fen":
            row.value_fen = None if old is None else int(old)
        else:
            setattr(row, name, old)
    session.add(row)


def _person_id(session: Session, number: str) -> str | None:
    return session.exec(select(Person.id).where(Person.number == number)).first()
