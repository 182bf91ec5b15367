"""Which items of a handover an act is about, and whether who acts may say it of them."""

from collections.abc import Callable, Container, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.cases import case_now
from countersign.adapters.database.handover_acts import TAKES_OVER, HandoverAct
from countersign.adapters.database.items import named
from countersign.adapters.database.own_departure import person_behind
from countersign.adapters.database.shares import OPEN_STATES, absences_on, newest_share
from countersign.adapters.database.tables import Case, Departure, Document, HandoverItem
from countersign.domain.departure import ItemState, Track
from countersign.domain.handover import Side, Speaker, What
from countersign.domain.refusal import Refusal

MOST_ITEMS = 2000
"""How many items one act may carry."""


def meant(
    session: Session, departure: Departure, case: Case, act: HandoverAct, what: What, at: datetime
) -> list[HandoverItem]:
    """Return the items that an act is about: those named, else all of which it can be said now."""
    if act.items:
        items = chosen(session, departure, act.items)
    else:
        state = ItemState.OPEN if what is What.HANDED_OVER else ItemState.HANDED_OVER
        items = _locked(session, departure, HandoverItem.state == state.value)
    if act.speaker in TAKES_OVER:
        mine = {act.person_id, *_stood_in_for(session, case, at)}
        return _own(act, items, lambda item: item.receiver_id in mine)
    if act.speaker is Speaker.ADMINISTRATION:
        return _own(act, items, _for_administration(what))
    if act.speaker is Speaker.COMPANY and not act.items and what is What.ACCEPTED:
        return [item for item in items if item.receiver_id == act.person_id]
    return items


def chosen(session: Session, departure: Departure, wanted: Sequence[str]) -> list[HandoverItem]:
    """Return the items of these ids; raises `Refusal` when one is not of this handover."""
    if len(wanted) > MOST_ITEMS:
        raise Refusal(
            "items", f"items: holds {len(wanted)}; one act takes at most {MOST_ITEMS}, so send several"
        )
    items = _locked(session, departure, col(HandoverItem.id).in_(wanted))
    missing = len(set(wanted)) - len(items)
    if missing:
        raise Refusal(
            "items",
            f"items: {missing} of them do not belong to this handover; open the list again. "
            "Nothing was changed.",
        )
    return items


def of_share(session: Session, departure: Departure, share: str | None) -> tuple[str, ...]:
    """Return the ids of what a receiver's case still has open."""
    if share is None:
        return ()
    return tuple(
        session.exec(
            select(HandoverItem.id).where(
                HandoverItem.departure_id == departure.case_id,
                HandoverItem.share_id == share,
                col(HandoverItem.state).in_(OPEN_STATES),
            )
        )
    )


def side_on_paper(
    session: Session,
    departure: Departure,
    case: Case,
    act: HandoverAct,
    items: Sequence[HandoverItem],
) -> Case:
    """Return the case of the side that gave a confirmation on paper; raises `Refusal`."""
    need(act.words, "words", "say why the confirmation is written down for that side")
    if not act.files:
        known = None if act.document is None else session.get(Document, act.document)
        owner = None if known is None else session.get_one(Case, known.case_id)
        if owner is None or owner.departure_id != departure.case_id:
            raise Refusal("document", "document: name a document of this departure that shows the paper")
    receivers = {item.receiver_id for item in items}
    if act.side is Side.LEAVER or receivers <= {None}:
        return case
    if len(receivers) > 1:
        raise Refusal(
            "items",
            f"items: {named(items)} belong to several receivers; write down each one's paper by itself",
        )
    return newest_share(session, departure, receivers.pop())


def refuse_sides(
    session: Session,
    departure: Departure,
    act: HandoverAct,
    items: Sequence[HandoverItem],
    approved_by: str | None,
    now: datetime,
) -> None:
    """Refuse that the company decides of items by an officer who takes them over; raises `Refusal`.

    That is the receiver, whoever stands in for the receiver, and the same of whoever agrees to it.
    """
    if act.speaker not in {Speaker.ADMINISTRATION, Speaker.COMPANY}:
        return
    today = branch_day(session, departure.branch_id, case_now(session.get_one(Case, departure.case_id), now))
    receivers = {item.receiver_id for item in items}
    sides = receivers | {
        one.delegate_id
        for one in absences_on(session, departure.case_id, today)
        if one.receiver_id in receivers
    }
    for actor in filter(None, (act.actor, approved_by)):
        person = person_behind(session, actor)
        if person is not None and person in sides:
            raise Refusal(
                "items", "items: some of them are taken over by yourself; somebody else has to decide of them"
            )


def approved(
    act: HandoverAct,
    items: Sequence[HandoverItem],
    claimed: Container[str],
    approved_by: str | None,
    two_persons: bool,
) -> dict[str, Any]:
    """Return how a second person's approval stands in the act; raises `Refusal` where one is missing.

    `claimed` are the ids of items whose value is claimed: to take these off gives money up.
    """
    mandatory = [item for item in items if item.mandatory]
    given_up = [item for item in items if item.id in claimed and not item.mandatory]
    if approved_by is None and two_persons and given_up and not mandatory:
        raise Refusal(
            "approved_by",
            f"approved_by: the value of {named(given_up)} is claimed; to give it up needs a second person's "
            "approval. Ask for it in the console, on the page of the departure.",
        )
    if approved_by is None and two_persons and mandatory:
        raise Refusal(
            "approved_by",
            f"approved_by: {named(mandatory)} must be handed over; that this does not apply needs a second "
            "person's approval. Ask for it in the console, on the page of the departure.",
        )
    if approved_by is not None and approved_by == act.actor:
        raise Refusal("approved_by", "approved_by: is the person who asks; somebody else has to approve")
    return {} if approved_by is None else {"approved_by": approved_by}


def need(value: object, field: str, what: str) -> None:
    """Refuse what is empty; `what` says what to do."""
    if not value:
        raise Refusal(field, f"{field}: is missing; {what}")


def _locked(session: Session, departure: Departure, which: Any) -> list[HandoverItem]:
    return list(
        session.exec(
            select(HandoverItem)
            .where(HandoverItem.departure_id == departure.case_id, which)
            .order_by(col(HandoverItem.id))
            .with_for_update()
        )
    )


def _own(
    act: HandoverAct, items: list[HandoverItem], mine: Callable[[HandoverItem], bool]
) -> list[HandoverItem]:
    own = [item for item in items if mine(item)]
    if act.items and len(own) < len(items):
        # Not by name: what somebody else takes over is not for this person to read.
        raise Refusal(
            "items",
            f"items: {len(items) - len(own)} of them are not yours to confirm; open the list again. "
            "Nothing was changed.",
        )
    return own


def _for_administration(what: What) -> Callable[[HandoverItem], bool]:
    def mine(item: HandoverItem) -> bool:
        return item.track == Track.EQUIPMENT and (what is What.SETTLED or item.receiver_id is None)

    return mine


def _stood_in_for(session: Session, case: Case, at: datetime) -> set[str]:
    today = branch_day(session, case.branch_id, at)
    absences = absences_on(session, case.departure_id or "", today)
    return {one.receiver_id for one in absences if one.delegate_id == case.person_id}
