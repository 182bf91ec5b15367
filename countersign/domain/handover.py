"""The states of a handover item: who may say what of it, and what follows.

An item is closed when both sides have said so, or when the company says that it does not apply.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from countersign.domain.departure import Condition, ItemState, Track
from countersign.domain.refusal import Refusal


class What(StrEnum):
    """What can be said of an item; the values stand in confirmations."""

    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    SETTLED = "settled"
    REASSIGNED = "reassigned"
    SPLIT = "split"
    NOT_APPLICABLE = "not_applicable"


class Side(StrEnum):
    """In whose name something is said."""

    LEAVER = "leaver"
    RECEIVER = "receiver"
    COMPANY = "company"


class Speaker(StrEnum):
    """Who says it. A delegate says it for an absent receiver; the company may write down a paper."""

    LEAVER = "leaver"
    RECEIVER = "receiver"
    DELEGATE = "delegate"
    ADMINISTRATION = "administration"
    COMPANY = "company"


class Verdict(StrEnum):
    """How a dispute ends: the item waits for the leaver, for the receiver, or for nobody any more."""

    OPEN = "open"
    HANDED_OVER = "handed_over"
    NOT_APPLICABLE = "not_applicable"


MAY: Mapping[Speaker, Mapping[What, frozenset[Side]]] = {
    Speaker.LEAVER: {
        What.HANDED_OVER: frozenset({Side.LEAVER}),
        What.DISPUTED: frozenset({Side.LEAVER}),
    },
    Speaker.RECEIVER: {
        What.ACCEPTED: frozenset({Side.RECEIVER}),
        What.DISPUTED: frozenset({Side.RECEIVER}),
    },
    Speaker.DELEGATE: {
        What.ACCEPTED: frozenset({Side.RECEIVER}),
        What.DISPUTED: frozenset({Side.RECEIVER}),
    },
    Speaker.ADMINISTRATION: {
        What.ACCEPTED: frozenset({Side.RECEIVER}),
        What.DISPUTED: frozenset({Side.RECEIVER}),
        What.SETTLED: frozenset({Side.COMPANY}),
    },
    Speaker.COMPANY: {
        What.HANDED_OVER: frozenset({Side.LEAVER}),
        What.ACCEPTED: frozenset({Side.RECEIVER}),
        What.DISPUTED: frozenset({Side.LEAVER, Side.RECEIVER}),
        What.SETTLED: frozenset({Side.COMPANY}),
        What.REASSIGNED: frozenset({Side.COMPANY}),
        What.SPLIT: frozenset({Side.COMPANY}),
        What.NOT_APPLICABLE: frozenset({Side.COMPANY}),
    },
}
"""Who may say what in whose name. What the company says for a side stands on a paper of that side."""

BAD = frozenset({Condition.DAMAGED, Condition.MISSING})
"""Conditions that need words, and that the leaver may still dispute once the item is closed."""


@dataclass(frozen=True)
class Position:
    """Where an item stands: its state, which sides have said so, and in which condition it was found."""

    state: ItemState = ItemState.OPEN
    leaver_said: bool = False
    receiver_said: bool = False
    condition: Condition | None = None


class CannotSay(ValueError):
    """Something that cannot be said of an item now; the end of a sentence that begins with the item."""


def may(speaker: Speaker, what: What, side: Side) -> bool:
    """Say whether somebody may say this in the name of a side at all."""
    return side in MAY[speaker].get(what, frozenset())


def after(
    position: Position,
    what: What,
    side: Side,
    *,
    silent: bool = False,
    condition: Condition | None = None,
    verdict: Verdict | None = None,
) -> Position | None:
    """Return where an item stands after something was said; None when that side has said it already.

    `silent` tells that the leaver does not answer, so that the receiver may speak first; that alone closes
    nothing. Raises `CannotSay`.
    """
    if what is What.HANDED_OVER:
        return _handed_over(position)
    if what is What.ACCEPTED:
        return _accepted(position, silent, condition)
    if what is What.DISPUTED:
        return _disputed(position, side)
    if what is What.SETTLED:
        return _settled(position, verdict)
    if what is What.NOT_APPLICABLE:
        return _not_applicable(position)
    return _reassigned(position)


def _handed_over(position: Position) -> Position | None:
    _refuse_disputed(position)
    _refuse_void(position)
    if position.leaver_said:
        return None
    state = ItemState.ACCEPTED if position.receiver_said else ItemState.HANDED_OVER
    return replace(position, state=state, leaver_said=True)


def _accepted(position: Position, silent: bool, condition: Condition | None) -> Position | None:
    _refuse_disputed(position)
    _refuse_void(position)
    if position.receiver_said:
        return None
    if position.leaver_said:
        return replace(position, state=ItemState.ACCEPTED, receiver_said=True, condition=condition)
    if not silent:
        raise CannotSay(
            "was not handed over yet; wait for the leaver, who can be passed over once the last day is over"
        )
    return replace(position, receiver_said=True, condition=condition)


def _disputed(position: Position, side: Side) -> Position:
    _refuse_void(position)
    found_bad = position.condition in BAD and side is Side.LEAVER
    if position.state is ItemState.ACCEPTED and not found_bad:
        raise CannotSay("is closed, both sides have confirmed it; nothing is left to dispute")
    return replace(position, state=ItemState.DISPUTED)


def _settled(position: Position, verdict: Verdict | None) -> Position:
    if position.state is not ItemState.DISPUTED:
        raise CannotSay("is not disputed; there is nothing to settle")
    if verdict is Verdict.NOT_APPLICABLE:
        return replace(position, state=ItemState.NOT_APPLICABLE)
    if verdict is Verdict.HANDED_OVER:
        # The company cannot speak for the leaver: an item would close without that side.
        if not position.leaver_said:
            raise CannotSay("was never handed over by the leaver; settle it as open")
        return Position(ItemState.HANDED_OVER, leaver_said=True)
    return Position()


def _not_applicable(position: Position) -> Position | None:
    if position.state is ItemState.NOT_APPLICABLE:
        return None
    if position.state is ItemState.ACCEPTED:
        raise CannotSay("is closed, both sides have confirmed it")
    return replace(position, state=ItemState.NOT_APPLICABLE)


def _reassigned(position: Position) -> Position:
    if position.state is ItemState.ACCEPTED:
        raise CannotSay("is closed, both sides have confirmed it; it cannot go to somebody else")
    _refuse_void(position)
    # What the former receiver said binds nobody else.
    return replace(position, receiver_said=False, condition=None)


def _refuse_disputed(position: Position) -> None:
    if position.state is ItemState.DISPUTED:
        raise CannotSay("is disputed; the company has to settle the dispute first")


def _refuse_void(position: Position) -> None:
    if position.state is ItemState.NOT_APPLICABLE:
        raise CannotSay("does not apply any more; the company has taken it off the list")


@dataclass(frozen=True)
class Batch:
    """What a batch does: where each changed item stands afterwards, and which had been said before."""

    changed: Mapping[str, Position]
    already: tuple[str, ...]


def batch(
    items: Mapping[str, tuple[str, Position]], move: Callable[[str, Position], Position | None]
) -> Batch:
    """Carry something that is said to every item of a batch, or to none.

    `items` holds the name and the position of each by its id; `move` returns where one stands afterwards,
    None when it had been said before, or raises `CannotSay`. Raises `Refusal`, naming every refused item.
    """
    changed: dict[str, Position] = {}
    already: list[str] = []
    refused: dict[str, list[str]] = {}
    for key, (name, position) in items.items():
        try:
            moved = move(key, position)
        except CannotSay as why:
            refused.setdefault(str(why), []).append(name)
            continue
        if moved is None:
            already.append(key)
        else:
            changed[key] = moved
    if refused:
        raise Refusal("items", f"items: {_reasons(refused)}. Nothing was changed.")
    return Batch(changed, tuple(already))


def _reasons(refused: Mapping[str, list[str]]) -> str:
    return ". ".join(
        f"{', '.join(names)}{': each' if len(names) > 1 else ''} {why}" for why, names in refused.items()
    )


def condition_fault(track: Track, condition: Condition | None, words: str) -> str | None:
    """Say what is wrong with the condition in which a receiver found an item, and the words about it."""
    if track is not Track.EQUIPMENT:
        return None
    if condition is None:
        return "is equipment; say in which condition it is"
    if condition in BAD and not words:
        return f"is {condition.value}; say in words what is wrong with it"
    return None
