"""The Temporal server is killed under load and started again on the same file."""

import time

from tests.chaos.arena import NotReached, arena, until
from tests.chaos.report import Finding
from tests.chaos.run import Run, audit
from tests.chaos.staff import ladder

CASES, KILLS = 300, 20
DAY_S = 20
PATIENCE_S = 400
RUNGS = ("first_notice", "second_reminder")


def play(run: Run) -> Finding:
    """Start cases between the kills, so that each kill finds some starting, some sending, some waiting."""
    cases, kills = run.sized(CASES, 4), run.sized(KILLS, 1)
    finding = run.finding(f"SIGKILL of the Temporal server {kills} times while {cases} cases climb two rungs")
    away: list[float] = []
    with arena(run.folder, day_s=DAY_S, people=cases) as stack:
        for number in range(kills):
            batch = stack.leaves[number * cases // kills : (number + 1) * cases // kills]
            stack.hr.start_all(batch, ladder(*RUNGS))
            time.sleep(run.dice.uniform(0, 4))
            stack.kill("temporal")
            begun = time.monotonic()
            time.sleep(run.dice.uniform(0, 2))
            stack.revive()
            stack.wait_until_ready()
            away.append(time.monotonic() - begun)
        try:
            until(lambda: stack.closed() == cases, PATIENCE_S, "not every case was closed")
        except NotReached as late:
            finding.violations.append(str(late))
        finding.figures |= {"kills": kills, "longest time until ready again (s)": round(max(away), 1)}
        audit(stack, finding, started=cases, steps=RUNGS)
    return finding
