"""The calculator `insurance_month`: base and contributions of one person for one month, line by line.

Floors and caps are read from the published tables and never computed from an average (Social Insurance Law
art. 60 and the yearly notices).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from countersign.domain.calculators import insurance_doubts as doubts
from countersign.domain.calculators.amounts import plain, to_fen, to_fen_by_unit, yuan
from countersign.domain.calculators.explained import Item, Line, Payer, Result, shown_yuan
from countersign.domain.calculators.inputs import Amount, CaseInput, Count, Day
from countersign.domain.input_models import whole_number
from countersign.domain.tables.basis import Basis
from countersign.domain.tables.cells import Cell, Found, MissingCell, Status, weakest
from countersign.domain.tables.packs import STATUTORY, region_pack, statutory, version_of
from countersign.domain.tables.regional import (
    Bound,
    InsuranceLine,
    Levy,
    RegionPack,
    RoundingMode,
    Side,
)
from countersign.domain.yaml_text import shown

_LINES = {
    InsuranceLine.PENSION: ("养老保险", "pension"),
    InsuranceLine.MEDICAL: ("医疗保险", "medical"),
    InsuranceLine.UNEMPLOYMENT: ("失业保险", "unemployment"),
    InsuranceLine.INJURY: ("工伤保险", "work injury"),
    InsuranceLine.MATERNITY: ("生育保险", "maternity"),
}
_PAYERS = {Side.EMPLOYER: Payer.EMPLOYER, Side.WORKER: Payer.WORKER, Side.WORKER_FIXED: Payer.WORKER}


def _risk_class(value: object) -> int:
    number = whole_number(value)
    if not 1 <= number <= 8:
        raise ValueError("must be the class of the industry, a whole number from 1 to 8")
    return number


class InsuranceMonthInput(CaseInput):
    """Inputs of `insurance_month`: the wage in yuan a month, the month, the employer's risk class."""

    region: str
    month: Day
    wage: Amount
    injury_risk_class: Annotated[int, BeforeValidator(_risk_class)]
    city: str | None = None
    medical_tier: Count | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person is insured, and in which tier of medical insurance."""

    pack: RegionPack
    city: str | None
    medical_tier: int | None
    day: date

    def tier(self, line: InsuranceLine) -> int | None:
        """Return the tier of a line: only medical insurance has tiers."""
        return self.medical_tier if line is InsuranceLine.MEDICAL else None


@dataclass(frozen=True, slots=True)
class Base:
    """The base of a line in fen, None when it is not certain, with the status of its cells."""

    line: InsuranceLine
    fen: int | None
    status: Status


def insurance_month(case: InsuranceMonthInput) -> dict[str, Any]:
    """Return `base` (when all lines share one), `bases`, `personal`, `employer` and their totals.

    A line whose cells contradict each other is null, and so is its total. Raises `MissingCell` and
    `UnknownPack`.
    """
    result = Result()
    place = _place(result, case)
    personal: dict[str, int | None] = {}
    employer: dict[str, int | None] = {}
    bases: dict[InsuranceLine, Base] = {}
    for line, levy in _levies(place):
        if levy is Levy.WITH_MEDICAL:
            continue
        base = bases[line] = _base(result, place, line, case.wage)
        employer[line] = _employer(result, place, base, levy, case.injury_risk_class)
        for side, key in ((Side.WORKER, line.value), (Side.WORKER_FIXED, f"{line}_fixed")):
            if _has_rate(place, side, line):
                personal[key] = _by_rate(result, place, base, side)
    known = {base.fen for base in bases.values()}
    if len(known) == 1 and None not in known:
        result.figures["base"] = shown_yuan(known.pop())
    result.figures |= {
        "bases": {line.value: yuan(base.fen) for line, base in bases.items() if base.fen is not None},
        "personal": {key: shown_yuan(fen) for key, fen in personal.items()},
        "employer": {key: shown_yuan(fen) for key, fen in employer.items()},
        "personal_total": shown_yuan(_sum(personal.values())),
        "employer_total": shown_yuan(_sum(employer.values())),
    }
    return result.to_json()


def _sum(amounts: Any) -> int | None:
    listed = list(amounts)
    return None if None in listed else sum(listed)


def _place(result: Result, case: InsuranceMonthInput) -> Place:
    """Find the city whose table applies, and refuse a city or a tier that the tables do not know."""
    pack = region_pack(case.region)
    with_tables = list(dict.fromkeys(cell.city for cell in pack.insurance_bases if cell.city))
    city = case.city
    if city is None and len(with_tables) == 1:
        city = with_tables[0]
        result.warn(doubts.CITY_ASSUMED.about(region_en=pack.en, region_zh=pack.zh, city=city))
    if city is None and with_tables:
        raise ValueError(
            f"city is missing; the tables of {case.region} are by city: {', '.join(with_tables)}"
        )
    if city is not None and city not in {*pack.cities, *with_tables}:
        known = ", ".join(dict.fromkeys([*with_tables, *pack.cities])) or "none"
        raise ValueError(
            f"city is {shown(city)}, which the tables of {case.region} do not know; known: {known}"
        )
    tiers = sorted({cell.tier for cell in pack.insurance_rates if cell.city == city and cell.tier})
    if tiers and case.medical_tier is None:
        raise ValueError(
            f"medical_tier is missing; medical insurance in {city} has the tiers {', '.join(map(str, tiers))}"
        )
    if tiers and case.medical_tier not in tiers:
        raise ValueError(
            f"medical_tier is {case.medical_tier}; medical insurance in {city} has the tiers "
            f"{', '.join(map(str, tiers))}"
        )
    return Place(pack, city, case.medical_tier if tiers else None, case.month)


def _levies(place: Place) -> list[tuple[InsuranceLine, Levy]]:
    levies = [
        (cell.line, cell.value)
        for cell in place.pack.insurance_lines
        if cell.city in (place.city, None) and cell.value is not None and cell.holds_on(place.day)
    ]
    if not levies:
        raise MissingCell(f"there is no table of insurance lines for region {place.pack.region}")
    return sorted(levies, key=lambda levy: list(InsuranceLine).index(levy[0]))


def _base(result: Result, place: Place, line: InsuranceLine, wage: Decimal) -> Base:
    """Clamp the wage between floor and cap; conflicting bounds matter only where they change the base."""
    floor, cap = (
        place.pack.bound(bound, line, place.city, place.tier(line), place.day)
        for bound in (Bound.FLOOR, Bound.CAP)
    )
    status = weakest([floor.cell.status, cap.cell.status])
    result.used(status)
    for found in (floor, cap):
        _say_borrowed(result, place, found)
    floors, caps = floor.cell.possible, cap.cell.possible
    if not floors or not caps:
        result.warn(doubts.BASE_NOT_PUBLISHED.about(**_named(line), **_where(place)))
        return Base(line, None, Status.UNKNOWN)
    if status is Status.CONFLICT:
        result.warn(
            doubts.BASE_IN_CONFLICT.about(
                **_named(line), floors=_readings(floors), caps=_readings(caps), **_where(place)
            )
        )
    clamped = {min(max(wage, low), high) for low in floors for high in caps}
    if len(clamped) > 1:
        return Base(line, None, Status.CONFLICT)
    base = clamped.pop()
    if base > wage:
        result.warn(doubts.RAISED_TO_FLOOR.about(**_named(line), wage=wage, base=base))
    elif base < wage:
        result.warn(doubts.CUT_TO_CAP.about(**_named(line), wage=wage, base=base))
    return Base(line, to_fen(base), status)


def _readings(values: Sequence[Decimal]) -> str:
    return " / ".join(plain(value) for value in values)


def _named(line: InsuranceLine) -> dict[str, str]:
    return {"line": line, "line_zh": _LINES[line][0]}


def _where(place: Place) -> dict[str, str]:
    city = f", {place.city}" if place.city else ""
    return {"place_en": f"{place.pack.en}{city}", "place_zh": f"{place.pack.zh}{place.city or ''}"}


def _say_borrowed(result: Result, place: Place, found: Found[Any]) -> None:
    if found.borrowed:
        result.warn(
            doubts.BORROWED_PERIOD.about(
                month=f"{place.day:%Y-%m}", period=_months(found.cell), **_where(place)
            )
        )


def _months(cell: Cell[Any]) -> str:
    return " … ".join(f"{day:%Y-%m}" if day else "" for day in (cell.from_, cell.to))


def _employer(result: Result, place: Place, base: Base, levy: Levy, risk_class: int) -> int | None:
    if levy is Levy.BY_RATE:
        return _by_rate(result, place, base, Side.EMPLOYER)
    pack = statutory()
    cell = next(row for row in pack.injury_insurance_rates if row.risk_class == risk_class)
    return _amount(result, place, base, Side.EMPLOYER, cell, pack.basis(cell), STATUTORY)


def _has_rate(place: Place, side: Side, line: InsuranceLine) -> bool:
    return any(
        cell.side is side and cell.line is line and cell.city in (place.city, None)
        for cell in place.pack.insurance_rates
    )


def _by_rate(result: Result, place: Place, base: Base, side: Side) -> int | None:
    found = place.pack.rate(side, base.line, place.city, place.tier(base.line), place.day)
    _say_borrowed(result, place, found)
    pack = statutory()
    basis = pack.basis(pack.rule_by_name["insurance_contributions"])
    return _amount(result, place, base, side, found.cell, basis, place.pack.region)


def _amount(
    result: Result, place: Place, base: Base, side: Side, cell: Cell[Decimal], basis: Basis, table: str
) -> int | None:
    rate = cell.value
    if rate is None:
        said = doubts.RATE_IN_CONFLICT if cell.readings else doubts.RATE_NOT_PUBLISHED
        result.warn(
            said.about(
                **_named(base.line),
                side_en="employer's" if side is Side.EMPLOYER else "worker's",
                side_zh="单位" if side is Side.EMPLOYER else "个人",
                readings=_readings(cell.readings),
                **_where(place),
            )
        )
    fixed = side is Side.WORKER_FIXED
    fen: int | None = None
    if rate is not None and fixed:
        fen = to_fen(rate)
    elif rate is not None and base.fen is not None:
        fen = _rounded(place, side, Decimal(base.fen).scaleb(-2) * rate)
    shown_base = "?" if base.fen is None else yuan(base.fen)
    shown_rate = plain(rate) if rate is not None else f"[{_readings(cell.readings)}]"
    return result.add(
        Line(
            item=_item(base.line, side),
            formula=shown_rate if fixed else f"{shown_base} × {shown_rate}",
            fen=fen,
            payer=_PAYERS[side],
            basis=basis,
            status=cell.status if fixed else weakest([base.status, cell.status]),
            table=version_of(table),
        )
    )


def _rounded(place: Place, side: Side, amount: Decimal) -> int:
    """Round by the region's rule for that side and month, half up to the fen where it has none."""
    for cell in place.pack.rounding:
        if cell.side in (side, None) and cell.holds_on(place.day):
            return to_fen_by_unit(amount, cell.unit, up=cell.value is RoundingMode.UP)
    return to_fen(amount)


def _item(line: InsuranceLine, side: Side) -> Item:
    chinese, english = _LINES[line]
    if side is Side.EMPLOYER:
        return Item(f"employer.{line}", f"{chinese}（单位）", f"{english} insurance, employer".capitalize())
    if side is Side.WORKER:
        return Item(f"personal.{line}", f"{chinese}（个人）", f"{english} insurance, worker".capitalize())
    return Item(
        f"personal.{line}_fixed", f"{chinese}（个人定额）", f"{english} insurance, fixed amount".capitalize()
    )
