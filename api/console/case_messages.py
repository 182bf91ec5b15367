"""The messages of a case: each notice with its deliveries, and how far each is known to have come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from countersign.domain.chain_words import value_words
from countersign.domain.console_words import name_of
from countersign.domain.fetches import FetchKind
from countersign.domain.levels import ZH, Level, level_words
from countersign.domain.receipts import meaning_of

_TROUBLE = ("failed_permanent", "failed_temporary", "unknown", "suppressed", "held")


@dataclass(frozen=True)
class Reached:
    """One thing that is known of a delivery, in exact words, and since when."""

    words: str
    at: datetime


@dataclass(frozen=True)
class Brought:
    """One delivery; `says` is its state in words, `why` what stands in the way."""

    channel: str
    attempt: int
    says: str
    trouble: bool
    why: str | None
    possible_duplicate: bool
    courier: str | None = field(repr=False)
    levels: tuple[Reached, ...]


@dataclass(frozen=True)
class Message:
    """One notice with its deliveries; `step` is the step that wrote it."""

    id: str
    step: str
    audience: str
    title: str | None = field(repr=False)
    fingerprint: str
    at: datetime
    brought: tuple[Brought, ...]


def messages(notices: Sequence[Mapping[str, Any]], language: str, *, veiled: bool) -> tuple[Message, ...]:
    """Return the notices of a case, the newest first; `veiled` leaves their titles out."""
    return tuple(
        Message(
            id=notice["id"],
            step=notice["step"],
            audience=notice["audience"],
            title=None if veiled else notice["title"],
            fingerprint=notice["fingerprint"],
            at=notice["at"],
            brought=tuple(_brought(one, language) for one in notice["deliveries"]),
        )
        for notice in reversed(notices)
    )


def _brought(delivery: Mapping[str, Any], language: str) -> Brought:
    said = value_words("says", delivery["says"], language)
    if said == delivery["says"]:
        said = name_of("state", delivery["state"], language) if language == ZH else said
    letter = " ".join(filter(None, (delivery["courier"], delivery["tracking_number"])))
    return Brought(
        channel=delivery["channel"],
        attempt=delivery["attempt"],
        says=said,
        trouble=delivery["state"] in _TROUBLE,
        why=_why(delivery, language),
        possible_duplicate=delivery["possible_duplicate"],
        courier=letter or None,
        levels=tuple(
            Reached(_level(one, delivery["channel"], language), one["at"]) for one in delivery["levels"]
        ),
    )


def _level(one: Mapping[str, Any], channel: str, language: str) -> str:
    by = FetchKind(one["by"]) if one.get("by") else None
    return level_words(Level(one["level"]), channel, by, language)


def _why(delivery: Mapping[str, Any], language: str) -> str | None:
    if delivery["state"] not in _TROUBLE:
        return None
    code = delivery["error_code"]
    if code is None:
        return value_words("because", delivery["why"], language) if delivery["why"] else None
    meaning = meaning_of(code)
    return f"{meaning.zh if language == ZH else meaning.en} ({code})"
