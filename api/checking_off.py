"""What people do on the checklists of a departure: one way for the API and for the console."""

import hashlib
from dataclasses import dataclass, field

from countersign.adapters.database.checklists import ChecklistAct
from countersign.contracts.cases import Role


@dataclass(frozen=True)
class Ticker:
    """Who acts: `actor` is `account:<id>` or `token:<id>`, `key` makes the act happen once."""

    role: Role
    actor: str
    key: str = field(repr=False)

    def act(self, case_id: str, what: str, asked: str | None = None) -> ChecklistAct:
        """Return the act that this key stands for; `what` keeps lists apart, `asked` says what it holds."""
        told = "\n".join((self.actor, case_id, what, self.key))
        return ChecklistAct(
            hashlib.sha256(told.encode()).hexdigest()[:40], case_id, self.role, self.actor, asked
        )
