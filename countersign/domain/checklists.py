"""What else ends with an employment: accounts to shut, open tasks to pass on, people to report elsewhere."""

from collections.abc import Iterable, Mapping
from enum import StrEnum


class AccessState(StrEnum):
    """What became of an account in another system; the last three follow a withdrawal alone."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    MANUAL = "manual"
    DROPPED = "dropped"
    TO_GIVE_BACK = "to_give_back"
    GIVEN_BACK = "given_back"


TOLD = (AccessState.DONE, AccessState.FAILED, AccessState.MANUAL)
"""What somebody can say of an account that is to be shut."""

NEEDS_REASON = frozenset({AccessState.FAILED})
"""States that nobody leaves without a word."""

AFTER_WITHDRAWAL: Mapping[AccessState, AccessState] = {
    AccessState.OPEN: AccessState.DROPPED,
    AccessState.FAILED: AccessState.DROPPED,
    AccessState.MANUAL: AccessState.TO_GIVE_BACK,
    AccessState.DONE: AccessState.TO_GIVE_BACK,
}
"""What becomes of each account when nobody leaves after all. What was begun by hand may have shut it."""


GIVE_BACK = "give_back"
"""The task that a withdrawal leaves to administration; it outlives the case."""

UNSHUT = (AccessState.OPEN, AccessState.FAILED, AccessState.MANUAL)
"""States in which an account may still be open, so that somebody has to do something about it."""


class TaskState(StrEnum):
    """Where a task of the leaver's in another system stands."""

    OPEN = "open"
    MOVED = "moved"
    MOVED_BACK = "moved_back"


def new_superiors(
    team: Iterable[str], leaver: str, to: str, superior_of: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Return the new superior of each of a leaver's reports, all by employee number.

    `team` are the reports, `superior_of` says who is above whom in the whole company. They report to `to`;
    whoever is `to`, or stands above them, reports to the leaver's own superior: nobody is above oneself.
    """
    upwards = [to]
    while (above := superior_of.get(upwards[-1])) is not None and above not in upwards:
        upwards.append(above)
    own = superior_of.get(leaver)
    return {number: own if number in upwards else to for number in team}
