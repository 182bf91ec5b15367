"""Canonical bytes against the rfc8785 package, and what an event seals."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.evidence import (
    GENESIS,
    MAX_DEPTH,
    Disclosure,
    Event,
    EventKind,
    NotCanonical,
    Sealed,
    canonical,
    event_hash,
    event_line,
    make_event,
    parse_event,
    sealed_values,
)

SHANGHAI = timezone(timedelta(hours=8))
TEN_O_CLOCK = datetime(2026, 2, 13, 10, 0, tzinfo=SHANGHAI)
KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def numbered_salts() -> Callable[[], bytes]:
    numbers = count(1)
    return lambda: next(numbers).to_bytes(16, "big")


def started(**body: object) -> tuple[Event, list[Disclosure]]:
    return make_event(
        GENESIS, 1, TEN_O_CLOCK, EventKind.CASE_STARTED, {"machine": "worker"}, body, numbered_salts()
    )


@given(VALUES)
def test_canonical_bytes_are_those_of_the_rfc8785_package(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_every_control_character_is_escaped_as_rfc8785_does() -> None:
    text = "".join(map(chr, range(0xA0))) + '"\\/\u2028\ufeff张伟😀'
    assert canonical({text[:128]: text}) == rfc8785.dumps({text[:128]: text})


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (1.0, ""),
        ({"a": [1, {"b/c~d": 0.5}]}, "/a/1/b~1c~0d"),
        ({"a": float("nan")}, "/a"),
        ({"at": TEN_O_CLOCK}, "/at"),
        ({"on": date(2026, 2, 13)}, "/on"),
        ({"原因": "x"}, "/原因"),
        ({"x": {1: "x"}}, "/x/1"),
        (["ok", "\ud800"], "/1"),
        ({"n": 2**53}, "/n"),
        ({"n": -(2**53)}, "/n"),
        ({"b": b"bytes"}, "/b"),
        ({"s": {1, 2}}, "/s"),
        ({"name": Sealed("张伟")}, "/name"),
    ],
)
def test_what_the_format_lacks_is_refused_with_its_path(value: Any, path: str) -> None:
    with pytest.raises(NotCanonical) as refusal:
        canonical(value)
    assert refusal.value.path == path


def test_nesting_is_accepted_up_to_the_limit_and_refused_beyond_it() -> None:
    nested: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        nested = [nested]
    assert canonical(nested) == b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    with pytest.raises(NotCanonical, match="nested deeper than 64 levels"):
        canonical([nested])


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(NotCanonical):
        canonical(loop)


def test_a_refusal_and_a_sealed_value_never_show_personal_text() -> None:
    with pytest.raises(NotCanonical) as refusal:
        canonical({"name": Sealed("张伟")})
    assert "张伟" not in str(refusal.value)
    assert "张伟" not in repr(Sealed("张伟"))
    _, [disclosure] = started(name=Sealed("张伟"))
    assert "张伟" not in repr(disclosure)


def test_a_sealed_phone_leaves_only_its_salted_hash_in_the_event() -> None:
    event, disclosures = started(recipient={"id": "E1042", "phone": Sealed("+8613800138000")})
    salt = (1).to_bytes(16, "big")
    digest = hashlib.sha256(salt + b"+8613800138000").hexdigest()
    assert event.body == {"recipient": {"id": "E1042", "phone": {"sealed": digest}}}
    assert disclosures == [Disclosure(1, "/body/recipient/phone", salt.hex(), "+8613800138000")]
    assert b"13800138000" not in event_line(event)


def test_sealed_values_in_lists_in_the_actor_and_under_odd_keys_are_found_by_their_pointer() -> None:
    event, disclosures = make_event(
        GENESIS,
        1,
        TEN_O_CLOCK,
        EventKind.COMMENT_ADDED,
        {"name": Sealed("李娜")},
        {"lines": ["a", Sealed("b")], "x/y~z": Sealed("c"), "pair": (Sealed("d"), 4)},
        numbered_salts(),
    )
    paths = {disclosure.path: disclosure.value for disclosure in disclosures}
    assert paths == {"/actor/name": "李娜", "/body/lines/1": "b", "/body/x~1y~0z": "c", "/body/pair/0": "d"}
    assert sealed_values(event).keys() == paths.keys()
    assert len({disclosure.salt for disclosure in disclosures}) == 4


@given(st.dictionaries(KEYS.filter(lambda key: key != "sealed"), VALUES | st.builds(Sealed, st.text())))
def test_any_event_survives_the_way_to_its_line_and_back(body: dict[str, Any]) -> None:
    try:
        event, disclosures = started(**{"case": "C1", "given": body})
    except NotCanonical as refusal:
        assert "'sealed' is reserved" in str(refusal) or "lone SHA-256" in str(refusal)  # noqa: PT017
        return
    assert parse_event(event_line(event)) == event
    assert event_hash(event) == event.hash
    assert sealed_values(event).keys() == {disclosure.path for disclosure in disclosures}


def test_which_salt_goes_to_which_value_does_not_hang_on_the_order_of_keys() -> None:
    assert started(case="C1", a=Sealed("x"), b=Sealed("y")) == started(
        b=Sealed("y"), a=Sealed("x"), case="C1"
    )


def test_the_hash_is_that_of_the_line_without_the_hash_field() -> None:
    event, _ = started(case="C1")
    fields = json.loads(event_line(event))
    del fields["hash"]
    assert event.hash == hashlib.sha256(rfc8785.dumps(fields)).hexdigest()


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (TEN_O_CLOCK, "2026-02-13T10:00:00.000+08:00"),
        (TEN_O_CLOCK.replace(microsecond=999_999), "2026-02-13T10:00:00.999+08:00"),
        (TEN_O_CLOCK.astimezone(UTC), "2026-02-13T02:00:00.000+00:00"),
    ],
)
def test_the_time_keeps_its_own_offset_and_is_cut_to_milliseconds(at: datetime, text: str) -> None:
    event, _ = make_event(GENESIS, 1, at, EventKind.CASE_STARTED, {}, {}, numbered_salts())
    assert event.at == text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"at": datetime(2026, 2, 13, 10)}, "event 7: the time has no offset"),  # noqa: DTZ001
        ({"at": datetime(1900, 1, 1, tzinfo=timezone(timedelta(seconds=29143)))}, "not in whole minutes"),
        ({"seq": 0}, "seq starts at 1, got 0"),
        ({"prev": "0" * 63}, "event 7: prev must be 64"),
        ({"prev": "A" * 64}, "event 7: prev must be 64"),
        ({"salt": lambda: b"short"}, "a salt has 16 bytes, this one has 5"),
        ({"body": {"phone": Sealed(13800138000)}}, "/body/phone: only a string can be sealed"),  # type: ignore[arg-type]
        ({"body": {"phone": Sealed("\udfff")}}, "/body/phone: a string holds half"),
        ({"body": {"phone": {"sealed": "0" * 64}}}, "/body/phone: the key 'sealed' is reserved"),
        ({"body": {"phone": {"sealed": "text", "more": 1}}}, "/body/phone: the key 'sealed' is reserved"),
        ({"body": ["no object"]}, "/body: must be an object"),
        ({"actor": Sealed("张伟")}, "/actor: must be an object"),
        ({"body": {"hours": 1.5}}, "/body/hours: float is not allowed"),
    ],
)
def test_an_event_that_cannot_be_is_refused_in_one_sentence(change: dict[str, Any], sentence: str) -> None:
    arguments: dict[str, Any] = {
        "prev": GENESIS,
        "seq": 7,
        "at": TEN_O_CLOCK,
        "kind": EventKind.COMMENT_ADDED,
        "actor": {},
        "body": {"text": Sealed("x")},
        "salt": numbered_salts(),
    }
    with pytest.raises(ValueError, match=sentence):
        make_event(**arguments | change)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b'"v":1', b'"v":2', "v is not 1"),
        (b'"v":1', b'"v":true', "v is not 1"),
        (b'"seq":1', b'"seq":"1"', "seq is not an integer"),
        (b'"seq":1', b'"seq":1.0', "canonical form"),
        (b'"seq":1', b'"seq": 1', "canonical form"),
        (b'"seq":1', b'"seq":1,"seq":1', "canonical form"),
        (b'"seq":1', b'"seq":1,"t":1', "exactly the fields"),
        (b'"seq":1,', b"", "exactly the fields"),
        (b".000+08:00", b"+08:00", "at is not a time like"),
        (b".000+08:00", b".000", "at is not a time like"),
        (b"2026-02-13", b"2026-02-30", "at is not a time like"),
        (b"2026-02-13T", b"2026-02-13 ", "at is not a time like"),
        (b'"kind":"case.started"', b'"kind":1', "kind is not a string"),
        (b'"body":{"case":"C1"}', b'"body":[]', "body is not an object"),
        (b'{"case":"C1"}', b'{"case":{"sealed":"x"}}', "'sealed' is reserved"),
        (b"C1", b"\xff", "not valid JSON"),
        (b'{"case":"C1"}', b"[" * 5000 + b"]" * 5000, "not valid JSON|canonical form"),
        (b'"C1"', b"9" * 5000, "not valid JSON|canonical form"),
    ],
)
def test_a_line_that_is_no_event_is_refused_in_words(old: bytes, new: bytes, sentence: str) -> None:
    line = event_line(started(case="C1")[0])
    assert old in line
    with pytest.raises(ValueError, match=sentence):
        parse_event(line.replace(old, new, 1))


def test_the_kinds_are_named_after_their_values() -> None:
    for kind in EventKind:
        assert kind.name == kind.value.replace(".", "_").upper()
    assert len(EventKind) == 93
