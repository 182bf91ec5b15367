"""An act about items: who says it, what it does, and what is written of it in the rows and the chains."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from countersign.adapters.database.acts import NewAct, StoredFile
from countersign.adapters.database.cases import actor_of, case_now
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.handover_views import is_share
from countersign.adapters.database.items import keep_item_events
from countersign.adapters.database.tables import Account, ActRow, Case, Departure, HandoverItem, Person
from countersign.contracts.cases import ActKind, Role
from countersign.domain.departure import Condition, ItemState
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.handover import Position, Side, Speaker, What
from countersign.ids import new_id

KINDS: Mapping[What, tuple[ActKind, EventKind]] = {
    What.HANDED_OVER: (ActKind.HANDED_OVER, EventKind.ITEM_HANDED_OVER),
    What.ACCEPTED: (ActKind.ACCEPTED, EventKind.ITEM_ACCEPTED),
    What.DISPUTED: (ActKind.DISPUTED, EventKind.ITEM_DISPUTED),
    What.SETTLED: (ActKind.DISPUTE_SETTLED, EventKind.ITEM_SETTLED),
    What.NOT_APPLICABLE: (ActKind.NOT_APPLICABLE, EventKind.ITEM_NOT_APPLICABLE),
    What.REASSIGNED: (ActKind.REASSIGNED, EventKind.ITEM_REASSIGNED),
    What.SPLIT: (ActKind.REASSIGNED, EventKind.ITEM_REASSIGNED),
}
"""What each saying is as an act and as an event."""

TAKES_OVER = frozenset({Speaker.RECEIVER, Speaker.DELEGATE})

_OF_OTHERS = frozenset({"from", "to", "for"})
_OF_WHO_SPOKE = frozenset({"words", "by", "approved_by", "files", "document"})


@dataclass(frozen=True)
class HandoverAct:
    """Something that somebody says of items.

    `id` is the act's: the same id is the same act. `departure_id` is the offboarding case. `items` are item
    ids; empty means all that can be said of now: of the leaver what is open, of a receiver (with those whom
    they stand in for) and of administration what was handed over. `side` is in whose name it is said,
    `person_id` the employee who says it: the leaver, the receiver, or the officer's own, where known. With
    the speaker `company` a side's confirmation is written down from a paper, which `document` or `files`
    hold. `acting_for` is the account whose work an officer in the console does. `asked` is a hash of what was
    asked for, kept so that the same id with other content can be told apart. `identity` is how it is known
    who speaks, where that is not the link.
    """

    id: str
    departure_id: str
    speaker: Speaker
    side: Side
    role: Role
    actor: str
    person_id: str | None = None
    items: tuple[str, ...] = ()
    words: str = field(default="", repr=False)
    document: str | None = None
    files: tuple[StoredFile, ...] = ()
    acting_for: str | None = None
    link_id: str | None = None
    audience: str | None = None
    shown_sha256: str | None = None
    asked: str | None = None
    identity: str | None = None


@dataclass(frozen=True)
class Change:
    """What an act does: where each item stands afterwards, to whom it goes, and what is told of it."""

    what: What
    case: Case
    items: Sequence[HandoverItem]
    positions: Mapping[str, Position]
    already: int = 0
    receivers: Mapping[str, str | None] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)


def position_of(item: HandoverItem) -> Position:
    """Return where an item stands, in the words of the domain."""
    return Position(
        ItemState(item.state),
        leaver_said=item.handed_over_at is not None,
        receiver_said=item.accepted_at is not None,
        condition=Condition(item.condition) if item.condition else None,
    )


def place(item: HandoverItem, position: Position, at: datetime) -> None:
    """Let an item stand where the domain says; a side that has spoken before keeps its time."""
    item.state = position.state.value
    item.handed_over_at = (item.handed_over_at or at) if position.leaver_said else None
    item.accepted_at = (item.accepted_at or at) if position.receiver_said else None
    item.condition = None if position.condition is None else position.condition.value


def new_act(act: HandoverAct, kind: ActKind, case: Case, body: Mapping[str, Any]) -> NewAct:
    """Return an act of a case as the books take it in."""
    known = {"asked": act.asked, "identity": act.identity}
    return NewAct(
        id=act.id,
        case_id=case.id,
        kind=kind,
        role=act.role,
        actor=act.actor,
        body={**body, **{name: value for name, value in known.items() if value is not None}},
        words={"words": act.words} if act.words else {},
        link_id=act.link_id,
        audience=act.audience,
        shown_sha256=act.shown_sha256,
        files=act.files,
        acting_for=act.acting_for,
    )


def said_by(departure: Departure, act: HandoverAct, items: Sequence[HandoverItem]) -> str | None:
    """Return the employee in whose name it was said on paper, or who said it."""
    if act.speaker is not Speaker.COMPANY:
        return act.person_id
    if act.side is Side.LEAVER:
        return departure.person_id
    return items[0].receiver_id if act.side is Side.RECEIVER else None


def confirmation(
    row: ActRow, act: HandoverAct, change: Change, item: HandoverItem, who: str | None
) -> dict[str, Any]:
    """Return the row of what one side said of one item; `who` is the employee who said it."""
    position = change.positions[item.id]
    stands_in = act.speaker in TAKES_OVER and item.receiver_id != act.person_id
    found = position.condition if change.what is What.ACCEPTED else None
    return {
        "id": new_id(),
        "item_id": item.id,
        "departure_id": item.departure_id,
        "act_id": row.id,
        "what": change.what.value,
        "side": act.side.value,
        "person_id": who,
        "acting_for": item.receiver_id if stands_in else None,
        "receiver_id": change.receivers.get(item.id, item.receiver_id),
        "condition": None if found is None else found.value,
        "at": row.at,
    }


def keep_events(
    evidence: EvidenceLog,
    session: Session,
    departure: Departure,
    act: HandoverAct,
    row: ActRow,
    change: Change,
    was: tuple[Mapping[str, str | None], Mapping[str, str | None]],
    clock: Callable[[], datetime],
) -> None:
    """Tell the offboarding chain everything, and each receiver's chain what concerns that receiver.

    `was` holds the case and the receiver of each item before the act.
    """
    former, before = was
    actor, key, kind = actor_of(session, row), f"act/{row.id}/items", KINDS[change.what][1]
    more = _told(session, act, row, change)
    offboarding = session.get_one(Case, departure.case_id)
    at = case_now(offboarding, clock())
    each = {item.id: _told_of(session, act, item, change, before[item.id]) for item in change.items}
    everything = {**more, **change.told}
    keep_item_events(evidence, session, offboarding, key, at, kind, actor, change.items, everything, each)
    if change.what is What.HANDED_OVER:
        return
    shares: dict[str, list[HandoverItem]] = {}
    for item in change.items:
        for share in {former[item.id], change.case.id if is_share(change.case) else None}:
            if share is not None:
                shares.setdefault(share, []).append(item)
    own = {one: {k: v for k, v in told.items() if k not in _OF_OTHERS} for one, told in each.items()}
    # What somebody else said about a receiver's items stands there without their name and their words.
    bare = {name: value for name, value in more.items() if name not in _OF_WHO_SPOKE}
    for share, some in sorted(shares.items()):
        case = session.get_one(Case, share)
        at, told = case_now(case, clock()), more if share == change.case.id else bare
        who = actor if share == change.case.id else {"role": row.role, "id": row.actor}
        keep_item_events(evidence, session, case, key, at, kind, who, some, told, own)


def _told(session: Session, act: HandoverAct, row: ActRow, change: Change) -> dict[str, Any]:
    """Return what every event of an act says beside its items."""
    more: dict[str, Any] = {"act": row.id, "side": act.side.value, "fingerprint": row.fingerprint}
    more |= {name: Sealed(text) for name, text in row.words.items() if text}
    if act.speaker in {Speaker.LEAVER, *TAKES_OVER}:
        person = session.get_one(Person, act.person_id)
        more["by"] = {"id": person.id, "name": Sealed(person.name)}
    for name in ("verdict", "document"):
        if row.body.get(name):
            more[name] = row.body[name]
    more |= told_of_approval(session, row)
    if act.files:
        more["files"] = [file.sha256 for file in act.files]
    if act.speaker is Speaker.COMPANY and act.side is not Side.COMPANY:
        more["on_paper"] = True
    if change.what is What.SPLIT:
        more["split"] = True
    return more


def told_of_approval(session: Session, row: ActRow) -> dict[str, Any]:
    """Return how the second person who has agreed to an act stands in events; nothing where there is none."""
    approver = row.body.get("approved_by")
    if not approver:
        return {}
    account = session.get(Account, approver.removeprefix("account:"))
    name = {} if account is None else {"name": Sealed(account.name)}
    return {"approved_by": {"id": approver, **name}}


def _told_of(
    session: Session, act: HandoverAct, item: HandoverItem, change: Change, before: str | None
) -> dict[str, Any]:
    """Return what an event says of one item; whoever stood in stands beside the receiver for whom."""
    told: dict[str, Any] = {"state": item.state}
    if act.speaker in TAKES_OVER and item.receiver_id not in (None, act.person_id):
        receiver = session.get_one(Person, item.receiver_id)
        told["for"] = {"id": receiver.id, "name": Sealed(receiver.name)}
    if change.what is What.ACCEPTED:
        if item.condition is not None:
            told["condition"] = item.condition
        if item.state == ItemState.OPEN:
            told["one_sided"] = True
    if item.id in change.receivers:
        told |= {"from": before, "to": item.receiver_id}
    return told
