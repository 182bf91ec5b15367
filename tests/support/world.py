"""The whole stack as real processes, with HR and the employee acting on it over HTTP."""

import os
import re
import signal
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from countersign.adapters.database.tokens import Tokens
from countersign.adapters.real_clock import utc_now
from countersign.contracts.cases import Role
from countersign.embedded import Stack, StackSettings, ports_of
from countersign.play import free_ports
from countersign.play.player import Player
from tests.support.company import EMAIL, PHONE, add_leave, company

# A calendar day in six seconds: long enough to kill something inside a three-day wait.
FACTOR = 14_400
POLICY: dict[str, Any] = {
    "name": "any_hour",
    "remind_before": None,
    "rungs": [
        {"name": "first_notice", "audience": "employee", "channels": ["sms", "email"],
         "wait": {"value": 3, "unit": "calendar_days"}},
        {"name": "second_reminder", "audience": "employee", "channels": ["sms", "email"],
         "wait": {"value": 3, "unit": "calendar_days"}},
    ],
}  # fmt: skip


class World:
    """The running stack with its API as HR uses it."""

    def __init__(self, folder: Path) -> None:
        first = free_ports(len(ports_of(0)))
        self.stack = Stack(StackSettings(folder, first, FACTOR))
        self.base, self.outbox = f"http://127.0.0.1:{first}", f"http://127.0.0.1:{first + 1}"
        parts = company(folder, utc_now, time_lapse=FACTOR)
        yesterday = utc_now().astimezone(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=1)
        self.leave = add_leave(parts, yesterday)
        self.token = Tokens(parts.database, utc_now).create(Role.HR, None)
        parts.database.close()
        self.player = Player(self.base, self.outbox, {Role.HR: self.token})

    def start_case(self, policy: dict[str, Any] = POLICY) -> str:
        body = {"leave": self.leave, "policy": policy, "overdue": {"first_notice": "run_now"}}
        return str(self.player.call("/api/v1/cases", body, "start")["case"])

    def case(self, case_id: str) -> dict[str, Any]:
        return dict(self.player.call(f"/api/v1/cases/{case_id}"))

    def kill(self, name: str) -> None:
        os.kill(self.stack.process_id(name), signal.SIGKILL)
        time.sleep(0.3)

    def messages(self) -> list[str]:
        """Return the channel of every message the stand-ins accepted, the oldest first."""
        found = self.player.messages_at(PHONE) + self.player.messages_at(EMAIL)
        return [message["kind"] for message in found]

    def code(self) -> str:
        texts = [m["text"] for m in self.player.messages_at(EMAIL)]
        return str(re.findall(r"/n/([0-9A-Z-]{14})", texts[0])[0])

    def answer(self, code: str, **fields: str) -> str:
        """Press the button on the page behind a link; return the page that follows."""
        page = f"{self.base}/n/{code}"
        with urllib.request.urlopen(page, timeout=20) as shown:
            hidden = dict(re.findall(r'name="(nonce|shown)" value="([0-9a-f]*)"', shown.read().decode()))
        form = urllib.parse.urlencode({**hidden, **fields}).encode()
        with urllib.request.urlopen(page, form, timeout=20) as receipt:
            return str(receipt.read().decode())


@contextmanager
def running(folder: Path) -> Iterator[World]:
    """Start a world in a folder, and stop every process of it at the end."""
    made = World(folder)
    try:
        made.stack.start()
        yield made
    finally:
        made.stack.stop()


def eventually(what: Callable[[], bool], patience: float = 40) -> None:
    deadline = time.monotonic() + patience
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.3)
