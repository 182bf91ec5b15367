"""The provider's reports come several times, in any order, not at all, or from somebody else."""

import time

from countersign.settings import Settings
from tests.chaos import invariants as must
from tests.chaos.arena import Arena, NotReached, arena, until
from tests.chaos.report import Finding
from tests.chaos.run import Run, audit
from tests.chaos.staff import Address, ending, ladder, plain

MESSAGES = 500
DAY_S = 3
PATIENCE_S = 180
_ENDS = ("", "", "", "30005", "30003")
_POLLING = {"COUNTERSIGN_POLL_AFTER_S": "3", "COUNTERSIGN_POLL_EVERY_S": "1"}
_STILL_S = 1.5
_FINAL = ("delivered", "undelivered", "failed")


def play(run: Run) -> Finding:
    """Report each status 1 to 5 times, shuffled, one in ten never, one in twenty with a lie beside it."""
    messages = run.sized(MESSAGES, 4)
    finding = run.finding(
        f"{messages} texts; reports 1 to 5 times, shuffled, 10 % missing, 5 % with a forged one beside them"
    )
    ends = [run.dice.choice(_ENDS) for _ in range(messages)]

    def address(number: int) -> Address:
        return ending(number, ends[number]) if ends[number] else plain(number)

    polls = "poll_after_s" in Settings.model_fields
    with arena(run.folder, day_s=DAY_S, people=messages, address=address, environment=_POLLING) as stack:
        stack.fault("repeat_callbacks", most=5, seed=run.seed)
        stack.fault("shuffle_callbacks", seconds=2.0)
        stack.fault("lose_callbacks", share=0.1)
        # A small run needs its lie too.
        stack.fault("lying_callbacks", share=max(0.05, 1 / messages))
        stack.hr.start_all(stack.leaves, ladder("first_notice"))
        try:
            until(lambda: stack.closed() == messages, PATIENCE_S, "not every case was closed")
            until(stack.ledger.all_reported, PATIENCE_S, "not every text was reported")
            _until_quiet(stack, polls)
        except NotReached as late:
            finding.violations.append(str(late))
        found, reports = audit(stack, finding, started=messages), stack.ledger.reports()
        heard = {one.sid for one in reports if one.kind == "true" and one.status in _FINAL}
        unheard = {one.id for one in found.ledger if one.channel == "sms"} - heard
        finding.violations += must.forged_reports_are_refused(reports)
        finding.violations += must.final_states_are_right(
            found.matched, found.books.deliveries, set() if polls else unheard
        )
        finding.figures |= {
            "reports posted": sum(one.kind != "lost" for one in reports),
            "reports lost": sum(one.kind == "lost" for one in reports),
            "ends that were never reported": len(unheard),
            "of these found by asking": len(unheard) if polls else "0 (this version does not ask)",
            "forged reports": sum(one.kind == "forged" for one in reports),
            "forged reports refused with 403": sum(r.kind == "forged" and r.answer == 403 for r in reports),
        }
    return finding


def _until_quiet(stack: Arena, polls: bool) -> None:
    """Wait until reports are worked off and the rows of deliveries stand still for a moment."""
    until(
        lambda: stack.books.number("SELECT count(*) FROM inbox WHERE done_at IS NULL") == 0,
        PATIENCE_S,
        "reports were left unread",
    )
    if polls:
        until(
            lambda: stack.books.number("SELECT count(*) FROM delivery WHERE state = 'sent'") == 0,
            PATIENCE_S,
            "some ends were neither reported nor found by asking",
        )
    rows: list[dict[str, object]] = []
    still_since = time.monotonic()

    def quiet() -> bool:
        nonlocal rows, still_since
        now = stack.books.rows("SELECT id, state FROM delivery ORDER BY id")
        if now != rows:
            rows, still_since = now, time.monotonic()
        return time.monotonic() - still_since > _STILL_S

    until(quiet, PATIENCE_S, "deliveries never came to rest")
