"""The form of a policy: what was typed, as rows and fields, and the mapping that the reader checks.

Nothing here decides whether a policy is good: values that make no sense go to the reader as they were typed,
and what it refuses is shown at the field that its sentence names.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from countersign.adapters.database.migrate import shipped_policies
from countersign.contracts.cases import Process
from countersign.domain.departure import DepartureKind
from countersign.domain.policies import MODELS
from countersign.domain.policy import Channel, WaitUnit
from countersign.domain.policy_limits import MOST_RUNGS
from countersign.domain.yaml_text import InputError, load_text, written

REMINDING = (Channel.PREFERRED, Channel.SMS, Channel.EMAIL, Channel.IN_SYSTEM)
_BETWEEN = re.compile(r"[\s,;，；、]+")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_MOST_ROWS = MOST_RUNGS + 10


@dataclass(frozen=True)
class RungRow:
    """One step as typed; `channels` are ticked, in their order."""

    name: str = ""
    audience: str = "employee"
    channels: tuple[str, ...] = ()
    value: str = ""
    unit: str = WaitUnit.WORKING_DAYS.value

    def mapping(self) -> dict[str, Any]:
        """Return the rung as YAML would have it."""
        wait = _wait(self.value, self.unit)
        return {"name": self.name, "audience": self.audience, "channels": list(self.channels), "wait": wait}


@dataclass(frozen=True)
class PolicyForm:
    """A policy as typed. `values` holds the plain fields by their names in the form.

    `tracks` holds what is ticked for each kind of departure.
    """

    process: Process
    rungs: tuple[RungRow, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    remind_channels: tuple[str, ...] = ()
    told_channels: tuple[str, ...] = ()
    tracks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def mapping(self) -> dict[str, Any]:
        """Return the policy as YAML would have it, for the reader to check."""
        values, fields = self.values, MODELS[self.process.value].model_fields
        found: dict[str, Any] = {"name": values["name"]}
        if values["sending_window-days"]:
            found["sending_window"] = {key: values[f"sending_window-{key}"] for key in ("days", "from", "to")}
        if "remind_before" in fields:
            remind = _wait(values["remind_before-value"], values["remind_before-unit"])
            found["remind_before"] = remind if "value" in remind else None
            found["remind_channels"] = list(self.remind_channels)
            found["back_by"] = values["back_by"]
            found["notice_target_days"] = _number(values["notice_target_days"])
        found |= self._of_departures(fields)
        for name in dues(self.process):
            found[name] = _wait(values[f"{name}-value"], values[f"{name}-unit"])
        found["on_unknown"] = values["on_unknown"]
        found["confidential"] = {"yes": True, "no": False}.get(values["confidential"], values["confidential"])
        found["rungs"] = [rung.mapping() for rung in self.rungs]
        return found

    def _of_departures(self, fields: Collection[str]) -> dict[str, Any]:
        """Return the settings that only the policies of departures have."""
        values = self.values
        found: dict[str, Any] = {}
        if "remind_days" in fields:
            found["remind_days"] = [_number(one) for one in _BETWEEN.split(values["remind_days"]) if one]
            found["remind_channels"] = list(self.remind_channels)
            found["systems"] = _lines(values["systems"])
            found["kinds"] = {
                kind.value: {
                    "asks": values[f"kinds-{kind}-asks"],
                    "tracks": list(self.tracks[kind.value]),
                    "systems": _lines(values[f"kinds-{kind}-systems"]) or None,
                }
                for kind in DepartureKind
            }
        if "questionnaire" in fields:
            found["questionnaire"] = _from_yaml(values["questionnaire"])
        if "certificate_at" in fields:
            found["certificate_at"] = values["certificate_at"]
            found["told_channels"] = list(self.told_channels)
        return found

    def changed(self, do: str) -> "PolicyForm":
        """Return the form after a button of a row: `add`, `remove:1`, `up:1`, `down:1`, `earlier:1:email`.

        `earlier:remind:email` moves a channel of the reminder, `questions` fills in the questionnaire that
        ships with the product. What fits nothing changes nothing.
        """
        if do == "questions" and "questionnaire" in self.values:
            return replace(self, values={**self.values, "questionnaire": written(standard_questionnaire())})
        action, _, rest = do.partition(":")
        place, _, channel = rest.partition(":")
        if action == "add":
            return self if len(self.rungs) >= MOST_RUNGS else replace(self, rungs=(*self.rungs, RungRow()))
        if action == "earlier" and place == "remind":
            return replace(self, remind_channels=_earlier(self.remind_channels, channel))
        if action == "earlier" and place == "told":
            return replace(self, told_channels=_earlier(self.told_channels, channel))
        if not place.isdecimal() or int(place) >= len(self.rungs):
            return self
        return replace(self, rungs=_rows_after(self.rungs, action, int(place), channel))

    def field_of(self, path: str) -> str:
        """Return the field of the form at which a refusal of this place stands."""
        name = re.sub(r"\[(\d+)\]", r"-\1", path).replace(".", "-")
        known = {"rungs", "remind_channels", "told_channels", *self.values}
        known |= {f"kinds-{kind}-tracks" for kind in self.tracks}
        for index in range(len(self.rungs)):
            row = f"rungs-{index}"
            known |= {row, *(f"{row}-{part}" for part in ("name", "audience", "channels", "value", "unit"))}
        name = re.sub(r"^(rungs-\d+)-wait", r"\1", name)
        while name:
            for tried in (name, f"{name}-value", f"{name}-from"):
                if tried in known:
                    return tried
            name = name.rpartition("-")[0]
        return "policy"


def dues(process: Process) -> tuple[str, ...]:
    """Return the settings of a process that give HR a term."""
    return tuple(name for name in MODELS[process.value].model_fields if name.endswith("_due"))


def form_of(process: Process, policy: Mapping[str, Any]) -> PolicyForm:
    """Return the form of a policy that is written out in full."""
    window = policy.get("sending_window") or {"days": "", "from": "09:00", "to": "18:00"}
    values = {"name": policy["name"], **{f"sending_window-{key}": window[key] for key in window}}
    if "remind_before" in policy:
        remind = policy["remind_before"] or {"value": "", "unit": WaitUnit.WORKING_DAYS.value}
        values |= _wait_fields("remind_before", remind)
        values |= {"back_by": policy["back_by"], "notice_target_days": str(policy["notice_target_days"])}
    values |= _departure_fields(policy)
    for name in dues(process):
        values |= _wait_fields(name, policy[name])
    values |= {"on_unknown": policy["on_unknown"], "confidential": "yes" if policy["confidential"] else "no"}
    rungs = tuple(
        RungRow(
            rung["name"],
            rung["audience"],
            tuple(dict.fromkeys(rung["channels"])),
            str(rung["wait"]["value"]),
            rung["wait"]["unit"],
        )
        for rung in policy["rungs"]
    )
    kinds = policy.get("kinds", {})
    return PolicyForm(
        process,
        rungs,
        values,
        tuple(dict.fromkeys(policy.get("remind_channels", ()))),
        tuple(dict.fromkeys(policy.get("told_channels", ()))),
        {kind: tuple(template["tracks"]) for kind, template in kinds.items()},
    )


def _departure_fields(policy: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields that only the policies of departures have."""
    found: dict[str, str] = {}
    if "remind_days" in policy:
        found["remind_days"] = ", ".join(str(one) for one in policy["remind_days"])
        found["systems"] = "\n".join(policy["systems"])
        for kind, template in policy["kinds"].items():
            found[f"kinds-{kind}-asks"] = template["asks"]
            found[f"kinds-{kind}-systems"] = "\n".join(template["systems"] or ())
    if "questionnaire" in policy:
        found["questionnaire"] = written(policy["questionnaire"]) if policy["questionnaire"] else ""
    if "certificate_at" in policy:
        found["certificate_at"] = policy["certificate_at"]
    return found


def typed_form(
    process: Process, text: Callable[[str], str], texts: Callable[[str], Sequence[str]]
) -> PolicyForm:
    """Return the form as it was sent; `text` and `texts` yield one value or all values of a name."""
    rows = text("rows")
    count = min(int(rows), _MOST_ROWS) if _NUMBER.fullmatch(rows) else 0
    rungs = tuple(
        RungRow(
            text(f"rungs-{index}-name"),
            text(f"rungs-{index}-audience"),
            tuple(dict.fromkeys(texts(f"rungs-{index}-channels"))),
            text(f"rungs-{index}-value"),
            text(f"rungs-{index}-unit"),
        )
        for index in range(count)
    )
    names = ["name", "sending_window-days", "sending_window-from", "sending_window-to"]
    if "remind_before" in MODELS[process.value].model_fields:
        names += ["remind_before-value", "remind_before-unit", "back_by", "notice_target_days"]
    for name in dues(process):
        names += [f"{name}-value", f"{name}-unit"]
    names += ["on_unknown", "confidential"]
    fields = MODELS[process.value].model_fields
    tracks = {}
    if "remind_days" in fields:
        names += ["remind_days", "systems"]
        names += [f"kinds-{kind}-{part}" for kind in DepartureKind for part in ("asks", "systems")]
        tracks = {kind.value: tuple(dict.fromkeys(texts(f"kinds-{kind}-tracks"))) for kind in DepartureKind}
    names += [name for name in ("certificate_at", "questionnaire") if name in fields]
    return PolicyForm(
        process,
        rungs,
        {name: text(name) for name in names},
        tuple(dict.fromkeys(texts("remind_channels"))),
        tuple(dict.fromkeys(texts("told_channels"))),
        tracks,
    )


def _rows_after(rungs: tuple[RungRow, ...], action: str, place: int, channel: str) -> tuple[RungRow, ...]:
    rows = list(rungs)
    if action == "remove":
        del rows[place]
    elif action == "earlier":
        rows[place] = replace(rows[place], channels=_earlier(rows[place].channels, channel))
    else:
        other = {"up": place - 1, "down": place + 1}.get(action, place)
        if 0 <= other < len(rows):
            rows[place], rows[other] = rows[other], rows[place]
    return tuple(rows)


def _earlier(channels: tuple[str, ...], channel: str) -> tuple[str, ...]:
    if channel not in channels[1:]:
        return channels
    place = channels.index(channel)
    return (*channels[: place - 1], channel, channels[place - 1], *channels[place + 1 :])


def _wait(value: str, unit: str) -> dict[str, Any]:
    return {"value": _number(value), "unit": unit} if value else {"unit": unit}


def _wait_fields(name: str, wait: Mapping[str, Any]) -> dict[str, str]:
    return {f"{name}-value": str(wait["value"]), f"{name}-unit": wait["unit"]}


def _lines(typed: str) -> list[str]:
    return [line.strip() for line in typed.split("\n") if line.strip()]


def _from_yaml(typed: str) -> Any:
    """Return what the text says, None for none; what is no YAML stays text, for the reader to refuse."""
    if not typed:
        return None
    try:
        return load_text(typed, "questionnaire")
    except InputError:
        return typed


def standard_questionnaire() -> Any:
    """Return the questionnaire that ships with the product."""
    return next(body["questionnaire"] for _, body in shipped_policies() if "questionnaire" in body)


def _number(typed: str) -> int | str:
    """Return a whole number; anything else stays as it was typed, for the reader to refuse in words."""
    return int(typed) if _NUMBER.fullmatch(typed) else typed
