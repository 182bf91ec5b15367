"""The worker is killed again and again while notices go out over a slow SMS provider."""

import time
from collections import Counter

from tests.chaos.arena import Arena, NotReached, arena, until
from tests.chaos.report import Finding
from tests.chaos.run import Run, audit
from tests.chaos.staff import ladder

CASES, KILLS = 1000, 200
DAY_S = 260
"""The rung's wait: an attempt whose worker died is noticed after 60 s, looked for after 120 s more, and may
then be made again while the rung lasts."""
PATIENCE_S = 900

_AIMS = ("anywhere", "begun", "accepted")
_AIM_PATIENCE_S = 12


def play(run: Run) -> Finding:
    """Kill at seeded points: anywhere, once a row says that a call begins, once the provider has accepted."""
    cases, kills = run.sized(CASES, 4), run.sized(KILLS, 2)
    finding = run.finding(f"SIGKILL of the worker at {kills} points while {cases} notices go out")
    with arena(run.folder, day_s=DAY_S, people=cases) as stack:
        stack.fault("slow", least=0.05, seconds=0.3, seed=run.seed)
        stack.fault("slow_to_take", share=0.5, least=0.02, seconds=0.2)
        met: Counter[str] = Counter()
        for number in range(kills):
            batch = stack.leaves[number * cases // kills : (number + 1) * cases // kills]
            stack.hr.start_all(batch, ladder("first_notice"))
            _aim(stack, run.dice.choice(_AIMS), run.dice.uniform(0, 2.5))
            stack.kill("worker")
            met[_what_it_met(stack)] += 1
            stack.revive()
        stack.fault("none")
        try:
            until(lambda: stack.closed() == cases, PATIENCE_S, "not every case was closed")
        except NotReached as late:
            finding.violations.append(str(late))
        finding.figures |= {"kills": kills, **{f"kills {what}": met[what] for what in sorted(met)}}
        audit(stack, finding, started=cases)
    return finding


def _aim(stack: Arena, aim: str, delay_s: float) -> None:
    """Wait for the moment; when it does not come (nothing is being sent just then), any moment will do."""
    accepted = stack.ledger.count()
    try:
        if aim == "begun":
            until(lambda: stack.in_flight() > 0, _AIM_PATIENCE_S, "nothing was sent", 0.004)
        elif aim == "accepted":
            until(lambda: stack.ledger.count() > accepted, _AIM_PATIENCE_S, "nothing was accepted", 0.004)
        else:
            time.sleep(delay_s)
    except NotReached:
        return


def _what_it_met(stack: Arena) -> str:
    """Say where a kill fell, judged by rows that say `sending` and by the ledger."""
    rows = stack.books.rows("SELECT text FROM delivery WHERE state = 'sending'")
    if not rows:
        return "between calls"
    texts = stack.ledger.texts_taken()
    taken = sum(row["text"] in texts for row in rows)
    return "after the provider had accepted" if taken else "in a call that was not accepted"
