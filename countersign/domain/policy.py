"""What a ladder is made of: rungs with an audience, channels and a wait, and when it may send."""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum


class Audience(StrEnum):
    """Whom a rung turns to."""

    EMPLOYEE = "employee"
    EMERGENCY_CONTACT = "emergency_contact"
    MANAGER = "manager"
    HR = "hr"
    LEGAL = "legal"


class Channel(StrEnum):
    """How a rung reaches its audience; `preferred` stands for one of the others."""

    PREFERRED = "preferred"
    SMS = "sms"
    EMAIL = "email"
    IN_SYSTEM = "in_system"
    COURIER = "courier"
    VISIT = "visit"
    PUBLIC_NOTICE = "public_notice"


DONE_BY_HAND = frozenset({Channel.COURIER, Channel.VISIT, Channel.PUBLIC_NOTICE})
"""Channels that HR carries out and records; the rung's wait begins there, so its end is not known before."""


class WaitUnit(StrEnum):
    """What a wait counts: elapsed hours, natural days, or working days."""

    HOURS = "hours"
    CALENDAR_DAYS = "calendar_days"
    WORKING_DAYS = "working_days"


class WindowDays(StrEnum):
    """On which days a sending window opens."""

    WORKING = "working"
    ALL = "all"


class OnUnknown(StrEnum):
    """What follows when a message may have left and the provider knows nothing of it.

    `at_least_once` sends it again and lists it as a possible duplicate; `at_most_once` leaves it to HR.
    """

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


@dataclass(frozen=True)
class Wait:
    """How long a rung waits before the next one; raises `ValueError` when negative."""

    value: int
    unit: WaitUnit

    def __post_init__(self) -> None:
        """Refuse to wait backwards."""
        if self.value < 0:
            raise ValueError("a wait cannot be negative")


@dataclass(frozen=True)
class SendingWindow:
    """Hours of local wall-clock time in which a step may start: `opens <= t < closes`.

    Raises `ValueError` when the window does not open before it closes on the same day, or when its
    times carry an offset of their own.
    """

    days: WindowDays
    opens: time
    closes: time

    def __post_init__(self) -> None:
        """Refuse a window that never opens."""
        if self.opens.tzinfo is not None or self.closes.tzinfo is not None:
            raise ValueError("the times of a sending window are local and carry no offset")
        if self.opens >= self.closes:
            raise ValueError("a sending window must open before it closes on the same day")


@dataclass(frozen=True)
class Rung:
    """One step of a ladder: turn to the audience on all channels, in this order, then wait."""

    name: str
    audience: Audience
    channels: tuple[Channel, ...]
    wait: Wait


@dataclass(frozen=True)
class LadderPolicy:
    """The rungs in order, and the window in which they may send; no window means at any time.

    The rest of a ladder after its last rung is a policy without rungs, so none is refused here; what
    people write must name at least one.
    """

    rungs: tuple[Rung, ...]
    sending_window: SendingWindow | None = None
