"""A plan by which somebody pays back what they owe: instalments that add up, on days that lie ahead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from countersign.domain.ledger import yuan
from countersign.domain.refusal import Refusal

MOST_INSTALMENTS = 60


@dataclass(frozen=True)
class Instalment:
    """One payment of a plan: how much, at the latest when."""

    due_on: date
    amount_fen: int


def check_plan(total_fen: int, instalments: Sequence[Instalment], agreed_on: date, today: date) -> None:
    """Refuse a plan that does not add up, or whose days are not ahead in order."""
    if not 1 <= len(instalments) <= MOST_INSTALMENTS:
        raise Refusal("instalments", f"instalments: give 1 to {MOST_INSTALMENTS}, each with day and amount")
    for number, one in enumerate(instalments, 1):
        if type(one.amount_fen) is not int or one.amount_fen <= 0:
            raise Refusal("instalments", f"instalments: number {number} needs an amount above 0; correct it")
        if one.due_on < today:
            raise Refusal(
                "instalments",
                f"instalments: number {number} is due on {one.due_on.isoformat()}, which is over; choose a "
                "day from today on",
            )
        if number > 1 and one.due_on <= instalments[number - 2].due_on:
            raise Refusal(
                "instalments",
                f"instalments: number {number} must be due after the one before it; put in order",
            )
    together = sum(one.amount_fen for one in instalments)
    if together != total_fen:
        raise Refusal(
            "total_fen",
            f"total_fen: is {yuan(total_fen)}, the instalments add up to {yuan(together)}; make "
            "both the same",
        )
    if agreed_on > today:
        raise Refusal("agreed_on", "agreed_on: lies ahead; give the day on which the plan was agreed")
