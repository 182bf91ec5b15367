"""The three policies of a departure: what is shipped, what is read, and what is refused in words."""

from importlib.resources import files
from typing import Any

import pytest

from countersign.domain.departure import DepartureKind, Track
from countersign.domain.offboarding import Asks
from countersign.domain.offboarding_policy import handover_policy, offboarding_policy, statutory_policy
from countersign.domain.policies import process_of, refusals, written_out
from countersign.domain.policy import Audience, Channel, WindowDays
from countersign.domain.policy_file import CaseFileError
from countersign.domain.yaml_text import load_text

READERS: dict[str, Any] = {
    "offboarding": offboarding_policy,
    "handover": handover_policy,
    "statutory": statutory_policy,
}


def shipped(process: str) -> dict[str, Any]:
    text = (files("countersign.policies") / f"{process}_standard.yaml").read_text("utf-8")
    body: dict[str, Any] = load_text(text, process)
    return body


def rung(name: str = "first", audience: str = "employee", *channels: str) -> dict[str, Any]:
    wait = {"value": 30, "unit": "calendar_days"}
    return {"name": name, "audience": audience, "channels": list(channels or ("sms",)), "wait": wait}


def refused(process: str, **change: Any) -> str:
    with pytest.raises(CaseFileError) as refusal:
        READERS[process](shipped(process) | change, "policy")
    return str(refusal.value)


@pytest.mark.parametrize("process", READERS)
def test_a_shipped_policy_may_run_and_written_out_it_stays_the_same(process: str) -> None:
    body = shipped(process)
    assert process_of(f"{process}_standard.yaml") == process
    out = written_out(process, body)
    assert refusals(process, out) == ()
    assert READERS[process](out, "policy") == READERS[process](body, "policy")
    assert written_out(process, out) == out


def test_the_shipped_departure_asks_dismissed_and_absent_people_at_once() -> None:
    policy = offboarding_policy(shipped("offboarding"), "policy")
    asks = {kind: policy.template(kind).asks for kind in DepartureKind}
    at_once = {kind for kind, when in asks.items() if when is Asks.AT_ONCE}
    assert at_once == {DepartureKind.DISMISSAL, DepartureKind.ABSENCE}
    assert policy.remind_days == (30, 14, 7, 3)
    assert policy.template(DepartureKind.MUTUAL).systems[:2] == ("OA", "邮箱")


def test_the_shipped_notice_goes_out_at_once_and_ends_with_a_public_notice() -> None:
    ladder = statutory_policy(shipped("statutory"), "policy").ladder
    first, last = ladder.rungs[0], ladder.rungs[-1]
    assert (first.name, first.audience) == ("termination_notice", Audience.EMPLOYEE)
    assert set(first.channels) == {Channel.SMS, Channel.EMAIL, Channel.IN_SYSTEM}
    assert last.channels == (Channel.PUBLIC_NOTICE,)
    assert ladder.sending_window is not None
    assert ladder.sending_window.days is WindowDays.ALL


def test_a_kind_may_have_systems_and_tracks_of_its_own() -> None:
    kinds = {"mutual": {"systems": ["SAP"], "tracks": ["equipment", "documents"]}}
    policy = offboarding_policy(shipped("offboarding") | {"kinds": kinds}, "policy")
    assert policy.template(DepartureKind.MUTUAL).systems == ("SAP",)
    assert policy.template(DepartureKind.MUTUAL).tracks == (Track.DOCUMENTS, Track.EQUIPMENT)
    other = policy.template(DepartureKind.RESIGNATION)
    assert (other.tracks, other.systems[0]) == (tuple(Track), "OA")


def test_days_are_told_in_order_and_none_is_a_choice() -> None:
    body = shipped("offboarding")
    assert offboarding_policy(body | {"remind_days": [3, 60]}, "policy").remind_days == (60, 3)
    assert offboarding_policy(body | {"remind_days": []}, "policy").remind_days == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kinds": {"retirement": {}}}, 'kinds is the unknown kind of departure "retirement"; known: resig'),
        ({"kinds": ["mutual"]}, "kinds must be a mapping of kinds"),
        ({"kinds": {"mutual": {"tracks": ["cars"]}}}, 'kinds.mutual.tracks[0] is the unknown track "cars"'),
        ({"kinds": {"mutual": {"tracks": []}}}, "kinds.mutual.tracks is empty"),
        ({"kinds": {"mutual": {"asks": "soon"}}}, 'kinds.mutual.asks is the unknown time to ask "soon"'),
        ({"kinds": {"mutual": {"ask": "at_once"}}}, 'holds the unknown key "ask"'),
        ({"remind_days": [0]}, "remind_days holds 0; a reminder leaves 1 to 365 days before"),
        ({"remind_days": [366]}, "remind_days holds 366"),
        ({"remind_days": list(range(1, 14))}, "remind_days holds 13 reminders; name at most 12"),
        ({"remind_days": [7, 7]}, "remind_days names a day twice"),
        ({"remind_days": ["7"]}, "remind_days[0] must be a whole number"),
        ({"remind_channels": ["courier"]}, "remind_channels must be one or more of preferred, sms"),
        ({"remind_channels": []}, "remind_channels must be one or more"),
        ({"systems": [f"S{n}" for n in range(41)]}, "systems holds 41 names; name at most 40"),
        ({"systems": ["OA", " OA "]}, "systems names a system twice"),
        ({"systems": ["x" * 61]}, "systems holds a name of more than 60 characters"),
        ({"systems": [" "]}, "systems[0] is empty"),
        ({"rungs": [rung("reminder_30")]}, "this name belongs to a message of the process itself"),
        ({"rungs": [rung("c", "emergency_contact")]}, "an emergency contact is no party to a handover"),
        ({"rungs": [rung("p", "employee", "public_notice")]}, "a handover is never made public"),
    ],
)
def test_a_policy_of_departures_is_refused_in_words(change: dict[str, Any], words: str) -> None:
    assert words in refused("offboarding", **change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rungs": [rung("m", "manager")]}, "rungs[0] (m): must turn to the employee, who is to confirm"),
        (
            {"rungs": [rung(), rung("c", "emergency_contact")]},
            "rungs[1] (c): an emergency contact is no",
        ),
        ({"rungs": [rung("announcement")]}, "belongs to a message of the process"),
        ({"remind_days": [3]}, 'the unknown key "remind_days"'),
    ],
)
def test_a_policy_of_receivers_is_refused_in_words(change: dict[str, Any], words: str) -> None:
    assert words in refused("handover", **change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rungs": [rung("h", "hr")]}, "rungs[0] (h): must turn to the employee, to whom the notice"),
        ({"rungs": [rung(), rung("c", "emergency_contact")]}, "addressed to the employee alone"),
        ({"rungs": [rung("certificate")]}, "belongs to a message of the process"),
        (
            {"rungs": [rung(), rung("p", "employee", "public_notice")]},
            "invalid before a letter",
        ),
        ({"certificate_at": "25:00"}, "certificate_at is"),
        ({"told_channels": ["visit"]}, "told_channels must be one or more of"),
    ],
)
def test_a_policy_of_the_end_is_refused_in_words(change: dict[str, Any], words: str) -> None:
    assert words in refused("statutory", **change)
