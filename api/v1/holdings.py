"""What employees hold for the company: pushed by other systems, read, struck out again."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import Field, model_validator

from api.dependencies import PartsDep
from api.errors import Refused, not_found
from api.security import allow, scope_of
from api.v1.models import Strict
from countersign.adapters.database.holding_book import HoldingsRefused, StillInHandover
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.tokens import Caller
from countersign.contracts.cases import Role
from countersign.domain.departure import Track
from countersign.domain.holdings import DETAIL_LIMIT, DETAILS, MOST_FEN, TEXT_LIMITS, HoldingWish

router = APIRouter(tags=["holdings"])
Pusher = Annotated[Caller, Depends(allow(*STAFF, Role.ADMINISTRATION, Role.INTEGRATOR))]
Reader = Annotated[Caller, Depends(allow(*READERS, Role.ADMINISTRATION, Role.INTEGRATOR))]
Number = Annotated[str, Field(min_length=1, max_length=40, pattern=r"\S")]
Reference = Annotated[str, Field(min_length=1, max_length=TEXT_LIMITS["reference"], pattern=r"\S")]
_Track = Annotated[Track, Field(strict=False)]
_SOURCE = "api"
_MOST = 500


class HoldingRequest(Strict):
    """One holding: its number in its own system, its name, who holds it, and what is known beyond that."""

    reference: Reference
    title: Annotated[str, Field(min_length=1, max_length=TEXT_LIMITS["title"], pattern=r"\S")]
    holder: Number
    receiver: Number | None = None
    mandatory: bool = True
    value_fen: Annotated[int, Field(ge=0, le=MOST_FEN)] | None = None
    details: dict[str, Annotated[str, Field(max_length=DETAIL_LIMIT)]] = Field(default_factory=dict)

    def wish(self, track: Track) -> HoldingWish:
        """Return the domain's words for it; an empty detail is none."""
        return HoldingWish(
            track=track,
            reference=self.reference.strip(),
            holder=self.holder.strip(),
            title=self.title.strip(),
            details={name: text.strip() for name, text in self.details.items() if text.strip()},
            mandatory=self.mandatory,
            value_fen=self.value_fen,
            receiver=None if self.receiver is None else self.receiver.strip(),
        )


class HoldingsRequest(Strict):
    """Holdings of one track, 500 at most; all of them are kept, or none."""

    track: _Track
    holdings: Annotated[list[HoldingRequest], Field(min_length=1, max_length=_MOST)]

    @model_validator(mode="after")
    def _known_details(self) -> "HoldingsRequest":
        allowed = DETAILS[self.track]
        for place, one in enumerate(self.holdings):
            unknown = sorted(set(one.details) - set(allowed))
            if unknown:
                raise ValueError(
                    f"holdings.{place}.details: {unknown[0][:40]} is not known; give {', '.join(allowed)}"
                )
        return self


class ReturnedRequest(Strict):
    """What nobody holds any longer, by its numbers."""

    track: _Track
    references: Annotated[list[Reference], Field(min_length=1, max_length=_MOST)]


@router.put("/holdings", summary="Push what employees hold: documents, customers, equipment")
@router.post("/holdings", summary="Push what employees hold, the same as PUT")
def push(parts: PartsDep, caller: Pusher, wanted: HoldingsRequest) -> dict[str, Any]:
    """Keep holdings of one track, all or none; the same ones again change nothing.

    What somebody turns out to hold who is leaving joins the handover that is open.
    """
    try:
        kept = parts.holdings.put(
            [one.wish(wanted.track) for one in wanted.holdings], _SOURCE, caller.branch_id
        )
    except HoldingsRefused as refusal:
        errors = [
            {"field": f"holdings.{place}.{fault.field}", "code": fault.code, "message": fault.sentence}
            for place, found in sorted(refusal.faults.items())
            for fault in found
        ]
        first = errors[0]
        sentence = f"{first['field']}: {first['message']}. Nothing was kept."
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, sentence, first["field"], errors=errors) from None
    new = sum(one.before is None for one in kept)
    changed = sum(one.changed for one in kept) - new
    return {"new": new, "changed": changed, "unchanged": len(kept) - new - changed}


@router.post("/holdings/returned", summary="Strike out what nobody holds any longer")
def returned(parts: PartsDep, caller: Pusher, wanted: ReturnedRequest) -> dict[str, Any]:
    """Forget holdings; numbers that are not known are passed over, so that asking again is safe."""
    try:
        known = parts.holdings.give_back(wanted.track, wanted.references, caller.branch_id)
    except StillInHandover as refusal:
        named = ", ".join(refusal.references[:5])
        more = f" and {len(refusal.references) - 5} more" if len(refusal.references) > 5 else ""
        sentence = (
            f"references: {named}{more} stand in an open handover; they are closed there, by both sides."
        )
        raise Refused(HTTPStatus.CONFLICT, sentence, "references") from None
    return {"returned": known, "unknown": [one for one in wanted.references if one not in known]}


@router.get("/employees/{number}/holdings", summary="What an employee holds")
def listing(
    parts: PartsDep, caller: Reader, number: Annotated[str, Path(min_length=1, max_length=40)]
) -> dict[str, Any]:
    """List holdings by track and number, and how many there are of each track."""
    found = parts.holdings.of_employee(number, scope_of(caller))
    if found is None:
        raise not_found("employee")
    counts = {track.value: sum(one["track"] == track for one in found) for track in Track}
    return {"employee": number, "counts": counts, "holdings": found}
