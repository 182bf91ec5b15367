"""Which acts a case allows in its present stage, and the form of each of them.

The process has the last word and refuses in its own; what is left out here would be refused there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.console.visit import Post
from api.language import Sentence, sentence
from api.v1.models import NEEDS, StaffAct
from countersign.adapters.database.case_pages import CasePage
from countersign.contracts.cases import Process
from countersign.domain.evidence import EventKind
from countersign.domain.leave_return import REMINDER_STEP

_OF_STAGE: Mapping[str, tuple[StaffAct, ...]] = {
    "overdue_review": (StaffAct.OVERDUE_DECIDED,),
    "grading_pending": (StaffAct.GRADING_DONE,),
    "posting_due": (StaffAct.POSTED,),
    "visit_due": (StaffAct.VISITED,),
    "publication_due": (StaffAct.PUBLISHED,),
    "extension_review": (StaffAct.EXTENSION_GRANTED, StaffAct.EXTENSION_REFUSED),
    "objection_review": (StaffAct.OBJECTION_ANSWERED,),
}
_RUNS_ON_DATES = frozenset({Process.STATUTORY.value})
"""What the law wants on dates cannot be stopped, neither for a while nor for good."""
_TAKEN_BACK_ELSEWHERE = _RUNS_ON_DATES | {Process.OFFBOARDING.value}
"""A departure is withdrawn on its own page, with everything that was done for it."""
_REVIEWS = ("extension_review", "objection_review")
_OPEN_STEPS = ("planned", "reached")
_LEFT_THE_HOUSE = ("sent", "delivered")
_BY_HAND = ("courier", "visit", "public_notice")

_FIELDS: Mapping[StaffAct, tuple[str, ...]] = {
    StaffAct.BACK: ("reason",),
    StaffAct.GRADING_DONE: ("reason",),
    StaffAct.POSTED: ("happened_at", "courier", "tracking_number", "courier_number"),
    StaffAct.PUBLISHED: ("happened_at", "where", "document"),
    StaffAct.EXTENSION_GRANTED: ("on", "reason"),
}
"""What the form of an act asks for, where that is more than what the act needs."""

LABELS: Mapping[str, Sentence] = {
    "reason": sentence("Reason"),
    "step": sentence("Step"),
    "on": sentence("New last day of leave"),
    "happened_at": sentence("Done at"),
    "until": sentence("Nothing happens before"),
    "courier": sentence("Courier"),
    "tracking_number": sentence("Tracking number"),
    "courier_number": sentence("Another number, where there is no tracking number"),
    "where": sentence("Published where"),
    "document": sentence("File that shows it"),
    "witness": sentence("Witness"),
    "result": sentence("Result"),
    "choices": sentence("What becomes of each step"),
    "act": sentence("Action"),
}
_MOMENTS = ("happened_at", "until")


@dataclass(frozen=True)
class StepChoice:
    """A step of the plan that can be named in a form, with its planned time."""

    name: str
    at: datetime


@dataclass(frozen=True)
class Offer:
    """An act that is possible now. `urgent` ones are what the stage waits for; `steps` can be chosen from."""

    act: StaffAct
    fields: tuple[str, ...]
    urgent: bool = False
    steps: tuple[StepChoice, ...] = ()

    @property
    def needed(self) -> tuple[str, ...]:
        """The fields without which the act is refused."""
        return NEEDS.get(self.act, ())


def offers(case: CasePage) -> list[Offer]:
    """Return the acts that the case allows now, those it waits for first; none before it runs or after."""
    row = case.row
    if row["state"] not in ("running", "paused"):
        return []
    found = [_offer(act, case, urgent=True) for act in _OF_STAGE.get(row["stage"], ())]
    if row["kind"] == Process.LEAVE_RETURN.value:
        found.append(_offer(StaffAct.BACK, case, urgent=row["stage"] == "return_day"))
    # While HR reviews an answer the ladder stands still: nothing in it can be hastened or put off.
    climbing, ahead = row["stage"] not in _REVIEWS, _open_steps(row["steps"])
    if ahead and climbing:
        found.append(_offer(StaffAct.SNOOZE, case))
    if ahead:
        found.append(_offer(StaffAct.SKIP, case, ahead))
    if ahead[1:] and climbing:
        found.append(_offer(StaffAct.JUMP, case, ahead[1:]))
    if climbing and _has_sent(row):
        found.append(_offer(StaffAct.RESEND, case))
    found.append(_offer(StaffAct.REPLAN, case))
    if row["kind"] not in _RUNS_ON_DATES:
        found.append(_offer(StaffAct.RESUME if row["state"] == "paused" else StaffAct.PAUSE, case))
    if row["kind"] not in _TAKEN_BACK_ELSEWHERE:
        found.append(_offer(StaffAct.CANCEL, case))
    return found


def fields_of(act: StaffAct) -> tuple[str, ...]:
    """Return the fields that the form of an act has."""
    return _FIELDS.get(act, NEEDS.get(act, ()))


def typed_fields(act: StaffAct, post: Post, zone: ZoneInfo, steps: Sequence[StepChoice]) -> dict[str, Any]:
    """Return what was typed into the form of an act; moments are those of the case's branch."""
    typed: dict[str, Any] = {}
    for name in fields_of(act):
        text = post.text(f"{act.value}-{name}")
        typed[name] = local_moment(text, zone) if name in _MOMENTS else text
    if "choices" in typed:
        chosen = {step.name: post.text(f"{act.value}-choices-{step.name}") for step in steps}
        typed["choices"] = {name: choice for name, choice in chosen.items() if choice}
    return typed


def overdue_steps(case: CasePage) -> tuple[StepChoice, ...]:
    """Return the steps of which HR must say whether they run; a late reminder needs nobody."""
    for event in reversed(case.events):
        if event.kind == EventKind.RUNG_HELD and "overdue" in event.body:
            return tuple(
                StepChoice(one["step"], datetime.fromisoformat(one["planned_at"]))
                for one in event.body["overdue"]
                if one["step"] != REMINDER_STEP
            )
    return ()


def _offer(
    act: StaffAct, case: CasePage, steps: tuple[StepChoice, ...] = (), *, urgent: bool = False
) -> Offer:
    listed = overdue_steps(case) if act is StaffAct.OVERDUE_DECIDED else steps
    return Offer(act, fields_of(act), urgent, listed)


def _open_steps(steps: Sequence[Mapping[str, Any]]) -> tuple[StepChoice, ...]:
    return tuple(
        StepChoice(step["step"], datetime.fromisoformat(step["at"]))
        for step in steps
        if step["state"] in _OPEN_STEPS
    )


def _has_sent(row: Mapping[str, Any]) -> bool:
    """Say whether the running step has sent something over a channel that can carry it again."""
    running = next((step["step"] for step in row["steps"] if step["state"] == "reached"), None)
    return running is not None and any(
        delivery["state"] in _LEFT_THE_HOUSE and delivery["channel"] not in _BY_HAND
        for notice in row["notices"]
        if notice["step"].partition(".")[2] == running
        for delivery in notice["deliveries"]
    )


def local_moment(text: str, zone: ZoneInfo) -> str:
    """Return a typed moment with the offset of its zone; what is none stays as it is, to be refused."""
    try:
        typed = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (typed if typed.tzinfo else typed.replace(tzinfo=zone)).isoformat()
