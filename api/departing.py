"""Withdrawing a departure and moving its last day: what the API and the console both do."""

import hashlib
from dataclasses import dataclass, field
from datetime import date

from api.carrying import carried
from countersign.adapters.database.acts import ActView, NewAct
from countersign.bootstrap import Parts
from countersign.contracts.cases import ActKind, Role


@dataclass(frozen=True)
class Doer:
    """Who acts: `actor` is `account:<id>` or `token:<id>`, `key` makes the act happen once."""

    role: Role
    actor: str
    key: str = field(repr=False)


async def withdraw(parts: Parts, case_id: str, doer: Doer, reason: str) -> ActView:
    """Take a departure back; raises `Refusal` once the employment has ended."""
    new = _new(case_id, ActKind.WITHDRAWN, doer, {}, reason)
    return await carried(parts, lambda: parts.booked_acts.take(new, parts.departures.withdraw_effect))


async def move_last_day(parts: Parts, case_id: str, doer: Doer, on: date, reason: str) -> ActView:
    """Move the last day of a departure; raises `Refusal` for a day that cannot be."""
    new = _new(case_id, ActKind.LAST_DAY_MOVED, doer, {"on": on.isoformat()}, reason)
    return await carried(parts, lambda: parts.booked_acts.take(new, parts.departures.move_last_day_effect))


def _new(case_id: str, kind: ActKind, doer: Doer, body: dict[str, str], reason: str) -> NewAct:
    told = "\n".join((doer.actor, case_id, kind.value, doer.key))
    return NewAct(
        id=hashlib.sha256(told.encode()).hexdigest()[:40],
        case_id=case_id,
        kind=kind,
        role=doer.role,
        actor=doer.actor,
        body=body,
        words={"reason": reason},
    )
