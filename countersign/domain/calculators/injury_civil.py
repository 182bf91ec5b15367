"""The civil panel beside a work-injury claim: what a third party may owe; in no statutory total."""

from decimal import Decimal
from functools import cache
from typing import Any

from countersign.domain.calculators.amounts import plain, to_fen, yuan
from countersign.domain.calculators.explained import Item, Line, Payer
from countersign.domain.calculators.injury_items import THIRD_PARTY_MEDICAL, THIRD_PARTY_WAGE
from countersign.domain.tables.basis import Basis
from countersign.domain.tables.cells import Status
from countersign.domain.tables.packs import STATUTORY, statutory, version_of


@cache
def _limits(faultless: bool) -> tuple[Decimal, Decimal, Basis]:
    """Return the limits of compulsory insurance; they are lower when the motorist bears no fault."""
    pack, suffix = statutory(), "_no_fault" if faultless else ""
    medical = pack.by_name[f"motor_medical_limit{suffix}"].value
    disability = pack.by_name[f"motor_death_disability_limit{suffix}"].value
    return medical or Decimal(0), disability or Decimal(0), pack.basis(pack.rule_by_name["fault_share"])


def civil_panel(
    own_share: Decimal, medical: Decimal, lost_wages: Decimal, paid_already: Decimal
) -> dict[str, Any]:
    """Estimate the claim against a motorist: compulsory insurance first, then the share of the fault.

    `own_share` lies between 0 and 1, amounts are yuan; `open` is what is left after what the third party has
    paid. Death, disability and damage to things are not in it.
    """
    other = 1 - own_share
    medical_limit, disability_limit, basis = _limits(other == 0)
    lines = [
        _line(THIRD_PARTY_MEDICAL, medical, medical_limit, other, basis),
        _line(THIRD_PARTY_WAGE, lost_wages, disability_limit, other, basis),
    ]
    return {
        "own_share": plain(own_share),
        "other_share": plain(other),
        "lines": [line.to_json() for line in lines],
        "total": yuan(sum(line.fen or 0 for line in lines)),
        "paid_already": yuan(to_fen(paid_already)),
        "open": yuan(max(0, sum(line.fen or 0 for line in lines) - to_fen(paid_already))),
        "indicative": True,
    }


def _line(item: Item, amount: Decimal, limit: Decimal, share: Decimal, basis: Basis) -> Line:
    """Pay up to the limit of compulsory insurance in full, the rest by the other side's share."""
    first = min(amount, limit)
    formula = f"{first} + ({amount} − {first}) × {plain(share)}"
    return Line(
        item,
        formula,
        to_fen(first + (amount - first) * share),
        Payer.THIRD_PARTY,
        basis,
        Status.M_H,
        version_of(STATUTORY),
    )
