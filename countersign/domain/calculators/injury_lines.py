"""The statutory lines of a work-injury claim. Nothing here knows whose fault the accident was.

Work Injury Insurance Regulation art. 30-37; payers by Social Insurance Law art. 38, 39, and art. 62.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from countersign.domain.calculators import injury_doubts as doubts
from countersign.domain.calculators.amounts import in_yuan, plain, to_fen
from countersign.domain.calculators.explained import Doubt, Item, Line, Payer
from countersign.domain.calculators.injury_case import (
    NOTHING,
    InjuryInput,
    suspension_limits,
    wage_for_benefits,
)
from countersign.domain.calculators.injury_items import (
    DISABILITY_GRANT,
    EMPLOYMENT_SUBSIDY,
    MEDICAL_NET,
    MEDICAL_SUBSIDY,
    MONTHLY_ALLOWANCE,
    MONTHLY_NURSING,
    OWN_WAGE,
    SUSPENSION_WAGE,
)
from countersign.domain.tables.basis import Basis
from countersign.domain.tables.cells import Cell, Status, weakest
from countersign.domain.tables.packs import STATUTORY, statutory, version_of
from countersign.domain.tables.regional import EndGround, RegionPack, Subsidy, SubsidyBase
from countersign.domain.tables.statutory import Care

Said = Iterator[Line | Doubt]
"""Lines, and what there is to say about them, in the order of reading."""

_MILDEST_KEPT = 4
_GRAVEST_WITH_SUBSIDIES = 5
_MILDEST_WITH_ALLOWANCE = 6
_GRAVEST_AT_EXPIRY = 7
_YEARS_OF_TAPER = 5


@dataclass(frozen=True, slots=True)
class _Number:
    """A cell, ready for a formula."""

    value: Decimal
    text: str
    basis: Basis
    status: Status


@dataclass(frozen=True)
class _National:
    """The national cells of this calculator, looked up once."""

    floor: _Number
    cap: _Number
    grants: dict[int, _Number]
    allowances: dict[int, _Number]
    nursing: dict[Care, _Number]
    suspension: _Number
    medical: Basis
    third_party_paid: Basis
    table: str


@cache
def _national() -> _National:
    pack = statutory()

    def ready(cell: Any) -> _Number:
        return _Number(cell.value, plain(cell.value), pack.basis(cell), cell.status)

    return _National(
        floor=ready(pack.by_name["own_wage_floor_ratio"]),
        cap=ready(pack.by_name["own_wage_cap_ratio"]),
        grants={grade: ready(cell) for grade, cell in pack.grant_by_grade.items()},
        allowances={grade: ready(cell) for grade, cell in pack.allowance_by_grade.items()},
        nursing={care: ready(cell) for care, cell in pack.nursing_by_care.items()},
        suspension=ready(pack.by_name["suspension_months"]),
        medical=pack.basis(pack.rule_by_name["medical_costs"]),
        third_party_paid=pack.basis(pack.rule_by_name["medical_paid_by_third_party"]),
        table=version_of(STATUTORY),
    )


def statutory_lines(case: InjuryInput, pack: RegionPack, grade: int) -> Said:
    """Yield what is due for a grade; raises `MissingCell` where a table lacks."""
    fund = Payer.FUND if case.insured else Payer.EMPLOYER
    if not case.insured:
        yield doubts.UNINSURED.about()
    own = own_wage(case)
    yield from _own_wage(case, own)
    yield from graded_lines(case, pack, grade, own)
    yield from _suspension(case)
    yield from _medical(case, fund)
    yield from _allowance(case, grade, own, fund)
    if case.nursing is not None:
        ratio = _national().nursing[case.nursing]
        formula = f"{case.local_avg} × {ratio.text}"
        yield _line(MONTHLY_NURSING, formula, case.local_avg * ratio.value, fund, ratio, monthly=True)


def graded_lines(case: InjuryInput, pack: RegionPack, grade: int, own: Decimal) -> Said:
    """Yield what depends on the grade and is paid once, for an own wage: the grant and the subsidies."""
    fund = Payer.FUND if case.insured else Payer.EMPLOYER
    grant = _national().grants[grade]
    yield _line(DISABILITY_GRANT, f"{own} × {grant.text}", own * grant.value, fund, grant)
    yield from _subsidies(case, pack, grade, own, fund)


def own_wage(case: InjuryInput) -> Decimal:
    """Return own wage in yuan, 60-300 % of the local average, rounded to fen before it is multiplied."""
    return within_limits(wage_for_benefits(case), case.local_avg)


def within_limits(wage: Decimal, local_avg: Decimal) -> Decimal:
    """Return a wage within 60-300 % of the local average, rounded to fen."""
    law = _national()
    return in_yuan(to_fen(min(max(wage, local_avg * law.floor.value), local_avg * law.cap.value)))


def _line(
    item: Item, formula: str, amount: Decimal, payer: Payer, number: _Number, *, monthly: bool = False
) -> Line:
    """Make a line that rests on a national cell."""
    return Line(
        item, formula, to_fen(amount), payer, number.basis, number.status, _national().table, monthly=monthly
    )


def _own_wage(case: InjuryInput, own: Decimal) -> Said:
    law = _national()
    wage, average = wage_for_benefits(case), case.local_avg
    formula = f"{wage} [{average} × {law.floor.text} … {average} × {law.cap.text}]"
    yield _line(OWN_WAGE, formula, own, Payer.NOBODY, law.floor, monthly=True)
    if not average * law.floor.value <= wage <= average * law.cap.value:
        yield doubts.OWN_WAGE_CLAMPED.about(wage=wage, local_avg=average, own_wage=own)
    if case.actual_wage is not None and within_limits(case.actual_wage, average) > own:
        yield doubts.UNDERPAID_BASE.about(declared=wage, actual=case.actual_wage)


def _subsidies(case: InjuryInput, pack: RegionPack, grade: int, own: Decimal, fund: Payer) -> Said:
    """Yield the two subsidies, due only when the employment of a worker of grade 5 to 10 has ended."""
    if not case.relation_ended:
        return
    if grade < _GRAVEST_WITH_SUBSIDIES:
        yield doubts.KEPT_BY_LAW.about(grade=grade)
        return
    if grade < _GRAVEST_AT_EXPIRY and case.end_ground is EndGround.EXPIRED:
        yield doubts.ENDS_AT_REQUEST_ONLY.about(grade=grade)
    yield from _subsidy(case, pack, grade, own, Subsidy.MEDICAL, fund)
    yield from _subsidy(case, pack, grade, own, Subsidy.EMPLOYMENT, Payer.EMPLOYER)


def _subsidy(
    case: InjuryInput, pack: RegionPack, grade: int, own: Decimal, subsidy: Subsidy, payer: Payer
) -> Said:
    rule, number = pack.subsidy(subsidy, grade)
    statuses = [rule.status, number.status]
    amount = number.value or NOTHING
    formula = plain(amount)
    if rule.value is not SubsidyBase.FIXED:
        base = _subsidy_base(case, own, rule.value)
        formula, amount = f"{base} × {formula}", base * amount
    if rule.value is SubsidyBase.OWN_WAGE_TWO_WINDOWS and case.pre_termination_wage is None:
        yield doubts.SECOND_WINDOW_MISSING.about()
    factor = pack.disease_factor(subsidy) if case.occupational_disease else None
    left, doubt = _left_before_retirement(case, pack, subsidy)
    if doubt is not None:
        yield doubt
    for cell in (factor, left):
        if cell is not None:
            # A reduction that nobody has confirmed leaves a figure that is believed with little confidence.
            statuses.append(Status.M_L if cell.status is Status.UNKNOWN else cell.status)
            if cell.value is not None:
                formula, amount = f"{formula} × {plain(cell.value)}", amount * cell.value
    item = MEDICAL_SUBSIDY if subsidy is Subsidy.MEDICAL else EMPLOYMENT_SUBSIDY
    yield Line(
        item,
        formula,
        to_fen(amount),
        payer,
        pack.injury_basis(rule.article),
        weakest(statuses),
        version_of(pack.region),
    )


def _subsidy_base(case: InjuryInput, own: Decimal, base: SubsidyBase | None) -> Decimal:
    if base is SubsidyBase.LOCAL_AVERAGE:
        return case.local_avg
    if base is SubsidyBase.OWN_WAGE:
        return own
    if base is SubsidyBase.OWN_WAGE_TWO_WINDOWS:
        later = case.pre_termination_wage
        return own if later is None else max(own, within_limits(later, case.local_avg))
    raise ValueError(
        f"region is {case.region}, whose subsidy follows a formula; use the calculator injury_formula_subsidy"
    )


def _left_before_retirement(
    case: InjuryInput, pack: RegionPack, subsidy: Subsidy
) -> tuple[Cell[Decimal] | None, Doubt | None]:
    """Return the part that is left shortly before retirement, None where nothing is taken off."""
    if case.end_ground is EndGround.RETIRED:
        return statutory().by_name["subsidies_at_retirement"], doubts.NONE_AT_RETIREMENT.about()
    years = case.years_to_retirement
    if years is None:
        return None, doubts.YEARS_NOT_GIVEN.about() if pack.tapers else None
    taper = pack.taper(subsidy, years, case.end_ground) if years < _YEARS_OF_TAPER else None
    if taper is None or taper.value is not None:
        return taper, None
    return taper, doubts.TAPER_UNKNOWN.about(region_en=pack.en, region_zh=pack.zh)


def _suspension(case: InjuryInput) -> Said:
    months = case.suspension_months
    if not months or case.actual_wage is None:
        return
    formula = f"{case.actual_wage} × {plain(months)}"
    yield _line(SUSPENSION_WAGE, formula, case.actual_wage * months, Payer.EMPLOYER, _national().suspension)
    if months > suspension_limits()[0]:
        yield doubts.EXTENSION_NEEDED.about(months=plain(months))


def _medical(case: InjuryInput, fund: Payer) -> Said:
    law, paid = _national(), case.medical_paid_by_third_party
    if paid:
        formula, basis = f"{case.medical} − {paid}", law.third_party_paid
    else:
        formula, basis = f"{case.medical}", law.medical
    if case.medical:
        fen = to_fen(case.medical - paid)
        yield Line(MEDICAL_NET, formula, fen, fund, basis, Status.V1, law.table)


def _allowance(case: InjuryInput, grade: int, own: Decimal, fund: Payer) -> Said:
    """Yield the monthly allowance: grades 1 to 4 always, 5 and 6 while no suitable work can be arranged."""
    if grade > _MILDEST_WITH_ALLOWANCE:
        return
    if grade > _MILDEST_KEPT and (case.relation_ended or case.suitable_work):
        return
    ratio = _national().allowances[grade]
    amount, formula = own * ratio.value, f"{own} × {ratio.text}"
    if case.min_wage is None:
        yield doubts.MINIMUM_NOT_GIVEN.about()
    elif amount < case.min_wage:
        amount, formula = case.min_wage, f"max({formula}, {case.min_wage})"
    payer = fund if grade <= _MILDEST_KEPT else Payer.EMPLOYER
    line = _line(MONTHLY_ALLOWANCE, formula, amount, payer, ratio, monthly=True)
    if grade > _MILDEST_KEPT and case.suitable_work is None:
        yield doubts.SUITABLE_WORK_UNKNOWN.about()
        line = line._replace(fen=None)
    yield line
