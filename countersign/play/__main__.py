"""The demo in a minute: leaves and departures, played in time-lapse on the real stack."""

import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tokens import Tokens
from countersign.adapters.real_clock import utc_now
from countersign.contracts.cases import Process, Role
from countersign.demo import SAMPLE_LEAVER
from countersign.embedded import Stack, StackSettings, ports_of
from countersign.play import free_ports
from countersign.play.departures import VANISHED, Debt, Vanished
from countersign.play.player import Player

FACTOR = 86_400
PATIENCE_S = 150
SILENT, ANSWERS = "E1004", "E2003"
_WHAT_IS_PLAYED = f"""One day passes in a second.
{SILENT}  sick leave is over, and he stays silent to the end of the ladder
{ANSWERS}  answers the first message
{VANISHED}  a manager vanishes: the certificate comes on the day of the end, with the handover open
{SAMPLE_LEAVER}  leaves with a debt: the gate opens when the last of it is booked"""
_OFFICES = (Role.HR, Role.FINANCE, Role.ADMINISTRATION)


class Story(Protocol):
    """Something that is played until it has ended; `right` says whether as it should."""

    number: str
    ended: bool
    right: bool

    def look(self) -> None:
        """Tell what is new, and do what is to be done now."""


@dataclass
class LeaveEnds:
    """A leave ends: the employee answers, or stays silent to the end of the ladder."""

    player: Player
    number: str
    should_end: str
    ended: bool = False
    right: bool = False

    def look(self) -> None:
        """Do what HR and the employee have to do in the stage that the case stands in."""
        rows = self.player.call("/api/v1/cases")["cases"]
        leaves = [one for one in rows if one["kind"] == Process.LEAVE_RETURN]
        mine = [one["id"] for one in leaves if one["employee"]["number"] == self.number]
        if not mine:
            return
        case = self.player.call(f"/api/v1/cases/{mine[0]}")
        self.player.tell(self.number, case)
        self._act_as_hr(case)
        if self.should_end == "returns_on" and case["stage"] == "ladder":
            self._answer(case)
        if case["state"] == "closed":
            self.player.check_evidence(self.number, case["id"])
            self.ended, self.right = True, case["outcome"] == self.should_end

    def _act_as_hr(self, case: dict[str, Any]) -> None:
        at = case["timeline"][-1]["at"]
        acts = {
            "overdue_review": {"act": "overdue_decided", "choices": _run_now(case)},
            "posting_due": {"act": "posted", "happened_at": at, "courier_number": "DEMO-0001"},
            "visit_due": {"act": "visited", "happened_at": at, "witness": "demo", "result": "nobody there"},
        }
        if act := acts.get(case["stage"]):
            key = f"{case['id']}/{case['stage']}"
            self.player.once(key, f"/api/v1/cases/{case['id']}/acts", act)

    def _answer(self, case: dict[str, Any]) -> None:
        on = datetime.fromisoformat(case["timeline"][-1]["at"]).date() + timedelta(days=7)
        self.player.answer(self.number, "", {"answer": "returns_on", "on": on.isoformat()})


def _run_now(case: dict[str, Any]) -> dict[str, str]:
    held = [event for event in case["timeline"] if event["kind"] == "rung.held"]
    return {step["step"]: "run_now" for step in held[-1]["body"]["overdue"]} if held else {}


def play(stories: list[Story]) -> bool:
    """Play until every story has ended; say whether all ended as they should."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and not all(one.ended for one in stories):
        for story in stories:
            if not story.ended:
                story.look()
        time.sleep(0.2)
    return all(one.right for one in stories)


def main() -> int:
    """Play the demo in a folder of its own; 0 when all stories ended as they should."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="countersign-demo-") as folder:
        first = free_ports(len(ports_of(0)))
        stack = Stack(StackSettings(Path(folder), first, FACTOR, demo=True))
        try:
            stack.start()
            player = Player(f"http://127.0.0.1:{first}", f"http://127.0.0.1:{first + 1}", _tokens(stack))
            stories: list[Story] = [
                LeaveEnds(player, SILENT, "exhausted"),
                LeaveEnds(player, ANSWERS, "returns_on"),
                Vanished(player),
                Debt(player),
            ]
            sys.stdout.write(_WHAT_IS_PLAYED + "\n\n")
            right = play(stories)
        finally:
            stack.stop()
    wrong = [one.number for one in stories if not one.right]
    ended = "all four stories ended as they should" if right else f"not as it should: {', '.join(wrong)}"
    sys.stdout.write(f"\n{ended}; {time.monotonic() - started:.0f} s in all\n")
    return 0 if right else 1


def _tokens(stack: Stack) -> dict[Role, str]:
    database = Database(stack.settings.url)
    tokens = {role: Tokens(database, utc_now).create(role, None) for role in _OFFICES}
    database.close()
    return tokens


if __name__ == "__main__":
    sys.exit(main())
