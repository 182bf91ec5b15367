"""The tables of one pooling region: averages, bases and rates of insurance, subsidies for injuries."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from countersign.domain.tables.basis import Basis, Law
from countersign.domain.tables.cells import Cell, Exact, Found, MissingCell, on_day, spread


class InsuranceLine(StrEnum):
    """The five lines of social insurance; `ALL` is a row for every line of a region."""

    PENSION = "pension"
    MEDICAL = "medical"
    UNEMPLOYMENT = "unemployment"
    INJURY = "injury"
    MATERNITY = "maternity"
    ALL = "all"


class Bound(StrEnum):
    """The ends of what may be a base."""

    FLOOR = "floor"
    CAP = "cap"


class Side(StrEnum):
    """Who pays by a rate; the worker may owe a fixed amount a month beside it."""

    EMPLOYER = "employer"
    WORKER = "worker"
    WORKER_FIXED = "worker_fixed"


class Levy(StrEnum):
    """How a line is levied in a region."""

    BY_RATE = "by_rate"
    BY_RISK_CLASS = "by_risk_class"
    WITH_MEDICAL = "with_medical"


class Subsidy(StrEnum):
    """The one-time subsidies at the end of the employment, grades 5 to 10."""

    MEDICAL = "medical"
    EMPLOYMENT = "employment"


class SubsidyBase(StrEnum):
    """By what the number of a subsidy table is multiplied.

    `OWN_WAGE_TWO_WINDOWS` is the higher of own wage before the injury and before the end of employment,
    `FIXED` is an amount in yuan, `FORMULA` the table's factor times the years of life that are left.
    """

    LOCAL_AVERAGE = "local_average"
    OWN_WAGE = "own_wage"
    OWN_WAGE_TWO_WINDOWS = "own_wage_two_windows"
    FIXED = "fixed"
    FORMULA = "formula"


class EndGround(StrEnum):
    """How the employment ended."""

    RESIGNED = "resigned"
    EXPIRED = "expired"
    EMPLOYER_FAULT = "employer_fault"
    RETIRED = "retired"


class TortOffset(StrEnum):
    """What of a tort award is set off against the benefits: medical costs alone, or all that it covers."""

    MEDICAL_ONLY = "medical_only"
    TOP_UP = "top_up"


class RoundingMode(StrEnum):
    """How an amount of insurance is rounded."""

    HALF_UP = "half_up"
    UP = "up"


class AverageWage(Cell[Exact]):
    """The monthly average wage in yuan of a year, used from the middle of the next."""

    wage_year: int
    city: str | None = None
    scope: str = ""


class MinimumWage(Cell[Exact]):
    """The monthly minimum wage in yuan."""

    city: str | None = None


class InsuranceNet(Cell[bool]):
    """Whether the minimum wage is what is left after the worker's part of social insurance."""


class BaseBound(Cell[Exact]):
    """The published floor or cap of a base in yuan a month; never computed from an average."""

    line: InsuranceLine = InsuranceLine.ALL
    bound: Bound
    city: str | None = None
    tier: int | None = None


class LineLevy(Cell[Levy]):
    """How a line is levied."""

    line: InsuranceLine
    city: str | None = None


class Rate(Cell[Exact]):
    """A part of the base, or a fixed amount in yuan a month."""

    line: InsuranceLine
    side: Side
    city: str | None = None
    tier: int | None = None


class Rounding(Cell[RoundingMode]):
    """How the amounts of a side are rounded, to which unit in yuan."""

    unit: Exact
    side: Side | None = None


class LeaveDays(Cell[Exact]):
    """Days of leave around a birth beside the national 98."""

    name: str


class SubsidyNumber(Cell[Exact]):
    """Months, yuan or factor of a subsidy for a grade."""

    subsidy: Subsidy
    grade: Annotated[int, Field(ge=5, le=10)]


class SubsidyRule(Cell[SubsidyBase]):
    """By what the numbers of a subsidy are multiplied, and the article of the region's law that says so."""

    subsidy: Subsidy
    article: str = ""


class Taper(Cell[Exact]):
    """What is left of a subsidy from so many years before retirement on, below so many.

    An UNKNOWN row means that a reduction exists or may exist and that nobody has confirmed it.
    """

    subsidy: Subsidy
    years_from: Exact = Decimal(0)
    years_below: Exact
    grounds: tuple[EndGround, ...] = (EndGround.RESIGNED, EndGround.EXPIRED, EndGround.EMPLOYER_FAULT)


class DiseaseFactor(Cell[Exact]):
    """By what a subsidy is multiplied for an occupational disease."""

    subsidy: Subsidy


class OffsetRule(Cell[TortOffset]):
    """How a tort award meets the benefits."""

    article: str = ""


class RegionalConstant(Cell[Exact]):
    """A number of the region's own rules."""

    name: str
    article: str = ""


class RegionPack(BaseModel):
    """All tables of one region in one version. A table that a region lacks is empty."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    region: str
    zh: str
    en: str
    cities: tuple[str, ...] = ()
    injury_law: Law | None = None
    local_average: Annotated[tuple[AverageWage, ...], BeforeValidator(spread)] = ()
    minimum_wage: Annotated[tuple[MinimumWage, ...], BeforeValidator(spread)] = ()
    minimum_wage_excludes_insurance: Annotated[tuple[InsuranceNet, ...], BeforeValidator(spread)] = ()
    insurance_bases: Annotated[tuple[BaseBound, ...], BeforeValidator(spread)] = ()
    insurance_lines: Annotated[tuple[LineLevy, ...], BeforeValidator(spread)] = ()
    insurance_rates: Annotated[tuple[Rate, ...], BeforeValidator(spread)] = ()
    rounding: Annotated[tuple[Rounding, ...], BeforeValidator(spread)] = ()
    birth_leave: Annotated[tuple[LeaveDays, ...], BeforeValidator(spread)] = ()
    subsidies: Annotated[tuple[SubsidyNumber, ...], BeforeValidator(spread)] = ()
    subsidy_rules: Annotated[tuple[SubsidyRule, ...], BeforeValidator(spread)] = ()
    tapers: Annotated[tuple[Taper, ...], BeforeValidator(spread)] = ()
    disease_factors: Annotated[tuple[DiseaseFactor, ...], BeforeValidator(spread)] = ()
    tort_offset: Annotated[tuple[OffsetRule, ...], BeforeValidator(spread)] = ()
    constants: Annotated[tuple[RegionalConstant, ...], BeforeValidator(spread)] = ()

    @cached_property
    def _numbers(self) -> dict[tuple[Subsidy, int], SubsidyNumber]:
        return {(cell.subsidy, cell.grade): cell for cell in self.subsidies}

    @cached_property
    def _citations(self) -> dict[str, Basis]:
        return {}

    @cached_property
    def _rules(self) -> dict[Subsidy, SubsidyRule]:
        return {cell.subsidy: cell for cell in self.subsidy_rules}

    def subsidy(self, subsidy: Subsidy, grade: int) -> tuple[SubsidyRule, SubsidyNumber]:
        """Return base and number of a subsidy; raises `MissingCell`."""
        try:
            return self._rules[subsidy], self._numbers[subsidy, grade]
        except KeyError:
            raise MissingCell(
                f"there is no table of the {subsidy} subsidy for region {self.region}, grade {grade}"
            ) from None

    def taper(self, subsidy: Subsidy, years: Decimal, ground: EndGround) -> Taper | None:
        """Return the reduction for so many years before retirement, None where there is none."""
        for cell in self.tapers:
            if (
                cell.subsidy is subsidy
                and ground in cell.grounds
                and cell.years_from <= years < cell.years_below
            ):
                return cell
        return None

    def disease_factor(self, subsidy: Subsidy) -> DiseaseFactor | None:
        """Return the factor for an occupational disease, None where there is none."""
        return next((cell for cell in self.disease_factors if cell.subsidy is subsidy), None)

    def offset(self) -> OffsetRule:
        """Return how a tort award is set off; raises `MissingCell`."""
        if not self.tort_offset:
            raise MissingCell(f"there is no table of the tort offset for region {self.region}")
        return self.tort_offset[0]

    def injury_basis(self, article: str = "") -> Basis:
        """Cite the region's rules on work injuries."""
        if article not in self._citations:
            self._citations[article] = self._cite(article)
        return self._citations[article]

    def _cite(self, article: str) -> Basis:
        law = self.injury_law or Law(zh=f"{self.zh}工伤保险规定", en=f"{self.en} work injury rules")
        return law.basis(article)

    def bound(
        self, bound: Bound, line: InsuranceLine, city: str | None, tier: int | None, day: date
    ) -> Found[BaseBound]:
        """Return floor or cap of a line, else the last published one; raises `MissingCell`."""
        cells = [
            cell
            for cell in self.insurance_bases
            if cell.bound is bound
            and cell.line in (line, InsuranceLine.ALL)
            and cell.city in (city, None)
            and cell.tier in (tier, None)
        ]
        return on_day(cells, day, f"of the base {bound} for {self._place(line, city, tier)}")

    def rate(
        self, side: Side, line: InsuranceLine, city: str | None, tier: int | None, day: date
    ) -> Found[Rate]:
        """Return a rate, the last published one when the day's is not; raises `MissingCell`."""
        cells = [
            cell
            for cell in self.insurance_rates
            if cell.side is side
            and cell.line is line
            and cell.city in (city, None)
            and cell.tier in (tier, None)
        ]
        return on_day(cells, day, f"of the {side} rate for {self._place(line, city, tier)}")

    def _place(self, line: InsuranceLine, city: str | None, tier: int | None) -> str:
        where = f"region {self.region}" + (f", city {city}" if city else "")
        return f"{where}, line {line}" + (f", tier {tier}" if tier else "")
