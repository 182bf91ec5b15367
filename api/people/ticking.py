"""The forms of a handover: what was ticked and typed, and what of it is an act."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import FormData, UploadFile

from api.language import Sentence, sentence
from api.people.desk import Desk
from api.people.forms import WORDS_LIMIT, FieldError, Typed, has_nonce, typed_in, upload_sentence
from api.people.services import PeopleServices
from countersign.adapters.database.acts import ActView, StoredFile
from countersign.adapters.database.handover_book import HandoverAct
from countersign.adapters.database.links import LinkView
from countersign.adapters.uploads import UploadRefused, store_upload
from countersign.contracts.cases import Role
from countersign.domain.departure import Condition, Track
from countersign.domain.handover import Side, Speaker
from countersign.domain.refusal import Refusal
from countersign.ids import answer_act_id

NEVER = "never"
"""What a receiver ticks who was never given an item."""

_NEVER_GIVEN = sentence("This was never given to me.")
_STALE = sentence("This form is no longer valid. Check your answer and send it again.")
_CHANGED = sentence("The list has changed since you opened it. Look at it again, then tick what you mean.")
_NOTHING = sentence("Tick at least one item.")
_NO_CONDITION = sentence("Say in which condition the equipment is.")
_NO_WORDS = sentence("Write what is wrong.")
_NO_DAMAGE = sentence("Write what is damaged or missing.")
MOST_PHOTOS = 5
TOO_MANY_PHOTOS = sentence("Attach at most %(most)s photos, those that show it best.", most=MOST_PHOTOS)


@dataclass(frozen=True)
class Ticked:
    """A confirmation as it was sent; `everything` and `tracks` stand for all that waits of them."""

    typed: Typed
    items: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()
    everything: bool = False
    condition: str = ""
    seen: str = ""

    @property
    def said(self) -> str:
        """What makes it another confirmation than the last one from the same form."""
        words = hashlib.sha256(self.typed.words.encode()).hexdigest()
        all_of = [*sorted(self.tracks), "all" if self.everything else "", self.seen]
        return "\n".join([self.condition, words, *all_of, *sorted(self.items)])


@dataclass(frozen=True)
class Confirmed:
    """What a form confirms: which items, and in which condition the equipment among them was found."""

    items: tuple[str, ...]
    condition: Condition | None
    words: str = field(repr=False)


@dataclass(frozen=True)
class Wrong(Exception):
    """What is wrong with a form; `status` is the HTTP status that says so."""

    errors: tuple[FieldError, ...]
    status: int = 422


async def ticked_in(form: FormData) -> Ticked:
    """Return what stands in a posted form."""
    return Ticked(
        await typed_in(form, 0),
        _texts(form, "items"),
        _texts(form, "tracks"),
        form.get("everything") == "yes",
        _text(form, "condition"),
        _text(form, "seen"),
    )


def confirmed(desk: Desk, ticked: Ticked) -> Confirmed:
    """Return what a form confirms. Raises `Wrong`."""
    if not has_nonce(ticked.typed):
        raise Wrong((FieldError("items", _STALE),))
    if not (ticked.items or ticked.tracks or ticked.everything):
        raise Wrong((FieldError("items", _NOTHING),))
    if ticked.seen != desk.seen:
        raise Wrong((FieldError("items", _CHANGED),), 409)
    items = [
        one
        for one in desk.items
        if one.id in desk.mine and (ticked.everything or one.track in ticked.tracks or one.id in ticked.items)
    ]
    condition = Condition(ticked.condition) if ticked.condition in set(Condition) else None
    errors = _faults(desk, ticked, condition, equipment=any(one.track is Track.EQUIPMENT for one in items))
    if not items:
        errors.append(FieldError("items", _CHANGED))
    if errors:
        raise Wrong(tuple(errors))
    return Confirmed(tuple(one.id for one in items), condition, ticked.typed.words)


def _faults(desk: Desk, ticked: Ticked, condition: Condition | None, *, equipment: bool) -> list[FieldError]:
    errors = too_long(ticked.typed.words)
    if desk.side is Side.RECEIVER and equipment and condition is None:
        errors.append(FieldError("condition", _NO_CONDITION))
    if condition in {Condition.DAMAGED, Condition.MISSING} and not ticked.typed.words:
        errors.append(FieldError("words", _NO_DAMAGE))
    return errors


def too_long(words: str) -> list[FieldError]:
    """Return the fault of a text that is longer than the books take."""
    if len(words) <= WORDS_LIMIT:
        return []
    told = sentence(
        "Your text has %(length)s characters; shorten it to %(limit)s.",
        length=len(words),
        limit=WORDS_LIMIT,
    )
    return [FieldError("words", told)]


def disputed_words(typed: Typed, about: str, say: Callable[[Sentence], str]) -> str:
    """Return what a dispute says, in the words of its giver. Raises `Wrong`."""
    if not has_nonce(typed):
        raise Wrong((FieldError("words", _STALE),))
    words = "\n".join(filter(None, [say(_NEVER_GIVEN) if about == NEVER else "", typed.words]))
    if not words:
        raise Wrong((FieldError("words", _NO_WORDS),))
    if errors := too_long(typed.words):
        raise Wrong(tuple(errors))
    return words


def refused(refusal: Refusal, told: Sentence) -> Wrong:
    """Return what the book refuses as something to mend on the form; `told` is its sentence."""
    known = {"words", "condition", "file"}
    return Wrong((FieldError(refusal.field if refusal.field in known else "items", told),))


@dataclass(frozen=True)
class Giver:
    """Who says something of items. `key` makes the ids of their acts: the same form again is one act.

    `counted_as` is what tries are counted by, `shown` the fingerprint of the notice that was seen, `identity`
    how it is known who speaks.
    """

    key: str
    person_id: str
    counted_as: str
    shown: str | None
    link_id: str | None = None
    identity: str | None = None


def holder_of(link: LinkView, code_hash: str) -> Giver:
    """Return the holder of a link."""
    return Giver(link.link_id, link.person_id, code_hash, link.fingerprint, link.link_id)


Told = Callable[[Refusal], Sentence]
"""A refusal of the book in the language of the reader."""


def take_confirmation(
    services: PeopleServices, giver: Giver, desk: Desk, ticked: Ticked, told: Told
) -> ActView:
    """Commit a confirmation. Raises `Wrong` and `TooManyTries`."""
    known = services.acts.view(answer_act_id(giver.key, ticked.said, ticked.typed.nonce))
    if known is not None:
        return known
    wish = confirmed(desk, ticked)
    services.limits.confirming(giver.counted_as)
    act = _act(giver, desk, ticked.said, ticked.typed.nonce, wish.items, wish.words)
    book = services.handover
    try:
        if desk.side is Side.LEAVER:
            return book.hand_over(act)
        return book.accept(act, wish.condition)
    except Refusal as refusal:
        raise refused(refusal, told(refusal)) from None


@dataclass(frozen=True)
class Objected:
    """A dispute as it was sent: `about` says that the item was never given, `photos` are name and bytes."""

    typed: Typed
    about: str = ""
    photos: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)


async def objected_in(form: FormData, upload_limit: int) -> Objected:
    """Return what stands in the form of a dispute, of each photo at most one byte more than is allowed."""
    sent = [one for one in form.getlist("file") if isinstance(one, UploadFile) and one.filename]
    photos = [(one.filename or "", await one.read(upload_limit + 1)) for one in sent[: MOST_PHOTOS + 1]]
    return Objected(await typed_in(form, 0), _text(form, "about"), tuple(photos))


def take_dispute(
    services: PeopleServices,
    giver: Giver,
    desk: Desk,
    item_id: str,
    objected: Objected,
    say: Callable[[Sentence], str],
    told: Told,
) -> ActView:
    """Commit a dispute with its photos. Raises `Wrong` and `TooManyTries`."""
    typed = objected.typed
    words = disputed_words(typed, objected.about, say)
    files = _photos(services, giver, objected.photos)
    services.limits.confirming(giver.counted_as)
    said = "\n".join(["disputed", item_id, words, *(one.sha256 for one in files)])
    try:
        return services.handover.dispute(_act(giver, desk, said, typed.nonce, (item_id,), words, files))
    except Refusal as refusal:
        raise refused(refusal, told(refusal)) from None


def _photos(
    services: PeopleServices, giver: Giver, photos: tuple[tuple[str, bytes], ...]
) -> tuple[StoredFile, ...]:
    if len(photos) > MOST_PHOTOS:
        raise Wrong((FieldError("file", TOO_MANY_PHOTOS),))
    kept: dict[str, StoredFile] = {}
    for name, data in photos:
        services.limits.reading_file(giver.counted_as)
        try:
            stored = store_upload(data, name, services.upload_limit, services.documents)
        except UploadRefused as fault:
            told = upload_sentence(fault.fault, services.upload_limit)
            raise Wrong((FieldError("file", told),)) from None
        kept[stored.sha256] = stored  # the same photo twice is one
    return tuple(kept.values())


def _act(
    giver: Giver,
    desk: Desk,
    said: str,
    nonce: str,
    items: tuple[str, ...],
    words: str,
    files: tuple[StoredFile, ...] = (),
) -> HandoverAct:
    """Return what somebody says of their items as the book takes it."""
    leaver = desk.side is Side.LEAVER
    stands_in = bool(items) and all(one in desk.standing_in_for for one in items)
    receiver = Speaker.DELEGATE if stands_in else Speaker.RECEIVER
    return HandoverAct(
        id=answer_act_id(giver.key, said, nonce),
        departure_id=desk.departure_id,
        speaker=Speaker.LEAVER if leaver else receiver,
        side=desk.side,
        role=Role.EMPLOYEE,
        actor=giver.person_id,
        person_id=giver.person_id,
        items=items,
        words=words,
        files=files,
        link_id=giver.link_id,
        audience=Role.EMPLOYEE.value,
        shown_sha256=giver.shown,
        identity=giver.identity,
    )


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def _texts(form: FormData, name: str) -> tuple[str, ...]:
    return tuple(one for one in form.getlist(name) if isinstance(one, str))
