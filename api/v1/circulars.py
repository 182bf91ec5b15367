"""Circulars: one text, several addressees, each of whom must confirm it."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from api.dependencies import IdempotencyKey, PartsDep, once
from api.errors import not_found
from api.security import actor_of, allow
from api.v1.cases import PageSize, estimate_to_json
from api.v1.models import Strict
from countersign.adapters.database.circulars import (
    MOST_ADDRESSEES,
    AddresseePreview,
    CircularPreview,
    CircularWish,
)
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.tokens import Caller

router = APIRouter(tags=["circulars"])
Reader = Annotated[Caller, Depends(allow(*READERS))]
Staff = Annotated[Caller, Depends(allow(*STAFF))]
CircularId = Annotated[str, Path(min_length=26, max_length=26, pattern="^[0-9A-Z]{26}$")]
Addressee = Annotated[str, Field(min_length=1, max_length=40, pattern=r"\S")]


class CircularRequest(Strict):
    """What is to be confirmed, by whom, under which policy; addressees are employee numbers or ids."""

    title: Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
    text: Annotated[str, Field(min_length=1, max_length=20_000, pattern=r"\S")]
    addressees: Annotated[list[Addressee], Field(min_length=1, max_length=MOST_ADDRESSEES)]
    policy: str | dict[str, Any] | None = None

    def wish(self) -> CircularWish:
        """Return the domain's words for it."""
        return CircularWish(self.title, self.text, tuple(self.addressees), self.policy)


@router.post("/circulars/preview", summary="What a circular would send to whom and when, and what it costs")
def preview(parts: PartsDep, caller: Staff, wish: CircularRequest) -> dict[str, Any]:
    """Show everything before it happens; nothing is written."""
    return _preview(parts.circulars.preview(wish.wish(), caller.branch_id))


@router.post("/circulars", status_code=201, summary="Send a text that each addressee must confirm")
def create(
    parts: PartsDep, request: Request, caller: Staff, wish: CircularRequest, key: IdempotencyKey = None
) -> JSONResponse:
    """Make a circular with a case for each addressee; the messages follow in the sending window."""

    def do() -> tuple[int, dict[str, Any]]:
        named = f"{caller.token_id}/{key}"
        made = parts.circulars.create(wish.wish(), caller.branch_id, actor_of(caller), named)
        url = f"/api/v1/circulars/{made.circular_id}"
        return HTTPStatus.CREATED, {"circular": made.circular_id, "addressees": made.addressees, "url": url}

    return once(request.app.state.tokens, caller, key, wish, do)


@router.get("/circulars", summary="Circulars, the newest first")
def listing(
    parts: PartsDep,
    caller: Reader,
    limit: PageSize = 50,
    after: Annotated[str | None, Query(max_length=26)] = None,
) -> dict[str, Any]:
    """List circulars with their counts; `next` continues the list."""
    rows = parts.circular_views.listing(caller.branch_id, limit, after)
    return {"circulars": rows, "next": rows[-1]["id"] if len(rows) == limit else None}


@router.get("/circulars/{circular_id}", summary="One circular: who has confirmed, and who has not since when")
def read(parts: PartsDep, caller: Reader, circular_id: CircularId) -> dict[str, Any]:
    """Read one circular; addressees of other branches do not exist."""
    found = parts.circular_views.read(circular_id, caller.branch_id)
    if found is None:
        raise not_found("circular")
    return found


def _preview(shown: CircularPreview) -> dict[str, Any]:
    """Return a preview in which equal texts stand once: `text` of a message is its place in `texts`."""
    places: dict[str, int] = {}
    addressees = [_addressee(one, places) for one in shown.addressees]
    return {
        "title": shown.title,
        "text": shown.text,
        "fingerprint": shown.fingerprint,
        "policy": shown.policy_version,
        "addressees": addressees,
        "texts": list(places),
        "sms": estimate_to_json(shown.sms),
        "blocks": [{"field": field, "sentence": sentence} for field, sentence in shown.blocks],
        "warnings": list(shown.warnings),
    }


def _addressee(one: AddresseePreview, places: dict[str, int]) -> dict[str, Any]:
    steps = [
        {
            "step": step.rung,
            "audience": step.audience,
            "at": step.at,
            "waits_until": step.waits_until,
            "messages": [
                {
                    "channel": text.channel,
                    "recipient": text.recipient,
                    "address": text.address,
                    "text": places.setdefault(text.text, len(places)),
                }
                for text in one.texts
                if text.step == step.rung
            ],
        }
        for step in one.plan.steps
    ]
    return {
        "person": one.person_id,
        "employee": {"number": one.number, "name": one.name},
        "steps": steps,
        "exhausted_at": one.plan.exhausted_at,
        "provisional": one.plan.provisional,
        "missing": list(one.missing),
    }
