"""The items of a departure: how they stand, and what the company records of them."""

import hashlib
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import Field

from api.carrying import carried
from api.dependencies import IdempotencyKey, PartsDep, needed, own_id
from api.errors import Refused, not_found
from api.security import actor_of, allow, scope_of
from api.v1.act_answers import answer
from api.v1.cases import CaseId
from api.v1.models import Day, Strict, Words
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.handover_book import (
    MOST_ITEMS,
    Board,
    HandoverAct,
    ItemView,
    ReceiverTally,
    Tally,
)
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.tokens import Caller
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.departure import Condition, Track
from countersign.domain.handover import Side, Speaker, Verdict

router = APIRouter(tags=["departures"])
Staff = Annotated[Caller, Depends(allow(*STAFF))]
Taking = Annotated[Caller, Depends(allow(*STAFF, Role.ADMINISTRATION))]
Reader = Annotated[Caller, Depends(allow(*READERS, Role.ADMINISTRATION))]

ItemId = Annotated[str, Field(min_length=26, max_length=26, pattern="^[0-9A-Z]{26}$")]
Items = Annotated[list[ItemId], Field(max_length=MOST_ITEMS)]
SomeItems = Annotated[list[ItemId], Field(min_length=1, max_length=MOST_ITEMS)]
Named = Annotated[str, Field(min_length=1, max_length=40, pattern=r"\S")]
_Condition = Annotated[Condition, Field(strict=False)]
_Side = Annotated[Side, Field(strict=False)]
_Verdict = Annotated[Verdict, Field(strict=False)]

_RECORDED: dict[int | str, dict[str, Any]] = {
    202: {"description": "Recorded; brought to the running case as soon as that is reached."}
}
Take = Callable[[HandoverAct], ActView]


class HandOverRequest(Strict):
    """What the leaver has handed over, as a paper shows; no items means everything that is open."""

    items: Items = Field(default=[])
    words: Words
    document: ItemId


class AcceptRequest(Strict):
    """What a receiver has taken over; no items means everything that was handed over.

    Administration takes equipment back, in a `condition` for all or in `conditions` by item. Others write
    down what a paper shows: then `words` and `document` are needed.
    """

    items: Items = Field(default=[])
    condition: _Condition | None = None
    conditions: dict[ItemId, _Condition] = Field(default={})
    words: Words | None = None
    document: ItemId | None = None


class DisputeRequest(Strict):
    """What a side disagrees about. Administration speaks for itself; others name the side and its paper."""

    items: SomeItems
    words: Words
    side: _Side | None = None
    document: ItemId | None = None


class SettleRequest(Strict):
    """How the company settles disputes, and why."""

    items: SomeItems
    verdict: _Verdict
    words: Words


class ReassignRequest(Strict):
    """Who takes items over from now on; `share` is a receiver's case, for all that is open of it.

    Without `receiver` equipment goes to administration.
    """

    items: Items = Field(default=[])
    share: ItemId | None = None
    receiver: Named | None = None
    words: Words | None = None


class SplitRequest(Strict):
    """How a set is spread: `items` to `receivers` in turn, or `assignments` of items to receivers."""

    items: Items = Field(default=[])
    receivers: Annotated[list[Named], Field(max_length=MOST_ITEMS)] = Field(default=[])
    assignments: Annotated[dict[ItemId, Named], Field(max_length=MOST_ITEMS)] = Field(default={})
    words: Words | None = None


class DelegateRequest(Strict):
    """Who confirms for an absent receiver; both days are included."""

    receiver: Named
    delegate: Named
    first: Annotated[Day, Field(alias="from")]
    until: Day
    words: Words | None = None


class NotApplicableRequest(Strict):
    """Which items do not apply, and why."""

    items: SomeItems
    words: Words


@router.get("/departures/{case_id}/items", summary="The handover: every item, who holds it, and the counts")
def read(parts: PartsDep, caller: Reader, case_id: CaseId) -> dict[str, Any]:
    """Show the handover board; administration sees the equipment."""
    _must_see(parts, caller, case_id)
    board = parts.handover_book.board(case_id)
    if board is None:
        raise not_found("departure")
    return _board_to_json(board, caller.role)


@router.post(
    "/departures/{case_id}/items/hand-over",
    status_code=201,
    responses=_RECORDED,
    summary="Write down that the leaver has handed items over on paper",
)
async def hand_over(
    parts: PartsDep, caller: Staff, case_id: CaseId, wish: HandOverRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Record the leaver's side from a paper; the leaver does it through a link otherwise."""
    act = await _act(parts, caller, case_id, "hand-over", key, wish, Side.LEAVER)
    return await _carry(parts, act, parts.handover_book.hand_over)


@router.post(
    "/departures/{case_id}/items/accept",
    status_code=201,
    responses=_RECORDED,
    summary="Take equipment back, or write down that a receiver has taken items over on paper",
)
async def accept(
    parts: PartsDep, caller: Taking, case_id: CaseId, wish: AcceptRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Record the receiver's side; receivers do it through a link otherwise."""
    act = await _act(parts, caller, case_id, "accept", key, wish, Side.RECEIVER)
    return await _carry(
        parts, act, lambda act: parts.handover_book.accept(act, wish.condition, wish.conditions)
    )


@router.post(
    "/departures/{case_id}/items/dispute",
    status_code=201,
    responses=_RECORDED,
    summary="Record that a side disagrees about items",
)
async def dispute(
    parts: PartsDep, caller: Taking, case_id: CaseId, wish: DisputeRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Open a dispute; the items wait until the company has settled it."""
    side = wish.side or (Side.RECEIVER if caller.role is Role.ADMINISTRATION else None)
    if side is None:
        message = "side: is missing; say whose disagreement this is, leaver or receiver"
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, message, "side")
    act = await _act(parts, caller, case_id, "dispute", key, wish, side)
    return await _carry(parts, act, parts.handover_book.dispute)


@router.post(
    "/departures/{case_id}/items/settle-dispute",
    status_code=201,
    responses=_RECORDED,
    summary="Settle a dispute",
)
async def settle_dispute(
    parts: PartsDep, caller: Taking, case_id: CaseId, wish: SettleRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Send items back to the leaver or to the receiver, or take them off the list."""
    act = await _act(parts, caller, case_id, "settle-dispute", key, wish, Side.COMPANY)
    book, two = parts.handover_book, bool(parts.settings.two_person_acts)
    return await _carry(parts, act, lambda act: book.settle_dispute(act, wish.verdict, two_persons=two))


@router.post(
    "/departures/{case_id}/items/reassign",
    status_code=201,
    responses=_RECORDED,
    summary="Give items to another receiver",
)
async def reassign(
    parts: PartsDep, caller: Staff, case_id: CaseId, wish: ReassignRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Reassign items, or everything that is open of a receiver's case."""
    act = await _act(parts, caller, case_id, "reassign", key, wish, Side.COMPANY)
    return await _carry(parts, act, lambda act: parts.handover_book.reassign(act, wish.receiver, wish.share))


@router.post(
    "/departures/{case_id}/items/split",
    status_code=201,
    responses=_RECORDED,
    summary="Spread items across several receivers",
)
async def split(
    parts: PartsDep, caller: Staff, case_id: CaseId, wish: SplitRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Spread items in turn, or as the assignments name them."""
    act = await _act(parts, caller, case_id, "split", key, wish, Side.COMPANY)
    to = wish.assignments or tuple(wish.receivers)
    return await _carry(parts, act, lambda act: parts.handover_book.split(act, to))


@router.post(
    "/departures/{case_id}/items/delegate",
    status_code=201,
    responses=_RECORDED,
    summary="Let somebody confirm for an absent receiver",
)
async def delegate(
    parts: PartsDep, caller: Staff, case_id: CaseId, wish: DelegateRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Appoint a delegate; the appointment ends by itself."""
    act = await _act(parts, caller, case_id, "delegate", key, wish, Side.COMPANY)
    book = parts.handover_book
    return await _carry(
        parts, act, lambda act: book.delegate(act, wish.receiver, wish.delegate, wish.first, wish.until)
    )


@router.post(
    "/departures/{case_id}/items/not-applicable",
    status_code=201,
    responses=_RECORDED,
    summary="Take items off the list",
)
async def not_applicable(
    parts: PartsDep, caller: Staff, case_id: CaseId, wish: NotApplicableRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Say that items do not apply; for mandatory ones a second person agrees in the console."""
    act = await _act(parts, caller, case_id, "not-applicable", key, wish, Side.COMPANY)
    book, two = parts.handover_book, bool(parts.settings.two_person_acts)
    return await _carry(parts, act, lambda act: book.not_applicable(act, two_persons=two))


def _must_see(parts: Parts, caller: Caller, case_id: str) -> None:
    if parts.departure_views.one(scope_of(caller), case_id) is None:
        raise not_found("departure")


async def _act(
    parts: Parts, caller: Caller, case_id: str, word: str, key: str | None, wish: Strict, side: Side
) -> HandoverAct:
    """Lay out what a program asks for. The same key again is the same act; raises `Refused`."""
    await run_in_threadpool(_must_see, parts, caller, case_id)
    told = json.dumps(jsonable_encoder(wish), sort_keys=True)
    asked = wish.model_dump()
    speaker = Speaker.ADMINISTRATION if caller.role is Role.ADMINISTRATION else Speaker.COMPANY
    return HandoverAct(
        id=own_id(caller, case_id, word, needed(key))[:40],
        departure_id=case_id,
        speaker=speaker,
        side=side,
        role=caller.role,
        actor=actor_of(caller)["id"],
        items=tuple(asked.get("items") or ()),
        words=asked.get("words") or "",
        document=asked.get("document"),
        asked=hashlib.sha256(told.encode()).hexdigest(),
    )


async def _carry(parts: Parts, act: HandoverAct, take: Take) -> JSONResponse:
    """Commit an act, bring it to its case, and answer what became of it."""
    taken = await carried(parts, lambda: take(act))
    told = {"items": len(taken.body.get("items", ())), "already": taken.body.get("already", 0)}
    if taken.sentence:
        told["says"] = taken.sentence
    return answer(taken, same=taken.body.get("asked") == act.asked, **told)


def _board_to_json(board: Board, role: Role) -> dict[str, Any]:
    tracks = (Track.EQUIPMENT,) if role is Role.ADMINISTRATION else tuple(Track)
    answer: dict[str, Any] = {
        "case": board.departure_id,
        "last_day": board.last_day,
        "leaver_silent": board.leaver_silent,
        "items": [_item_to_json(one) for track in tracks for one in board.items[track]],
        "tracks": {track.value: _tally_to_json(board.tracks[track]) for track in tracks},
    }
    if role is not Role.ADMINISTRATION:
        answer["all"] = _tally_to_json(board.all)
        answer["receivers"] = [_receiver_to_json(one) for one in board.receivers]
    return answer


def _item_to_json(item: ItemView) -> dict[str, Any]:
    return {
        "item": item.id,
        "track": item.track,
        "reference": item.reference,
        "title": item.title,
        "details": item.details,
        "mandatory": item.mandatory,
        "value_fen": item.value_fen,
        "state": item.state,
        "holder": item.holder,
        "one_sided": item.one_sided,
        "due_on": item.due_on,
        "condition": item.condition,
        "handed_over_at": item.handed_over_at,
        "accepted_at": item.accepted_at,
        "receiver": item.receiver_number,
        "share": item.share_id,
        "last_words": item.last_words,
        "files": list(item.files),
    }


def _tally_to_json(tally: Tally) -> dict[str, int]:
    return {
        "all": tally.all,
        "open": tally.open,
        "handed_over": tally.handed_over,
        "disputed": tally.disputed,
        "closed": tally.closed,
    }


def _receiver_to_json(receiver: ReceiverTally) -> dict[str, Any]:
    return {
        "employee": receiver.number,
        "share": receiver.share_id,
        "delegate_until": receiver.delegate_until,
        **_tally_to_json(receiver.tally),
    }
