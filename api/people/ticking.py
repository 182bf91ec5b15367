"""The forms of a handover: what was ticked and typed, and what of it is an act."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import FormData

from api.language import Sentence, sentence
from api.people.desk import Desk
from api.people.forms import WORDS_LIMIT, FieldError, Typed, has_nonce, typed_in
from api.people.services import PeopleServices
from countersign.adapters.database.acts import StoredFile
from countersign.adapters.database.handover_book import HandoverAct
from countersign.adapters.database.links import LinkView
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


def act_of_desk(
    services: PeopleServices,
    link: LinkView,
    desk: Desk,
    said: str,
    nonce: str,
    items: tuple[str, ...],
    words: str,
    files: tuple[StoredFile, ...] = (),
) -> HandoverAct:
    """Return what the holder of a link says of items as the book takes it; the same form again is one act."""
    leaver = desk.side is Side.LEAVER
    stands_in = bool(items) and all(one in desk.standing_in_for for one in items)
    receiver = Speaker.DELEGATE if stands_in else Speaker.RECEIVER
    return HandoverAct(
        id=answer_act_id(link.link_id, said, nonce),
        departure_id=desk.departure_id,
        speaker=Speaker.LEAVER if leaver else receiver,
        side=desk.side,
        role=Role.EMPLOYEE,
        actor=link.person_id,
        person_id=link.person_id,
        items=items,
        words=words,
        files=files,
        link_id=link.link_id,
        audience=link.audience,
        shown_sha256=link.fingerprint,
    )


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def _texts(form: FormData, name: str) -> tuple[str, ...]:
    return tuple(one for one in form.getlist(name) if isinstance(one, str))
