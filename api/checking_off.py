"""What people do on the checklists of a departure: one way for the API and for the console."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi.concurrency import run_in_threadpool

from countersign.adapters.database.acts import ActView
from countersign.adapters.database.checklists import ChecklistAct
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role


@dataclass(frozen=True)
class Ticker:
    """Who acts: `actor` is `account:<id>` or `token:<id>`, `key` makes the act happen once."""

    role: Role
    actor: str
    key: str = field(repr=False)

    def act(self, case_id: str, what: str) -> ChecklistAct:
        """Return the act that this key stands for; `what` keeps the lists apart."""
        told = "\n".join((self.actor, case_id, what, self.key))
        return ChecklistAct(hashlib.sha256(told.encode()).hexdigest()[:40], case_id, self.role, self.actor)


async def carry(parts: Parts, take: Callable[[], ActView]) -> ActView:
    """Take an act into the books and tell its case; return the receipt. Raises `Refusal`."""
    taken = await run_in_threadpool(take)
    if taken.state == "waiting":
        await parts.dispatcher.carry(taken.id)
        taken = await run_in_threadpool(parts.acts.must_view, taken.id)
    return taken
