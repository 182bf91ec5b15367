"""Retry policies by intent; the only place where a number of tries or a timeout stands."""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy


class ActivityOptions(TypedDict):
    """Options unpacked into `workflow.execute_activity` and its local twin."""

    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy


class CallOptions(ActivityOptions):
    """Options of an activity that shows while it works that its worker is alive."""

    heartbeat_timeout: timedelta


RECORDING = ActivityOptions(
    # A short write to our own database: repeated until it is done, since the case may not go on without it.
    start_to_close_timeout=timedelta(seconds=20),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)
    ),
)

HEARTBEAT_EVERY = timedelta(seconds=3)

SENDING = CallOptions(
    # A call that leaves the machine. What a provider answers is a value, not an exception, so a retry here
    # means that a worker died; the delivery row then says whether the message may have left.
    start_to_close_timeout=timedelta(seconds=60),
    heartbeat_timeout=timedelta(seconds=12),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
)

DRAWING = ActivityOptions(
    # A PDF and its row. What fails for minutes is no passing fault: HR is told and does it by hand.
    start_to_close_timeout=timedelta(seconds=60),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30), maximum_attempts=8
    ),
)

POSTING = ActivityOptions(
    # One transaction in the ledger, made once whatever happens: repeated until it is done.
    start_to_close_timeout=timedelta(seconds=20),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)
    ),
)

SEND_AGAIN_AFTER = tuple(timedelta(seconds=s) for s in (15, 30, 60, 120, 300, 600, 1800, 3600))
"""Real waits between tries of one delivery that failed for a while; the last one repeats."""

SETTLE_UNKNOWN_AFTER = timedelta(minutes=2)
"""Real wait before a message that may have left is looked for in the provider's list a last time."""


ONCE_A_DAY = timedelta(days=1)
"""How often the same thing is told to HR again."""

HELD_AGAIN_AFTER = timedelta(seconds=5)
"""Real wait before an attempt that was held back (a pause or a skip is under way) is made."""

STOPPED_AGAIN_AFTER = timedelta(hours=6)
"""Real wait before a stop of all sending is asked about again. Its release is told at once; this is for one
that was released in the same instant in which a message met it."""

RECEIPT_AGAIN_AFTER = tuple(timedelta(minutes=m) for m in (10, 60, 180))
"""Real waits before a message is tried again that the carrier could not deliver for the moment."""

MOST_UNKNOWN = 2
"""So often a channel without a list may end in "may have left": at most one duplicate reaches anybody."""

ALERT_TIMEOUT = timedelta(seconds=10)
"""Real wait for the answer of a group robot."""

ALERT_SHUT = timedelta(minutes=10)
"""How long DingTalk shuts out a robot that sent too much; whoever says so is left alone this long."""

ALERT_CLAIM = timedelta(minutes=10)
"""After so long an alarm taken by a process that died is told by another one."""


def alert_again_after(tries: int, *, slow_down: bool) -> timedelta:
    """Return the wait before a target is told again when `tries` (1 or more) have failed: at most an hour."""
    wait = send_again_after(tries)
    return max(wait, ALERT_SHUT) if slow_down else wait


def receipt_again_after(failures: int) -> timedelta:
    """Return the wait before the next try when the carrier has failed `failures` (1 or more) times."""
    return RECEIPT_AGAIN_AFTER[min(failures, len(RECEIPT_AGAIN_AFTER)) - 1]


def send_again_after(tries: int) -> timedelta:
    """Return the wait before the next try when `tries` (1 or more) have failed."""
    return SEND_AGAIN_AFTER[min(tries, len(SEND_AGAIN_AFTER)) - 1]
