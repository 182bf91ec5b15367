"""What officers do with the items of a departure: pass on, spread, take off, settle, write down a paper."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from api.console.departure_board import ACTORS, Filled, board_page, departure_of, handover_of, wanted_of
from api.console.pressed import STALE_FORM, has_nonce, pressed
from api.console.route import console_router
from api.console.visit import HOME, Post, StaffPost, posting
from api.language import Sentence, sentence
from api.people.forms import typed_day, upload_sentence
from api.people.ticking import MOST_PHOTOS, TOO_MANY_PHOTOS
from countersign.adapters.database.acts import ActView, StoredFile
from countersign.adapters.database.handover_book import HandoverAct
from countersign.adapters.database.handover_views import ItemView
from countersign.adapters.database.overrides import ITEMS
from countersign.adapters.uploads import UploadRefused, store_upload
from countersign.contracts.cases import Role
from countersign.domain.console_words import told_in
from countersign.domain.departure import Condition, Track
from countersign.domain.handover import Side, Speaker, Verdict
from countersign.domain.refusal import Refusal

router = console_router()

ActorPost = Annotated[Post, Depends(posting(*ACTORS, papers=True))]

_NUMBERS = re.compile(r"[\s,;，；、]+")
_NO_ACT = sentence("Choose what is to be done with the items, by the button of one of the actions.")
_NO_ITEMS = sentence("Tick at least one item, or all of a part.")
_NO_RECEIVERS = sentence("Receivers: give at least two employee numbers, separated by commas.")
_NO_FILE = sentence("Paper: attach a photo or a scan of the signed paper.")
_NO_CONDITION = sentence("Condition: say in which condition the equipment is.")
_NO_DAYS = sentence("Days: give the first and the last day, such as 2026-03-31.")
_DONE = sentence("Done with %(n)s items: %(act)s.")
_ALREADY = sentence("Nothing was left to do: these items stand like that already.")
_LATE = sentence("The case was closed meanwhile. Nothing was changed.")
_APPOINTED = sentence("Recorded. Whoever stands in is asked by their own link.")
_ASKED = sentence("Asked for. The items are taken off the list once a second person agrees.")
_OF_ADMINISTRATION = frozenset({"accepted", "disputed", "dispute_settled"})


@dataclass(frozen=True)
class Said:
    """What somebody on the board wants: the items, the words, a paper, and what the act asks for."""

    post: Post = field(repr=False)
    case_id: str
    items: tuple[str, ...]
    files: tuple[StoredFile, ...] = ()

    def text(self, name: str) -> str:
        """Return what was typed for this act."""
        return self.post.text(f"{self.post.text('act')}-{name}")

    def act(self, speaker: Speaker, side: Side, words: str = "words") -> HandoverAct:
        """Return it as the book takes it; the same form again is the same act."""
        post = self.post
        officer = post.officer
        return HandoverAct(
            id=pressed(post, self.case_id, post.request.url.query),
            departure_id=self.case_id,
            speaker=speaker,
            side=side,
            role=officer.role,
            actor=officer.actor_id,
            # Who leaves must not settle their own handover: the book compares it with the leaver.
            person_id=officer.person_id,
            items=self.items,
            words=self.text(words),
            files=self.files,
        )

    @property
    def condition(self) -> Condition | None:
        """The condition that was chosen."""
        found = self.text("condition")
        return Condition(found) if found in set(Condition) else None


class _Wrong(Exception):
    """What is wrong with a form, by field."""

    def __init__(self, **faults: Sentence) -> None:
        super().__init__("a form")
        self.faults = faults


@router.post("/departures/{case_id}/items")
async def items(post: ActorPost, case_id: str) -> Response:
    """Do with the ticked items what the pressed button says."""
    departure = await run_in_threadpool(departure_of, post, case_id)
    act = post.text("act")
    try:
        taken = await _taken(post, case_id, act)
    except _Wrong as wrong:
        faults = {_id_of(act, name): post.words.say(told) for name, told in wrong.faults.items()}
        return await run_in_threadpool(board_page, post, departure, _again(post, faults))
    except Refusal as refusal:
        faults = {_id_of(act, refusal.field): _told(post, refusal)}
        return await run_in_threadpool(board_page, post, departure, _again(post, faults))
    return await _after(post, case_id, taken)


async def _taken(post: Post, case_id: str, act: str) -> ActView | None:
    """Commit what was asked for; None when a second person has to agree first."""
    if act not in _ACTS or (post.officer.role is Role.ADMINISTRATION and act not in _OF_ADMINISTRATION):
        raise _Wrong(act=_NO_ACT)
    if not has_nonce(post):
        raise _Wrong(act=STALE_FORM)
    chosen = await run_in_threadpool(_chosen, post, case_id)
    if not chosen:
        raise _Wrong(items=_NO_ITEMS)
    files = await _files(post, act)
    said = Said(post, case_id, chosen, files)
    return await run_in_threadpool(_ACTS[act], said)


def _chosen(post: Post, case_id: str) -> tuple[str, ...]:
    """Return the ticked items and, of ticked parts, every item that fits the filter of the page."""
    shown = handover_of(post, case_id)
    wanted, tracks, ticked = wanted_of(post), set(post.texts("tracks")), set(post.texts("items"))
    return tuple(
        one.id
        for track in Track
        for one in shown.items[track]
        if one.id in ticked or (track.value in tracks and wanted.fits(one))
    )


async def _files(post: Post, act: str) -> tuple[StoredFile, ...]:
    uploads, limit = post.files(f"{act}-file"), post.parts.settings.upload_limit_bytes
    if len(uploads) > MOST_PHOTOS:
        raise _Wrong(file=TOO_MANY_PHOTOS)
    kept: dict[str, StoredFile] = {}
    for one in uploads:
        data, name = await one.read(limit + 1), one.filename or ""
        try:
            file = await run_in_threadpool(store_upload, data, name, limit, post.parts.documents)
        except UploadRefused as refused:
            raise _Wrong(file=upload_sentence(refused.fault, limit)) from None
        kept[file.sha256] = file
    return tuple(kept.values())


# -- the acts ---------------------------------------------------------------------------------------------


def _reassign(said: Said) -> ActView:
    receiver = said.text("receiver")
    return said.post.parts.handover_book.reassign(_of_company(said), receiver or None)


def _split(said: Said) -> ActView:
    receivers = tuple(filter(None, _NUMBERS.split(said.text("receivers"))))
    if len(receivers) < 2:
        raise _Wrong(receivers=_NO_RECEIVERS)
    return said.post.parts.handover_book.split(_of_company(said), receivers)


def _take_off(said: Said) -> ActView | None:
    book, post = said.post.parts.handover_book, said.post
    if not _needs_second(said):
        return book.not_applicable(_of_company(said), two_persons=_two_persons(post))
    _ask(said, {"items": list(said.items)})
    return None


def _settle(said: Said) -> ActView | None:
    found = said.text("verdict")
    verdict = Verdict(found) if found in set(Verdict) else Verdict.OPEN
    if verdict is Verdict.NOT_APPLICABLE and _needs_second(said):
        _ask(said, {"items": list(said.items), "verdict": verdict.value})
        return None
    administration = said.post.officer.role is Role.ADMINISTRATION
    speaker = Speaker.ADMINISTRATION if administration else Speaker.COMPANY
    act = said.act(speaker, Side.COMPANY)
    return said.post.parts.handover_book.settle_dispute(act, verdict, two_persons=_two_persons(said.post))


def _write_down(said: Said) -> ActView:
    """Write down what a side has confirmed on paper."""
    if not said.files:
        raise _Wrong(file=_NO_FILE)
    book = said.post.parts.handover_book
    if said.text("side") == Side.LEAVER:
        return book.hand_over(said.act(Speaker.COMPANY, Side.LEAVER))
    return book.accept(said.act(Speaker.COMPANY, Side.RECEIVER), said.condition)


def _accept(said: Said) -> ActView:
    """Take equipment back, as administration."""
    if said.condition is None:
        raise _Wrong(condition=_NO_CONDITION)
    return said.post.parts.handover_book.accept(_of_administration(said), said.condition)


def _dispute(said: Said) -> ActView:
    return said.post.parts.handover_book.dispute(_of_administration(said))


_ACTS: dict[str, Callable[[Said], ActView | None]] = {
    "reassigned": _reassign,
    "split": _split,
    "not_applicable": _take_off,
    "dispute_settled": _settle,
    "paper": _write_down,
    "accepted": _accept,
    "disputed": _dispute,
}


def _of_company(said: Said) -> HandoverAct:
    return said.act(Speaker.COMPANY, Side.COMPANY)


def _of_administration(said: Said) -> HandoverAct:
    if said.post.officer.role is not Role.ADMINISTRATION:
        raise Refusal("act", "act: only administration says this; write down a paper instead")
    return said.act(Speaker.ADMINISTRATION, Side.RECEIVER)


def _two_persons(post: Post) -> bool:
    return bool(post.parts.settings.two_person_acts)


def _needs_second(said: Said) -> bool:
    """Say whether a second person must agree that the items do not apply.

    That is where one is mandatory, or its value is claimed and would be given up.
    """
    needed = any(one.mandatory or one.claim is not None for one in _meant(said))
    return _two_persons(said.post) and needed


def _meant(said: Said) -> list[ItemView]:
    shown, wanted = said.post.parts.handover_book.board(said.case_id), set(said.items)
    items = () if shown is None else shown.items.values()
    return [one for some in items for one in some if one.id in wanted]


def _ask(said: Said, body: dict[str, Any]) -> None:
    post, words = said.post, said.text("words")
    if not words:
        raise Refusal("words", "words: is missing; give the reason")
    branch = post.parts.departure_lists.branch_of(said.case_id)
    given_up = sum(one.claim.amount_fen for one in _meant(said) if one.claim is not None)
    kind: dict[str, Any] = {"act": post.text("act")}
    if given_up:
        kind["given_up_fen"] = given_up
    post.parts.approvals.ask(
        ITEMS, said.case_id, post.officer, branch_id=branch, body=kind | body, words={"reason": words}
    )


# -- somebody stands in -----------------------------------------------------------------------------------


@router.post("/departures/{case_id}/stand-ins")
async def stand_in(post: StaffPost, case_id: str) -> Response:
    """Let somebody confirm for an absent receiver, from one day to another."""
    departure = await run_in_threadpool(departure_of, post, case_id)
    first, last = typed_day(post.text("delegated-from")), typed_day(post.text("delegated-until"))
    said = Said(post, case_id, ())
    try:
        if not has_nonce(post) or post.text("act") != "delegated":
            raise _Wrong(act=STALE_FORM)
        if first is None or last is None:
            raise _Wrong(**{"from": _NO_DAYS})
        receiver, delegate = said.text("receiver"), said.text("delegate")
        act, book = _of_company(said), post.parts.handover_book
        taken = await run_in_threadpool(book.delegate, act, receiver, delegate, first, last)
    except _Wrong as wrong:
        faults = {f"delegated-{name}": post.words.say(told) for name, told in wrong.faults.items()}
        return await run_in_threadpool(board_page, post, departure, _again(post, faults))
    except Refusal as refusal:
        faults = {f"delegated-{refusal.field}": _told(post, refusal)}
        return await run_in_threadpool(board_page, post, departure, _again(post, faults))
    return await _after(post, case_id, taken, _APPOINTED)


# -- answering --------------------------------------------------------------------------------------------


def _again(post: Post, faults: dict[str, str]) -> Filled:
    ticked, tracks = frozenset(post.texts("items")), frozenset(post.texts("tracks"))
    return Filled(post.text("act"), post.typed, ticked, tracks, faults)


def _id_of(act: str, name: str) -> str:
    return name if name in {"items", "act"} else f"{act}-{name}"


def _told(post: Post, refusal: Refusal) -> str:
    """Return a refusal in the reader's language, without the name of its field in front."""
    whole = told_in(post.language, str(refusal))
    if whole != str(refusal):
        return whole
    _, _, what = str(refusal).partition(": ")
    return told_in(post.language, what or str(refusal))


async def _after(post: Post, case_id: str, taken: ActView | None, told: Sentence | None = None) -> Response:
    if taken is not None and taken.state == "waiting":
        await post.parts.dispatcher.carry(taken.id)
    await run_in_threadpool(_tell, post, taken, told)
    query = f"?{post.request.url.query}" if post.request.url.query else ""
    return RedirectResponse(f"{HOME}/departures/{case_id}{query}", 303)


def _tell(post: Post, taken: ActView | None, told: Sentence | None) -> None:
    if taken is None:
        post.tell(_ASKED)
    elif taken.state == "late":
        post.tell(_LATE, good=False)
    elif taken.sentence:
        post.tell(_ALREADY)
    else:
        values = {"n": len(taken.body.get("items", [])), "act": _named(post, post.text("act"))}
        post.tell(told or Sentence(_DONE.text, values))


def _named(post: Post, act: str) -> str:
    return post.words.gettext(_NAMES[act])


_NAMES = {
    "reassigned": sentence("passed on").text,
    "split": sentence("spread across receivers").text,
    "not_applicable": sentence("taken off the list").text,
    "dispute_settled": sentence("dispute settled").text,
    "paper": sentence("written down from paper").text,
    "accepted": sentence("taken back").text,
    "disputed": sentence("disputed, to be settled").text,
    "delegated": sentence("somebody stands in").text,
}
