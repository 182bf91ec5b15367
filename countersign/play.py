"""The demo in a minute: a silent employee and one who answers, played in time-lapse on the real stack."""

import json
import os
import re
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tokens import Tokens
from countersign.adapters.real_clock import utc_now
from countersign.contracts.cases import Role
from countersign.domain.bundle import verify_bundle
from countersign.embedded import Stack, StackSettings, ports_of

FACTOR = 86_400
PATIENCE_S = 150
SILENT, ANSWERS = "E1004", "E2003"
_FIELD = re.compile(r'name="(nonce|shown)" value="([0-9a-f]*)"')
_SHOWN = {
    "case.started",
    "rung.reached",
    "delivery.sent",
    "delivery.delivered",
    "delivery.failed",
    "notice.nothing_sent",
    "paper.posted",
    "manual.visit",
    "plan.changed",
    "answer.returns_on",
    "case.closed",
}


@dataclass
class Player:
    """Plays HR and the employees against a running stack, over HTTP only."""

    base: str
    outbox: str
    token: str
    told: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def call(self, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> Any:
        """Call the JSON API."""
        request = urllib.request.Request(self.base + path)  # noqa: S310  our own http address
        request.add_header("Authorization", f"Bearer {self.token}")
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
            request.add_header("Idempotency-Key", key or path)
        with urllib.request.urlopen(request, data, timeout=20) as answer:  # noqa: S310
            return json.load(answer)

    def cases(self) -> dict[str, dict[str, Any]]:
        """Return the newest case of each employee, by employee number."""
        rows = self.call("/api/v1/cases")["cases"]
        return {row["employee"]["number"]: row for row in reversed(rows)}

    def tell(self, number: str, case: dict[str, Any]) -> None:
        """Print what is new in a case's timeline."""
        for event in case["timeline"][self.told.get(number, 0) :]:
            if event["kind"] in _SHOWN:
                body = event["body"]
                what = body.get("step") or body.get("outcome") or body.get("channel") or ""
                line = f"{event['at'][:16].replace('T', ' ')}  {number}  {event['kind']:<20} {what}"
                sys.stdout.write(line + "\n")
        sys.stdout.flush()
        self.told[number] = len(case["timeline"])

    def act_as_hr(self, case: dict[str, Any]) -> None:
        """Do what HR has to do in the stage a case stands in; once per stage."""
        at = case["timeline"][-1]["at"]
        acts = {
            "overdue_review": {"act": "overdue_decided", "choices": _run_now(case)},
            "posting_due": {"act": "posted", "happened_at": at, "courier_number": "DEMO-0001"},
            "visit_due": {"act": "visited", "happened_at": at, "witness": "demo", "result": "nobody there"},
        }
        act = acts.get(case["stage"])
        key = f"{case['id']}/{case['stage']}"
        if act is None or key in self.done:
            return
        try:
            self.call(f"/api/v1/cases/{case['id']}/acts", act, key)
        except urllib.error.HTTPError:
            return  # the case has moved on meanwhile; the next look decides
        self.done.add(key)

    def answer(self, number: str, case: dict[str, Any]) -> None:
        """Answer as the employee would: open the link of the newest message, press the button."""
        email = f"{number.lower()}@demo.example.com"
        messages = self.call_outbox(email)
        codes = [m for message in messages for m in re.findall(r"/n/([0-9A-Z-]{14})", message["text"])]
        if number in self.done or not codes or case["stage"] != "ladder":
            return
        page = f"{self.base}/n/{codes[0]}"
        with urllib.request.urlopen(page, timeout=20) as shown:  # noqa: S310
            hidden = dict(_FIELD.findall(shown.read().decode()))
        on = datetime.fromisoformat(case["timeline"][-1]["at"]).date() + timedelta(days=7)
        form = {**hidden, "answer": "returns_on", "on": on.isoformat()}
        with urllib.request.urlopen(page, urllib.parse.urlencode(form).encode(), timeout=20):  # noqa: S310
            self.done.add(number)

    def call_outbox(self, recipient: str) -> list[dict[str, Any]]:
        """Return what the stand-ins hold for one recipient, the newest first."""
        query = urllib.parse.urlencode({"to": recipient})
        with urllib.request.urlopen(f"{self.outbox}/outbox.json?{query}", timeout=20) as answer:  # noqa: S310
            return list(json.load(answer)["messages"])

    def play(self) -> bool:
        """Play until both cases are closed; say whether they ended as they should."""
        deadline = time.monotonic() + PATIENCE_S
        outcomes: dict[str, str] = {}
        while time.monotonic() < deadline and len(outcomes) < 2:
            found = self.cases()
            for number in (SILENT, ANSWERS):
                if number not in found or number in outcomes:
                    continue
                case = self.call(f"/api/v1/cases/{found[number]['id']}")
                self.tell(number, case)
                self.act_as_hr(case)
                if number == ANSWERS:
                    self.answer(number, case)
                if case["state"] == "closed":
                    outcomes[number] = case["outcome"]
                    self.check_evidence(number, case["id"])
            time.sleep(0.3)
        return outcomes == {SILENT: "exhausted", ANSWERS: "returns_on"}

    def check_evidence(self, number: str, case_id: str) -> None:
        """Export and verify a bundle."""
        request = urllib.request.Request(f"{self.base}/api/v1/cases/{case_id}/evidence")  # noqa: S310
        request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            report = verify_bundle(answer.read())
        verdict = f"{report.length} events, verified" if report.ok else f"BROKEN: {report.first_broken}"
        sys.stdout.write(f"{'':16}  {number}  evidence             {verdict}\n")
        if not report.ok:
            raise RuntimeError(f"The evidence of {number} does not verify: {report.first_broken}")


def _run_now(case: dict[str, Any]) -> dict[str, str]:
    held = [event for event in case["timeline"] if event["kind"] == "rung.held"]
    return {step["step"]: "run_now" for step in held[-1]["body"]["overdue"]} if held else {}


def free_ports(count: int) -> int:
    """Return the first of `count` neighbouring ports that are free now."""
    for first in range(18_000 + os.getpid() * count % 6_000, 30_000, count):
        with_all = True
        for port in range(first, first + count):
            with socket.socket() as probe:
                with_all = with_all and probe.connect_ex(("127.0.0.1", port)) != 0
        if with_all:
            return first
    raise RuntimeError(f"No {count} neighbouring ports are free between 18000 and 30000.")


def main() -> int:
    """Play the demo in a folder of its own; 0 when both stories ended as they should."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="countersign-demo-") as folder:
        first = free_ports(len(ports_of(0)))
        stack = Stack(StackSettings(Path(folder), first, FACTOR, demo=True))
        try:
            stack.start()
            database = Database(stack.settings.url)
            token = Tokens(database, utc_now).create(Role.HR, None)
            database.close()
            base = f"http://127.0.0.1:{first}"
            sys.stdout.write(f"One day passes in a second. {SILENT} stays silent, {ANSWERS} answers.\n\n")
            right = Player(base, f"http://127.0.0.1:{first + 1}", token).play()
        finally:
            stack.stop()
    seconds = time.monotonic() - started
    ended = "both stories ended as they should" if right else "a story did not end as it should"
    sys.stdout.write(f"\n{ended}; {seconds:.0f} s in all\n")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
