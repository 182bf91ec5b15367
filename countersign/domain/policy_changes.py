"""What differs between two versions of a policy, as values; whoever shows them puts them into words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

_OF_RUNG = ("audience", "channels", "wait")


class ChangeKind(StrEnum):
    """What became of a part of a policy."""

    SETTING = "setting"
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    RUNG = "rung"


@dataclass(frozen=True)
class Change:
    """One difference. `rung` is the step's name, `field` the setting; a moved step has places from 1 on."""

    kind: ChangeKind
    field: str = ""
    rung: str = ""
    before: Any = None
    after: Any = None


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the differences of two policies that are written out in full, in the order of the page."""
    settings = [key for key in dict.fromkeys((*old, *new)) if key != "rungs"]
    found = [
        Change(ChangeKind.SETTING, field=key, before=old.get(key), after=new.get(key))
        for key in settings
        if old.get(key) != new.get(key)
    ]
    return (*found, *_of_rungs(old["rungs"], new["rungs"]))


def _of_rungs(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[Change]:
    before = {rung["name"]: rung for rung in old}
    after = {rung["name"]: rung for rung in new}
    found = [
        Change(ChangeKind.REMOVED, rung=name, before=rung)
        for name, rung in before.items()
        if name not in after
    ]
    moved = _moved([name for name in before if name in after], [name for name in after if name in before])
    places_before, places_after = list(before), list(after)
    for name, rung in after.items():
        if name not in before:
            place = places_after.index(name) + 1
            found.append(Change(ChangeKind.ADDED, rung=name, before=place, after=rung))
            continue
        if name in moved:
            places = places_before.index(name) + 1, places_after.index(name) + 1
            found.append(Change(ChangeKind.MOVED, rung=name, before=places[0], after=places[1]))
        found += [
            Change(ChangeKind.RUNG, field=key, rung=name, before=before[name][key], after=rung[key])
            for key in _OF_RUNG
            if before[name][key] != rung[key]
        ]
    return found


def _moved(old: list[str], new: list[str]) -> set[str]:
    """Return the names that left their order; as few as explain it."""
    kept: set[str] = set()
    for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        kept.update(old[block.a : block.a + block.size])
    return set(old) - kept
