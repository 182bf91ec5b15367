"""The handover board of one departure: who has to say what of which item, and why the gate is shut."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import Response
from fastapi.responses import HTMLResponse

from api.console.departures import SEES_MONEY, SUMS, Concerned
from api.console.downloads import download
from api.console.drawing import draw, page
from api.console.paging import page_asked
from api.console.route import console_router
from api.console.visit import Missing, Reader, Visit
from countersign.adapters.database.departure_views import DepartureState
from countersign.adapters.database.handover_views import Board, ItemView
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.overrides import ITEMS
from countersign.contracts.cases import Role
from countersign.domain.departure import CLOSED_ITEMS, Condition, ItemState, Track
from countersign.domain.handover import Side, Verdict
from countersign.domain.local_time import day_of
from countersign.domain.paging import Pager, pager

router = console_router()

IN_A_COLUMN = 25
ALONE = 200
"""How many items a track lists beside the others, and how many by itself."""

ACTORS = (*STAFF, Role.ADMINISTRATION)
"""Who can do something on the board."""
TRACKS_OF: Mapping[Role, tuple[Track, ...]] = {
    Role.ADMINISTRATION: (Track.EQUIPMENT,),
    Role.FINANCE: (Track.EQUIPMENT,),
}
"""What roles see of a handover that have nothing to do with customers and documents; others see it all."""


_OVER = (DepartureState.CLOSED, DepartureState.WITHDRAWN)
"""Nothing is left to do in such a departure: its board shows what was done."""


@dataclass
class Filled:
    """What stands in the forms of the board: typed before, and what was wrong with it."""

    opened: str = ""
    typed: Mapping[str, str] = field(default_factory=dict, repr=False)
    ticked: frozenset[str] = frozenset()
    tracks: frozenset[str] = frozenset()
    faults: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """Which items the board shows: `show` is open, disputed or all; `receiver` a person's id or `-`."""

    show: str = "open"
    receiver: str = ""
    search: str = field(default="", repr=False)
    track: str = ""

    def fits(self, item: ItemView) -> bool:
        """Say whether an item is shown, whatever its track."""
        if self.show == "open" and item.state in CLOSED_ITEMS:
            return False
        if self.show == "disputed" and item.state is not ItemState.DISPUTED:
            return False
        if self.receiver and (item.receiver_id or "-") != self.receiver:
            return False
        found = self.search.casefold()
        return found in item.title.casefold() or found in item.reference.casefold()


@dataclass(frozen=True)
class Column:
    """One track on the board; `fitting` is how many items fit the filter, `lines` those on this page."""

    track: Track
    closed: int
    all: int
    fitting: int
    lines: tuple[ItemView, ...]
    pager: Pager


@router.get("/departures/{case_id}")
def board(visit: Concerned, case_id: str) -> Response:
    """Show the handover of a departure."""
    return board_page(visit, departure_of(visit, case_id), Filled())


@router.get("/departures/{case_id}/gate")
def gate(visit: Concerned, case_id: str) -> Response:
    """Return the part of the board that is refreshed by itself: how far it is, and why it cannot close."""
    departure = departure_of(visit, case_id)
    shown = handover_of(visit, case_id)
    values = moving(visit, departure, shown) | {"seen": visit.asked("seen")}
    return HTMLResponse(draw(visit, "console/departure_gate.html", **values))


@router.get("/departures/{case_id}/photos/{document_id}")
def photo(visit: Reader, case_id: str, document_id: str) -> Response:
    """Hand out a photo of a dispute; that somebody has seen it stands in the evidence."""
    departure_of(visit, case_id)
    home = visit.parts.departure_lists.home_of(case_id, document_id)
    found = home and visit.parts.case_documents.open(home, document_id, visit.officer.actor)
    if not found:
        raise Missing
    file, data = found
    return download(data, file.file_name, file.media_type)


def departure_of(visit: Visit, case_id: str) -> dict[str, Any]:
    """Return a departure that the visitor may see; raises `Missing` for any other."""
    found = visit.parts.departure_views.one(visit.scope, case_id)
    if found is None:
        raise Missing
    return found


def board_page(visit: Visit, departure: dict[str, Any], filled: Filled) -> Response:
    """Return the whole board; with faults it is no success."""
    shown = handover_of(visit, departure["case"])
    wanted = wanted_of(visit)
    if departure["state"] in _OVER and not visit.asked("show"):
        wanted = replace(wanted, show="all")
    values = moving(visit, departure, shown)
    return page(
        visit,
        "console/departure_board.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if filled.faults else HTTPStatus.OK,
        **values,
        seen=values["mark"],
        wanted=wanted,
        columns=columns(shown, wanted, page_asked(visit)),
        receivers=shown.receivers,
        board=shown,
        form=filled,
        nonce=secrets.token_hex(16),
        query=urlencode({name: value for name, value in _query(wanted).items() if value}),
        company_acts=visit.officer.role in STAFF,
        acts=visit.officer.role in ACTORS,
        two_persons=bool(visit.parts.settings.two_person_acts),
        asked=[
            one
            for one in visit.parts.approvals.of(departure["case"])
            if one.kind == ITEMS and one.decided_at is None
        ],
        conditions=list(Condition),
        verdicts=list(Verdict),
        sides=[Side.LEAVER, Side.RECEIVER],
    )


def moving(visit: Visit, departure: dict[str, Any], shown: Board) -> dict[str, Any]:
    """Return what the part shows that is refreshed by itself."""
    found = visit.parts.gate_book.why(departure["case"])
    today = day_of(visit.parts.clock() if found is None else found.at)
    return {
        "departure": departure,
        "gate": None if found is None else found.gate,
        "days_left": (departure["last_day"] - today).days,
        "today": today,
        "tally": shown.all,
        "mark": _mark(item for some in shown.items.values() for item in some),
        "sees_money": visit.officer.role in SEES_MONEY,
        "sums": SUMS,
        "reads_cases": visit.officer.role in (*READERS, Role.MANAGER),
        "late": _late(departure["standing"]["duties"], today),
    }


def wanted_of(visit: Visit) -> Wanted:
    """Return what the address asks for."""
    show, track = visit.asked("show"), visit.asked("track")
    return Wanted(
        show if show in {"all", "disputed"} else "open",
        visit.asked("receiver")[:26],
        visit.asked("q")[:100],
        track if track in set(Track) else "",
    )


def columns(shown: Board, wanted: Wanted, number: int) -> tuple[Column, ...]:
    """Return the tracks of a board: side by side, or the one that is asked for with its pages."""
    return tuple(
        _column(shown, track, wanted, number)
        for track in Track
        if wanted.track in ("", track) and shown.tracks[track].all
    )


def _column(shown: Board, track: Track, wanted: Wanted, number: int) -> Column:
    fitting = [one for one in shown.items[track] if wanted.fits(one)]
    fitting.sort(key=lambda one: one.state != ItemState.DISPUTED)
    size = ALONE if wanted.track else IN_A_COLUMN
    paged = pager(number if wanted.track else 1, len(fitting), size)
    lines = tuple(fitting[paged.skip : paged.skip + size])
    tally = shown.tracks[track]
    return Column(track, tally.closed, tally.all, len(fitting), lines, paged)


def handover_of(visit: Visit, case_id: str) -> Board:
    """Return the items of a handover that the visitor may see; raises `Missing` where there is none."""
    found = visit.parts.handover_book.board(case_id)
    if found is None:
        raise Missing
    return found.only(TRACKS_OF.get(visit.officer.role, tuple(Track)))


def _query(wanted: Wanted) -> dict[str, str]:
    show = "" if wanted.show == "open" else wanted.show
    return {"show": show, "receiver": wanted.receiver, "q": wanted.search, "track": wanted.track}


def _mark(items: Iterable[ItemView]) -> str:
    """Return a mark of how all items stand; the page says when it is another one by now."""
    told = "\n".join(f"{one.id} {one.state} {one.one_sided} {one.receiver_id}" for one in items)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _late(duties: Sequence[Mapping[str, Any]], today: date) -> frozenset[str]:
    return frozenset(
        one["kind"]
        for one in duties
        if one["state"] != "done" and one["due_on"] is not None and one["due_on"] < today
    )
