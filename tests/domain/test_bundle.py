"""What a bundle is made of, and that no change to it passes unnoticed or unnamed."""

import dataclasses
import hashlib
import io
import json
import random
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.domain.bundle import (
    VerifyReport,
    build_bundle,
    read_container,
    verify_bundle,
    write_container,
)
from countersign.domain.evidence import (
    GENESIS,
    Disclosure,
    Event,
    EventKind,
    Sealed,
    canonical,
    event_line,
    make_event,
    seal,
)

CASE = "01KHA8T0A0C4D5E6F7G8H9JKMN"
OTHER = "01KHB00000000000000000000A"
THIRD = "01KHB00000000000000000000B"
START = datetime(2026, 2, 13, 10, 0, tzinfo=timezone(timedelta(hours=8)))
NOTICE = b"%PDF-1.7 return to work"
Chain = tuple[list[Event], list[Disclosure]]


def chain_of(case: str, *steps: tuple[EventKind, dict[str, object]]) -> Chain:
    """A chain that begins with `case.started` and seals a phone number there."""
    salts = count(int.from_bytes(case[-4:].encode(), "big"))
    events: list[Event] = []
    disclosures: list[Disclosure] = []
    first = (EventKind.CASE_STARTED, {"case": case, "phone": Sealed("+8613800138000")})
    for seq, (kind, body) in enumerate([first, *steps], start=1):
        event, opened = make_event(
            events[-1].hash if events else GENESIS,
            seq,
            START + timedelta(hours=seq),
            kind,
            {"role": "hr"},
            body,
            lambda: next(salts).to_bytes(16, "big"),
        )
        events.append(event)
        disclosures += opened
    return events, disclosures


def link_to(case: str, chain: Chain, length: int | None = None) -> tuple[EventKind, dict[str, object]]:
    events = chain[0][:length]
    return EventKind.CASE_LINKED, {"case": case, "length": len(events), "head": events[-1].hash}


OTHER_CHAIN = chain_of(
    OTHER, (EventKind.RUNG_REACHED, {"rung": "first_notice"}), (EventKind.CASE_CLOSED, {"outcome": "absent"})
)
CHAIN = chain_of(
    CASE,
    (EventKind.NOTICE_RENDERED, {"text": Sealed("张伟，请返岗"), "file": hashlib.sha256(NOTICE).hexdigest()}),
    link_to(OTHER, OTHER_CHAIN, 2),
    *[(EventKind.DELIVERY_SENT, {"attempt": n, "to": Sealed(f"+86138001380{n:02}")}) for n in range(1, 6)],
)
BARE = build_bundle(CASE, *chain_of(CASE, (EventKind.ANSWER_ACKNOWLEDGED, {"link": "L1"})))
FULL = build_bundle(
    CASE,
    *CHAIN,
    linked={OTHER: OTHER_CHAIN},
    files={"notice-1.pdf": NOTICE, "scans/back.png": b""},
    history={"leave_return.json": b'{"events":[]}'},
    timeline_pdf=b"%PDF-1.7 timeline",
)
WITNESSED = write_container(
    read_container(FULL) | {"manifest.sig": b"signature", "manifest.tst": b"\x30\x82"}
)
REDACTED = build_bundle(CASE, *CHAIN, linked={OTHER: OTHER_CHAIN}, redact=True)
BUNDLES = {"bare": BARE, "full": FULL, "witnessed": WITNESSED, "redacted": REDACTED}


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def with_entry(name: str, content: bytes, data: bytes = FULL) -> bytes:
    return write_container(read_container(data) | {name: content})


def with_manifest(data: bytes, **changes: object) -> bytes:
    """The bundle with hashes of its entries computed anew, as a forger would, and fields replaced."""
    entries = read_container(data)
    manifest = json.loads(entries["manifest.json"])
    manifest["files"] = {
        name: hashlib.sha256(entries[name]).hexdigest()
        for name in entries
        if not name.startswith("manifest.")
    }
    return write_container(entries | {"manifest.json": canonical(manifest | changes)})


def with_lines(change: Callable[[list[bytes]], object], name: str = "events.jsonl") -> bytes:
    """The full bundle with some lines of one entry changed and everything around them made to fit."""
    lines = read_container(FULL)[name].splitlines(keepends=True)
    change(lines)
    return with_manifest(with_entry(name, b"".join(lines)))


def broken(data: bytes) -> str:
    report = verify_bundle(data)
    assert not report.ok
    assert report.first_broken is not None
    return report.first_broken


@pytest.mark.parametrize("data", BUNDLES.values(), ids=BUNDLES)
def test_an_untouched_bundle_verifies_and_its_report_tells_what_it_holds(data: bytes) -> None:
    report = verify_bundle(data)
    assert (report.ok, report.first_broken, report.case) == (True, None, CASE)
    assert report.head == json.loads(read_container(data)["manifest.json"])["head"]


def test_the_report_of_a_full_bundle_counts_every_chain() -> None:
    report = verify_bundle(FULL)
    assert (report.length, report.head) == (8, CHAIN[0][-1].hash)
    assert (report.disclosed_count, report.sealed_count) == (8, 0)
    assert [(case, (tip.length, tip.head)) for case, tip in report.linked.items()] == [
        (OTHER, (3, OTHER_CHAIN[0][-1].hash))
    ]


def test_the_manifest_has_the_published_fields_and_names_every_entry_but_its_own() -> None:
    entries = read_container(WITNESSED)
    assert json.loads(entries["manifest.json"]) == {
        "format": "countersign-evidence/1",
        "case": CASE,
        "length": 8,
        "head": CHAIN[0][-1].hash,
        "files": {
            name: hashlib.sha256(entries[name]).hexdigest()
            for name in (
                "disclosures.jsonl",
                "events.jsonl",
                "files/notice-1.pdf",
                "files/scans/back.png",
                "history/leave_return.json",
                f"linked/{OTHER}/disclosures.jsonl",
                f"linked/{OTHER}/events.jsonl",
                "timeline.pdf",
            )
        },
        "linked": {OTHER: {"length": 3, "head": OTHER_CHAIN[0][-1].hash}},
    }


def test_the_same_content_is_the_same_bytes_in_whatever_order_it_comes() -> None:
    again = build_bundle(
        CASE,
        CHAIN[0],
        reversed(CHAIN[1]),
        linked={OTHER: OTHER_CHAIN},
        history={"leave_return.json": b'{"events":[]}'},
        files={"scans/back.png": b"", "notice-1.pdf": NOTICE},
        timeline_pdf=b"%PDF-1.7 timeline",
    )
    assert again == FULL


def test_any_zip_program_reads_the_container() -> None:
    with zipfile.ZipFile(io.BytesIO(WITNESSED)) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == read_container(WITNESSED)
        assert archive.namelist() == sorted(archive.namelist())
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_each_single_bit_of_a_small_bundle_is_detected() -> None:
    passed = [bit for bit in range(len(BARE) * 8) if verify_bundle(flipped(BARE, bit)).ok]
    assert passed == []


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([*BUNDLES]), st.data())
def test_any_one_bit_of_any_bundle_is_detected(name: str, data: st.DataObject) -> None:
    bundle = BUNDLES[name]
    bit = data.draw(st.integers(0, len(bundle) * 8 - 1))
    assert broken(flipped(bundle, bit))


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=1, max_size=8), st.data())
def test_bytes_inserted_or_cut_out_anywhere_are_detected(more: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(FULL)))
    assert broken(FULL[:at] + more + FULL[at:])
    if at < len(FULL):
        assert broken(FULL[:at] + FULL[at + len(more) :])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_no_input_whatever_makes_the_check_fall_over(noise: bytes, zip_like: bool) -> None:
    assert broken(b"PK\x03\x04" * zip_like + noise)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["events.jsonl", "disclosures.jsonl", "manifest.json"]), st.binary(max_size=60))
def test_no_content_whatever_makes_the_check_fall_over(name: str, noise: bytes) -> None:
    assert broken(with_entry(name, noise + b"\n"))


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_any_other_order_of_events_is_detected_and_the_first_wrong_one_named(shuffle: random.Random) -> None:
    order = list(range(8))
    shuffle.shuffle(order)
    data = with_lines(lambda lines: lines.__setitem__(slice(None), [lines[i] for i in order]))
    if order == sorted(order):
        assert data == FULL
    else:
        wrong = next(i for i in range(8) if order[i] != i)
        assert broken(data).startswith(f"event {wrong + 1}: line {wrong + 1} of events.jsonl has seq")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda lines: lines.pop(3), "event 4: line 4 of events.jsonl has seq 5"),
        (lambda lines: lines.insert(3, lines[2]), "event 4: line 4 of events.jsonl has seq 3"),
        (
            lambda lines: lines.__setitem__(6, lines[6].replace(b'"attempt":4', b'"attempt":5')),
            "event 7: hash does not match its content",
        ),
        (
            lambda lines: lines.__setitem__(6, lines[6].replace(b'"role":"hr"', b'"role":"legal"')),
            "event 7: hash does not match its content",
        ),
        (
            lambda lines: lines.__setitem__(6, lines[6].replace(b'"v":1', b'"v":1 ')),
            "event 7: is not in canonical form",
        ),
        (lambda lines: lines.__setitem__(6, b"\n"), "event 7: is not valid JSON in UTF-8"),
        (lambda lines: lines.__setitem__(7, lines[7][:-1]), "event 8: its line has no line feed at the end"),
        (lambda lines: lines.clear(), "event 1: is missing, events.jsonl is empty"),
    ],
)
def test_a_change_to_the_events_is_named_by_its_first_event(
    change: Callable[[list[bytes]], object], sentence: str
) -> None:
    assert broken(with_lines(change)) == sentence


def test_an_event_that_was_rehashed_alone_breaks_at_the_next_one() -> None:
    def forge(lines: list[bytes]) -> None:
        forged, _ = make_event(
            CHAIN[0][5].hash, 7, START, EventKind.DELIVERY_SENT, {"role": "hr"}, {"attempt": 9}, bytes
        )
        lines[6] = event_line(forged) + b"\n"

    assert broken(with_lines(forge)) == "event 8: prev is not the hash of event 7"


def test_a_chain_must_begin_with_the_case_and_with_64_zeros() -> None:
    def first(prev: str, kind: EventKind, body: dict[str, object]) -> bytes:
        event, _ = make_event(prev, 1, START, kind, {}, body, bytes)
        return build_bundle(CASE, [event], [])

    assert broken(first("1" * 64, EventKind.CASE_STARTED, {"case": CASE})) == "event 1: prev is not 64 zeros"
    assert (
        broken(first(GENESIS, EventKind.CASE_PAUSED, {"case": CASE})) == "event 1: kind is not case.started"
    )
    assert broken(first(GENESIS, EventKind.CASE_STARTED, {})) == "event 1: body does not name the case"
    assert "manifest.json: case is not X" in broken(first(GENESIS, EventKind.CASE_STARTED, {"case": "X"}))


def test_a_last_event_that_was_taken_away_contradicts_the_manifest() -> None:
    data = with_lines(lambda lines: lines.pop())
    assert broken(data) == "disclosure 7: event 8 has no sealed value at '/body/to'"
    data = with_manifest(with_entry("disclosures.jsonl", b"", data))
    assert broken(data) == "manifest.json: length is not 7, as it follows from the other entries"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("format", "countersign-evidence/2", "manifest.json: format is not countersign-evidence/1"),
        ("case", OTHER, f"manifest.json: case is not {CASE}"),
        ("length", 9, "manifest.json: length is not 8"),
        ("length", True, "manifest.json: length is not 8"),
        ("head", GENESIS, "manifest.json: head is not"),
        ("files", {}, "manifest.json: files does not name the entry disclosures.jsonl"),
        ("files", None, "manifest.json: is not the canonical form of its fields"),
        ("linked", {}, "manifest.json: linked does not give"),
        ("more", 1, "manifest.json: is not the canonical form of its fields"),
    ],
)
def test_every_field_of_the_manifest_is_computed_anew(field: str, value: object, sentence: str) -> None:
    assert broken(with_manifest(FULL, **{field: value})).startswith(sentence)


def test_a_manifest_with_other_blanks_is_not_the_manifest() -> None:
    loose = json.dumps(json.loads(read_container(FULL)["manifest.json"]), sort_keys=True).encode()
    assert broken(with_entry("manifest.json", loose)) == (
        "manifest.json: is not the canonical form of its fields"
    )
    assert broken(with_entry("manifest.json", b"[]")) == "manifest.json: is not a JSON object"


def test_a_file_that_was_changed_added_or_removed_is_named() -> None:
    assert broken(with_entry("files/notice-1.pdf", NOTICE + b" ")) == (
        "files/notice-1.pdf: its SHA-256 is not the one in manifest.json"
    )
    assert broken(with_entry("files/more.pdf", b"")) == (
        "manifest.json: files does not name the entry files/more.pdf"
    )
    entries = read_container(FULL)
    del entries["files/scans/back.png"]
    assert broken(write_container(entries)) == (
        "entry 'files/scans/back.png' is missing, though manifest.json names it"
    )


@pytest.mark.parametrize(
    "name", ["events.jsonl", "disclosures.jsonl", "manifest.json", f"linked/{OTHER}/disclosures.jsonl"]
)
def test_an_entry_that_must_be_there_is_missed_by_name(name: str) -> None:
    entries = read_container(FULL)
    del entries[name]
    assert f"entry {name} is missing" in broken(write_container(entries))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d | {"value": "李四，请返岗"}, "disclosure 2: value does not match what event 2 sealed"),
        (lambda d: d | {"salt": "0" * 32}, "disclosure 2: value does not match"),
        (lambda d: d | {"salt": d["salt"].upper() + "A"}, "disclosure 2: salt is not 32"),
        (lambda d: d | {"path": "/body/file"}, "disclosure 2: event 2 has no sealed value at '/body/file'"),
        (lambda d: d | {"seq": 3}, "disclosure 2: event 3 has no sealed value"),
        (lambda d: d | {"seq": 1, "path": "/body/phone"}, "disclosure 2: stands twice or out of order"),
        (lambda d: d | {"seq": "2"}, "disclosure 2: seq must be an integer"),
        (lambda d: d | {"value": 7}, "disclosure 2: seq must be an integer, path, salt and value strings"),
        (lambda d: d | {"more": 1}, "disclosure 2: must have exactly the fields"),
        (lambda d: [d], "disclosure 2: must have exactly the fields"),
    ],
)
def test_a_changed_disclosure_is_named(change: Callable[[dict[str, Any]], object], sentence: str) -> None:
    def edit(lines: list[bytes]) -> None:
        lines[1] = canonical(change(json.loads(lines[1]))) + b"\n"

    assert broken(with_lines(edit, "disclosures.jsonl")).startswith(sentence)


def test_a_redacted_copy_verifies_counts_what_is_sealed_and_keeps_the_head() -> None:
    report = verify_bundle(REDACTED)
    assert (report.ok, report.sealed_count, report.disclosed_count) == (True, 8, 0)
    assert report.head == verify_bundle(FULL).head
    assert "返岗".encode() not in REDACTED
    assert b"13800138000" not in REDACTED


def test_a_copy_can_be_redacted_value_by_value() -> None:
    def texts_only(case: str, disclosure: Disclosure) -> bool:
        return case == CASE and disclosure.path == "/body/text"

    data = build_bundle(CASE, *CHAIN, linked={OTHER: OTHER_CHAIN}, redact=texts_only)
    report = verify_bundle(data)
    assert (report.ok, report.sealed_count, report.disclosed_count) == (True, 1, 7)
    assert "返岗".encode() not in data


def test_an_export_after_erasure_verifies_like_a_redacted_one() -> None:
    erased = build_bundle(CASE, CHAIN[0], [], linked={OTHER: (OTHER_CHAIN[0], [])})
    assert verify_bundle(erased).ok
    assert erased == REDACTED


def with_linked(chain: Chain, *, main: Chain = CHAIN, case: str = OTHER) -> bytes:
    return build_bundle(CASE, *main, linked={case: chain})


def test_a_linked_chain_may_have_grown_since_but_not_be_another_one() -> None:
    grown = chain_of(
        OTHER, (EventKind.RUNG_REACHED, {"rung": "first_notice"}), *[(EventKind.RUNG_HELD, {})] * 3
    )
    assert verify_bundle(with_linked(grown)).ok
    rewritten = chain_of(OTHER, *[(EventKind.RUNG_HELD, {})] * 3)
    assert broken(with_linked(rewritten)) == f"event 3: head is not the hash of event 2 of case {OTHER}"
    for length in (0, -1):
        link: tuple[EventKind, dict[str, object]] = (
            EventKind.CASE_LINKED,
            {"case": OTHER, "length": length, "head": OTHER_CHAIN[0][length - 1].hash},
        )
        assert broken(with_linked(OTHER_CHAIN, main=chain_of(CASE, link))) == (
            f"event 2: case {OTHER} has no event {length}, to which it is linked"
        )
    assert broken(with_linked(chain_of(OTHER))) == (
        f"event 3: case {OTHER} has no event 2, to which it is linked"
    )


def test_a_fault_inside_a_linked_chain_names_the_chain_and_the_event() -> None:
    events = [*OTHER_CHAIN[0]]
    events[2] = dataclasses.replace(events[2], body={"outcome": "returned"})
    assert broken(with_linked((events, OTHER_CHAIN[1]))) == (
        f"linked case {OTHER}, event 3: hash does not match its content"
    )
    forged = [dataclasses.replace(OTHER_CHAIN[1][0], value="+8613900139000")]
    assert broken(with_linked((OTHER_CHAIN[0], forged))).startswith(
        f"linked case {OTHER}, disclosure 1: value"
    )


def test_a_linked_chain_that_is_missing_strange_or_misnamed_is_named() -> None:
    assert (
        broken(build_bundle(CASE, *CHAIN))
        == f"event 3: links case '{OTHER}', whose chain is not in the bundle"
    )
    assert broken(build_bundle(CASE, *CHAIN, linked={OTHER: OTHER_CHAIN, THIRD: chain_of(THIRD)})) == (
        f"linked/{THIRD}/ is linked by no event"
    )
    assert broken(with_linked(OTHER_CHAIN, case=THIRD)).startswith(
        f"linked case {THIRD}, event 1: names another"
    )
    own = read_container(FULL)
    for name in ("events.jsonl", "disclosures.jsonl"):
        own[f"linked/{CASE}/{name}"] = own[name]
    assert broken(write_container(own)) == f"linked/{CASE}/ repeats the bundle's own case"


def test_a_link_without_its_fields_is_named() -> None:
    main = chain_of(CASE, (EventKind.CASE_LINKED, {"case": OTHER, "length": True, "head": GENESIS}))
    assert broken(with_linked(OTHER_CHAIN, main=main)) == (
        "event 2: case.linked must carry case, length and head"
    )


def test_a_link_from_the_other_side_joins_and_is_checked_too() -> None:
    main = chain_of(CASE, (EventKind.RUNG_REACHED, {"rung": "first_notice"}))
    assert verify_bundle(with_linked(chain_of(OTHER, link_to(CASE, main)), main=main)).ok
    changed = chain_of(CASE, (EventKind.RUNG_REACHED, {"rung": "second_reminder"}))
    assert broken(with_linked(chain_of(OTHER, link_to(CASE, main)), main=changed)) == (
        f"linked case {OTHER}, event 2: head is not the hash of event 2 of case {CASE}"
    )


def test_what_a_linked_chain_says_of_a_case_outside_the_bundle_is_noted() -> None:
    other = chain_of(OTHER, link_to(THIRD, chain_of(THIRD)))
    data = with_linked(other, main=chain_of(CASE, link_to(OTHER, other)))
    assert verify_bundle(data).notes[-1] == (
        f"Linked case {OTHER} is itself linked to case '{THIRD}', which is not in this bundle."
    )


def rezipped(names: list[str], method: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    entries, target = read_container(FULL), io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr, info.compress_type = 3, 0o100644 << 16, method
            archive.writestr(info, entries.get(name, b""))
        archive.comment = comment
    return target.getvalue()


def test_a_container_packed_in_another_way_is_refused_though_the_entries_are_the_same() -> None:
    names = sorted(read_container(FULL))
    assert rezipped(names) == FULL
    assert broken(rezipped(names[::-1])) == "the entries are not sorted by name"
    assert "packed by another program" in broken(rezipped(names, zipfile.ZIP_DEFLATED))
    assert f"differs at byte {len(FULL) - 2} " in broken(rezipped(names, comment=b"x"))
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = rezipped([*names, names[0]])
    assert broken(twice) == "entry 'disclosures.jsonl' stands in the file twice"
    assert broken(rezipped(sorted([*names, "readme.txt"]))) == "entry 'readme.txt' has no place in a bundle"
    assert broken(FULL + b"\n") == "1 bytes follow after the end of the container"
    assert broken(FULL[:-1]) == "the file is cut off in the directory of the ZIP"


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"%PDF-1.7", b"PK\x05\x06" + bytes(18), b"PK\x03\x04", FULL[:60], FULL[: len(FULL) // 2]],
)
def test_what_is_no_bundle_gets_a_sentence_and_an_empty_report(data: bytes) -> None:
    report = verify_bundle(data)
    assert report == VerifyReport(False, report.case, 0, GENESIS, 0, 0, {}, report.first_broken, [])
    assert "cut off" in broken(data) or "not an evidence bundle" in broken(data)


def test_sizes_that_promise_more_than_the_file_holds_are_not_followed() -> None:
    bomb = bytearray(BARE)
    bomb[18:26] = b"\xff\xff\xff\xff" * 2
    assert broken(bytes(bomb)) == "the file is cut off in entry 'disclosures.jsonl'"


@pytest.mark.parametrize(
    "name", ["../x", "a//b", ".hidden", "/x", "x/", "返岗.pdf", "a\\b", "a b", "x\n", ""]
)
def test_a_name_that_could_leave_its_folder_or_is_not_ascii_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="has no place in a bundle"):
        build_bundle(CASE, *CHAIN, files={name: b""})


def test_a_bundle_needs_events_and_fit_case_ids() -> None:
    with pytest.raises(ValueError, match=f"case {CASE} has no events"):
        build_bundle(CASE, [], [])
    with pytest.raises(ValueError, match="cannot be a case id"):
        build_bundle("leave-return/1", *CHAIN)
    with pytest.raises(ValueError, match="cannot be linked to itself"):
        build_bundle(CASE, *CHAIN, linked={CASE: OTHER_CHAIN})


def test_a_bundle_may_be_as_large_as_the_limit_and_no_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.domain.bundle._MAX_BYTES", len(FULL))
    entries = read_container(FULL)
    assert write_container(entries) == FULL
    monkeypatch.setattr("countersign.domain.bundle._MAX_BYTES", len(FULL) - 1)
    with pytest.raises(ValueError, match="at most 1 GiB; leave large files out"):
        write_container(entries)
    assert broken(FULL) == "a bundle holds at most 1 GiB; leave large files out"
    monkeypatch.setattr("countersign.domain.bundle._MAX_ENTRIES", 2)
    assert broken(FULL) == "a bundle holds at most 2 entries, here are 9"


def test_read_container_gives_the_entries_only_of_a_container_that_is_whole() -> None:
    assert write_container(read_container(WITNESSED)) == WITNESSED
    with pytest.raises(ValueError, match="does not match its CRC-32"):
        read_container(flipped(WITNESSED, WITNESSED.index(b"signature") * 8))


def test_a_chain_written_anew_passes_and_the_report_says_that_only_a_witness_excludes_it() -> None:
    forged = chain_of(CASE, (EventKind.ANSWER_ACKNOWLEDGED, {"link": "never clicked"}))
    report = verify_bundle(build_bundle(CASE, *forged))
    assert report.ok
    assert report.notes[0].startswith("No outside witness")
    assert "whole new chain" in report.notes[0]
    assert report.head in report.notes[0]


def test_a_signature_is_announced_but_not_taken_for_checked() -> None:
    report = verify_bundle(WITNESSED)
    assert report.notes[0].startswith("manifest.sig and manifest.tst: present, but not checked here")


def test_a_file_that_no_event_speaks_of_is_noted() -> None:
    assert verify_bundle(FULL).notes[1] == (
        "No event holds the hash of these files; only the manifest covers them: "
        "files/scans/back.png, history/leave_return.json."
    )


def test_a_sealed_value_cannot_be_found_by_trial_without_its_salt() -> None:
    body = CHAIN[0][0].body["phone"]["sealed"]
    assert body != hashlib.sha256(b"+8613800138000").hexdigest()
    assert body == seal("+8613800138000", bytes.fromhex(CHAIN[1][0].salt))
