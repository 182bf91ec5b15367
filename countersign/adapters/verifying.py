"""The whole check of a bundle: the file itself, its witnesses, anchors kept elsewhere, its histories."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from countersign.adapters.history import replay
from countersign.adapters.signing import SELF_ISSUED, Signed, SigningFault, check_signature, trusted
from countersign.adapters.timeline_pdf import TimelinePress
from countersign.adapters.timestamps import Stamped, TokenFault, check_token
from countersign.domain import bundle as bundles
from countersign.domain.anchors import Anchor, off_chain
from countersign.domain.bundle import VerifyReport, read_container, verify_bundle
from countersign.domain.evidence import Disclosure, EventKind, parse_event
from countersign.domain.timeline import LANGUAGES


@dataclass
class Verdict:
    """What was found. `broken` is the first fault in one sentence.

    `witnesses` say who vouches for the bundle and for what; `outside` is set when one of them is out of the
    installation's reach. `notes` say what was not proved.
    """

    report: VerifyReport
    broken: str | None
    witnesses: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    outside: bool = False


class _Broken(Exception):
    pass


_NO_CHAIN = "no valid chain leads to a certificate of --ca (its file may hold several roots)"


def verify(
    data: bytes,
    roots: Sequence[x509.Certificate] | None = None,
    kept: Sequence[Anchor] | None = None,
    *,
    with_replay: bool = False,
) -> Verdict:
    """Check a bundle; whatever the bytes are, this returns and does not raise.

    `roots` are certificates under which signatures and timestamps count; `kept` the anchors of a file kept
    elsewhere, read by `read_anchor_file`.
    """
    report = verify_bundle(data)
    verdict = Verdict(report, report.first_broken)
    if report.ok:
        entries = read_container(data)
        try:
            _signature(verdict, entries, roots)
            _timestamp(verdict, entries, roots)
            _anchors(verdict, roots)
            _kept_anchors(verdict, kept)
            _timeline(verdict, entries)
            if with_replay:
                _histories(verdict, entries)
        except _Broken as fault:
            verdict.broken = str(fault)
        else:
            _sum_up(verdict)
    return verdict


def _signature(verdict: Verdict, entries: dict[str, bytes], roots: Sequence[x509.Certificate] | None) -> None:
    if bundles.SIGNATURE not in entries:
        return
    try:
        signed = check_signature(entries[bundles.SIGNATURE], entries[bundles.MANIFEST])
    except SigningFault as fault:
        raise _Broken(f"{bundles.SIGNATURE}: {fault}") from None
    verdict.witnesses.append(_signed_by(verdict, signed, roots))


def _signed_by(verdict: Verdict, signed: Signed, roots: Sequence[x509.Certificate] | None) -> str:
    by = f"{bundles.SIGNATURE}: signed by {signed.subject} (certificate SHA-256 {signed.fingerprint})."
    if signed.self_issued:
        named = "a self-issued certificate" if SELF_ISSUED in signed.subject else "a certificate of its own"
        return (
            f"{by} This is {named}: it proves only that the same installation signed, and to somebody who "
            "has had the fingerprint from elsewhere; whoever holds the installation can sign again."
        )
    if roots is None:
        return f"{by} Issued by {signed.issuer}; give --ca FILE to check that."
    if not trusted(signed, roots, datetime.now(UTC)):
        return f"{by} Not proved: {_NO_CHAIN}, so that says no more of who signed."
    verdict.outside = True
    return f"{by} Its chain leads to a certificate of --ca: this holder of the key vouches for the manifest."


def _timestamp(verdict: Verdict, entries: dict[str, bytes], roots: Sequence[x509.Certificate] | None) -> None:
    if bundles.TIMESTAMP not in entries:
        return
    stamped = _token(bundles.TIMESTAMP, entries[bundles.TIMESTAMP], entries[bundles.MANIFEST], roots)
    when = f"{stamped.at:%Y-%m-%d %H:%M:%S} UTC"
    if stamped.trusted:
        verdict.outside = True
        verdict.witnesses.append(
            f"{bundles.TIMESTAMP}: stamped by {stamped.by} at {when}; the manifest, and with it every entry, "
            "existed then as it is now."
        )
        return
    said = f"{bundles.TIMESTAMP}: fits the manifest and says {stamped.by}, {when};"
    if stamped.trusted is None:
        said += " whether that authority made it was not checked: give its certificate by --ca FILE."
    else:
        said += f" not proved: {_NO_CHAIN}."
    verdict.witnesses.append(said)


def _token(where: str, token: bytes, content: bytes, roots: Sequence[x509.Certificate] | None) -> Stamped:
    try:
        return check_token(token, content, roots)
    except TokenFault as fault:
        raise _Broken(f"{where}: {fault}") from None


def _anchors(verdict: Verdict, roots: Sequence[x509.Certificate] | None) -> None:
    """Check the stamps of the anchors in the bundle; that they fit the chains was checked before."""
    report = verdict.report
    newest = max((one for one in report.anchors if one.head.case == report.case), default=None, key=_length)
    stamped = []
    for one in report.anchors:
        if one.token is not None:
            where = f"{bundles.ANCHORS}: the timestamp of anchor {one.seq}"
            stamp = _token(where, one.token, one.statement, roots)
            if stamp.trusted is False:
                verdict.notes.append(f"{where} by {stamp.by} is not proved: {_NO_CHAIN}.")
            if stamp.trusted and one.head.case == report.case:
                stamped.append((one.head.length, stamp))
    if newest is not None:
        verdict.witnesses.append(
            f"{bundles.ANCHORS}: {len(report.anchors)} anchors; the newest of this case reaches to event "
            f"{newest.head.length} of {report.length} (anchor {newest.seq}, {newest.at}, hash"
            f" {newest.hash}); "
            "compare them with the anchor file kept elsewhere by --anchors FILE."
        )
    if stamped:
        length, stamp = max(stamped, key=lambda one: one[0])
        verdict.outside = True
        verdict.witnesses.append(
            f"{bundles.ANCHORS}: stamped by {stamp.by} at {stamp.at:%Y-%m-%d %H:%M:%S} UTC; the chain up to "
            f"event {length} existed then as it is now; of those up to {report.length} it says nothing more."
        )


def _length(one: Any) -> int:
    return int(one.head.length)


def _kept_anchors(verdict: Verdict, kept: Sequence[Anchor] | None) -> None:
    if kept is None:
        return
    report = verdict.report
    known = {anchor.seq: anchor for anchor in kept}
    for one in report.anchors:
        if one.seq in known and known[one.seq].hash != one.hash:
            raise _Broken(f"{bundles.ANCHORS}: anchor {one.seq} is another one than in the file of --anchors")
    reached: list[tuple[int, Anchor]] = []
    for anchor in kept:
        for fault in off_chain(anchor.heads, report.hashes):
            raise _Broken(f"anchor {anchor.seq} of {anchor.at}, kept elsewhere: {fault}")
        reached += [(head.length, anchor) for head in anchor.heads if head.case == report.case]
    if not reached:
        verdict.notes.append(
            "The file of --anchors names no head of this case, so it vouches for nothing here."
        )
        return
    length, anchor = max(reached, key=lambda one: one[0])
    verdict.outside = True
    verdict.witnesses.append(
        f"The anchor file: {len(reached)} heads of this case were kept elsewhere, each lies on this chain; "
        f"the newest is event {length} of {report.length} (anchor {anchor.seq}, {anchor.at}). It vouches for "
        "the events up to that one, and for nothing after it."
    )


def _timeline(verdict: Verdict, entries: dict[str, bytes]) -> None:
    if bundles.TIMELINE not in entries:
        return
    main, *others = [_chain_of(entries, folder) for folder in ("", *_folders(entries))]
    linked = dict(zip((folder.split("/")[1] for folder in _folders(entries)), others, strict=True))
    press, case = TimelinePress(), str(verdict.report.case)
    try:
        same = any(press.print(case, main, linked, one) == entries[bundles.TIMELINE] for one in LANGUAGES)
    except Exception:  # what somebody else has written may be what no press can print
        same = False
    if same:
        verdict.notes.append(
            f"{bundles.TIMELINE}: printed anew from the events and what is disclosed, it is the same bytes."
        )
    else:
        verdict.notes.append(
            f"{bundles.TIMELINE}: is not what this release prints from the events; another release made it, "
            f"or somebody else. Trust {bundles.EVENTS}."
        )


def _histories(verdict: Verdict, entries: dict[str, bytes]) -> None:
    names = [name for name in sorted(entries) if name.startswith(bundles.HISTORY) and name != bundles.ANCHORS]
    if not names:
        verdict.notes.append("This bundle holds no history, so nothing could be replayed.")
    for name in names:
        below = name.removeprefix(bundles.HISTORY)
        case = below.partition("/")[0]
        own = case == verdict.report.case
        folder = "" if own else f"linked/{case}/"
        if folder + bundles.EVENTS not in entries:
            raise _Broken(f"{name}: is the history of a case that is not in the bundle")
        verdict.notes.append(_replayed(name, case, entries[name], _outcome_of(entries, folder)))


def _replayed(name: str, case: str, content: bytes, closed: tuple[int, str | None] | None) -> str:
    found = asyncio.run(replay(name.removeprefix(bundles.HISTORY), content))
    if found.fault is not None:
        raise _Broken(
            f"{name}: {found.fault}; it was changed, or comes from a release whose process was another: "
            "replay it with that release"
        )
    if found.case != case:
        raise _Broken(f"{name}: is the history of another case: its process began with the case {found.case}")
    if closed is None:
        if found.ended:
            raise _Broken(f"{name}: its process has ended, though no event closes the case: they do not fit")
        return f"{name}: replayed; the case is not closed yet, so there is no outcome to compare."
    seq, said = closed
    if not found.ended or (said is not None and not found.completed):
        raise _Broken(
            f"{name}: does not end with the end of the process, though event {seq} (case.closed) says that "
            "it came to one: the history was cut off"
        )
    if not found.completed:
        return f"{name}: replayed; the process was ended from outside and returned nothing."
    if said is None:
        return f"{name}: replayed; the chain holds no hash of its outcome, so there is nothing to compare."
    if found.outcome_sha256 != said:
        raise _Broken(
            f"{name}: replayed, it ends otherwise than event {seq} (case.closed) says: its outcome has the "
            f"hash {found.outcome_sha256}, not {said}"
        )
    return f"{name}: replayed with this release, it ends as event {seq} (case.closed) says."


def _sum_up(verdict: Verdict) -> None:
    witness, *others = verdict.report.notes
    verdict.notes[:0] = others
    if verdict.outside:
        return
    if verdict.witnesses:
        witness = (
            "No outside witness was checked: nothing outside this installation vouches for the bundle. "
            "Whoever holds the records and the key could have written a whole new chain that passes this "
            f"check; that is not excluded unless the head {verdict.report.head} was noted elsewhere."
        )
    verdict.notes.insert(0, witness)


def _folders(entries: dict[str, bytes]) -> list[str]:
    return sorted({f"linked/{name.split('/')[1]}/" for name in entries if name.startswith("linked/")})


def _chain_of(entries: dict[str, bytes], folder: str) -> tuple[list[Any], list[Disclosure]]:
    events = [parse_event(line) for line in entries[folder + bundles.EVENTS].split(b"\n")[:-1]]
    rows = [json.loads(line) for line in entries[folder + bundles.DISCLOSURES].split(b"\n")[:-1]]
    return events, [Disclosure(row["seq"], row["path"], row["salt"], row["value"]) for row in rows]


def _outcome_of(entries: dict[str, bytes], folder: str) -> tuple[int, str | None] | None:
    """Return the number of the last `case.closed` and the hash of the outcome in it."""
    events, _ = _chain_of(entries, folder)
    closed = [event for event in events if event.kind == EventKind.CASE_CLOSED]
    if not closed:
        return None
    return closed[-1].seq, closed[-1].body.get("outcome_sha256")
