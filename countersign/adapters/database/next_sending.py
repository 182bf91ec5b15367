"""When a case speaks next by itself: what the first screen counts for today."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from countersign.adapters.database.tables import Branch, Case
from countersign.contracts.cases import Process
from countersign.contracts.leave_return import LeaveReturnInput
from countersign.domain.leave_return import leave_dates
from countersign.domain.policy import Channel

_INPUT: TypeAdapter[LeaveReturnInput] = TypeAdapter(LeaveReturnInput)
_BY_ITSELF = frozenset({Channel.SMS.value, Channel.EMAIL.value, Channel.IN_SYSTEM.value})
_THE_LADDER_IS_OVER = frozenset({"gate", "waiting", "silent", "not_served", "duties"})
"""Stages of departures in which the rungs that were planned have nobody to ask any more."""

_BEFORE_THE_LADDER = frozenset({"starting", "before_end", "return_day"})


def next_sending(case: Case, branch: Branch, now: datetime) -> datetime | None:
    """Return the planned instant of the next message that leaves without anybody's help; None without one.

    While the leave lasts the ladder is not laid out yet; then its dates are those of the frozen policy.
    """
    if case.state not in {"starting", "running"} or case.stage in _THE_LADDER_IS_OVER:
        return None
    planned = [datetime.fromisoformat(step["at"]) for step in case.steps if _speaks(step)]
    if planned:
        return min(planned)
    before = case.kind == Process.LEAVE_RETURN.value and case.stage in _BEFORE_THE_LADDER and not case.steps
    if not before or not case.frozen:
        return None
    frozen = _INPUT.validate_python(case.frozen)
    dates = leave_dates(case.ends_on or frozen.ends_on, frozen.policy, frozen.calendar, branch.zone)
    ahead = [at for at in (dates.remind_at, dates.notice_at) if at is not None and at >= now]
    return min(ahead, default=None)


def _speaks(step: Mapping[str, Any]) -> bool:
    return step["state"] == "planned" and bool(_BY_ITSELF.intersection(step["channels"]))
