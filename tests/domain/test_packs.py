"""The packs of tables that ship: they load, no two cells contradict each other, the figures are right."""

import hashlib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib.resources import files
from itertools import combinations, pairwise
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from countersign.domain.tables import packs
from countersign.domain.tables.cells import Cell, Exact, MissingCell, Status, on_day
from countersign.domain.tables.packs import (
    REGIONS,
    STATUTORY,
    UnknownPack,
    region_pack,
    statutory,
    version_of,
)
from countersign.domain.tables.regional import (
    BaseBound,
    Bound,
    EndGround,
    InsuranceLine,
    Levy,
    RegionPack,
    Side,
    Subsidy,
    SubsidyBase,
    TortOffset,
)

GRADES = range(5, 11)
EVERY_PACK = (STATUTORY, *REGIONS)
INSURING = ("beijing", "shanghai", "guangdong", "jiangsu", "zhejiang", "sichuan", "shandong")
# What a cell says, not which cell it is; tapers have bands and a test of their own.
NOT_KEYS = {*Cell.model_fields, "law", "article", "unit", "window", "cap_months", "runs_from", "counted"}
EXACT = TypeAdapter(Cell[Exact])


def pack_named(name: str) -> BaseModel:
    return statutory() if name == STATUTORY else region_pack(name)


def tables_of(pack: BaseModel) -> Iterator[tuple[str, tuple[Cell[Any], ...]]]:
    for table in type(pack).model_fields:
        rows = getattr(pack, table)
        if isinstance(rows, tuple) and rows and isinstance(rows[0], Cell):
            yield table, rows


def keys_of(cell: Cell[Any]) -> tuple[Any, ...]:
    return tuple(getattr(cell, name) for name in type(cell).model_fields if name not in NOT_KEYS)


def overlap(one: Cell[Any], other: Cell[Any]) -> bool:
    start = max(one.from_ or date.min, other.from_ or date.min)
    return start <= min(one.to or date.max, other.to or date.max)


def average(region: str, year: int, city: str | None = None, scope: str | None = None) -> Cell[Any]:
    (cell,) = (
        row
        for row in region_pack(region).local_average
        if row.wage_year == year and row.city == city and scope in (None, row.scope)
    )
    return cell


@pytest.mark.parametrize("name", EVERY_PACK)
def test_every_cell_of_a_shipped_pack_has_a_status_and_a_source(name: str) -> None:
    tables = dict(tables_of(pack_named(name)))
    assert tables
    for table, cells in tables.items():
        for cell in cells:
            assert isinstance(cell.status, Status), (table, cell)
            assert cell.source.strip(), (table, cell)
            assert "shared" not in cell.source + cell.note, (table, cell)


@pytest.mark.parametrize("name", EVERY_PACK)
def test_no_two_cells_of_a_table_with_the_same_keys_hold_on_the_same_day(name: str) -> None:
    for table, cells in tables_of(pack_named(name)):
        for one, other in combinations(cells, 2):
            assert keys_of(one) != keys_of(other) or not overlap(one, other), (table, one, other)


@pytest.mark.parametrize("region", REGIONS)
def test_no_base_or_rate_of_a_city_has_a_rival_that_holds_on_the_same_day(region: str) -> None:
    def rivals(one: Any, other: Any) -> bool:
        return (
            overlap(one, other)
            and (one.line is other.line or InsuranceLine.ALL in (one.line, other.line))
            and (one.city == other.city or None in (one.city, other.city))
            and (one.tier == other.tier or None in (one.tier, other.tier))
        )

    pack = region_pack(region)
    for one, other in combinations(pack.insurance_bases, 2):
        assert one.bound is not other.bound or not rivals(one, other), (one, other)
    for left, right in combinations(pack.insurance_rates, 2):
        assert left.side is not right.side or not rivals(left, right), (left, right)


@pytest.mark.parametrize("region", REGIONS)
def test_the_bands_of_a_taper_do_not_overlap(region: str) -> None:
    for one, other in combinations(region_pack(region).tapers, 2):
        if one.subsidy is other.subsidy and set(one.grounds) & set(other.grounds):
            assert one.years_below <= other.years_from or other.years_below <= one.years_from, (one, other)


def test_every_region_with_a_pack_has_its_name_in_it() -> None:
    assert [region_pack(region).region for region in REGIONS] == list(REGIONS)


def test_a_region_without_tables_is_refused_with_those_that_have_some() -> None:
    with pytest.raises(UnknownPack, match=r'is "tibet".*known: beijing, shanghai'):
        region_pack("tibet")


def test_the_grant_of_each_grade_is_that_of_the_regulation() -> None:
    months = {grade: cell.value for grade, cell in statutory().grant_by_grade.items()}
    assert months == {1: 27, 2: 25, 3: 23, 4: 21, 5: 18, 6: 16, 7: 13, 8: 11, 9: 9, 10: 7}
    assert {cell.status for cell in statutory().disability_grant_months} == {Status.V1}


SUBSIDIES = {
    "beijing": ("local_average", "18 15 12 9 6 3", "18 15 12 9 6 3", "M-h"),
    "shanghai": ("local_average", "18 15 12 9 6 3", "18 15 12 9 6 3", "M-h"),
    "guangdong": ("own_wage_two_windows", "10 8 6 4 2 1", "50 40 25 15 8 4", "M-h"),
    "jiangsu": (
        "fixed",
        "200000 160000 120000 80000 50000 30000",
        "95000 85000 45000 35000 25000 15000",
        "M-h",
    ),
    "zhejiang": ("local_average", "30 25 10 7 4 2", "30 25 10 7 4 2", "V1"),
    "sichuan": ("local_average", "14 12 10 8 6 4", "60 48 26 18 10 6", "M-m"),
    "shandong": ("local_average", "22 18 13 10 7 4", "36 30 20 16 12 8", "M-h"),
    "henan": ("local_average", "16 14 12 10 8 6", "56 46 36 26 16 6", "M-l"),
    "hunan": ("own_wage", "24 18 15 10 8 6", "36 30 15 10 8 6", "V2"),
}


@pytest.mark.parametrize("region", SUBSIDIES)
def test_the_subsidies_of_a_region_are_those_of_its_rules(region: str) -> None:
    base, medical, employment, status = SUBSIDIES[region]
    pack = region_pack(region)
    for subsidy, numbers in ((Subsidy.MEDICAL, medical), (Subsidy.EMPLOYMENT, employment)):
        found = [pack.subsidy(subsidy, grade) for grade in GRADES]
        assert [number.value for _, number in found] == [Decimal(text) for text in numbers.split()]
        assert {rule.value for rule, _ in found} == {SubsidyBase(base)}
        assert {cell.status for pair in found for cell in pair} == {Status(status)}
    assert len(pack.subsidies) == 12


def test_the_two_subsidies_of_jiangxi_have_bases_of_their_own() -> None:
    pack = region_pack("jiangxi")
    medical = [pack.subsidy(Subsidy.MEDICAL, grade) for grade in GRADES]
    employment = [pack.subsidy(Subsidy.EMPLOYMENT, grade) for grade in GRADES]
    assert [number.value for _, number in medical] == [21, 18, 14, 11, 8, 5]
    assert [number.value for _, number in employment] == [32, 28, 18, 13, 9, 6]
    assert {rule.value for rule, _ in medical} == {SubsidyBase.LOCAL_AVERAGE}
    assert {rule.value for rule, _ in employment} == {SubsidyBase.OWN_WAGE}


def test_fujian_has_a_formula_for_grade_9_and_nothing_else() -> None:
    pack = region_pack("fujian_2014")
    rule, factor = pack.subsidy(Subsidy.EMPLOYMENT, 9)
    assert (rule.value, factor.value, factor.status) == (SubsidyBase.FORMULA, Decimal("0.2"), Status.J)
    assert dict(tables_of(pack)) == {"subsidies": (factor,), "subsidy_rules": (rule,)}
    with pytest.raises(MissingCell, match="medical subsidy for region fujian_2014, grade 9"):
        pack.subsidy(Subsidy.MEDICAL, 9)


@pytest.mark.parametrize(
    ("region", "factor"), [("jiangsu", "1.40"), ("jiangxi", "1.30"), ("beijing", None), ("zhejiang", None)]
)
def test_an_occupational_disease_raises_the_medical_subsidy_in_two_provinces(
    region: str, factor: str | None
) -> None:
    cell = region_pack(region).disease_factor(Subsidy.MEDICAL)
    assert (cell and cell.value) == (factor and Decimal(factor))
    assert region_pack(region).disease_factor(Subsidy.EMPLOYMENT) is None


TO_A_TENTH = "0.80 0.60 0.40 0.20 0.10"
TO_NOTHING = "0.80 0.60 0.40 0.20 0.00"


@pytest.mark.parametrize(
    ("region", "subsidies", "left", "resigned_only", "status"),
    [
        ("shanghai", "medical employment", TO_NOTHING, True, "M-m"),
        ("jiangsu", "medical employment", TO_A_TENTH, True, "V2"),
        ("zhejiang", "employment", TO_NOTHING, False, "M-m"),
        ("sichuan", "medical employment", TO_A_TENTH, False, "M-l"),
        ("shandong", "employment", TO_A_TENTH, False, "M-m"),
        ("henan", "employment", TO_A_TENTH, False, "M-l"),
        ("jiangxi", "employment", TO_A_TENTH, False, "V2"),
    ],
)
def test_a_taper_leaves_less_with_each_year_before_retirement(
    region: str, subsidies: str, left: str, resigned_only: bool, status: str
) -> None:
    pack = region_pack(region)
    for subsidy in Subsidy:
        tapered = subsidy in subsidies.split()
        years = [Decimal(text) for text in ("4.99", "4", "3.99", "3", "2", "1", "0.99", "0.01")]
        cells = [pack.taper(subsidy, year, EndGround.RESIGNED) for year in years]
        assert pack.taper(subsidy, Decimal(5), EndGround.RESIGNED) is None
        assert (pack.taper(subsidy, Decimal("4.5"), EndGround.EXPIRED) is None) == (
            resigned_only or not tapered
        )
        assert pack.taper(subsidy, Decimal("4.5"), EndGround.RETIRED) is None
        if tapered:
            of_4, of_3, of_2, of_1, below = (Decimal(text) for text in left.split())
            assert [cell and cell.value for cell in cells] == [
                of_4,
                of_4,
                of_3,
                of_3,
                of_2,
                of_1,
                below,
                below,
            ]
            assert {cell and cell.status for cell in cells} == {Status(status)}
        else:
            assert set(cells) == {None}


def test_in_jiangxi_nothing_is_left_at_the_retirement_age_and_a_tenth_the_day_before() -> None:
    pack = region_pack("jiangxi")
    at, past, before = (
        pack.taper(Subsidy.EMPLOYMENT, Decimal(years), EndGround.EXPIRED) for years in ("0", "-0.5", "0.0027")
    )
    assert [cell and cell.value for cell in (at, past, before)] == [0, 0, Decimal("0.10")]


@pytest.mark.parametrize("region", ["beijing", "guangdong", "hunan"])
def test_a_taper_that_nobody_confirmed_is_unknown_below_five_years(region: str) -> None:
    for subsidy in Subsidy:
        cell = region_pack(region).taper(subsidy, Decimal("4.99"), EndGround.RESIGNED)
        assert cell is not None
        assert (cell.value, cell.status) == (None, Status.UNKNOWN)
        assert region_pack(region).taper(subsidy, Decimal(5), EndGround.RESIGNED) is None


def test_only_zhejiang_sets_the_whole_award_off() -> None:
    rules = {region: region_pack(region).offset() for region in INSURING}
    assert rules["zhejiang"].value is TortOffset.TOP_UP
    assert (rules["zhejiang"].article, rules["zhejiang"].status) == ("32", Status.V1)
    others = [rule for region, rule in rules.items() if region != "zhejiang"]
    assert {(rule.value, rule.status) for rule in others} == {(TortOffset.MEDICAL_ONLY, Status.M_M)}
    with pytest.raises(MissingCell, match="tort offset for region fujian_2014"):
        region_pack("fujian_2014").offset()


def test_the_numbers_of_zhejiang_are_those_of_its_regulations() -> None:
    constants = {cell.name: (cell.value, cell.article) for cell in region_pack("zhejiang").constants}
    assert constants == {
        "suspension_care": (1, "25"),
        "hospital_food": (Decimal("0.35"), "24"),
        "uninsured_lump_grade_1": (16, "34"),
        "uninsured_lump_grade_2": (14, "34"),
        "uninsured_lump_grade_3": (12, "34"),
        "uninsured_lump_grade_4": (10, "34"),
    }


BASES = [
    ("beijing", None, "pension", None, "2024-12-01", 6821, 35283, "V2"),
    ("beijing", None, "medical", None, "2026-06-30", 7162, 35811, "V2"),
    ("shanghai", None, "pension", None, "2024-06-30", 7310, 36549, "V2"),
    ("shanghai", None, "pension", None, "2025-06-30", 7384, 36921, "V2"),
    ("shanghai", None, "injury", None, "2025-07-01", 7460, 37302, "V2"),
    ("shanghai", None, "pension", None, "2026-07-01", 7546, 37731, "V2"),
    ("guangdong", "广州", "pension", None, "2024-07-01", 5500, 27501, "V2"),
    ("guangdong", "广州", "pension", None, "2025-07-01", 5510, 27549, "V2"),
    ("guangdong", "深圳", "pension", None, "2024-07-01", 4492, 27501, "V2"),
    ("guangdong", "深圳", "pension", None, "2025-07-01", 4775, 27549, "V2"),
    ("guangdong", "深圳", "medical", 1, "2025-10-01", 6727, 33633, "V2"),
    ("guangdong", "深圳", "unemployment", None, "2025-10-01", 2520, 43659, "V2"),
    ("guangdong", "广州", "unemployment", None, "2025-10-01", 2500, 42933, "V2"),
    ("zhejiang", "杭州", "pension", None, "2025-12-31", 4986, 25299, "V2"),
    ("jiangsu", "南京", "pension", None, "2024-01-01", 4879, 24396, "M-m"),
    ("jiangsu", "南京", "pension", None, "2025-01-01", 4952, 24762, "M-m"),
    ("sichuan", "成都", "pension", None, "2024-01-01", 4511, 22555, "M-m"),
    ("sichuan", "成都", "pension", None, "2025-01-01", 4588, 22938, "M-m"),
    ("shandong", "济南", "pension", None, "2025-01-01", 4504, 22518, "M-m"),
]


@pytest.mark.parametrize(("region", "city", "line", "tier", "day", "floor", "cap", "status"), BASES)
def test_floor_and_cap_are_the_published_ones(
    region: str, city: str | None, line: str, tier: int | None, day: str, floor: int, cap: int, status: str
) -> None:
    for bound, expected in ((Bound.FLOOR, floor), (Bound.CAP, cap)):
        found = region_pack(region).bound(bound, InsuranceLine(line), city, tier, date.fromisoformat(day))
        assert not found.borrowed
        assert (found.cell.value, found.cell.status) == (expected, Status(status))


def test_floor_and_cap_of_hangzhou_in_2024_are_confirmed_to_different_degrees() -> None:
    pack, day = region_pack("zhejiang"), date(2024, 1, 1)
    floor = pack.bound(Bound.FLOOR, InsuranceLine.PENSION, "杭州", None, day).cell
    cap = pack.bound(Bound.CAP, InsuranceLine.PENSION, "杭州", None, day).cell
    assert (floor.value, floor.status, cap.value, cap.status) == (4812, Status.M_M, 24930, Status.V2)


@pytest.mark.parametrize(
    ("region", "city", "day", "bound", "readings"),
    [
        ("guangdong", "广州", "2025-07-01", "floor", [6234, 6236]),
        ("guangdong", "广州", "2026-06-30", "cap", [31170, 31179]),
        ("shandong", "济南", "2024-12-31", "cap", [22078, 20215]),
    ],
)
def test_a_contradictory_bound_has_no_value_and_both_readings(
    region: str, city: str, day: str, bound: str, readings: list[int]
) -> None:
    found = region_pack(region).bound(
        Bound(bound), InsuranceLine.MEDICAL, city, None, date.fromisoformat(day)
    )
    assert (found.cell.value, found.cell.status) == (None, Status.CONFLICT)
    assert list(found.cell.readings) == readings


@pytest.mark.parametrize("city", ["广州", "深圳"])
@pytest.mark.parametrize("line", ["injury", "maternity"])
@pytest.mark.parametrize("bound", list(Bound))
def test_guangdong_has_no_published_base_for_injury_and_maternity(city: str, line: str, bound: Bound) -> None:
    for day in (date(2020, 1, 1), date(2025, 10, 1)):
        found = region_pack("guangdong").bound(bound, InsuranceLine(line), city, None, day)
        assert (found.cell.status, found.borrowed) == (Status.UNKNOWN, False)


CITY = {"guangdong": "广州", "jiangsu": "南京", "zhejiang": "杭州", "sichuan": "成都", "shandong": "济南"}


@pytest.mark.parametrize("region", [region for region in INSURING if region != "shanghai"])
def test_a_base_that_is_not_published_yet_is_borrowed_from_the_last_period(region: str) -> None:
    found = region_pack(region).bound(
        Bound.CAP, InsuranceLine.PENSION, CITY.get(region), None, date(2026, 9, 1)
    )
    assert found.borrowed
    assert found.cell.to is not None
    assert found.cell.to >= date(2025, 12, 31)


@pytest.mark.parametrize("region", INSURING)
def test_a_base_from_before_the_first_period_is_missing(region: str) -> None:
    with pytest.raises(MissingCell, match=rf"base cap for region {region}.* for 2019-05 and none before it"):
        region_pack(region).bound(Bound.CAP, InsuranceLine.PENSION, CITY.get(region), None, date(2019, 5, 1))


RATES = [
    ("beijing", None, None, "medical", "0.098", "0.02", "V2"),
    ("shanghai", None, None, "medical", "0.09", "0.02", "V2"),
    ("shanghai", None, None, "unemployment", "0.005", "0.005", "V2"),
    ("jiangsu", "南京", None, "medical", ["0.07", "0.08"], "0.02", "M-l"),
    ("jiangsu", "南京", None, "unemployment", "0.005", "0.005", "V2"),
    ("jiangsu", "南京", None, "maternity", "0.008", None, "M-l"),
    ("zhejiang", "杭州", None, "medical", "0.095", "0.02", "V2"),
    ("zhejiang", "杭州", None, "unemployment", "0.005", "0.005", "V2"),
    ("sichuan", "成都", None, "medical", "0.065", "0.02", "V2"),
    ("sichuan", "成都", None, "maternity", "0.008", None, "M-m"),
    ("sichuan", "成都", None, "unemployment", ["0.006", "0.005"], ["0.004", "0.005"], "CONFLICT"),
    ("shandong", "济南", None, "medical", "0.08", "0.02", "M-l"),
    ("shandong", "济南", None, "unemployment", "0.007", "0.003", "M-m"),
    ("guangdong", "广州", None, "medical", ["0.045", "0.055", "0.06"], "0.02", "V2"),
    ("guangdong", "深圳", 1, "medical", ["0.062", "0.05"], "0.02", "V2"),
    ("guangdong", "深圳", 2, "medical", None, "0.005", "V2"),
    ("guangdong", "深圳", None, "unemployment", ["0.008", "0.007", "0.0048"], ["0.002", "0.003"], "CONFLICT"),
    ("guangdong", "广州", None, "maternity", ["0.0085", "0.01"], None, "CONFLICT"),
    ("guangdong", "深圳", None, "maternity", ["0.0045", "0.005"], None, "CONFLICT"),
    *((region, CITY.get(region), None, "pension", "0.16", "0.08", "V2") for region in INSURING),
]


@pytest.mark.parametrize(("region", "city", "tier", "line", "employer", "worker", "status"), RATES)
def test_the_rates_of_a_line_are_those_of_the_region_or_both_readings(
    region: str, city: str | None, tier: int | None, line: str, employer: Any, worker: Any, status: str
) -> None:
    for side, expected in ((Side.EMPLOYER, employer), (Side.WORKER, worker)):
        if expected is None:
            with pytest.raises(MissingCell, match=f"{side} rate for region {region}"):
                region_pack(region).rate(side, InsuranceLine(line), city, tier, date(2025, 10, 1))
            continue
        cell = region_pack(region).rate(side, InsuranceLine(line), city, tier, date(2025, 10, 1)).cell
        if isinstance(expected, list):
            assert (cell.value, cell.status) == (None, Status.CONFLICT)
            assert list(cell.readings) == [Decimal(text) for text in expected]
        else:
            assert (cell.value, cell.status) == (Decimal(expected), Status(status))


def test_the_medical_rate_of_shanghai_is_in_conflict_from_march_2026_on() -> None:
    pack = region_pack("shanghai")
    before = pack.rate(Side.EMPLOYER, InsuranceLine.MEDICAL, None, None, date(2026, 2, 28)).cell
    after = pack.rate(Side.EMPLOYER, InsuranceLine.MEDICAL, None, None, date(2026, 3, 1)).cell
    assert (before.value, before.status) == (Decimal("0.09"), Status.V2)
    assert (after.status, after.possible) == (Status.CONFLICT, (Decimal("0.09"), Decimal("0.10")))


@pytest.mark.parametrize("region", INSURING)
def test_every_line_of_insurance_is_levied_in_one_known_way(region: str) -> None:
    levies = {cell.line: cell.value for cell in region_pack(region).insurance_lines}
    with_medical = region in ("beijing", "shanghai", "zhejiang", "shandong")
    assert levies == {
        InsuranceLine.PENSION: Levy.BY_RATE,
        InsuranceLine.MEDICAL: Levy.BY_RATE,
        InsuranceLine.UNEMPLOYMENT: Levy.BY_RATE,
        InsuranceLine.INJURY: Levy.BY_RISK_CLASS,
        InsuranceLine.MATERNITY: Levy.WITH_MEDICAL if with_medical else Levy.BY_RATE,
    }


@pytest.mark.parametrize(
    ("region", "year", "value", "start", "end", "status"),
    [
        ("beijing", 2023, 11761, "2024-07-01", "2025-06-30", "D"),
        ("beijing", 2024, 11937, "2025-07-01", "2026-06-30", "D"),
        ("shanghai", 2022, 12183, "2023-07-01", "2024-06-30", "D"),
        ("shanghai", 2023, 12307, "2024-07-01", "2025-06-30", "D"),
        ("shanghai", 2024, 12434, "2025-07-01", "2026-06-30", "V2"),
        ("shanghai", 2025, 12577, "2026-07-01", "2027-06-30", "D"),
        ("guangdong", 2023, 9167, "2024-07-01", "2025-06-30", "D"),
        ("guangdong", 2024, 9183, "2025-07-01", "2026-06-30", "D"),
        ("jiangsu", 2023, 8132, "2024-01-01", "2024-12-31", "M-m"),
        ("jiangsu", 2024, 8254, "2025-01-01", "2025-12-31", "M-m"),
        ("zhejiang", 2023, 8310, "2024-01-01", "2024-12-31", "M-m"),
        ("zhejiang", 2024, 8433, "2025-01-01", "2025-12-31", "M-m"),
        ("sichuan", 2023, 7518, "2024-01-01", "2024-12-31", "M-m"),
        ("sichuan", 2024, 7646, "2025-01-01", "2025-12-31", "M-m"),
        ("shandong", 2023, 7359, "2024-01-01", "2024-12-31", "M-m"),
        ("shandong", 2024, 7506, "2025-01-01", "2025-12-31", "M-m"),
        ("hunan", 2024, 7694, "2025-01-01", "2025-12-31", "M-m"),
    ],
)
def test_the_average_wage_of_a_year_is_used_from_the_right_month(
    region: str, year: int, value: int, start: str, end: str, status: str
) -> None:
    cell = average(region, year)
    assert (cell.value, cell.status) == (value, Status(status))
    assert (cell.from_, cell.to) == (date.fromisoformat(start), date.fromisoformat(end))


def test_the_averages_of_guangzhou_and_shenzhen_stand_beside_that_of_the_province() -> None:
    assert average("guangdong", 2024, "广州", "失业保险").value == 14311
    assert average("guangdong", 2024, "深圳", "失业保险").value == 14553
    assert average("guangdong", 2024, "深圳", "医疗保险").value == 11211
    assert average("guangdong", 2024, "广州", "医疗保险").readings == (10390, 10393)
    assert average("guangdong", 2015, "广州").value == 6764
    first = next(cell for cell in region_pack("guangdong").local_average if cell.holds_on(date(2025, 9, 1)))
    assert (first.city, first.value) == (None, 9183)


@pytest.mark.parametrize(
    ("region", "city", "day", "value", "status"),
    [
        ("beijing", None, "2025-08-31", 2420, "V2"),
        ("beijing", None, "2025-09-01", 2540, "V2"),
        ("shanghai", None, "2025-06-30", 2690, "V2"),
        ("shanghai", None, "2025-07-01", 2740, "V2"),
        ("guangdong", "广州", "2025-02-28", 2300, "M-h"),
        ("guangdong", "广州", "2025-03-01", 2500, "V2"),
        ("guangdong", "深圳", "2025-02-28", 2360, "M-h"),
        ("guangdong", "深圳", "2025-03-01", 2520, "V2"),
        *(("jiangsu", city, "2025-12-31", 2490, "M-h") for city in ("南京", "苏州", "无锡")),
        *(("jiangsu", city, "2026-01-01", 2660, "M-l") for city in ("南京", "苏州", "无锡")),
        ("zhejiang", "杭州", "2024-01-01", 2490, "M-h"),
        ("sichuan", "成都", "2024-12-31", 2100, "M-h"),
        ("sichuan", "成都", "2025-01-01", 2330, "V2"),
        ("shandong", "济南", "2023-10-01", 2200, "M-h"),
    ],
)
def test_the_minimum_wage_of_a_day_is_that_of_its_city(
    region: str, city: str | None, day: str, value: int, status: str
) -> None:
    cells = [cell for cell in region_pack(region).minimum_wage if cell.city == city]
    found = on_day(cells, date.fromisoformat(day), "of the minimum wage")
    assert (found.cell.value, found.cell.status, found.borrowed) == (value, Status(status), False)


def test_a_minimum_wage_ends_the_day_before_the_next_one_of_its_city_begins() -> None:
    for region in REGIONS:
        cells = region_pack(region).minimum_wage
        for city in {cell.city for cell in cells}:
            dated = sorted(
                (cell.from_ or date.min, cell.to or date.max) for cell in cells if cell.city == city
            )
            for (_, end), (start, _) in pairwise(dated):
                assert end.toordinal() + 1 == start.toordinal(), (region, city)
            assert dated[-1][1] == date.max


def test_the_minimum_wage_comes_on_top_of_insurance_in_beijing_and_shanghai_alone() -> None:
    flags = {region: region_pack(region).minimum_wage_excludes_insurance for region in INSURING}
    assert [region for region, (cell,) in flags.items() if cell.value] == ["beijing", "shanghai"]
    assert {flags[region][0].status for region in ("guangdong", "zhejiang", "sichuan", "shandong")} == {
        Status.M_M
    }
    assert flags["jiangsu"][0].status is Status.M_L


@pytest.mark.parametrize(
    ("region", "days"),
    [
        ("beijing", {"extension_days": 60, "total_days": 158}),
        ("shanghai", {"extension_days": 60, "total_days": 158, "spouse_days": 10, "childcare_days_each": 5}),
        (
            "guangdong",
            {"extension_days": 80, "total_days": 178, "spouse_days": 15, "childcare_days_each": 10},
        ),
        (
            "zhejiang",
            {
                "extension_days_first_child": 60,
                "extension_days_later_child": 90,
                "total_days_first_child": 158,
                "total_days_later_child": 188,
                "childcare_days_each": 10,
            },
        ),
        ("shandong", {"extension_days": 60, "total_days": 158, "spouse_days": 15}),
        ("jiangsu", {"extension_days": 30, "total_days": 128}),
        ("sichuan", {"extension_days": 60, "total_days": 158}),
    ],
)
def test_the_leave_around_a_birth_is_that_of_the_region(region: str, days: dict[str, int]) -> None:
    assert {cell.name: cell.value for cell in region_pack(region).birth_leave} == days


@pytest.mark.parametrize(
    "row",
    [
        {"value": 1, "status": "UNKNOWN"},
        {"value": 1, "status": "CONFLICT", "readings": [1, 2]},
        {"value": None, "status": "V1"},
    ],
)
def test_a_cell_whose_value_contradicts_its_status_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="which does not fit its value"):
        EXACT.validate_python({"source": "a notice", **row})


@pytest.mark.parametrize(
    "row",
    [
        {"value": None, "status": "CONFLICT"},
        {"value": None, "status": "CONFLICT", "readings": [1]},
        {"value": 1, "status": "V2", "readings": [1, 2]},
    ],
)
def test_readings_stand_in_a_conflict_and_only_there(row: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="must list the readings of a conflict"):
        EXACT.validate_python({"source": "a notice", **row})


@pytest.mark.parametrize("row", [{"value": 1, "status": "V2"}, {"value": 1, "source": "a notice"}])
def test_a_cell_without_a_source_or_a_status_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="Field required"):
        EXACT.validate_python(row)


def test_a_binary_float_in_a_table_is_refused_and_the_same_text_is_exact() -> None:
    row = {"line": "pension", "side": "employer", "status": "V2", "source": "a notice"}
    pack = {"version": "1", "region": "nowhere", "zh": "无", "en": "Nowhere"}
    with pytest.raises(ValidationError, match="must be a whole number or text, so that it stays exact"):
        RegionPack.model_validate({**pack, "insurance_rates": [{**row, "value": 0.16}]})
    exact = RegionPack.model_validate({**pack, "insurance_rates": [{**row, "value": "0.16"}]})
    assert exact.insurance_rates[0].value == Decimal("0.16")


def test_the_shipped_numbers_are_decimals_as_they_stand_in_the_file() -> None:
    rate = region_pack("guangdong").rate(
        Side.EMPLOYER, InsuranceLine.PENSION, "广州", None, date(2025, 10, 1)
    )
    assert isinstance(rate.cell.value, Decimal)
    assert str(rate.cell.value) == "0.16"


def bound_row(value: int | None, start: str, end: str | None = None) -> BaseBound:
    status = "V2" if value else "UNKNOWN"
    return BaseBound.model_validate(
        {"bound": "cap", "value": value, "from": start, "to": end, "status": status, "source": "a notice"}
    )


def test_a_month_stands_for_its_first_day_as_a_start_and_for_its_last_as_an_end() -> None:
    cell = bound_row(1, "2023-03", "2024-02")
    assert [cell.holds_on(date(2023, 2, 28)), cell.holds_on(date(2023, 3, 1))] == [False, True]
    assert [cell.holds_on(date(2024, 2, 29)), cell.holds_on(date(2024, 3, 1))] == [True, False]


def test_a_day_without_a_published_cell_borrows_the_last_one_before_it() -> None:
    older, newer = bound_row(1, "2023-07", "2024-06"), bound_row(2, "2024-07", "2025-06")
    later, unknown = bound_row(3, "2026-07", "2027-06"), bound_row(None, "2025-07", "2026-06")
    for order in ([older, newer, unknown, later], [later, unknown, newer, older]):
        found = on_day(order, date(2025, 9, 1), "of caps")
        assert (found.cell, found.borrowed) == (newer, True)
        assert on_day(order, date(2023, 9, 1), "of caps").cell is older


def test_a_cell_that_is_unknown_is_returned_when_nothing_was_published_before_it() -> None:
    unknown = bound_row(None, "2025-07", "2026-06")
    found = on_day([unknown, bound_row(1, "2026-07")], date(2025, 9, 1), "of caps")
    assert (found.cell, found.borrowed) == (unknown, False)


def test_a_day_before_every_cell_raises_the_name_of_the_table() -> None:
    with pytest.raises(MissingCell, match="there is no table of caps for 2022-05 and none before it"):
        on_day([bound_row(1, "2023-07", "2024-06")], date(2022, 5, 31), "of caps")


@pytest.mark.parametrize("name", EVERY_PACK)
def test_the_version_of_a_pack_is_its_date_and_the_digest_of_its_file(name: str) -> None:
    content = files("countersign.regions").joinpath(f"{name}.yaml").read_bytes()
    assert version_of(name) == f"{name} 2026-11-23 {hashlib.sha256(content).hexdigest()[:12]}"


def test_the_version_of_a_pack_changes_with_one_byte_of_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    before, text = version_of("hunan"), packs._text("hunan")
    monkeypatch.setattr(packs, "_text", lambda name: f"{text}\n")
    assert version_of.__wrapped__("hunan") != before
