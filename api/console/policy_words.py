"""Policies in words: their settings, waits and windows, what changed, and what is refused where."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from api.language import Sentence, catalogue, sentence
from countersign.contracts.cases import Process
from countersign.domain.console_words import name_of, told_in
from countersign.domain.levels import ZH
from countersign.domain.offboarding import Asks
from countersign.domain.policies import Refused
from countersign.domain.policy import OnUnknown, WaitUnit, WindowDays
from countersign.domain.policy_changes import Change, ChangeKind
from countersign.domain.questionnaire import QuestionKind

SETTINGS: Mapping[str, Sentence] = {
    "name": sentence("Policy name"),
    "rungs.name": sentence("Step name"),
    "sending_window": sentence("Sending window"),
    "sending_window.days": sentence("Days of the sending window"),
    "sending_window.from": sentence("Sending window opens"),
    "sending_window.to": sentence("Sending window closes"),
    "remind_before": sentence("Reminder before the leave ends"),
    "remind_channels": sentence("Channels of the reminder and of HR's replies"),
    "back_by": sentence("The return can be recorded until"),
    "notice_target_days": sentence("Target: days from the last day of leave to the notice"),
    "posting_due": sentence("HR posts a letter within"),
    "visit_due": sentence("HR makes a visit within"),
    "review_due": sentence("HR answers an objection or a request within"),
    "publication_due": sentence("HR publishes a public notice within"),
    "on_unknown": sentence("When it is unknown whether a message left"),
    "confidential": sentence("Confidential"),
    "remind_days": sentence("Reminders: days before the last day"),
    "told_channels": sentence("Channels for the certificate and the demand"),
    "certificate_at": sentence("The certificate is issued at"),
    "systems": sentence("Systems whose accounts are shut"),
    "kinds": sentence("Templates by kind of departure"),
    "questionnaire": sentence("Questionnaire for leavers"),
    "rungs": sentence("Steps"),
    "audience": sentence("Audience"),
    "channels": sentence("Channels"),
    "wait": sentence("Wait"),
}
_UNITS: Mapping[WaitUnit, tuple[Sentence, Sentence]] = {
    WaitUnit.HOURS: (sentence("%(n)s hour"), sentence("%(n)s hours")),
    WaitUnit.CALENDAR_DAYS: (sentence("%(n)s calendar day"), sentence("%(n)s calendar days")),
    WaitUnit.WORKING_DAYS: (sentence("%(n)s working day"), sentence("%(n)s working days")),
}
_UNIT_NAMES: Mapping[WaitUnit, Sentence] = {
    WaitUnit.HOURS: sentence("hours"),
    WaitUnit.CALENDAR_DAYS: sentence("calendar days"),
    WaitUnit.WORKING_DAYS: sentence("working days"),
}
_DAYS: Mapping[WindowDays, Sentence] = {
    WindowDays.WORKING: sentence("working days"),
    WindowDays.ALL: sentence("every day"),
}
_ON_UNKNOWN: Mapping[OnUnknown, Sentence] = {
    OnUnknown.AT_LEAST_ONCE: sentence("send it again: at least once, a duplicate is possible"),
    OnUnknown.AT_MOST_ONCE: sentence("leave it to HR: at most once"),
}
_ASKS: Mapping[Asks, Sentence] = {
    Asks.AT_ONCE: sentence("asked at once"),
    Asks.AFTER_LAST_DAY: sentence("asked after the last day"),
}
_QUESTION = sentence("question %(n)s")
_ASKED = sentence("%(n)s questions; %(kinds)s; open until %(days)s days after the last day")
_QUESTION_KINDS: Mapping[QuestionKind, Sentence] = {
    QuestionKind.CHOICE: sentence("one of these"),
    QuestionKind.SCALE: sentence("1 (not at all) to 5 (fully)"),
    QuestionKind.YES_NO: sentence("yes or no"),
    QuestionKind.TEXT: sentence("in words"),
}
_STOPS: Mapping[Process, Sentence] = {
    Process.LEAVE_RETURN: sentence(
        "any answer (return date, extension, objection, resignation), a recorded return, or HR cancels"
    ),
    Process.ACKNOWLEDGEMENT: sentence("the addressee confirms or objects, or HR cancels"),
    Process.OFFBOARDING: sentence(
        "nothing is left to hand over or to pay, the last day is moved, or HR withdraws the departure"
    ),
    Process.HANDOVER: sentence("nothing waits for the receiver any more, or the departure is withdrawn"),
    Process.STATUTORY: sentence("the notice counts as delivered, or the departure is withdrawn"),
}
_STOPS_SHORT: Mapping[Process, Sentence] = {
    Process.LEAVE_RETURN: sentence("answer · recorded return · HR cancels"),
    Process.ACKNOWLEDGEMENT: sentence("confirmation · objection · HR cancels"),
    Process.OFFBOARDING: sentence("nothing left · last day moved · withdrawn"),
    Process.HANDOVER: sentence("confirmed · withdrawn"),
    Process.STATUTORY: sentence("delivered · withdrawn"),
}
_TIMERS: Mapping[str, Sentence] = {
    "remind_before": sentence("The reminder leaves; it can be answered until the leave is over"),
    "back_by": sentence("Until then a recorded return closes the case without a notice"),
    "notice_target_days": sentence("Target: the notice has left by the end of this day"),
    "remind_days": sentence("A reminder leaves while something is left to hand over or to pay"),
    "posting_due": sentence("HR posts the letter; overdue after that"),
    "visit_due": sentence("HR makes the visit; overdue after that"),
    "publication_due": sentence("HR publishes the notice; overdue after that"),
    "review_due": sentence("HR answers an objection or request that comes with the first message"),
}
_CHANGED: Mapping[str, Sentence] = {
    "setting": sentence("%(what)s: %(before)s → %(after)s"),
    "added": sentence(
        "Step %(rung)s is new, in place %(place)s: to %(audience)s by %(channels)s, wait %(wait)s"
    ),
    "removed": sentence("Step %(rung)s is gone"),
    "moved": sentence("Step %(rung)s has moved from place %(before)s to place %(after)s"),
    "rung": sentence("Step %(rung)s, %(what)s: %(before)s → %(after)s"),
}
_STEP = sentence("Step %(n)s")
_NONE, _YES, _NO = sentence("none"), sentence("yes"), sentence("no")
_ANY_TIME = sentence("at any time")
_IN_QUESTION = re.compile(r"questionnaire\.questions\[(\d+)\]\.?(.*)")
_IN_RUNG = re.compile(r"rungs\[(\d+)\](?:\.([a-z_]+))?.*")


class PolicyWords:
    """The words for policies in one language; `zh-CN` or `en`."""

    def __init__(self, language: str) -> None:
        self.language, self._words = language, catalogue(language)

    def _say(self, one: Sentence, **values: object) -> str:
        return self._words.say(Sentence(one.text, values))

    # -- values -------------------------------------------------------------------------------------------

    def setting(self, name: str) -> str:
        """Return what a setting is called."""
        return self._say(SETTINGS[name]) if name in SETTINGS else name

    def wait(self, wait: Mapping[str, Any] | None) -> str:
        """Return a wait `{value, unit}`, such as "3 working days"."""
        if wait is None:
            return self._say(_NONE)
        one, many = _UNITS[WaitUnit(wait["unit"])]
        return self._say(one if wait["value"] == 1 else many, n=wait["value"])

    def window(self, window: Mapping[str, str] | None) -> str:
        """Return a sending window, such as "working days 09:00-18:00"."""
        if window is None:
            return self._say(_ANY_TIME)
        return f"{self._say(_DAYS[WindowDays(window['days'])])} {window['from']}–{window['to']}"

    def channels(self, channels: Sequence[str]) -> str:
        """Return channels in their order."""
        return self._comma.join(name_of("channel", one, self.language) for one in channels)

    def audience(self, audience: str) -> str:
        """Return whom a step turns to."""
        return name_of("audience", audience, self.language)

    def step(self, name: str) -> str:
        """Return what a step is called."""
        return name_of("step", name, self.language)

    def value(self, setting: str, value: Any) -> str:
        """Return the value of any setting."""
        if setting == "sending_window":
            return self.window(value)
        if setting in ("channels", "remind_channels", "told_channels"):
            return self.channels(value)
        if setting == "audience":
            return self.audience(value)
        if setting == "kinds":
            return self._kinds(value)
        if setting == "questionnaire" and value is not None:
            return self._questionnaire(value)
        if isinstance(value, list):
            return self._comma.join(map(str, value)) if value else self._say(_NONE)
        if setting == "on_unknown":
            return self._say(_ON_UNKNOWN[OnUnknown(value)])
        if setting == "notice_target_days":
            return self.wait({"value": value, "unit": WaitUnit.CALENDAR_DAYS})
        if isinstance(value, bool):
            return self._say(_YES if value else _NO)
        return self.wait(value) if value is None or isinstance(value, Mapping) else str(value)

    def _kinds(self, kinds: Mapping[str, Mapping[str, Any]]) -> str:
        """Return the templates of kinds of departure, each in a few words."""
        between = "；" if self.language == ZH else "; "
        return between.join(self._kind(kind, template) for kind, template in kinds.items())

    def _kind(self, kind: str, template: Mapping[str, Any]) -> str:
        told = [
            self.asks(template["asks"]),
            self._comma.join(name_of("track", one, self.language) for one in template["tracks"]),
            *([self._comma.join(template["systems"])] if template["systems"] else []),
        ]
        return f"{name_of('departure', kind, self.language)}{self._colon}{' · '.join(told)}"

    def _questionnaire(self, asked: Mapping[str, Any]) -> str:
        """Return how many questions there are, who is asked, until when, and the questions that are named."""
        kinds = self._comma.join(name_of("departure", one, self.language) for one in asked["kinds"])
        n = asked.get("count", len(asked["questions"]))
        told = self._say(_ASKED, n=n, kinds=kinds, days=asked["open_days"])
        named = [self.question(one) for one in asked["questions"]] if "count" in asked else []
        return " · ".join([told, *named])

    def question(self, question: Mapping[str, Any]) -> str:
        """Return a question or a choice in this language."""
        return str(question["zh" if self.language == ZH else "en"])

    def question_kind(self, kind: str) -> str:
        """Return how a question is answered."""
        return self._say(_QUESTION_KINDS[QuestionKind(kind)])

    def asks(self, asks: str) -> str:
        """Return when a silent leaver is asked."""
        return self._say(_ASKS[Asks(asks)])

    def stops(self, process: Process) -> str:
        """Return what ends the wait of every step before its time."""
        return self._say(_STOPS[process])

    def stops_short(self, process: Process) -> str:
        """Return the same for the cell of a table."""
        return self._say(_STOPS_SHORT[process])

    def timer(self, setting: str) -> str:
        """Return what happens when a setting takes effect."""
        return self._say(_TIMERS[setting])

    @property
    def units(self) -> list[tuple[str, str]]:
        """The units of a wait, for a choice."""
        return [(unit.value, self._say(name)) for unit, name in _UNIT_NAMES.items()]

    @property
    def days(self) -> list[tuple[str, str]]:
        """The days of a window, for a choice."""
        return [*((one.value, self._say(name)) for one, name in _DAYS.items()), ("", self._say(_ANY_TIME))]

    @property
    def delivery(self) -> list[tuple[str, str]]:
        """What follows on an unknown end, for a choice."""
        return [(one.value, self._say(name)) for one, name in _ON_UNKNOWN.items()]

    # -- sentences ----------------------------------------------------------------------------------------

    def change(self, change: Change) -> str:
        """Return one difference of two versions."""
        told = _CHANGED[change.kind]
        rung, what = self.step(change.rung), self.setting(change.field)
        if change.kind is ChangeKind.ADDED:
            new = change.after
            return self._say(
                told,
                rung=rung,
                place=change.before,
                audience=self.audience(new["audience"]),
                channels=self.channels(new["channels"]),
                wait=self.wait(new["wait"]),
            )
        if change.kind in (ChangeKind.REMOVED, ChangeKind.MOVED):
            return self._say(told, rung=rung, before=change.before, after=change.after)
        before, after = (self.value(change.field, one) for one in _differing(change))
        return self._say(told, rung=rung, what=what, before=before, after=after)

    def refusal(self, refused: Refused, *, as_path: bool = False) -> str:
        """Return a refusal with the name of its field before it, or with its path as YAML has it."""
        reason = told_in(self.language, refused.reason)
        place = refused.field if as_path else self._place(refused.field)
        return f"{place}{self._colon}{reason}" if place else reason

    def _place(self, path: str) -> str:
        if in_rung := _IN_RUNG.fullmatch(path):
            step = self._say(_STEP, n=int(in_rung[1]) + 1)
            part = "rungs.name" if in_rung[2] == "name" else in_rung[2]
            comma = "，" if self.language == ZH else ", "
            return f"{step}{comma}{self.setting(part)}" if part else step
        if in_question := _IN_QUESTION.fullmatch(path):
            question = self._say(_QUESTION, n=int(in_question[1]) + 1)
            return self._comma.join(filter(None, (question, in_question[2])))
        plain = re.sub(r"\[\d+\].*", "", path)
        return self.setting(plain if plain in SETTINGS else plain.partition(".")[0])

    @property
    def _comma(self) -> str:
        return "、" if self.language == ZH else ", "

    @property
    def _colon(self) -> str:
        return "：" if self.language == ZH else ": "


def _differing(change: Change) -> tuple[Any, Any]:
    """Return what stood before and after; of the templates of departures only those that differ."""
    before, after = change.before, change.after
    if change.field == "questionnaire":
        return _only_other(before, after), _only_other(after, before)
    if change.field != "kinds":
        return before, after
    kinds = [kind for kind in after if before.get(kind) != after[kind]]
    return {one: before[one] for one in kinds if one in before}, {one: after[one] for one in kinds}


def _only_other(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return a questionnaire with only those questions that the other does not ask in the same way."""
    if one is None or other is None:
        return one
    own = [question for question in one["questions"] if question not in other["questions"]]
    return {**one, "questions": own, "count": len(one["questions"])}
