"""One run of one scenario: its folder, its dice, its size; and the audit that every scenario ends with."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from countersign.adapters.real_clock import utc_now
from tests.chaos import invariants as must
from tests.chaos.arena import Arena
from tests.chaos.books import Books
from tests.chaos.ledger import Acceptance
from tests.chaos.report import Finding
from tests.chaos.witnesses import histories, verdicts


@dataclass
class Run:
    """What a scenario is given. The dice decide what is done and when; the machine decides what it meets."""

    scenario: str
    folder: Path
    seed: int
    scale: float
    dice: random.Random = field(init=False)
    found: Finding | None = None

    def __post_init__(self) -> None:
        self.dice = random.Random(f"{self.seed}/{self.scenario}")

    def sized(self, full: int, least: int) -> int:
        """Return a number of the full run at this run's scale."""
        return max(least, round(full * self.scale))

    def finding(self, did: str) -> Finding:
        """Begin the finding of this run; whoever runs the scenario has it also when that fails midway."""
        self.found = Finding(self.scenario, did, seed=self.seed, scale=self.scale)
        return self.found


@dataclass(frozen=True)
class Audit:
    """What was compared: the ledger, the books, and both laid side by side."""

    ledger: list[Acceptance]
    books: Books
    matched: must.Matched


def audit(
    arena: Arena,
    finding: Finding,
    *,
    started: int,
    steps: Sequence[str] = ("first_notice",),
    all_closed: bool = True,
) -> Audit:
    """Compare ledger, books, evidence and histories, and write what is broken into the finding."""
    books, ledger = arena.books.read(), arena.ledger.acceptances()
    matched = must.match(ledger, books.deliveries)
    found = histories(arena, books.cases)
    broken = finding.violations
    broken += must.every_acceptance_is_explained(matched, books.deliveries)
    broken += must.no_attempt_left_twice(matched)
    broken += must.duplicates_are_listed(matched, books.deliveries, books.events)
    broken += must.nothing_is_lost(books.cases, books.notices, books.deliveries, books.events, matched)
    broken += must.rows_agree_with_the_ledger(matched, books.deliveries)
    broken += must.every_step_once_on_its_date(books.events, steps, arena.may_be_late)
    broken += must.no_timer_is_lost(found.timers, utc_now())
    broken += must.chains_verify(verdicts(arena, books.cases), books.cases)
    if all_closed:
        broken += must.every_case_is_closed(books.cases, started)
        broken += must.histories_agree(books.cases, found.results)
    reached = {row["notice_id"] for row in books.deliveries if matched.by_delivery.get(row["id"])}
    finding.figures |= {
        "cases": len(books.cases),
        "cases closed": sum(case["state"] == "closed" for case in books.cases),
        "notices": len(books.notices),
        "notices that reached nobody, with the reason in the evidence": len(books.notices) - len(reached),
        "acceptances at the stand-ins": len(ledger),
        "duplicates at the stand-ins, all listed": len(must.duplicates(matched, books.deliveries)),
        "ends that were unknown for a while": sum(e.kind == "delivery.unknown" for e in books.events),
        "timers": len(found.timers),
        "evidence events": len(books.events),
    }
    return Audit(ledger, books, matched)
