"""The worker is killed again and again while notices go out over a slow SMS provider."""

import time
from collections import Counter

from tests.chaos.arena import Arena, NotReached, arena, until
from tests.chaos.books import Row
from tests.chaos.caller import side_by_side
from tests.chaos.report import Finding
from tests.chaos.run import Run, audit
from tests.chaos.staff import ladder

CASES, KILLS = 1000, 200
DAY_S = 14_400
"""Nobody's rung ends while the scenario runs, as no rung of real days would: a call whose worker died is
noticed after 12 s and looked for after 120 s more, each of them perhaps under the next kill."""
PATIENCE_S = 1800

_AIMS = ("anywhere", "begun", "accepted")
_AIM_PATIENCE_S = 12
_WORKERS_EVENTS = "('policy.frozen', 'plan.made', 'rung.reached', 'delivery.sending', 'delivery.sent')"


def play(run: Run) -> Finding:
    """Kill at seeded points: anywhere, once a row says that a call begins, once the provider has accepted."""
    cases, kills = run.sized(CASES, 4), run.sized(KILLS, 2)
    finding = run.finding(f"SIGKILL of the worker at {kills} points while {cases} notices go out")
    with arena(run.folder, day_s=DAY_S, people=cases) as stack:
        stack.fault("slow", least=0.05, seconds=0.3, seed=run.seed)
        stack.fault("slow_to_take", share=0.5, least=0.02, seconds=0.2)
        hunter, met = Hunter(stack), Counter[str]()
        for number in range(kills):
            batch = stack.leaves[number * cases // kills : (number + 1) * cases // kills]
            stack.hr.start_all(batch, ladder("first_notice"))
            hunter.wait_for_the_moment(run.dice.choice(_AIMS), run.dice.uniform(0, 1.5))
            stack.kill("worker")
            met[hunter.what_it_met()] += 1
            stack.revive()
            hunter.look_around()
        stack.fault("none")
        try:
            until(lambda: _reached(stack) == cases, PATIENCE_S, "not every notice reached its employee", 1)
            everybody_is_back(stack)
            until(lambda: stack.closed() == cases, PATIENCE_S, "not every case was closed", 1)
        except NotReached as late:
            finding.violations.append(str(late))
        finding.figures |= {"kills": kills, **{f"kills {what}": met[what] for what in sorted(met)}}
        audit(stack, finding, started=cases)
    return finding


def _reached(stack: Arena) -> int:
    """Count the notices that a provider has accepted, by the product's own books."""
    return stack.books.number(
        "SELECT count(DISTINCT notice_id) FROM delivery "
        "WHERE channel = 'sms' AND state IN ('sent', 'delivered')"
    )


def everybody_is_back(stack: Arena) -> None:
    """Close every case by HR's word that the employee is back at work."""
    cases = [row["id"] for row in stack.books.rows("SELECT id FROM case_")]
    side_by_side(lambda case: stack.hr.act(case, {"act": "back"}, f"back-{case}"), cases)


class Hunter:
    """Finds the moment of a kill, and says afterwards what it met.

    Rows that an earlier kill left in `sending` stay so for a minute; only calls of the living worker count.
    """

    def __init__(self, stack: Arena) -> None:
        self._stack = stack
        self._left_by_the_dead: set[str] = set()
        self.look_around()

    def look_around(self) -> None:
        """Remember how things stand while no worker works."""
        self._left_by_the_dead = {row["id"] for row in self._sending()}
        self._events, self._accepted = self._work_done(), self._stack.ledger.count()

    def wait_for_the_moment(self, aim: str, delay_s: float) -> None:
        """Wait for the moment; when it does not come (nothing is being sent just then), any will do."""
        try:
            if aim == "begun":
                until(self._calls, _AIM_PATIENCE_S, "nothing was sent", 0.004)
            elif aim == "accepted":
                until(lambda: self._stack.ledger.count() > self._accepted, _AIM_PATIENCE_S, "-", 0.004)
            else:
                until(lambda: self._work_done() > self._events, _AIM_PATIENCE_S, "no work was done", 0.02)
                time.sleep(delay_s)
        except NotReached:
            return

    def what_it_met(self) -> str:
        """Say where a kill fell, judged by the rows that it left in `sending` and by the ledger."""
        calls = self._calls()
        if not calls:
            return "between calls"
        taken = self._stack.ledger.texts_taken()
        accepted = any(row["text"] in taken for row in calls)
        return "after the provider had accepted" if accepted else "in a call, before it was accepted"

    def _calls(self) -> list[Row]:
        return [row for row in self._sending() if row["id"] not in self._left_by_the_dead]

    def _sending(self) -> list[Row]:
        return self._stack.books.rows("SELECT id, text FROM delivery WHERE state = 'sending'")

    def _work_done(self) -> int:
        return self._stack.books.number(f"SELECT count(*) FROM event WHERE kind IN {_WORKERS_EVENTS}")
