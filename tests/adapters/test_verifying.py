"""The whole check: what each witness says, what a forger cannot forge, and both verifiers of one mind."""

import base64
import importlib.util
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from countersign.adapters.signing import Signer, given_signer, own_signer, read_certificates
from countersign.adapters.timeline_pdf import TimelinePress
from countersign.adapters.timestamps import Authority
from countersign.adapters.verifying import Verdict, verify
from countersign.cli import app
from countersign.domain.anchors import Anchor, Head, anchors_entry
from countersign.domain.bundle import build_bundle, read_container, verify_bundle, write_container
from countersign.domain.evidence import GENESIS, EventKind, Sealed
from tests.domain.test_bundle import (
    CASE,
    OTHER,
    OTHER_CHAIN,
    Chain,
    chain_of,
    flipped,
    link_to,
    with_manifest,
)
from tests.support.authority import LocalAuthority, authority, issue, make_ca

ROOT = Path(__file__).parents[2]
AT = "2026-02-20T10:00:00.000+00:00"
HISTORY = ROOT / "tests/replay/histories/leave_return/answered_by_link.json"
HISTORY_CASE = "01M842PG642WZ96HKDHD88ZHTA"
"""The case in the input of the kept history."""
HISTORY_NAME = f"{HISTORY_CASE}/leave-return/01L/run-1.json"


def load_independent() -> Any:
    spec = importlib.util.spec_from_file_location("independent", ROOT / "docs" / "verify_bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


INDEPENDENT = load_independent()


@dataclass
class World:
    """An installation's signer and an authority, and what they make of a chain."""

    signer: Signer
    stamps: LocalAuthority
    folder: Path

    def bundle(
        self,
        chain: Chain,
        *,
        case: str = CASE,
        anchors: list[Anchor] | None = None,
        stamp: bool = False,
        sign: bool = True,
        **more: Any,
    ) -> bytes:
        history = dict(more.pop("history", {}))
        if anchors:
            proofs = [one.proof(h.case) for one in anchors for h in one.heads if h.case in (CASE, OTHER)]
            history["anchors.json"] = anchors_entry(proofs)
        return self.witness(build_bundle(case, *chain, history=history, **more), stamp=stamp, sign=sign)

    def witness(self, data: bytes, *, stamp: bool = False, sign: bool = True) -> bytes:
        entries = read_container(data)
        manifest = entries["manifest.json"]
        if sign:
            entries["manifest.sig"] = self.signer.sign(manifest)
        if stamp:
            entries["manifest.tst"] = Authority(self.stamps.url, self.stamps.ca).stamp(manifest)
        return write_container(entries)

    def both(
        self, data: bytes, *, ca: Path | None = None, kept: list[Anchor] | None = None
    ) -> tuple[Verdict, str | None]:
        """Ask both verifiers; they must agree on whether the bundle is sound. Return both findings."""
        verdict = verify(data, None if ca is None else read_certificates(ca), kept)
        told = None
        try:
            files, chains, case, anchors = INDEPENDENT.check(data)
            raw = None if kept is None else b"".join(one.line + b"\n" for one in kept)
            named = None if ca is None else str(ca)
            said = INDEPENDENT.witnesses(files, chains, case, anchors, named, raw)
            assert any(outside for _, outside in said) is verdict.outside
        except (ValueError, KeyError) as error:
            told = str(error)
        assert (verdict.broken is None) is (told is None), (verdict.broken, told)
        return verdict, told


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("witnesses")
    with authority(folder / "tsa") as stamps:
        yield World(own_signer(folder / "secrets", datetime.now(UTC)), stamps, folder)


def long_chain(length: int, outcome: str = "back") -> Chain:
    sent = [(EventKind.DELIVERY_SENT, {"attempt": n, "to": Sealed(f"+86138{n:08}")}) for n in range(length)]
    return chain_of(CASE, *sent, (EventKind.CASE_CLOSED, {"outcome": outcome}))


def anchor_over(chain: Chain, length: int, seq: int = 1, prev: str = GENESIS) -> Anchor:
    own = Head(CASE, length, chain[0][length - 1].hash)
    return Anchor(seq, AT, prev, tuple(sorted([own, Head("SOMEBODY-ELSE", 4, "e" * 64)])))


TRUE, FORGED = long_chain(5), long_chain(5, "absent")


# -- what each witness says ----------------------------------------------------------------------------------


def test_without_any_witness_the_words_say_that_nothing_outside_vouches(world: World) -> None:
    verdict, _ = world.both(world.bundle(TRUE, sign=False))
    assert verdict.broken is None
    assert (verdict.witnesses, verdict.outside) == ([], False)
    assert verdict.notes[0].startswith("No outside witness: there is neither a signature nor a timestamp")


def test_a_self_issued_signature_is_named_as_such_and_is_no_outside_witness(world: World) -> None:
    verdict, _ = world.both(world.bundle(TRUE))
    (said,) = verdict.witnesses
    assert "signed by CN=Countersign self-issued 01" in said
    assert "proves only that the same installation signed" in said
    assert not verdict.outside
    assert verdict.notes[0].startswith("No outside witness was checked")


def test_a_signature_under_a_named_authority_is_an_outside_witness(world: World) -> None:
    folder = world.folder / "authority"
    folder.mkdir()
    ca = make_ca(folder, "Company Root")
    issue(folder, "hr", "keyUsage=critical,digitalSignature,nonRepudiation\n")
    signer = given_signer(folder / "hr.key", folder / "hr.pem")
    data = World(signer, world.stamps, world.folder).bundle(TRUE)
    verdict, _ = world.both(data, ca=ca)
    assert verdict.outside
    assert "Its chain leads to a certificate of --ca" in verdict.witnesses[0]
    unchecked, _ = world.both(data)
    assert not unchecked.outside
    assert "give --ca FILE" in unchecked.witnesses[0]
    stranger, _ = world.both(data, ca=world.stamps.ca)
    assert not stranger.outside
    assert "Not proved: no valid chain leads to a certificate of --ca" in stranger.witnesses[0]


def test_a_timestamp_counts_once_its_authority_is_named(world: World) -> None:
    data = world.bundle(TRUE, stamp=True)
    verdict, _ = world.both(data, ca=world.stamps.ca)
    assert verdict.outside
    assert "stamped by CN=tsa" in verdict.witnesses[1]
    assert not any(note.startswith("No outside") for note in verdict.notes)
    unchecked, _ = world.both(data)
    assert not unchecked.outside
    assert "whether that authority made it was not checked" in unchecked.witnesses[1]


def test_a_token_of_another_authority_than_the_named_one_proves_nothing(world: World) -> None:
    with authority(world.folder / "stranger") as other:
        data = World(world.signer, other, world.folder).bundle(TRUE, stamp=True)
    verdict, _ = world.both(data, ca=world.stamps.ca)
    assert verdict.broken is None
    assert not verdict.outside
    assert "not proved: no valid chain leads to a certificate of --ca" in verdict.witnesses[1]


def test_a_stamped_anchor_vouches_for_the_chain_as_far_as_it_reaches(world: World) -> None:
    anchor = anchor_over(TRUE, 4)
    stamped = anchor.stamped(Authority(world.stamps.url, None).stamp(anchor.statement))
    verdict, _ = world.both(world.bundle(TRUE, anchors=[stamped]), ca=world.stamps.ca)
    assert verdict.outside
    assert "the chain up to event 4 existed then as it is now; of those up to 7" in verdict.witnesses[-1]
    foreign = anchor.stamped(Authority(world.stamps.url, None).stamp(b"something else"))
    broken, _ = world.both(world.bundle(TRUE, anchors=[foreign]), ca=world.stamps.ca)
    assert broken.broken is not None
    assert "anchor 1: is a timestamp of other bytes" in broken.broken


def test_an_anchor_file_kept_elsewhere_vouches_up_to_its_newest_head(world: World) -> None:
    first = anchor_over(TRUE, 2)
    second = anchor_over(TRUE, 5, 2, first.hash)
    verdict, _ = world.both(world.bundle(TRUE, anchors=[first, second]), kept=[first, second])
    assert verdict.outside
    assert "2 heads of this case were kept elsewhere" in verdict.witnesses[-1]
    assert "the newest is event 5 of 7" in verdict.witnesses[-1]
    silent = Anchor(1, AT, GENESIS, (Head("SOMEBODY-ELSE", 4, "e" * 64),))
    verdict, _ = world.both(world.bundle(TRUE), kept=[silent])
    assert not verdict.outside
    assert any("names no head of this case" in note for note in verdict.notes)


# -- forgers -------------------------------------------------------------------------------------------------


def test_a_forger_who_recomputes_and_signs_again_is_found_by_the_timestamp(world: World) -> None:
    token = read_container(world.bundle(TRUE, stamp=True))["manifest.tst"]
    entries = read_container(world.bundle(FORGED))
    verdict, told = world.both(write_container(entries | {"manifest.tst": token}), ca=world.stamps.ca)
    assert verdict.broken == "manifest.tst: is a timestamp of other bytes"
    assert told is not None
    assert "no timestamp of these bytes" in told


def test_a_forger_who_recomputes_and_signs_again_is_found_by_an_anchored_head(world: World) -> None:
    kept = anchor_over(TRUE, 7)
    verdict, told = world.both(world.bundle(FORGED), kept=[kept])
    assert verdict.broken is not None
    assert "event 7 of case" in verdict.broken
    assert "written anew" in verdict.broken
    assert told is not None
    assert "event 7 of" in told
    shorter = long_chain(2)
    cut, _ = world.both(world.bundle(shorter), kept=[kept])
    assert cut.broken is not None
    assert "had 7 events then, and has 4 here: events were left off" in cut.broken


def test_an_anchor_inside_the_bundle_that_does_not_fit_the_chain_is_named(world: World) -> None:
    verdict, told = world.both(world.bundle(FORGED, anchors=[anchor_over(TRUE, 7)]))
    assert verdict.broken is not None
    assert verdict.broken.startswith(f"history/anchors.json: anchor 1 of {AT}: event 7 of case {CASE}")
    assert told is not None
    assert "event 7" in told


def test_an_anchor_invented_to_fit_is_not_the_one_that_was_kept(world: World) -> None:
    kept = Anchor(1, AT, GENESIS, (Head("SOMEBODY-ELSE", 4, "e" * 64),))
    verdict, told = world.both(world.bundle(FORGED, anchors=[anchor_over(FORGED, 7)]), kept=[kept])
    assert told is not None
    assert "is another one than in the anchor file" in told
    assert verdict.broken is not None
    assert "anchor 1 is another one than in the file of --anchors" in verdict.broken


def test_a_forger_with_neither_against_him_passes_and_the_words_say_so(world: World) -> None:
    verdict, _ = world.both(world.bundle(FORGED))
    assert verdict.broken is None
    assert "whole new chain" in verdict.notes[0]
    assert verdict.report.head in verdict.notes[0]


def test_an_old_signature_does_not_fit_a_new_manifest(world: World) -> None:
    signature = read_container(world.bundle(TRUE))["manifest.sig"]
    forged = read_container(world.bundle(FORGED)) | {"manifest.sig": signature}
    verdict, _ = world.both(write_container(forged))
    assert verdict.broken == "manifest.sig: is a signature of other bytes"
    for junk in (b"", b"junk", signature[:-1], signature[:40]):
        broken, _ = world.both(write_container(forged | {"manifest.sig": junk}))
        assert broken.broken is not None
        assert broken.broken.startswith("manifest.sig: ")


def test_a_token_counts_after_its_authoritys_certificate_has_expired(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = world.bundle(TRUE, stamp=True)
    plain = INDEPENDENT._openssl
    later = str(int((datetime.now(UTC) + timedelta(days=25)).timestamp()))

    def in_a_month(folder: str, *arguments: str) -> tuple[bool, str, str]:
        told = plain(folder, *arguments, *(() if "-attime" in arguments else ("-attime", later)))
        return cast(tuple[bool, str, str], told)

    files, chains, case, anchors = INDEPENDENT.check(data)
    files.pop("manifest.sig")
    monkeypatch.setattr(
        INDEPENDENT, "_openssl", lambda f, *a: (in_a_month if "-verify" in a else plain)(f, *a)
    )
    ((said, proved),) = INDEPENDENT.witnesses(files, chains, case, anchors, str(world.stamps.ca))
    assert proved
    assert "Its chain leads to --ca." in said


def test_a_token_whose_signature_is_damaged_breaks_under_its_own_authority(world: World) -> None:
    entries = read_container(world.bundle(TRUE, stamp=True))
    token = bytearray(entries["manifest.tst"])
    token[-1] ^= 1
    data = write_container(entries | {"manifest.tst": bytes(token)})
    verdict, told = world.both(data, ca=world.stamps.ca)
    assert verdict.broken == "manifest.tst: is not signed by the certificate that it names"
    assert told == "manifest.tst: is not signed by its certificate"


def test_what_vouches_for_a_linked_chain_alone_is_no_outside_witness(world: World) -> None:
    chain = chain_of(CASE, link_to(OTHER, OTHER_CHAIN, 2))
    anchor = Anchor(1, AT, GENESIS, (Head(OTHER, 1, OTHER_CHAIN[0][0].hash),))
    stamped = anchor.stamped(Authority(world.stamps.url, None).stamp(anchor.statement))
    data = world.bundle(chain, anchors=[stamped], linked={OTHER: OTHER_CHAIN})
    by_file, _ = world.both(data, kept=[stamped])
    by_stamp, _ = world.both(data, ca=world.stamps.ca)
    assert not by_file.outside
    assert not by_stamp.outside


def test_a_self_issued_certificate_named_as_authority_is_no_outside_witness(world: World) -> None:
    own = world.folder / "own.pem"
    own.write_bytes(world.signer.certificate.public_bytes(Encoding.PEM))
    verdict, _ = world.both(world.bundle(TRUE), ca=own)
    assert verdict.broken is None
    assert not verdict.outside


def test_a_signature_in_other_bytes_than_the_product_writes_is_refused_by_both(world: World) -> None:
    entries = read_container(world.bundle(TRUE))
    signature = entries["manifest.sig"]
    ends = signature.rindex(bytes.fromhex("300d06092a864886f70d0101010500"))
    changed = {
        "trailing": signature + b"\0\0",
        "another digest": _last_replaced(signature, "0609608648016503040201", "0609608648016503040202"),
        "sha256WithRSA": signature[: ends + 12] + b"\x0b" + signature[ends + 13 :],
        "certificate changed": signature.replace(b"Countersign self-", b"Countersigm self-"),
        "version 3": signature.replace(bytes.fromhex("020101"), bytes.fromhex("020103"), 1),
    }
    for name, other in changed.items():
        assert other != signature
        verdict, told = world.both(write_container(entries | {"manifest.sig": other}))
        assert verdict.broken is not None, name
        assert told is not None, name


def _last_replaced(content: bytes, old: str, new: str) -> bytes:
    at = content.rindex(bytes.fromhex(old))
    return content[:at] + bytes.fromhex(new) + content[at + len(new) // 2 :]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_signature_or_token_is_told_in_words_whatever_is_damaged(
    world: World, data: st.DataObject
) -> None:
    entries = read_container(STAMPED.setdefault(1, world.bundle(TRUE, stamp=True)))
    name = data.draw(st.sampled_from(["manifest.sig", "manifest.tst"]))
    bit = data.draw(st.integers(0, len(entries[name]) * 8 - 1))
    roots = data.draw(st.sampled_from([None, read_certificates(world.stamps.ca)]))
    verdict = verify(write_container(entries | {name: flipped(entries[name], bit)}), roots)
    assert verdict.broken is None or verdict.broken.startswith(f"{name}: ")


STAMPED: dict[int, bytes] = {}


# -- any change, bundles of any size -------------------------------------------------------------------------


def sized(world: World, length: int) -> bytes:
    made = SIZED.get(length)
    if made is None:
        chain = chain_of(
            CASE,
            link_to(OTHER, OTHER_CHAIN, 2),
            *[(EventKind.DELIVERY_SENT, {"attempt": n, "to": Sealed(f"+86{n}")}) for n in range(length)],
        )
        linked = {OTHER: OTHER_CHAIN}
        made = SIZED[length] = world.bundle(
            chain,
            anchors=[anchor_over(chain, len(chain[0]))],
            stamp=True,
            linked=linked,
            files={"scan.png": bytes(range(256))},
            timeline_pdf=TimelinePress().print(CASE, chain, linked, "en"),
        )
    return made


SIZED: dict[int, bytes] = {}
SIZES = st.sampled_from([0, 1, 4, 17, 60])
ANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fault_of(data: bytes) -> str:
    """Return the first broken link; both verifiers must refuse."""
    report = verify_bundle(data)
    with pytest.raises(
        (ValueError, KeyError, OSError, NotImplementedError, RuntimeError, IndexError, Exception)
    ):
        INDEPENDENT.verify(data)
    assert report.first_broken is not None
    return report.first_broken


@ANY
@given(SIZES, st.data())
def test_any_one_bit_of_a_bundle_of_any_size_is_found_by_both(
    world: World, length: int, data: st.DataObject
) -> None:
    whole = sized(world, length)
    assert fault_of(flipped(whole, data.draw(st.integers(0, len(whole) * 8 - 1))))


@ANY
@given(SIZES, st.sampled_from(["removed", "added", "moved"]), st.data())
def test_an_event_removed_added_or_moved_is_found_and_the_first_wrong_one_named(
    world: World, length: int, how: str, data: st.DataObject
) -> None:
    entries = read_container(sized(world, length))
    before = entries["events.jsonl"].splitlines(keepends=True)
    lines, at = [*before], data.draw(st.integers(0, len(before) - 1))
    line = lines[at] if how == "added" else lines.pop(at)
    if how != "removed":
        lines.insert(data.draw(st.integers(0, len(lines)).filter(lambda n: how == "added" or n != at)), line)
    # Hashes of files, length and head are made to fit: only the chain itself can tell.
    last = json.loads(lines[-1])["hash"]
    changed = write_container(entries | {"events.jsonl": b"".join(lines)})
    fault = fault_of(with_manifest(changed, length=len(lines), head=last))
    pairs = enumerate(zip(lines, before, strict=False))
    wrong = next((i for i, (new, old) in pairs if new != old), min(len(lines), len(before)))
    if wrong < len(lines):
        assert fault.startswith(f"event {wrong + 1}: ")
    else:  # the last one was taken away: what speaks of it tells
        assert re.search("has no sealed value|events were left off|linked by no event", fault)


# -- histories -----------------------------------------------------------------------------------------------


def closed_chain(outcome_sha256: str | None) -> Chain:
    body: dict[str, object] = {"outcome": "returns_on"}
    return chain_of(
        HISTORY_CASE,
        (
            EventKind.CASE_CLOSED,
            body | ({} if outcome_sha256 is None else {"outcome_sha256": outcome_sha256}),
        ),
    )


OUTCOME = "f81958d8f28e3f3c477a8c93ec3f593d4b91623ed68775d789f3dfc0a487a02b"
"""Of the kept history: SHA-256 of the canonical JSON of its last event's result."""


def history_bundle(world: World, chain: Chain, history: dict[str, bytes]) -> bytes:
    return world.bundle(chain, case=HISTORY_CASE, history=history)


def replayed(data: bytes) -> Verdict:
    return verify(data, with_replay=True)


def edited(change: Callable[[list[dict[str, Any]]], object]) -> bytes:
    told = json.loads(HISTORY.read_bytes())
    change(told["events"])
    return json.dumps(told).encode()


def another_day(events: list[dict[str, Any]]) -> None:
    """Let the employee have said another day of return."""
    changed = 0
    for event in events:
        accepted = event.get("workflowExecutionUpdateAcceptedEventAttributes")
        for payload in accepted["acceptedRequest"]["input"]["args"]["payloads"] if accepted else ():
            text = base64.b64decode(payload["data"])
            if b"2026-03-02" in text:
                payload["data"] = base64.b64encode(text.replace(b"2026-03-02", b"2026-03-03")).decode()
                changed += 1
    assert changed == 1


def test_a_history_that_ends_as_the_chain_says_is_confirmed_in_a_sentence(world: World) -> None:
    data = history_bundle(world, closed_chain(OUTCOME), history={HISTORY_NAME: HISTORY.read_bytes()})
    verdict = replayed(data)
    assert verdict.broken is None
    assert verdict.notes[-1] == (
        f"history/{HISTORY_NAME}: replayed with this release, it ends as event 2 (case.closed) says."
    )


def test_a_changed_byte_of_a_history_breaks_its_hash(world: World) -> None:
    entries = read_container(
        history_bundle(world, closed_chain(OUTCOME), history={HISTORY_NAME: HISTORY.read_bytes()})
    )
    name = f"history/{HISTORY_NAME}"
    entries[name] = entries[name].replace(b"2026-02-24", b"2026-02-25", 1)
    assert replayed(write_container(entries)).broken == f"{name}: its SHA-256 is not the one in manifest.json"


def test_a_changed_answer_under_a_new_manifest_and_signature_is_found_by_the_outcome(world: World) -> None:
    data = history_bundle(world, closed_chain(OUTCOME), history={HISTORY_NAME: edited(another_day)})
    assert verify(data).broken is None
    broken = replayed(data).broken
    assert broken is not None
    assert "replayed, it ends otherwise than event 2 (case.closed) says" in broken
    assert OUTCOME in broken


def test_a_change_without_effect_on_the_outcome_is_found_by_the_signature(world: World) -> None:
    def rename(events: list[dict[str, Any]]) -> None:
        events[0]["workflowExecutionStartedEventAttributes"]["identity"] = "somebody"

    sound = read_container(
        history_bundle(world, closed_chain(OUTCOME), history={HISTORY_NAME: HISTORY.read_bytes()})
    )
    renamed = history_bundle(world, closed_chain(OUTCOME), history={HISTORY_NAME: edited(rename)})
    assert replayed(renamed).broken is None
    kept = {"manifest.sig": sound["manifest.sig"]}
    verdict, _ = world.both(write_container(read_container(renamed) | kept))
    assert verdict.broken == "manifest.sig: is a signature of other bytes"


def test_a_history_with_other_steps_and_one_that_is_none_are_named(world: World) -> None:
    def cut(events: list[dict[str, Any]]) -> None:
        marker = next(i for i, e in enumerate(events) if e["eventType"].endswith("MARKER_RECORDED"))
        events[marker]["eventType"] = "EVENT_TYPE_TIMER_FIRED"
        events[marker] = {**events[marker], "timerFiredEventAttributes": {"timerId": "77"}}
        del events[marker]["markerRecordedEventAttributes"]

    for content in (edited(cut), b"{}", b"\xff"):
        broken = replayed(
            history_bundle(world, closed_chain(OUTCOME), history={HISTORY_NAME: content})
        ).broken
        assert broken is not None
        assert broken.startswith(f"history/{HISTORY_NAME}: ")
        assert "it was changed, or comes from a release whose process was another" in broken


def test_without_history_or_hash_the_words_say_that_nothing_could_be_compared(world: World) -> None:
    bare = replayed(world.bundle(TRUE))
    assert bare.notes[-1] == "This bundle holds no history, so nothing could be replayed."
    old = replayed(history_bundle(world, closed_chain(None), history={HISTORY_NAME: HISTORY.read_bytes()}))
    assert old.broken is None
    assert "holds no hash of its outcome" in old.notes[-1]


def test_the_history_of_a_case_outside_the_bundle_is_refused(world: World) -> None:
    data = history_bundle(
        world, closed_chain(OUTCOME), history={"OTHERCASE/x/run.json": HISTORY.read_bytes()}
    )
    assert "of a case that is not in the bundle" in str(replayed(data).broken)


def without_end(events: list[dict[str, Any]]) -> None:
    assert events.pop()["eventType"].endswith("EXECUTION_COMPLETED")


def ended_from_outside(events: list[dict[str, Any]]) -> None:
    last = events[-1]
    del last["workflowExecutionCompletedEventAttributes"]
    last["eventType"] = "EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED"
    last["workflowExecutionTerminatedEventAttributes"] = {"identity": "somebody"}


@pytest.mark.parametrize("change", [without_end, ended_from_outside])
def test_a_history_without_the_end_that_the_chain_tells_of_is_refused(
    world: World, change: Callable[[list[dict[str, Any]]], None]
) -> None:
    broken = replayed(history_bundle(world, closed_chain(OUTCOME), history={HISTORY_NAME: edited(change)}))
    assert "does not end with the end of the process, though event 2 (case.closed)" in str(broken.broken)
    cut_off = edited(without_end)
    old = replayed(history_bundle(world, closed_chain(None), history={HISTORY_NAME: cut_off}))
    assert "the history was cut off" in str(old.broken)


def test_the_history_of_a_process_of_another_case_is_refused_under_this_ones_name(world: World) -> None:
    chain = chain_of(CASE, (EventKind.CASE_CLOSED, {"outcome": "returns_on", "outcome_sha256": OUTCOME}))
    data = world.bundle(chain, history={f"{CASE}/leave-return/01L/run-1.json": HISTORY.read_bytes()})
    assert f"its process began with the case {HISTORY_CASE}" in str(replayed(data).broken)


def test_a_running_case_with_an_unfinished_history_is_not_closed_yet(world: World) -> None:
    running = chain_of(HISTORY_CASE)
    verdict = replayed(history_bundle(world, running, history={HISTORY_NAME: edited(without_end)}))
    assert verdict.broken is None
    assert verdict.notes[-1].endswith("the case is not closed yet, so there is no outcome to compare.")
    ended = replayed(history_bundle(world, running, history={HISTORY_NAME: HISTORY.read_bytes()}))
    assert "its process has ended, though no event closes the case" in str(ended.broken)


# -- the clock -----------------------------------------------------------------------------------------------


def clock_of(world: World, data: bytes) -> tuple[int, str]:
    file = world.folder / "clock.zip"
    file.write_bytes(data)
    told = CliRunner().invoke(
        app, ["evidence", "clock", str(file)], env={"COUNTERSIGN_DATA_DIR": str(world.folder / "nothing")}
    )
    assert told.exception is None or isinstance(told.exception, SystemExit)
    return told.exit_code, told.output


def test_the_clock_of_a_bundle_whose_signature_does_not_fit_is_not_told(world: World) -> None:
    assert clock_of(world, world.bundle(TRUE))[0] == 0
    signature = read_container(world.bundle(TRUE))["manifest.sig"]
    forged = write_container(read_container(world.bundle(FORGED)) | {"manifest.sig": signature})
    assert clock_of(world, forged) == (1, "BROKEN: manifest.sig: is a signature of other bytes\n")


@pytest.mark.parametrize("due", ["nope", "2026-02-24T10:00:00"])
def test_the_clock_of_instants_that_cannot_be_read_is_a_sentence(world: World, due: str) -> None:
    chain = chain_of(CASE, (EventKind.BALL_PASSED, {"holder": "hr", "stage": "posting_due", "due_at": due}))
    code, words = clock_of(world, world.bundle(chain))
    assert code == 2
    assert "event 2 (ball.passed): its body holds an instant or a list that cannot be read" in words


# -- the account ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_account_is_printed_anew_and_compared(world: World, language: str) -> None:
    pdf = TimelinePress().print(CASE, TRUE, {}, language)
    assert any("the same bytes" in n for n in verify(world.bundle(TRUE, timeline_pdf=pdf)).notes)
    edited_pdf = verify(world.bundle(TRUE, timeline_pdf=pdf.replace(b"PDF-1.7", b"PDF-1.6")))
    assert edited_pdf.broken is None
    assert any("is not what this release prints" in note for note in edited_pdf.notes)
    redacted = world.bundle(
        TRUE, timeline_pdf=TimelinePress().print(CASE, TRUE, {}, language, redact=True), redact=True
    )
    assert any("the same bytes" in note for note in verify(redacted).notes)
