"""Two departures of the demo: a manager who vanishes, and a debt at the exit."""

from dataclasses import dataclass, field
from typing import Any

from countersign.adapters.real_clock import utc_now
from countersign.contracts.cases import Role
from countersign.demo import SAMPLE_LEAVER
from countersign.domain.departure import DutyKind
from countersign.domain.local_time import day_of
from countersign.play.player import Player

VANISHED, HIS_CHIEF = "E1003", "E1001"
_FROM_WAGE_FEN, _BY_BANK_FEN = 4_527_00, 738_00
_RECEIVERS = ("E2003", "E2005")
_TRACKING = "EV100000003CN"


@dataclass
class Vanished:
    """He comes no more and answers nobody: notice, letter, service in person, certificate, duties."""

    player: Player
    number: str = VANISHED
    departure: str = ""
    statutory: str = ""
    ended: bool = False
    right: bool = False

    def _begin(self) -> None:
        today = day_of(utc_now()).isoformat()
        wish = {
            "employee": VANISHED,
            "kind": "absence",
            "last_day": today,
            "noticed_on": today,
            "successor": HIS_CHIEF,
            "reason": "连续三日未到岗，亦未请假。",
        }
        made = self.player.call("/api/v1/departures", wish, "vanished")
        self.departure, self.statutory = made["case"], made["statutory_case"]

    def look(self) -> None:
        """Do what HR has to do now; once per stage."""
        if not self.departure:
            self._begin()
        case = self.player.call(f"/api/v1/cases/{self.statutory}")
        self.player.tell(VANISHED, case)
        at = case["timeline"][-1]["at"]
        if case["stage"] == "posting_due":
            posted = {"act": "posted", "happened_at": at, "courier": "EMS", "tracking_number": _TRACKING}
            self.player.once("vanished/posted", f"/api/v1/cases/{self.statutory}/acts", posted)
        elif "vanished/posted" in self.player.done and case["stage"] != "visit_due":
            report = {"tracking_number": _TRACKING, "state": "signed_by_other", "at": at}
            self.player.once("vanished/courier", "/api/v1/courier-events", report)
        if case["stage"] == "visit_due":
            form = {"on": at[:10], "witness": "门卫"}
            self.player.form_once(f"/api/v1/departures/{self.departure}/service", form)
        if case["stage"] == "duties":
            do_duties(self.player, self.departure)
        if case["state"] == "closed":
            self._end(case["outcome"])

    def _end(self, outcome: str) -> None:
        gate = self.player.call(f"/api/v1/departures/{self.departure}/gate")
        self.player.say(VANISHED, "gate", told_gate(gate))
        self.player.check_evidence(VANISHED, self.statutory)
        open_items = {"documents", "equipment_owed"} <= {one["code"] for one in gate["reasons"]}
        self.ended, self.right = True, outcome == "fulfilled" and open_items


@dataclass
class Debt:
    """She owes five months of insurance: the gate opens when the last of it is booked."""

    player: Player
    number: str = SAMPLE_LEAVER
    departure: str = ""
    said: str = ""
    codes: set[str] = field(default_factory=set)
    ended: bool = False
    right: bool = False

    def look(self) -> None:
        """Let everybody do what is theirs, as soon as it can be done."""
        if not self.departure:
            found = self.player.call(f"/api/v1/departures?search={SAMPLE_LEAVER}")
            self.departure = found["departures"][0]["case"]
        case = self.player.call(f"/api/v1/cases/{self.departure}")
        self.player.tell(SAMPLE_LEAVER, case)
        gate = self.player.call(f"/api/v1/departures/{self.departure}/gate")
        self.codes = {one["code"] for one in gate["reasons"]}
        if (told := told_gate(gate)) != self.said:
            self.player.say(SAMPLE_LEAVER, "gate", told)
            self.said = told
        if case["state"] == "closed":
            self.player.check_evidence(SAMPLE_LEAVER, self.departure)
            self.ended, self.right = True, case["outcome"] == "completed"
        elif self.codes & {"documents", "customers", "equipment"}:
            self._hand_over()
        elif "still_employed" not in self.codes:
            self._settle()

    def _hand_over(self) -> None:
        everything = {"everything": "yes"}
        items = self.player.call(f"/api/v1/departures/{self.departure}/items")["items"]
        if any(one["state"] == "open" for one in items):
            self.player.answer(SAMPLE_LEAVER, "/items", everything)
            return
        for number in _RECEIVERS:
            self.player.answer(number, "/items", everything, subject="交接")
        equipment = [one["item"] for one in items if one["track"] == "equipment"]
        back = {"items": equipment, "condition": "undamaged"}
        path = f"/api/v1/departures/{self.departure}/items/accept"
        self.player.once("debt/equipment", path, back, Role.ADMINISTRATION)

    def _settle(self) -> None:
        do_duties(self.player, self.departure)
        owed = {"insurance_advance": _FROM_WAGE_FEN + _BY_BANK_FEN}
        path = f"/api/v1/departures/{self.departure}/balances-confirmed"
        if self.player.once("debt/confirmed", path, owed, Role.FINANCE):
            return
        if self._books("deduction", _FROM_WAGE_FEN):
            return
        if self.codes == {"insurance_advance"}:
            self._books("repayment", _BY_BANK_FEN)

    def _books(self, kind: str, fen: int) -> bool:
        today = day_of(utc_now()).isoformat()
        posting = {"kind": kind, "account": "insurance_advance", "amount_fen": fen, "booked_on": today}
        path = f"/api/v1/employees/{SAMPLE_LEAVER}/postings"
        return self.player.once(f"debt/{kind}", path, posting, Role.FINANCE)


def do_duties(player: Player, departure: str) -> None:
    """Let HR and finance do what the law wants, as soon as it is due."""
    for duty in player.call(f"/api/v1/departures/{departure}/duties")["duties"]:
        if duty["state"] == "done" or duty["duty"] == DutyKind.CERTIFICATE:
            continue
        by = Role.FINANCE if duty["duty"] == DutyKind.WAGES else Role.HR
        path = f"/api/v1/departures/{departure}/duties/{duty['duty']}/done"
        player.form_once(path, {"reference": "DEMO"}, by)


def told_gate(gate: dict[str, Any]) -> str:
    """Return in one line why somebody cannot leave."""
    if gate["open"]:
        return "open"
    return "shut: " + ", ".join(_reason(one) for one in gate["reasons"])


def _reason(one: dict[str, Any]) -> str:
    if one["amount_fen"]:
        return f"{one['code']} {one['amount_fen'] / 100:,.2f}"
    return f"{one['code']} {one['count']}" if one["count"] else str(one["code"])
