"""The cover of a loss file: what is claimed and on what it rests, with the list of all files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typst

from countersign.adapters.exit_papers import yuan
from countersign.adapters.paper import MissingGlyphs, Press, Unprintable
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
    data = _data(paper)
    lacking = press.missing("".join(_texts(data)))
    if lacking:
        raise MissingGlyphs(dict.fromkeys(lacking, "the page"))
    try:
        return press.typeset("paper/loss.typ", data, paper.at)
    except typst.TypstError as error:
        raise Unprintable(f"{error}; write it with other characters", "the page") from None


def _data(paper: LossPaper) -> dict[str, Any]:
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
                f"{one.title} ({one.reference})",
                word("condition", one.condition) if one.condition else word("item", one.state),
                yuan(one.value_fen) if one.value_fen else "—",
                bool(one.claimed_fen),
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
                f"{word(one.kind, one.what)} {one.title}".strip(),
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


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for one in inside for text in _texts(one)]
