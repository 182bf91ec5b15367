"""The cover of a loss file: what is claimed and on what it rests, with the list of all files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from countersign.adapters.exit_papers import yuan
from countersign.adapters.paper import Press
from countersign.domain.console_words import name_of
from countersign.domain.levels import ZH

if TYPE_CHECKING:
    from countersign.adapters.database.loss_files import LossView


@dataclass(frozen=True)
class LossPaper:
    """A loss file's cover; `contents` are name, size in bytes and SHA-256 of every file. `at` is local."""

    view: "LossView"
    company: str
    language: str
    at: datetime
    contents: Sequence[tuple[str, int, str]]


def print_cover(press: Press, paper: LossPaper) -> bytes:
    """Return the cover as PDF/A-2b in `zh-CN` or `en`; raises `Unprintable`."""
    data = _data(press, paper)
    return press.sheet("paper/loss.typ", data, paper.at)


def _data(press: Press, paper: LossPaper) -> dict[str, Any]:
    view, language = paper.view, paper.language

    def word(kind: str, value: str) -> str:
        return name_of(kind, value, language)

    def minute(at: datetime) -> str:
        return f"{at.astimezone(view.zone):%Y-%m-%d %H:%M}"

    return {
        "chinese": language == ZH,
        "company": paper.company,
        "branch": view.branch,
        "name": view.name,
        "number": view.number,
        "reference": view.case_id,
        "kind": word("departure", view.kind),
        "last_day": view.last_day.isoformat(),
        "ended_on": "—" if view.ended_on is None else view.ended_on.isoformat(),
        "made": minute(paper.at),
        "owed": [[word("account", kind.value), yuan(fen)] for kind, fen in view.owed.items()],
        "items": [
            [
                word("track", one.track),
                press.legible(f"{one.title} ({one.reference})"),
                word("condition", one.condition) if one.condition else word("item", one.state),
                yuan(one.value_fen) if one.value_fen else "—",
                yuan(one.left_fen + one.beside_fen) if one.left_fen + one.beside_fen else "—",
                bool(one.claimed_fen),
                one.not_assessed,
            ]
            for one in view.items
        ],
        "told": [
            [
                minute(one.at),
                word("kind", one.case_kind),
                word("step", one.step),
                word("channel", one.channel),
                word("says", one.says),
                [f"{minute(at)} {word('says', words)}" for words, at in one.levels],
            ]
            for one in view.told
        ],
        "frozen": [
            [
                press.legible(f"{word(one.kind, one.what)} {one.title}".strip()),
                yuan(one.amount_fen),
                one.rule,
                minute(one.at),
            ]
            for one in view.frozen
        ],
        "owed_sum": yuan(view.owed_fen),
        "items_sum": yuan(view.items_fen),
        "claim": yuan(view.claim_fen),
        "planned": yuan(view.planned_fen) if view.planned_fen else None,
        "sms": [view.sms.messages, None if view.sms.cost_fen is None else yuan(view.sms.cost_fen)],
        "letters": view.letters,
        "contents": [[name, size, sha256] for name, size, sha256 in paper.contents],
    }
