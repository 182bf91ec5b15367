"""The tables of a loss file as CSV: items, notices, postings, and the override record."""

from datetime import datetime
from typing import TYPE_CHECKING

from countersign.adapters.list_files import csv_file
from countersign.domain.console_words import name_of

if TYPE_CHECKING:
    from countersign.adapters.database.loss_files import LossView

_ITEMS = (
    "track",
    "reference",
    "title",
    "state",
    "condition",
    "due_on",
    "handed_over_at",
    "accepted_at",
    "value_fen",
    "in_ledger_fen",
    "claimed_beside_fen",
)
_POSTINGS = (
    "posting",
    "booked_on",
    "kind",
    "account",
    "amount_fen",
    "balance_fen",
    "reference",
    "document",
    "reverses",
)


def tables_of(view: "LossView", language: str) -> dict[str, bytes]:
    """Return every table by its file name; times are those of the branch, amounts fen."""
    return {
        "items.csv": _items(view),
        "notices.csv": _notices(view, language),
        "balances.csv": _balances(view),
        "override-record.csv": _overrides(view, language),
    }


def _items(view: "LossView") -> bytes:
    rows = (
        (
            one.track,
            one.reference,
            one.title,
            one.state,
            one.condition,
            one.due_on,
            _at(view, one.handed_over_at),
            _at(view, one.accepted_at),
            one.value_fen,
            one.claimed_fen,
            one.beside_fen,
        )
        for one in view.items
    )
    return csv_file(_ITEMS, rows)


def _notices(view: "LossView", language: str) -> bytes:
    rows = (
        (
            name_of("kind", one.case_kind, language),
            name_of("step", one.step, language),
            name_of("channel", one.channel, language),
            _at(view, one.at),
            name_of("says", one.says, language),
            "; ".join(f"{name_of('says', words, language)} {_at(view, when)}" for words, when in one.levels),
            one.why or "",
        )
        for one in view.told
    )
    return csv_file(("case", "step", "channel", "at", "state", "known", "why"), rows)


def _balances(view: "LossView") -> bytes:
    rows = (
        (
            one.posting_id,
            one.booked_on,
            one.kind.value,
            one.account.value,
            one.amount_fen,
            one.balance_fen,
            one.reference,
            one.document_id,
            one.reverses_id,
        )
        for one in view.postings
    )
    return csv_file(_POSTINGS, rows)


def _overrides(view: "LossView", language: str) -> bytes:
    rows = (
        (
            name_of(one.kind, one.what, language),
            one.title,
            one.amount_fen,
            one.rule,
            _at(view, one.at),
            one.evidence_hash,
        )
        for one in view.frozen
    )
    return csv_file(("what", "title", "amount_fen", "rule", "at", "evidence_hash"), rows)


def _at(view: "LossView", moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(view.zone).isoformat(timespec="seconds")
