"""When a public notice may speak: only after the direct ways and the post have failed.

Source: 劳办发〔1995〕179号: a public notice is allowed only where the notice can be brought neither directly
nor by post, and counts as served 30 days after publication; announcing first is invalid.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from countersign.domain.courier import WEAK, CourierState
from countersign.domain.policy import Channel, LadderPolicy, WaitUnit
from countersign.domain.receipts import DeliveryState

SERVED_AFTER_DAYS = 30
TEMPLATE = "public_notice"
"""The text of every public notice, whatever the name of its rung: the public must read no other."""

LOCKED = "public notice is locked"
DIRECT = {Channel.SMS: "text message", Channel.EMAIL: "e-mail"}


@dataclass(frozen=True)
class DirectWay:
    """What the case knows of one direct way to the person.

    `newest` is the state of the newest attempt at the address on record, or at the last one that was, None
    where none was made; `theirs` is False when whoever
    holds the address has said that it is not the person's.
    """

    on_record: bool
    newest: DeliveryState | None = None
    theirs: bool = True


def why_locked(ways: Mapping[Channel, DirectWay], letters: Sequence[CourierState | None]) -> str | None:
    """Say why a public notice must not speak yet, without personal data; None when it may.

    `ways` holds text messages and e-mail, `letters` the last result of every letter that was posted.
    """
    missing = [
        f"the {DIRECT[channel]} has not {'failed' if ways[channel].newest else 'been tried'}"
        for channel in DIRECT
        if not _failed(ways[channel])
    ]
    if not any(letter in WEAK for letter in letters):
        missing.append("no letter was refused, returned or signed for by somebody else")
    elif CourierState.SIGNED in letters:
        missing.append("a letter was signed for")
    return f"{LOCKED}: {', '.join(missing)}" if missing else None


def _failed(way: DirectWay) -> bool:
    if way.newest is None:
        return not way.on_record
    return way.newest is DeliveryState.FAILED_PERMANENT or not way.theirs


def template_of(rung: str, channels: Collection[Channel]) -> str:
    """Return the name of the text that a rung says over these channels."""
    return TEMPLATE if Channel.PUBLIC_NOTICE in channels else rung


def rung_fault(ladder: LadderPolicy, index: int) -> str | None:
    """Say what is wrong with a rung of a ladder that holds a public notice; None for a sound one."""
    rung = ladder.rungs[index]
    if Channel.PUBLIC_NOTICE not in rung.channels:
        return None
    if set(rung.channels) != {Channel.PUBLIC_NOTICE}:
        return "public_notice cannot share a rung, since its text is for everybody's eyes; give it its own"
    if rung.wait.unit is WaitUnit.HOURS or rung.wait.value < SERVED_AFTER_DAYS:
        return (
            f"wait: a public notice counts as served {SERVED_AFTER_DAYS} days after publication; "
            f"wait at least {SERVED_AFTER_DAYS} calendar_days"
        )
    if not any(Channel.COURIER in before.channels for before in ladder.rungs[:index]):
        return (
            "public_notice is invalid before a letter has been tried; "
            "put a rung with the channel courier before it"
        )
    return None
