"""Case files: what is read, and the one sentence for everything that is refused."""

import copy
import json
from datetime import time
from typing import Any

import pytest
import yaml

from countersign.domain.calendar import load_shipped_calendar
from countersign.domain.case_file import (
    CaseFileError,
    CaseKind,
    parse_plan_case,
    plan_to_json,
    policy_from_mapping,
)
from countersign.domain.planner import AudienceReach, plan
from countersign.domain.policy import (
    Audience,
    Channel,
    LadderPolicy,
    SendingWindow,
    Wait,
    WaitUnit,
    WindowDays,
)
from countersign.domain.regions import UnknownRegion, known_regions, region
from countersign.domain.yaml_text import InputError, load_text

EXAMPLE = """
kind: leave_return
region: beijing
start: 2026-02-13T10:00:00+08:00
employee: {id: E1042, name: 张伟, phone: "+8613800138000", email: zw@example.com, preferred_channel: sms,
           emergency_contact: {name: 李娜, relation: spouse, phone: "+8613900139000"}}
policy:
  sending_window: {days: working, from: 09:00, to: 18:00}
  rungs:
    - name: first_notice
      audience: employee
      channels: [preferred, in_system]
      wait: {value: 3, unit: working_days}
    - {name: kin, audience: emergency_contact, channels: [sms], wait: {value: 48, unit: hours}}
"""
REMOVED = object()


def example() -> dict[str, Any]:
    data: dict[str, Any] = load_text(EXAMPLE, "case.yaml")
    return data


def changed(path: str, value: object) -> dict[str, Any]:
    """Give the example with the value at a dotted path replaced, or taken away."""
    data = copy.deepcopy(example())
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = data
    for part in parents:
        place = place[part]
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value
    return data


def refusal_of(data: object) -> str:
    with pytest.raises(CaseFileError) as refusal:
        parse_plan_case(json.dumps(data), "case.json")
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_the_example_is_read_whole_with_unquoted_times() -> None:
    case = parse_plan_case(EXAMPLE, "case.yaml")
    assert case.kind is CaseKind.LEAVE_RETURN
    assert case.region.name == "beijing"
    assert case.employee_id == "E1042"
    assert case.start.isoformat() == "2026-02-13T10:00:00+08:00"
    assert case.policy.sending_window == SendingWindow(WindowDays.WORKING, time(9), time(18))
    assert [rung.wait for rung in case.policy.rungs] == [
        Wait(3, WaitUnit.WORKING_DAYS),
        Wait(48, WaitUnit.HOURS),
    ]
    assert case.reach.zone == "Asia/Shanghai"
    assert case.reach.has_service_address is False
    assert case.reach.audiences == {
        Audience.EMPLOYEE: AudienceReach((Channel.SMS, Channel.EMAIL), Channel.SMS),
        Audience.EMERGENCY_CONTACT: AudienceReach((Channel.SMS,)),
    }


def test_json_says_the_same_as_yaml() -> None:
    assert parse_plan_case(json.dumps(example(), indent="\t"), "case.json") == parse_plan_case(
        EXAMPLE, "case.yaml"
    )


def test_json_in_a_file_of_another_name_and_a_yaml_flow_mapping_are_both_read() -> None:
    whole = parse_plan_case(EXAMPLE, "case.yaml")
    assert parse_plan_case(json.dumps(example()), "-") == whole
    flow = yaml.safe_dump(example(), default_flow_style=True, allow_unicode=True)
    assert parse_plan_case(flow, "case.yaml") == whole


def test_the_printed_plan_has_exactly_the_agreed_shape() -> None:
    case = parse_plan_case(EXAMPLE, "case.yaml")
    printed = plan_to_json(plan(case.policy, load_shipped_calendar(), case.start, case.reach))
    assert printed == {
        "steps": [
            {
                "rung": "first_notice",
                "at": "2026-02-13T10:00:00+08:00",
                "audience": "employee",
                "channels": ["sms", "in_system"],
                "waits_until": "2026-02-25T10:00:00+08:00",
            },
            {
                "rung": "kin",
                "at": "2026-02-25T10:00:00+08:00",
                "audience": "emergency_contact",
                "channels": ["sms"],
                "waits_until": "2026-02-27T10:00:00+08:00",
            },
        ],
        "exhausted_at": "2026-02-27T10:00:00+08:00",
        "warnings": [],
        "provisional": False,
    }
    assert json.loads(json.dumps(printed)) == printed


def test_a_printed_plan_has_whole_seconds_and_names_its_warnings() -> None:
    data = changed("start", "2026-12-31 23:30:00.250Z")
    data["policy"]["rungs"] = [
        {
            "name": "paper",
            "audience": "employee",
            "channels": ["courier"],
            "wait": {"value": 0, "unit": "hours"},
        }
    ]
    del data["policy"]["sending_window"]
    case = parse_plan_case(json.dumps(data), "case.json")
    printed = plan_to_json(plan(case.policy, load_shipped_calendar(), case.start, case.reach))
    assert printed["exhausted_at"] == "2027-01-01T07:30:00+08:00"
    assert [sorted(warning) for warning in printed["warnings"]] == [["code", "message"]] * 2
    assert [warning["code"] for warning in printed["warnings"]] == [
        "no_service_address",
        "provisional_calendar",
    ]
    assert printed["provisional"] is True


def test_optional_people_and_addresses_widen_the_reach() -> None:
    data = changed("employee.service_address", "北京市朝阳区建国路1号")
    data["employee"] |= {"language": "zh-CN", "branch": "BJ01", "id": 1042}
    data["employee"]["emergency_contact"]["email"] = "li@example.com"
    data["manager"] = {"id": "M1", "name": "王强", "phone": "+8613800138001"}
    data["hr"] = {"id": "H1", "email": "hr@example.com"}
    data["legal"] = None
    case = parse_plan_case(json.dumps(data), "case.json")
    assert case.employee_id == "1042"
    assert case.reach.has_service_address is True
    assert case.reach.audiences == {
        Audience.EMPLOYEE: AudienceReach((Channel.SMS, Channel.EMAIL), Channel.SMS),
        Audience.EMERGENCY_CONTACT: AudienceReach((Channel.SMS, Channel.EMAIL)),
        Audience.MANAGER: AudienceReach((Channel.SMS,)),
        Audience.HR: AudienceReach((Channel.EMAIL,)),
    }


@pytest.mark.parametrize(
    "kind", ["leave_return", "offboarding", "absence", "injury_claim", "insurance_month"]
)
def test_every_process_has_its_kind(kind: str) -> None:
    assert parse_plan_case(json.dumps(changed("kind", kind)), "case.json").kind == kind


def test_a_stored_policy_is_found_by_name_and_an_unknown_one_is_refused() -> None:
    policy = parse_plan_case(EXAMPLE, "case.yaml").policy
    stored: dict[str, LadderPolicy] = {"standard": policy}
    text = json.dumps(changed("policy", "standard"))
    assert parse_plan_case(text, "case.json", stored.__getitem__).policy == policy
    with pytest.raises(CaseFileError, match=r'^case\.json: policy names "other", which is not stored'):
        parse_plan_case(json.dumps(changed("policy", "other")), "case.json", stored.__getitem__)
    assert 'policy names "standard"' in refusal_of(changed("policy", "standard"))


def test_a_policy_alone_is_read_and_refused_by_its_own_paths() -> None:
    mapping = example()["policy"]
    assert policy_from_mapping(mapping, "standard") == parse_plan_case(EXAMPLE, "case.yaml").policy
    mapping["rungs"][1]["wait"]["value"] = -1
    with pytest.raises(CaseFileError, match=r"^standard: rungs\[1\].wait.value must not be negative"):
        policy_from_mapping(mapping, "standard")


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("kind", REMOVED, "kind is missing"),
        ("kind", "holiday", 'kind is the unknown kind "holiday"; known: leave_return, '),
        ("region", REMOVED, "region is missing"),
        ("region", "atlantis", 'region "atlantis" is not known; known regions: beijing, '),
        ("region", 7, 'region "7" is not known'),
        ("start", REMOVED, "start is missing"),
        ("start", "2026-02-13T10:00:00", "start has no offset from UTC"),
        ("start", "2026-02-13", "start must be an instant"),
        ("start", "2026-02-30T10:00:00+08:00", "start is "),
        ("start", "2026-02-13T10:00:00+99:00", "start is "),
        ("start", 20260213, "start must be an instant"),
        ("employee", REMOVED, "employee is missing"),
        ("employee", "E1042", "employee must be a mapping"),
        ("employee.id", REMOVED, "employee.id is missing"),
        ("employee.id", True, "employee.id must be text"),
        ("employee.id", " ", "employee.id is empty"),
        ("employee.phone", "13800138000", "employee.phone is not a valid phone number"),
        ("employee.phone", "+8612345", "employee.phone is not a valid phone number"),
        ("employee.phone", "+86 138 0013 8000", "employee.phone is not a valid phone number"),
        ("employee.phone", "+9999999999", "employee.phone is not a valid phone number"),
        ("employee.phone", 8613800138000, "employee.phone must be text; put it in quotes"),
        ("employee.email", "zhang wei", "employee.email is not an e-mail address"),
        (
            "employee.preferred_channel",
            "pigeon",
            'employee.preferred_channel is the unknown channel "pigeon"',
        ),
        ("employee.preferred_channel", "preferred", "employee.preferred_channel cannot be"),
        ("employee.nickname", "x", 'employee holds the unknown key "nickname"; known keys: id, '),
        ("employee.emergency_contact.phone", "1", "employee.emergency_contact.phone is not a valid"),
        ("employee.emergency_contact.age", 3, 'employee.emergency_contact holds the unknown key "age"'),
        ("employee.service_address", "", "employee.service_address is empty"),
        ("manager", {"phone": "+86"}, "manager.phone is not a valid phone number"),
        ("legal", {"fax": "1"}, 'legal holds the unknown key "fax"'),
        ("urgent", True, 'the file holds the unknown key "urgent"; known keys: kind, region, start,'),
        ("policy", REMOVED, "policy is missing"),
        ("policy", None, "policy must be a mapping"),
        ("policy.rungs", REMOVED, "policy.rungs is missing"),
        ("policy.rungs", [], "policy has no rungs"),
        ("policy.rungs", {"a": 1}, "policy.rungs must be a list"),
        ("policy.name", "x", 'policy holds the unknown key "name"; known keys: sending_window, rungs'),
        ("policy.rungs.0", "x", "policy.rungs[0] must be a mapping"),
        ("policy.rungs.0.name", REMOVED, "policy.rungs[0].name is missing"),
        ("policy.rungs.0.name", 1, "policy.rungs[0].name must be text"),
        ("policy.rungs.0.colour", "red", 'policy.rungs[0] holds the unknown key "colour"'),
        ("policy.rungs.1.audience", "boss", 'policy.rungs[1].audience is the unknown audience "boss"'),
        ("policy.rungs.1.channels", [], "policy.rungs[1] has no channels; name at least one channel"),
        ("policy.rungs.1.channels", "sms", "policy.rungs[1].channels must be a list"),
        (
            "policy.rungs.1.channels",
            ["sms", "fax"],
            'policy.rungs[1].channels[1] is the unknown channel "fax"',
        ),
        (
            "policy.rungs.1.channels",
            ["sms", None],
            "policy.rungs[1].channels[1] must be a word; known: preferred",
        ),
        ("policy.rungs.1.wait", REMOVED, "policy.rungs[1].wait is missing"),
        ("policy.rungs.1.wait.value", -1, "policy.rungs[1].wait.value must not be negative"),
        ("policy.rungs.1.wait.value", "3", "policy.rungs[1].wait.value must be a whole number"),
        ("policy.rungs.1.wait.value", 1.5, "policy.rungs[1].wait.value must be a whole number"),
        ("policy.rungs.1.wait.value", True, "policy.rungs[1].wait.value must be a whole number"),
        ("policy.rungs.1.wait.unit", "weeks", 'policy.rungs[1].wait.unit is the unknown unit "weeks"'),
        ("policy.rungs.1.wait.unit", REMOVED, "policy.rungs[1].wait.unit is missing"),
        (
            "policy.rungs.1.wait.or",
            1,
            'policy.rungs[1].wait holds the unknown key "or"; known keys: value, unit',
        ),
        ("policy.sending_window.days", "weekends", "policy.sending_window.days is the unknown kind of days"),
        ("policy.sending_window.from", "18:00", "policy.sending_window must open before it closes"),
        ("policy.sending_window.from", "19:00", "policy.sending_window must open before it closes"),
        ("policy.sending_window.from", REMOVED, "policy.sending_window.from is missing"),
        (
            "policy.sending_window.to",
            "24:00",
            'policy.sending_window.to is "24:00", a time that does not exist',
        ),
        ("policy.sending_window.to", 1080, "policy.sending_window.to must be a local time"),
        ("policy.sending_window.opens", "1", "known keys: days, from, to"),
    ],
)
def test_what_is_wrong_is_named_in_one_sentence(path: str, value: object, sentence: str) -> None:
    refusal = refusal_of(changed(path, value))
    assert refusal.startswith("case.json: ")
    assert sentence in refusal


def test_a_refusal_does_not_repeat_a_phone_number_or_an_address() -> None:
    assert "13912345" not in refusal_of(changed("employee.phone", "13912345"))
    assert "zhang" not in refusal_of(changed("employee.email", "zhang"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "case.yaml: the file must be a mapping"),
        ("- 1", "case.yaml: the file must be a mapping"),
        ("kind: absence\nkind: absence", 'case.yaml, line 2: not valid YAML (key "kind" stands twice'),
        ("employee: {id: a, id: b}", 'case.yaml, line 1: not valid YAML (key "id" stands twice'),
        ("kind: [", "case.yaml, line "),
        ("kind: !!timestamp 2026-01-01", 'case.yaml, line 1: not valid YAML (values of type "timestamp"'),
        ("kind: !!python/name:os.system x", "case.yaml, line 1: not valid YAML (values of type"),
        ("? [a]\n: b", "case.yaml, line 1: not valid YAML (a key must be text"),
        ("null: b", "case.yaml, line 1: not valid YAML (a key must be text"),
        ("a: &a [*a]", "case.yaml, line 1: not valid YAML"),
        ("a: !!int 18:00", 'case.yaml, line 1: not valid YAML ("18:00" is not a whole number'),
        ("a: !!bool on", 'case.yaml, line 1: not valid YAML ("on" is neither true nor false'),
        ('a: "\\UFFFFFFFF"', "case.yaml: holds an escape sequence"),
        ("kind: \x00", "case.yaml: holds characters that no text file has"),
        ("[" * 100_000, "case.yaml: is nested too deeply"),
        ("---\na: 1\n---\na: 2", "case.yaml, line 3: not valid YAML"),
    ],
)
def test_broken_yaml_is_refused_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(CaseFileError) as refusal:
        parse_plan_case(text, "case.yaml")
    assert str(refusal.value).startswith(sentence)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"kind": 1,}', "case.json, line 1: not valid JSON"),
        ('{"kind": 1, "kind": 2}', 'case.json: key "kind" stands twice'),
        ('{"kind": "\\ud800"}', "case.json: kind is the unknown kind"),
        ('{"\\ud800": 1}', "case.json: the file holds the unknown key"),
        ("kind: absence", "case.json, line 1: not valid JSON"),
    ],
)
def test_broken_json_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(CaseFileError) as refusal:
        parse_plan_case(text, "case.json")
    assert str(refusal.value).startswith(sentence)
    str(refusal.value).encode("utf-8")


def test_yaml_keeps_what_people_wrote() -> None:
    text = (
        "a: 18:00\nb: off\nc: 2026-02-13\nd: 0.05\ne: 007\nf: +8613800138000\ng: 1_000\nh: 12\ni: -3\n"
        "j: true\nk: null\nl:\nm: yes\nn: 1e3\no: '12'\np: 1234567890123456789\n<<: x\nq: No\n"
    )
    assert load_text(text, "x.yaml") == {
        "a": "18:00",
        "b": "off",
        "c": "2026-02-13",
        "d": "0.05",
        "e": "007",
        "f": "+8613800138000",
        "g": "1_000",
        "h": 12,
        "i": -3,
        "j": True,
        "k": None,
        "l": None,
        "m": "yes",
        "n": "1e3",
        "o": "12",
        "p": "1234567890123456789",
        "<<": "x",
        "q": "No",
    }


def test_json_keeps_amounts_as_text_too() -> None:
    assert load_text('{"a": 0.05, "b": 12, "c": 1e3, "d": 1234567890123456789}', "x.json") == {
        "a": "0.05",
        "b": 12,
        "c": "1e3",
        "d": "1234567890123456789",
    }


def test_a_case_file_error_is_an_input_error() -> None:
    assert issubclass(CaseFileError, InputError)
    assert issubclass(InputError, ValueError)


def test_every_region_has_both_names_and_keeps_the_time_of_shanghai() -> None:
    assert len(known_regions()) == 14
    assert all(known.zh and known.en and known.zone == "Asia/Shanghai" for known in known_regions())
    assert region("zhejiang").zh == "浙江省"
    with pytest.raises(UnknownRegion, match="known regions: beijing, shanghai, guangdong") as refusal:
        region("Beijing")
    assert isinstance(refusal.value, ValueError)
