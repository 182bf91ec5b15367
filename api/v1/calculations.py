"""The calculators over HTTP: figures with their lines, frozen under a hash, and the tables behind them."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path

from api.dependencies import PartsDep
from api.errors import not_found
from api.security import allow
from api.v1.models import Strict
from countersign.adapters.database.officers import READERS
from countersign.contracts.cases import Role
from countersign.domain.calculators.frozen import differences, freeze, read_run
from countersign.domain.calculators.kinds import CALCULATORS, UnknownKind, calculate
from countersign.domain.tables.packs import REGIONS, STATUTORY, region_pack, statutory, version_of
from countersign.domain.yaml_text import InputError

router = APIRouter(
    tags=["calculators"], dependencies=[Depends(allow(*READERS, Role.FINANCE, Role.INTEGRATOR))]
)
Name = Annotated[str, Path(pattern="^[a-z0-9_]{1,40}$")]


class DifferenceRequest(Strict):
    """Two frozen runs of one kind, as `POST /calculations/{kind}` answered them."""

    before: dict[str, Any]
    after: dict[str, Any]


@router.get("/calculators", summary="The calculators and what each takes")
def calculators() -> dict[str, Any]:
    """List kinds with the names of their inputs."""
    return {
        "calculators": [
            {
                "kind": kind,
                "inputs": [
                    {"name": name, "required": field.is_required()}
                    for name, field in calculator.inputs.model_fields.items()
                ],
            }
            for kind, calculator in CALCULATORS.items()
        ]
    }


@router.post("/calculations/{kind}", summary="Calculate, and freeze what was calculated from what")
def calculation(parts: PartsDep, kind: Name, inputs: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Return the frozen run: inputs, table versions, result, hash. Nothing is stored."""
    calendar = parts.calendar()
    try:
        result = calculate(kind, inputs, "inputs", calendar)
    except UnknownKind:
        raise not_found("calculator") from None
    return freeze(kind, inputs, result, calendar).to_json()


@router.post("/calculation-differences", summary="How two frozen runs differ, in words")
def calculation_differences(wish: DifferenceRequest) -> dict[str, Any]:
    """Check the hash of each run and list what changed."""
    try:
        changes = differences(read_run(wish.before, "before"), read_run(wish.after, "after"))
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"after: {error}", "after") from None
    return {
        "changes": [
            {
                "place": one.place,
                "before": one.before,
                "after": one.after,
                "text": {language: one.in_words(language) for language in ("zh-CN", "en")},
            }
            for one in changes
        ]
    }


@router.get("/tables", summary="The tables behind the calculators, by version")
def tables() -> dict[str, Any]:
    """List the packs."""
    return {"tables": [{"name": name, "version": version_of(name)} for name in (STATUTORY, *REGIONS)]}


@router.get("/tables/{name}", summary="One pack: every cell with value, time, status, source and note")
def table(name: Name) -> dict[str, Any]:
    """Return all cells of a pack as text, so that no figure loses a digit."""
    if name not in (STATUTORY, *REGIONS):
        raise not_found("table")
    pack = statutory() if name == STATUTORY else region_pack(name)
    return {"version_of_file": version_of(name), **pack.model_dump(mode="json", by_alias=True)}
