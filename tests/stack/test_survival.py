"""One stack of real processes and real sockets, killed in the middle of things."""

import json
import os
import re
import signal
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from countersign.adapters.database.tokens import Tokens
from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.embedded import Stack, StackSettings
from countersign.play import Player, free_ports
from tests.support.company import EMAIL, PHONE, add_leave, company

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]
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
        first = free_ports(5)
        self.stack = Stack(StackSettings(folder, first, FACTOR))
        self.base, self.outbox = f"http://127.0.0.1:{first}", f"http://127.0.0.1:{first + 1}"
        parts = company(folder, utc_now, time_lapse=FACTOR)
        yesterday = utc_now().astimezone(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=1)
        self.leave = add_leave(parts, yesterday)
        self.token = Tokens(parts.database, utc_now).create(Role.HR, None)
        parts.database.close()
        self.player = Player(self.base, self.outbox, self.token)

    def start_case(self) -> str:
        body = {"leave": self.leave, "policy": POLICY, "overdue": {"first_notice": "run_now"}}
        return str(self.player.call("/api/v1/cases", body, "start")["case"])

    def case(self, case_id: str) -> dict[str, Any]:
        return dict(self.player.call(f"/api/v1/cases/{case_id}"))

    def kill(self, name: str) -> None:
        os.kill(self.stack.process_id(name), signal.SIGKILL)
        time.sleep(0.3)

    def messages(self) -> list[str]:
        """Return the channel of every message the stand-ins accepted, the oldest first."""
        found = self.player.call_outbox(PHONE) + self.player.call_outbox(EMAIL)
        return [message["kind"] for message in found]

    def code(self) -> str:
        texts = [m["text"] for m in self.player.call_outbox(EMAIL)]
        return str(re.findall(r"/n/([0-9A-Z-]{14})", texts[0])[0])

    def answer(self, code: str, **fields: str) -> str:
        """Press the button on the page behind a link; return the page that follows."""
        page = f"{self.base}/n/{code}"
        with urllib.request.urlopen(page, timeout=20) as shown:
            hidden = dict(re.findall(r'name="(nonce|shown)" value="([0-9a-f]*)"', shown.read().decode()))
        form = urllib.parse.urlencode({**hidden, **fields}).encode()
        with urllib.request.urlopen(page, form, timeout=20) as receipt:
            return str(receipt.read().decode())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
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


def test_a_worker_killed_during_a_wait_sends_the_next_rung_once_and_on_its_planned_date(world: World) -> None:
    case = world.start_case()
    eventually(lambda: len(world.messages()) == 2)
    planned = [step["at"] for step in world.case(case)["steps"]]
    world.kill("worker")
    time.sleep(3)
    world.stack.revive()
    eventually(lambda: len(world.messages()) >= 4)
    eventually(lambda: world.case(case)["outcome"] == "exhausted")
    assert sorted(world.messages()) == ["mail", "mail", "sms", "sms"]
    reached = [e["body"]["at"] for e in world.case(case)["timeline"] if e["kind"] == "rung.reached"]
    assert reached == planned


def test_an_answer_survives_a_stopped_worker_and_a_killed_server(world: World) -> None:
    case = world.start_case()
    eventually(lambda: len(world.messages()) == 2)
    world.kill("worker")
    begun = time.monotonic()
    receipt = world.answer(world.code(), answer="resigned")
    assert time.monotonic() - begun < 8
    assert "正在处理" in receipt
    assert "answer.resigned" in [event["kind"] for event in world.case(case)["timeline"]]
    assert world.case(case)["state"] == "running"
    world.kill("temporal")
    time.sleep(1)
    # The rung's time passes while nothing runs: 3 days are 18 seconds here.
    time.sleep(18)
    world.stack.revive()
    eventually(lambda: world.case(case)["state"] == "closed", 60)
    assert world.case(case)["outcome"] == "resigned"
    assert sorted(world.messages()) == ["mail", "sms"]
    parts = Parts(world.stack.settings)
    act = next(e["body"]["act"] for e in world.case(case)["timeline"] if e["kind"] == "answer.resigned")
    assert parts.acts.must_view(act).state == "accepted"
    parts.database.close()


def test_receipts_of_the_stand_in_reach_the_case_and_forged_ones_do_not(world: World) -> None:
    case = world.start_case()
    eventually(lambda: len(world.messages()) == 2)

    def sms() -> dict[str, Any]:
        deliveries = [d for n in world.case(case)["notices"] for d in n["deliveries"]]
        return dict(next(d for d in deliveries if d["channel"] == "sms"))

    eventually(lambda: sms()["state"] == "delivered")
    assert sms()["says"] == "delivered (says the carrier)"
    events = len(world.case(case)["timeline"])
    forged = urllib.parse.urlencode({"MessageSid": "SM1", "MessageStatus": "failed"}).encode()
    request = urllib.request.Request(f"{world.base}/hooks/twilio/status", forged)
    request.add_header("X-Twilio-Signature", "Zm9yZ2Vk")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=10)
    with refusal.value as answer:
        assert answer.code == 403
        assert "signature" in json.load(answer)["detail"]
    assert len(world.case(case)["timeline"]) == events
