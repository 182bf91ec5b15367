"""Retry policies by intent; the only place where a number of tries or a timeout stands."""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy


class ActivityOptions(TypedDict):
    """Options unpacked into `workflow.execute_activity` and its local twin."""

    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy


RECORDING = ActivityOptions(
    # A short write to our own database: repeated until it is done, since the case may not go on without it.
    start_to_close_timeout=timedelta(seconds=20),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)
    ),
)

SENDING = ActivityOptions(
    # A call that leaves the machine. What a provider answers is a value, not an exception, so a retry here
    # means that a worker died; the delivery row then says whether the message may have left.
    start_to_close_timeout=timedelta(seconds=60),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
)

SEND_AGAIN_AFTER = tuple(timedelta(seconds=s) for s in (15, 30, 60, 120, 300, 600, 1800, 3600))
"""Real waits between tries of one delivery that failed for a while; the last one repeats."""

SETTLE_UNKNOWN_AFTER = timedelta(minutes=2)
"""Real wait before a message that may have left is looked for in the provider's list a last time."""


HELD_AGAIN_AFTER = timedelta(seconds=5)
"""Real wait before an attempt that was held back (a pause or a skip is under way) is made."""

MOST_UNKNOWN = 2
"""So often a channel of a rung may end in "may have left": at most one possible duplicate reaches anybody."""


def send_again_after(tries: int) -> timedelta:
    """Return the wait before the next try when `tries` (1 or more) have failed."""
    return SEND_AGAIN_AFTER[min(tries, len(SEND_AGAIN_AFTER)) - 1]
