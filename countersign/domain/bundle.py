"""The evidence bundle: one ZIP that anyone can check offline, and the check itself.

`docs/evidence-format.md` is the reference. The container is written and walked here field by field, because
what a ZIP library tolerates (trailing bytes, second directories, unused flags) would be room for changes
that no hash covers.
"""

import bisect
import hashlib
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from countersign.domain import anchors
from countersign.domain.anchors import AnchorFault, Covered, off_chain, read_anchors_entry
from countersign.domain.evidence import (
    GENESIS,
    SALT_BYTES,
    Disclosure,
    Event,
    EventKind,
    canonical,
    disclosure_line,
    event_hash,
    event_line,
    parse_canonical,
    parse_event,
    seal,
    sealed_values,
)

FORMAT = "countersign-evidence/1"
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
TIMESTAMP = "manifest.tst"
EVENTS = "events.jsonl"
DISCLOSURES = "disclosures.jsonl"
TIMELINE = "timeline.pdf"
HISTORY = "history/"
ANCHORS = HISTORY + anchors.ANCHORS

_UNHASHED = {MANIFEST, SIGNATURE, TIMESTAMP}
_CASE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}"
_ENTRY = re.compile(
    r"manifest\.(?:json|sig|tst)|timeline\.pdf"
    rf"|(?:linked/(?P<linked>{_CASE_ID.pattern})/)?(?:events|disclosures)\.jsonl"
    rf"|(?:files|history)(?:/{_SEGMENT}){{1,8}}"
)
_SALT = re.compile(rf"[0-9a-f]{{{2 * SALT_BYTES}}}")

# The three records of a ZIP (APPNOTE 4.3.7, 4.3.12, 4.3.16), with every field that could vary pinned.
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCAL_SIGNATURE, _CENTRAL_SIGNATURE, _END_SIGNATURE = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION, _MADE_BY_UNIX, _STORED = 20, 3 << 8 | 20, 0
_MIDNIGHT, _DAY_1980_01_01 = 0, 1 << 5 | 1
_REGULAR_FILE_0644 = 0o100644 << 16
# Well below 2 GiB, where ZIP libraries begin to write ZIP64 fields and the bytes would no longer be one.
_MAX_ENTRIES, _MAX_BYTES = 0xFFFE, 1 << 30


@dataclass(frozen=True, slots=True)
class ChainHead:
    """How far a chain reaches: its number of events and the hash of the last one."""

    length: int
    head: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `verify_bundle` found.

    Where `ok` is false, `first_broken` is one sentence and the other fields tell how far the main chain
    held (`case` None when not even that is known). `sealed_count` and `disclosed_count` cover the main and
    all linked chains; `hashes` has those of their events by case, `anchors` the anchors that fit them.
    `notes` say what a successful check does not prove, the first of them who could vouch for the bundle.
    """

    ok: bool
    case: str | None
    length: int
    head: str
    sealed_count: int
    disclosed_count: int
    linked: Mapping[str, ChainHead]
    first_broken: str | None
    notes: list[str]
    hashes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    anchors: Sequence[Covered] = ()


def build_bundle(
    case_id: str, events: Sequence[Event], disclosures: Iterable[Disclosure], **more: Any
) -> bytes:
    """Return the bundle's bytes; the same content gives the same bytes, in whatever order it comes.

    Takes what `bundle_entries` takes. Raises ValueError as it does, and for more than a bundle holds (65,534
    entries, 1 GiB).
    """
    return write_container(bundle_entries(case_id, events, disclosures, **more))


def bundle_entries(
    case_id: str,
    events: Sequence[Event],
    disclosures: Iterable[Disclosure],
    *,
    linked: Mapping[str, tuple[Sequence[Event], Iterable[Disclosure]]] | None = None,
    files: Mapping[str, bytes] | None = None,
    history: Mapping[str, bytes] | None = None,
    timeline_pdf: bytes | None = None,
    manifest_sig: bytes | None = None,
    manifest_tst: bytes | None = None,
    redact: bool | Callable[[str, Disclosure], bool] = False,
) -> dict[str, bytes]:
    """Return the entries of a bundle by name, the manifest among them.

    `linked` holds events and disclosures by case id, `files` and `history` contents by name below `files/`
    and `history/`. `redact=True` leaves every disclosure out, a function those for which it returns true
    (it gets the case id and the disclosure). Files and timeline are taken as given: for a redacted copy,
    pass those that its reader may see. The chain is not checked here, so that a damaged one can be shown;
    call `verify_bundle` on the container. Raises ValueError for an unfit name and a case without events.
    """
    chains = {case_id: (events, disclosures), **(linked or {})}
    if linked and case_id in linked:
        raise ValueError(f"case {case_id} cannot be linked to itself in its own bundle")
    contents: dict[str, bytes] = {}
    heads: dict[str, ChainHead] = {}
    for case, (chain, opened) in chains.items():
        if not _CASE_ID.fullmatch(case):
            raise ValueError(f"{case!r} cannot be a case id: letters, digits, - and _ only, at most 64")
        if not chain:
            raise ValueError(f"case {case} has no events, so there is nothing to export")
        folder = "" if case == case_id else f"linked/{case}/"
        kept = [d for d in opened if not (redact(case, d) if callable(redact) else redact)]
        contents[folder + EVENTS] = _lines(map(event_line, chain))
        contents[folder + DISCLOSURES] = _lines(
            map(disclosure_line, sorted(kept, key=lambda disclosure: (disclosure.seq, disclosure.path)))
        )
        heads[case] = ChainHead(len(chain), chain[-1].hash)
    contents |= {f"files/{name}": data for name, data in (files or {}).items()}
    contents |= {f"history/{name}": data for name, data in (history or {}).items()}
    optional = {TIMELINE: timeline_pdf, SIGNATURE: manifest_sig, TIMESTAMP: manifest_tst}
    contents |= {name: data for name, data in optional.items() if data is not None}
    _refuse_unfit_names(contents)
    contents[MANIFEST] = canonical(_manifest(case_id, heads, contents))
    return contents


def verify_bundle(data: bytes) -> VerifyReport:
    """Check a bundle against nothing but itself; whatever the bytes are, this returns and does not raise.

    The first fault is looked for in this order, so that the sentence names the event rather than the
    checksum around it: readable container, known entries, main chain and its disclosures, linked chains and
    theirs, links between chains, anchors, manifest, container byte for byte. Signature and timestamp are
    not looked at; see `countersign.adapters.verifying`.
    """
    container = _walk(data)
    entries = container.entries
    linked_names = {match["linked"] for name in entries if (match := _ENTRY.fullmatch(name))} - {None}
    main = _read_chain("", entries)
    linked = {case: _read_chain(f"linked/{case}/", entries, case) for case in sorted(linked_names)}
    chains = [main, *linked.values()]
    first_broken = next(_faults(container, main, linked), None)
    return VerifyReport(
        ok=first_broken is None,
        case=main.case,
        length=len(main.hashes),
        head=main.head,
        sealed_count=sum(len(chain.sealed) - chain.disclosed for chain in chains),
        disclosed_count=sum(chain.disclosed for chain in chains),
        linked={case: ChainHead(len(chain.hashes), chain.head) for case, chain in linked.items()},
        first_broken=first_broken,
        notes=list(_notes(entries, main, linked)) if first_broken is None else [],
        hashes=_hashes(main, linked),
        anchors=read_anchors_entry(entries[ANCHORS]) if first_broken is None and ANCHORS in entries else (),
    )


def write_container(entries: Mapping[str, bytes]) -> bytes:
    """Return the one ZIP that holds these entries; ValueError where the format has no place for them.

    With `read_container` this adds a signature to a finished bundle: the manifest stays as it is.
    """
    if len(entries) > _MAX_ENTRIES:
        raise ValueError(f"a bundle holds at most {_MAX_ENTRIES} entries, here are {len(entries)}")
    _refuse_unfit_names(entries)
    records: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for name in sorted(entries):
        content, encoded = entries[name], name.encode("ascii")
        size = len(content)
        if offset + size > _MAX_BYTES:
            raise ValueError("a bundle holds at most 1 GiB; leave large files out")
        shared = (0, _STORED, _MIDNIGHT, _DAY_1980_01_01, zlib.crc32(content), size, size, len(encoded), 0)
        records += _LOCAL.pack(_LOCAL_SIGNATURE, _VERSION, *shared), encoded, content
        directory += (
            _CENTRAL.pack(
                _CENTRAL_SIGNATURE, _MADE_BY_UNIX, _VERSION, *shared, 0, 0, 0, _REGULAR_FILE_0644, offset
            ),
            encoded,
        )
        offset += _LOCAL.size + len(encoded) + size
    size = sum(map(len, directory))
    if offset + size + _END.size > _MAX_BYTES:
        raise ValueError("a bundle holds at most 1 GiB; leave large files out")
    end = _END.pack(_END_SIGNATURE, 0, 0, len(entries), len(entries), size, offset, 0)
    return b"".join([*records, *directory, end])


def read_container(data: bytes) -> dict[str, bytes]:
    """Return the entries of a bundle by name; ValueError unless they make exactly these bytes again."""
    container = _walk(data)
    fault = container.unreadable or container.differs
    if fault is not None:
        raise ValueError(fault)
    return container.entries


@dataclass(slots=True)
class _Container:
    entries: dict[str, bytes] = field(default_factory=dict)
    unreadable: str | None = None
    differs: str | None = None


@dataclass(slots=True)
class _Chain:
    """A chain as far as it held, and the first fault in it or in its disclosures."""

    case: str | None = None
    hashes: list[str] = field(default_factory=list)
    sealed: dict[tuple[int, str], str] = field(default_factory=dict)
    disclosed: int = 0
    links: list[tuple[int, Mapping[str, object]]] = field(default_factory=list)
    fault: str | None = None

    @property
    def head(self) -> str:
        return self.hashes[-1] if self.hashes else GENESIS


def _lines(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _manifest(case: str, heads: Mapping[str, ChainHead], contents: Mapping[str, bytes]) -> dict[str, object]:
    return {
        "format": FORMAT,
        "case": case,
        "length": heads[case].length,
        "head": heads[case].head,
        "files": {
            name: hashlib.sha256(content).hexdigest()
            for name, content in contents.items()
            if name not in _UNHASHED
        },
        "linked": {
            other: {"length": chain.length, "head": chain.head}
            for other, chain in heads.items()
            if other != case
        },
    }


def _refuse_unfit_names(names: Iterable[str]) -> None:
    for name in names:
        if not _ENTRY.fullmatch(name):
            raise ValueError(f"entry {name!a} has no place in a bundle; see docs/evidence-format.md")


def _walk(data: bytes) -> _Container:
    """Read entry after entry from the front; sizes are those of the file itself, so nothing can unpack."""
    found = _Container()
    if not data.startswith(_LOCAL_SIGNATURE):
        found.unreadable = "this is not an evidence bundle: the file does not begin with a ZIP entry"
        return found
    offset = 0
    while data[offset : offset + 4] == _LOCAL_SIGNATURE:
        start = offset + _LOCAL.size
        if start > len(data):
            found.unreadable = f"the file is cut off in the entry at byte {offset}"
            return found
        _, _, flags, method, _, _, crc, packed, size, name_length, extra = _LOCAL.unpack_from(data, offset)
        if method != _STORED or flags or extra or packed != size:
            found.unreadable = (
                f"the entry at byte {offset} is compressed or packed by another program; "
                "check the file as it was exported, not packed again"
            )
            return found
        name = data[start : start + name_length].decode("ascii", "backslashreplace")
        offset = start + name_length + size
        if offset > len(data):
            found.unreadable = f"the file is cut off in entry {name!a}"
            return found
        if name in found.entries:
            found.unreadable = f"entry {name!a} stands in the file twice"
            return found
        found.entries[name] = data[start + name_length : offset]
        if zlib.crc32(found.entries[name]) != crc and found.differs is None:
            found.differs = f"entry {name!a}: its content does not match its CRC-32"
    if data[offset : offset + 4] != _CENTRAL_SIGNATURE:
        found.unreadable = f"at byte {offset} neither an entry nor the directory of the ZIP begins"
        return found
    found.differs = found.differs or _difference(data, found.entries)
    return found


def _difference(data: bytes, entries: Mapping[str, bytes]) -> str | None:
    if list(entries) != sorted(entries):
        return "the entries are not sorted by name"
    try:
        rebuilt = write_container(entries)
    except ValueError as error:
        return str(error)
    if rebuilt == data:
        return None
    if len(data) > len(rebuilt) and data.startswith(rebuilt):
        return f"{len(data) - len(rebuilt)} bytes follow after the end of the container"
    if rebuilt.startswith(data):
        return "the file is cut off in the directory of the ZIP"
    ours, theirs = memoryview(rebuilt), memoryview(data)
    same = bisect.bisect_left(
        range(1, min(len(data), len(rebuilt)) + 1), True, key=lambda n: ours[:n] != theirs[:n]
    )
    return f"the container differs at byte {same} from the one that its entries make"


def _read_chain(folder: str, entries: Mapping[str, bytes], case: str | None = None) -> _Chain:
    where = f"linked case {case}, " if case else ""
    chain = _Chain()
    for name in (EVENTS, DISCLOSURES):
        if folder + name not in entries:
            chain.fault = f"entry {folder}{name} is missing"
            return chain
    fault = _read_events(chain, entries[folder + EVENTS])
    if fault is None and case not in (None, chain.case):
        fault = f"event 1: names another case than the folder {folder}"
    if fault is None:
        fault = _read_disclosures(chain, entries[folder + DISCLOSURES])
    if fault is not None:
        chain.fault = where + fault
    return chain


def _read_events(chain: _Chain, raw: bytes) -> str | None:
    *lines, rest = raw.split(b"\n")
    for seq, line in enumerate(lines, start=1):
        try:
            event = parse_event(line)
        except ValueError as error:
            return f"event {seq}: {error}"
        if event.seq != seq:
            return f"event {seq}: line {seq} of {EVENTS} has seq {event.seq}"
        if event.prev != chain.head:
            before = f"the hash of event {seq - 1}" if seq > 1 else "64 zeros"
            return f"event {seq}: prev is not {before}"
        if event.hash != event_hash(event):
            return f"event {seq}: hash does not match its content"
        if seq == 1:
            case = event.body.get("case")
            if event.kind != EventKind.CASE_STARTED:
                return f"event 1: kind is not {EventKind.CASE_STARTED}"
            if not isinstance(case, str) or not _CASE_ID.fullmatch(case):
                return "event 1: body does not name the case"
            chain.case = case
        chain.hashes.append(event.hash)
        chain.sealed |= {(seq, path): digest for path, digest in sealed_values(event).items()}
        if event.kind == EventKind.CASE_LINKED:
            chain.links.append((seq, event.body))
    if rest:
        return f"event {len(lines) + 1}: its line has no line feed at the end"
    return None if lines else f"event 1: is missing, {EVENTS} is empty"


def _read_disclosures(chain: _Chain, raw: bytes) -> str | None:
    *lines, rest = raw.split(b"\n")
    if rest:
        return f"disclosure {len(lines) + 1}: its line has no line feed at the end"
    before = (0, "")
    for number, line in enumerate(lines, start=1):
        try:
            item = parse_canonical(line)
        except ValueError as error:
            return f"disclosure {number}: {error}"
        if not isinstance(item, dict) or item.keys() != {"seq", "path", "salt", "value"}:
            return f"disclosure {number}: must have exactly the fields path, salt, seq, value"
        seq, path, salt, value = item["seq"], item["path"], item["salt"], item["value"]
        if type(seq) is not int or not all(isinstance(text, str) for text in (path, salt, value)):
            return f"disclosure {number}: seq must be an integer, path, salt and value strings"
        if (seq, path) <= before:
            return f"disclosure {number}: stands twice or out of order (by seq, then path)"
        if (seq, path) not in chain.sealed:
            return f"disclosure {number}: event {seq} has no sealed value at {path!a}"
        if not _SALT.fullmatch(salt):
            return f"disclosure {number}: salt is not {2 * SALT_BYTES} lower-case hex digits"
        if seal(value, bytes.fromhex(salt)) != chain.sealed[seq, path]:
            return f"disclosure {number}: value does not match what event {seq} sealed at {path!a}"
        before = (seq, path)
        chain.disclosed += 1
    return None


def _faults(container: _Container, main: _Chain, linked: Mapping[str, _Chain]) -> Iterator[str]:
    if container.unreadable is not None:
        yield container.unreadable
    for name in container.entries:
        if not _ENTRY.fullmatch(name):
            yield f"entry {name!a} has no place in a bundle"
    if MANIFEST not in container.entries:
        yield f"entry {MANIFEST} is missing"
    for chain in (main, *linked.values()):
        if chain.fault is not None:
            yield chain.fault
    if main.case is not None and not main.fault:
        yield from _link_faults(main.case, main, linked)
        if ANCHORS in container.entries:
            yield from _anchor_faults(container.entries[ANCHORS], _hashes(main, linked))
        heads = {case: ChainHead(len(chain.hashes), chain.head) for case, chain in linked.items()}
        heads[main.case] = ChainHead(len(main.hashes), main.head)
        yield from _manifest_faults(
            container.entries[MANIFEST], _manifest(main.case, heads, container.entries)
        )
    if container.differs is not None:
        yield container.differs


def _link_faults(main_case: str, main: _Chain, linked: Mapping[str, _Chain]) -> Iterator[str]:
    if main_case in linked:
        yield f"linked/{main_case}/ repeats the bundle's own case"
    chains = {**linked, main_case: main}
    joined: set[str] = set()
    for case, chain in chains.items():
        where = "" if case == main_case else f"linked case {case}, "
        for seq, body in chain.links:
            other, length, head = body.get("case"), body.get("length"), body.get("head")
            if not isinstance(other, str) or type(length) is not int or not isinstance(head, str):
                yield f"{where}event {seq}: case.linked must carry case, length and head"
            elif other in chains:
                hashes = chains[other].hashes
                if not 1 <= length <= len(hashes):
                    yield f"{where}event {seq}: case {other} has no event {length}, to which it is linked"
                elif hashes[length - 1] != head:
                    yield f"{where}event {seq}: head is not the hash of event {length} of case {other}"
                joined |= {case, other}
            elif case == main_case:
                yield f"event {seq}: links case {other!a}, whose chain is not in the bundle"
    for case in linked:
        if case not in joined:
            yield f"linked/{case}/ is linked by no event"


def _hashes(main: _Chain, linked: Mapping[str, _Chain]) -> dict[str, Sequence[str]]:
    own = {} if main.case is None else {main.case: main.hashes}
    return {**{case: chain.hashes for case, chain in linked.items()}, **own}


def _anchor_faults(raw: bytes, chains: Mapping[str, Sequence[str]]) -> Iterator[str]:
    try:
        covered = read_anchors_entry(raw)
    except AnchorFault as fault:
        yield f"{ANCHORS}: {fault}"
        return
    for one in covered:
        if one.head.case not in chains:
            yield f"{ANCHORS}: anchor {one.seq} is about case {one.head.case!a}, which is not in the bundle"
        for sentence in off_chain([one.head], chains):
            yield f"{ANCHORS}: anchor {one.seq} of {one.at}: {sentence}"


def _manifest_faults(raw: bytes, expected: Mapping[str, object]) -> Iterator[str]:
    if raw == canonical(expected):
        return
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        yield f"{MANIFEST}: is not a JSON object"
        return
    for name in ("format", "case", "length", "head"):
        if found.get(name) != expected[name]:
            yield f"{MANIFEST}: {name} is not {expected[name]}, as it follows from the other entries"
    names, hashes = found.get("files"), expected["files"]
    if isinstance(names, dict) and isinstance(hashes, dict):
        for name in sorted(hashes.keys() | names.keys()):
            if name not in names:
                yield f"{MANIFEST}: files does not name the entry {name}"
            elif name not in hashes:
                yield f"entry {name!a} is missing, though {MANIFEST} names it"
            elif names[name] != hashes[name]:
                yield f"{name}: its SHA-256 is not the one in {MANIFEST}"
    if found.get("linked") != expected["linked"]:
        yield f"{MANIFEST}: linked does not give length and head of the linked chains"
    yield f"{MANIFEST}: is not the canonical form of its fields"


def _notes(entries: Mapping[str, bytes], main: _Chain, linked: Mapping[str, _Chain]) -> Iterator[str]:
    witnesses = [name for name in (SIGNATURE, TIMESTAMP) if name in entries]
    if witnesses:
        yield (
            f"{' and '.join(witnesses)}: present, but not checked here. Check against {MANIFEST} who signed "
            "or stamped it and when; only then is there an outside witness."
        )
    else:
        yield (
            "No outside witness: there is neither a signature nor a timestamp. Whoever holds the records "
            "could have written a whole new chain that passes this check, or left off its last events; "
            f"that is not excluded unless the head {main.head} was noted elsewhere."
        )
    chains = b"".join(entries[folder + EVENTS] for folder in ("", *(f"linked/{case}/" for case in linked)))
    spoken_of = set(re.findall(rb'"([0-9a-f]{64})"', chains))
    loose = [
        name
        for name in sorted(entries)
        if name.startswith(("files/", HISTORY))
        and name != ANCHORS
        and hashlib.sha256(entries[name]).hexdigest().encode() not in spoken_of
    ]
    if loose:
        yield f"No event holds the hash of these files; only the manifest covers them: {', '.join(loose)}."
    for case, chain in linked.items():
        absent = {str(body["case"]) for _, body in chain.links} - {main.case, *linked}
        for other in sorted(absent):
            yield f"Linked case {case} is itself linked to case {other!a}, which is not in this bundle."
