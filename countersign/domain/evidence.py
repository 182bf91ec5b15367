"""The evidence chain of one case: events, their canonical bytes, their hashes, and sealed values.

`docs/evidence-format.md` is the reference; this module and `bundle.py` implement it. Nothing here stores
or reads anything: salts and times come from the caller.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

EVENT_VERSION = 1
GENESIS = "0" * 64
SALT_BYTES = 16
MAX_SAFE_INTEGER = 2**53 - 1
# Fixed by the format, so that a value is accepted or refused alike however deep the caller's stack is.
MAX_DEPTH = 64

_EVENT_FIELDS = {"v", "seq", "at", "kind", "actor", "body", "prev", "hash"}
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
_AT_LENGTH = len("2026-02-13T10:00:00.000+08:00")


class EventKind(StrEnum):
    """Every kind of event that this version writes; the part before the dot is what it is about."""

    CASE_STARTED = "case.started"
    CASE_PAUSED = "case.paused"
    CASE_RESUMED = "case.resumed"
    CASE_CLOSED = "case.closed"
    CASE_LINKED = "case.linked"
    BALL_PASSED = "ball.passed"
    PLAN_MADE = "plan.made"
    PLAN_CHANGED = "plan.changed"
    RUNG_REACHED = "rung.reached"
    RUNG_SKIPPED = "rung.skipped"
    RUNG_JUMPED = "rung.jumped"
    RUNG_SNOOZED = "rung.snoozed"
    RUNG_RESENT = "rung.resent"
    RUNG_HELD = "rung.held"
    NOTICE_RENDERED = "notice.rendered"
    NOTICE_NOTHING_SENT = "notice.nothing_sent"
    DELIVERY_SENDING = "delivery.sending"
    DELIVERY_SENT = "delivery.sent"
    DELIVERY_DELIVERED = "delivery.delivered"
    DELIVERY_FAILED = "delivery.failed"
    DELIVERY_UNKNOWN = "delivery.unknown"
    DELIVERY_SETTLED = "delivery.settled"
    DELIVERY_SUPPRESSED = "delivery.suppressed"
    LINK_ISSUED = "link.issued"
    LINK_FETCHED = "link.fetched"
    LINK_OPENED = "link.opened"
    LINK_EXPIRED = "link.expired"
    LINK_REVOKED = "link.revoked"
    ANSWER_ACKNOWLEDGED = "answer.acknowledged"
    ANSWER_RETURNS_ON = "answer.returns_on"
    ANSWER_EXTENSION_ASKED = "answer.extension_asked"
    ANSWER_OBJECTED = "answer.objected"
    ANSWER_RESIGNED = "answer.resigned"
    ANSWER_NOT_ME = "answer.not_me"
    ANSWER_REPLIED = "answer.replied"
    ANSWER_IDENTITY_CONFIRMED = "answer.identity_confirmed"
    ANSWER_LATE = "answer.late"
    PAPER_POSTED = "paper.posted"
    PAPER_PUBLISHED = "paper.published"
    PAPER_TRACKED = "paper.tracked"
    PAPER_SIGNED = "paper.signed"
    PAPER_SIGNED_BY_OTHER = "paper.signed_by_other"
    PAPER_REFUSED = "paper.refused"
    PAPER_RETURNED = "paper.returned"
    MANUAL_CALL = "manual.call"
    MANUAL_VISIT = "manual.visit"
    MANUAL_SCREENSHOT = "manual.screenshot"
    ITEM_LISTED = "item.listed"
    ITEM_HANDED_OVER = "item.handed_over"
    ITEM_ACCEPTED = "item.accepted"
    ITEM_DISPUTED = "item.disputed"
    ITEM_REASSIGNED = "item.reassigned"
    ITEM_SETTLED = "item.settled"
    ITEM_NOT_APPLICABLE = "item.not_applicable"
    ITEM_DELEGATED = "item.delegated"
    ACCESS_REVOKED = "access.revoked"
    ACCESS_RESTORED = "access.restored"
    TASK_LISTED = "task.listed"
    TASK_MOVED = "task.moved"
    TEAM_MOVED = "team.moved"
    GATE_BLOCKED = "gate.blocked"
    GATE_OPENED = "gate.opened"
    NOTICE_HANDED_OVER = "notice.handed_over"
    NOTICE_SERVED = "notice.served"
    EMPLOYMENT_ENDED = "employment.ended"
    EMPLOYMENT_CALLED = "employment.called"
    DUTY_DUE = "duty.due"
    DUTY_ORDERED = "duty.ordered"
    DUTY_DONE = "duty.done"
    DUTY_FAILED = "duty.failed"
    OVERRIDE_RECORDED = "override.recorded"
    QUESTIONNAIRE_ANSWERED = "questionnaire.answered"
    DOCUMENT_ADDED = "document.added"
    DOCUMENT_VIEWED = "document.viewed"
    CALCULATION_RUN = "calculation.run"
    OFFER_MADE = "offer.made"
    OFFER_COUNTERED = "offer.countered"
    OFFER_REFUSED = "offer.refused"
    OFFER_ACCEPTED = "offer.accepted"
    LEDGER_POSTED = "ledger.posted"
    LEDGER_REVERSED = "ledger.reversed"
    LEDGER_CONFIRMED = "ledger.confirmed"
    LEDGER_PLANNED = "ledger.planned"
    POLICY_FROZEN = "policy.frozen"
    POLICY_MIGRATED = "policy.migrated"
    DIFFERENCE_FOUND = "difference.found"
    DIFFERENCE_EXPLAINED = "difference.explained"
    DIFFERENCE_FIXED = "difference.fixed"
    COMMENT_ADDED = "comment.added"
    HOLD_PLACED = "hold.placed"
    HOLD_RELEASED = "hold.released"
    EVIDENCE_EXPORTED = "evidence.exported"
    DISCLOSURE_ERASED = "disclosure.erased"


class NotCanonical(ValueError):
    """A value outside the format's value space.

    `path` is the JSON pointer of the offending value; the message repeats it and never quotes the value,
    which may be personal.
    """

    def __init__(self, path: str, reason: str) -> None:
        shown = path if path.isascii() and path.isprintable() else ascii(path)
        super().__init__(f"{shown or 'the value itself'}: {reason}")
        self.path = path


@dataclass(frozen=True, slots=True)
class Sealed:
    """A personal value on its way into an event: the event gets its salted hash, never its text."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Event:
    """One link of a chain, as it stands in `events.jsonl`.

    `at` is ISO 8601 with milliseconds and offset; `kind` is the value of an `EventKind` (a plain string, so
    that the kinds of later versions can be read); `prev` and `hash` are SHA-256 in lower-case hex.
    """

    v: int
    seq: int
    at: str
    kind: str
    actor: Mapping[str, Any]
    body: Mapping[str, Any]
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What opens one sealed value: `path` is a JSON pointer into event `seq`, `salt` is 32 hex digits."""

    seq: int
    path: str
    salt: str = field(repr=False)
    value: str = field(repr=False)


def canonical(value: object) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Allowed are objects with ASCII string keys, arrays (lists or tuples), strings, integers within
    ±(2^53-1), booleans and null, nested at most `MAX_DEPTH` deep. Anything else, floats first of all,
    raises `NotCanonical`.
    """

    def refuse(path: str, sealed: Sealed) -> object:
        raise NotCanonical(path, "a Sealed value belongs into make_event, which replaces it by its hash")

    return _dump(_plain(value, "", 0, refuse))


def seal(value: str, salt: bytes) -> str:
    """Return SHA-256(salt ‖ UTF-8 of the value) in hex; the salt has exactly 16 bytes."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, this one has {len(salt)}")
    return hashlib.sha256(salt + value.encode()).hexdigest()


def make_event(
    prev: str,
    seq: int,
    at: datetime,
    kind: EventKind,
    actor: Mapping[str, object],
    body: Mapping[str, object],
    salt: Callable[[], bytes],
) -> tuple[Event, list[Disclosure]]:
    """Make the event that follows the one with hash `prev` (`GENESIS` before the first, whose `seq` is 1).

    Every `Sealed` anywhere in `actor` or `body` becomes `{"sealed": H}` with a fresh salt of 16 bytes and
    yields one disclosure. `at` must be aware; it keeps its own offset (+08:00 for Asia/Shanghai) and is cut
    to milliseconds. The key `sealed` is reserved. Raises `NotCanonical` (paths start with /actor or /body)
    or ValueError.
    """
    disclosures: list[Disclosure] = []

    def replace(path: str, sealed: Sealed) -> object:
        if not isinstance(sealed.value, str):
            raise NotCanonical(path, "only a string can be sealed")
        _plain(sealed.value, path, 0, replace)
        fresh = salt()
        disclosures.append(Disclosure(seq, path, fresh.hex(), sealed.value))
        return {"sealed": seal(sealed.value, fresh)}

    if seq < 1:
        raise ValueError(f"seq starts at 1, got {seq}")
    if not _SHA256_HEX.fullmatch(prev):
        raise ValueError(f"event {seq}: prev must be 64 lower-case hex digits, GENESIS for the first event")
    unhashed = Event(
        v=EVENT_VERSION,
        seq=seq,
        at=_instant(seq, at),
        kind=kind,
        actor=_object(actor, "/actor", replace),
        body=_object(body, "/body", replace),
        prev=prev,
        hash="",
    )
    event = dataclasses.replace(unhashed, hash=event_hash(unhashed))
    foreign = sealed_values(event).keys() - {disclosure.path for disclosure in disclosures}
    if foreign:
        raise NotCanonical(min(foreign), "the key 'sealed' is reserved; wrap the value in Sealed instead")
    return event, disclosures


def event_hash(event: Event) -> str:
    """Return what the event's `hash` must be: SHA-256 of the canonical event without that field."""
    fields = _fields(event)
    del fields["hash"]
    return hashlib.sha256(canonical(fields)).hexdigest()


def event_line(event: Event) -> bytes:
    """Return the event's canonical bytes, without the line feed that ends it in `events.jsonl`."""
    return canonical(_fields(event))


def disclosure_line(disclosure: Disclosure) -> bytes:
    """Return the disclosure's canonical bytes, without the line feed that ends it in `disclosures.jsonl`."""
    return canonical(
        {
            "seq": disclosure.seq,
            "path": disclosure.path,
            "salt": disclosure.salt,
            "value": disclosure.value,
        }
    )


def parse_canonical(line: bytes) -> Any:
    """Return the value of canonical bytes; ValueError says in words why they are not canonical JSON."""
    try:
        value = json.loads(line.decode())
    except (ValueError, RecursionError):
        raise ValueError("is not valid JSON in UTF-8") from None
    try:
        if canonical(value) != line:
            raise ValueError("is not in canonical form")
    except NotCanonical as error:
        raise ValueError(f"is not in canonical form ({error.path!a})") from None
    return value


def parse_event(line: bytes) -> Event:
    """Read one line of `events.jsonl` and check its form, but neither its hash nor its place in a chain.

    ValueError says what is wrong, as the end of a sentence that begins with the event's number.
    """
    fields = parse_canonical(line)
    if not isinstance(fields, dict) or fields.keys() != _EVENT_FIELDS:
        raise ValueError(f"must have exactly the fields {', '.join(sorted(_EVENT_FIELDS))}")
    if type(fields["v"]) is not int or fields["v"] != EVENT_VERSION:
        raise ValueError(f"v is not {EVENT_VERSION}, the only event version known here")
    if type(fields["seq"]) is not int:
        raise ValueError("seq is not an integer")
    for name in ("at", "kind", "prev", "hash"):
        if not isinstance(fields[name], str):
            raise ValueError(f"{name} is not a string")
    if not _is_instant(fields["at"]):
        raise ValueError("at is not a time like 2026-02-13T10:00:00.000+08:00")
    for name in ("actor", "body"):
        if not isinstance(fields[name], dict):
            raise ValueError(f"{name} is not an object")
    event = Event(**fields)
    sealed_values(event)
    return event


def sealed_values(event: Event) -> dict[str, str]:
    """Return the hash of every sealed value in `actor` and `body`, by JSON pointer.

    Raises `NotCanonical` for an object that has the key `sealed` but is not exactly `{"sealed": H}`.
    """
    found: dict[str, str] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict) and "sealed" in value:
            sealed = value["sealed"]
            if len(value) != 1 or not isinstance(sealed, str) or not _SHA256_HEX.fullmatch(sealed):
                raise NotCanonical(path, "the key 'sealed' is reserved for a lone SHA-256 in hex")
            found[path] = sealed
        elif isinstance(value, dict):
            for key, item in value.items():
                walk(item, _pointer(path, key))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                walk(item, _pointer(path, str(index)))

    walk(event.actor, "/actor")
    walk(event.body, "/body")
    return found


def _fields(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in _EVENT_FIELDS}


def _dump(plain: object) -> bytes:
    # With ASCII keys and integers only, the sort by code point and the escapes of the standard library are
    # those of RFC 8785 (which sorts by UTF-16 code unit and prints numbers as ECMAScript does).
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def _plain(value: object, path: str, depth: int, on_sealed: Callable[[str, Sealed], object]) -> object:
    if isinstance(value, Sealed):
        return on_sealed(path, value)
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise NotCanonical(path, "a string holds half of a surrogate pair, which UTF-8 lacks") from None
        return str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise NotCanonical(path, "an integer lies outside ±(2^53-1); write it as a string")
        return int(value)
    if not isinstance(value, (Mapping, list, tuple)):
        raise NotCanonical(path, f"{type(value).__name__} is not allowed; write it as a string or integer")
    if depth >= MAX_DEPTH:
        raise NotCanonical(path, f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or not key.isascii():
                raise NotCanonical(_pointer(path, str(key)), "a key is not an ASCII string")
        # Sorted, so that which salt goes to which value does not hang on the order of a dict.
        return {
            str(key): _plain(value[key], _pointer(path, key), depth + 1, on_sealed) for key in sorted(value)
        }
    return [_plain(item, _pointer(path, str(i)), depth + 1, on_sealed) for i, item in enumerate(value)]


def _object(
    value: Mapping[str, object], path: str, replace: Callable[[str, Sealed], object]
) -> dict[str, Any]:
    plain = _plain(value, path, 1, replace)
    if not isinstance(value, Mapping) or not isinstance(plain, dict):
        raise NotCanonical(path, "must be an object")
    return plain


def _pointer(path: str, key: str) -> str:
    return f"{path}/{key.replace('~', '~0').replace('/', '~1')}"


def _is_instant(text: str) -> bool:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == _AT_LENGTH and at.isoformat(timespec="milliseconds") == text


def _instant(seq: int, at: datetime) -> str:
    offset = at.utcoffset()
    if offset is None:
        raise ValueError(f"event {seq}: the time has no offset; pass an aware datetime")
    if offset % timedelta(minutes=1):
        raise ValueError(f"event {seq}: the offset of the time is not in whole minutes; convert it to UTC")
    return at.isoformat(timespec="milliseconds")
