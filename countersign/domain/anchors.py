"""Anchors: statements about the heads of all chains, kept out of the database's reach.

An anchor covers the chains that have grown since the one before it, as leaves of a hash tree, and names the
anchor before it; so the newest one vouches for all of them. `docs/evidence-format.md` is the reference.
"""

import base64
import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from countersign.domain.evidence import GENESIS, canonical, parse_canonical

ANCHORS = "anchors.json"
"""The entry's name below `history/`."""

_COUNTED = re.compile(r"\[1,[1-9]\d*,[1-9]\d*,[1-9]\d*\]")
_STATEMENT = ("at", "count", "prev", "root", "seq", "v")


class AnchorFault(ValueError):
    """An anchor that contradicts itself, its neighbour or a chain; the sentence says which and how."""


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """How far a chain reached: its number of events and the hash of the last one."""

    case: str
    length: int
    head: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """One anchor. `at` is ISO 8601 with offset; `token` an RFC 3161 token over the statement, or None.

    `heads` are in order of their case ids; they are the leaves of the tree below `root`.
    """

    seq: int
    at: str
    prev: str
    heads: tuple[Head, ...]
    token: bytes | None = None

    @property
    def root(self) -> str:
        """The root of the tree over the heads, in hex."""
        return _levels([leaf_hash(head) for head in self.heads])[-1][0].hex()

    @property
    def statement(self) -> bytes:
        """The canonical bytes that are hashed and stamped."""
        return canonical(self._stated())

    @property
    def hash(self) -> str:
        """SHA-256 of the statement, which the next anchor names as `prev`."""
        return hashlib.sha256(self.statement).hexdigest()

    @property
    def line(self) -> bytes:
        """The anchor's line in the anchor file, without line feed."""
        heads = [[head.case, head.length, head.head] for head in self.heads]
        return canonical(self._shown() | {"heads": heads})

    def stamped(self, token: bytes | None) -> "Anchor":
        """Return the same anchor with a token."""
        return replace(self, token=token)

    def proof(self, case: str) -> dict[str, Any]:
        """Return what a bundle carries of this anchor about one case: the statement, the leaf, the path."""
        index = next(i for i, head in enumerate(self.heads) if head.case == case)
        head = self.heads[index]
        path = []
        for level in _levels([leaf_hash(one) for one in self.heads])[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                path.append(["left" if sibling < index else "right", level[sibling].hex()])
            index //= 2
        leaf = {"case": head.case, "length": head.length, "head": head.head}
        return self._shown() | {"leaf": leaf, "path": path}

    def _stated(self) -> dict[str, Any]:
        return {
            "v": 1,
            "seq": self.seq,
            "at": self.at,
            "count": len(self.heads),
            "prev": self.prev,
            "root": self.root,
        }

    def _shown(self) -> dict[str, Any]:
        token = None if self.token is None else base64.b64encode(self.token).decode()
        return self._stated() | {"hash": self.hash, "token": token}


@dataclass(frozen=True, slots=True)
class Covered:
    """An anchor that a bundle carries about one of its chains, found to fit: from when, how far."""

    seq: int
    at: str
    head: Head
    hash: str
    statement: bytes
    token: bytes | None


def leaf_hash(head: Head) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 ‖ canonical {"case", "head", "length"})."""
    leaf = canonical({"case": head.case, "head": head.head, "length": head.length})
    return hashlib.sha256(b"\x00" + leaf).digest()


def anchors_entry(proofs: Iterable[Mapping[str, Any]]) -> bytes:
    """Return `history/anchors.json` of a bundle, from the proofs of its chains."""
    ordered = sorted(proofs, key=lambda one: (one["seq"], one["leaf"]["case"]))
    return canonical({"anchors": ordered})


def read_anchors_entry(raw: bytes) -> list[Covered]:
    """Read and check `history/anchors.json` as far as it can be without chains; raises `AnchorFault`."""
    try:
        found = parse_canonical(raw)
        rows = found["anchors"] if isinstance(found, dict) and found.keys() == {"anchors"} else None
    except ValueError as error:
        raise AnchorFault(str(error)) from None
    if not isinstance(rows, list) or not rows:
        raise AnchorFault("must hold a list `anchors` and nothing else")
    covered = [_covered(row, number) for number, row in enumerate(rows, start=1)]
    order = [(one.seq, one.head.case) for one in covered]
    if any(after <= before for before, after in itertools.pairwise(order)):
        raise AnchorFault("its anchors stand twice or out of order (by seq, then case)")
    return covered


def read_anchor_file(raw: bytes) -> list[Anchor]:
    """Read an anchor file and check every line and the chain between them; raises `AnchorFault`."""
    *lines, rest = raw.split(b"\n")
    if rest:
        raise AnchorFault(f"line {len(lines) + 1}: has no line feed at the end; was it cut off?")
    anchors: list[Anchor] = []
    for number, line in enumerate(lines, start=1):
        try:
            anchor = read_line(line)
        except ValueError as error:
            raise AnchorFault(f"line {number}: {error}") from None
        if anchor.seq != number:
            raise AnchorFault(f"line {number}: has seq {anchor.seq}")
        if anchor.prev != (anchors[-1].hash if anchors else GENESIS):
            raise AnchorFault(f"line {number}: prev is not the hash of the anchor before it")
        anchors.append(anchor)
    return anchors


def read_line(line: bytes) -> Anchor:
    """Read one line of an anchor file; ValueError says what is wrong with it."""
    row = parse_canonical(line)
    try:
        token = None if row["token"] is None else base64.b64decode(row["token"], validate=True)
        heads = tuple(Head(case, length, head) for case, length, head in row["heads"])
        anchor = Anchor(row["seq"], row["at"], row["prev"], heads, token)
        ascending = all(one.case < other.case for one, other in itertools.pairwise(heads))
        fits = bool(heads) and anchor.line == line and ascending
    except (TypeError, KeyError, ValueError):
        fits = False
    if not fits:
        raise ValueError("is not what its own fields give")
    return anchor


def off_chain(heads: Iterable[Head], chains: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Say of each head that does not lie on its chain which one it is.

    `chains` holds the hashes of the events by case; heads of other cases are passed over.
    """
    for head in heads:
        if head.case not in chains:
            continue
        hashes = chains[head.case]
        if not 1 <= head.length <= len(hashes):
            yield (
                f"case {head.case} had {head.length} events then, and has {len(hashes)} here: "
                "events were left off"
            )
        elif hashes[head.length - 1] != head.head:
            yield (
                f"event {head.length} of case {head.case} had the hash {head.head} then, and has another "
                "one here: the chain was written anew"
            )


def _covered(row: object, number: int) -> Covered:
    try:
        if not isinstance(row, dict):
            raise TypeError
        leaf, token = row["leaf"], row["token"]
        head = Head(leaf["case"], leaf["length"], leaf["head"])
        stated = {name: row[name] for name in _STATEMENT}
        raw = None if token is None else base64.b64decode(token, validate=True)
        node = leaf_hash(head)
        for side, sibling in row["path"]:
            other = bytes.fromhex(sibling)
            if len(other) != len(node) or other.hex() != sibling:
                raise ValueError
            node = {"left": _join(other, node), "right": _join(node, other)}[side]
        exact = row.keys() == {*_STATEMENT, "hash", "leaf", "path", "token"} and leaf.keys() == {
            "case",
            "head",
            "length",
        }
        counted = canonical([row["v"], row["seq"], row["count"], head.length]).decode()
        typed = _COUNTED.fullmatch(counted) and isinstance(row["at"], str) and isinstance(head.case, str)
    except (TypeError, KeyError, ValueError):
        raise AnchorFault(f"anchor {number} of it has not the fields of an anchor") from None
    if not exact or not typed:
        raise AnchorFault(f"anchor {number} of it has not the fields of an anchor")
    if node.hex() != row["root"]:
        raise AnchorFault(f"anchor {row['seq']}: its path does not lead from the case to the root")
    statement = canonical(stated)
    if hashlib.sha256(statement).hexdigest() != row["hash"]:
        raise AnchorFault(f"anchor {row['seq']}: its hash is not that of its statement")
    return Covered(row["seq"], str(row["at"]), head, row["hash"], statement, raw)


def _join(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _levels(leaves: list[bytes]) -> list[list[bytes]]:
    """Return the levels of the tree, leaves first; a node without a neighbour goes up as it is."""
    if not leaves:
        raise ValueError("an anchor covers at least one chain")
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = [below[i : i + 2] for i in range(0, len(below), 2)]
        levels.append([_join(*pair) if len(pair) == 2 else pair[0] for pair in pairs])
    return levels
