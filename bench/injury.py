"""How many explained results of the calculator `injury` one process makes, against a bare script."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bench.ratio import Ratio, in_turns
from countersign.domain.calculators.kinds import calculate
from countersign.domain.calendar import load_shipped_calendar

_REGIONS = {"beijing": 11761, "shanghai": 12434, "guangdong": 9183, "jiangsu": 8254, "zhejiang": 8433}
_GRANT = {1: 27, 2: 25, 3: 23, 4: 21, 5: 18, 6: 16, 7: 13, 8: 11, 9: 9, 10: 7}
_CITY = {5: 18, 6: 15, 7: 12, 8: 9, 9: 6, 10: 3}


def cases(how_many: int) -> list[dict[str, Any]]:
    """Make cases over five regions and the grades 5 to 10, with every common input."""
    made = []
    for number in range(how_many):
        region = list(_REGIONS)[number % len(_REGIONS)]
        made.append(
            {
                "region": region,
                "grade": 5 + number % 6,
                "avg_contribution_wage": f"{5000 + number % 9000}.50",
                "actual_wage": f"{5200 + number % 9000}",
                "local_avg": str(_REGIONS[region]),
                "insured": number % 4 > 0,
                "relation_ended": True,
                "pre_termination_wage": "7600",
                "years_to_retirement": "12",
                "suspension_months": 4,
                "medical": "30000",
                "medical_paid_by_third_party": "12000",
            }
        )
    return made


def bare(case: dict[str, Any]) -> Decimal:
    """The sum alone: no checks, no tables, no lines, no payers."""
    fen = Decimal("0.01")
    average = Decimal(case["local_avg"])
    own = min(max(Decimal(case["avg_contribution_wage"]), average * Decimal("0.6")), average * 3)
    grant = (own * _GRANT[case["grade"]]).quantize(fen, ROUND_HALF_UP)
    subsidy = (average * _CITY[case["grade"]]).quantize(fen, ROUND_HALF_UP)
    wage = (Decimal(case["actual_wage"]) * case["suspension_months"]).quantize(fen, ROUND_HALF_UP)
    medical = Decimal(case["medical"]) - Decimal(case["medical_paid_by_third_party"])
    return grant + subsidy * 2 + wage + medical


def measure(how_many: int = 3000, rounds: int = 7) -> Ratio:
    """Time the calculator with validation, lines in two languages, payers, range and warnings."""
    given, calendar = cases(how_many), load_shipped_calendar()

    def ours() -> int:
        for case in given:
            calculate("injury", case, "case", calendar)
        return len(given)

    def alone() -> int:
        for case in given:
            bare(case)
        return len(given)

    return in_turns("injury results a second", ours, alone, rounds=rounds, note="aim: 10,000 in one process")
