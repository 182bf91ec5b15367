"""Machines look at the links that people are sent, and somebody guesses codes."""

import sqlite3
import string
import time
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from statistics import median

from tests.chaos import invariants as must
from tests.chaos.arena import DAY_S, Arena, NotReached, arena, until
from tests.chaos.books import Row
from tests.chaos.caller import Answer, ask, side_by_side
from tests.chaos.ledger import code_of
from tests.chaos.report import Finding
from tests.chaos.run import Run, audit
from tests.chaos.staff import ladder

LINKS, SAMPLES = 20, 80
"""The samples are for each kind of wrong code; all misses of a run stay below the limit for everybody."""
MISSES_OF_ONE = 30
PATIENCE_S = 60

_AGENTS = Path(__file__).with_name("agents.txt")
_LOOKS: tuple[tuple[str, dict[str, str]], ...] = (
    ("GET", {}),
    ("HEAD", {}),
    ("GET", {"Purpose": "prefetch", "X-Moz": "prefetch"}),
    ("GET", {"Sec-Purpose": "prefetch;prerender", "Sec-Fetch-Dest": "document"}),
)
_TABLES = {
    "case_": "SELECT * FROM case_",
    "act": "SELECT * FROM act",
    "task": "SELECT * FROM task",
    "delivery": "SELECT * FROM delivery",
    "link": "SELECT * FROM link",
    "errand": "SELECT * FROM outbox",
    "event": "SELECT case_id || '/' || seq AS id, kind, line FROM event",
}
_WATCHED = {"checked_at"}
"""The watch over running cases keeps when it looked last; it looks with and without probes."""


def agents() -> list[str]:
    """Return the user agents of the corpus."""
    lines = _AGENTS.read_text("utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def play(run: Run) -> Finding:
    """Look in every way at the links, then guess; the stack runs in real time, so that nothing else moves."""
    links, samples = run.sized(LINKS, 3), run.sized(SAMPLES, 12)
    known = agents()
    # A small run draws some of them.
    known = run.dice.sample(known, min(len(known), run.sized(2 * len(known), 12)))
    finding = run.finding(
        f"GET, HEAD and prefetch by {len(known)} scanners and messengers; guessing of codes"
    )
    with arena(run.folder, day_s=DAY_S, people=links) as stack:
        stack.hr.start_all(stack.leaves, ladder("first_notice"))
        try:
            until(lambda: stack.ledger.count() == links, PATIENCE_S, "not every notice was accepted")
            until(lambda: _settled(stack, links), PATIENCE_S, "the cases never came to rest")
        except NotReached as late:
            finding.violations.append(str(late))
        codes = {
            row["id"]: str(code_of(row["text"])) for row in stack.books.rows("SELECT id, text FROM delivery")
        }
        before = _tables(stack)
        statuses = _look(run, stack, known, list(codes.values()))
        finding.violations += must.nothing_changed(before, _tables(stack))
        finding.violations += [f"a look at a link was answered {s}" for s in set(statuses) - {200}]
        finding.figures |= {
            "user agents": len(known),
            "looks": len(statuses),
            "state changes": len(finding.violations),
            "fetches counted": stack.books.number("SELECT sum(fetches) FROM delivery"),
        }
        _guess(run, stack, finding, codes, samples)
        audit(stack, finding, started=links, all_closed=False)
    return finding


def _settled(stack: Arena, links: int) -> bool:
    rows = stack.books.rows("SELECT c.stage, d.state FROM case_ c JOIN delivery d ON d.case_id = c.id")
    return len(rows) == links and all((r["stage"], r["state"]) == ("ladder", "delivered") for r in rows)


def _tables(stack: Arena) -> dict[str, list[Row]]:
    found = {name: stack.books.rows(query) for name, query in _TABLES.items()}
    return {
        name: [{k: v for k, v in row.items() if k not in _WATCHED} for row in rows]
        for name, rows in found.items()
    }


def _look(run: Run, stack: Arena, known: list[str], codes: list[str]) -> list[int]:
    looks = [
        (method, f"/n/{run.dice.choice(codes)}{run.dice.choice(('', '?lang=en', '?lang=zh-CN'))}",
         {**headers, "User-Agent": agent})
        for agent in known
        for method, headers in _LOOKS
    ]  # fmt: skip
    run.dice.shuffle(looks)
    return side_by_side(lambda one: ask(stack.base, one[0], one[1], None, one[2]).status, looks, 4)


# -- guessing ---------------------------------------------------------------------------------------------


def _guess(run: Run, stack: Arena, finding: Finding, codes: dict[str, str], samples: int) -> None:
    """Compare the answers to codes that open nothing; then guess until the limiter turns us away."""
    expired, revoked, right = list(codes)[:3]
    _spoil(stack, "expires_at", expired, datetime.now(UTC) - timedelta(days=1))
    _spoil(stack, "revoked_at", revoked, datetime.now(UTC))
    kinds = [kind for kind in ("unknown", "expired", "revoked") for _ in range(samples)]
    run.dice.shuffle(kinds)
    told: dict[str, list[bytes]] = {kind: [] for kind in sorted(set(kinds))}
    times: dict[str, list[float]] = {kind: [] for kind in told}
    sources = cycle(f"127.0.1.{n}" for n in range(1, 2 + len(kinds) // (MISSES_OF_ONE - 5)))
    for kind in kinds:
        code = {"expired": codes[expired], "revoked": codes[revoked]}.get(kind) or _invented(run)
        begun = time.perf_counter()
        answer = ask(stack.base, "GET", f"/n/{code}", source=next(sources))
        times[kind].append(time.perf_counter() - begun)
        told[kind].append(_bytes_of(answer))
    guesses = MISSES_OF_ONE + 10
    statuses = [
        ask(stack.base, "GET", f"/n/{_invented(run)}", source="127.0.2.1").status for _ in range(guesses)
    ]
    after = ask(stack.base, "GET", f"/n/{codes[right]}", source="127.0.2.2").status
    finding.violations += must.answers_are_the_same(told)
    finding.violations += must.times_are_alike(times)
    finding.violations += must.the_limiter_trips(statuses, MISSES_OF_ONE)
    finding.violations += [] if after == 200 else [f"a right code was answered {after} while another guessed"]
    finding.figures |= {
        **{f"median answer to {kind} codes (ms)": round(1000 * median(t), 2) for kind, t in times.items()},
        "widest middle half of one kind (ms)": round(1000 * max(map(must.middle_half, times.values())), 2),
        "samples of each": samples,
        "guesses before 429": next((n for n, status in enumerate(statuses) if status == 429), guesses),
    }


def _spoil(stack: Arena, column: str, link: str, at: datetime) -> None:
    """Let a link expire or be revoked, behind the product's back."""
    database = sqlite3.connect(stack.folder / "countersign.db", timeout=30)
    with database:
        # In the form in which instants are stored: UTC without a zone.
        stored = at.replace(tzinfo=None).isoformat(" ", "microseconds")
        database.execute(f"UPDATE link SET {column} = ? WHERE id = ?", (stored, link))
    database.close()


def _invented(run: Run) -> str:
    letters = [c for c in string.digits + string.ascii_uppercase if c not in "ILOU"]
    return "-".join("".join(run.dice.choices(letters, k=4)) for _ in range(3))


def _bytes_of(answer: Answer) -> bytes:
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    return f"{answer.status} {sorted(headers.items())}\n".encode() + answer.body
