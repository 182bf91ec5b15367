"""The steps of a ladder on their way: their dates, and what became of them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from countersign.contracts.notices import PreparedDelivery
    from countersign.domain.policy import Channel, Rung

IN_TIME = timedelta(hours=1)
"""A rung whose first delivery is accepted within this time waits from its planned instant."""

ADDRESSED = (Channel.SMS, Channel.EMAIL)
"""Channels that can take the place of one that failed for good, in this order."""

BY_HAND = {Channel.COURIER: "posting", Channel.VISIT: "visit", Channel.PUBLIC_NOTICE: "publication"}
"""Channels that HR carries out and records; the rung's wait starts there."""


class StepState(StrEnum):
    """What became of a planned step."""

    PLANNED = "planned"
    REACHED = "reached"
    SKIPPED = "skipped"
    NOTHING_SENT = "nothing_sent"
    DONE = "done"


@dataclass
class PlannedStep:
    """One rung on its way: its name (unique in the ladder), its dates, and what became of it.

    `waits_from` is the instant from which the wait counts, known once the rung has spoken. `by_hand_at` is
    the posting, visit or publication that HR recorded. While the rung is held back by a stop or a cap, its
    first delivery has no end; `patience` is then the instant until which it may still come. `last` is the
    newest attempt by channel; those in `taken` have been accepted. HR may have put the end of the wait off.
    """

    name: str
    rung: Rung
    at: datetime
    waits_until: datetime
    channels: tuple[Channel, ...]
    state: StepState = StepState.PLANNED
    waits_from: datetime | None = None
    by_hand_at: datetime | None = None
    hand_due: datetime | None = None
    accepted_after: timedelta | None = None
    open_deliveries: int = 0
    untried: int = 0
    held_back: set[Channel] = field(default_factory=set)
    patience: datetime | None = None
    fell_back: bool = False
    passed_over: bool = False
    put_off_until: datetime | None = None
    taken: set[Channel] = field(default_factory=set)
    last: dict[Channel, PreparedDelivery] = field(default_factory=dict)

    @property
    def skipped(self) -> bool:
        """Say whether HR passed over the step, perhaps while we were waiting."""
        return self.state is StepState.SKIPPED

    def show(self) -> dict[str, Any]:
        """Return the step as lists and pages show it."""
        return {
            "step": self.name,
            "rung": self.rung.name,
            "audience": self.rung.audience.value,
            "channels": [channel.value for channel in self.channels],
            "at": self.at.isoformat(timespec="seconds"),
            "waits_until": self.waits_until.isoformat(timespec="seconds"),
            "state": self.state.value,
        }
