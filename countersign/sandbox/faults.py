"""Faults that a test or a trainer switches on in the stand-ins; forgotten at a restart."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class SmsFault(StrEnum):
    """What the SMS stand-in can do wrong."""

    DROP_REPLY_AFTER_ACCEPT = "drop_reply_after_accept"  # takes the message, closes without an answer
    ERROR_500_AFTER_ACCEPT = "error_500_after_accept"  # takes the message, answers 500
    ERROR_500 = "error_500"  # answers 500, takes nothing
    REFUSE_429 = "refuse_429"  # answers 429 with code 20429, takes nothing
    SLOW = "slow"  # takes the message, answers after `least` to `seconds`
    SLOW_TO_TAKE = "slow_to_take"  # takes the message after `least` to `seconds`, unless the caller has gone
    DOWN = "down"  # closes every connection to the API without an answer
    LOSE_CALLBACKS = "lose_callbacks"  # never reports a status
    DOUBLE_CALLBACKS = "double_callbacks"  # reports each status twice
    REPEAT_CALLBACKS = "repeat_callbacks"  # reports each status 1 to `most` times
    SHUFFLE_CALLBACKS = "shuffle_callbacks"  # reports after a random wait of up to `seconds`
    FORGE_CALLBACKS = "forge_callbacks"  # signs reports with a wrong token
    LYING_CALLBACKS = "lying_callbacks"  # adds a report of the opposite end, signed with a wrong token


class MailFault(StrEnum):
    """What the mail catcher can do wrong."""

    DOWN = "down"  # closes the connection before its greeting
    REFUSE_4XX = "refuse_4xx"  # 451 to the recipient
    REFUSE_5XX = "refuse_5xx"  # 550 to the recipient
    DROP_BEFORE_DATA = "drop_before_data"  # closes when the client says DATA
    DROP_AFTER_DATA = "drop_after_data"  # keeps the mail, closes without an answer
    NO_DSN = "no_dsn"  # offers no delivery reports and knows none of their parameters
    SLOW = "slow"  # keeps the mail, answers after `least` to `seconds`


@dataclass(frozen=True)
class Fault:
    """One fault: hits a `share` (0 to 1) of the time until `until` (monotonic seconds; None is for good).

    Waits last from `least` to `seconds`; without `least` they last exactly `seconds`.
    """

    mode: SmsFault | MailFault
    share: float
    until: float | None
    seconds: float
    least: float | None = None
    most: int = 5

    def wait(self, dice: random.Random) -> float:
        """Return how many seconds this time."""
        return self.seconds if self.least is None else dice.uniform(self.least, self.seconds)


class FaultBoard:
    """The faults that are switched on. `clock` gives monotonic seconds; `seed` makes the dice repeatable."""

    def __init__(self, seed: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._active: dict[SmsFault | MailFault, Fault] = {}
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start the dice anew."""
        self.dice = random.Random(seed)  # noqa: S311 - faults must be repeatable, not secret

    def switch_on(
        self,
        mode: SmsFault | MailFault,
        share: float = 1.0,
        for_seconds: float | None = None,
        seconds: float = 20.0,
        least: float | None = None,
        most: int = 5,
    ) -> None:
        """Switch a fault on, replacing one of the same mode."""
        until = None if for_seconds is None else self._clock() + for_seconds
        self._active[mode] = Fault(mode, share, until, seconds, least, most)

    def clear(self) -> None:
        """Switch every fault off."""
        self._active.clear()

    def hit(self, mode: SmsFault | MailFault) -> Fault | None:
        """Throw the dice for `mode`; returns the fault when it strikes."""
        fault = self._active.get(mode)
        if fault is None:
            return None
        if fault.until is not None and self._clock() >= fault.until:
            del self._active[mode]
            return None
        return fault if self.dice.random() < fault.share else None

    def active(self) -> list[Fault]:
        """List what is switched on and has not run out."""
        now = self._clock()
        return [fault for fault in self._active.values() if fault.until is None or now < fault.until]
