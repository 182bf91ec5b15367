"""Whose word a deadline is: the law's, the company's own target, or what was agreed with the person."""

from enum import StrEnum


class DeadlineKind(StrEnum):
    """The kinds of deadline; a list always says which one it shows."""

    TARGET = "target"
    STATUTORY = "statutory"
    AGREED = "agreed"


_AGREED = frozenset({"before_end", "return_day", "before_last_day", "announced", "waiting"})
"""Stages that wait for the end of a leave as it was granted or announced, or for an agreed last day."""
_STATUTORY = frozenset({"duties"})
_OF_DUTY = "duty_"


def deadline_kind(stage: str) -> DeadlineKind:
    """Return the kind of deadline that a stage's due time is."""
    if stage in _STATUTORY or stage.startswith(_OF_DUTY):
        return DeadlineKind.STATUTORY
    return DeadlineKind.AGREED if stage in _AGREED else DeadlineKind.TARGET
