"""The stand-alone verifier and the format document against the product."""

import ast
import hashlib
import importlib.util
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.domain.bundle import build_bundle, read_container, verify_bundle, write_container
from countersign.domain.evidence import (
    GENESIS,
    Disclosure,
    Event,
    EventKind,
    Sealed,
    canonical,
    disclosure_line,
    event_line,
    make_event,
)

DOCS = Path(__file__).parents[2] / "docs"
SCRIPT = DOCS / "verify_bundle.py"
EXAMPLE_CASE = "01KHA8T0A0C4D5E6F7G8H9JKMN"
OTHER = "01KHB00000000000000000000A"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
SHANGHAI = timezone(timedelta(hours=8))
Step = tuple[EventKind, dict[str, object]]


def load_verify() -> Callable[[bytes], tuple[str, str, int, int]]:
    spec = importlib.util.spec_from_file_location("independent_verifier", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    verify: Callable[[bytes], tuple[str, str, int, int]] = module.verify
    return verify


VERIFY = load_verify()


def chain_of(case: str, *steps: Step) -> tuple[list[Event], list[Disclosure]]:
    salts = count(1)
    events: list[Event] = []
    disclosures: list[Disclosure] = []
    first: Step = (EventKind.CASE_STARTED, {"case": case})
    for step in (first, *steps):
        event, opened = make_event(
            events[-1].hash if events else GENESIS,
            len(events) + 1,
            datetime(2026, 2, 13, 10, tzinfo=SHANGHAI),
            step[0],
            {"name": Sealed("李娜")},
            step[1],
            lambda: next(salts).to_bytes(16, "big"),
        )
        events.append(event)
        disclosures += opened
    return events, disclosures


LINKED = chain_of(OTHER, (EventKind.CASE_CLOSED, {"outcome": "absent"}))
LINK: Step = (EventKind.CASE_LINKED, {"case": OTHER, "length": 2, "head": LINKED[0][1].hash})
ODD_KEYS: Step = (
    EventKind.COMMENT_ADDED,
    {"x/y~z": [None, True, -7, {"\t": Sealed('\u2028 \x01 "\\ 張😀')}]},
)
FULL = build_bundle(
    EXAMPLE_CASE,
    *chain_of(EXAMPLE_CASE, LINK, ODD_KEYS),
    linked={OTHER: LINKED},
    files={"a/b.pdf": b"%PDF"},
    history={"run.json": b"{}"},
    timeline_pdf=b"%PDF",
    manifest_sig=b"sig",
    manifest_tst=b"tst",
)


def the_example() -> tuple[list[Event], list[Disclosure]]:
    first, opened = make_event(
        GENESIS,
        1,
        datetime(2026, 2, 13, 10, tzinfo=SHANGHAI),
        EventKind.CASE_STARTED,
        {"machine": "scheduler"},
        {"case": EXAMPLE_CASE, "employee": {"id": "E1042", "phone": Sealed("+8613800138000")}},
        lambda: bytes(range(16)),
    )
    second, _ = make_event(
        first.hash,
        2,
        datetime(2026, 2, 13, 14, 5, 9, 120_000, tzinfo=SHANGHAI),
        EventKind.ANSWER_ACKNOWLEDGED,
        {"person": "E1042"},
        {"link": "L1"},
        bytes,
    )
    return [first, second], opened


EXAMPLE = build_bundle(EXAMPLE_CASE, *the_example())


def passes(data: bytes) -> bool:
    """Whether the stand-alone verifier accepts; like its command line, any error is a refusal."""
    try:
        VERIFY(data)
    except Exception:
        return False
    return True


def both_pass(data: bytes) -> bool:
    verdict = verify_bundle(data).ok
    assert passes(data) is verdict
    return verdict


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def rebuilt(events: bytes, disclosures: bytes = b"") -> bytes:
    """A bundle of these two entries whose manifest fits as far as the number of lines tells."""
    last = re.findall(rb'"hash":"([0-9a-f]{64})"', events)
    entries = {"events.jsonl": events, "disclosures.jsonl": disclosures}
    manifest: dict[str, Any] = {
        "format": "countersign-evidence/1",
        "case": EXAMPLE_CASE,
        "length": events.count(b"\n"),
        "head": last[-1].decode() if last else GENESIS,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in entries.items()},
        "linked": {},
    }
    return write_container(entries | {"manifest.json": canonical(manifest)})


def hashed_line(**changes: Any) -> bytes:
    """The line of a first event with the given fields changed and a hash that fits."""
    fields: dict[str, Any] = {
        "v": 1,
        "seq": 1,
        "at": "2026-02-13T10:00:00.000+08:00",
        "kind": "case.started",
        "actor": {},
        "body": {"case": EXAMPLE_CASE},
        "prev": GENESIS,
        **changes,
    }
    return canonical(fields | {"hash": hashlib.sha256(canonical(fields)).hexdigest()}) + b"\n"


def test_the_verifier_is_short_and_of_the_standard_library_alone() -> None:
    source = SCRIPT.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 310
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported
    assert imported <= sys.stdlib_module_names


def test_the_documented_example_is_what_the_product_writes() -> None:
    page = (DOCS / "evidence-format.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:json|text)\n(.*?)```", page, re.DOTALL)
    events, opened = the_example()
    redacted = build_bundle(EXAMPLE_CASE, events, opened, redact=True)
    assert blocks == [
        "".join(event_line(event).decode() + "\n" for event in events),
        disclosure_line(opened[0]).decode() + "\n",
        read_container(EXAMPLE)["manifest.json"].decode() + "\n",
        hashlib.sha256(EXAMPLE).hexdigest() + "\n",
        hashlib.sha256(redacted).hexdigest() + "\n",
    ]
    assert f"make a ZIP of {len(EXAMPLE):,} bytes" in page
    assert f"as a redacted copy, one of {len(redacted):,} bytes" in " ".join(page.split())
    assert both_pass(EXAMPLE)
    assert both_pass(redacted)


def test_both_verifiers_agree_on_a_full_bundle_and_on_its_counts() -> None:
    report = verify_bundle(FULL)
    assert (report.case, report.head, report.disclosed_count, report.sealed_count) == VERIFY(FULL)
    assert report.disclosed_count == 6
    partly = build_bundle(
        EXAMPLE_CASE,
        *chain_of(EXAMPLE_CASE, LINK),
        linked={OTHER: LINKED},
        redact=lambda case, _: case == OTHER,
    )
    assert VERIFY(partly)[2:] == (2, 2)


def test_the_verifier_finds_each_single_changed_bit_of_a_small_bundle() -> None:
    assert [bit for bit in range(len(EXAMPLE) * 8) if passes(flipped(EXAMPLE, bit))] == []


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(FULL) * 8 - 1))
def test_the_verifier_finds_any_changed_bit_of_a_full_bundle(bit: int) -> None:
    assert not passes(flipped(FULL, bit))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"L1", b"L2"),
        (b'"v":1', b'"v":true'),
        (b'"seq":2', b'"seq":3'),
        (b'"seq":2', b'"seq":2.0'),
        (b'"seq":2', b'"seq": 2'),
        (b".120+08:00", b".12+08:00"),
        (b"14:05:09", b"25:05:09"),
        (b"case.started", b"case.paused"),
        (b'"phone":{"sealed"', b'"phone":{"Sealed"'),
    ],
)
def test_an_edited_event_is_refused_by_both_though_the_manifest_was_made_to_fit(
    old: bytes, new: bytes
) -> None:
    entries = read_container(EXAMPLE)
    assert both_pass(rebuilt(entries["events.jsonl"], entries["disclosures.jsonl"]))
    edited = entries["events.jsonl"].replace(old, new)
    assert edited != entries["events.jsonl"]
    assert not both_pass(rebuilt(edited, entries["disclosures.jsonl"]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fraction", b"1.5"),
        ("exponent", b"1e3"),
        ("large", b"9007199254740992"),
        ("negative_zero", b"-0"),
        ("not_a_number", b"NaN"),
        ("escaped", b'"\\u0041"'),
        ("surrogate", b'"\\ud800"'),
        ("sealed_text", b'{"sealed":"x"}'),
        ("twice", b'{"a":1,"a":1}'),
        ("unsorted", b'{"b":1,"a":1}'),
        ("key", '{"名":1}'.encode()),
        ("spaced", b"[1, 2]"),
    ],
)
def test_what_the_format_lacks_is_refused_by_both_even_with_a_fitting_hash(name: str, value: bytes) -> None:
    def event(content: bytes) -> bytes:
        unhashed = b'{"actor":{},"at":"2026-02-13T10:00:00.000+08:00","body":{"case":"%s","%s":%s},%s' % (
            EXAMPLE_CASE.encode(),
            name.encode(),
            content,
            b'"kind":"case.started","prev":"%s","seq":1,"v":1}' % GENESIS.encode(),
        )
        digest = hashlib.sha256(unhashed).hexdigest().encode()
        return unhashed.replace(b'"kind"', b'"hash":"%s","kind"' % digest, 1) + b"\n"

    assert both_pass(rebuilt(event(b"9007199254740991")))
    assert not both_pass(rebuilt(event(value)))


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"v": True},
        {"seq": 2},
        {"seq": True},
        {"seq": "1"},
        {"at": "2026-02-13T10:00:00.000"},
        {"at": "2026-02-13 10:00:00.000+08:00"},
        {"at": "2026-02-13T10:00:00+08:00"},
        {"at": "2026-02-13T02:00:00.000Z"},
        {"at": "2026-02-30T10:00:00.000+08:00"},
        {"at": 1},
        {"kind": "case.paused"},
        {"kind": 1},
        {"prev": "1" * 64},
        {"prev": None},
        {"actor": []},
        {"actor": "hr"},
        {"body": None},
        {"body": {}},
        {"body": {"case": "a/b"}},
        {"body": {"case": 7}},
        {"more": 1},
    ],
)
def test_an_event_of_a_wrong_form_is_refused_by_both_even_with_a_fitting_hash(
    changes: dict[str, Any],
) -> None:
    assert both_pass(rebuilt(hashed_line()))
    assert not both_pass(rebuilt(hashed_line(**changes)))


def test_later_events_of_any_kind_are_accepted_but_only_after_the_event_before_them() -> None:
    first = hashed_line()
    head = json.loads(first)["hash"]
    assert both_pass(rebuilt(first + hashed_line(seq=2, prev=head, kind="moon.risen")))
    assert not both_pass(rebuilt(first + hashed_line(seq=2, prev=GENESIS, kind="moon.risen")))
    assert not both_pass(rebuilt(first + hashed_line(seq=2, prev=head, kind=None)))


@pytest.mark.parametrize(
    "salt", ["00" * 15, "00" * 17, "", "0A" * 16, "0a" * 8 + " " + "0a" * 8, "0a " * 16, "xy" * 16]
)
def test_a_salt_has_16_bytes_in_lower_case_hex_for_both(salt: str) -> None:
    def bundle(salt: str) -> bytes:
        try:
            digest = hashlib.sha256(bytes.fromhex(salt) + b"x").hexdigest()
        except ValueError:
            digest = GENESIS
        sealing = hashed_line(body={"case": EXAMPLE_CASE, "note": {"sealed": digest}})
        disclosure = {"seq": 1, "path": "/body/note", "salt": salt, "value": "x"}
        return rebuilt(sealing, canonical(disclosure) + b"\n")

    assert both_pass(bundle("0a" * 16))
    assert not both_pass(bundle(salt))


@pytest.mark.parametrize(
    "changes",
    [{"format": "countersign-evidence/2"}, {"case": OTHER}, {"length": 1}, {"head": GENESIS}, {"x": 1}],
)
def test_a_manifest_that_does_not_follow_from_the_entries_is_refused_by_both(changes: dict[str, Any]) -> None:
    entries = read_container(EXAMPLE)
    manifest = json.loads(entries["manifest.json"]) | changes
    assert not both_pass(write_container(entries | {"manifest.json": canonical(manifest)}))


def test_a_container_packed_in_another_way_is_refused_by_both() -> None:
    def packed(entries: dict[str, bytes], method: int) -> bytes:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name in sorted(entries):
                info = zipfile.ZipInfo(name)
                info.create_system, info.external_attr, info.compress_type = 3, 0o100644 << 16, method
                archive.writestr(info, entries[name])
        return target.getvalue()

    entries = read_container(EXAMPLE)
    assert both_pass(packed(entries, zipfile.ZIP_STORED))
    assert not both_pass(packed(entries, zipfile.ZIP_DEFLATED))
    manifest = json.loads(entries["manifest.json"])
    for name in ("readme.txt", "files/../x", "files/.x", "linked/x/manifest.json"):
        named = {"manifest.json": canonical(manifest | {"files": manifest["files"] | {name: EMPTY_SHA256}})}
        assert not both_pass(packed(entries | named | {name: b""}, zipfile.ZIP_STORED))
    named = {"manifest.json": canonical(manifest | {"files": manifest["files"] | {"files/x": EMPTY_SHA256}})}
    assert both_pass(packed(entries | named | {"files/x": b""}, zipfile.ZIP_STORED))


def test_a_compressed_entry_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("events.jsonl", b"")
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(ValueError, match="compressed, or larger inside"):
        VERIFY(target.getvalue())


def test_events_removed_added_or_moved_are_refused_by_both() -> None:
    lines = read_container(FULL)["events.jsonl"].splitlines(keepends=True)
    first = lines[0]
    for changed in ([lines[0], lines[2]], [first, first], [lines[1], first], [*lines, lines[2]]):
        assert not both_pass(rebuilt(b"".join(changed)))


def test_linked_chains_are_checked_by_both() -> None:
    main = chain_of(EXAMPLE_CASE, LINK)
    assert both_pass(build_bundle(EXAMPLE_CASE, *main, linked={OTHER: LINKED}))
    assert not both_pass(build_bundle(EXAMPLE_CASE, *main))
    assert not both_pass(build_bundle(EXAMPLE_CASE, *main, linked={OTHER: chain_of(OTHER)}))
    another = chain_of(OTHER, (EventKind.CASE_CLOSED, {"outcome": "returned"}))
    assert not both_pass(build_bundle(EXAMPLE_CASE, *main, linked={OTHER: another}))
    assert not both_pass(build_bundle(EXAMPLE_CASE, *chain_of(EXAMPLE_CASE), linked={OTHER: LINKED}))
    for length, head in ((0, GENESIS), (0, LINKED[0][-1].hash), (3, LINKED[0][-1].hash)):
        wrong: Step = (EventKind.CASE_LINKED, {"case": OTHER, "length": length, "head": head})
        assert not both_pass(
            build_bundle(EXAMPLE_CASE, *chain_of(EXAMPLE_CASE, wrong), linked={OTHER: LINKED})
        )
    third = OTHER[:-1] + "B"
    renamed: Step = (EventKind.CASE_LINKED, {"case": third, "length": 2, "head": LINKED[0][1].hash})
    assert not both_pass(build_bundle(EXAMPLE_CASE, *chain_of(EXAMPLE_CASE, renamed), linked={third: LINKED}))


def test_a_bundle_that_repeats_its_own_chain_as_a_linked_one_is_refused_by_both() -> None:
    started = chain_of(EXAMPLE_CASE)[0][0]
    itself: Step = (EventKind.CASE_LINKED, {"case": EXAMPLE_CASE, "length": 1, "head": started.hash})
    entries = read_container(build_bundle(EXAMPLE_CASE, *chain_of(EXAMPLE_CASE, itself)))
    assert both_pass(write_container(entries))
    for name in ("events.jsonl", "disclosures.jsonl"):
        entries[f"linked/{EXAMPLE_CASE}/{name}"] = entries[name]
    manifest = json.loads(entries["manifest.json"])
    manifest["files"] |= {
        name: hashlib.sha256(entries[name]).hexdigest() for name in entries if name.startswith("linked/")
    }
    assert not both_pass(write_container(entries | {"manifest.json": canonical(manifest)}))


def test_disclosures_in_another_order_or_of_other_values_are_refused_by_both() -> None:
    entries = read_container(FULL)
    lines = entries["disclosures.jsonl"].splitlines(keepends=True)
    events, _ = chain_of(EXAMPLE_CASE)
    alone = event_line(events[0]) + b"\n"
    assert both_pass(rebuilt(alone, lines[0]))
    for changed in (
        lines[0] * 2,
        lines[0] + lines[1],
        lines[0][:-1],
        lines[0].replace("李娜".encode(), "李四".encode()),
        lines[0].replace(b'"seq":1', b'"seq":true'),
        lines[0].replace(b"/actor/name", b"/actor"),
    ):
        assert not both_pass(rebuilt(alone, changed))


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x05\x06" + bytes(18), EXAMPLE[:-1], EXAMPLE + b"\n", EXAMPLE[:200], b"\x00" + EXAMPLE],
)
def test_a_damaged_container_is_refused_by_both(data: bytes) -> None:
    assert not both_pass(data)


def test_the_command_line_answers_in_words_and_by_its_exit_code(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(SCRIPT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)

    sound, damaged = tmp_path / "sound.zip", tmp_path / "damaged.zip"
    sound.write_bytes(EXAMPLE)
    damaged.write_bytes(rebuilt(read_container(EXAMPLE)["events.jsonl"].replace(b"L1", b"L2")))
    accepted, refused, absent = run(str(sound)), run(str(damaged)), run(str(tmp_path / "none.zip"))
    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert accepted.stdout.startswith(f"sound: case {EXAMPLE_CASE}, head ")
    assert "Without an outside witness" in accepted.stdout
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "events.jsonl, line 2: hash does not match its content" in refused.stderr
    assert absent.returncode == 1
    assert "Traceback" not in refused.stderr + absent.stderr
