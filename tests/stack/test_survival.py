"""One stack of real processes and real sockets, killed in the middle of things."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from countersign.bootstrap import Parts
from tests.support.world import World, eventually, running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running(tmp_path) as made:
        yield made


def test_a_worker_killed_during_a_wait_sends_the_next_rung_once_and_on_its_planned_date(world: World) -> None:
    case = world.start_case()
    eventually(lambda: len(world.messages()) == 2)
    planned = [step["at"] for step in world.case(case)["steps"]]
    time.sleep(1)  # the wait has begun: the worker has told the server how its calls ended
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
