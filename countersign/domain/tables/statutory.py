"""The national tables: constants with their article, and what the law lists by grade, class or year."""

from enum import StrEnum
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from countersign.domain.tables.basis import Basis, Law
from countersign.domain.tables.cells import Cell, Exact, spread


class Care(StrEnum):
    """How much of life a worker cannot manage alone, as the appraisal committee words it."""

    TOTAL = "生活完全不能自理"
    LARGE = "生活大部分不能自理"
    PARTIAL = "生活部分不能自理"


class Responsibility(StrEnum):
    """A person's share in a traffic accident, as the police word it."""

    NONE = "无责任"
    MINOR = "次要责任"
    EQUAL = "同等责任"
    MAIN = "主要责任"
    FULL = "全部责任"
    UNDECIDED = "无法认定"


class Recognition(StrEnum):
    """Whether an accident on the way to or from work can be recognised as a work injury."""

    ELIGIBLE = "eligible"
    NOT_ELIGIBLE = "not_eligible"
    MANUAL = "manual"


class Counted(StrEnum):
    """In what a statutory term is counted."""

    DAYS = "days"
    YEARS = "years"


class _Ruled(BaseModel):
    law: str
    """Key into the laws of the same pack."""
    article: str


class Constant(Cell[Exact], _Ruled):
    """One number of the law, such as the days for filing."""

    name: str


class Rule(Cell[str], _Ruled):
    """What the law says without a number, in few words."""

    name: str


class ByGrade(Cell[Exact], _Ruled):
    """A number for a disability grade, 1 to 10."""

    grade: Annotated[int, Field(ge=1, le=10)]


class NursingRatio(Cell[Exact], _Ruled):
    """The nursing allowance in parts of the local average wage."""

    care: Care


class Income(Cell[Exact], _Ruled):
    """National urban disposable income a head in yuan; it holds for deaths in the following year."""

    income_year: int


class RiskRate(Cell[Exact], _Ruled):
    """The base rate of injury insurance for an industry class, 1 to 8."""

    risk_class: Annotated[int, Field(ge=1, le=8)]


class MedicalPeriod(Cell[Exact], _Ruled):
    """Months of medical treatment protection by years of work in all and at this employer."""

    total_from: int
    total_below: int | None = None
    here_from: int
    here_below: int | None = None
    window: int


class RetirementPace(Cell[Exact], _Ruled):
    """How retirement is delayed: one month for each `value` months, at most `cap_months`."""

    category: str
    base_age: int
    cap_months: int


class AnnualLeaveTier(Cell[Exact], _Ruled):
    """Days of paid annual leave from so many years of work on."""

    from_years: int


class RecognitionRule(Cell[Recognition], _Ruled):
    """What a share of responsibility means for an accident on the way."""

    responsibility: Responsibility


class Deadline(Cell[Exact], _Ruled):
    """A statutory term: what it is for, from which date it runs, and in what it is counted."""

    name: str
    runs_from: str
    counted: Counted = Counted.DAYS
    may_be_extended_by: Exact | None = None


class StatutoryPack(BaseModel):
    """All national tables of one version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    laws: dict[str, Law]
    constants: Annotated[tuple[Constant, ...], BeforeValidator(spread)]
    rules: Annotated[tuple[Rule, ...], BeforeValidator(spread)]
    disability_grant_months: Annotated[tuple[ByGrade, ...], BeforeValidator(spread)]
    monthly_allowance_ratios: Annotated[tuple[ByGrade, ...], BeforeValidator(spread)]
    nursing_ratios: Annotated[tuple[NursingRatio, ...], BeforeValidator(spread)]
    disposable_income: Annotated[tuple[Income, ...], BeforeValidator(spread)]
    injury_insurance_rates: Annotated[tuple[RiskRate, ...], BeforeValidator(spread)]
    medical_periods: Annotated[tuple[MedicalPeriod, ...], BeforeValidator(spread)]
    retirement: Annotated[tuple[RetirementPace, ...], BeforeValidator(spread)]
    annual_leave: Annotated[tuple[AnnualLeaveTier, ...], BeforeValidator(spread)]
    recognition: Annotated[tuple[RecognitionRule, ...], BeforeValidator(spread)]
    deadlines: Annotated[tuple[Deadline, ...], BeforeValidator(spread)]

    @cached_property
    def by_name(self) -> dict[str, Constant]:
        """The constants by their name."""
        return {cell.name: cell for cell in self.constants}

    @cached_property
    def rule_by_name(self) -> dict[str, Rule]:
        """The rules without a number by their name."""
        return {cell.name: cell for cell in self.rules}

    @cached_property
    def grant_by_grade(self) -> dict[int, ByGrade]:
        """Months of own wage of the one-time grant."""
        return {cell.grade: cell for cell in self.disability_grant_months}

    @cached_property
    def allowance_by_grade(self) -> dict[int, ByGrade]:
        """Parts of own wage of the monthly allowance, grades 1 to 6."""
        return {cell.grade: cell for cell in self.monthly_allowance_ratios}

    @cached_property
    def nursing_by_care(self) -> dict[Care, NursingRatio]:
        """Parts of the local average wage of the nursing allowance."""
        return {cell.care: cell for cell in self.nursing_ratios}

    def basis(self, cell: _Ruled) -> Basis:
        """Cite the article on which a cell rests."""
        return self.laws[cell.law].basis(cell.article)
