"""The rows of a roster one by one: what could be read of each, and everything that is wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from pydantic import ValidationError

from countersign.adapters.roster.cells import Code, RosterRow
from countersign.adapters.roster.columns import (
    COLUMNS,
    CONTACT_FIELDS,
    CONTRACT_FIELDS,
    LEAVE_FIELDS,
    REQUIRED,
)
from countersign.adapters.sheets import Cell, DestroyedNumber, RowError, Sheet
from countersign.contracts.leave_return import LeaveKind
from countersign.domain.certificate import ContractType

_FIELD_OF = {name: name for name in COLUMNS} | {header: name for name, header in COLUMNS.items()}


@dataclass
class Line:
    """A row of the file on its way: what could be read of it, and everything that is wrong with it."""

    row: int
    values: RosterRow
    unread: frozenset[str]
    errors: list[RowError] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Say that nothing is wrong with it."""
        return not self.errors

    @property
    def leave(self) -> tuple[LeaveKind, date, date] | None:
        """Kind, first and last day, where all three could be read."""
        one = self.values
        if one.leave_kind is None or one.leave_starts_on is None or one.leave_ends_on is None:
            return None
        return one.leave_kind, one.leave_starts_on, one.leave_ends_on


@dataclass(frozen=True)
class Headers:
    """Which field stands under which header of this file."""

    fields: dict[str, str]

    def of(self, name: str) -> str:
        """Return the header of a field as it stands in the file, else the Chinese one."""
        return next((header for header, one in self.fields.items() if one == name), COLUMNS[name])

    @property
    def present(self) -> frozenset[str]:
        """The fields that the file has a column for."""
        return frozenset(self.fields.values())

    def error(self, row: int, name: str, code: Code, sentence: str) -> RowError:
        """Return why the cell of a field is refused."""
        return row_error(row, self.of(name), code, sentence)


def row_error(row: int, header: str, code: Code, sentence: str) -> RowError:
    """Return why the cell of a row under a header is refused."""
    return RowError(row, header, code.value, f"row {row}, {header}: {sentence}")


def read_headers(sheet: Sheet) -> tuple[Headers, list[RowError]]:
    """Return which field stands under which header, and what is wrong with the headers."""
    fields: dict[str, str] = {}
    errors = []
    for header in sheet.headers:
        name = _FIELD_OF.get(header) or _FIELD_OF.get(header.casefold())
        if name is None:
            sentence = f"the column is unknown; remove it or use one of: {', '.join(COLUMNS.values())}"
            errors.append(row_error(sheet.header_row, header, Code.UNKNOWN_COLUMN, sentence))
        elif name in fields.values():
            sentence = f"the column stands twice, as {COLUMNS[name]} and as {name}; keep one of them"
            errors.append(row_error(sheet.header_row, header, Code.DUPLICATE, sentence))
        else:
            fields[header] = name
    for name in REQUIRED:
        if name not in fields.values():
            sentence = f"the column is missing; add it (in English: {name})"
            errors.append(row_error(sheet.header_row, COLUMNS[name], Code.MISSING, sentence))
    return Headers(fields), errors


def read_lines(sheet: Sheet, headers: Headers) -> list[Line]:
    """Read every row by itself."""
    lines = []
    for row in sheet.rows:
        cells = {
            headers.fields[header]: cell for header, cell in row.cells.items() if header in headers.fields
        }
        lines.append(_read_line(row.number, cells, headers))
    return lines


def _read_line(row: int, cells: dict[str, Cell], headers: Headers) -> Line:
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
    if not any(name in cells and name not in readable for name in CONTRACT_FIELDS):
        errors += [headers.error(row, name, code, why) for name, code, why in _of_contract(values)]
    return Line(row, values, frozenset(cells) - frozenset(readable), errors)


def _of_contract(values: RosterRow) -> Iterator[tuple[str, Code, str]]:
    """Yield what is wrong with the term of a contract: of which field, and why."""
    kind, first, last = values.contract_type, values.contract_starts_on, values.contract_ends_on
    if kind is None and first is None and last is None:
        return
    if values.hired_on is None:
        yield "hired_on", Code.MISSING, "is missing; the contract needs the day of hiring beside it"
    if first is None:
        yield "contract_starts_on", Code.MISSING, "is missing; write the first day of the contract"
    if kind in (None, ContractType.FIXED) and last is None:
        yield (
            "contract_ends_on",
            Code.MISSING,
            "is missing; write the last day of the contract, or in 合同类型 that it is open-ended",
        )
    if kind not in (None, ContractType.FIXED) and last is not None:
        yield (
            "contract_ends_on",
            Code.CONFLICT,
            "this contract has no fixed term; leave it empty",
        )
    if first is not None and last is not None and last < first:
        yield "contract_ends_on", Code.CONFLICT, "lies before the first day of the contract"


def _absent(cells: Mapping[str, Cell], present: frozenset[str]) -> Iterator[tuple[str, str]]:
    for name in REQUIRED:
        if name in present and name not in cells:
            yield name, "the cell is empty; every person needs it"
    if any(name in cells for name in LEAVE_FIELDS):
        for name in LEAVE_FIELDS:
            if name not in cells:
                yield name, f"is missing; a leave needs {', '.join(COLUMNS[one] for one in LEAVE_FIELDS)}"
    if "emergency_contact" not in cells and any(name in cells for name in CONTACT_FIELDS):
        yield "emergency_contact", "is missing; write the name of the emergency contact too"
    if "left_on" in cells and "hired_on" not in cells:
        yield "hired_on", "is missing; the day of leaving needs the day of hiring beside it"
