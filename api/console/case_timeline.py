"""The timeline of a case page: events in the words of the account, by whom, a hundred at a time."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from countersign.adapters.database.case_pages import CasePage
from countersign.contracts.cases import Role
from countersign.domain.chain_words import value_words
from countersign.domain.console_words import name_of
from countersign.domain.evidence import Disclosure, Event, EventKind
from countersign.domain.levels import ZH
from countersign.domain.paging import Pager, pager
from countersign.domain.timeline import FAILURES, Entry, entries, words

PAGE_SIZE = 100
BRIEF = 6
SHORT = 120
"""How many facts an event shows before it is opened, and how much of each."""


class Show(StrEnum):
    """Which events are shown."""

    ALL = "all"
    PEOPLE = "people"
    MESSAGES = "messages"


_MACHINES = (Role.MACHINE.value, Role.INTEGRATOR.value)
_MESSAGES = ("notice", "delivery", "link", "paper")
_TECHNICAL = frozenset(
    {
        "act",
        "branch",
        "case",
        "circular",
        "company",
        "consent",
        "consent_sha256",
        "delivery",
        "departure",
        "document",
        "employment",
        "files",
        "fingerprint",
        "head",
        "hold",
        "item",
        "leave",
        "link",
        "mail_sha256",
        "manifest_sha256",
        "manual",
        "media_type",
        "notice",
        "notices",
        "outcome_sha256",
        "parameters",
        "person",
        "plan",
        "possible_duplicate",
        "posting",
        "provider_id",
        "recorded_at",
        "replaces",
        "reverses",
        "settlement",
        "sha256",
        "share",
        "shown_sha256",
        "size",
        "template",
        "template_version",
        "text",
        "time_lapse",
    }
)
"""What of a body only the opened event shows: ids, hashes, whole texts."""

_MEDICAL = frozenset({"leave_kind", "leave", "grading_pending"})
_OPAQUE = re.compile(r"[0-9A-Z]{26}$")
_IN_A_LIST = re.compile(r"(.+) (\d+) · (.+)")
_MOST_LISTED = 3
"""How many entries of a list an event shows before it is opened."""
_CODE = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b")


@dataclass(frozen=True)
class Line:
    """One event on the page. `who` names people; `brief` are the facts shown at once, `facts` all of them."""

    entry: Entry
    who: str = field(repr=False)
    by_person: bool
    comment: str | None = field(repr=False)
    brief: tuple[tuple[str, str], ...] = field(repr=False)
    facts: tuple[tuple[str, str], ...] = field(repr=False)
    hash: str


@dataclass(frozen=True)
class Timeline:
    """One page of a timeline; `counts` are the events behind each filter."""

    lines: tuple[Line, ...]
    show: Show
    newest_first: bool
    pager: Pager
    counts: Mapping[Show, int]
    trouble: int


def timeline(
    case: CasePage, language: str, *, show: Show, newest_first: bool, page: int, veiled: bool
) -> Timeline:
    """Return a page of the timeline in `zh-CN` or `en`.

    `veiled` is for readers who may not see what concerns health, nor what people wrote in confidence: of
    the sealed values they have names of officers and comments.
    """
    by_filter = {one: [event for event in case.events if _belongs(event, one)] for one in Show}
    chosen = by_filter[show]
    here = pager(page, len(chosen), PAGE_SIZE)
    ordered = chosen[::-1] if newest_first else chosen
    shown = ordered[here.skip : here.skip + PAGE_SIZE]
    return Timeline(
        lines=_lines(shown, case, language, veiled=veiled),
        show=show,
        newest_first=newest_first,
        pager=here,
        counts={one: len(events) for one, events in by_filter.items()},
        trouble=sum(event.kind in FAILURES for event in case.events),
    )


def shortened(text: str) -> str:
    """Return the beginning of a long value, such as everything that a calculation was made from."""
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


def who(actor: Mapping[str, Any], language: str) -> str:
    """Return who did something, from an actor with its sealed values opened."""
    role, identity = str(actor.get("role", "")), str(actor.get("id", ""))
    if role == Role.MACHINE.value:
        return value_words("id", identity, language).replace("_", " ")
    told = name_of("role", role, language)
    kind, _, rest = identity.partition(":")
    if isinstance(actor.get("name"), str):
        told += f" {actor['name']}"
    elif "name" in actor:
        told += f" {words('hidden', language)}"
    elif kind == "token":
        told += f" · {'接口令牌' if language == ZH else 'API token'} {rest[-6:]}"
    elif identity and kind != "account" and not _OPAQUE.search(identity):
        told += f" · {value_words('id', identity, language)}"
    absent = actor.get("for")
    if isinstance(absent, Mapping):
        name = absent.get("name") if isinstance(absent.get("name"), str) else words("hidden", language)
        told += f"（代 {name}）" if language == ZH else f" (for {name})"
    return told


def _belongs(event: Event, show: Show) -> bool:
    if show is Show.MESSAGES:
        return event.kind.partition(".")[0] in _MESSAGES
    return show is Show.ALL or event.actor.get("role") not in _MACHINES


def _lines(shown: Sequence[Event], case: CasePage, language: str, *, veiled: bool) -> tuple[Line, ...]:
    wanted = {event.seq for event in shown}
    told = [one for one in case.disclosures if one.seq in wanted]
    if veiled:
        comments = {event.seq for event in shown if event.kind == EventKind.COMMENT_ADDED}
        told = [one for one in told if one.path.startswith("/actor/") or one.seq in comments]
        shown = [_without(event, _MEDICAL) for event in shown]
    whole = entries(shown, told, language)
    brief = entries([_without(_named(event), _TECHNICAL) for event in shown], told, language)
    opened = {row["seq"]: row for row in case.row["timeline"] if row["seq"] in wanted}
    return tuple(
        _line(event, entry, short, opened[event.seq], told, language)
        for event, entry, short in zip(shown, whole, brief, strict=True)
    )


def _line(
    event: Event,
    entry: Entry,
    short: Entry,
    opened: Mapping[str, Any],
    told: Sequence[Disclosure],
    language: str,
) -> Line:
    comment = None
    if event.kind == EventKind.COMMENT_ADDED:
        comment = next((one.value for one in told if (one.seq, one.path) == (event.seq, "/body/text")), None)
        comment = comment or words("hidden", language)
    return Line(
        entry=entry,
        who=who(opened["actor"], language),
        by_person=event.actor.get("role") not in _MACHINES,
        comment=comment,
        brief=tuple((label, shortened(text)) for label, text in gathered(short.facts)[:BRIEF]),
        facts=tuple((label, _CODE.sub("····-····-····", text)) for label, text in entry.facts),
        hash=event.hash,
    )


def gathered(facts: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return facts with one line for each list: its first entries, and how many there are.

    What all entries have in common, such as the part of a handover, says nothing and is left out.
    """
    lists: dict[str, dict[str, dict[str, str]]] = {}
    ordered: list[tuple[str, str | None]] = []
    for label, text in facts:
        if not (found := _IN_A_LIST.fullmatch(label)):
            ordered.append((label, text))
            continue
        if found[1] not in lists:
            ordered.append((found[1], None))
        lists.setdefault(found[1], {}).setdefault(found[2], {})[found[3]] = text
    return tuple(
        (label, _listed(list(lists[label].values())) if text is None else text) for label, text in ordered
    )


def _listed(entries_: Sequence[Mapping[str, str]]) -> str:
    alike = {
        name
        for name, text in entries_[0].items()
        if "¥" not in text and len({one.get(name) for one in entries_}) == 1
    }
    dropped = alike if len(entries_) > 1 and alike < set(entries_[0]) else set()
    told = [" ".join(text for name, text in one.items() if name not in dropped) for one in entries_]
    more = f" … ({len(told)})" if len(told) > _MOST_LISTED else ""
    return "; ".join(told[:_MOST_LISTED]) + more


def _named(event: Event) -> Event:
    """Return an event whose people and things stand in it by name alone, without their ids."""
    return replace(event, body={name: _bare(item) for name, item in event.body.items()})


def _bare(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: value for key, value in item.items() if key not in {"id", "item"}}
    return [_bare(one) for one in item] if isinstance(item, list) else item


def _without(event: Event, names: frozenset[str]) -> Event:
    return replace(event, body={name: item for name, item in event.body.items() if name not in names})
