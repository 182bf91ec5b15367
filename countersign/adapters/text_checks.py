"""What is wrong with a text before it is kept: tried with examples of everything that it may be given."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import combinations
from typing import Any, Final

from countersign.adapters.paper import Press
from countersign.adapters.stored_text import Fault, StoredTextFault, faults_of, render, unknown_in, used_in
from countersign.contracts.leave_return import LeaveKind
from countersign.domain.departure import DepartureKind, Ground
from countersign.domain.local_time import ZONE
from countersign.domain.sms_cost import MAX_CHARACTERS
from countersign.domain.sms_text import MAX_SEGMENTS, SmsSize, measure
from countersign.domain.texts import (
    MAIL,
    Form,
    TextKey,
    allowed_in,
    may_be_empty,
    passed_to,
)

LONGEST_TITLE: Final = 100
"""Characters; a title is also the subject of a mail."""
_ADDRESS = re.compile(r"https?://|www\.", re.IGNORECASE)
_CODE = "7K2M-XW9T-B4QP"
_CODES: Final[Mapping[str, type[StrEnum]]] = {
    "leave_kind": LeaveKind,
    "departure_kind": DepartureKind,
    "ground": Ground,
}
"""Variables that are codes; a text is tried with every one of them."""
_SAID: Final = {
    "leave_kind": "the kind of leave",
    "departure_kind": "the kind of departure",
    "ground": "the ground",
}


@dataclass(frozen=True)
class Frame:
    """What every text of this installation is given: company, contact, portal and the base of links."""

    company: str
    contact: Mapping[str, str]
    portal: str
    public_base_url: str


@dataclass(frozen=True)
class Checked:
    """The faults of a text by line; `size` is that of the longest example of a text message."""

    faults: tuple[Fault, ...]
    size: SmsSize | None = None


def example(key: TextKey, frame: Frame) -> dict[str, Any]:
    """Return an example of every variable that a text is given."""
    chinese = key.language == "zh-CN"
    values: dict[str, Any] = {
        "company": frame.company,
        "branch": "北京" if chinese else "Beijing",
        "employee": "张伟" if chinese else "Zhang Wei",
        "number": "E1042",
        "recipient": "李娜" if chinese else "Li Na",
        "answer_by": datetime(2026, 2, 25, 10, tzinfo=ZONE),
        "contact": dict(frame.contact),
        "service_address": "北京市朝阳区示例路 1 号" if chinese else "1 Example Road, Beijing",
        "e_delivery_consent_on": date(2025, 3, 1),
        "consent_signed_on": date(2025, 3, 1),
        "leave_kind": LeaveKind.SICK.value,
        "starts_on": date(2026, 1, 5),
        "ends_on": date(2026, 2, 13),
        "return_day": date(2026, 2, 14),
        "departure_kind": DepartureKind.DISMISSAL.value,
        "ground": Ground.NO_FAULT.value,
        "facts": "这里写明事实。" if chinese else "Here stand the facts.",
        "last_day": date(2026, 3, 31),
        "noticed_on": date(2026, 3, 2),
        "ended_on": date(2026, 3, 31),
        "transfer_by": date(2026, 4, 15),
        "leaver": "李娜" if chinese else "Li Na",
        "successor": "王芳" if chinese else "Wang Fang",
        "questionnaire": True,
        "items_open": 6,
        "items_to_hand_over": 4,
        "items_to_accept": 2,
        "stands_in_for": "赵敏" if chinese else "Zhao Min",
        "documents_open": 3,
        "customers_open": 2,
        "equipment_open": 1,
        "owed": "3,960.50",
        "owed_insurance": "960.50",
        "owed_loan": "3,000.00",
        "owed_overpaid": "120.00",
        "owed_equipment": "4,200.00",
        "about": "差旅费用管理办法" if chinese else "Travel rules",
        "title": "返岗通知书" if chinese else "Return-to-work notice",
        "text": "正文" if chinese else "The text of the notice",
        "fingerprint": "9f3a" + "0" * 56 + "c2d4",
        "code": _CODE,
        "portal": frame.portal,
        "link": f"{frame.public_base_url}/n/{_CODE}",
        "template": "first_notice",
        "minutes": 10,
    }
    return {name: value for name, value in values.items() if name in passed_to(key)}


def check(key: TextKey, source: str, frame: Frame, press: Press, *, links_pass: bool) -> Checked:
    """Return what is wrong with a text; `links_pass` says whether a text message to +86 may hold a link."""
    if not source.strip():
        return Checked((Fault(None, "the text is empty; write it, or go back to the shipped text"),))
    found = faults_of(source) or unknown_in(source, allowed_in(key), passed_to(key))
    if found:
        return Checked(tuple(found))
    faults, finished = _tried(key, source, example(key, frame))
    size = max((measure(text) for text in finished), key=lambda one: one.segments, default=None)
    faults += _about_form(key, source, finished, links_pass=links_pass)
    if key.form is Form.TEXT and not key.is_mail:
        faults += _without_glyph(source, press)
    ordered = sorted(dict.fromkeys(faults), key=lambda fault: fault.line or 0)
    return Checked(tuple(ordered), size if key.form is Form.SMS else None)


def _tried(key: TextKey, source: str, full: dict[str, Any]) -> tuple[list[Fault], list[str]]:
    """Write the text with everything, then with whatever may be missing missing."""
    faults: list[Fault] = []
    finished: list[str] = []
    used = used_in(source)
    guilty: list[frozenset[str]] = []
    for missing in _subsets(sorted(may_be_empty(key) & used)):
        if any(one <= missing for one in guilty):
            continue
        try:
            finished.append(render(source, full | dict.fromkeys(missing), checking=True))
        except StoredTextFault as fault:
            guilty.append(missing)
            faults.append(Fault(fault.line, _when_missing(missing) if missing else str(fault)))
    codes = () if guilty else [(name, one) for name, kind in _CODES.items() if name in used for one in kind]
    for name, one in codes:
        try:
            finished.append(render(source, full | {name: one.value}, checking=True))
        except StoredTextFault as fault:
            told = f"nothing is written here for {_SAID[name]} {one.value}; give .get(…) a second value"
            faults.append(Fault(fault.line, told))
    return faults, finished


def _subsets(names: list[str]) -> Iterator[frozenset[str]]:
    for count in range(len(names) + 1):
        yield from map(frozenset, combinations(names, count))


def _when_missing(names: frozenset[str]) -> str:
    name = " / ".join(sorted(names))
    return f"{name} can be empty; put what is written with it between {{% if … %}} and {{% endif %}}"


def _about_form(key: TextKey, source: str, finished: list[str], *, links_pass: bool) -> list[Fault]:
    if key.form is Form.SMS:
        return list(_about_sms(source, finished, links_pass=links_pass))
    if key.is_mail:
        return list(_about_mail(key, finished))
    return list(_about_notice(source, finished))


def _about_sms(source: str, finished: list[str], *, links_pass: bool) -> Iterator[Fault]:
    short = [" ".join(text.split()) for text in finished]
    longest = max(short, key=lambda text: (measure(text).segments, len(text)), default="")
    size = measure(longest).segments
    if size > MAX_SEGMENTS or len(longest) > MAX_CHARACTERS:
        yield Fault(
            None,
            f"the SMS has {len(longest)} characters in {size} segments; at most {MAX_CHARACTERS} characters "
            f"and {MAX_SEGMENTS} segments arrive, so shorten it",
        )
    if any(_CODE not in text for text in short):
        yield Fault(
            None,
            "there must be {{ code }}, or {{ link }} with {{ code }} in its place where links do not arrive: "
            "without it nobody can answer",
        )
    for number, line in enumerate(source.split("\n"), 1):
        if not links_pass and _ADDRESS.search(line):
            yield Fault(number, "text messages to +86 do not arrive with a web address; take it out")


def _about_mail(key: TextKey, finished: list[str]) -> Iterator[Fault]:
    if any(_CODE not in text for text in finished):
        yield Fault(None, "the mail must hold {{ link }} or {{ code }}: without it nobody can answer")
    words = example(key, Frame("", {}, "", ""))["text"]
    if key.name == MAIL and any(words not in text for text in finished):
        yield Fault(None, "the mail must hold {{ text }}, which is the notice itself")


def _about_notice(source: str, finished: list[str]) -> Iterator[Fault]:
    if not source.split("\n", 1)[0].strip():
        yield Fault(1, "the first line is the title and must not be empty")
        return
    for text in finished:
        title, _, body = text.strip().partition("\n")
        if len(title) > LONGEST_TITLE:
            yield Fault(
                1, f"the first line is the title and has more than {LONGEST_TITLE} characters; shorten it"
            )
        if not body.strip():
            yield Fault(None, "below the title there is no text; write it from the second line on")


def _without_glyph(source: str, press: Press) -> Iterator[Fault]:
    for number, line in enumerate(source.split("\n"), 1):
        lacking = press.missing(line)
        if lacking:
            shown = ", ".join(f"{one} (U+{ord(one):04X})" for one in lacking[:8])
            yield Fault(number, f"no font here can print {shown}; write it with other characters")
