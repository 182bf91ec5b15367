"""What somebody behind a link can say of a handover: which items are theirs, and which of them wait."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from api.people.services import PeopleServices
from countersign.adapters.database.handover_book import HandoverBook
from countersign.adapters.database.handover_views import ItemView
from countersign.adapters.database.links import LinkView
from countersign.contracts.cases import CaseState, Process, Role
from countersign.domain.departure import CLOSED_ITEMS, ItemState, Track
from countersign.domain.handover import Side
from countersign.domain.paging import Pager, pager

PAGE = 50
"""How many items a page lists; what is more is paged track by track."""


@dataclass(frozen=True)
class Desk:
    """The items of one side. `mine` are the ids of those that wait for a word of this side.

    `standing_in_for` maps items to the absent receiver for whom the holder of the link confirms; `leaver`
    names who hands over, where that is not the reader.
    """

    side: Side
    departure_id: str
    last_day: date
    closed: bool
    items: tuple[ItemView, ...]
    mine: frozenset[str]
    leaver: str | None = field(default=None, repr=False)
    leaver_silent: bool = False
    standing_in_for: Mapping[str, str] = field(default_factory=dict, repr=False)
    withdrawn: bool = False

    @property
    def seen(self) -> str:
        """The mark of what waits now; a form that was opened on another list bears another one."""
        return hashlib.sha256("\n".join(sorted(self.mine)).encode()).hexdigest()[:32]

    def find(self, item_id: str) -> ItemView | None:
        """Return an item of this desk."""
        return next((one for one in self.items if one.id == item_id), None)


@dataclass(frozen=True)
class Part:
    """One track of a desk: how many items, closed, and waiting for the reader; `lines` are those listed."""

    track: Track
    all: int
    closed: int
    mine: int
    lines: tuple[ItemView, ...]
    pager: Pager


def desk_of(services: PeopleServices, link: LinkView) -> Desk | None:
    """Return the desk behind a link; None for links that ask for nothing but an answer."""
    if link.audience != Role.EMPLOYEE:
        return None
    return desk_in(services.handover, link.process, link.case_id, closed=link.case_state == CaseState.CLOSED)


def desk_in(book: HandoverBook, process: Process, case_id: str, *, closed: bool) -> Desk | None:
    """Return the desk of the person whom a case is about; None where nothing is handed or taken over."""
    if process is Process.OFFBOARDING:
        return _of_leaver(book, case_id, closed=closed)
    return _of_receiver(book, case_id, closed=closed) if process is Process.HANDOVER else None


def _of_leaver(book: HandoverBook, case_id: str, *, closed: bool) -> Desk | None:
    board = book.board(case_id)
    if board is None:
        return None
    items = tuple(one for track in Track for one in board.items.get(track, ()))
    mine = frozenset(one.id for one in items if one.state is ItemState.OPEN and one.handed_over_at is None)
    gone = board.withdrawn
    mine = frozenset() if gone else mine
    return Desk(Side.LEAVER, board.departure_id, board.last_day, closed or gone, items, mine, withdrawn=gone)


def _of_receiver(book: HandoverBook, case_id: str, *, closed: bool) -> Desk | None:
    share = book.share_of(case_id)
    if share is None:
        return None
    return Desk(
        Side.RECEIVER,
        share.departure_id,
        share.last_day,
        share.closed or closed,
        share.items,
        frozenset(share.to_accept),
        share.leaver,
        share.leaver_silent,
        share.standing_in_for,
        share.withdrawn,
    )


def parts_of(desk: Desk, track: str, page: int) -> tuple[Part, ...]:
    """Return what a page shows: every track, or one of them a page at a time when there are many items."""
    alone = Track(track) if track in set(Track) else None
    few = len(desk.items) <= PAGE
    return tuple(
        _part(desk, one, page, listed=few or one is alone)
        for one in Track
        if one is alone or (alone is None and any(item.track is one for item in desk.items))
    )


def _part(desk: Desk, track: Track, page: int, *, listed: bool) -> Part:
    of_track = [one for one in desk.items if one.track is track]
    # What waits for the reader stands first; otherwise as the book has them.
    ordered = sorted(of_track, key=lambda one: one.id not in desk.mine)
    shown = pager(page, len(ordered), PAGE)
    return Part(
        track,
        len(ordered),
        sum(one.state in CLOSED_ITEMS for one in ordered),
        sum(one.id in desk.mine for one in ordered),
        tuple(ordered[shown.skip : shown.skip + PAGE]) if listed else (),
        shown,
    )
