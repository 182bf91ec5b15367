"""The API is killed just after it was asked something; whoever asked asks again under the same key."""

import http.client
import json
import re
import threading
import time
import urllib.parse
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from tests.chaos import invariants as must
from tests.chaos.arena import Arena, NotReached, arena, until
from tests.chaos.caller import Answer, ask, insist, side_by_side, start_body
from tests.chaos.ledger import code_of
from tests.chaos.report import Finding
from tests.chaos.run import Run, audit
from tests.chaos.staff import ladder

KILLS = 200
DAY_S = 14_400
"""Nobody's rung ends while the scenario runs: cases end by what people do."""
PATIENCE_S = 240
LONGEST_DELAY_S = 0.1

_KINDS = ("start", "resigned", "back")
_POLICY = ladder("first_notice")
_FIELD = re.compile(r'name="(nonce|shown)" value="([0-9a-f]*)"')
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Wish:
    """One request to be made under fire; `send` makes it once and tells when it has left."""

    key: str
    kind: str
    subject: str
    send: Callable[[Callable[[], None]], Answer]


def play(run: Run) -> Finding:
    """Kill at seeded instants after starts, acts of HR and answers through links."""
    kills = run.sized(KILLS, 2)
    kinds = [_KINDS[number % len(_KINDS)] for number in range(kills)]
    run.dice.shuffle(kinds)
    finding = run.finding(
        f"SIGKILL of the API {kills} times just after a start, an act or an answer was sent"
    )
    with arena(run.folder, day_s=DAY_S, people=kills) as stack:
        open_already = [leave for leave, kind in zip(stack.leaves, kinds, strict=True) if kind != "start"]
        cases = dict(zip(open_already, stack.hr.start_all(open_already, _POLICY), strict=True))
        asked: list[must.Asked] = []
        try:
            until(
                lambda: stack.ledger.count() >= len(open_already), PATIENCE_S, "not every notice was accepted"
            )
            for number, (leave, kind) in enumerate(zip(stack.leaves, kinds, strict=True)):
                wish = _wish(stack, f"chaos-{number}", kind, leave, cases.get(leave))
                asked.append(_under_fire(stack, wish, run.dice.uniform(0, LONGEST_DELAY_S)))
            _end_the_started(stack, asked)
            until(lambda: stack.closed() == kills, PATIENCE_S, "not every case was closed")
        except NotReached as late:
            finding.violations.append(str(late))
        found = audit(stack, finding, started=kills)
        finding.violations += must.every_request_was_answered(asked)
        finding.violations += must.starts_are_single(asked, found.books.cases, found.books.errands)
        finding.violations += must.acts_are_single(asked, found.books.acts, found.books.events)
        finding.violations += must.no_duplicates(found.matched, found.books.deliveries, "sms")
        finding.figures |= {
            "kills": kills,
            **{f"requests of the kind {kind}": kinds.count(kind) for kind in _KINDS},
            "connections cut": sum(one.answers.count(None) for one in asked),
            "of these after the commit": sum(one.committed and None in one.answers for one in asked),
            "starts told 409 with their own case, asked again": sum(409 in one.answers for one in asked),
        }
    return finding


def _wish(stack: Arena, key: str, kind: str, leave: str, case: str | None) -> Wish:
    base, json_headers = stack.base, stack.hr.headers(key)
    if kind == "start" or case is None:
        body = start_body(leave, _POLICY)
        post = partial(ask, base, "POST", "/api/v1/cases", body, json_headers)
        return Wish(key, "start", leave, lambda sent: post(sent=sent))
    if kind == "back":
        act = partial(
            ask,
            base,
            "POST",
            f"/api/v1/cases/{case}/acts",
            json.dumps({"act": "back"}).encode(),
            json_headers,
        )
        return Wish(key, "back", case, lambda sent: act(sent=sent))
    row = stack.books.rows("SELECT text FROM delivery WHERE case_id = ? AND channel = 'sms'", case)[0]
    path = f"/n/{code_of(row['text'])}"
    page = insist(lambda: ask(base, "GET", path))[-1].body.decode()
    form = urllib.parse.urlencode({**dict(_FIELD.findall(page)), "answer": "resigned"}).encode()
    answer = partial(ask, base, "POST", path, form, _FORM)
    return Wish(key, "resigned", case, lambda sent: answer(sent=sent))


def _under_fire(stack: Arena, wish: Wish, delay_s: float) -> must.Asked:
    """Send a request, kill the API `delay_s` later, start it again, and ask again whatever came back."""
    left = threading.Event()
    answers: list[int | None] = []
    with ThreadPoolExecutor(1) as pool:
        first: Future[Answer] = pool.submit(wish.send, left.set)
        left.wait(10)
        time.sleep(delay_s)
        stack.kill("api")
        committed = _committed(stack, wish)
        stack.revive()
        try:
            answers.append(first.result().status)
        except (OSError, http.client.HTTPException):
            answers.append(None)
    stack.wait_until_ready()
    last = insist(lambda: wish.send(lambda: None))[-1]
    answers.append(last.status)
    case = last.json().get("case") if wish.kind == "start" else None
    return must.Asked(wish.key, wish.kind, wish.subject, tuple(answers), case, committed)


def _committed(stack: Arena, wish: Wish) -> bool:
    if wish.kind == "start":
        return bool(stack.books.rows("SELECT 1 FROM case_ WHERE leave_id = ?", wish.subject))
    return bool(stack.books.rows("SELECT 1 FROM act WHERE case_id = ? AND kind = ?", wish.subject, wish.kind))


def _end_the_started(stack: Arena, asked: list[must.Asked]) -> None:
    """Close the cases that were started under fire, once each of them has spoken."""
    started = [one for one in asked if one.kind == "start" and one.case_id is not None]
    until(
        lambda: stack.books.number("SELECT count(*) FROM case_ WHERE state = 'starting'") == 0,
        PATIENCE_S,
        "a case that was started never began",
    )
    until(
        lambda: (
            stack.books.number("SELECT count(DISTINCT case_id) FROM delivery WHERE sent_at IS NOT NULL")
            >= len(asked)
        ),
        PATIENCE_S,
        "a case never spoke",
    )
    side_by_side(
        lambda one: stack.hr.act(str(one.case_id), {"act": "cancel", "reason": "end"}, f"end-{one.key}"),
        started,
    )
