"""A calculation that stands: inputs, table versions and result under one hash, and how two of them differ."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from countersign.domain.calculators.kinds import calculator
from countersign.domain.calendar import WorkCalendar
from countersign.domain.evidence import canonical
from countersign.domain.tables.packs import REGIONS, STATUTORY, version_of
from countersign.domain.yaml_text import InputError, shown

FORMAT = 1


@dataclass(frozen=True)
class FrozenRun:
    """What was computed from what. `hash` is the SHA-256 (hex) of the canonical JSON of everything else.

    Canonical JSON is RFC 8785; the values are text, whole numbers, booleans, null, lists and mappings.
    """

    format: int
    kind: str
    inputs: Mapping[str, Any]
    tables: tuple[str, ...]
    result: Mapping[str, Any]
    hash: str

    def to_json(self) -> dict[str, Any]:
        """Return the run as it is stored."""
        return {**asdict(self), "tables": list(self.tables)}


def freeze(
    kind: str, inputs: Mapping[str, Any], result: Mapping[str, Any], calendar: WorkCalendar
) -> FrozenRun:
    """Freeze a calculation with the versions of every table that it could have read.

    Those are the national one, the region's, and for a kind that counts working days the calendar.
    """
    tables = _tables_behind(kind, inputs, calendar)
    written = _written(inputs)
    return FrozenRun(FORMAT, kind, written, tables, result, _hash(kind, written, tables, result))


def read_run(data: object, source: str) -> FrozenRun:
    """Read a stored run and check its hash; raises `InputError` naming `source`."""
    if not isinstance(data, dict) or set(data) != {"format", "kind", "inputs", "tables", "result", "hash"}:
        raise InputError(
            f"{source}: is no frozen run; it holds format, kind, inputs, tables, result and hash"
        )
    if isinstance(data["format"], bool) or data["format"] != FORMAT:
        raise InputError(f"{source}: format is {shown(data['format'])}; this version reads {FORMAT}")
    if not (
        isinstance(data["inputs"], dict)
        and isinstance(data["result"], dict)
        and isinstance(data["tables"], list)
    ):
        raise InputError(f"{source}: inputs and result must be mappings, tables a list")
    _refuse_odd_shapes(data, source)
    run = FrozenRun(
        data["format"],
        str(data["kind"]),
        data["inputs"],
        tuple(data["tables"]),
        data["result"],
        str(data["hash"]),
    )
    try:
        expected = _hash(run.kind, run.inputs, run.tables, run.result)
    except (TypeError, ValueError) as error:
        raise InputError(f"{source}: {error}") from None
    if expected != run.hash:
        raise InputError(f"{source}: hash does not fit the rest; the run was changed after it was frozen")
    return run


def _refuse_odd_shapes(data: Mapping[str, Any], source: str) -> None:
    """Refuse what no calculator writes: a hash that fits is no proof that we have written the rest."""
    if not all(isinstance(table, str) for table in data["tables"]):
        raise InputError(f"{source}: tables must be a list of names with versions", "tables")
    for name, keys in (("lines", ("item",)), ("warnings", ("code", "message"))):
        rows = data["result"].get(name, [])
        if not isinstance(rows, list) or not all(
            isinstance(row, dict) and all(isinstance(row.get(key), str) for key in keys) for row in rows
        ):
            raise InputError(f"{source}: result.{name} must be a list of rows with {' and '.join(keys)}")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two runs: where, before and after (None where it is absent)."""

    place: str
    before: str | None
    after: str | None

    def in_words(self, language: str) -> str:
        """Say it in `zh-CN` or `en`."""
        if language == "zh-CN":
            if self.before is None:
                return f"{self.place}：新增 {self.after}"
            if self.after is None:
                return f"{self.place}：删除（原为 {self.before}）"
            return f"{self.place}：由 {self.before} 变为 {self.after}"
        if self.before is None:
            return f"{self.place}: {self.after} is new"
        if self.after is None:
            return f"{self.place}: {self.before} is gone"
        return f"{self.place}: {self.before} became {self.after}"


def differences(old: FrozenRun, new: FrozenRun) -> tuple[Change, ...]:
    """Compare two runs: tables, inputs, figures, lines, warnings.

    Sentences are left out: they follow from the figures. Raises `ValueError` for runs of two kinds.
    """
    if old.kind != new.kind:
        raise ValueError(f"a run of {old.kind} cannot be compared with one of {new.kind}")
    before, after = _leaves(old), _leaves(new)
    return tuple(
        Change(place, before.get(place), after.get(place))
        for place in dict.fromkeys([*before, *after])
        if before.get(place) != after.get(place)
    )


def _leaves(run: FrozenRun) -> dict[str, str]:
    leaves = {f"tables.{version.split(' ')[0]}": version for version in run.tables}
    leaves |= _flat("inputs", run.inputs)
    figures = {key: value for key, value in run.result.items() if key not in ("lines", "warnings")}
    leaves |= _flat("result", figures)
    for line in run.result.get("lines", ()):
        told = {key: value for key, value in line.items() if key not in ("item", "text")}
        leaves |= _flat(f"lines.{line['item']}", told)
    for warning in run.result.get("warnings", ()):
        place, again = f"warnings.{warning['code']}", 2
        while place in leaves:
            place, again = f"warnings.{warning['code']}[{again}]", again + 1
        leaves[place] = warning["message"]
    return leaves


def _flat(place: str, value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        parts = [(f"{place}.{key}", one) for key, one in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{place}[{index}]", one) for index, one in enumerate(value)]
    else:
        return {} if value is None else {place: str(value).lower() if isinstance(value, bool) else str(value)}
    leaves: dict[str, str] = {}
    for name, one in parts:
        leaves |= _flat(name, one)
    return leaves


def _tables_behind(kind: str, inputs: Mapping[str, Any], calendar: WorkCalendar) -> tuple[str, ...]:
    tables = [version_of(STATUTORY)]
    if inputs.get("region") in REGIONS:
        tables.insert(0, version_of(str(inputs["region"])))
    if calculator(kind).by_calendar:
        years = [[entry.year, [*map(str, entry.off)], [*map(str, entry.work)]] for entry in calendar.years]
        tables.insert(0, f"calendar {hashlib.sha256(canonical(years)).hexdigest()[:12]}")
    return tuple(sorted(tables))


def _written(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Keep inputs as they were written; a binary float becomes the digits that stood there."""

    def one(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): one(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [one(inner) for inner in value]
        return value if value is None or isinstance(value, str | int | bool) else str(value)

    return {str(key): one(value) for key, value in inputs.items()}


def _hash(kind: str, inputs: Mapping[str, Any], tables: tuple[str, ...], result: Mapping[str, Any]) -> str:
    content = {"format": FORMAT, "kind": kind, "inputs": inputs, "tables": list(tables), "result": result}
    return hashlib.sha256(canonical(content)).hexdigest()
