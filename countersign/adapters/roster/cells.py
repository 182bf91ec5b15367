"""The cells of a roster: what each is read as, and why it is refused."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

import phonenumbers
from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from countersign.adapters.roster.columns import CHANNELS, CONTRACT_TYPES, LANGUAGE_WORDS, LEAVE_KINDS
from countersign.adapters.sheets import Cell, cell_text
from countersign.contracts.leave_return import LeaveKind
from countersign.domain.certificate import ContractType
from countersign.domain.policy import Channel
from countersign.domain.regions import known_regions
from countersign.domain.yaml_text import shown


class Code(StrEnum):
    """Why a cell of a roster is refused."""

    MISSING = "missing"
    UNKNOWN_COLUMN = "unknown_column"
    BAD_PHONE = "bad_phone"
    BAD_EMAIL = "bad_email"
    BAD_DATE = "bad_date"
    BAD_ID_NUMBER = "bad_id_number"
    BAD_CHOICE = "bad_choice"
    BAD_TEXT = "bad_text"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    LEAVE_ORDER = "leave_order"
    UNKNOWN_MANAGER = "unknown_manager"
    DESTROYED_NUMBER = "destroyed_number"
    OTHER_BRANCH = "other_branch"


def _refusal(code: Code, sentence: str) -> PydanticCustomError:
    # Pydantic would read braces as the places of variables.
    return PydanticCustomError(code.value, "{sentence}", {"sentence": sentence})


def _text(cell: Any) -> str:
    text = cell_text(cell)
    if len(text) > 500:
        raise _refusal(Code.BAD_TEXT, "holds more than 500 characters; shorten it")
    return text


_NOT_IN_A_PHONE = re.compile(r"[^0-9+() .\-]")
_DASHES = re.compile("[‐‑‒–—−]")
_REACHABLE_BY_SMS = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


# Numbers and addresses are personal: the refusals name the cell and do not repeat the value.
def read_phone(cell: Any) -> str:
    """Read a mobile number and return it as E.164; raises pydantic's `bad_phone` refusal."""
    text = _DASHES.sub("-", cell_text(cell))
    if _NOT_IN_A_PHONE.search(text) or text.startswith("-"):
        raise _refusal(Code.BAD_PHONE, "must hold one phone number and nothing else")
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise _refusal(
            Code.BAD_PHONE,
            "is no phone number that exists; write 11 digits, or + and the country code for other countries",
        )
    kind = phonenumbers.number_type(number)
    if kind == phonenumbers.PhoneNumberType.FIXED_LINE:
        raise _refusal(Code.BAD_PHONE, "is a landline, which receives no SMS; write a mobile number")
    if kind not in _REACHABLE_BY_SMS:
        raise _refusal(Code.BAD_PHONE, "is no mobile number and receives no SMS; write a mobile number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")


def read_email(cell: Any) -> str:
    """Read one e-mail address; raises pydantic's `bad_email` refusal."""
    text = cell_text(cell)
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        raise _refusal(Code.BAD_EMAIL, "is no e-mail address; write one address like name@example.com")
    return text


_DAY = re.compile(
    r"([0-9]{4})(?:-([0-9]{1,2})-([0-9]{1,2})|/([0-9]{1,2})/([0-9]{1,2})|\.([0-9]{1,2})\.([0-9]{1,2})"
    r"|年([0-9]{1,2})月([0-9]{1,2})日|([0-9]{2})([0-9]{2}))"
)


def read_day(cell: Cell) -> date:
    """Read a date cell, `2026-02-13`, `2026/2/13`, `2026.2.13`, `2026年2月13日` or `20260213`.

    Raises pydantic's `bad_date` refusal for anything else, times of day and years outside 1900-2100.
    """
    if isinstance(cell, datetime):
        if cell.time() != time(0):
            raise _refusal(Code.BAD_DATE, "holds a time of day; write the date alone")
        day: date | None = cell.date()
    elif isinstance(cell, date):
        day = cell
    else:
        day = _written_day(cell_text(cell).replace(" ", ""))
    if day is None:
        raise _refusal(Code.BAD_DATE, "is no date; write it like 2026-02-13")
    if not 1900 <= day.year <= 2100:
        raise _refusal(Code.BAD_DATE, f"lies in the year {day.year}; write a year between 1900 and 2100")
    return day


def _written_day(text: str) -> date | None:
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups() if part is not None)
    try:
        return date(year, month, day)
    except ValueError:
        raise _refusal(Code.BAD_DATE, "is a day that no calendar has") from None


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"


def check_digit(seventeen: str) -> str:
    """Return the last character of a citizen identity number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, seventeen, strict=True))
    return _CHECK_DIGITS[total % 11]


def _id_number(cell: Any) -> str:
    text = cell_text(cell).upper()
    if re.fullmatch(r"[0-9]{14,}X?", text):
        if len(text) != 18:
            raise _refusal(Code.BAD_ID_NUMBER, f"has {len(text)} characters; an identity number has 18")
        if text[17] != check_digit(text[:17]):
            raise _refusal(Code.BAD_ID_NUMBER, "does not fit its own check digit; compare it with the paper")
        if _born(text[6:14]) is None:
            raise _refusal(Code.BAD_ID_NUMBER, "holds a date of birth that no calendar has")
        return text
    if not re.fullmatch(r"[A-Z0-9]{6,20}", text):
        raise _refusal(
            Code.BAD_ID_NUMBER,
            "is neither an identity number (18 characters) nor a passport number (6 to 20 characters)",
        )
    return text


def _born(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _one_of(choices: Mapping[str, Any]) -> Callable[[Any], Any]:
    folded = {word.casefold(): choice for word, choice in choices.items()}

    def choose(cell: Any) -> Any:
        text = cell_text(cell)
        if text.casefold() not in folded:
            known = ", ".join(choices)
            raise _refusal(Code.BAD_CHOICE, f"is the unknown choice {shown(text)}; known: {known}")
        return folded[text.casefold()]

    return choose


@cache
def _region_names() -> dict[str, str]:
    names = {}
    for known in known_regions():
        for name in (known.name, known.zh, known.zh.rstrip("市省"), known.en.casefold()):
            names[name] = known.name
    return names


def _region(cell: Any) -> str:
    text = cell_text(cell)
    name = _region_names().get(text.casefold())
    if name is None:
        known = ", ".join(f"{one.zh} ({one.name})" for one in known_regions())
        raise _refusal(Code.BAD_CHOICE, f"is the unknown region {shown(text)}; known: {known}")
    return name


def region_in_name(branch: str) -> str | None:
    """Return the region whose Chinese or English name stands in a branch's name, if exactly one does."""
    text = branch.casefold()
    found = {
        known.name
        for known in known_regions()
        if known.zh.rstrip("市省") in text or re.search(rf"\b{re.escape(known.en.casefold())}\b", text)
    }
    return found.pop() if len(found) == 1 else None


_Text = Annotated[str, BeforeValidator(_text)]
_Phone = Annotated[str, BeforeValidator(read_phone)]
_Day = Annotated[date, BeforeValidator(read_day)]


class RosterRow(BaseModel):
    """The cells of one row that can be read; empty cells are None. Order of fields is order of columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: _Text | None = None
    name: _Text | None = None
    id_number: Annotated[str, BeforeValidator(_id_number)] | None = None
    phone: _Phone | None = None
    email: Annotated[str, BeforeValidator(read_email)] | None = None
    preferred_channel: Annotated[Channel, BeforeValidator(_one_of(CHANNELS))] | None = None
    branch: _Text | None = None
    department: _Text | None = None
    post: _Text | None = None
    manager_number: _Text | None = None
    hired_on: _Day | None = None
    left_on: _Day | None = None
    emergency_contact: _Text | None = None
    relation: _Text | None = None
    emergency_contact_phone: _Phone | None = None
    service_address: _Text | None = None
    e_delivery_consent_on: _Day | None = None
    leave_kind: Annotated[LeaveKind, BeforeValidator(_one_of(LEAVE_KINDS))] | None = None
    leave_starts_on: _Day | None = None
    leave_ends_on: _Day | None = None
    emergency_contact_consent_on: _Day | None = None
    region: Annotated[str, BeforeValidator(_region)] | None = None
    language: Annotated[str, BeforeValidator(_one_of(LANGUAGE_WORDS))] | None = None
    contract_type: Annotated[ContractType, BeforeValidator(_one_of(CONTRACT_TYPES))] | None = None
    contract_starts_on: _Day | None = None
    contract_ends_on: _Day | None = None
