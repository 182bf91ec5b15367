"""The arena: one embedded stack of real processes in its own folder, killed and revived part by part."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from countersign.adapters.database.engine import Database
from countersign.adapters.database.migrate import migrate
from countersign.adapters.database.tokens import Tokens
from countersign.adapters.real_clock import utc_now
from countersign.contracts.cases import Role
from countersign.embedded import Stack, StackSettings, ports_of
from countersign.play import free_ports
from tests.chaos.books import BookReader
from tests.chaos.caller import Caller, ask
from tests.chaos.ledger import Ledger
from tests.chaos.staff import Address, hire, plain

DAY_S = 86_400
_LOOK_AGAIN_S = 0.25
_OURS = ("TEMPORAL_ADDRESS", "COUNTERSIGN_DATABASE_URL", "COUNTERSIGN_PUBLIC_BASE_URL")


class Arena:
    """A running stack with its people. All methods that start processes belong to the main thread.

    The kernel ends the parts together with the thread that started them.
    """

    def __init__(self, folder: Path, day_s: float, people: int, address: Callable[[int], Address]) -> None:
        first = free_ports(len(ports_of(0)))
        ports = ports_of(first)
        factor = 1 if day_s >= DAY_S else round(DAY_S / day_s)
        self.folder, self.stack = folder, Stack(StackSettings(folder, first, factor))
        self.may_be_late = timedelta(seconds=1 if factor > 1 else 60)
        self.base = f"http://127.0.0.1:{first}"
        self.stand_ins = f"http://127.0.0.1:{ports['outbox and SMS stand-in']}"
        self.temporal = f"127.0.0.1:{ports['Temporal server']}"
        folder.mkdir(parents=True, exist_ok=True)
        database = Database(self.stack.settings.url)
        migrate(database)
        # In real time the first notice must be overdue at any hour, so that it leaves at once.
        self.leaves = hire(database, people, address, ended_days_ago=1 if factor > 1 else 7)
        self.hr = Caller(self.base, Tokens(database, utc_now).create(Role.HR, None))
        database.close()
        self.books = BookReader(folder / "countersign.db")
        self.ledger = Ledger(folder / "sandbox")

    # -- faults and kills ---------------------------------------------------------------------------------

    def fault(self, mode: str, channel: str = "sms", **figures: float) -> None:
        """Switch a fault of a stand-in on; `none` switches all of its channel off."""
        body = json.dumps({"channel": channel, "mode": mode, **figures}).encode()
        answer = ask(self.stand_ins, "POST", "/sandbox/faults", body, {"Content-Type": "application/json"})
        if answer.status != 200:
            raise RuntimeError(f"the stand-in refused the fault {mode}: {answer.body!r}")

    def kill(self, part: str) -> None:
        """Send SIGKILL to a part and wait until it is gone."""
        number = self.stack.process_id(part)
        os.kill(number, signal.SIGKILL)
        until(lambda: _gone(number), 10, f"the {part} did not die", 0.01)

    def revive(self) -> None:
        """Start again what is dead."""
        for child in self.stack._children:
            # The stack gives a part up that dies six times a minute; here it is we who kill it.
            child.starts.clear()
        with self._quietly():
            self.stack.revive()

    def wait_until_ready(self, patience_s: float = 60) -> float:
        """Wait until the API answers that it is ready; return the seconds that took."""
        begun = time.monotonic()
        until(self._ready, patience_s, "the API did not become ready", 0.05)
        return time.monotonic() - begun

    def _ready(self) -> bool:
        try:
            return ask(self.base, "GET", "/readyz", timeout_s=5).status == 200
        except OSError:
            return False

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        with (self.folder / "supervisor.log").open("a") as log, contextlib.redirect_stderr(log):
            yield

    # -- looking on ---------------------------------------------------------------------------------------

    def closed(self) -> int:
        """Return how many cases are closed."""
        return self.books.number("SELECT count(*) FROM case_ WHERE state = 'closed'")


@contextmanager
def arena(
    folder: Path,
    *,
    day_s: float,
    people: int,
    address: Callable[[int], Address] = plain,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Arena]:
    """Run a stack in `folder` in which a calendar day lasts `day_s` real seconds; stop it at the end."""
    with _environment(environment or {}):
        made = Arena(folder, day_s, people, address)
        try:
            with made._quietly():
                made.stack.start()
            yield made
        finally:
            with made._quietly():
                made.stack.stop()


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the parts of a stack; what would lead them elsewhere is taken out meanwhile."""
    before = dict(os.environ)
    for name in _OURS:
        os.environ.pop(name, None)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class NotReached(Exception):
    """Something that had to happen did not happen in time; the text is a violation."""


def until(what: Callable[[], Any], patience_s: float, else_: str, every_s: float = _LOOK_AGAIN_S) -> None:
    """Wait until `what()` is true; raise `NotReached` with the sentence when the patience is over."""
    deadline = time.monotonic() + patience_s
    while not what():
        if time.monotonic() > deadline:
            raise NotReached(f"{else_} in {patience_s:.0f} s")
        time.sleep(every_s)


def _gone(number: int) -> bool:
    """Say whether a child has ended with all its threads; whoever started it may still ask for its code."""
    try:
        return os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
