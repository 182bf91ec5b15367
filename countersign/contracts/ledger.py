"""What a case tells the ledger."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class PostingOrder:
    """Book one thing, once: `key` is `<workflow-id>/<step>`.

    The amount is not part of an order: it stands in the books, so that no history holds one. `kind` says in
    which table (`settlement`), `source` in which row.
    """

    key: str
    case_id: str
    kind: str
    source: str
    booked_on: date
