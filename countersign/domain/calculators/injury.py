"""The calculator `injury`: what is due for a work injury by grade, who pays it, and by which article.

No-fault: the share of responsibility decides whether an accident on the way can be recognised, and sizes
the civil claim against a third party. It multiplies no statutory line (法释〔2014〕9号 art. 8).
"""

from decimal import Decimal
from typing import Any

from countersign.domain.calculators import injury_doubts as doubts
from countersign.domain.calculators.amounts import to_fen, yuan
from countersign.domain.calculators.explained import Line, Payer, Result, shown_yuan, total
from countersign.domain.calculators.injury_case import NOTHING, PENDING, InjuryInput, check
from countersign.domain.calculators.injury_civil import civil_panel
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
from countersign.domain.calculators.injury_lines import (
    Said,
    graded_lines,
    own_wage,
    statutory_lines,
    within_limits,
)
from countersign.domain.calculators.recognition import recognised
from countersign.domain.tables.packs import region_pack
from countersign.domain.tables.regional import RegionPack

_GRADES = range(1, 11)
_FIGURES = (
    OWN_WAGE,
    DISABILITY_GRANT,
    MEDICAL_SUBSIDY,
    EMPLOYMENT_SUBSIDY,
    SUSPENSION_WAGE,
    MEDICAL_NET,
    MONTHLY_ALLOWANCE,
    MONTHLY_NURSING,
)


def injury(case: InjuryInput) -> dict[str, Any]:
    """Return every item that is due, or a table by grade while the grade is pending.

    An item that is not due is 0.00, one that cannot be told is null. Raises `MissingCell` and `UnknownPack`
    where a table lacks, `ValueError` naming the fields for inputs that contradict each other.
    """
    check(case)
    pack = region_pack(case.region)
    if case.grade is None:
        return _by_grade(case, pack)
    result = _items(case, pack, case.grade)
    _recognition(result, case)
    result.figures["negotiation"] = _negotiation(result, case, pack, case.grade)
    if case.responsibility_ratio is not None:
        lost_wages = (case.actual_wage or NOTHING) * case.suspension_months
        result.figures["civil"] = civil_panel(
            case.responsibility_ratio, case.medical, lost_wages, case.medical_paid_by_third_party
        )
    return result.to_json()


def _items(case: InjuryInput, pack: RegionPack, grade: int) -> Result:
    """Compute the statutory items of one grade, and their totals without the monthly ones."""
    result = Result()
    result.take(statutory_lines(case, pack, grade))
    found = {line.item.key: line.fen for line in result.lines}
    result.figures = {item.key: shown_yuan(found.get(item.key, 0)) for item in _FIGURES}
    result.figures |= {
        "statutory_total": shown_yuan(total(result.lines)),
        "fund": shown_yuan(total(result.lines, Payer.FUND)),
        "employer": shown_yuan(total(result.lines, Payer.EMPLOYER)),
    }
    return result


def _recognition(result: Result, case: InjuryInput) -> None:
    if case.own_responsibility is None:
        return
    known = recognised(case.own_responsibility)
    result.figures["recognised"] = known
    result.open = not known
    if known is None:
        result.warn(doubts.RECOGNITION_OPEN.about())
    elif not known:
        result.warn(doubts.NOT_RECOGNISED.about(responsibility=case.own_responsibility))


def _negotiation(result: Result, case: InjuryInput, pack: RegionPack, grade: int) -> dict[str, Any]:
    """Return the range for an agreement: no figure below the floor, which is what the employer owes in full.

    The target is what one grade up would cost, while the grade can still be contested; the ceiling adds
    related claims, where the caller has given them.
    """
    paid, own = to_fen(case.employer_paid), own_wage(case)
    here = [line for line in result.lines if line.item in _GRADED]
    shortfall = _shortfall(case, pack, grade, own, here)
    if shortfall:
        result.figures["base_shortfall"] = yuan(shortfall)
    employer = total(result.lines, Payer.EMPLOYER) or 0
    floor = max(0, employer + shortfall - paid)
    target = floor
    if grade > 1:
        graver = _lines_only(graded_lines(case, pack, grade - 1, own))
        more = _sum(graver, Payer.EMPLOYER) - _sum(here, Payer.EMPLOYER)
        target = max(floor, employer + more + _shortfall(case, pack, grade - 1, own, graver) - paid)
    ceiling = None
    if case.related_exposure is not None:
        ceiling = max(target, floor + to_fen(case.related_exposure))
    if any(line.monthly and line.payer is Payer.EMPLOYER for line in result.lines):
        result.warn(doubts.MONTHLY_BESIDE.about())
    if case.offer is not None and to_fen(case.offer) < floor:
        result.warn(doubts.BELOW_FLOOR.about(offer=case.offer, floor=yuan(floor)))
    return {"floor": yuan(floor), "target": yuan(target), "ceiling": shown_yuan(ceiling)}


_GRADED = (DISABILITY_GRANT, MEDICAL_SUBSIDY, EMPLOYMENT_SUBSIDY)


def _lines_only(said: Said) -> list[Line]:
    return [one for one in said if isinstance(one, Line)]


def _sum(lines: list[Line], payer: Payer | None = None) -> int:
    return total(lines, payer) or 0


def _shortfall(case: InjuryInput, pack: RegionPack, grade: int, own: Decimal, declared: list[Line]) -> int:
    """Return what the items lack because contributions were paid on less than the actual wage.

    The employer owes the difference: Zhejiang's regulation art. 33, elsewhere the settled reading.
    """
    if not case.insured or case.actual_wage is None:
        return 0
    honest = within_limits(case.actual_wage, case.local_avg)
    if honest <= own:
        return 0
    return _sum(_lines_only(graded_lines(case, pack, grade, honest))) - _sum(declared)


_SHOWN_BY_GRADE = (
    "disability_grant",
    "medical_subsidy",
    "employment_subsidy",
    "monthly_allowance",
    "statutory_total",
    "fund",
    "employer",
)
_OF_ONE_GRADE = {doubts.KEPT_BY_LAW.code, doubts.ENDS_AT_REQUEST_ONLY.code}


def _by_grade(case: InjuryInput, pack: RegionPack) -> dict[str, Any]:
    """Return the items for every grade, and no single figure, while the worker is not appraised."""
    summary = Result()
    rows = []
    for grade in _GRADES:
        result = _items(case, pack, grade)
        summary.weak = summary.weak or result.weak
        rows.append({"grade": grade, **{name: result.figures[name] for name in _SHOWN_BY_GRADE}})
        for doubt in result.doubts:
            if doubt.code not in _OF_ONE_GRADE:
                summary.warn(doubt)
    summary.warn(doubts.NOT_APPRAISED.about())
    summary.figures = {"own_wage": str(own_wage(case)), "grade": PENDING, "by_grade": rows}
    _recognition(summary, case)
    summary.open = True
    return summary.to_json()
