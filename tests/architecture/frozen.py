"""What running cases remember of the code: names and shapes that stand in their histories.

`python -m tests.architecture.frozen` writes the snapshot anew after something was added. It refuses to forget
anything; `--break-running-cases` overrides that, for a release that no case has run on.
"""

import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
import sys
import typing
from enum import Enum
from pathlib import Path
from typing import Any

from temporalio import activity, workflow

SNAPSHOT = Path(__file__).parent / "contracts.json"
REFRESH = "python -m tests.architecture.frozen"

Fields = dict[str, dict[str, str]]
"""The fields of a dataclass, `required` and `optional`, in their order, with their types."""

# What passes between a sender and its port lives inside one activity and stands in no history.
NEVER_IN_A_HISTORY = {"countersign.contracts.sending"}


def workflows_found() -> dict[str, type]:
    """Return every workflow class by its registered name."""
    found = {}
    for module in _modules("workflows"):
        for _, kind in inspect.getmembers(module, inspect.isclass):
            definition = workflow._Definition.from_class(kind)
            if definition is not None and definition.name is not None and kind.__module__ == module.__name__:
                found[definition.name] = kind
    return found


def activities_found() -> dict[str, Any]:
    """Return every activity method by its registered name."""
    found = {}
    for module in _modules("activities"):
        for _, kind in inspect.getmembers(module, inspect.isclass):
            for _, method in inspect.getmembers(kind, inspect.isfunction):
                definition = activity._Definition.from_callable(method)
                if definition is not None and definition.name is not None:
                    found[definition.name] = method
    return found


def snapshot() -> dict[str, Any]:
    """Return names of workflows with their messages and of activities, enum values and dataclass fields."""
    kinds = workflows_found()
    methods = activities_found()
    messages = {name: _messages(kind) for name, kind in kinds.items()}
    spoken = [getattr(kind, "run") for kind in kinds.values()]  # noqa: B009  the class is known only here
    spoken += [method for found in messages.values() for group in found.values() for method in group.values()]
    enums, classes = _shapes(_contract_types() + [t for m in [*spoken, *methods.values()] for t in _types(m)])
    return {
        "workflows": {
            name: {group: sorted(found) for group, found in messages[name].items()} for name in sorted(kinds)
        },
        "activities": sorted(methods),
        "enums": {_name(kind): {m.name: m.value for m in kind} for kind in sorted(enums, key=_name)},
        "dataclasses": {_name(kind): _fields(kind) for kind in sorted(classes, key=_name)},
    }


def breaks(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what would break running cases, one sentence each."""
    said = []
    for name, groups in was["workflows"].items():
        if name not in now["workflows"]:
            said.append(f"the workflow {name!r} is gone: its running cases find no code")
            continue
        for group, found in groups.items():
            said += [
                f"the {group.removesuffix('s')} {gone!r} of {name} is gone: histories and callers name it"
                for gone in found
                if gone not in now["workflows"][name][group]
            ]
    said += [
        f"the activity {gone!r} is gone: scheduled calls wait for it for ever"
        for gone in was["activities"]
        if gone not in now["activities"]
    ]
    for name, members in was["enums"].items():
        there = set(now["enums"].get(name, {}).values())
        said += [f"{name}: the value {v!r} is gone" for v in members.values() if v not in there]
    for name, fields in was["dataclasses"].items():
        said += _broken_fields(name, fields, now["dataclasses"].get(name))
    return said


def _broken_fields(name: str, was: Fields, now: Fields | None) -> list[str]:
    if now is None:
        return [f"{name}: the class is gone or was moved"]
    before, after = was["required"] | was["optional"], now["required"] | now["optional"]
    said = [f"{name}.{field}: the field is gone or was renamed" for field in before if field not in after]
    said += [
        f"{name}.{field}: its type was {kind} and is {after[field]}"
        for field, kind in before.items()
        if after.get(field, kind) != kind
    ]
    said += [
        f"{name}.{field}: needs a default, or values written without it cannot be read"
        for field in now["required"]
        if field not in was["required"]
    ]
    stood = [field for field in was["required"] if field in now["required"]]
    stand = [field for field in now["required"] if field in was["required"]]
    if stood != stand:
        said.append(f"{name}: the required fields stood in the order {stood} and now in {stand}")
    return said


def _modules(package: str) -> list[Any]:
    root = importlib.import_module(package)
    return [
        root,
        *(importlib.import_module(f"{package}.{m.name}") for m in pkgutil.iter_modules(root.__path__)),
    ]


def _messages(kind: type) -> dict[str, dict[str, Any]]:
    definition = workflow._Definition.must_from_class(kind)
    return {
        group: {name: item.fn for name, item in found.items() if name is not None}
        for group, found in (
            ("updates", definition.updates),
            ("signals", definition.signals),
            ("queries", definition.queries),
        )
    }


def _contract_types() -> list[type]:
    return [
        kind
        for module in _modules("countersign.contracts")
        if module.__name__ not in NEVER_IN_A_HISTORY
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__
    ]


def _types(method: Any) -> list[Any]:
    return list(typing.get_type_hints(method).values())


def _shapes(kinds: list[Any]) -> tuple[set[type[Enum]], set[type]]:
    """Return the enums and dataclasses of the product that are reachable from some types."""
    enums: set[type[Enum]] = set()
    classes: set[type] = set()
    todo = list(kinds)
    while todo:
        kind = todo.pop()
        todo += typing.get_args(kind)
        if not inspect.isclass(kind) or kind in enums or kind in classes:
            continue
        if issubclass(kind, Enum):
            enums.add(kind)
        elif dataclasses.is_dataclass(kind):
            classes.add(kind)
            todo += typing.get_type_hints(kind).values()
    return enums, classes


def _fields(kind: type) -> Fields:
    found: Fields = {"required": {}, "optional": {}}
    for field in dataclasses.fields(kind):
        missing = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if field.init:
            found["required" if missing else "optional"][field.name] = _type_name(field.type)
    return found


def _type_name(kind: Any) -> str:
    """Return a type as one writes it, without the modules that may change by a mere move of an import."""
    plain = inspect.isclass(kind) and not typing.get_args(kind)
    return re.sub(r"\b(\w+\.)+", "", kind.__name__ if plain else str(kind))


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def write(to: Path = SNAPSHOT) -> None:
    """Write the snapshot, one field a line."""
    text = json.dumps(snapshot(), ensure_ascii=False, indent=1, sort_keys=False)
    to.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    if SNAPSHOT.exists() and "--break-running-cases" not in sys.argv:
        broken = breaks(json.loads(SNAPSHOT.read_text("utf-8")), snapshot())
        if broken:
            sys.exit("Not written, running cases would break:\n  " + "\n  ".join(broken))
    write()
