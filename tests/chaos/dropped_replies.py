"""Both providers take messages and then hang up without an answer, in three of ten calls."""

from tests.chaos import invariants as must
from tests.chaos.arena import NotReached, arena, until
from tests.chaos.report import Finding
from tests.chaos.run import Run, audit
from tests.chaos.staff import ladder

CASES, SHARE = 300, 0.3
DAY_S = 260
"""Longer than the two minutes after which a message that may have left is looked for, twice over."""
PATIENCE_S = 600


def play(run: Run) -> Finding:
    """Let SMS be settled by the provider's list, and mail, which has no list, be sent again and listed."""
    cases = run.sized(CASES, 4)
    finding = run.finding(f"{SHARE:.0%} of the replies dropped after acceptance, {cases} cases, SMS and mail")
    with arena(run.folder, day_s=DAY_S, people=cases) as stack:
        stack.fault("drop_reply_after_accept", share=SHARE, seed=run.seed)
        stack.fault("drop_after_data", "mail", share=SHARE, seed=run.seed)
        stack.hr.start_all(stack.leaves, ladder("first_notice", channels=("sms", "email")))
        try:
            until(lambda: stack.closed() == cases, DAY_S + PATIENCE_S, "not every case was closed")
        except NotReached as late:
            finding.violations.append(str(late))
        found = audit(stack, finding, started=cases)
        rows = found.books.deliveries
        mails = [row for row in rows if row["channel"] == "email"]
        finding.violations += must.no_duplicates(found.matched, rows, "sms")
        finding.violations += must.listed_are_duplicates(found.matched, mails)
        finding.violations += must.message_ids_are_stable(found.matched, mails)
        finding.figures |= {
            "texts accepted": sum(one.channel == "sms" for one in found.ledger),
            "mails accepted": sum(one.channel == "email" for one in found.ledger),
            "mails listed as possible duplicates": sum(bool(row["possible_duplicate"]) for row in mails),
        }
    return finding
