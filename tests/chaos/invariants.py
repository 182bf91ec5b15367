"""What must hold after a run: pure comparisons that return violations in words; no violation, no words.

The ledger is the independent witness, the rows are what the product believes, the events are what it would
show a court. Each function takes only what it compares.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median, quantiles
from typing import Any

from tests.chaos.books import Event, Row
from tests.chaos.ledger import Acceptance, Report, code_of

SAYS_WHY_NOT = frozenset({"notice.nothing_sent", "delivery.suppressed", "rung.skipped"})
"""Kinds of evidence that explain why a planned notice reached nobody."""

_ADDRESSED = ("sms", "email")
_ON_ITS_WAY = timedelta(seconds=15)
_AT_REST = {"sent", "delivered", "failed_permanent", "failed_temporary", "unknown", "suppressed", "pending"}
_FAILED = {"failed_permanent", "failed_temporary"}
_ENDS_OF_STAND_IN = {
    ("delivered", None): "delivered",
    ("undelivered", 30001): "failed_temporary",
    ("undelivered", 30003): "failed_temporary",
    ("undelivered", 30004): "failed_permanent",
    ("undelivered", 30005): "failed_permanent",
    ("undelivered", 30006): "failed_permanent",
}
"""What the stand-in's end of a text must have become in our books."""


@dataclass(frozen=True)
class Matched:
    """The ledger laid beside the rows: acceptances by delivery id, and those that no delivery explains."""

    by_delivery: Mapping[str, list[Acceptance]]
    strays: list[Acceptance]


def match(acceptances: Iterable[Acceptance], deliveries: Iterable[Row]) -> Matched:
    """Find for each acceptance the delivery whose own code stands in its text."""
    by_code: dict[tuple[str, str | None], str] = {
        (row["channel"], code_of(row["text"])): row["id"]
        for row in deliveries
        if row["channel"] in _ADDRESSED
    }
    found: dict[str, list[Acceptance]] = defaultdict(list)
    strays = []
    for one in acceptances:
        delivery = by_code.get((one.channel, one.code)) if one.code else None
        if delivery is None:
            strays.append(one)
        else:
            found[delivery].append(one)
    return Matched(found, strays)


# -- messages ---------------------------------------------------------------------------------------------


def every_acceptance_is_explained(matched: Matched, deliveries: Iterable[Row]) -> list[str]:
    """Nothing left that was not recorded first, and nothing went to another address."""
    broken = [f"{one.channel} {one.id}: accepted, and no delivery knows its code" for one in matched.strays]
    for row in deliveries:
        for one in matched.by_delivery.get(row["id"], []):
            if row["sending_at"] is None:
                broken.append(f"delivery {row['id']}: accepted as {one.id}, but its row never began sending")
            if row["address"] != one.recipient:
                broken.append(
                    f"delivery {row['id']}: accepted as {one.id} for an address that is not its own"
                )
    return broken


def no_attempt_left_twice(matched: Matched) -> list[str]:
    """One attempt is one message: the ledger holds it once at most."""
    return [
        f"delivery {delivery}: one attempt was accepted {len(ones)} times ({', '.join(o.id for o in ones)})"
        for delivery, ones in matched.by_delivery.items()
        if len(ones) > 1
    ]


def duplicates(matched: Matched, deliveries: Iterable[Row]) -> list[Row]:
    """Return the attempts that reached somebody who had got the same notice over the same channel before.

    An attempt after one that the stand-in itself ended as undelivered is no duplicate.
    """
    found = []
    for rows in _attempts(deliveries):
        had_it = False
        for row in rows:
            ones = matched.by_delivery.get(row["id"], [])
            if ones and had_it:
                found.append(row)
            had_it = had_it or any(one.status != "undelivered" for one in ones)
    return found


def duplicates_are_listed(matched: Matched, deliveries: Sequence[Row], events: Iterable[Event]) -> list[str]:
    """Whoever got a notice twice stands in the rows and in the evidence as a possible duplicate."""
    told = {
        event.body.get("delivery")
        for event in events
        if event.kind == "delivery.sending" and event.body.get("possible_duplicate") is True
    }
    broken = []
    for row in duplicates(matched, deliveries):
        where = f"delivery {row['id']} ({row['channel']}, attempt {row['attempt']})"
        if not row["possible_duplicate"]:
            broken.append(f"{where}: a duplicate that the row does not list")
        if row["id"] not in told:
            broken.append(f"{where}: a duplicate that the evidence does not list")
    return broken


def listed_are_duplicates(matched: Matched, deliveries: Sequence[Row]) -> list[str]:
    """Where every ambiguous call was in truth accepted, each listed attempt that left is a duplicate."""
    real = {row["id"] for row in duplicates(matched, deliveries)}
    return [
        f"delivery {row['id']}: listed as a possible duplicate and accepted, but nothing was accepted before"
        for row in deliveries
        if row["possible_duplicate"] and row["id"] not in real and matched.by_delivery.get(row["id"])
    ]


def no_duplicates(matched: Matched, deliveries: Iterable[Row], channel: str) -> list[str]:
    """Nobody got a notice twice over this channel, not even a listed duplicate."""
    return [
        f"delivery {row['id']}: the {channel} message came a second time (attempt {row['attempt']})"
        for row in duplicates(matched, deliveries)
        if row["channel"] == channel
    ]


def message_ids_are_stable(matched: Matched, deliveries: Iterable[Row]) -> list[str]:
    """Each try of one mail attempt carries the same Message-ID, made of its delivery and attempt."""
    broken = []
    for row in deliveries:
        for one in matched.by_delivery.get(row["id"], []):
            wanted = f"<{row['id']}.{row['attempt']}@"
            if one.channel == "email" and not (one.message_id or "").startswith(wanted):
                broken.append(f"delivery {row['id']}: its mail carries the Message-ID {one.message_id}")
    return broken


def nothing_is_lost(
    cases: Iterable[Row],
    notices: Iterable[Row],
    deliveries: Iterable[Row],
    events: Iterable[Event],
    matched: Matched,
) -> list[str]:
    """Every case has a notice, and every notice an acceptance or an evidence event that says why not."""
    accepted = {
        row["notice_id"]
        for row in deliveries
        if matched.by_delivery.get(row["id"]) or row["channel"] == "in_system"
    }
    excused: dict[str, set[str]] = defaultdict(set)
    for event in events:
        # A held attempt uses the same kind of event, but names its delivery: it is made later, no excuse.
        held = event.kind == "notice.nothing_sent" and "delivery" in event.body
        if event.kind in SAYS_WHY_NOT and not held:
            about = event.body.get("step") or event.body.get("notice") or ""
            excused[event.case_id].add(str(about))
    by_case: dict[str, list[Row]] = defaultdict(list)
    for notice in notices:
        by_case[notice["case_id"]].append(notice)
    broken = []
    for case in cases:
        if not by_case[case["id"]] and not excused[case["id"]] and not case["outcome"]:
            broken.append(f"case {case['id']}: no notice was ever written and nothing says why")
        for notice in by_case[case["id"]]:
            reasons = {notice["id"], notice["step"].partition(".")[2]} & excused[case["id"]]
            if notice["id"] not in accepted and not reasons:
                broken.append(
                    f"case {case['id']}: notice {notice['step']} was accepted nowhere and nothing says why"
                )
    return broken


def rows_agree_with_the_ledger(matched: Matched, deliveries: Iterable[Row]) -> list[str]:
    """Every delivery says what the stand-in can confirm; none is left in the middle of a call."""
    broken = []
    for row in deliveries:
        if row["channel"] not in _ADDRESSED:
            continue
        ones, state = matched.by_delivery.get(row["id"], []), row["state"]
        name = f"delivery {row['id']} ({row['channel']})"
        if state not in _AT_REST:
            broken.append(f"{name}: is still {state} although nothing runs any more")
        elif state in {"sent", "delivered"} and not ones:
            broken.append(f"{name}: is {state}, and the stand-in never accepted it")
        elif state in {"pending", "suppressed"} and ones:
            broken.append(f"{name}: is {state}, and the stand-in accepted it as {ones[0].id}")
        elif state in _FAILED and ones and ones[0].channel == "sms" and ones[0].status != "undelivered":
            broken.append(f"{name}: is {state}, and the stand-in says {ones[0].status}")
        if row["channel"] == "sms" and ones and row["provider_id"] not in {None, *(o.id for o in ones)}:
            broken.append(f"{name}: names {row['provider_id']} and was accepted as {ones[0].id}")
    return broken


def final_states_are_right(matched: Matched, deliveries: Iterable[Row], unheard: set[str]) -> list[str]:
    """Every text stands in our books as it ended at the stand-in.

    `unheard` are ids of texts whose end was never reported and that nobody asks for: they stay `sent`.
    """
    broken = []
    for row in deliveries:
        for one in matched.by_delivery.get(row["id"], []):
            if one.channel != "sms":
                continue
            wanted = _ENDS_OF_STAND_IN.get((one.status or "", one.error_code))
            wanted = "sent" if one.id in unheard else wanted
            if row["state"] != wanted:
                ended = f"{one.status} {one.error_code or ''}".strip()
                broken.append(f"delivery {row['id']}: is {row['state']}, its text {one.id} ended as {ended}")
    return broken


def forged_reports_are_refused(reports: Iterable[Report]) -> list[str]:
    """Every report with a wrong signature is met with 403, and no true one is."""
    broken = []
    for one in reports:
        if one.kind == "forged" and one.answer not in {403, None}:
            broken.append(f"text {one.sid}: a forged report of {one.status} was answered {one.answer}")
        if one.kind == "true" and one.answer in {401, 403}:
            broken.append(f"text {one.sid}: a true report of {one.status} was refused with {one.answer}")
    return broken


# -- cases ------------------------------------------------------------------------------------------------


def every_case_is_closed(cases: Sequence[Row], wanted: int) -> list[str]:
    """As many cases as were started, and each of them closed."""
    broken = [] if len(cases) == wanted else [f"{wanted} cases were started, the database has {len(cases)}"]
    broken += [
        f"case {case['id']}: is {case['state']} in stage {case['stage']}"
        for case in cases
        if case["state"] != "closed"
    ]
    return broken


def histories_agree(cases: Iterable[Row], results: Mapping[str, str | None]) -> list[str]:
    """A closed case's outcome is the result of its workflow. `results` are outcomes by workflow id."""
    broken = []
    for case in cases:
        told = results.get(case["workflow_id"])
        if told is None:
            broken.append(f"case {case['id']}: its workflow has no result, the row says {case['outcome']}")
        elif told != case["outcome"]:
            broken.append(f"case {case['id']}: its workflow ended as {told}, the row says {case['outcome']}")
    return broken


def chains_verify(verdicts: Mapping[str, str | None], cases: Iterable[Row]) -> list[str]:
    """Every case's evidence verifies. `verdicts` hold None for a sound bundle, else what is broken."""
    broken = []
    for case in cases:
        if case["id"] not in verdicts:
            broken.append(f"case {case['id']}: its evidence was never checked")
        elif (fault := verdicts[case["id"]]) is not None:
            broken.append(f"case {case['id']}: its evidence is broken: {fault}")
    return broken


def every_step_once_on_its_date(
    events: Iterable[Event], step_names: Sequence[str], may_be_late: timedelta = timedelta(seconds=1)
) -> list[str]:
    """Each planned step was reached once, at the instant that the plan, as last changed, had named.

    In time-lapse the case's clock stands at that instant; in real time work takes its moment.
    """
    planned: dict[str, dict[str, str]] = defaultdict(dict)
    reached: dict[str, list[tuple[str, str]]] = defaultdict(list)
    closed: dict[str, str] = {}
    for event in events:
        if event.kind == "plan.made":
            for step in event.body.get("steps", []):
                planned[event.case_id][step["step"]] = step["at"]
        elif event.kind == "plan.changed":
            for change in event.body.get("changes", []):
                planned[event.case_id][change["step"]] = change["new_at"]
        elif event.kind == "rung.reached":
            reached[event.case_id].append((event.body["step"], event.at))
        elif event.kind == "case.closed":
            closed[event.case_id] = str(event.body.get("outcome"))
    broken = []
    for case, steps in planned.items():
        times = Counter(name for name, _ in reached[case])
        for name in step_names:
            if times[name] != 1 and closed.get(case) == "exhausted":
                broken.append(f"case {case}: step {name} was reached {times[name]} times")
        for name, at in reached[case]:
            late = datetime.fromisoformat(at) - datetime.fromisoformat(steps[name])
            if not timedelta(0) <= late < may_be_late:
                broken.append(f"case {case}: step {name} was planned for {steps[name]} and reached at {at}")
    return broken


@dataclass(frozen=True)
class Timer:
    """One timer of a history: when it was started, when it was due, and how it ended (None: not at all)."""

    workflow_id: str
    due: datetime
    ended: str | None
    ended_at: datetime | None
    closed_at: datetime | None


def no_timer_is_lost(timers: Iterable[Timer], seen_at: datetime) -> list[str]:
    """Every timer that was due when we looked had fired or been cancelled, or its workflow had closed before.

    None fired early. A timer of the last seconds may still be on its way.
    """
    broken = []
    for timer in timers:
        gone_by = seen_at - _ON_ITS_WAY if timer.closed_at is None else timer.closed_at
        if timer.ended is None and timer.due < gone_by:
            broken.append(f"{timer.workflow_id}: the timer due at {timer.due:%H:%M:%S} never fired")
        early = timer.ended_at is not None and timer.ended_at < timer.due - timedelta(milliseconds=50)
        if timer.ended == "fired" and early:
            broken.append(f"{timer.workflow_id}: the timer due at {timer.due:%H:%M:%S} fired early")
    return broken


# -- requests ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """One request that was repeated under one key until it was answered.

    `case_id` is what the answer named; `answers` are the HTTP statuses in order, None for a cut connection.
    `committed` says whether the first request stood in the books when the API died.
    """

    key: str
    kind: str
    subject: str
    answers: tuple[int | None, ...]
    case_id: str | None = None
    committed: bool = False


def every_request_was_answered(asked: Iterable[Asked]) -> list[str]:
    """However often the API died, whoever asked again got an answer that is no fault of the server."""
    return [
        f"{one.kind} {one.key}: ended with {one.answers[-1] if one.answers else 'nothing'}"
        for one in asked
        if not one.answers or one.answers[-1] is None or one.answers[-1] >= 500
    ]


def starts_are_single(asked: Iterable[Asked], cases: Iterable[Row], errands: Iterable[Row]) -> list[str]:
    """Every start that was asked for made exactly one case, whose workflow was ordered exactly once."""
    by_leave: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        by_leave[case["leave_id"]].append(case["id"])
    orders = Counter(row["body"]["case"] for row in errands if row["kind"] == "start_case")
    open_orders = {row["body"]["case"] for row in errands if row["done_at"] is None and "case" in row["body"]}
    broken = []
    for one in asked:
        if one.kind != "start":
            continue
        found = by_leave[one.subject]
        if len(found) != 1:
            broken.append(f"start {one.key}: there are {len(found)} cases for its leave")
        elif one.case_id != found[0]:
            broken.append(f"start {one.key}: was told the case {one.case_id}, the database has {found[0]}")
        elif orders[found[0]] != 1 or found[0] in open_orders:
            broken.append(f"start {one.key}: its case was ordered {orders[found[0]]} times or is still open")
    return broken


def acts_are_single(asked: Iterable[Asked], acts: Iterable[Row], events: Iterable[Event]) -> list[str]:
    """Every act and answer that was asked for stands once in the books, in effect, and once in the evidence.

    One request per case and kind is asked, so that the case names the act.
    """
    by_case: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for act in acts:
        by_case[act["case_id"], act["kind"]].append(act)
    told = Counter(event.body["act"] for event in events if event.kind.startswith("answer."))
    broken = []
    for one in asked:
        if one.kind == "start":
            continue
        found = by_case[one.subject, one.kind]
        if len(found) != 1:
            broken.append(f"{one.kind} {one.key}: stands {len(found)} times in the books")
            continue
        if found[0]["state"] not in {"accepted", "settled"}:
            broken.append(f"{one.kind} {one.key}: is {found[0]['state']}, not in effect")
        if found[0]["role"] == "employee" and told[found[0]["id"]] != 1:
            broken.append(f"{one.kind} {one.key}: stands {told[found[0]['id']]} times in the evidence")
    return broken


# -- probes -----------------------------------------------------------------------------------------------

MAY_CHANGE = {
    "delivery": frozenset({"fetches", "fetched_at", "opened_at"}),
    "event": frozenset({"link.fetched", "link.opened"}),
}
"""What looking at a page may change: counters of fetches, and the two facts about it in the evidence."""


def nothing_changed(before: Mapping[str, list[Row]], after: Mapping[str, list[Row]]) -> list[str]:
    """Compare tables by their `id`; only counters of fetches and facts about them may differ."""
    broken = []
    for table, rows in before.items():
        free = MAY_CHANGE.get(table, frozenset())
        old, new = {row["id"]: row for row in rows}, {row["id"]: row for row in after[table]}
        for key in new.keys() - old.keys():
            if table != "event" or new[key]["kind"] not in MAY_CHANGE["event"]:
                broken.append(f"{table} {key}: is new ({new[key].get('kind', '')})")
        broken += [f"{table} {key}: is gone" for key in old.keys() - new.keys()]
        for key in old.keys() & new.keys():
            names = {name for name in old[key] if old[key][name] != new[key].get(name)} - free
            if names:
                broken.append(f"{table} {key}: changed in {', '.join(sorted(names))}")
    return broken


def answers_are_the_same(answers: Mapping[str, Iterable[bytes]]) -> list[str]:
    """Unknown, expired and revoked codes get the same bytes. `answers` are status, headers and body."""
    told = {kind: set(found) for kind, found in answers.items()}
    every = set().union(*told.values())
    if len(every) <= 1:
        return []
    sizes = ", ".join(f"{kind}: {len(found)}" for kind, found in told.items())
    return [f"codes that open nothing got {len(every)} different answers ({sizes})"]


def middle_half(times: Sequence[float]) -> float:
    """Return how far the middle half of some times spreads, in their own unit."""
    low, _, high = quantiles(times, n=4)
    return high - low


def times_are_alike(times: Mapping[str, Sequence[float]]) -> list[str]:
    """No kind of wrong code can be told by its time: medians differ by less than one kind scatters anyway.

    The bound is the widest middle half of one kind, so a busy machine widens it by itself.
    """
    spread = max(middle_half(found) for found in times.values())
    middles = {kind: median(found) for kind, found in times.items()}
    apart = max(middles.values()) - min(middles.values())
    if apart <= spread:
        return []
    told = ", ".join(f"{kind} {1000 * value:.1f} ms" for kind, value in middles.items())
    return [f"wrong codes can be told by their time: {told}; the middle half spans {1000 * spread:.1f} ms"]


def the_limiter_trips(statuses: Sequence[int], at_most: int) -> list[str]:
    """Guessing is turned away with 429 after `at_most` misses, and stays turned away."""
    first = next((number for number, status in enumerate(statuses) if status == 429), None)
    if first is None:
        return [f"{len(statuses)} wrong codes in a row were never turned away"]
    broken = [] if first <= at_most else [f"guessing was turned away after {first} tries only"]
    if any(status != 429 for status in statuses[first:]):
        broken.append("guessing was let in again after it had been turned away")
    return broken


def _attempts(deliveries: Iterable[Row]) -> Iterable[list[Row]]:
    """Yield the attempts of each notice and channel, the first one first."""
    found: dict[tuple[Any, Any], list[Row]] = defaultdict(list)
    for row in deliveries:
        found[row["notice_id"], row["channel"]].append(row)
    for rows in found.values():
        yield sorted(rows, key=lambda row: int(row["attempt"]))
