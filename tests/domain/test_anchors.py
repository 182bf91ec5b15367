"""Anchors: what they cover, how a bundle proves it, and what a file kept elsewhere tells."""

import base64
import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.domain.anchors import (
    Anchor,
    AnchorFault,
    Head,
    anchors_entry,
    off_chain,
    read_anchor_file,
    read_anchors_entry,
)
from countersign.domain.evidence import GENESIS, canonical

AT = "2026-02-13T10:00:00.000+00:00"


def head(number: int, length: int = 3) -> Head:
    return Head(f"CASE{number:04}", length, f"{number:064x}")


def anchor(count: int, seq: int = 1, prev: str = GENESIS, token: bytes | None = None) -> Anchor:
    return Anchor(seq, AT, prev, tuple(head(n) for n in range(count)), token)


def chain_of_anchors(*counts: int) -> list[Anchor]:
    made: list[Anchor] = []
    for seq, count in enumerate(counts, start=1):
        made.append(anchor(count, seq, made[-1].hash if made else GENESIS))
    return made


def file_of(*anchors: Anchor) -> bytes:
    return b"".join(one.line + b"\n" for one in anchors)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 33])
def test_each_of_any_number_of_heads_is_proved_and_no_other_one(count: int) -> None:
    whole = anchor(count, token=b"stamp")
    for number in range(count):
        proof = whole.proof(head(number).case)
        (found,) = read_anchors_entry(anchors_entry([proof]))
        assert (found.head, found.hash, found.token) == (head(number), whole.hash, b"stamp")
        assert found.statement == whole.statement
        other = {**proof, "leaf": {**proof["leaf"], "length": 4}}
        with pytest.raises(AnchorFault, match="does not lead from the case to the root"):
            read_anchors_entry(anchors_entry([other]))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.data())
def test_a_change_to_any_part_of_a_proof_is_found(count: int, data: st.DataObject) -> None:
    raw = anchors_entry([anchor(count).proof(head(data.draw(st.integers(0, count - 1))).case)])
    row = json.loads(raw)["anchors"][0]
    name = data.draw(st.sampled_from(["at", "count", "prev", "root", "seq", "hash", "v"]))
    row[name] = row[name] + 1 if isinstance(row[name], int) else "0" + row[name][:-1] + "x"
    with pytest.raises(AnchorFault):
        read_anchors_entry(anchors_entry([row]))


@pytest.mark.parametrize(
    "change",
    [
        {"v": True},
        {"seq": True},
        {"count": "1"},
        {"path": [["up", "0" * 64]]},
        {"path": [["left", "0"]]},
        {"path": [["left", "AB" * 32]]},
        {"token": "?"},
        {"more": 1},
        {"leaf": None},
        {"leaf": {"case": "CASE0000", "length": 3}},
        {"at": 7},
    ],
)
def test_a_proof_of_a_wrong_form_is_refused_in_words(change: dict[str, Any]) -> None:
    with pytest.raises(AnchorFault):
        read_anchors_entry(canonical({"anchors": [anchor(2).proof("CASE0000") | change]}))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"anchors":[]}', b'{"anchors":7}', b"\xff"])
def test_an_entry_that_holds_no_anchors_is_refused(raw: bytes) -> None:
    with pytest.raises(AnchorFault):
        read_anchors_entry(raw)


def test_anchors_stand_in_order_and_once() -> None:
    first, second = chain_of_anchors(2, 2)
    proofs = [first.proof("CASE0000"), second.proof("CASE0000")]
    assert [one.seq for one in read_anchors_entry(anchors_entry(reversed(proofs)))] == [1, 2]
    for wrong in (proofs[::-1], [proofs[0], proofs[0]]):
        with pytest.raises(AnchorFault, match="twice or out of order"):
            read_anchors_entry(canonical({"anchors": wrong}))


def test_an_anchor_file_is_read_back_whole() -> None:
    made = chain_of_anchors(1, 3, 2)
    made[1] = made[1].stamped(b"token")
    assert read_anchor_file(file_of(*made)) == made
    assert read_anchor_file(b"") == []
    assert made[1].stamped(None).hash == made[1].hash


def test_a_changed_removed_moved_or_cut_line_of_the_file_is_named() -> None:
    one, two, three = chain_of_anchors(1, 3, 2)
    swapped = dataclasses.replace(two, heads=(*two.heads[:2], Head("CASE0002", 9, "f" * 64)))
    for lines, words in (
        (file_of(one, three), "line 2: has seq 3"),
        (file_of(two, one), "line 1: has seq 2"),
        (file_of(one, swapped, three), "line 3: prev is not the hash of the anchor before it"),
        (file_of(one, two).replace(b'"CASE0001",3', b'"CASE0001",4'), "line 2: is not what its own fields"),
        (file_of(one, two)[:-1], "line 2: has no line feed"),
        (file_of(one) + b"{}\n", "line 2: is not what"),
        (file_of(one) + b"[1]\n", "line 2: is not what"),
    ):
        with pytest.raises(AnchorFault, match=words):
            read_anchor_file(lines)


def test_heads_of_a_file_are_compared_with_the_chain() -> None:
    hashes = ["a" * 64, "b" * 64, f"{1:064x}"]
    assert list(off_chain([head(1), head(2)], {"CASE0001": hashes})) == []
    (shorter,) = off_chain([head(1)], {"CASE0001": hashes[:2]})
    assert "had 3 events then, and has 2 here" in shorter
    (other,) = off_chain([head(1)], {"CASE0001": ["a" * 64] * 3})
    assert "event 3 of case CASE0001" in other
    assert "written anew" in other


def test_a_token_travels_as_base64() -> None:
    line = json.loads(anchor(1, token=b"\x00\xff").line)
    assert base64.b64decode(line["token"]) == b"\x00\xff"
    assert line["heads"] == [["CASE0000", 3, "0" * 64]]
