"""A case in the middle of its course, without a Temporal server: what a process would have written."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from countersign.adapters.database.starts import StartWish
from countersign.bootstrap import Parts
from countersign.contracts.cases import CaseState, EventDraft, Projection, RecordOrder, Role, TaskDraft
from countersign.domain.evidence import EventKind
from tests.support.company import add_leave, company
from tests.support.story import at

NOW = at("03-02 10:00")
STEPS = (
    ("first_notice", "employee", ["sms", "email"], "02-24 09:00", "02-27 09:00", "done"),
    ("second_reminder", "employee", ["sms"], "02-27 09:00", "03-04 09:00", "reached"),
    ("emergency_contact", "emergency_contact", ["sms"], "03-04 09:00", "03-06 09:00", "planned"),
    ("paper_notice", "employee", ["courier"], "03-06 09:00", "03-13 09:00", "planned"),
)


def steps() -> tuple[dict[str, Any], ...]:
    """Return the plan as a process shows it."""
    return tuple(
        {
            "step": name,
            "rung": name,
            "audience": audience,
            "channels": channels,
            "at": at(begins).isoformat(),
            "waits_until": at(ends).isoformat(),
            "state": state,
        }
        for name, audience, channels, begins, ends, state in STEPS
    )


@dataclass
class Running:
    """A case, and the process that would stand behind it: it takes acts, or refuses them with `refusal`."""

    parts: Parts
    case_id: str
    stage: str = "ladder"
    state: CaseState = CaseState.RUNNING
    refusal: str | None = None
    carried: list[str] = field(default_factory=list)
    written: int = 0

    def write(self, *events: EventDraft, **more: Any) -> None:
        """Write events and where the case stands."""
        self.written += 1
        due = NOW + timedelta(days=1)
        self.parts.cases.record(
            RecordOrder(
                self.case_id,
                f"process/{self.written}",
                NOW,
                Projection(self.state, self.stage, Role.HR, due, steps=steps()),
                events,
                **more,
            )
        )

    def move(self, stage: str, *events: EventDraft) -> None:
        """Enter a stage."""
        self.stage = stage
        self.write(*events, tasks=(TaskDraft(f"task/{stage}", stage, Role.HR, NOW),))

    def close(self) -> None:
        """End the case."""
        self.state, self.stage = CaseState.CLOSED, "closed"
        self.parts.cases.record(
            RecordOrder(
                self.case_id,
                "process/end",
                NOW,
                Projection(self.state, self.stage, None, None, outcome="back", steps=steps()),
                (EventDraft(EventKind.CASE_CLOSED, {"outcome": "back"}),),
            )
        )

    async def carry(self, act_id: str) -> None:
        """Take an act as a running process does."""
        self.carried.append(act_id)
        if self.refusal is not None:
            self.parts.acts.refuse(act_id, self.refusal)
            return
        self.write(EventDraft(EventKind.RUNG_SNOOZED, {"step": "x"}, act_id), accepted_acts=(act_id,))

    def kinds(self) -> list[str]:
        """Return the kinds of events on the chain."""
        from countersign.adapters.database.scope import Scope

        events = self.parts.views.chain(Scope(), self.case_id)
        assert events is not None
        return [event.kind for event in events]


def running(folder: Path, clock: Callable[[], datetime] = lambda: NOW, **settings: Any) -> Running:
    """Return a case of the small company in the middle of its ladder."""
    parts = company(folder, clock, **settings)
    leave = add_leave(parts, date(2026, 2, 13))
    case_id = parts.starts.start(StartWish(leave), {"role": "hr", "id": "token:test"})
    case = Running(parts, case_id)
    parts.__dict__["dispatcher"] = case
    case.write()
    return case
