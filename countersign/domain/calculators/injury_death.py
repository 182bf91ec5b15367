"""The calculator `injury_death`: what the family is due when a worker dies of a work injury, and who pays it.

Work Injury Insurance Regulation art. 39: funeral grant, pension of each dependant, lump sum by the national
disposable income of the year before the death.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, model_validator

from countersign.domain.calculators.amounts import in_yuan, plain, to_fen, yuan
from countersign.domain.calculators.explained import Item, Line, Payer, Result, Saying, shown_yuan, total
from countersign.domain.calculators.injury_doubts import UNINSURED
from countersign.domain.calculators.injury_items import DEPENDANTS, FUNERAL, LUMP_SUM
from countersign.domain.calculators.inputs import CaseInput, Day, Flag, Wage
from countersign.domain.input_models import one_of
from countersign.domain.tables.cells import on_day, weakest
from countersign.domain.tables.packs import STATUTORY, region_pack, statutory, version_of
from countersign.domain.tables.statutory import Constant


class Relation(StrEnum):
    """What a dependant was to the worker."""

    SPOUSE = "spouse"
    CHILD = "child"
    PARENT = "parent"
    GRANDPARENT = "grandparent"
    GRANDCHILD = "grandchild"
    SIBLING = "sibling"


_IN_CHINESE = {
    Relation.SPOUSE: "配偶",
    Relation.CHILD: "子女",
    Relation.PARENT: "父母",
    Relation.GRANDPARENT: "祖父母、外祖父母",
    Relation.GRANDCHILD: "孙子女、外孙子女",
    Relation.SIBLING: "兄弟姐妹",
}

NO_LUMP_SUM = Saying(
    "no_lump_sum",
    "a worker of grade 1 to 4 who dies after the suspension period leaves funeral grant and dependants' "
    "pensions, no lump sum ({basis})",
    "一级至四级伤残职工在停工留薪期满后死亡的，享受丧葬补助金和供养亲属抚恤金，不支付一次性工亡补助金（{basis_zh}）",
)
INCOME_BORROWED = Saying(
    "borrowed_period",
    "the disposable income that counts for a death in {year} is not in the tables; that of {income_year} "
    "was used, and the lump sum will change",
    "{year} 年死亡适用的全国城镇居民人均可支配收入尚无数据，暂按 {income_year} 年的数据计算，公布后须重算",
    stamps=True,
)
DEPENDANTS_CAPPED = Saying(
    "dependants_capped",
    "the pensions of {uncapped} a month lie above the worker's own wage; together they are {capped}, here "
    "shared in proportion: {shares}",
    "各供养亲属抚恤金合计每月 {uncapped} 元，超过职工生前工资，合计按 {capped} 元支付，"
    "此处按比例分配：{shares}",
)
OWN_WAGE_OUTSIDE = Saying(
    "own_wage_outside",
    "own_wage of {wage} lies outside 60 % to 300 % of the local average {local_avg}, which own wage cannot; "
    "it was used as given: check it",
    "本人工资 {wage} 元不在当地平均工资 {local_avg} 元的 60% 至 300% 之间，已按所填金额计算，请核对",
)


class Dependant(CaseInput):
    """One dependant; `alone` for a lonely elder or an orphan."""

    relation: Annotated[Relation, BeforeValidator(one_of(Relation, "relation"))]
    alone: Flag = False


def _dependant(value: object) -> object:
    if isinstance(value, str):
        return {"relation": value}
    if not isinstance(value, dict):
        raise ValueError(
            "must be a relation such as child, or a mapping such as {relation: child, alone: true}"
        )
    return value


class InjuryDeathInput(CaseInput):
    """Inputs of `injury_death`: own wage and local average in yuan a month, the entitled dependants."""

    region: str
    death_date: Day
    own_wage: Wage
    """Own wage in the sense of the regulation: already between 60 % and 300 % of the local average."""
    local_avg: Wage
    dependants: list[Annotated[Dependant, BeforeValidator(_dependant)]]
    insured: Flag = True
    after_suspension_grade_1_4: Flag = False

    @model_validator(mode="after")
    def _one_spouse(self) -> Self:
        spouses = sum(one.relation is Relation.SPOUSE for one in self.dependants)
        if spouses > 1:
            raise ValueError(f"dependants names {spouses} spouses; a worker leaves at most one")
        return self


def injury_death(case: InjuryDeathInput) -> dict[str, Any]:
    """Return `lump_sum`, `funeral`, the monthly pensions before and after the cap, the one-off totals.

    Raises `MissingCell` for a death before the first known income, `UnknownPack` for a region without tables.
    """
    # The amounts are national; a region without tables is refused as by every other calculator.
    region_pack(case.region)
    result = Result()
    payer = Payer.FUND if case.insured else Payer.EMPLOYER
    if not case.insured:
        result.warn(UNINSURED.about())
    _check_own_wage(result, case)
    lump_sum = _lump_sum(result, case, payer)
    funeral = _funeral(result, case, payer)
    pensions = [_pension(case, one, index, payer) for index, one in enumerate(case.dependants, 1)]
    weights = [line.fen or 0 for line in pensions]
    uncapped = sum(weights)
    capped = min(uncapped, to_fen(case.own_wage))
    shares = _in_proportion(weights, capped)
    for line, share in zip(pensions, shares, strict=True):
        result.add(_at_most(line, share, uncapped, capped))
    if capped < uncapped:
        result.warn(
            DEPENDANTS_CAPPED.about(
                uncapped=yuan(uncapped), capped=yuan(capped), shares=" + ".join(yuan(fen) for fen in shares)
            )
        )
        result.used(statutory().rule_by_name["dependants_at_most_own_wage"].status)
    result.figures = {
        "lump_sum": yuan(lump_sum),
        "funeral": yuan(funeral),
        "dependants_uncapped": yuan(uncapped),
        "dependants_capped_total": yuan(capped),
        "dependants": [
            {
                "relation": one.relation,
                "alone": one.alone,
                "uncapped": yuan(pension),
                "amount": yuan(share),
            }
            for one, pension, share in zip(case.dependants, weights, shares, strict=True)
        ],
        "statutory_total": shown_yuan(total(result.lines)),
        "fund": shown_yuan(total(result.lines, Payer.FUND)),
        "employer": shown_yuan(total(result.lines, Payer.EMPLOYER)),
    }
    return result.to_json()


def _number(name: str) -> tuple[Decimal, Constant]:
    cell = statutory().by_name[name]
    return cell.value or Decimal(0), cell


def _check_own_wage(result: Result, case: InjuryDeathInput) -> None:
    floor, cap = _number("own_wage_floor_ratio")[0], _number("own_wage_cap_ratio")[0]
    if not case.local_avg * floor <= case.own_wage <= case.local_avg * cap:
        result.warn(OWN_WAGE_OUTSIDE.about(wage=case.own_wage, local_avg=case.local_avg))


def _lump_sum(result: Result, case: InjuryDeathInput, payer: Payer) -> int:
    pack = statutory()
    if case.after_suspension_grade_1_4:
        rule = pack.rule_by_name["death_after_suspension"]
        basis = pack.basis(rule)
        result.used(rule.status)
        result.warn(NO_LUMP_SUM.about(basis=basis.en, basis_zh=basis.zh))
        return 0
    found = on_day(pack.disposable_income, case.death_date, "of the national urban disposable income")
    if found.borrowed:
        result.warn(INCOME_BORROWED.about(year=case.death_date.year, income_year=found.cell.income_year))
    multiple, cell = _number("death_lump_sum_multiple")
    income = found.cell.value or Decimal(0)
    fen = to_fen(income * multiple)
    status = weakest([cell.status, found.cell.status])
    formula = f"{plain(income)} × {plain(multiple)}"
    result.add(Line(LUMP_SUM, formula, fen, payer, pack.basis(cell), status, version_of(STATUTORY)))
    return fen


def _funeral(result: Result, case: InjuryDeathInput, payer: Payer) -> int:
    months, cell = _number("funeral_months")
    fen = to_fen(case.local_avg * months)
    formula = f"{case.local_avg} × {plain(months)}"
    basis = statutory().basis(cell)
    result.add(Line(FUNERAL, formula, fen, payer, basis, cell.status, version_of(STATUTORY)))
    return fen


def _pension(case: InjuryDeathInput, one: Dependant, index: int, payer: Payer) -> Line:
    """Compute the pension of one dependant a month, before the cap on all of them."""
    share, cell = _number("dependant_spouse" if one.relation is Relation.SPOUSE else "dependant_other")
    statuses, shown = [cell.status], plain(share)
    if one.alone:
        more, more_cell = _number("dependant_alone_more")
        shown = f"({shown} + {plain(more)})"
        share += more
        statuses.append(more_cell.status)
    # The wage is rounded first, as own wage is everywhere, so that the cap is an amount that can be paid.
    own = in_yuan(to_fen(case.own_wage))
    item = Item(
        f"dependant_{index}",
        f"{DEPENDANTS.zh}（{_IN_CHINESE[one.relation]}）",
        f"{DEPENDANTS.en} ({one.relation})",
    )
    return Line(
        item,
        f"{own} × {shown}",
        to_fen(own * share),
        payer,
        statutory().basis(cell),
        weakest(statuses),
        version_of(STATUTORY),
        monthly=True,
    )


def _at_most(line: Line, share: int, uncapped: int, capped: int) -> Line:
    """Return the line with what is paid: its share of the cap, where all pensions together exceed it."""
    if capped == uncapped:
        return line
    return line._replace(formula=f"{line.formula} × {yuan(capped)} ÷ {yuan(uncapped)}", fen=share)


def _in_proportion(pensions: list[int], capped: int) -> list[int]:
    """Share an amount in fen by weights, so that the parts add up to it: the largest remainders get more."""
    weight = sum(pensions)
    if weight == 0:
        return [0] * len(pensions)
    parts = [fen * capped // weight for fen in pensions]
    by_remainder = sorted(
        range(len(pensions)), key=lambda index: pensions[index] * capped % weight, reverse=True
    )
    for index in by_remainder[: capped - sum(parts)]:
        parts[index] += 1
    return parts
