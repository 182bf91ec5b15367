"""The company's roster from a file: every fault of every row is named, and only then is anything written."""

import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache, partial
from itertools import islice
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import phonenumbers
import xlsxwriter  # type: ignore[import-untyped]
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError
from sqlmodel import Session, col, select

from countersign.adapters.database.consents import with_consent
from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Branch, Case, EmergencyContact, Employment, Leave, Person
from countersign.adapters.rendering import LANGUAGES
from countersign.adapters.sheets import Cell, DestroyedNumber, RowError, Sheet, cell_text
from countersign.contracts.leave_return import LeaveKind
from countersign.domain.policy import Channel
from countersign.domain.regions import Region, known_regions, region
from countersign.domain.yaml_text import shown
from countersign.ids import new_id

PEOPLE_PER_TRANSACTION = 100
DAYS_AFTER_WHICH_NO_CASE_STARTS = 30

Schedule = Callable[[Session, str, Person], None]
"""Called with the transaction, the leave's id and the person for each leave that a case should follow."""

_COLUMNS = {
    "number": "工号",
    "name": "姓名",
    "id_number": "证件号码",
    "phone": "手机",
    "email": "邮箱",
    "preferred_channel": "首选渠道",
    "branch": "分支",
    "department": "部门",
    "post": "岗位",
    "manager_number": "直属上级工号",
    "hired_on": "入职日期",
    "left_on": "离职日期",
    "emergency_contact": "紧急联系人",
    "relation": "关系",
    "emergency_contact_phone": "紧急联系人手机",
    "service_address": "送达地址",
    "e_delivery_consent_on": "电子送达同意日期",
    "leave_kind": "假别",
    "leave_starts_on": "假期开始",
    "leave_ends_on": "假期结束",
    "emergency_contact_consent_on": "紧急联系人同意日期",
    "region": "地区",
    "language": "语言",
}
"""Each field, which is also its English header, and its Chinese header."""

_FIELD_OF = {name: name for name in _COLUMNS} | {header: name for name, header in _COLUMNS.items()}
_REQUIRED = ("number", "name", "branch")
_LEAVE = ("leave_kind", "leave_starts_on", "leave_ends_on")
_CONTACT = ("emergency_contact", "relation", "emergency_contact_phone", "emergency_contact_consent_on")
_PERSONAL = tuple(name for name in _COLUMNS if name not in ("number", *_LEAVE))
_DATES = tuple(name for name in _COLUMNS if name.endswith("_on"))
_PERSON_FIELDS = (
    "id_number", "phone", "email", "preferred_channel", "department", "post", "manager_number",
    "service_address", "e_delivery_consent_on",
)  # fmt: skip

_SIGNED = ("service_address", "e_delivery_consent_on")
"""What a signed consent settles; a date in a file is the weaker form of it."""

_CHANNELS = {"短信": Channel.SMS, "邮件": Channel.EMAIL, "系统": Channel.IN_SYSTEM} | {
    channel.value: channel for channel in (Channel.SMS, Channel.EMAIL, Channel.IN_SYSTEM)
}
_LEAVE_KINDS = {
    "病假": LeaveKind.SICK,
    "工伤": LeaveKind.INJURY,
    "工伤休养": LeaveKind.INJURY,
    "停工留薪": LeaveKind.INJURY,
    "产假": LeaveKind.MATERNITY,
    "年假": LeaveKind.ANNUAL,
    "事假": LeaveKind.PERSONAL,
    "其他": LeaveKind.OTHER,
} | {kind.value: kind for kind in LeaveKind}
_LANGUAGES = {"中文": "zh-CN", "英文": "en"} | {language: language for language in LANGUAGES}


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


@dataclass(frozen=True)
class ImportResult:
    """What an import did; rows = applied + rejected rows when the good rows were written.

    `applied` counts rows that now stand in the database and is 0 in a dry run and where nothing was
    written. `cases` counts the leaves handed to `schedule`, or in a dry run those that would be.
    `warnings` are sentences without personal data.
    """

    rows: int
    applied: int
    rejected: list[RowError]
    cases: int
    warnings: list[str]


# --- cells ----------------------------------------------------------------------------------------------


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
    if _NOT_IN_A_PHONE.search(text):
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
    preferred_channel: Annotated[Channel, BeforeValidator(_one_of(_CHANNELS))] | None = None
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
    leave_kind: Annotated[LeaveKind, BeforeValidator(_one_of(_LEAVE_KINDS))] | None = None
    leave_starts_on: _Day | None = None
    leave_ends_on: _Day | None = None
    emergency_contact_consent_on: _Day | None = None
    region: Annotated[str, BeforeValidator(_region)] | None = None
    language: Annotated[str, BeforeValidator(_one_of(_LANGUAGES))] | None = None


# --- one row --------------------------------------------------------------------------------------------


@dataclass
class _Line:
    """A row of the file on its way: what could be read of it, and everything that is wrong with it."""

    row: int
    values: RosterRow
    unread: frozenset[str]
    errors: list[RowError] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.errors

    @property
    def leave(self) -> tuple[LeaveKind, date, date] | None:
        """Kind, first and last day, where all three could be read."""
        one = self.values
        if one.leave_kind is None or one.leave_starts_on is None or one.leave_ends_on is None:
            return None
        return one.leave_kind, one.leave_starts_on, one.leave_ends_on


@dataclass(frozen=True)
class _Headers:
    """Which field stands under which header of this file."""

    fields: dict[str, str]

    def of(self, name: str) -> str:
        """Return the header of a field as it stands in the file, else the Chinese one."""
        return next((header for header, one in self.fields.items() if one == name), _COLUMNS[name])

    @property
    def present(self) -> frozenset[str]:
        return frozenset(self.fields.values())

    def error(self, row: int, name: str, code: Code, sentence: str) -> RowError:
        return _row_error(row, self.of(name), code, sentence)


def _row_error(row: int, header: str, code: Code, sentence: str) -> RowError:
    return RowError(row, header, code.value, f"row {row}, {header}: {sentence}")


def _read_headers(sheet: Sheet) -> tuple[_Headers, list[RowError]]:
    fields: dict[str, str] = {}
    errors = []
    for header in sheet.headers:
        name = _FIELD_OF.get(header) or _FIELD_OF.get(header.casefold())
        if name is None:
            sentence = f"the column is unknown; remove it or use one of: {', '.join(_COLUMNS.values())}"
            errors.append(_row_error(sheet.header_row, header, Code.UNKNOWN_COLUMN, sentence))
        elif name in fields.values():
            sentence = f"the column stands twice, as {_COLUMNS[name]} and as {name}; keep one of them"
            errors.append(_row_error(sheet.header_row, header, Code.DUPLICATE, sentence))
        else:
            fields[header] = name
    for name in _REQUIRED:
        if name not in fields.values():
            sentence = f"the column is missing; add it (in English: {name})"
            errors.append(_row_error(sheet.header_row, _COLUMNS[name], Code.MISSING, sentence))
    return _Headers(fields), errors


def _read_lines(sheet: Sheet, headers: _Headers) -> list[_Line]:
    lines = []
    for row in sheet.rows:
        cells = {
            headers.fields[header]: cell for header, cell in row.cells.items() if header in headers.fields
        }
        lines.append(_read_line(row.number, cells, headers))
    return lines


def _read_line(row: int, cells: dict[str, Cell], headers: _Headers) -> _Line:
    errors = [
        headers.error(
            row,
            name,
            Code.DESTROYED_NUMBER,
            "the program that wrote this number dropped its last digits; format the column as text and write "
            "the number again",
        )
        for name, cell in cells.items()
        if isinstance(cell, DestroyedNumber)
    ]
    errors += [headers.error(row, name, Code.MISSING, why) for name, why in _absent(cells, headers.present)]
    readable = {name: cell for name, cell in cells.items() if not isinstance(cell, DestroyedNumber)}
    try:
        values = RosterRow.model_validate(readable)
    except ValidationError as refusal:
        for fault in refusal.errors(include_url=False):
            name = str(fault["loc"][0])
            readable.pop(name, None)
            errors.append(headers.error(row, name, Code(fault["type"]), fault["msg"]))
        values = RosterRow.model_validate(readable)
    if values.leave_starts_on and values.leave_ends_on and values.leave_ends_on < values.leave_starts_on:
        errors.append(
            headers.error(row, "leave_ends_on", Code.LEAVE_ORDER, "the leave ends before it begins")
        )
    if values.hired_on and values.left_on and values.left_on < values.hired_on:
        errors.append(headers.error(row, "left_on", Code.CONFLICT, "lies before the day of hiring"))
    return _Line(row, values, frozenset(cells) - frozenset(readable), errors)


def _absent(cells: Mapping[str, Cell], present: frozenset[str]) -> Iterator[tuple[str, str]]:
    for name in _REQUIRED:
        if name in present and name not in cells:
            yield name, "the cell is empty; every person needs it"
    if any(name in cells for name in _LEAVE):
        for name in _LEAVE:
            if name not in cells:
                yield name, f"is missing; a leave needs {', '.join(_COLUMNS[one] for one in _LEAVE)}"
    if "emergency_contact" not in cells and any(name in cells for name in _CONTACT):
        yield "emergency_contact", "is missing; write the name of the emergency contact too"
    if "left_on" in cells and "hired_on" not in cells:
        yield "hired_on", "is missing; the day of leaving needs the day of hiring beside it"


# --- rows together --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Known:
    """What the database knows before the import."""

    numbers: frozenset[str]
    branches: dict[str, str]
    running: dict[tuple[str, str, date], date]

    @classmethod
    def read(cls, session: Session) -> "_Known":
        leaves = session.exec(
            select(col(Person.number), col(Leave.kind), col(Leave.starts_on), col(Leave.ends_on))
            .where(col(Leave.person_id) == col(Person.id))
            .where(col(Case.leave_id) == col(Leave.id))
        )
        return cls(
            numbers=frozenset(session.exec(select(Person.number))),
            branches=dict(session.exec(select(Branch.name, Branch.region)).all()),
            running={(number, kind, starts): ends for number, kind, starts, ends in leaves},
        )


def _branch_regions(lines: list[_Line], known: _Known, headers: _Headers) -> dict[str, Region]:
    """Find the region of every branch in the file; rows of a branch without one are marked."""
    written: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        if line.values.branch and line.values.region:
            written[line.values.branch][line.values.region].append(line.row)
    found: dict[str, Region] = {}
    for line in lines:
        branch = line.values.branch
        if branch is None:
            continue
        said = written.get(branch, {})
        if len(said) > 1:
            rows = _listed(sorted(rows[0] for rows in said.values()))
            sentence = f"rows {rows} name different regions for the same branch; a branch has one"
            line.errors.append(headers.error(line.row, "region", Code.CONFLICT, sentence))
            continue
        name = next(iter(said), None) or known.branches.get(branch) or region_in_name(branch)
        if name is not None:
            found[branch] = region(name)
        elif "region" not in line.unread:
            sentence = f"nothing says in which region the branch lies; write one of {_region_list()}"
            line.errors.append(headers.error(line.row, "region", Code.MISSING, sentence))
    return found


def _region_list() -> str:
    return ", ".join(known.zh for known in known_regions())


def _listed(rows: Sequence[int]) -> str:
    return ", ".join(map(str, rows[:-1])) + f" and {rows[-1]}" if len(rows) > 1 else str(rows[0])


def _by_number(lines: Iterable[_Line]) -> dict[str, list[_Line]]:
    people: dict[str, list[_Line]] = defaultdict(list)
    for line in lines:
        if line.values.number is not None:
            people[line.values.number].append(line)
    return people


def _check_people(
    people: dict[str, list[_Line]], headers: _Headers, known: _Known, today: Callable[[_Line], date]
) -> None:
    for number, lines in people.items():
        if len(lines) > 1:
            _check_agreement(lines, headers)
            _check_leaves_stand_once(lines, headers)
        for line in lines:
            _check_line(line, number, headers, known, today(line))
    _check_id_numbers(people, headers, today)


def _check_agreement(lines: list[_Line], headers: _Headers) -> None:
    for name in _PERSONAL:
        read = [line for line in lines if name not in line.unread]
        if len({getattr(line.values, name) for line in read}) > 1:
            rows = _listed([line.row for line in read])
            sentence = f"rows {rows} belong to the same person and say different things; make them agree"
            for line in read:
                line.errors.append(headers.error(line.row, name, Code.CONFLICT, sentence))


def _check_leaves_stand_once(lines: list[_Line], headers: _Headers) -> None:
    seen: dict[tuple[LeaveKind, date] | None, _Line] = {}
    for line in lines:
        if line.leave is None and any(getattr(line.values, name) or name in line.unread for name in _LEAVE):
            continue
        key = line.leave[:2] if line.leave else None
        first = seen.setdefault(key, line)
        if first is line:
            continue
        if first.leave == line.leave:
            sentence = f"row {first.row} already says the same of this person; delete one of the two"
            line.errors.append(headers.error(line.row, "number", Code.DUPLICATE, sentence))
            continue
        sentence = f"rows {first.row} and {line.row} give two ends to the same leave; keep one of them"
        for one in (first, line):
            one.errors.append(headers.error(one.row, "leave_ends_on", Code.CONFLICT, sentence))


def _check_line(line: _Line, number: str, headers: _Headers, known: _Known, today: date) -> None:
    values = line.values
    if values.manager_number == number:
        line.errors.append(
            headers.error(line.row, "manager_number", Code.CONFLICT, "nobody is their own superior")
        )
    if values.left_on is not None and values.left_on < today and values.leave_kind is not None:
        sentence = "the person has left, and nobody is called back from this leave; remove the leave"
        line.errors.append(headers.error(line.row, "leave_kind", Code.CONFLICT, sentence))
    if line.leave is not None:
        kind, starts_on, ends_on = line.leave
        if known.running.get((number, kind.value, starts_on), ends_on) != ends_on:
            line.errors.append(headers.error(line.row, "leave_ends_on", Code.CONFLICT, _CASE_IS_RUNNING))


_CASE_IS_RUNNING = "a case is running for this leave; change its end in the case"


def _check_id_numbers(
    people: dict[str, list[_Line]], headers: _Headers, today: Callable[[_Line], date]
) -> None:
    """Find one identity under two numbers; a former employment under an old number is none."""
    seen: dict[str, _Line] = {}
    for lines in people.values():
        line = lines[0]
        identity, left_on = line.values.id_number, line.values.left_on
        if identity is None or (left_on is not None and left_on < today(line)):
            continue
        first = seen.setdefault(identity, line)
        if first is not line:
            sentence = f"row {first.row} gives the same number to another person; correct one of the two"
            for one in lines:
                one.errors.append(headers.error(one.row, "id_number", Code.DUPLICATE, sentence))


def _check_managers(
    people: dict[str, list[_Line]], headers: _Headers, known: _Known, accept_good_rows: bool
) -> None:
    """Refuse superiors whom nobody knows; where good rows are taken, also those whose rows are refused."""
    everybody = [line for lines in people.values() for line in lines]
    sentence = "no person with this number is in the file or the database"
    _refuse_managers(everybody, known.numbers | people.keys(), headers, sentence)
    if not accept_good_rows:
        return
    sentence = "the rows of the person with this number are refused, and the database has none"
    left = len(everybody) + 1
    while len(good := [line for line in everybody if line.good]) < left:
        left = len(good)
        there = known.numbers | {line.values.number for line in good if line.values.number}
        _refuse_managers(good, there, headers, sentence)


def _refuse_managers(lines: Iterable[_Line], there: frozenset[str], headers: _Headers, sentence: str) -> None:
    for line in lines:
        manager = line.values.manager_number
        if manager is not None and manager not in there:
            line.errors.append(headers.error(line.row, "manager_number", Code.UNKNOWN_MANAGER, sentence))


# --- writing --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _PersonOrder:
    """One person with the good rows of the file; all rows agree on everything but the leave."""

    number: str
    lines: tuple[_Line, ...]
    present: frozenset[str]
    branch_region: Region
    today: date

    @property
    def values(self) -> RosterRow:
        return self.lines[0].values


@dataclass
class _Written:
    cases: int = 0
    refused: list[RowError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def import_roster(
    database: Database,
    sheet: Sheet,
    *,
    dry_run: bool,
    accept_good_rows: bool,
    now: datetime,
    schedule: Schedule,
) -> ImportResult:
    """Write a roster into the database, or say everything that is wrong with it.

    A person is known by the 工号. A column that the file lacks leaves the database's value, an empty cell
    clears it. One refused row writes nothing unless `accept_good_rows`; a wrong header never writes
    anything. People are written whole, a hundred per transaction. `now` is an aware instant; what has
    passed is told in the branch's zone. A leave that is new or ends on another day, and is over for at
    most 30 days, is handed to `schedule` inside its transaction; an older one gives a warning.
    """
    headers, header_errors = _read_headers(sheet)
    lines = _read_lines(sheet, headers)
    with database.reading() as session:
        known = _Known.read(session)
    regions = _branch_regions(lines, known, headers)

    def today(line: _Line) -> date:
        place = regions.get(line.values.branch or "")
        return now.astimezone(ZoneInfo(place.zone if place else "Asia/Shanghai")).date()

    people = _by_number(lines)
    _check_people(people, headers, known, today)
    _check_managers(people, headers, known, accept_good_rows)
    rejected = header_errors + [error for line in lines for error in line.errors]
    result = ImportResult(len(lines), 0, rejected, 0, [])
    if header_errors or (rejected and not accept_good_rows):
        return result
    orders = [
        _PersonOrder(
            number, tuple(good), headers.present, regions[good[0].values.branch or ""], today(good[0])
        )
        for number, all_lines in people.items()
        if (good := [line for line in all_lines if line.good])
    ]
    return _write(database, orders, result, headers, schedule, dry_run)


def _write(
    database: Database,
    orders: list[_PersonOrder],
    result: ImportResult,
    headers: _Headers,
    schedule: Schedule,
    dry_run: bool,
) -> ImportResult:
    refused = list(result.rejected)
    warnings: list[str] = []
    cases = applied = 0
    remaining = iter(orders)
    while chunk := list(islice(remaining, PEOPLE_PER_TRANSACTION)):
        if dry_run:
            with database.reading() as session:
                written = _write_chunk(session, chunk, headers, None)
        else:
            written = database.write(partial(_write_chunk, chunk=chunk, headers=headers, schedule=schedule))
            applied += sum(len(order.lines) for order in chunk) - len(written.refused)
        cases += written.cases
        refused += written.refused
        warnings += written.warnings
    return ImportResult(result.rows, applied, refused, cases, warnings)


def _write_chunk(
    session: Session, chunk: list[_PersonOrder], headers: _Headers, schedule: Schedule | None
) -> _Written:
    """Write some people; without `schedule` nothing is sent to the database and nothing is scheduled."""
    written = _Written()

    def flush() -> None:
        # The tables know their foreign keys, but the session does not: parents go first.
        if schedule is not None:
            session.flush()

    with session.no_autoflush:
        branches = _keep_branches(session, chunk, written)
        flush()
        numbers = [order.number for order in chunk]
        stored = {p.number: p for p in session.exec(select(Person).where(col(Person.number).in_(numbers)))}
        signed = with_consent(session, [person.id for person in stored.values()])
        for order in chunk:
            if order.number not in stored:
                stored[order.number] = _new_person(session, order, branches)
            person = stored[order.number]
            if _keep_person(person, order, branches, person.id in signed):
                written.warnings.append(
                    f"the person of row {order.lines[0].row} has signed a consent, which counts; their "
                    "service address and consent date in the file are not taken"
                )
        flush()
        ids = [person.id for person in stored.values()]
        _keep_employments(session, chunk, stored, ids)
        _keep_contacts(session, chunk, stored, ids)
        leaves = _keep_leaves(session, chunk, stored, ids, headers, written)
        flush()
    for order, leave in leaves:
        written.cases += 1
        if schedule is not None:
            schedule(session, leave.id, stored[order.number])
    return written


def _keep_branches(session: Session, chunk: list[_PersonOrder], written: _Written) -> dict[str, Branch]:
    wanted = {order.values.branch or "": order.branch_region for order in chunk}
    stored = {b.name: b for b in session.exec(select(Branch).where(col(Branch.name).in_(wanted)))}
    for name, place in wanted.items():
        if name not in stored:
            stored[name] = Branch(id=new_id(), name=name, region=place.name, zone=place.zone)
            session.add(stored[name])
        elif stored[name].region != place.name:
            written.warnings.append(
                f"the branch {shown(name)} moves from {stored[name].region} to {place.name}"
            )
            _set(stored[name], region=place.name, zone=place.zone)
    return stored


def _new_person(session: Session, order: _PersonOrder, branches: dict[str, Branch]) -> Person:
    values = order.values
    branch = branches[values.branch or ""]
    person = Person(id=new_id(), number=order.number, name=values.name or "", branch_id=branch.id)
    session.add(person)
    return person


def _keep_person(person: Person, order: _PersonOrder, branches: dict[str, Branch], signed: bool) -> bool:
    """Write a person; say whether the file differs from what they have signed, which is kept."""
    values = order.values
    changes: dict[str, Any] = {
        name: getattr(values, name) for name in _PERSON_FIELDS if name in order.present
    }
    differs = False
    for name in _SIGNED if signed else ():
        told = changes.pop(name, None)
        differs = differs or (told is not None and told != getattr(person, name))
    if changes.get("preferred_channel") is not None:
        changes["preferred_channel"] = changes["preferred_channel"].value
    if values.language is not None:
        changes["language"] = values.language
    _set(person, name=values.name, branch_id=branches[values.branch or ""].id, **changes)
    return differs


def _set(row: Any, **values: Any) -> None:
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def _keep_employments(
    session: Session, chunk: list[_PersonOrder], people: dict[str, Person], ids: list[str]
) -> None:
    found = session.exec(select(Employment).where(col(Employment.person_id).in_(ids)))
    stored = {(one.person_id, one.hired_on): one for one in found}
    for order in chunk:
        hired_on, left_on = order.values.hired_on, order.values.left_on
        if hired_on is None:
            continue
        person = people[order.number]
        one = stored.get((person.id, hired_on))
        if one is None:
            one = Employment(id=new_id(), person_id=person.id, hired_on=hired_on)
            session.add(one)
        if "left_on" not in order.present:
            continue
        _set(one, ended_on=left_on)
        if left_on is not None and left_on < order.today:
            _set(one, state="ended")
        elif one.state == "ended":
            one.state = "active"


def _keep_contacts(
    session: Session, chunk: list[_PersonOrder], people: dict[str, Person], ids: list[str]
) -> None:
    found = session.exec(select(EmergencyContact).where(col(EmergencyContact.person_id).in_(ids)))
    stored = {contact.person_id: contact for contact in found}
    for order in chunk:
        if "emergency_contact" not in order.present:
            continue
        values, person = order.values, people[order.number]
        contact = stored.get(person.id)
        if values.emergency_contact is None:
            if contact is not None:
                session.delete(contact)
            continue
        if contact is None:
            contact = EmergencyContact(person_id=person.id, name=values.emergency_contact)
            session.add(contact)
        changes = {
            "relation": ("relation", values.relation),
            "emergency_contact_phone": ("phone", values.emergency_contact_phone),
            "emergency_contact_consent_on": ("consent_on", values.emergency_contact_consent_on),
        }
        kept = dict(change for name, change in changes.items() if name in order.present)
        _set(contact, name=values.emergency_contact, **kept)


def _keep_leaves(
    session: Session,
    chunk: list[_PersonOrder],
    people: dict[str, Person],
    ids: list[str],
    headers: _Headers,
    written: _Written,
) -> list[tuple[_PersonOrder, Leave]]:
    """Write leaves and return those that a case should follow."""
    found = session.exec(select(Leave).where(col(Leave.person_id).in_(ids)))
    stored = {(leave.person_id, leave.kind, leave.starts_on): leave for leave in found}
    with_case = set(
        session.exec(
            select(Case.leave_id).where(col(Case.leave_id).in_([leave.id for leave in stored.values()]))
        )
    )
    to_follow = []
    for order in chunk:
        for line in order.lines:
            if line.leave is None:
                continue
            kind, starts_on, ends_on = line.leave
            person = people[order.number]
            leave = stored.get((person.id, kind.value, starts_on))
            if leave is not None and leave.ends_on == ends_on:
                continue
            if leave is not None and leave.id in with_case:
                # The case began after the rows were checked.
                error = headers.error(line.row, "leave_ends_on", Code.CONFLICT, _CASE_IS_RUNNING)
                written.refused.append(error)
                continue
            if leave is None:
                leave = Leave(
                    id=new_id(), person_id=person.id, kind=kind.value, starts_on=starts_on, ends_on=ends_on
                )
                session.add(leave)
            leave.ends_on = ends_on
            if order.today - ends_on > timedelta(days=DAYS_AFTER_WHICH_NO_CASE_STARTS):
                written.warnings.append(
                    f"row {line.row}: the leave ended more than {DAYS_AFTER_WHICH_NO_CASE_STARTS} days ago; "
                    "no case is started; start one by hand if it is needed"
                )
            else:
                to_follow.append((order, leave))
    return to_follow


# --- the file to fill in --------------------------------------------------------------------------------

_EXAMPLE: dict[str, str] = {
    "number": "E1042",
    "name": "张示例",
    "id_number": "99999919900101" + "001" + check_digit("99999919900101001"),
    "phone": "13800138000",
    "email": "zhang@example.com",
    "preferred_channel": "短信",
    "branch": "北京分公司",
    "department": "生产部",
    "post": "操作工",
    "manager_number": "E1001",
    "hired_on": "2020-03-01",
    "emergency_contact": "李示例",
    "relation": "配偶",
    "emergency_contact_phone": "13900139000",
    "service_address": "北京市朝阳区示例路1号",
    "e_delivery_consent_on": "2020-03-01",
    "leave_kind": "病假",
    "leave_starts_on": "2026-02-01",
    "leave_ends_on": "2026-02-13",
    "emergency_contact_consent_on": "2020-03-01",
    "region": "北京市",
    "language": "zh-CN",
}


def _allowed(name: str) -> str:
    if name in _DATES:
        return "2026-02-13, 2026/2/13, 2026.2.13, 2026年2月13日, 20260213"
    if name in ("phone", "emergency_contact_phone"):
        return "mobile number: 11 digits, or + and country code"
    choices: dict[str, Iterable[str]] = {
        "preferred_channel": _CHANNELS,
        "leave_kind": _LEAVE_KINDS,
        "language": _LANGUAGES.values(),
        "region": (f"{known.zh} / {known.name}" for known in known_regions()),
        "id_number": ("18 characters, or a passport number",),
    }
    return ", ".join(dict.fromkeys(choices.get(name, ())))


def roster_workbook(people: Iterable[Mapping[str, str | date]]) -> bytes:
    """Write people by field name into a roster: .xlsx, Chinese headers, and a second sheet that explains.

    Every column but the dates is formatted as text, so that long numbers keep their digits. Raises
    `KeyError` for a field that a roster does not have.
    """
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    as_text = book.add_format({"num_format": "@"})
    as_day = book.add_format({"num_format": "yyyy-mm-dd"})
    bold = book.add_format({"bold": True, "num_format": "@"})
    columns = {name: index for index, name in enumerate(_COLUMNS)}
    roster = book.add_worksheet("花名册")
    roster.set_column(0, len(columns) - 1, 16, as_text)
    for name in _DATES:
        roster.set_column(columns[name], columns[name], 16, as_day)
    roster.write_row(0, 0, _COLUMNS.values(), bold)
    roster.freeze_panes(1, 2)
    for row, person in enumerate(people, start=1):
        for name, value in person.items():
            if isinstance(value, date):
                roster.write_datetime(row, columns[name], value, as_day)
            else:
                roster.write_string(row, columns[name], value, as_text)
    notes = book.add_worksheet("说明")
    notes.set_column(0, 3, 28, as_text)
    notes.write_row(0, 0, ("列", "English", "示例 / example", "可填 / allowed"), bold)
    for row, (name, header) in enumerate(_COLUMNS.items(), start=1):
        mark = " *" if name in _REQUIRED else ""
        notes.write_row(row, 0, (header + mark, name, _EXAMPLE.get(name, ""), _allowed(name)), as_text)
    book.close()
    return content.getvalue()


def roster_template() -> bytes:
    """Return an empty roster (.xlsx) with the headers and, on a second sheet, aliases, values, an example."""
    return roster_workbook(())
